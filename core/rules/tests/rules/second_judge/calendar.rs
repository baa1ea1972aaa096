//! Days, times of day, runs and working time of a pack, read plainly: minute by minute or day by day, without any shortcut.

use chrono::{Datelike, Days, NaiveDateTime, NaiveTime, TimeDelta, Weekday};
use doorstep_domain::UnixMs;
use doorstep_rules::{Calendar, Pack, TimeOfDay};

const MINUTE: i64 = 60_000;

/// The wall clock of the network's zone at a moment.
pub fn wall(pack: &Pack, at: UnixMs) -> NaiveDateTime {
    let shifted = at.0 + i64::from(pack.utc_offset_minutes) * MINUTE;
    chrono::DateTime::from_timestamp_millis(shifted).unwrap().naive_utc()
}

/// The moment at which the network's wall clock shows a time.
pub fn moment(pack: &Pack, wall: NaiveDateTime) -> UnixMs {
    UnixMs(wall.and_utc().timestamp_millis() - i64::from(pack.utc_offset_minutes) * MINUTE)
}

/// The last millisecond of a moment's day.
pub fn end_of_day(pack: &Pack, at: UnixMs) -> UnixMs {
    let tomorrow = wall(pack, at).date().checked_add_days(Days::new(1)).unwrap();
    UnixMs(moment(pack, tomorrow.and_time(NaiveTime::MIN)).0 - 1)
}

/// Each of some times of day from two days before a moment on, for a year, the earliest first.
fn times_around(pack: &Pack, at: UnixMs, times: &[TimeOfDay]) -> Vec<UnixMs> {
    let first = wall(pack, at).date().checked_sub_days(Days::new(2)).unwrap();
    let day = |n: u64| first.checked_add_days(Days::new(n)).unwrap();
    let mut all: Vec<UnixMs> =
        (0..30).flat_map(|n| times.iter().map(move |time| moment(pack, day(n).and_time(time.0)))).collect();
    all.sort();
    all
}

/// The first of some times of day that is not before a moment.
pub fn next_time(pack: &Pack, at: UnixMs, times: &[TimeOfDay]) -> Option<UnixMs> {
    times_around(pack, at, times).into_iter().find(|time| *time >= at)
}

/// The last of some times of day before a moment.
pub fn last_time(pack: &Pack, at: UnixMs, times: &[TimeOfDay]) -> Option<UnixMs> {
    times_around(pack, at, times).into_iter().rev().find(|time| *time < at)
}

/// The first outbound run of an outlet that is not before a moment; `None` without a timetable.
pub fn first_run(pack: &Pack, at: UnixMs, outlet: Option<&str>) -> Option<UnixMs> {
    let table = pack.timetables.iter().find(|table| Some(table.outlet.as_str()) == outlet)?;
    let runs = times_around(pack, at, &table.outbound);
    let leaves = |run: &UnixMs| table.every_day || pack.calendar.as_ref().is_some_and(|days| is_worked(days, wall(pack, *run)));
    runs.into_iter().find(|run| *run >= at && leaves(run))
}

fn is_worked(calendar: &Calendar, at: NaiveDateTime) -> bool {
    let day = at.date();
    let is_off = calendar.holidays.iter().any(|holiday| holiday.from <= day && day <= holiday.to);
    let is_weekend = day.weekday() == Weekday::Sat || day.weekday() == Weekday::Sun;
    calendar.working.contains(&day) || (!is_off && !is_weekend)
}

/// The moment at which so many minutes of working time have passed, counted in steps of a millisecond within a minute and of a
/// minute otherwise; `None` without working hours.
pub fn after_working_minutes(pack: &Pack, at: UnixMs, minutes: u32) -> Option<UnixMs> {
    let calendar = pack.calendar.as_ref()?;
    let hours = calendar.hours.as_ref()?;
    let (mut left, mut day) = (TimeDelta::minutes(i64::from(minutes)), wall(pack, at).date());
    loop {
        if day < calendar.from || day > calendar.to {
            return None;
        }
        let (opens, closes) = (day.and_time(hours.from.0), day.and_time(hours.to.0));
        let from = if wall(pack, at) > opens { wall(pack, at) } else { opens };
        if is_worked(calendar, opens) && from < closes {
            let today = closes - from;
            if left <= today {
                return Some(moment(pack, from + left));
            }
            left -= today;
        }
        day = day.checked_add_days(Days::new(1))?;
    }
}
