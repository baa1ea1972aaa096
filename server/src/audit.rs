//! The audit of the log: checks that the stored log is what was signed. Links are checked against the data that they vouch for,
//! batches against their device's signature and the changes that they brought, and every stored change against its batch or link.
//! The audit reads page by page on a reader connection and changes nothing.

mod alarm;
mod batch;
mod fault;
mod look;
mod opened;
mod walk;

pub use alarm::{Alarm, Alarms};
pub(crate) use alarm::{alarms, over_time};
pub use fault::{Fault, Looked, MOST_FAULTS, Wrong};
pub(crate) use look::look;
