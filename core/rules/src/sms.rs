//! The customer's SMS (domain 5): how it is worded, how it travels, and when it counts.

mod segments;

pub use segments::{Alphabet, MAX_SEGMENTS, Segments, septets};
