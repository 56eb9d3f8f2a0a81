//! How this device stands.

use client_sdk::Client;
use client_sdk::core::printable::line;
use serde_json::json;

use crate::failure::Failure;
use crate::output::Output;

/// Prints how it stands on one line and whose it is on another, or all that is known as JSON.
pub(crate) fn show(client: &Client, out: &Output) -> Result<(), Failure> {
    let status = client.status()?;
    let missing = status.incomplete;
    let value = json!({
        "user": client.user().to_string(), "replica": client.id().to_string(),
        "link": status.link.to_string(), "unsent": status.unsent,
        "oldest_unsent": status.oldest_unsent.map(|at| at.to_string()),
        "conflicts": status.conflicts, "refused": status.refused, "records": status.records,
        "complete": missing.is_none(), "came": missing.map(|missing| missing.came),
        "to_come": missing.and_then(|missing| missing.to_come), "comparing": status.comparing,
        "clock_ahead_ms": status.clock.0, "clock": status.clock.said(),
        "last_sync": status.last_sync.map(|at| at.to_string()), "last_fault": status.last_fault,
    });
    let (user, replica) = (client.user(), client.id());
    let text = format!("{}\nuser {user} · replica {replica}", line(&status.to_string()));
    out.value(&value, &text);
    Ok(())
}
