//! What becomes of changes once the server judged them.

use std::collections::HashSet;

use super::store::Db;

use super::ReplicaError;
use super::anew::{Displaced, Hand, entangled, of_form};
use super::cache::DocumentCache;
use super::history::keep_words;
use super::quarantine::Fallout;
use super::session::SessionFault;
use super::store;
use crate::error::{Refusal, RefusalCode};
use crate::ids::{ChangeHash, RecordId, ScopeId};
use crate::protocol::{Verdict, VerdictOutcome};

/// The verdicts of one push, sorted by what they ask for.
pub(super) struct Judged<'a> {
    hand: Hand,
    /// Changes that wait for their records to be fetched.
    waits: HashSet<ChangeHash>,
    /// Records to be fetched.
    wanted: Vec<RecordId>,
    /// Refused for their form.
    displaced: Vec<(ChangeHash, RefusalCode, &'a Refusal)>,
    /// Refused for what they are.
    refused: Vec<(ChangeHash, &'a Refusal)>,
    /// Refused for what they build on.
    dependants: Vec<(ChangeHash, &'a Refusal)>,
}

/// What was done.
#[derive(Debug)]
pub(super) struct Settled {
    pub(super) refused: Vec<(ChangeHash, Refusal)>,
    pub(super) tables: Vec<&'static str>,
    pub(super) wanted: Vec<RecordId>,
    pub(super) waits: HashSet<ChangeHash>,
}

impl<'a> Judged<'a> {
    pub(super) fn new(hand: Hand, waits: HashSet<ChangeHash>) -> Self {
        let (wanted, displaced) = (Vec::new(), Vec::new());
        let (refused, dependants) = (Vec::new(), Vec::new());
        Self { hand, waits, wanted, displaced, refused, dependants }
    }

    /// Takes note of an acceptance; puts a refusal where it belongs.
    pub(super) fn sort(&mut self, tx: &Db<'_>, verdict: &'a Verdict) -> rusqlite::Result<()> {
        let hash = verdict.hash;
        let refusal = match &verdict.outcome {
            VerdictOutcome::Accepted(_) => {
                return match store::take_orphan(tx, hash)? {
                    // Erased here before it was sent, and yet accepted: if its user sees it, it
                    // belongs here.
                    Some(record) => {
                        self.wanted.push(record);
                        Ok(())
                    }
                    None => store::accept_change(tx, hash),
                };
            }
            VerdictOutcome::Refused(refusal) => refusal,
        };
        match RefusalCode::parse(&refusal.code) {
            // The server's own failure: the change waits for the next session.
            Some(RefusalCode::Internal) => {}
            _ if self.waits.contains(&hash) => {}
            Some(RefusalCode::DependsOnRefused) => self.dependants.push((hash, refusal)),
            Some(code) if of_form(code) && store::is_first_writing(tx, hash)? => {
                self.displaced.push((hash, code, refusal));
            }
            _ => self.refused.push((hash, refusal)),
        }
        Ok(())
    }

    /// Does what the verdicts ask for.
    pub(super) fn settle(
        mut self,
        tx: &Db<'_>,
        cache: &mut DocumentCache,
    ) -> Result<Settled, SessionFault> {
        for (hash, code, refusal) in std::mem::take(&mut self.displaced) {
            if !self.displace(tx, cache, hash, code)? {
                self.refused.push((hash, refusal));
            }
        }
        let Self { hand, waits, mut wanted, refused, dependants, .. } = self;
        let mut fallout = Fallout::new(tx, hand.owner);
        for (hash, refusal) in refused {
            if !waits.contains(&hash) {
                fallout.refuse(hash, refusal)?;
            }
        }
        fallout.settle(cache)?;
        // Mostly made again by now. What builds on something refused long ago is not.
        for (hash, refusal) in dependants {
            if !waits.contains(&hash) {
                fallout.refuse(hash, refusal)?;
            }
        }
        fallout.settle(cache)?;
        let Fallout { refused, touched, .. } = fallout;
        let records: Vec<RecordId> = touched.iter().map(|(record, _)| *record).collect();
        let mut tables = super::feed::rebuild(tx, cache, &records)?;
        for (record, stood) in touched {
            if is_misplaced(tx, record, stood)? {
                keep_words(tx, record)?;
                store::erase_record(tx, record)?;
                cache.forget(record);
                wanted.push(record);
            }
        }
        tables.extend(hand.tables);
        tables.sort_unstable();
        tables.dedup();
        Ok(Settled { refused, tables, wanted, waits })
    }

    /// Deals with a change that was refused for its form; says whether that could be done.
    fn displace(
        &mut self,
        tx: &Db<'_>,
        cache: &mut DocumentCache,
        hash: ChangeHash,
        code: RefusalCode,
    ) -> Result<bool, ReplicaError> {
        if self.waits.contains(&hash) || store::places(tx, &[hash])?.is_empty() {
            // Dealt with together with another.
            return Ok(true);
        }
        // Only the record as the server has it tells what these stand against; and if the change is
        // in there after all, it is not to be made again.
        if code != RefusalCode::ForeignActor {
            return self.wait_for_the_record(tx, hash, code);
        }
        let Some(displaced) = Displaced::take(tx, cache, &[hash], Some(code))? else {
            return Ok(false);
        };
        displaced.make_again(tx, cache, &mut self.hand)?;
        Ok(true)
    }

    /// Has the record fetched, and leaves the change where it is until that comes.
    fn wait_for_the_record(
        &mut self,
        tx: &Db<'_>,
        hash: ChangeHash,
        code: RefusalCode,
    ) -> Result<bool, ReplicaError> {
        let changes = entangled(tx, &[hash])?;
        for change in &changes {
            if store::document(tx, change.record)?.is_none() {
                return Ok(false);
            }
        }
        for change in changes {
            store::note_fetching(tx, change.hash, code.as_str())?;
            self.waits.insert(change.hash);
            self.wanted.push(change.record);
        }
        Ok(true)
    }
}

/// Whether a refused edit may have kept a record here, or away from here, by where it put it: while
/// it stood, the record came or went with what it hung from on this device alone. Only the server
/// knows whether its user sees it.
fn is_misplaced(tx: &Db<'_>, record: RecordId, stood: Option<ScopeId>) -> rusqlite::Result<bool> {
    let stands = store::scope(tx, record)?;
    Ok(match (stood, stands) {
        (None, None) => true,
        (Some(stood), Some(stands)) => stood != stands,
        (None, Some(_)) | (Some(_), None) => false,
    })
}
