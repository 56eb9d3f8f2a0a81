//! Reports have one definition: the statement that devices run is the body of the server's view.

use sync_core::crm::REPORTS;

const MIGRATION: &str = include_str!("../../../migrations/0009_reports.up.sql");

#[test]
fn the_views_of_reports_are_the_statements_that_devices_run() {
    for report in REPORTS {
        let body: Vec<String> =
            report.sql.trim_end().lines().map(|line| format!("    {line}")).collect();
        let about = report.about.replace('\'', "''");
        let view = format!(
            "CREATE VIEW reports.{0} WITH (security_invoker = true) AS\n{1};\nCOMMENT ON VIEW reports.{0} IS '{about}';\n",
            report.name,
            body.join("\n"),
        );
        assert!(
            MIGRATION.contains(&view),
            "put the statement of sync-core/src/crm/reports/{}.sql into migrations/0009_reports.up.sql like this:\n{view}",
            report.name
        );
    }
}
