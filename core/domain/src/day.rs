//! A day of the calendar.

use std::{fmt, str::FromStr};

use serde::{Serialize, Serializer};

use crate::IdError;

/// A day in the network's time zone, from 1970-01-01 to 9999-12-31. Its text form is an ISO date: `2026-03-02`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Day(i32);

/// 9999-12-31, the last day with a year of four digits.
const LAST: i32 = 2_932_896;

impl Day {
    /// The day that is `days` days after 1970-01-01; `None` before that date or after the year 9999.
    pub fn new(days: i32) -> Option<Self> {
        (0..=LAST).contains(&days).then_some(Self(days))
    }

    /// Days since 1970-01-01.
    pub fn days(self) -> i32 {
        self.0
    }

    /// Year, month and day of the month. Counted in years that begin with March, so that a leap day is the last of its year.
    fn civil(self) -> (i32, i32, i32) {
        let days = self.0 + 719_468;
        let (era, of_era) = (days / 146_097, days % 146_097);
        let year = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
        let of_year = of_era - (365 * year + year / 4 - year / 100);
        let month = (5 * of_year + 2) / 153;
        let day = of_year - (153 * month + 2) / 5 + 1;
        let month = if month < 10 { month + 3 } else { month - 9 };
        (era * 400 + year + i32::from(month <= 2), month, day)
    }

    fn of_civil(year: i32, month: i32, day: i32) -> Option<Self> {
        if !(1970..=9999).contains(&year) || !(1..=12).contains(&month) || !(1..=31).contains(&day) {
            return None;
        }
        let (year, shifted) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
        let (era, of_era) = (year / 400, year % 400);
        let of_year = (153 * shifted + 2) / 5 + day - 1;
        let days = era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468;
        // The 31st of a month with 30 days would be the first of the next one.
        Self::new(days).filter(|made| made.civil().2 == day)
    }
}

impl fmt::Display for Day {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (year, month, day) = self.civil();
        write!(f, "{year:04}-{month:02}-{day:02}")
    }
}

impl FromStr for Day {
    type Err = IdError;
    fn from_str(text: &str) -> Result<Self, IdError> {
        let parse = || {
            let mut parts = text.split('-');
            let mut next = || parts.next()?.parse::<i32>().ok();
            let day = Self::of_civil(next()?, next()?, next()?)?;
            (day.to_string() == text).then_some(day)
        };
        parse().ok_or(IdError::Day)
    }
}

impl Serialize for Day {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.collect_str(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_day_reads_back_from_its_text() {
        let mut before = None;
        for days in (0..200_000).chain(LAST - 800..=LAST) {
            let day = Day::new(days).unwrap();
            assert_eq!(day.to_string().parse(), Ok(day));
            assert!(before < Some(day.to_string()), "text sorts as days do: {day}");
            before = Some(day.to_string());
        }
        assert_eq!(
            (Day::new(0).unwrap().to_string(), Day::new(LAST).unwrap().to_string()),
            ("1970-01-01".into(), "9999-12-31".into())
        );
        assert_eq!("2026-03-02".parse::<Day>().unwrap().days(), 20_514);
        assert_eq!((Day::new(-1), Day::new(LAST + 1)), (None, None));
    }

    #[test]
    fn a_day_has_one_spelling() {
        for bad in [
            "2026-3-2",
            "2026-02-29",
            "2026-04-31",
            "2026-13-01",
            "2026-00-10",
            "1969-12-31",
            "+2026-03-02",
            "2026-03-02-",
            "20260302",
            "",
        ] {
            assert_eq!(bad.parse::<Day>(), Err(IdError::Day), "{bad}");
        }
        assert!("2028-02-29".parse::<Day>().is_ok());
    }
}
