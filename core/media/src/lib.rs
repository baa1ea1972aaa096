//! Photos as pure bytes: recognise, measure, hash, and prepare for sending.
//!
//! [`prepare()`] makes of a camera's file what travels: a photo of a bounded size without metadata, a thumbnail, a placeholder,
//! and what is known of the picture. One file, one call, no state; what it may hold of memory is bounded before a pixel is
//! decoded ([`Limits::memory`]). A photo is content-addressed by the SHA-256 of its exact bytes (domain 7, "altered = void").
//! Never here: files, upload, what is clear enough (the network's rules say that).

mod capture;
mod error;
mod icc;
mod inspect;
mod jpeg;
mod limits;
mod measure;
mod pixels;
mod prepare;
mod raster;
mod segments;

pub use capture::tells_position;
pub use error::MediaError;
pub use inspect::{Format, Inspected, inspect, photo_id};
pub use limits::{MAX_BYTES, MAX_SIDE, MAX_STORED};
pub use measure::{LOOKS_ALIKE, look_distance};
#[doc(hidden)]
pub use prepare::prepare_in_steps;
pub use prepare::{Encoded, Limits, MAX_THUMBNAIL, Prepared, looks, prepare};
