//! The day's parcels, and the calendar, from CSV files.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Datelike, NaiveDate, NaiveDateTime, TimeZone};
use csv::ByteRecord;
use doorstep_domain::{CaseId, Fen, NetworkCode, OutletCode, Personal, UnixMs, UserId, Waybill};
use doorstep_rules::Pack;
use rusqlite::{OptionalExtension, params};
use serde::Serialize;

use crate::{
    AdminError, facts, feed,
    store::{references::bump, tx::Tx},
};

/// A row that was not imported.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct BadRow {
    /// Its line in the file, from 1.
    pub line: u64,
    /// What is wrong with it; never the recipient's data.
    pub fault: String,
}

/// What an import did.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Imported {
    /// Rows taken.
    pub imported: u64,
    /// Rows left out.
    pub bad: Vec<BadRow>,
}

/// Reads the file and takes its rows. A bad row is named by its line and left out.
pub(crate) fn parcels(db: &Tx<'_>, file: &[u8], pack: &Pack, now: UnixMs) -> Result<Imported, AdminError> {
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
                (line, columns.parcel(&record, pack).and_then(|row| row.take(db, now)))
            }
            Err(error) => (lines.at(error.position()), Err(error.to_string())),
        };
        match outcome {
            (_, Ok(())) => result.imported += 1,
            (line, Err(fault)) => result.bad.push(BadRow { line, fault }),
        }
    }
    bump(db, "parcels")?;
    Ok(result)
}

const CALENDAR_COLUMNS: [&str; 3] = ["date", "works", "name"];

/// Most characters of a day's name.
const MOST_NAME: usize = 64;

/// Reads the days that are not as their weekday says. What the file says of a year is all of it: that year's days of before are
/// replaced. With a bad row nothing is taken.
pub(crate) fn calendar(db: &Tx<'_>, file: &[u8]) -> Result<Imported, AdminError> {
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
        db.execute("DELETE FROM calendar_day WHERE day BETWEEN ?1 AND ?2", params![number(first), number(last)])?;
    }
    for (date, (works, name)) in &days {
        db.prepare_cached("INSERT INTO calendar_day (day, works, name) VALUES (?1, ?2, ?3)")?.execute(params![
            number(*date),
            works,
            name
        ])?;
    }
    bump(db, "calendar")?;
    Ok(Imported { imported: days.len() as u64, bad })
}

/// A row of the calendar: the day, whether people work on it, what it is called.
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

/// Where columns stand in a file that must have them.
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

/// Line numbers by counting: the reader's own are one short in files with CR LF.
struct Lines<'a> {
    file: &'a [u8],
    at: usize,
    line: u64,
}

impl Lines<'_> {
    /// The line of a record's first byte; positions only grow.
    fn at(&mut self, position: Option<&csv::Position>) -> u64 {
        let to = position.map_or(self.at, |p| usize::try_from(p.byte()).unwrap_or(usize::MAX));
        let breaks = |bytes: &[u8]| bytes.iter().filter(|b| **b == b'\n').count() as u64;
        self.line += self.file.get(self.at..to).map_or(0, breaks);
        self.at = to;
        // A position may stand on the line break before the record, or on blank lines.
        let blank = self
            .file
            .get(to..)
            .map_or(0, |rest| rest.iter().take_while(|b| b.is_ascii_whitespace()).filter(|b| **b == b'\n').count());
        self.line + blank as u64
    }
}

/// Columns that may be missing. `run`: the inbound run of the delivering outlet's timetable by which the parcel comes, with a
/// `theoretical_arrival` that names the day only. `children`: child numbers, separated by spaces. `entered`: when the parcel's data
/// were first in the network's system (SLA-11); without it, when this server had them first.
/// `virtual_phone`: a number that stands for the recipient's own (隐私号), `virtual_until`: until when.
const OPTIONAL: [&str; 6] = ["hub", "run", "children", "entered", "virtual_phone", "virtual_until"];

/// Where each column stands in the file.
struct Columns(Vec<usize>, Vec<Option<usize>>);

impl Columns {
    fn of(header: &ByteRecord) -> Result<Self, AdminError> {
        let maybe = |name: &&str| header.iter().position(|column| column == name.as_bytes());
        Ok(Self(places(header, &COLUMNS)?, OPTIONAL.iter().map(maybe).collect()))
    }

    fn parcel(&self, record: &ByteRecord, pack: &Pack) -> Result<Row, String> {
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
        Ok(Row {
            hub,
            children,
            entered,
            waybill,
            network,
            origin: code("origin_outlet")?,
            delivering,
            courier: match text("courier")? {
                "" => None,
                user => Some(user.parse().map_err(|error| format!("courier: {error}"))?),
            },
            name,
            phone: match text("recipient_phone")? {
                "" => None,
                _ => Some(personal("recipient_phone")?),
            },
            virtual_phone: match maybe("virtual_phone")? {
                "" => None,
                number => Some(Personal::plain(number).map_err(|error| format!("virtual_phone: {error}"))?),
            },
            virtual_until: match maybe("virtual_until")? {
                "" => None,
                text => Some(moment(text, pack).ok_or("virtual_until: not a time like 2026-03-03 20:00")?),
            },
            address: personal("recipient_address")?,
            cod: Fen(cod),
            arrival,
        })
    }
}

/// A time with an offset, or a local one in the network's zone.
fn moment(text: &str, pack: &Pack) -> Option<UnixMs> {
    if let Ok(time) = DateTime::parse_from_rfc3339(text) {
        return Some(UnixMs(time.timestamp_millis()));
    }
    let formats = ["%Y-%m-%d %H:%M", "%Y-%m-%d %H:%M:%S", "%Y-%m-%dT%H:%M:%S", "%Y/%m/%d %H:%M"];
    let local = formats.iter().find_map(|format| NaiveDateTime::parse_from_str(text, format).ok())?;
    Some(UnixMs(pack.zone()?.from_local_datetime(&local).single()?.timestamp_millis()))
}

/// Most pieces of a shipment.
const MOST_CHILDREN: usize = 200;

struct Row {
    hub: Option<OutletCode>,
    children: Vec<Waybill>,
    entered: Option<UnixMs>,
    waybill: Waybill,
    network: NetworkCode,
    origin: OutletCode,
    delivering: OutletCode,
    courier: Option<UserId>,
    name: Personal,
    phone: Option<Personal>,
    virtual_phone: Option<Personal>,
    virtual_until: Option<UnixMs>,
    address: Personal,
    cod: Fen,
    arrival: Option<UnixMs>,
}

impl Row {
    /// Takes all of a row, or nothing of it: what stays of a row that was named as left out would be nothing new the next time.
    fn take(&self, db: &Tx<'_>, now: UnixMs) -> Result<(), String> {
        let run = |sql| db.execute_batch(sql).map_err(|error| error.to_string());
        run("SAVEPOINT parcel_row")?;
        let taken = self.insert(db, now);
        if taken.is_err() {
            run("ROLLBACK TO parcel_row")?;
        }
        run("RELEASE parcel_row")?;
        taken
    }

    fn insert(&self, db: &Tx<'_>, now: UnixMs) -> Result<(), String> {
        let failed = |error: rusqlite::Error| error.to_string();
        for outlet in [&self.origin, &self.delivering].into_iter().chain(&self.hub) {
            let known: Option<i64> = db
                .query_row("SELECT 1 FROM outlet WHERE code = ?1", [outlet.as_str()], |row| row.get(0))
                .optional()
                .map_err(failed)?;
            known.ok_or_else(|| format!("outlet {outlet} is not in the directory"))?;
        }
        if let Some(courier) = &self.courier {
            let known: Option<i64> = db
                .query_row("SELECT 1 FROM person WHERE id = ?1", [courier.as_str()], |row| row.get(0))
                .optional()
                .map_err(failed)?;
            known.ok_or_else(|| format!("courier {courier} is not known"))?;
        }
        let case = CaseId::of(&self.network, &self.waybill);
        // On its first listing: who ended it before anybody knew whose it is was perhaps a stranger.
        db.execute(
            "UPDATE doc SET closed = 0 WHERE case_id = ?1 AND first_outlet <> ?2
             AND NOT EXISTS (SELECT 1 FROM parcel WHERE waybill = ?3)",
            params![case.as_bytes(), self.delivering.as_str(), self.waybill.as_str()],
        )
        .map_err(failed)?;
        if let Some(courier) = &self.courier {
            db.execute(
                "INSERT OR IGNORE INTO assigned (waybill, courier) VALUES (?1, ?2)",
                params![self.waybill.as_str(), courier.as_str()],
            )
            .map_err(failed)?;
            // A list that names another courier than the one before ends what was handed over under the old one.
            db.execute(
                "UPDATE doc SET courier = NULL, offered_to = NULL, offer = NULL WHERE case_id = ?1
                 AND NOT EXISTS (SELECT 1 FROM parcel WHERE waybill = ?2 AND courier = ?3)",
                params![case.as_bytes(), self.waybill.as_str(), courier.as_str()],
            )
            .map_err(failed)?;
        }
        db.prepare_cached(
            "INSERT OR REPLACE INTO parcel (waybill, network, origin_outlet, delivering_outlet, courier, recipient_name,
               recipient_phone, recipient_address, cod_fen, arrival_ms, hub, entered_ms, children, virtual_phone, virtual_until_ms)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11,
               coalesce(?12, (SELECT entered_ms FROM parcel WHERE waybill = ?1), ?13), ?14, ?15, ?16)",
        )
        .and_then(|mut insert| {
            insert.execute(params![
                self.waybill.as_str(),
                self.network.as_str(),
                self.origin.as_str(),
                self.delivering.as_str(),
                self.courier.as_ref().map(|c| c.as_str()),
                self.name.as_bytes(),
                self.phone.as_ref().map_or(&[][..], |p| p.as_bytes()),
                self.address.as_bytes(),
                self.cod.0,
                self.arrival.map(|at| at.0),
                self.hub.as_ref().map(|hub| hub.as_str()),
                self.entered.map(|at| at.0),
                now.0,
                self.children.iter().map(Waybill::as_str).collect::<Vec<_>>().join(" "),
                self.virtual_phone.as_ref().map_or(&[][..], |p| p.as_bytes()),
                self.virtual_until.map(|at| at.0)
            ])
        })
        .map_err(failed)?;
        // A parcel that was recorded before it was listed gets its scopes now.
        let recorded: Option<i64> = db
            .query_row("SELECT 1 FROM doc WHERE case_id = ?1", params![case.as_bytes()], |row| row.get(0))
            .optional()
            .map_err(failed)?;
        if recorded.is_some() {
            feed::republish(db, &case).map_err(|error| error.to_string())?;
        }
        let is_new = facts::note(db, self.waybill.as_str(), now).map_err(|error| error.to_string())?;
        if is_new && recorded.is_some() {
            facts::list(db, &case, now).map_err(|error| error.to_string())?;
        }
        Ok(())
    }
}
