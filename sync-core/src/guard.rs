//! What a foreign change must be before it is applied.
//!
//! A change of a hundred bytes can stand for millions of operations, name actors that do not exist,
//! or carry a counter that bricks a document for ever. So every change from outside goes through
//! three steps, each the only maker of what the next one takes: [`parse`] (bytes alone), [`verify()`]
//! (against the document) and [`apply`] (to a copy, inside `catch_unwind`); and the result must
//! [`prove`] itself before anybody else gets it.
//!
//! Whether the actor belongs to the user is the caller's to answer: it is in the database.
//!
//! **Invariant**: Automerge's sync decoder, `load` and `load_incremental` never see foreign bytes.

mod place;
mod preflight;
mod text;
mod values;
mod verify;

use std::panic::{AssertUnwindSafe, catch_unwind};

use automerge::{Automerge, Change, ExpandedChange};
use sha2::{Digest, Sha256};

use crate::document::{self, Hydrated, PenRole};
use crate::error::{Refusal, RefusalCode};
use crate::ids::{Actor, ChangeHash, RecordId, UserId};
use crate::limits;
use crate::schema::Kind;
use crate::time::UnixMs;
pub use verify::verify;

/// An author behind a change: what it is, how long, and a user's id.
const AUTHOR_BYTES: usize = 1 + 1 + 16;

/// A change that parsed and stands on its own; nothing is known yet of the document it is for.
#[derive(Clone, Debug)]
pub struct ParsedChange {
    change: Change,
    expanded: ExpandedChange,
    hash: ChangeHash,
    actor: Actor,
    author: Option<UserId>,
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

    /// The changes it builds on.
    pub fn deps(&self) -> impl Iterator<Item = ChangeHash> + '_ {
        self.change.deps().iter().map(|dep| ChangeHash(dep.0))
    }
}

/// What judging needs to know.
#[derive(Debug)]
pub struct Context<'a> {
    /// The record it was pushed for.
    pub record: RecordId,
    /// Its kind.
    pub kind: Kind,
    /// The document; the kind's genesis when there is none yet.
    pub doc: &'a Automerge,
    /// The authenticated user.
    pub author: UserId,
    /// The server's clock.
    pub now: UnixMs,
    /// Whose pen it is.
    pub pen: PenRole,
}

/// A change that may be applied to the document it was judged against.
#[derive(Debug)]
pub struct VerifiedChange {
    change: Change,
    actor: Actor,
    /// Positions in long text are what only the saved form can show to be sound.
    edits_text: bool,
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

    /// Its number among its actor's changes of the document.
    pub fn seq(&self) -> u64 {
        self.change.seq()
    }
}

fn malformed(what: &str) -> Refusal {
    Refusal::new(
        RefusalCode::Malformed,
        format!("The edit arrived damaged ({what}); update the app and make it again."),
    )
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
        let expanded = change.decode();
        let again = Change::from(expanded.clone());
        if again.raw_bytes() != bytes {
            // Two encodings of one change would be two names for it.
            return Err(malformed("not in its canonical form"));
        }
        Ok((change, expanded))
    });
    let (change, expanded) = parsed.unwrap_or_else(|_| Err(malformed("unreadable")))?;
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
    Ok(ParsedChange { hash: change.hash().into(), change, expanded, actor, author })
}

/// A document with the change in it, and what it then says.
#[derive(Debug)]
pub struct Applied {
    /// The merged copy.
    pub doc: Automerge,
    /// What was read from it.
    pub hydrated: Hydrated,
    /// Whether the change edits long text: see [`prove`].
    pub edits_text: bool,
}

/// Applies a verified change to a copy of the document, which the caller puts in its place once the
/// copy passed [`prove`].
///
/// # Errors
/// When the library fails or the change does not become part of the record.
pub fn apply(doc: &Automerge, kind: &Kind, verified: VerifiedChange) -> Result<Applied, Refusal> {
    caught(|| {
        let mut copy = doc.clone();
        let name = verified.change.hash();
        let edits_text = verified.edits_text;
        copy.apply_changes([verified.change]).map_err(|error| malformed(&error.to_string()))?;
        if !copy.get_heads().contains(&name) {
            return Err(malformed("it did not become part of the record"));
        }
        let hydrated = document::hydrate(&copy, kind);
        Ok(Applied { doc: copy, hydrated, edits_text })
    })
}

/// Saves a document to which changes were applied, if the result is acceptable. One whose text was
/// edited goes through its saved form once: what breaks there would break every reader. That costs
/// as much as the text is long, hence once for all changes of a batch.
///
/// # Errors
/// When the document has grown too large or would not open again.
pub fn prove(doc: &Automerge, edits_text: bool) -> Result<Vec<u8>, Refusal> {
    caught(|| {
        let saved = doc.save();
        if saved.len() > limits::DOCUMENT_BYTES {
            return Err(too_large());
        }
        if edits_text {
            document::load(&saved, &[]).map_err(|_| malformed("it would break the record"))?;
        }
        Ok(saved)
    })
}

/// A panic of the library is a refusal: what it worked on was a copy. It deserves an alert, since a
/// rule of [`verify()`] is missing.
fn caught<T>(work: impl FnOnce() -> Result<T, Refusal>) -> Result<T, Refusal> {
    catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|_| {
        Err(Refusal::new(
            RefusalCode::EngineFault,
            "This edit broke the document engine and was not applied; please report it.",
        ))
    })
}

fn too_large() -> Refusal {
    Refusal::new(
        RefusalCode::TooLarge,
        "The record has grown too large; an operator must compact it before it can be edited.",
    )
}
