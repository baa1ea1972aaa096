//! What head office sees of photos: what has become of each, and pictures that were seen before. The *same* picture under two
//! waybills is flagged; one that only looks alike is information.

use std::{collections::HashMap, ops::ControlFlow};

use doorstep_domain::{CaseId, PhotoId, UnixMs};
use doorstep_media::{LOOKS_ALIKE, look_distance};
use doorstep_protocol::PhotoState;
use serde::Serialize;

use super::expect;
use crate::{
    error::ApiError,
    store::{
        devices,
        photos::{self, OfCase},
        stored_photos,
        tx::Tx,
        uploads,
    },
};

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
pub(crate) fn of_case(tx: &Tx<'_>, case: &CaseId, now: UnixMs) -> Result<HashMap<PhotoId, Told>, ApiError> {
    let mut told = HashMap::new();
    for photo in photos::of_case(tx, case)? {
        let id = photo.id;
        let alike = match photo.look {
            Some(look) => alike(tx, case, &photo, look, now)?,
            None => vec![],
        };
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

/// Photos that head office should look at, the longest awaited first: everything that is not stored, and the same picture under
/// two waybills. `all`: every photo.
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
        });
    }
    Ok(list)
}

/// Notes that head office erases a photo and its thumbnail: their hashes, and the pieces of their uploads. Hash and who erased it stay.
pub(crate) fn erase(
    tx: &Tx<'_>,
    id: &PhotoId,
    by: &str,
    why: &str,
    now: UnixMs,
) -> Result<(Vec<PhotoId>, Vec<String>), ApiError> {
    // The thumbnail shows the same.
    let erased = photos::with_thumbnails(tx, id)?;
    let mut pieces = Vec::new();
    for id in &erased {
        stored_photos::erase(tx, id, by, why, now)?;
        pieces.extend(uploads::drop_of_all(tx, id)?);
    }
    if erased.is_empty() { Err(ApiError::NotFound) } else { Ok((erased, pieces)) }
}
