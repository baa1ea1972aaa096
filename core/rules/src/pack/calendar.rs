//! Days, working days and runs (domain 3): moments on the network's wall clocks. What is not in the data is said to be missing,
//! never guessed.

use std::{collections::BTreeMap, fmt};

use chrono::{Datelike, Days, NaiveDate, NaiveDateTime, NaiveTime, TimeDelta, Weekday};
use doorstep_domain::UnixMs;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use super::{Pack, code::yes};

/// A time of day: `HH:MM`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct TimeOfDay(pub NaiveTime);

impl fmt::Display for TimeOfDay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0.format("%H:%M"))
    }
}

impl Serialize for TimeOfDay {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for TimeOfDay {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        let text = String::deserialize(d)?;
        let time = NaiveTime::parse_from_str(&text, "%H:%M");
        time.map(Self).map_err(|_| de::Error::custom(format_args!("{text:?} is not a time of day like \"10:00\"")))
    }
}

/// Working hours.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Hours {
    /// First minute.
    pub from: TimeOfDay,
    /// End.
    pub to: TimeOfDay,
}

/// Days off in a row.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Holiday {
    /// First day.
    pub from: NaiveDate,
    /// Last day.
    pub to: NaiveDate,
    /// Its name.
    pub name: String,
}

/// Working days: Monday to Friday, without the holidays, with the weekend days that are worked instead (调休).
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Calendar {
    /// First day that it says anything about.
    pub from: NaiveDate,
    /// Last day.
    pub to: NaiveDate,
    /// Days off.
    pub holidays: Vec<Holiday>,
    /// Weekend days that are worked.
    pub working: Vec<NaiveDate>,
    /// Working hours of outlet customer service.
    pub hours: Option<Hours>,
}

impl Calendar {
    /// Whether a day is worked; `None` where the calendar says nothing.
    pub fn is_working(&self, day: NaiveDate) -> Option<bool> {
        if day < self.from || day > self.to {
            return None;
        }
        let is_weekend = matches!(day.weekday(), Weekday::Sat | Weekday::Sun);
        let is_off = self.holidays.iter().any(|holiday| (holiday.from..=holiday.to).contains(&day));
        Some(self.working.contains(&day) || !(is_weekend || is_off))
    }
}

/// One outlet's scheduled runs.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Timetable {
    /// The outlet.
    pub outlet: String,
    /// Theoretical arrival of each inbound run, by its name.
    #[serde(default)]
    pub arrivals: BTreeMap<String, TimeOfDay>,
    /// Outbound runs (频次).
    #[serde(default)]
    pub outbound: Vec<TimeOfDay>,
    /// Whether it runs on every day. Off: on working days only.
    #[serde(default = "yes")]
    pub every_day: bool,
}

/// What is not in the data. The deadline is then shown as not known, and head office decides (C-15).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Missing {
    /// The parcel's scheduled arrival.
    Arrival,
    /// The outlet's timetable, or its outlet.
    Timetable,
    /// Working days or hours of that time.
    Calendar,
    /// A moment past the end of the calendar: a claimed time may lie there.
    Time,
}

/// Days looked ahead for a run or a working day: longer than any holiday.
const FAR: usize = 800;

impl Pack {
    /// The last millisecond of a moment's day.
    pub(crate) fn end_of_day(&self, at: UnixMs) -> Result<UnixMs, Missing> {
        let day = self.local(at).ok_or(Missing::Time)?.date();
        self.end_of(day)
    }

    fn end_of(&self, day: NaiveDate) -> Result<UnixMs, Missing> {
        let midnight = day.checked_add_days(Days::new(1)).ok_or(Missing::Time)?.and_time(NaiveTime::MIN);
        Ok(self.moment(midnight).ok_or(Missing::Time)?.plus(-1))
    }

    /// The first of these times of day at a moment or after it.
    pub(crate) fn next_time(&self, at: UnixMs, times: &[TimeOfDay]) -> Result<UnixMs, Missing> {
        self.next_run(at, times, |_| Some(true))
    }

    /// The last of these times of day before a moment.
    pub(crate) fn last_time(&self, at: UnixMs, times: &[TimeOfDay]) -> Result<UnixMs, Missing> {
        let local = self.local(at).ok_or(Missing::Time)?;
        let today = times.iter().map(|time| local.date().and_time(time.0)).filter(|time| *time < local).max();
        let yesterday = || {
            let day = local.date().checked_sub_days(Days::new(1))?;
            times.iter().map(|time| day.and_time(time.0)).max()
        };
        self.moment(today.or_else(yesterday).ok_or(Missing::Time)?).ok_or(Missing::Time)
    }

    /// The next outbound run of an outlet at a moment or after it.
    pub(crate) fn first_run(&self, at: UnixMs, outlet: Option<&str>) -> Result<UnixMs, Missing> {
        let table = self.timetables.iter().find(|table| Some(table.outlet.as_str()) == outlet).ok_or(Missing::Timetable)?;
        if table.outbound.is_empty() {
            return Err(Missing::Timetable);
        }
        let runs = |day| if table.every_day { Some(true) } else { self.calendar.as_ref()?.is_working(day) };
        self.next_run(at, &table.outbound, runs)
    }

    fn next_run(&self, at: UnixMs, times: &[TimeOfDay], runs_on: impl Fn(NaiveDate) -> Option<bool>) -> Result<UnixMs, Missing> {
        let local = self.local(at).ok_or(Missing::Time)?;
        for ahead in 0..FAR {
            let day = local.date().checked_add_days(Days::new(ahead as u64)).ok_or(Missing::Time)?;
            if !runs_on(day).ok_or(Missing::Calendar)? {
                continue;
            }
            if let Some(next) = times.iter().map(|time| day.and_time(time.0)).filter(|time| *time >= local).min() {
                return self.moment(next).ok_or(Missing::Time);
            }
        }
        Err(Missing::Calendar)
    }

    /// The end of the working day so many working days after a moment's day.
    pub(crate) fn after_working_days(&self, at: UnixMs, count: u32) -> Result<UnixMs, Missing> {
        let calendar = self.calendar.as_ref().ok_or(Missing::Calendar)?;
        let mut day = self.local(at).ok_or(Missing::Time)?.date();
        let mut left = count;
        while left > 0 {
            day = day.checked_add_days(Days::new(1)).ok_or(Missing::Time)?;
            left -= u32::from(calendar.is_working(day).ok_or(Missing::Calendar)?);
        }
        self.end_of(day)
    }

    /// So many minutes of working hours after a moment.
    pub(crate) fn after_working_minutes(&self, at: UnixMs, count: u32) -> Result<UnixMs, Missing> {
        let calendar = self.calendar.as_ref().ok_or(Missing::Calendar)?;
        let hours = calendar.hours.as_ref().ok_or(Missing::Calendar)?;
        let start = self.local(at).ok_or(Missing::Time)?;
        let mut left = TimeDelta::minutes(i64::from(count));
        let mut day = start.date();
        for _ in 0..FAR {
            if calendar.is_working(day).ok_or(Missing::Calendar)? {
                let from: NaiveDateTime = start.max(day.and_time(hours.from.0));
                let to = day.and_time(hours.to.0);
                let today = to.signed_duration_since(from).max(TimeDelta::zero());
                if left <= today {
                    return self.moment(from.checked_add_signed(left).ok_or(Missing::Time)?).ok_or(Missing::Time);
                }
                left -= today;
            }
            day = day.checked_add_days(Days::new(1)).ok_or(Missing::Time)?;
        }
        Err(Missing::Calendar)
    }

    /// The theoretical arrival of an inbound run at an outlet on a day (domain 3.1, SLA-02).
    pub fn arrival(&self, outlet: &str, run: &str, day: NaiveDate) -> Option<UnixMs> {
        let table = self.timetables.iter().find(|table| table.outlet == outlet)?;
        self.moment(day.and_time(table.arrivals.get(run)?.0))
    }
}
