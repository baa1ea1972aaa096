//! Entries to and from Automerge. The only crate that names automerge, so that its next breaking release touches one crate.
//!
//! A case is one Automerge document. Each root key `<kind>/<tag>-<seq>[.<i>]` holds one map, the entry, written once.
//! Because entries are immutable and their keys derive from the change that writes them, nothing here loads a document to
//! do its work: [`write`](Change::write) builds a change from a [`Position`] (heads, highest operation, own sequence
//! number), [`read`](Change::read) decodes one and refuses everything that is not exactly what `write` could have made,
//! and a [`History`] says whether it continues what a replica has. A case folds straight from its changes.
//!
//! The saved document and Automerge's own merge ([`merge`]) are the oracle: tests, and the server after it has answered,
//! hold the log against them. Raw change bytes are the truth; a saved document is a cache.
//!
//! Never here: rules about who may write what, clocks, storage, the network.

mod change;
mod columns;
mod fields;
mod history;
mod limits;
mod merge;
mod new_entry;
pub mod pack;
mod position;
mod refusal;

pub use change::Change;
pub use history::{Admission, History};
pub use limits::{
    HARD_CASE_BYTES, HARD_CASE_CHANGES, MAX_CASE_BYTES, MAX_CASE_CHANGES, MAX_CASE_HEADS, MAX_CHANGE_BYTES, MAX_CHANGE_OPS,
};
pub use merge::{MergeError, Merged, merge};
pub use new_entry::NewEntry;
pub use position::{Link, Position};
pub use refusal::{Refusal, WriteError};
