//! What the fuzz targets share: fences that libFuzzer does not have by itself, honest changes, and what must hold of whatever
//! gets through.
//!
//! A target is a few lines: it makes values of bytes and hands them to a check here. A check panics where a promise of the
//! core is broken. Never here: anything of the edge (store, client, server).

mod checks;
mod compose;
mod fences;
mod honest;
mod wire;

pub use checks::{check_case, check_pack, check_text};
pub use compose::{case, day, facts, sheet};
pub use fences::{fenced, prepare};
pub use honest::morning;
pub use wire::{Plan, chunk, reseal};
