//! How far an upload is, who may go on with it, and what becomes of it.

use doorstep_domain::UnixMs;

use super::fault::{Progress, ReceiveError};
use crate::{
    error::ApiError,
    store::{
        db::Db,
        photos, stored_photos,
        tx::Tx,
        uploads::{self, Key, Upload},
    },
};

/// Most unfinished uploads of one device, and most bytes of them.
const MOST_UPLOADS: u64 = 64;
const MOST_UNFINISHED: u64 = 64 * 1024 * 1024;
/// How long an upload that nobody goes on with is kept.
pub(crate) const KEPT_MS: i64 = 7 * 86_400_000;

/// An upload as the rows say.
enum Found {
    Stored(u64),
    Erased,
    Begun { len: u64, offset: u64, fence: i64, expires_at: UnixMs },
    Expected(u64),
}

fn find(tx: &Tx<'_>, key: &Key) -> Result<Found, ApiError> {
    let (id, device) = key;
    if let Some(stored) = stored_photos::find(tx, id)? {
        return Ok(if stored.erased_at.is_some() { Found::Erased } else { Found::Stored(stored.len) });
    }
    // As the device's own entry names it: what another's says of it must not stop this one.
    let len = photos::length(tx, id, device)?.ok_or(ApiError::PhotoUnexpected)?;
    Ok(match uploads::find(tx, key)? {
        Some(Upload { received, fence, expires_at }) => Found::Begun { len, offset: received, fence, expires_at },
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
    match db.read(move |tx| find(tx, &key)).await? {
        Found::Stored(len) => return Ok(Ok(Progress { offset: len, len, expires_at: None, had: true })),
        Found::Erased => return Err(ReceiveError::Erased),
        Found::Expected(len) => return Ok(Err((Standing { len, offset: 0, fence: None }, now.plus(KEPT_MS)))),
        Found::Begun { expires_at, .. } if expires_at <= now => return Err(ReceiveError::Expired),
        Found::Begun { .. } => {}
    }
    let fenced = db.write(move |tx| {
        uploads::raise_fence(tx, &key)?;
        find(tx, &key)
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
    db.write(move |tx| {
        stored_photos::insert(tx, &id, &device, len, mime, now)?;
        if stored_photos::find(tx, &id)?.is_some_and(|stored| stored.erased_at.is_some()) {
            return Ok(None);
        }
        photos::arrive(tx, &id)?;
        // Also what other devices had sent of the same photo.
        Ok(Some(uploads::drop_of_all(tx, &id)?))
    })
    .await
}

/// Whether a device has as much unfinished as it may have.
pub(crate) fn too_many(tx: &Tx<'_>, (_, device): &Key) -> Result<bool, ApiError> {
    let (uploads, bytes) = uploads::unfinished(tx, device)?;
    Ok(uploads >= MOST_UPLOADS || bytes >= MOST_UNFINISHED)
}
