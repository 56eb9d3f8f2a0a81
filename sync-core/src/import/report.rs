//! What was not taken, as a table that can be opened in a spreadsheet, mended, and gone by.

use super::gathered::Remark;

/// Remarks as CSV: line, column, cell, reason, and what is lost. No cell of it is a formula.
pub fn report(remarks: &[Remark]) -> String {
    let mut out = "line,column,cell,reason,lost\n".to_owned();
    for remark in remarks {
        let texts = [&remark.column, &remark.cell, &remark.said()].map(|text| cell(text));
        out.push_str(&format!("{},{},{}\n", remark.line, texts.join(","), remark.loss.code()));
    }
    out
}

/// A text that no spreadsheet takes for a formula, in quotes where it needs them.
fn cell(text: &str) -> String {
    let begins = text.starts_with(['=', '+', '-', '@', '\t', '\r']);
    let text = if begins { format!("'{text}") } else { text.to_owned() };
    if text.contains([',', '"', '\n', '\r', ';']) {
        format!("\"{}\"", text.replace('"', "\"\""))
    } else {
        text
    }
}
