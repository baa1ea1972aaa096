//! A start of a clock, and when the clock runs out.

use doorstep_domain::UnixMs;

use crate::{
    Clock, Due, Missing, Pack,
    case_index::{CaseIndex, End},
};

/// Most starts of one clock that are judged, the newest ones. A parcel has a handful, but a hostile device could claim thousands.
pub(crate) const MOST_STARTS: usize = 256;

/// A start of a clock.
#[derive(Clone, Copy)]
pub(crate) struct Start {
    /// Index of the act.
    pub place: usize,
    /// Index from which acts may meet it.
    pub from: usize,
    pub at: UnixMs,
    /// When a later reply replaced it.
    pub overtaken: Option<UnixMs>,
    /// The group of starts that share an end, for problems registered several times.
    pub group: Option<usize>,
    /// Index of an act by which this clock never started, if the act counts.
    pub doubt: Option<usize>,
    /// An end of the case that is dated before the start, but not proven to be earlier.
    pub ended: Option<End>,
}

impl Start {
    /// A start by an act, without further conditions.
    pub fn of(place: usize, from: usize, at: UnixMs) -> Self {
        Self { place, from, at, overtaken: None, group: None, doubt: None, ended: None }
    }
}

/// When a clock that started at a moment runs out; `None` if never.
pub(crate) fn due_at(index: &CaseIndex<'_>, pack: &Pack, clock: &Clock, start: UnixMs) -> Result<Option<UnixMs>, Missing> {
    if start == UnixMs(i64::MAX) {
        return Err(Missing::Arrival);
    }
    let delivering = index.facts_at(start).delivering_outlet.as_ref().map(|outlet| outlet.as_str());
    Ok(Some(match &clock.due {
        Due::NoLimit => return Ok(None),
        Due::AtStart => start,
        Due::EndOfDay => pack.end_of_day(start)?,
        Due::Hours(hours) => start.plus(i64::from(*hours) * 3_600_000),
        // At that very time the day's list is closed [A]: the next one is due, because a clock without any time helps nobody.
        Due::TimeOfDay(time) => pack.next_time(start.plus(1), &[*time])?,
        Due::Slots(slots) => pack.next_time(if clock.each_slot { start } else { index.now }, slots)?,
        Due::FirstRun => pack.first_run(start, delivering)?,
        Due::WorkingDays(days) => pack.after_working_days(start, *days)?,
        Due::WorkingMinutes(minutes) => pack.after_working_minutes(start, *minutes)?,
    }))
}
