//! Refused work of the team, as its manager may see it.

use serde_json::{Value, json};
use uuid::Uuid;

use super::problem::Problem;
use crate::app::App;
use crate::ops::report;

/// Refused edits in one answer, the newest first.
const SHOWN: usize = 200;

/// What was refused of somebody and of those who report to them: the policy of quarantine decides which that
/// is.
pub(super) async fn of_the_team(app: &App, user: Uuid) -> Result<Value, Problem> {
    let sql = format!(
        "SELECT encode(q.hash, 'hex') AS hash, q.author, u.full_name AS who, q.refused_at, q.claimed_at AS made_at,
             q.kind, q.record_id AS record, q.edit, q.code, q.policy, q.sentence
         FROM sync.quarantine q JOIN public.users u ON u.id = q.author
         ORDER BY q.refused_at DESC, q.claimed_at DESC, q.hash LIMIT {}",
        SHOWN + 1
    );
    let mut report = report::select(&app.pool, &sql, user).await?;
    let more = report.rows.len() > SHOWN;
    report.rows.truncate(SHOWN);
    Ok(json!({ "refused": report.to_json(), "more": more }))
}
