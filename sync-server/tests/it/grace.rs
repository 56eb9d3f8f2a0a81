//! Edits made before their author heard that an account was given to somebody else: taken for a
//! while, under the author's name, without showing anything.

use client_sdk::Client;
use client_sdk::core::document::RecordEdit;
use client_sdk::core::ids::{FeedPosition, RecordId};
use client_sdk::core::protocol::{
    ClientMessage, OpinionOutcome, PushGroup, Verdict, VerdictOutcome,
};
use client_sdk::core::replica::GroupEdit;
use sqlx::{AssertSqlSafe, Executor};
use sync_server::ops::people::{self, UserChange};
use sync_server::ops::{explain, grace, report};
use uuid::Uuid;

use crate::harness::{World, create, edit, set};
use crate::wire::{Line, outbox};

/// An account of Rosa's with a deal, as her device and the server have it.
async fn account(world: &World, rosa: &mut Client) -> (RecordId, RecordId) {
    let account = create(rosa, "organization", &[("name", "Kitchen")]);
    let parent = account.to_string();
    let deal = create(rosa, "opportunity", &[("organization_id", &parent), ("name", "Menu")]);
    world.sync(rosa).await;
    (account, deal)
}

fn visit(device: &mut Client, account: RecordId, subject: &str) -> RecordId {
    let parent = account.to_string();
    let pairs =
        [("organization_id", parent.as_str()), ("interaction_type", "VISIT"), ("subject", subject)];
    create(device, "interaction", &pairs)
}

/// Who the server holds to be the authors of a record's changes, in order.
async fn authors(world: &World, record: RecordId) -> Vec<Uuid> {
    sqlx::query_scalar("SELECT author FROM sync.changes WHERE record_id = $1 ORDER BY position")
        .bind(record.0)
        .fetch_all(&world.owner)
        .await
        .unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_done_before_a_reassignment_was_heard_of_arrives_and_shows_nothing() {
    let world = World::new().await;
    let (mut rosa, mut omar) =
        (world.device("rosa.db", world.rep), world.device("omar.db", world.other_rep));
    let (account, deal) = account(&world, &mut rosa).await;
    world.sync(&mut omar).await;
    set(&mut rosa, account, "organization", &[("cuisine", "Thai"), ("notes", "New chef.")]);
    set(&mut rosa, deal, "opportunity", &[("stage", "negotiation")]);
    let tasting = visit(&mut rosa, account, "Tasting");
    world.assign(account, world.other_rep).await;
    let told = world.sync(&mut omar).await.granted;
    assert_eq!(told, ["The account \"Kitchen\" was assigned to omar Test."]);
    set(&mut omar, account, "organization", &[("website", "kitchen.example")]);
    world.sync(&mut omar).await;
    let summary = world.sync(&mut rosa).await;
    assert_eq!(summary.evicted, ["The account \"Kitchen\" was assigned to omar Test."]);
    assert_eq!((summary.refused, rosa.status().unwrap().unsent), (0, 0));
    for record in [account, deal, tasting] {
        assert!(rosa.record(record).unwrap().is_none(), "her device let go of it");
        assert_eq!(authors(&world, record).await.last(), Some(&world.rep), "credited to her");
    }
    world.sync(&mut omar).await;
    let kitchen = omar.record(account).unwrap().unwrap();
    assert_eq!(
        (kitchen.json("cuisine"), kitchen.json("website")),
        ("Thai".into(), "kitchen.example".into())
    );
    let shown = omar.record(tasting).unwrap().unwrap();
    assert_eq!(shown.json("created_by"), world.rep.to_string());
    // A visit later counts for whoever made it.
    let activity = report::run(&world.server.app.pool, "activity", world.manager).await.unwrap();
    assert!(activity.to_json().to_string().contains("rosa"), "{}", activity.to_json());
    for device in [&rosa, &omar] {
        world.assert_agrees(device).await;
    }
    world.assert_projected().await;
    world.end().await;
}

/// The device hears of it, erases, and dies before it sent anything: what was edited before is taken
/// all the same; what is made up afterwards is not, and the manager sees it.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_done_after_it_was_heard_of_goes_into_quarantine() {
    let world = World::new().await;
    let mut rosa = world.device("rosa.db", world.rep);
    let (account, _) = account(&world, &mut rosa).await;
    set(&mut rosa, account, "organization", &[("cuisine", "Thai")]);
    world.assign(account, world.other_rep).await;
    let mut line = Line::silent(&world.server.sync_url()).await;
    line.say_bytes(
        rosa.with_replica(|replica, _| replica.connect(&world.token(world.rep), "test")).unwrap(),
    )
    .await;
    while rosa.record(account).unwrap().is_some() {
        let message = line.next().await.unwrap();
        rosa.with_replica(|replica, env| replica.handle_frame(&message.to_bytes(), env)).unwrap();
    }
    drop(line);
    rosa.with_replica(|replica, _| replica.disconnected(None));
    assert_eq!(rosa.status().unwrap().unsent, 1);
    drop(rosa);
    let mut rosa = world.device("rosa.db", world.rep);
    let late = visit(&mut rosa, account, "Nothing to do with me any more");
    let summary = world.sync(&mut rosa).await;
    assert_eq!(summary.refused, 1);
    let kept = rosa.quarantine().unwrap();
    assert_eq!(
        (kept[0].record, kept[0].refusal.policy.as_deref()),
        (late, Some("account_must_be_visible"))
    );
    assert_eq!(authors(&world, account).await.last(), Some(&world.rep));
    let seen = report::run(&world.server.app.pool, "refused", world.manager).await.unwrap();
    assert!(seen.to_json().to_string().contains("Nothing to do with me"));
    world.assert_agrees(&rosa).await;
    world.assert_projected().await;
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn grace_lasts_for_as_long_as_the_setting_says() {
    let world = World::new().await;
    let mut rosa = world.device("rosa.db", world.rep);
    assert_eq!(grace::days(&world.owner).await.unwrap(), 30);
    for (days, since, refused) in [
        (30, "29 days", 0),
        (30, "31 days", 1),
        (10, "9 days", 0),
        (10, "11 days", 1),
        (0, "1 second", 1),
    ] {
        let (account, _) = account(&world, &mut rosa).await;
        set(&mut rosa, account, "organization", &[("cuisine", "Thai")]);
        world.assign(account, world.other_rep).await;
        grace::set_days(&world.owner, days).await.unwrap();
        // As if it had been that long ago.
        let ago = format!("UPDATE sync.former_holders SET at = now() - interval '{since}'");
        world.owner.execute(AssertSqlSafe(ago)).await.unwrap();
        let until = explain::explain(&world.owner, &world.server.app.pool, world.rep, account.0);
        let told = until.await.unwrap().to_text().contains("is taken until");
        assert_eq!(told, refused == 0, "after {since} of {days} days");
        assert_eq!(world.sync(&mut rosa).await.refused, refused, "after {since} of {days} days");
        world.assert_agrees(&rosa).await;
    }
    world.end().await;
}

/// The rule that refused each change; nothing for one that was taken.
fn rules(verdicts: &[Verdict]) -> Vec<String> {
    let of = |verdict: &Verdict| match &verdict.outcome {
        VerdictOutcome::Accepted(_) => String::new(),
        VerdictOutcome::Refused(refusal) => {
            refusal.policy.clone().unwrap_or_else(|| refusal.code.clone())
        }
    };
    verdicts.iter().map(of).collect()
}

/// What a device says of itself opens no account that its user did not hold, and none for those who
/// lost more than the account.
#[tokio::test(flavor = "multi_thread")]
async fn grace_gives_nobody_more_than_they_had() {
    let world = World::new().await;
    let mut rosa = world.device("rosa.db", world.rep);
    let (account, _) = account(&world, &mut rosa).await;
    let lin = world.person("lin", "sales_rep", None, None).await;
    let mut stranger = world.device("lin.db", lin);
    world.sync(&mut stranger).await;
    visit(&mut stranger, account, "Never hers");
    set(&mut rosa, account, "organization", &[("cuisine", "Thai")]);
    world.assign(account, world.other_rep).await;
    let seen = |groups: &[PushGroup], seen: Option<i64>| -> Vec<PushGroup> {
        let of = |group: &PushGroup| PushGroup { seen: seen.map(FeedPosition), ..group.clone() };
        groups.iter().map(of).collect()
    };
    let (mut line, groups) = outbox(&world.server.sync_url(), &stranger).await;
    for claim in [None, Some(0), Some(i64::MIN), Some(i64::MAX)] {
        let verdicts = line.push(seen(&groups, claim)).await.unwrap();
        assert_eq!(rules(&verdicts), ["account_must_be_visible"], "{claim:?}");
    }
    let (mut line, groups) = outbox(&world.server.sync_url(), &rosa).await;
    let head = line.batches.iter().map(|batch| batch.head.0).max().unwrap_or(0);
    for claim in [None, Some(i64::MAX), Some(head.max(1_000_000))] {
        let verdicts = line.push(seen(&groups, claim)).await.unwrap();
        assert_eq!(rules(&verdicts), ["denied"], "{claim:?}");
    }
    // To hold the account no longer is to see nothing of it, whatever one may still add.
    line.until_live(0).await;
    line.say(&ClientMessage::Fetch(client_sdk::core::protocol::Fetch { records: vec![account] }))
        .await;
    line.until_live(1).await;
    assert!(line.records().all(|record| record != account));
    // Nor does anything outlive a change of the person's own.
    let change = UserChange { role: Some("read_only".into()), ..UserChange::default() };
    people::change_user(&world.owner, world.rep, &change).await.unwrap();
    let back = UserChange { role: Some("sales_rep".into()), ..UserChange::default() };
    people::change_user(&world.owner, world.rep, &back).await.unwrap();
    assert_eq!(world.sync(&mut rosa).await.refused, 1);
    world.assert_agrees(&rosa).await;
    world.end().await;
}

/// A push may hold edits from before and from after; each is judged by what it had seen, also when
/// somebody claims to have seen another thing with every edit.
#[tokio::test(flavor = "multi_thread")]
async fn each_edit_of_a_push_is_judged_by_what_its_author_had_seen() {
    let world = World::new().await;
    let mut rosa = world.device("rosa.db", world.rep);
    let (gone, _) = account(&world, &mut rosa).await;
    let (kept, _) = account(&world, &mut rosa).await;
    for number in 0..30 {
        visit(&mut rosa, if number % 2 == 0 { gone } else { kept }, &format!("Visit {number}"));
    }
    world.assign(gone, world.other_rep).await;
    let (mut line, groups) = outbox(&world.server.sync_url(), &rosa).await;
    let told = |number: i64, group: &PushGroup| {
        // From the eleventh on they say that they knew.
        let seen = if number < 10 { number - 10 } else { 1_000_000 + number };
        PushGroup { seen: Some(FeedPosition(seen)), ..group.clone() }
    };
    let groups = (0..).zip(&groups).map(|(number, group)| told(number, group)).collect();
    let verdicts = line.push(groups).await.unwrap();
    let mut refused: Vec<bool> = rules(&verdicts).iter().map(|rule| !rule.is_empty()).collect();
    // Verdicts come in the order of the push.
    let late = refused.split_off(10);
    assert_eq!(refused, [false; 10]);
    assert_eq!(late, [true, false].repeat(10));
    world.end().await;
}

/// An edit that is made again, because one before it was refused, is as old as it was.
#[tokio::test(flavor = "multi_thread")]
async fn an_edit_that_is_made_again_has_seen_no_more_than_before() {
    let world = World::new().await;
    let mut rosa = world.device("rosa.db", world.rep);
    let (account, deal) = account(&world, &mut rosa).await;
    set(&mut rosa, deal, "opportunity", &[("stage", "closed-lost")]);
    set(&mut rosa, deal, "opportunity", &[("cases_per_week", "4")]);
    // She hears that it was refused, and then loses the signal before the rest is sent again.
    let mut line = Line::silent(&world.server.sync_url()).await;
    line.say_bytes(
        rosa.with_replica(|replica, _| replica.connect(&world.token(world.rep), "test")).unwrap(),
    )
    .await;
    while rosa.status().unwrap().refused == 0 {
        let message = line.next().await.unwrap();
        rosa.with_replica(|replica, env| replica.handle_frame(&message.to_bytes(), env)).unwrap();
        if let Some(push) = rosa.with_replica(|replica, _| replica.poll_push()).unwrap() {
            line.say_bytes(push).await;
        }
    }
    rosa.with_replica(|replica, _| replica.disconnected(None));
    drop(line);
    assert_eq!(rosa.status().unwrap().unsent, 1);
    world.assign(account, world.other_rep).await;
    assert_eq!(world.sync(&mut rosa).await.refused, 0);
    assert_eq!(rosa.status().unwrap().unsent, 0);
    let cases: i64 = sqlx::query_scalar("SELECT cases_per_week FROM opportunities")
        .fetch_one(&world.owner)
        .await
        .unwrap();
    assert_eq!(cases, 4);
    world.assert_agrees(&rosa).await;
    world.assert_projected().await;
    world.end().await;
}

/// Managers work offline too: an account that leaves their team or territory takes what they did.
#[tokio::test(flavor = "multi_thread")]
async fn managers_have_the_same_grace_but_assign_nothing_by_it() {
    let world = World::new().await;
    let east = people::add_territory(&world.owner, "East", None).await.unwrap();
    let max = world.person("max", "manager", None, Some(east)).await;
    let lin = world.person("lin", "sales_rep", None, None).await;
    let mut rosa = world.device("rosa.db", world.rep);
    let (account, _) = account(&world, &mut rosa).await;
    let (mut of_team, mut of_region) =
        (world.device("mia.db", world.manager), world.device("max.db", max));
    let give = async |to, territory| {
        world.assign_all(world.admin, &[account], to, territory).await;
    };
    give(world.rep, Some(east)).await;
    for device in [&mut of_team, &mut of_region] {
        world.sync(device).await;
    }
    set(&mut of_team, account, "organization", &[("cuisine", "Thai")]);
    set(&mut of_region, account, "organization", &[("website", "kitchen.example")]);
    let parent = account.to_string();
    let terms = [("organization_id", parent.as_str()), ("payment_terms", "cod")];
    let begun = create(&mut of_team, "organization_finance", &terms);
    give(lin, None).await;
    for device in [&mut of_team, &mut of_region] {
        assert_eq!(world.sync(device).await.refused, 0);
        assert!(device.record(account).unwrap().is_none());
        world.assert_agrees(device).await;
    }
    assert_eq!(world.ids_of(world.admin, "organization_finance").await, [begun.0]);
    // In SQL, since no device may write assignments: neither manager takes the account back.
    for manager in [world.manager, max] {
        let mut tx = world.owner.begin().await.unwrap();
        let seen = Some(FeedPosition(0));
        let user = client_sdk::core::ids::UserId(manager);
        sync_server::store::become_user(&mut tx, user, sync_server::store::Access::Write { seen })
            .await
            .unwrap();
        let named =
            format!("UPDATE public.organizations SET name = 'Still' WHERE id = '{}'", account.0);
        assert_eq!(tx.execute(AssertSqlSafe(named)).await.unwrap().rows_affected(), 1);
        let taken = format!(
            "UPDATE public.organizations SET assigned_user_id = '{manager}' WHERE id = '{}'",
            account.0
        );
        assert_eq!(tx.execute(AssertSqlSafe(taken)).await.unwrap().rows_affected(), 0);
        let refused = sync_server::store::skipped(&mut tx).await.unwrap();
        assert_eq!(refused[0].rule, "only_holders_reassign");
        tx.rollback().await.unwrap();
    }
    world.assert_projected().await;
    world.end().await;
}

/// A group that reaches over two accounts, one of which is gone, is taken as one.
#[tokio::test(flavor = "multi_thread")]
async fn a_group_over_a_kept_and_a_lost_account_is_taken_as_one() {
    let world = World::new().await;
    let mut rosa = world.device("rosa.db", world.rep);
    let (gone, _) = account(&world, &mut rosa).await;
    let (kept, _) = account(&world, &mut rosa).await;
    let both = [gone, kept]
        .map(|id| GroupEdit::Edit { id, edit: edit("organization", &[("cuisine", "Thai")]) });
    rosa.commit(&both).unwrap();
    world.assign(gone, world.other_rep).await;
    assert_eq!(world.sync(&mut rosa).await.refused, 0);
    assert_eq!(rosa.record(kept).unwrap().unwrap().json("cuisine"), "Thai");
    let nothing = rosa.resubmit(client_sdk::core::ids::ChangeHash([0; 32]), RecordEdit::default());
    assert!(nothing.is_err(), "there is nothing to hand in again");
    world.assert_agrees(&rosa).await;
    world.assert_projected().await;
    world.end().await;
}

/// A contact is moved away and back again by somebody who lost the account meanwhile. Its row would be as
/// it was; but what they wrote last could decide where a move of somebody else's leads.
#[tokio::test(flavor = "multi_thread")]
async fn by_grace_nobody_writes_where_a_contact_works() {
    let world = World::new().await;
    let mut rosa = world.device("rosa.db", world.rep);
    let (kitchen, _) = account(&world, &mut rosa).await;
    let bakery = create(&mut rosa, "organization", &[("name", "Bakery")]);
    let parent = kitchen.to_string();
    let anna = create(&mut rosa, "contact", &[("organization_id", &parent), ("last_name", "Anna")]);
    assert_eq!(world.sync(&mut rosa).await.refused, 0);
    set(&mut rosa, anna, "contact", &[("organization_id", &bakery.to_string())]);
    set(&mut rosa, anna, "contact", &[("organization_id", &parent)]);
    world.assign(kitchen, world.other_rep).await;
    assert_eq!(world.sync(&mut rosa).await.refused, 2);
    let refused = rosa.quarantine().unwrap();
    // Which rule says so would tell where the contact hangs by now.
    assert!(refused.iter().any(|one| one.refusal.code == "denied"), "{refused:?}");
    assert!(refused.iter().all(|one| one.refusal.policy.is_none()), "{refused:?}");
    assert_eq!(authors(&world, anna).await.len(), 1);
    world.assert_projected().await;
    world.end().await;
}

/// A question leaves no trace, and that an edit does not fit tells how a record is: how long the next
/// holder's notes are, whether a deal is closed, where a contact works. So of what Rosa does not see any
/// more no question is answered, and every push that does not fit is refused in the same words,
/// whatever it is that does not fit.
#[tokio::test(flavor = "multi_thread")]
async fn by_grace_nobody_reads_through_questions_or_refusals() {
    let world = World::new().await;
    let (mut rosa, mut omar) =
        (world.device("rosa.db", world.rep), world.device("omar.db", world.other_rep));
    let (account, deal) = account(&world, &mut rosa).await;
    let parent = account.to_string();
    let pairs = [("organization_id", parent.as_str()), ("last_name", "Lee")];
    let [contact, mover] = [0, 1].map(|_| create(&mut rosa, "contact", &pairs));
    world.sync(&mut rosa).await;
    let long = "y".repeat(12_000);
    set(&mut rosa, account, "organization", &[("notes", &long)]);
    set(&mut rosa, deal, "opportunity", &[("stage", "closed-lost")]);
    let elsewhere = create(&mut rosa, "organization", &[("name", "Elsewhere")]).to_string();
    set(&mut rosa, mover, "contact", &[("organization_id", &elsewhere)]);
    set(&mut rosa, contact, "contact", &[("job_title", "Chef")]);
    world.assign(account, world.other_rep).await;
    world.sync(&mut omar).await;
    set(&mut omar, account, "organization", &[("notes", &"x".repeat(12_000))]);
    world.sync(&mut omar).await;
    let (mut line, groups) = outbox(&world.server.sync_url(), &rosa).await;
    assert_eq!(groups.len(), 5);
    let before = world.contents().await;
    let mut opinions = Vec::new();
    for group in &groups {
        opinions.extend(line.ask(vec![group.clone()]).await.unwrap());
    }
    let (new, hidden): (Vec<_>, Vec<_>) =
        opinions.into_iter().partition(|one| one.would_be == OpinionOutcome::Accepted);
    let all = groups.iter().map(|group| group.items.len()).sum::<usize>();
    assert_eq!((new.len(), hidden.len()), (1, all - 1));
    assert!(hidden.iter().all(|one| one.would_be == hidden[0].would_be), "{hidden:?}");
    // Beside an edit of hers that fits, of which she would hear by it.
    let beside = line.ask(groups.clone()).await.unwrap();
    assert!(beside.iter().all(|one| one.would_be == hidden[0].would_be), "{beside:?}");
    assert_eq!(world.contents().await, before);
    let verdicts = line.push(groups).await.unwrap();
    let taken = |verdict: &&Verdict| matches!(verdict.outcome, VerdictOutcome::Accepted(_));
    assert_eq!(verdicts.iter().filter(taken).count(), 2, "{verdicts:?}");
    let refused: Vec<_> = verdicts.iter().filter(|one| !taken(one)).collect();
    assert!(refused.iter().all(|one| one.outcome == refused[0].outcome), "{refused:?}");
    assert_eq!((refused.len(), &*rules(&verdicts[..1])[0]), (all - 2, "denied"));
    world.assert_projected().await;
    world.end().await;
}

/// Two edits are made together, of which the one never fits: what is said of it must not tell whether the
/// other one does.
#[tokio::test(flavor = "multi_thread")]
async fn by_grace_nobody_reads_through_what_was_made_together() {
    let world = World::new().await;
    let (mut rosa, mut omar) =
        (world.device("rosa.db", world.rep), world.device("omar.db", world.other_rep));
    let mut told = Vec::new();
    for notes in [10, 12_000] {
        let (account, _) = account(&world, &mut rosa).await;
        let (_, own) = self::account(&world, &mut rosa).await;
        let together = [
            GroupEdit::Edit {
                id: account,
                edit: edit("organization", &[("notes", &"y".repeat(12_000))]),
            },
            GroupEdit::Edit { id: own, edit: edit("opportunity", &[("stage", "closed-lost")]) },
        ];
        rosa.commit(&together).unwrap();
        world.assign(account, world.other_rep).await;
        world.sync(&mut omar).await;
        set(&mut omar, account, "organization", &[("notes", &"x".repeat(notes))]);
        world.sync(&mut omar).await;
        let (mut line, groups) = outbox(&world.server.sync_url(), &rosa).await;
        let verdicts = line.push(groups).await.unwrap();
        told.push(verdicts.into_iter().map(|one| one.outcome).collect::<Vec<_>>());
        assert_eq!(world.sync(&mut rosa).await.refused, 2);
        for one in rosa.quarantine().unwrap() {
            rosa.discard(one.hash).unwrap();
        }
    }
    assert_eq!(told[0], told[1]);
    world.end().await;
}
