//! What an import of a list says on the terminal.

use std::{
    io::{IsTerminal, Write, stderr},
    time::{Duration, Instant},
};

use doorstep_server::admin::{BadRow, Imported};

/// On no terminal, a line is written each time that so many lines were read.
const EACH: u64 = 20_000;
/// A terminal sees nothing of work that is shorter.
const SHORT: Duration = Duration::from_secs(1);

/// The progress of a long import, on stderr.
pub struct Progress {
    begun: Instant,
    is_terminal: bool,
    next: u64,
    shown: bool,
}

impl Progress {
    pub fn begin() -> Self {
        Self { begun: Instant::now(), is_terminal: stderr().is_terminal(), next: EACH, shown: false }
    }

    /// Shows how many lines were read. A stderr that nobody reads stops no import.
    pub fn say(&mut self, lines: u64) {
        if self.is_terminal && self.begun.elapsed() >= SHORT {
            write!(stderr(), "\r已读行数 lines read: {lines}").ok();
            self.shown = true;
        } else if !self.is_terminal && lines >= self.next {
            writeln!(stderr(), "已读行数 lines read: {lines}").ok();
            self.next = (lines / EACH + 1) * EACH;
        }
    }

    /// Leaves the line that was written over.
    pub fn end(self) {
        if self.shown {
            writeln!(stderr()).ok();
        }
    }
}

/// The report of a parcel list.
pub fn parcels_text(result: &Imported) -> String {
    let (zh, en) = if result.dry_run {
        ("试运行，未写入，可导入", "dry run, nothing was written, could be imported")
    } else {
        ("已导入", "imported")
    };
    let mut text = format!("{zh} {en}: {}{}", result.imported, how_read(result));
    if result.ended > 0 {
        text += &format!("\n该日清单外结束 rows of the day that end: {}", result.ended);
    }
    for bad in &result.bad {
        text += &format!("\n第{}行未导入 {} left out: {}", span(bad), lines(bad), bad.fault);
    }
    text
}

/// The report of a calendar.
pub fn calendar_text(result: &Imported) -> String {
    let mut text = format!("已导入 imported: {}{}", result.imported, how_read(result));
    for bad in &result.bad {
        let (span, lines) = (span(bad), lines(bad));
        text += &format!("\n第{span}行有误，全部未导入 {lines} is wrong, nothing was taken: {}", bad.fault);
    }
    text
}

/// How many lines were taken, how the file was read, and its notes.
fn how_read(result: &Imported) -> String {
    let Imported { lines, taken, encoding, .. } = result;
    let not_taken = result.not_taken();
    let mut text = format!(
        "\n共 {lines} 行，导入 {taken} 行，未导入 {not_taken} 行 {taken} of {lines} lines, {not_taken} not taken\n编码 encoding: {encoding}"
    );
    if let Some(separator) = result.separator {
        text += &format!("  分隔符 separator: {separator}");
    }
    for note in &result.notes {
        text += &format!("\n提示 note: {}", note.text);
        if note.rows > 0 {
            let lines: Vec<String> = note.lines.iter().map(u64::to_string).collect();
            let more = if note.rows > note.lines.len() as u64 { ", ..." } else { "" };
            text += &format!(" ({} 行 rows: {}{more})", note.rows, lines.join(", "));
        }
    }
    text
}

/// The lines of a row as numbers.
fn span(bad: &BadRow) -> String {
    if bad.to > bad.line { format!("{}-{}", bad.line, bad.to) } else { bad.line.to_string() }
}

/// The lines of a row with their word.
fn lines(bad: &BadRow) -> String {
    format!("{} {}", if bad.to > bad.line { "lines" } else { "line" }, span(bad))
}
