//! Several people who write to one record without hearing of each other, for properties of merge
//! rules.

use automerge::Automerge;
use uuid::Uuid;

use crate::document::{self, Hydrated, Pen, PenRole, RecordEdit, hydrate};
use crate::ids::{Actor, RecordId, UserId};
use crate::random::Random;
use crate::schema::Kind;
use crate::time::UnixMs;

/// Copies of one record, one a writer.
#[derive(Debug)]
pub struct Writers {
    kind: Kind,
    copies: Vec<Automerge>,
    random: Random,
    now: UnixMs,
}

impl Writers {
    /// A record that one writer began, from `name=value` pairs, and so many hold as it began.
    ///
    /// # Panics
    /// When the pairs are no edit of the kind.
    pub fn begin(kind: &Kind, pairs: &[(&str, &str)], writers: usize) -> Self {
        let (mut random, now) = (Random::new(1), UnixMs(1_790_000_000_000));
        let edit = RecordEdit::parse(kind, pairs.iter().copied()).expect("pairs of the kind");
        let record = RecordId(Uuid::from_u128(1));
        let begun = document::create(kind, record, &edit, &pen(0, now), &mut || random.event_id());
        let (doc, _) = begun.expect("pairs that begin a record");
        Self { kind: kind.clone(), copies: vec![doc; writers], random, now }
    }

    /// One writer edits a copy, a second after whoever edited last.
    ///
    /// # Panics
    /// When the pairs are no edit of the kind.
    pub fn edit(&mut self, writer: usize, pairs: &[(&str, &str)]) {
        let Self { kind, copies, random, now } = self;
        now.0 += 1000;
        let edit = RecordEdit::parse(kind, pairs.iter().copied()).expect("pairs of the kind");
        let copy = &mut copies[writer];
        let record = RecordId(Uuid::from_u128(1));
        document::prepare(copy, kind, record, &edit).expect("a document of the kind");
        let said = hydrate(copy, kind);
        let pen = pen(writer + 1, *now);
        let made = document::edit(copy, &said, &edit, &pen, &mut || random.event_id());
        made.expect("an edit that fits");
    }

    /// One writer hears of everything that another one has.
    ///
    /// # Panics
    /// When the copies do not merge, which a test is there to find.
    pub fn hear(&mut self, writer: usize, of: usize) {
        let mut other = self.copies[of].clone();
        self.copies[writer].merge(&mut other).expect("copies of one record merge");
    }

    /// What the record says to somebody who hears of all copies: in an order that is drawn, some of
    /// them twice.
    ///
    /// # Panics
    /// When the copies do not merge, which a test is there to find.
    pub fn merge(&self, random: &mut Random) -> Hydrated {
        let mut merged = self.kind.genesis().doc.clone();
        let mut left: Vec<&Automerge> = self.copies.iter().collect();
        while !left.is_empty() {
            let next = random.below(left.len() as u64) as usize;
            merged.merge(&mut left[next].clone()).expect("copies of one record merge");
            if random.percent(70) {
                left.swap_remove(next);
            }
        }
        hydrate(&merged, &self.kind)
    }
}

/// The pen of a writer: a person and an actor of its number.
fn pen(writer: usize, now: UnixMs) -> Pen {
    let number = u8::try_from(writer).expect("a few writers");
    let author = UserId(Uuid::from_u128(u128::from(number) + 1));
    Pen { actor: Actor([number + 1; 16]), author, now, role: PenRole::Device }
}
