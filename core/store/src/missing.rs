//! Photos whose file is not there. A file may be away for a while (a card that is out, a backup that is being restored), so such a
//! photo is missing at first. It is looked for at each sync, and sent when it is back. It is lost when a person says so, or when it
//! was missing for the policy's days. A file that comes back later undoes that too.

use doorstep_domain::{PhotoId, UnixMs};
use doorstep_rules::PhotoPolicy;

use crate::{
    Store, StoreError,
    row::{Statements, params},
    states::PhotoState,
};

const DAY_MS: i64 = 86_400_000;

/// A photo that may be missing or back.
struct Sought {
    id: PhotoId,
    name: String,
    state: PhotoState,
    since: Option<UnixMs>,
}

impl Store {
    /// Looks for the file of each photo that waits or is lost. Call it at each sync, before the request is made.
    pub fn look_for_photos(&mut self, now: UnixMs) -> Result<(), StoreError> {
        let policy = self.policy()?.photos;
        for photo in self.sought()? {
            let is_here = self.is_here(&photo);
            match (photo.state, photo.since, is_here) {
                (PhotoState::Lost, _, true) => self.back(&photo)?,
                (PhotoState::Lost, _, false) | (_, None, true) => {}
                (_, Some(_), true) => self.missing_no_more(&photo.id)?,
                (_, None, false) => self.missing(&photo.id, now)?,
                // The clock was ahead when it was noted.
                (_, Some(since), false) if since > now => self.missing(&photo.id, now)?,
                (PhotoState::ToSend, Some(since), false) if lost_at(&policy, since) <= now => self.lose(&photo.id)?,
                (_, Some(_), false) => {}
            }
        }
        // A photo that is settled otherwise is not missing.
        let settled = concat!("DELETE FROM missing_photo WHERE sha NOT IN (SELECT sha FROM photo WHERE ", photo_waits!(), ")");
        self.db.run(settled, params![])?;
        Ok(())
    }

    /// Calls a missing photo lost, because a person knows that its file does not come back. The next request tells the server.
    /// `false` if the photo is not waiting, or its file is here.
    pub fn call_photo_lost(&mut self, id: &PhotoId) -> Result<bool, StoreError> {
        let waits = |photo: &Sought| photo.id == *id && photo.state != PhotoState::Lost;
        let Some(photo) = self.sought()?.into_iter().find(waits) else { return Ok(false) };
        if self.is_here(&photo) {
            return Ok(false);
        }
        self.lose(id)?;
        Ok(true)
    }

    fn sought(&self) -> Result<Vec<Sought>, StoreError> {
        // A photo that is known only by the server's question has no name.
        const SOUGHT: &str =
            "SELECT photo.sha, name, state, since FROM photo LEFT JOIN missing_photo USING (sha) WHERE name <> '' AND ";
        let sql = format!("{SOUGHT}{} UNION ALL {SOUGHT}{} AND state = ?1", photo_waits!(), photo_is_spoiled!());
        self.db.all("photo", &sql, params![PhotoState::Lost], |row| {
            Ok(Sought { id: row.get(0)?, name: row.get(1)?, state: row.get(2)?, since: row.get(3)? })
        })
    }

    /// Whether a photo's file is there. One that can not be read is there; sending it says why it can not be read. For a lost
    /// photo only its own bytes count.
    fn is_here(&self, photo: &Sought) -> bool {
        let path = self.folder.join("photos").join(&photo.name);
        let is_gone = std::fs::metadata(&path).is_err_and(|error| error.kind() == std::io::ErrorKind::NotFound);
        match photo.state {
            PhotoState::Lost => !is_gone && self.has_bytes(&photo.id, &path),
            _ => !is_gone,
        }
    }

    fn missing(&self, id: &PhotoId, now: UnixMs) -> Result<(), StoreError> {
        let sql = "INSERT INTO missing_photo (sha, since) VALUES (?1, ?2) ON CONFLICT (sha) DO UPDATE SET since = excluded.since";
        self.db.run(sql, params![id, now])?;
        Ok(())
    }

    fn missing_no_more(&self, id: &PhotoId) -> Result<(), StoreError> {
        self.db.run("DELETE FROM missing_photo WHERE sha = ?1", params![id])?;
        Ok(())
    }

    fn lose(&self, id: &PhotoId) -> Result<(), StoreError> {
        let sql = concat!("UPDATE photo SET state = ?2, told = 0 WHERE sha = ?1 AND ", photo_waits!());
        self.db.run(sql, params![id, PhotoState::Lost])?;
        self.missing_no_more(id)
    }

    /// Sends a lost photo whose file is back. Head office calls it lost until its bytes arrive.
    fn back(&self, photo: &Sought) -> Result<(), StoreError> {
        let sql = "UPDATE photo SET state = ?2, told = 0, refused = NULL WHERE sha = ?1 AND state = ?3";
        self.db.run(sql, params![photo.id, PhotoState::ToSend, PhotoState::Lost])?;
        Ok(())
    }
}

/// When a photo that is missing since a time is called lost.
pub(crate) fn lost_at(policy: &PhotoPolicy, since: UnixMs) -> UnixMs {
    since.plus(i64::from(policy.lost_after_days()) * DAY_MS)
}
