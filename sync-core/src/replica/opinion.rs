//! What the answer to a question says of the edit that was asked about.
//!
//! **Invariant**: where the server did not say that every change of the edit would be accepted, the
//! replica does not say so.

use std::collections::{HashMap, HashSet};

use serde::{Deserialize, Serialize};

use crate::error::{Refusal, RefusalCode};
use crate::ids::{ChangeHash, RecordId};
use crate::protocol::{Answer, OpinionOutcome};

/// Whether an edit would be refused.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WouldBe {
    /// Made and sent now, it would be accepted. What others do meanwhile may change that.
    Accepted,
    /// It would be refused.
    Refused {
        /// Why.
        refusal: Refusal,
        /// Which edit is at fault.
        culprit: Culprit,
    },
    /// Nobody can say at the moment; the reason, for a person.
    Unknown(String),
}

/// Which edit the server would refuse for its own sake.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Culprit {
    /// The one that was asked about.
    Asked,
    /// One that waits to be sent, on which it builds. Once that is put right, ask again.
    Earlier,
}

/// What the answer to a question is read against.
#[derive(Clone, Debug)]
pub(super) struct Asking {
    /// Changes of the edit.
    pub(super) asked: Vec<ChangeHash>,
    /// Every group of the question in its order, with its changes and their records; the edit's last.
    pub(super) groups: Vec<Vec<(RecordId, ChangeHash)>>,
}

/// What a refusal says of the edit that was asked about.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Weight {
    /// It is refused for this.
    Real,
    /// It falls with another change.
    Derived,
    /// Nothing: the server failed, or the change's form is at fault, and the edit itself would be
    /// made again.
    Nothing,
}

fn weight(refusal: &Refusal) -> Weight {
    match RefusalCode::parse(&refusal.code) {
        Some(RefusalCode::Internal) => Weight::Nothing,
        Some(code) if code.is_of_form() => Weight::Nothing,
        Some(RefusalCode::GroupRefused | RefusalCode::DependsOnRefused) => Weight::Derived,
        _ => Weight::Real,
    }
}

impl Asking {
    pub(super) fn read(&self, answer: &Answer) -> WouldBe {
        let opinions: HashMap<ChangeHash, &OpinionOutcome> =
            answer.opinions.iter().map(|one| (one.hash, &one.would_be)).collect();
        let unjudged = "the server could not judge it";
        let mut refusals: Vec<&Refusal> = Vec::new();
        for hash in &self.asked {
            match opinions.get(hash) {
                Some(OpinionOutcome::Accepted) => {}
                Some(OpinionOutcome::Refused(refusal)) => refusals.push(refusal),
                None => return WouldBe::Unknown(unjudged.to_owned()),
            }
        }
        let Some(first) = refusals.first().copied() else { return WouldBe::Accepted };
        let unknown =
            |refusal: &Refusal| WouldBe::Unknown(format!("{unjudged}: {}", refusal.sentence));
        let of = |wanted| refusals.iter().copied().find(move |one| weight(one) == wanted);
        if let Some(refusal) = of(Weight::Nothing) {
            return unknown(refusal);
        }
        if let Some(refusal) = of(Weight::Real) {
            return WouldBe::Refused { refusal: refusal.clone(), culprit: Culprit::Asked };
        }
        let below = self.below();
        let earlier = |hash| match opinions.get(&hash) {
            Some(OpinionOutcome::Refused(refusal)) => Some(refusal),
            Some(OpinionOutcome::Accepted) | None => None,
        };
        // The oldest is the one for which the others fall.
        let cause =
            below.into_iter().filter_map(earlier).find(|one| weight(one) != Weight::Derived);
        match cause {
            Some(refusal) if weight(refusal) == Weight::Nothing => unknown(refusal),
            Some(refusal) => {
                WouldBe::Refused { refusal: refusal.clone(), culprit: Culprit::Earlier }
            }
            None => WouldBe::Refused { refusal: first.clone(), culprit: Culprit::Asked },
        }
    }

    /// Changes that wait and that the edit builds on, oldest first: those made before it on its
    /// records, the rest of their groups, what these build on, and so on.
    fn below(&self) -> Vec<ChangeHash> {
        let mut records: HashSet<RecordId> = HashSet::new();
        let mut below = Vec::new();
        for group in self.groups.iter().rev() {
            let own = group.iter().any(|(_, hash)| self.asked.contains(hash));
            if own || group.iter().any(|(record, _)| records.contains(record)) {
                records.extend(group.iter().map(|(record, _)| record));
                if !own {
                    below.push(group.iter().map(|(_, hash)| *hash));
                }
            }
        }
        below.into_iter().rev().flatten().collect()
    }
}
