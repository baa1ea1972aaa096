//! The client on one folder, around `sync` and `store`. Every binding wraps [`Client`].
//!
//! Recording and reading are blocking calls on local storage and need no network. Only [`Client::enrol`], [`Client::sync`] and
//! [`Client::wait_for_hint`] use the network. A [`Recording`] is a person's action; [`Client::record`] validates it against the
//! rule pack, turns it into entries and makes it durable. This crate supplies time, randomness and sockets to the crates below.
//! Business rules (which are in the pack and in `rules`), SQL and Automerge do not belong here.

mod ahead;
mod background;
mod client;
mod clock;
mod codes;
mod command;
mod drive;
mod error;
pub mod http;
mod inner;
mod ledger;
mod live;
mod news;
mod patch;
mod photos;
mod proof;
mod random;
mod reach;
mod ready;
mod rights;
mod sender;
mod session;
mod sheet;
mod signer;
mod sms;
mod telling;
mod told;
mod unreached;
mod words;

pub use client::{Client, Options, Outcome};
pub use clock::{Clock, SystemClock};
pub use command::{NewPhoto, ReasonAhead, ReasonWish, SmsAhead, SmsPreview, said};
pub use drive::SyncReport;
pub use error::{ClientError, Colleague, Kind, Refusal};
pub use news::CaseNews;
pub use photos::Look;
pub use proof::{Authorship, ProvenEntry};
pub use sender::{OutgoingSms, SmsResult, SmsSender};
pub use session::MOST_WRONG_PINS;
pub use sheet::SheetCommand;
pub use signer::{DeviceSigner, SignError, SoftwareSigner};
pub use sms::Dispatched;
pub use unreached::Unreached;

pub use doorstep_domain::Attempt;
pub use doorstep_protocol::{DayRow, ErrorCode, PersonRow};
pub use doorstep_rules::{
    Ahead, Alarm, AlarmKind, Conditions, Duty, Hold, LedgerLine, LedgerTotal, Ledgers, Premature, Turn, Unclear,
};
pub use doorstep_store::{
    Act, CaseRow, CaseView, Filter, Identity, Member, PhotoRef, PhotoStanding, PhotoStatus, Place, Recording, RefusedIntent,
    Salvage, SmsWish, Status, StoreKey, UnsentIntent, Which, Written,
};
