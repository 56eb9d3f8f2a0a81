//! Who may do what to which table, as one table: S select, I insert, U update, D delete; a dash where
//! the database does not let them, whether by grant, policy or trigger. A table of which some columns
//! alone may be read counts as one that may not.

use std::fmt::Write as _;

use sqlx::postgres::PgConnection;
use sqlx::{AssertSqlSafe, Connection, Executor};
use sync_server::ops::people;
use uuid::Uuid;

use crate::harness::{World, create};

/// Readers, under the role of the feed and of reports.
const READING: &str = "\
table                nobody    disabled  rep       colleague manager   reader    admin
organizations        ----      ----      S---      ----      S---      S---      S---
contacts             ----      ----      S---      ----      S---      S---      S---
opportunities        ----      ----      S---      ----      S---      S---      S---
interactions         ----      ----      S---      ----      S---      S---      S---
tasks                ----      ----      S---      ----      S---      S---      S---
organization_finance ----      ----      ----      ----      S---      ----      S---
users                ----      ----      S---      S---      S---      S---      S---
territories          ----      ----      S---      S---      S---      S---      S---
sync.documents       ----      ----      S---      ----      S---      S---      S---
sync.changes         ----      ----      S---      ----      S---      S---      S---
sync.conflicts       ----      ----      S---      ----      S---      S---      S---
sync.violations      ----      ----      S---      ----      S---      S---      S---
sync.moves           ----      ----      S---      ----      S---      S---      S---
sync.access_events   ----      ----      S---      ----      ----      ----      ----
sync.replicas        ----      ----      S---      ----      S---      ----      S---
sync.quarantine      ----      ----      S---      ----      S---      ----      S---
sync.actors          ----      ----      ----      ----      ----      ----      ----
sync.usage           ----      ----      ----      ----      ----      ----      ----
sync.audit           ----      ----      ----      ----      ----      ----      ----
sync.former_holders  ----      ----      ----      ----      ----      ----      ----
app.settings         ----      ----      ----      ----      ----      ----      ----
sync.clock           ----      ----      ----      ----      ----      ----      ----
sync.receipt_keys    ----      ----      ----      ----      ----      ----      ----
";

/// Writers, under the role in which the server writes rows for them.
const WRITING: &str = "\
table                nobody    disabled  rep       colleague manager   reader    admin
organizations        ----      ----      SIU-      ----      SIU-      S---      SIUD
contacts             ----      ----      SIU-      ----      SIU-      S---      SIUD
opportunities        ----      ----      SIU-      ----      SIU-      S---      SIUD
interactions         ----      ----      SIU-      ----      SIU-      S---      SIUD
tasks                ----      ----      SIU-      ----      SIU-      S---      SIUD
organization_finance ----      ----      ----      ----      SIU-      ----      SIUD
users                ----      ----      S---      S---      S---      S---      S---
territories          ----      ----      S---      S---      S---      S---      S---
sync.documents       ----      ----      ----      ----      ----      ----      ----
sync.changes         ----      ----      ----      ----      ----      ----      ----
sync.conflicts       ----      ----      ----      ----      ----      ----      ----
sync.violations      ----      ----      ----      ----      ----      ----      ----
sync.moves           ----      ----      ----      ----      ----      ----      ----
sync.access_events   ----      ----      ----      ----      ----      ----      ----
sync.replicas        ----      ----      ----      ----      ----      ----      ----
sync.quarantine      ----      ----      ----      ----      ----      ----      ----
sync.actors          ----      ----      ----      ----      ----      ----      ----
sync.usage           ----      ----      ----      ----      ----      ----      ----
sync.audit           ----      ----      ----      ----      ----      ----      ----
sync.former_holders  ----      ----      ----      ----      ----      ----      ----
app.settings         ----      ----      ----      ----      ----      ----      ----
sync.clock           ----      ----      ----      ----      ----      ----      ----
sync.receipt_keys    ----      ----      ----      ----      ----      ----      ----
";

#[tokio::test(flavor = "multi_thread")]
async fn every_table_command_and_role_is_as_the_matrix_says() {
    let world = World::new().await;
    let scene = Scene::new(&world).await;
    let mut connection = world.owner.acquire().await.unwrap();
    for (role, expected) in [("authenticated", READING), ("pantry_writer", WRITING)] {
        let found = scene.matrix(&mut connection, role).await;
        assert!(found == expected, "as {role}:\n{found}\nexpected:\n{expected}");
    }
    drop(connection);
    world.end().await;
}

/// Rules that compare what is with what was: y where the database lets somebody do it who may write
/// the record, and otherwise the rule that says no.
const RULES: &str = "\
rule                          rep  manager  admin
give an account away          -    y        y
put it into a territory       -    y        y
merge it into another         -    y        y
undo a merger                 -    y        y
give a deal away              -    y        y
begin a customer              -    y        y
begin a prospect              y    y        y
begin what nobody knows       -    y        y
win a customer                y    y        y
make it a distributor         -    y        y
make it what nobody knows     -    y        y
lose a deal without a reason  -    -        -
lose a deal with a reason     y    y        y
erase a contact               -    -        y
erase an account              -    -        y
";

#[tokio::test(flavor = "multi_thread")]
async fn what_may_become_of_a_record_depends_on_the_role() {
    let world = World::new().await;
    let scene = Scene::new(&world).await;
    let (account, rep) = (scene.account, scene.rep);
    let organization = |set: &str| format!("UPDATE organizations SET {set} WHERE id = '{account}'");
    let begin = |of: &str| {
        format!(
            "INSERT INTO organizations (id, name, organization_type, assigned_user_id) VALUES (gen_random_uuid(), 'New', {of}, '{rep}')"
        )
    };
    let become_one = |of: &str| organization(&format!("organization_type = {of}"));
    let commands = [
        (
            "give an account away",
            "only_managers_reassign",
            organization(&format!(
                "assigned_user_id = '{}', secondary_user_id = '{rep}'",
                world.other_rep
            )),
        ),
        ("put it into a territory", "only_managers_reassign", organization("territory_id = NULL")),
        (
            "merge it into another",
            "only_managers_merge",
            organization("merged_into = gen_random_uuid()"),
        ),
        ("undo a merger", "only_managers_merge", organization("merged_into = NULL")),
        (
            "give a deal away",
            "only_managers_hand_over",
            format!("UPDATE opportunities SET user_id = '{}'", world.other_rep),
        ),
        ("begin a customer", "reps_create_prospects", begin("'customer'")),
        ("begin a prospect", "", begin("'prospect'")),
        ("begin what nobody knows", "reps_create_prospects", begin("NULL")),
        ("win a customer", "", become_one("'customer'")),
        ("make it a distributor", "reps_win_customers", become_one("'distributor'")),
        ("make it what nobody knows", "reps_win_customers", become_one("NULL")),
        (
            "lose a deal without a reason",
            "closed_deals_need_a_reason",
            "UPDATE opportunities SET stage = 'closed-lost'".to_owned(),
        ),
        (
            "lose a deal with a reason",
            "",
            "UPDATE opportunities SET stage = 'closed-lost', close_reason = 'Price'".to_owned(),
        ),
        ("erase a contact", "only_admins_erase", "DELETE FROM contacts".to_owned()),
        ("erase an account", "only_admins_erase", "DELETE FROM organizations".to_owned()),
    ];
    // So that undoing it changes something.
    let merged = format!(
        "SET pantry.projects = 'on'; UPDATE public.organizations SET merged_into = id WHERE id = '{account}'"
    );
    world.owner.execute(AssertSqlSafe(merged)).await.unwrap();
    let mut found = String::from("rule                          rep  manager  admin\n");
    let mut connection = world.owner.acquire().await.unwrap();
    for (what, rule, sql) in &commands {
        write!(found, "{what:<30}").unwrap();
        for (person, width) in [("rep", 5), ("manager", 9), ("admin", 0)] {
            let claims = &scene.people.iter().find(|(name, _)| *name == person).unwrap().1;
            let done = tried(&mut connection, "pantry_writer", claims, sql).await;
            if let Err(refused) = &done {
                assert_eq!(refused.as_deref(), Some(*rule), "{person}: {what}");
            }
            let cell = if done == Ok(true) { "y" } else { "-" };
            write!(found, "{cell:<width$}").unwrap();
        }
        found.push('\n');
    }
    assert!(found == RULES, "{found}\nexpected:\n{RULES}");
    drop(connection);
    world.end().await;
}

/// No table is forgotten: the matrix has every one that there is.
#[tokio::test(flavor = "multi_thread")]
async fn the_matrix_has_every_table() {
    let world = World::new().await;
    let live: Vec<String> = sqlx::query_scalar(
        "SELECT CASE n.nspname WHEN 'public' THEN '' ELSE n.nspname || '.' END || c.relname
         FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
         WHERE c.relkind = 'r' AND n.nspname IN ('public', 'sync', 'app', 'reports') ORDER BY 1",
    )
    .fetch_all(&world.owner)
    .await
    .unwrap();
    for matrix in [READING, WRITING] {
        let mut listed: Vec<&str> =
            matrix.lines().skip(1).filter_map(|line| line.split_whitespace().next()).collect();
        listed.sort_unstable();
        assert_eq!(listed, live);
    }
    world.end().await;
}

/// One account of Rosa's in a territory, with something in every table, and everybody who asks.
struct Scene {
    people: Vec<(&'static str, String)>,
    account: Uuid,
    rep: Uuid,
    tables: Vec<&'static str>,
}

impl Scene {
    async fn new(world: &World) -> Self {
        let territory = people::add_territory(&world.owner, "East", None).await.unwrap();
        let person = async |name: &str, role: &str, active: bool| {
            let id = world.person(name, role, None, Some(territory)).await;
            let change = people::UserChange { active: Some(active), ..Default::default() };
            people::change_user(&world.owner, id, &change).await.unwrap();
            id
        };
        let disabled = person("gone", "manager", false).await;
        let reader = person("rita", "read_only", true).await;
        let mut rosa = world.device("rosa.db", world.rep);
        let account = create(&mut rosa, "organization", &[("name", "Kitchen")]);
        let parent = account.to_string();
        let of = ("organization_id", parent.as_str());
        create(&mut rosa, "contact", &[of, ("first_name", "Kim"), ("last_name", "Lee")]);
        create(&mut rosa, "opportunity", &[of, ("name", "Menu")]);
        create(&mut rosa, "interaction", &[of, ("interaction_type", "VISIT")]);
        create(&mut rosa, "task", &[of, ("title", "Call")]);
        world.sync(&mut rosa).await;
        let mut mia = world.device("mia.db", world.manager);
        create(&mut mia, "organization_finance", &[of]);
        world.sync(&mut mia).await;
        let id = account.0;
        for sql in [
            format!(
                "SET pantry.projects = 'on'; UPDATE public.organizations SET territory_id = '{territory}' WHERE id = '{id}'"
            ),
            format!("INSERT INTO sync.conflicts VALUES ('{id}', 'cuisine', '[]')"),
            format!("INSERT INTO sync.violations VALUES ('{id}', 'cuisine', 'odd')"),
            format!(
                "INSERT INTO sync.moves (position, record_id, from_scope) VALUES (1, '{id}', '{id}')"
            ),
            format!(
                "INSERT INTO sync.quarantine (hash, author, record_id, kind, replica_id, group_id, bytes, code, sentence, claimed_at)
                 VALUES ('x', '{}', '{id}', 'contact', '{id}', '{id}', '', 'denied', 'No.', now())",
                world.rep
            ),
            "DELETE FROM sync.access_events".to_owned(),
            format!(
                "INSERT INTO sync.access_events (position, scope_id, user_id, reason) VALUES (1, '{id}', '{}', 'x')",
                world.rep
            ),
        ] {
            world.owner.execute(AssertSqlSafe(sql)).await.unwrap();
        }
        let claims = |user: Uuid| format!(r#"{{"sub":"{user}","role":"authenticated"}}"#);
        let people = vec![
            ("nobody", String::new()),
            ("disabled", claims(disabled)),
            ("rep", claims(world.rep)),
            ("colleague", claims(world.other_rep)),
            ("manager", claims(world.manager)),
            ("reader", claims(reader)),
            ("admin", claims(world.admin)),
        ];
        // The header of the matrix names them; what it lists is what there is, as the next test shows.
        let tables = READING.lines().skip(1).filter_map(|line| line.split_whitespace().next());
        Self { people, account: id, rep: world.rep, tables: tables.collect() }
    }

    async fn matrix(&self, connection: &mut PgConnection, role: &str) -> String {
        let mut out = format!("{:<21}", "table");
        for (name, _) in &self.people {
            write!(out, "{name:<10}").unwrap();
        }
        out.truncate(out.trim_end().len());
        out.push('\n');
        for table in &self.tables {
            write!(out, "{table:<21}").unwrap();
            for (_, claims) in &self.people {
                let mut cell = String::new();
                for (letter, sql) in self.commands(table) {
                    let done = attempt(connection, role, claims, &sql).await;
                    cell.push(if done { letter } else { '-' });
                }
                write!(out, "{cell:<10}").unwrap();
            }
            out.truncate(out.trim_end().len());
            out.push('\n');
        }
        out
    }

    /// One statement a command; each changes a row where it may.
    fn commands(&self, table: &str) -> [(char, String); 4] {
        let (account, rep) = (self.account, self.rep);
        let insert = match table {
            "organizations" => {
                format!(
                    "(id, name, organization_type, assigned_user_id) VALUES (gen_random_uuid(), 'New', 'prospect', '{rep}')"
                )
            }
            "contacts" | "opportunities" | "interactions" | "tasks" | "organization_finance" => {
                format!("(id, organization_id) VALUES (gen_random_uuid(), '{account}')")
            }
            "users" => "(id, email) VALUES (gen_random_uuid(), 'new@example.com')".to_owned(),
            "territories" => "(id, name) VALUES (gen_random_uuid(), 'New')".to_owned(),
            // Whatever the columns: refused for the grant before anybody looks at them.
            _ => "DEFAULT VALUES".to_owned(),
        };
        let column = match table {
            "users" | "territories" => "id = id",
            "sync.documents" | "sync.quarantine" => "kind = kind",
            "sync.changes" | "sync.moves" | "sync.access_events" => "position = position",
            "sync.conflicts" | "sync.violations" => "field = field",
            "sync.replicas" | "sync.actors" | "sync.audit" | "sync.usage" => "user_id = user_id",
            "sync.former_holders" => "position = position",
            "app.settings" => "grace = grace",
            "sync.clock" => "last_position = last_position",
            "sync.receipt_keys" => "epoch = epoch",
            _ => "conflict_count = conflict_count",
        };
        // Of some tables only some columns may be read.
        let read = match table {
            "users" => "id",
            "sync.replicas" => "user_id",
            _ => "*",
        };
        [
            ('S', format!("SELECT {read} FROM {table} LIMIT 1")),
            ('I', format!("INSERT INTO {table} {insert}")),
            ('U', format!("UPDATE {table} SET {column}")),
            ('D', format!("DELETE FROM {table}")),
        ]
    }
}

/// Whether a statement touches a row, for somebody under a role; nothing of it stays.
async fn attempt(connection: &mut PgConnection, role: &str, claims: &str, sql: &str) -> bool {
    tried(connection, role, claims, sql).await == Ok(true)
}

/// Whether a statement touches a row, or the rule that refuses it; nothing of it stays.
async fn tried(
    connection: &mut PgConnection,
    role: &str,
    claims: &str,
    sql: &str,
) -> Result<bool, Option<String>> {
    let mut tx = connection.begin().await.unwrap();
    sqlx::query("SELECT set_config('request.jwt.claims', $1, true)")
        .bind(claims)
        .execute(&mut *tx)
        .await
        .unwrap();
    tx.execute(AssertSqlSafe(format!("SET LOCAL ROLE {role}"))).await.unwrap();
    // As the server does when it writes what a document says.
    tx.execute("SET LOCAL pantry.projects = 'on'").await.unwrap();
    let done = match tx.execute(AssertSqlSafe(sql.to_owned())).await {
        Ok(done) => Ok(done.rows_affected() > 0),
        Err(error) => {
            let error = error.as_database_error().unwrap();
            let code = error.code().unwrap_or_default();
            assert!(code == "42501" || code.starts_with("PT"), "{sql}: {error}");
            Err(error.constraint().map(str::to_owned))
        }
    };
    tx.rollback().await.unwrap();
    done
}
