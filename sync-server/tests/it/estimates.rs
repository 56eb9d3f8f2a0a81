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
    let sql = format!("EXPLAIN (FORMAT JSON) SELECT id FROM {condition}");
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
        "ANALYZE organization_finance, organizations, opportunities",
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
    ] {
        assert_eq!(expected(&world, many).await, expected(&world, few).await, "{many} and {few}");
    }
    world.end().await;
}

/// A column that a later migration adds is kept from the sample too.
#[tokio::test(flavor = "multi_thread")]
async fn no_amount_and_nothing_of_finances_is_sampled() {
    let world = World::new().await;
    for kind in sync_core::crm::schema().document_kinds() {
        let sampled: Vec<String> = sqlx::query_scalar(
            "SELECT attname::text FROM pg_attribute
             WHERE attrelid = ('public.' || $1)::regclass AND attnum > 0 AND NOT attisdropped
               AND coalesce(attstattarget, -1) <> 0
               AND (format_type(atttypid, NULL) NOT IN ('uuid', 'boolean', 'date', 'timestamp with time zone', 'text')
                        AND NOT EXISTS (SELECT FROM pg_enum e WHERE e.enumtypid = atttypid)
                    OR $1 = 'organization_finance' AND atttypid = 'text'::regtype)
             ORDER BY 1",
        )
        .bind(kind.table)
        .fetch_all(&world.owner)
        .await
        .unwrap();
        assert_eq!(sampled, Vec::<String>::new(), "setup.sample_nothing_of keeps them out");
    }
    world.end().await;
}
