//! What the planner tells somebody who may send SQL: EXPLAIN shows how many rows it expects, and it expects
//! by a sample of all rows, whoever may see them.

use sqlx::{AssertSqlSafe, Connection, Executor};
use sync_core::ids::UserId;
use sync_server::store;

use crate::harness::World;

/// How many rows the planner expects of a statement, as a user.
async fn expected(world: &World, condition: &str) -> i64 {
    let mut connection = world.server.app.pool.acquire().await.unwrap();
    let mut tx = connection.begin().await.unwrap();
    store::become_user(&mut tx, UserId(world.rep), store::Access::Read).await.unwrap();
    let sql = format!("EXPLAIN (FORMAT JSON) SELECT 1 FROM {condition}");
    let plan: serde_json::Value =
        sqlx::query_scalar(AssertSqlSafe(sql)).fetch_one(&mut *tx).await.unwrap();
    plan.pointer("/0/Plan/Plan Rows").and_then(serde_json::Value::as_i64).unwrap()
}

/// A rep, who sees no finances, asks the planner about them: it expects as many above any limit as above
/// any other, and as many who pay in one way as in another.
#[tokio::test(flavor = "multi_thread")]
async fn the_planner_tells_nothing_of_finances_and_amounts() {
    let world = World::new().await;
    for sql in [
        "SET pantry.projects = 'on'; INSERT INTO organization_finance (id, credit_limit_minor, annual_revenue_minor, payment_terms, tax_id, tags)
         SELECT gen_random_uuid(), n * 1000, n * 5000, CASE WHEN n % 10 = 0 THEN 'net_90' ELSE 'cod' END, 'tax ' || n % 3, ARRAY['slow']
         FROM generate_series(1, 2000) AS n",
        "SET pantry.projects = 'on'; INSERT INTO organizations (id, employee_count) SELECT gen_random_uuid(), n FROM generate_series(1, 2000) AS n",
        "SET pantry.projects = 'on'; INSERT INTO opportunities (id, estimated_value_minor) SELECT gen_random_uuid(), n FROM generate_series(1, 2000) AS n",
        "SET pantry.projects = 'on'; INSERT INTO contacts (id, job_title, notes, birthday)
         SELECT gen_random_uuid(), 'Owner until the sale in May', 'Owes us money', '1980-02-29' FROM generate_series(1, 2000)",
        "INSERT INTO sync.access_events (position, scope_id, reason)
         SELECT n, gen_random_uuid(), 'The account \"Trattoria\" arrived.' FROM generate_series(1, 2000) AS n",
        "INSERT INTO sync.quarantine (hash, author, record_id, kind, replica_id, group_id, bytes, edit, code, sentence, claimed_at)
         SELECT uuid_send(gen_random_uuid()), gen_random_uuid(), gen_random_uuid(), 'contact', gen_random_uuid(), gen_random_uuid(),
                'what was said', '{\"notes\": \"what was said\"}', 'denied', 'No.', now() FROM generate_series(1, 2000)",
        "ANALYZE organization_finance, organizations, opportunities, contacts, sync.access_events, sync.quarantine",
    ] {
        world.owner.execute(sql).await.unwrap();
    }
    // Of each pair the one holds of nearly all rows, the other of few or none.
    for (many, few) in [
        (
            "organization_finance WHERE credit_limit_minor > 0",
            "organization_finance WHERE credit_limit_minor > 1999999",
        ),
        (
            "organization_finance WHERE annual_revenue_minor > 0",
            "organization_finance WHERE annual_revenue_minor > 99999999",
        ),
        (
            "organization_finance WHERE payment_terms = 'cod'",
            "organization_finance WHERE payment_terms = 'net_90'",
        ),
        (
            "organization_finance WHERE tax_id = 'tax 1'",
            "organization_finance WHERE tax_id = 'tax 4'",
        ),
        (
            "organization_finance WHERE tags @> '{slow}'",
            "organization_finance WHERE tags @> '{fast}'",
        ),
        ("organizations WHERE employee_count > 0", "organizations WHERE employee_count > 1999"),
        (
            "opportunities WHERE estimated_value_minor > 0",
            "opportunities WHERE estimated_value_minor > 1999",
        ),
        // Letter by letter, the text of a colleague's record.
        ("contacts WHERE job_title < 'P'", "contacts WHERE job_title < 'O'"),
        ("contacts WHERE notes = 'Owes us money'", "contacts WHERE notes = 'All is well'"),
        ("contacts WHERE birthday < '1980-03-01'", "contacts WHERE birthday < '1980-02-29'"),
        ("sync.access_events WHERE reason < 'U'", "sync.access_events WHERE reason < 'T'"),
        ("sync.quarantine WHERE bytes < 'x'", "sync.quarantine WHERE bytes < 'w'"),
        ("sync.quarantine WHERE edit < '{\"x\": 1}'", "sync.quarantine WHERE edit < '{}'"),
    ] {
        assert_eq!(expected(&world, many).await, expected(&world, few).await, "{many} and {few}");
    }
    world.end().await;
}

/// A rep's statement about finances runs alike whatever it compares. PostgreSQL makes comparisons of numbers
/// and texts before it asks a policy that costs more, and whether it asked tells what came of them.
#[tokio::test(flavor = "multi_thread")]
async fn how_a_statement_ran_tells_a_rep_nothing_of_finances() {
    let world = World::new().await;
    let sql = "SET pantry.projects = 'on'; INSERT INTO organization_finance (id, credit_limit_minor, payment_terms)
         VALUES (gen_random_uuid(), 700000, 'net_90')";
    world.owner.execute(sql).await.unwrap();
    let ran = async |user: uuid::Uuid, condition: &str| {
        let mut connection = world.server.app.pool.acquire().await.unwrap();
        let mut tx = connection.begin().await.unwrap();
        store::become_user(&mut tx, UserId(user), store::Access::Read).await.unwrap();
        let sql = format!(
            "EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF, SUMMARY OFF) SELECT 1 FROM organization_finance WHERE {condition}"
        );
        let plan: Vec<String> =
            sqlx::query_scalar(AssertSqlSafe(sql)).fetch_all(&mut *tx).await.unwrap();
        // All but the question itself, which the plan repeats.
        let said = plan.into_iter().filter(|line| !line.trim_start().starts_with("Filter: "));
        said.collect::<Vec<_>>().join("\n")
    };
    for (holds, fails) in [
        ("credit_limit_minor > 699999", "credit_limit_minor > 700000"),
        ("payment_terms >= 'net_9'", "payment_terms >= 'net_91'"),
        ("payment_terms IS NOT NULL", "payment_terms IS NULL"),
    ] {
        let (one, other) = (ran(world.rep, holds).await, ran(world.rep, fails).await);
        assert_eq!(one, other);
        assert!(one.contains("never executed"), "the policy that asks for the account: {one}");
        let seen = ran(world.admin, holds).await;
        assert!(seen.contains("rows=1 loops=1"), "an administrator sees it: {seen}");
    }
    world.end().await;
}

/// Text columns that hold nothing but words of a closed list, or NULL: reports and the feed choose by them.
const WORDS: [&str; 3] =
    ["interactions.status", "organizations.organization_type", "sync.documents.kind"];

/// A column that a later migration adds is kept from the sample too, in every table of which anybody may
/// read anything: what is sampled is ids, days, moments, yes and no, and words of closed lists; of tables
/// that are no records counters as well.
#[tokio::test(flavor = "multi_thread")]
async fn no_text_no_amount_and_nothing_of_finances_is_sampled() {
    let world = World::new().await;
    let schema = sync_core::crm::schema();
    let records: Vec<String> =
        schema.document_kinds().map(|kind| format!("public.{}", kind.table)).collect();
    let mut sampled: Vec<String> = sqlx::query_scalar(
        "SELECT concat_ws('.', nullif(n.nspname, 'public'), c.relname, a.attname)
         FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid JOIN pg_namespace n ON n.oid = c.relnamespace
         WHERE c.relkind = 'r' AND n.nspname IN ('public', 'sync', 'app', 'setup', 'reports')
           AND a.attnum > 0 AND NOT a.attisdropped AND coalesce(a.attstattarget, -1) <> 0
           AND (has_any_column_privilege('authenticated', c.oid, 'SELECT')
                OR has_any_column_privilege('pantry_writer', c.oid, 'SELECT'))
           AND NOT EXISTS (SELECT FROM pg_enum e WHERE e.enumtypid = a.atttypid)
           AND (format_type(a.atttypid, NULL) NOT IN ('uuid', 'boolean', 'date', 'timestamp with time zone')
                    AND NOT (format_type(a.atttypid, NULL) = 'bigint' AND n.nspname || '.' || c.relname <> ALL ($1))
                OR c.relname = 'contacts' AND a.atttypid = 'date'::regtype)
         ORDER BY 1",
    )
    .bind(&records)
    .fetch_all(&world.owner)
    .await
    .unwrap();
    sampled.retain(|column| !is_internal(column));
    assert_eq!(sampled, WORDS, "setup.sample_nothing_of keeps them out");
    world.end().await;
}

/// Of the clock alone the position and the life are read, and nobody fills it.
fn is_internal(column: &str) -> bool {
    column == "sync.clock.written_in"
}
