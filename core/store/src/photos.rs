//! This device's photos: content-addressed files and their states. The file is written before the row that names it, so a row
//! always has bytes. Bytes are deleted only when the server has verified them, their entry is accepted and the retention is over.

use std::path::Path;

use doorstep_document::Change;
use doorstep_domain::{Body, CaseId, PhotoId, UnixMs};
use doorstep_protocol::{ErrorCode, LostPhoto, MAX_LOST_PHOTOS};
use rusqlite::Connection;
use sha2::{Digest, Sha256};

use crate::{
    SavedPhoto, Store, StoreError,
    folder::put,
    row::{Statements, params},
    states::PhotoState,
    uptime,
};

/// With less free space than this no photo is saved any more.
const LEAST_FREE: u64 = 50_000_000;
/// A file without a row is an orphan if it is older than this. A younger one may be about to get its row.
const YOUNG_MS: i64 = 3_600_000;
/// The reason why a photo with an unreadable file is not sent.
const UNREADABLE: &str = "unreadable";
/// How long a device must be up between the server's first report that it has a photo and the question before the file's
/// deletion. Summed over boots, by the device's own clock.
const LEAST_UPTIME_MS: u64 = 24 * 3_600_000;
/// The folder of orphans.
const ORPHANS: &str = "orphans";

/// A photo whose bytes the server lacks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WaitingPhoto {
    /// The SHA-256 of the photo.
    pub id: PhotoId,
    /// The bytes, verified.
    pub bytes: Vec<u8>,
    /// The number of bytes that the server is known to have; `None` if nothing was sent yet.
    pub sent: Option<u64>,
    /// Whether it is a thumbnail.
    pub thumbnail: bool,
}

impl Store {
    /// The number of bytes that are free on the store's disk for this user.
    pub fn free_space(&self) -> Result<u64, StoreError> {
        if self.pretends_full {
            return Ok(0);
        }
        let disk = rustix::fs::statvfs(&self.folder).map_err(std::io::Error::from)?;
        Ok(disk.f_bavail.saturating_mul(disk.f_frsize))
    }

    /// Whether the disk has room for a photo. Call it before the picture is taken. The reserve is for recording, which needs a
    /// few kilobytes.
    pub fn has_room(&self) -> Result<(), StoreError> {
        if self.free_space()? < LEAST_FREE { Err(StoreError::DiskFull) } else { Ok(()) }
    }

    /// Makes a photo's bytes durable under their hash: temporary file, fsync, rename, fsync of the folder. The same bytes saved
    /// twice are one file. Refused while the disk is nearly full.
    pub fn save_photo(&self, id: PhotoId, extension: &str, bytes: &[u8], thumbnail: bool) -> Result<SavedPhoto, StoreError> {
        let text = id.to_string();
        let (shelf, _) = text.split_at(2);
        let name = format!("{shelf}/{text}.{extension}");
        let photos = self.folder.join("photos");
        let saved = SavedPhoto { id, len: bytes.len() as u64, name, thumbnail };
        // An existing file may have been altered since, so it is compared with the bytes that are recorded now.
        if !self.read_photo(&id, &photos.join(&saved.name)).is_ok_and(|there| there == bytes) {
            self.has_room()?;
            self.write_photo(&id, &photos.join(&saved.name), bytes)?;
        }
        // The folders are synced even for an existing file, because the process that renamed it may have died before this.
        std::fs::File::open(photos.join(shelf))?.sync_all()?;
        std::fs::File::open(photos)?.sync_all()?;
        Ok(saved)
    }

    /// A waiting photo with its bytes. `None` if it is not waiting, or can not be sent because its file is not there (see
    /// [`Store::look_for_photos`]) or holds other bytes (void). The next request then tells the server of a void one, and the
    /// status shows it.
    pub fn waiting_photo(&mut self, id: &PhotoId) -> Result<Option<WaitingPhoto>, StoreError> {
        let sql = concat!("SELECT name, sent, thumbnail FROM photo WHERE sha = ?1 AND ", photo_waits!());
        let found: Option<(String, _, _)> =
            self.db.maybe("photo", sql, params![id], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?;
        let Some((name, sent, thumbnail)) = found else { return Ok(None) };
        match self.read_photo(id, &self.folder.join("photos").join(name)) {
            Ok(bytes) if hash(&bytes) == *id => return Ok(Some(WaitingPhoto { id: *id, bytes, sent, thumbnail })),
            Ok(_) => {
                let sql = "UPDATE photo SET state = ?2, told = 0 WHERE sha = ?1";
                self.db.run(sql, params![id, PhotoState::Void])?;
            }
            // It may come back. The next sync looks for it first.
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
            // For example worn flash. The other photos go on, and this one is tried again when the app starts anew.
            Err(_) => self.stop_photo(id, UNREADABLE)?,
        }
        Ok(None)
    }

    /// Whether a file holds a photo's bytes.
    pub(crate) fn has_bytes(&self, id: &PhotoId, path: &Path) -> bool {
        self.read_photo(id, path).is_ok_and(|bytes| hash(&bytes) == *id)
    }

    /// Reads a photo's file, decrypted if the store is encrypted. A file that this key did not make reads as empty, which matches
    /// no photo's hash.
    fn read_photo(&self, id: &PhotoId, path: &Path) -> std::io::Result<Vec<u8>> {
        let bytes = std::fs::read(path)?;
        let Some(key) = &self.key else { return Ok(bytes) };
        Ok(key.open(id, bytes).unwrap_or_default())
    }

    pub(crate) fn write_photo(&self, id: &PhotoId, path: &Path, bytes: &[u8]) -> Result<(), StoreError> {
        match &self.key {
            _ if self.wiped => Err(StoreError::Wiped),
            Some(key) => put(path, &key.seal(id, bytes)?),
            None => put(path, bytes),
        }
    }

    /// The bytes of a photo or thumbnail, if they are on this device and match its hash.
    pub fn photo_here(&mut self, id: &PhotoId, now: UnixMs) -> Result<Option<Vec<u8>>, StoreError> {
        let sql = "SELECT name FROM photo WHERE sha = ?1 AND state NOT IN (?2, ?3)";
        let own: Option<String> =
            self.db.maybe("photo", sql, params![id, PhotoState::Lost, PhotoState::LetGo], |row| row.get(0))?;
        let path = match own {
            Some(name) => self.folder.join("photos").join(name),
            None => match self.picture_file(id, now)? {
                Some(path) => path,
                None => return Ok(None),
            },
        };
        match self.read_photo(id, &path) {
            Ok(bytes) => Ok(Some(bytes).filter(|bytes| hash(bytes) == *id)),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// Notes durably how many of a photo's bytes the server has, so that sending continues there after a restart. `None`: the
    /// server has none, and sending begins anew.
    pub fn photo_sent(&mut self, id: &PhotoId, sent: Option<u64>) -> Result<(), StoreError> {
        self.db.run("UPDATE photo SET sent = ?2 WHERE sha = ?1", params![id, sent])?;
        Ok(())
    }

    /// Notes that the server has verified a photo's bytes. The file stays until its retention is over.
    pub fn photo_stored(&mut self, id: &PhotoId, now: UnixMs) -> Result<(), StoreError> {
        let sql = "UPDATE photo SET state = ?2, stored_at = ?3, sent = len, refused = NULL WHERE sha = ?1 AND state < ?2";
        self.db.run(sql, params![id, PhotoState::Stored, now])?;
        Ok(())
    }

    /// Notes that the server refuses a photo, and why. The photo stays, and is tried again when the app starts anew or a person
    /// asks for it.
    pub fn photo_refused(&mut self, id: &PhotoId, code: &ErrorCode) -> Result<(), StoreError> {
        self.stop_photo(id, code.as_str())
    }

    /// Notes why a photo is not sent: the server's code, or an unreadable file.
    fn stop_photo(&self, id: &PhotoId, code: &str) -> Result<(), StoreError> {
        self.db.run("UPDATE photo SET refused = ?2 WHERE sha = ?1", params![id, code])?;
        Ok(())
    }

    /// Notes that sending a photo failed for another reason than the network. From now on it is sent after the others.
    pub fn photo_failed(&mut self, id: &PhotoId) -> Result<(), StoreError> {
        self.db.run("UPDATE photo SET tries = tries + 1 WHERE sha = ?1", params![id])?;
        Ok(())
    }

    /// Makes refused photos ready for one more try, at a start of the app.
    pub fn try_refused_photos(&mut self) -> Result<(), StoreError> {
        let sql = concat!("UPDATE photo SET refused = NULL WHERE ", photo_waits!(), " AND refused IS NOT NULL");
        self.db.run(sql, params![])?;
        Ok(())
    }

    /// The photos whose retention is over, and those that were let go before the server lost its log. The server is asked once
    /// more whether it has them.
    pub(crate) fn photos_to_let_go(&self, now: UnixMs) -> Result<Vec<PhotoId>, StoreError> {
        let before = now.plus(-i64::from(self.policy()?.photos.keep_days) * 86_400_000);
        // The retention ends by the server's time, which may be wrong, so the device's own uptime must also show a day between
        // the server's report that it has a photo and this question.
        let up_before = self.uptime_ms()?.checked_sub(LEAST_UPTIME_MS);
        let stored_long = concat!(
            "SELECT photo.sha FROM photo JOIN stored_since ON stored_since.sha = photo.sha WHERE state = ",
            photo_state!(Stored),
            " AND stored_at <= ?1 AND uptime_ms <= ?2 ORDER BY stored_at LIMIT 100"
        );
        let mut photos: Vec<PhotoId> = match up_before {
            Some(up_before) => self.db.all("photo", stored_long, params![before, up_before], |row| row.get(0))?,
            None => vec![],
        };
        let asked_again = concat!("SELECT sha FROM photo WHERE state = ", photo_state!(LetGo), " AND told = 0 LIMIT 100");
        photos.extend::<Vec<PhotoId>>(self.db.all("photo", asked_again, params![], |row| row.get(0))?);
        Ok(photos)
    }

    /// Notes that the server lacks a photo that counted as stored. It is sent again, or reported as lost if its file was let go.
    pub fn photo_missed(&mut self, id: &PhotoId) -> Result<(), StoreError> {
        wanted_again(&self.db, id)
    }

    /// Deletes the bytes of a photo that the server has just confirmed, or that head office has erased. A photo that another
    /// process's answer has wanted again since stays.
    pub fn let_go(&mut self, id: &PhotoId, is_erased: bool) -> Result<(), StoreError> {
        let sql = "UPDATE photo SET state = ?2, told = 1 WHERE sha = ?1 AND (state IN (?3, ?2) OR ?4) RETURNING name";
        let name: Option<String> =
            self.db.maybe("photo", sql, params![id, PhotoState::LetGo, PhotoState::Stored, is_erased], |row| row.get(0))?;
        uptime::count_no_more(&self.db, id)?;
        // The row goes first: a file without a row is an orphan, but a row without its file would be a lost photo.
        match name.map(|name| std::fs::remove_file(self.folder.join("photos").join(name))) {
            Some(Err(error)) if error.kind() != std::io::ErrorKind::NotFound => Err(error.into()),
            _ => Ok(()),
        }
    }

    /// Handles files that no row names, because the app was killed between a photo and its record. Half-written ones are deleted,
    /// because they were never shown as saved. Whole ones are set aside, because the picture may exist nowhere else. Returns how
    /// many were set aside.
    pub fn sweep_orphans(&self, now: UnixMs) -> Result<u32, StoreError> {
        let photos = self.folder.join("photos");
        let mut set_aside = 0;
        for shelf in folders(&photos)? {
            for file in files(&shelf)? {
                let is_old = |modified: std::time::SystemTime| {
                    let age = modified.duration_since(std::time::UNIX_EPOCH).map_or(0, |age| age.as_millis() as i64);
                    now.0 - age > YOUNG_MS
                };
                if !file.metadata()?.modified().is_ok_and(is_old) {
                    continue;
                }
                let Some(name) = file.file_name().and_then(|name| name.to_str()) else { continue };
                if name.ends_with(".partial") {
                    std::fs::remove_file(&file)?;
                    continue;
                }
                let id = name.split('.').next().and_then(|hash| hash.parse::<PhotoId>().ok());
                let known = id.map(|id| is_known(&self.db, &id));
                if known.transpose()? == Some(false) {
                    doorstep_private::make_folder(&photos.join(ORPHANS))?;
                    std::fs::rename(&file, photos.join(ORPHANS).join(name))?;
                    set_aside += 1;
                }
            }
        }
        Ok(set_aside)
    }

    /// The lost and void photos that the server does not know to be so.
    pub(crate) fn lost_photos(&self) -> Result<Vec<LostPhoto>, StoreError> {
        let sql = concat!("SELECT sha, state FROM photo WHERE ", photo_is_spoiled!(), " AND told = 0 LIMIT ?1");
        self.db.all("photo", sql, params![MAX_LOST_PHOTOS], |row| {
            Ok(LostPhoto { photo: row.get(0)?, altered: row.get::<PhotoState>(1)? == PhotoState::Void })
        })
    }
}

fn hash(bytes: &[u8]) -> PhotoId {
    PhotoId::new(Sha256::digest(bytes).into())
}

fn folders(below: &Path) -> Result<Vec<std::path::PathBuf>, StoreError> {
    let paths = files(below)?;
    Ok(paths.into_iter().filter(|path| path.is_dir() && !path.ends_with(ORPHANS)).collect())
}

fn files(below: &Path) -> Result<Vec<std::path::PathBuf>, StoreError> {
    match std::fs::read_dir(below) {
        Ok(found) => Ok(found.map(|entry| Ok(entry?.path())).collect::<std::io::Result<_>>()?),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(vec![]),
        Err(error) => Err(error.into()),
    }
}

/// Whether a row names a photo.
fn is_known(db: &Connection, id: &PhotoId) -> Result<bool, StoreError> {
    db.exists("SELECT 1 FROM photo WHERE sha = ?1", params![id])
}

/// Permits sending the photos that an accepted change names, whoever named them first, because the server now expects them.
/// Thumbnails of others' photos are wanted here.
pub(crate) fn may_follow(db: &Connection, change: &Change) -> Result<(), StoreError> {
    let follow = |id: &PhotoId| {
        let sql = "UPDATE photo SET state = ?2 WHERE sha = ?1 AND state = ?3";
        db.run(sql, params![id, PhotoState::ToSend, PhotoState::EntryFirst])
    };
    // A case that comes back wants its thumbnails again.
    const WANT: &str = "INSERT INTO picture (sha, len, thumbnail, here, used_at, asked_at)
         SELECT ?1, ?2, 1, 0, ?3, 0 WHERE NOT EXISTS (SELECT 1 FROM photo WHERE sha = ?1)
         ON CONFLICT (sha) DO UPDATE SET used_at = excluded.used_at WHERE used_at = 0";
    for entry in change.entries() {
        if let Body::Photo(photo) = &entry.body {
            let at = entry.time.wall.0.max(1);
            adopt(db, &photo.id, photo.len, false, at)?;
            follow(&photo.id)?;
            if let Some(small) = &photo.thumbnail {
                adopt(db, &small.id, small.len, true, at)?;
                follow(&small.id)?;
                db.run(WANT, params![small.id, small.len, at])?;
            }
        }
    }
    Ok(())
}

/// Gives a photo its row back when the feed names it, if the row was lost with a damaged store and the file is still here.
fn adopt(db: &Connection, id: &PhotoId, len: u64, thumbnail: bool, at: i64) -> Result<(), StoreError> {
    if is_known(db, id)? {
        return Ok(());
    }
    let Some(photos) = db.path().and_then(|path| Path::new(path).parent()).map(|folder| folder.join("photos")) else {
        return Ok(());
    };
    let text = id.to_string();
    let (shelf, _) = text.split_at(2);
    let name = format!("{shelf}/{text}.jpg");
    let orphan = photos.join(ORPHANS).join(format!("{text}.jpg"));
    if !(photos.join(&name).is_file() || orphan.is_file()) {
        return Ok(());
    }
    if orphan.is_file() {
        doorstep_private::make_folder(&photos.join(shelf))?;
        std::fs::rename(orphan, photos.join(&name))?;
    }
    db.run(
        "INSERT OR IGNORE INTO photo (sha, len, name, state, thumbnail, recorded_at, sent, urgent, told, tries)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, 0, 0, 0, 0)",
        params![id, len, name, PhotoState::ToSend, thumbnail, at],
    )?;
    Ok(())
}

/// Settles the photos of a change that head office has discarded, unless another change names them. Their files stay.
pub(crate) fn discard(db: &Connection, change: &Change) -> Result<(), StoreError> {
    let discard = |id: &PhotoId| {
        let sql = "UPDATE photo SET state = ?2 WHERE sha = ?1 AND state = ?3";
        db.run(sql, params![id, PhotoState::Discarded, PhotoState::EntryFirst])
    };
    for entry in change.entries() {
        if let Body::Photo(photo) = &entry.body {
            discard(&photo.id)?;
            if let Some(small) = &photo.thumbnail {
                discard(&small.id)?;
            }
        }
    }
    Ok(())
}

/// Resets the state of all photos after the server's log was replaced: what it has, what it was told and which files were let go
/// are asked anew. A HEAD request finds out cheaply what it still has.
pub(crate) fn start_over(db: &Connection) -> Result<(), StoreError> {
    let again = concat!("UPDATE photo SET state = ?1, sent = 0, stored_at = NULL WHERE state = ", photo_state!(Stored));
    db.run(again, params![PhotoState::ToSend])?;
    db.run(concat!("UPDATE photo SET told = 0 WHERE ", photo_is_spoiled!(), " OR state = ?1"), params![PhotoState::LetGo])?;
    db.run("DELETE FROM stored_since", params![])?;
    Ok(())
}

/// Notes that the server knows of the lost photos that a request named, because its answer has come.
pub(crate) fn told_of_lost(db: &Connection, photos: &[PhotoId]) -> Result<(), StoreError> {
    let sql = concat!("UPDATE photo SET told = 1 WHERE sha = ?1 AND ", photo_is_spoiled!());
    photos.iter().try_for_each(|id| db.run(sql, params![id]).map(|_| ()))
}

/// Notes that the server has lost a photo. It is sent again, or reported as lost if its file is gone. A photo that is unknown
/// here because its store was damaged is reported as lost too, or the server would ask for ever.
pub(crate) fn wanted_again(db: &Connection, id: &PhotoId) -> Result<(), StoreError> {
    db.run(
        "INSERT INTO photo (sha, len, name, state, thumbnail, recorded_at, urgent, told, tries)
         VALUES (?1, 0, '', ?2, 0, 0, 0, 0, 0)
         ON CONFLICT (sha) DO UPDATE SET state = CASE state WHEN ?3 THEN ?4 WHEN ?5 THEN ?2 ELSE state END,
           sent = iif(state = ?3, 0, sent), stored_at = NULL, told = 0 WHERE state >= ?3",
        params![id, PhotoState::Lost, PhotoState::Stored, PhotoState::ToSend, PhotoState::LetGo],
    )?;
    uptime::count_no_more(db, id)
}

/// The hashes of the photos and thumbnails that a case's changes name; `None` if a change can not be read.
pub(crate) fn named_by(db: &Connection, case: &CaseId) -> Result<Option<Vec<PhotoId>>, StoreError> {
    let (mut named, mut is_read) = (Vec::new(), true);
    db.each("change", "SELECT bytes FROM change WHERE case_id = ?1", params![case], |row| {
        let Ok(change) = Change::read_stored(case, row.bytes(0)?) else {
            is_read = false;
            return Ok(());
        };
        for entry in change.entries() {
            if let Body::Photo(photo) = &entry.body {
                named.push(photo.id);
                named.extend(photo.thumbnail.map(|small| small.id));
            }
        }
        Ok(())
    })?;
    Ok(is_read.then_some(named))
}

/// Marks others' pictures of a case that leaves this device as the first to go from the cache.
pub(crate) fn leave(db: &Connection, case: &CaseId) -> Result<(), StoreError> {
    for id in named_by(db, case)?.unwrap_or_default() {
        db.run("UPDATE picture SET used_at = 0 WHERE sha = ?1", params![id])?;
    }
    Ok(())
}
