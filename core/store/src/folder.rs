//! Writes files of a store's folder: private to this account, and so that a crash leaves the old or the new content.

use std::{io::Write, path::Path};

use crate::{OpenError, StoreError};

pub(crate) fn make_folder(folder: &Path) -> Result<(), OpenError> {
    let at_folder = |source| OpenError::in_folder(folder.to_owned(), source);
    doorstep_private::make_folder(&folder.join("photos")).map_err(at_folder)
}

/// Whether an entry of a store's folder belongs to the store or the client.
pub(crate) fn is_ours(name: &str) -> bool {
    name.starts_with("doorstep") || name.starts_with("device.") || matches!(name, "photos" | "pictures")
}

/// Writes a temporary file, syncs it and renames it. Each process uses its own temporary name, because two processes may save the
/// same photo.
pub(crate) fn put(path: &Path, bytes: &[u8]) -> Result<(), StoreError> {
    let partial = path.with_extension(format!("{}.partial", std::process::id()));
    if let Some(folder) = path.parent() {
        doorstep_private::make_folder(folder)?;
    }
    let write = || {
        let mut file = doorstep_private::create(&partial)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        std::fs::rename(&partial, path)
    };
    write().inspect_err(|_| {
        // The remains would take the room that the next record needs.
        std::fs::remove_file(&partial).ok();
    })?;
    Ok(())
}
