//! Values as people type them: read as they are meant, shown back, or refused.

use serde_json::json;

use crate::kit::{begun, cell, fails, ok, pantry, said};

/// Ten in the morning is ten in the morning where the rep is, and is shown so again.
#[test]
fn a_time_of_day_is_one_in_the_zone_of_the_device() {
    let dir = begun();
    let dir = dir.path();
    let said = said(dir, &["new", "task", "title=Call", "reminder_at=2026-11-20 10:00"]);
    assert!(said.contains("2026-11-20 10:00 America/New_York"), "{said}");
    assert_eq!(cell(dir, "SELECT reminder_at FROM tasks"), "2026-11-20T15:00:00.000Z");
    let id = cell(dir, "SELECT id FROM tasks");
    let id = id.as_str().unwrap();
    assert!(ok(dir, &["show", id]).contains("reminder_at: 2026-11-20 10:00 America/New_York"));
    ok(dir, &["init", "--zone", "Europe/Berlin"]);
    ok(dir, &["set", id, "reminder_at=20 Nov 2026 10:00", "snooze_until=2026-11-20T10:00:00Z"]);
    assert_eq!(cell(dir, "SELECT reminder_at FROM tasks"), "2026-11-20T09:00:00.000Z");
    assert_eq!(cell(dir, "SELECT snooze_until FROM tasks"), "2026-11-20T10:00:00.000Z");
    for wrong in
        ["reminder_at=2026-11-20 25:00", "reminder_at=tomorrow", "due_date=2026-11-20 10:00"]
    {
        let (code, errors) = fails(dir, &["set", id, wrong]);
        assert!(code == 1 && errors.contains("allowed is a"), "{wrong}: {errors}");
    }
    let (code, errors) = fails(dir, &["init", "--zone", "Narnia"]);
    assert!(code == 1 && errors.contains("America/New_York"), "{errors}");
}

/// Choices, numbers and yes and no are known however they are written.
#[test]
fn words_and_numbers_are_read_as_people_write_them() {
    let dir = begun();
    let dir = dir.path();
    let id = ok(
        dir,
        &[
            "new",
            "organization",
            "name=Grand",
            "organization_type=Customer",
            "employee_count=1,200",
            "needs_review=TRUE",
            "priority_level=a",
        ],
    );
    let id = id.trim();
    let shown = "SELECT json_array(organization_type, employee_count, needs_review, priority_level) FROM organizations";
    assert_eq!(cell(dir, shown), json!("[\"customer\",1200,1,\"A\"]"));
    ok(dir, &["set", id, "employee_count=12 000"]);
    assert_eq!(cell(dir, "SELECT employee_count FROM organizations"), json!(12_000));
    for (wrong, allowed) in [
        ("employee_count=1.200", "a whole number"),
        ("needs_review=maybe", "yes or no"),
        ("organization_type=friend", "one of prospect, customer"),
    ] {
        let (code, errors) = fails(dir, &["set", id, wrong]);
        assert!(code == 1 && errors.contains(allowed), "{wrong}: {errors}");
    }
    let deal = ok(
        dir,
        &[
            "new",
            "opportunity",
            &format!("organization_id={id}"),
            "name=Oil",
            "stage=Closed Won",
            "estimated_value=25,000.00 USD",
            "estimated_close_date=31/12/2026",
        ],
    );
    let shown = "SELECT json_array(stage, estimated_value_minor, estimated_value_currency, estimated_close_date) FROM opportunities";
    assert_eq!(cell(dir, shown), json!("[\"closed-won\",2500000,\"USD\",\"2026-12-31\"]"));
    for (wrong, said) in [
        ("estimated_value=25,000.00", "currency"),
        ("estimated_close_date=3/4/2026", "may be 2026-04-03 or 2026-03-04"),
        ("estimated_close_date=31.02.2026", "no day of the calendar"),
    ] {
        let (code, errors) = fails(dir, &["set", deal.trim(), wrong]);
        assert!(code == 1 && errors.contains(said), "{wrong}: {errors}");
    }
}

/// However it is said that a task is done, it is done; and a reopening takes back whatever was said
/// before, however often.
#[test]
fn done_completes_and_open_reopens() {
    let dir = begun();
    let dir = dir.path();
    let id = ok(dir, &["new", "task", "title=Call"]);
    for word in ["Yes", "TRUE", "done", "Completed"] {
        ok(dir, &["set", id.trim(), &format!("completed={word}")]);
        assert_eq!(cell(dir, "SELECT is_completed FROM tasks"), json!(1), "{word}");
    }
    ok(dir, &["set", id.trim(), "completed=no"]);
    assert_eq!(cell(dir, "SELECT is_completed FROM tasks"), json!(0));
    let (code, errors) = fails(dir, &["set", id.trim(), "completed=perhaps"]);
    assert!(code == 1 && errors.contains("yes or no"), "{errors}");
}

/// Several numbers or addresses are several, and an extension is no part of the number.
#[test]
fn phones_and_emails_are_told_apart() {
    let dir = begun();
    let dir = dir.path();
    ok(
        dir,
        &[
            "new",
            "organization",
            "name=Grand",
            "phones=(207) 555-0133; +1 207 555 0118 ext. 42",
            "emails=AP@grand.example owner@grand.example",
        ],
    );
    assert_eq!(
        cell(dir, "SELECT phones FROM organizations"),
        json!("[\"+12075550118x42\",\"2075550133\"]")
    );
    assert_eq!(
        cell(dir, "SELECT emails FROM organizations"),
        json!("[\"ap@grand.example\",\"owner@grand.example\"]")
    );
    let (code, errors) = fails(dir, &["new", "organization", "name=G", "phones=1.41356E+10"]);
    assert!(code == 1 && errors.contains("not a telephone number"), "{errors}");
}

/// Whoever writes to an address out of a record writes to that address alone: what would add receivers or
/// words to the message is no address, when it is typed and when it comes out of a file, whose cell is named.
#[test]
fn an_address_that_goes_on_behind_its_end_is_refused() {
    let dir = begun();
    let dir = dir.path();
    let forged = "boss@food.example?bcc=spy@evil.example&subject=hi";
    let (code, errors) =
        fails(dir, &["new", "organization", "name=Grand", &format!("emails={forged}")]);
    assert!(code == 1 && errors.contains("emails"), "{errors}");
    assert!(errors.contains("is not an e-mail address"), "{errors}");
    let rows = format!("Name,Email\nGrand,{forged}\nSound,ap@grand.example\n");
    std::fs::write(dir.join("accounts.csv"), rows).unwrap();
    let output = pantry(dir, &["--json", "import", "accounts.csv", "--kind", "organization"]);
    let said = String::from_utf8(output.stdout).unwrap();
    assert!(said.contains("Email") && said.contains("is not an e-mail address"), "{said}");
    let mails = "SELECT group_concat(emails) FROM organizations WHERE emails != '[]'";
    assert_eq!(cell(dir, mails), json!("[\"ap@grand.example\"]"));
}
