//! Conversion of entries to and from Automerge. This is the only crate that uses automerge, so that a breaking release affects
//! one crate.
//!
//! A case is one Automerge document. Each root key `<kind>/<tag>-<seq>[.<i>]` holds one map, the entry, written once. Entries are
//! immutable and their keys derive from the change that writes them, so no function here needs to load a document.
//! [`write`](Change::write) builds a change from a [`Position`] (heads, highest operation, own sequence number).
//! [`read`](Change::read) decodes a change and refuses any that `write` could not have made. A [`History`] decides whether a
//! change continues a replica's case. A case is folded directly from its changes.
//!
//! Changes are read and written by [`chunk`], a reader and a writer for the one shape of change that this crate makes. Automerge's
//! own merge ([`merge`]) is the reference: tests, and the server after it has answered, compare the log with it. Tests and the
//! fuzzer also hold the reader against Automerge's. The raw change bytes are authoritative; a saved document is a cache.
//!
//! Rights, clocks, storage and the network do not belong here.
//!
//! # Cost
//!
//! `cargo bench -p doorstep-document` measures a change of 294 bytes on average. Two cores of a shared virtual machine with SHA
//! instructions, the least of many short runs:
//!
//! | step | a change |
//! |---|---|
//! | [`Change::read`] | 2.9 us |
//! | [`Change::read_stored`] | 2.5 us |
//! | [`chunk::Chunk::read`], which is the part before the entries' meaning | 1.2 us |
//! | SHA-256 of the chunk, which is a part of each | 0.25 us |
//! | [`Change::write`] | 3.6 us |
//! | Automerge's parse, legacy structure and encoding again, which `Chunk::read` stands for | 12.5 us |
//! | Automerge's encoding of the same operations | 3.6 us |
//!
//! `DOORSTEP_ROUNDS=20` and the name of a step make the bench short enough for callgrind.

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
