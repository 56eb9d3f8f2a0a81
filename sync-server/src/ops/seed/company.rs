//! Who works in the made-up company, and what an account is while it is made up.

use sync_core::ids::RecordId;
use sync_core::random::Random;
use sync_core::time::UnixMs;
use uuid::Uuid;

use super::days::Days;
use super::town::Place;
use super::writer::{Draft, Hand, Part};

/// A rep, with what their accounts buy and who brings it.
pub(super) struct Rep {
    pub(super) user: Uuid,
    pub(super) territory: Uuid,
    /// The first of the districts where their accounts lie.
    pub(super) district: u64,
    pub(super) principals: Vec<RecordId>,
    pub(super) distributors: Vec<RecordId>,
}

/// Who works in the company, and for how long visits go back.
pub(super) struct Company {
    pub(super) manager: Uuid,
    pub(super) reps: Vec<Rep>,
    pub(super) weeks: u64,
    /// How many accounts each rep has.
    pub(super) each: u64,
    pub(super) days: Days,
}

impl Company {
    pub(super) fn assigns(&self) -> Hand {
        Hand { user: self.manager, part: Part::Accounts }
    }

    pub(super) fn manages(&self) -> Hand {
        Hand { user: self.manager, part: Part::Managing }
    }
}

/// An account that is being made up.
pub(super) struct Account<'c> {
    pub(super) company: &'c Company,
    pub(super) rep: &'c Rep,
    /// Which of the rep's accounts it is.
    pub(super) number: u64,
    pub(super) place: Place,
    pub(super) began: UnixMs,
    pub(super) is_customer: bool,
    pub(super) priority: &'static str,
    pub(super) record: Draft,
    /// Who is asked first.
    pub(super) contact: Option<RecordId>,
}

impl Account<'_> {
    pub(super) fn works(&self) -> Hand {
        Hand { user: self.rep.user, part: Part::Work }
    }

    pub(super) fn id(&self) -> String {
        self.record.id.to_string()
    }

    /// A day after it became one, at most so long ago.
    pub(super) fn day_since(&self, random: &mut Random, most: i64) -> i64 {
        let began = self.company.days.of(self.began);
        let back = (-began).min(most).max(1);
        -i64::try_from(random.below(back.unsigned_abs())).unwrap_or_default()
    }
}
