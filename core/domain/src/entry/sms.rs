//! The customer's SMS (domain 5): the wish to send it, what becomes of it, and what the customer answers.

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::{CaseId, EntryKey, MessageKey, Personal, ReasonCode, Tag, UnixMs, mobile_mark, words};

/// An SMS to the customer, as it is to be sent. Writing it down sends nothing: until an [`SmsReport`] says otherwise it is queued.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Sms {
    /// The failed delivery that it tells of.
    pub attempt: Option<EntryKey>,
    /// The day whose attempt it is to prove: days since 1970-01-01 by the network's clocks.
    pub day: i32,
    /// Head office's template; `None` for a text in a person's own words, which proves nothing (SMS-1).
    pub template: Option<ReasonCode>,
    /// Version of the template; 0 without one.
    pub template_version: u32,
    /// The number it goes to. It may be a virtual one that expires: what proves outlives it.
    pub to: Personal,
    /// Hash of that number with the case, see [`crate::mobile_mark`].
    pub mark: [u8; 8],
    /// The text, without what the operator puts before it.
    pub text: Personal,
    /// SHA-256 of the text: what was sent can be proven after the text itself is erased.
    pub digest: [u8; 32],
    /// Whether the text has the recipient's surname, as the writing device saw it (SMS-4).
    pub has_surname: bool,
    /// Whether the text has the full waybill number.
    pub has_waybill: bool,
}

impl Sms {
    /// A text in a person's own words to a number, of no template; `None` for a number without digits, or sealed.
    pub fn worded(case: &CaseId, day: i32, to: Personal, text: Personal) -> Option<Self> {
        let (mark, digest) = (mobile_mark(case, &to)?, Self::digest_of(text.text()?));
        let (attempt, template, template_version, has_surname, has_waybill) = (None, None, 0, false, false);
        Some(Self { attempt, day, template, template_version, to, mark, text, digest, has_surname, has_waybill })
    }

    /// SHA-256 of a text.
    pub fn digest_of(text: &str) -> [u8; 32] {
        Sha256::digest(text).into()
    }

    /// Which message it is: the same for everybody who would tell the customer the same on one day.
    pub fn message(&self, case: &CaseId) -> MessageKey {
        MessageKey::of(case, self.day, self.template.as_ref().map_or("", ReasonCode::as_str), &self.mark)
    }
}

impl MessageKey {
    /// First 16 bytes of SHA-256 over `message/v1`, the case, the day (32-bit big-endian), the mark of the number and the
    /// template: the business key of which at most one is sent by whoever must ask for a lease.
    pub fn of(case: &CaseId, day: i32, template: &str, mark: &[u8; 8]) -> Self {
        let hash = Sha256::new().chain_update("message/v1").chain_update(case).chain_update(day.to_be_bytes());
        let digest: [u8; 32] = hash.chain_update(mark).chain_update(template).finalize().into();
        let mut id = [0; 16];
        id.iter_mut().zip(digest).for_each(|(to, from)| *to = from);
        Self::new(id)
    }
}

/// What has become of an SMS, as whoever sends it knows: each written durably before the act that it names, or after what it
/// reports.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct SmsReport {
    /// The SMS.
    pub of: EntryKey,
    /// How far it has got.
    pub state: SmsState,
    /// Which try it is, from 0. A new one begins only after a definite failure, or by a person's decision.
    pub round: u32,
    /// The way it goes.
    pub way: SmsWay,
    /// Of a lease: the installation that holds it; `None`: the gateway.
    pub holder: Option<Tag>,
    /// Why it failed, or was not sent.
    pub fault: Option<SmsFault>,
    /// When, as the operator says.
    pub at: Option<UnixMs>,
    /// Why a person decided so.
    pub words: Option<Personal>,
}

/// What the customer answered by SMS.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct SmsReply {
    /// The SMS that it answers.
    pub of: EntryKey,
    /// What it says.
    pub words: Personal,
    /// It asks for no more messages (TD, 退订, STOP).
    pub opt_out: bool,
}

words!(
    /// How far an SMS has got. Of one try what comes later in this list overrules what comes before it, in whatever order it is
    /// learnt; a try that has left overrules every other.
    SmsState {
        /// Written down, not sent.
        Queued = "queued",
        /// Left to whoever gets a lease from the server: its recorder sends it no more.
        Offered = "offered",
        /// The server has leased it to one sender.
        Leased = "leased",
        /// It is being handed over.
        Submitting = "submitting",
        /// It may have been sent: whoever was sending it died in the middle, or got no answer.
        Uncertain = "uncertain",
        /// The person did not send it.
        Cancelled = "cancelled",
        /// The same message went by another sender, so this one is not sent.
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
        /// The operator says that the recipient's phone has it.
        Delivered = "delivered",
    }
);

impl SmsState {
    /// Whether the message has left: from there nobody may send it again.
    pub fn has_left(self) -> bool {
        matches!(self, Self::HandedOver | Self::Sent | Self::Undelivered | Self::Delivered)
    }

    /// Whether it may have left, or is just leaving: nobody else may send it.
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
        /// The phone could not make a message of it.
        NullPdu = "null_pdu",
        /// The phone's operator did not take it, and does not say why.
        Generic = "generic",
        /// There is no such number, or it takes no SMS.
        Number = "number",
        /// The provider does not take the text.
        Text = "text",
        /// The provider refused.
        Refused = "refused",
        /// The provider does not know us, or the account is empty.
        Account = "account",
        /// Only a part of a long message was taken.
        Partial = "partial",
        /// The recipient, or the device, has had as many as the network allows in a day.
        Limit = "limit",
        /// The recipient has asked for no more messages.
        OptedOut = "opted_out",
        /// It is not a number that proves anything: not the label's, its virtual one, or one that the origin outlet gave.
        NotTheLabels = "not_the_labels",
        /// Head office has no gateway.
        NoGateway = "no_gateway",
        /// Whoever had the lease did not say what became of it.
        LeaseLost = "lease_lost",
    }
);

impl SmsFault {
    /// Whether the phone surely sent nothing, so that it may try again by itself.
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
