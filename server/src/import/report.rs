//! What an import says about a file.

use serde::Serialize;

/// The largest number of lines that a note names.
const MOST_LINES: usize = 20;

/// A row that was not imported.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct BadRow {
    /// The first line of the row in the file, from 1.
    pub line: u64,
    /// The last line of the row. A cell in quotes may have several.
    pub to: u64,
    /// The fault of the row, without the recipient's data.
    pub fault: String,
}

/// What is to be known about rows that were taken.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Note {
    /// What is to be known, without the recipients' data.
    pub text: String,
    /// The number of rows. 0: it is about the file.
    pub rows: u64,
    /// The lines of the first rows, at most 20.
    pub lines: Vec<u64>,
}

/// The result of an import.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Default)]
pub struct Imported {
    /// The number of imported rows. A row that is in the file twice counts once.
    pub imported: u64,
    /// The rows that were left out, in the order of their lines.
    pub bad: Vec<BadRow>,
    /// The number of lines behind the header that are not blank.
    pub lines: u64,
    /// How many of these lines belong to rows that were taken.
    pub taken: u64,
    /// The encoding in which the file was read, or `XLSX`.
    pub encoding: &'static str,
    /// What separates the cells: `comma`, `semicolon` or `tab`; `None` in a workbook.
    pub separator: Option<&'static str>,
    /// What is to be known about the file and its rows.
    pub notes: Vec<Note>,
    /// The number of other rows of the day that ended, if the list is complete.
    pub ended: u64,
    /// Whether nothing was written, because only a check was asked for.
    pub dry_run: bool,
}

/// A row's lines in the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Lines {
    pub from: u64,
    pub to: u64,
}

impl Lines {
    fn count(self) -> u64 {
        self.to.saturating_sub(self.from) + 1
    }
}

impl Imported {
    /// The number of lines that were not taken.
    pub fn not_taken(&self) -> u64 {
        self.lines.saturating_sub(self.taken)
    }

    /// Counts a row that is imported.
    pub(crate) fn take(&mut self, lines: Lines) {
        self.imported += 1;
        self.take_again(lines);
    }

    /// Counts a row that says the same as an earlier one.
    pub(crate) fn take_again(&mut self, lines: Lines) {
        self.lines += lines.count();
        self.taken += lines.count();
    }

    /// Counts a row that is left out.
    pub(crate) fn refuse(&mut self, lines: Lines, fault: impl ToString) {
        self.lines += lines.count();
        self.bad.push(BadRow { line: lines.from, to: lines.to, fault: fault.to_string() });
    }

    /// Adds a note about the file, or about a row that was taken.
    pub(crate) fn note(&mut self, text: &str, row: Option<Lines>) {
        let at = self.notes.iter().position(|note| note.text == text).unwrap_or_else(|| {
            self.notes.push(Note { text: text.to_owned(), rows: 0, lines: Vec::new() });
            self.notes.len() - 1
        });
        if let (Some(note), Some(row)) = (self.notes.get_mut(at), row) {
            note.rows += 1;
            if note.lines.len() < MOST_LINES {
                note.lines.push(row.from);
            }
        }
    }

    /// Ends the report.
    pub(crate) fn finish(mut self) -> Self {
        self.bad.sort_by_key(|bad| bad.line);
        self
    }
}
