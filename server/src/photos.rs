//! Photos: expected from the entry that names them, received in pieces (tus), verified whole, content-addressed, served to
//! those whose scope holds the case.
//!
//! - `expect`: the rows that an accepted entry makes, and what has become of them;
//! - `storage`: where bytes are, a folder or S3;
//! - `receive`: taking bytes, durable offset by durable offset; `upload`: how far that is; `turns`: the newest request for a photo ends the older;
//! - `tus`: that as HTTP; `give`: handing bytes out;
//! - `scrub`: holding rows against storage; `report`: what head office sees.

pub(crate) mod expect;
mod fault;
mod give;
mod lost;
mod receive;
mod report;
mod scrub;
mod storage;
mod turns;
pub(crate) mod tus;
mod upload;

pub use report::PhotoRow;
pub use scrub::{Scrub, Scrubbed};

pub(crate) use expect::{own_stored, states, wanted};
pub(crate) use give::{give, may_read};
pub(crate) use lost::lost;
pub(crate) use report::{Told, erase, list, of_case};
pub(crate) use scrub::{is_sound, scrub};
pub(crate) use storage::Storage;
pub(crate) use turns::Turns;
