//! Wiping: the one place where something goes that may exist nowhere else, because head office ordered it.
//!
//! A mark in the folder is durable before anything is destroyed. Whatever ends the process after that, the next opening goes on
//! where it stopped, before it looks at any key or file.

use std::{io, path::Path};

use rusqlite::{Connection, config::DbConfig};

use crate::{
    OpenError, Store,
    folder::{is_ours, make_folder, put},
    schema::migrate,
};

/// The mark; the last to go.
const MARK: &str = "doorstep.wiping";
/// The lock is nobody's data, and held.
const LOCK: &str = "doorstep.lock";

impl Store {
    /// Makes it durable that this store is being wiped: before its keys are destroyed.
    pub fn begin_wipe(&mut self) -> Result<(), OpenError> {
        self.wiped = true;
        put(&self.folder.join(MARK), b"")?;
        sync(&self.folder).map_err(|source| OpenError::Folder { folder: self.folder.clone(), source })
    }

    /// Deletes all that this store keeps, after its keys were destroyed. What is left of it is an empty one in memory that takes
    /// nothing any more. A file that can not be deleted is tried again with the next opening.
    pub fn wipe(&mut self) -> Result<(), OpenError> {
        self.wiped = true;
        self.book = None;
        let mut empty = Connection::open_in_memory()?;
        migrate(&mut empty)?;
        // Its files are closed, and what it had not yet written is not written any more.
        let old = std::mem::replace(&mut self.db, empty);
        old.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true).ok();
        drop(old);
        finish(&self.folder)
    }

    /// Whether it was wiped.
    pub fn is_wiped(&self) -> bool {
        self.wiped
    }
}

/// Goes on with a wipe that was begun in this folder, if one was.
pub(crate) fn finish(folder: &Path) -> Result<(), OpenError> {
    if !folder.join(MARK).exists() {
        return Ok(());
    }
    let at_folder = |source| OpenError::Folder { folder: folder.to_owned(), source };
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
