//! What to commit next when a commit fails: the search for the one that breaks the others.
//!
//! A batch that fails is tried push by push. A push on which judging panics, or which holds what the
//! store has no room for, is halved until one group stands alone; that group's changes are refused as
//! `engine_fault` or `constraint`, and the others go on. One whose documents are more than may be open at
//! once, or gone through, is halved until they are not; a group that alone is too much is refused.
//!
//! **Invariant**: every push gets an answer, whatever any other one does.

use std::collections::VecDeque;

use super::push::{PushJob, PushedGroup};
use crate::error::{Refusal, RefusalCode};
use crate::ids::ChangeHash;
use crate::protocol::{Verdict, VerdictOutcome};

/// How a commit ended.
#[derive(Debug)]
pub enum Ended {
    /// Everything is stored; the verdicts of each push.
    Committed(Vec<Vec<Verdict>>),
    /// The store failed; nothing is stored.
    RolledBack,
    /// Some table does not take what some change came to; nothing is stored. Sending it again would
    /// end the same way for ever.
    Unstorable(Refusal),
    /// Judging panicked; nothing is stored.
    Panicked,
    /// It was given up: it would have opened, or gone through, too much at once.
    TooMuch,
}

/// The push was not judged; it may be sent again.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("the server could not judge the push; it may be sent again")]
pub struct Unavailable;

/// A push that has its answer.
#[derive(Debug)]
pub struct Answered {
    /// Which of the batch's pushes, counting from zero.
    pub index: usize,
    /// Its verdicts.
    pub verdicts: Result<Vec<Verdict>, Unavailable>,
    /// Changes on which judging panicked. Each deserves an alert.
    pub faults: Vec<ChangeHash>,
}

/// A push, or what is left of one, that was too much at once and is to be tried in parts later.
#[derive(Debug)]
pub struct PutOff {
    /// Which of the batch's pushes, counting from zero.
    pub index: usize,
    /// What is left of it.
    pub job: PushJob,
    /// Verdicts of the rest.
    pub verdicts: Vec<Verdict>,
}

/// A batch of pushes on its way to being committed.
#[derive(Debug)]
pub struct Trials {
    /// Pushes, or parts of one, that are committed together.
    now: Vec<PushJob>,
    stage: Stage,
}

#[derive(Debug)]
enum Stage {
    /// All pushes at once.
    Together,
    /// A part of one push; then the rest of it, then other pushes.
    Singly(Single),
    Over,
}

/// The push that is being tried by itself.
#[derive(Debug)]
struct Single {
    index: usize,
    /// Parts of it that come after this one.
    parts: VecDeque<Vec<PushedGroup>>,
    verdicts: Vec<Verdict>,
    faults: Vec<ChangeHash>,
    /// Pushes that come after it.
    others: VecDeque<PushJob>,
}

impl Trials {
    /// Begins with all pushes of a batch at once.
    pub fn of(jobs: Vec<PushJob>) -> Self {
        Self { now: jobs, stage: Stage::Together }
    }

    /// What to commit next; none once every push has its answer.
    pub fn next(&self) -> Option<&[PushJob]> {
        match self.stage {
            Stage::Together | Stage::Singly(_) => Some(&self.now),
            Stage::Over => None,
        }
    }

    /// Hears how the commit of [`Trials::next`] ended; tells which pushes have their answers now.
    pub fn ended(&mut self, ended: Ended) -> Vec<Answered> {
        match (std::mem::replace(&mut self.stage, Stage::Over), ended) {
            (Stage::Over, _) => Vec::new(),
            (Stage::Together, Ended::Committed(verdicts)) => {
                let answered = |(index, verdicts)| Answered {
                    index,
                    verdicts: Ok(verdicts),
                    faults: Vec::new(),
                };
                verdicts.into_iter().enumerate().map(answered).collect()
            }
            (
                Stage::Together,
                Ended::RolledBack | Ended::Unstorable(_) | Ended::Panicked | Ended::TooMuch,
            ) => {
                let others: VecDeque<PushJob> = std::mem::take(&mut self.now).into();
                self.begin(0, others);
                Vec::new()
            }
            (Stage::Singly(single), ended) => {
                self.single_ended(single, ended).into_iter().collect()
            }
        }
    }

    /// Gives up the commit of [`Trials::next`] in place of halving it: for hosts that have something
    /// else to do in between.
    pub fn put_off(&mut self) -> Vec<PutOff> {
        match std::mem::replace(&mut self.stage, Stage::Over) {
            Stage::Over => Vec::new(),
            Stage::Together => {
                let jobs = std::mem::take(&mut self.now).into_iter().enumerate();
                jobs.map(|(index, job)| PutOff { index, job, verdicts: Vec::new() }).collect()
            }
            Stage::Singly(Single { index, parts, verdicts, others, .. }) => {
                let job = self.now.pop();
                self.begin(index + 1, others);
                let whole = |mut job: PushJob| {
                    job.groups.extend(parts.into_iter().flatten());
                    PutOff { index, job, verdicts }
                };
                job.map(whole).into_iter().collect()
            }
        }
    }

    /// Begins with the next push by itself.
    fn begin(&mut self, index: usize, mut others: VecDeque<PushJob>) {
        self.now = others.pop_front().into_iter().collect();
        if self.now.is_empty() {
            return;
        }
        let (parts, verdicts, faults) = (VecDeque::new(), Vec::new(), Vec::new());
        self.stage = Stage::Singly(Single { index, parts, verdicts, faults, others });
    }

    fn single_ended(&mut self, mut single: Single, ended: Ended) -> Option<Answered> {
        let job = self.now.first_mut()?;
        match ended {
            Ended::RolledBack => {
                return Some(self.answer(single, Err(Unavailable)));
            }
            Ended::Committed(verdicts) => {
                let verdicts: Vec<Verdict> = verdicts.into_iter().flatten().collect();
                job.refused_before.extend(verdicts.iter().filter(|v| refused(v)).map(|v| v.hash));
                single.verdicts.extend(verdicts);
            }
            Ended::Unstorable(refusal) => {
                let Some(culprits) = single.narrow(job) else {
                    return Some(self.answer(single, Err(Unavailable)));
                };
                single.verdicts.extend(culprits.iter().map(|hash| refusal_of(*hash, &refusal)));
            }
            Ended::TooMuch => {
                let Some(culprits) = single.narrow(job) else {
                    return Some(self.answer(single, Err(Unavailable)));
                };
                single.verdicts.extend(culprits.iter().map(|hash| refusal_of(*hash, &too_much())));
            }
            Ended::Panicked => {
                let Some(culprits) = single.narrow(job) else {
                    return Some(self.answer(single, Err(Unavailable)));
                };
                single.verdicts.extend(culprits.iter().map(|hash| refusal_of(*hash, &fault())));
                single.faults.extend(culprits);
            }
        }
        match single.parts.pop_front() {
            Some(groups) => {
                job.groups = groups;
                self.stage = Stage::Singly(single);
                None
            }
            None => {
                let verdicts = std::mem::take(&mut single.verdicts);
                Some(self.answer(single, Ok(verdicts)))
            }
        }
    }

    fn answer(&mut self, single: Single, verdicts: Result<Vec<Verdict>, Unavailable>) -> Answered {
        let Single { index, faults, others, .. } = single;
        self.begin(index + 1, others);
        Answered { index, verdicts, faults }
    }
}

impl Single {
    /// Halves the groups that failed together. One that stands alone is to blame, and its changes are
    /// returned: none while there is more to try. Without any group there is nobody to blame.
    fn narrow(&mut self, job: &mut PushJob) -> Option<Vec<ChangeHash>> {
        let mut groups = std::mem::take(&mut job.groups);
        if groups.len() > 1 {
            let second = groups.split_off(groups.len() / 2);
            self.parts.push_front(second);
            self.parts.push_front(groups);
            return Some(Vec::new());
        }
        let culprits: Vec<ChangeHash> =
            groups.iter().flat_map(|group| &group.changes).map(|change| change.hash).collect();
        job.refused_before.extend(&culprits);
        (!culprits.is_empty()).then_some(culprits)
    }
}

fn refused(verdict: &Verdict) -> bool {
    matches!(verdict.outcome, VerdictOutcome::Refused(_))
}

fn fault() -> Refusal {
    let sentence =
        "This edit broke the server's document engine and was not applied; please report it.";
    Refusal::new(RefusalCode::EngineFault, sentence)
}

fn too_much() -> Refusal {
    let sentence =
        "These edits go through more than the server does at once; make them one by one.";
    Refusal::new(RefusalCode::TooManyOps, sentence)
}

fn refusal_of(hash: ChangeHash, refusal: &Refusal) -> Verdict {
    Verdict { hash, outcome: VerdictOutcome::Refused(refusal.clone()), receipt: None }
}
