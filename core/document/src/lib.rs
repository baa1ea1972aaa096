//! Conversion of entries to and from Automerge. This is the only crate that uses automerge, so that a breaking release affects
//! one crate.
//!
//! A case is one Automerge document. Each root key `<kind>/<tag>-<seq>[.<i>]` holds one map, the entry, written once. Entries are
//! immutable and their keys derive from the change that writes them, so no function here needs to load a document.
//! [`write`](Change::write) builds a change from a [`Position`] (heads, highest operation, own sequence number).
//! [`read`](Change::read) decodes a change and refuses any that `write` could not have made. A [`History`] decides whether a
//! change continues a replica's case. A case is folded directly from its changes.
//!
//! Automerge's own merge ([`merge`]) is the reference: tests, and the server after it has answered, compare the log with it. The
//! raw change bytes are authoritative; a saved document is a cache.
//!
//! Rights, clocks, storage and the network do not belong here.

mod change;
pub mod chunk;
mod columns;
mod fields;
mod history;
mod leb;
mod limits;
mod merge;
mod new_entry;
pub mod pack;
mod position;
mod refusal;
mod runs;

pub use change::Change;
pub use history::{Admission, History};
pub use limits::{
    HARD_CASE_BYTES, HARD_CASE_CHANGES, MAX_CASE_BYTES, MAX_CASE_CHANGES, MAX_CASE_HEADS, MAX_CHANGE_BYTES, MAX_CHANGE_OPS,
};
pub use merge::{MergeError, Merged, merge};
pub use new_entry::NewEntry;
pub use position::{Link, Position};
pub use refusal::{Refusal, WriteError};
