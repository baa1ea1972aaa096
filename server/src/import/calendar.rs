//! The calendar: days that differ from their weekday.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{Datelike, NaiveDate};

use super::{
    cell::CellFault,
    columns::{Column, Columns, Need},
    fault::FileFault,
    read_rows,
    report::{Imported, Lines},
};
use crate::{
    AdminError,
    store::{calendar, references::bump, tx::Tx},
};

/// The largest number of characters of a day's name.
const MOST_NAME: usize = 64;
/// The years of the calendar.
const YEARS: std::ops::Range<i32> = 2000..3000;

/// What a row says of its day.
#[derive(Default)]
struct Draft {
    date: Option<NaiveDate>,
    works: bool,
    name: String,
}

static COLUMNS: [Column<Draft, ()>; 3] = [
    Column {
        name: "date",
        others: &["日期"],
        need: Need::Always,
        set: |draft, cell, ()| {
            let day = cell.when().ok().and_then(super::dates::When::day).or_else(|| cell.trimmed().parse().ok());
            let day = day.filter(|day: &NaiveDate| YEARS.contains(&day.year()));
            draft.date = Some(day.ok_or_else(|| CellFault::Rule("not a day like 2026-10-01".into()))?);
            Ok(())
        },
    },
    Column {
        name: "works",
        others: &["上班", "是否上班"],
        need: Need::Always,
        set: |draft, cell, ()| {
            draft.works = match cell.text(MOST_NAME)?.as_ref() {
                "yes" | "true" | "1" | "是" => true,
                "no" | "false" | "0" | "否" => false,
                _ => return Err(CellFault::Rule("yes for an adjusted working day, no for a holiday".into())),
            };
            Ok(())
        },
    },
    Column {
        name: "name",
        others: &["名称", "节日"],
        need: Need::Always,
        set: |draft, cell, ()| {
            let name = cell.text(MOST_NAME)?;
            if name.chars().any(char::is_control) {
                return Err(CellFault::Rule("not on one line".into()));
            }
            draft.name = name.into_owned();
            Ok(())
        },
    },
];

/// Imports the days that differ from their weekday. The file must hold all such days of each year that it mentions, because it
/// replaces the earlier days of that year. A bad row stops the import.
pub(crate) fn import(tx: &Tx<'_>, file: &[u8]) -> Result<Imported, AdminError> {
    let mut report = Imported::default();
    let mut days: BTreeMap<NaiveDate, (bool, String, Lines)> = BTreeMap::new();
    let knows = |cell: &super::cell::Cell<'_>| Columns::knows(&COLUMNS, cell);
    read_rows(file, "calendar", &knows, &mut report, |report, header, rows| {
        let columns = Columns::of(&COLUMNS, &[], header).map_err(FileFault::from)?;
        for row in rows {
            let row = row?;
            let lines = Lines { from: row.from, to: row.to };
            let draft = row.cells.map_err(|fault| fault.to_string());
            match draft.and_then(|cells| columns.read(&cells, &()).map_err(|fault| fault.to_string())) {
                Err(fault) => report.refuse(lines, fault),
                Ok(Draft { date, works, name }) => {
                    let date = date.unwrap_or_default();
                    match days.get(&date) {
                        Some((.., first)) => {
                            report.refuse(lines, format!("date: {date} is there twice, first in line {}", first.from))
                        }
                        None => {
                            days.insert(date, (works, name, lines));
                        }
                    }
                }
            }
        }
        Ok(())
    })?;
    if !report.bad.is_empty() {
        days.values().for_each(|(.., lines)| report.lines += lines.to - lines.from + 1);
        return Ok(report.finish());
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
    for (date, (works, name, lines)) in &days {
        calendar::add(tx, number(*date), *works, name)?;
        report.take(*lines);
    }
    bump(tx, "calendar")?;
    Ok(report.finish())
}
