//! The fields of an entry's map. Names are short because every entry repeats them. Fields are added, never renamed or retyped.
//! `PROTOCOL.md` of the protocol crate lists them.

mod read;
mod write;

pub(crate) use read::read;
pub(crate) use write::write;
