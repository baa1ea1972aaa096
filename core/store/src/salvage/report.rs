//! The report of a salvage.

use std::{collections::BTreeMap, path::PathBuf};

use serde::Serialize;

/// The result of a salvage, for the person and for head office. It holds no personal values.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Salvage {
    /// The folder of the damaged files, byte for byte. It may be deleted once head office agrees.
    pub folder: PathBuf,
    /// The number of salvaged rows, by table.
    pub taken: BTreeMap<&'static str, u64>,
    /// The number of rows that are known to be lost, by table. Rows of `change`, `reference`, `parcel` and `outlet` come again
    /// from head office.
    pub lost: BTreeMap<&'static str, u64>,
    /// The number of pages with unreadable parts.
    pub damaged_pages: u32,
    /// The waybills with lost unsent records, as far as known. These must be recorded again.
    pub again: Vec<String>,
    /// Whether the device has lost its identity and must be enrolled again. Its records are kept and sent after that.
    pub enrol_again: bool,
}
