//! Whether a document has room for what somebody wrote.
//!
//! A document has a greatest length, in which an operation counts as a few bytes, however few it takes when
//! saved: a thousand equal ones are a handful, and whoever opens the document goes through them all. One author who wrote all of it would lock everybody else out, so that
//! each may write half at most; and what completes a record, deletes it or gives it away has a reserve, so
//! that a full one can still be put away.

use std::collections::HashMap;

use automerge::{ActorId, Automerge, ReadDoc};

use super::effort::weight;
use crate::document::PenRole;
use crate::error::Refusal;
use crate::guard;
use crate::ids::UserId;
use crate::limits;

/// Making every change's bytes anew takes longer than going through a document once.
const REREADING: u64 = 5;

/// Who wrote to a document last, and what.
pub(super) struct Writing {
    pub(super) author: UserId,
    pub(super) pen: PenRole,
    /// Whether it was only completed, deleted or given away.
    pub(super) puts_away: bool,
}

/// Checks a document that takes so many bytes with what was written; tells how much work that was. Of one
/// that is short it is none: nobody can have written too much of it.
pub(super) fn check(doc: &Automerge, saved: usize, writing: &Writing) -> Result<u64, Refusal> {
    let by_operations = bytes_of(doc.stats().num_ops);
    let counted = if by_operations < saved as u64 { Counted::Bytes } else { Counted::Operations };
    let saved = saved.max(usize::try_from(by_operations).unwrap_or(usize::MAX));
    if writing.pen == PenRole::Server || saved <= limits::DOCUMENT_BYTES_PER_AUTHOR {
        return Ok(0);
    }
    let full = saved > limits::DOCUMENT_BYTES;
    if full
        && !(writing.puts_away && saved <= limits::DOCUMENT_BYTES + limits::PUTTING_AWAY_RESERVE)
    {
        return Err(guard::too_large());
    }
    if writing.puts_away && !full {
        return Ok(0);
    }
    if share(doc, saved, counted, writing.author) > limits::DOCUMENT_BYTES_PER_AUTHOR as u64 {
        return Err(guard::too_much_of_one());
    }
    Ok(match counted {
        Counted::Bytes => REREADING * weight(doc),
        Counted::Operations => weight(doc),
    })
}

/// By what a document is long.
#[derive(Clone, Copy)]
enum Counted {
    Bytes,
    Operations,
}

/// What operations count as.
fn bytes_of(operations: u64) -> u64 {
    operations * limits::BYTES_PER_OPERATION
}

/// What of a document's bytes is of this author: as much as of its operations, or of its changes' bytes.
fn share(doc: &Automerge, saved: usize, counted: Counted, author: UserId) -> u64 {
    let mut own: HashMap<ActorId, bool> = HashMap::new();
    let (mut of_author, mut of_all) = (0_u64, 0_u64);
    let mut add = |actor: &ActorId, length: u64| {
        let is_own = own.entry(actor.clone()).or_insert_with(|| {
            let of_actor = doc.get_author_for_actor(actor);
            of_actor.is_some_and(|one| UserId::from_slice(one.as_bytes()) == Some(author))
        });
        of_all += length;
        of_author += if *is_own { length } else { 0 };
    };
    match counted {
        Counted::Bytes => {
            for change in doc.get_changes(&[]) {
                add(change.actor_id(), change.raw_bytes().len() as u64);
            }
        }
        Counted::Operations => {
            for change in doc.get_changes_meta(&[]) {
                add(&change.actor, (change.max_op + 1).saturating_sub(change.start_op));
            }
        }
    }
    (saved as u64).saturating_mul(of_author) / of_all.max(1)
}
