//! `pantry report`.

use crate::kit::{begun, fails, ok, pantry};

/// A report without a server: as a table with how far to trust it, as CSV that no spreadsheet runs, and as
/// JSON.
#[test]
fn reports_are_made_on_the_device() {
    let dir = begun();
    let dir = dir.path();
    let account = ok(dir, &["new", "organization", "name==1+1", "priority_level=A"]);
    let deal = format!("organization_id={}", account.trim());
    ok(dir, &["new", "opportunity", "name=Oat milk", &deal, "estimated_value=100.00 USD"]);
    let listed = ok(dir, &["report"]);
    assert!(listed.contains("pipeline") && listed.contains("trust"), "{listed}");
    let pipeline = ok(dir, &["report", "pipeline"]);
    assert!(pipeline.contains("prospecting") && pipeline.contains("10000"), "{pipeline}");
    assert!(pipeline.contains("0 contested fields"), "the line on trust: {pipeline}");
    let csv = pantry(dir, &["report", "priority_a_not_visited", "--csv"]);
    let text = String::from_utf8(csv.stdout).unwrap();
    assert!(text.starts_with("\"id\",\"name\",\"rep\",\"last_visit_at\"\n"), "{text}");
    assert!(text.contains(",\"'=1+1\","), "{text}");
    assert!(String::from_utf8(csv.stderr).unwrap().contains("contested"), "trust is beside it");
    let row = ok(dir, &["--json", "report", "forecast"]);
    let row: serde_json::Value = serde_json::from_str(&row).unwrap();
    assert_eq!((&row["month"], &row["weighted_minor"]), (&"no date".into(), &1000.into()));
    let (code, errors) = fails(dir, &["report", "profits"]);
    assert!(code == 1 && errors.contains("there are pipeline, activity"), "{errors}");
}
