//! Photos as pure bytes: recognise, measure, hash, and prepare for sending.
//!
//! [`prepare()`] converts a camera's file to a photo of a bounded size without metadata, a thumbnail and a placeholder, and
//! extracts metadata and measurements. It takes one file in one call and has no state. Its memory is bounded before a pixel is
//! decoded ([`Limits::memory`]). A photo is identified by the SHA-256 of its exact bytes (domain 7, "altered = void"). Files,
//! uploads and thresholds of clarity (which the network's rules set) do not belong here.

mod capture;
mod error;
mod header;
mod icc;
mod inspect;
mod jpeg;
mod limits;
mod measure;
mod mend;
mod pixels;
mod prepare;
mod raster;
mod scans;
mod segments;
mod trailer;

pub use capture::tells_position;
pub use error::MediaError;
pub use inspect::{Format, Inspected, inspect, inspect_sent, photo_id};
pub use limits::{BYTES_A_PIXEL, BYTES_BESIDE, MAX_BYTES, MAX_SIDE, MAX_STORED};
pub use measure::{LOOKS_ALIKE, look_distance};
#[doc(hidden)]
pub use prepare::prepare_in_steps;
pub use prepare::{Encoded, Limits, MAX_THUMBNAIL, Prepared, looks, prepare};
