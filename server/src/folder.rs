//! The data folder itself: only its owner may read it, and one process serves it.

use std::{
    fs::{File, TryLockError},
    path::Path,
    time::Duration,
};

use crate::{ServeError, log};

/// The lock of the process that serves the folder.
const LOCK: &str = "doorstep-server.lock";
/// The lock of the folder's only SMS gateway.
pub(crate) const SMS_LOCK: &str = "sms.lock";

/// Makes the folder and the database's file private to their owner, and closes files that an older version left open to other
/// accounts. They hold the signing key and customers' numbers.
pub(crate) fn keep_private(folder: &Path) -> Result<(), ServeError> {
    let at_folder = |source| ServeError::Folder { folder: folder.to_owned(), source };
    doorstep_private::make_folder(folder).map_err(at_folder)?;
    let was_there = folder.join(crate::store::db::DATABASE).exists();
    // SQLite gives its write-ahead log and the index of that log the mode of this file.
    doorstep_private::make_file(&folder.join(crate::store::db::DATABASE)).map_err(at_folder)?;
    let is_ours = |name: &str| {
        name.starts_with("doorstep-server.") || matches!(name, LOCK | SMS_LOCK | "photos" | "staging" | "quarantine")
    };
    let doorstep_private::Corrected { closed, failed } = doorstep_private::correct(folder, is_ours);
    // A folder without a database held nothing to read.
    if closed > 0 && was_there {
        log!(
            warn,
            "other accounts could read files and folders of the data folder; they can not any more. An account that could log in here \
             may have the signing key: replace it with doorstep-server admin replace-key",
            path = folder,
            count = closed
        );
    }
    // The folder belongs to another account, or its file system has no modes. The server reports it and goes on.
    if let Some(error) = failed {
        log!(
            warn,
            "other accounts may read what is in the data folder, and that could not be changed everywhere; make it the server's own \
             folder and run chmod -R go= on it",
            path = folder,
            error = error
        );
    }
    Ok(())
}

/// How long a process that shares the folder waits for another one that is just ending.
const PATIENCE: Duration = Duration::from_secs(5);
const AGAIN: Duration = Duration::from_millis(50);

/// Locks the folder like [`lock`], but waits while another process that shares it ends.
pub(crate) async fn lock_soon(folder: &Path, shared: bool) -> Result<File, ServeError> {
    let mut left = if shared { PATIENCE } else { Duration::ZERO };
    loop {
        match lock(folder, shared) {
            Err(ServeError::Served { .. }) if !left.is_zero() => {
                tokio::time::sleep(AGAIN).await;
                left = left.saturating_sub(AGAIN);
            }
            taken => return taken,
        }
    }
}

/// Turns the lock of an ending process into an exclusive one; `None` if another process serves the folder too.
pub(crate) fn alone(lock: File) -> Option<File> {
    lock.unlock().ok()?;
    lock.try_lock().ok().map(|()| lock)
}

/// Locks the folder for a process that serves it, until the file is dropped. `shared` permits other processes that also pass
/// `shared`, as behind a balancer.
pub(crate) fn lock(folder: &Path, shared: bool) -> Result<File, ServeError> {
    let at_folder = |source| ServeError::Folder { folder: folder.to_owned(), source };
    let file = doorstep_private::options().create(true).truncate(false).write(true).open(folder.join(LOCK)).map_err(at_folder)?;
    let taken = if shared { file.try_lock_shared() } else { file.try_lock() };
    match taken {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(ServeError::Served { folder: folder.to_owned() }),
        Err(TryLockError::Error(source)) => Err(at_folder(source)),
    }
}
