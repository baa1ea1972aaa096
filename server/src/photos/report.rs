//! What head office sees of photos: what has become of each, and pictures that were seen before. The *same* picture under two
//! waybills is flagged; one that only looks alike is information.

use std::collections::HashMap;

use doorstep_domain::{CaseId, DeviceId, PhotoId, UnixMs};
use doorstep_media::{LOOKS_ALIKE, look_distance};
use doorstep_protocol::PhotoState;
use rusqlite::params;
use serde::Serialize;

use super::expect;
use crate::{error::ApiError, store::tx::Tx};

/// Pictures are compared with those of the same device of so long before.
const LOOK_BACK_MS: i64 = 30 * 86_400_000;
/// Most waybills named beside a picture.
const MOST_SHOWN: usize = 10;

/// A photo as head office sees it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PhotoRow {
    /// Its hash.
    pub photo: String,
    /// The case's waybill.
    pub waybill: String,
    /// What has become of its bytes.
    pub state: &'static str,
    /// The device that has it.
    pub device: String,
    /// Who is on that device.
    pub people: Vec<String>,
    /// Since when it is expected.
    pub expected_at: UnixMs,
    /// Until when.
    pub due_at: UnixMs,
    /// Bytes of it that have arrived.
    pub received: u64,
    /// Bytes that it has.
    pub len: u64,
    /// Other waybills under which the same picture was recorded.
    pub same: Vec<String>,
}

/// What the page of a case says of a photo.
#[derive(Debug, Clone)]
pub(crate) struct Told {
    pub state: PhotoState,
    pub due_at: UnixMs,
    pub device: String,
    /// Its thumbnail, if that is stored.
    pub thumbnail: Option<PhotoId>,
    /// Waybills with the same picture.
    pub same: Vec<String>,
    /// Waybills with a picture that looks alike.
    pub alike: Vec<String>,
}

/// The photos that a case names.
pub(crate) fn of_case(db: &Tx<'_>, case: &CaseId, now: UnixMs) -> Result<HashMap<PhotoId, Told>, ApiError> {
    let mut query = db.prepare_cached("SELECT sha, device, due_at, look FROM photo WHERE case_id = ?1 AND of_sha IS NULL")?;
    let rows = query.query_map(params![case.as_bytes()], |row| {
        Ok((row.get::<_, Vec<u8>>(0)?, row.get::<_, Vec<u8>>(1)?, row.get(2)?, row.get::<_, Option<i64>>(3)?))
    })?;
    let mut told = HashMap::new();
    for row in rows {
        let (sha, device, due_at, look) = row?;
        let id = PhotoId::try_from(sha.as_slice()).map_err(|_| ApiError::Internal("photo row"))?;
        let alike = match look {
            Some(look) => alike(db, case, &id, &device, look.cast_unsigned(), now)?,
            None => vec![],
        };
        let device = DeviceId::try_from(device.as_slice()).map(|device| device.to_string()).unwrap_or_default();
        let thumbnail = thumbnail(db, &id)?;
        let (state, same) = (expect::state(db, &id, now)?, same(db, &id, case)?);
        told.insert(id, Told { state, due_at: UnixMs(due_at), device, thumbnail, same, alike });
    }
    Ok(told)
}

fn thumbnail(db: &Tx<'_>, id: &PhotoId) -> Result<Option<PhotoId>, ApiError> {
    let mut query =
        db.prepare_cached("SELECT sha FROM photo JOIN stored USING (sha) WHERE of_sha = ?1 AND erased_at IS NULL LIMIT 1")?;
    let mut rows = query.query_map(params![id.as_bytes()], |row| row.get::<_, Vec<u8>>(0))?;
    Ok(rows.next().transpose()?.and_then(|sha| PhotoId::try_from(sha.as_slice()).ok()))
}

fn same(db: &Tx<'_>, id: &PhotoId, case: &CaseId) -> Result<Vec<String>, ApiError> {
    let mut query = db.prepare_cached(
        "SELECT waybill FROM photo JOIN doc USING (case_id) WHERE sha = ?1 AND case_id <> ?2 ORDER BY waybill LIMIT 10",
    )?;
    Ok(query.query_map(params![id.as_bytes(), case.as_bytes()], |row| row.get(0))?.collect::<Result<_, _>>()?)
}

fn alike(db: &Tx<'_>, case: &CaseId, id: &PhotoId, device: &[u8], look: u64, now: UnixMs) -> Result<Vec<String>, ApiError> {
    let mut query = db.prepare_cached(
        "SELECT waybill, look FROM photo JOIN doc USING (case_id)
         WHERE device = ?1 AND expected_at > ?2 AND look IS NOT NULL AND case_id <> ?3 AND sha <> ?4",
    )?;
    let since = now.plus(-LOOK_BACK_MS).0;
    let rows = query.query_map(params![device, since, case.as_bytes(), id.as_bytes()], |row| {
        Ok((row.get::<_, String>(0)?, row.get::<_, i64>(1)?.cast_unsigned()))
    })?;
    let mut alike = Vec::new();
    for row in rows {
        let (waybill, other) = row?;
        if alike.len() < MOST_SHOWN && look_distance(look, other) <= LOOKS_ALIKE && !alike.contains(&waybill) {
            alike.push(waybill);
        }
    }
    Ok(alike)
}

/// Photos that head office should look at, the longest awaited first: everything that is not stored, and the same picture under
/// two waybills. `all`: every photo.
pub(crate) fn list(db: &Tx<'_>, all: bool, limit: u32, now: UnixMs) -> Result<Vec<PhotoRow>, ApiError> {
    let mut query = db.prepare(
        "SELECT photo.sha, photo.case_id, waybill, photo.device, expected_at, due_at, photo.len,
           coalesce((SELECT received FROM upload WHERE upload.sha = photo.sha AND upload.device = photo.device), 0) AS received
         FROM photo JOIN doc USING (case_id) LEFT JOIN stored ON stored.sha = photo.sha
         WHERE of_sha IS NULL AND (?1 OR stored_at IS NULL
           OR EXISTS (SELECT 1 FROM photo AS other WHERE other.sha = photo.sha AND other.case_id <> photo.case_id))
         ORDER BY due_at, photo.sha LIMIT ?2",
    )?;
    let mut people = db.prepare("SELECT DISTINCT person FROM member WHERE device = ?1 ORDER BY person")?;
    let mut rows = query.query(params![all, limit])?;
    let mut list = Vec::new();
    while let Some(row) = rows.next()? {
        let id = PhotoId::try_from(row.get::<_, Vec<u8>>(0)?.as_slice()).map_err(|_| ApiError::Internal("photo row"))?;
        let case = CaseId::try_from(row.get::<_, Vec<u8>>(1)?.as_slice()).map_err(|_| ApiError::Internal("photo row"))?;
        let device: Vec<u8> = row.get(3)?;
        let state = expect::state(db, &id, now)?;
        list.push(PhotoRow {
            photo: id.to_string(),
            waybill: row.get(2)?,
            state: state.as_str(),
            people: people.query_map([&device], |row| row.get(0))?.collect::<Result<_, _>>()?,
            device: DeviceId::try_from(device.as_slice()).map(|device| device.to_string()).unwrap_or_default(),
            expected_at: UnixMs(row.get(4)?),
            due_at: UnixMs(row.get(5)?),
            len: row.get(6)?,
            received: if state == PhotoState::Stored { row.get(6)? } else { row.get(7)? },
            same: same(db, &id, &case)?,
        });
    }
    Ok(list)
}

/// Notes that head office erases a photo and its thumbnail: their hashes, and the pieces of their uploads. Hash and who erased it stay.
pub(crate) fn erase(
    db: &Tx<'_>,
    id: &PhotoId,
    by: &str,
    why: &str,
    now: UnixMs,
) -> Result<(Vec<PhotoId>, Vec<String>), ApiError> {
    // The thumbnail shows the same.
    let mut query = db.prepare_cached("SELECT sha FROM photo WHERE sha = ?1 UNION SELECT sha FROM photo WHERE of_sha = ?1")?;
    let found = query.query_map(params![id.as_bytes()], |row| row.get::<_, Vec<u8>>(0))?.collect::<Result<Vec<_>, _>>()?;
    let mut erase = db.prepare_cached(
        "INSERT INTO stored (sha, len, mime, stored_at, erased_at, erased_by, erased_why)
         SELECT sha, len, 'image/jpeg', ?2, ?2, ?3, ?4 FROM photo WHERE sha = ?1 LIMIT 1
         ON CONFLICT (sha) DO UPDATE SET erased_at = coalesce(erased_at, ?2), erased_by = ?3, erased_why = ?4",
    )?;
    let mut erased = Vec::new();
    for sha in found {
        erase.execute(params![sha, now.0, by, why])?;
        erased.push(PhotoId::try_from(sha.as_slice()).map_err(|_| ApiError::Internal("photo row"))?);
    }
    let mut pieces = Vec::new();
    for id in &erased {
        pieces.extend(super::upload::forget(db, id, None)?);
    }
    if erased.is_empty() { Err(ApiError::NotFound) } else { Ok((erased, pieces)) }
}
