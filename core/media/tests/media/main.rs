//! What becomes of pictures: made up ones of every kind, hostile ones, and real ones where the samples are present.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "a test fails loudly")]

mod camera;
mod hostile;
mod kinds;
mod looks;
mod made;
mod mended;
mod refusals;
mod results;
mod samples;
mod sent;
