//! What a refused edit did, in words, read from its document.
//!
//! Documents are read where they stand before and after the edit. Where others wrote beside it they are
//! put together anew at what the edit builds on, which takes as long as all that was ever written: that
//! much work has a bound in each commit. What is beyond it is told from the change's own operations.

use std::collections::HashMap;

use automerge::{Automerge, ChangeHash as AutoHash, ReadDoc};

use super::effort::weight;
use super::{HubDocument, Merged, Workspace};
use crate::document::{self, Hydrated, hydrate};
use crate::ids::RecordId;
use crate::limits;
use crate::schema::Kind;

/// How many times longer it takes to put a document together anew than to read it.
const FORKING: u64 = 8;

/// A document at some moment of its history.
enum Version<'d> {
    /// As it stands.
    Current(&'d Automerge),
    /// As it stood.
    Past(&'d Automerge, Vec<AutoHash>),
}

impl Version<'_> {
    fn work(&self) -> u64 {
        match self {
            Self::Current(doc) => weight(doc),
            Self::Past(doc, _) => FORKING * weight(doc),
        }
    }

    fn read(&self, kind: &Kind) -> Option<Hydrated> {
        match self {
            Self::Current(doc) => Some(hydrate(doc, kind)),
            Self::Past(doc, heads) => Some(hydrate(&doc.fork_at(heads).ok()?, kind)),
        }
    }
}

impl Workspace {
    /// What a merged group did to each record, as an edit's JSON: read beside what its changes build
    /// on, and not beside what others wrote meanwhile, which their author may not be allowed to see.
    /// Nothing of records for which that would take too long.
    pub fn said(&mut self, merged: &Merged) -> HashMap<RecordId, serde_json::Value> {
        let mut of_record: HashMap<RecordId, Vec<AutoHash>> = HashMap::new();
        // A step of a record's genesis says nothing, and builds on less than its author knew.
        for change in merged.changes.iter().filter(|change| change.claimed_at.0 != 0) {
            of_record.entry(change.record).or_default().push(change.hash.into());
        }
        let say = |(record, hashes): (RecordId, Vec<AutoHash>)| {
            Some((record, self.say(record, &hashes)?))
        };
        of_record.into_iter().filter_map(say).collect()
    }

    fn say(&mut self, record: RecordId, hashes: &[AutoHash]) -> Option<serde_json::Value> {
        let HubDocument { kind, doc, .. } = self.documents.get(&record)?;
        let deps = doc.get_change_by_hash(hashes.first()?)?.deps().to_vec();
        let stood = self.before.get(&record).map(|before| match &before.document {
            Some(document) => &document.doc,
            None => &kind.genesis().doc,
        });
        let before = match stood.filter(|stood| heads(stood) == deps) {
            Some(stood) => Version::Current(stood),
            None => Version::Past(doc, deps),
        };
        let after = match (&heads(doc)[..], hashes.last()) {
            ([head], Some(last)) if head == last => Version::Current(doc),
            _ => Version::Past(doc, hashes.to_vec()),
        };
        let work = before.work() + after.work();
        if self.effort.work_on_words + work > limits::WORK_ON_WORDS_PER_COMMIT {
            return None;
        }
        let said = (before.read(kind)?, after.read(kind)?);
        let said = document::difference(&said.0, &said.1, &said.0).to_json();
        self.effort.words += 1;
        self.effort.work_on_words += work;
        self.effort.work += work;
        Some(said)
    }
}

/// In the order in which a change names what it builds on.
fn heads(doc: &Automerge) -> Vec<AutoHash> {
    let mut heads = doc.get_heads();
    heads.sort_unstable();
    heads
}
