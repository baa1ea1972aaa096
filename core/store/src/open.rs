//! Opening and migrating.

use std::path::{Path, PathBuf};

use doorstep_rules::Pack;
use rusqlite::{Connection, OptionalExtension, TransactionBehavior, params};

use crate::{OpenError, StoreError};

const MIGRATIONS: &[&str] = &[include_str!("../migrations/0001_initial.sql")];

/// A device's store: a folder with `doorstep.db` and `photos/`.
pub struct Store {
    pub(crate) db: Connection,
    pub(crate) folder: PathBuf,
    /// The rule pack in force, with its version in `reference`.
    pub(crate) pack: Option<(u64, Pack)>,
}

impl Store {
    /// Opens or creates the store in a folder. Loads no case.
    pub fn open(folder: &Path) -> Result<Self, OpenError> {
        let at_folder = |source| OpenError::Folder { folder: folder.to_owned(), source };
        std::fs::create_dir_all(folder.join("photos")).map_err(at_folder)?;
        let mut db = Connection::open(folder.join("doorstep.db"))?;
        db.busy_timeout(std::time::Duration::from_secs(10))?;
        db.execute_batch(
            "PRAGMA journal_mode = WAL;
             PRAGMA synchronous = FULL;
             PRAGMA foreign_keys = ON;
             PRAGMA temp_store = MEMORY;
             -- Checkpoints belong after a sync (see `tidy`), not into the courier's tap; this is the cap for a long
             -- day without network: 16 MB.
             PRAGMA wal_autocheckpoint = 4000;",
        )?;
        migrate(&mut db)?;
        let mut store = Self { db, folder: folder.to_owned(), pack: None };
        store.load_pack().map_err(|error| match error {
            StoreError::Sqlite(error) => OpenError::from(error),
            _ => OpenError::Corrupt,
        })?;
        Ok(store)
    }

    /// The rule pack in force, if one has been received.
    pub fn pack(&self) -> Option<&Pack> {
        self.pack.as_ref().map(|(_, pack)| pack)
    }

    /// Reads the pack again if another process has stored a newer one.
    pub(crate) fn load_pack(&mut self) -> Result<(), StoreError> {
        let have = self.pack.as_ref().map(|(version, _)| *version);
        let newer: Option<(u64, Vec<u8>)> = self
            .db
            .prepare_cached("SELECT version, body FROM reference WHERE kind = 'pack' AND version IS NOT ?1")?
            .query_row(params![have], |row| Ok((row.get(0)?, row.get(1)?)))
            .optional()?;
        if let Some((version, body)) = newer {
            let pack = Pack::parse(&body).map_err(|error| StoreError::Reference(error.to_string()))?;
            self.pack = Some((version, pack));
        }
        Ok(())
    }

    /// Copies the write-ahead log into the database file; for idle moments, so that no record pays for it.
    pub fn tidy(&self) -> Result<(), StoreError> {
        self.db.query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |_| Ok(()))?;
        Ok(())
    }

    pub(crate) fn meta(db: &Connection, key: &str) -> Result<Option<Vec<u8>>, StoreError> {
        Ok(db.prepare_cached("SELECT value FROM meta WHERE key = ?1")?.query_row([key], |row| row.get(0)).optional()?)
    }

    pub(crate) fn set_meta(db: &Connection, key: &str, value: &[u8]) -> Result<(), StoreError> {
        db.prepare_cached("INSERT INTO meta (key, value) VALUES (?1, ?2) ON CONFLICT (key) DO UPDATE SET value = ?2")?
            .execute(params![key, value])?;
        Ok(())
    }
}

/// Each step in a transaction of its own that also moves `user_version`.
fn migrate(db: &mut Connection) -> Result<(), OpenError> {
    loop {
        let tx = db.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let version: u32 = tx.query_row("PRAGMA user_version", [], |row| row.get(0))?;
        if version as usize > MIGRATIONS.len() {
            return Err(OpenError::TooNew { found: version, known: MIGRATIONS.len() as u32 });
        }
        let Some(step) = MIGRATIONS.get(version as usize) else { return Ok(()) };
        tx.execute_batch(step)?;
        tx.pragma_update(None, "user_version", version + 1)?;
        tx.commit()?;
    }
}
