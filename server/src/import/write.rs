//! Writes the parcels of a list into the store.
//!
//! A list of a large outlet takes long, and the server beside this process must go on taking pushes. Rows are written in
//! transactions of [`BATCH`] rows, and the database is free for a while after each. A device fetches only the rows that changed for
//! it. An import that was interrupted is run again: rows that are there already stay as they are.

use std::{
    collections::HashMap,
    thread,
    time::{Duration, Instant},
};

use doorstep_domain::{CaseId, Day, NetworkCode, Parcel, UnixMs, Waybill};
use doorstep_rules::Pack;

use super::{
    cell::Cell,
    columns::Columns,
    fault::FileFault,
    parcels::{COLUMNS, Draft, DraftFault, NO_UNIT},
    read_rows,
    report::{Imported, Lines},
};
use crate::{
    AdminError,
    error::ApiError,
    facts, feed, listed, numbers, row_scopes,
    store::{
        db::Store,
        docs, parcels, people,
        tx::{StoreError, Tx},
    },
};

/// The number of rows in a transaction.
const BATCH: usize = 500;
/// The bounds of the time for which the database is free after a transaction. A writer that waits asks again after at most
/// 100 ms, so a shorter break would often pass unnoticed.
const BREAK: [Duration; 2] = [Duration::from_millis(2), Duration::from_millis(100)];

/// How parcels are imported.
pub(crate) struct How<'a> {
    /// Reads and checks everything, and writes nothing.
    pub dry_run: bool,
    /// The day of which the list is complete: other rows of the day end.
    pub complete: Option<Day>,
    /// Is told how many lines were read so far.
    pub progress: &'a mut dyn FnMut(u64),
}

/// A row that waits for its transaction.
struct Waiting {
    lines: Lines,
    draft: Draft,
    /// The line of an earlier row that says the same.
    same: Option<u64>,
}

/// Reads a list and imports its rows. A bad row is left out and reported by its lines.
pub(crate) fn import(store: &Store, pack: &Pack, file: &[u8], how: How<'_>, now: UnixMs) -> Result<Imported, AdminError> {
    let mut report = Imported { dry_run: how.dry_run, ..Imported::default() };
    let knows = |cell: &Cell<'_>| Columns::knows(&COLUMNS, cell);
    let mut writer = Writer { store, pack, now, dry_run: how.dry_run, written: 0 };
    let done = read_rows(file, "parcels", &knows, &mut report, |report, header, rows| {
        let columns = Columns::of(&COLUMNS, &NO_UNIT, header).map_err(FileFault::from)?;
        for unknown in &columns.unknown {
            report.note(&format!("this column is not read: {unknown}"), None);
        }
        let mut seen: HashMap<Waybill, (u64, u64)> = HashMap::new();
        // A row that can not be read may be any parcel of the day.
        let mut is_whole = true;
        let mut batch = Vec::with_capacity(BATCH);
        for row in rows {
            let row = row?;
            let lines = Lines { from: row.from, to: row.to };
            let cells = match row.cells {
                Ok(cells) => cells,
                Err(fault) => {
                    is_whole = false;
                    report.refuse(lines, fault);
                    continue;
                }
            };
            let mut draft = match columns.read(&cells, pack) {
                Ok(draft) => draft,
                Err(fault) => {
                    is_whole = false;
                    report.refuse(lines, fault);
                    continue;
                }
            };
            let digest = columns.digest(&cells);
            let known = draft.waybill.as_ref().and_then(|waybill| seen.get(waybill)).copied();
            match (known, draft.waybill.clone()) {
                (Some((other, line)), _) if other != digest => {
                    let fault = format!("waybill: line {line} says something else of it; line {} is left out", lines.from);
                    report.refuse(lines, fault);
                    continue;
                }
                (None, Some(waybill)) => drop(seen.insert(waybill, (digest, lines.from))),
                _ => {}
            }
            if let Some(day) = how.complete
                && draft.details.day.replace(Some(day)).flatten().is_some_and(|named| named != day)
            {
                report.refuse(lines, "day: is another day than the list's");
                continue;
            }
            batch.push(Waiting { lines, draft, same: known.map(|(_, line)| line) });
            if batch.len() == BATCH {
                // A break only before further rows: the last ones are written below.
                let held = writer.write(std::mem::take(&mut batch), report)?;
                (how.progress)(report.lines);
                if !how.dry_run {
                    thread::sleep((held / 2).clamp(BREAK[0], BREAK[1]));
                }
            }
        }
        writer.write(batch, report)?;
        if let Some(day) = how.complete {
            // An export that failed may have no row; a day without parcels has no rows to end.
            if seen.is_empty() {
                report.note("no row of the day was ended, because the list has no row", None);
            } else if is_whole {
                report.ended = writer.end_others(day, &seen)?;
            } else {
                report.note("no row of the day was ended, because a line can not be read", None);
            }
        }
        (how.progress)(report.lines);
        Ok(())
    });
    match done {
        Ok(()) => {
            if report.lines == 0 {
                report.note("the file has a header and no rows", None);
            }
            Ok(report.finish())
        }
        Err(error) if writer.written == 0 => Err(error),
        Err(error) => Err(AdminError::Stopped { written: writer.written, source: Box::new(error) }),
    }
}

struct Writer<'a> {
    store: &'a Store,
    pack: &'a Pack,
    now: UnixMs,
    dry_run: bool,
    /// The number of rows that are durable.
    written: u64,
}

impl Writer<'_> {
    /// Ends the other rows of a complete list's day, or counts them.
    fn end_others(&self, day: Day, named: &HashMap<Waybill, (u64, u64)>) -> Result<u64, AdminError> {
        let network: NetworkCode = self.pack.network.parse().map_err(|_| ApiError::Internal("network"))?;
        let is_named = |waybill: &Waybill| named.contains_key(waybill);
        if self.dry_run {
            let others = self.store.read(|tx| others(tx, &network, day, is_named))?;
            return Ok(others.len() as u64);
        }
        Ok(self.store.write(|tx| end_others(tx, &network, day, is_named, self.now))?)
    }

    /// Writes rows in one transaction. Returns how long the database was held.
    fn write(&mut self, batch: Vec<Waiting>, report: &mut Imported) -> Result<Duration, AdminError> {
        let (pack, now) = (self.pack, self.now);
        let begun = Instant::now();
        let rows = if self.dry_run {
            self.store.read(|tx| {
                Ok::<_, AdminError>(batch.into_iter().map(|row| each(row, |draft| taken(tx, draft, pack, now))).collect())
            })
        } else {
            self.store.write(|tx| {
                Ok::<_, AdminError>(
                    batch.into_iter().map(|row| each(row, |draft| import_row(tx, draft, pack, now))).collect::<Vec<Done>>(),
                )
            })
        }?;
        let held = begun.elapsed();
        for Done { lines, same, done } in rows {
            match (done, same) {
                (Err(fault), _) => report.refuse(lines, fault),
                (Ok(_), Some(_)) => {
                    report.take_again(lines);
                    report.note("the row is in the file twice and was taken once", Some(lines));
                }
                (Ok(Taken { parcel, kept_day }), None) => {
                    report.take(lines);
                    if kept_day {
                        report.note(KEPT_DAY, Some(lines));
                    }
                    if let Some(note) = numbers::note(&parcel) {
                        report.note(&note, Some(lines));
                    }
                    self.written += u64::from(!self.dry_run);
                }
            }
        }
        Ok(held)
    }
}

/// Ends the rows of a day that its complete list does not name. Rows whose case is open stay. Returns how many ended.
pub(crate) fn end_others(
    tx: &Tx<'_>,
    network: &NetworkCode,
    day: Day,
    is_named: impl Fn(&Waybill) -> bool,
    now: UnixMs,
) -> Result<u64, ApiError> {
    let mut ended = 0;
    for waybill in others(tx, network, day, is_named)? {
        end(tx, &waybill, now)?;
        ended += 1;
    }
    Ok(ended)
}

fn others(tx: &Tx<'_>, network: &NetworkCode, day: Day, is_named: impl Fn(&Waybill) -> bool) -> Result<Vec<Waybill>, ApiError> {
    let mut others = Vec::new();
    for waybill in parcels::of_day(tx, network, day)?.into_iter().filter(|waybill| !is_named(waybill)) {
        let doc = docs::read(tx, &CaseId::of(network, &waybill))?;
        if doc.n == 0 || doc.closed {
            others.push(waybill);
        }
    }
    Ok(others)
}

/// The note on rows that kept a day before today. A phone shows the newest list, so it does not show them.
const KEPT_DAY: &str =
    "the row names no day and kept one before today, so it is not in today's list: add the column day, or --complete DAY";

/// A row with what is to be known about it, or why it was left out.
struct Done {
    lines: Lines,
    same: Option<u64>,
    done: Result<Taken, String>,
}

fn each(row: Waiting, work: impl FnOnce(Draft) -> Result<Taken, RowError>) -> Done {
    let Waiting { lines, draft, same } = row;
    Done { lines, same, done: work(draft).map_err(|fault| fault.to_string()) }
}

/// A row as it is written.
pub(crate) struct Taken {
    parcel: Parcel,
    /// Whether it names no day and kept one before today.
    pub kept_day: bool,
}

/// Why a readable row is not imported.
#[derive(Debug, thiserror::Error)]
pub(crate) enum RowError {
    #[error("{0}: this outlet is not in the directory")]
    Outlet(&'static str),
    #[error("courier: this account is not known")]
    Courier,
    #[error(transparent)]
    Draft(#[from] DraftFault),
    #[error(transparent)]
    Database(#[from] StoreError),
    #[error(transparent)]
    Api(#[from] ApiError),
}

/// Imports a row entirely or not at all. The remains of a rejected row would not count as new the next time.
pub(crate) fn import_row(tx: &Tx<'_>, draft: Draft, pack: &Pack, now: UnixMs) -> Result<Taken, RowError> {
    tx.part(|tx| {
        let taken = taken(tx, draft, pack, now)?;
        insert(tx, &taken.parcel, now)?;
        Ok(taken)
    })
}

/// The parcel's whole row, if its outlets and its courier are known.
fn taken(tx: &Tx<'_>, draft: Draft, pack: &Pack, now: UnixMs) -> Result<Taken, RowError> {
    // A row that has ended has lost its values, so it is as good as none.
    let known = match &draft.waybill {
        Some(waybill) if parcels::is_in_force(tx, waybill.as_str())? => parcels::get(tx, waybill.as_str())?,
        _ => None,
    };
    let today = pack.day(now).and_then(Day::new);
    let names_none = draft.details.day.is_none();
    let parcel = draft.over(known.as_ref(), pack, today)?;
    check(tx, &parcel)?;
    let is_before = parcel.details.day.zip(today).is_some_and(|(day, today)| day < today);
    Ok(Taken { kept_day: names_none && is_before, parcel })
}

/// Checks that head office knows the outlets and the courier of a row.
fn check(tx: &Tx<'_>, parcel: &Parcel) -> Result<(), RowError> {
    let outlets = [
        ("origin_outlet", Some(&parcel.origin_outlet)),
        ("delivering_outlet", Some(&parcel.delivering_outlet)),
        ("hub", parcel.hub.as_ref()),
    ];
    for (column, outlet) in outlets {
        if let Some(outlet) = outlet
            && !people::is_outlet(tx, outlet.as_str())?
        {
            return Err(RowError::Outlet(column));
        }
    }
    if let Some(courier) = &parcel.courier
        && !people::is_person(tx, courier.as_str())?
    {
        return Err(RowError::Courier);
    }
    Ok(())
}

fn insert(tx: &Tx<'_>, parcel: &Parcel, now: UnixMs) -> Result<(), RowError> {
    let parcel = &parcels::after_forwards(tx, parcel)?;
    let Parcel { waybill, delivering_outlet, courier, .. } = parcel;
    let case = parcel.case_id();
    // A case that was closed before its first listing may have been closed by a stranger, so it opens again.
    parcels::reopen_unlisted(tx, &case, waybill, delivering_outlet)?;
    if let Some(courier) = courier {
        parcels::assign(tx, waybill.as_str(), courier)?;
    }
    parcels::end_handover(tx, parcel)?;
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

/// Ends the row of a parcel that the list does not name any more. Its personal values are erased.
pub(crate) fn end(tx: &Tx<'_>, waybill: &Waybill, now: UnixMs) -> Result<(), ApiError> {
    parcels::end(tx, waybill, now)?;
    row_scopes::settle(tx, waybill.as_str(), true)
}
