//! What head office's list says of a parcel, in the case itself.

use serde::Serialize;

use crate::UnixMs;

/// A row of head office's list, as the facts of its entry say it. The server alone writes these: no device is believed about the
/// parcel, and replicas that hold no row agree on who answers.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Listed {
    /// From when this row is in force, until the `since` of the next one. Acts before the first row are judged by the first row.
    pub since: UnixMs,
}
