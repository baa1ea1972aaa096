//! The harness: a real server on a free port, real clients on real folders, a link between them that can be cut and that
//! counts, and clocks that a scenario owns. Scenarios live in `scenarios/`, the README's morning in `demo/`.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "a harness fails loudly")]

mod acts;
mod clocks;
mod entries;
mod link;
mod photo;
mod raw;
pub mod smsc;
mod storage;
mod world;

pub use acts::{code, ended, failed, on, problem, text};
pub use clocks::{Hands, TestClock};
pub use entries::first_entry;
pub use link::{Link, LinkMode, Traffic};
pub use photo::{draw, flat, grainy};
pub use raw::{RawAnswer, raw};
pub use storage::{Storage, bucket};
pub use world::{Device, PARCEL_COLUMNS, World, waybill};
