//! What can go wrong. No message holds personal data: SQLite's own texts name tables and columns, never values.

use std::path::PathBuf;

/// Why a store can not be opened. Nothing is ever deleted or rebuilt: unsent rows may exist nowhere else.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The folder can not be made or read.
    #[error("open the folder {folder}: {source}")]
    Folder {
        /// Which.
        folder: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// Written by a newer version of Doorstep.
    #[error("open the store: it has version {found}, this program knows up to {known}; install a newer version")]
    TooNew {
        /// Its version.
        found: u32,
        /// Newest known here.
        known: u32,
    },
    /// The file is damaged. It is left as it is.
    #[error("open the store: the file is damaged; it was left as it is, keep it for repair")]
    Corrupt,
    /// Anything else SQLite says.
    #[error("open the store: {0}")]
    Sqlite(rusqlite::Error),
}

impl From<rusqlite::Error> for OpenError {
    fn from(error: rusqlite::Error) -> Self {
        use rusqlite::ErrorCode::{DatabaseCorrupt, NotADatabase};
        match error.sqlite_error_code() {
            Some(DatabaseCorrupt | NotADatabase) => Self::Corrupt,
            _ => Self::Sqlite(error),
        }
    }
}

/// Why the store can not do what was asked. Nothing was changed.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// SQLite failed: disk full, locked for too long, damaged.
    #[error("use the store: {0}")]
    Sqlite(#[from] rusqlite::Error),
    /// A file could not be written or read.
    #[error("use the photo folder: {0}")]
    File(#[from] std::io::Error),
    /// The device is not enrolled.
    #[error("record: this device is not enrolled")]
    NotEnrolled,
    /// The store is enrolled for somebody else.
    #[error("enrol: this store belongs to another person")]
    OtherPerson,
    /// No rule pack has been received yet.
    #[error("record: no rule pack on this device yet; sync once")]
    NoPack,
    /// The entry can not be written.
    #[error("record: {0}")]
    Write(#[from] doorstep_document::WriteError),
    /// The case is at its cap.
    #[error("record: the case has reached its size limit")]
    CaseFull,
    /// A row is not what this program writes.
    #[error("read the store: row of {0} is damaged")]
    Damaged(&'static str),
    /// A rule pack or another body from the server is unusable.
    #[error("take reference rows: {0}")]
    Reference(String),
}
