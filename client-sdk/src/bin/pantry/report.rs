//! Reports over the records that are here.

use client_sdk::Client;
use client_sdk::core::replica::{Table, counted};
use serde_json::{Value, json};

use crate::failure::Failure;
use crate::output::Output;
use crate::records::note_missing;

/// The report that is said beneath every other.
const TRUST: &str = "trust";

/// Lists the reports there are.
pub(crate) fn list(client: &Client, out: &Output) -> Result<(), Failure> {
    let rows = client.reports().iter().map(|report| vec![json!(report.name), json!(report.about)]);
    let columns = ["report", "tells"].map(str::to_owned).to_vec();
    out.table(&Table { columns, rows: rows.collect() });
    Ok(())
}

/// Prints a report, and how far to trust it.
pub(crate) fn show(client: &Client, name: &str, csv: bool, out: &Output) -> Result<(), Failure> {
    note_missing(client, out)?;
    let table = client.report(name)?;
    let trust = said(&client.report(TRUST)?);
    if csv {
        out.csv(&table);
        out.note_each(&[trust]);
    } else {
        out.table(&table);
        // Whoever asks for JSON asks for this by its name.
        if !out.json {
            out.value(&Value::Null, &trust);
        }
    }
    Ok(())
}

/// How far to trust the numbers, in a line.
fn said(trust: &Table) -> String {
    let cell = |name: &str| {
        let place = trust.columns.iter().position(|column| column == name);
        place.and_then(|place| trust.rows.first()?.get(place)).cloned().unwrap_or_default()
    };
    let number = |name: &str| cell(name).as_u64().unwrap_or(0);
    let reps = counted(number("reps"), "rep");
    let synced = match (cell("reps_synced_24h").as_u64(), cell("oldest_sync").as_str()) {
        (Some(synced), Some(oldest)) => {
            format!("{synced} of {reps} synced within 24 hours, the longest ago at {oldest}")
        }
        (Some(synced), None) => format!("{synced} of {reps} synced within 24 hours"),
        (None, _) => format!("{reps}; when others last synced only the server knows"),
    };
    let violations = match number("open_violations") {
        1 => "1 value that fits nothing".to_owned(),
        many => format!("{many} values that fit nothing"),
    };
    format!("{synced} · {} · {violations}", counted(number("open_conflicts"), "contested field"))
}
