//! Finds line and column of a fault in the file, from a byte offset or the path of a row.

use toml::de::{DeTable, DeValue};

/// Why a file is not a valid rule pack, with the place of the fault.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line}, column {column}: {reason}")]
pub struct PackError {
    /// Line, from 1.
    pub line: usize,
    /// Column, from 1.
    pub column: usize,
    /// The fault.
    pub reason: String,
}

/// One step of the path to a row: a key of a table, or an index in a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum To {
    Key(&'static str),
    Item(usize),
}

/// The path to a row.
pub(super) type Path = Vec<To>;

/// An error at a byte of the text.
pub(super) fn at_byte(text: &str, at: usize, reason: String) -> PackError {
    let before = text.get(..at).unwrap_or(text);
    let line = before.matches('\n').count() + 1;
    let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
    PackError { line, column, reason }
}

/// An error at a row or, if the row is missing, at the table or list that should have it.
pub(super) fn at_path(text: &str, path: &[To], reason: String) -> PackError {
    let Ok(root) = DeTable::parse(text) else { return at_byte(text, 0, reason) };
    let root = root.into_inner();
    let mut at = 0;
    let mut found: Option<&DeValue<'_>> = None;
    for (depth, step) in path.iter().enumerate() {
        let next = match (depth, found, step) {
            (0, _, To::Key(key)) => root.get(*key),
            (_, Some(value), To::Key(key)) => value.get(*key),
            (_, Some(value), To::Item(index)) => value.get(*index),
            _ => None,
        };
        let Some(next) = next else { break };
        at = next.span().start;
        found = Some(next.get_ref());
    }
    at_byte(text, at, reason)
}
