//! Opens a store: its folder, its file, its key.

use std::path::{Path, PathBuf};

use doorstep_domain::InstallId;
use doorstep_private::Corrected;
use rusqlite::{Connection, OpenFlags, config::DbConfig};

use crate::{
    OpenError, Salvage, Store, check,
    damage::damage_count,
    folder::{is_ours, make_folder},
    folder_lock::FolderLock,
    key::{self, StoreKey},
    reserve,
    salvage::{self, Files},
    schema::{APPLICATION_ID, MIGRATIONS, migrate},
    wipe,
};

impl Store {
    /// Opens or creates the store in a folder. Loads no case. An unusable file is left unchanged, byte for byte.
    pub fn open(folder: &Path) -> Result<Self, OpenError> {
        Self::open_shared(folder, None)
    }

    /// Opens or creates an encrypted store: its database and photos are encrypted. A store is made with or without a key, for
    /// good. A wrong key, a missing key and a damaged store are separate errors, and each leaves everything unchanged. A damaged
    /// encrypted store is not salvaged: it would have to be read page by page with its key, which is not implemented yet.
    pub fn open_encrypted(folder: &Path, key: StoreKey) -> Result<Self, OpenError> {
        if !cfg!(feature = "sqlcipher") {
            return Err(OpenError::NoEncryption);
        }
        Self::open_shared(folder, Some(key))
    }

    fn open_shared(folder: &Path, key: Option<StoreKey>) -> Result<Self, OpenError> {
        make_folder(folder)?;
        let lock = FolderLock::shared(folder)?;
        wipe::finish(folder)?;
        Self::open_locked(folder, lock, key)
    }

    /// Opens or creates the store, and salvages a damaged one. The damaged file is moved aside, never deleted; the data that may
    /// exist nowhere else goes into a new file, with a report. Unaccepted changes are then written anew under the installation
    /// `fresh`, because numbers of the old one may be missing. Also finishes a salvage that was cut short.
    pub fn open_or_salvage(folder: &Path, fresh: InstallId) -> Result<(Self, Option<Salvage>), OpenError> {
        match Self::open(folder) {
            Err(OpenError::Corrupt) => {}
            other => return Ok((other?, None)),
        }
        let lock = FolderLock::alone(folder)?;
        let files = Files::of(folder);
        // Another process may have salvaged the store meanwhile.
        let report = match connect(&files, None) {
            Err(OpenError::Corrupt) => Some(salvage::run(folder, fresh)?),
            other => other.map(|_| None)?,
        };
        Ok((Self::open_locked(folder, lock.share()?, None)?, report))
    }

    fn open_locked(folder: &Path, lock: FolderLock, key: Option<StoreKey>) -> Result<Self, OpenError> {
        let files = Files::of(folder);
        let was_there = files.db.exists();
        // If modes can not be changed (an app's folder that belongs to its group, or a file system without modes), recording goes
        // on.
        let Corrected { closed, failed } = doorstep_private::correct(folder, is_ours);
        // A folder without a store held nothing to read.
        let closed = if was_there { closed } else { 0 };
        let left_open = failed.map(|error| error.to_string());
        let db = match connect(&files, key.as_ref()) {
            // Even reading needs an index of the write-ahead log, which is made when the first process opens the store.
            Err(OpenError::DiskFull) if reserve::give(folder) => connect(&files, key.as_ref()),
            other => other,
        }?;
        let damage_before = damage_count();
        let mut store = Self {
            db,
            folder: folder.to_owned(),
            book: None,
            key,
            wiped: false,
            closed,
            left_open,
            newest: None,
            left: None,
            damage_before,
            pretends_full: false,
            _lock: lock,
        };
        store.take_reserve();
        Ok(store)
    }

    /// How many files and folders other accounts could read until this opening closed them. The app should tell the person.
    pub fn closed_to_others(&self) -> u64 {
        self.closed
    }

    /// Why this opening could not close or check some files or folders, which other accounts may read; `None` if all are closed.
    pub fn left_open_to_others(&self) -> Option<&str> {
        self.left_open.as_deref()
    }
}

/// Opens, recognises, migrates and checks the store's file. Until the file is known to be sound nothing is written to it: even
/// the write-ahead log stays outside it when the connection is closed.
fn connect(files: &Files, key: Option<&StoreKey>) -> Result<Connection, OpenError> {
    let is_new = match files.is_new() {
        // The key is checked first: without it even a damaged file is neither read nor repaired.
        Err(error) => key::check(&files.folder, &files.db, false, key).and(Err(error))?,
        Ok(is_new) => is_new,
    };
    key::check(&files.folder, &files.db, is_new, key)?;
    if is_new {
        // SQLite gives its write-ahead log and the index of that log the mode of this file.
        let at_folder = |source| OpenError::in_folder(files.folder.clone(), source);
        doorstep_private::make_file(&files.db).map_err(at_folder)?;
    }
    let mut db = Connection::open_with_flags(&files.db, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
    if let Some(key) = key {
        key.unlock(&db)?;
    }
    db.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)?;
    db.busy_timeout(std::time::Duration::from_secs(10))?;
    db.set_prepared_statement_cache_capacity(128); // more than the statements of any one of our transactions
    // Without this setting a plan that depends on bound values is made anew whenever they change, which cost a fifth of reading a
    // case (measured).
    db.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
    if !is_new {
        recognise(&db).map_err(|error| match error {
            // An unreadable file is a damaged store if any trace of one is left in it. With the right key it surely is ours.
            OpenError::Corrupt if key.is_none() && !salvage::has_trace(files) => OpenError::WrongFile { path: files.db.clone() },
            OpenError::WrongFile { .. } => OpenError::WrongFile { path: files.db.clone() },
            other => other,
        })?;
    } else {
        // The mark is written before the write-ahead log is in use, so that it is in the header of the file itself.
        db.pragma_update(None, "application_id", APPLICATION_ID)?;
    }
    db.execute_batch(
        "PRAGMA journal_mode = WAL;
         PRAGMA synchronous = FULL;
         PRAGMA foreign_keys = ON;
         PRAGMA temp_store = MEMORY;
         -- What is deleted is overwritten: yesterday's names and phones do not linger in free pages, and a salvage that
         -- can not read the list of free pages finds no dead rows in them.
         PRAGMA secure_delete = ON;
         -- Checkpoints belong after a sync (see `tidy`), not into the courier's tap; this is the cap for a long
         -- day without network: 16 MB.
         PRAGMA wal_autocheckpoint = 4000;",
    )?;
    migrate(&mut db)?;
    check::check(&db, &files.folder, MIGRATIONS)?;
    db.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, false)?;
    Ok(db)
}

/// Checks that the file is a store: by its mark, or by its tables if the mark is missing or damaged.
fn recognise(db: &Connection) -> Result<(), OpenError> {
    let mark: i32 = db.pragma_query_value(None, "application_id", |row| row.get(0))?;
    if mark == APPLICATION_ID {
        return Ok(());
    }
    let (ours, all): (i64, i64) = db.query_row(
        "SELECT count(*) FILTER (WHERE name IN ('meta', 'case_row', 'outbox')), count(*) FROM sqlite_schema",
        [],
        |row| Ok((row.get(0)?, row.get(1)?)),
    )?;
    // The path is filled in by the caller.
    if ours == 3 || (all == 0 && mark == 0) { Ok(()) } else { Err(OpenError::WrongFile { path: PathBuf::new() }) }
}
