//! Size limits of a change and a case.

/// Largest change in bytes, on the wire and in the store.
pub const MAX_CHANGE_BYTES: usize = 64 * 1024;
/// Most operations in one change: 16 entries of 31 fields.
pub const MAX_CHANGE_OPS: usize = 512;

/// Past this many changes a device records no new entries in a case, but still accepts changes from other devices.
pub const MAX_CASE_CHANGES: usize = 5_000;
/// Past this many bytes of changes a device records no new entries in a case, but still accepts changes from other devices.
pub const MAX_CASE_BYTES: usize = 1024 * 1024;
/// Most heads of a case at the server, which is the number of devices that write at once without knowing of each other. It is
/// half of the heads that one change can join, so that a writer with unsent changes can still join them.
pub const MAX_CASE_HEADS: usize = 32;
/// Past this many changes the server quarantines further ones. The whole case still fits one pack of a feed, together with a
/// thousand changes by which the server writes rows of head office's list.
pub const HARD_CASE_CHANGES: usize = 9_000;
/// Past this many bytes of changes the server quarantines further ones.
pub const HARD_CASE_BYTES: usize = 2 * MAX_CASE_BYTES;
