//! Rows of head office's parcel list, written into the case.

use serde::Serialize;

use crate::UnixMs;

/// A row of head office's list; the entry's facts are its content. Only the server writes these entries, because no device is
/// trusted about the parcel. They let replicas without the row agree on liability.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Listed {
    /// From when this row is in force, until the `since` of the next one. Acts before the first row are judged by the first row.
    pub since: UnixMs,
}
