//! Head office's view of photos: the state of each, and repeated pictures. The *same* picture under two waybills is flagged; a
//! similar picture is only information.

use std::{collections::HashMap, ops::ControlFlow};

use doorstep_domain::{CaseId, PhotoId, UnixMs};
use doorstep_media::{LOOKS_ALIKE, look_distance};
use doorstep_protocol::PhotoState;
use serde::Serialize;

use super::expect;
use crate::{
    error::ApiError,
    store::{
        devices, looks,
        photos::{self, OfCase},
        stored_photos,
        tx::Tx,
        uploads,
    },
};

/// A picture is compared with those in this period before it.
pub(super) const LOOK_BACK_MS: i64 = 30 * 86_400_000;
/// The largest number of waybills that are listed with a picture.
const MOST_SHOWN: usize = 10;

/// A photo as head office sees it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PhotoRow {
    /// The photo's hash.
    pub photo: String,
    /// The case's waybill.
    pub waybill: String,
    /// The state of its bytes.
    pub state: &'static str,
    /// The device that has it.
    pub device: String,
    /// The accounts on that device.
    pub people: Vec<String>,
    /// When it was first expected.
    pub expected_at: UnixMs,
    /// When it is due.
    pub due_at: UnixMs,
    /// How many of its bytes have arrived.
    pub received: u64,
    /// The length in bytes.
    pub len: u64,
    /// Other waybills under which the same picture was recorded.
    pub same: Vec<String>,
    /// Other waybills of the outlet with a picture that looks like it, also turned or mirrored, by head office's own measure.
    pub alike: Vec<String>,
}

/// A photo on the page of a case.
#[derive(Debug, Clone)]
pub(crate) struct Told {
    pub state: PhotoState,
    pub due_at: UnixMs,
    pub device: String,
    /// Its thumbnail, if it is stored.
    pub thumbnail: Option<PhotoId>,
    /// Waybills with the same picture.
    pub same: Vec<String>,
    /// Waybills with a similar picture.
    pub alike: Vec<String>,
}

/// The photos that a case names.
pub(crate) fn of_case(tx: &Tx<'_>, case: &CaseId, now: UnixMs) -> Result<HashMap<PhotoId, Told>, ApiError> {
    let mut told = HashMap::new();
    for photo in photos::of_case(tx, case)? {
        let id = photo.id;
        let mut alike = match photo.look {
            Some(look) => alike(tx, case, &photo, look, now)?,
            None => vec![],
        };
        let measured = looks::waybills_alike(tx, &id, case, MOST_SHOWN)?;
        alike.extend(measured.into_iter().filter(|waybill| !alike.contains(waybill)).collect::<Vec<_>>());
        let thumbnail = photos::stored_thumbnail(tx, &id)?;
        let (state, same) = (expect::state(tx, &id, now)?, photos::waybills_beside(tx, &id, case, MOST_SHOWN)?);
        told.insert(id, Told { state, due_at: photo.due_at, device: photo.device.to_string(), thumbnail, same, alike });
    }
    Ok(told)
}

fn alike(tx: &Tx<'_>, case: &CaseId, photo: &OfCase, look: u64, now: UnixMs) -> Result<Vec<String>, ApiError> {
    let mut alike = Vec::new();
    photos::looks_beside(tx, photo, case, now.plus(-LOOK_BACK_MS), |waybill, other| {
        if look_distance(look, other) <= LOOKS_ALIKE && !alike.contains(&waybill) {
            alike.push(waybill);
        }
        if alike.len() < MOST_SHOWN { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
    })?;
    Ok(alike)
}

/// Lists photos that head office should look at, longest awaited first: every photo that is not stored, and the same picture
/// under two waybills, also a similar one that is turned or mirrored or of another device. `all`: every photo.
pub(crate) fn list(tx: &Tx<'_>, all: bool, limit: u32, now: UnixMs) -> Result<Vec<PhotoRow>, ApiError> {
    let found = if all { photos::list_all(tx, limit)? } else { photos::list_odd(tx, limit)? };
    let mut list = Vec::new();
    for photo in found {
        let state = expect::state(tx, &photo.id, now)?;
        list.push(PhotoRow {
            photo: photo.id.to_string(),
            waybill: photo.waybill,
            state: state.as_str(),
            device: photo.device.to_string(),
            people: devices::people_on(tx, &photo.device)?,
            expected_at: photo.expected_at,
            due_at: photo.due_at,
            received: if state == PhotoState::Stored { photo.len } else { photo.received },
            len: photo.len,
            same: photos::waybills_beside(tx, &photo.id, &photo.case, MOST_SHOWN)?,
            alike: looks::waybills_alike(tx, &photo.id, &photo.case, MOST_SHOWN)?,
        });
    }
    Ok(list)
}

/// Erases a photo and its thumbnail in the rows. Returns their hashes and the pieces of their uploads, which storage must delete.
/// The hash and the person who erased it stay.
pub(crate) fn erase(
    tx: &Tx<'_>,
    id: &PhotoId,
    by: &str,
    why: &str,
    now: UnixMs,
) -> Result<(Vec<PhotoId>, Vec<String>), ApiError> {
    // The thumbnail shows the same picture.
    let erased = photos::with_thumbnails(tx, id)?;
    let mut pieces = Vec::new();
    for id in &erased {
        stored_photos::erase(tx, id, by, why, now)?;
        looks::forget(tx, id)?;
        pieces.extend(uploads::drop_of_all(tx, id)?);
    }
    if erased.is_empty() { Err(ApiError::NotFound) } else { Ok((erased, pieces)) }
}
