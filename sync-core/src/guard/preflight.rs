//! A look at the raw bytes of a chunk that counts what they stand for without expanding it.

use sha2::{Digest, Sha256};

use super::refusals::malformed;
use crate::error::{Refusal, RefusalCode};
use crate::limits;

const MAGIC: [u8; 4] = [0x85, 0x6f, 0x4a, 0x83];
/// Type of a plain, uncompressed change chunk.
const CHANGE: u8 = 1;
/// Type of a compressed one, and where a chunk says its type.
const COMPRESSED: u8 = 2;
const TYPE_AT: usize = 8;

/// The low bits of a column's specification.
const TYPE_BITS: u64 = 0b0111;
const DEFLATED: u64 = 0b1000;

fn too_many() -> Refusal {
    Refusal::new(
        RefusalCode::TooManyOps,
        format!(
            "The edit has more than the {} operations allowed; make it in parts.",
            limits::OPS_PER_CHANGE
        ),
    )
}

/// The refusal of a change in a group of too many operations.
pub fn too_many_together() -> Refusal {
    Refusal::new(
        RefusalCode::TooManyOps,
        format!(
            "The edits that were made together have more than the {} operations allowed; make them one by one.",
            limits::OPS_PER_GROUP
        ),
    )
}

/// A reader that never looks beyond its bytes.
#[derive(Clone, Copy)]
struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn take(&mut self, count: u64) -> Result<&'a [u8], Refusal> {
        let count = usize::try_from(count).map_err(|_| malformed("a length is too great"))?;
        let (taken, rest) =
            self.0.split_at_checked(count).ok_or_else(|| malformed("it ends too early"))?;
        self.0 = rest;
        Ok(taken)
    }

    /// Unsigned LEB128 of at most 64 bits.
    fn unsigned(&mut self) -> Result<u64, Refusal> {
        let mut value = 0_u64;
        for shift in (0..64).step_by(7) {
            let byte = self.take(1)?[0];
            if shift == 63 && byte > 1 {
                break;
            }
            value |= u64::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return Ok(value);
            }
        }
        Err(malformed("a number is too long"))
    }

    /// Signed LEB128 of at most 64 bits.
    fn signed(&mut self) -> Result<i64, Refusal> {
        let mut value = 0_i64;
        for shift in (0..70).step_by(7) {
            let byte = self.take(1)?[0];
            if shift < 64 {
                value |= i64::from(byte & 0x7f).wrapping_shl(shift);
            }
            if byte & 0x80 == 0 {
                if shift + 7 < 64 && byte & 0x40 != 0 {
                    value |= -1_i64 << (shift + 7);
                }
                return Ok(value);
            }
        }
        Err(malformed("a number is too long"))
    }
}

/// How many operations the bytes of a change stand for, or values that they replace if those are more:
/// what judging it costs. Nothing else is checked; what is no change stands for none.
pub fn operations(bytes: &[u8]) -> usize {
    let mut chunk = Reader(bytes);
    let header = chunk.take(TYPE_AT as u64 + 1).and_then(|_| chunk.unsigned());
    header.and_then(|_| check_body(chunk)).map_or(0, |rows| rows as usize)
}

/// Checks a chunk's frame, header and columns.
pub(super) fn check(bytes: &[u8]) -> Result<(), Refusal> {
    if bytes.len() > limits::CHANGE_BYTES {
        return Err(Refusal::new(
            RefusalCode::TooLarge,
            format!(
                "The edit takes {} bytes and {} are allowed; make it in parts.",
                bytes.len(),
                limits::CHANGE_BYTES
            ),
        ));
    }
    let mut chunk = Reader(bytes);
    if chunk.take(4)? != MAGIC {
        return Err(malformed("not a change"));
    }
    // Its checksum is over the plain form, so that it would be called wrong.
    if bytes.get(TYPE_AT) == Some(&COMPRESSED) {
        return Err(malformed("it is compressed, and only plain changes are taken"));
    }
    let checksum = chunk.take(4)?;
    if Sha256::digest(chunk.0)[..4] != *checksum {
        return Err(malformed("its checksum is wrong"));
    }
    if chunk.take(1)? != [CHANGE] {
        return Err(malformed("not a plain change"));
    }
    let length = chunk.unsigned()?;
    if length != chunk.0.len() as u64 {
        return Err(malformed("its length is wrong"));
    }
    check_body(chunk).map(drop)
}

/// Checks what follows the length; tells how many rows its longest column stands for.
fn check_body(mut body: Reader<'_>) -> Result<u64, Refusal> {
    let deps = body.unsigned()?;
    if deps > limits::DEPS_PER_CHANGE as u64 {
        return Err(malformed("it builds on too many changes"));
    }
    body.take(deps * 32)?;
    check_actor(&mut body)?;
    body.unsigned()?; // seq
    let start = body.unsigned()?;
    if start == 0 || start > limits::OP_COUNTER {
        return Err(Refusal::new(
            RefusalCode::OpCounter,
            "The edit's operation counter is out of bounds; reopen the record and make it again.",
        ));
    }
    body.signed()?; // time
    let message = body.unsigned()?;
    if message > 0 {
        return Err(malformed("it carries a message"));
    }
    let others = body.unsigned()?;
    if others > limits::ACTORS_PER_CHANGE as u64 {
        return Err(malformed("it names too many actors"));
    }
    for _ in 0..others {
        check_actor(&mut body)?;
    }
    check_columns(body, others)
}

fn check_actor(body: &mut Reader<'_>) -> Result<(), Refusal> {
    let length = body.unsigned()?;
    if length != 16 {
        return Err(malformed("actor of a wrong length"));
    }
    body.take(length).map(drop)
}

/// The columns of a change that names so many actors besides its own.
fn check_columns(mut body: Reader<'_>, others: u64) -> Result<u64, Refusal> {
    let count = body.unsigned()?;
    if count > 32 {
        return Err(malformed("it has too many columns"));
    }
    let mut columns = Vec::new();
    for _ in 0..count {
        let specification = body.unsigned()?;
        if specification > u64::from(u32::MAX) || specification & DEFLATED != 0 {
            return Err(malformed("it has a compressed or unknown column"));
        }
        columns.push((specification, body.unsigned()?));
    }
    if !columns.is_sorted_by(|a, b| a.0 < b.0) {
        return Err(malformed("its columns are out of order"));
    }
    let mut longest = 0;
    for (specification, length) in columns {
        let data = Reader(body.take(length)?);
        longest = longest.max(check_column(specification & TYPE_BITS, data, others)?);
    }
    // What follows is the author; its form is checked once the change was read.
    if body.0.len() > 64 {
        return Err(malformed("unknown trailing bytes"));
    }
    Ok(longest)
}

/// Walks a column's runs and adds up the rows they stand for; of a group column, the values too. In
/// a column of actors each is one that the change names: the library looks no other one up, but panics.
/// Tells how many rows there are.
fn check_column(ty: u64, mut data: Reader<'_>, others: u64) -> Result<u64, Refusal> {
    const GROUP: u64 = 0;
    const ACTOR: u64 = 1;
    const DELTA: u64 = 3;
    const BOOLEAN: u64 = 4;
    const STRING: u64 = 5;
    const RAW: u64 = 7;
    let most = limits::OPS_PER_CHANGE.max(limits::PREDS_PER_CHANGE) as u64;
    let mut rows = 0_u64;
    let mut sum = 0_u64;
    if ty == RAW {
        return Ok(0);
    }
    while !data.0.is_empty() {
        let (count, distinct) = if ty == BOOLEAN {
            (data.unsigned()?, 0)
        } else {
            match data.signed()? {
                0 => (data.unsigned()?, 0),
                run if run > 0 => (run.unsigned_abs(), 1),
                literal => (literal.unsigned_abs(), literal.unsigned_abs()),
            }
        };
        rows = rows.saturating_add(count);
        if rows > most {
            return Err(too_many());
        }
        for _ in 0..distinct {
            match ty {
                DELTA => {
                    data.signed()?;
                }
                STRING => {
                    let length = data.unsigned()?;
                    if length > limits::KEY_BYTES as u64 {
                        // A long key repeated by a run would be copied once an operation.
                        return Err(Refusal::new(
                            RefusalCode::BadValue,
                            "The edit uses a key that is too long; shorten it and try again.",
                        ));
                    }
                    data.take(length)?;
                }
                _ => {
                    let value = data.unsigned()?;
                    if ty == ACTOR && value > others {
                        return Err(malformed("it speaks of an actor that it does not name"));
                    }
                    if ty == GROUP {
                        let times = if distinct == 1 { count } else { 1 };
                        sum = sum.saturating_add(value.saturating_mul(times));
                    }
                }
            }
        }
        if sum > limits::PREDS_PER_CHANGE as u64 {
            return Err(too_many());
        }
    }
    Ok(rows)
}
