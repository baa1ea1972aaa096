//! An open store, and its values by name.

use std::{path::PathBuf, sync::Arc};

use doorstep_rules::Rulebook;
use doorstep_sql::FromValue;
use rusqlite::{Connection, config::DbConfig};

use crate::{
    StoreError, check,
    damage::damage_count,
    folder_lock::FolderLock,
    key::StoreKey,
    rest::Left,
    row::{Statements, params},
    sent::Newest,
};

/// A device's store: a folder with `doorstep.db` and `photos/`.
pub struct Store {
    pub(crate) db: Connection,
    pub(crate) folder: PathBuf,
    /// The versions of the rule pack, with the version of their row in `reference`. They are read at their first use, because a
    /// list needs none.
    pub(crate) book: Option<(u64, Arc<Rulebook>)>,
    /// The key; without one, everything is unencrypted.
    pub(crate) key: Option<StoreKey>,
    /// Whether head office has had this store wiped. Nothing is recorded or kept from then on.
    pub(crate) wiped: bool,
    /// The process's count of damage before this store was opened.
    pub(crate) damage_before: u64,
    /// The number of files and folders that other accounts could read before this opening.
    pub(crate) closed: u64,
    /// Why some of these could not be closed.
    pub(crate) left_open: Option<String>,
    /// The content of the newest batch, if it was made since this opening.
    pub(crate) newest: Option<Newest>,
    /// The unsent changes after the newest request, until something else changes them.
    pub(crate) left: Option<Left>,
    /// Whether a test has filled the disk.
    pub(crate) pretends_full: bool,
    /// Tells a salvage that the file is in use.
    pub(crate) _lock: FolderLock,
}

impl Drop for Store {
    fn drop(&mut self) {
        if damage_count() > self.damage_before {
            check::ask_for_whole_check(&self.folder);
            // A damaged file is left unchanged: the write-ahead log stays beside it.
            self.db.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true).ok();
        }
    }
}

impl Store {
    /// Copies the write-ahead log into the database's file. Call it in idle moments, so that no record pays for it.
    pub fn tidy(&self) -> Result<(), StoreError> {
        self.db.query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |_| Ok(()))?;
        Ok(())
    }

    /// A value that is kept by name, as its bytes.
    pub(crate) fn meta(db: &Connection, key: &str) -> Result<Option<Vec<u8>>, StoreError> {
        Self::meta_as(db, key)
    }

    /// A value that is kept by name, of a type that lies in SQL as bytes.
    pub(crate) fn meta_as<T: FromValue>(db: &Connection, key: &str) -> Result<Option<T>, StoreError> {
        db.maybe("meta", "SELECT value FROM meta WHERE key = ?1", params![key], |row| row.get(0))
    }

    pub(crate) fn set_meta(db: &Connection, key: &str, value: &[u8]) -> Result<(), StoreError> {
        let sql = "INSERT INTO meta (key, value) VALUES (?1, ?2) ON CONFLICT (key) DO UPDATE SET value = ?2";
        db.run(sql, params![key, value])?;
        Ok(())
    }
}
