//! Photos: content-addressed files. File first, then the row that names it, so a row always has bytes.

use std::io::Write;

use doorstep_domain::PhotoId;
use rusqlite::{OptionalExtension, params};

use crate::{SavedPhoto, Store, StoreError};

/// With less free space than this no photo is taken any more.
const LEAST_FREE: u64 = 50_000_000;

/// A photo whose bytes the server does not have yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WaitingPhoto {
    /// SHA-256.
    pub id: PhotoId,
    /// Its bytes.
    pub bytes: Vec<u8>,
}

impl Store {
    /// Bytes that are free on the store's disk for this user.
    pub fn free_space(&self) -> Result<u64, StoreError> {
        let disk = rustix::fs::statvfs(&self.folder).map_err(std::io::Error::from)?;
        Ok(disk.f_bavail.saturating_mul(disk.f_frsize))
    }

    /// Makes a photo's bytes durable under their hash: temporary file, fsync, rename, fsync of the folder. Saving the same
    /// bytes twice is one file. Refused while the disk is nearly full: the rest is for recording, which needs a few kilobytes.
    pub fn save_photo(&self, id: PhotoId, extension: &str, bytes: &[u8]) -> Result<SavedPhoto, StoreError> {
        let text = id.to_string();
        let (shelf, _) = text.split_at(2);
        let name = format!("{shelf}/{text}.{extension}");
        let folder = self.folder.join("photos").join(shelf);
        let path = self.folder.join("photos").join(&name);
        let saved = SavedPhoto { id, len: bytes.len() as u64, name };
        if !path.metadata().is_ok_and(|file| file.len() == saved.len) {
            if self.free_space()? < LEAST_FREE {
                return Err(StoreError::DiskFull);
            }
            std::fs::create_dir_all(&folder)?;
            // One temporary name for each process: two processes may save the same photo.
            let partial = folder.join(format!("{text}.{}.partial", std::process::id()));
            let write = || {
                let mut file = std::fs::File::create(&partial)?;
                file.write_all(bytes)?;
                file.sync_all()?;
                std::fs::rename(&partial, &path)
            };
            if let Err(error) = write() {
                // It would take the room that the next record needs.
                std::fs::remove_file(&partial).ok();
                return Err(error.into());
            }
        }
        // Also for a file that is there: whoever renamed it may have died before this.
        std::fs::File::open(&folder)?.sync_all()?;
        std::fs::File::open(self.folder.join("photos"))?.sync_all()?;
        Ok(saved)
    }

    /// A waiting photo with its bytes; `None` if it is not waiting, or if its file is gone (it then stays counted in the
    /// status, for a person to see).
    pub fn waiting_photo(&self, id: &PhotoId) -> Result<Option<WaitingPhoto>, StoreError> {
        let name: Option<String> = self
            .db
            .prepare_cached("SELECT name FROM photo WHERE sha = ?1 AND state < 2")?
            .query_row(params![id.as_bytes()], |row| row.get(0))
            .optional()?;
        let Some(name) = name else { return Ok(None) };
        match std::fs::read(self.folder.join("photos").join(name)) {
            Ok(bytes) => Ok(Some(WaitingPhoto { id: *id, bytes })),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// Notes that the server has a photo's bytes. The file stays.
    pub fn photo_stored(&mut self, id: &PhotoId) -> Result<(), StoreError> {
        self.db.prepare_cached("UPDATE photo SET state = 2 WHERE sha = ?1")?.execute(params![id.as_bytes()])?;
        Ok(())
    }

    /// Photos to upload: entry accepted, bytes not at the server.
    pub(crate) fn photos_to_upload(&self) -> Result<Vec<PhotoId>, StoreError> {
        let mut query = self.db.prepare_cached("SELECT sha FROM photo WHERE state = 1")?;
        let rows = query.query_map([], |row| row.get::<_, Vec<u8>>(0))?;
        rows.map(|id| PhotoId::try_from(id?.as_slice()).map_err(|_| StoreError::Damaged("photo"))).collect()
    }
}
