//! Answers what a commit asks, within one transaction.

use sqlx::Connection as _;
use sqlx::postgres::PgConnection;
use sync_core::cell::Row;
use sync_core::hub::{
    Care, Commit, Culprits, DocumentCache, Judged, Projected, Step, WriteRows, Writer, Wrote,
};
use sync_core::ids::RecordId;
use uuid::Uuid;

use super::acting::{Access, become_server, become_user, put_back, skipped};
use super::documents;
use super::rows;
use super::rules::Rules;

/// Judges a batch: locks the clock, brings what is stored, and writes rows as their users.
///
/// # Errors
/// When the connection fails. What the rules refuse is no error.
pub async fn judge<'j>(
    connection: &mut PgConnection,
    rules: &Rules,
    mut commit: Box<Commit<'j>>,
    cache: &mut DocumentCache,
) -> sqlx::Result<Judged<'j>> {
    loop {
        match commit.step() {
            Step::Know(inquiry) => {
                let known = documents::know(connection, inquiry).await?;
                commit.known(known, cache);
            }
            Step::Open(records) => {
                let snapshots = documents::snapshots(connection, records).await?;
                commit.opened(snapshots);
            }
            Step::Write(asked) => {
                let wrote = write(connection, rules, asked).await?;
                commit.wrote(wrote);
            }
            Step::Store => return Ok(commit.judged()),
        }
    }
}

/// Writes rows as their user, within a savepoint.
async fn write(
    connection: &mut PgConnection,
    rules: &Rules,
    asked: &WriteRows,
) -> sqlx::Result<Wrote> {
    let mut culprits = Culprits::new();
    let mut savepoint = connection.begin().await?;
    match asked.writer {
        Writer::User(user) => {
            become_user(&mut savepoint, user, Access::Write { seen: asked.seen }).await?;
        }
        Writer::Server => put_back(&mut savepoint).await?,
    }
    for of_kind in asked.rows.chunk_by(|a, b| a.kind == b.kind) {
        // What is put back was asked about when it was accepted.
        if let (Care::Ask { began }, Writer::User(_)) = (&asked.care, asked.writer) {
            let stood = |one: &Projected| !began.contains(&one.record);
            culprits.extend(ask(&mut savepoint, rules, of_kind, stood).await?);
        }
        let left = of_kind.iter().filter(|one| !culprits.contains_key(&one.record));
        let left: Vec<&Row> = left.map(|one| &one.row).collect();
        if left.is_empty() {
            continue;
        }
        if let Err(error) = rows::upsert(&mut savepoint, &of_kind[0].kind, &left).await {
            // Our own failures end the batch.
            let refusal = rules.refusal(&error).ok_or(error)?;
            savepoint.rollback().await?;
            return Ok(Wrote::Refused(refusal));
        }
    }
    let left_out = skipped(&mut savepoint).await?;
    culprits.extend(left_out.iter().map(|one| rules.skipped(one)));
    if asked.stands_without(&culprits) {
        become_server(&mut savepoint).await?;
        savepoint.commit().await?;
    } else {
        savepoint.rollback().await?;
    }
    Ok(if culprits.is_empty() { Wrote::All } else { Wrote::AllBut(culprits) })
}

/// Asks the policies about rows of one kind before they are written.
async fn ask(
    connection: &mut PgConnection,
    rules: &Rules,
    of_kind: &[Projected],
    stood: impl Fn(&Projected) -> bool,
) -> sqlx::Result<Culprits> {
    let kind = &of_kind[0].kind;
    let all: Vec<&Row> = of_kind.iter().map(|one| &one.row).collect();
    let stood: Vec<bool> = of_kind.iter().map(stood).collect();
    let refused = rows::ask(connection, rules.question(kind), kind, &all, &stood).await?;
    let culprit =
        |(record, policy): (Uuid, String)| (RecordId(record), rules.denied(kind.table, &policy));
    Ok(refused.into_iter().map(culprit).collect())
}
