//! Photos: expected from the entry that names them, received in pieces (tus), verified whole, content-addressed, served to
//! those whose scope holds the case.
//!
//! - `expect`: the rows that an accepted entry makes, and what has become of them;
//! - `storage`: where bytes are, a folder or S3;
//! - `receive`: taking bytes, durable offset by durable offset; `upload`: how far that is; `upload_lock`: the newest request for a photo ends the older;
//! - `tus`: that as HTTP; `download`: handing bytes out;
//! - `scrub`: holding rows against storage; `report`: what head office sees.

mod download;
pub(crate) mod expect;
mod fault;
mod lost;
mod receive;
mod report;
mod scrub;
mod storage;
pub(crate) mod tus;
mod upload;
mod upload_lock;

pub use report::PhotoRow;
pub use scrub::{Scrub, Scrubbed};

pub(crate) use download::{may_read, respond};
pub(crate) use expect::{own_stored, states, wanted};
pub(crate) use lost::lost;
pub(crate) use report::{Told, erase, list, of_case};
pub(crate) use scrub::{is_sound, scrub};
pub(crate) use storage::Storage;
pub(crate) use upload_lock::Uploading;
