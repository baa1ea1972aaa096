//! Times of day, working days and runs in a pack's tables (domain 3).

use std::{collections::BTreeMap, fmt};

use chrono::{Datelike, NaiveDate, NaiveTime, Weekday};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use super::code::yes;

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

/// Working days: Monday to Friday without the holidays, plus adjusted working days at weekends (调休).
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Calendar {
    /// First day that it covers.
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
    /// Whether a day is a working day; `None` if the calendar does not cover it.
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
    /// Whether it runs every day, or only on working days.
    #[serde(default = "yes")]
    pub every_day: bool,
}

/// The missing data. The deadline is then shown as unknown, and head office decides (C-15).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Missing {
    /// The parcel's scheduled arrival.
    Arrival,
    /// The outlet's timetable, or the outlet itself.
    Timetable,
    /// Working days or hours for that time.
    Calendar,
    /// A moment after the last representable date, where a claimed time may lie.
    Time,
}
