//! Times and days as people and spreadsheets write them.

use chrono::{DateTime, Datelike, FixedOffset, NaiveDate, NaiveDateTime, TimeDelta, TimeZone};
use doorstep_domain::UnixMs;

/// The years of a parcel's times. Another year is a slip, such as 2062 for 2026 in a day's first digits, or an empty date of a
/// spreadsheet (1900).
const YEARS: std::ops::RangeInclusive<i32> = 2010..=2050;
/// The serial numbers of days of a spreadsheet that lie in [`YEARS`], roughly.
const SERIALS: std::ops::RangeInclusive<f64> = 40_000.0..=56_000.0;

/// What a cell says of a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum When {
    /// Only a day.
    Day(NaiveDate),
    /// A time on the network's clocks.
    Local(NaiveDateTime),
    /// A time with its offset from UTC.
    At(UnixMs),
}

/// Why a cell says no time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TimeFault {
    /// A spreadsheet's number of a time in a text file.
    #[error(
        "a spreadsheet's serial number of a time; format the column as yyyy-mm-dd hh:mm and export again, or import the .xlsx file itself"
    )]
    Serial,
    /// No known form.
    #[error("not a time like 2026-03-02 08:00, 2026/3/2 8:00:00, 2026年3月2日 8:00 or 2026-03-02T08:00:00+08:00")]
    Unknown,
    /// A slip of the year.
    #[error("not between {} and {}", YEARS.start(), YEARS.end())]
    Years,
    /// A day without a time.
    #[error("only a day; a time like 2026-03-02 08:00 is needed")]
    OnlyDay,
}

impl When {
    /// The moment, with the zone of the network's clocks.
    pub(crate) fn moment(self, zone: FixedOffset) -> Result<UnixMs, TimeFault> {
        match self {
            Self::At(at) => Ok(at),
            Self::Local(local) => {
                let at = zone.from_local_datetime(&local).single().ok_or(TimeFault::Unknown)?;
                Ok(UnixMs(at.timestamp_millis()))
            }
            Self::Day(_) => Err(TimeFault::OnlyDay),
        }
    }

    /// The day, if no time of the day is said. A spreadsheet writes a day as its midnight.
    pub(crate) fn day(self) -> Option<NaiveDate> {
        match self {
            Self::Day(day) => Some(day),
            Self::Local(local) => (local.time() == chrono::NaiveTime::MIN).then_some(local.date()),
            Self::At(_) => None,
        }
    }
}

/// Refuses a time outside of the years.
pub(crate) fn bounded(when: When) -> Result<When, TimeFault> {
    let year = match when {
        When::Day(day) => day.year(),
        When::Local(local) => local.year(),
        When::At(at) => DateTime::from_timestamp_millis(at.0).ok_or(TimeFault::Unknown)?.year(),
    };
    if YEARS.contains(&year) { Ok(when) } else { Err(TimeFault::Years) }
}

/// The time of a spreadsheet's serial number: days since 1899-12-30, to the second.
pub(crate) fn of_serial(serial: f64) -> Option<NaiveDateTime> {
    if !(0.0..=2_958_465.0).contains(&serial) {
        return None;
    }
    let seconds = (serial * 86_400.0).round();
    // The value is below 2^38, so the conversion is exact.
    let seconds = TimeDelta::try_seconds(seconds as i64)?;
    NaiveDate::from_ymd_opt(1899, 12, 30)?.and_hms_opt(0, 0, 0)?.checked_add_signed(seconds)
}

/// Reads a text: year, month and day in this order, with `-`, `/`, `.` or 年月日 between; then maybe a time of the day, with or
/// without seconds; then maybe an offset from UTC.
pub(crate) fn read(text: &str) -> Result<When, TimeFault> {
    let text = text.trim();
    if text.parse::<f64>().is_ok_and(|serial| SERIALS.contains(&serial)) {
        return Err(TimeFault::Serial);
    }
    let (day, rest) = day_of(text).ok_or(TimeFault::Unknown)?;
    let rest = rest.strip_prefix(['T', 't']).unwrap_or(rest).trim();
    if rest.is_empty() {
        return bounded(When::Day(day));
    }
    let (time, offset) = time_of(rest).ok_or(TimeFault::Unknown)?;
    let local = day.and_time(time);
    bounded(match offset {
        None => When::Local(local),
        Some(offset) => {
            When::At(UnixMs(offset.from_local_datetime(&local).single().ok_or(TimeFault::Unknown)?.timestamp_millis()))
        }
    })
}

/// A number of digits at the beginning, and the text behind it.
fn number(text: &str, most: usize) -> Option<(u32, &str)> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (digits, rest) = text.split_at_checked(digits).filter(|(digits, _)| (1..=most).contains(&digits.len()))?;
    Some((digits.parse().ok()?, rest))
}

fn day_of(text: &str) -> Option<(NaiveDate, &str)> {
    let (year, rest) = number(text, 4).filter(|(year, _)| *year >= 1000)?;
    let mark = rest.chars().next().filter(|c| matches!(c, '-' | '/' | '.' | '年'))?;
    let (month, rest) = number(rest.strip_prefix(mark)?.trim_start(), 2)?;
    let (second, end) = if mark == '年' { ('月', "日") } else { (mark, "") };
    let (day, rest) = number(rest.strip_prefix(second)?.trim_start(), 2)?;
    let rest = rest.strip_prefix(end)?;
    // After a number a time needs a blank or a T; after 日 it does not.
    let parted = rest.is_empty() || mark == '年' || rest.starts_with(|c: char| c.is_whitespace() || c == 'T' || c == 't');
    let date = NaiveDate::from_ymd_opt(i32::try_from(year).ok()?, month, day)?;
    parted.then_some((date, rest))
}

fn time_of(text: &str) -> Option<(chrono::NaiveTime, Option<FixedOffset>)> {
    let (hour, rest) = number(text, 2)?;
    let mark = rest.chars().next().filter(|c| matches!(c, ':' | '：' | '时'))?;
    let (minute, rest) = number(rest.strip_prefix(mark)?, 2)?;
    let (second, rest) = match mark {
        '时' => {
            let rest = rest.strip_prefix('分').unwrap_or(rest);
            number(rest, 2).and_then(|(second, rest)| Some((second, rest.strip_prefix('秒')?))).unwrap_or((0, rest))
        }
        _ => rest.strip_prefix(mark).map_or(Some((0, rest)), |rest| number(rest, 2))?,
    };
    let (milli, rest) = match rest.strip_prefix('.') {
        Some(rest) => {
            let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
            let (fraction, rest) = rest.split_at_checked(digits).filter(|(fraction, _)| (1..=9).contains(&fraction.len()))?;
            (format!("{fraction:0<3}").get(..3)?.parse().ok()?, rest)
        }
        None => (0, rest),
    };
    Some((chrono::NaiveTime::from_hms_milli_opt(hour, minute, second, milli)?, offset_of(rest.trim())?))
}

/// An offset such as `Z`, `+08:00` or `+0800`; `Some(None)` if there is none.
fn offset_of(text: &str) -> Option<Option<FixedOffset>> {
    if text.is_empty() {
        return Some(None);
    }
    if matches!(text, "Z" | "z") {
        return Some(FixedOffset::east_opt(0));
    }
    let sign = if text.starts_with('-') { -1 } else { 1 };
    let digits: String = text.strip_prefix(['+', '-'])?.chars().filter(|c| *c != ':').collect();
    let (hours, minutes) = digits.split_at_checked(2).filter(|(_, minutes)| minutes.len() == 2)?;
    let (hours, minutes): (i32, i32) = (hours.parse().ok()?, minutes.parse().ok()?);
    FixedOffset::east_opt(sign * (hours * 3600 + minutes * 60)).map(Some)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_as_people_and_spreadsheets_write_them() {
        let at = |text: &str| NaiveDateTime::parse_from_str(text, "%Y-%m-%d %H:%M:%S%.f").unwrap();
        for (text, local) in [
            ("2026-03-02 08:00", "2026-03-02 08:00:00"),
            ("2026/11/30 6:50:00", "2026-11-30 06:50:00"),
            ("2026-11-30T06:50", "2026-11-30 06:50:00"),
            ("2026年11月30日 6:50", "2026-11-30 06:50:00"),
            ("2026年11月30日6:50", "2026-11-30 06:50:00"),
            ("2026年1月3日 6时5分", "2026-01-03 06:05:00"),
            ("2026年1月3日 6时5分9秒", "2026-01-03 06:05:09"),
            ("2026.1.3 6:50:07", "2026-01-03 06:50:07"),
            ("2026/1/3  06：50", "2026-01-03 06:50:00"),
            ("2026-01-03 06:50:07.25", "2026-01-03 06:50:07.25"),
            (" 2026/3/2 23:59:59 ", "2026-03-02 23:59:59"),
        ] {
            assert_eq!(read(text), Ok(When::Local(at(local))), "{text}");
        }
        for text in ["2026-03-02T08:00:00+08:00", "2026-03-02 00:00Z", "2026-03-02T08:00:00.000+0800", "2026/3/1 19:00 -05:00"] {
            assert_eq!(read(text), Ok(When::At(UnixMs(1_772_409_600_000))), "{text}");
        }
        for text in ["2026-03-02", "2026/3/2", "2026年3月2日"] {
            assert_eq!(read(text).unwrap().day(), NaiveDate::from_ymd_opt(2026, 3, 2), "{text}");
            assert_eq!(read(text).unwrap().moment(FixedOffset::east_opt(0).unwrap()), Err(TimeFault::OnlyDay));
        }
    }

    #[test]
    fn what_is_no_time_or_far_off_is_refused_and_a_serial_number_is_named() {
        for text in ["46356.2847", "46356", "45000.5"] {
            assert_eq!(read(text), Err(TimeFault::Serial), "{text}");
        }
        for text in [
            "tomorrow",
            "",
            "30/11/2026",
            "11/30/26 6:50",
            "2026-13-01 8:00",
            "2026-02-30 8:00",
            "2026-03-02 25:00",
            "2026-03-02 8",
            "2026-03/02 8:00",
            "2026-03-028:00",
            "2026年3月2 8:00",
            "2026-03-02 08:00 CET",
            "20260302 0800",
            "2026-03-02 08:00:00.",
        ] {
            assert_eq!(read(text), Err(TimeFault::Unknown), "{text}");
        }
        for text in ["1900-01-00", "2062-03-02 08:00", "1999-12-31", "9999-12-31T00:00Z"] {
            assert!(matches!(read(text), Err(TimeFault::Years | TimeFault::Unknown)), "{text}");
        }
    }

    #[test]
    fn a_spreadsheets_serial_number_is_its_time_to_the_second() {
        let said = |serial| of_serial(serial).map(|time| time.format("%Y-%m-%d %H:%M:%S").to_string());
        assert_eq!(said(46_356.0 + 6.0 / 24.0 + 50.0 / 1440.0).as_deref(), Some("2026-11-30 06:50:00"));
        assert_eq!(said(46_356.0).as_deref(), Some("2026-11-30 00:00:00"));
        assert_eq!(said(-1.0), None);
        assert_eq!(said(f64::NAN), None);
        assert_eq!(said(1e12), None);
    }
}
