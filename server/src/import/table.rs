//! Rows of a text with separators (CSV), each with its physical lines. Pure: no file, no database.
//!
//! No line vanishes. Every line that is not blank belongs to the header or to one row, and a row has cells or a fault. A quote that
//! is not closed would swallow the rows behind it, as far as the next quote or the end of the file; only the lines up to that quote
//! are refused then, and reading goes on behind them.

use std::borrow::Cow;

use super::cell::Cell;

/// The largest number of characters of a cell.
const MOST_CELL: usize = 4_000;
/// What a decoder writes for bytes that it can not read.
const DAMAGED: char = '\u{fffd}';

/// A row and its lines in the file, from 1.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Row<'t> {
    /// The first line.
    pub from: u64,
    /// The last line. A cell in quotes may have several.
    pub to: u64,
    /// One cell for each of the header's.
    pub cells: Result<Vec<Cell<'t>>, RowFault>,
}

/// Why a row can not be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum RowFault {
    #[error("the quote that is opened in line {0} is not closed")]
    OpenQuote(u64),
    #[error("text stands behind a closing quote; write a quote within a cell twice")]
    BehindQuote,
    #[error("the row has {found} cells and the header has {wanted}; a cell with a separator or a line break needs quotes")]
    Cells {
        /// The number of cells in the row.
        found: usize,
        /// The number of cells in the header.
        wanted: usize,
    },
    #[error("a cell in quotes holds lines that look like rows of their own; is a quote missing or too many?")]
    RowsInCell,
    #[error("cell {0} has more than {MOST_CELL} characters")]
    Long(usize),
    #[error("cell {0} has bytes that are not in the file's encoding")]
    Damaged(usize),
}

/// Why a text has no table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum HeaderFault {
    /// No line has text.
    #[error("the file is empty")]
    Empty,
    /// The quotes of the header do not fit.
    #[error("line {0}: a quote of the header is not closed, or text stands behind it")]
    Quotes(u64),
}

/// What separates the cells of a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Separator {
    Comma,
    Semicolon,
    Tab,
}

impl Separator {
    const ALL: [Self; 3] = [Self::Comma, Self::Semicolon, Self::Tab];

    fn byte(self) -> u8 {
        match self {
            Self::Comma => b',',
            Self::Semicolon => b';',
            Self::Tab => b'\t',
        }
    }

    /// Its word in a report.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Comma => "comma",
            Self::Semicolon => "semicolon",
            Self::Tab => "tab",
        }
    }
}

/// The rows of a text behind its header.
pub(crate) struct Table<'t> {
    text: &'t str,
    separator: Separator,
    /// The header's cells.
    header: Vec<Cell<'t>>,
    /// Whether the decoder could not read some bytes.
    damaged: bool,
    at: usize,
    line: u64,
}

impl<'t> Table<'t> {
    /// Reads the header: the first line with text. The separator is the one with which most of the header's cells are `known`, or
    /// the one that a line such as `sep=;` before it names. `damaged`: the decoder wrote U+FFFD for bytes that it could not read.
    pub(crate) fn open(text: &'t str, damaged: bool, known: &dyn Fn(&Cell<'_>) -> bool) -> Result<Self, HeaderFault> {
        let (mut at, mut line, mut named) = (0, 1, None);
        let blank_to_all = |line: &str| line.chars().all(|c| c.is_whitespace() || matches!(c, ',' | ';'));
        let header = loop {
            if at >= text.len() {
                return Err(HeaderFault::Empty);
            }
            let (content, next) = line_at(text, at);
            let said = content.trim().strip_prefix("sep=").filter(|_| named.is_none());
            if let Some(said) = said.and_then(|said| Separator::ALL.into_iter().find(|s| said.as_bytes() == [s.byte()])) {
                named = Some(said);
            } else if content.trim() == "sep=" && content.ends_with('\t') {
                named = Some(Separator::Tab);
            } else if !blank_to_all(content) {
                break at;
            }
            (at, line) = (next, line + 1);
        };
        let mut best: Option<(usize, Separator, Scan<'t>)> = None;
        for separator in Separator::ALL.into_iter().filter(|one| named.is_none_or(|named| named == *one)) {
            let scan = Scan::of(text, header, separator, Reach::File);
            let score = scan.cells.iter().filter(|cell| known(cell)).count();
            if best.as_ref().is_none_or(|(most, ..)| score > *most) {
                best = Some((score, separator, scan));
            }
        }
        let (_, separator, scan) = best.ok_or(HeaderFault::Empty)?;
        // A line break and a separator in one cell: its quote is not closed, and it has swallowed rows.
        let is_swallowing = |cell: &Cell<'_>| matches!(cell, Cell::Text(text) if text.contains(['\n', '\r']) && text.contains(char::from(separator.byte())));
        if scan.fault.is_some() || scan.cells.iter().any(is_swallowing) {
            return Err(HeaderFault::Quotes(line));
        }
        let line = line + breaks(text, header, scan.end) + 1;
        Ok(Self { text, separator, header: scan.cells, damaged, at: scan.next, line })
    }

    pub(crate) fn header(&self) -> &[Cell<'t>] {
        &self.header
    }

    pub(crate) fn separator(&self) -> Separator {
        self.separator
    }

    fn is_blank(&self, line: &str) -> bool {
        line.chars().all(|c| c.is_whitespace() || c == char::from(self.separator.byte()))
    }

    /// Whether a line by itself has as many cells as the header. `strictly`: its quotes fit too, and none is within a cell without
    /// quotes.
    fn is_like_a_row(&self, at: usize, strictly: bool) -> bool {
        let wanted = self.header.len();
        let scan = Scan::of(self.text, at, self.separator, Reach::Line);
        let is_whole = scan.fault.is_none() && scan.count == wanted && !(strictly && scan.stray);
        let (content, _) = line_at(self.text, at);
        let splits = || content.bytes().filter(|byte| *byte == self.separator.byte()).count() + 1 == wanted;
        wanted > 1 && (is_whole || (!strictly && splits()))
    }

    /// Whether a line within cells whose quotes fit is like a row: as a whole, or with separators before its first quote. The latter are
    /// two rows of which the first has lost its closing quote and the second its opening one.
    fn has_rows_in_cells(&self, from: usize, to: usize) -> bool {
        let mut at = line_at(self.text, from).1;
        while at <= to && at < self.text.len() {
            let (content, next) = line_at(self.text, at);
            let has_cells = content.split('"').next().is_some_and(|before| before.contains(char::from(self.separator.byte())));
            if self.is_like_a_row(at, true) || (has_cells && self.is_like_a_row(at, false)) {
                return true;
            }
            at = next;
        }
        false
    }

    /// Whether a line between two places is like a row. The line of `from` itself is not looked at.
    fn has_rows_within(&self, from: usize, to: usize, strictly: bool) -> bool {
        let mut at = line_at(self.text, from).1;
        while at <= to && at < self.text.len() {
            if self.is_like_a_row(at, strictly) {
                return true;
            }
            at = line_at(self.text, at).1;
        }
        false
    }

    /// The row at the present place, which is the beginning of a line with text.
    fn row(&mut self) -> Row<'t> {
        let (start, from, wanted) = (self.at, self.line, self.header.len());
        let scan = Scan::of(self.text, start, self.separator, Reach::File);
        let line_of = |place: usize| from + breaks(self.text, start, place);
        let (last, cells) = match scan.fault {
            None => (scan.end, self.sound(scan, start, wanted)),
            // The cell may have lost its closing quote, and the quote that seems to close it opens the cell of a later row.
            Some(Unsound { opened, behind: Some(at) }) if !self.has_rows_within(opened, at, false) => {
                (at, Err(RowFault::BehindQuote))
            }
            Some(Unsound { opened, .. }) => (opened, Err(RowFault::OpenQuote(line_of(opened)))),
        };
        let to = line_of(last);
        (self.at, self.line) = (line_at(self.text, last).1, to + 1);
        Row { from, to, cells }
    }

    /// The cells of a row whose quotes fit.
    fn sound(&self, scan: Scan<'t>, start: usize, wanted: usize) -> Result<Vec<Cell<'t>>, RowFault> {
        if scan.count != wanted {
            return Err(RowFault::Cells { found: scan.count, wanted });
        }
        // Here the quotes fit, so a recipient may have written such a line into an address. It must not become a row.
        if self.has_rows_in_cells(start, scan.end) {
            return Err(RowFault::RowsInCell);
        }
        for (n, cell) in scan.cells.iter().enumerate() {
            let Cell::Text(text) = cell else { continue };
            if text.len() > MOST_CELL && text.chars().count() > MOST_CELL {
                return Err(RowFault::Long(n + 1));
            }
            if self.damaged && text.contains(DAMAGED) {
                return Err(RowFault::Damaged(n + 1));
            }
        }
        Ok(scan.cells)
    }
}

impl<'t> Iterator for Table<'t> {
    type Item = Row<'t>;

    fn next(&mut self) -> Option<Row<'t>> {
        while self.at < self.text.len() {
            let (content, next) = line_at(self.text, self.at);
            if !self.is_blank(content) {
                return Some(self.row());
            }
            (self.at, self.line) = (next, self.line + 1);
        }
        None
    }
}

/// A part of a text. Places are at ASCII characters, so they never cut one.
fn part(text: &str, from: usize, to: usize) -> &str {
    text.get(from..to).unwrap_or_default()
}

/// The line that holds a place, from there on, without its break; and the beginning of the next line.
fn line_at(text: &str, at: usize) -> (&str, usize) {
    let rest = text.get(at..).unwrap_or_default();
    match rest.find(['\n', '\r']) {
        None => (rest, text.len()),
        Some(end) => (part(text, at, at + end), behind_break(text, at + end)),
    }
}

/// The place behind a line break: CR LF, LF or CR.
fn behind_break(text: &str, at: usize) -> usize {
    match (text.as_bytes().get(at), text.as_bytes().get(at + 1)) {
        (Some(b'\r'), Some(b'\n')) => at + 2,
        _ => (at + 1).min(text.len()),
    }
}

/// The number of line breaks that end between two places.
fn breaks(text: &str, from: usize, to: usize) -> u64 {
    let (mut at, mut n) = (from, 0);
    loop {
        let next = line_at(text, at).1;
        if next > to || next <= at {
            return n;
        }
        let ends_text = next == text.len() && !part(text, at, next).ends_with(['\n', '\r']);
        (at, n) = (next, n + u64::from(!ends_text));
    }
}

/// How far a cell in quotes may go.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Reach {
    /// To the end of its line.
    Line,
    /// Over line breaks, to the end of the file.
    File,
}

/// Quotes that do not fit.
struct Unsound {
    /// The place of the last opening quote.
    opened: usize,
    /// The place of the text behind its closing quote; `None` if it has none.
    behind: Option<usize>,
}

/// One reading of a row.
struct Scan<'t> {
    cells: Vec<Cell<'t>>,
    /// The number of cells.
    count: usize,
    /// The end of the last cell.
    end: usize,
    /// The beginning of the next line.
    next: usize,
    fault: Option<Unsound>,
    /// Whether a cell without quotes has a quote within.
    stray: bool,
}

impl<'t> Scan<'t> {
    fn of(text: &'t str, start: usize, separator: Separator, reach: Reach) -> Self {
        let bytes = text.as_bytes();
        let separator = separator.byte();
        let is_blank = |at: usize| bytes.get(at).is_some_and(|byte| *byte == b' ' || (*byte == b'\t' && separator != b'\t'));
        let ends_cell = |at: usize| bytes.get(at).is_none_or(|byte| *byte == separator || matches!(byte, b'\n' | b'\r'));
        let behind_blanks = |mut at: usize| {
            while is_blank(at) {
                at += 1;
            }
            at
        };
        let mut scan = Self { cells: Vec::new(), count: 0, end: start, next: start, fault: None, stray: false };
        let mut at = start;
        loop {
            let opened = behind_blanks(at);
            let (cell, end) = if bytes.get(opened) == Some(&b'"') {
                let Some((cell, closed)) = quoted(text, opened, reach) else {
                    scan.fault = Some(Unsound { opened, behind: None });
                    return scan;
                };
                let end = behind_blanks(closed);
                if !ends_cell(end) {
                    scan.fault = Some(Unsound { opened, behind: Some(end) });
                    return scan;
                }
                (cell, end)
            } else {
                let mut end = opened;
                while !ends_cell(end) {
                    end += 1;
                }
                let cell = part(text, at, end);
                scan.stray |= cell.contains('"');
                (Cow::Borrowed(cell), end)
            };
            scan.count += 1;
            scan.cells.push(Cell::Text(cell));
            scan.end = end;
            if bytes.get(end) != Some(&separator) {
                scan.next = behind_break(text, end);
                return scan;
            }
            at = end + 1;
        }
    }
}

/// The text of a cell in quotes, and the place behind its closing quote; `None` if it has none.
fn quoted(text: &str, opened: usize, reach: Reach) -> Option<(Cow<'_, str>, usize)> {
    let (mut at, mut value) = (opened + 1, Cow::Borrowed(""));
    loop {
        let rest = text.get(at..)?;
        let end = rest.find(|c| c == '"' || (reach == Reach::Line && matches!(c, '\n' | '\r')))?;
        let piece = rest.get(..end)?;
        let is_twice = rest.get(end..)?.starts_with("\"\"");
        if !rest.get(end..)?.starts_with('"') {
            return None;
        }
        let piece = if is_twice { rest.get(..=end)? } else { piece };
        if value.is_empty() {
            value = Cow::Borrowed(piece)
        } else {
            value.to_mut().push_str(piece)
        }
        if !is_twice {
            return Some((value, at + end + 1));
        }
        at += end + 2;
    }
}

#[cfg(test)]
mod tests;
