//! Assigning accounts: an edit like any other, written by the server's pen as a manager.

use sqlx::postgres::PgPool;
use sync_core::document::{self, FieldChange, Pen, PenRole, RecordEdit};
use sync_core::event::event_data;
use sync_core::guard;
use sync_core::hub::{self, PushJob, PushedChange, PushedGroup};
use sync_core::ids::{Actor, EventId, GroupId, RecordId, ReplicaId, UserId};
use sync_core::protocol::{Verdict, VerdictOutcome};
use uuid::Uuid;

use super::people::entropy;
use crate::clock::now;
use crate::committer::Committer;
use crate::store::documents;

/// Changes handed to the committer at once.
const AT_ONCE: usize = 512;

/// Who is to look after an account.
#[derive(Clone, Copy, Debug)]
pub struct Assignment {
    /// The account.
    pub organization: Uuid,
    /// First in charge.
    pub to: Uuid,
    /// Second in charge.
    pub second: Option<Uuid>,
    /// Territory.
    pub territory: Option<Uuid>,
}

/// What became of a list of assignments.
#[derive(Debug, Default)]
pub struct Outcome {
    /// Accounts assigned.
    pub assigned: usize,
    /// What was refused, in sentences.
    pub refused: Vec<String>,
}

/// Assigns accounts as a manager, through the same commit as every edit.
///
/// # Errors
/// When the database cannot be reached or an account's document cannot be opened.
pub async fn assign(
    pool: &PgPool,
    committer: &Committer,
    manager: Uuid,
    list: &[Assignment],
) -> anyhow::Result<Outcome> {
    let pen =
        Pen { actor: Actor(entropy()), author: UserId(manager), now: now(), role: PenRole::Server };
    let replica = ReplicaId::mint(pen.now, entropy());
    let schema = sync_core::crm::schema();
    let kind = schema.kind("organization").ok_or_else(|| anyhow::anyhow!("no such kind"))?;
    let field = kind.field("assignment").ok_or_else(|| anyhow::anyhow!("no such field"))?;
    let mut outcome = Outcome::default();
    for part in list.chunks(AT_ONCE) {
        let ids: Vec<RecordId> = part.iter().map(|one| RecordId(one.organization)).collect();
        let mut connection = pool.acquire().await?;
        let snapshots = documents::snapshots(&mut connection, &ids).await?;
        drop(connection);
        let mut groups = Vec::with_capacity(part.len());
        for (record, snapshot) in snapshots {
            let Some(one) = part.iter().find(|one| one.organization == record.0) else { continue };
            let mut open = hub::open(kind, &snapshot)?;
            let (to, second) = (one.to.to_string(), one.second.map(|id| id.to_string()));
            let territory = one.territory.map(|id| id.to_string());
            let data = event_data([
                ("assigned_user_id", Some(to.as_str())),
                ("secondary_user_id", second.as_deref()),
                ("territory_id", territory.as_deref()),
            ]);
            let edit = RecordEdit { changes: vec![(field.clone(), FieldChange::Append(data))] };
            let hydrated = document::hydrate(&open.doc, kind);
            let mut mint = || EventId::mint(pen.now, entropy());
            let change = document::edit(&mut open.doc, &hydrated, &edit, &pen, &mut mint)?;
            if let Some(change) = change {
                groups.push(group(record, kind.name, &change.bytes, pen.now));
            }
        }
        let mut job = PushJob::of_device(UserId(manager), replica, groups);
        job.pen = PenRole::Server;
        let verdicts = committer.push(job).await?;
        outcome.count(&verdicts);
    }
    Ok(outcome)
}

fn group(record: RecordId, kind: &str, bytes: &[u8], now: sync_core::time::UnixMs) -> PushedGroup {
    let parsed = guard::parse(bytes);
    let hash = parsed.as_ref().map_or_else(|_| guard::name_of_bytes(bytes), |p| p.hash());
    PushedGroup {
        group: GroupId::mint(now, entropy()),
        seen: None,
        changes: vec![PushedChange { record, kind: kind.to_owned(), hash, parsed, receipt: None }],
    }
}

impl Outcome {
    fn count(&mut self, verdicts: &[Verdict]) {
        for verdict in verdicts {
            match &verdict.outcome {
                VerdictOutcome::Accepted(_) => self.assigned += 1,
                VerdictOutcome::Refused(refusal) => self.refused.push(refusal.to_string()),
            }
        }
    }
}
