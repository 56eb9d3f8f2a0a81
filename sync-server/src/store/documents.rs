//! Documents, changes, actors and the clock: what a commit reads and writes as the server.

use std::collections::{BTreeMap, HashMap};

use sqlx::Row as _;
use sqlx::postgres::PgConnection;
use sqlx::{Postgres, Transaction};
use sync_core::hub::{
    DocumentHead, DocumentToStore, Durable, Inquiry, Known, KnownChange, Placed, ReceiptKey,
    ReceiptKeys, RefusedChange, RefusedWork, ToStore, Usage,
};
use sync_core::ids::{Actor, ChangeHash, FeedPosition, RecordId, ServerEpoch, UserId};
use uuid::Uuid;

use super::life;

/// Refused changes kept for each user; whoever has more is told of them on the device alone.
const REFUSED_PER_USER: i64 = 20_000;

/// The clock under its lock.
struct LockedClock {
    last: FeedPosition,
    epoch: ServerEpoch,
    receipts: ReceiptKeys,
}

/// Takes the lock under which commits happen one after the other.
async fn lock_clock(connection: &mut PgConnection) -> sqlx::Result<LockedClock> {
    let row =
        sqlx::query("SELECT last_position, epoch, sync.is_restored() FROM sync.clock FOR UPDATE")
            .fetch_one(&mut *connection)
            .await?;
    let mut epoch: Uuid = row.try_get(1)?;
    if row.try_get(2)? {
        epoch = life::begin_another(&mut *connection).await?.unwrap_or(epoch);
    }
    let last = FeedPosition(row.try_get(0)?);
    let receipts = receipt_keys(connection, epoch).await?;
    Ok(LockedClock { last, epoch: ServerEpoch(epoch), receipts })
}

/// The keys of the database's lives. Asked once the clock is locked, so that the present one has its own.
async fn receipt_keys(connection: &mut PgConnection, epoch: Uuid) -> sqlx::Result<ReceiptKeys> {
    let rows: Vec<(Uuid, Vec<u8>)> =
        sqlx::query_as("SELECT epoch, key FROM sync.receipt_keys ORDER BY begun_at DESC")
            .fetch_all(connection)
            .await?;
    let (mut present, mut before) = (None, Vec::new());
    for (life, key) in rows {
        let key = key.try_into().map(ReceiptKey);
        let key = key.map_err(|_| sqlx::Error::Decode("a receipt key has 32 bytes".into()))?;
        if life == epoch { present = Some(key) } else { before.push(key) }
    }
    let missing = || sqlx::Error::Decode("this life of the database has no receipt key".into());
    Ok(ReceiptKeys::new(present.ok_or_else(missing)?, before))
}

/// Moves the clock on; readers see it, and everything up to it, when the transaction commits.
async fn advance_clock(connection: &mut PgConnection, to: FeedPosition) -> sqlx::Result<()> {
    sqlx::query("UPDATE sync.clock SET last_position = $1")
        .bind(to.0)
        .execute(&mut *connection)
        .await?;
    sqlx::query("SELECT pg_notify('pantry_feed', '')").execute(connection).await.map(drop)
}

/// Locks the clock, and looks up what must be known of a batch before it is judged.
///
/// # Errors
/// When the connection fails.
pub async fn know(connection: &mut PgConnection, inquiry: &Inquiry) -> sqlx::Result<Known> {
    let LockedClock { last, epoch, receipts } = lock_clock(connection).await?;
    let changes = known_changes(connection, &inquiry.changes).await?;
    let owners = actor_owners(connection, &inquiry.actors).await?;
    let heads = heads(connection, &inquiry.records).await?;
    let used = used(connection, &inquiry.users).await?;
    Ok(Known { last, epoch: Some(epoch), receipts, changes, owners, heads, used })
}

/// Stores what a batch came to.
///
/// # Errors
/// When the connection fails.
pub async fn store(connection: &mut PgConnection, batch: &ToStore<'_>) -> sqlx::Result<()> {
    for (record, why) in batch.closed {
        close(connection, *record, why).await?;
    }
    let mut used = batch.used();
    for work in &batch.refused {
        let bytes = keep_refused(connection, work).await?;
        let before = used.entry(work.user).or_default();
        *before = before.and(Usage { documents: 0, bytes });
    }
    if !used.is_empty() {
        count_used(connection, &used).await?;
    }
    let Some(head) = batch.head() else { return Ok(()) };
    bind_actors(connection, batch.placed).await?;
    append_changes(connection, batch.placed).await?;
    put_documents(connection, &batch.documents).await?;
    put_oddities(connection, &batch.documents).await?;
    advance_clock(connection, head).await
}

/// Commits a batch: the only maker of the proof that it is durable.
///
/// # Errors
/// When the connection fails; whether the batch is stored is then unknown.
pub async fn commit(tx: Transaction<'_, Postgres>, batch: &ToStore<'_>) -> sqlx::Result<Durable> {
    let head = batch.head().unwrap_or_default();
    tx.commit().await?;
    Ok(Durable::committed_at(head))
}

/// Which of these changes are stored, for which record, where and by whom.
async fn known_changes(
    connection: &mut PgConnection,
    hashes: &[ChangeHash],
) -> sqlx::Result<HashMap<ChangeHash, KnownChange>> {
    let hashes: Vec<&[u8]> = hashes.iter().map(|hash| hash.0.as_slice()).collect();
    let rows = sqlx::query(
        "SELECT hash, record_id, position, author FROM sync.changes WHERE hash = ANY($1)",
    )
    .bind(hashes)
    .fetch_all(connection)
    .await?;
    let mut known = HashMap::with_capacity(rows.len());
    for row in rows {
        if let Some(hash) = ChangeHash::from_slice(row.try_get(0)?) {
            let (record, position) = (RecordId(row.try_get(1)?), FeedPosition(row.try_get(2)?));
            let author = UserId(row.try_get(3)?);
            known.insert(hash, KnownChange { record, position, author });
        }
    }
    Ok(known)
}

/// What these users have stored.
async fn used(
    connection: &mut PgConnection,
    users: &[UserId],
) -> sqlx::Result<HashMap<UserId, Usage>> {
    let users: Vec<Uuid> = users.iter().map(|user| user.0).collect();
    let rows =
        sqlx::query("SELECT user_id, documents, bytes FROM sync.usage WHERE user_id = ANY($1)")
            .bind(users)
            .fetch_all(connection)
            .await?;
    let mut used = HashMap::with_capacity(rows.len());
    for row in rows {
        let count = |value: i64| u64::try_from(value).unwrap_or(0);
        let (documents, bytes) = (count(row.try_get(1)?), count(row.try_get(2)?));
        used.insert(UserId(row.try_get(0)?), Usage { documents, bytes });
    }
    Ok(used)
}

/// Adds to what users have stored.
async fn count_used(
    connection: &mut PgConnection,
    more: &BTreeMap<UserId, Usage>,
) -> sqlx::Result<()> {
    let count = |value: u64| i64::try_from(value).unwrap_or(i64::MAX);
    sqlx::query(
        "INSERT INTO sync.usage AS usage (user_id, documents, bytes)
         SELECT * FROM UNNEST($1::uuid[], $2::bigint[], $3::bigint[])
         ON CONFLICT (user_id) DO UPDATE SET documents = usage.documents + excluded.documents, bytes = usage.bytes + excluded.bytes",
    )
    .bind(more.keys().map(|user| user.0).collect::<Vec<_>>())
    .bind(more.values().map(|one| count(one.documents)).collect::<Vec<_>>())
    .bind(more.values().map(|one| count(one.bytes)).collect::<Vec<_>>())
    .execute(connection)
    .await
    .map(drop)
}

/// Binds the writers of accepted changes to those who pushed them.
async fn bind_actors(connection: &mut PgConnection, placed: &[Placed]) -> sqlx::Result<()> {
    let actors: Vec<&[u8]> = placed.iter().map(|p| p.change.actor.0.as_slice()).collect();
    let users: Vec<Uuid> = placed.iter().map(|p| p.author.0).collect();
    let replicas: Vec<Uuid> = placed.iter().map(|p| p.replica.0).collect();
    sqlx::query(
        "INSERT INTO sync.actors (actor, user_id, replica_id)
         SELECT * FROM UNNEST($1::bytea[], $2::uuid[], $3::uuid[]) ON CONFLICT DO NOTHING",
    )
    .bind(actors)
    .bind(users)
    .bind(replicas)
    .execute(connection)
    .await
    .map(drop)
}

/// Whose each of these writers is, of those that are bound.
async fn actor_owners(
    connection: &mut PgConnection,
    actors: &[Actor],
) -> sqlx::Result<HashMap<Actor, UserId>> {
    let actors: Vec<&[u8]> = actors.iter().map(|actor| actor.0.as_slice()).collect();
    let rows = sqlx::query("SELECT actor, user_id FROM sync.actors WHERE actor = ANY($1)")
        .bind(actors)
        .fetch_all(connection)
        .await?;
    let mut owners = HashMap::with_capacity(rows.len());
    for row in rows {
        if let Some(actor) = Actor::from_slice(row.try_get(0)?) {
            owners.insert(actor, UserId(row.try_get(1)?));
        }
    }
    Ok(owners)
}

/// Heads of documents.
async fn heads(
    connection: &mut PgConnection,
    records: &[RecordId],
) -> sqlx::Result<Vec<DocumentHead>> {
    let records: Vec<Uuid> = records.iter().map(|record| record.0).collect();
    let rows = sqlx::query(
        "SELECT id, kind, position, octet_length(snapshot)::bigint, quarantined
         FROM sync.documents WHERE id = ANY($1)",
    )
    .bind(records)
    .fetch_all(connection)
    .await?;
    rows.iter()
        .map(|row| {
            Ok(DocumentHead {
                record: RecordId(row.try_get(0)?),
                kind: row.try_get(1)?,
                position: FeedPosition(row.try_get(2)?),
                bytes: row.try_get::<i64, _>(3)?.unsigned_abs(),
                quarantined: row.try_get(4)?,
            })
        })
        .collect()
}

/// Snapshots of documents.
///
/// # Errors
/// When the connection fails.
pub async fn snapshots(
    connection: &mut PgConnection,
    records: &[RecordId],
) -> sqlx::Result<Vec<(RecordId, Vec<u8>)>> {
    let records: Vec<Uuid> = records.iter().map(|record| record.0).collect();
    let rows = sqlx::query("SELECT id, snapshot FROM sync.documents WHERE id = ANY($1)")
        .bind(records)
        .fetch_all(connection)
        .await?;
    rows.iter().map(|row| Ok((RecordId(row.try_get(0)?), row.try_get(1)?))).collect()
}

/// Appends changes, each with its author: the history of every record.
async fn append_changes(connection: &mut PgConnection, placed: &[Placed]) -> sqlx::Result<()> {
    let hashes: Vec<&[u8]> = placed.iter().map(|p| p.change.hash.0.as_slice()).collect();
    let records: Vec<Uuid> = placed.iter().map(|p| p.change.record.0).collect();
    let positions: Vec<i64> = placed.iter().map(|p| p.position.0).collect();
    let actors: Vec<&[u8]> = placed.iter().map(|p| p.change.actor.0.as_slice()).collect();
    let seqs: Vec<i64> = placed.iter().map(|p| i64::try_from(p.change.seq).unwrap_or(0)).collect();
    let authors: Vec<Uuid> = placed.iter().map(|p| p.author.0).collect();
    let replicas: Vec<Uuid> = placed.iter().map(|p| p.replica.0).collect();
    let groups: Vec<Uuid> = placed.iter().map(|p| p.change.group.0).collect();
    let bytes: Vec<&[u8]> = placed.iter().map(|p| p.change.bytes.as_slice()).collect();
    let claimed: Vec<i64> = placed.iter().map(|p| p.change.claimed_at.0).collect();
    let receipts: Vec<&[u8]> = placed.iter().map(|p| p.receipt.0.as_slice()).collect();
    sqlx::query(
        "INSERT INTO sync.changes (hash, record_id, position, actor, seq, author, replica_id, group_id, bytes, receipt, claimed_at, received_at)
         SELECT h, r, p, a, s, u, d, g, b, m, to_timestamp(c / 1000.0), clock_timestamp()
         FROM UNNEST($1::bytea[], $2::uuid[], $3::bigint[], $4::bytea[], $5::bigint[], $6::uuid[], $7::uuid[], $8::uuid[], $9::bytea[], $10::bigint[], $11::bytea[])
              AS t(h, r, p, a, s, u, d, g, b, c, m)",
    )
    .bind(hashes)
    .bind(records)
    .bind(positions)
    .bind(actors)
    .bind(seqs)
    .bind(authors)
    .bind(replicas)
    .bind(groups)
    .bind(bytes)
    .bind(claimed)
    .bind(receipts)
    .execute(connection)
    .await
    .map(drop)
}

/// Stores merged documents.
async fn put_documents(
    connection: &mut PgConnection,
    documents: &[DocumentToStore<'_>],
) -> sqlx::Result<()> {
    let ids: Vec<Uuid> = documents.iter().map(|one| one.projected.record.0).collect();
    let kinds: Vec<&str> = documents.iter().map(|one| one.projected.kind.name).collect();
    let scopes: Vec<Uuid> = documents.iter().map(|one| one.projected.scope.0).collect();
    let snapshots: Vec<&[u8]> = documents.iter().map(|one| one.snapshot).collect();
    let positions: Vec<i64> = documents.iter().map(|one| one.position.0).collect();
    let receipts: Vec<Vec<u8>> =
        documents.iter().map(|one| one.receipts.iter().flat_map(|one| one.0).collect()).collect();
    sqlx::query(
        "INSERT INTO sync.documents (id, kind, scope_id, snapshot, position, created_position, receipts)
         SELECT i, k, s, b, p, p, r FROM UNNEST($1::uuid[], $2::text[], $3::uuid[], $4::bytea[], $5::bigint[], $6::bytea[]) AS t(i, k, s, b, p, r)
         ON CONFLICT (id) DO UPDATE SET scope_id = excluded.scope_id, snapshot = excluded.snapshot, position = excluded.position, receipts = excluded.receipts,
             -- To those who see only the new scope, the record begins here.
             created_position = CASE WHEN documents.scope_id = excluded.scope_id THEN documents.created_position ELSE excluded.position END",
    )
    .bind(&ids)
    .bind(kinds)
    .bind(scopes)
    .bind(snapshots)
    .bind(positions)
    .bind(receipts)
    .execute(connection)
    .await
    .map(drop)
}

/// Replaces what is odd about documents: conflicts and violations.
async fn put_oddities(
    connection: &mut PgConnection,
    documents: &[DocumentToStore<'_>],
) -> sqlx::Result<()> {
    let ids: Vec<Uuid> = documents.iter().map(|one| one.projected.record.0).collect();
    sqlx::query("DELETE FROM sync.conflicts WHERE record_id = ANY($1)")
        .bind(&ids)
        .execute(&mut *connection)
        .await?;
    sqlx::query("DELETE FROM sync.violations WHERE record_id = ANY($1)")
        .bind(&ids)
        .execute(&mut *connection)
        .await?;
    for DocumentToStore { projected, .. } in documents {
        for conflict in &projected.conflicts {
            sqlx::query("INSERT INTO sync.conflicts VALUES ($1, $2, $3)")
                .bind(projected.record.0)
                .bind(&conflict.field)
                .bind(serde_json::Value::from(conflict.values.clone()))
                .execute(&mut *connection)
                .await?;
        }
        for violation in &projected.violations {
            sqlx::query("INSERT INTO sync.violations VALUES ($1, $2, $3) ON CONFLICT DO NOTHING")
                .bind(projected.record.0)
                .bind(&violation.field)
                .bind(&violation.problem)
                .execute(&mut *connection)
                .await?;
        }
    }
    Ok(())
}

/// Keeps refused changes of a user, each once, up to a number that nobody reaches by working. How many
/// bytes of them were not kept before.
async fn keep_refused(connection: &mut PgConnection, work: &RefusedWork<'_>) -> sqlx::Result<u64> {
    let refused = &work.changes;
    let column = |of: fn(&RefusedChange<'_>) -> Option<String>| -> Vec<Option<String>> {
        refused.iter().map(of).collect()
    };
    let bytes: i64 = sqlx::query_scalar(
        "WITH kept AS (
         INSERT INTO sync.quarantine (author, replica_id, hash, record_id, group_id, bytes, kind, edit, code, policy, sentence, claimed_at)
         SELECT $1, $2, h, r, g, b, k, e::jsonb, c, p, s, to_timestamp(t / 1000.0)
         FROM UNNEST($3::bytea[], $4::uuid[], $5::uuid[], $6::bytea[], $7::text[], $8::text[], $9::text[], $10::text[], $11::text[], $12::bigint[])
              AS refused(h, r, g, b, k, e, c, p, s, t)
         WHERE (SELECT count(*) FROM sync.quarantine WHERE author = $1) < $13
         ON CONFLICT DO NOTHING
         RETURNING octet_length(bytes) + coalesce(octet_length(edit::text), 0) AS takes)
         SELECT coalesce(sum(takes), 0)::bigint FROM kept",
    )
    .bind(work.user.0)
    .bind(work.replica.0)
    .bind(refused.iter().map(|one| one.hash.0.as_slice()).collect::<Vec<_>>())
    .bind(refused.iter().map(|one| one.record.0).collect::<Vec<_>>())
    .bind(refused.iter().map(|one| one.group.0).collect::<Vec<_>>())
    .bind(refused.iter().map(|one| one.bytes).collect::<Vec<_>>())
    .bind(refused.iter().map(|one| one.kind).collect::<Vec<_>>())
    .bind(column(|one| one.edit.clone()))
    .bind(column(|one| Some(one.refusal.code.clone())))
    .bind(column(|one| one.refusal.policy.clone()))
    .bind(column(|one| Some(one.refusal.sentence.clone())))
    .bind(refused.iter().map(|one| one.claimed_at.0).collect::<Vec<_>>())
    .bind(REFUSED_PER_USER)
    .fetch_one(connection)
    .await?;
    Ok(bytes.unsigned_abs())
}

/// Closes a document to changes.
async fn close(connection: &mut PgConnection, record: RecordId, why: &str) -> sqlx::Result<()> {
    sqlx::query("UPDATE sync.documents SET quarantined = $2 WHERE id = $1")
        .bind(record.0)
        .bind(why)
        .execute(connection)
        .await
        .map(drop)
}
