//! What somebody wrote into a name, printed for somebody else by either program: nothing of it reaches a
//! terminal, a log or a file of CSV as something that is obeyed.

use std::process::Command;

use client_sdk::core::replica::GroupEdit;
use sync_core::printable;
use sync_server::ops::people;

use crate::harness::{World, create, edit, pantry_program, set};

/// Clears the screen, sets a title, goes red by one byte of C1, deletes, turns round, hides, ends the
/// line in four ways and begins a line of its own.
const HOSTILE: &str = "\u{1b}[2J\u{1b}]0;owned\u{7}\u{9b}31m\u{7f}\u{202e}fdp\u{2066}\u{200b}\u{feff}\r\n\u{85}\u{2028}error: forged\t.";

/// What of a program's output would be obeyed, or is a line that somebody forged.
fn obeyed(text: &str) -> Vec<String> {
    let hidden = |c: &char| *c != '\n' && printable::line(&c.to_string()) != c.to_string();
    let found = text.chars().filter(hidden).map(|c| c.escape_unicode().to_string());
    let forged = text.lines().filter(|line| line.trim_start().starts_with("error: forged"));
    found.chain(forged.map(str::to_owned)).collect()
}

async fn run(mut command: Command) -> (String, String) {
    let output = tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (text(output.stdout), text(output.stderr))
}

/// An account, a person and a territory of that name, an edit that is refused with that word in it; and
/// every command that tells of them.
#[tokio::test(flavor = "multi_thread")]
async fn no_command_of_either_program_prints_what_a_terminal_obeys() {
    let world = World::new().await;
    let territory = people::add_territory(&world.owner, HOSTILE, None).await.unwrap();
    sqlx::query("UPDATE public.users SET last_name = $2, territory_id = $3 WHERE id = $1")
        .bind(world.rep)
        .bind(HOSTILE)
        .bind(territory)
        .execute(&world.owner)
        .await
        .unwrap();
    let mut rosa = world.device("rosa.db", world.rep);
    let pairs = [
        ("name", HOSTILE),
        ("notes", HOSTILE),
        ("tags", "x"),
        ("cuisine", HOSTILE),
        ("priority_level", "A"),
    ];
    let account = create(&mut rosa, "organization", &pairs);
    let parent = account.to_string();
    let deal = [("organization_id", parent.as_str()), ("name", HOSTILE)];
    let deal = create(&mut rosa, "opportunity", &deal);
    let task =
        [("organization_id", parent.as_str()), ("title", HOSTILE), ("due_date", "2020-01-01")];
    create(&mut rosa, "task", &task);
    world.sync(&mut rosa).await;
    let lost = [("stage", "closed-lost"), ("decision_timeline", HOSTILE), ("tags", "y")];
    rosa.commit(&[GroupEdit::Edit { id: deal, edit: edit("opportunity", &lost) }]).unwrap();
    assert_eq!(world.sync(&mut rosa).await.refused, 1);
    let refused = rosa.quarantine().unwrap()[0].hash.to_string();
    set(&mut rosa, account, "organization", &[("website", "unsent")]);
    let mut omar = world.device("omar.db", world.other_rep);
    world.sync(&mut omar).await;
    // Omar's device will hear of it, by the account's name.
    world.assign(account, world.other_rep).await;
    let csv = world.files.path().join("places.csv");
    std::fs::write(&csv, format!("name,priority_level\n\"{}\",\"{HOSTILE}\"\n", "Grand")).unwrap();

    let (id, url) = (account.to_string(), world.server.sync_url());
    let (rep, other) = (world.token(world.rep), world.token(world.other_rep));
    let (csv, sql) = (csv.to_str().unwrap().to_owned(), "SELECT name, notes FROM organizations");
    let mut said = Vec::new();
    let forged = format!("{HOSTILE}.db");
    for json in [false, true] {
        let device = |file: &str, args: &[&str]| {
            let mut command = Command::new(pantry_program());
            command.current_dir(world.files.path()).arg("--db").arg(file).args(args);
            if json {
                command.arg("--json");
            }
            command
        };
        let mut commands = vec![
            device("omar.db", &["sync", "--server", &url, "--token", &other]),
            device("rosa.db", &["show", &id]),
            device("rosa.db", &["list", "organization"]),
            device("rosa.db", &["search", "forged"]),
            device("rosa.db", &["query", sql]),
            device("rosa.db", &["query", "SELECT 1 AS \"\u{1b}[2J\""]),
            device("rosa.db", &["quarantine"]),
            device("rosa.db", &["quarantine", "show", &refused]),
            device("rosa.db", &["quarantine", "export"]),
            device("rosa.db", &["quarantine", "show", HOSTILE]),
            device("rosa.db", &["import", &csv, "--preview"]),
            device("rosa.db", &["import", &csv, "--map", &format!("name={HOSTILE}")]),
            device("rosa.db", &["set", &id, &format!("priority_level={HOSTILE}")]),
            device("rosa.db", &["check", &id, "cuisine=x", "--server", &url, "--token", &rep]),
            device("rosa.db", &["status"]),
            device(&forged, &["status"]),
        ];
        let server = |args: &[&str]| {
            let mut command = Command::new(env!("CARGO_BIN_EXE_sync-server"));
            command.args(args).env("DATABASE_URL", &world.config.database_url);
            if json {
                command.arg("--json");
            }
            command
        };
        let mia = "mia@example.com";
        for report in
            ["pipeline", "overdue_follow_ups", "priority_a_not_visited", "refused", "trust"]
        {
            for format in ["table", "csv", "json"] {
                commands.push(server(&["report", report, "--user", mia, "--format", format]));
            }
        }
        commands.extend([
            server(&["explain", "--user", "omar@example.com", "--record", &id]),
            server(&["user", "list"]),
            server(&["territory", "list"]),
            server(&[
                "assign",
                "--from",
                "omar@example.com",
                "--to",
                "rosa@example.com",
                "--as",
                mia,
                "--preview",
            ]),
            server(&["report", HOSTILE, "--user", mia]),
            server(&["explain", "--user", HOSTILE, "--record", &id]),
        ]);
        for command in commands {
            let what = format!("{:?}", command.get_args().collect::<Vec<_>>());
            let (out, errors) = run(command).await;
            for text in [&out, &errors] {
                let found = obeyed(text);
                assert!(found.is_empty(), "{what}: {found:?} in {text:?}");
            }
            if json && !what.contains("csv") {
                for line in out.lines() {
                    let read = serde_json::from_str::<serde_json::Value>(line);
                    assert!(read.is_ok(), "{what}: not JSON: {line:?}");
                }
            }
            said.push(out + &errors);
        }
    }
    // It was there to be printed: as it is, written out, and in JSON the same text still.
    let told = said.iter().filter(|text| text.contains("\\u{1b}[2J")).count();
    assert!(told >= 14, "told by {told} commands");
    let as_json = serde_json::json!(HOSTILE).to_string();
    let json = said.iter().filter(|text| text.contains(&*printable::json(&as_json))).count();
    assert!(json >= 8, "told by {json} commands in JSON");
    world.end().await;
}

/// A report or a token that was cut off is none: whoever puts it into a file hears of it.
#[tokio::test(flavor = "multi_thread")]
#[cfg(target_os = "linux")]
async fn output_that_cannot_be_written_is_an_error() {
    let world = World::new().await;
    for args in [
        &["reports"][..],
        &["report", "pipeline", "--user", "mia@example.com", "--format", "csv"],
        &["token", "--user", "mia@example.com"],
        &["user", "list"],
    ] {
        let full = std::fs::File::options().write(true).open("/dev/full").unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_sync-server"));
        command
            .args(args)
            .env("DATABASE_URL", &world.config.database_url)
            .env("SUPABASE_JWT_SECRET", "a secret of more than thirty-two bytes, for tests")
            .stdout(full);
        let output = tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap();
        let errors = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(1), "{args:?}: {errors}");
        assert!(errors.contains("the output could not be written"), "{args:?}: {errors}");
    }
    world.end().await;
}
