//! The field client for Kotlin, Swift and Python: open, record a failure, list cases, sync, be told of changes.
//!
//! Thin on purpose: records owned by this crate, errors as four kinds with words in two languages, one runtime of our own,
//! one client for each folder in the process. Blocking calls touch local storage only and belong on a background thread of
//! the host. `sync` runs on our threads whatever executor polls it. Never here: business rules, SQL, HTTP, anything behind
//! a target `cfg` (one generated text serves all targets), generated code.

mod client;
mod error;
mod listen;
mod records;
mod runtime;

pub use client::{DoorstepClient, open_client};
pub use error::DoorstepError;
pub use listen::{ChangeListener, Subscription};
pub use records::{Bilingual, CaseSummary, Explained, Recorded, SyncSummary};

uniffi::setup_scaffolding!();
