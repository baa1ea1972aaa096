//! Reads the day's parcels and the calendar from files of spreadsheets and of the network's systems: CSV or XLSX.
//!
//! Reading is pure: `encoding.rs` finds the text, `table.rs` its rows with their lines, `workbook.rs` the rows of an XLSX file,
//! `cell.rs` and `dates.rs` what a cell says, `columns.rs` which cell is which column. `parcels.rs` and `calendar.rs` have the
//! columns of each kind of list. `write.rs` writes parcels into the store, and `report.rs` accounts for every line.

pub(crate) mod calendar;
pub(crate) mod cell;
pub(crate) mod columns;
mod dates;
mod encoding;
pub(crate) mod fault;
pub(crate) mod parcels;
mod report;
mod table;
mod workbook;
pub(crate) mod write;

pub(crate) use self::write::{RowError, end, end_others, import_row};
use self::{
    cell::Cell,
    encoding::Decoded,
    table::{Row, Table},
    workbook::Workbook,
};
pub use self::{
    cell::CellFault,
    columns::ColumnsFault,
    dates::TimeFault,
    fault::FileFault,
    report::{BadRow, Imported, Note},
    table::HeaderFault,
};
use crate::AdminError;

/// Rows as they are read.
type Rows<'r, 't> = &'r mut dyn Iterator<Item = Result<Row<'t>, FileFault>>;

/// Finds what kind of file it is, and gives its header and its rows to `work`. The report says how it was read. `sheet`: the name
/// of a workbook's sheet that is taken before the first one. `knows`: whether a header's cell names a column.
fn read_rows<T>(
    file: &[u8],
    sheet: &str,
    knows: &dyn Fn(&Cell<'_>) -> bool,
    report: &mut Imported,
    work: impl for<'t> FnOnce(&mut Imported, &[Cell<'t>], Rows<'_, 't>) -> Result<T, AdminError>,
) -> Result<T, AdminError> {
    let refused = |fault: FileFault| AdminError::from(fault);
    if file.len() > fault::MOST_BYTES {
        return Err(refused(FileFault::Large));
    }
    if file.starts_with(&[0xd0, 0xcf, 0x11, 0xe0]) {
        return Err(refused(FileFault::OldWorkbook));
    }
    if file.starts_with(b"PK\x03\x04") {
        let mut book = Workbook::open(file, sheet)?;
        report.encoding = "XLSX";
        if let Some(chosen) = book.chosen() {
            let chosen: String = chosen.chars().filter(|c| !c.is_control()).collect();
            report.note(&format!("of several sheets this one was read: {chosen}"), None);
        }
        let mut rows = book.rows()?;
        let header = rows.header().to_vec();
        return work(report, &header, &mut rows);
    }
    let Decoded { text, encoding, damaged } = encoding::decode(file).map_err(|fault| refused(fault.into()))?;
    let mut table = Table::open(&text, damaged, knows).map_err(|fault| refused(fault.into()))?;
    (report.encoding, report.separator) = (encoding.as_str(), Some(table.separator().as_str()));
    let header = table.header().to_vec();
    work(report, &header, &mut table.by_ref().map(Ok))
}

#[cfg(test)]
mod tests;
