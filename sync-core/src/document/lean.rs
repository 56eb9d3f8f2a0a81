//! A saved document without what its reader can work out: how documents travel and lie on devices.
//!
//! A document chunk of Automerge is: magic (4), checksum (4), type (1), length, then actors, heads,
//! column metadata, column data, and the place of each head. Magic, type and length are always the
//! same; checksum and heads are digests, which nothing compresses: 36 of some 200 bytes a record.
//! The lean form is one byte of version and the rest of the chunk, the heads' hashes cut out. The
//! heads' number stays. Columns are never deflated inside, since the frame around them is compressed
//! as a whole, and many records together compress far better than one.
//!
//! What is lost is the checksum. A zstd frame has one of its own (zlib's is weaker), and [`strip`]
//! checks the chunk's before it drops it, so that damage is not passed on as sound.
//!
//! Knows nothing of kinds and fields.
//!
//! **Invariant**: [`restore`] gives the very bytes that [`strip`] was given. What one would refuse the
//! other refuses too: such a document goes whole.

use std::ops::Deref;
use std::panic::{AssertUnwindSafe, catch_unwind};

use automerge::{Automerge, SaveOptions};
use sha2::{Digest, Sha256};

use super::load_error::LoadError;
use crate::limits;

const MAGIC: [u8; 4] = [0x85, 0x6f, 0x4a, 0x83];
/// Type of a document chunk.
const DOCUMENT: u8 = 0;
/// First byte of the lean form; a chunk's first byte is another.
const VERSION: u8 = 1;
const HASH: usize = 32;
/// Columns of changes or operations; Automerge writes about twenty.
const COLUMNS: u64 = 64;

/// Saves a document so that it can be made lean: its columns are not deflated. Four times as fast as
/// a plain `save`; longer by itself and shorter under a frame's compression.
pub fn save(doc: &Automerge) -> Vec<u8> {
    doc.save_with_options(SaveOptions { deflate: false, ..SaveOptions::default() })
}

/// Whether bytes are a document in the lean form, rather than a whole chunk.
pub fn is_lean(bytes: &[u8]) -> bool {
    bytes.first() == Some(&VERSION)
}

/// The lean form of a document chunk; none when it has to go whole: it is deflated inside, damaged,
/// followed by anything, or has more heads or operations than [`restore`] takes.
pub fn strip(chunk: &[u8]) -> Option<Vec<u8>> {
    let rest = chunk.strip_prefix(&MAGIC)?;
    let (checksum, hashed) = rest.split_at_checked(4)?;
    let mut body = Reader(hashed);
    if body.byte()? != DOCUMENT || body.number()? != body.0.len() as u64 {
        return None;
    }
    let head = Head::read(body)?;
    let hashes = usize::try_from(head.heads).ok()? * HASH;
    let columns = body.0.get(head.length + hashes..)?;
    check_columns(columns, head.heads)?;
    if Sha256::digest(hashed)[..4] != *checksum {
        return None;
    }
    let mut lean = Vec::with_capacity(1 + body.0.len() - hashes);
    lean.push(VERSION);
    lean.extend_from_slice(&body.0[..head.length]);
    lean.extend_from_slice(columns);
    Some(lean)
}

/// A document that knows its content and its changes, and not its heads: nothing can be built on it.
#[derive(Debug)]
pub struct ReadOnly(Automerge);

impl Deref for ReadOnly {
    type Target = Automerge;
    fn deref(&self) -> &Automerge {
        &self.0
    }
}

/// Opens a lean document to be read: half the work of restoring it.
///
/// # Errors
/// When the bytes are damaged.
pub fn read(lean: &[u8]) -> Result<ReadOnly, LoadError> {
    open(&Parts::of(lean)?).map(ReadOnly)
}

/// The whole chunk of a lean document, its heads worked out from its changes.
///
/// # Errors
/// When the bytes are damaged.
pub fn restore(lean: &[u8]) -> Result<Vec<u8>, LoadError> {
    let parts = Parts::of(lean)?;
    let doc = open(&parts)?;
    let heads = caught(|| Ok(heads_of(&doc)))?;
    if heads.len() != parts.heads {
        return Err(damaged("it has other heads than it says"));
    }
    Ok(parts.chunk(&heads))
}

/// The changes that no other builds on, sorted as Automerge writes them.
fn heads_of(doc: &Automerge) -> Vec<[u8; HASH]> {
    let changes = doc.get_changes_meta(&[]);
    let mut inner: Vec<[u8; HASH]> =
        changes.iter().flat_map(|change| change.deps.iter().map(|hash| hash.0)).collect();
    inner.sort_unstable();
    let mut heads: Vec<[u8; HASH]> = changes.iter().map(|change| change.hash.0).collect();
    heads.retain(|hash| inner.binary_search(hash).is_err());
    heads.sort_unstable();
    heads
}

/// With zeroes for heads, which Automerge takes on trust.
fn open(parts: &Parts<'_>) -> Result<Automerge, LoadError> {
    let chunk = parts.chunk(&vec![[0; HASH]; parts.heads]);
    caught(|| Automerge::load_unverified_heads(&chunk).map_err(|error| damaged(error.to_string())))
}

/// The library panics on some bytes that are no document. In a browser a panic ends the worker all
/// the same; there only what this file checks itself stands between bad bytes and that.
fn caught<T>(work: impl FnOnce() -> Result<T, LoadError>) -> Result<T, LoadError> {
    catch_unwind(AssertUnwindSafe(work))
        .unwrap_or_else(|_| Err(damaged("it breaks the document engine")))
}

fn damaged(why: impl Into<String>) -> LoadError {
    LoadError::Damaged(why.into())
}

/// A lean document, taken apart where the heads were.
struct Parts<'a> {
    before: &'a [u8],
    heads: usize,
    columns: &'a [u8],
}

impl<'a> Parts<'a> {
    fn of(lean: &'a [u8]) -> Result<Self, LoadError> {
        Self::parse(lean).ok_or_else(|| damaged("it is no lean document"))
    }

    fn parse(lean: &'a [u8]) -> Option<Self> {
        let (&VERSION, body) = lean.split_first()? else { return None };
        let head = Head::read(Reader(body))?;
        let (before, columns) = body.split_at_checked(head.length)?;
        check_columns(columns, head.heads)?;
        Some(Self { before, heads: usize::try_from(head.heads).ok()?, columns })
    }

    fn chunk(&self, heads: &[[u8; HASH]]) -> Vec<u8> {
        let length = self.before.len() + heads.len() * HASH + self.columns.len();
        let mut hashed = Vec::with_capacity(length + 11);
        hashed.push(DOCUMENT);
        put_number(&mut hashed, length as u64);
        hashed.extend_from_slice(self.before);
        heads.iter().for_each(|hash| hashed.extend_from_slice(hash));
        hashed.extend_from_slice(self.columns);
        let mut chunk = Vec::with_capacity(8 + hashed.len());
        chunk.extend_from_slice(&MAGIC);
        chunk.extend_from_slice(&Sha256::digest(&hashed)[..4]);
        chunk.extend_from_slice(&hashed);
        chunk
    }
}

/// What stands before the heads' hashes: the actors and the heads' number.
struct Head {
    length: usize,
    heads: u64,
}

impl Head {
    fn read(body: Reader<'_>) -> Option<Self> {
        let mut rest = body;
        for _ in 0..rest.number()? {
            let length = rest.number()?;
            rest.take(length)?;
        }
        let heads = rest.number()?;
        let few = heads <= limits::HEADS_PER_DOCUMENT as u64;
        few.then_some(Self { length: body.0.len() - rest.0.len(), heads })
    }
}

/// Walks the columns: they end where they say, none is deflated, and they stand for no more rows than
/// their length can justify. A run of three bytes may claim a billion rows, and Automerge would make
/// room for them.
fn check_columns(columns: &[u8], heads: u64) -> Option<()> {
    let most =
        limits::ROWS_PER_DOCUMENT_BYTE * columns.len() as u64 + limits::OPS_PER_CHANGE as u64;
    let mut data = Reader(columns);
    let changes = column_lengths(&mut data)?;
    let operations = column_lengths(&mut data)?;
    for (ty, length) in changes.into_iter().chain(operations) {
        check_column(ty, Reader(data.take(length)?), most)?;
    }
    // Older writers leave the places of the heads out.
    if !data.0.is_empty() {
        for _ in 0..heads {
            data.number()?;
        }
    }
    data.0.is_empty().then_some(())
}

fn column_lengths(data: &mut Reader<'_>) -> Option<Vec<(u64, u64)>> {
    const TYPE: u64 = 0b0111;
    const DEFLATED: u64 = 0b1000;
    let count = data.number()?;
    if count > COLUMNS {
        return None;
    }
    let mut columns = Vec::new();
    for _ in 0..count {
        let specification = data.number()?;
        if specification & DEFLATED != 0 {
            return None;
        }
        columns.push((specification & TYPE, data.number()?));
    }
    Some(columns)
}

/// Adds up the rows of a column's runs; of a group column, the values too, which count others' rows.
fn check_column(ty: u64, mut data: Reader<'_>, most: u64) -> Option<()> {
    const GROUP: u64 = 0;
    const DELTA: u64 = 3;
    const BOOLEAN: u64 = 4;
    const STRING: u64 = 5;
    const RAW: u64 = 7;
    let (mut rows, mut sum) = (0_u64, 0_u64);
    while ty != RAW && !data.0.is_empty() {
        let (count, values) = if ty == BOOLEAN {
            (data.number()?, 0)
        } else {
            match data.signed()? {
                0 => (data.number()?, 0),
                run if run > 0 => (run.unsigned_abs(), 1),
                literal => (literal.unsigned_abs(), literal.unsigned_abs()),
            }
        };
        rows = rows.saturating_add(count);
        for _ in 0..values {
            match ty {
                DELTA => {
                    data.signed()?;
                }
                STRING => {
                    let length = data.number()?;
                    data.take(length)?;
                }
                GROUP => {
                    let times = if values == 1 { count } else { 1 };
                    sum = sum.saturating_add(data.number()?.saturating_mul(times));
                }
                _ => {
                    data.number()?;
                }
            }
        }
        if rows > most || sum > most {
            return None;
        }
    }
    Some(())
}

/// A reader that never looks beyond its bytes.
#[derive(Clone, Copy)]
struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn take(&mut self, count: u64) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(usize::try_from(count).ok()?)?;
        self.0 = rest;
        Some(taken)
    }

    fn byte(&mut self) -> Option<u8> {
        self.take(1).map(|byte| byte[0])
    }

    /// Unsigned LEB128 of at most 63 bits.
    fn number(&mut self) -> Option<u64> {
        let mut value = 0;
        for shift in (0..63).step_by(7) {
            let byte = self.byte()?;
            value |= u64::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return Some(value);
            }
        }
        None
    }

    /// Signed LEB128 of at most 64 bits.
    fn signed(&mut self) -> Option<i64> {
        let mut value = 0_i64;
        for shift in (0..70).step_by(7) {
            let byte = self.byte()?;
            value |= i64::from(byte & 0x7f).wrapping_shl(shift);
            if byte & 0x80 == 0 {
                if shift + 7 < 64 && byte & 0x40 != 0 {
                    value |= -1_i64 << (shift + 7);
                }
                return Some(value);
            }
        }
        None
    }
}

fn put_number(out: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        out.push((number & 0x7f) as u8 | 0x80);
        number >>= 7;
    }
    out.push(number as u8);
}
