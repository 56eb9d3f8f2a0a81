//! Applying a verified change to a copy, and proving that what comes of it is sound.

use std::panic::{AssertUnwindSafe, catch_unwind};

use automerge::Automerge;

use super::refusals::{malformed, too_large};
use super::verified::VerifiedChange;
use crate::document::{self, Hydrated, PenRole};
use crate::error::{Refusal, RefusalCode};
use crate::limits;
use crate::schema::Kind;

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
    let mut copy = doc.clone();
    let edits_text = verified.edits_text;
    apply_to(&mut copy, verified)?;
    let hydrated = read(&copy, kind)?;
    Ok(Applied { doc: copy, hydrated, edits_text })
}

/// Applies a verified change to a document that is a copy already.
///
/// # Errors
/// When the library fails or the change does not become part of the record; the copy is of no use then.
pub fn apply_to(copy: &mut Automerge, verified: VerifiedChange) -> Result<(), Refusal> {
    caught(|| {
        let name = verified.change.hash();
        copy.apply_changes([verified.change]).map_err(|error| malformed(&error.to_string()))?;
        if !copy.get_heads().contains(&name) {
            return Err(malformed("it did not become part of the record"));
        }
        Ok(())
    })
}

/// Reads a document to which changes were applied.
///
/// # Errors
/// When the library fails.
pub fn read(doc: &Automerge, kind: &Kind) -> Result<Hydrated, Refusal> {
    caught(|| Ok(document::hydrate(doc, kind)))
}

/// Saves a document to which changes were applied, if the result is acceptable. One whose text was
/// edited goes through its saved form once: what breaks there would break every reader. That costs
/// as much as the text is long, hence once for all changes of a batch. The server's own pen has a
/// reserve, so that nobody keeps it out by filling a record.
///
/// # Errors
/// When the document has grown too large or would not open again.
pub fn prove(doc: &Automerge, edits_text: bool, pen: PenRole) -> Result<Vec<u8>, Refusal> {
    caught(|| {
        let saved = document::lean::save(doc);
        let most = match pen {
            PenRole::Device => limits::DOCUMENT_BYTES,
            PenRole::Server => limits::DOCUMENT_BYTES + limits::DOCUMENT_RESERVE,
        };
        if saved.len() > most {
            return Err(too_large());
        }
        if edits_text {
            document::load(&saved, &[]).map_err(|_| malformed("it would break the record"))?;
        }
        Ok(saved)
    })
}

/// A panic of the library is a refusal: what it worked on was a copy. It deserves an alert, since a
/// rule of `verify` is missing.
fn caught<T>(work: impl FnOnce() -> Result<T, Refusal>) -> Result<T, Refusal> {
    catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|_| {
        Err(Refusal::new(
            RefusalCode::EngineFault,
            "This edit broke the document engine and was not applied; please report it.",
        ))
    })
}
