//! What the server expects: an accepted entry that names a photo makes a row for it, and one for its thumbnail. So data never
//! arrive without the photos being missed: pending on which device, since when, due, overdue, lost.

use doorstep_domain::{CaseId, DeviceId, Photo, PhotoId, UnixMs};
use doorstep_protocol::{LostPhoto, MAX_LOST_PHOTOS, MAX_PHOTO_QUERY, PhotoState, Sha};
use doorstep_rules::{PhotoPolicy, Policy};
use rusqlite::{OptionalExtension, params};

use super::may_read;
use crate::{enrol::Device, error::ApiError, headoffice, keys::Keys, packs::Rules, store::tx::Tx};

/// Expects the bytes of a photo that an accepted entry names, and of its thumbnail.
pub(crate) fn expect(db: &Tx<'_>, case: &CaseId, photo: &Photo, device: &DeviceId, accepted_at: UnixMs) -> Result<(), ApiError> {
    let due_at = accepted_at.plus(i64::from(policy(db)?.due_hours) * 3_600_000);
    let mut insert = db.prepare_cached(
        "INSERT INTO photo (sha, case_id, len, device, of_sha, expected_at, due_at, look)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)
         ON CONFLICT (sha, case_id) DO UPDATE SET of_sha = NULL, look = excluded.look WHERE excluded.of_sha IS NULL",
    )?;
    let look = photo.look.map(u64::cast_signed);
    let (at, due) = (accepted_at.0, due_at.0);
    let none: Option<&[u8]> = None;
    insert.execute(params![photo.id.as_bytes(), case.as_bytes(), photo.len, device.as_bytes(), none, at, due, look])?;
    if let Some(small) = &photo.thumbnail {
        let of = photo.id.as_bytes();
        insert.execute(params![small.id.as_bytes(), case.as_bytes(), small.len, device.as_bytes(), of, at, due, None::<i64>])?;
    }
    Ok(())
}

/// What the published policy says of photos.
fn policy(db: &Tx<'_>) -> Result<PhotoPolicy, ApiError> {
    let body: Vec<u8> = db.prepare_cached("SELECT body FROM reference WHERE kind = 'policy'")?.query_row([], |row| row.get(0))?;
    // One that is not readable has been published by a newer version; what it says of photos is then not known.
    Ok(Policy::parse(&body).map(|policy| policy.photos).unwrap_or_default())
}

/// The length that entries name, the device's own before another's; `None` if no accepted entry names the photo.
pub(crate) fn length(db: &Tx<'_>, id: &PhotoId, device: &DeviceId) -> Result<Option<u64>, ApiError> {
    Ok(db
        .prepare_cached("SELECT len FROM photo WHERE sha = ?1 ORDER BY device = ?2 DESC LIMIT 1")?
        .query_row(params![id.as_bytes(), device.as_bytes()], |row| row.get(0))
        .optional()?)
}

/// Which devices name a photo, with what length, the first to do so first.
pub(crate) fn namers(db: &Tx<'_>, id: &PhotoId) -> Result<Vec<(DeviceId, u64)>, ApiError> {
    let mut query = db.prepare_cached("SELECT device, len FROM photo WHERE sha = ?1 ORDER BY expected_at")?;
    let rows = query.query_map(params![id.as_bytes()], |row| Ok((row.get::<_, Vec<u8>>(0)?, row.get(1)?)))?;
    rows.map(|row| {
        let (device, len) = row?;
        Ok((DeviceId::try_from(device.as_slice()).map_err(|_| ApiError::Internal("photo row"))?, len))
    })
    .collect()
}

/// Of these photos those that the device named itself and that rows call stored, with their lengths: before it deletes its files
/// storage itself is looked at.
pub(crate) fn own_stored(db: &Tx<'_>, device: &DeviceId, photos: &[Sha]) -> Result<Vec<(PhotoId, u64)>, ApiError> {
    let mut query = db.prepare_cached(
        "SELECT stored.len FROM photo JOIN stored USING (sha) WHERE sha = ?1 AND photo.device = ?2 AND erased_at IS NULL LIMIT 1",
    )?;
    let mut own = Vec::new();
    for Sha(id) in photos.iter().take(MAX_PHOTO_QUERY) {
        let len = query.query_row(params![id.as_bytes(), device.as_bytes()], |row| row.get(0)).optional()?;
        own.extend(len.map(|len| (*id, len)));
    }
    Ok(own)
}

/// What has become of photos: of those that the device may read or has named itself.
pub(crate) fn states(db: &Tx<'_>, device: &Device, photos: &[Sha], now: UnixMs) -> Result<Vec<PhotoState>, ApiError> {
    let mut own = db.prepare_cached("SELECT EXISTS (SELECT 1 FROM photo WHERE sha = ?1 AND device = ?2)")?;
    let mut state = |Sha(id): &Sha| {
        let known = own.query_row(params![id.as_bytes(), device.id.as_bytes()], |row| row.get(0))? || may_read(db, device, id)?;
        if known { state(db, id, now) } else { Ok(PhotoState::Unknown) }
    };
    photos.iter().take(MAX_PHOTO_QUERY).map(&mut state).collect()
}

/// What has become of a photo's bytes. One of several devices that still has them is enough.
pub(crate) fn state(db: &Tx<'_>, id: &PhotoId, now: UnixMs) -> Result<PhotoState, ApiError> {
    let mut query = db.prepare_cached(
        "SELECT stored_at, erased_at, lost_at, altered, due_at FROM photo LEFT JOIN stored USING (sha) WHERE sha = ?1
         ORDER BY lost_at IS NULL DESC, due_at LIMIT 1",
    )?;
    let found = query.query_row(params![id.as_bytes()], |row| {
        let time = |column| row.get::<_, Option<i64>>(column);
        let (stored, erased, lost) = (time(0)?, time(1)?, time(2)?);
        let (altered, due): (bool, i64) = (row.get(3)?, row.get(4)?);
        Ok(match (erased, stored, lost) {
            (Some(_), _, _) => PhotoState::Erased,
            (None, Some(_), _) => PhotoState::Stored,
            (None, None, Some(_)) if altered => PhotoState::Void,
            (None, None, Some(_)) => PhotoState::Lost,
            (None, None, None) if due < now.0 => PhotoState::Overdue,
            (None, None, None) => PhotoState::Pending,
        })
    });
    Ok(found.optional()?.unwrap_or(PhotoState::Unknown))
}

/// Photos that a device has to send again or to call lost: a scrub did not find them any more.
pub(crate) fn wanted(db: &Tx<'_>, device: &DeviceId) -> Result<Vec<PhotoId>, ApiError> {
    let mut query = db.prepare_cached(
        "SELECT sha FROM photo WHERE device = ?1 AND asked_at IS NOT NULL AND lost_at IS NULL
         ORDER BY asked_at LIMIT ?2",
    )?;
    let rows = query.query_map(params![device.as_bytes(), MAX_LOST_PHOTOS], |row| row.get::<_, Vec<u8>>(0))?;
    rows.map(|id| PhotoId::try_from(id?.as_slice()).map_err(|_| ApiError::Internal("photo row"))).collect()
}

/// A device says that it can not deliver a photo. What is stored is not lost. One whose file holds other bytes is void as evidence:
/// head office says so in the case.
pub(crate) fn lost(
    db: &Tx<'_>,
    device: &DeviceId,
    lost: &LostPhoto,
    keys: &Keys,
    rules: &Rules,
    now: UnixMs,
) -> Result<(), ApiError> {
    let mut noted = db.prepare_cached(
        "UPDATE photo SET lost_at = ?3, altered = ?4
         WHERE sha = ?1 AND device = ?2 AND lost_at IS NULL AND NOT EXISTS (SELECT 1 FROM stored WHERE stored.sha = ?1)
         RETURNING case_id, of_sha IS NULL AND asked_at IS NULL",
    )?;
    let of = params![lost.photo.as_bytes(), device.as_bytes(), now.0, lost.altered];
    let cases = noted.query_map(of, |row| Ok((row.get::<_, Vec<u8>>(0)?, row.get::<_, bool>(1)?)))?;
    let cases = cases.collect::<Result<Vec<_>, _>>()?;
    db.prepare_cached("UPDATE photo SET asked_at = NULL WHERE sha = ?1 AND device = ?2")?
        .execute(params![lost.photo.as_bytes(), device.as_bytes()])?;
    for (case, says) in cases {
        // Of a photo that was here and sound once, the device's file proves nothing: it is lost, not void.
        if says && lost.altered {
            let case = CaseId::try_from(case.as_slice()).map_err(|_| ApiError::Internal("photo row"))?;
            db.execute_batch("SAVEPOINT void")?;
            if let Err(error) = headoffice::void(db, keys, rules, &case, &lost.photo, now) {
                // A damaged case takes no mark; that the photo is void is noted all the same.
                crate::say!("doorstep-server: a void photo could not be marked in its case: {error}");
                db.execute_batch("ROLLBACK TO void")?;
            }
            db.execute_batch("RELEASE void")?;
        }
    }
    Ok(())
}
