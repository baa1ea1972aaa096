//! Compares rows with storage. If storage lacks a stored photo or holds other bytes, its device is asked for it again; damaged
//! bytes are set aside, not deleted. An unfinished upload is dropped after a week.

use doorstep_domain::{PhotoId, UnixMs};
use doorstep_media::{inspect, photo_id};
use serde::Serialize;

use super::Storage;
use crate::{
    error::ApiError,
    log,
    store::{db::Db, photos, stored_photos, uploads},
};

/// The number of rows between two checks of storage.
const PAGE: u32 = 500;
/// Staged bytes without a row may belong to a request that is about to write its row, if they are younger than this.
const YOUNG_MS: i64 = 86_400_000;

/// The result of a scrub.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Scrubbed {
    /// The number of photos that match their rows.
    pub sound: u64,
    /// The number of photos that storage has lost. Their devices are asked for them.
    pub missing: u64,
    /// The number of photos that do not match their hash. They are set aside, and their devices are asked for them.
    pub damaged: u64,
    /// The number of expected photos that were in storage without a row, and now have one.
    pub taken_in: u64,
    /// The number of photos in storage that no row names. They are left alone.
    pub unknown: u64,
    /// The number of uploads that were not continued for a week, and were dropped.
    pub expired: u64,
    /// The number of photos that could not be read. Standard error has the reasons.
    pub unreadable: u64,
}

/// The options of a scrub.
#[derive(Debug, Clone, Copy, Default)]
pub struct Scrub {
    /// Reads and hashes every photo, instead of checking its length only.
    pub deep: bool,
    /// Confirms that storage was really lost, even if most photos are missing. Otherwise that is taken for a volume that is not
    /// mounted.
    pub lost_storage: bool,
}

/// If more photos than this are missing, and more than half of those checked, the scrub assumes a wrong storage and no loss.
const MANY: usize = 10;

/// Compares rows with storage. An unreadable photo is counted and does not stop the others.
pub(crate) async fn scrub(db: &Db, storage: &Storage, how: Scrub, now: UnixMs) -> Result<Scrubbed, ApiError> {
    let mut found = Scrubbed { expired: expire(db, storage, now).await?, ..Scrubbed::default() };
    let mut after = None;
    loop {
        let rows = db.read(move |tx| Ok(stored_photos::page(tx, after.as_ref(), PAGE)?)).await?;
        let Some(last) = rows.last() else { break };
        after = Some(last.id);
        let mut odd = Vec::new();
        for stored in &rows {
            let id = stored.id;
            if stored.erased_at.is_some() {
                storage.erase(&id).await?;
                continue;
            }
            match look(storage, &id, stored.len, how.deep).await {
                Ok(Look::Sound) => found.sound += 1,
                Ok(look) => odd.push((id, look)),
                Err(error) => {
                    found.unreadable += 1;
                    log!(warn, "a photo can not be looked at", photo = id, error = error);
                }
            }
        }
        let missing = odd.iter().filter(|(_, look)| matches!(look, Look::Missing)).count();
        if missing > MANY.max(rows.len() / 2) && !how.lost_storage {
            return Err(ApiError::StorageWrong);
        }
        for (id, look) in odd {
            if matches!(look, Look::Damaged) {
                found.damaged += 1;
                storage.quarantine(&id, &now.0.to_string()).await?;
            } else {
                found.missing += 1;
            }
            ask_again(db, id, now).await?;
        }
    }
    take_in(db, storage, now, &mut found).await?;
    Ok(found)
}

enum Look {
    Sound,
    Missing,
    Damaged,
}

async fn look(storage: &Storage, id: &PhotoId, len: u64, deep: bool) -> Result<Look, ApiError> {
    match storage.size(id).await? {
        None => return Ok(Look::Missing),
        Some(size) if size != len => return Ok(Look::Damaged),
        Some(_) => {}
    }
    if !deep {
        return Ok(Look::Sound);
    }
    let Some(bytes) = storage.get(id, None).await? else { return Ok(Look::Missing) };
    let seen = tokio::task::spawn_blocking(move || photo_id(&bytes)).await;
    let seen = seen.map_err(|_| ApiError::Internal("hashing a photo panicked"))?;
    Ok(if seen == *id { Look::Sound } else { Look::Damaged })
}

/// Reads a photo from storage before its device deletes its own file. If it does not match its hash the device is asked for it
/// again.
pub(crate) async fn is_sound(db: &Db, storage: &Storage, id: PhotoId, len: u64, now: UnixMs) -> Result<bool, ApiError> {
    match look(storage, &id, len, true).await? {
        Look::Sound => return Ok(true),
        Look::Damaged => storage.quarantine(&id, &now.0.to_string()).await?,
        Look::Missing => {}
    }
    ask_again(db, id, now).await?;
    Ok(false)
}

async fn ask_again(db: &Db, id: PhotoId, now: UnixMs) -> Result<(), ApiError> {
    db.write(move |tx| {
        // An erased photo is not wanted again.
        if stored_photos::miss(tx, &id)? {
            photos::ask_again(tx, &id, now)?;
        }
        Ok(())
    })
    .await
}

/// Drops uploads that were not continued, and staged bytes without a row, whose request died before it wrote one.
async fn expire(db: &Db, storage: &Storage, now: UnixMs) -> Result<u64, ApiError> {
    let (uploads, names) = db.write(move |tx| Ok(uploads::drop_expired(tx, now)?)).await?;
    storage.drop_pieces(&names).await;
    let known = db.read(|tx| Ok(uploads::all_pieces(tx)?)).await?;
    let staged = storage.list("staging").await?;
    let left = staged.into_iter().filter(|(key, since)| !known.contains(key) && now.since(*since) > YOUNG_MS);
    storage.drop_pieces(&left.map(|(key, _)| key).collect::<Vec<_>>()).await;
    Ok(uploads as u64)
}

/// Makes rows for photos whose bytes were stored by a process that died before it wrote the row.
async fn take_in(db: &Db, storage: &Storage, now: UnixMs, found: &mut Scrubbed) -> Result<(), ApiError> {
    for (key, _) in storage.list("photos").await? {
        let Some(id) = key.rsplit('/').next().and_then(|name| name.parse::<PhotoId>().ok()) else { continue };
        let wanted = db.read(move |tx| Ok((stored_photos::find(tx, &id)?, photos::namers(tx, &id)?)));
        let (known, namers) = wanted.await?;
        if known.is_some() {
            continue;
        }
        if namers.is_empty() {
            found.unknown += 1;
            continue;
        }
        let Some(bytes) = storage.get(&id, None).await? else { continue };
        let Ok(seen) = inspect(&bytes).map_err(|_| ()) else {
            found.damaged += 1;
            storage.quarantine(&id, &now.0.to_string()).await?;
            continue;
        };
        match namers.into_iter().find(|(_, len)| *len == seen.len) {
            Some((device, len)) if seen.id == id => {
                found.taken_in += 1;
                super::upload::note_stored(db, (id, device), len, seen.format.mime(), now, None).await?;
            }
            _ if seen.id == id => found.unknown += 1,
            _ => {
                found.damaged += 1;
                storage.quarantine(&id, &now.0.to_string()).await?;
            }
        }
    }
    Ok(())
}
