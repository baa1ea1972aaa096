//! What becomes of pictures: made up ones of every kind, hostile ones, and real ones where the samples are present.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "a test fails loudly")]

mod samples;
