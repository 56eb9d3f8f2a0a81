//! What a device answers and what a report says are the same, row for row.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use client_sdk::Client;
use client_sdk::core::crm::REPORTS;
use client_sdk::core::ids::RecordId;
use client_sdk::core::replica::Table;
use client_sdk::core::time::UnixMs;
use serde_json::Value as Json;
use sqlx::Executor as _;
use sync_server::ops::assign::{self, Assignment};
use sync_server::ops::report;

use crate::harness::{World, create, pantry, set};

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

    let zones = "UPDATE public.users SET time_zone = CASE WHEN role = 'manager' THEN 'UTC'
                 WHEN manager_id IS NULL THEN time_zone ELSE 'Pacific/Auckland' END";
    world.owner.execute(zones).await.unwrap();
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
    let mut ada = world.device("ada.db", world.admin);
    world.sync(&mut ada).await;
    for device in [&rosa, &omar, &ada] {
        world.assert_agrees(device).await;
        reports_agree(&world, device).await;
    }
    world.assert_projected().await;
    world.end().await;
}

/// Every report is the same rows on the server, as the device's user, and on the device.
async fn reports_agree(world: &World, device: &Client) {
    let user = device.user().0;
    for name in REPORTS.iter().map(|report| report.name) {
        let there = report::run(&world.server.app.pool, name, user).await.unwrap();
        let here = device.report(name).unwrap();
        assert_eq!(here.columns, there.columns, "{name}");
        assert!(!there.rows.is_empty(), "{name} has something to say");
        if name == "trust" {
            trust_agrees(world, device, &here, &there.rows[0]);
            continue;
        }
        // Each side has its own order of letters.
        let sorted = |rows: &[Vec<Json>]| {
            let mut lines: Vec<String> = rows.iter().map(|row| plain(row)).collect();
            lines.sort_unstable();
            lines
        };
        assert_eq!(sorted(&here.rows), sorted(&there.rows), "{name} of {user}");
    }
}

/// Who synced when only the server knows of everybody; all else is the same.
fn trust_agrees(world: &World, device: &Client, here: &Table, there: &[Json]) {
    let cell = |row: &[Json], name: &str| {
        row[here.columns.iter().position(|column| column == name).unwrap()].clone()
    };
    let row = &here.rows[0];
    for name in ["reps", "open_conflicts", "open_violations"] {
        assert_eq!(cell(row, name), cell(there, name), "{name}");
    }
    let alone = device.user().0 != world.admin;
    for name in ["reps_synced_24h", "reps_never_synced"] {
        let known = if alone { cell(there, name) } else { Json::Null };
        assert_eq!(cell(row, name), known, "{name}");
    }
    assert_eq!(cell(row, "oldest_sync").is_null(), !alone);
}

/// A row as both sides mean it: moments in one form.
fn plain(row: &[Json]) -> String {
    let cells = row.iter().map(|cell| match cell.as_str().and_then(UnixMs::parse) {
        Some(at) => at.to_string(),
        None => cell.to_string(),
    });
    cells.collect::<Vec<_>>().join(" | ")
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
        // At every hour, and around the turn of the year, where days and weeks are others elsewhere.
        let when = match n % 5 {
            0 => format!("2024-12-{:02}T{:02}:30:00Z", 28 + n % 4, n % 24),
            _ => format!("2025-{:02}-{:02}T{:02}:00:00Z", 1 + n % 12, 1 + n % 28, n % 24),
        };
        let visit = [
            ("organization_id", parent.as_str()),
            ("interaction_type", ["VISIT", "CALL", "DEMO"][n % 3]),
            ("occurred_at", when.as_str()),
        ];
        create(device, "interaction", &visit);
        let (value, cases) = ((1000 * n).to_string(), (7 * n + 1).to_string());
        let month = format!("20{}-{:02}-15", ["31", "24"][usize::from(n % 7 == 0)], 1 + n % 12);
        let deal = [
            ("organization_id", parent.as_str()),
            ("name", "Menu"),
            ("estimated_value.minor", value.as_str()),
            ("estimated_value.currency", ["USD", "EUR"][n % 2]),
            ("cases_per_week", cases.as_str()),
            ("estimated_close_date", month.as_str()),
        ];
        let deal = create(device, "opportunity", &deal);
        let stage = ["negotiation", "prospecting", "closed-won", "proposal"][n % 4];
        set(device, deal, "opportunity", &[("stage", stage)]);
        let bare = [("organization_id", parent.as_str()), ("name", "Someday")];
        create(device, "opportunity", &bare);
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
