//! A device that meets another life of its server, frame by frame.

use std::path::Path;

use sync_core::ids::{FeedPosition, Receipt, RecordId, ServerEpoch};
use sync_core::protocol::{
    Blob, ClientMessage, FeedBatch, Goodbye, GoodbyeCode, Push, ServerMessage, Verdict,
    VerdictOutcome, Verdicts, Welcome,
};
use sync_core::replica::{Env, Replica};
use uuid::Uuid;

use crate::kit::{World, edit, kind, replica, welcome};

fn batch(cursor: u8, anew: bool) -> Vec<u8> {
    let batch = FeedBatch { cursor: Blob(vec![cursor]), live: true, anew, ..FeedBatch::default() };
    ServerMessage::Feed(batch).to_bytes()
}

/// The welcome of the server's life of this number.
fn welcome_in(life: u128, live: bool) -> Vec<u8> {
    let ServerMessage::Welcome(welcome) = ServerMessage::from_bytes(&welcome()).unwrap() else {
        panic!("a welcome is a welcome")
    };
    let epoch = ServerEpoch(Uuid::from_u128(life));
    ServerMessage::Welcome(Welcome { epoch, live, ..welcome }).to_bytes()
}

fn says(device: &mut Replica, frames: &[Vec<u8>], env: &mut dyn Env) {
    device.connect("token", "test").unwrap();
    for frame in frames {
        device.handle_frame(frame, env).unwrap();
    }
}

/// Somebody is disabled, which empties the device, and enabled again in a restored database: there is
/// nothing to be compared, and what is edited from then on is sent.
#[test]
fn a_device_that_was_emptied_compares_nothing_and_sends() {
    let mut env = World::new(3);
    let dir = tempfile::tempdir().unwrap();
    let mut device = replica(&dir.path().join("a.db"), 1, &mut env);
    says(&mut device, &[welcome_in(1, false), batch(1, false)], &mut env);
    let disabled = Goodbye {
        code: GoodbyeCode::Disabled.as_str().into(),
        sentence: "No.".into(),
        retry_after_ms: None,
    };
    device.handle_frame(&ServerMessage::Goodbye(disabled).to_bytes(), &mut env).unwrap();
    for frames in [vec![welcome_in(2, false), batch(2, false)], vec![welcome_in(2, true)]] {
        says(&mut device, &frames, &mut env);
        let organization = kind("organization");
        device.create(organization, edit(organization, &[("name", "Bistro")]), &mut env).unwrap();
        assert_eq!(device.status().unwrap().comparing, 0);
        assert!(device.poll_push().unwrap().is_some());
        device.disconnected(None);
    }
}

const RECEIPT: Receipt = Receipt([5; 8]);

/// What a device sends, if anything.
fn pushed(device: &mut Replica) -> Option<Push> {
    let frame = device.poll_push().unwrap()?;
    match ClientMessage::from_bytes(&frame).unwrap() {
        ClientMessage::Push(push) => Some(push),
        other => panic!("a push is a push, and not {other:?}"),
    }
}

/// A device, not connected, from which the server accepted an account in its first life.
fn with_an_accepted_account(dir: &Path, env: &mut World) -> (Replica, RecordId) {
    let mut device = replica(&dir.join("a.db"), 1, env);
    let organization = kind("organization");
    let id = device.create(organization, edit(organization, &[("name", "Bistro")]), env).unwrap();
    says(&mut device, &[welcome_in(1, false), batch(1, false)], env);
    let push = pushed(&mut device).unwrap();
    let verdicts = push.groups[0].items.iter().map(|item| Verdict {
        hash: sync_core::guard::name_of_bytes(&item.change.0),
        outcome: VerdictOutcome::Accepted(FeedPosition(1)),
        receipt: Some(RECEIPT),
    });
    let verdicts = Verdicts { push: push.push, verdicts: verdicts.collect() };
    device.handle_frame(&ServerMessage::Verdicts(verdicts).to_bytes(), env).unwrap();
    device.disconnected(None);
    (device, id)
}

/// Its user gets another role before it is known what a restored server lacks: that what the server
/// lost is not among what it says they see takes nothing away.
#[test]
fn what_may_be_lost_stays_until_the_server_answered_for_it() {
    let mut env = World::new(6);
    let dir = tempfile::tempdir().unwrap();
    let (mut device, id) = with_an_accepted_account(dir.path(), &mut env);
    says(&mut device, &[welcome_in(2, false), batch(2, true)], &mut env);
    device.disconnected(None);
    let seen = FeedBatch {
        cursor: Blob(vec![3]),
        keep_only: Some(Vec::new()),
        live: true,
        ..FeedBatch::default()
    };
    says(&mut device, &[welcome_in(2, false), ServerMessage::Feed(seen).to_bytes()], &mut env);
    assert!(device.record(id).unwrap().is_some());
    let answer =
        FeedBatch { cursor: Blob(vec![4]), live: true, fetches: 1, ..FeedBatch::default() };
    device.handle_frame(&ServerMessage::Feed(answer).to_bytes(), &mut env).unwrap();
    let push = pushed(&mut device).unwrap();
    assert_eq!(push.groups[0].items[0].receipt, Some(RECEIPT));
}

/// What was edited waits until it is known what a restored server lacks, and not for ever: a server that
/// shows nothing of a record gets all of it that was confirmed, first.
#[test]
fn what_waits_is_sent_after_what_a_restored_server_lacks() {
    let mut env = World::new(4);
    let dir = tempfile::tempdir().unwrap();
    let (mut device, id) = with_an_accepted_account(dir.path(), &mut env);
    let organization = kind("organization");
    device.edit(id, edit(organization, &[("cuisine", "Thai")]), &mut env).unwrap();
    says(&mut device, &[welcome_in(2, false)], &mut env);
    assert_eq!(device.status().unwrap().comparing, 1);
    assert!(pushed(&mut device).is_none(), "not before it is known what is lost");
    device.handle_frame(&batch(2, true), &mut env).unwrap();
    assert!(pushed(&mut device).is_none(), "it was asked for by name");
    let answer =
        FeedBatch { cursor: Blob(vec![3]), live: true, fetches: 1, ..FeedBatch::default() };
    device.handle_frame(&ServerMessage::Feed(answer).to_bytes(), &mut env).unwrap();
    let push = pushed(&mut device).unwrap();
    let receipts: Vec<_> = push
        .groups
        .iter()
        .map(|group| group.items.iter().map(|item| item.receipt).collect::<Vec<_>>())
        .collect();
    assert_eq!(
        receipts,
        [vec![Some(RECEIPT)], vec![None]],
        "what was accepted, with its receipt, and then the edit"
    );
    assert_eq!(device.status().unwrap().comparing, 0);
}
