//! The dense pack, format 3: the changes of several documents, field by field.
//!
//! A pack of format 2 keeps the body of each change as Automerge encodes it, with its tables of columns and with values that the
//! change's neighbours nearly repeat. A dense pack leaves out what follows from the rest, and writes the values of each field of
//! all documents one after the other, so that zstd around the message sees like beside like. This halves the bytes of format 2.
//!
//! Nothing is checked less: a receiver rebuilds each chunk byte for byte with [`crate::chunk::Chunk::write`], and the message around the pack
//! names a digest of the rebuilt hashes for each document. [`pack`] rebuilds everything before it returns. A change that it cannot
//! rebuild travels verbatim inside the pack: one that other software wrote, or one in a shape that no writer of ours has.
//!
//! # Layout
//!
//! All numbers are unsigned LEB128 of at most 64 bits in their shortest form. A difference is a number too: `d` is written as `2d`
//! if it is not negative, else as `-2d - 1`; sums wrap around at 64 bits. `text` is a length and as many bytes.
//!
//! ```text
//! format = 3
//! number of fields (at most 512); each: type, name as text
//! number of shapes (at most 4,096); each: kind of entry as text, number of its fields (at most 31), their places among the fields
//! the length of each stream, in the order below
//! the streams
//! ```
//!
//! A **shape** is a kind of entry with its fields in their order. The streams are those of the changes and after them those of each
//! field:
//!
//! | stream | content |
//! |---|---|
//! | documents | each: twice the number of its changes, plus 1 if its id is in the next stream |
//! | ids | 16 bytes each. Any other id follows from the waybill: it is the case id of the texts `net` and `wb` in the first entry that has both, of the document's first change |
//! | dependencies | each change: 0 if it depends on all changes of its document before it in the pack that none of those depends on; else 1 plus their number and for each, in the change's order, k >= 1 for the change k places before in its document, or 0 for one in the next stream |
//! | hashes | 32 bytes each |
//! | forms | each change: 0 if it is verbatim, else the number of its entries (at most 16) |
//! | writers, installations | each change: the place of its installation, as in a field of type 1; the 16 bytes of those with place 0 |
//! | sequence numbers | the difference to the writer's number before it in the document and pack, plus 1; without one before it, to 1 |
//! | first operations | the difference to the highest operation among those dependencies that are in the pack and not verbatim, plus 1; without one, to 1 |
//! | shapes | each entry: the place of its shape |
//! | lengths, bodies | of verbatim changes: the chunk's content after its dependencies |
//!
//! Verbatim changes have nothing in the streams from the writers to the shapes. The key of an entry follows from its kind, writer,
//! sequence number and place. The types of fields:
//!
//! | type | value | streams |
//! |---|---|---|
//! | 1 | bytes | places, lengths, contents: each value has a place of one byte: 0 if its length and its bytes come next in the other two, else k for the value that is the k-th last among the last 32 different ones of this field, by their last use |
//! | 2 | text | as type 1 |
//! | 3 | int | the difference to the value before it in this field, or to 0 |
//! | 4 | uint | as type 3 |
//! | 5 | true or false | one byte, 1 or 0 |
//! | 6 | bytes: time evidence of 28 bytes | see `dense/time.rs` |
//! | 7 | bytes: the first 8 bytes of the document's id | none |
//! | 8 | bytes: the SHA-256 of the value before it in its entry, from that value's third byte on; that value has type 1, else nothing is hashed | none |
//!
//! A reader refuses a pack with a number out of range, with bytes missing or left over, or beyond a limit. No count in it makes the
//! reader allocate more than the rebuilt changes take, and these are limited by the caller. Each counts as at least
//! [`LEAST_CHANGE`] bytes.

mod field;
mod history;
mod limits;
mod reader;
mod stream;
mod time;
mod writer;

use doorstep_domain::DocId;

pub use limits::{FORMAT, LEAST_CHANGE, Rebuilt};

use super::PackError;

/// Documents with their chunks, each document's in the order of its history.
pub type Docs<'d> = &'d [(DocId, Vec<&'d [u8]>)];

/// Packs chunks by document. `limit`: the bytes to which its receiver rebuilds a pack. `None` if the pack would not rebuild to exactly
/// these chunks, or would exceed a limit: then they travel in format 2.
pub fn pack(docs: Docs<'_>, limit: usize) -> Option<Vec<u8>> {
    let mut verbatim = writer::Verbatim::new();
    let packed = writer::write(docs, &verbatim)?;
    // A pack is made once and read on another device, where a fault of this code would cost a round trip.
    differing((docs, limit), &packed, &mut verbatim)?;
    if verbatim.is_empty() {
        return Some(packed);
    }
    let (packed, mut still) = (writer::write(docs, &verbatim)?, writer::Verbatim::new());
    differing((docs, limit), &packed, &mut still)?;
    still.is_empty().then_some(packed)
}

/// Collects the changes that the pack does not rebuild. `None` if it does not rebuild at all.
fn differing((docs, limit): (Docs<'_>, usize), packed: &[u8], found: &mut writer::Verbatim) -> Option<()> {
    let rebuilt = unpack(packed, limit).ok().filter(|rebuilt| rebuilt.len() == docs.len())?;
    for (at, ((doc, chunks), rebuilt)) in docs.iter().zip(rebuilt).enumerate() {
        if rebuilt.doc != *doc || rebuilt.changes.len() != chunks.len() {
            return None;
        }
        let pairs = chunks.iter().zip(&rebuilt.changes).enumerate();
        found.extend(pairs.filter(|(_, (chunk, (_, bytes)))| **chunk != bytes.as_slice()).map(|(change, _)| (at, change)));
    }
    Some(())
}

/// Rebuilds the changes of a pack, at most `limit` bytes of them.
pub fn unpack(pack: &[u8], limit: usize) -> Result<Vec<Rebuilt>, PackError> {
    reader::read(pack, limit)
}
