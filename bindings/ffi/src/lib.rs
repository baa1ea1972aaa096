//! The field client for Kotlin, Swift and Python: the one crate that names UniFFI.
//!
//! Thin on purpose: records owned by this crate, a dozen kinds of error with words in two languages, one runtime of our own,
//! one client for each folder in the process. Every call runs on our threads whatever executor polls it, so no host's event loop
//! is ever blocked. One file for each part of the app: `client` (life), `session`, `parcels`, `cases` (`told`: what an entry says), `ahead` (what is asked before the act), `attempts`
//! (what is recorded; `commands` says what can be), `photos`,
//! `sms`, `sync`, `rules`, `platform` (what the host gives), `errors`, `logging`. Never here: business rules, SQL, HTTP, anything
//! behind a target `cfg` (one generated text serves all targets), generated code.

mod ahead;
mod asked;
mod attempts;
mod calls;
mod cases;
mod client;
mod commands;
mod duties;
mod errors;
mod ledgers;
mod listen;
mod logging;
mod parcels;
mod photos;
mod platform;
mod rules;
mod runtime;
mod session;
mod sheets;
mod sms;
mod sync;
mod told;
mod words;

pub use ahead::{AlarmRow, NeededEvidence, ReasonNeeds, ReasonQuestion, SmsChance, StartingClock};
pub use asked::{AnswerRow, AskResultRow, AskRow, LinkedRow};
pub use attempts::{PhotoFile, PhotoShows, Recorded};
pub use cases::{
    CaseDetail, CaseFilter, CasePage, CaseSummary, ContactGap, DeadlineRow, Explained, FindingRow, MessageRow, MissingEvidence,
    TimelineEntry,
};
pub use client::{ClientConfig, DoorstepClient, end_process, open_client};
pub use commands::{Command, FailedDelivery, OriginReply, ProblemFound, SmsRequest};
pub use duties::{DutyRow, ListPart};
pub use errors::DoorstepError;
pub use ledgers::{LedgerDays, LedgerRow, LedgerSum};
pub use listen::{ChangeListener, Subscription};
pub use logging::{Level, LogConfig, LogRecord, LogSink, flush_logs, init_logging};
pub use parcels::{FreightRow, OutletRow, ParcelRow};
pub use photos::{PhotoLook, PhotoRow, PhotoState};
pub use platform::{
    ClockReading, Connectivity, DatabaseKey, DeviceClock, DeviceKey, Location, Position, SmsPlatform, SmsToSend, Surroundings,
};
pub use rules::{NamedCode, OutcomeCode, ProblemCode, RuleSummary};
pub use runtime::Cancel;
pub use session::{Assignable, Person};
pub use sheets::SheetDetail;
pub use sms::{SmsDraft, SmsMoved, SmsOutcome};
pub use sync::{NewsRow, RefusedAction, SyncSummary, UnsentAction, UnsentSummary};
pub use told::{ToldLine, ToldPersonal, ToldValue};
pub use words::Bilingual;

uniffi::setup_scaffolding!();
