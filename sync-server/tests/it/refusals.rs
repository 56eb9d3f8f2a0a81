//! Refused is not lost, and takes nothing sound with it.

use automerge::transaction::{Transactable, Transaction};
use automerge::{ROOT, ScalarValue};
use client_sdk::Client;
use client_sdk::core::document::RecordEdit;
use client_sdk::core::ids::{Receipt, RecordId};
use client_sdk::core::limits;
use client_sdk::core::protocol::VerdictOutcome;
use client_sdk::core::replica::GroupEdit;

use sync_server::ops::report;

use crate::fault::{codes, job};
use crate::harness::{World, create, edit, kind, pantry, set};
use crate::side_tables::{Hand, document};
use crate::wire::outbox;

fn deal(device: &mut Client, account: RecordId, name: &str) -> RecordId {
    let parent = account.to_string();
    create(device, "opportunity", &[("organization_id", parent.as_str()), ("name", name)])
}

/// A rep closes a deal without a reason, which the database does not take, and goes on working on
/// the same deal: everything else arrives. Later she gives the reason, and the refused step goes in.
#[tokio::test(flavor = "multi_thread")]
async fn what_was_edited_after_a_refused_edit_arrives() {
    let world = World::new().await;
    let mut rosa = world.device("rosa.db", world.rep);
    let account = create(&mut rosa, "organization", &[("name", "Kitchen")]);
    let deal = deal(&mut rosa, account, "Menu");
    world.sync(&mut rosa).await;
    set(&mut rosa, deal, "opportunity", &[("description", "They like the soup.")]);
    set(&mut rosa, deal, "opportunity", &[("stage", "closed-lost")]);
    set(&mut rosa, deal, "opportunity", &[("probability_override", "40"), ("tags", "soup")]);
    set(&mut rosa, deal, "opportunity", &[("description", "They like the soup. And the stew.")]);
    set(&mut rosa, account, "organization", &[("cuisine", "Stews")]);
    let summary = world.sync(&mut rosa).await;
    assert_eq!(summary.refused, 1);
    let status = rosa.status().unwrap();
    assert_eq!((status.unsent, status.refused), (0, 1));
    world.assert_agrees(&rosa).await;
    world.assert_projected().await;
    let row =
        rosa.query("SELECT stage, probability, description, tags FROM opportunities").unwrap();
    let expected =
        serde_json::json!(["prospecting", 40, "They like the soup. And the stew.", "[\"soup\"]"]);
    assert_eq!(serde_json::Value::from(row.rows[0].clone()), expected);
    let [refused] = &rosa.quarantine().unwrap()[..] else { panic!("one is refused") };
    assert_eq!(refused.refusal.code, "rule");
    assert_eq!(refused.refusal.policy.as_deref(), Some("closed_deals_need_a_reason"));
    assert_eq!(refused.edit[0]["append"]["stage"], "closed-lost");
    let corrections = edit("opportunity", &[("stage", "closed-lost: too dear")]);
    rosa.resubmit(refused.hash, corrections).unwrap();
    assert_eq!(world.sync(&mut rosa).await.refused, 0);
    world.assert_agrees(&rosa).await;
    let stage = rosa.query("SELECT stage, close_reason FROM opportunities").unwrap();
    assert_eq!(stage.rows[0], ["closed-lost", "too dear"]);
    assert!(rosa.quarantine().unwrap().is_empty());
    world.end().await;
}

/// The account was given away, and there is no grace: what was done to it offline is refused as a whole, kept in words even
/// though the record is gone from the device, and can be thrown away.
#[tokio::test(flavor = "multi_thread")]
async fn refused_edits_of_an_evicted_account_are_kept_in_words() {
    let world = World::new().await;
    world.end_grace().await;
    let mut rosa = world.device("rosa.db", world.rep);
    let account = create(&mut rosa, "organization", &[("name", "Kitchen")]);
    let other = create(&mut rosa, "organization", &[("name", "Other")]);
    world.sync(&mut rosa).await;
    for n in 0..30 {
        let value = n.to_string();
        set(&mut rosa, account, "organization", &[("employee_count", &value), ("notes", "Hm.")]);
        set(&mut rosa, other, "organization", &[("employee_count", &value)]);
    }
    world.assign(account, world.other_rep).await;
    assert_eq!(world.sync(&mut rosa).await.refused, 30);
    world.assert_agrees(&rosa).await;
    let kept = rosa.quarantine().unwrap();
    assert_eq!(kept.len(), 30);
    for (n, one) in kept.iter().enumerate() {
        let said = one.edit.as_array().unwrap().iter().find(|c| c["field"] == "employee_count");
        assert_eq!(said.unwrap()["set"], n);
    }
    let file = world.files.path().join("rosa.db");
    let name = kept[0].hash.to_string();
    assert_eq!(pantry(&file, &["--json", "quarantine"]).lines().count(), 30);
    let shown = pantry(&file, &["quarantine", "show", &name[..12]]);
    assert!(shown.contains("employee_count = 0") && shown.contains("refused: "), "{shown}");
    let again = rosa.resubmit(kept[0].hash, RecordEdit::default());
    assert!(again.unwrap_err().to_string().contains("not on this device"));
    assert!(rosa.discard(kept[0].hash).unwrap());
    assert!(!rosa.discard(kept[0].hash).unwrap());
    assert_eq!(rosa.status().unwrap().refused, 29);
    // The account comes back, and so may the edit.
    world.assign(account, world.rep).await;
    world.sync(&mut rosa).await;
    rosa.resubmit(kept[29].hash, RecordEdit::default()).unwrap();
    assert_eq!(world.sync(&mut rosa).await.refused, 0);
    assert_eq!(rosa.record(account).unwrap().unwrap().json("employee_count"), 29);
    world.assert_agrees(&rosa).await;
    world.end().await;
}

/// A group of edits stands or falls as one; what its records were given later stands.
#[tokio::test(flavor = "multi_thread")]
async fn a_refused_group_leaves_later_edits_of_its_records() {
    let world = World::new().await;
    let mut rosa = world.device("rosa.db", world.rep);
    let account = create(&mut rosa, "organization", &[("name", "Kitchen")]);
    let deal = deal(&mut rosa, account, "Menu");
    world.sync(&mut rosa).await;
    let group = [
        GroupEdit::Edit { id: deal, edit: edit("opportunity", &[("stage", "closed-lost")]) },
        GroupEdit::Edit { id: account, edit: edit("organization", &[("cuisine", "Thai")]) },
    ];
    rosa.commit(&group).unwrap();
    set(&mut rosa, account, "organization", &[("website", "kitchen.example")]);
    set(&mut rosa, deal, "opportunity", &[("cases_per_week", "7")]);
    assert_eq!(world.sync(&mut rosa).await.refused, 2);
    world.assert_agrees(&rosa).await;
    let shown = rosa.record(account).unwrap().unwrap();
    assert_eq!(shown.json("website"), "kitchen.example");
    assert_eq!(shown.json("cuisine"), serde_json::Value::Null);
    assert_eq!(rosa.record(deal).unwrap().unwrap().json("cases_per_week"), 7);
    world.end().await;
}

/// Refused, made again, refused again, all in one run of the app: nothing gets stuck.
#[tokio::test(flavor = "multi_thread")]
async fn a_record_takes_edits_however_often_one_was_refused() {
    let world = World::new().await;
    let mut rosa = world.device("rosa.db", world.rep);
    let account = create(&mut rosa, "organization", &[("name", "Kitchen")]);
    let deal = deal(&mut rosa, account, "Menu");
    world.sync(&mut rosa).await;
    for round in 1..=4 {
        set(&mut rosa, deal, "opportunity", &[("stage", "closed-lost")]);
        let cases = round.to_string();
        set(&mut rosa, deal, "opportunity", &[("cases_per_week", &cases)]);
        set(&mut rosa, deal, "opportunity", &[("stage", "closed-lost")]);
        set(&mut rosa, deal, "opportunity", &[("tags", &format!("t{round}"))]);
        assert_eq!(world.sync(&mut rosa).await.refused, 2, "round {round}");
        world.assert_agrees(&rosa).await;
        assert_eq!(rosa.record(deal).unwrap().unwrap().json("cases_per_week"), round);
    }
    let kept = rosa.quarantine().unwrap();
    assert_eq!(kept.len(), 8);
    assert!(kept.iter().all(|one| one.edit[0]["append"]["stage"] == "closed-lost"));
    world.end().await;
}

/// Every sort of refusal, scattered through one push among sound edits, some of which stand only
/// beside others of the same push: each is found with its own reason, and all the rest goes in.
#[tokio::test(flavor = "multi_thread")]
async fn each_refused_row_of_a_push_is_found_with_its_own_reason() {
    let world = World::new().await;
    world.end_grace().await;
    let mut rosa = world.device("rosa.db", world.rep);
    let kept = create(&mut rosa, "organization", &[("name", "Kept")]);
    let lost = create(&mut rosa, "organization", &[("name", "Lost")]);
    let menu = deal(&mut rosa, kept, "Menu");
    let quiet = deal(&mut rosa, kept, "Quiet");
    let away = deal(&mut rosa, lost, "Away");
    world.sync(&mut rosa).await;
    world.assign(lost, world.other_rep).await;
    let contact = |device: &mut Client, account: RecordId, name: &str| {
        let parent = account.to_string();
        let pairs = [("organization_id", parent.as_str()), ("last_name", name)];
        create(device, "contact", &pairs)
    };
    let visible = contact(&mut rosa, kept, "Kept");
    let hidden = contact(&mut rosa, lost, "Hidden");
    set(&mut rosa, menu, "opportunity", &[("stage", "closed-lost")]);
    set(&mut rosa, menu, "opportunity", &[("cases_per_week", "4")]);
    set(&mut rosa, away, "opportunity", &[("cases_per_week", "5")]);
    set(&mut rosa, quiet, "opportunity", &[("cases_per_week", "6")]);
    let fresh = create(&mut rosa, "organization", &[("name", "Fresh")]);
    let first = contact(&mut rosa, fresh, "First");
    let grand = [("name", "Grand"), ("organization_type", "customer")];
    let grand = create(&mut rosa, "organization", &grand);
    let orphan = contact(&mut rosa, grand, "Orphan");
    let both = [
        GroupEdit::Edit { id: lost, edit: edit("organization", &[("cuisine", "Thai")]) },
        GroupEdit::Edit { id: kept, edit: edit("organization", &[("cuisine", "Thai")]) },
    ];
    rosa.commit(&both).unwrap();
    set(&mut rosa, kept, "organization", &[("website", "kept.example")]);
    world.sync(&mut rosa).await;
    let mut reasons: Vec<(RecordId, String, String)> = rosa
        .quarantine()
        .unwrap()
        .into_iter()
        .map(|one| (one.record, one.refusal.code, one.refusal.policy.unwrap_or_default()))
        .collect();
    let mut expected = [
        (hidden, "denied", "account_must_be_visible"),
        (menu, "rule", "closed_deals_need_a_reason"),
        (away, "denied", ""),
        (grand, "denied", "reps_create_prospects"),
        (orphan, "denied", "account_must_be_visible"),
        (lost, "denied", ""),
        (kept, "group_refused", ""),
    ]
    .map(|(record, code, policy)| (record, code.to_owned(), policy.to_owned()));
    reasons.sort();
    expected.sort();
    assert_eq!(reasons, expected);
    // The same stands on the server, for her and her manager and for no colleague.
    let pool = &world.server.app.pool;
    for (reader, count) in [(world.rep, 7), (world.manager, 7), (world.other_rep, 0)] {
        let report = report::run(pool, "refused", reader).await.unwrap().to_json();
        let report = report.as_array().unwrap();
        assert_eq!(report.len(), count, "{report:#?}");
        let menu = report.iter().find(|one| one["record"] == menu.to_string());
        let policy = menu.map(|one| one["policy"].as_str().unwrap());
        assert_eq!(policy, (count > 0).then_some("closed_deals_need_a_reason"));
        let hidden = report.iter().find(|one| one["record"] == hidden.to_string());
        let name = hidden.map(|one| one["edit"].to_string().contains("Hidden"));
        assert_eq!(name, (count > 0).then_some(true), "{hidden:?}");
    }
    for (record, field, value) in [
        (menu, "cases_per_week", serde_json::json!(4)),
        (quiet, "cases_per_week", serde_json::json!(6)),
        (kept, "website", serde_json::json!("kept.example")),
        (fresh, "name", serde_json::json!("Fresh")),
        (first, "last_name", serde_json::json!("First")),
        (visible, "last_name", serde_json::json!("Kept")),
    ] {
        assert_eq!(rosa.record(record).unwrap().unwrap().json(field), value);
    }
    assert_eq!(rosa.status().unwrap().unsent, 0);
    world.assert_agrees(&rosa).await;
    world.assert_projected().await;
    world.end().await;
}

/// What the guard refuses never comes to the rules, nor into a document. Its author's manager reads all
/// the same what it was and why, and no colleague does.
#[tokio::test(flavor = "multi_thread")]
async fn what_the_guard_refuses_stands_in_the_report_too() {
    let world = World::new().await;
    let mut rosa = world.device("rosa.db", world.rep);
    let account = create(&mut rosa, "organization", &[("name", "Kitchen")]);
    world.sync(&mut rosa).await;
    let (kind, doc) = (kind("organization"), document(&world, account).await);
    let odd = [
        ("employee_count", ScalarValue::Int(-5), "bad_value"),
        ("cuisine", ScalarValue::Str("Thai\0".into()), "bad_value"),
        ("created_at", ScalarValue::Timestamp(0), "immutable"),
        ("merged_into", ScalarValue::Str(account.to_string().into()), "server_only"),
    ];
    let mut changes = Vec::new();
    for (key, value, _) in &odd {
        let put = |tx: &mut Transaction<'_>| tx.put(ROOT, *key, value.clone()).unwrap();
        changes.push(Hand::new(world.rep, &doc).forge(&kind, account, put).unwrap());
    }
    // Longer than a change may be: it is never read.
    let long = "x".repeat(limits::CHANGE_BYTES + 1);
    let put = |tx: &mut Transaction<'_>| tx.put(ROOT, "cuisine", long).unwrap();
    changes.push(Hand::new(world.rep, &doc).forge(&kind, account, put).unwrap());
    let verdicts = world.server.app.committer.push(job(world.rep, changes)).await.unwrap();
    assert!(codes(&verdicts).iter().all(Option::is_some));
    let pool = &world.server.app.pool;
    for (reader, count) in [(world.rep, 5), (world.manager, 5), (world.other_rep, 0)] {
        let report = report::run(pool, "refused", reader).await.unwrap().to_json();
        let report = report.as_array().unwrap();
        assert_eq!(report.len(), count, "{report:#?}");
        for (key, _, code) in odd.iter().filter(|_| count > 0) {
            let one = report.iter().find(|one| one["edit"][0]["field"] == *key);
            let one = one.unwrap_or_else(|| panic!("{key} is in none of {report:#?}"));
            assert_eq!(one["code"], *code);
            assert!(one["sentence"].as_str().unwrap().len() > 10);
        }
        assert_eq!(report.iter().filter(|one| one["code"] == "too_large").count(), count / 5);
    }
    world.assert_projected().await;
    world.end().await;
}

/// Somebody says of a refused edit that a server had accepted it once, with a receipt of their own
/// making: their manager finds it all the same.
#[tokio::test(flavor = "multi_thread")]
async fn a_receipt_that_proves_nothing_hides_no_refusal() {
    let world = World::new().await;
    let mut rosa = world.device("rosa.db", world.rep);
    for name in ["Grand", "Palace"] {
        create(&mut rosa, "organization", &[("name", name), ("organization_type", "customer")]);
    }
    let (mut line, mut groups) = outbox(&world.server.sync_url(), &rosa).await;
    for item in groups.iter_mut().flat_map(|group| &mut group.items) {
        item.receipt = Some(Receipt([0; 8]));
    }
    let verdicts = line.push(groups).await.unwrap();
    assert_eq!(verdicts.len(), 2);
    for verdict in &verdicts {
        assert!(matches!(verdict.outcome, VerdictOutcome::Refused(_)), "{verdict:?}");
    }
    let pool = &world.server.app.pool;
    let report = report::run(pool, "refused", world.manager).await.unwrap().to_json();
    assert_eq!(report.as_array().map(Vec::len), Some(2), "{report:#?}");
    world.end().await;
}
