//! The progress of an upload, the right to continue it, and its end.

use doorstep_domain::UnixMs;

use super::fault::{Progress, ReceiveError};
use crate::{
    error::ApiError,
    quota::PhotoQuota,
    store::{
        db::Db,
        photos, stored_photos,
        tx::Tx,
        uploads::{self, Key, Upload},
    },
};

/// The largest number of unfinished uploads of one device, and of their bytes.
const MOST_UPLOADS: u64 = 64;
const MOST_UNFINISHED: u64 = 64 * 1024 * 1024;
/// How long an upload that nobody continues is stored.
pub(crate) const KEPT_MS: i64 = 7 * 86_400_000;

/// An upload according to its rows.
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
    // The length comes from this device's own entry, so that another device's wrong entry can not stop the upload.
    let len = photos::length(tx, id, device)?.ok_or(ApiError::PhotoUnexpected)?;
    Ok(match uploads::find(tx, key)? {
        Some(Upload { received, fence, expires_at }) => Found::Begun { len, offset: received, fence, expires_at },
        None => Found::Expected(len),
    })
}

/// The position of a request: the upload's offset, and the fence that moving it needs (`None`: no row yet).
#[derive(Debug, Clone, Copy)]
pub(crate) struct Standing {
    pub len: u64,
    pub offset: u64,
    pub fence: Option<i64>,
}

/// The progress of an upload. Asking moves the fence, because the asker means to continue: an older request can not move the
/// offset any more.
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

/// Begins or continues an upload. `Ok(Ok)`: the photo is stored already. `Ok(Err)`: the position of the request.
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

/// Notes that a photo is verified and in storage, and which device brought it. `counted`: the quota of that device, and how many
/// bytes it does not count yet. Returns the names of pieces that are no longer needed, or `None` if the photo was erased
/// meanwhile.
pub(crate) async fn note_stored(
    db: &Db,
    (id, device): Key,
    len: u64,
    mime: &'static str,
    now: UnixMs,
    counted: Option<(PhotoQuota, u64)>,
) -> Result<Option<Vec<String>>, ApiError> {
    db.write(move |tx| {
        if let Some((quota, bytes)) = &counted {
            quota.count(tx, *bytes)?;
        }
        stored_photos::insert(tx, &id, &device, len, mime, now)?;
        if stored_photos::find(tx, &id)?.is_some_and(|stored| stored.erased_at.is_some()) {
            return Ok(None);
        }
        photos::arrive(tx, &id)?;
        // Pieces of the same photo from other devices are dropped too.
        Ok(Some(uploads::drop_of_all(tx, &id)?))
    })
    .await
}

/// Whether a device has reached its limit of unfinished uploads.
pub(crate) fn too_many(tx: &Tx<'_>, (_, device): &Key) -> Result<bool, ApiError> {
    let (uploads, bytes) = uploads::unfinished(tx, device)?;
    Ok(uploads >= MOST_UPLOADS || bytes >= MOST_UNFINISHED)
}
