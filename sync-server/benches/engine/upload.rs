//! 5,000 edits made offline, sent until every one is acknowledged.

use std::time::{Duration, Instant};

use client_sdk::Client;
use sqlx::postgres::PgPool;
use sqlx::{AssertSqlSafe, Connection as _, Executor, Row as _};
use sync_core::replica::ListOptions;
use sync_core::schema::Kind;

use crate::figures::{Figures, median};
use crate::harness::{ServerProcess, World, set, sync_at};

const EDITS: usize = 5000;
const ROUNDS: usize = 5;
/// Rows a statement and transaction of the floor; the cost of a row is flat from here on.
const BATCH: usize = 500;

pub(crate) async fn run(
    world: &World,
    server: &ServerProcess,
    rep: &mut Client,
    figures: &mut Figures,
) {
    figures.note("uploads of 5,000 edits");
    let kind = &crate::harness::kind("organization");
    let list = rep.list(kind, &ListOptions::default()).unwrap();
    let ids: Vec<sync_core::ids::RecordId> =
        list.rows.iter().map(|row| row[0].as_str().unwrap().parse().unwrap()).collect();
    let token = world.token(world.rep);
    make_floor(&world.owner, kind).await;
    let (mut engine, mut floor) = (Vec::new(), Vec::new());
    for round in 0..ROUNDS {
        for n in 0..EDITS {
            let value = (round * EDITS + n).to_string();
            set(rep, ids[n % ids.len()], "organization", &[("employee_count", &value)]);
        }
        let last: i64 = sqlx::query_scalar("SELECT last_position FROM sync.clock")
            .fetch_one(&world.owner)
            .await
            .unwrap();
        let started = Instant::now();
        sync_at(rep, &server.sync_url(), &token).await.unwrap();
        engine.push(started.elapsed());
        let status = rep.status().unwrap();
        assert_eq!((status.unsent, status.refused), (0, 0));
        floor.push(by_hand(&world.owner, kind, last).await);
    }
    figures.against("upload.5000_edits", median(engine) * 1e3, "ms", median(floor) * 1e3);
}

/// Copies of the tables that an upload writes, with their indexes and without any rule.
async fn make_floor(owner: &PgPool, kind: &Kind) {
    let table = kind.table;
    let types = types_of(owner, &format!("public.{table}")).await;
    let columns = types.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>().join(", ");
    for sql in [
        "CREATE SCHEMA floor".to_owned(),
        "CREATE TABLE floor.changes (LIKE sync.changes INCLUDING ALL)".to_owned(),
        "CREATE TABLE floor.documents (LIKE sync.documents INCLUDING ALL)".to_owned(),
        format!("CREATE TABLE floor.{table} (LIKE public.{table} INCLUDING ALL)"),
        "INSERT INTO floor.documents SELECT * FROM sync.documents".to_owned(),
        format!("INSERT INTO floor.{table} ({columns}) SELECT {columns} FROM public.{table}"),
    ] {
        owner.execute(AssertSqlSafe(sql)).await.unwrap();
    }
}

/// A table's rows of one batch, column by column as text, and the statement that takes them.
struct Columns {
    sql: String,
    values: Vec<Vec<Option<String>>>,
}

impl Columns {
    async fn read(owner: &PgPool, from: &str, types: &[(String, String)], only: &str) -> Self {
        let list = |shape: fn(&(String, String)) -> String| {
            types.iter().map(shape).collect::<Vec<_>>().join(", ")
        };
        let sql =
            format!("SELECT {} FROM {from} WHERE {only}", list(|(n, _)| format!("{n}::text")));
        let rows = owner.fetch_all(AssertSqlSafe(sql)).await.unwrap();
        let values = (0..types.len())
            .map(|column| rows.iter().map(|row| row.try_get(column).unwrap()).collect())
            .collect();
        let into = format!("floor.{}", from.split_once('.').unwrap().1);
        let key = &types[0].0;
        let marks: Vec<String> = (1..=types.len()).map(|n| format!("${n}::text[]")).collect();
        let sql = format!(
            "INSERT INTO {into} ({}) SELECT {} FROM UNNEST({}) AS t({}) ON CONFLICT ({key}) DO UPDATE SET {}",
            list(|(n, _)| n.clone()),
            list(|(n, ty)| format!("{n}::{ty}")),
            marks.join(", "),
            list(|(n, _)| n.clone()),
            list(|(n, _)| format!("{n} = excluded.{n}")),
        );
        Self { sql, values }
    }
}

/// Names and types of a table's columns that are stored rather than computed.
async fn types_of(owner: &PgPool, table: &str) -> Vec<(String, String)> {
    let sql = format!(
        "SELECT attname::text, format_type(atttypid, atttypmod) FROM pg_attribute
         WHERE attrelid = '{table}'::regclass AND attnum > 0 AND attgenerated = '' AND NOT attisdropped
         ORDER BY attnum"
    );
    let rows = owner.fetch_all(AssertSqlSafe(sql)).await.unwrap();
    rows.iter().map(|row| (row.try_get(0).unwrap(), row.try_get(1).unwrap())).collect()
}

/// The rows that an upload stored, stored again from arrays in this process: a durable transaction
/// for each batch of changes, with the documents and rows that it touches.
async fn by_hand(owner: &PgPool, kind: &Kind, after: i64) -> Duration {
    let table = format!("public.{}", kind.table);
    let tables = ["sync.changes", "sync.documents", table.as_str()];
    let mut batches = Vec::new();
    for first in (after..after + EDITS as i64).step_by(BATCH) {
        let of_batch = format!("position > {first} AND position <= {}", first + BATCH as i64);
        let touched = format!("id IN (SELECT record_id FROM sync.changes WHERE {of_batch})");
        let mut batch = Vec::new();
        for (table, only) in tables.iter().zip([&of_batch, &touched, &touched]) {
            let types = types_of(owner, table).await;
            batch.push(Columns::read(owner, table, &types, only).await);
        }
        batches.push(batch);
    }
    let mut connection = owner.acquire().await.unwrap();
    let started = Instant::now();
    for batch in batches {
        let mut tx = connection.begin().await.unwrap();
        for Columns { sql, values } in batch {
            let mut query = sqlx::query(AssertSqlSafe(sql));
            for column in values {
                query = query.bind(column);
            }
            query.execute(&mut *tx).await.unwrap();
        }
        tx.commit().await.unwrap();
    }
    started.elapsed()
}
