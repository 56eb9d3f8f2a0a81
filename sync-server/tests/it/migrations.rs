//! The migrations themselves: who may run them, that each is undone by its other half, and that
//! nothing they make is open or unexplained.

use std::time::Duration;

use sqlx::postgres::PgPool;
use sqlx::{AssertSqlSafe, Executor};
use sync_server::ops::{migrate, people};

use crate::harness::World;
use crate::harness::template::HOSTED;

/// Everything that migrations make, one line each, as text that can be compared.
const CATALOGUE: &str = "
    WITH ours AS (SELECT oid, nspname FROM pg_namespace WHERE nspname IN ('public', 'app', 'sync', 'setup', 'reports')),
    relations AS (
        SELECT c.* FROM pg_class c JOIN ours ON ours.oid = c.relnamespace
        WHERE c.relkind IN ('r', 'v')
          AND NOT EXISTS (SELECT 1 FROM pg_depend d WHERE d.objid = c.oid AND d.deptype = 'e')
    )
    SELECT line FROM (
        SELECT concat_ws(' ', 'schema', nspname, array(SELECT unnest(nspacl)::text ORDER BY 1), obj_description(ours.oid, 'pg_namespace')) AS line
            FROM ours JOIN pg_namespace USING (oid, nspname) WHERE nspname <> 'public'
        UNION ALL SELECT concat_ws(' ', 'sequence', c.oid::regclass, array(SELECT unnest(relacl)::text ORDER BY 1))
            FROM pg_class c JOIN ours ON ours.oid = c.relnamespace WHERE c.relkind = 'S'
        UNION ALL SELECT concat_ws(' ', oid::regclass, relkind, relrowsecurity, relforcerowsecurity, reloptions,
            array(SELECT unnest(relacl)::text ORDER BY 1), obj_description(oid, 'pg_class'),
            CASE relkind WHEN 'v' THEN pg_get_viewdef(oid) END) FROM relations
        UNION ALL SELECT concat_ws(' ', a.attrelid::regclass, a.attnum, a.attname, format_type(a.atttypid, a.atttypmod),
            a.attnotnull, array(SELECT unnest(a.attacl)::text ORDER BY 1), pg_get_expr(d.adbin, d.adrelid), col_description(a.attrelid, a.attnum))
            FROM relations r JOIN pg_attribute a ON a.attrelid = r.oid AND a.attnum > 0
            LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
        UNION ALL SELECT pg_get_indexdef(i.indexrelid) FROM pg_index i JOIN relations r ON r.oid = i.indrelid
        UNION ALL SELECT concat_ws(' ', conrelid::regclass, conname, pg_get_constraintdef(c.oid))
            FROM pg_constraint c JOIN relations r ON r.oid = c.conrelid
        UNION ALL SELECT concat_ws(' ', polrelid::regclass, polname, polcmd, polpermissive,
            array(SELECT unnest(polroles)::regrole::text ORDER BY 1), pg_get_expr(polqual, polrelid), '|', pg_get_expr(polwithcheck, polrelid),
            obj_description(p.oid, 'pg_policy')) FROM pg_policy p JOIN relations r ON r.oid = p.polrelid
        UNION ALL SELECT concat_ws(' ', pg_get_triggerdef(t.oid), obj_description(t.oid, 'pg_trigger'))
            FROM pg_trigger t JOIN relations r ON r.oid = t.tgrelid WHERE NOT tgisinternal
        UNION ALL SELECT concat_ws(' ', pg_get_functiondef(p.oid), array(SELECT unnest(p.proacl)::text ORDER BY 1),
            obj_description(p.oid, 'pg_proc')) FROM pg_proc p JOIN ours ON ours.oid = p.pronamespace
            WHERE p.prokind = 'f' AND NOT EXISTS (SELECT 1 FROM pg_depend d WHERE d.objid = p.oid AND d.deptype = 'e')
        UNION ALL SELECT concat_ws(' ', e.enumtypid::regtype, e.enumsortorder, e.enumlabel, obj_description(e.enumtypid, 'pg_type')) FROM pg_enum e
    ) AS everything ORDER BY line";

async fn catalogue(owner: &PgPool) -> Vec<String> {
    sqlx::query_scalar(CATALOGUE).fetch_all(owner).await.unwrap()
}

/// An operator takes a release back step by step, and applies it again: each step undoes what it did
/// and nothing else, down to a database that has nothing of ours.
#[tokio::test(flavor = "multi_thread")]
async fn every_step_down_leaves_what_the_steps_before_it_made() {
    let world = World::new().await;
    let whole = catalogue(&world.owner).await;
    let steps = migrate::applied(&world.owner).await.unwrap();
    // What each step found when it was applied, by applying the steps one by one to an empty database.
    migrate::down(&world.owner, true).await.unwrap();
    assert_eq!(catalogue(&world.owner).await, Vec::<String>::new(), "left behind by the last step");
    let mut found = Vec::new();
    for step in &steps {
        found.push(catalogue(&world.owner).await);
        migrate::MIGRATIONS.run_to(*step, &world.owner).await.unwrap();
    }
    assert_eq!(catalogue(&world.owner).await, whole);
    for (step, before) in steps.iter().zip(found).rev() {
        migrate::down(&world.owner, false).await.unwrap();
        assert_eq!(catalogue(&world.owner).await, before, "after step {step} was taken back");
    }
    world.end().await;
}

/// The login that migrates on a hosted platform makes databases and roles and is no superuser; what the
/// platform grants on fresh tables beforehand, to roles of its own, is everything in one year and nothing
/// in the next. What is granted in the end is the same, and the platform's anonymous role has nothing.
#[tokio::test(flavor = "multi_thread")]
async fn whatever_a_platform_grants_beforehand_access_is_the_same_in_the_end() {
    let world = World::new().await;
    let name = format!("hosted_{}", people::new_id().simple());
    // A member of the server's role, as whoever migrated first in this cluster is: from PostgreSQL 16
    // on nobody else may hand that on.
    for sql in [
        format!("CREATE ROLE {name} LOGIN CREATEROLE PASSWORD 'hosted'"),
        format!("GRANT pantry_server TO {name}"),
        format!("GRANT {name} TO current_user"),
        format!("CREATE DATABASE {name} OWNER {name}"),
    ] {
        world.owner.execute(AssertSqlSafe(sql)).await.unwrap();
    }
    let options = world.owner.connect_options().as_ref().clone();
    let options = options.username(&name).password("hosted").database(&name);
    let hosted = PgPool::connect_with(options).await.unwrap();
    let of_hosted = async || {
        let lines = catalogue(&hosted).await;
        lines.into_iter().map(|line| line.replace(&name, "OWNER")).collect::<Vec<_>>()
    };
    migrate::up(&hosted).await.unwrap();
    let plain = of_hosted().await;
    migrate::down(&hosted, true).await.unwrap();
    assert_eq!(of_hosted().await, Vec::<String>::new());
    hosted.execute(HOSTED).await.unwrap();
    migrate::up(&hosted).await.unwrap();
    let granted = of_hosted().await;
    let differ: Vec<_> = granted.iter().filter(|line| !plain.contains(line)).collect();
    assert!(differ.is_empty() && granted.len() == plain.len(), "{differ:#?}");
    hosted.close().await;
    for sql in [format!("DROP DATABASE {name}"), format!("DROP ROLE {name}")] {
        world.owner.execute(AssertSqlSafe(sql)).await.unwrap();
    }
    world.end().await;
}

/// Somebody uses a table for long. A migration that changes it does not wait there with everybody behind
/// it: it gives up, says who it is, and is applied once they have ended.
#[tokio::test(flavor = "multi_thread")]
async fn a_migration_that_finds_a_table_in_use_gives_way() {
    let world = World::new().await;
    migrate::down(&world.owner, false).await.unwrap();
    let before = migrate::applied(&world.owner).await.unwrap();
    let mut long = world.owner.begin().await.unwrap();
    long.execute("LOCK TABLE public.organizations IN ACCESS EXCLUSIVE MODE").await.unwrap();
    let pid: i32 =
        sqlx::query_scalar("SELECT pg_backend_pid()").fetch_one(&mut *long).await.unwrap();
    let refused = migrate::up_within(&world.owner, Duration::from_millis(200)).await.unwrap_err();
    let said = refused.to_string();
    assert!(said.contains("in use") && said.contains(&format!("process {pid} of")), "{said}");
    assert_eq!(migrate::applied(&world.owner).await.unwrap(), before);
    long.rollback().await.unwrap();
    migrate::up(&world.owner).await.unwrap();
    world.end().await;
}

/// What a new migration is most likely to forget: functions may be called by everybody unless that
/// is taken back, and a trigger without a comment refuses people without a sentence.
#[tokio::test(flavor = "multi_thread")]
async fn no_function_is_open_to_everybody_and_no_rule_goes_unexplained() {
    let world = World::new().await;
    let open: Vec<String> = sqlx::query_scalar(
        "SELECT p.oid::regprocedure::text FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
         WHERE n.nspname IN ('app', 'sync', 'setup', 'reports')
           AND EXISTS (SELECT 1 FROM aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) a WHERE a.grantee = 0)",
    )
    .fetch_all(&world.owner)
    .await
    .unwrap();
    assert_eq!(open, Vec::<String>::new(), "setup.close_functions() closes them");
    let mute: Vec<String> = sqlx::query_scalar(
        "SELECT tgrelid::regclass || '.' || tgname FROM pg_trigger
         WHERE NOT tgisinternal AND obj_description(oid, 'pg_trigger') IS NULL
         UNION ALL
         SELECT p.oid::regprocedure::text FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
         WHERE n.nspname IN ('app', 'sync', 'setup', 'reports') AND obj_description(p.oid, 'pg_proc') IS NULL",
    )
    .fetch_all(&world.owner)
    .await
    .unwrap();
    assert_eq!(mute, Vec::<String>::new());
    world.end().await;
}

/// Every kind of record has what `setup.record_table` gives: a new kind that does without it would
/// let readers write, or let somebody erase.
#[tokio::test(flavor = "multi_thread")]
async fn every_record_table_has_what_each_needs() {
    let world = World::new().await;
    for kind in sync_core::crm::schema().document_kinds() {
        let missing: Vec<String> = sqlx::query_scalar(
            "SELECT needed FROM unnest(ARRAY['owner_all', 'readers_do_not_write', 'readers_do_not_change',
                'only_admins_erase']) AS needed
             WHERE needed NOT IN (
                SELECT polname FROM pg_policy WHERE polrelid = ('public.' || $1)::regclass
                UNION ALL SELECT tgname FROM pg_trigger WHERE tgrelid = ('public.' || $1)::regclass)",
        )
        .bind(kind.table)
        .fetch_all(&world.owner)
        .await
        .unwrap();
        assert_eq!(missing, Vec::<String>::new(), "{}", kind.table);
    }
    world.end().await;
}
