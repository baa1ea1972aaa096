//! Sheets of an outlet's day, for entries that belong to no single parcel, such as tracking all goods in transit and handing over
//! a shift (domain 9.5, 9.6).

use std::sync::atomic::Ordering;

use doorstep_domain::{ActionId, Body, Day, Personal, SheetDay, SheetNote, TimeEvidence};
use doorstep_rules::{Concerned, Permit, Sheet};
use doorstep_store::{SheetAction, Written};
use serde::{Deserialize, Serialize};

use crate::{Client, ClientError, Refusal, random::random};

/// A person's action on a sheet of their own outlet. Its serialised form is stored as the intent, like a [`crate::Recording`] for
/// cases.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "do")]
pub enum SheetCommand {
    /// A signed, dated note.
    #[serde(rename = "s_note")]
    Note {
        /// The day, an ISO date; without one, today by the network's clocks.
        day: Option<String>,
        /// Its text.
        words: String,
    },
    /// The day is opened.
    #[serde(rename = "s_day")]
    Open {
        /// The day, an ISO date; without one, today by the network's clocks.
        day: Option<String>,
        /// Remarks in words.
        words: Option<String>,
    },
}

impl SheetCommand {
    fn day(&self) -> Option<&str> {
        match self {
            Self::Note { day, .. } | Self::Open { day, .. } => day.as_deref(),
        }
    }

    fn body(&self) -> Result<Body, ClientError> {
        Ok(match self {
            Self::Note { words, .. } if words.trim().is_empty() => return Err(ClientError::Refused(Refusal::NoWords)),
            Self::Note { words, .. } => Body::SheetNote(SheetNote { words: Personal::plain(words)? }),
            Self::Open { words, .. } => Body::SheetDay(SheetDay { words: words.as_deref().map(Personal::plain).transpose()? }),
        })
    }
}

impl Client {
    /// The sheet of the person's own outlet for a day, given as an ISO date; without a date, of today in the network's time zone.
    /// `None` if nothing of it is on this device.
    pub fn sheet(&self, day: Option<&str>) -> Result<Option<Sheet>, ClientError> {
        self.unlocked()?;
        let who = self.identity()?.ok_or(ClientError::Refused(Refusal::NotEnrolled))?;
        let day = self.day_of(day)?;
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
        let (clocks, now) = (self.inner.clock.read(), self.inner.now()?);
        let zone_quarters = self.inner.clock.zone_quarters();
        let (day, body) = (self.day_of(command.day())?, command.body()?);
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
        let written = store.record_in_sheet(&action)?;
        drop(store);
        self.inner.changed();
        self.inner.wakes.fresh.store(true, Ordering::Relaxed);
        self.inner.wakes.recorded.notify_one();
        Ok(written)
    }

    fn day_of(&self, day: Option<&str>) -> Result<Day, ClientError> {
        let Some(day) = day else {
            let pack = self.pack()?.ok_or(ClientError::Refused(Refusal::NoPack))?;
            let today = pack.day(self.inner.now()?).and_then(Day::new);
            return today.ok_or(ClientError::Internal("the clock is beyond the calendar"));
        };
        Ok(day.parse()?)
    }
}
