//! Errors for bindings: the reason of a failure, and a code for apps. Their words for people are in `words`.

use doorstep_domain::{IdError, NumberFault, PersonalError, Waybill, WaybillError};
use doorstep_media::MediaError;
use doorstep_protocol::ErrorCode;
use doorstep_rules::{Premature, Words, sms::TemplateFault};
use doorstep_store::{OpenError, StoreError, is_of_no_room};
use doorstep_sync::Failure;

use crate::{SignError, Unreached};

/// The kind of failure, which determines the command line's exit codes and a binding's error types.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// The call itself is wrong: not a waybill, not a photo.
    Usage,
    /// A rule forbids it.
    Rule,
    /// The network or the server failed. All records are kept and will be sent.
    Network,
    /// The device's storage failed.
    Storage,
}

/// A person of the outlet, for the screen. The debug text has no name, because errors are logged.
#[derive(Clone, PartialEq, Eq)]
pub struct Colleague {
    /// The account.
    pub account: String,
    /// The name.
    pub name: String,
}

impl std::fmt::Debug for Colleague {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Colleague").field("account", &self.account).finish_non_exhaustive()
    }
}

/// Why a rule refuses a command, with what is allowed instead.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refusal {
    /// One of several parcels is refused, and nothing was recorded of any.
    OfMany {
        /// The refused parcel.
        waybill: Waybill,
        /// Why.
        why: Box<Refusal>,
    },
    /// The device is not enrolled.
    NotEnrolled,
    /// No rule pack has been received yet.
    NoPack,
    /// No such reason in the pack.
    Reason {
        /// The given text.
        given: String,
        /// The pack's codes.
        known: Vec<String>,
    },
    /// No such sub-reason.
    Sub {
        /// The given text.
        given: String,
        /// The reason's sub-reasons.
        known: Vec<String>,
    },
    /// No such decision or outcome.
    Code {
        /// The given text.
        given: String,
        /// The pack's codes.
        known: Vec<String>,
    },
    /// The parcel is on the person's list, and nothing is recorded of it yet.
    NoCase,
    /// The parcel is known, and no problem is recorded of it yet, so there is nothing to notify or reply to.
    NoAttempt,
    /// The problem that was recorded of this parcel was taken back by a correction.
    TakenBack,
    /// The case of this parcel has ended and has left this device.
    Ended {
        /// The outcome, if it is known.
        outcome: Option<Words>,
    },
    /// The parcel is another person's now, and its case has left this device.
    Elsewhere,
    /// No notice of this parcel has come to the person's outlet.
    NotNotified,
    /// The parcel is in no list of the person's, and nothing is recorded of it.
    NotListed,
    /// The parcel is in no list, so the target must be named.
    NoTarget,
    /// Only the origin outlet's staff may reply.
    NotOrigin,
    /// The template gives no text for the customer.
    Template(TemplateFault),
    /// There is no number for an SMS.
    NoNumber,
    /// The text for the number is none to which an SMS may go.
    NumberUnusable(NumberFault),
    /// The case knows its numbers as wrong, and the person named none.
    NumberWrong,
    /// The number is a virtual one that has ended, and may be somebody else's now.
    NumberEnded,
    /// The customer asks for no more messages.
    OptedOut,
    /// Only the device that recorded the attempt may send its SMS without a lease.
    SmsNotYours,
    /// The server does not lease the SMS.
    NoLease {
        /// The server's reason.
        why: String,
    },
    /// The case has reached its limit.
    CaseFull,
    /// The person's role may not register such a problem at any of its stages.
    Registrar,
    /// No such entry or finding in the case.
    NoEntry {
        /// The given text.
        given: String,
    },
    /// There is no notice that could be seen.
    NoNotice,
    /// There is no reply to mark.
    NoReply,
    /// The action lacks its evidence.
    Unproven {
        /// The missing evidence.
        lacking: Vec<Words>,
    },
    /// The act would not do what the person wants. They may insist, see [`crate::Client::record_anyway`].
    Premature(Premature),
    /// The person's role does not read the ledgers.
    NoLedger,
    /// The words hold nothing that a reader would see.
    NoWords,
    /// The other entry must be named in a correction of an act that was recorded twice, and in no other correction.
    SameAs,
    /// An amount below zero.
    Amount,
    /// The first number must be a provisional one, the second the parcel's own.
    NotProvisional,
    /// The policy gives the person's role no right to this.
    Rights {
        /// The kind of entry.
        kind: String,
    },
    /// The parcel is not being handed over to this person.
    NotOffered,
    /// The parcel can not be assigned to this person: they have left, or are no courier of the delivering outlet.
    Assignee {
        /// The given account.
        given: String,
        /// The couriers to whom it can be assigned.
        possible: Vec<Colleague>,
    },
    /// There is no assignment to undo, or nobody is known to have had the parcel before.
    NotAssigned,
    /// The case has ended, so nobody would have to answer or to carry anything out.
    Over {
        /// The outcome, if it is known.
        outcome: Option<Words>,
    },
    /// The person's own outlet is not asked: it can record what it knows.
    OwnOutlet,
    /// Nobody is asked, or more outlets than one act can ask.
    HowManyAsked,
    /// The case has its most questions ([`doorstep_rules::MOST_ASKS`]); a further one would reach nobody.
    AskedEnough,
    /// The directory has no such outlet or hub.
    Outlet {
        /// The given code.
        given: String,
        /// The codes of the directory.
        known: Vec<String>,
    },
    /// The person's outlet is asked nothing about the parcel, or has answered.
    NothingAsked,
    /// Another outlet is asked.
    NotAsked {
        /// The asked outlet.
        asked: String,
    },
    /// The person's outlet is asked several things, and the answer fits more than one.
    WhichQuestion {
        /// The open questions: their entries and the names of their steps.
        open: Vec<(String, Words)>,
    },
    /// The action sends the parcel on, and neither it nor the reply in force names the site.
    NoSite,
    /// The parcel is at the outlet to which it is to be sent on.
    AlreadyThere {
        /// The outlet.
        outlet: String,
    },
    /// The outlet's timetable has no such run.
    Run {
        /// The given time of day.
        given: String,
        /// The outlet's runs.
        known: Vec<String>,
    },
    /// The device is locked: somebody must unlock it first.
    Locked,
    /// The device has not heard from head office for longer than the policy permits.
    OfflineTooLong,
    /// Head office had this device wiped.
    Wiped,
    /// The PIN is wrong.
    PinWrong,
    /// Too many wrong PINs. A new code from head office is needed.
    PinLocked,
    /// The person has set no PIN.
    NoPin,
    /// The PIN does not have 4 to 12 digits.
    PinShape,
    /// The person was never enrolled on this device.
    NotAMember,
}

/// Why a call failed. No error loses an earlier record.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// The store cannot be opened.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// The store failed.
    #[error(transparent)]
    Store(StoreError),
    /// The store failed while a person's act was to be recorded, and nothing of the act was recorded. Only the calls that record
    /// give this error, because for all others there was nothing to record.
    #[error("record: {0}")]
    Unrecorded(StoreError),
    /// A rule forbids it.
    #[error("a rule refuses it: {0:?}")]
    Refused(Refusal),
    /// Not a waybill.
    #[error("read the waybill: {0}")]
    Waybill(#[from] WaybillError),
    /// Not a code.
    #[error("read a code: {0}")]
    Code(#[from] IdError),
    /// A text that is too long.
    #[error("take a text: {0}")]
    Text(#[from] PersonalError),
    /// Not a photo.
    #[error("take a photo: {0}")]
    Photo(#[from] MediaError),
    /// Not an address of a server.
    #[error("use the server's address: it must start with http:// or https://")]
    Server,
    /// Plain HTTP to another machine, which was not allowed explicitly.
    #[error(
        "use the server's address: plain HTTP to another machine is readable on the way; use https://, or say that it is meant"
    )]
    Insecure,
    /// The given authorities have no usable certificate.
    #[error("read the certificate authorities: there is no usable certificate in the PEM")]
    Roots,
    /// The network or the server failed.
    #[error("reach the server: {0:?}")]
    Network(Failure),
    /// No server of ours answers at the address of an enrolment. Nothing was changed.
    #[error("reach the server at {address}: {}", why.as_str())]
    Unreached {
        /// Host and port, and nothing else of what the person typed.
        address: String,
        /// Why.
        why: Unreached,
    },
    /// The device's key failed.
    #[error(transparent)]
    Key(#[from] SignError),
    /// The operating system gave no randomness, or an internal thread failed.
    #[error("run: {0}")]
    Internal(&'static str),
}

impl From<StoreError> for ClientError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::NotEnrolled => Self::Refused(Refusal::NotEnrolled),
            StoreError::NoPack => Self::Refused(Refusal::NoPack),
            StoreError::OtherPerson => Self::Network(Failure::Refused(ErrorCode::TagTaken)),
            StoreError::CaseFull => Self::Refused(Refusal::CaseFull),
            StoreError::Wiped => Self::Refused(Refusal::Wiped),
            other => Self::Store(other),
        }
    }
}

impl ClientError {
    /// The error of a call that records: a failure of the store left nothing recorded.
    pub(crate) fn of_recording(self) -> Self {
        match self {
            Self::Store(error) => Self::Unrecorded(error),
            other => other,
        }
    }

    /// The kind of failure.
    pub fn kind(&self) -> Kind {
        match self {
            Self::Open(_) | Self::Store(_) | Self::Unrecorded(_) | Self::Key(_) | Self::Internal(_) => Kind::Storage,
            // A refusal by the server. Trying again does not help, so it is not a network failure.
            Self::Refused(_) | Self::Network(Failure::Refused(_) | Failure::Blocked(_)) => Kind::Rule,
            Self::Waybill(_) | Self::Code(_) | Self::Text(_) | Self::Photo(_) | Self::Server | Self::Insecure | Self::Roots => {
                Kind::Usage
            }
            Self::Network(_) | Self::Unreached { .. } => Kind::Network,
        }
    }

    /// One word for the error, by which an app can decide. If the server refused, it is the server's code. Codes are added, never
    /// renamed.
    pub fn code(&self) -> &str {
        match self {
            Self::Refused(refusal) => refusal.code(),
            Self::Network(Failure::Refused(code)) => code.as_str(),
            Self::Network(Failure::Blocked(block)) => block.as_str(),
            Self::Network(Failure::Busy(_)) => ErrorCode::Busy.as_str(),
            Self::Network(Failure::TooLarge) => ErrorCode::TooLarge.as_str(),
            Self::Network(_) => "no_network",
            Self::Unreached { why, .. } => why.as_str(),
            Self::Open(OpenError::Corrupt)
            | Self::Store(StoreError::Corrupt | StoreError::Damaged(_))
            | Self::Unrecorded(StoreError::Corrupt | StoreError::Damaged(_)) => "damaged",
            Self::Open(OpenError::WrongFile { .. }) => "wrong_file",
            Self::Open(OpenError::TooNew { .. }) => "too_new",
            Self::Open(OpenError::InUse) => "in_use",
            Self::Open(OpenError::KeyWrong) => "key_wrong",
            Self::Open(OpenError::KeyMissing) => "key_missing",
            Self::Open(OpenError::NotEncrypted) => "not_encrypted",
            Self::Open(OpenError::NoEncryption) => "no_encryption",
            Self::Open(OpenError::KeySize) => "key_size",
            Self::Open(OpenError::DiskFull) | Self::Store(StoreError::DiskFull) | Self::Unrecorded(StoreError::DiskFull) => {
                "disk_full"
            }
            Self::Key(SignError::File { source, .. }) if is_of_no_room(source) => "disk_full",
            Self::Open(_) | Self::Store(_) | Self::Unrecorded(_) => "storage",
            Self::Waybill(_) => "waybill",
            Self::Code(_) => "code",
            Self::Text(_) => "text_too_long",
            Self::Photo(_) => "photo",
            Self::Server => "server_address",
            Self::Insecure => "insecure_address",
            Self::Roots => "certificates",
            Self::Key(SignError::Lost) => "device_key_lost",
            Self::Key(_) => "device_key",
            Self::Internal(_) => "internal",
        }
    }

    /// The server's code, if the server refused.
    pub fn server_code(&self) -> Option<&ErrorCode> {
        match self {
            Self::Network(Failure::Refused(code)) => Some(code),
            _ => None,
        }
    }
}

impl Refusal {
    /// The refusal itself, also if it is one of several parcels'.
    pub fn cause(&self) -> &Refusal {
        match self {
            Self::OfMany { why, .. } => why.cause(),
            other => other,
        }
    }

    /// One word for the refusal, see [`ClientError::code`].
    pub fn code(&self) -> &'static str {
        match self {
            Self::OfMany { why, .. } => why.code(),
            Self::NotEnrolled => "not_enrolled",
            Self::NoPack => "no_rules",
            Self::Reason { .. } => "reason_unknown",
            Self::Sub { .. } => "sub_unknown",
            Self::Code { .. } => "code_unknown",
            Self::NoCase => "no_case",
            Self::NoAttempt => "no_attempt",
            Self::TakenBack => "taken_back",
            Self::Ended { .. } => "case_ended",
            Self::Elsewhere => "parcel_elsewhere",
            Self::NotNotified => "not_notified",
            Self::NotListed => "not_listed",
            Self::NoTarget => "no_target",
            Self::NotOrigin => "not_origin",
            Self::Template(_) => "template",
            Self::NoNumber => "no_number",
            Self::NumberUnusable(_) => "number_unusable",
            Self::NumberWrong => "number_wrong",
            Self::NumberEnded => "number_ended",
            Self::OptedOut => "opted_out",
            Self::SmsNotYours => "sms_not_yours",
            Self::NoLease { .. } => "no_lease",
            Self::CaseFull => "case_full",
            Self::Registrar => "registrar",
            Self::NoEntry { .. } => "no_entry",
            Self::NoNotice => "no_notice",
            Self::NoReply => "no_reply",
            Self::Unproven { .. } => "unproven",
            Self::Premature(Premature::ReplyLacks { .. }) => "reply_lacks",
            Self::Premature(Premature::OutageLacks { .. }) => "outage_lacks",
            Self::Premature(Premature::AgainstReply { .. }) => "against_reply",
            Self::Premature(Premature::NotHandedIn { .. }) => "cod_not_handed_in",
            Self::NoLedger => "no_ledger",
            Self::NoWords => "no_words",
            Self::SameAs => "same_as",
            Self::Amount => "amount",
            Self::NotProvisional => "not_provisional",
            Self::Rights { .. } => "rights",
            Self::NotOffered => "not_offered",
            Self::Assignee { .. } => "assignee",
            Self::NotAssigned => "not_assigned",
            Self::Over { .. } => "case_over",
            Self::OwnOutlet => "own_outlet",
            Self::HowManyAsked => "how_many_asked",
            Self::AskedEnough => "asked_enough",
            Self::Outlet { .. } => "outlet_unknown",
            Self::NothingAsked => "nothing_asked",
            Self::NotAsked { .. } => "not_asked",
            Self::WhichQuestion { .. } => "which_question",
            Self::NoSite => "no_site",
            Self::AlreadyThere { .. } => "already_there",
            Self::Run { .. } => "run_unknown",
            Self::Locked => "locked",
            Self::OfflineTooLong => "offline_too_long",
            Self::Wiped => "wiped",
            Self::PinWrong => "pin_wrong",
            Self::PinLocked => "pin_locked",
            Self::NoPin => "no_pin",
            Self::PinShape => "pin_shape",
            Self::NotAMember => "not_a_member",
        }
    }
}
