//! Holding rows against storage. What a row calls stored and storage does not have, or has with other bytes, is asked of its
//! device again; damaged bytes are set aside, not deleted. What was begun and never finished goes after a week.

use std::collections::HashSet;

use doorstep_domain::{PhotoId, UnixMs};
use doorstep_media::{inspect, photo_id};
use rusqlite::params;
use serde::Serialize;

use super::Storage;
use crate::{error::ApiError, store::db::Db};

/// Rows looked at between two looks at storage.
const PAGE: u32 = 500;
/// Staged bytes without a row are younger than this while their request is still writing the row.
const YOUNG_MS: i64 = 86_400_000;

/// What a scrub found.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Scrubbed {
    /// Photos that are as their rows say.
    pub sound: u64,
    /// Not in storage any more; their devices are asked for them.
    pub missing: u64,
    /// Other bytes than their hash; set aside, and their devices are asked for them.
    pub damaged: u64,
    /// In storage without a row, and expected: taken in.
    pub taken_in: u64,
    /// In storage, and nothing names them; left alone.
    pub unknown: u64,
    /// Uploads that nobody went on with for a week: dropped.
    pub expired: u64,
    /// Could not be looked at; why is on stderr.
    pub unreadable: u64,
}

/// How a scrub looks.
#[derive(Debug, Clone, Copy, Default)]
pub struct Scrub {
    /// Every photo is read and hashed, not only measured.
    pub deep: bool,
    /// Storage was really lost: also when most photos are missing, which else means that a volume is not mounted.
    pub lost_storage: bool,
}

/// More than so many missing, and more than half of those looked at, is no loss but a wrong storage.
const MANY: usize = 10;

/// Compares rows with storage. One photo that can not be read is counted and stops no other.
pub(crate) async fn scrub(db: &Db, storage: &Storage, how: Scrub, now: UnixMs) -> Result<Scrubbed, ApiError> {
    let mut found = Scrubbed { expired: expire(db, storage, now).await?, ..Scrubbed::default() };
    let mut after = vec![];
    loop {
        let from = after.clone();
        let rows = db.read(move |db| {
            let mut query =
                db.prepare_cached("SELECT sha, len, erased_at IS NOT NULL FROM stored WHERE sha > ?1 ORDER BY sha LIMIT ?2")?;
            let rows = query.query_map(params![from, PAGE], |row| {
                Ok((row.get::<_, Vec<u8>>(0)?, row.get::<_, u64>(1)?, row.get::<_, bool>(2)?))
            })?;
            Ok(rows.collect::<Result<Vec<_>, _>>()?)
        });
        let rows = rows.await?;
        let Some((last, ..)) = rows.last() else { break };
        after = last.clone();
        let mut odd = Vec::new();
        for (sha, len, is_erased) in &rows {
            let id = PhotoId::try_from(sha.as_slice()).map_err(|_| ApiError::Internal("stored row"))?;
            if *is_erased {
                storage.erase(&id).await?;
                continue;
            }
            match look(storage, &id, *len, how.deep).await {
                Ok(Look::Sound) => found.sound += 1,
                Ok(look) => odd.push((id, look)),
                Err(error) => {
                    found.unreadable += 1;
                    crate::say!("doorstep-server: photo {id} can not be looked at: {error}");
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

/// Reads a photo from storage before its device deletes its own file. What is not as its hash says is asked for again.
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
    db.write(move |db| {
        // Erased meanwhile: then nobody wants it again.
        let gone =
            db.prepare_cached("DELETE FROM stored WHERE sha = ?1 AND erased_at IS NULL")?.execute(params![id.as_bytes()])?;
        if gone == 1 {
            db.prepare_cached("UPDATE photo SET asked_at = ?2, lost_at = NULL, altered = 0 WHERE sha = ?1")?
                .execute(params![id.as_bytes(), now.0])?;
        }
        Ok(())
    })
    .await
}

/// Drops uploads that nobody went on with, and staged bytes that no row knows: their request died before it wrote one.
async fn expire(db: &Db, storage: &Storage, now: UnixMs) -> Result<u64, ApiError> {
    let expired = db.write(move |db| {
        let mut query = db.prepare_cached(
            "DELETE FROM piece WHERE (sha, device) IN (SELECT sha, device FROM upload WHERE expires_at <= ?1) RETURNING name",
        )?;
        let names = query.query_map([now.0], |row| row.get(0))?.collect::<Result<Vec<String>, _>>()?;
        let uploads = db.prepare_cached("DELETE FROM upload WHERE expires_at <= ?1")?.execute([now.0])?;
        Ok((names, uploads as u64))
    });
    let (names, uploads) = expired.await?;
    storage.drop_pieces(&names).await;
    let known = db.read(|db| {
        let mut query = db.prepare_cached("SELECT name FROM piece")?;
        Ok(query.query_map([], |row| row.get(0))?.collect::<Result<HashSet<String>, _>>()?)
    });
    let known = known.await?;
    let staged = storage.list("staging").await?;
    let left = staged.into_iter().filter(|(key, since)| !known.contains(key) && now.since(*since) > YOUNG_MS);
    storage.drop_pieces(&left.map(|(key, _)| key).collect::<Vec<_>>()).await;
    Ok(uploads)
}

/// Photos whose bytes were stored when the process died before it wrote the row.
async fn take_in(db: &Db, storage: &Storage, now: UnixMs, found: &mut Scrubbed) -> Result<(), ApiError> {
    for (key, _) in storage.list("photos").await? {
        let Some(id) = key.rsplit('/').next().and_then(|name| name.parse::<PhotoId>().ok()) else { continue };
        let wanted = db.read(move |db| {
            let known: bool = db
                .prepare_cached("SELECT EXISTS (SELECT 1 FROM stored WHERE sha = ?1)")?
                .query_row(params![id.as_bytes()], |row| row.get(0))?;
            Ok((known, super::expect::namers(db, &id)?))
        });
        let (known, namers) = wanted.await?;
        if known {
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
                super::upload::note_stored(db, (id, device), len, seen.format.mime(), now).await?;
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
