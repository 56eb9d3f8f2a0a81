//! Bytes that are no plain change.

use automerge::Change;
use sync_core::limits;
use sync_core::protocol::PushGroup;

use crate::chunk::{bomb, seal};
use crate::forgery::facts::{Facts, encoded, put};
use crate::forgery::scene::Attacker;
use crate::forgery::table::{Before, Table};

pub(super) fn add(table: &mut Table) {
    let bad = "malformed";
    every(table, "no bytes", bad, |facts| facts.push(Vec::new()));
    every(table, "a change cut short", bad, |facts| {
        let mut bytes = encoded(facts.draft());
        bytes.truncate(bytes.len() - 3);
        facts.push(bytes)
    });
    every(table, "a byte too many", bad, |facts| {
        let mut bytes = encoded(facts.draft());
        bytes.push(0);
        facts.push(bytes)
    });
    every(table, "a byte too many behind a right checksum", bad, |facts| {
        let mut bytes = encoded(facts.draft());
        bytes.push(0);
        facts.push(seal(bytes))
    });
    every(table, "bytes behind the author", bad, |facts| {
        facts.altered(|change| change.extra_bytes.extend([1, 2, 3]))
    });
    every(table, "other bytes in the author's place", bad, |facts| {
        facts.altered(|change| change.extra_bytes = vec![9, 2, 3])
    });
    every(table, "a wrong checksum", bad, |facts| {
        let mut bytes = encoded(facts.draft());
        bytes[4] ^= 0xff;
        facts.push(bytes)
    });
    every(table, "other magic", bad, |facts| {
        let mut bytes = encoded(facts.draft());
        bytes[0] ^= 0xff;
        facts.push(bytes)
    });
    every(table, "a compressed change", bad, |facts| {
        let mut long = facts.draft();
        long.operations.push(put("newer", "x".repeat(4000)));
        let mut change = Change::from(long);
        let bytes = change.bytes().into_owned();
        assert_ne!(bytes, change.raw_bytes(), "it was compressed");
        facts.push(bytes)
    });
    every(table, "a whole document", bad, |facts| facts.push(facts.doc.save()));
    every(table, "a bundle of changes", bad, |facts| {
        let hashes: Vec<_> = facts.doc.get_changes(&[]).iter().map(Change::hash).collect();
        facts.push(facts.doc.bundle(hashes).unwrap().bytes().to_vec())
    });
    every(table, "two changes in one item", bad, |facts| {
        let mut doc = facts.doc.clone();
        let pen = facts.pen();
        let mut both = encoded(facts.draft_on(&mut doc, &facts.kind, pen));
        both.extend(encoded(facts.draft_on(&mut doc, &facts.kind, pen)));
        facts.push(both)
    });
    every(table, "a message", bad, |facts| {
        facts.altered(|change| change.message = Some("Rosa asked me to".into()))
    });
    every(table, "a value as long as a change may be", "too_large", |facts| {
        facts.doing(vec![put("newer", "x".repeat(limits::CHANGE_BYTES))])
    });
    // Columns: action (66), predecessor count (112), key string (21), insert (52).
    for column in [66, 112, 21, 52] {
        every(table, &format!("a bomb in column {column}"), "too_many_ops", move |facts| {
            facts.push(bomb(column, 1 << 40))
        });
    }
    // The bit that says deflated.
    every(table, "a compressed column", bad, |facts| facts.push(bomb(66 | 8, 1)));
    every(table, "an empty form in the place of a change", bad, |facts| {
        facts.push(facts.kind.genesis().doc.save())
    });
}

/// By everybody; of one kind, since nobody looks at the kind of what is no change.
fn every(
    table: &mut Table,
    what: &str,
    code: &'static str,
    forge: impl Fn(&Facts) -> Vec<PushGroup> + Clone + 'static,
) {
    let all = &[Attacker::Colleague, Attacker::Outsider, Attacker::Reader, Attacker::OwnDevice];
    table.add(&["organization"], all, Before::Nothing, what, &[code], forge);
}
