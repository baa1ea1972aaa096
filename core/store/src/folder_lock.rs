//! Who uses the store's file: a salvage moves it, and must be alone. A process that went on writing into a file that has been
//! moved aside would lose what it records.
//!
//! A lock on a file of its own, not on the database: SQLite's locks belong to the process, and closing any other handle on
//! the same file would drop them.

use std::{fs::File, path::Path};

use rustix::{
    fs::{FlockOperation, flock},
    io::Errno,
};

use crate::OpenError;

/// A lock on `doorstep.lock`, held while a store is open.
pub(crate) struct FolderLock(File);

impl FolderLock {
    /// One of many. Waits while a salvage is at work, which takes seconds.
    pub fn shared(folder: &Path) -> Result<Self, OpenError> {
        Self::take(folder, FlockOperation::LockShared)
    }

    /// The only one.
    pub fn alone(folder: &Path) -> Result<Self, OpenError> {
        Self::take(folder, FlockOperation::NonBlockingLockExclusive)
    }

    /// From the only one to one of many.
    pub fn share(self) -> Result<Self, OpenError> {
        flock(&self.0, FlockOperation::LockShared).map_err(|_| OpenError::InUse)?;
        Ok(self)
    }

    fn take(folder: &Path, how: FlockOperation) -> Result<Self, OpenError> {
        let at_folder = |source| OpenError::Folder { folder: folder.to_owned(), source };
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
