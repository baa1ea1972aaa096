//! Whose turn it is: duties, and parts of the list by them.

use doorstep_client::Which;
use doorstep_domain::Role;
use doorstep_rules::{Duty, Pack};

use crate::words::{Bilingual, named};

/// A part of the list of the person who is signed in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, uniffi::Enum)]
pub enum ListPart {
    /// Cases in which they have something to do.
    ToDo,
    /// Cases in which they have to look at a notice, to reply, or to answer a question to their outlet.
    ToAnswer,
    /// Cases that wait for others.
    Waiting,
}

impl From<ListPart> for Which {
    fn from(part: ListPart) -> Self {
        match part {
            ListPart::ToDo => Self::ToDo,
            ListPart::ToAnswer => Self::ToAnswer,
            ListPart::Waiting => Self::Waiting,
        }
    }
}

/// One thing that somebody must do in a case. Times are milliseconds since 1970, UTC.
#[derive(Debug, Clone, PartialEq, Eq, uniffi::Record)]
pub struct DutyRow {
    /// Its kind: `notify_origin`, `give_reply`, `work_card`, ...
    pub kind: String,
    /// The step of a card or of the ledger.
    pub step: Option<String>,
    /// What is to be done, in words.
    pub name: Bilingual,
    /// The side that must do it: `delivering_outlet`, `origin_outlet`, `hub`, `finance`, `asked_outlet`,
    /// `head_office`.
    pub side: String,
    /// `side` in words.
    pub side_name: Bilingual,
    /// The roles of which any may do it.
    pub by: Vec<String>,
    /// The outlet or hub; absent for head office, and if nobody knows the outlet.
    pub outlet: Option<String>,
    /// The account of the person to whom the parcel is assigned.
    pub person: Option<String>,
    /// When the run leaves to which the parcel is given.
    pub run_ms: Option<i64>,
    /// The clock that measures it, such as `SLA-03`.
    pub clock: Option<String>,
    /// When it runs out, inclusive; absent without a time limit, and if the limit has passed.
    pub until_ms: Option<i64>,
    /// The limit that has passed while it was not done.
    pub missed_ms: Option<i64>,
    /// The key of the entry that it is about.
    pub about: Option<String>,
}

impl DutyRow {
    pub(crate) fn of(duty: Duty, pack: Option<&Pack>) -> Self {
        let side = duty.side.as_str();
        Self {
            kind: duty.kind.as_str().to_owned(),
            name: duty.name(pack).into(),
            step: duty.step,
            side: side.to_owned(),
            side_name: named(pack, side),
            by: duty.by.into_iter().map(Role::as_str).map(str::to_owned).collect(),
            outlet: duty.outlet.map(|outlet| outlet.to_string()),
            person: duty.person.map(|person| person.to_string()),
            run_ms: duty.run.map(|run| run.0),
            clock: duty.clock,
            until_ms: duty.until.map(|until| until.0),
            missed_ms: duty.missed.map(|missed| missed.0),
            about: duty.about.map(|about| about.to_string()),
        }
    }
}
