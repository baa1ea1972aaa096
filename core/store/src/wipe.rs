//! Wiping: destroys data that may exist nowhere else, because head office ordered it. Nothing else does.
//!
//! A mark in the folder is durable before anything is destroyed. Whatever ends the process after that, the next opening continues
//! the wipe, before it reads any key or file.

use std::{io, path::Path};

use rusqlite::{Connection, config::DbConfig};

use crate::{
    OpenError, Store,
    folder::{is_ours, make_folder, put},
    schema::migrate,
};

/// The mark, which is deleted last.
const MARK: &str = "doorstep.wiping";
/// The lock's file holds no data, and stays because it is in use.
const LOCK: &str = "doorstep.lock";

impl Store {
    /// Makes the mark durable. Call it before the keys are destroyed.
    pub fn begin_wipe(&mut self) -> Result<(), OpenError> {
        self.wiped = true;
        put(&self.folder.join(MARK), b"")?;
        sync(&self.folder).map_err(|source| OpenError::in_folder(self.folder.clone(), source))
    }

    /// Deletes everything in this store, after its keys were destroyed. An empty database in memory remains, which refuses every
    /// record. A file that can not be deleted is tried again at the next opening.
    pub fn wipe(&mut self) -> Result<(), OpenError> {
        self.wiped = true;
        self.book = None;
        let mut empty = Connection::open_in_memory()?;
        migrate(&mut empty)?;
        // The store's files are closed, and unwritten data is dropped.
        let old = std::mem::replace(&mut self.db, empty);
        old.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true).ok();
        drop(old);
        finish(&self.folder)
    }

    /// Whether the store was wiped.
    pub fn is_wiped(&self) -> bool {
        self.wiped
    }
}

/// Continues a wipe that was begun in this folder, if there is one.
pub(crate) fn finish(folder: &Path) -> Result<(), OpenError> {
    if !folder.join(MARK).exists() {
        return Ok(());
    }
    let at_folder = |source| OpenError::in_folder(folder.to_owned(), source);
    delete(folder).map_err(at_folder)?;
    make_folder(folder)
}

fn delete(folder: &Path) -> io::Result<()> {
    for entry in std::fs::read_dir(folder)? {
        let (path, name) = {
            let entry = entry?;
            (entry.path(), entry.file_name())
        };
        let name = name.to_str().unwrap_or_default();
        if !is_ours(name) || matches!(name, MARK | LOCK) {
            continue;
        }
        match if path.is_dir() { std::fs::remove_dir_all(&path) } else { std::fs::remove_file(&path) } {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
    }
    sync(folder)?;
    std::fs::remove_file(folder.join(MARK))?;
    sync(folder)
}

fn sync(folder: &Path) -> io::Result<()> {
    std::fs::File::open(folder)?.sync_all()
}
