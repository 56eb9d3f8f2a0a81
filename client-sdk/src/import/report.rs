//! What was not taken, as a table that can be opened in a spreadsheet, mended, and gone by.

use std::io;

use super::row::{Loss, Remark};

/// Writes remarks as CSV: line, column, cell, reason, and what is lost. No cell of it is a formula.
///
/// # Errors
/// When it cannot be written.
pub fn write_report(remarks: &[Remark], out: impl io::Write) -> csv::Result<()> {
    let mut writer = csv::Writer::from_writer(out);
    writer.write_record(["line", "column", "cell", "reason", "lost"])?;
    for remark in remarks {
        let lost = match remark.loss {
            Loss::Nothing => "nothing",
            Loss::Cell => "cell",
            Loss::Row => "row",
        };
        let line = remark.line.to_string();
        let texts = [&remark.column, &remark.cell, &remark.reason].map(|text| harmless(text));
        writer.write_record([line.as_str(), &texts[0], &texts[1], &texts[2], lost])?;
    }
    Ok(writer.flush()?)
}

/// A text that no spreadsheet takes for a formula.
fn harmless(text: &str) -> String {
    if text.starts_with(['=', '+', '-', '@', '\t', '\r']) {
        format!("'{text}")
    } else {
        text.to_owned()
    }
}
