//! The events of a provider: receipts and customers' messages.

use std::fmt;

use tokio::sync::oneshot;

/// An event that a provider reports.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// A receipt for a message, or for one segment of it.
    Receipt(Receipt),
    /// A message to the service number.
    Inbound(Inbound),
}

/// A provider's report on one segment. It may come before the answer to the submit, late, twice, or in any order.
#[derive(Clone, PartialEq, Eq)]
pub struct Receipt {
    /// The provider's id in the spelling of the receipt. Look it up by [`crate::id_forms`].
    pub id: String,
    /// The reported status.
    pub status: ReceiptStatus,
    /// The network's own code, at most 32 printable ASCII characters; empty if there is none.
    pub code: String,
    /// The number that the message went to, if the receipt names it. It finds the message if the answer with its id was lost.
    pub number: Option<String>,
    /// The time as the provider writes it, at most 32 characters (SMPP: `YYMMDDhhmm` or with seconds, in an unnamed zone).
    pub done_at: Option<String>,
}

impl fmt::Debug for Receipt {
    /// Shows no number.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Receipt").field("id", &self.id).field("status", &self.status).finish_non_exhaustive()
    }
}

/// The status of a segment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ReceiptStatus {
    /// The recipient's device has it.
    Delivered,
    /// The segment will not be delivered.
    Undelivered,
    /// The validity of the segment ended before it could be delivered.
    Expired,
    /// The network refused it.
    Rejected,
    /// The network has it. This status is not final.
    Accepted,
    /// The provider does not know, or reports a status that is unknown here.
    Unknown,
}

impl ReceiptStatus {
    /// A word of `[a-z]` for databases and metrics. It never changes.
    pub fn word(self) -> &'static str {
        match self {
            Self::Delivered => "delivered",
            Self::Undelivered => "undelivered",
            Self::Expired => "expired",
            Self::Rejected => "rejected",
            Self::Accepted => "accepted",
            Self::Unknown => "unknown",
        }
    }
}

/// A message from a customer. The provider sends it again until it is acknowledged.
#[derive(Clone, PartialEq, Eq)]
pub struct Inbound {
    /// The sender: digits as the provider gives them, or a name of letters.
    pub from: String,
    /// The number that it was sent to, with the extension of the message that it answers.
    pub to: String,
    /// The text. Segments are joined; a missing segment is `[…]`.
    pub text: String,
    /// The provider's id of the message, if it gives one (SMPP usually does not).
    pub id: Option<String>,
}

impl fmt::Debug for Inbound {
    /// Shows neither number nor text.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Inbound").field("id", &self.id).finish_non_exhaustive()
    }
}

/// An event and its acknowledgement. The provider is answered once the receiver reports that the event is durable. A dropped
/// notice, like a `false`, makes the provider send the event again.
#[derive(Debug)]
pub struct Notice {
    /// The event.
    pub event: Event,
    pub(crate) done: oneshot::Sender<bool>,
}

impl Notice {
    /// Reports whether the event is durable.
    pub fn acknowledge(self, is_durable: bool) {
        // If the link has ended nobody waits for this, and the provider will send the event again.
        self.done.send(is_durable).ok();
    }
}
