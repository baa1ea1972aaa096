//! The expected photos: an accepted entry that names a photo makes a row for it, and one for its thumbnail. A photo that does not
//! arrive is therefore missed, with its device, its waiting time and its state: due, overdue or lost.

use doorstep_domain::{CaseId, DeviceId, Photo, PhotoId, UnixMs};
use doorstep_protocol::{MAX_LOST_PHOTOS, MAX_PHOTO_QUERY, PhotoState, Sha};
use doorstep_rules::Policy;

use super::may_read;
use crate::{
    enrol::Device,
    error::ApiError,
    store::{
        photos::{self, Fate, Named},
        references, stored_photos,
        tx::Tx,
    },
};

/// Expects the bytes of a photo that an accepted entry names, and of its thumbnail.
pub(crate) fn expect(
    tx: &Tx<'_>,
    case: &CaseId,
    photo: &Photo,
    device: &DeviceId,
    (accepted_at, due_hours): (UnixMs, u32),
) -> Result<(), ApiError> {
    let due_at = accepted_at.plus(i64::from(due_hours) * 3_600_000);
    let named = Named {
        id: photo.id,
        case: *case,
        len: photo.len,
        device: *device,
        of: None,
        look: photo.look,
        expected_at: accepted_at,
        due_at,
    };
    photos::expect(tx, &named)?;
    if let Some(small) = &photo.thumbnail {
        photos::expect(tx, &Named { id: small.id, len: small.len, of: Some(photo.id), look: None, ..named })?;
    }
    Ok(())
}

/// How many hours after its acceptance an entry's photos are due, by the published policy.
pub(crate) fn due_hours(tx: &Tx<'_>) -> Result<u32, ApiError> {
    let body = references::policy(tx)?;
    // An unreadable policy comes from a newer version, so the default applies.
    Ok(Policy::parse(&body).map(|policy| policy.photos).unwrap_or_default().due_hours)
}

/// The photos among `photos` that this device itself named and that are stored according to their rows, with their lengths.
/// Storage is checked for them before the device deletes its files.
pub(crate) fn own_stored(tx: &Tx<'_>, device: &DeviceId, photos: &[Sha]) -> Result<Vec<(PhotoId, u64)>, ApiError> {
    let mut own = Vec::new();
    for Sha(id) in photos.iter().take(MAX_PHOTO_QUERY) {
        own.extend(stored_photos::own_length(tx, id, device)?.map(|len| (*id, len)));
    }
    Ok(own)
}

/// The states of photos that the device may read or has named itself.
pub(crate) fn states(tx: &Tx<'_>, device: &Device, asked: &[Sha], now: UnixMs) -> Result<Vec<PhotoState>, ApiError> {
    let one = |Sha(id): &Sha| {
        let known = photos::is_named_by(tx, id, &device.id)? || may_read(tx, device, id)?;
        if known { state(tx, id, now) } else { Ok(PhotoState::Unknown) }
    };
    asked.iter().take(MAX_PHOTO_QUERY).map(one).collect()
}

/// The state of a photo's bytes. The photo is not lost as long as one of several devices still has them.
pub(crate) fn state(tx: &Tx<'_>, id: &PhotoId, now: UnixMs) -> Result<PhotoState, ApiError> {
    let Some(Fate { stored_at, erased_at, lost_at, altered, due_at }) = photos::fate(tx, id)? else {
        return Ok(PhotoState::Unknown);
    };
    Ok(match (erased_at, stored_at, lost_at) {
        (Some(_), _, _) => PhotoState::Erased,
        (None, Some(_), _) => PhotoState::Stored,
        (None, None, Some(_)) if altered => PhotoState::Void,
        (None, None, Some(_)) => PhotoState::Lost,
        (None, None, None) if due_at < now => PhotoState::Overdue,
        (None, None, None) => PhotoState::Pending,
    })
}

/// The photos that a device must send again or report as lost, because a scrub no longer found them.
pub(crate) fn wanted(tx: &Tx<'_>, device: &DeviceId) -> Result<Vec<PhotoId>, ApiError> {
    Ok(photos::asked_of(tx, device, MAX_LOST_PHOTOS)?)
}
