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
    /// Something that is a receipt, or may be one, and can not be read. It is kept for a person.
    Unread(Unread),
}

/// The bytes of an event as they came. Its `Debug` shows none of them, because they hold numbers and texts.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct Raw {
    /// What the bytes are.
    pub kind: RawKind,
    /// The bytes: the body of a PDU behind its header, or an item of a call. The segments of a message follow each other.
    pub bytes: Vec<u8>,
}

impl fmt::Debug for Raw {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Raw").field("kind", &self.kind).field("length", &self.bytes.len()).finish_non_exhaustive()
    }
}

/// What the bytes of an event are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum RawKind {
    /// The body of a `deliver_sm`.
    #[default]
    DeliverSm,
    /// The body of a `data_sm`.
    DataSm,
    /// The user data of a customer's message: header and text of each segment.
    UserData,
    /// An item of an HTTP call, or the whole body of a call that can not be taken apart.
    Http,
}

impl RawKind {
    /// A word of `[a-z_]` for databases. It never changes.
    pub fn word(self) -> &'static str {
        match self {
            Self::DeliverSm => "deliver_sm",
            Self::DataSm => "data_sm",
            Self::UserData => "user_data",
            Self::Http => "http",
        }
    }
}

/// Something that can not be read, with its bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unread {
    /// The bytes.
    pub raw: Raw,
    /// Why it can not be read: a word of `[a-z_]`.
    pub why: &'static str,
}

/// A provider's report on one segment. It may come before the answer to the submit, late, twice, or in any order.
#[derive(Clone, PartialEq, Eq)]
pub struct Receipt {
    /// The provider's id in the spelling of the receipt. Look it up by [`crate::id_forms`].
    pub id: String,
    /// Another id that the receipt names beside its text. Either may be the message's.
    pub other_id: Option<String>,
    /// The reported status.
    pub status: ReceiptStatus,
    /// The network's own words and code, at most 32 printable ASCII characters; empty if there are none.
    pub code: String,
    /// The part of the message that this is about, if the receipt says so: its number from 1, and how many there are.
    pub part: Option<(u8, u8)>,
    /// Only the text says that this is a receipt, so a person with a phone can have written it. It counts only for a message to
    /// its `number`.
    pub by_text_alone: bool,
    /// The number that the message went to, if the receipt names it. It finds the message if the answer with its id was lost.
    pub number: Option<String>,
    /// The time as the provider writes it, at most 32 characters (SMPP: `YYMMDDhhmm` or with seconds, in an unnamed zone).
    pub done_at: Option<String>,
    /// The receipt as it came.
    pub raw: Raw,
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
    /// The provider does not know, or reports a final status that is unknown here. It proves no delivery.
    Unknown,
}

/// Words of receipts, in SMPP, CMPP and gateways over HTTP, with their status.
const WORDS: [(ReceiptStatus, &[&str]); 5] = [
    (ReceiptStatus::Delivered, &["DELIVRD", "DELIVERED"]),
    (ReceiptStatus::Accepted, &["ACCEPTD", "ACCEPTED", "ENROUTE", "SCHEDULED", "BUFFERED", "BUFFRED", "SUBMITTED", "SENT"]),
    (ReceiptStatus::Expired, &["EXPIRED"]),
    (ReceiptStatus::Rejected, &["REJECTD", "REJECTED"]),
    (
        ReceiptStatus::Undelivered,
        &["UNDELIV", "UNDELIVERED", "UNDELIVERABLE", "DELETED", "SKIPPED", "FAILED", "NOROUTE", "BLOCKED"],
    ),
];

/// The status that a word of a receipt means, in upper or lower case. A code such as `MK:0001` is a failure: CMPP's gateways write
/// them in the place of the word, for a fault of the gateway, the centre or the phone.
pub(crate) fn status_of_word(word: &str) -> ReceiptStatus {
    let word = word.trim().to_ascii_uppercase();
    let known = WORDS.iter().find(|(_, words)| words.contains(&word.as_str()));
    match known {
        Some((status, _)) => *status,
        None if is_failure_code(&word) => ReceiptStatus::Undelivered,
        None => ReceiptStatus::Unknown,
    }
}

/// Whether a word is one to four letters, a colon, and a code: `DB:0141`.
fn is_failure_code(word: &str) -> bool {
    let Some((kind, code)) = word.split_once(':') else { return false };
    let is_kind = (1..=4).contains(&kind.len()) && kind.bytes().all(|b| b.is_ascii_alphabetic());
    let is_code = (1..=8).contains(&code.len()) && code.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
    is_kind && is_code
}

impl ReceiptStatus {
    /// Whether the network says that the message was not delivered, or says nothing that is known as a success. Then it proves
    /// nothing.
    pub fn is_failure(self) -> bool {
        !matches!(self, Self::Delivered | Self::Accepted)
    }

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
    /// The provider's id of the message, if it gives one (SMPP does not).
    pub id: Option<String>,
    /// The data coding of the first segment; `None` for HTTP.
    pub coding: Option<u8>,
    /// The message as it came, because its text may not be readable as a whole.
    pub raw: Raw,
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_words_of_success_are_a_success() {
        for (word, status) in [
            ("DELIVRD", ReceiptStatus::Delivered),
            ("delivered", ReceiptStatus::Delivered),
            (" Enroute ", ReceiptStatus::Accepted),
            ("ACCEPTD", ReceiptStatus::Accepted),
            ("EXPIRED", ReceiptStatus::Expired),
            ("REJECTD", ReceiptStatus::Rejected),
            ("UNDELIV", ReceiptStatus::Undelivered),
            ("DELETED", ReceiptStatus::Undelivered),
            ("MK:0001", ReceiptStatus::Undelivered),
            ("DB:0141", ReceiptStatus::Undelivered),
            ("mi:0024", ReceiptStatus::Undelivered),
            ("ID:0076", ReceiptStatus::Undelivered),
            ("CJ:-5", ReceiptStatus::Undelivered),
            ("UNKNOWN", ReceiptStatus::Unknown),
            ("0", ReceiptStatus::Unknown),
            ("", ReceiptStatus::Unknown),
            ("NODELIVRD", ReceiptStatus::Unknown),
            ("12:30", ReceiptStatus::Unknown),
        ] {
            assert_eq!(status_of_word(word), status, "{word}");
        }
        assert!(ReceiptStatus::Unknown.is_failure() && !ReceiptStatus::Accepted.is_failure());
    }

    #[test]
    fn bytes_are_not_shown() {
        let raw = Raw { kind: RawKind::Http, bytes: b"13800000002".to_vec() };
        assert_eq!(format!("{raw:?}"), "Raw { kind: Http, length: 11, .. }");
    }
}
