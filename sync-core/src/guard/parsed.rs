//! A change that was read from its bytes, and nothing else.

use std::panic::catch_unwind;

use automerge::Change;
use automerge::legacy::Op;
use sha2::{Digest, Sha256};

use super::preflight;
use super::refusals::malformed;
use crate::error::Refusal;
use crate::ids::{Actor, ChangeHash, UserId};
use crate::time::UnixMs;

/// An author behind a change: what it is, how long, and a user's id.
const AUTHOR_BYTES: usize = 1 + 1 + 16;

/// A change that parsed and stands on its own; nothing is known yet of the document it is for. It may
/// wait for long, beside many, so that it is kept as it came: expanded it takes a hundred times as much.
#[derive(Clone, Debug)]
pub struct ParsedChange {
    pub(super) change: Change,
    hash: ChangeHash,
    pub(super) actor: Actor,
    pub(super) author: Option<UserId>,
}

impl ParsedChange {
    /// Its name.
    pub fn hash(&self) -> ChangeHash {
        self.hash
    }

    /// Its writer.
    pub fn actor(&self) -> Actor {
        self.actor
    }

    /// The plain chunk.
    pub fn bytes(&self) -> &[u8] {
        self.change.raw_bytes()
    }

    /// When it was made, as the device says.
    pub fn claimed_at(&self) -> UnixMs {
        UnixMs::from_seconds(self.change.timestamp())
    }

    /// The author it names. An actor's first change of a document names one, later ones do not.
    pub fn author(&self) -> Option<UserId> {
        self.author
    }

    /// What it does, in order. Made anew each time: to be looked at and let go.
    pub(super) fn operations(&self) -> Vec<Op> {
        self.change.decode().operations
    }

    /// The changes it builds on.
    pub fn deps(&self) -> impl Iterator<Item = ChangeHash> + '_ {
        self.change.deps().iter().map(|dep| ChangeHash(dep.0))
    }
}

/// The name by which a verdict speaks of pushed bytes, whether or not they are a change: SHA-256
/// over all but the first eight, which for a plain chunk is the change's own name.
pub fn name_of_bytes(bytes: &[u8]) -> ChangeHash {
    ChangeHash(Sha256::digest(bytes.get(8..).unwrap_or(bytes)).into())
}

/// Reads a pushed change: a plain change chunk within the limits, in the one canonical encoding.
///
/// # Errors
/// When it is anything else.
pub fn parse(bytes: &[u8]) -> Result<ParsedChange, Refusal> {
    preflight::check(bytes)?;
    let parsed = catch_unwind(|| {
        let change = Change::from_bytes(bytes.to_vec()).map_err(|_| malformed("unreadable"))?;
        if Change::from(change.decode()).raw_bytes() != bytes {
            // Two encodings of one change would be two names for it.
            return Err(malformed("not in its canonical form"));
        }
        Ok(change)
    });
    let change = parsed.unwrap_or_else(|_| Err(malformed("unreadable")))?;
    let actor = Actor::from_slice(change.actor_id().to_bytes());
    let actor = actor.ok_or_else(|| malformed("actor of a wrong length"))?;
    let author = match change.author() {
        None if change.extra_bytes().is_empty() => None,
        None => return Err(malformed("unknown trailing bytes")),
        // The library reads the author and overlooks what stands behind it.
        Some(author) if change.extra_bytes().len() == AUTHOR_BYTES => Some(
            UserId::from_slice(author.as_bytes()).ok_or_else(|| malformed("author unreadable"))?,
        ),
        Some(_) => return Err(malformed("author unreadable")),
    };
    Ok(ParsedChange { hash: change.hash().into(), change, actor, author })
}
