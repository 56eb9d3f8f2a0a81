//! What the guard costs: honest edits against the library doing the same unguarded, and how soon
//! hostile ones are refused.

use std::hint::black_box;
use std::time::{Duration, Instant};

use automerge::{Automerge, Change};
use sha2::{Digest, Sha256};
use sync_core::document::{self, Pen, PenRole, RecordEdit};
use sync_core::error::Refusal;
use sync_core::guard::{self, Context};
use sync_core::ids::{Actor, EventId, RecordId, UserId};
use sync_core::limits;
use sync_core::time::UnixMs;
use uuid::Uuid;

use crate::figures::{Figures, median};

const ROUNDS: usize = 300;
const NOW: UnixMs = UnixMs(1_760_000_000_000);
const RECORD: RecordId = RecordId(Uuid::from_u128(7));

fn pen() -> Pen {
    let author = UserId(Uuid::from_u128(1));
    Pen { actor: Actor([1; 16]), author, now: NOW, role: PenRole::Device }
}

fn mint() -> EventId {
    EventId::mint(NOW, [9; 10])
}

/// A record with a note of so many characters.
fn record(note: usize) -> Automerge {
    let kind = crate::harness::kind("organization");
    let text = "Ask for the chef at the back. ".repeat(note / 30 + 1);
    let pairs = [("name", "Kitchen 12"), ("cuisine", "Thai"), ("priority_level", "A")];
    let mut edit = RecordEdit::parse(&kind, pairs).unwrap();
    let notes = RecordEdit::parse(&kind, [("notes", &text[..note])]).unwrap();
    edit.changes.extend(notes.changes);
    document::create(&kind, RECORD, &edit, &pen(), &mut mint).unwrap().0
}

/// The next honest change of a record.
fn next(doc: &Automerge, pairs: &[(&str, &str)]) -> Vec<u8> {
    let kind = crate::harness::kind("organization");
    let mut ahead = doc.clone();
    let now = document::hydrate(&ahead, &kind);
    let edit = RecordEdit::parse(&kind, pairs.iter().copied()).unwrap();
    document::edit(&mut ahead, &now, &edit, &pen(), &mut mint).unwrap().unwrap().bytes
}

fn judge(doc: &Automerge, bytes: &[u8], author: u128) -> Result<Automerge, Refusal> {
    let kind = crate::harness::kind("organization");
    let author = UserId(Uuid::from_u128(author));
    let context =
        Context { record: RECORD, kind: kind.clone(), doc, author, now: NOW, pen: PenRole::Device };
    let verified = guard::verify(guard::parse(bytes)?, &context)?;
    let applied = guard::apply(doc, &kind, verified)?;
    guard::prove(&applied.doc, applied.edits_text, PenRole::Device)?;
    Ok(applied.doc)
}

fn timed<T>(mut work: impl FnMut() -> T) -> f64 {
    let one = |_| {
        let started = Instant::now();
        black_box(work());
        started.elapsed()
    };
    median((0..ROUNDS).map(one).collect::<Vec<Duration>>()) * 1e6
}

pub(crate) fn run(figures: &mut Figures) {
    figures.note("the guard");
    let small = record(60);
    let note = record(limits::LONG_TEXT_CHARS - 4000);
    let full = "z".repeat(limits::TEXT_STEP);
    let honest = [
        ("guard.one_field", &small, next(&small, &[("cuisine", "Grill")])),
        ("guard.pasted_step", &small, next(&small, &[("notes", &full)])),
        ("guard.word_in_long_note", &note, {
            let kind = crate::harness::kind("organization");
            let now = document::hydrate(&note, &kind);
            let Some(document::FieldState::Text(text)) = now.field("notes") else { panic!() };
            let text = text.replacen("chef", "cook", 1);
            next(&note, &[("notes", &text)])
        }),
    ];
    for (name, doc, bytes) in &honest {
        judge(doc, bytes, 1).expect("honest changes are taken");
        let value = timed(|| judge(doc, bytes, 1));
        let floor = timed(|| {
            let mut copy = (*doc).clone();
            copy.apply_changes([Change::from_bytes(bytes.clone()).unwrap()]).unwrap();
            (copy.save(), document::hydrate(&copy, &crate::harness::kind("organization")))
        });
        figures.against(name, value, "µs", floor);
    }
    let mut worst: f64 = 0.0;
    for (what, author, bytes) in hostile(&small) {
        assert!(judge(&small, &bytes, author).is_err(), "{what} is refused");
        let took = timed(|| judge(&small, &bytes, author));
        figures.note(&format!("refused in {took:.0} µs: {what}"));
        worst = worst.max(took);
    }
    figures.value("guard.slowest_refusal", worst, "µs");
}

/// Changes that must not be taken, from a description of each.
fn hostile(doc: &Automerge) -> Vec<(&'static str, u128, Vec<u8>)> {
    let small = next(doc, &[("cuisine", "Grill")]);
    let full = next(doc, &[("notes", &"z".repeat(limits::TEXT_STEP))]);
    let over = next(doc, &[("notes", &"z".repeat(limits::OPS_PER_CHANGE + 1))]);
    let rewritten = |change: &dyn Fn(&mut automerge::ExpandedChange)| {
        let mut expanded = Change::from_bytes(full.clone()).unwrap().decode();
        change(&mut expanded);
        Change::from(expanded).raw_bytes().to_vec()
    };
    // The first byte behind the header whose mutation is not another honest change.
    let mutated = (60..full.len())
        .map(|place| {
            let mut bytes = full.clone();
            bytes[place] ^= 0x55;
            let digest = Sha256::digest(&bytes[8..]);
            bytes[4..8].copy_from_slice(&digest[..4]);
            bytes
        })
        .find(|bytes| judge(doc, bytes, 1).is_err())
        .expect("some mutation is refused");
    vec![
        ("truncated", 1, small[..small.len() - 9].to_vec()),
        ("one bit off, checksum right", 1, mutated),
        ("as many operations as allowed, another's", 2, full.clone()),
        ("more operations than allowed", 1, over),
        (
            "its dependency is unknown",
            1,
            rewritten(&|c| c.deps = vec![automerge::ChangeHash([3; 32])]),
        ),
        ("a number left out", 1, rewritten(&|c| c.seq += 1)),
        (
            "counter at its ceiling",
            1,
            rewritten(&|c| c.start_op = (u64::from(u32::MAX) - 9).try_into().unwrap()),
        ),
        ("counter ahead", 1, rewritten(&|c| c.start_op = 1_000_000.try_into().unwrap())),
        (
            "another actor's number",
            1,
            rewritten(&|c| c.actor_id = automerge::ActorId::from([8; 16])),
        ),
    ]
}
