//! Days, working days and runs (domain 3), in the network's time zone. Missing data are reported, never guessed.

use chrono::{Days, NaiveDate, NaiveDateTime, NaiveTime, TimeDelta};
use doorstep_domain::{OutletCode, UnixMs};

use super::{Missing, Pack, TimeOfDay};

/// Days to search ahead for a run or a working day, longer than any holiday.
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

    /// When an outbound run of an outlet leaves next, at a moment or after it; `None` if the outlet has no such run. The run is a time of
    /// day of its timetable: `HH:MM`.
    pub fn run_of(&self, outlet: &OutletCode, run: &str, at: UnixMs) -> Option<UnixMs> {
        let table = self.timetables.iter().find(|table| table.outlet == outlet.as_str())?;
        let time = table.outbound.iter().find(|time| time.to_string() == run)?;
        let runs = |day| if table.every_day { Some(true) } else { self.calendar.as_ref()?.is_working(day) };
        self.next_run(at, &[*time], runs).ok()
    }

    /// The outbound runs of an outlet: times of day, `HH:MM`.
    pub fn runs_of(&self, outlet: &OutletCode) -> Vec<String> {
        let tables = self.timetables.iter().filter(|table| table.outlet == outlet.as_str());
        tables.flat_map(|table| &table.outbound).map(ToString::to_string).collect()
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

    /// The end of the working day that is `count` working days after a moment's day.
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

    /// The moment `count` minutes of working hours after another.
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
