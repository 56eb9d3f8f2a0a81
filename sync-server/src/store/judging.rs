//! Answers what a commit asks, within one transaction.

use std::borrow::Cow;
use std::collections::HashSet;

use sqlx::postgres::PgConnection;
use sqlx::{Connection as _, Postgres, Transaction};
use sync_core::cell::Row;
use sync_core::hub::{
    Care, Commit, Culprits, DocumentCache, Judged, Sight, StandIns, Step, WriteRows, Writer, Wrote,
};
use sync_core::ids::RecordId;
use sync_core::schema::Kind;
use uuid::Uuid;

use super::acting::{Access, become_server, become_user, put_back, say_moved, skipped};
use super::documents;
use super::rows;
use super::rules::Rules;
use crate::ops::people;

/// Judges a batch: locks the clock, brings what is stored, and writes rows as their users. None when it
/// is too much at once; then the transaction is to be rolled back.
///
/// # Errors
/// When the connection fails. What the rules refuse is no error.
pub async fn judge<'j>(
    connection: &mut PgConnection,
    rules: &Rules,
    mut commit: Box<Commit<'j>>,
    cache: &mut DocumentCache,
) -> sqlx::Result<Option<Judged<'j>>> {
    let mut stand_ins = StandIns::default();
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
            Step::Look(sight) => {
                let seen = look(connection, sight).await?;
                commit.looked(&seen);
            }
            Step::Write(asked) => {
                stand_ins.note(asked, || RecordId(people::new_id()));
                let wrote = write(connection, rules, asked, &stand_ins).await?;
                commit.wrote(wrote);
            }
            Step::Store => return Ok(Some(commit.judged())),
            Step::TooMuch => return Ok(None),
        }
    }
}

/// Looks which records a user sees.
async fn look(connection: &mut PgConnection, sight: &Sight) -> sqlx::Result<HashSet<RecordId>> {
    let mut seen = HashSet::new();
    become_user(connection, sight.user, Access::Read).await?;
    for of_kind in sight.records.chunk_by(|a, b| a.0 == b.0) {
        let ids: Vec<Uuid> = of_kind.iter().map(|(_, record)| record.0).collect();
        let found = rows::seen(connection, &of_kind[0].0, &ids).await?;
        seen.extend(found.into_iter().map(RecordId));
    }
    become_server(connection).await?;
    Ok(seen)
}

/// Writes rows as their user, within a savepoint.
async fn write(
    connection: &mut PgConnection,
    rules: &Rules,
    asked: &WriteRows,
    stand_ins: &StandIns,
) -> sqlx::Result<Wrote> {
    let mut culprits = Culprits::new();
    let mut savepoint = connection.begin().await?;
    match asked.writer {
        Writer::User(user) => {
            become_user(&mut savepoint, user, Access::Write { seen: asked.seen }).await?;
            if !asked.moved.is_empty() {
                say_moved(&mut savepoint, asked.moved.iter().copied()).await?;
            }
        }
        Writer::Server => put_back(&mut savepoint).await?,
    }
    for of_kind in asked.rows.chunk_by(|a, b| a.kind == b.kind) {
        let kind = &of_kind[0].kind;
        let all: Vec<Cow<'_, Row>> = of_kind.iter().map(|one| stand_ins.row(asked, one)).collect();
        // What is put back was asked about when it was accepted.
        if let (Care::Ask { began }, Writer::User(_)) = (&asked.care, asked.writer) {
            let stood = of_kind.iter().map(|one| !began.contains(&one.record)).collect();
            match ask(&mut savepoint, rules, kind, &all, stood, stand_ins).await {
                Ok(refused) => culprits.extend(refused),
                // A value that fits no column fails the question as it fails the row.
                Err(error) => return refused_as_whole(savepoint, rules, error).await,
            }
        }
        let left = of_kind.iter().zip(&all).filter(|(one, _)| !culprits.contains_key(&one.record));
        let left: Vec<&Row> = left.map(|(_, row)| &**row).collect();
        if left.is_empty() {
            continue;
        }
        if let Err(error) = rows::upsert(&mut savepoint, kind, &left).await {
            return refused_as_whole(savepoint, rules, error).await;
        }
    }
    let left_out = skipped(&mut savepoint).await?;
    culprits.extend(left_out.iter().map(|one| {
        let (record, refusal) = rules.skipped(one);
        (stand_ins.record(record), refusal)
    }));
    asked.refuse_taken(&mut culprits);
    if asked.stands_without(&culprits) {
        become_server(&mut savepoint).await?;
        savepoint.commit().await?;
    } else {
        savepoint.rollback().await?;
    }
    Ok(if culprits.is_empty() { Wrote::All } else { Wrote::AllBut(culprits) })
}

/// Takes a savepoint back whose rows were refused together. Our own failures end the batch.
async fn refused_as_whole(
    savepoint: Transaction<'_, Postgres>,
    rules: &Rules,
    error: sqlx::Error,
) -> sqlx::Result<Wrote> {
    let refusal = rules.refusal(&error).ok_or(error)?;
    savepoint.rollback().await?;
    Ok(Wrote::Refused(refusal))
}

/// Asks the policies about rows of one kind before they are written.
async fn ask(
    connection: &mut PgConnection,
    rules: &Rules,
    kind: &Kind,
    rows: &[Cow<'_, Row>],
    stood: Vec<bool>,
    stand_ins: &StandIns,
) -> sqlx::Result<Culprits> {
    let all: Vec<&Row> = rows.iter().map(|row| &**row).collect();
    let refused = rows::ask(connection, rules.question(kind), kind, &all, &stood).await?;
    let culprit = |(record, policy): (Uuid, String)| {
        (stand_ins.record(RecordId(record)), rules.denied(kind.table, &policy))
    };
    Ok(refused.into_iter().map(culprit).collect())
}
