//! Slow lines and lines that break, in virtual time: whatever they carry is kept, and everything comes
//! through in the end.

use sync_core::crm;
use sync_core::ids::UserId;
use sync_core::testing::crm::CrmRules;
use sync_core::testing::{DeviceId, Random, World};
use uuid::Uuid;

const REP: UserId = UserId(Uuid::from_u128(0x11));
const MINUTE: u64 = 60_000;

fn world() -> World {
    World::new(crm::schema(), CrmRules, 1)
}

/// Words of no language, which pack no better than words do.
fn words(random: &mut Random, count: usize) -> String {
    const PARTS: [&str; 16] = [
        "ka", "ro", "mi", "ten", "sal", "o", "per", "in", "du", "val", "est", "ni", "gor", "ula",
        "be", "fra",
    ];
    let mut word = || -> String {
        let parts = random.between(1, 4);
        (0..parts).map(|_| *random.pick(&PARTS).unwrap()).collect()
    };
    (0..count).map(|_| word()).collect::<Vec<_>>().join(" ")
}

/// A device with sixty visits to send, each with a note of 150 words.
fn with_visits(world: &mut World) -> DeviceId {
    let rep = world.device(REP);
    let account = world.create(rep, "organization", &[("name", "Trattoria")]).unwrap();
    world.go_online(rep);
    world.run_for(MINUTE);
    world.go_offline(rep);
    world.run_for(MINUTE);
    let account = account.to_string();
    let mut random = Random::of(7, &[1]);
    for number in 0..60 {
        let (subject, note) = (format!("Visit {number}"), words(&mut random, 150));
        let visit = [
            ("organization_id", account.as_str()),
            ("interaction_type", "VISIT"),
            ("subject", subject.as_str()),
            ("description", note.as_str()),
        ];
        world.create(rep, "interaction", &visit).unwrap();
    }
    assert_eq!(unsent(world, rep), 60);
    rep
}

/// A device of a user who has 1,200 accounts, none of them on it yet.
fn with_accounts_to_come(world: &mut World) -> DeviceId {
    let old = world.device(REP);
    for number in 0..1200 {
        let name = format!("Kitchen {number}");
        let phone = format!("+1 555 {number:07}");
        let account = [("name", name.as_str()), ("phones", phone.as_str()), ("cuisine", "Italian")];
        world.create(old, "organization", &account).unwrap();
    }
    world.go_online(old);
    world.run_for(10 * MINUTE);
    assert_eq!(unsent(world, old), 0);
    world.go_offline(old);
    world.device(REP)
}

fn unsent(world: &mut World, device: DeviceId) -> u64 {
    world.replica(device).unwrap().status().unwrap().unsent
}

fn accounts(world: &mut World, device: DeviceId) -> i64 {
    let replica = world.replica(device).unwrap();
    let rows = replica.query("SELECT count(*) FROM organizations").unwrap().rows;
    rows[0][0].as_i64().unwrap()
}

/// Lets time pass in steps until something has come down to nothing; it never rises. Returns how long that
/// took.
fn until_nothing_is_left(
    world: &mut World,
    within_ms: u64,
    mut left: impl FnMut(&mut World) -> u64,
) -> u64 {
    let mut before = left(world);
    for step in 0..within_ms / 1000 {
        let now = left(world);
        assert!(now <= before, "what had come through is kept: {before}, then {now}");
        before = now;
        if now == 0 {
            return step * 1000;
        }
        world.run_for(1000);
    }
    let log = world.log();
    panic!("{before} left after {within_ms} ms: {:#?}", &log[log.len().saturating_sub(30)..]);
}

fn visits_go_up(world: &mut World, rep: DeviceId, within_ms: u64) -> u64 {
    let took = until_nothing_is_left(world, within_ms, |world| unsent(world, rep));
    world.heal().unwrap();
    assert_eq!(world.check(), [""; 0]);
    took
}

fn accounts_come_down(world: &mut World, rep: DeviceId, within_ms: u64) -> u64 {
    let left = |world: &mut World| 1200 - accounts(world, rep) as u64;
    let took = until_nothing_is_left(world, within_ms, left);
    world.heal().unwrap();
    assert_eq!(world.check(), [""; 0]);
    took
}

#[test]
fn sixty_visits_go_up_at_three_hundred_bytes_a_second() {
    let mut world = world();
    let rep = with_visits(&mut world);
    let before = world.connections_of(rep);
    world.slow_line(rep, 300);
    world.go_online(rep);
    let took = visits_go_up(&mut world, rep, 30 * MINUTE);
    println!("{took} ms");
    assert_eq!(world.connections_of(rep), before + 1, "a line that carries is not given up");
}

#[test]
fn a_first_sync_of_twelve_hundred_accounts_comes_down_at_three_kilobytes_a_second() {
    let mut world = world();
    let rep = with_accounts_to_come(&mut world);
    world.slow_line(rep, 3000);
    world.go_online(rep);
    let took = accounts_come_down(&mut world, rep, 30 * MINUTE);
    println!("{took} ms");
    assert_eq!(world.connections_of(rep), 1, "a line that carries is not given up");
}

#[test]
fn visits_go_up_over_connections_that_are_cut_every_two_seconds() {
    let mut world = world();
    let rep = with_visits(&mut world);
    world.slow_line(rep, 20_000);
    world.cut_every(rep, 2000);
    world.go_online(rep);
    let took = visits_go_up(&mut world, rep, 30 * MINUTE);
    println!("{took} ms over {} connections", world.connections_of(rep));
}

#[test]
fn a_first_sync_comes_down_over_connections_that_are_cut_every_two_seconds() {
    let mut world = world();
    let rep = with_accounts_to_come(&mut world);
    world.slow_line(rep, 20_000);
    world.cut_every(rep, 2000);
    world.go_online(rep);
    let took = accounts_come_down(&mut world, rep, 60 * MINUTE);
    let connections = world.connections_of(rep);
    println!("{took} ms over {connections} connections");
    assert!(connections > 3, "it was cut amid the sync: {connections}");
}

/// One note of the longest kind, at 300 bytes a second: no frame is whole for minutes, and neither end
/// takes that for silence.
#[test]
fn a_note_that_takes_minutes_goes_up_in_one_connection() {
    let mut world = world();
    let rep = world.device(REP);
    let account = world.create(rep, "organization", &[("name", "Trattoria")]).unwrap();
    world.go_online(rep);
    world.run_for(MINUTE);
    let before = world.connections_of(rep);
    world.slow_line(rep, 300);
    let mut random = Random::of(8, &[1]);
    let mut note = words(&mut random, 4000);
    note.truncate(19_000);
    world.edit(rep, account, &[("notes", &note)]).unwrap();
    visits_go_up(&mut world, rep, 30 * MINUTE);
    assert_eq!(world.connections_of(rep), before);
}
