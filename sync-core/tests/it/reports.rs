//! Reports on a device, without any server.

use serde_json::{Value as Json, json};
use sync_core::replica::{LocalTime, Replica, ReportError};
use sync_core::time::UnixMs;

use crate::kit::{World, edit, kind, replica};

/// East: always 13 hours ahead. West: five hours behind, four from March 2026 on.
fn offset_s(zone: &str, at: UnixMs) -> Option<i32> {
    let spring = UnixMs::parse("2026-03-08T07:00:00Z").unwrap();
    match zone {
        "East" => Some(13 * 3600),
        "West" if at < spring => Some(-5 * 3600),
        "West" => Some(-4 * 3600),
        _ => None,
    }
}

fn at(moment: &str) -> LocalTime {
    LocalTime { now: UnixMs::parse(moment).unwrap(), offset_s }
}

fn value(device: &Replica, expression: &str) -> Json {
    device.query(&format!("SELECT {expression}")).unwrap().rows[0][0].clone()
}

/// What reports call says on a device what it says in PostgreSQL, at the edges too.
#[test]
fn the_functions_of_reports_keep_calendars_and_zones() {
    let file = tempfile::NamedTempFile::new().unwrap();
    let mut env = World::new(1);
    let device = replica(file.path(), 1, &mut env);
    device.report("trust", at("2026-03-08T12:00:00Z")).unwrap();
    for (expression, said) in [
        ("now()", json!("2026-03-08T12:00:00.000Z")),
        ("days_ago(30)", json!("2026-02-06T12:00:00.000Z")),
        ("local_day('2026-01-01T11:30:00Z', 'East')", json!("2026-01-02")),
        ("local_day('2026-01-01T04:30:00Z', 'West')", json!("2025-12-31")),
        ("local_day('2026-01-01T04:30:00Z', 'UTC')", json!("2026-01-01")),
        ("local_day('2026-01-01T04:30:00Z', 'Nowhere')", json!("2026-01-01")),
        // On the day on which the clocks change.
        ("local_day('2026-03-08T04:30:00Z', 'West')", json!("2026-03-07")),
        ("local_day('2026-03-08T05:30:00Z', 'West')", json!("2026-03-08")),
        ("local_day('2026-03-09T04:30:00Z', 'West')", json!("2026-03-09")),
        ("local_day('soon', 'UTC')", Json::Null),
        ("local_day(NULL, 'UTC')", Json::Null),
        ("iso_week('2024-12-30')", json!("2025-W01")),
        ("iso_week('2027-01-03')", json!("2026-W53")),
        ("iso_week(NULL)", Json::Null),
        ("month_of('2026-03-31')", json!("2026-03")),
        ("quarter_of('2026-03-31')", json!("2026-Q1")),
        ("quarter_of('2026-12-01')", json!("2026-Q4")),
        ("quarter_of(NULL)", Json::Null),
        ("days_between('2026-02-27', '2026-03-01')", json!(2)),
        ("days_between('2026-03-01', '2026-02-27')", json!(-2)),
        ("of_percent(25)", json!(0.3)),
        ("of_percent(124)", json!(1.2)),
        ("of_percent(NULL)", Json::Null),
    ] {
        assert_eq!(value(&device, expression), said, "{expression}");
    }
}

/// A new device answers every report, and one it does not know by naming those there are.
#[test]
fn every_report_answers_on_a_device() {
    let file = tempfile::NamedTempFile::new().unwrap();
    let mut env = World::new(2);
    let mut device = replica(file.path(), 1, &mut env);
    let now = at("2026-03-08T12:00:00Z");
    for report in device.reports() {
        let table = device.report(report.name, now).unwrap();
        assert_eq!(table.rows.len(), usize::from(report.name == "trust"), "{}", report.name);
    }
    let unknown = device.report("profits", now).unwrap_err();
    assert!(matches!(unknown, ReportError::Unknown { .. }));
    assert!(unknown.to_string().contains("pipeline, activity, overdue_follow_ups"), "{unknown}");
    let account = device
        .create(kind("organization"), edit(kind("organization"), &[("name", "Café")]), &mut env)
        .unwrap()
        .to_string();
    let due = |day| [("title", "Call"), ("organization_id", account.as_str()), ("due_date", day)];
    for day in ["2026-03-01", "2026-03-08"] {
        device.create(kind("task"), edit(kind("task"), &due(day)), &mut env).unwrap();
    }
    let overdue = device.report("overdue_follow_ups", now).unwrap();
    assert_eq!(overdue.rows.len(), 1, "what is due today is not overdue");
    assert_eq!(overdue.rows[0][3], json!(7));
    assert_eq!(overdue.rows[0][5], json!("Café"));
}

#[test]
fn what_a_device_cannot_know_is_nothing() {
    let file = tempfile::NamedTempFile::new().unwrap();
    let mut env = World::new(3);
    let device = replica(file.path(), 1, &mut env);
    let trust = device.report("trust", at("2026-03-08T12:00:00Z")).unwrap();
    assert_eq!(trust.rows[0], [json!(0), json!(0), json!(0), Json::Null, json!(0), json!(0)]);
}
