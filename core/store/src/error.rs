//! The errors of the store. No message holds personal data: SQLite's own texts name tables and columns, never values.

use std::{io::ErrorKind, path::PathBuf};

use crate::damage::damage_seen;

/// Why a store can not be opened. Nothing is ever deleted or rebuilt: unsent rows may exist nowhere else.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The folder can not be made or read.
    #[error("open the folder {folder}: {source}")]
    Folder {
        /// The folder.
        folder: PathBuf,
        /// The error of the system.
        source: std::io::Error,
    },
    /// Written by a newer version of Doorstep.
    #[error("open the store: it has version {found}, this program knows up to {known}; install a newer version")]
    TooNew {
        /// The schema version of the file.
        found: u32,
        /// The newest schema version that this program knows.
        known: u32,
    },
    /// The file is damaged, or a salvage was cut short. The file is left unchanged; [`crate::Store::open_or_salvage`] repairs it.
    #[error("open the store: the file is damaged; it was left as it is, keep it for repair")]
    Corrupt,
    /// The store's path holds something else: another program's database, a text, a folder.
    #[error("open the store: {path} is not a Doorstep store; it was left as it is: move it elsewhere, or name another folder")]
    WrongFile {
        /// The path.
        path: PathBuf,
    },
    /// The file is damaged and another program, or an older handle of this one, still has it open.
    #[error("repair the store: it is open elsewhere; close every other program that uses it and open it again")]
    InUse,
    /// The store is encrypted with another key. Nothing was touched.
    #[error("open the store: it is encrypted with another key; nothing was touched")]
    KeyWrong,
    /// The store is encrypted and no key was given. Nothing was touched.
    #[error("open the store: it is encrypted and there is no key; nothing was touched")]
    KeyMissing,
    /// A key was given for a store that is not encrypted. Nothing was touched.
    #[error("open the store: it is not encrypted, and a key was given; nothing was touched")]
    NotEncrypted,
    /// This build has no SQLCipher.
    #[error("open the store: this build can not encrypt; nothing was made")]
    NoEncryption,
    /// The given bytes are no key.
    #[error("open the store: a key has 32 bytes")]
    KeySize,
    /// The disk is full.
    #[error("open the store: the disk is full; free some space and open it again")]
    DiskFull,
    /// Any other error of SQLite.
    #[error("open the store: {0}")]
    Sqlite(rusqlite::Error),
}

impl OpenError {
    /// An error of the system at a file of the folder.
    pub(crate) fn in_folder(folder: PathBuf, source: std::io::Error) -> Self {
        if is_of_no_room(&source) { Self::DiskFull } else { Self::Folder { folder, source } }
    }

    /// Whether the store stays closed because of the key, and not because of the store itself.
    pub fn is_about_the_key(&self) -> bool {
        matches!(self, Self::KeyWrong | Self::KeyMissing | Self::NotEncrypted | Self::NoEncryption | Self::KeySize)
    }
}

impl From<rusqlite::Error> for OpenError {
    fn from(error: rusqlite::Error) -> Self {
        match Trouble::of(&error) {
            Trouble::Damage => Self::Corrupt,
            Trouble::NoRoom => Self::DiskFull,
            Trouble::Other => Self::Sqlite(error),
        }
    }
}

impl From<StoreError> for OpenError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Sqlite(error) => Self::from(error),
            StoreError::DiskFull => Self::DiskFull,
            _ => Self::Corrupt,
        }
    }
}

/// Why the store refused a call. Nothing was changed.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// SQLite failed: locked for too long, or the folder can not be written.
    #[error("use the store: {0}")]
    Sqlite(rusqlite::Error),
    /// The store's file turned out to be damaged. It is left unchanged.
    #[error("use the store: its file is damaged; it was left as it is, open again to repair")]
    Corrupt,
    /// The disk is full. Nothing was changed.
    #[error("use the store: the disk is full; free some space")]
    DiskFull,
    /// A file could not be written or read.
    #[error("use the photo folder: {0}")]
    File(std::io::Error),
    /// The case has moved on since this step was decided, or another process on this store took it.
    #[error("record: the case has moved on meanwhile")]
    CaseMoved,
    /// Head office had this store wiped.
    #[error("use the store: head office had it wiped")]
    Wiped,
    /// The device is not enrolled.
    #[error("record: this device is not enrolled")]
    NotEnrolled,
    /// The store is enrolled for another person.
    #[error("enrol: this store belongs to another person")]
    OtherPerson,
    /// No rule pack has been received yet.
    #[error("record: no rule pack on this device yet; sync once")]
    NoPack,
    /// The entry can not be written.
    #[error("record: {0}")]
    Write(#[from] doorstep_document::WriteError),
    /// The case has reached its size limit.
    #[error("record: the case has reached its size limit")]
    CaseFull,
    /// A row holds something that this program does not write.
    #[error("read the store: row of {0} is damaged")]
    Damaged(&'static str),
    /// A rule pack or another body from the server is unusable.
    #[error("take reference rows: {0}")]
    Reference(String),
}

impl From<rusqlite::Error> for StoreError {
    fn from(error: rusqlite::Error) -> Self {
        match Trouble::of(&error) {
            Trouble::Damage => {
                damage_seen();
                Self::Corrupt
            }
            Trouble::NoRoom => Self::DiskFull,
            Trouble::Other => Self::Sqlite(error),
        }
    }
}

impl From<std::io::Error> for StoreError {
    fn from(error: std::io::Error) -> Self {
        if is_of_no_room(&error) { Self::DiskFull } else { Self::File(error) }
    }
}

/// Whether the system had no room for a file.
pub fn is_of_no_room(error: &std::io::Error) -> bool {
    matches!(error.kind(), ErrorKind::StorageFull | ErrorKind::QuotaExceeded)
}

/// The two failures of SQLite that a person can repair.
enum Trouble {
    Damage,
    NoRoom,
    Other,
}

impl Trouble {
    fn of(error: &rusqlite::Error) -> Self {
        use rusqlite::{
            Error::{FromSqlConversionFailure, IntegralValueOutOfRange, InvalidColumnType, SqliteFailure, Utf8Error},
            ErrorCode::{DatabaseCorrupt, DiskFull, NotADatabase},
        };
        match error {
            // Tables are STRICT, so a value of another type than its column's is damage that no checksum caught.
            FromSqlConversionFailure(..) | IntegralValueOutOfRange(..) | InvalidColumnType(..) | Utf8Error(..) => Self::Damage,
            SqliteFailure(failure, _) => match failure.code {
                DatabaseCorrupt | NotADatabase => Self::Damage,
                DiskFull => Self::NoRoom,
                // The index of the write-ahead log can not grow. SQLite reports a full disk only with this code there.
                _ if failure.extended_code == rusqlite::ffi::SQLITE_IOERR_SHMSIZE => Self::NoRoom,
                _ => Self::Other,
            },
            _ => Self::Other,
        }
    }
}
