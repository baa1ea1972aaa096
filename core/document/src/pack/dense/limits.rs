//! The limits of a dense pack, and what it rebuilds to.

use doorstep_domain::{ChangeHash, DocId};

/// The first byte of a dense pack. In a message it also stands for the pack of a document that is in the message's dense pack.
pub const FORMAT: u8 = 3;
/// Most fields that a pack names.
pub(super) const MAX_FIELDS: usize = 512;
/// Most shapes of entries that a pack names.
pub(super) const MAX_SHAPES: usize = 4_096;
/// Most fields of an entry.
pub(super) const MAX_ENTRY_FIELDS: usize = 31;
/// The number of streams that do not belong to a field.
pub(super) const COMMON: usize = 12;
/// Most entries of a change.
pub(super) const MAX_ENTRIES: usize = 16;
/// The bytes that a small change counts as, so that a pack of tiny changes cannot take much more memory than the limit. An honest
/// change has more.
pub const LEAST_CHANGE: usize = 100;

/// The changes of a document: each one's hash and chunk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rebuilt {
    /// The document. Its kind is in the message around the pack.
    pub doc: DocId,
    /// Its changes, in the pack's order.
    pub changes: Vec<(ChangeHash, Vec<u8>)>,
}
