//! What a feed reads, as the user it is for.

use std::collections::HashMap;
use std::sync::Arc;

use sqlx::postgres::{PgConnection, PgPool, PgRow};
use sqlx::{Executor, Postgres, Row as _, Transaction};
use sync_core::cell::Row;
use sync_core::hub::{
    AccessEvent, Clock, Content, FeedAnswer, FeedDocument, FeedRequest, Listed, News, ServerRow,
    Since,
};
use sync_core::ids::{ChangeHash, FeedPosition, Receipt, RecordId, ScopeId, ServerEpoch, UserId};
use sync_core::schema::Schema;
use uuid::Uuid;

use super::acting::{Access, become_user};
use super::rows;

/// A position before every document.
const BEFORE_ALL: i64 = -1;

/// Answers what one user's feed asks, each batch from one snapshot of the database.
#[derive(Debug)]
pub struct FeedReader {
    pool: PgPool,
    schema: Arc<Schema>,
    snapshot: Option<Transaction<'static, Postgres>>,
}

impl FeedReader {
    /// A reader that has no snapshot yet.
    pub fn new(pool: PgPool, schema: Arc<Schema>) -> Self {
        Self { pool, schema, snapshot: None }
    }

    /// Answers a question, as a user.
    ///
    /// # Errors
    /// When the database cannot be reached.
    pub async fn answer(
        &mut self,
        user: UserId,
        request: &FeedRequest,
    ) -> sqlx::Result<FeedAnswer> {
        if *request == FeedRequest::Clock {
            self.close().await?;
        }
        let tx = match &mut self.snapshot {
            Some(tx) => tx,
            none => none.insert(open(&self.pool, user).await?),
        };
        match request {
            FeedRequest::Clock => match clock(tx).await? {
                Some(clock) => Ok(FeedAnswer::Clock(clock)),
                None => {
                    self.close().await?;
                    disabled(&self.pool, user).await.map(FeedAnswer::Clock)
                }
            },
            FeedRequest::News { after, access_after } => {
                let news = news(tx, &self.schema, user, *after, *access_after);
                news.await.map(FeedAnswer::News)
            }
            FeedRequest::Scopes => visible_scopes(tx).await.map(FeedAnswer::Scopes),
            FeedRequest::List { scopes, records } => {
                list(tx, scopes, records).await.map(FeedAnswer::Listed)
            }
            FeedRequest::Documents { records, since } => {
                let documents = documents(tx, &self.schema, records, since);
                documents.await.map(FeedAnswer::Documents)
            }
        }
    }

    /// Gives the snapshot back, once a batch is read.
    ///
    /// # Errors
    /// When the database cannot be reached.
    pub async fn close(&mut self) -> sqlx::Result<()> {
        match self.snapshot.take() {
            Some(tx) => tx.commit().await,
            None => Ok(()),
        }
    }
}

async fn open(pool: &PgPool, user: UserId) -> sqlx::Result<Transaction<'static, Postgres>> {
    let mut tx = pool.begin().await?;
    tx.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY").await?;
    become_user(&mut tx, user, Access::Read).await?;
    Ok(tx)
}

/// What happened after a position.
async fn news(
    connection: &mut PgConnection,
    schema: &Schema,
    user: UserId,
    after: FeedPosition,
    access_after: FeedPosition,
) -> sqlx::Result<News> {
    let mut server_rows = Vec::new();
    for kind in schema.server_kinds() {
        let names = kind.columns().iter().map(|column| column.name.to_string());
        let found = rows::server_rows_after(connection, kind, after.0).await?;
        server_rows.extend(found.into_iter().map(|(position, id, row)| ServerRow {
            position,
            record: RecordId(id),
            kind: kind.name.to_owned(),
            fields: names.clone().zip(row).collect(),
        }));
    }
    Ok(News {
        server_rows,
        access: access_events(connection, user, access_after).await?,
        moved_away: moved_away(connection, access_after).await?,
        changed: changed_after(connection, after).await?,
    })
}

/// Documents, as far as the user sees them.
async fn documents(
    connection: &mut PgConnection,
    schema: &Schema,
    records: &[RecordId],
    since: &Since,
) -> sqlx::Result<Vec<FeedDocument>> {
    let ids: Vec<Uuid> = records.iter().map(|record| record.0).collect();
    let (after, own) = match since {
        Since::Beginning => (BEFORE_ALL, Vec::new()),
        Since::Position { after, own, in_flight } => {
            let mut own: Vec<i64> = own.iter().map(|position| position.0).collect();
            if !in_flight.is_empty() {
                own.extend(positions(connection, in_flight).await?);
            }
            (after.0, own)
        }
    };
    let found = heads(connection, &ids, after, &own).await?;
    let mut fresh: HashMap<String, Vec<Uuid>> = HashMap::new();
    let mut known = Vec::new();
    for head in &found {
        match &head.snapshot {
            Some(_) => fresh.entry(head.kind.clone()).or_default().push(head.id),
            None => known.push(head.id),
        }
    }
    let mut rows: HashMap<Uuid, Row> = HashMap::new();
    for (kind, ids) in fresh {
        if let Some(kind) = schema.kind(&kind) {
            rows.extend(rows::by_id(connection, kind, &ids).await?);
        }
    }
    let mut changes: HashMap<Uuid, Vec<(Vec<u8>, Receipt)>> = HashMap::new();
    if !known.is_empty() {
        for (record, bytes, receipt) in changes_after(connection, &known, after, &own).await? {
            changes.entry(record).or_default().push((bytes, receipt));
        }
    }
    let document = |Head { id, kind, scope, snapshot, receipts }| FeedDocument {
        record: RecordId(id),
        kind,
        scope: ScopeId(scope),
        content: match snapshot {
            Some(snapshot) => Content::Whole { snapshot, receipts, row: rows.remove(&id) },
            None => Content::Changes(changes.remove(&id).unwrap_or_default()),
        },
    };
    Ok(found.into_iter().map(document).collect())
}

/// A document, with its merged form if it is to be sent whole.
struct Head {
    id: Uuid,
    kind: String,
    scope: Uuid,
    snapshot: Option<Vec<u8>>,
    receipts: Vec<Receipt>,
}

/// The last position and the life of the database; none for whoever may not sign in, who is not shown
/// the clock either.
async fn clock(connection: &mut PgConnection) -> sqlx::Result<Option<Clock>> {
    let row = sqlx::query(
        "SELECT last_position, epoch FROM sync.clock WHERE app.current_user_id() IS NOT NULL",
    )
    .fetch_optional(connection)
    .await?;
    let clock = |row: PgRow| {
        let (head, epoch) = (FeedPosition(row.try_get(0)?), ServerEpoch(row.try_get(1)?));
        Ok(Clock { head, epoch, active: true })
    };
    row.map(clock).transpose()
}

/// What somebody is told who is not shown the clock. Only of a person who is known and disabled is it
/// certain that they may not sign in: their device erases what it holds. While a backup is put back, an
/// older snapshot shows nobody at all.
async fn disabled(pool: &PgPool, user: UserId) -> sqlx::Result<Clock> {
    let active: Option<bool> =
        sqlx::query_scalar("SELECT is_active FROM public.users WHERE id = $1")
            .bind(user.0)
            .fetch_optional(pool)
            .await?;
    if active == Some(false) {
        let (head, epoch) = (FeedPosition(0), ServerEpoch(Uuid::nil()));
        return Ok(Clock { head, epoch, active: false });
    }
    Err(sqlx::Error::RowNotFound)
}

/// Changes of the user's access after a position, the last of each scope: scope (none for
/// everything) and reason.
async fn access_events(
    connection: &mut PgConnection,
    user: UserId,
    after: FeedPosition,
) -> sqlx::Result<Vec<AccessEvent>> {
    let rows = sqlx::query(
        "SELECT DISTINCT ON (scope_id) scope_id, reason FROM sync.access_events
         WHERE user_id = $1 AND position > $2 ORDER BY scope_id, position DESC, id DESC",
    )
    .bind(user.0)
    .bind(after.0)
    .fetch_all(connection)
    .await?;
    let event = |row: &PgRow| {
        let scope: Option<Uuid> = row.try_get(0)?;
        Ok(AccessEvent { scope: scope.map(ScopeId), reason: row.try_get(1)? })
    };
    rows.iter().map(event).collect()
}

/// Records that left a scope the user sees after a position, and that the user sees nowhere else.
async fn moved_away(
    connection: &mut PgConnection,
    after: FeedPosition,
) -> sqlx::Result<Vec<RecordId>> {
    let found: Vec<Uuid> = sqlx::query_scalar(
        "SELECT DISTINCT m.record_id FROM sync.moves m WHERE m.position > $1
           AND NOT EXISTS (SELECT 1 FROM sync.documents d WHERE d.id = m.record_id)",
    )
    .bind(after.0)
    .fetch_all(connection)
    .await?;
    Ok(found.into_iter().map(RecordId).collect())
}

/// Every scope that the user sees.
async fn visible_scopes(connection: &mut PgConnection) -> sqlx::Result<Vec<ScopeId>> {
    let found: Vec<Uuid> =
        sqlx::query_scalar("SELECT sync.visible_scopes()").fetch_all(connection).await?;
    Ok(found.into_iter().map(ScopeId).collect())
}

fn listed(row: &PgRow) -> sqlx::Result<Listed> {
    let bytes: i32 = row.try_get(2)?;
    let bytes = usize::try_from(bytes).unwrap_or(0);
    let (position, record) = (FeedPosition(row.try_get(0)?), RecordId(row.try_get(1)?));
    Ok(Listed { position, record, bytes })
}

/// Documents that changed after a position, in the order of positions.
async fn changed_after(
    connection: &mut PgConnection,
    after: FeedPosition,
) -> sqlx::Result<Vec<Listed>> {
    let rows = sqlx::query(
        "SELECT d.position, d.id, octet_length(d.snapshot) FROM sync.visible_scopes() s JOIN sync.documents d ON d.scope_id = s
         WHERE d.position > $1 ORDER BY d.position",
    )
    .bind(after.0)
    .fetch_all(connection)
    .await?;
    rows.iter().map(listed).collect()
}

/// Documents of some scopes, then those of some ids.
async fn list(
    connection: &mut PgConnection,
    scopes: &[ScopeId],
    records: &[RecordId],
) -> sqlx::Result<Vec<Listed>> {
    const OF_SCOPES: &str =
        "SELECT position, id, octet_length(snapshot) FROM sync.documents WHERE scope_id = ANY($1)";
    const OF_IDS: &str =
        "SELECT position, id, octet_length(snapshot) FROM sync.documents WHERE id = ANY($1)";
    let scopes: Vec<Uuid> = scopes.iter().map(|scope| scope.0).collect();
    let ids: Vec<Uuid> = records.iter().map(|record| record.0).collect();
    let mut found = Vec::new();
    for (sql, keys) in [(OF_SCOPES, scopes), (OF_IDS, ids)] {
        if !keys.is_empty() {
            found.extend(sqlx::query(sql).bind(keys).fetch_all(&mut *connection).await?);
        }
    }
    found.iter().map(listed).collect()
}

/// Documents by id, as far as the user sees them; with their snapshots if they began after a
/// position and not at one of some others.
async fn heads(
    connection: &mut PgConnection,
    ids: &[Uuid],
    whole_after: i64,
    except: &[i64],
) -> sqlx::Result<Vec<Head>> {
    let rows = sqlx::query(
        "SELECT id, kind, scope_id, CASE WHEN created_position > $2 AND created_position <> ALL($3) THEN snapshot END, receipts
         FROM sync.documents WHERE id = ANY($1)",
    )
    .bind(ids)
    .bind(whole_after)
    .bind(except)
    .fetch_all(connection)
    .await?;
    rows.iter()
        .map(|row| {
            Ok(Head {
                id: row.try_get(0)?,
                kind: row.try_get(1)?,
                scope: row.try_get(2)?,
                snapshot: row.try_get(3)?,
                receipts: row
                    .try_get::<&[u8], _>(4)?
                    .chunks(8)
                    .filter_map(Receipt::from_slice)
                    .collect(),
            })
        })
        .collect()
}

/// Positions of those changes that are stored.
async fn positions(
    connection: &mut PgConnection,
    changes: &[ChangeHash],
) -> sqlx::Result<Vec<i64>> {
    let hashes: Vec<&[u8]> = changes.iter().map(|hash| hash.0.as_slice()).collect();
    sqlx::query_scalar("SELECT position FROM sync.changes WHERE hash = ANY($1)")
        .bind(hashes)
        .fetch_all(connection)
        .await
}

/// Changes of some records after a position and not at one of some others, oldest first.
async fn changes_after(
    connection: &mut PgConnection,
    records: &[Uuid],
    after: i64,
    except: &[i64],
) -> sqlx::Result<Vec<(Uuid, Vec<u8>, Receipt)>> {
    let rows = sqlx::query(
        "SELECT record_id, bytes, receipt FROM sync.changes
         WHERE record_id = ANY($1) AND position > $2 AND position <> ALL($3) ORDER BY position",
    )
    .bind(records)
    .bind(after)
    .bind(except)
    .fetch_all(connection)
    .await?;
    let change = |row: &PgRow| {
        let receipt = Receipt::from_slice(row.try_get(2)?).unwrap_or(Receipt([0; 8]));
        Ok((row.try_get(0)?, row.try_get(1)?, receipt))
    };
    rows.iter().map(change).collect()
}
