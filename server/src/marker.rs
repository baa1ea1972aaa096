//! The marker file beside a data folder's database: how often the folder was served, and whether the server stopped in order.

use std::{
    fs::File,
    io::{ErrorKind, Write},
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};

use crate::ServeError;

/// The name of the marker file.
pub(crate) const MARKER: &str = "doorstep-server.marker";

/// The content of the marker.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub(crate) struct Marker {
    /// How often the folder was served.
    pub starts: u64,
    /// A server has begun and has not stopped in order: its newest acknowledged data is in the write-ahead log.
    pub running: bool,
}

impl Marker {
    /// Reads the marker of a data folder. A missing or unreadable one counts as empty.
    pub(crate) fn read(folder: &Path) -> Self {
        std::fs::read(folder.join(MARKER)).ok().and_then(|bytes| serde_json::from_slice(&bytes).ok()).unwrap_or_default()
    }

    /// Writes the marker durably: entirely or not at all.
    pub(crate) fn write(self, folder: &Path) -> Result<(), ServeError> {
        let at_folder = |source| ServeError::Folder { folder: folder.to_owned(), source };
        let json = serde_json::to_vec(&self).map_err(|error| at_folder(error.into()))?;
        let partial = folder.join(format!("{MARKER}.partial"));
        let written =
            doorstep_private::create(&partial).and_then(|mut file| file.write_all(&json).and_then(|()| file.sync_all()));
        written.and_then(|()| std::fs::rename(&partial, folder.join(MARKER))).map_err(at_folder)?;
        File::open(folder).and_then(|folder| folder.sync_all()).map_err(at_folder)
    }
}

/// Copies a file beside itself under the first free name, durably.
pub(crate) fn keep_beside(file: &Path) -> std::io::Result<PathBuf> {
    for n in 1_u32.. {
        let mut name = file.as_os_str().to_owned();
        name.push(format!(".kept-{n}"));
        let kept = PathBuf::from(name);
        match doorstep_private::options().write(true).create_new(true).open(&kept) {
            Ok(mut copy) => {
                std::io::copy(&mut File::open(file)?, &mut copy)?;
                copy.sync_all()?;
                return Ok(kept);
            }
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
            Err(error) => return Err(error),
        }
    }
    Err(ErrorKind::AlreadyExists.into())
}
