//! Photos: expected from the entry that names them, received in pieces (tus), verified whole, content-addressed, and served to
//! devices whose scope holds the case.
//!
//! - `expect`: the rows that an accepted entry makes, and their states;
//! - `storage`: the bytes, in a folder or S3;
//! - `receive`: receives bytes, durable offset by durable offset; `upload`: the progress of that; `upload_lock`: the newest
//!   request for a photo ends the older ones;
//! - `tus`: receiving over HTTP; `download`: serving bytes;
//! - `scrub`: compares rows with storage; `report`: head office's view; `looks`: what photos look like, by their bytes.

mod download;
pub(crate) mod expect;
mod fault;
mod looks;
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
pub(crate) use looks::measure_missed;
pub(crate) use lost::lost;
pub(crate) use report::{Told, erase, list, of_case};
pub(crate) use scrub::{is_sound, scrub};
pub(crate) use storage::Storage;
pub(crate) use upload_lock::Uploading;
