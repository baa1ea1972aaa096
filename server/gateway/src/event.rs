//! What comes back from a provider: receipts and customers' messages.

use std::fmt;

use tokio::sync::oneshot;

/// What a provider reports on its own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// What became of a message, or of one segment of it.
    Receipt(Receipt),
    /// Somebody wrote to the service number.
    Inbound(Inbound),
}

/// What a provider says became of one segment. It may come before the answer to the submit, late, twice, or in any order.
#[derive(Clone, PartialEq, Eq)]
pub struct Receipt {
    /// The provider's id as the receipt spells it: look it up by [`crate::id_forms`].
    pub id: String,
    /// What became of it.
    pub status: ReceiptStatus,
    /// The network's own code, at most 32 printable ASCII characters; empty if there is none.
    pub code: String,
    /// To whom the message went, if it says so: by it the receipt of a message is found whose id nobody has heard.
    pub number: Option<String>,
    /// When, as the provider writes it (SMPP: `YYMMDDhhmm` or with seconds, in a zone that it does not name), at most 32
    /// characters.
    pub done_at: Option<String>,
}

impl fmt::Debug for Receipt {
    /// Shows no number.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Receipt").field("id", &self.id).field("status", &self.status).finish_non_exhaustive()
    }
}

/// What became of a segment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ReceiptStatus {
    /// The recipient's device has it.
    Delivered,
    /// It will not be delivered.
    Undelivered,
    /// Its validity ended before it could be delivered.
    Expired,
    /// The network refused it.
    Rejected,
    /// The network has it; not final.
    Accepted,
    /// The provider does not know, or says what is not known here.
    Unknown,
}

impl ReceiptStatus {
    /// A word of `[a-z]` for databases and metrics; it never changes.
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

/// A message from a customer. A provider that was not answered sends it again.
#[derive(Clone, PartialEq, Eq)]
pub struct Inbound {
    /// Who wrote: digits as the provider gives them, or a name of letters.
    pub from: String,
    /// To which number, with the extension of the message that it answers.
    pub to: String,
    /// What. Segments are joined; one that never came is `[…]`.
    pub text: String,
    /// The provider's id of it, if it gives one (SMPP as a rule does not).
    pub id: Option<String>,
}

impl fmt::Debug for Inbound {
    /// Shows neither number nor text.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Inbound").field("id", &self.id).finish_non_exhaustive()
    }
}

/// An event and its acknowledgement. The provider is answered only once the receiver says that the event is durable; a dropped
/// notice, like a `false`, makes it send the event again.
#[derive(Debug)]
pub struct Notice {
    /// What happened.
    pub event: Event,
    pub(crate) done: oneshot::Sender<bool>,
}

impl Notice {
    /// Says whether the event is durable now.
    pub fn acknowledge(self, is_durable: bool) {
        // Nobody waits any more if the link has gone: the provider will send the event again.
        self.done.send(is_durable).ok();
    }
}
