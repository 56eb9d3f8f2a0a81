//! Files as other programs write them: nothing is dropped or changed unsaid, and nothing is made twice.

use std::path::Path;

use serde_json::{Value, json};

use crate::kit::{begun, cell, command, fails, ok, pantry};

/// An import: its exit code, and what it says of itself.
fn import(dir: &Path, file: &str, bytes: &[u8], args: &[&str]) -> (i32, Value) {
    std::fs::write(dir.join(file), bytes).unwrap();
    let output = pantry(dir, &[&["--json", "import", file], args].concat());
    let text = String::from_utf8(output.stdout).unwrap();
    let last = text.lines().last().unwrap_or_default();
    let value = serde_json::from_str(last).unwrap_or_else(|_| {
        panic!("{file}: {}", String::from_utf8_lossy(&output.stderr));
    });
    (output.status.code().unwrap(), value)
}

/// What is said of a line.
#[track_caller]
fn said(outcome: &Value, line: u64) -> String {
    let remarks = outcome["remarks"].as_array().unwrap();
    let of_line = remarks.iter().filter(|remark| remark["line"] == json!(line));
    let texts: Vec<&str> = of_line.filter_map(|remark| remark["reason"].as_str()).collect();
    assert!(!texts.is_empty(), "nothing is said of line {line}: {outcome}");
    texts.join("; ")
}

#[track_caller]
fn target<'a>(outcome: &'a Value, column: &str) -> &'a Value {
    let columns = outcome["columns"].as_array().unwrap();
    let found = columns.iter().find(|one| one["column"] == json!(column));
    &found.unwrap_or_else(|| panic!("{column} is not named: {outcome}"))["field"]
}

const COMPANIES: &str = "Record ID,Company name,Phone Number,City,Postal Code,Annual Revenue,Odd,Description\n\
    1001,Harbor Grill,+12075550133,Portland,04101,1200000,x,\"Wood grill.\nAsk for \"\"Noor\"\".\"\n\
    1002,  Mill Deli ,(802) 555-0166;+1 802 555 0167 ext 4,Burlington,05401,,,=SUM of all\n\
    1003,,555-0100,,,,,\n\
    1004,Kestrel,1.41356E+10,Keene,03431,,,\n";

/// Headings of a program that exports companies are known; every column and cell is taken or named, and
/// the file once more adds nothing.
#[test]
fn companies_come_whole_and_what_does_not_is_named() {
    let dir = begun();
    let dir = dir.path();
    let (code, outcome) = import(dir, "c.csv", COMPANIES.as_bytes(), &[]);
    assert_eq!(
        (code, &outcome["imported"], &outcome["kind"]),
        (7, &json!(3), &json!("organization"))
    );
    assert_eq!(target(&outcome, "Record ID"), "custom_fields.source_id");
    assert_eq!(target(&outcome, "Postal Code"), "billing_address.postal_code");
    assert_eq!(
        (target(&outcome, "Annual Revenue"), target(&outcome, "Odd")),
        (&Value::Null, &Value::Null)
    );
    assert!(said(&outcome, 5).contains("name is missing"));
    assert!(said(&outcome, 6).contains("ruined by the spreadsheet"));
    let grill = "SELECT json_array(notes, billing_address_postal_code, phones) FROM organizations WHERE name = 'Harbor Grill'";
    let notes = "[\"Wood grill.\\nAsk for \\\"Noor\\\".\",\"04101\",\"[\\\"+12075550133\\\"]\"]";
    assert_eq!(cell(dir, grill), json!(notes));
    let deli =
        "SELECT phones FROM organizations WHERE name = 'Mill Deli' AND notes = '=SUM of all'";
    assert_eq!(cell(dir, deli), json!("[\"+18025550167x4\",\"8025550166\"]"));
    let (_, again) = import(dir, "c.csv", COMPANIES.as_bytes(), &[]);
    assert_eq!((&again["imported"], &again["there"]), (&json!(0), &json!(3)));
    assert_eq!(cell(dir, "SELECT count(*) FROM organizations"), json!(3));
}

/// A preview says the same and writes nothing; so does a plan that must be told something first.
#[test]
fn a_preview_writes_nothing_and_asks_what_cannot_be_known() {
    let dir = begun();
    let dir = dir.path();
    let (_, outcome) = import(dir, "c.csv", COMPANIES.as_bytes(), &["--preview"]);
    assert_eq!(outcome["imported"], json!(3));
    assert_eq!(cell(dir, "SELECT count(*) FROM organizations"), json!(0));
    ok(dir, &["new", "organization", "name=Grand"]);
    let deals = "Deal Name,Account Name,Deal Stage,Amount,Currency,Close Date\nOil,Grand,Closed Won,\"1,200.00\",USD,3/4/2026\n";
    std::fs::write(dir.join("d.csv"), deals).unwrap();
    let (code, errors) = fails(dir, &["import", "d.csv"]);
    assert!(code == 1 && errors.contains("--dates dmy or --dates mdy"), "{errors}");
    assert_eq!(cell(dir, "SELECT count(*) FROM opportunities"), json!(0));
    let (code, outcome) = import(dir, "d.csv", deals.as_bytes(), &["--dates", "mdy"]);
    assert_eq!((code, &outcome["imported"]), (0, &json!(1)), "{outcome}");
    let deal =
        "SELECT json_array(stage, estimated_value_minor, estimated_close_date) FROM opportunities";
    assert_eq!(cell(dir, deal), json!("[\"closed-won\",120000,\"2026-03-04\"]"));
}

/// A won deal never comes in as one that begins: a stage that nobody knows costs its row, and may be said.
#[test]
fn an_unknown_stage_is_named_and_may_be_said() {
    let dir = begun();
    let dir = dir.path();
    ok(dir, &["new", "organization", "name=O'Malley & Daughters"]);
    let report = "\"Account Name\",\"Opportunity Name\",\"Stage\",\"Amount Currency\",\"Amount\",\"Close Date\"\n\
        \"O’Malley & Daughters\",\"Credit\",\"Closed Won\",\"USD\",\"25,000.00\",\"9/30/2026\"\n\
        \"O'Malley & Daughters\",\"Menu\",\"Needs Analysis\",\"USD\",\"\",\"2/28/2027\"\n\
        \"O'Malley & Daughters\",\"Line\",\"Tasting booked\",\"USD\",\"9,900.00\",\"3/12/2027\"\n\
        \"Nobody\",\"Salsa\",\"Closed Won\",\"MXN\",\"1,250,000.00\",\"3/4/2027\"\n\
        \"O'Malley & Daughters\",\"Pastry\",\"Prospecting\",\"USD\",\"7,000.00\",\"11/31/2026\"\n\
        \n\n\"Grand Totals (5 records)\"\n\n\"Copyright (c) 2026\"\n";
    let (code, outcome) = import(dir, "d.csv", report.as_bytes(), &[]);
    assert_eq!(
        (code, &outcome["imported"], &outcome["left_out"]),
        (7, &json!(3), &json!(2)),
        "{outcome}"
    );
    assert!(said(&outcome, 3).contains("is taken as qualification"));
    assert!(said(&outcome, 4).contains("one of prospecting"));
    assert!(said(&outcome, 5).contains("--create-accounts"));
    assert!(said(&outcome, 6).contains("no day of the calendar"));
    assert_eq!(
        cell(dir, "SELECT count(*) FROM opportunities WHERE stage = 'closed-won'"),
        json!(1)
    );
    assert_eq!(
        cell(dir, "SELECT estimated_value_minor FROM opportunities WHERE name = 'Menu'"),
        Value::Null
    );
    let args = ["--value", "stage: Tasting booked=qualification", "--create-accounts"];
    let (_, outcome) = import(dir, "d.csv", report.as_bytes(), &args);
    assert_eq!((&outcome["imported"], &outcome["there"]), (&json!(2), &json!(3)), "{outcome}");
    assert_eq!(outcome["accounts"], json!(["Nobody"]));
    let salsa = "SELECT o.name FROM opportunities d JOIN organizations o ON o.id = d.organization_id WHERE d.name = 'Salsa'";
    assert_eq!(cell(dir, salsa), json!("Nobody"));
}

/// Windows-1252, semicolons, decimal commas, lines above and a sum below; a quote that is not closed and
/// a cell too many cost their own lines.
#[test]
fn a_spreadsheet_of_another_country_is_read() {
    let dir = begun();
    let dir = dir.path();
    let text = "Kundenliste;;;\r\n;;;\r\nFirma;PLZ;Klasse;Bemerkung\r\n\
        B\u{e4}ckerei Gr\u{fc}\u{df};01067;c;\"Backt; selbst\"\r\n\
        Hotel Seeblick;88131;A+;\r\n\
        \"Offen;1;A;\r\n\
        Zu viel;1;A;x;y\r\n\
        Mensa;37073;b;\r\n\
        Summe;3;;\r\n";
    let bytes: Vec<u8> = text.chars().map(|c| u8::try_from(u32::from(c)).unwrap()).collect();
    let (code, outcome) = import(dir, "k.csv", &bytes, &[]);
    assert_eq!((code, &outcome["imported"]), (7, &json!(3)), "{outcome}");
    assert_eq!(
        (&outcome["encoding"], &outcome["delimiter"]),
        (&json!("Windows-1252"), &json!(";"))
    );
    assert_eq!(outcome["heading_line"], json!(3));
    assert!(said(&outcome, 5).contains("one of A, B, C, D"));
    assert!(said(&outcome, 6).contains("quote"));
    assert!(said(&outcome, 7).contains("5 cells"));
    let bakery = "SELECT json_array(billing_address_postal_code, priority_level, notes) FROM organizations WHERE name = 'Bäckerei Grüß'";
    assert_eq!(cell(dir, bakery), json!("[\"01067\",\"C\",\"Backt; selbst\"]"));
    assert_eq!(cell(dir, "SELECT count(*) FROM organizations WHERE name = 'Summe'"), json!(0));
}

/// People of another program: one name alone, several numbers and addresses in a cell, labels of the
/// program itself, and an account that is not there.
#[test]
fn people_come_with_all_their_numbers_and_their_account() {
    let dir = begun();
    let dir = dir.path();
    ok(dir, &["new", "organization", "name=Harbor Grill", "billing_address.postal_code=04101"]);
    ok(dir, &["new", "organization", "name=Harbor Grill", "billing_address.postal_code=04401"]);
    let people = "First Name,Last Name,Organization Name,Organization Title,Birthday,Labels,E-mail 1 - Value,Phone 1 - Value,Address 1 - Postal Code\n\
        Noor,Haddad,Harbor Grill,Chef,,Chefs ::: * myContacts,noor@a.example,+1 207-555-0134 ::: (207) 555-0135,04101\n\
        Ronan,,Pier Nine,,--03-14,-late,ronan@a.example ::: maja@cafe-zubr,207.555.0145 x12,\n\
        ,,Blue Door Deli,,,,,207-555-0178,\n\
        Ike,Brandt,Harbor Grill,,,,noor@a.example,,\n";
    let (code, outcome) = import(dir, "p.csv", people.as_bytes(), &[]);
    assert_eq!(
        (code, &outcome["kind"], &outcome["imported"]),
        (7, &json!("contact"), &json!(3)),
        "{outcome}"
    );
    assert!(said(&outcome, 2).contains("the place of this row"));
    let ronan = said(&outcome, 3);
    for reason in ["no organization of this name", "not a day", "e-mail", "last name"] {
        assert!(ronan.contains(reason), "{reason}: {ronan}");
    }
    assert!(said(&outcome, 4).contains("the name of a person is missing"));
    assert!(
        said(&outcome, 5).contains("2 records are called so")
            && said(&outcome, 5).contains("double")
    );
    let noor = "SELECT json_array(c.phones, c.tags, o.billing_address_postal_code) FROM contacts c JOIN organizations o ON o.id = c.organization_id";
    assert_eq!(
        cell(dir, noor),
        json!("[\"[\\\"+12075550134\\\",\\\"2075550135\\\"]\",\"[\\\"Chefs\\\"]\",\"04101\"]")
    );
    let tags =
        "SELECT tags FROM contacts WHERE last_name = 'Ronan' AND emails = '[\"ronan@a.example\"]'";
    assert_eq!(cell(dir, tags), json!("[\"-late\"]"), "a stroke before a label takes nothing away");
}

/// A match key finds what is there: left alone, brought up to date, or made once more. What the row does
/// not say stays.
#[test]
fn a_match_key_decides_between_skip_update_and_create() {
    let dir = begun();
    let dir = dir.path();
    ok(dir, &["new", "organization", "name=Grand", "cuisine=Thai", "emails=ap@grand.example"]);
    let file =
        "Name,Email,Cuisine,City\nGrand Hotel,AP@grand.example,,Albany\nOther,o@o.example,Deli,\n";
    let by = ["--match", "emails", "--on-match"];
    let (code, outcome) = import(dir, "m.csv", file.as_bytes(), &[&by[..], &["update"]].concat());
    assert_eq!(
        (code, &outcome["imported"], &outcome["changed"]),
        (0, &json!(1), &json!(1)),
        "{outcome}"
    );
    let grand = "SELECT json_array(cuisine, billing_address_city) FROM organizations WHERE name = 'Grand Hotel'";
    assert_eq!(cell(dir, grand), json!("[\"Thai\",\"Albany\"]"));
    let (_, outcome) = import(dir, "m.csv", file.as_bytes(), &[&by[..], &["skip"]].concat());
    assert_eq!((&outcome["imported"], &outcome["there"]), (&json!(0), &json!(2)));
    let (_, outcome) = import(dir, "m.csv", file.as_bytes(), &[&by[..], &["create"]].concat());
    assert_eq!(outcome["imported"], json!(2));
    let (code, errors) = fails(dir, &["import", "m.csv", "--match", "website"]);
    assert!(code == 1 && errors.contains("no column goes to website"), "{errors}");
}

/// An import is a batch: listed, and undone. What somebody worked on since stays.
#[test]
fn an_import_is_listed_and_undone() {
    let dir = begun();
    let dir = dir.path();
    ok(dir, &["new", "organization", "name=Old", "cuisine=Thai"]);
    let file = "Name,Cuisine\nOld,Grill\nNew,Deli\nBusy,Deli\nWatched,\n";
    let args = ["--match", "name", "--on-match", "update"];
    let (_, outcome) = import(dir, "b.csv", file.as_bytes(), &args);
    assert_eq!((&outcome["imported"], &outcome["changed"]), (&json!(3), &json!(1)));
    let busy = cell(dir, "SELECT id FROM organizations WHERE name = 'Busy'");
    ok(dir, &["set", busy.as_str().unwrap(), "cuisine=Thai"]);
    let watched = cell(dir, "SELECT id FROM organizations WHERE name = 'Watched'");
    let about = format!("organization_id={}", watched.as_str().unwrap());
    ok(dir, &["new", "contact", "last_name=Kim", &about]);
    let listed = ok(dir, &["imports"]);
    assert!(listed.contains("b.csv") && listed.contains("done"), "{listed}");
    let id = outcome["import"].as_str().unwrap();
    let undone = pantry(dir, &["--json", "imports", "undo", &id[28..]]);
    assert_eq!(undone.status.code(), Some(7), "something stays");
    let undone: Value = serde_json::from_slice(&undone.stdout).unwrap();
    assert_eq!((&undone["deleted"], &undone["restored"]), (&json!(1), &json!(1)), "{undone}");
    assert_eq!(undone["kept"].as_array().unwrap().len(), 2);
    let names = "SELECT group_concat(name || ':' || coalesce(cuisine, ''), ' ') FROM (SELECT name, cuisine FROM organizations WHERE NOT is_deleted ORDER BY name)";
    assert_eq!(cell(dir, names), json!("Busy:Thai Old:Thai Watched:"));
    assert!(ok(dir, &["imports"]).contains("undone"));
    let (code, errors) = fails(dir, &["imports", "undo", &id[28..]]);
    assert!(code == 1 && errors.contains("that stands"), "{errors}");
    // What was undone may be imported again.
    let (_, outcome) = import(dir, "b.csv", b"Name,Cuisine\nNew,Deli\n", &[]);
    assert_eq!(outcome["imported"], json!(1));
}

/// A process that is killed amid an import, wherever: the same command again brings it to its end, and
/// every row is there once.
#[test]
#[cfg(unix)]
fn a_killed_import_goes_on_without_doubles() {
    let dir = begun();
    let dir = dir.path();
    let rows: String = (0..1500).map(|n| format!("Place {n},Deli\n")).collect();
    std::fs::write(dir.join("k.csv"), format!("Name,Cuisine\n{rows}")).unwrap();
    let mut killed = 0;
    for _ in 0..20 {
        let mut child = command(dir, &["import", "k.csv"]).spawn().unwrap();
        // Until more rows are there than before: however fast the machine is, it is killed amid them.
        let before = cell(dir, "SELECT count(*) FROM organizations").as_i64().unwrap();
        let ended = loop {
            if let Some(status) = child.try_wait().unwrap() {
                break status.success();
            }
            if cell(dir, "SELECT count(*) FROM organizations").as_i64().unwrap() > before {
                child.kill().unwrap();
                break child.wait().unwrap().success();
            }
        };
        if ended {
            break;
        }
        killed += 1;
    }
    let output = pantry(dir, &["import", "k.csv"]);
    assert!(
        output.status.success(),
        "after {killed} kills: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    assert_eq!(cell(dir, "SELECT count(*) FROM organizations"), json!(1500));
    assert_eq!(cell(dir, "SELECT count(DISTINCT name) FROM organizations"), json!(1500));
    let listed = ok(dir, &["--json", "imports"]);
    assert_eq!(listed.lines().count(), 1, "{killed} kills make one batch: {listed}");
    assert!(listed.contains("\"done\"") && listed.contains("1500"), "{listed}");
}

/// UTF-16 with tabs, as a spreadsheet writes text; visits with day and time apart, and one that lies ahead.
#[test]
fn visits_are_read_with_their_time_where_the_rep_is() {
    let dir = begun();
    let dir = dir.path();
    ok(dir, &["new", "organization", "name=金龍 Golden Dragon"]);
    let text = "\u{feff}Customer\tVisit date\tTime\tType\tMinutes\tNotes\r\n\
        金龍 Golden Dragon\t46329\t\tVisit\t30\t\"Prefers \"\"jib\"\"\r\nNot the pail\"\r\n\
        金龍 golden dragon\t10/27/2025\t2:05 PM\tPhone call\t5\t\r\n\
        金龍 Golden Dragon\t13/11/2025\t10:00\tVisit\t\t\r\n\
        金龍 Golden Dragon\t11/13/2025\t10:00\tLunch\t\t\r\n\
        金龍 Golden Dragon\t11/20/2025\t\tDemo\t\t\r\n\
        金龍 Golden Dragon\t12/9/2999\t10:00\tVisit\t\tsite walk\r\n";
    let bytes: Vec<u8> =
        text.replace("46329", "45964").encode_utf16().flat_map(u16::to_le_bytes).collect();
    let (code, outcome) = import(dir, "v.csv", &bytes, &[]);
    assert_eq!((code, &outcome["kind"]), (7, &json!("interaction")), "{outcome}");
    assert_eq!((&outcome["encoding"], &outcome["delimiter"]), (&json!("UTF-16"), &json!("\t")));
    let call = "SELECT occurred_at FROM interactions WHERE interaction_type = 'CALL'";
    assert_eq!(cell(dir, call), json!("2025-10-27T18:05:00.000Z"));
    let visit =
        "SELECT json_array(occurred_at, description) FROM interactions WHERE duration_minutes = 30";
    assert_eq!(
        cell(dir, visit),
        json!("[\"2025-11-03T05:00:00.000Z\",\"Prefers \\\"jib\\\"\\nNot the pail\"]")
    );
    assert!(said(&outcome, 5).contains("no day of the calendar"), "{outcome}");
    assert!(said(&outcome, 6).contains("one of CALL"), "{outcome}");
    assert!(said(&outcome, 8).contains("lies ahead"), "{outcome}");
}

/// Nothing taken is no success, and what is no table of records is said to be that.
#[test]
fn an_import_of_nothing_is_no_success() {
    let dir = begun();
    let dir = dir.path();
    let (code, outcome) = import(dir, "e.csv", b"Name,City\n", &[]);
    assert_eq!((code, &outcome["imported"]), (7, &json!(0)));
    std::fs::write(
        dir.join("i.csv"),
        "Item Name,SKU,GTIN,Price,Categories\nOil,1E5,0001,41.50,Oils\n",
    )
    .unwrap();
    let (code, errors) = fails(dir, &["import", "i.csv"]);
    assert!(code == 1 && errors.contains("list of products"), "{errors}");
    std::fs::write(dir.join("x.csv"), "Alpha,Beta\n1,2\n").unwrap();
    let (code, errors) = fails(dir, &["import", "x.csv"]);
    assert!(code == 1 && errors.contains("--map FIELD=COLUMN"), "{errors}");
    let (code, outcome) = import(
        dir,
        "y.csv",
        b"Alpha,Name,#\nGrand,x,y\n",
        &[
            "--map",
            "name=Alpha",
            "--map",
            "cuisine=#3",
            "--kind",
            "organization",
            "--rest",
            "custom",
        ],
    );
    assert_eq!((code, &outcome["imported"]), (0, &json!(1)), "{outcome}");
    let made = "SELECT json_array(name, cuisine, json_extract(custom_fields, '$.Name')) FROM organizations";
    assert_eq!(cell(dir, made), json!("[\"Grand\",\"y\",\"x\"]"));
}

/// What was not taken is a table as well, whose cells no spreadsheet runs.
#[test]
fn a_report_of_what_was_not_taken_is_written() {
    let dir = begun();
    let dir = dir.path();
    let (_, _) = import(dir, "r.csv", b"Name,Class\nGrand,=1+1\n", &["--report", "report.csv"]);
    let report = std::fs::read_to_string(dir.join("report.csv")).unwrap();
    assert!(report.starts_with("line,column,cell,reason,lost\n2,Class,'=1+1,"), "{report}");
}

/// What was imported is imported again with more of its columns: what changes is changed, and counted as
/// such; what says the same is there.
#[test]
fn an_import_that_is_to_change_changes_what_it_made_itself() {
    let dir = begun();
    let dir = dir.path();
    let text = b"Record ID,Company name,Last grade\n1,Ada's,A\n2,Bo's,\n";
    let (_, first) = import(dir, "c.csv", text, &[]);
    assert_eq!(first["imported"], json!(2), "{first}");
    let (_, again) = import(dir, "c.csv", text, &["--rest", "custom", "--on-match", "update"]);
    assert_eq!((&again["changed"], &again["there"]), (&json!(1), &json!(1)), "{again}");
    let grade = "SELECT json_extract(custom_fields, '$.\"Last grade\"') FROM organizations WHERE name = 'Ada''s'";
    assert_eq!(cell(dir, grade), json!("A"));
}

/// An address beside a person is an account's: it is taken with one that begins, and named where none does.
/// An account of a row that is left out does not begin, and later rows begin their own.
#[test]
fn addresses_are_taken_with_an_account_or_named() {
    let text =
        b"First Name,Last Name,E-mail Address,Company,Business Street,Business City,Birthday\n\
        ,,nobody@a.example,Elm Street,1 Elm St,Albany,\n\
        Ana,Lee,ana@a.example,Elm Street,2 Elm St,Albany,\n";
    let apart = begun();
    let (code, outcome) = import(apart.path(), "p.csv", text, &["--kind", "contact"]);
    assert_eq!(code, 7, "{outcome}");
    assert!(said(&outcome, 3).contains("--create-accounts"), "{outcome}");
    let whole = begun();
    let (_, outcome) =
        import(whole.path(), "p.csv", text, &["--kind", "contact", "--create-accounts"]);
    assert_eq!(outcome["accounts"].as_array().map(Vec::len), Some(1), "{outcome}");
    let street = "SELECT billing_address_street FROM organizations";
    assert_eq!(cell(whole.path(), street), json!("2 Elm St"));
    let employer =
        "SELECT count(*) FROM contacts c JOIN organizations o ON o.id = c.organization_id";
    assert_eq!(cell(whole.path(), employer), json!(1));
}
