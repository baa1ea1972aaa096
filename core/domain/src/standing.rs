//! What the server has said of a change, and how an entry stands in this replica.

use serde::Serialize;

use crate::{ChangeHash, Entry, UnixMs};

/// The server's word on an accepted change. It lives beside the document, travels with verdicts and feeds, and decides
/// deadlines (domain 3.6).
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
pub struct Receipt {
    /// When the server received the change.
    pub received_at: UnixMs,
    /// When the act happened by the server's reckoning (same boot as the push: receipt minus the monotonic difference;
    /// else the entry's own anchor); `None` when nothing ties the device's clock to the server's.
    pub acted_at: Option<UnixMs>,
}

/// The states a person sees (architecture, section 4). "Saved" is never shown for something only this device has.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum Standing {
    /// Recorded here, not yet in any request.
    OnThisDevice,
    /// In a batch whose answer has not come back.
    SentNotConfirmed,
    /// Durable at the server.
    Accepted(Receipt),
    /// Refused by the server and kept on both sides.
    Held {
        /// The rule that refused it.
        reason: String,
    },
}

impl Standing {
    /// The server's receipt, if it has accepted the change.
    pub fn receipt(&self) -> Option<Receipt> {
        match self {
            Self::Accepted(receipt) => Some(*receipt),
            _ => None,
        }
    }
}

/// One entry with the change it came in and how that change stands.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct Recorded {
    /// The change that wrote the entry.
    pub change: ChangeHash,
    /// How it stands here.
    pub standing: Standing,
    /// The entry.
    pub entry: Entry,
}

impl Recorded {
    /// The best estimate of when the act happened: the server's reckoning, else the entry's anchor, else the wall clock,
    /// but never after the server had it.
    pub fn acted_at(&self) -> UnixMs {
        let receipt = self.standing.receipt();
        let reckoned = receipt.and_then(|r| r.acted_at).or_else(|| self.entry.time.anchored());
        let time = reckoned.unwrap_or(self.entry.time.wall);
        receipt.map_or(time, |r| time.min(r.received_at))
    }
}
