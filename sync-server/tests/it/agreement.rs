//! What a device answers and what a report says are the same, row for row.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use client_sdk::Client;
use client_sdk::core::ids::RecordId;
use sync_server::ops::assign::{self, Assignment};
use sync_server::ops::report;

use crate::harness::{World, create, pantry, set};

/// A report of the server, and the query that answers the same on a device.
const REPORTS: [(&str, &str, &str); 5] = [
    (
        "pipeline",
        "SELECT stage, currency, deals, value_minor, weighted_minor FROM reports.pipeline",
        "SELECT p.stage, p.estimated_value_currency AS currency, count(*) AS deals,
                sum(p.estimated_value_minor) AS value_minor, sum(p.weighted_value_minor) AS weighted_minor
         FROM opportunities p JOIN organizations o ON o.id = p.organization_id
         WHERE NOT p.is_deleted AND NOT o.is_deleted AND p.stage NOT IN ('closed-won', 'closed-lost')
         GROUP BY p.stage, p.estimated_value_currency",
    ),
    (
        "activity",
        "SELECT rep, week, type, interactions FROM reports.activity",
        "SELECT u.full_name AS rep, strftime('%G-W%V', i.occurred_at) AS week,
                i.interaction_type AS type, count(*) AS interactions
         FROM interactions i JOIN users u ON u.id = i.user_id
         WHERE NOT i.is_deleted AND i.status = 'completed' GROUP BY i.user_id, 2, 3",
    ),
    (
        "overdue_follow_ups",
        "SELECT id, title, due_date, organization FROM reports.overdue_follow_ups",
        "SELECT k.id, k.title, k.due_date, o.name AS organization
         FROM tasks k JOIN organizations o ON o.id = k.organization_id
         WHERE NOT k.is_deleted AND NOT k.is_completed AND NOT o.is_deleted AND k.due_date < '2026-01-01'",
    ),
    (
        "priority_a_not_visited",
        "SELECT id, name, rep FROM reports.priority_a_not_visited",
        "SELECT o.id, o.name, u.full_name AS rep
         FROM organizations o LEFT JOIN users u ON u.id = o.assigned_user_id
         WHERE NOT o.is_deleted AND o.merged_into IS NULL AND o.priority_level = 'A'
           AND o.organization_type IN ('prospect', 'customer')",
    ),
    (
        "forecast",
        "SELECT month, deals, weighted_minor FROM reports.forecast",
        "SELECT strftime('%Y-%m', p.estimated_close_date) AS month, count(*) AS deals,
                sum(p.weighted_value_minor) AS weighted_minor
         FROM opportunities p JOIN organizations o ON o.id = p.organization_id
         WHERE NOT p.is_deleted AND NOT o.is_deleted AND p.stage NOT IN ('closed-won', 'closed-lost')
         GROUP BY 1, p.estimated_value_currency",
    ),
];

/// One rep imports a city's restaurants, the manager gives half to another; both work without a
/// network, and then everybody's numbers agree.
///
/// `IMPORT_CSV` names a file of one's own, with columns that `pantry import` can guess.
#[tokio::test(flavor = "multi_thread")]
async fn two_reps_share_an_import_and_devices_agree_with_reports() {
    let world = World::new().await;
    let csv = match std::env::var_os("IMPORT_CSV") {
        Some(file) => PathBuf::from(file),
        None => made_up_places(world.files.path(), 1200),
    };
    let rows = csv_rows(&csv);
    let file = world.files.path().join("rosa.db");
    pantry(&file, &["init", "--user", &world.rep.to_string()]);
    pantry(&file, &["import", csv.to_str().unwrap(), "--kind", "organization"]);
    let mut rosa = Client::open(&file, None).unwrap();
    let accounts: Vec<RecordId> = ids(&rosa);
    assert_eq!(accounts.len(), rows, "every row of the file is an account");
    world.sync(&mut rosa).await;
    share(&world, &accounts).await;

    let mut omar = world.device("omar.db", world.other_rep);
    world.sync(&mut omar).await;
    world.sync(&mut rosa).await;
    assert_eq!(ids(&rosa).len() + ids(&omar).len(), rows);
    for device in [&mut rosa, &mut omar] {
        a_day_of_work(device);
    }
    world.sync(&mut rosa).await;
    world.sync(&mut omar).await;
    world.sync(&mut rosa).await;
    for device in [&rosa, &omar] {
        world.assert_agrees(device).await;
        reports_agree(&world, device).await;
    }
    world.assert_projected().await;
    world.end().await;
}

async fn reports_agree(world: &World, device: &Client) {
    let user = device.user().0;
    for (name, of_server, of_device) in REPORTS {
        let there = report::select(&world.server.app.pool, of_server, user).await.unwrap();
        let here = device.query(of_device).unwrap();
        assert!(!there.rows.is_empty(), "{name} has something to say");
        let sorted = |rows: &[Vec<serde_json::Value>]| {
            let mut lines: Vec<String> = rows.iter().map(|row| format!("{row:?}")).collect();
            lines.sort_unstable();
            lines
        };
        assert_eq!(sorted(&here.rows), sorted(&there.rows), "{name} of {user}");
    }
}

/// Half of the accounts to each rep, alternately.
async fn share(world: &World, accounts: &[RecordId]) {
    let to = |n: usize| if n.is_multiple_of(2) { world.rep } else { world.other_rep };
    let list: Vec<Assignment> = accounts
        .iter()
        .enumerate()
        .map(|(n, account)| Assignment {
            organization: account.0,
            to: to(n),
            second: None,
            territory: None,
        })
        .collect();
    let app = &world.server.app;
    let outcome = assign::assign(&app.pool, &app.committer, world.manager, &list).await.unwrap();
    assert_eq!((outcome.changed, outcome.refused.len()), (accounts.len(), 0));
}

/// Visits, deals, tasks and corrections over the first accounts of a device, all offline.
fn a_day_of_work(device: &mut Client) {
    for (n, account) in ids(device).into_iter().take(120).enumerate() {
        let parent = account.to_string();
        let level = ["A", "B"][n % 2];
        let kind = ["customer", "distributor"][usize::from(n % 5 == 0)];
        set(
            device,
            account,
            "organization",
            &[
                ("priority_level", level),
                ("organization_type", kind),
                ("notes", "Ask for the chef."),
            ],
        );
        let when = format!("2025-{:02}-{:02}T16:00:00Z", 1 + n % 12, 1 + n % 28);
        let visit = [
            ("organization_id", parent.as_str()),
            ("interaction_type", ["VISIT", "CALL", "DEMO"][n % 3]),
            ("occurred_at", when.as_str()),
        ];
        create(device, "interaction", &visit);
        let (value, month) = ((1000 * n).to_string(), format!("2031-{:02}-15", 1 + n % 12));
        let deal = [
            ("organization_id", parent.as_str()),
            ("name", "Menu"),
            ("estimated_value.minor", value.as_str()),
            ("estimated_value.currency", ["USD", "EUR"][n % 2]),
            ("estimated_close_date", month.as_str()),
        ];
        let deal = create(device, "opportunity", &deal);
        if n % 4 == 0 {
            set(device, deal, "opportunity", &[("stage", "negotiation")]);
        }
        let due = format!("20{}-05-05", ["24", "31"][n % 2]);
        let task =
            [("organization_id", parent.as_str()), ("title", "Call back"), ("due_date", &due)];
        create(device, "task", &task);
    }
}

fn ids(device: &Client) -> Vec<RecordId> {
    let found = device.query("SELECT id FROM organizations ORDER BY name, id").unwrap();
    found.rows.iter().map(|row| row[0].as_str().unwrap().parse().unwrap()).collect()
}

fn csv_rows(file: &Path) -> usize {
    // Every row of these files is one line: no cell has a line break in it.
    std::fs::read_to_string(file).unwrap().lines().count() - 1
}

/// Places with what real files have in them: quotes, commas, other alphabets, leading zeros.
fn made_up_places(dir: &Path, count: usize) -> PathBuf {
    let mut text = String::from("name,cuisine,street,city,postal_code\n");
    for n in 0..count {
        let name = ["Café Zoë", "\"\"Joe's\"\" Diner", "Salt, Pepper & Co", "一番ラーメン"][n % 4];
        let cuisine = ["Thai", "Diner", "Deli", "Ramen", ""][n % 5];
        writeln!(text, "\"{name} {n}\",{cuisine},{n} Main Street,Albany,{:05}", n % 700).unwrap();
    }
    let file = dir.join("places.csv");
    std::fs::write(&file, text).unwrap();
    file
}
