//! A cache of others' pictures. Thumbnails are fetched automatically, photos when a person looks at them. The least used pictures
//! are dropped first, and before them those of cases that have left this device.

use std::path::PathBuf;

use doorstep_domain::{PhotoId, UnixMs};

use crate::{
    Store, StoreError,
    row::{Statements, params},
};

/// The largest number of thumbnails that one request asks about.
const MOST_ASKED: u32 = 200;
const DAY_MS: i64 = 86_400_000;

impl Store {
    /// The missing thumbnails of others' photos, those asked about longest ago first; and the cached pictures that were not asked
    /// about for a day, because head office may have erased them.
    pub(crate) fn pictures_to_ask(&self, now: UnixMs) -> Result<Vec<PhotoId>, StoreError> {
        let wanted = "SELECT sha FROM picture WHERE here = 0 AND thumbnail = 1 AND used_at > 0 ORDER BY asked_at LIMIT ?1";
        let mut pictures: Vec<PhotoId> = self.db.all("picture", wanted, params![MOST_ASKED], |row| row.get(0))?;
        let here = "SELECT sha FROM picture WHERE here = 1 AND asked_at <= ?1 LIMIT ?2";
        pictures.extend::<Vec<PhotoId>>(self.db.all("picture", here, params![now.0 - DAY_MS, MOST_ASKED], |row| row.get(0))?);
        Ok(pictures)
    }

    /// Notes that the server was asked about pictures.
    pub fn asked_about(&mut self, pictures: &[PhotoId], now: UnixMs) -> Result<(), StoreError> {
        let tx = self.db.transaction()?;
        for id in pictures {
            tx.run("UPDATE picture SET asked_at = ?2 WHERE sha = ?1", params![id, now])?;
        }
        Ok(tx.commit()?)
    }

    /// Whether a picture is here.
    pub fn has_picture(&self, id: &PhotoId) -> Result<bool, StoreError> {
        self.db.exists("SELECT 1 FROM picture WHERE sha = ?1 AND here = 1", params![id])
    }

    /// Stores a fetched and verified picture, and drops the least used ones to make room. On a nearly full disk it is not stored.
    pub fn keep_picture(&mut self, id: &PhotoId, bytes: &[u8], now: UnixMs) -> Result<(), StoreError> {
        if self.has_room().is_err() {
            return Ok(());
        }
        self.write_photo(id, &self.picture_path(id), bytes)?;
        self.db.run(
            "INSERT INTO picture (sha, len, thumbnail, here, used_at, asked_at) VALUES (?1, ?2, 0, 1, ?3, ?3)
             ON CONFLICT (sha) DO UPDATE SET here = 1, len = ?2, used_at = max(used_at, ?3)",
            params![id, bytes.len(), now],
        )?;
        self.trim_pictures(u64::from(self.policy()?.photos.cache_mb) * 1_000_000)
    }

    /// Gives a picture up that will not come, because its device has lost it or head office has erased it.
    pub fn forget_picture(&mut self, id: &PhotoId) -> Result<(), StoreError> {
        self.db.run("DELETE FROM picture WHERE sha = ?1", params![id])?;
        std::fs::remove_file(self.picture_path(id)).ok();
        Ok(())
    }

    /// Limits the cache to `most` bytes. Pictures of cases that have left are dropped in any case.
    pub(crate) fn trim_pictures(&mut self, most: u64) -> Result<(), StoreError> {
        let out: Vec<PhotoId> = self.db.all(
            "picture",
            "SELECT sha FROM (SELECT sha, used_at, sum(len) OVER (ORDER BY used_at DESC, sha) AS total FROM picture WHERE here = 1)
             WHERE total > ?1 OR used_at = 0",
            params![most],
            |row| row.get(0),
        )?;
        for id in out {
            // A thumbnail that was dropped for lack of room is not fetched again automatically.
            self.db.run("UPDATE picture SET here = 0, used_at = 0 WHERE sha = ?1", params![id])?;
            std::fs::remove_file(self.picture_path(&id)).ok();
        }
        Ok(())
    }

    /// The file of a cached picture. The call counts as a use.
    pub(crate) fn picture_file(&mut self, id: &PhotoId, now: UnixMs) -> Result<Option<PathBuf>, StoreError> {
        if !self.has_picture(id)? {
            return Ok(None);
        }
        match self.db.run("UPDATE picture SET used_at = max(used_at, ?2) WHERE sha = ?1 AND used_at > 0", params![id, now]) {
            // The picture is shown all the same.
            Ok(_) | Err(StoreError::DiskFull) => Ok(Some(self.picture_path(id))),
            Err(error) => Err(error),
        }
    }

    fn picture_path(&self, id: &PhotoId) -> PathBuf {
        let text = id.to_string();
        let (shelf, _) = text.split_at(2);
        self.folder.join("pictures").join(shelf).join(text)
    }
}
