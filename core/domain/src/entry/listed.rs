//! What head office's list says of a parcel, in the case itself.

use serde::Serialize;

use crate::UnixMs;

/// A row of head office's list, as the facts of its entry say it. The server alone writes these: no device is believed about the
/// parcel, and replicas that hold no row agree on who answers.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Listed {
    /// From when the row was in force, until the next one was. Before the first one nothing was listed, and the first one counts.
    pub since: UnixMs,
}
