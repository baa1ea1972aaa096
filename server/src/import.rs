//! Imports the day's parcels and the calendar from CSV files.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Datelike, NaiveDate, NaiveDateTime, TimeZone};
use csv::ByteRecord;
use doorstep_domain::{Details, Fen, NetworkCode, OutletCode, Parcel, Personal, UnixMs, UserId, VirtualNumber, Waybill};
use doorstep_rules::Pack;
use serde::Serialize;

use crate::{
    AdminError,
    error::ApiError,
    facts, feed, listed, row_scopes,
    store::{
        calendar, parcels, people,
        references::bump,
        tx::{StoreError, Tx},
    },
};

/// A row that was not imported.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct BadRow {
    /// The line of the row in the file, from 1.
    pub line: u64,
    /// The fault of the row, without the recipient's data.
    pub fault: String,
}

/// The result of an import.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Imported {
    /// The number of imported rows.
    pub imported: u64,
    /// The rows that were left out.
    pub bad: Vec<BadRow>,
}

/// Reads the file and imports its rows. A bad row is left out and reported by its line.
pub(crate) fn parcels(tx: &Tx<'_>, file: &[u8], pack: &Pack, now: UnixMs) -> Result<Imported, AdminError> {
    let file = file.strip_prefix(b"\xef\xbb\xbf").unwrap_or(file);
    let mut reader = csv::ReaderBuilder::new().flexible(true).trim(csv::Trim::All).from_reader(file);
    let header = reader.byte_headers().map_err(|error| AdminError::Invalid(format!("line 1: {error}")))?.clone();
    let columns = Columns::of(&header)?;
    let mut result = Imported { imported: 0, bad: Vec::new() };
    let mut lines = Lines { file, at: 0, line: 1 };
    for record in reader.byte_records() {
        let outcome = match record {
            Ok(record) => {
                let line = lines.at(record.position());
                (
                    line,
                    columns
                        .parcel(&record, pack)
                        .and_then(|parcel| import_row(tx, &parcel, now).map_err(|fault| fault.to_string())),
                )
            }
            Err(error) => (lines.at(error.position()), Err(error.to_string())),
        };
        match outcome {
            (_, Ok(())) => result.imported += 1,
            (line, Err(fault)) => result.bad.push(BadRow { line, fault }),
        }
    }
    Ok(result)
}

const CALENDAR_COLUMNS: [&str; 3] = ["date", "works", "name"];

/// The largest number of characters of a day's name.
const MOST_NAME: usize = 64;

/// Imports the days that differ from their weekday. The file must hold all such days of each year that it mentions, because it
/// replaces the earlier days of that year. A bad row stops the import.
pub(crate) fn calendar(tx: &Tx<'_>, file: &[u8]) -> Result<Imported, AdminError> {
    let file = file.strip_prefix(b"\xef\xbb\xbf").unwrap_or(file);
    let mut reader = csv::ReaderBuilder::new().flexible(true).trim(csv::Trim::All).from_reader(file);
    let header = reader.byte_headers().map_err(|error| AdminError::Invalid(format!("line 1: {error}")))?.clone();
    let columns = places(&header, &CALENDAR_COLUMNS)?;
    let (mut days, mut bad) = (BTreeMap::new(), Vec::new());
    let mut lines = Lines { file, at: 0, line: 1 };
    for record in reader.byte_records() {
        let (line, day) = match record {
            Ok(record) => (lines.at(record.position()), calendar_day(&record, &columns)),
            Err(error) => (lines.at(error.position()), Err(error.to_string())),
        };
        let twice = |date: &NaiveDate| format!("date: {date} is there twice");
        match day {
            Ok((date, ..)) if days.contains_key(&date) => bad.push(BadRow { line, fault: twice(&date) }),
            Ok((date, works, name)) => drop(days.insert(date, (works, name))),
            Err(fault) => bad.push(BadRow { line, fault }),
        }
    }
    if !bad.is_empty() {
        return Ok(Imported { imported: 0, bad });
    }
    if days.is_empty() {
        return Err(AdminError::Invalid("the file names no day".into()));
    }
    let number = |date: NaiveDate| date.signed_duration_since(NaiveDate::default()).num_days();
    let years: BTreeSet<i32> = days.keys().map(NaiveDate::year).collect();
    for year in years {
        let ends = NaiveDate::from_ymd_opt(year, 1, 1).zip(NaiveDate::from_ymd_opt(year, 12, 31));
        let (first, last) = ends.ok_or_else(|| AdminError::Invalid(format!("year {year}")))?;
        calendar::forget(tx, number(first), number(last))?;
    }
    for (date, (works, name)) in &days {
        calendar::add(tx, number(*date), *works, name)?;
    }
    bump(tx, "calendar")?;
    Ok(Imported { imported: days.len() as u64, bad })
}

/// Reads a row of the calendar: the day, whether it is a working day, and its name.
fn calendar_day(record: &ByteRecord, columns: &[usize]) -> Result<(NaiveDate, bool, String), String> {
    let text = |place: usize, name: &str| -> Result<&str, String> {
        let bytes = columns.get(place).and_then(|at| record.get(*at));
        let bytes = bytes.ok_or_else(|| format!("{name}: the row has too few columns"))?;
        std::str::from_utf8(bytes).map_err(|_| format!("{name}: not UTF-8; save the file as UTF-8"))
    };
    let date = NaiveDate::parse_from_str(text(0, "date")?, "%Y-%m-%d");
    let date = date.ok().filter(|date| (2000..3000).contains(&date.year())).ok_or("date: not a day like 2026-10-01")?;
    let works = match text(1, "works")? {
        "yes" | "true" | "1" => true,
        "no" | "false" | "0" => false,
        _ => return Err("works: yes for an adjusted working day, no for a holiday".into()),
    };
    let name = text(2, "name")?;
    if name.chars().count() > MOST_NAME || name.chars().any(char::is_control) {
        return Err(format!("name: at most {MOST_NAME} characters on one line"));
    }
    Ok((date, works, name.to_owned()))
}

/// The positions of required columns in a file.
fn places(header: &ByteRecord, columns: &[&str]) -> Result<Vec<usize>, AdminError> {
    let find = |name: &&str| {
        let at = header.iter().position(|column| column == name.as_bytes());
        at.ok_or_else(|| {
            AdminError::Invalid(format!("line 1: column {name:?} is missing; the columns are {}", columns.join(",")))
        })
    };
    columns.iter().map(find).collect()
}

const COLUMNS: [&str; 10] = [
    "waybill",
    "network",
    "origin_outlet",
    "delivering_outlet",
    "courier",
    "recipient_name",
    "recipient_phone",
    "recipient_address",
    "cod_fen",
    "theoretical_arrival",
];

/// Counts line numbers, because the reader's own are one short in files with CR LF.
struct Lines<'a> {
    file: &'a [u8],
    at: usize,
    line: u64,
}

impl Lines<'_> {
    /// The line of a record's first byte. Positions must not go back.
    fn at(&mut self, position: Option<&csv::Position>) -> u64 {
        let to = position.map_or(self.at, |p| usize::try_from(p.byte()).unwrap_or(usize::MAX));
        let breaks = |bytes: &[u8]| bytes.iter().filter(|b| **b == b'\n').count() as u64;
        self.line += self.file.get(self.at..to).map_or(0, breaks);
        self.at = to;
        // A position may be on the line break before the record, or on blank lines.
        let blank = self
            .file
            .get(to..)
            .map_or(0, |rest| rest.iter().take_while(|b| b.is_ascii_whitespace()).filter(|b| **b == b'\n').count());
        self.line + blank as u64
    }
}

/// The optional columns. `run`: the inbound run in the delivering outlet's timetable that brings the parcel;
/// `theoretical_arrival` then names only the day. `children`: child numbers, separated by spaces. `entered`: when the parcel's
/// data first were in the network's system (SLA-11); the default is when this server first had them. `virtual_phone`: a number
/// that stands for the recipient's own (隐私号). `virtual_until`: the end of that number.
const OPTIONAL: [&str; 6] = ["hub", "run", "children", "entered", "virtual_phone", "virtual_until"];

/// The names of all columns.
pub(crate) fn names() -> impl Iterator<Item = &'static str> {
    COLUMNS.into_iter().chain(OPTIONAL)
}

/// Reads a parcel from a value for each column's name, as from a row of a file.
pub(crate) fn parcel_of<'v>(value: impl Fn(&str) -> &'v str, pack: &Pack) -> Result<Parcel, String> {
    let columns = Columns::of(&names().collect::<Vec<_>>().into()).map_err(|error| error.to_string())?;
    columns.parcel(&names().map(value).collect::<Vec<_>>().into(), pack)
}

/// Ends the row of a parcel that the list does not name any more. Its personal values are erased.
pub(crate) fn end(tx: &Tx<'_>, waybill: &Waybill, now: UnixMs) -> Result<(), ApiError> {
    parcels::end(tx, waybill, now)?;
    row_scopes::settle(tx, waybill.as_str(), true)
}

/// The position of each column in the file.
struct Columns(Vec<usize>, Vec<Option<usize>>);

impl Columns {
    fn of(header: &ByteRecord) -> Result<Self, AdminError> {
        let maybe = |name: &&str| header.iter().position(|column| column == name.as_bytes());
        Ok(Self(places(header, &COLUMNS)?, OPTIONAL.iter().map(maybe).collect()))
    }

    fn parcel(&self, record: &ByteRecord, pack: &Pack) -> Result<Parcel, String> {
        let text = |name: &str| -> Result<&str, String> {
            let column = COLUMNS.iter().position(|c| *c == name).and_then(|i| self.0.get(i)).copied();
            let bytes = column.and_then(|at| record.get(at)).ok_or_else(|| format!("{name}: the row has too few columns"))?;
            std::str::from_utf8(bytes).map_err(|_| format!("{name}: not UTF-8; save the file as UTF-8"))
        };
        let personal = |name: &str| Personal::plain(text(name)?).map_err(|error| format!("{name}: {error}"));
        let code = |name: &str| text(name)?.parse::<OutletCode>().map_err(|error| format!("{name}: {error}"));
        let maybe = |name: &str| -> Result<&str, String> {
            let column = OPTIONAL.iter().position(|c| *c == name).and_then(|i| self.1.get(i)).copied().flatten();
            let bytes = column.and_then(|at| record.get(at)).unwrap_or_default();
            std::str::from_utf8(bytes).map_err(|_| format!("{name}: not UTF-8; save the file as UTF-8"))
        };
        let hub = match maybe("hub")? {
            "" => None,
            text => Some(text.parse::<OutletCode>().map_err(|error| format!("hub: {error}"))?),
        };
        let child = |text: &str| Waybill::parse(text).map_err(|error| format!("children: {error}"));
        let children = maybe("children")?.split_whitespace().map(child).collect::<Result<Vec<_>, _>>()?;
        if children.len() > MOST_CHILDREN {
            return Err(format!("children: more than {MOST_CHILDREN}"));
        }
        let network: NetworkCode = text("network")?.parse().map_err(|error| format!("network: {error}"))?;
        if network.as_str() != pack.network {
            return Err(format!("network: {network} has no rule pack here, only {}", pack.network));
        }
        let waybill = Waybill::parse(text("waybill")?).map_err(|error| error.to_string())?;
        if !pack.accepts(&waybill) {
            return Err(format!("waybill: does not match the network's pattern {}", pack.waybill_pattern));
        }
        let name = personal("recipient_name")?;
        if name.text() == Some("") {
            return Err("recipient_name: empty".into());
        }
        let cod: i64 = match text("cod_fen")? {
            "" => 0,
            fen => fen.parse().ok().filter(|fen| *fen >= 0).ok_or("cod_fen: not a whole number of fen, 0 or more")?,
        };
        let delivering = code("delivering_outlet")?;
        let arrival = match (text("theoretical_arrival")?, maybe("run")?) {
            ("", "") => None,
            (day, run) if !run.is_empty() => Some(
                NaiveDate::parse_from_str(day, "%Y-%m-%d")
                    .ok()
                    .and_then(|day| pack.arrival(delivering.as_str(), run, day))
                    .ok_or_else(|| format!("run: {run:?} is no arrival in the timetable of {delivering}, or theoretical_arrival is no day like 2026-03-02"))?,
            ),
            (time, _) => Some(
                moment(time, pack)
                    .ok_or("theoretical_arrival: not a time like 2026-03-02 08:00 or 2026-03-02T08:00:00+08:00")?,
            ),
        };
        let entered = match maybe("entered")? {
            "" => None,
            text => Some(moment(text, pack).ok_or("entered: not a time like 2026-03-01 20:00 or 2026-03-01T20:00:00+08:00")?),
        };
        // Without a virtual number there is nothing to expire.
        let expires_at = match maybe("virtual_until")? {
            "" => None,
            text => Some(moment(text, pack).ok_or("virtual_until: not a time like 2026-03-03 20:00")?),
        };
        let virtual_number = match maybe("virtual_phone")? {
            "" => None,
            number => Some(Personal::plain(number).map_err(|error| format!("virtual_phone: {error}"))?),
        };
        Ok(Parcel {
            hub,
            children,
            entered_at: entered,
            waybill,
            network,
            origin_outlet: code("origin_outlet")?,
            delivering_outlet: delivering,
            courier: match text("courier")? {
                "" => None,
                user => Some(user.parse().map_err(|error| format!("courier: {error}"))?),
            },
            recipient_name: name,
            recipient_phone: match text("recipient_phone")? {
                "" => None,
                _ => Some(personal("recipient_phone")?),
            },
            virtual_number: virtual_number.map(|number| VirtualNumber { number, expires_at }),
            recipient_address: personal("recipient_address")?,
            cod: Fen(cod),
            theoretical_arrival: arrival,
            details: Details { run: Some(maybe("run")?.to_owned()).filter(|run| !run.is_empty()), ..Details::default() },
        })
    }
}

/// Reads a time with an offset, or a local one in the network's zone.
pub(crate) fn moment(text: &str, pack: &Pack) -> Option<UnixMs> {
    if let Ok(time) = DateTime::parse_from_rfc3339(text) {
        return Some(UnixMs(time.timestamp_millis()));
    }
    let formats = ["%Y-%m-%d %H:%M", "%Y-%m-%d %H:%M:%S", "%Y-%m-%dT%H:%M:%S", "%Y/%m/%d %H:%M"];
    let local = formats.iter().find_map(|format| NaiveDateTime::parse_from_str(text, format).ok())?;
    Some(UnixMs(pack.zone()?.from_local_datetime(&local).single()?.timestamp_millis()))
}

/// The largest number of pieces of a shipment.
const MOST_CHILDREN: usize = 200;

/// Why a readable row is not imported.
#[derive(Debug, thiserror::Error)]
pub(crate) enum RowError {
    #[error("outlet {0} is not in the directory")]
    Outlet(OutletCode),
    #[error("courier {0} is not known")]
    Courier(UserId),
    #[error(transparent)]
    Database(#[from] StoreError),
    #[error(transparent)]
    Api(#[from] ApiError),
}

/// Imports a row entirely or not at all. The remains of a rejected row would not count as new the next time.
pub(crate) fn import_row(tx: &Tx<'_>, parcel: &Parcel, now: UnixMs) -> Result<(), RowError> {
    tx.part(|tx| insert(tx, parcel, now))
}

fn insert(tx: &Tx<'_>, parcel: &Parcel, now: UnixMs) -> Result<(), RowError> {
    let Parcel { waybill, origin_outlet, delivering_outlet, hub, courier, .. } = parcel;
    for outlet in [origin_outlet, delivering_outlet].into_iter().chain(hub) {
        if !people::is_outlet(tx, outlet.as_str())? {
            return Err(RowError::Outlet(outlet.clone()));
        }
    }
    let case = parcel.case_id();
    // A case that was closed before its first listing may have been closed by a stranger, so it opens again.
    parcels::reopen_unlisted(tx, &case, waybill, delivering_outlet)?;
    if let Some(courier) = courier {
        if !people::is_person(tx, courier.as_str())? {
            return Err(RowError::Courier(courier.clone()));
        }
        parcels::assign(tx, waybill, courier)?;
        // A list that names another courier ends a handover under the earlier one.
        parcels::end_handover(tx, &case, waybill, courier)?;
    }
    let is_changed = parcels::write(tx, parcel, now)?;
    // A parcel that was recorded before its listing gets its scopes now.
    let is_recorded = parcels::is_recorded(tx, &case)?;
    if is_recorded {
        feed::republish(tx, &case)?;
    }
    if facts::note(tx, waybill.as_str(), now)? && is_recorded {
        listed::write(tx, &case, now)?;
    }
    row_scopes::settle(tx, waybill.as_str(), is_changed)?;
    Ok(())
}
