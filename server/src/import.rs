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
pub(crate) mod parcels;
mod report;
mod table;
mod workbook;
pub(crate) mod write;

pub(crate) use self::write::{RowError, end, end_others, import_parcel};
use self::{
    cell::Cell,
    encoding::{Decoded, NoMark},
    table::{Row, Table},
    workbook::Workbook,
};
pub use self::{
    cell::CellFault,
    columns::ColumnsFault,
    dates::TimeFault,
    report::{BadRow, Imported, Note},
    table::HeaderFault,
};
use crate::AdminError;

/// The largest file.
const MOST_BYTES: usize = 1 << 30;

/// Why a file can not be read as a list.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FileFault {
    /// The file is too large.
    #[error("the file has more than {} MiB; split it", MOST_BYTES >> 20)]
    Large,
    /// UTF-16 without a byte order mark.
    #[error("the file seems to be UTF-16 and lacks its byte order mark; save it as UTF-8")]
    NoMark,
    /// A workbook of Excel 97 to 2003.
    #[error("the file is an old workbook (.xls); save it as .xlsx or CSV")]
    OldWorkbook,
    /// A workbook that can not be read.
    #[error("the file is no sound .xlsx workbook; save it again as .xlsx, or as CSV")]
    Workbook,
    /// A workbook without a sheet.
    #[error("the workbook has no sheet")]
    NoSheet,
    /// A workbook with a cell far out.
    #[error("row {0} of the sheet has a cell far to the right; delete it")]
    Wide(u32),
    /// No header.
    #[error("{0}")]
    Header(#[from] HeaderFault),
    /// A header that does not fit.
    #[error("the header: {0}")]
    Columns(#[from] ColumnsFault),
}

impl From<NoMark> for FileFault {
    fn from(_: NoMark) -> Self {
        Self::NoMark
    }
}

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
    if file.len() > MOST_BYTES {
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
