//! Deadlines as rows: their start, their end, the events that meet them, and the liability (domain 3).

use doorstep_domain::{Body, Kind, Stage};
use serde::{Deserialize, Serialize};

use super::{TimeOfDay, code::one, code::yes};
use crate::Words;

/// Events in a case.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum On {
    /// A delivery failed.
    Attempt,
    /// Another problem was registered.
    Problem,
    /// The origin outlet was notified: online, or by phone during an outage.
    Notice,
    /// The origin outlet has seen a notice.
    Seen,
    /// The origin outlet replied validly.
    Reply,
    /// The origin outlet did not reply in time, or not validly.
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
    /// A day of an open case, for duties at fixed times (PER-01).
    Day,
    /// A failed delivery or a problem was registered whose code is notified to the origin outlet. Format 2.
    Registration,
    /// A step of the problem type's method was done: with the parcel, by a call, or as a tick of a step of its card that is not the
    /// origin outlet's. Format 2.
    Method,
}

impl On {
    /// The entry kind of the event, if it has one.
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
            Self::DataEntry | Self::Day | Self::Registration | Self::Method => return None,
        })
    }
}

/// An event with conditions. An empty list means "any".
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Event {
    /// The event.
    pub on: On,
    /// Of an attempt or problem: its code, or a prefix (`DF-*`).
    #[serde(default)]
    pub codes: Vec<String>,
    /// Of a problem or registration: the stage. A failed delivery is of the stage `delivery`.
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
    /// Of an attempt: only if it is proven as a valid attempt of its day, by a message or by a fault of the label's number. Format 2.
    #[serde(default)]
    pub proven: bool,
}

/// Whether a list of codes and prefixes contains a code; an empty list contains all.
pub(crate) fn names(list: &[String], code: &str) -> bool {
    list.is_empty() || list.iter().any(|row| row.strip_suffix('*').map_or(row == code, |start| code.starts_with(start)))
}

impl Event {
    /// Whether an entry is such an event, by its content alone.
    pub fn is(&self, body: &Body) -> bool {
        match (self.on, body) {
            (On::Attempt, Body::Attempt(attempt)) => names(&self.codes, attempt.reason.as_str()),
            (On::Registration, Body::Attempt(attempt)) => {
                names(&self.codes, attempt.reason.as_str()) && names(&self.stages, Stage::Delivery.as_str())
            }
            (On::Problem | On::Registration, Body::Problem(problem)) => {
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

/// The start of a clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum From {
    /// From the act; for a notice or reply, from its receipt by the server.
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
    /// Never, for a duty without a time limit.
    NoLimit,
    /// This many hours after the start, through nights and holidays; 1 to 8760.
    Hours(u32),
    /// The next such time of day, at the start or after it.
    TimeOfDay(TimeOfDay),
    /// The next of these times of day after now, for a duty that recurs while the case is open.
    Slots(Vec<TimeOfDay>),
    /// The end of the working day that is this many working days after the starting day; 1 to 366.
    WorkingDays(u32),
    /// This many minutes of the calendar's working hours; 1 to 6000.
    WorkingMinutes(u32),
}

/// What decides whether a clock was met in time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Counts {
    /// The receipt by the server, because registrations and notices are online acts (domain 3.6).
    #[default]
    Received,
    /// The act, by the server's estimate, for deliveries and runs.
    Acted,
}

/// The liable party.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Party {
    /// The outlet that must deliver.
    DeliveringOutlet,
    /// The outlet where the sender handed it in.
    OriginOutlet,
    /// The outlet or hub that registered the problem.
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
    /// The source of the rule.
    pub source: String,
    /// The event that starts it.
    pub starts: Event,
    /// The number of events from which it starts (SLA-09).
    #[serde(default = "one")]
    pub count: u32,
    /// The moment from which it runs.
    #[serde(default)]
    pub from: From,
    /// When it runs out.
    pub due: Due,
    /// The events of which any meets it.
    pub met_by: Vec<Event>,
    /// The time that decides whether it was met in time.
    #[serde(default)]
    pub counts: Counts,
    /// Exceptions that also meet it.
    #[serde(default)]
    pub exceptions: Vec<String>,
    /// Whether it stops when the case ends.
    #[serde(default = "yes")]
    pub ends_with_case: bool,
    /// The liability rule of a finding when it is missed. Without a rule it is only a target.
    pub rule: Option<String>,
    /// The rule that applies instead if a notice to a wrong outlet is the cause (LIA-06).
    pub rule_if_wrong_target: Option<String>,
    /// The rule that applies instead if an outage is claimed but its record is incomplete (LIA-03).
    pub rule_if_outage_incomplete: Option<String>,
    /// For a duty of each day: whether each of its times is a deadline of its own, so that a missed one stays missed. An act counts for
    /// the time that is nearest to it. Otherwise only the present period is shown. Format 2.
    #[serde(default)]
    pub each_slot: bool,
    /// Why the rule is as it is, in a sentence for clerks. Format 2.
    pub why: Option<Words>,
}
