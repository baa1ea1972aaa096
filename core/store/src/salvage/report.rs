//! The report of a salvage.

use std::{collections::BTreeMap, path::PathBuf};

use serde::Serialize;

/// What was salvaged from a damaged store: for the person, and for head office. Without personal values.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Salvage {
    /// Where the damaged files are, byte for byte. They may be deleted once head office agrees.
    pub folder: PathBuf,
    /// Rows taken, by table.
    pub taken: BTreeMap<&'static str, u64>,
    /// Rows of which it is known that they were there and are lost, by table. Rows of `change`, `reference`, `parcel` and
    /// `outlet` come again from head office.
    pub lost: BTreeMap<&'static str, u64>,
    /// Pages of the file on which something could not be read.
    pub damaged_pages: u32,
    /// Parcels of which something that was not sent is lost, as far as known: to be recorded again.
    pub again: Vec<String>,
    /// The device no longer knows who it is and must be enrolled again. What was recorded is kept and sent then.
    pub enrol_again: bool,
}
