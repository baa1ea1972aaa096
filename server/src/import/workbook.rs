//! Rows of a workbook (XLSX): of its only sheet, of the one that is named `parcels`, or else of its first.

use std::io::Cursor;

use calamine::{DataRef, Reader, Xlsx, XlsxCellReader, XlsxError, open_workbook_from_rs};
use chrono::TimeDelta;

use super::{
    cell::Cell,
    dates,
    fault::FileFault,
    table::{Row, RowFault},
};

/// The largest number of columns that are read.
const MOST_COLUMNS: u32 = 500;
/// The days between the beginnings of the two calendars of spreadsheets, 1900 and 1904.
const DAYS_OF_1904: i64 = 1462;

/// An opened workbook.
pub(crate) struct Workbook<'f> {
    book: Xlsx<Cursor<&'f [u8]>>,
    sheet: String,
}

impl<'f> Workbook<'f> {
    /// Opens a workbook. `named`: the name of the sheet that is taken before the first one.
    pub(crate) fn open(file: &'f [u8], named: &str) -> Result<Self, FileFault> {
        let book: Xlsx<_> = open_workbook_from_rs(Cursor::new(file)).map_err(fault)?;
        let names = book.sheet_names();
        let sheet = names.iter().find(|name| name.trim().eq_ignore_ascii_case(named)).or(names.first()).cloned();
        Ok(Self { book, sheet: sheet.ok_or(FileFault::NoSheet)? })
    }

    /// The name of the sheet that is read, if there are others.
    pub(crate) fn chosen(&self) -> Option<&str> {
        (self.book.sheet_names().len() > 1).then_some(self.sheet.as_str())
    }

    /// The rows of the sheet. The first one with a cell is the header.
    pub(crate) fn rows(&mut self) -> Result<Sheet<'_, 'f>, FileFault> {
        let since_1904 = self.book.has_1904_epoch();
        let cells = self.book.worksheet_cells_reader(&self.sheet).map_err(fault)?;
        let mut sheet = Sheet { cells, since_1904, next: None, ended: false, header: Vec::new() };
        let (_, header) = sheet.row()?.ok_or(FileFault::Header(super::table::HeaderFault::Empty))?;
        sheet.header = header;
        Ok(sheet)
    }
}

fn fault(_: XlsxError) -> FileFault {
    FileFault::Workbook
}

/// The rows of a sheet behind its header.
pub(crate) struct Sheet<'b, 'f> {
    cells: XlsxCellReader<'b, Cursor<&'f [u8]>>,
    since_1904: bool,
    /// The first cell of the next row, by row and column.
    next: Option<(u32, u32, Cell<'static>)>,
    /// Whether the last cell was read. The reader fails if it is asked once more.
    ended: bool,
    header: Vec<Cell<'static>>,
}

impl Sheet<'_, '_> {
    pub(crate) fn header(&self) -> &[Cell<'static>] {
        &self.header
    }

    /// The next row that has a cell: its number from 0, and its cells up to the last one that is not empty.
    fn row(&mut self) -> Result<Option<(u32, Vec<Cell<'static>>)>, FileFault> {
        let (mut row, mut cells) = (None, Vec::new());
        loop {
            let cell = match self.next.take() {
                Some(cell) => Some(cell),
                None => self.cell()?,
            };
            let Some((at, column, cell)) = cell else { break };
            if *row.get_or_insert(at) != at {
                self.next = Some((at, column, cell));
                break;
            }
            let column = column as usize;
            if cells.len() <= column {
                cells.resize(column + 1, Cell::Text("".into()));
            }
            if let Some(place) = cells.get_mut(column) {
                *place = cell;
            }
        }
        Ok(row.map(|row| (row, cells)))
    }

    /// The next cell that is not empty.
    fn cell(&mut self) -> Result<Option<(u32, u32, Cell<'static>)>, FileFault> {
        while !self.ended {
            let Some(cell) = self.cells.next_cell().map_err(fault)? else {
                self.ended = true;
                break;
            };
            let (row, column) = cell.get_position();
            let cell = read(cell.get_value(), self.since_1904);
            if !cell.is_empty() {
                // A cell far out would make each of its rows as wide.
                return if column < MOST_COLUMNS { Ok(Some((row, column, cell))) } else { Err(FileFault::Wide(row + 1)) };
            }
        }
        Ok(None)
    }
}

fn read(value: &DataRef<'_>, since_1904: bool) -> Cell<'static> {
    let text = |text: &str| Cell::Text(text.to_owned().into());
    match value {
        // Far below 2^53, or refused as not exact.
        DataRef::Int(number) => Cell::Number(*number as f64),
        // Which calendar a bare number means is not known there. As text it is refused where a time is wanted.
        DataRef::Float(number) if since_1904 && number.abs() < 1e15 => text(&number.to_string()),
        DataRef::Float(number) => Cell::Number(*number),
        DataRef::String(said) => text(said),
        DataRef::SharedString(said) => text(said),
        DataRef::Bool(yes) => text(if *yes { "true" } else { "false" }),
        DataRef::DateTime(time) if time.is_datetime() => {
            let days = TimeDelta::days(if since_1904 { DAYS_OF_1904 } else { 0 });
            let time = dates::of_serial(time.as_f64()).and_then(|time| time.checked_add_signed(days));
            time.map_or(Cell::Unusable, Cell::Time)
        }
        DataRef::DateTimeIso(said) => text(said),
        DataRef::DateTime(_) | DataRef::DurationIso(_) | DataRef::Error(_) => Cell::Unusable,
        DataRef::Empty => text(""),
    }
}

impl Iterator for Sheet<'_, '_> {
    type Item = Result<Row<'static>, FileFault>;

    fn next(&mut self) -> Option<Self::Item> {
        let (at, mut cells) = match self.row() {
            Ok(row) => row?,
            Err(fault) => return Some(Err(fault)),
        };
        let (line, found, wanted) = (u64::from(at) + 1, cells.len(), self.header.len());
        // A sheet has no end of a row: empty cells at its end are as good as none.
        cells.resize(wanted, Cell::Text("".into()));
        let cells = if found > wanted { Err(RowFault::Cells { found, wanted }) } else { Ok(cells) };
        Some(Ok(Row { from: line, to: line, cells }))
    }
}
