//! Rule packs as data, and the judgement of a case by them.
//!
//! There are two pure steps. [`Case::fold`] builds a case from merged entries with their receipts. [`judge`] applies a network's
//! [`Rulebook`] to it and gives state, next step, deadlines, missing evidence, cards, conflicts and findings. Equal entries,
//! receipts, rules and time give equal results on a phone and at head office. No result is stored as truth. [`explain`] gives the
//! facts and the rule behind a result in Chinese and English. [`tell`] gives the content of an entry for all screens, and
//! [`Sight`] decides who sees a customer's data in it.
//!
//! A network's rules (codes, cards, evidence, clocks, exceptions, outcomes, liabilities, calendars) are in the pack's TOML; this
//! crate only interprets such tables. I/O, clocks, documents and wire formats do not belong here.

mod ahead;
mod alarm;
mod asked;
mod card;
mod case;
mod case_index;
mod conflict;
mod contacts;
mod corrections;
mod deadline;
mod duty;
mod evidence;
mod explain;
mod finding;
mod flags;
mod format;
mod holder;
mod judge;
mod lanes;
mod ledger;
mod leniency;
mod listing;
mod method;
mod otherwise;
mod pack;
mod phase;
mod photo;
mod policy;
mod premature;
mod proof;
mod question;
mod quotas;
mod reply;
mod rulebook;
mod sheet;
mod slots;
pub mod sms;
mod state;
mod tally;
mod telling;
mod turn;
mod words;
mod worlds;

pub use ahead::{Ahead, Asked, Imagined, Starting, asks};
pub use alarm::{Alarm, AlarmKind, Watched, alarms};
pub use asked::{AnswerState, AskState, LinkedCase, MOST_ASKS, UNLINKED};
pub use card::{Card, CardLine, Done};
pub use case::{Case, PROVISIONAL};
pub use conflict::{Conflict, ConflictKind};
pub use contacts::{Contacts, gap_words};
pub use deadline::{Deadline, Timeliness};
pub use duty::{Duty, DutyKind, Reader, Turn, shown_duty, turn};
pub use evidence::{AttemptBasis, Basis, Gap, lacking};
pub use explain::{Explanation, explain};
pub use finding::{Decided, Finding, FindingState};
pub use flags::Flag;
pub use format::NEWEST_FORMAT;
pub use judge::{Judgement, ReplyState, judge};
pub use lanes::{Conditions, Hold, LOST_AFTER_DAYS, Lane, Metered, PhotoPolicy};
pub use ledger::{LedgerLine, LedgerTotal, Ledgers, ledger_lines};
pub use listing::{Row, in_force};
pub use otherwise::{Otherwise, Varies};
pub use pack::{
    AlarmRules, Area, AskResult, Calendar, CardStep, ClearRules, Clock, Code, Counts, Due, Event, Evidence, Exception, From,
    GatewayRules, Group, Honorifics, Hours, LateReply, LateSynced, Liability, MAX_PACK_BYTES, Missing, Named, Need, On,
    OutcomeRow, Pack, PackError, Party, Per, Proof, QuestionRules, Quiet, ReplyNeed, RowRules, SmsRules, StageRow, Step,
    SurnamePlace, Switches, Template, TimeOfDay, Timetable, Unclear, Variable, WaybillPattern,
};
pub use pack::{LabelFault, LeniencyRow, NeedsIf, Pays, Side};
pub use phase::{AHEAD_OF_NOW_MS, Phase, Phases};
pub use photo::{Unfit, UnfitPhoto};
pub use policy::{Concerned, Permit, Policy, PolicyError, Rule, Where};
pub use premature::{Premature, premature};
pub use question::{Question, QuestionKind, place_of};
pub use quotas::{QUOTAS_POLICY, Quotas};
pub use reply::{Validity, lacks};
pub use rulebook::{Published, Rulebook};
pub use sheet::Sheet;
pub use sms::{Message, SmsLack};
pub use state::{NextStep, State};
#[cfg(feature = "tally")]
#[doc(hidden)]
pub use tally::Tally;
pub use telling::{Label, Line, PersonalValue, Sight, Sort, Unit, Value, Whom, head, shown, tell, tell_of_sheet};
pub use words::{Words, words};

/// The policy that a new server starts with (domain 10.2). In the domain text a courier's notice to the origin outlet is a draft;
/// here it counts, because a phone at the door is often the only device that has a network in time.
pub const FIRST_POLICY: &[u8] = include_bytes!("../policies/policy-1.json");

/// The first policy plus the rights on sheets. Devices below version 3 of the protocol cannot read its format 2 and keep the
/// first policy. Head office publishes it when it wants sheets.
pub const SHEETS_POLICY: &[u8] = include_bytes!("../policies/policy-2.json");

/// The policy with quotas plus the rights of outlets and hubs that ask each other about a parcel. Head office publishes it when all
/// devices know these kinds of entry.
pub const ASKS_POLICY: &[u8] = include_bytes!("../policies/policy-4.json");

/// The pack that a new server starts with, a small one for an invented network. A network replaces it by its own file. Packs for
/// the source documents are in the same folder, and the second versions of all of them, which are of format 2. This one is of format
/// 1, which all devices read.
pub const FIRST_PACK: &[u8] = include_bytes!("../packs/qinghe-1.toml");
