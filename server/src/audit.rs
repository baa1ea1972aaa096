//! Looking over the log: is what is stored what was signed? Links are held against what they vouch for, batches against their device's
//! signature and against the changes that they brought, and every stored change against the batch or the link that it stands in.
//! It goes page by page, on a reader, and changes nothing.

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
