//! Refusals that would tell of a record to somebody who does not see it any more.
//!
//! Whoever had a record can name its changes, so that what they push is judged against it; and that an
//! edit does not fit tells how the record is. So seeing comes first: before a refusal is said of a group
//! that was judged beside a record, the store is asked whether its user sees the record. Whoever does not
//! hears one sentence, whatever did not fit and whichever rule said so: also whoever may still write to it
//! by grace, which is for handing work in. The whole group hears it, since an edit of another record in
//! the group could be made so as to fail only where the first one fits.
//! Honest work is hardly ever refused so, and pays nothing.

use std::collections::HashSet;

use super::fallen::Fallen;
use super::push::{PushJob, PushedChange, PushedGroup};
use super::settle::out_of_reach;
use super::workspace::group_refused;
use crate::error::{Refusal, RefusalCode};
use crate::ids::RecordId;

/// Records of a push of which some refusal may tell how they are.
pub(super) fn told_of(job: &PushJob, fallen: &Fallen) -> HashSet<RecordId> {
    let told = job.groups.iter().filter(|group| tells(group, fallen));
    told.flat_map(|group| group.changes.iter().map(|change| change.record)).collect()
}

/// Says of records out of sight nothing but that, and of what was made together with such an edit no
/// more either.
pub(super) fn veil(job: &PushJob, fallen: &mut Fallen, out: &HashSet<RecordId>) {
    for group in &job.groups {
        let hidden = group.changes.iter().any(|change| out.contains(&change.record));
        if !hidden || !tells(group, fallen) {
            continue;
        }
        for change in &group.changes {
            if let Some(refusal) = fallen.refused.get_mut(&change.hash) {
                let own = out.contains(&change.record);
                *refusal = if own { out_of_reach() } else { group_refused(&out_of_reach()) };
            }
        }
    }
}

/// What is said of a question about a record that its user had, and does not see.
pub(super) fn unanswered() -> Refusal {
    let sentence = "This edit, or one that waits to be sent, is of a record that you do not see any more; sync, then ask again.";
    Refusal::new(RefusalCode::Internal, sentence)
}

/// Whether a group is refused for what stands in some record. One that was accepted before can be made
/// to ask nothing.
fn tells(group: &PushedGroup, fallen: &Fallen) -> bool {
    let proven = fallen.proven.has(group);
    !proven && group.changes.iter().any(|change| change_tells(change, fallen))
}

/// Whether a change is refused for what stands in some record. What falls before it is judged beside one
/// is refused for itself, but for a change that is stored of another record.
fn change_tells(change: &PushedChange, fallen: &Fallen) -> bool {
    let refusal = fallen.refused.get(&change.hash).filter(|_| change.parsed.is_ok());
    let Some(code) = refusal.map(|refusal| RefusalCode::parse(&refusal.code)) else {
        return false;
    };
    match code {
        // Its author knows that already; what a group fell for stands in another change of it.
        Some(RefusalCode::DependsOnRefused | RefusalCode::GroupRefused | RefusalCode::Internal) => {
            false
        }
        Some(RefusalCode::WrongRecord) => true,
        _ => !fallen.at_the_door.contains(&change.hash),
    }
}
