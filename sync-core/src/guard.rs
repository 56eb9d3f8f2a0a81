//! What a foreign change must be before it is applied.

use std::panic::{AssertUnwindSafe, catch_unwind};

use automerge::{Automerge, Change, ExpandedChange};

use crate::document::PenRole;
use crate::error::{Refusal, RefusalCode};
use crate::ids::{Actor, ChangeHash, RecordId, UserId};
use crate::schema::Kind;
use crate::time::UnixMs;

/// A change that parsed and stands on its own.
#[derive(Clone, Debug)]
pub struct ParsedChange {
    /// The change.
    pub change: Change,
    /// Its operations.
    pub expanded: ExpandedChange,
    /// Its name.
    pub hash: ChangeHash,
    /// Its writer.
    pub actor: Actor,
    /// The author inside it.
    pub author: UserId,
}

/// What judging needs to know.
#[derive(Debug)]
pub struct Context<'a> {
    /// The record it was pushed for.
    pub record: RecordId,
    /// Its kind.
    pub kind: &'static Kind,
    /// The document.
    pub doc: &'a Automerge,
    /// The authenticated user.
    pub author: UserId,
    /// The server's clock.
    pub now: UnixMs,
    /// Whose pen it is.
    pub pen: PenRole,
}

/// A change that may be applied.
#[derive(Debug)]
pub struct VerifiedChange {
    change: Change,
    actor: Actor,
}

impl VerifiedChange {
    /// The change.
    pub fn change(&self) -> &Change {
        &self.change
    }
    /// Its writer.
    pub fn actor(&self) -> Actor {
        self.actor
    }
    /// Its number.
    pub fn seq(&self) -> u64 {
        self.change.seq()
    }
}

/// Why applying failed.
#[derive(Debug)]
pub enum ApplyFault {
    /// The library panicked.
    Panicked(String),
    /// The result is not acceptable.
    Refused(Refusal),
}

/// Parses a pushed change.
///
/// # Errors
/// When it is no change.
pub fn parse(bytes: &[u8]) -> Result<ParsedChange, Refusal> {
    let malformed = || Refusal::new(RefusalCode::Malformed, "The change is damaged.");
    let change = Change::from_bytes(bytes.to_vec()).map_err(|_| malformed())?;
    let expanded = change.decode();
    let actor = Actor::from_slice(change.actor_id().to_bytes()).ok_or_else(malformed)?;
    let author = change.author().and_then(|a| UserId::from_slice(a.as_bytes()));
    let author = author.ok_or_else(malformed)?;
    Ok(ParsedChange { hash: change.hash().into(), change, expanded, actor, author })
}

/// The name by which a verdict speaks of bytes that are no change: their SHA-256.
pub fn name_of_bytes(bytes: &[u8]) -> ChangeHash {
    use sha2::Digest;
    ChangeHash(sha2::Sha256::digest(bytes).into())
}

/// Judges a change.
///
/// # Errors
/// When it breaks a rule.
pub fn verify(parsed: ParsedChange, context: &Context<'_>) -> Result<VerifiedChange, Refusal> {
    if parsed.author != context.author {
        return Err(Refusal::new(RefusalCode::ForeignAuthor, "The change was written by another."));
    }
    Ok(VerifiedChange { change: parsed.change, actor: parsed.actor })
}

/// Applies changes to a copy.
///
/// # Errors
/// When the library fails.
pub fn apply(doc: &Automerge, changes: Vec<VerifiedChange>) -> Result<Automerge, ApplyFault> {
    let mut copy = doc.clone();
    let result = catch_unwind(AssertUnwindSafe(move || {
        let changes: Vec<Change> = changes.into_iter().map(|verified| verified.change).collect();
        copy.apply_changes(changes).map(|()| copy)
    }));
    match result {
        Ok(Ok(doc)) => Ok(doc),
        Ok(Err(error)) => Err(ApplyFault::Panicked(error.to_string())),
        Err(_) => Err(ApplyFault::Panicked("panicked".into())),
    }
}
