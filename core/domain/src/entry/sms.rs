//! SMS to customers (domain 5): the request to send one, reports on it, and the customer's answer.

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::{CaseId, EntryKey, MessageKey, Personal, ReasonCode, Tag, UnixMs, mobile_mark, words};

/// A request to send an SMS to the customer. The entry sends nothing; the message is queued until an [`SmsReport`] changes its
/// state.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Sms {
    /// The failed delivery that the message reports.
    pub attempt: Option<EntryKey>,
    /// The day of the attempt that the message proves: days since 1970-01-01 in the network's time zone.
    pub day: i32,
    /// Head office's template; `None` for a person's own text, which proves nothing (SMS-1).
    pub template: Option<ReasonCode>,
    /// Version of the template; 0 without one.
    pub template_version: u32,
    /// The number to send to. It may be a virtual number that expires; `mark` keeps the proof.
    pub to: Personal,
    /// Hash of that number with the case, see [`crate::mobile_mark`].
    pub mark: [u8; 8],
    /// The text, without the operator's prefix.
    pub text: Personal,
    /// SHA-256 of the text, which proves the sent text after the text itself is erased.
    pub digest: [u8; 32],
    /// Whether the text has the recipient's surname, as the writing device saw it (SMS-4).
    pub has_surname: bool,
    /// Whether the text has the full waybill number.
    pub has_waybill: bool,
}

impl Sms {
    /// A message with a person's own text and no template; `None` if the number has no digits or is sealed.
    pub fn worded(case: &CaseId, day: i32, to: Personal, text: Personal) -> Option<Self> {
        let (mark, digest) = (mobile_mark(case, &to)?, Self::digest_of(text.text()?));
        let (attempt, template, template_version, has_surname, has_waybill) = (None, None, 0, false, false);
        Some(Self { attempt, day, template, template_version, to, mark, text, digest, has_surname, has_waybill })
    }

    /// SHA-256 of a text.
    pub fn digest_of(text: &str) -> [u8; 32] {
        Sha256::digest(text).into()
    }

    /// The key of the message. Requests for the same message to the customer on one day have the same key.
    pub fn message(&self, case: &CaseId) -> MessageKey {
        MessageKey::of(case, self.day, self.template.as_ref().map_or("", ReasonCode::as_str), &self.mark)
    }
}

impl MessageKey {
    /// First 16 bytes of SHA-256 over `message/v1`, the case, the day (32-bit big-endian), the mark of the number and the
    /// template. The server gives a lease for at most one message with this key.
    pub fn of(case: &CaseId, day: i32, template: &str, mark: &[u8; 8]) -> Self {
        let hash = Sha256::new().chain_update("message/v1").chain_update(case).chain_update(day.to_be_bytes());
        let digest: [u8; 32] = hash.chain_update(mark).chain_update(template).finalize().into();
        let mut id = [0; 16];
        id.iter_mut().zip(digest).for_each(|(to, from)| *to = from);
        Self::new(id)
    }
}

/// A sender's report on the state of an SMS. It is written durably before the act that it names, or after the event that it
/// reports.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct SmsReport {
    /// The SMS.
    pub of: EntryKey,
    /// The state.
    pub state: SmsState,
    /// The number of the try, from 0. A new try begins only after a definite failure, or by a person's decision.
    pub round: u32,
    /// The way of sending.
    pub way: SmsWay,
    /// The installation that holds the lease; `None` for the gateway.
    pub holder: Option<Tag>,
    /// Why it failed, or was not sent.
    pub fault: Option<SmsFault>,
    /// The operator's time of the event.
    pub at: Option<UnixMs>,
    /// The reason for a person's decision, or the network's own words and code of a failure, such as `MK:0012`.
    pub words: Option<Personal>,
}

/// The customer's answer by SMS.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct SmsReply {
    /// The SMS that it answers.
    pub of: EntryKey,
    /// The text of the answer.
    pub words: Personal,
    /// Whether the customer asks for no more messages (TD, 退订, STOP).
    pub opt_out: bool,
}

words!(
    /// The state of an SMS. Within one try a state later in this list overrules earlier ones, independent of the order in which
    /// reports arrive. A try that has left overrules every other try.
    SmsState {
        /// Requested, not sent.
        Queued = "queued",
        /// Offered to other senders, which need a lease of the server. Its recorder no longer sends it without a lease.
        Offered = "offered",
        /// The server has leased it to one sender.
        Leased = "leased",
        /// It is being handed over.
        Submitting = "submitting",
        /// It may have been sent: its sender died during the handover, or got no answer.
        Uncertain = "uncertain",
        /// The person did not send it.
        Cancelled = "cancelled",
        /// Another sender has sent the same message, so this one is not sent.
        Covered = "covered",
        /// It was not sent in its time.
        Expired = "expired",
        /// Handed over to the phone's message app or queue.
        HandedOver = "handed_over",
        /// It was not sent.
        Failed = "failed",
        /// Sent by the phone, or taken by the operator.
        Sent = "sent",
        /// Sent, and the operator could not deliver it.
        Undelivered = "undelivered",
        /// The operator reports that the recipient's phone has it.
        Delivered = "delivered",
    }
);

impl SmsState {
    /// Whether the message has left. Then nobody may send it again.
    pub fn has_left(self) -> bool {
        matches!(self, Self::HandedOver | Self::Sent | Self::Undelivered | Self::Delivered)
    }

    /// Whether the message may have left or is being handed over. Then nobody else may send it.
    pub fn may_have_left(self) -> bool {
        self.has_left() || matches!(self, Self::Submitting | Self::Uncertain)
    }
}

words!(
    /// The way an SMS goes.
    SmsWay {
        /// The phone: its own message app, or the phone by itself.
        Phone = "phone",
        /// The server's gateway.
        Gateway = "gateway",
    }
);

words!(
    /// Why an SMS failed, or was not sent.
    SmsFault {
        /// No cellular service.
        NoService = "no_service",
        /// The radio is off.
        RadioOff = "radio_off",
        /// The phone could not encode the message.
        NullPdu = "null_pdu",
        /// The phone's operator did not accept it and gave no reason.
        Generic = "generic",
        /// The number does not exist, or does not accept SMS.
        Number = "number",
        /// The provider does not accept the text.
        Text = "text",
        /// The provider refused.
        Refused = "refused",
        /// The provider does not know us, or the account is empty.
        Account = "account",
        /// Only a part of a long message was accepted.
        Partial = "partial",
        /// The recipient or the device has reached the network's limit for a day.
        Limit = "limit",
        /// The recipient has asked for no more messages.
        OptedOut = "opted_out",
        /// A message to this number proves nothing: it is neither the label's, nor its virtual one, nor one that the origin
        /// outlet gave.
        NotTheLabels = "not_the_labels",
        /// Head office has no gateway.
        NoGateway = "no_gateway",
        /// The holder of the lease did not report a result.
        LeaseLost = "lease_lost",
    }
);

impl SmsFault {
    /// Whether the phone certainly sent nothing, so that it may try again automatically.
    pub fn is_before_sending(self) -> bool {
        matches!(self, Self::NoService | Self::RadioOff)
    }
}

words!(
    /// How much an SMS proves (domain 5.3).
    SmsLevel {
        /// E0: written, not sent.
        Composed = "composed",
        /// E1: sending failed, or it could not be delivered; evidence of an attempt only.
        Failed = "failed",
        /// E2: handed over to the phone's message app or queue; counts, weakly.
        HandedOver = "handed_over",
        /// E3: sent by the phone, or taken by the gateway's operator.
        Sent = "sent",
        /// E4: delivered.
        Delivered = "delivered",
        /// E5: sent by the gateway, with the operator's receipt.
        Gateway = "gateway",
    }
);

impl SmsLevel {
    /// The level of a message by its state and its way.
    pub fn of(state: SmsState, way: SmsWay) -> Self {
        match (state, way) {
            (SmsState::Delivered, SmsWay::Gateway) => Self::Gateway,
            (SmsState::Delivered, SmsWay::Phone) => Self::Delivered,
            (SmsState::Sent, _) => Self::Sent,
            (SmsState::HandedOver, _) => Self::HandedOver,
            (SmsState::Failed | SmsState::Undelivered, _) => Self::Failed,
            _ => Self::Composed,
        }
    }

    /// Whether a message of this level can prove an attempt.
    pub fn counts(self) -> bool {
        self >= Self::HandedOver
    }

    /// E0 to E5.
    pub fn short(self) -> &'static str {
        match self {
            Self::Composed => "E0",
            Self::Failed => "E1",
            Self::HandedOver => "E2",
            Self::Sent => "E3",
            Self::Delivered => "E4",
            Self::Gateway => "E5",
        }
    }
}
