//! Values at the ends of what their columns hold: no row can take a report down.

use client_sdk::core::document::{RecordEdit, Value};
use client_sdk::core::limits;
use serde_json::json;
use sqlx::{AssertSqlSafe, Executor as _};
use sync_server::ops::report;

use crate::harness::{World, create, kind, set};

/// Money is whole minor units from nothing to ten trillion, in a currency of ISO 4217: the device
/// says so when it is typed, whatever way it is given.
#[tokio::test(flavor = "multi_thread")]
async fn money_has_bounds_and_a_currency() {
    let world = World::new().await;
    let mut rosa = world.device("rosa.db", world.rep);
    let account = create(&mut rosa, "organization", &[("name", "Kitchen")]).to_string();
    let deal = [("organization_id", account.as_str()), ("name", "Menu")];
    let deal = create(&mut rosa, "opportunity", &deal);
    let kind = kind("opportunity");
    for (typed, why) in [
        ("minor=-1, currency=USD", "is not between 0 and 10000000000000"),
        ("minor=10000000000001, currency=USD", "is not between 0 and 10000000000000"),
        ("minor=9223372036854775807, currency=USD", "is not between"),
        ("minor=100, currency=XYZ", "is no currency of ISO 4217"),
        ("minor=100, currency=US", "is no currency of ISO 4217"),
    ] {
        let refused = RecordEdit::parse(&kind, [("estimated_value", typed)]).unwrap_err();
        assert!(refused.to_string().contains(why), "{typed}: {refused}");
    }
    let field = kind.field("estimated_value").unwrap();
    for odd in [json!({"minor": -5, "currency": "USD"}), json!({"minor": 5, "currency": "usd"})] {
        Value::from_json(field, &odd).unwrap_err();
    }
    let most = format!("minor={}, currency=eur", limits::MONEY_MINOR);
    set(&mut rosa, deal, "opportunity", &[("estimated_value", &most)]);
    assert_eq!(world.sync(&mut rosa).await.refused, 0);
    let shown = "SELECT estimated_value_minor, estimated_value_currency FROM public.opportunities";
    assert_eq!(world.select(world.rep, shown).await, [[json!(limits::MONEY_MINOR), json!("EUR")]]);
    world.end().await;
}

/// Rows hold the greatest and the least that their columns take, and nothing at all, as no document
/// makes them; every report still answers everybody, as a table and as CSV.
#[tokio::test(flavor = "multi_thread")]
async fn no_row_can_fail_a_report() {
    let world = World::new().await;
    let mut rosa = world.device("rosa.db", world.rep);
    let account = [("name", "Kitchen"), ("priority_level", "A")];
    let account = create(&mut rosa, "organization", &account).to_string();
    let of = ("organization_id", account.as_str());
    let value = format!("minor={}, currency=USD", limits::MONEY_MINOR);
    for n in 0..4 {
        let name = format!("Number {n}");
        let deal =
            [of, ("name", &*name), ("estimated_value", &value), ("cases_per_week", "1000000")];
        create(&mut rosa, "opportunity", &deal);
        let day = ["0001-01-01", "9999-12-31", "2026-01-01", "2024-02-29"][n];
        create(&mut rosa, "task", &[of, ("title", &name), ("due_date", day)]);
        let day = ["0001-01-01", "1970-01-01", "2026-01-01", "2024-02-29"][n];
        let moment = format!("{day}T00:00:00Z");
        let moment = moment.as_str();
        let visit = [of, ("interaction_type", "VISIT"), ("occurred_at", moment)];
        create(&mut rosa, "interaction", &visit);
    }
    assert_eq!(world.sync(&mut rosa).await.refused, 0);
    assert_all_answer(&world).await;
    let most = i64::MAX;
    let extremes = format!(
        "SET LOCAL pantry.projects = 'on';
         UPDATE public.opportunities SET estimated_value_minor = {most}, weighted_value_minor = {most},
             cases_per_week = {most}, probability = {most}, conflict_count = {most},
             estimated_close_date = CASE name WHEN 'Number 0' THEN '0001-01-01' WHEN 'Number 1' THEN '9999-12-31'::date END;
         UPDATE public.interactions SET occurred_at = CASE WHEN id::text < '8' THEN '0001-01-01T00:00:00Z' ELSE '9999-12-31T23:59:59Z'::timestamptz END;"
    );
    run(&world, &extremes).await;
    assert_all_answer(&world).await;
    let sums = "SELECT value_minor, weighted_cases_per_week FROM reports.pipeline, reports.forecast WHERE month = 'no date'";
    let [row] = &world.select(world.admin, sums).await[..] else { panic!("one row") };
    // Two beyond what 64 bits hold, all the same.
    assert!(row[0].as_f64().unwrap() > 3.6e19 && row[1].as_f64().unwrap() > 1e36, "{row:?}");
    let mut nothing = String::from("SET LOCAL pantry.projects = 'on';");
    for kind in world.server.app.schema.document_kinds() {
        let columns = kind.columns().iter().map(|column| &*column.name);
        let all: Vec<String> =
            columns.filter(|name| *name != "id").map(|name| format!("{name} = NULL")).collect();
        nothing += &format!("UPDATE public.{} SET {};", kind.table, all.join(", "));
    }
    run(&world, &nothing).await;
    assert_all_answer(&world).await;
    world.end().await;
}

async fn run(world: &World, sql: &str) {
    let mut tx = world.owner.begin().await.unwrap();
    tx.execute(AssertSqlSafe(sql.to_owned())).await.unwrap();
    tx.commit().await.unwrap();
}

async fn assert_all_answer(world: &World) {
    for (name, _) in report::reports() {
        for user in [world.admin, world.manager, world.rep] {
            let report = report::run(&world.server.app.pool, name, user).await.unwrap();
            report.to_table();
            report.to_csv();
        }
    }
}
