//! Answers what a commit asks.

use std::collections::HashSet;
use std::sync::Arc;

use uuid::Uuid;

use super::{FIRST_LIFE, Transaction};
use crate::cell::{Cell, Row};
use crate::error::{Refusal, RefusalCode};
use crate::hub::{
    Care, Commit, Culprits, DocumentCache, DocumentHead, Inquiry, Judged, Known, KnownChange,
    ReceiptKey, ReceiptKeys, Sight, StandIns, Step, WriteRows, Writer, Wrote,
};
use crate::ids::{RecordId, ServerEpoch};
use crate::schema::{Kind, RowView};
use crate::testing::rules::Writing;

/// Under which receipts are written in a store's first life.
const KEY: ReceiptKey = ReceiptKey(*b"the key of every store in memory");

/// The keys of a store that is in this life, which it counts.
fn receipt_keys(epoch: ServerEpoch) -> ReceiptKeys {
    let key_of = |life: u128| {
        let mut key = KEY;
        for (byte, other) in key.0.iter_mut().zip((life - FIRST_LIFE).to_be_bytes()) {
            *byte ^= other;
        }
        key
    };
    let now = epoch.0.as_u128();
    ReceiptKeys::new(key_of(now), (FIRST_LIFE..now).map(key_of).collect())
}

impl Transaction {
    /// Judges a batch: brings what is stored, and writes rows as their users. None when its documents are
    /// too much at once.
    pub fn judge<'j>(
        &mut self,
        mut commit: Box<Commit<'j>>,
        cache: &mut DocumentCache,
    ) -> Option<Judged<'j>> {
        let mut stand_ins = StandIns::default();
        loop {
            match commit.step() {
                Step::Know(inquiry) => {
                    let known = self.know(inquiry);
                    commit.known(known, cache);
                }
                Step::Open(records) => {
                    let snapshots = self.snapshots(records);
                    commit.opened(snapshots);
                }
                Step::Look(sight) => {
                    let seen = self.look(sight);
                    commit.looked(&seen);
                }
                Step::Write(asked) => {
                    // Nobody else draws from these.
                    let mut count = self.contents.head.0 as u128;
                    stand_ins.note(asked, || {
                        count += 1;
                        RecordId(Uuid::from_u128(!count))
                    });
                    let wrote = self.write(asked, &stand_ins);
                    commit.wrote(wrote);
                }
                Step::Store => return Some(commit.judged()),
                Step::TooMuch => return None,
            }
        }
    }

    /// What is stored of what a batch speaks of.
    pub fn know(&self, inquiry: &Inquiry) -> Known {
        let contents = &self.contents;
        let change = |hash| {
            let accepted = contents.changes.get(hash)?;
            let (record, position) = (accepted.change.record, accepted.position);
            Some((*hash, KnownChange { record, position, author: accepted.author }))
        };
        let owner = |actor| contents.owners.get(actor).map(|user| (*actor, *user));
        let head = |record: &RecordId| {
            let document = contents.documents.get(record)?;
            Some(DocumentHead {
                record: *record,
                kind: document.kind.to_owned(),
                position: document.position,
                bytes: document.snapshot.len() as u64,
                quarantined: document.closed.clone(),
            })
        };
        Known {
            last: contents.head,
            epoch: Some(contents.epoch),
            receipts: receipt_keys(contents.epoch),
            changes: inquiry.changes.iter().filter_map(change).collect(),
            owners: inquiry.actors.iter().filter_map(owner).collect(),
            heads: inquiry.records.iter().filter_map(head).collect(),
            used: contents.used.clone(),
        }
    }

    /// The saved forms of documents.
    pub fn snapshots(&self, records: &[RecordId]) -> Vec<(RecordId, Vec<u8>)> {
        let snapshot = |record: &RecordId| {
            let document = self.contents.documents.get(record)?;
            Some((*record, document.snapshot.clone()))
        };
        records.iter().filter_map(snapshot).collect()
    }

    /// Which records a user sees.
    fn look(&self, sight: &Sight) -> HashSet<RecordId> {
        let records = sight.records.iter().map(|(_, record)| *record);
        records.filter(|one| self.contents.document_for(sight.user, *one).is_some()).collect()
    }

    /// Writes rows as their user. A rule of the business names the row it refuses, as a trigger does;
    /// a rule of access fails the whole statement, as a policy does, unless every row is asked about.
    pub fn write(&mut self, asked: &WriteRows, stand_ins: &StandIns) -> Wrote {
        let before = self.contents.records.clone();
        let mut culprits = Culprits::new();
        for one in &asked.rows {
            let row = stand_ins.row(asked, one).into_owned();
            let record = match &row[0] {
                Cell::Text(id) => id.parse().expect("BUG: a row begins with its record's id"),
                _ => one.record,
            };
            match self.may_write(asked, &one.kind, record, &row) {
                Ok(()) => drop(self.contents.records.put(&one.kind, record, Arc::new(row))),
                Err(refusal) => {
                    let named = refusal.code == RefusalCode::Rule.as_str();
                    if asked.care == Care::None && !named {
                        self.contents.records = before;
                        return Wrote::Refused(refusal);
                    }
                    culprits.insert(one.record, refusal);
                }
            }
        }
        asked.refuse_taken(&mut culprits);
        if culprits.is_empty() {
            return Wrote::All;
        }
        if !asked.stands_without(&culprits) {
            self.contents.records = before;
        }
        Wrote::AllBut(culprits)
    }

    fn may_write(
        &self,
        asked: &WriteRows,
        kind: &Kind,
        record: RecordId,
        row: &Row,
    ) -> Result<(), Refusal> {
        let records = &self.contents.records;
        let user = match asked.writer {
            Writer::User(user) => user,
            // The rules were asked when it was accepted.
            Writer::Server => return Ok(()),
        };
        if !self.rules.is_active(records, user) {
            let sentence = "You may not sign in any more.";
            return Err(Refusal::new(RefusalCode::Denied, sentence));
        }
        let before = records.cells(kind, record);
        let writing = Writing {
            user,
            seen: asked.seen,
            record,
            kind,
            moved: asked.moved.contains(&record),
            before: before.map(|row| RowView::new(kind.columns(), row)),
            after: RowView::new(kind.columns(), row),
        };
        self.rules.judge(records, &writing)
    }
}
