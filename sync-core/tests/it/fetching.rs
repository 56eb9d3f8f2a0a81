//! Records asked for by name: in as many messages, and as many at once, as a server takes.

use sync_core::ids::{FeedPosition, RecordId};
use sync_core::limits;
use sync_core::protocol::{Blob, ClientMessage, FeedBatch, ServerMessage};
use sync_core::replica::{Effect, Replica};

use crate::kit::{World, record, replica, welcome};

/// A device that owes itself so many records, as one does whose feed begins anew.
fn wanting(file: &std::path::Path, count: u128, env: &mut World) -> Replica {
    drop(replica(file, 1, env));
    let db = rusqlite::Connection::open(file).unwrap();
    for n in 0..count {
        db.execute("INSERT INTO wanted (record) VALUES (?1)", [record(n).as_bytes()]).unwrap();
    }
    drop(db);
    replica(file, 1, env)
}

/// How many records each message asks for.
fn asked(effects: &[Effect]) -> Vec<Vec<RecordId>> {
    let fetch = |effect: &Effect| match effect {
        Effect::Send(frame) => match ClientMessage::from_bytes(frame).unwrap() {
            ClientMessage::Fetch(fetch) => Some(fetch.records),
            _ => None,
        },
        _ => None,
    };
    effects.iter().filter_map(fetch).collect()
}

fn live(fetches: u64, cursor: u8, anew: bool) -> Vec<u8> {
    ServerMessage::Feed(FeedBatch {
        cursor: Blob(vec![cursor]),
        live: true,
        head: FeedPosition(1),
        fetches,
        anew,
        ..FeedBatch::default()
    })
    .to_bytes()
}

fn sizes(asked: &[Vec<RecordId>]) -> Vec<usize> {
    asked.iter().map(Vec::len).collect()
}

/// A device that lacks nine thousand records asks for them in rounds, each within what a server lets
/// wait, and is up to date only when the last is answered.
#[test]
fn many_records_are_asked_for_in_rounds_that_a_server_takes() {
    let mut env = World::new(5);
    let file = tempfile::NamedTempFile::new().unwrap();
    let mut device = wanting(file.path(), 9000, &mut env);
    device.connect("token", "test").unwrap();
    let first = asked(&device.handle_frame(&welcome(), &mut env).unwrap());
    assert_eq!(sizes(&first), [limits::RECORDS_PER_FETCH; 4]);
    // Live, and not all of it answered.
    let early = device.handle_frame(&live(3, 1, false), &mut env).unwrap();
    assert_eq!(sizes(&asked(&early)), [0; 0]);
    let effects = device.handle_frame(&live(4, 2, false), &mut env).unwrap();
    let second = asked(&effects);
    assert_eq!(sizes(&second), [limits::RECORDS_PER_FETCH; 4]);
    assert!(!effects.contains(&Effect::Live) && !device.caught_up());
    let third = asked(&device.handle_frame(&live(8, 3, false), &mut env).unwrap());
    assert_eq!(sizes(&third), [9000 - 8192]);
    let effects = device.handle_frame(&live(9, 4, false), &mut env).unwrap();
    assert!(effects.contains(&Effect::Live) && device.caught_up());
    let mut all: Vec<RecordId> = [first, second, third].concat().concat();
    all.sort_unstable();
    all.dedup();
    assert_eq!(all.len(), 9000, "each once");
}

/// The connection breaks amid the rounds: what was not answered is asked for again, and no more than
/// may be.
#[test]
fn what_was_not_answered_is_asked_for_in_the_next_session() {
    let mut env = World::new(6);
    let file = tempfile::NamedTempFile::new().unwrap();
    let mut device = wanting(file.path(), 5000, &mut env);
    device.connect("token", "test").unwrap();
    device.handle_frame(&welcome(), &mut env).unwrap();
    device.handle_frame(&live(4, 1, false), &mut env).unwrap();
    device.disconnected(None);
    device.connect("token", "test").unwrap();
    let rest = asked(&device.handle_frame(&welcome(), &mut env).unwrap());
    assert_eq!(sizes(&rest), [5000 - 4096]);
}
