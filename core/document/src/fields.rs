//! The fields of an entry's map. Names are short because they travel with every entry; they are added, never renamed or
//! retyped. `PROTOCOL.md` of the protocol crate lists them.

mod read;
mod write;

pub(crate) use read::{Fields, read};
pub(crate) use write::write;
