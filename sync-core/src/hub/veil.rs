//! Refusals that would tell of a record to somebody who may do nothing with it any more.
//!
//! Whoever had a record can name its changes, so that what they push is judged against it; and that an
//! edit does not fit tells how the record is. So access comes first: before such a refusal is said, the
//! store is asked whether its user may see or write the record, and those who may not hear just that.
//! Honest work is hardly ever refused so, and pays nothing.

use std::collections::{HashMap, HashSet};

use super::push::{PushJob, PushedChange};
use super::settle::out_of_reach;
use super::workspace::group_refused;
use crate::error::{Refusal, RefusalCode};
use crate::ids::{ChangeHash, FeedPosition, RecordId};

/// Refused changes of a push.
type Refused = HashMap<ChangeHash, Refusal>;

/// Records of a push of which some refusal tells how they are.
pub(super) fn told_of(job: &PushJob, refused: &Refused) -> HashSet<RecordId> {
    let told = job.changes().filter(|change| tells(change, refused));
    told.map(|change| change.record).collect()
}

/// What the device had seen when it made all of the push, as it says; the most, which excuses least.
pub(super) fn seen(job: &PushJob) -> Option<FeedPosition> {
    let seen: Option<Vec<FeedPosition>> = job.groups.iter().map(|group| group.seen).collect();
    seen?.into_iter().max()
}

/// Says of records out of reach nothing but that, and of what was made together with such an edit no
/// more either.
pub(super) fn veil(job: &PushJob, refused: &mut Refused, out: &HashSet<RecordId>) {
    for group in &job.groups {
        let veiled = |change: &PushedChange| out.contains(&change.record) && tells(change, refused);
        let veiled = group.changes.iter().any(veiled);
        if !veiled {
            continue;
        }
        for change in &group.changes {
            if let Some(refusal) = refused.get_mut(&change.hash) {
                let own = out.contains(&change.record);
                *refusal = if own { out_of_reach() } else { group_refused(&out_of_reach()) };
            }
        }
    }
}

/// Whether a change is refused for how the record is. What is no change at all is refused for itself.
fn tells(change: &PushedChange, refused: &Refused) -> bool {
    let refusal = refused.get(&change.hash).filter(|_| change.parsed.is_ok());
    matches!(
        refusal.and_then(|refusal| RefusalCode::parse(&refusal.code)),
        Some(
            RefusalCode::TooLarge
                | RefusalCode::MissingDependency
                | RefusalCode::SequenceGap
                | RefusalCode::OpCounter
                | RefusalCode::BadReference
                | RefusalCode::Immutable
                | RefusalCode::WrongKind
                | RefusalCode::WrongRecord
                | RefusalCode::DocumentQuarantined
                | RefusalCode::Rule
                | RefusalCode::Constraint
        )
    )
}
