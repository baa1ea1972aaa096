//! Entries: facts that one user action writes once and nobody changes (architecture, section 1).

mod door;
mod handling;
mod listed;
mod notice;
mod photo;
mod review;
mod sheet;
mod sms;
mod words;

pub use door::{Attempt, Call, Problem};
pub use handling::{Action, Alias, Assign, Close, Consent, Goods, Handover, Ledger, Takeover, Tick, Waiver};
pub use listed::Listed;
pub use notice::{Mark, Notice, Outage, Reply, Seen, has_text};
pub use photo::{Capture, Clarity, GeoPosition, MAX_CAMERA, MAX_PHOTO, MAX_PLACEHOLDER, MAX_THUMBNAIL, Photo, Thumbnail};
pub use review::{About, Correction, Dispute, Ruling};
use serde::Serialize;
pub use sheet::{SheetDay, SheetFacts, SheetNote};
pub use sms::{Sms, SmsFault, SmsLevel, SmsReply, SmsReport, SmsState, SmsWay};
pub use words::{Book, CallResult, Customer, Fault, OutageReason, Payer, PhotoPurpose, Remark, Stage, Stands, TargetSource};

use crate::{
    ActionId, Author, ChangeHash, EntryKey, Fen, NetworkCode, OutletCode, Parcel, Personal, TimeEvidence, UnixMs, Waybill,
    mobile_mark, words,
};

words!(
    /// The kinds of entry known today. Kinds are added, never renamed; an unknown one is kept.
    Kind {
        /// A failed delivery.
        Attempt = "attempt",
        /// Another problem.
        Problem = "problem",
        /// A call to the customer.
        Call = "call",
        /// A signed, dated note.
        Note = "note",
        /// A reference to a photo.
        Photo = "photo",
        /// An SMS to the customer.
        Sms = "sms",
        /// What has become of an SMS.
        SmsReport = "sms_report",
        /// What the customer answered by SMS.
        SmsReply = "sms_reply",
        /// The notice to the origin outlet.
        Notice = "notice",
        /// The phone notice during an outage.
        Outage = "outage",
        /// The addressed outlet has looked at a notice.
        Seen = "seen",
        /// The origin outlet's answer.
        Reply = "reply",
        /// What somebody says of another's entry.
        Mark = "mark",
        /// Something was done with the parcel.
        Action = "action",
        /// A step of a card was done.
        Tick = "tick",
        /// Somebody is to act.
        Assign = "assign",
        /// A customer agreed.
        Consent = "consent",
        /// What the sender says of the goods.
        Goods = "goods",
        /// A line of outlet finance's registers.
        Ledger = "ledger",
        /// Evidence that can not be had.
        Waiver = "waiver",
        /// Another number of the same parcel.
        Alias = "alias",
        /// An earlier entry was wrong.
        Correction = "correction",
        /// A finding or mark is contested.
        Dispute = "dispute",
        /// Head office rules on something.
        Ruling = "ruling",
        /// The end of the case.
        Close = "close",
        /// The parcel is handed over to another courier, signed by who has it (C-23).
        Handover = "handover",
        /// The other courier takes it over, signed by who gets it (C-23).
        Takeover = "takeover",
        /// What head office's list says of the parcel, written by the server alone.
        Listed = "listed",
        /// A signed, dated note of an outlet's day.
        SheetNote = "s_note",
        /// An outlet's day was opened.
        SheetDay = "s_day",
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
    /// Keyed hash of the virtual number that stands for it, if there is one (domain 12.4). It stays after the number has expired.
    pub virtual_mobile: Option<[u8; 8]>,
    /// Scheduled arrival at the delivering outlet (理论到件时间), where the schedule is known (SLA-02).
    pub arrival: Option<UnixMs>,
    /// When the waybill's data were in the system (SLA-11).
    pub entered: Option<UnixMs>,
    /// Version of the reference rows copied from; 0 if unlisted.
    pub reference: u64,
}

impl Facts {
    /// What somebody knows who has no reference row of the parcel.
    pub fn unlisted(network: NetworkCode, waybill: Waybill) -> Self {
        let (origin_outlet, delivering_outlet, mobile, virtual_mobile, arrival, entered) = (None, None, None, None, None, None);
        let cod = Fen(0);
        Self { network, waybill, origin_outlet, delivering_outlet, cod, mobile, virtual_mobile, arrival, entered, reference: 0 }
    }

    /// What a reference row says, with the version of the rows. Devices copy by it and the server compares by it, so that a copy of
    /// the same row is the same.
    pub fn of(row: &Parcel, reference: u64) -> Self {
        let case = row.case_id();
        Self {
            origin_outlet: Some(row.origin_outlet.clone()),
            delivering_outlet: Some(row.delivering_outlet.clone()),
            cod: row.cod,
            mobile: row.recipient_phone.as_ref().and_then(|phone| mobile_mark(&case, phone)),
            virtual_mobile: row.virtual_number.as_ref().and_then(|number| mobile_mark(&case, &number.number)),
            arrival: row.theoretical_arrival,
            entered: row.entered_at,
            reference,
            ..Self::unlisted(row.network.clone(), row.waybill.clone())
        }
    }

    /// Whether both say the same of the parcel. The version of the rows may differ: a list is published anew every day.
    pub fn says_the_same(&self, other: &Self) -> bool {
        *self == Self { reference: self.reference, ..other.clone() }
    }

    /// Whether they say nothing but whose number it is: whoever wrote them knew no reference row of the parcel.
    pub fn claims_nothing(&self) -> bool {
        *self == Self::unlisted(self.network.clone(), self.waybill.clone())
    }

    /// Whether whoever copied them knew no reference row of the parcel.
    pub fn is_unlisted(&self) -> bool {
        self.origin_outlet.is_none()
    }
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

macro_rules! bodies {
    ($($(#[$doc:meta])* $variant:ident),+ $(,)?) => {
        /// What an entry says.
        #[derive(Clone, PartialEq, Eq, Debug, Serialize)]
        #[serde(tag = "kind", rename_all = "snake_case")]
        pub enum Body {
            $($(#[$doc])* $variant($variant),)+
            /// A note.
            Note {
                /// Its text.
                words: Personal,
            },
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
                    $(Self::$variant(_) => Kind::$variant.as_str(),)+
                    Self::Note { .. } => Kind::Note.as_str(),
                    Self::Unknown { name } => name,
                }
            }
        }
    };
}

bodies!(
    /// A failed delivery.
    Attempt,
    /// Another problem.
    Problem,
    /// A call.
    Call,
    /// A photo reference.
    Photo,
    /// An SMS.
    Sms,
    /// What has become of one.
    SmsReport,
    /// The customer's answer.
    SmsReply,
    /// A notice.
    Notice,
    /// An outage with its phone notice.
    Outage,
    /// A notice was looked at.
    Seen,
    /// A reply.
    Reply,
    /// A mark on another's entry.
    Mark,
    /// An action.
    Action,
    /// A step done.
    Tick,
    /// An assignment.
    Assign,
    /// A customer's consent.
    Consent,
    /// The goods, as the sender describes them.
    Goods,
    /// A ledger line.
    Ledger,
    /// A waiver.
    Waiver,
    /// Another number.
    Alias,
    /// A correction.
    Correction,
    /// A dispute.
    Dispute,
    /// A ruling.
    Ruling,
    /// The end.
    Close,
    /// The giving half of a handover.
    Handover,
    /// The taking half of a handover.
    Takeover,
    /// A row of head office's list.
    Listed,
    /// A note of a sheet.
    #[serde(rename = "s_note")]
    SheetNote,
    /// A sheet's day was opened.
    #[serde(rename = "s_day")]
    SheetDay,
);

impl Body {
    /// The entries that it is about, as its writer knew them.
    pub fn references(&self) -> Vec<&EntryKey> {
        match self {
            Self::Seen(seen) => vec![&seen.notice],
            Self::Sms(sms) => sms.attempt.iter().collect(),
            Self::SmsReport(report) => vec![&report.of],
            Self::SmsReply(reply) => vec![&reply.of],
            Self::Reply(reply) => reply.notice.iter().collect(),
            Self::Mark(mark) => vec![&mark.about],
            Self::Assign(assign) => assign.replaces.iter().collect(),
            Self::Correction(correction) => std::iter::once(&correction.of).chain(&correction.same_as).collect(),
            Self::Dispute(dispute) => vec![&dispute.about.entry],
            Self::Ruling(ruling) => std::iter::once(&ruling.about.entry).chain(&ruling.replaces).collect(),
            Self::Takeover(takeover) => vec![&takeover.handover],
            _ => Vec::new(),
        }
    }

    /// The entry whose place it takes, as far as its writer knew: of an assignment or a ruling. Whoever knows of several takes the
    /// place of each with an entry of its own.
    pub fn replaces(&self) -> Option<&EntryKey> {
        match self {
            Self::Assign(assign) => assign.replaces.as_ref(),
            Self::Ruling(ruling) => ruling.replaces.as_ref(),
            _ => None,
        }
    }

    /// The entries that it names, for whoever writes them anew under other keys.
    pub fn references_mut(&mut self) -> Vec<&mut EntryKey> {
        match self {
            Self::Seen(seen) => vec![&mut seen.notice],
            Self::Sms(sms) => sms.attempt.iter_mut().collect(),
            Self::SmsReport(report) => vec![&mut report.of],
            Self::SmsReply(reply) => vec![&mut reply.of],
            Self::Reply(reply) => reply.notice.iter_mut().collect(),
            Self::Mark(mark) => vec![&mut mark.about],
            Self::Assign(assign) => assign.replaces.iter_mut().collect(),
            Self::Correction(correction) => std::iter::once(&mut correction.of).chain(&mut correction.same_as).collect(),
            Self::Dispute(dispute) => vec![&mut dispute.about.entry],
            Self::Ruling(ruling) => std::iter::once(&mut ruling.about.entry).chain(&mut ruling.replaces).collect(),
            Self::Takeover(takeover) => vec![&mut takeover.handover],
            _ => Vec::new(),
        }
    }
}

/// One entry of a document, as every replica reads it.
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
    /// The parcel's deciding facts, in the first entry an installation writes for the case and in each [`Listed`].
    pub facts: Option<Facts>,
    /// Of which sheet it is, in the first entry an installation writes in one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sheet: Option<SheetFacts>,
    /// Set by the server alone: the entry was refused first and released by head office.
    pub release: Option<Release>,
    /// The change that this one writes anew, because its device had to go on as a new installation. It takes the time that the server
    /// knows of that one.
    pub rewrites: Option<ChangeHash>,
    /// What it says.
    #[serde(flatten)]
    pub body: Body,
}
