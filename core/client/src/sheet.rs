//! Sheets of an outlet's day, for entries that belong to no single parcel, such as tracking all goods in transit and handing over
//! a shift (domain 9.5, 9.6).

use std::sync::atomic::Ordering;

use doorstep_domain::{ActionId, Body, Day, Personal, SheetDay, SheetNote, TimeEvidence, has_text};
use doorstep_rules::{Concerned, Permit, Sheet};
use doorstep_store::{SheetAction, Written};
use serde::Serialize;

use crate::{Client, ClientError, Refusal, command::said, random::random};

/// A person's action on a sheet of their own outlet, in the domain's own types. Its serialised form is stored as the intent, like a
/// [`crate::Recording`] for cases.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "do")]
pub enum SheetCommand {
    /// A signed, dated note.
    #[serde(rename = "s_note")]
    Note {
        /// The day; without one, today in the network's time zone.
        day: Option<Day>,
        /// Its text.
        words: Personal,
    },
    /// The day is opened.
    #[serde(rename = "s_day")]
    Open {
        /// The day; without one, today in the network's time zone.
        day: Option<Day>,
        /// Remarks in words.
        words: Option<Personal>,
    },
}

impl SheetCommand {
    /// Parses a note as a person typed it. The day is an ISO date.
    pub fn note(day: Option<&str>, words: &str) -> Result<Self, ClientError> {
        Ok(Self::Note { day: day.map(str::parse).transpose()?, words: Personal::plain(words)? })
    }

    /// Parses the opening of a day as a person typed it. The day is an ISO date.
    pub fn open(day: Option<&str>, words: Option<&str>) -> Result<Self, ClientError> {
        Ok(Self::Open { day: day.map(str::parse).transpose()?, words: said::words(words)? })
    }

    fn day(&self) -> Option<Day> {
        match self {
            Self::Note { day, .. } | Self::Open { day, .. } => *day,
        }
    }

    fn words(&self) -> Option<&Personal> {
        match self {
            Self::Note { words, .. } => Some(words),
            Self::Open { words, .. } => words.as_ref(),
        }
    }

    fn body(&self) -> Body {
        match self {
            Self::Note { words, .. } => Body::SheetNote(SheetNote { words: words.clone() }),
            Self::Open { words, .. } => Body::SheetDay(SheetDay { words: words.clone() }),
        }
    }
}

impl Client {
    /// The sheet of the person's own outlet for a day, given as an ISO date; without a date, of today in the network's time zone.
    /// `None` if nothing of it is on this device.
    pub fn sheet(&self, day: Option<&str>) -> Result<Option<Sheet>, ClientError> {
        self.unlocked()?;
        let who = self.identity()?.ok_or(ClientError::Refused(Refusal::NotEnrolled))?;
        let day = self.day_or_today(day.map(str::parse).transpose()?)?;
        Ok(self.inner.store().sheet(&who.author.outlet, day)?)
    }

    /// The days with a sheet on this device, the newest first, as ISO dates with their outlets.
    pub fn sheets(&self) -> Result<Vec<(String, String)>, ClientError> {
        self.unlocked()?;
        let sheets = self.inner.store().sheets()?;
        Ok(sheets.into_iter().map(|facts| (facts.day.to_string(), facts.outlet.to_string())).collect())
    }

    /// Writes into the sheet of the person's own outlet. It is durable on this device when the call returns.
    pub fn write_sheet(&self, command: &SheetCommand) -> Result<Written, ClientError> {
        self.unlocked()?;
        if command.words().is_some_and(|words| !has_text(Some(words))) {
            return Err(ClientError::Refused(Refusal::NoWords));
        }
        let (clocks, now) = (self.inner.clock.read(), self.inner.now()?);
        let zone_quarters = self.inner.clock.zone_quarters();
        let (day, body) = (self.day_or_today(command.day())?, command.body());
        let mut store = self.inner.store();
        let who = store.identity()?.ok_or(ClientError::Refused(Refusal::NotEnrolled))?.author;
        let sheet = Concerned::sheet(who.outlet.clone());
        let policy = store.policy()?;
        let rule = policy.judge(who.role, &who.user, &who.outlet, body.kind(), &sheet);
        if rule.is_none_or(|rule| rule.verdict == Permit::Deny) {
            return Err(ClientError::Refused(Refusal::Rights { kind: body.kind().to_owned() }));
        }
        let anchor = store.anchor(clocks.boot)?;
        let time = TimeEvidence { wall: clocks.wall, zone_quarters, mono_ms: clocks.mono_ms, boot: clocks.boot, anchor };
        let journal = serde_json::to_string(command).map_err(|_| ClientError::Internal("the command can not be written"))?;
        let action = SheetAction { id: ActionId::new(random()?), command: journal, time, now, day, body };
        let written = store.record_in_sheet(&action).map_err(|error| ClientError::from(error).of_recording())?;
        drop(store);
        self.inner.changed();
        self.inner.wakes.fresh.store(true, Ordering::Relaxed);
        self.inner.wakes.recorded.notify_one();
        Ok(written)
    }

    pub(crate) fn day_or_today(&self, day: Option<Day>) -> Result<Day, ClientError> {
        if let Some(day) = day {
            return Ok(day);
        }
        let pack = self.pack()?.ok_or(ClientError::Refused(Refusal::NoPack))?;
        let today = pack.day(self.inner.now()?).and_then(Day::new);
        today.ok_or(ClientError::Internal("the clock is beyond the calendar"))
    }
}
