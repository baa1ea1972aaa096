//! Which cell of a row is which column. A kind of list has one table of its columns; a column is added there and nowhere else.

use std::hash::{DefaultHasher, Hash, Hasher};

use unicode_normalization::UnicodeNormalization;

use super::cell::{Cell, CellFault};

/// The largest number of cells of a header.
const MOST_COLUMNS: usize = 500;
/// How much of an unknown header a message shows.
const SHOWN: usize = 24;

/// Whether a file must have a column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Need {
    /// Each file has it.
    Always,
    /// Each file has exactly one of the columns with this word.
    OneOf(&'static str),
    /// A file may lack it. What is known then stays.
    May,
    /// A file may lack it, and has at most one of the columns with this word.
    MayOneOf(&'static str),
}

impl Need {
    /// The word of columns that say one value.
    pub(crate) fn word(self) -> Option<&'static str> {
        match self {
            Self::OneOf(word) | Self::MayOneOf(word) => Some(word),
            Self::Always | Self::May => None,
        }
    }
}

/// One column of a kind of list. `D` is what a row is read into, `C` what the reading needs to know.
pub(crate) struct Column<D, C> {
    /// The name, in messages and as a header.
    pub name: &'static str,
    /// Further headers.
    pub others: &'static [&'static str],
    /// Whether a file must have it.
    pub need: Need,
    /// Reads a cell into the row. It is called only if the file has the column, also for an empty cell.
    pub set: fn(&mut D, &Cell<'_>, &C) -> Result<(), CellFault>,
}

/// Why a header can not be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ColumnsFault {
    /// A column is missing.
    #[error("column {missing:?} is missing; the columns are {all}")]
    Missing {
        /// The column, or the columns of which one must be there.
        missing: String,
        /// All columns that a file must have.
        all: String,
    },
    /// Two cells of the header name one column.
    #[error("column {name:?} is there twice, in cells {first} and {second}")]
    Twice {
        /// The column.
        name: &'static str,
        /// The first cell.
        first: usize,
        /// The second cell.
        second: usize,
    },
    /// Two columns say one value.
    #[error("columns {first:?} and {second:?} say the same; leave one of them out")]
    Both {
        /// The first column.
        first: &'static str,
        /// The second column.
        second: &'static str,
    },
    /// A header that can mean two columns.
    #[error("column {0:?} does not say its unit; name it {0}(元) or {0}(分)")]
    NoUnit(String),
    /// Too many cells.
    #[error("the header has more than {MOST_COLUMNS} cells")]
    TooMany,
}

/// Why a row can not be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{column}: {fault}")]
pub(crate) struct RowFault {
    /// The column.
    pub column: &'static str,
    /// The fault of its cell.
    pub fault: CellFault,
}

/// A header without case, blanks, marks between words, and the difference of wide and narrow forms.
fn plain(header: &str) -> String {
    let is_left_out =
        |c: char| c.is_whitespace() || c.is_control() || matches!(c, '_' | '-' | '\u{feff}' | '\u{200b}'..='\u{200f}');
    header.nfkc().filter(|c| !is_left_out(*c)).flat_map(char::to_lowercase).collect()
}

/// The columns of a file: which cell of a row holds each.
pub(crate) struct Columns<D: 'static, C: 'static> {
    /// The columns that the file has, each with the place of its cell, in the order of the table.
    found: Vec<(&'static Column<D, C>, usize)>,
    /// The headers that are none of the columns, shortened.
    pub unknown: Vec<String>,
}

impl<D, C> Columns<D, C> {
    /// Whether a header's cell names a column.
    pub(crate) fn knows(table: &[Column<D, C>], cell: &Cell<'_>) -> bool {
        let header = plain(&cell.trimmed());
        table.iter().any(|column| column.has(&header))
    }

    /// Finds the columns in a header. `no_unit` names headers that can mean several columns.
    pub(crate) fn of(table: &'static [Column<D, C>], no_unit: &[&str], header: &[Cell<'_>]) -> Result<Self, ColumnsFault> {
        if header.len() > MOST_COLUMNS {
            return Err(ColumnsFault::TooMany);
        }
        let headers: Vec<String> = header.iter().map(|cell| plain(&cell.trimmed())).collect();
        let mut found: Vec<(&'static Column<D, C>, usize)> = Vec::new();
        for column in table {
            let mut places = headers.iter().enumerate().filter(|(_, header)| column.has(header)).map(|(place, _)| place);
            if let Some(first) = places.next() {
                if let Some(second) = places.next() {
                    return Err(ColumnsFault::Twice { name: column.name, first: first + 1, second: second + 1 });
                }
                let is_same = |other: &Need| matches!(other, Need::OneOf(_) | Need::MayOneOf(_)) && *other == column.need;
                if let Some((other, _)) = found.iter().find(|(other, _)| is_same(&other.need)) {
                    return Err(ColumnsFault::Both { first: other.name, second: column.name });
                }
                found.push((column, first));
            }
        }
        let is_found = |wanted: &Column<D, C>| match wanted.need {
            Need::May | Need::MayOneOf(_) => true,
            need @ Need::OneOf(_) => found.iter().any(|(column, _)| column.need == need),
            Need::Always => found.iter().any(|(column, _)| column.name == wanted.name),
        };
        if let Some(missing) = table.iter().find(|column| !is_found(column)) {
            let of_unit = |header: &&Cell<'_>| no_unit.iter().any(|name| plain(name) == plain(&header.trimmed()));
            if let (Need::OneOf(_), Some(header)) = (missing.need, header.iter().find(of_unit)) {
                return Err(ColumnsFault::NoUnit(header.trimmed().into_owned()));
            }
            return Err(ColumnsFault::Missing { missing: alternatives(table, missing), all: needed(table) });
        }
        let mut unknown = Vec::new();
        for (place, cell) in header.iter().enumerate().filter(|(_, cell)| !cell.is_empty()) {
            if !found.iter().any(|(_, found)| *found == place) {
                unknown.push(cell.trimmed().chars().filter(|c| !c.is_control()).take(SHOWN).collect());
            }
        }
        Ok(Self { found, unknown })
    }

    /// Reads a row. Columns that the file lacks stay as they are in `D`'s default.
    pub(crate) fn read(&self, cells: &[Cell<'_>], about: &C) -> Result<D, RowFault>
    where
        D: Default,
    {
        let mut row = D::default();
        for (column, place) in &self.found {
            let fault = |fault| RowFault { column: column.name, fault };
            let cell = cells.get(*place).ok_or_else(|| fault(CellFault::Empty))?;
            (column.set)(&mut row, cell, about).map_err(fault)?;
        }
        Ok(row)
    }

    /// A digest of what a row says in the columns, to compare rows of one file.
    pub(crate) fn digest(&self, cells: &[Cell<'_>]) -> u64 {
        let mut digest = DefaultHasher::new();
        for (_, place) in &self.found {
            cells.get(*place).map(|cell| cell.trimmed()).hash(&mut digest);
        }
        digest.finish()
    }
}

impl<D, C> Column<D, C> {
    /// Whether a plain header names this column.
    fn has(&self, header: &str) -> bool {
        std::iter::once(&self.name).chain(self.others).any(|name| plain(name) == header)
    }
}

/// The names of the columns of which one must be there.
fn alternatives<D, C>(table: &[Column<D, C>], of: &Column<D, C>) -> String {
    let same = table.iter().filter(|column| column.name == of.name || (of.need != Need::Always && column.need == of.need));
    same.map(|column| column.name).collect::<Vec<_>>().join(" or ")
}

/// The names of the columns that a file must have.
fn needed<D, C>(table: &[Column<D, C>]) -> String {
    let mut names: Vec<String> = Vec::new();
    for column in table.iter().filter(|column| matches!(column.need, Need::Always | Need::OneOf(_))) {
        let name = alternatives(table, column);
        if !names.contains(&name) {
            names.push(name);
        }
    }
    names.join(",")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Default, Debug, PartialEq)]
    struct Pair(Option<String>, Option<String>, Option<String>);

    static TABLE: [Column<Pair, ()>; 4] = [
        Column {
            name: "way_bill",
            others: &["运单号"],
            need: Need::Always,
            set: |row, cell, ()| {
                row.0 = Some(cell.text(9)?.into());
                Ok(())
            },
        },
        Column {
            name: "fen",
            others: &["款(分)"],
            need: Need::OneOf("money"),
            set: |row, cell, ()| {
                row.1 = Some(cell.text(9)?.into());
                Ok(())
            },
        },
        Column {
            name: "yuan",
            others: &["款(元)"],
            need: Need::OneOf("money"),
            set: |row, cell, ()| {
                row.1 = Some(cell.text(9)?.into());
                Ok(())
            },
        },
        Column {
            name: "note",
            others: &[],
            need: Need::May,
            set: |row, cell, ()| {
                row.2 = Some(cell.text(3)?.into());
                Ok(())
            },
        },
    ];

    fn cells<'a>(texts: &[&'a str]) -> Vec<Cell<'a>> {
        texts.iter().map(|text| Cell::Text((*text).into())).collect()
    }

    fn columns(header: &[&str]) -> Result<Columns<Pair, ()>, ColumnsFault> {
        Columns::of(&TABLE, &["款"], &cells(header))
    }

    #[test]
    fn headers_are_found_in_any_order_case_and_width_and_in_chinese() {
        for header in [["Way Bill", "款（元）"], [" 运单号 ", "FEN"], ["WAY-BILL\u{200b}", "\u{feff}Yuan"], ["款(分)", "wayBill"]]
        {
            assert!(columns(&header).is_ok(), "{header:?}");
        }
        let found = columns(&["extra", "fen", "运单号", ""]).unwrap();
        assert_eq!(found.unknown, ["extra"]);
        let row = found.read(&cells(&["x", "1", "a", "y"]), &()).unwrap();
        assert_eq!(row, Pair(Some("a".into()), Some("1".into()), None), "what the file lacks is not said");
    }

    #[test]
    fn a_header_that_lacks_or_repeats_a_column_is_refused_by_the_columns_name() {
        let said = |header: &[&str]| columns(header).err().map(|fault| fault.to_string()).unwrap_or_default();
        assert_eq!(said(&["fen"]), "column \"way_bill\" is missing; the columns are way_bill,fen or yuan");
        assert_eq!(said(&["运单号"]), "column \"fen or yuan\" is missing; the columns are way_bill,fen or yuan");
        assert_eq!(said(&["运单号", "款(元)", "fen"]), "columns \"fen\" and \"yuan\" say the same; leave one of them out");
        assert_eq!(said(&["运单号", "fen", "way_bill"]), "column \"way_bill\" is there twice, in cells 1 and 3");
        assert_eq!(said(&["运单号", "款"]), "column \"款\" does not say its unit; name it 款(元) or 款(分)");
        assert_eq!(columns(&["x"; 501]).err(), Some(ColumnsFault::TooMany));
    }

    #[test]
    fn a_rows_fault_names_its_column_and_not_its_content() {
        let found = columns(&["运单号", "fen", "note"]).unwrap();
        let fault = found.read(&cells(&["a", "1", "secret"]), &()).unwrap_err();
        assert_eq!(fault.to_string(), "note: more than 3 characters");
        assert_eq!(found.digest(&cells(&["a", "1", "b"])), found.digest(&cells(&[" a", "1 ", "b"])));
        assert_ne!(found.digest(&cells(&["a", "1", "b"])), found.digest(&cells(&["a", "b", "1"])));
    }
}
