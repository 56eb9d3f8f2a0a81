//! Two imports at once, of one file or of two that name the same accounts.

use std::fmt::Write;
use std::path::Path;

use client_sdk::Client;
use client_sdk::core::ids::UserId;
use client_sdk::import::{ImportOptions, ImportPlan, Mode, OnMatch, Outcome};
use serde_json::{Value, json};

/// Rows of the file: a few times what becomes durable together.
const ROWS: u64 = 300;

fn client(dir: &Path) -> Client {
    let user = UserId(uuid::Uuid::from_u128(7));
    Client::open(&dir.join("a.db"), Some(user)).unwrap()
}

fn count(client: &Client, table: &str) -> Value {
    client.query(&format!("SELECT count(*) FROM {table}")).unwrap().rows[0][0].clone()
}

/// Runs an import, amid which another process runs a whole other one.
fn amid(dir: &Path, row: u64, mine: &ImportPlan, others: &ImportPlan) -> (Outcome, Outcome) {
    let (one, other) = (client(dir), client(dir));
    let mut others_outcome = None;
    let outcome = one.import(mine, Mode::Write, |done| {
        if done == row {
            others_outcome = Some(other.import(others, Mode::Write, |_| ()).unwrap());
        }
    });
    (outcome.unwrap(), others_outcome.unwrap())
}

fn plan(dir: &Path, file: &str, text: &str, options: &ImportOptions) -> ImportPlan {
    let path = dir.join(file);
    std::fs::write(&path, text).unwrap();
    client(dir).plan_import(&path, options.clone()).unwrap()
}

/// The same file is imported twice at once, however its rows are matched and wherever the second one
/// comes: every row is one record, and both say what they did.
#[test]
fn two_imports_of_one_file_at_once_make_nothing_twice() {
    let matched = ImportOptions { matching: Some("name".into()), ..ImportOptions::default() };
    let updated = ImportOptions { on_match: OnMatch::Update, ..matched.clone() };
    let mut text = "name,cuisine\n".to_owned();
    for number in 0..ROWS {
        writeln!(text, "Kitchen {number},Thai").unwrap();
    }
    for options in [ImportOptions::default(), matched, updated] {
        for row in [1, 63, 64, 100, ROWS] {
            let directory = tempfile::tempdir().unwrap();
            let dir = directory.path();
            let plan = plan(dir, "p.csv", &text, &options);
            let (mine, others) = amid(dir, row, &plan, &plan);
            let said = format!("{:?}, at row {row}: {mine:?} {others:?}", options.matching);
            assert_eq!(count(&client(dir), "organizations"), json!(ROWS), "{said}");
            assert_eq!(mine.created + others.created, ROWS, "{said}");
            for outcome in [&mine, &others] {
                assert_eq!(outcome.created + outcome.changed + outcome.there, ROWS, "{said}");
                assert!(outcome.is_whole() && outcome.remarks.is_empty(), "{said}");
            }
        }
    }
}

/// Two files name the same accounts, which begin because they are named: each begins once.
#[test]
fn two_files_that_name_one_account_begin_it_once() {
    let options = ImportOptions {
        kind: Some("contact".into()),
        create_accounts: true,
        ..ImportOptions::default()
    };
    let directory = tempfile::tempdir().unwrap();
    let dir = directory.path();
    let people = |first: &str| {
        let mut text = "First Name,Last Name,Company\n".to_owned();
        for number in 0..100 {
            writeln!(text, "{first},Person {number},Kitchen {}", number / 2).unwrap();
        }
        text
    };
    let one = plan(dir, "one.csv", &people("Ana"), &options);
    let other = plan(dir, "other.csv", &people("Bo"), &options);
    let (mine, others) = amid(dir, 70, &one, &other);
    let client = client(dir);
    assert_eq!(
        (count(&client, "organizations"), count(&client, "contacts")),
        (json!(50), json!(200))
    );
    assert_eq!(mine.accounts.len() + others.accounts.len(), 50);
    let lonely = "contacts WHERE organization_id NOT IN (SELECT id FROM organizations)";
    assert_eq!(count(&client, lonely), json!(0));
}
