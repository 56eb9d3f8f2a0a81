//! Clocks that are wrong: said, allowed for, and never a reason to lose an edit.

use std::path::Path;

use automerge::Change;
use sync_core::document::RecordEdit;
use sync_core::error::{Refusal, RefusalCode};
use sync_core::guard::name_of_bytes;
use sync_core::ids::RecordId;
use sync_core::limits;
use sync_core::protocol::{ClientMessage, Push, ServerMessage, Verdict, VerdictOutcome, Verdicts};
use sync_core::replica::{Effect, Redated, Replica};
use sync_core::time::UnixMs;

use crate::kit::{NOW, World, edit, kind, replica, welcome_at};

const DAY: i64 = 86_400_000;

/// A device whose clock is off by so much, with an account that was begun and edited before any server
/// was heard.
fn off_by(file: &Path, skew_ms: i64, env: &mut World) -> Replica {
    env.set(UnixMs(NOW.0 + skew_ms));
    let mut device = replica(file, 1, env);
    let organization = kind("organization");
    let id = device.create(organization, edit(organization, &[("name", "Café")]), env).unwrap();
    device.edit(id, edit(organization, &[("cuisine", "Thai")]), env).unwrap();
    device
}

fn greet(device: &mut Replica, server: UnixMs, env: &mut World) {
    device.disconnected(None);
    device.connect("token", "test").unwrap();
    device.handle_frame(&welcome_at(server), env).unwrap();
}

fn next_push(device: &mut Replica) -> Option<Push> {
    let frame = device.poll_push().unwrap()?;
    match ClientMessage::from_bytes(&frame).unwrap() {
        ClientMessage::Push(push) => Some(push),
        other => panic!("a push and not {other:?}"),
    }
}

fn changes(push: &Push) -> Vec<Vec<u8>> {
    push.groups.iter().flat_map(|group| &group.items).map(|item| item.change.0.clone()).collect()
}

/// When the changes of a push were made, as they say.
fn claims(push: &Push) -> Vec<UnixMs> {
    let change = |bytes: Vec<u8>| Change::from_bytes(bytes).unwrap();
    changes(push).into_iter().map(|b| UnixMs::from_seconds(change(b).timestamp())).collect()
}

fn refuse(device: &mut Replica, push: &Push, code: RefusalCode, env: &mut World) {
    let refused = |bytes: Vec<u8>| Verdict {
        hash: name_of_bytes(&bytes),
        outcome: VerdictOutcome::Refused(Refusal::new(code, "No.")),
        receipt: None,
    };
    let verdicts = changes(push).into_iter().map(refused).collect();
    let frame = ServerMessage::Verdicts(Verdicts { push: push.push, verdicts }).to_bytes();
    device.handle_frame(&frame, env).unwrap();
}

#[track_caller]
fn assert_about(claims: &[UnixMs], expected: UnixMs) {
    assert!(claims.iter().all(|at| (at.0 - expected.0).abs() < 60_000), "{claims:?}");
}

/// What waits under a moment that no server takes is dated anew before it is sent: by what the clock was
/// off, and if that is not known, by the server's time.
#[test]
fn what_waits_is_dated_by_the_server_before_it_is_sent() {
    for skew in [3 * DAY, -60 * 365 * DAY] {
        let dir = tempfile::tempdir().unwrap();
        let mut env = World::new(401);
        let mut device = off_by(&dir.path().join("a.db"), skew, &mut env);
        greet(&mut device, NOW, &mut env);
        let push = next_push(&mut device).unwrap();
        assert_eq!(claims(&push).len(), 2);
        assert_about(&claims(&push), NOW);
        let begun = device.query("SELECT created_at, cuisine FROM organizations").unwrap().rows;
        let at = UnixMs::parse(begun[0][0].as_str().unwrap()).unwrap();
        assert_about(&[at], NOW);
        assert_eq!(begun[0][1], "Thai");
        assert_eq!(device.status().unwrap().unsent, 2);
    }
}

/// What a device notes of a visit as its clock goes, is part of what is dated anew; and by a right clock no
/// device notes what has not come, or what was before there were any.
#[test]
fn an_arrival_is_noted_by_the_server_s_clock_and_never_ahead_of_it() {
    let noted = |device: &mut Replica| {
        device.query("SELECT check_in_at_ms FROM interactions").unwrap().rows[0][0].as_i64()
    };
    let visit = |at: i64| {
        let account = RecordId(uuid::Uuid::from_u128(9)).to_string();
        let at = at.to_string();
        let pairs = [
            ("organization_id", account.as_str()),
            ("interaction_type", "VISIT"),
            ("check_in.at_ms", at.as_str()),
        ];
        edit(kind("interaction"), &pairs)
    };
    for skew in [3 * DAY, -60 * 365 * DAY] {
        let dir = tempfile::tempdir().unwrap();
        let mut env = World::new(407);
        let mut device = off_by(&dir.path().join("a.db"), skew, &mut env);
        let arrived = NOW.0 + skew;
        device.create(kind("interaction"), visit(arrived), &mut env).unwrap();
        assert_eq!(noted(&mut device), Some(arrived), "as the device's clock goes");
        greet(&mut device, NOW, &mut env);
        assert_about(&[UnixMs(noted(&mut device).unwrap())], NOW);
        for odd in [NOW.0 + DAY, limits::EARLIEST.0 - 1] {
            let refused = device.create(kind("interaction"), visit(odd), &mut env).unwrap_err();
            assert!(refused.to_string().contains("was never noted"), "{refused}");
        }
    }
}

/// Whose edit is dated anew hears which values of it say another moment than they did, and which; and hears
/// it once. An edit that stays as it is brings no such word.
#[test]
fn what_is_dated_anew_is_said_value_for_value() {
    let dir = tempfile::tempdir().unwrap();
    let mut env = World::new(405);
    let skew = 3 * DAY;
    let mut device = off_by(&dir.path().join("a.db"), skew, &mut env);
    let greet = |device: &mut Replica, env: &mut World| -> Vec<Redated> {
        device.disconnected(None);
        device.connect("token", "test").unwrap();
        let effects = device.handle_frame(&welcome_at(NOW), env).unwrap();
        let said = effects.into_iter().filter_map(|effect| match effect {
            Effect::Redated(redated) => Some(redated),
            _ => None,
        });
        said.flatten().collect()
    };
    let said = greet(&mut device, &mut env);
    let fields: Vec<_> = said.iter().map(|one| one.field.as_deref()).collect();
    assert_eq!(fields, [Some("created_at"), None, None], "{said:?}");
    for one in &said {
        assert_eq!(one.kind, "organization");
        assert_about(&[one.from], UnixMs(NOW.0 + skew));
        assert_about(&[one.to], NOW);
    }
    let text = said[0].to_string();
    assert!(text.contains("created_at was dated") && text.contains("and is dated"), "{text}");
    assert_eq!(greet(&mut device, &mut env), []);

    let mut env = World::new(406);
    let mut device = off_by(&dir.path().join("b.db"), 0, &mut env);
    assert_eq!(greet(&mut device, &mut env), []);
}

/// The device keeps what it heard: also offline, and in another process, edits are dated right, and it is
/// said what is wrong.
#[test]
fn a_clock_that_is_off_is_allowed_for_offline_and_said() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("a.db");
    let mut env = World::new(402);
    let mut device = off_by(&file, -2 * DAY, &mut env);
    greet(&mut device, NOW, &mut env);
    drop(device);
    let mut device = replica(&file, 1, &mut env);
    let organization = kind("organization");
    let id = device.create(organization, edit(organization, &[("name", "Bar")]), &mut env).unwrap();
    let begun = format!("SELECT created_at FROM organizations WHERE id = '{id}'");
    let begun = device.query(&begun).unwrap().rows;
    assert_about(&[UnixMs::parse(begun[0][0].as_str().unwrap()).unwrap()], NOW);
    let said = device.status().unwrap().to_string();
    assert!(said.contains("this device's clock is 2 days behind the server's"), "{said}");
    env.set(NOW);
    greet(&mut device, NOW, &mut env);
    assert_eq!(device.status().unwrap().clock.said(), None, "it was set");
}

/// The clock was behind, and was set while the device was offline: what was edited since is dated too far
/// ahead, which the next welcome shows.
#[test]
fn a_clock_that_was_set_offline_costs_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let mut env = World::new(403);
    let mut device = off_by(&dir.path().join("a.db"), -300 * DAY, &mut env);
    greet(&mut device, NOW, &mut env);
    env.set(UnixMs(NOW.0 + DAY));
    let organization = kind("organization");
    device.create(organization, edit(organization, &[("name", "Bar")]), &mut env).unwrap();
    env.set(UnixMs(NOW.0 + 2 * DAY));
    greet(&mut device, UnixMs(NOW.0 + 2 * DAY), &mut env);
    let push = next_push(&mut device).unwrap();
    assert_about(&claims(&push)[2..], UnixMs(NOW.0 + DAY));
}

/// A server that was set meanwhile refuses what it welcomed: made again once under the time that the
/// device knows, and then kept. Once clocks are right it is handed in, also what began a record.
#[test]
fn what_was_refused_for_its_moment_is_handed_in_once_the_clock_is_right() {
    let dir = tempfile::tempdir().unwrap();
    let mut env = World::new(404);
    let mut device = off_by(&dir.path().join("a.db"), 0, &mut env);
    greet(&mut device, NOW, &mut env);
    let push = next_push(&mut device).unwrap();
    refuse(&mut device, &push, RefusalCode::FutureTime, &mut env);
    assert_eq!(device.quarantine().unwrap(), []);
    let push = next_push(&mut device).unwrap();
    refuse(&mut device, &push, RefusalCode::FutureTime, &mut env);
    let kept = device.quarantine().unwrap();
    assert_eq!((kept.len(), next_push(&mut device)), (2, None));
    // The server's clock was a year behind: by it all that is a year ahead.
    let server = UnixMs(NOW.0 - 365 * DAY);
    greet(&mut device, server, &mut env);
    for one in kept {
        device.resubmit(one.hash, RecordEdit::default(), &mut env).unwrap();
    }
    assert_about(&claims(&next_push(&mut device).unwrap()), server);
    let begun = device.query("SELECT created_at FROM organizations").unwrap().rows;
    assert_about(&[UnixMs::parse(begun[0][0].as_str().unwrap()).unwrap()], server);
}

/// A server whose own clock was never set tells nothing.
#[test]
fn a_server_that_was_never_set_is_not_believed() {
    let dir = tempfile::tempdir().unwrap();
    let mut env = World::new(405);
    let mut device = off_by(&dir.path().join("a.db"), 0, &mut env);
    greet(&mut device, UnixMs(limits::EARLIEST.0 - 1), &mut env);
    assert_eq!(device.status().unwrap().clock.said(), None);
    assert_about(&claims(&next_push(&mut device).unwrap()), NOW);
}
