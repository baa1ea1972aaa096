//! Deadlines as rows: what starts them, when they run out, what meets them, who answers (domain 3).

use doorstep_domain::{Body, Kind};
use serde::{Deserialize, Serialize};

use super::{TimeOfDay, code::one, code::yes};

/// What can happen in a case.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum On {
    /// A delivery failed.
    Attempt,
    /// Another problem was registered.
    Problem,
    /// The origin outlet was notified: online, or by phone during an outage.
    Notice,
    /// It has looked at a notice.
    Seen,
    /// It replied, with a decision and what the decision needs.
    Reply,
    /// It did not reply in time, or not validly.
    NoReply,
    /// Something was done with the parcel.
    Action,
    /// A step was ticked.
    Tick,
    /// A line of a register.
    Ledger,
    /// A customer agreed.
    Consent,
    /// The case, or a piece of it, ended.
    Close,
    /// The waybill's data were entered (SLA-11).
    DataEntry,
    /// A day of an open case: for duties at fixed times (PER-01).
    Day,
}

impl On {
    /// The entry kind that it is seen from, where it is one.
    pub fn kind(self) -> Option<Kind> {
        Some(match self {
            Self::Attempt => Kind::Attempt,
            Self::Problem => Kind::Problem,
            Self::Notice | Self::NoReply => Kind::Notice,
            Self::Seen => Kind::Seen,
            Self::Reply => Kind::Reply,
            Self::Action => Kind::Action,
            Self::Tick => Kind::Tick,
            Self::Ledger => Kind::Ledger,
            Self::Consent => Kind::Consent,
            Self::Close => Kind::Close,
            Self::DataEntry | Self::Day => return None,
        })
    }
}

/// An event with conditions. An empty list means "any".
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Event {
    /// What happened.
    pub on: On,
    /// Of an attempt or problem: its code, or how it begins (`DF-*`).
    #[serde(default)]
    pub codes: Vec<String>,
    /// Of a problem: the stage.
    #[serde(default)]
    pub stages: Vec<String>,
    /// Of a reply: the decision.
    #[serde(default)]
    pub decisions: Vec<String>,
    /// Of an action, consent or end: the outcome.
    #[serde(default)]
    pub outcomes: Vec<String>,
    /// Of a tick: the step.
    #[serde(default)]
    pub steps: Vec<String>,
    /// Of a ledger line: which register.
    #[serde(default)]
    pub books: Vec<String>,
    /// Of a ledger line: the change.
    #[serde(default)]
    pub changes: Vec<String>,
    /// Of a ledger line: only with the receipt slip.
    #[serde(default)]
    pub slip: bool,
}

/// Whether a code is named by a list of codes and beginnings; an empty list names all.
pub(crate) fn names(list: &[String], code: &str) -> bool {
    list.is_empty() || list.iter().any(|row| row.strip_suffix('*').map_or(row == code, |start| code.starts_with(start)))
}

impl Event {
    /// Whether an entry is such an event, by what it says alone.
    pub fn is(&self, body: &Body) -> bool {
        match (self.on, body) {
            (On::Attempt, Body::Attempt(attempt)) => names(&self.codes, attempt.reason.as_str()),
            (On::Problem, Body::Problem(problem)) => {
                names(&self.codes, problem.reason.as_str()) && names(&self.stages, problem.stage.as_str())
            }
            (On::Notice | On::NoReply, Body::Notice(_)) | (On::Seen, Body::Seen(_)) => true,
            (On::Reply, Body::Reply(reply)) => names(&self.decisions, reply.decision.as_str()),
            (On::Action, Body::Action(action)) => names(&self.outcomes, action.outcome.as_str()),
            (On::Consent, Body::Consent(consent)) => names(&self.outcomes, consent.to.as_str()),
            (On::Close, Body::Close(close)) => names(&self.outcomes, close.outcome.as_str()),
            (On::Tick, Body::Tick(tick)) => names(&self.steps, tick.step.as_str()),
            (On::Ledger, Body::Ledger(line)) => {
                names(&self.books, line.book.as_str()) && names(&self.changes, line.change.as_str()) && (line.slip || !self.slip)
            }
            _ => false,
        }
    }
}

/// From when a clock runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum From {
    /// From the act; of a notice or reply, from when the server had it.
    #[default]
    Act,
    /// From when the problem was found.
    Found,
    /// From the scheduled arrival, not the actual one (SLA-02).
    TheoreticalArrival,
}

/// When a clock runs out; every end is inclusive.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Due {
    /// 23:59:59.999 of the starting day in the network's zone.
    EndOfDay,
    /// When it starts.
    AtStart,
    /// With the next outbound run of the delivering outlet's timetable (第一频次).
    FirstRun,
    /// Never: a duty without a number.
    NoLimit,
    /// So many hours after the start, through nights and holidays; 1 to 8760.
    Hours(u32),
    /// The next such time of day, at the start or after it.
    TimeOfDay(TimeOfDay),
    /// The next of these times of day after now: a duty that comes again while the case is open.
    Slots(Vec<TimeOfDay>),
    /// The end of the working day so many working days after the starting day; 1 to 366.
    WorkingDays(u32),
    /// So many minutes of the calendar's working hours; 1 to 6000.
    WorkingMinutes(u32),
}

/// What decides whether a clock was met in time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Counts {
    /// When the server had it: registrations and notices are online acts (domain 3.6).
    #[default]
    Received,
    /// When it was done, by the server's reckoning: deliveries, runs.
    Acted,
}

/// Who answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Party {
    /// The outlet that must deliver.
    DeliveringOutlet,
    /// The outlet where the sender handed it in.
    OriginOutlet,
    /// The outlet or hub that registered it.
    Registrar,
}

/// A deadline rule.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Clock {
    /// Its id, such as `SLA-03`.
    pub id: String,
    /// Chinese name.
    pub zh: String,
    /// English name.
    pub en: String,
    /// Where it comes from.
    pub source: String,
    /// What starts it.
    pub starts: Event,
    /// Only from so many of them on (SLA-09).
    #[serde(default = "one")]
    pub count: u32,
    /// From when it runs.
    #[serde(default)]
    pub from: From,
    /// When it runs out.
    pub due: Due,
    /// What meets it: any of these.
    pub met_by: Vec<Event>,
    /// What decides whether it was met in time.
    #[serde(default)]
    pub counts: Counts,
    /// Exceptions that meet it as well.
    #[serde(default)]
    pub exceptions: Vec<String>,
    /// Whether it stops when the case ends.
    #[serde(default = "yes")]
    pub ends_with_case: bool,
    /// The liability rule of a finding when it is missed. Without it, it is a target only.
    pub rule: Option<String>,
    /// The rule instead, where a notice to a wrong outlet is why (LIA-06).
    pub rule_if_wrong_target: Option<String>,
    /// The rule instead, where an outage is claimed and its record is incomplete (LIA-03).
    pub rule_if_outage_incomplete: Option<String>,
}
