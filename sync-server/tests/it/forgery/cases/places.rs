//! Numbers, dependencies and moments that do not follow from the document.

use std::num::NonZeroU64;
use std::sync::Arc;

use automerge::ExpandedChange;
use sync_core::limits;

use crate::forgery::facts::{Facts, encoded};
use crate::forgery::scene::{Attacker, KINDS};
use crate::forgery::table::{Before, Table};

pub(super) fn add(table: &mut Table) {
    for seq in [0, 2, 7, u64::from(u32::MAX), i64::MAX as u64] {
        let code = "sequence_gap";
        every(table, &format!("number {seq} of a new writer"), code, move |_, c| c.seq = seq);
    }
    let shifted = |by: i64| move |_: &Facts, c: &mut ExpandedChange| shift(c, by);
    every(table, "a counter one ahead", "op_counter", shifted(1));
    every(table, "a counter far ahead", "op_counter", shifted(1_000_000));
    every(table, "a counter one behind", "op_counter", shifted(-1));
    let at = |counter: u64| {
        move |_: &Facts, c: &mut ExpandedChange| c.start_op = NonZeroU64::new(counter).unwrap()
    };
    every(table, "a counter from the beginning", "op_counter", at(1));
    every(table, "a counter near its end", "op_counter", at(limits::OP_COUNTER - 5));
    every(table, "a counter past its end", "op_counter", at(limits::OP_COUNTER + 1));
    every(table, "a counter at the end of 32 bits", "op_counter", at(u64::from(u32::MAX)));
    dependencies(table);
    moments(table);
    repeats(table);
}

/// For every kind by a colleague, and for one by the victim's other device.
fn every(
    table: &mut Table,
    what: &str,
    code: &'static str,
    alter: impl Fn(&Facts, &mut ExpandedChange) + 'static,
) {
    let alter = Arc::new(alter);
    let forge = move |facts: &Facts| facts.altered(|change| alter(facts, change));
    table.each(what, code, forge.clone());
    let own = &[Attacker::OwnDevice];
    table.add(&["organization"], own, Before::Nothing, what, &[code], forge);
}

fn shift(change: &mut ExpandedChange, by: i64) {
    let start = change.start_op.get().checked_add_signed(by).unwrap();
    change.start_op = NonZeroU64::new(start).unwrap();
}

fn dependencies(table: &mut Table) {
    let missing = "missing_dependency";
    every(table, "a dependency that nobody knows", missing, |facts, c| {
        c.deps = vec![automerge::ChangeHash(facts.bytes())];
    });
    every(table, "a dependency that nobody knows beside the right one", missing, |facts, c| {
        c.deps.push(automerge::ChangeHash(facts.bytes()));
        c.deps.sort_unstable();
    });
    every(table, "no dependency", missing, |_, c| c.deps.clear());
    every(table, "itself as a dependency", missing, |_, c| {
        // As near as it gets: no change can hold its own name.
        c.deps = vec![automerge::Change::from(c.clone()).hash()];
    });
    every(table, "a dependency of another record", missing, |facts, c| {
        c.deps = facts.other_doc.get_heads();
    });
    every(table, "a dependency twice", "malformed", |_, c| c.deps.push(c.deps[0]));
    every(table, "more dependencies than allowed", "malformed", |facts, c| {
        let unknown = |_| automerge::ChangeHash(facts.bytes());
        c.deps = (0..=limits::DEPS_PER_CHANGE).map(unknown).collect();
        c.deps.sort_unstable();
    });
    every(table, "the empty form beside the right dependency", "wrong_record", |facts, c| {
        c.deps.push(facts.kind.genesis().hash.into());
        c.deps.sort_unstable();
    });
    every(table, "the empty form as the dependency", "wrong_record", |facts, c| {
        c.deps = vec![facts.kind.genesis().hash.into()];
    });
    every(table, "the empty form of another kind as the dependency", missing, |facts, c| {
        c.deps = vec![facts.elsewhere.0.genesis().hash.into()];
    });
}

fn moments(table: &mut Table) {
    let ahead = |seconds: i64| {
        move |facts: &Facts, c: &mut ExpandedChange| c.time = facts.now.seconds() + seconds
    };
    every(table, "eleven minutes ahead", "future_time", ahead(660));
    every(table, "a year ahead", "future_time", ahead(365 * 86_400));
    every(table, "the end of time", "future_time", |_, c| c.time = i64::MAX);
    every(table, "before there were devices", "future_time", |_, c| c.time = 1_000_000_000);
    every(table, "before there was time", "future_time", |_, c| c.time = -1);
}

/// A writer that accepts its own past: the attacker's honest change is in the same push.
fn repeats(table: &mut Table) {
    let codes = &["accepted", "sequence_gap"];
    for (what, seq) in [("a number twice", 1), ("a number left out", 3)] {
        let who = &[Attacker::Colleague];
        table.add(&KINDS[..1], who, Before::Nothing, what, codes, move |facts| {
            // On the attacker's own account, since the first is accepted.
            let (own, doc) = facts.own.as_ref().unwrap();
            let (mut doc, pen) = (doc.clone(), facts.pen());
            let honest = encoded(facts.draft_on(&mut doc, &facts.kind, pen));
            let mut forged = facts.draft_on(&mut doc, &facts.kind, pen);
            forged.seq = seq;
            let mut groups = facts.push_as(*own, facts.kind.name, honest);
            groups.extend(facts.push_as(*own, facts.kind.name, encoded(forged)));
            groups
        });
    }
}
