//! What becomes of changes once the server judged them.

use std::collections::HashSet;

use super::again::{Again, entangled};
use super::device::Replica;
use super::effect::{Effect, SessionFault};
use super::env::{Env, draw};
use super::error::ReplicaError;
use super::refused::Fallout;
use super::state::State;
use super::store::Work;
use crate::error::{Refusal, RefusalCode};
use crate::ids::{Actor, ChangeHash, RecordId};
use crate::protocol::{Verdict, VerdictOutcome, Verdicts};
use crate::time::UnixMs;

impl Replica {
    pub(super) fn handle_verdicts(
        &mut self,
        verdicts: &Verdicts,
        env: &mut dyn Env,
    ) -> Result<Vec<Effect>, SessionFault> {
        let State::Open(session) = &mut self.session.state else {
            return Err(SessionFault::OutOfTurn("verdicts"));
        };
        session.in_flight.remove(&verdicts.push);
        for verdict in &verdicts.verdicts {
            if let VerdictOutcome::Accepted(position) = verdict.outcome {
                session.accepted_to = session.accepted_to.max(position);
            }
        }
        // Another writer from here on: the refused change keeps its number among the old one's.
        let refusals = |v: &Verdict| matches!(v.outcome, VerdictOutcome::Refused(_));
        if verdicts.verdicts.iter().any(refusals) {
            self.actor = Actor(draw(env));
        }
        let judged = Judged {
            waits: std::mem::take(&mut session.waits),
            asked: session.asked.iter().copied().collect(),
            ..Judged::default()
        };
        let now = self.dated(env)?;
        let (settled, tables) = self.file.write(|work| {
            let mut settled = judged.settle(work, &verdicts.verdicts, now)?;
            work.want(&settled.wanted)?;
            settled.refused = work.stored().refused_edits(settled.refused)?;
            Ok::<_, SessionFault>((settled, work.touched_kinds()))
        })?;
        let mut effects = Vec::new();
        if let State::Open(session) = &mut self.session.state {
            session.waits = settled.waits;
            if !settled.wanted.is_empty() {
                effects.extend(session.fetch(settled.wanted));
            }
        }
        if !tables.is_empty() {
            effects.push(Effect::Changed(tables));
        }
        if !settled.refused.is_empty() {
            effects.push(Effect::Refused(settled.refused));
        }
        Ok(effects)
    }
}

/// The verdicts of one push, sorted by what they ask for.
#[derive(Default)]
struct Judged<'v> {
    /// Changes that wait for their records to be fetched.
    waits: HashSet<ChangeHash>,
    /// Records that the server was asked for and has not answered for.
    asked: HashSet<RecordId>,
    /// Records to be fetched.
    wanted: Vec<RecordId>,
    /// Refused for their form.
    malformed: Vec<(ChangeHash, RefusalCode, &'v Refusal)>,
    /// Refused for what they are.
    refused: Vec<(ChangeHash, &'v Refusal)>,
    /// Refused for what they build on.
    dependants: Vec<(ChangeHash, &'v Refusal)>,
}

/// What was done.
struct Settled {
    refused: Vec<(ChangeHash, Refusal)>,
    wanted: Vec<RecordId>,
    waits: HashSet<ChangeHash>,
}

impl<'v> Judged<'v> {
    /// Does what the verdicts ask for.
    fn settle(
        mut self,
        work: &mut Work<'_>,
        verdicts: &'v [Verdict],
        now: UnixMs,
    ) -> Result<Settled, ReplicaError> {
        for verdict in verdicts {
            self.sort(work, verdict)?;
        }
        let mut fallout = Fallout::default();
        for (hash, code, refusal) in std::mem::take(&mut self.malformed) {
            if !self.mend(work, hash, (code, now), &mut fallout)? {
                self.refused.push((hash, refusal));
            }
        }
        // What builds on the refused ones is mostly made again before its own refusal is looked at.
        // What builds on something refused long ago is not.
        for refusals in [&self.refused, &self.dependants] {
            for (hash, refusal) in refusals {
                if !self.waits.contains(hash) {
                    fallout.refuse(work, *hash, refusal)?;
                }
            }
            fallout.settle(work)?;
        }
        fallout.show(work)?;
        self.wanted.extend(fallout.misplaced);
        self.ask_again(work, verdicts)?;
        Ok(Settled { refused: fallout.refused, wanted: self.wanted, waits: self.waits })
    }

    /// Asks again for records that did not come, while an unsent edit kept them here all the same.
    fn ask_again(&mut self, work: &Work<'_>, verdicts: &[Verdict]) -> rusqlite::Result<()> {
        let mut owed: HashSet<RecordId> = work.stored().wanted()?.into_iter().collect();
        owed.retain(|record| !self.asked.contains(record));
        if owed.is_empty() {
            return Ok(());
        }
        for verdict in verdicts {
            self.wanted
                .extend(work.stored().record_of(verdict.hash)?.filter(|of| owed.contains(of)));
        }
        Ok(())
    }

    /// Takes note of an acceptance; puts a refusal where it belongs.
    fn sort(&mut self, work: &mut Work<'_>, verdict: &'v Verdict) -> rusqlite::Result<()> {
        let hash = verdict.hash;
        let refusal = match &verdict.outcome {
            VerdictOutcome::Accepted(position) => {
                // Erased here before it was sent, and yet accepted: if its user sees it, it belongs
                // here.
                if let Some(record) = work.take_orphan(hash)? {
                    self.wanted.push(record);
                    return Ok(());
                }
                // Stored long ago, while the verdict was lost; the feed went past it and brought
                // nothing. Only the server knows whether its user still sees the record.
                let passed = work.stored().meta("seen")?.is_some_and(|seen| position.0 <= seen);
                if let (true, Some((record, _))) = (passed, work.stored().place(hash)?) {
                    self.wanted.push(record);
                }
                return work.accept_change(hash, verdict.receipt);
            }
            VerdictOutcome::Refused(refusal) => refusal,
        };
        match RefusalCode::parse(&refusal.code) {
            // The server's own failure: the change waits for the next session.
            Some(RefusalCode::Internal) => {}
            _ if self.waits.contains(&hash) => {}
            Some(RefusalCode::DependsOnRefused) => self.dependants.push((hash, refusal)),
            Some(code) if code.is_of_form() && work.stored().is_first_writing(hash)? => {
                self.malformed.push((hash, code, refusal));
            }
            _ => self.refused.push((hash, refusal)),
        }
        Ok(())
    }

    /// Deals with a change that was refused for its form; says whether that could be done.
    fn mend(
        &mut self,
        work: &mut Work<'_>,
        hash: ChangeHash,
        (code, now): (RefusalCode, UnixMs),
        fallout: &mut Fallout,
    ) -> Result<bool, ReplicaError> {
        if self.waits.contains(&hash) || work.stored().place(hash)?.is_none() {
            // Dealt with together with another.
            return Ok(true);
        }
        // Only the record as the server has it tells what these stand against; and if the change is
        // in there after all, it is not to be made again.
        if code != RefusalCode::ForeignActor && code != RefusalCode::FutureTime {
            return self.wait_for_the_record(work, hash, code);
        }
        let mut again = Again::read_entangled(work, &[hash])?;
        if !again.is_complete() {
            return Ok(false);
        }
        again.because(code);
        again.redate(0, now);
        again.set_aside(work)?;
        fallout.refused.extend(again.make(work)?);
        Ok(true)
    }

    /// Has the record fetched, and leaves the change where it is until that comes.
    fn wait_for_the_record(
        &mut self,
        work: &mut Work<'_>,
        hash: ChangeHash,
        code: RefusalCode,
    ) -> Result<bool, ReplicaError> {
        let changes = entangled(work.stored(), &[hash])?;
        for change in &changes {
            if work.stored().scope(change.record)?.is_none() {
                return Ok(false);
            }
        }
        for change in changes {
            work.note_fetching(change.hash, code.as_str())?;
            self.waits.insert(change.hash);
            self.wanted.push(change.record);
        }
        Ok(true)
    }
}
