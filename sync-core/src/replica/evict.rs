//! Erasing what the user no longer sees.

use super::error::ReplicaError;
use super::history::keep_words;
use super::incomplete::Incomplete;
use super::moments::ReplicaMoment;
use super::offer;
use super::store::Work;
use crate::ids::{RecordId, ScopeId};
use crate::protocol::{AccessNotice, FeedBatch};

/// Why the user sees scopes of which nothing is here yet.
pub(super) fn granted(work: &Work<'_>, grants: &[AccessNotice]) -> rusqlite::Result<Vec<String>> {
    let mut reasons = Vec::new();
    for notice in grants {
        if work.stored().records_of(notice.scope)?.is_empty() {
            reasons.push(notice.reason.clone());
        }
    }
    Ok(reasons)
}

/// Erases what the user no longer sees; returns the reasons.
pub(super) fn evict(work: &mut Work<'_>, batch: &FeedBatch) -> Result<Vec<String>, ReplicaError> {
    let mut gone: Vec<AccessNotice> = batch.evict.clone();
    if let Some(keep) = &batch.keep_only {
        let reason = "Your access was changed.";
        for scope in work.stored().scopes()?.into_iter().filter(|scope| !keep.contains(scope)) {
            // The server cannot list an account that it has not heard of yet.
            if !work.stored().is_unsent(RecordId(scope.0))? {
                gone.push(AccessNotice { scope, reason: reason.to_owned() });
            }
        }
    }
    let mut reasons = Vec::new();
    for notice in gone {
        if erase_scope(work, notice.scope)? > 0 {
            reasons.push(notice.reason);
        }
    }
    for record in &batch.evict_records {
        if !work.stored().may_be_lost(*record)? && erase(work, *record)? {
            reasons.push("A record moved to where you do not see it.".to_owned());
        }
    }
    Ok(reasons)
}

/// Erases records that were asked for and did not come, since their user does not see them. Those with
/// unsent edits may be unknown to the server: they stay, and stay wanted, until these are judged.
/// Returns the reasons.
pub(super) fn erase_unseen(
    work: &mut Work<'_>,
    records: impl Iterator<Item = RecordId>,
) -> Result<Vec<String>, ReplicaError> {
    let mut reasons = Vec::new();
    for record in records {
        if work.stored().may_be_lost(record)? {
            // Whether its user does not see it, or the server lost it, shows once it is offered.
            offer::all_of(work, record)?;
        }
        if !work.stored().waiting_from(record, i64::MIN)?.is_empty() {
            continue;
        }
        work.want_no_more(&[record])?;
        if erase(work, record)? {
            reasons.push("You do not see a record any more that you edited.".to_owned());
        }
    }
    Ok(reasons)
}

/// Erases every record and all server data; unsent and refused edits stay.
pub(super) fn erase_everything(work: &mut Work<'_>) -> Result<(), ReplicaError> {
    for scope in work.stored().scopes()? {
        for record in work.stored().records_of(scope)? {
            erase(work, record)?;
        }
    }
    work.erase_server_rows()?;
    work.drop_offers()?;
    work.drop_meta("cursor")?;
    work.drop_meta("epoch")?;
    Incomplete::begins(work)?;
    work.want_scrub();
    Ok(())
}

/// Erases what hangs from a scope, but for what the server may have lost: that is asked for by name, and
/// goes once it was offered back. Returns how many records went.
fn erase_scope(work: &mut Work<'_>, scope: ScopeId) -> Result<usize, ReplicaError> {
    let mut count = 0;
    for record in work.stored().records_of(scope)? {
        if !work.stored().may_be_lost(record)? && erase(work, record)? {
            count += 1;
        }
    }
    Ok(count)
}

/// Erases a record that its user may not see; what its unsent and refused changes
/// did is kept in words. Says whether there was one.
pub(super) fn erase(work: &mut Work<'_>, record: RecordId) -> Result<bool, ReplicaError> {
    work.tell(ReplicaMoment::Erasing);
    keep_words(work, record)?;
    Ok(work.erase_record(record)?)
}
