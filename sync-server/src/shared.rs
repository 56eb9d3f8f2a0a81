//! What the commands share: connections of their two kinds, and how they print.

use std::io::Write as _;

use anyhow::Context as _;
use sqlx::postgres::PgPool;
use sync_core::printable::line;
use sync_server::ops::{migrate, report};
use sync_server::store::Patience;
use sync_server::{say, say_json, store};

fn database_url() -> anyhow::Result<String> {
    std::env::var("DATABASE_URL").ok().filter(|url| !url.is_empty()).context(
        "DATABASE_URL is not set: the address of PostgreSQL, as postgres://USER:PASSWORD@HOST/DATABASE",
    )
}

/// A connection of the login itself, to a database with the tables that this program knows.
pub(crate) async fn owner() -> anyhow::Result<PgPool> {
    let pool = any_owner().await?;
    if let Some(mismatch) = migrate::mismatch(&mut *pool.acquire().await?).await? {
        return Err(mismatch.into());
    }
    Ok(pool)
}

/// The same to whatever database, for migrating it.
pub(crate) async fn any_owner() -> anyhow::Result<PgPool> {
    let url = database_url()?;
    let tell = |text: &str| {
        let _ = writeln!(std::io::stderr(), "{}", line(text));
    };
    let reached = store::reach(&url, store::REACHED_WITHIN, tell).await;
    reached.context("the database cannot be reached")?;
    let connected = store::connect_as_owner(&url, Patience::default()).await;
    connected.context("the database cannot be reached")
}

/// Connections of the server's kind.
pub(crate) async fn server_pool(size: u32) -> anyhow::Result<PgPool> {
    Ok(store::connect(&database_url()?, size, Patience::default()).await?)
}

/// As a table for people or as JSON for programs.
pub(crate) fn print(report: report::Report, json: bool) {
    if json { say_json(&report.to_json()) } else { say(report.to_table()) }
}
