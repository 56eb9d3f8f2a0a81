//! Stories of several devices and a server, each in a world of its own.

use sync_core::crm;
use sync_core::event::event_data;
use sync_core::ids::{RecordId, UserId};
use sync_core::replica::Deleted;
use sync_core::schema::Schema;
use sync_core::testing::apiary::{self, ApiaryRules};
use sync_core::testing::crm::CrmRules;
use sync_core::testing::{DeviceId, ServerStep, World, next_version};
use uuid::Uuid;

const REP: UserId = UserId(Uuid::from_u128(0x11));
const OTHER_REP: UserId = UserId(Uuid::from_u128(0x13));
const MANAGER: UserId = UserId(Uuid::from_u128(0x14));
const ADMIN: UserId = UserId(Uuid::from_u128(0x16));

fn world() -> World {
    World::new(crm::schema(), CrmRules, 1)
}

fn give(world: &mut World, account: RecordId, to: UserId) {
    world.do_at_server(ServerStep::Append {
        by: ADMIN,
        record: account,
        kind: "organization",
        field: "assignment",
        data: event_data([("assigned_user_id", Some(to.to_string().as_str()))]),
    });
    world.run_for(500);
}

fn names(world: &mut World, device: DeviceId) -> Vec<String> {
    let replica = world.replica(device).unwrap();
    let rows = replica.query("SELECT name FROM organizations ORDER BY name").unwrap().rows;
    rows.iter().map(|row| row[0].as_str().unwrap().to_owned()).collect()
}

/// A rep's device with an account that a copy of its file sent and that was then given away: the device
/// itself hears neither the verdict nor of its loss.
fn lost_unheard(world: &mut World) -> (DeviceId, RecordId) {
    let rep = world.device(REP);
    let account = world.create(rep, "organization", &[("name", "Trattoria")]).unwrap();
    world.copy_device(rep).unwrap();
    world.run_for(10_000);
    give(world, account, OTHER_REP);
    (rep, account)
}

/// The verdict of an edit is lost, and the account with it: the device that sends the edit again hears
/// that it was accepted, and holds nothing of the account all the same.
#[test]
fn an_account_lost_before_its_verdict_was_heard_is_erased() {
    let mut world = world();
    let (rep, _) = lost_unheard(&mut world);
    assert_eq!(names(&mut world, rep), ["Trattoria"]);
    world.heal().unwrap();
    assert_eq!(names(&mut world, rep), [""; 0]);
    assert_eq!(world.check(), [""; 0]);
}

/// An edit of a group waits on an edit that is refused: the whole group falls, also its part on a
/// record of which nothing was refused.
#[test]
fn a_group_that_builds_on_a_refused_edit_is_not_torn() {
    use sync_core::document::RecordEdit;
    use sync_core::replica::GroupEdit;
    let mut world = world();
    let rep = world.device(REP);
    let account = world.create(rep, "organization", &[("name", "Sound")]).unwrap();
    // A rep begins prospects only.
    let pairs = [("name", "Refused"), ("organization_type", "customer")];
    let refused = world.create(rep, "organization", &pairs).unwrap();
    let schema = crm::schema();
    let edit = |text| RecordEdit::parse(schema.kind("organization").unwrap(), [("cuisine", text)]);
    let group = [
        GroupEdit::Edit { id: account, edit: edit("Thai").unwrap() },
        GroupEdit::Edit { id: refused, edit: edit("Thai").unwrap() },
    ];
    world.commit(rep, &group).unwrap();
    world.heal().unwrap();
    let replica = world.replica(rep).unwrap();
    let sound = replica.record(account).unwrap().unwrap();
    assert_eq!(sound.text("cuisine"), None);
    assert_eq!(replica.quarantine().unwrap().len(), 3);
    assert_eq!(world.check(), [""; 0]);
}

/// An edit of an app of a later version waits on one that is refused, and the app is put back to the
/// version before: what that cannot read it does not throw away.
#[test]
fn an_edit_of_an_unknown_field_outlives_a_refusal_before_it() {
    let later = Schema::new(next_version(apiary::declarations(), &[]));
    let keeper = UserId(Uuid::from_u128(1));
    let mut world = World::new(apiary::schema(), ApiaryRules, 1);
    let device = world.device_with(keeper, later);
    let yard = world.create(device, "yard", &[("name", "Orchard")]).unwrap();
    world.heal().unwrap();
    world.go_offline(device);
    world.edit(device, yard, &[("forage", "+lime")]).unwrap();
    world.edit(device, yard, &[("name", apiary::NOT_A_PLACE)]).unwrap();
    let last = [("end_text", "known later"), ("way_there", "Over the bridge.")];
    world.edit(device, yard, &last).unwrap();
    world.update(device, apiary::schema());
    world.heal().unwrap();
    let replica = world.replica(device).unwrap();
    let rows = replica.query("SELECT name, forage, way_there FROM yards").unwrap().rows;
    assert_eq!(
        serde_json::json!(rows),
        serde_json::json!([["Orchard", "[\"lime\"]", "Over the bridge."]])
    );
    assert_eq!(replica.quarantine().unwrap().len(), 2, "the refused edit, and the unknown field");
    assert_eq!(world.check(), [""; 0]);
}

/// A device that learns late that its account was given away edits it in between: when that is refused,
/// the account goes.
#[test]
fn an_account_that_an_edit_kept_here_goes_when_the_edit_is_refused() {
    let mut world = world();
    let (rep, account) = lost_unheard(&mut world);
    // It hands the account in once more, and asks for it since it was stored long ago.
    world.go_online(rep);
    let until = |world: &mut World, live| {
        let reached = (0..10_000).any(|_| {
            world.run_for(1);
            world.is_live(rep) == live
        });
        assert!(reached, "the device is live: {live}");
    };
    until(&mut world, true);
    until(&mut world, false);
    let late = [("cuisine", "Thai"), ("organization_type", "distributor")];
    world.edit(rep, account, &late).unwrap();
    world.heal().unwrap();
    assert_eq!(world.replica(rep).unwrap().quarantine().unwrap().len(), 1);
    assert_eq!(names(&mut world, rep), [""; 0]);
    assert_eq!(world.check(), [""; 0]);
}

/// A contact is moved to another account while its own is given away: the refusal takes the contact from
/// the device, down to the last byte.
#[test]
fn what_a_refusal_takes_away_leaves_no_word_behind() {
    let mut world = world();
    let [rep, manager] = [REP, MANAGER].map(|user| world.device(user));
    let [from, to] = ["Trattoria", "Bistro"]
        .map(|name| world.create(rep, "organization", &[("name", name)]).unwrap());
    let at = from.to_string();
    let contact = [("last_name", "Quillfeather"), ("organization_id", at.as_str())];
    let contact = world.create(rep, "contact", &contact).unwrap();
    world.heal().unwrap();
    assert!(world.holds_word(manager, "Quillfeather"));
    world.go_offline(manager);
    world.edit(manager, contact, &[("organization_id", &to.to_string())]).unwrap();
    give(&mut world, from, OTHER_REP);
    world.heal().unwrap();
    assert_eq!(world.replica(manager).unwrap().quarantine().unwrap().len(), 1);
    assert!(!world.holds_word(manager, "Quillfeather"));
    assert_eq!(world.check(), [""; 0]);
}

/// A cursor that the server does not take has everything sent again; and what its user lost sight of
/// meanwhile goes.
#[test]
fn a_feed_that_begins_anew_takes_away_what_is_not_seen_any_more() {
    let mut world = world();
    let [rep, manager] = [REP, MANAGER].map(|user| world.device(user));
    let accounts = ["Bistro", "Trattoria"]
        .map(|name| world.create(rep, "organization", &[("name", name)]).unwrap());
    world.heal().unwrap();
    world.go_offline(rep);
    world.edit(rep, accounts[0], &[("cuisine", "Thai")]).unwrap();
    give(&mut world, accounts[1], OTHER_REP);
    world.begin_another_life();
    world.heal().unwrap();
    assert_eq!(names(&mut world, rep), ["Bistro"]);
    assert!(!world.holds_word(rep, "Trattoria"));
    assert_eq!(names(&mut world, manager), ["Bistro"]);
    assert_eq!(world.check(), [""; 0]);
}

/// Nobody gets what hangs from somebody else, or from everybody, by calling a record like them.
#[test]
fn a_record_that_bears_the_id_of_a_person_is_refused() {
    use sync_core::document::RecordEdit;
    use sync_core::ids::ScopeId;
    use sync_core::replica::GroupEdit;
    let mut world = world();
    let rep = world.device(REP);
    let kind = crm::schema().kind("organization").unwrap().clone();
    for id in [OTHER_REP.0, ScopeId::EVERYONE.0, Uuid::from_u128(0x72)] {
        let edit = RecordEdit::parse(&kind, [("name", "Everybody's")]).unwrap();
        let group = [GroupEdit::Create { id: RecordId(id), kind: kind.clone(), edit }];
        world.commit(rep, &group).unwrap();
    }
    // A task for nobody that is known.
    let task = [("title", "For all"), ("assignee_id", "00000000-0000-0000-0000-0000000000e0")];
    world.create(rep, "task", &task).unwrap();
    world.heal().unwrap();
    let refused = world.replica(rep).unwrap().quarantine().unwrap();
    let rules: Vec<_> = refused.iter().filter_map(|one| one.refusal.policy.as_deref()).collect();
    assert_eq!(rules, ["id_is_its_own", "id_is_its_own", "id_is_its_own", "names_somebody"]);
    assert_eq!(world.store().contents().documents().count(), 0);
    assert_eq!(world.check(), [""; 0]);
}

/// A rep's phone is lost, and then the server's database: what the rep had done since the backup is on
/// the manager's device alone, which brings it back under the rep's name.
#[test]
fn a_colleagues_device_brings_back_what_a_restored_server_lacks() {
    let mut world = world();
    let (rep, manager) = (world.device(REP), world.device(MANAGER));
    let known = world.create(rep, "organization", &[("name", "Trattoria")]).unwrap();
    world.heal().unwrap();
    world.back_up_server();
    world.edit(rep, known, &[("cuisine", "Thai")]).unwrap();
    let fresh = world.create(rep, "organization", &[("name", "Bistro")]).unwrap();
    world.heal().unwrap();
    world.go_offline(rep);
    world.crash(rep);
    world.restore_server();
    assert_eq!(world.store().contents().documents().count(), 1);
    world.run_for(60_000);
    let stored = world.store().contents();
    assert_eq!(stored.documents().count(), 2);
    let authors: Vec<UserId> = stored
        .changes()
        .filter(|one| [known, fresh].contains(&one.change.record))
        .map(|one| one.author)
        .collect();
    assert_eq!(authors, [REP; 3]);
    let status = world.replica(manager).unwrap().status().unwrap();
    assert_eq!((status.unsent, status.refused, status.comparing), (0, 0, 0));
    world.heal().unwrap();
    assert_eq!(world.check(), [""; 0]);
}

/// What was accepted from a device is not said to be sent while the server lacks it, and what waits is
/// sent only after that: it may build on it.
#[test]
fn nothing_is_said_to_be_sent_that_a_restored_server_lacks() {
    let mut world = world();
    let rep = world.device(REP);
    world.create(rep, "organization", &[("name", "Trattoria")]).unwrap();
    world.heal().unwrap();
    world.back_up_server();
    let lost = world.create(rep, "organization", &[("name", "Bistro")]).unwrap();
    world.heal().unwrap();
    world.go_offline(rep);
    world.edit(rep, lost, &[("cuisine", "Thai")]).unwrap();
    world.restore_server();
    world.go_online(rep);
    // From when it hears of the restore on; before that nobody can know.
    let mut heard = false;
    for _ in 0..6000 {
        world.run_for(10);
        let has = world.store().contents().documents().any(|(id, _)| id == lost);
        let Some(replica) = world.replica(rep) else { continue };
        let status = replica.status().unwrap();
        heard |= status.comparing > 0;
        assert!(has || !heard || status.edits() != "everything is sent", "{status}");
    }
    assert!(heard);
    world.heal().unwrap();
    assert_eq!(world.check(), [""; 0]);
}

/// Whoever lost sight of an account while the server still knew them as its holder gets it back with the
/// restored database, until the device of whoever holds it brings the assignment back.
#[test]
fn an_assignment_that_a_restore_forgot_comes_back_and_takes_the_account_along() {
    let mut world = world();
    let (rep, other) = (world.device(REP), world.device(OTHER_REP));
    let account = world.create(rep, "organization", &[("name", "Trattoria")]).unwrap();
    world.heal().unwrap();
    world.back_up_server();
    give(&mut world, account, OTHER_REP);
    world.heal().unwrap();
    assert_eq!(names(&mut world, rep), [""; 0]);
    assert_eq!(names(&mut world, other), ["Trattoria"]);
    world.restore_server();
    world.heal().unwrap();
    assert_eq!(names(&mut world, rep), [""; 0]);
    assert_eq!(names(&mut world, other), ["Trattoria"]);
    assert_eq!(world.check(), [""; 0]);
}

/// An account is given away while its manager's device offers back what the restored server lacks of it:
/// whatever becomes of that, no word of others stays behind, whenever it happens.
#[test]
fn what_is_offered_of_an_account_that_is_given_away_leaves_no_word_behind() {
    let mut offered = 0;
    for moment in 0..40 {
        let mut world = world();
        let [rep, manager] = [REP, MANAGER].map(|user| world.device(user));
        let account = world.create(rep, "organization", &[("name", "Trattoria")]).unwrap();
        world.heal().unwrap();
        world.back_up_server();
        world.edit(rep, account, &[("cuisine", "Quillfeather")]).unwrap();
        world.heal().unwrap();
        assert!(world.holds_word(manager, "Quillfeather"));
        [rep, manager].into_iter().for_each(|device| world.go_offline(device));
        world.restore_server();
        world.run_for(60_000);
        world.go_online(manager);
        world.run_for(moment * 10);
        offered += world.replica(manager).unwrap().status().unwrap().unsent;
        give(&mut world, account, OTHER_REP);
        world.heal().unwrap();
        assert!(!world.holds_word(manager, "Quillfeather"), "{moment}");
        assert_eq!(world.check(), [""; 0], "{moment}");
    }
    assert!(offered > 0, "nothing was ever being offered");
}

/// Another trade runs through the same engine: bee yards, whose hives go with them.
#[test]
fn a_yard_that_changes_hands_takes_its_hives_along() {
    let [keeper, other] = [1, 2].map(|n| UserId(Uuid::from_u128(n)));
    let mut world = World::new(apiary::schema(), ApiaryRules, 1);
    let [mine, theirs] = [keeper, other].map(|user| world.device(user));
    let yard = world.create(mine, "yard", &[("name", "Orchard")]).unwrap();
    let place = yard.to_string();
    world.create(mine, "hive", &[("mark", "Seven"), ("yard_id", &place)]).unwrap();
    world.heal().unwrap();
    let hives = |world: &mut World, device| {
        let replica = world.replica(device).unwrap();
        let kind = replica.schema().kind("hive").unwrap().clone();
        let all = sync_core::replica::ListOptions { deleted: Deleted::Shown, ..Default::default() };
        replica.list(&kind, &all).unwrap().rows.len()
    };
    assert_eq!((hives(&mut world, mine), hives(&mut world, theirs)), (1, 0));
    world.do_at_server(ServerStep::Append {
        by: keeper,
        record: yard,
        kind: "yard",
        field: "keeping",
        data: event_data([("keeper_id", Some(other.to_string().as_str()))]),
    });
    world.heal().unwrap();
    assert_eq!((hives(&mut world, mine), hives(&mut world, theirs)), (0, 1));
    assert_eq!(world.check(), [""; 0]);
}

/// What the guide shows is what runs here.
#[test]
fn the_guide_to_testing_shows_what_runs() {
    let guide = include_str!("../../../docs/TESTING.md");
    for shown in [include_str!("own_property.rs"), include_str!("own_scenario.rs")] {
        assert!(guide.contains(shown), "docs/TESTING.md does not show:\n{shown}");
    }
}

/// Days ahead and behind, and never set at all: what is edited before anybody was heard goes up, dated by
/// the server, and nothing is refused. What is edited afterwards, offline, is dated right from the start.
#[test]
fn a_wrong_clock_costs_no_work() {
    const DAY: i64 = 86_400_000;
    for skew in [3 * DAY, -3 * DAY, 400 * DAY, -60 * 365 * DAY, 30 * 60_000] {
        let mut world = world();
        let rep = world.device(REP);
        world.set_clock(rep, skew);
        let account = world.create(rep, "organization", &[("name", "Trattoria")]).unwrap();
        world.edit(rep, account, &[("cuisine", "Thai"), ("notes", "Ring twice.")]).unwrap();
        let visit = [("organization_id", &*account.to_string()), ("interaction_type", "VISIT")];
        let visit = world.create(rep, "interaction", &visit).unwrap();
        world.edit(rep, visit, &[("status", "completed")]).unwrap();
        world.go_online(rep);
        world.run_for(20_000);
        world.go_offline(rep);
        world.edit(rep, visit, &[("status", "no_show"), ("outcome", "Closed")]).unwrap();
        let said = world.replica(rep).unwrap().status().unwrap().to_string();
        assert_eq!(said.contains("this device's clock is"), skew != 0, "{said}");
        world.heal().unwrap();
        assert_eq!(world.check(), [""; 0]);
        let replica = world.replica(rep).unwrap();
        assert_eq!(replica.quarantine().unwrap(), [], "{skew}");
        let now = replica.record(visit).unwrap().unwrap();
        assert_eq!(now.text("outcome"), Some("Closed"));
        let sql = "SELECT created_at, occurred_at, status_at FROM interactions";
        let rows = replica.query(sql).unwrap().rows;
        for moment in &rows[0] {
            let moment = moment.as_str().unwrap();
            let off = !("2026-09-2".."2026-09-23").contains(&moment);
            // Three days behind may have been so: nobody can tell it from work of three days ago.
            assert!(!off || skew == -3 * DAY, "{moment} of a clock that is {skew} off");
        }
    }
}

/// The server's clock is days behind everybody's, and is set while devices are offline: their edits are
/// taken under the server's time of the moment.
#[test]
fn a_wrong_clock_of_the_server_costs_no_work() {
    const DAY: i64 = 86_400_000;
    for skew in [-2 * DAY, 2 * DAY] {
        let mut world = world();
        world.set_server_clock(skew);
        let rep = world.device(REP);
        let account = world.create(rep, "organization", &[("name", "Trattoria")]).unwrap();
        world.go_online(rep);
        world.run_for(20_000);
        world.edit(rep, account, &[("cuisine", "Thai")]).unwrap();
        world.run_for(20_000);
        world.go_offline(rep);
        world.edit(rep, account, &[("cuisine", "Greek")]).unwrap();
        world.set_server_clock(0);
        world.heal().unwrap();
        assert_eq!(world.check(), [""; 0]);
        let replica = world.replica(rep).unwrap();
        assert_eq!(replica.quarantine().unwrap(), [], "{skew}");
        assert_eq!(replica.record(account).unwrap().unwrap().text("cuisine"), Some("Greek"));
    }
}
