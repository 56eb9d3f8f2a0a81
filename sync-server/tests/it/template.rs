//! A database with all tables and no rows, of which the worlds of tests are copies: making the tables
//! anew takes several times as long.

use sqlx::postgres::PgConnection;
use sqlx::{AssertSqlSafe, Connection, Executor};
use sync_server::ops::{migrate, people};
use sync_server::store::{self, Patience};

/// What a hosted platform does beforehand: it lets its own roles have whatever is made in `public`.
pub(crate) const HOSTED: &str = "DO $$
    DECLARE who text;
    BEGIN
        FOREACH who IN ARRAY ARRAY['anon', 'authenticated', 'service_role'] LOOP
            IF to_regrole(who) IS NOT NULL THEN
                EXECUTE format('ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT ALL ON TABLES TO %I', who);
                EXECUTE format('ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT ALL ON SEQUENCES TO %I', who);
                EXECUTE format('ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT ALL ON FUNCTIONS TO %I', who);
            END IF;
        END LOOP;
    END $$";

pub(crate) fn with_database(url: &str, name: &str) -> String {
    let (base, _) = url.rsplit_once('/').unwrap();
    format!("{base}/{name}")
}

/// Held by every test while it copies, and by one alone while that makes a template.
const LOCK: i64 = 0x74_65_6d_70;
/// Templates that are kept: those of other versions of the migrations may be in use.
const KEPT: i64 = 4;

/// Makes a database of this name.
pub(crate) async fn copy(admin_url: &str, name: &str) {
    let mut admin = PgConnection::connect(admin_url).await.unwrap();
    let template = template();
    loop {
        // Whoever has more templates than are kept removes some, but none that is being copied.
        run(&mut admin, &format!("SELECT pg_advisory_lock_shared({LOCK})")).await;
        if exists(&mut admin, &template).await {
            break;
        }
        run(&mut admin, &format!("SELECT pg_advisory_unlock_shared({LOCK})")).await;
        make(&mut admin, admin_url, &template).await;
    }
    run(&mut admin, &format!("CREATE DATABASE {name} TEMPLATE {template}")).await;
    admin.close().await.unwrap();
}

/// The name of the template with these migrations.
fn template() -> String {
    let texts = migrate::MIGRATIONS.iter().flat_map(|one| one.checksum.iter());
    let bytes: Vec<u8> = texts.copied().chain(HOSTED.bytes()).collect();
    format!("template_{}", uuid::Uuid::new_v5(&uuid::Uuid::NAMESPACE_OID, &bytes).simple())
}

async fn exists(admin: &mut PgConnection, name: &str) -> bool {
    let sql = "SELECT EXISTS (SELECT FROM pg_database WHERE datname = $1)";
    sqlx::query_scalar(sql).bind(name).fetch_one(admin).await.unwrap()
}

async fn run(admin: &mut PgConnection, sql: &str) {
    admin.execute(AssertSqlSafe(sql)).await.unwrap();
}

/// Makes the template, unless another test was first. It gets its name once it is whole.
async fn make(admin: &mut PgConnection, admin_url: &str, template: &str) {
    run(admin, &format!("SELECT pg_advisory_lock({LOCK})")).await;
    if !exists(admin, template).await {
        let sql = format!(
            "SELECT datname FROM pg_database WHERE datname LIKE 'template\\_%' ORDER BY oid DESC OFFSET {KEPT}"
        );
        let old: Vec<String> =
            sqlx::query_scalar(AssertSqlSafe(sql)).fetch_all(&mut *admin).await.unwrap();
        for one in old {
            run(admin, &format!("DROP DATABASE {one}")).await;
        }
        let name = format!("test_{}", people::new_id().simple());
        run(admin, &format!("CREATE DATABASE {name}")).await;
        let owner = store::connect_as_owner(&with_database(admin_url, &name), Patience::default())
            .await
            .unwrap();
        owner.execute(HOSTED).await.unwrap();
        migrate::up(&owner).await.unwrap();
        owner.close().await;
        run(admin, &format!("ALTER DATABASE {name} RENAME TO {template}")).await;
    }
    run(admin, &format!("SELECT pg_advisory_unlock({LOCK})")).await;
}
