//! Counts the operations of a change in its encoded bytes, before Automerge expands them.
//!
//! Columns are run-length coded: 81 bytes can claim a million operations (1.3 s in Automerge, measured), and 90 bytes more than
//! any machine can hold. So this module adds up the runs first. It checks nothing else; other code decodes and checks the change
//! afterwards.

use crate::{MAX_CHANGE_OPS, Refusal};

/// The compression bit of a column's specification.
const DEFLATE: u64 = 8;
/// Column with the number of predecessors of each operation. Our operations have none.
const PREDECESSORS: u64 = 0x70;
/// Raw bytes of values. They have no count and are limited by the chunk's length.
const RAW: u64 = 7;
/// Booleans, as lengths of alternating runs.
const BOOLEAN: u64 = 4;
/// Text.
const TEXT: u64 = 5;

/// Refuses a chunk whose columns claim more operations than allowed, are compressed, or name predecessors. `content` is the part
/// of the chunk after its length.
pub(crate) fn check(content: &[u8]) -> Result<(), Refusal> {
    let mut input = content;
    let columns = header(&mut input).ok_or(Refusal::Undecodable)?;
    for (spec, length) in columns {
        let length = usize::try_from(length).map_err(|_| Refusal::Undecodable)?;
        let (data, rest) = input.split_at_checked(length).ok_or(Refusal::Undecodable)?;
        input = rest;
        let (id, kind) = (spec >> 4, spec & 7);
        if spec & DEFLATE != 0 {
            return Err(Refusal::ChunkType);
        }
        // The other columns of the group would name the predecessors, and there are none.
        if id == PREDECESSORS >> 4 && spec != PREDECESSORS {
            return Err(Refusal::Shape(0));
        }
        let count = match kind {
            RAW => 0,
            BOOLEAN => booleans(data).ok_or(Refusal::Undecodable)?,
            _ => {
                let (count, all_zero) = runs(data, kind == TEXT).ok_or(Refusal::Undecodable)?;
                if spec == PREDECESSORS && !all_zero {
                    return Err(Refusal::Shape(0));
                }
                count
            }
        };
        if count > MAX_CHANGE_OPS as u64 {
            return Err(Refusal::OpCount(usize::try_from(count).unwrap_or(usize::MAX)));
        }
    }
    Ok(())
}

/// Skips to the column table and reads each column's specification and length in bytes.
fn header(input: &mut &[u8]) -> Option<Vec<(u64, u64)>> {
    let deps = unsigned(input)?;
    skip(input, deps.checked_mul(32)?)?;
    let actor = unsigned(input)?;
    skip(input, actor)?;
    unsigned(input)?; // sequence number
    unsigned(input)?; // first operation
    signed(input)?; // time
    let message = unsigned(input)?;
    skip(input, message)?;
    let others = unsigned(input)?;
    for _ in 0..others {
        let actor = unsigned(input)?;
        skip(input, actor)?;
    }
    let count = unsigned(input)?;
    // Automerge has nine columns. A claim of more columns than bytes fails at the end of the input.
    (0..count).map(|_| Some((unsigned(input)?, unsigned(input)?))).collect()
}

/// The sum of a boolean column's runs.
fn booleans(mut data: &[u8]) -> Option<u64> {
    let mut count: u64 = 0;
    while !data.is_empty() {
        count = count.saturating_add(unsigned(&mut data)?);
    }
    Some(count)
}

/// The number of values in a run-length coded column: a run of one value, a stretch of different ones, or a run of nulls; and
/// whether every value is zero.
fn runs(mut data: &[u8], is_text: bool) -> Option<(u64, bool)> {
    let (mut count, mut all_zero): (u64, bool) = (0, true);
    while !data.is_empty() {
        let length = signed(&mut data)?;
        let (claimed, values) = match length {
            1.. => (length.unsigned_abs(), 1),
            0 => (unsigned(&mut data)?, 0),
            _ => (length.unsigned_abs(), length.unsigned_abs()),
        };
        count = count.saturating_add(claimed);
        for _ in 0..values {
            // A literal run that claims more values than the column has fails at the end of the column.
            let value = unsigned(&mut data)?;
            if is_text {
                skip(&mut data, value)?;
            }
            all_zero &= value == 0;
        }
    }
    Some((count, all_zero))
}

fn skip(input: &mut &[u8], length: u64) -> Option<()> {
    let (_, rest) = input.split_at_checked(usize::try_from(length).ok()?)?;
    *input = rest;
    Some(())
}

/// Reads an unsigned LEB128 number. Values of delta columns are signed, but have the same length, and only the length matters
/// here.
fn unsigned(input: &mut &[u8]) -> Option<u64> {
    let mut value: u64 = 0;
    for shift in (0..70).step_by(7) {
        let (byte, rest) = input.split_first()?;
        *input = rest;
        value |= u64::from(byte & 0x7f).checked_shl(shift).unwrap_or(0);
        if byte & 0x80 == 0 {
            return Some(value);
        }
    }
    None
}

fn signed(input: &mut &[u8]) -> Option<i64> {
    let mut value: i64 = 0;
    for shift in (0..70).step_by(7) {
        let (byte, rest) = input.split_first()?;
        *input = rest;
        value |= i64::from(byte & 0x7f).checked_shl(shift).unwrap_or(0);
        if byte & 0x80 == 0 {
            let sign = shift + 7;
            return Some(if sign < 64 && byte & 0x40 != 0 { value | (-1 << sign) } else { value });
        }
    }
    None
}
