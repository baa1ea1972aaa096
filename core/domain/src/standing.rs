//! What the server has said of a change, and how an entry stands in this replica.

use serde::Serialize;

use crate::{ChangeHash, Entry, Reckoning, UnixMs};

/// The server's word on an accepted change. It lives beside the document, travels with verdicts and feeds, and decides
/// deadlines (domain 3.6).
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
pub struct Receipt {
    /// When the server received the change.
    pub received_at: UnixMs,
    /// When the act happened by the server's reckoning, and what it found odd about the device's clock.
    #[serde(flatten)]
    pub acted: Reckoning,
    /// Whether the policy lets it pass but wants head office to look at it.
    pub review: bool,
}

const ROLLED_BACK: u8 = 1;
const FOREIGN_ANCHOR: u8 = 2;
const REVIEW: u8 = 4;

impl Receipt {
    /// A receipt with nothing odd about it.
    pub fn of(received_at: UnixMs, acted_at: Option<UnixMs>) -> Self {
        Self { received_at, acted: Reckoning { at: acted_at, ..Reckoning::default() }, review: false }
    }

    /// What is odd, as bits: 1 the wall clock was set back, 2 the anchor is none of the server's, 4 for review.
    pub fn marks(&self) -> u8 {
        let bit = |set: bool, bit: u8| if set { bit } else { 0 };
        bit(self.acted.rolled_back, ROLLED_BACK) | bit(self.acted.foreign_anchor, FOREIGN_ANCHOR) | bit(self.review, REVIEW)
    }

    /// A receipt from its parts, as it is stored and as it travels.
    pub fn from_parts(received_at: UnixMs, acted_at: Option<UnixMs>, slack_ms: u32, marks: u8) -> Self {
        let acted = Reckoning {
            at: acted_at,
            slack_ms,
            rolled_back: marks & ROLLED_BACK != 0,
            foreign_anchor: marks & FOREIGN_ANCHOR != 0,
        };
        Self { received_at, acted, review: marks & REVIEW != 0 }
    }
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
    Quarantined {
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
        let reckoned = receipt.and_then(|r| r.acted.at).or_else(|| self.entry.time.anchored());
        let time = reckoned.unwrap_or(self.entry.time.wall);
        receipt.map_or(time, |r| time.min(r.received_at))
    }
}
