//! Opening and migrating.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use doorstep_domain::{BatchHash, InstallId};
use doorstep_private::Corrected;
use doorstep_protocol::Pushed;
use doorstep_rules::Rulebook;
use rusqlite::{Connection, OpenFlags, OptionalExtension, TransactionBehavior, config::DbConfig, params};

use crate::{
    OpenError, Salvage, StoreError, check,
    hold::Hold,
    key::{self, StoreKey},
    refs,
    salvage::{self, Files},
    wipe,
};

const MIGRATIONS: &[&str] = &[
    include_str!("../migrations/0001_initial.sql"),
    include_str!("../migrations/0002_version_3.sql"),
    include_str!("../migrations/0003_clocks.sql"),
    include_str!("../migrations/0004_another_history.sql"),
];

/// Marks a file as ours in its header ("DOST"): any other SQLite database in its place is refused.
const APPLICATION_ID: i32 = 0x444f_5354;

/// A device's store: a folder with `doorstep.db` and `photos/`.
pub struct Store {
    pub(crate) db: Connection,
    pub(crate) folder: PathBuf,
    /// The versions of the rule pack, with the version of their row in `reference`. Read when they are first needed: a list needs
    /// none.
    pub(crate) book: Option<(u64, Arc<Rulebook>)>,
    /// Without one, everything lies there in plain.
    pub(crate) key: Option<StoreKey>,
    /// Head office has ordered it, and nothing is here any more: nothing is recorded or kept from then on.
    pub(crate) wiped: bool,
    /// Damage seen by this process before this store was opened.
    damage_before: u64,
    /// Files and folders that other accounts could read before this opening.
    closed: u64,
    /// Why some of them could not be closed.
    left_open: Option<String>,
    /// What the newest batch holds, if it was made since this opening.
    pub(crate) newest_pushed: Option<(BatchHash, Vec<Pushed>)>,
    /// Tells a salvage that the file is in use.
    _hold: Hold,
}

impl Drop for Store {
    fn drop(&mut self) {
        if check::damage_count() > self.damage_before {
            check::ask_for_whole_check(&self.folder);
            // A damaged file is left as it is: the log stays beside it.
            self.db.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true).ok();
        }
    }
}

impl Store {
    /// Opens or creates the store in a folder. Loads no case. A file that can not be used is left byte for byte as it is.
    pub fn open(folder: &Path) -> Result<Self, OpenError> {
        Self::open_shared(folder, None)
    }

    /// The same with a key: database and photos are encrypted. A store is made with a key or without, for good. A wrong key, a
    /// missing one and a damaged store are errors of their own, and each leaves everything as it is. An encrypted store that is
    /// damaged is not salvaged: what is left of it can only be read page by page with its key, which nothing here does yet.
    pub fn open_encrypted(folder: &Path, key: StoreKey) -> Result<Self, OpenError> {
        if !cfg!(feature = "sqlcipher") {
            return Err(OpenError::NoEncryption);
        }
        Self::open_shared(folder, Some(key))
    }

    fn open_shared(folder: &Path, key: Option<StoreKey>) -> Result<Self, OpenError> {
        make_folder(folder)?;
        let hold = Hold::shared(folder)?;
        wipe::finish(folder)?;
        Self::open_held(folder, hold, key)
    }

    /// The same; a damaged file is moved aside, never deleted, and what may exist nowhere else is salvaged into a new one, with
    /// a report. What the server has not accepted is then written anew under the installation `fresh`: numbers of the old one
    /// may be missing. Also finishes a salvage that was cut short.
    pub fn open_or_salvage(folder: &Path, fresh: InstallId) -> Result<(Self, Option<Salvage>), OpenError> {
        match Self::open(folder) {
            Err(OpenError::Corrupt) => {}
            other => return Ok((other?, None)),
        }
        let hold = Hold::alone(folder)?;
        let files = Files::of(folder);
        // Another process may have been faster.
        let report = match connect(&files, None) {
            Err(OpenError::Corrupt) => Some(salvage::run(folder, fresh)?),
            other => other.map(|_| None)?,
        };
        Ok((Self::open_held(folder, hold.share()?, None)?, report))
    }

    fn open_held(folder: &Path, hold: Hold, key: Option<StoreKey>) -> Result<Self, OpenError> {
        let files = Files::of(folder);
        let was_there = files.db.exists();
        // What can not be changed (an app's folder that belongs to its group, a file system without modes) is no reason to record
        // nothing.
        let Corrected { closed, failed } = doorstep_private::correct(folder, is_ours);
        // In a folder without a store there was nothing to read.
        let closed = if was_there { closed } else { 0 };
        let left_open = failed.map(|error| error.to_string());
        let db = connect(&files, key.as_ref())?;
        let damage_before = check::damage_count();
        Ok(Self {
            db,
            folder: folder.to_owned(),
            book: None,
            key,
            wiped: false,
            closed,
            left_open,
            newest_pushed: None,
            damage_before,
            _hold: hold,
        })
    }

    /// How many files and folders other accounts could read until this opening closed them: for a word to the person.
    pub fn closed_to_others(&self) -> u64 {
        self.closed
    }

    /// Why files or folders that other accounts may read could not be closed at this opening, or looked at; `None`: all are closed.
    pub fn left_open_to_others(&self) -> Option<&str> {
        self.left_open.as_deref()
    }

    /// The versions of the rule pack here, if any has been received.
    pub fn book(&mut self) -> Result<Option<Arc<Rulebook>>, StoreError> {
        self.load_book()?;
        Ok(self.book.as_ref().map(|(_, book)| book.clone()))
    }

    /// Reads the rules, again if another process has stored newer ones. Rules that can not be read are the server's and come
    /// again with the next sync; what was recorded must not wait for them.
    pub(crate) fn load_book(&mut self) -> Result<(), StoreError> {
        let have = self.book.as_ref().map(|(version, _)| *version);
        let version: Option<u64> = self
            .db
            .prepare_cached("SELECT version FROM reference WHERE kind = 'pack' AND version IS NOT ?1")?
            .query_row(params![have], |row| row.get(0))
            .optional()?;
        let Some(version) = version else { return Ok(()) };
        match refs::rulebook(&self.db) {
            Ok(book) => self.book = book.map(|book| (version, Arc::new(book))),
            Err(StoreError::Reference(_)) => {
                self.book = None;
                self.db.execute("DELETE FROM reference WHERE kind = 'pack'", [])?;
                self.db.execute("DELETE FROM pack", [])?;
            }
            Err(error) => return Err(error),
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

pub(crate) fn make_folder(folder: &Path) -> Result<(), OpenError> {
    let at_folder = |source| OpenError::Folder { folder: folder.to_owned(), source };
    doorstep_private::make_folder(&folder.join("photos")).map_err(at_folder)
}

/// Whether an entry of a store's folder is the store's or the client's.
pub(crate) fn is_ours(name: &str) -> bool {
    name.starts_with("doorstep") || name.starts_with("device.") || matches!(name, "photos" | "pictures")
}

/// Opens, recognises, migrates and checks the store's file. Until it is known to be sound, nothing is written to it: not even
/// the write-ahead log goes into it when the connection is closed.
fn connect(files: &Files, key: Option<&StoreKey>) -> Result<Connection, OpenError> {
    let is_new = match files.is_new() {
        // Whatever its state: without its key nothing is looked at, let alone repaired.
        Err(error) => key::check(&files.folder, &files.db, false, key).and(Err(error))?,
        Ok(is_new) => is_new,
    };
    key::check(&files.folder, &files.db, is_new, key)?;
    if is_new {
        // SQLite gives its log and its index of the log the mode of this file.
        let at_folder = |source| OpenError::Folder { folder: files.folder.clone(), source };
        doorstep_private::make_file(&files.db).map_err(at_folder)?;
    }
    let mut db = Connection::open_with_flags(&files.db, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
    if let Some(key) = key {
        key.unlock(&db)?;
    }
    db.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)?;
    db.busy_timeout(std::time::Duration::from_secs(10))?;
    db.set_prepared_statement_cache_capacity(64); // more than the statements of any one of our transactions
    // A plan that looks at bound values is made anew whenever they change, which cost a fifth of reading a case (measured).
    db.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
    if !is_new {
        recognise(&db).map_err(|error| match error {
            // What SQLite can not read at all is damaged if anything of ours is left in it. With the right key it is ours.
            OpenError::Corrupt if key.is_none() && !salvage::has_trace(files) => OpenError::WrongFile { path: files.db.clone() },
            OpenError::WrongFile { .. } => OpenError::WrongFile { path: files.db.clone() },
            other => other,
        })?;
    } else {
        // Before the write-ahead log is in use: the header in the file itself must say whose it is.
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

/// A new file for a salvage to fill; not durable before it is closed and synced: until then it is thrown away and made again.
pub(crate) fn create_for_salvage(path: &Path) -> Result<Connection, OpenError> {
    let at_file = |source| OpenError::Folder { folder: path.to_owned(), source };
    doorstep_private::make_file(path).map_err(at_file)?;
    let mut db = Connection::open(path)?;
    db.pragma_update(None, "application_id", APPLICATION_ID)?;
    db.execute_batch("PRAGMA journal_mode = MEMORY; PRAGMA synchronous = OFF; PRAGMA temp_store = MEMORY;")?;
    migrate(&mut db)?;
    Ok(db)
}

/// Whether the file is ours: by its mark, or by its tables where the mark is missing or damaged.
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

/// Each step in a transaction of its own that also moves `user_version`.
pub(crate) fn migrate(db: &mut Connection) -> Result<(), OpenError> {
    loop {
        let tx = db.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let version: u32 = tx.query_row("PRAGMA user_version", [], |row| row.get(0))?;
        if version as usize > MIGRATIONS.len() {
            return Err(OpenError::TooNew { found: version, known: MIGRATIONS.len() as u32 });
        }
        let Some(step) = MIGRATIONS.get(version as usize) else { return Ok(()) };
        // A file with tables and without a version has lost it.
        let tables: i64 = tx.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))?;
        if version == 0 && tables > 0 {
            return Err(OpenError::Corrupt);
        }
        tx.execute_batch(step)?;
        tx.pragma_update(None, "user_version", version + 1)?;
        tx.commit()?;
    }
}
