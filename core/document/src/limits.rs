//! How large a change and a case may be.

/// Largest change in bytes, on the wire and in the store.
pub const MAX_CHANGE_BYTES: usize = 64 * 1024;
/// Most operations in one change: 16 entries of 31 fields.
pub const MAX_CHANGE_OPS: usize = 512;

/// Past this many changes a case takes no new entries on a device; late merges are still taken.
pub const MAX_CASE_CHANGES: usize = 5_000;
/// Past this many bytes of changes a case takes no new entries on a device; late merges are still taken.
pub const MAX_CASE_BYTES: usize = 1024 * 1024;
/// Most heads that the server lets a case have: as many devices writing at once without knowing of each other. Half of what one
/// change can join, so that a writer with unsent changes of its own still can.
pub const MAX_CASE_HEADS: usize = 32;
/// Past this many changes the server holds what comes: the whole case still fits one pack of a feed, with a thousand changes more by
/// which the server says what head office's list says of the parcel.
pub const HARD_CASE_CHANGES: usize = 9_000;
/// Past this many bytes of changes the server holds what comes.
pub const HARD_CASE_BYTES: usize = 2 * MAX_CASE_BYTES;
