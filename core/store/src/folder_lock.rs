//! Locks a store's folder: a salvage moves the store's file and must be alone. A process that went on writing into a moved file
//! would lose its records.
//!
//! The lock is on a file of its own, because SQLite's locks on the database belong to the process, and closing any other handle
//! on that file would drop them.

use std::{fs::File, path::Path};

use rustix::{
    fs::{FlockOperation, flock},
    io::Errno,
};

use crate::OpenError;

/// A lock on `doorstep.lock`, held while a store is open.
pub(crate) struct FolderLock(File);

impl FolderLock {
    /// Takes a shared lock. Waits while a salvage is at work, which takes seconds.
    pub fn shared(folder: &Path) -> Result<Self, OpenError> {
        Self::take(folder, FlockOperation::LockShared)
    }

    /// Takes the exclusive lock.
    pub fn alone(folder: &Path) -> Result<Self, OpenError> {
        Self::take(folder, FlockOperation::NonBlockingLockExclusive)
    }

    /// Turns the exclusive lock into a shared one.
    pub fn share(self) -> Result<Self, OpenError> {
        flock(&self.0, FlockOperation::LockShared).map_err(|_| OpenError::InUse)?;
        Ok(self)
    }

    fn take(folder: &Path, how: FlockOperation) -> Result<Self, OpenError> {
        let at_folder = |source| OpenError::in_folder(folder.to_owned(), source);
        let file = doorstep_private::options()
            .create(true)
            .truncate(false)
            .write(true)
            .open(folder.join("doorstep.lock"))
            .map_err(at_folder)?;
        match flock(&file, how) {
            Ok(()) => Ok(Self(file)),
            Err(Errno::WOULDBLOCK) => Err(OpenError::InUse),
            Err(error) => Err(at_folder(error.into())),
        }
    }
}
