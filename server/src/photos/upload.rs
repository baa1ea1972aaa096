//! The rows of uploads: how far one is, who may go on with it, and what becomes of it.

use doorstep_domain::{PhotoId, UnixMs};
use rusqlite::{OptionalExtension, params};

use super::{receive::ReceiveError, turns::Key};
use crate::{error::ApiError, store::db::Db, store::tx::Tx};

/// Most unfinished uploads of one device, and most bytes of them.
const MOST_UPLOADS: u64 = 64;
const MOST_UNFINISHED: u64 = 64 * 1024 * 1024;
/// How long an upload that nobody goes on with is kept.
pub(crate) const KEPT_MS: i64 = 7 * 86_400_000;

/// How far an upload is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Progress {
    /// Bytes that are durable here.
    pub offset: u64,
    /// Bytes that the photo has.
    pub len: u64,
    /// Until when an unfinished upload is kept; `None`: the photo is stored.
    pub expires_at: Option<UnixMs>,
    /// The photo was stored before this request.
    pub had: bool,
}

/// An upload as the rows say.
enum Found {
    Stored(u64),
    Erased,
    Begun { len: u64, offset: u64, fence: i64, expires_at: UnixMs },
    Expected(u64),
}

fn find(db: &Tx<'_>, (id, device): &Key) -> Result<Found, ApiError> {
    let stored = db
        .prepare_cached("SELECT len, erased_at FROM stored WHERE sha = ?1")?
        .query_row(params![id.as_bytes()], |row| Ok((row.get(0)?, row.get::<_, Option<i64>>(1)?)))
        .optional()?;
    match stored {
        Some((len, None)) => return Ok(Found::Stored(len)),
        Some((_, Some(_))) => return Ok(Found::Erased),
        None => {}
    }
    let len = db
        // As the device's own entry names it: what another's says of it must not stop this one.
        .prepare_cached("SELECT len FROM photo WHERE sha = ?1 ORDER BY device = ?2 DESC LIMIT 1")?
        .query_row(params![id.as_bytes(), device.as_bytes()], |row| row.get(0))
        .optional()?;
    let len: u64 = len.ok_or(ApiError::PhotoUnexpected)?;
    let begun = db
        .prepare_cached("SELECT received, fence, expires_at FROM upload WHERE sha = ?1 AND device = ?2")?
        .query_row(params![id.as_bytes(), device.as_bytes()], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))
        .optional()?;
    Ok(match begun {
        Some((offset, fence, expires_at)) => Found::Begun { len, offset, fence, expires_at: UnixMs(expires_at) },
        None => Found::Expected(len),
    })
}

/// Where a request stands: the upload's offset, and the fence without which it can not move it (`None`: no row yet).
#[derive(Debug, Clone, Copy)]
pub(crate) struct Standing {
    pub len: u64,
    pub offset: u64,
    pub fence: Option<i64>,
}

/// How far an upload is. Whoever asks means to go on: an older request can not move it any more.
pub(crate) async fn progress(db: &Db, key: Key, now: UnixMs) -> Result<Progress, ReceiveError> {
    let (standing, expires_at) = match begin(db, key, now).await? {
        Ok(progress) => return Ok(progress),
        Err(begun) => begun,
    };
    if standing.fence.is_none() {
        return Err(ReceiveError::Unknown);
    }
    Ok(Progress { offset: standing.offset, len: standing.len, expires_at: Some(expires_at), had: false })
}

/// `Ok(Ok)`: stored already. `Ok(Err)`: where the request stands.
pub(crate) async fn begin(db: &Db, key: Key, now: UnixMs) -> Result<Result<Progress, (Standing, UnixMs)>, ReceiveError> {
    match db.read(move |db| find(db, &key)).await? {
        Found::Stored(len) => return Ok(Ok(Progress { offset: len, len, expires_at: None, had: true })),
        Found::Erased => return Err(ReceiveError::Erased),
        Found::Expected(len) => return Ok(Err((Standing { len, offset: 0, fence: None }, now.plus(KEPT_MS)))),
        Found::Begun { expires_at, .. } if expires_at <= now => return Err(ReceiveError::Expired),
        Found::Begun { .. } => {}
    }
    let fenced = db.write(move |db| {
        db.prepare_cached("UPDATE upload SET fence = fence + 1 WHERE sha = ?1 AND device = ?2")?
            .execute(params![key.0.as_bytes(), key.1.as_bytes()])?;
        find(db, &key)
    });
    Ok(match fenced.await? {
        Found::Stored(len) => Ok(Progress { offset: len, len, expires_at: None, had: true }),
        Found::Erased => return Err(ReceiveError::Erased),
        Found::Begun { len, offset, fence, expires_at } => Err((Standing { len, offset, fence: Some(fence) }, expires_at)),
        Found::Expected(len) => Err((Standing { len, offset: 0, fence: None }, now.plus(KEPT_MS))),
    })
}

/// Says that a photo is in storage, verified, and which device brought it; the names of pieces that nobody needs any more, or
/// `None` if the photo was erased meanwhile.
pub(crate) async fn note_stored(
    db: &Db,
    (id, device): Key,
    len: u64,
    mime: &'static str,
    now: UnixMs,
) -> Result<Option<Vec<String>>, ApiError> {
    db.write(move |db| {
        db.prepare_cached("INSERT OR IGNORE INTO stored (sha, len, mime, stored_at, device) VALUES (?1, ?2, ?3, ?4, ?5)")?
            .execute(params![id.as_bytes(), len, mime, now.0, device.as_bytes()])?;
        if db
            .prepare_cached("SELECT EXISTS (SELECT 1 FROM stored WHERE sha = ?1 AND erased_at IS NOT NULL)")?
            .query_row(params![id.as_bytes()], |row| row.get(0))?
        {
            return Ok(None);
        }
        db.prepare_cached("UPDATE photo SET asked_at = NULL, lost_at = NULL, altered = 0 WHERE sha = ?1")?
            .execute(params![id.as_bytes()])?;
        // Also what other devices had sent of the same photo.
        forget(db, &id, None).map(Some)
    })
    .await
}

/// Whether a device has as much unfinished as it may have.
pub(crate) fn too_many(db: &Tx<'_>, (_, device): &Key) -> Result<bool, ApiError> {
    let (uploads, bytes): (u64, u64) = db
        .prepare_cached("SELECT count(*), coalesce(sum(received), 0) FROM upload WHERE device = ?1")?
        .query_row(params![device.as_bytes()], |row| Ok((row.get(0)?, row.get(1)?)))?;
    Ok(uploads >= MOST_UPLOADS || bytes >= MOST_UNFINISHED)
}

/// Removes the rows of a photo's uploads, of one device or of all; the names of their pieces.
pub(crate) fn forget(db: &Tx<'_>, id: &PhotoId, of: Option<&Key>) -> Result<Vec<String>, ApiError> {
    let device = of.map(|(_, device)| device.as_bytes().as_slice());
    let mut query = db.prepare_cached("DELETE FROM piece WHERE sha = ?1 AND (?2 IS NULL OR device = ?2) RETURNING name")?;
    let names = query.query_map(params![id.as_bytes(), device], |row| row.get(0))?.collect::<Result<_, _>>()?;
    db.prepare_cached("DELETE FROM upload WHERE sha = ?1 AND (?2 IS NULL OR device = ?2)")?
        .execute(params![id.as_bytes(), device])?;
    Ok(names)
}
