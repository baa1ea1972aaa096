//! Entries: facts that one user action writes once and nobody changes.

mod asked;
mod door;
mod handling;
mod listed;
mod notice;
mod photo;
mod review;
mod sheet;
mod sms;
mod words;

pub use asked::{Answered, Ask, Dispatch, Linked};
pub use door::{Attempt, Call, Problem};
pub use handling::{Action, Alias, Assign, Close, Consent, Goods, Handover, Ledger, Takeover, Tick, Waiver};
pub use listed::Listed;
pub use notice::{Mark, Notice, Outage, Reply, Seen, has_text};
pub use photo::{Capture, Clarity, GeoPosition, MAX_CAMERA, MAX_PHOTO, MAX_PLACEHOLDER, MAX_THUMBNAIL, Photo, Thumbnail};
pub use review::{About, Correction, Dispute, Ruling};
use serde::Serialize;
pub use sheet::{SheetDay, SheetFacts, SheetNote};
pub use sms::{Sms, SmsFault, SmsLevel, SmsReply, SmsReport, SmsState, SmsWay};
pub use words::{
    Book, CallResult, Customer, Fault, OutageReason, Payer, PhotoPurpose, PhotoSource, Remark, Stage, Stands, TargetSource,
};

use crate::{
    ActionId, Author, ChangeHash, EntryKey, Fen, NetworkCode, OutletCode, Parcel, Personal, TimeEvidence, UnixMs, Waybill,
    mobile_mark, parcel::is_same_mark, words,
};

words!(
    /// The known kinds of entry. New kinds are added, kinds are never renamed, and entries of unknown kinds are kept.
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
        /// A report on the state of an SMS.
        SmsReport = "sms_report",
        /// The customer's answer by SMS.
        SmsReply = "sms_reply",
        /// The notice to the origin outlet.
        Notice = "notice",
        /// The phone notice during an outage.
        Outage = "outage",
        /// The addressed outlet has looked at a notice.
        Seen = "seen",
        /// The origin outlet's answer.
        Reply = "reply",
        /// A remark on another person's entry.
        Mark = "mark",
        /// Something was done with the parcel.
        Action = "action",
        /// A step of a card was done.
        Tick = "tick",
        /// A task is given to somebody.
        Assign = "assign",
        /// A customer agreed.
        Consent = "consent",
        /// The sender's description of the goods.
        Goods = "goods",
        /// A line of outlet finance's registers.
        Ledger = "ledger",
        /// Evidence that cannot be obtained.
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
        /// The parcel is handed over to another courier; signed by the courier who has it (C-23).
        Handover = "handover",
        /// The other courier takes the parcel over; signed by the courier who gets it (C-23).
        Takeover = "takeover",
        /// A row of head office's parcel list, written only by the server.
        Listed = "listed",
        /// An outlet or hub is asked something about the parcel.
        Ask = "ask",
        /// The answer of an outlet or hub that was asked.
        Answered = "answer",
        /// The parcel is given to a run of the outlet's timetable.
        Dispatch = "dispatch",
        /// The other case of a swap, written only by the server.
        Linked = "linked",
        /// A signed, dated note of an outlet's day.
        SheetNote = "s_note",
        /// An outlet's day was opened.
        SheetDay = "s_day",
    }
);

/// The facts of a parcel that a judgement needs. The first entry that an installation writes in a case copies them from the
/// parcel's reference row, because the row may be deleted before the case is judged.
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
    /// Hash of the label's number, if there is one to which an SMS can go. It shows whether an SMS went to that number without revealing the
    /// number.
    pub mobile: Option<[u8; 8]>,
    /// Hash of the virtual number that stands in for the mobile, if there is one (domain 12.4). It stays after the number has
    /// expired.
    pub virtual_mobile: Option<[u8; 8]>,
    /// Scheduled arrival at the delivering outlet (理论到件时间), where the schedule is known (SLA-02).
    pub arrival: Option<UnixMs>,
    /// When the waybill's data were first in the system (SLA-11).
    pub entered: Option<UnixMs>,
    /// Version of the reference rows that were copied; 0 if unlisted.
    pub reference: u64,
}

impl Facts {
    /// The facts of a parcel without a reference row.
    pub fn unlisted(network: NetworkCode, waybill: Waybill) -> Self {
        let (origin_outlet, delivering_outlet, mobile, virtual_mobile, arrival, entered) = (None, None, None, None, None, None);
        let cod = Fen(0);
        Self { network, waybill, origin_outlet, delivering_outlet, cod, mobile, virtual_mobile, arrival, entered, reference: 0 }
    }

    /// The facts of a reference row, with the version of the rows. Devices use this to copy a row and the server to compare a
    /// copy, so that both get equal facts from the same row.
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

    /// Whether both have equal facts. The version of the rows is not compared, because a list is published every day.
    pub fn says_the_same(&self, other: &Self) -> bool {
        *self == Self { reference: self.reference, ..other.clone() }
    }

    /// Whether both have equal facts of a row, where each may have made its marks of the row's numbers by the earlier reading,
    /// see [`crate::is_marked`].
    pub fn says_the_same_of(&self, other: &Self, row: &Parcel) -> bool {
        let case = row.case_id();
        let virtual_number = row.virtual_number.as_ref().map(|number| &number.number);
        is_same_mark(&case, row.recipient_phone.as_ref(), self.mobile, other.mobile)
            && is_same_mark(&case, virtual_number, self.virtual_mobile, other.virtual_mobile)
            && self.says_the_same(&Self { mobile: self.mobile, virtual_mobile: self.virtual_mobile, ..other.clone() })
    }

    /// Whether these facts have nothing but network and waybill, because their writer had no reference row of the parcel.
    pub fn claims_nothing(&self) -> bool {
        *self == Self::unlisted(self.network.clone(), self.waybill.clone())
    }

    /// Whether the writer had no reference row of the parcel.
    pub fn is_unlisted(&self) -> bool {
        self.origin_outlet.is_none()
    }
}

/// Marks an entry that the server wrote anew when head office released a change from quarantine. The refused bytes themselves are
/// never applied, because their device has moved to another installation.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
pub struct Release {
    /// The change that was refused and is kept in quarantine.
    pub original: ChangeHash,
    /// When the server first received it.
    pub received_at: UnixMs,
}

macro_rules! bodies {
    ($($(#[$doc:meta])* $variant:ident),+ $(,)?) => {
        /// The content of an entry.
        #[derive(Clone, PartialEq, Eq, Debug, Serialize)]
        #[serde(tag = "kind", rename_all = "snake_case")]
        pub enum Body {
            $($(#[$doc])* $variant($variant),)+
            /// A note.
            Note {
                /// Its text.
                words: Personal,
            },
            /// A kind that this version does not know. The entry is kept and shown as unknown.
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
    /// A report on the state of an SMS.
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
    /// The sender's description of the goods.
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
    /// A question to an outlet or hub.
    Ask,
    /// Its answer.
    Answered,
    /// A run to which the parcel is given.
    Dispatch,
    /// The other case of a swap.
    Linked,
    /// A note of a sheet.
    #[serde(rename = "s_note")]
    SheetNote,
    /// A sheet's day was opened.
    #[serde(rename = "s_day")]
    SheetDay,
);

impl Body {
    /// The entries that this entry refers to.
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
            Self::Answered(answer) => vec![&answer.ask],
            _ => Vec::new(),
        }
    }

    /// The outlet or hub that this entry asks for an answer: a question, or an action that sends the parcel to a site, which confirms
    /// that it has arrived.
    pub fn asks(&self) -> Option<&OutletCode> {
        match self {
            Self::Ask(ask) => Some(&ask.to),
            Self::Action(action) => action.site.as_ref(),
            _ => None,
        }
    }

    /// The assignment or ruling that this entry replaces, as far as its writer knew. To replace several, a writer writes one
    /// entry for each.
    pub fn replaces(&self) -> Option<&EntryKey> {
        match self {
            Self::Assign(assign) => assign.replaces.as_ref(),
            Self::Ruling(ruling) => ruling.replaces.as_ref(),
            _ => None,
        }
    }

    /// Mutable references to the entry keys in this entry, so that a rebase can update them.
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
            Self::Answered(answer) => vec![&mut answer.ask],
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
    /// The time of the act, as far as the device knew it.
    #[serde(skip)]
    pub time: TimeEvidence,
    /// The user action, if it touched several cases.
    pub action: Option<ActionId>,
    /// The parcel's facts, in the first entry that an installation writes in the case and in each [`Listed`].
    pub facts: Option<Facts>,
    /// The sheet's facts, in the first entry that an installation writes in a sheet.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sheet: Option<SheetFacts>,
    /// Set only by the server, for an entry that was refused first and then released by head office.
    pub release: Option<Release>,
    /// The original change, if this one writes it anew because the device had to move to a new installation. The server gives
    /// this change the original's time.
    pub rewrites: Option<ChangeHash>,
    /// The content.
    #[serde(flatten)]
    pub body: Body,
}
