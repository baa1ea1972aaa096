//! Head office's own look at a stored photo. A device states the look of its photo in the entry, and could state another; head
//! office measures the bytes, also turned and mirrored, and compares them with the photos of the outlet's devices. What it finds is
//! information for a person: no finding rests on it.

use std::ops::ControlFlow;

use axum::body::Bytes;
use doorstep_domain::{DeviceId, PhotoId, UnixMs};
use doorstep_media::{LOOKS_ALIKE, look_distance, looks};
use tokio::sync::Semaphore;

use super::report::LOOK_BACK_MS;
use crate::{
    error::ApiError,
    store::{
        db::Db,
        looks::{self, Looks, Other},
    },
};

/// Most pixels of a photo that is measured. A device makes 1600 x 1600 at most; a larger file is stored and not measured.
const MOST_PIXELS: u64 = 4_000_000;
/// Most photos measured at once, because each is decoded in memory.
const MOST_AT_ONCE: usize = 2;
/// Most pairs noted for one photo.
const MOST_PAIRS: usize = 10;
/// Most photos that one is compared with.
const MOST_COMPARED: usize = 50_000;

static PLACES: Semaphore = Semaphore::const_new(MOST_AT_ONCE);

/// Measures the bytes of a photo; `None` if they can not be decoded within the limits.
pub(crate) async fn measure(bytes: Bytes) -> Option<Looks> {
    let _place = PLACES.acquire().await.ok()?;
    tokio::task::spawn_blocking(move || looks(&bytes, MOST_PIXELS).ok()).await.ok()?
}

/// Stores the looks of a photo, and compares them with those of its outlet. The looks are stored first, so that of two photos that
/// arrive together one at least finds the other.
pub(crate) async fn note(db: &Db, id: PhotoId, device: DeviceId, own: Option<Looks>, now: UnixMs) -> Result<(), ApiError> {
    let Some(own) = own else { return Ok(()) };
    if !db.write(move |tx| Ok(looks::insert(tx, &id, &own)?)).await? {
        return Ok(());
    }
    let pairs = db.read(move |tx| {
        let (mut pairs, mut compared) = (Vec::new(), 0);
        looks::of_outlet(tx, &id, &device, now.plus(-LOOK_BACK_MS), |other| {
            let Other { id: found, device: by, looks } = other;
            compared += 1;
            if let Some(is_turned) = alike(&own, &looks)
                && pairs.iter().all(|(known, _)| *known != found)
            {
                pairs.push((found, is_turned || by != device));
            }
            let goes_on = pairs.len() < MOST_PAIRS && compared < MOST_COMPARED;
            if goes_on { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
        })?;
        Ok(pairs)
    });
    let pairs: Vec<(PhotoId, bool)> = pairs.await?;
    if pairs.is_empty() {
        return Ok(());
    }
    db.write(move |tx| pairs.iter().try_for_each(|(other, is_disguised)| Ok(looks::pair(tx, &id, other, *is_disguised)?))).await
}

/// Whether two pictures look alike in some position; true if only turned or mirrored.
fn alike(one: &Looks, other: &Looks) -> Option<bool> {
    let [upright, ..] = *one;
    let place = other.iter().position(|look| look_distance(upright, *look) <= LOOKS_ALIKE)?;
    Some(place > 0)
}
