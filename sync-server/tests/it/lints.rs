//! What database linters of hosting platforms look for, as claims about ours. The numbers are those of
//! Supabase's published list; `migrations/README.md` says where a point of it does not hold for us.

use sqlx::AssertSqlSafe;

use crate::harness::World;

/// Our schemas, as a condition on `n`, a `pg_namespace`; without what an extension brought.
const OURS: &str = "n.nspname IN ('public', 'app', 'sync', 'setup', 'reports')";

/// Names that a query finds, each of which breaks a rule.
async fn found(world: &World, sql: &str) -> Vec<String> {
    let sql = sql.replace("OURS", OURS);
    sqlx::query_scalar(AssertSqlSafe(sql)).fetch_all(&world.owner).await.unwrap()
}

async fn none(world: &World, rule: &str, sql: &str) {
    assert_eq!(found(world, sql).await, Vec::<String>::new(), "{rule}");
}

/// A policy that calls a function of the signed-in user for every row is slow, and one that reads the
/// token believes what a user wrote there (0003, 0015). Ours ask the users table, once a statement.
#[tokio::test(flavor = "multi_thread")]
async fn policies_ask_who_is_signed_in_once_a_statement_and_never_the_token() {
    let world = World::new().await;
    // What a policy calls, less what stands directly behind SELECT.
    let of_the_row = found(
        &world,
        "SELECT DISTINCT call[1] FROM pg_policies,
            regexp_matches(concat_ws(' ', qual, with_check), '(?<!SELECT )((?:app|auth|sync)\\.\\w+\\(|current_setting\\()', 'g') AS call
         WHERE schemaname IN ('public', 'app', 'sync', 'setup')
           AND position('SELECT ' || call[1] IN concat_ws(' ', qual, with_check)) = 0",
    )
    .await;
    assert_eq!(of_the_row, ["app.may_give_task("], "a question of the row, the last of an OR");
    none(
        &world,
        "believes the token",
        "SELECT tablename || '.' || policyname FROM pg_policies
         WHERE concat_ws(' ', qual, with_check) ~* '(user_metadata|app_metadata|jwt|request\\.)'
         UNION ALL SELECT p.oid::regprocedure::text FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
         WHERE OURS AND p.prosrc ~* '(user_metadata|app_metadata|jwt|request\\.)'",
    )
    .await;
    world.end().await;
}

/// Several permissive policies for one command and role are each asked (0006). Two are by intent, for
/// writing alone: grace, and tasks that are given away.
#[tokio::test(flavor = "multi_thread")]
async fn one_permissive_policy_speaks_for_each_role_and_command() {
    let world = World::new().await;
    let several = found(
        &world,
        "SELECT c.relname || ' ' || r.rolname || ' ' || command || ': ' || string_agg(p.polname, ', ' ORDER BY p.polname)
         FROM pg_policy p JOIN pg_class c ON c.oid = p.polrelid JOIN pg_namespace n ON n.oid = c.relnamespace
         JOIN pg_roles r ON r.oid = ANY (p.polroles) OR p.polroles = '{0}',
         unnest(CASE p.polcmd WHEN '*' THEN '{r,a,w,d}'::text[] ELSE ARRAY[p.polcmd::text] END) AS command
         WHERE OURS AND p.polpermissive AND NOT r.rolbypassrls AND r.rolname NOT LIKE 'pg\\_%'
         GROUP BY c.relname, r.rolname, command HAVING count(*) > 1 ORDER BY 1",
    )
    .await;
    let each = |what: &str| ["a", "d", "r", "w"].map(|command| what.replace("COMMAND", command));
    let by_intent = [
        each("organizations pantry_writer COMMAND: account_is_yours, grace_after_reassignment"),
        each("tasks pantry_writer COMMAND: follows_its_account, yours_to_give"),
    ];
    assert_eq!(several, by_intent.concat());
    world.end().await;
}

/// Rows are behind policies in every table of every schema of ours, whoever is granted what (0007, 0008,
/// 0013, 0023), and views show what their reader may see (0010).
#[tokio::test(flavor = "multi_thread")]
async fn every_table_and_view_of_ours_is_behind_policies() {
    let world = World::new().await;
    none(
        &world,
        "row security is not forced",
        "SELECT c.oid::regclass::text FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
         WHERE OURS AND c.relkind IN ('r', 'p') AND NOT (c.relrowsecurity AND c.relforcerowsecurity)",
    )
    .await;
    none(
        &world,
        "without any policy",
        "SELECT c.oid::regclass::text FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
         WHERE OURS AND c.relkind IN ('r', 'p') AND NOT EXISTS (SELECT FROM pg_policy p WHERE p.polrelid = c.oid)",
    )
    .await;
    none(
        &world,
        "shows what its owner may see",
        "SELECT c.oid::regclass::text FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
         WHERE OURS AND c.relkind = 'v' AND NOT coalesce(c.reloptions @> '{security_invoker=true}', false)
           AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.objid = c.oid AND d.deptype = 'e')",
    )
    .await;
    // No policy reaches these (0016, 0017).
    none(
        &world,
        "cannot have policies",
        "SELECT c.oid::regclass::text FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
         WHERE OURS AND c.relkind IN ('m', 'f')",
    )
    .await;
    world.end().await;
}

/// A policy for users that lets everything be written is none (0024).
#[tokio::test(flavor = "multi_thread")]
async fn no_policy_lets_users_write_whatever_they_like() {
    let world = World::new().await;
    none(
        &world,
        "always true",
        "SELECT tablename || '.' || policyname FROM pg_policies
         WHERE schemaname IN ('public', 'app', 'sync', 'setup') AND permissive = 'PERMISSIVE'
           AND roles && '{public,anon,authenticated,pantry_writer}' AND cmd <> 'SELECT'
           AND (coalesce(with_check, qual) ~ '^\\(*true\\)*$' OR qual ~ '^\\(*true\\)*$' OR cmd IN ('INSERT', 'ALL') AND coalesce(with_check, qual) IS NULL)",
    )
    .await;
    world.end().await;
}

/// Whoever can make objects in a schema on a function's search path can have it call theirs (0011).
#[tokio::test(flavor = "multi_thread")]
async fn every_function_says_where_it_looks_names_up() {
    let world = World::new().await;
    none(
        &world,
        "its search path is the caller's",
        "SELECT p.oid::regprocedure::text FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
         WHERE (OURS OR p.oid = to_regprocedure('auth.uid()'))
           AND NOT EXISTS (SELECT FROM unnest(p.proconfig) AS setting WHERE setting LIKE 'search_path=%')
           -- A body that was read when the function was made looks no name up later.
           AND p.prosqlbody IS NULL
           AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.objid = p.oid AND d.deptype = 'e')",
    )
    .await;
    world.end().await;
}

/// The anonymous role of a platform has nothing of ours (0026, 0028), nor has everybody. Signed-in users
/// may call, with the owner's rights, what policies ask about them, and nothing else (0029).
#[tokio::test(flavor = "multi_thread")]
async fn the_anonymous_have_nothing_and_the_signed_in_call_only_what_policies_ask() {
    let world = World::new().await;
    for role in ["anon", "service_role", "public"] {
        let is_there = "SELECT to_regrole($1) IS NOT NULL OR $1 = 'public'";
        let there: bool =
            sqlx::query_scalar(is_there).bind(role).fetch_one(&world.owner).await.unwrap();
        if !there {
            continue;
        }
        let held = format!(
            "SELECT c.oid::regclass::text FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
             WHERE OURS AND c.relkind IN ('r', 'p', 'v')
               AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.objid = c.oid AND d.deptype = 'e')
               AND (has_table_privilege('{role}', c.oid, 'SELECT, INSERT, UPDATE, DELETE, TRUNCATE, REFERENCES, TRIGGER')
                 OR has_any_column_privilege('{role}', c.oid, 'SELECT, INSERT, UPDATE, REFERENCES'))
             UNION ALL SELECT c.oid::regclass::text FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
             WHERE OURS AND CASE WHEN c.relkind = 'S' THEN has_sequence_privilege('{role}', c.oid, 'USAGE, SELECT, UPDATE') END
             UNION ALL SELECT p.oid::regprocedure::text FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
             WHERE OURS AND has_function_privilege('{role}', p.oid, 'EXECUTE')
               AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.objid = p.oid AND d.deptype = 'e')
             UNION ALL SELECT n.nspname::text FROM pg_namespace n
             WHERE OURS AND n.nspname <> 'public' AND has_schema_privilege('{role}', n.oid, 'USAGE, CREATE')"
        );
        none(&world, role, &held).await;
    }
    let callable = found(
        &world,
        "SELECT p.oid::regprocedure::text FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
         WHERE OURS AND p.prosecdef AND has_function_privilege('authenticated', p.oid, 'EXECUTE') ORDER BY 1",
    )
    .await;
    let asked = [
        "app.current_role_name()",
        "app.current_user_id()",
        "app.is_admin()",
        "app.managed_territories()",
        "app.managed_users()",
    ];
    assert_eq!(callable, asked, "each tells of whoever asks, and of nobody else");
    world.end().await;
}

/// Small things that cost later: references that a delete would look up by reading everything (0001),
/// tables without a key (0004), the same index twice (0009), types that keep a cluster from being
/// upgraded (0018).
#[tokio::test(flavor = "multi_thread")]
async fn tables_have_keys_and_each_index_they_need_once() {
    let world = World::new().await;
    none(
        &world,
        "a reference without an index",
        "SELECT f.conrelid::regclass || '.' || f.conname FROM pg_constraint f
         JOIN pg_class c ON c.oid = f.conrelid JOIN pg_namespace n ON n.oid = c.relnamespace
         WHERE OURS AND f.contype = 'f' AND NOT EXISTS (
            SELECT FROM pg_index i WHERE i.indrelid = f.conrelid
              AND (string_to_array(i.indkey::text, ' ')::smallint[])[1:cardinality(f.conkey)] = f.conkey)",
    )
    .await;
    none(
        &world,
        "no primary key",
        "SELECT c.oid::regclass::text FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
         WHERE OURS AND c.relkind IN ('r', 'p')
           AND NOT EXISTS (SELECT FROM pg_index i WHERE i.indrelid = c.oid AND i.indisprimary)",
    )
    .await;
    none(
        &world,
        "the same index twice",
        "SELECT string_agg(indexname, ', ') FROM pg_indexes
         WHERE schemaname IN ('public', 'app', 'sync', 'setup')
         GROUP BY schemaname, tablename, replace(indexdef, indexname, '') HAVING count(*) > 1",
    )
    .await;
    none(
        &world,
        "cannot be upgraded",
        "SELECT a.attrelid::regclass || '.' || a.attname FROM pg_attribute a
         JOIN pg_class c ON c.oid = a.attrelid JOIN pg_namespace n ON n.oid = c.relnamespace
         WHERE OURS AND a.attnum > 0 AND format_type(a.atttypid, NULL) ~ '^reg' AND a.atttypid <> 'regclass'::regtype AND a.atttypid <> 'regtype'::regtype",
    )
    .await;
    world.end().await;
}
