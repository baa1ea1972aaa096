//! Entries: facts that one user action writes once and nobody changes (architecture, section 1).

use serde::{Serialize, Serializer};

use crate::{
    ActionId, Author, ChangeHash, EntryKey, Fen, NetworkCode, OutletCode, Personal, PhotoId, ReasonCode, TimeEvidence, UnixMs,
    UserId, Waybill,
};

macro_rules! words {
    ($(#[$doc:meta])* $name:ident { $($(#[$vdoc:meta])* $variant:ident = $word:literal),+ $(,)? }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
        pub enum $name { $($(#[$vdoc])* $variant),+ }

        impl $name {
            /// Every value, in the order of the definition.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];
            /// The one spelling used in documents, packs, JSON and on the command line.
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $word),+ }
            }
            /// The value of a spelling.
            pub fn from_word(word: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|value| value.as_str() == word)
            }
        }
        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
                s.serialize_str(self.as_str())
            }
        }
    };
}

words!(
    /// The kinds of entry known today. Kinds are added, never renamed; an unknown one is kept.
    Kind {
        /// A failed delivery.
        Attempt = "attempt",
        /// A call to the customer.
        Call = "call",
        /// A signed, dated note.
        Note = "note",
        /// A reference to a photo.
        Photo = "photo",
        /// An SMS to the customer.
        Sms = "sms",
        /// The notice to the origin outlet.
        Notice = "notice",
        /// The phone notice during an outage.
        Outage = "outage",
        /// The origin outlet's answer.
        Reply = "reply",
        /// The end of the case.
        Close = "close",
        /// The parcel is handed over to another courier, signed by who has it (C-23).
        Handover = "handover",
        /// The other courier takes it over, signed by who gets it (C-23).
        Takeover = "takeover",
    }
);
words!(
    /// How a call to the customer ended (domain, appendix A).
    CallResult {
        /// Somebody answered.
        Answered = "answered",
        /// It rang, nobody answered.
        NoAnswer = "no_answer",
        /// Engaged.
        Busy = "busy",
        /// Switched off or out of service.
        Off = "off",
        /// Answered by a stranger.
        Wrong = "wrong",
        /// No such number.
        NotExist = "not_exist",
    }
);
words!(
    /// How far an SMS is known to have got (domain 5.3). Sent and delivered reports come later.
    SmsLevel {
        /// E1: sending failed; evidence of an attempt only.
        Failed = "failed",
        /// E2: handed over to the phone's message app or queue; counts, weakly.
        HandedOver = "handed_over",
    }
);
words!(
    /// What a photo is meant to show (domain 7).
    PhotoPurpose {
        /// The label.
        Label = "label",
        /// The door, or the notice left there.
        Door = "door",
        /// Closed premises.
        ClosedPremises = "closed_premises",
        /// Outside of a damaged parcel.
        DamageOutside = "damage_outside",
        /// Inside of a damaged parcel.
        DamageInside = "damage_inside",
        /// Anything else.
        Other = "other",
    }
);
words!(
    /// Why there was no online notice (X-1, domain 3.5).
    OutageReason {
        /// Network fault (网络故障).
        Network = "network",
        /// Power cut (停电).
        Power = "power",
    }
);
words!(
    /// Where the target of a notice came from (domain 6.1).
    TargetSource {
        /// The parcel's reference row.
        WaybillData = "waybill_data",
        /// A person chose it; flagged.
        Manual = "manual",
    }
);

/// The deciding facts of a parcel, copied from its reference row by the first entry that an installation writes for a
/// case, so that a judgement needs no row that may be gone by then.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Facts {
    /// The network.
    pub network: NetworkCode,
    /// The waybill; with the network it gives the case id.
    pub waybill: Waybill,
    /// Origin outlet; `None` if the waybill was in no reference row (unlisted).
    pub origin_outlet: Option<OutletCode>,
    /// Delivering outlet; `None` if unlisted.
    pub delivering_outlet: Option<OutletCode>,
    /// Cash to collect.
    pub cod: Fen,
    /// Keyed hash of the label's mobile, if it has one: tells whether an SMS went to the label's number without saying it.
    pub mobile: Option<[u8; 8]>,
    /// Version of the reference rows copied from; 0 if unlisted.
    pub reference: u64,
}

impl Facts {
    /// Whether whoever copied them knew no reference row of the parcel.
    pub fn is_unlisted(&self) -> bool {
        self.origin_outlet.is_none()
    }
}

/// A failed delivery (domain 2.4).
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Attempt {
    /// Code of the rule pack, such as `DF-NOBODY`.
    pub reason: ReasonCode,
    /// Sub-reason, without the reason's own code: `refused`.
    pub sub: Option<ReasonCode>,
    /// What happened, in words.
    pub words: Option<Personal>,
}

/// A call to the customer.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Call {
    /// How it ended.
    pub result: CallResult,
    /// The number called.
    pub number: Option<Personal>,
    /// What was said.
    pub words: Option<Personal>,
}

/// A reference to a photo. The bytes travel apart, after the entry.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Photo {
    /// SHA-256 of the bytes: altered is void (EV-1).
    pub id: PhotoId,
    /// Length in bytes.
    pub len: u64,
    /// What it shows.
    pub purpose: PhotoPurpose,
}

/// An SMS to the customer (domain 5).
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Sms {
    /// How far it got.
    pub level: SmsLevel,
    /// The number it went to.
    pub to: Option<Personal>,
    /// The text as handed over. It proves a valid attempt only with surname and waybill in it (SMS-4).
    pub text: Personal,
    /// Whether the text has the recipient's surname, as the writing device saw it.
    pub has_surname: bool,
    /// Whether the text has the full waybill number.
    pub has_waybill: bool,
}

/// The notice to the origin outlet (domain 6.2).
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Notice {
    /// Whom it is for.
    pub to: OutletCode,
    /// Where the target came from.
    pub source: TargetSource,
    /// Which decision is asked for.
    pub request: Option<Personal>,
}

/// The phone notice during an outage: X-1 counts only with contact person, number and time (domain 3.5).
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Outage {
    /// What had failed.
    pub reason: OutageReason,
    /// Who answered the phone.
    pub contact: Option<Personal>,
    /// The number called.
    pub phone: Option<Personal>,
    /// When the call was, by the device's wall clock.
    pub phoned_at: Option<UnixMs>,
    /// The outlet called.
    pub outlet: Option<OutletCode>,
    /// What was said.
    pub said: Option<Personal>,
}

impl Outage {
    /// Whether everything that X-1 demands was recorded.
    pub fn is_complete(&self) -> bool {
        let filled =
            |value: &Option<Personal>| value.as_ref().is_some_and(|v| v.text().is_none_or(|text| !text.trim().is_empty()));
        filled(&self.contact) && filled(&self.phone) && self.phoned_at.is_some()
    }
}

/// The origin outlet's answer (domain 6.4).
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Reply {
    /// The notice it answers.
    pub notice: Option<EntryKey>,
    /// Decision code of the pack, such as `REDELIVER`.
    pub decision: ReasonCode,
    /// The data the decision needs, in words.
    pub words: Option<Personal>,
    /// Confirmed or corrected phone.
    pub phone: Option<Personal>,
    /// Confirmed or corrected address.
    pub address: Option<Personal>,
}

/// The end of a case (domain 8.5).
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Close {
    /// Outcome code of the pack, such as `SIGNED`.
    pub outcome: ReasonCode,
    /// Who signed, or why.
    pub words: Option<Personal>,
}

/// The giving half of a handover of an open parcel (C-23): both sign, so it counts once the other has taken it over.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Handover {
    /// The courier who is to take it.
    pub to: UserId,
    /// Why, in words.
    pub words: Option<Personal>,
}

/// The taking half of a handover (C-23).
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Takeover {
    /// The handover it answers.
    pub handover: EntryKey,
}

/// An entry that the server wrote anew after head office released it from quarantine: the refused bytes themselves are never
/// applied, because their device has moved on (protocol design, section 6).
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
pub struct Release {
    /// The change that was refused and is kept in quarantine.
    pub original: ChangeHash,
    /// When the server first received it.
    pub received_at: UnixMs,
}

/// What an entry says.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Body {
    /// A failed delivery.
    Attempt(Attempt),
    /// A call.
    Call(Call),
    /// A note.
    Note {
        /// Its text.
        words: Personal,
    },
    /// A photo reference.
    Photo(Photo),
    /// An SMS.
    Sms(Sms),
    /// A notice.
    Notice(Notice),
    /// An outage with its phone notice.
    Outage(Outage),
    /// A reply.
    Reply(Reply),
    /// The end.
    Close(Close),
    /// The giving half of a handover.
    Handover(Handover),
    /// The taking half of a handover.
    Takeover(Takeover),
    /// A kind that this version does not know; it is kept and shown as such.
    Unknown {
        /// The kind as spelled in the key.
        name: String,
    },
}

impl Body {
    /// The kind as spelled in the entry's key.
    pub fn kind(&self) -> &str {
        match self {
            Self::Attempt(_) => Kind::Attempt.as_str(),
            Self::Call(_) => Kind::Call.as_str(),
            Self::Note { .. } => Kind::Note.as_str(),
            Self::Photo(_) => Kind::Photo.as_str(),
            Self::Sms(_) => Kind::Sms.as_str(),
            Self::Notice(_) => Kind::Notice.as_str(),
            Self::Outage(_) => Kind::Outage.as_str(),
            Self::Reply(_) => Kind::Reply.as_str(),
            Self::Close(_) => Kind::Close.as_str(),
            Self::Handover(_) => Kind::Handover.as_str(),
            Self::Takeover(_) => Kind::Takeover.as_str(),
            Self::Unknown { name } => name,
        }
    }
}

/// One entry of a case, as every replica reads it.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct Entry {
    /// Its root key in the document.
    pub key: EntryKey,
    /// Who wrote it.
    pub author: Author,
    /// Version of the rule pack in force on the device when it was written.
    pub pack_version: u32,
    /// When, as far as the device knew.
    #[serde(skip)]
    pub time: TimeEvidence,
    /// The user action, when it touched several cases.
    pub action: Option<ActionId>,
    /// The parcel's deciding facts, in the first entry an installation writes for the case.
    pub facts: Option<Facts>,
    /// Set by the server alone: the entry was refused first and released by head office.
    pub release: Option<Release>,
    /// What it says.
    #[serde(flatten)]
    pub body: Body,
}
