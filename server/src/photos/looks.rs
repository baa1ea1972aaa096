//! Head office's own look at a stored photo. A device states the look of its photo in the entry, and could state another; head
//! office measures the bytes, also turned and mirrored, and compares them with the photos of the outlet's devices. What it finds is
//! information for a person: no finding rests on it.

use std::ops::ControlFlow;

use axum::body::Bytes;
use doorstep_domain::{DeviceId, PhotoId, UnixMs};
use doorstep_media::{LOOKS_ALIKE, look_distance, looks};
use tokio::{
    sync::Semaphore,
    time::{Instant, sleep},
};

use super::{Storage, report::LOOK_BACK_MS};
use crate::{
    error::ApiError,
    store::{
        db::Db,
        looks::{self, Looks, Other, Unmeasured},
        stored_photos,
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
/// The stored photos between two looks at the database for those that were never measured.
const PAGE: u32 = 500;
/// How much longer than the measure of a missed photo the rest after it is.
const REST: u32 = 4;

static PLACES: Semaphore = Semaphore::const_new(MOST_AT_ONCE);

/// Measures the bytes of a photo; `None` if they can not be decoded within the limits.
pub(crate) async fn measure(bytes: Bytes) -> Option<Looks> {
    let _place = PLACES.acquire().await.ok()?;
    tokio::task::spawn_blocking(move || looks(&bytes, MOST_PIXELS).ok()).await.ok()?
}

/// Stores the looks of a photo, and compares them with those of its outlet in the 30 days around a time. The looks are stored first,
/// so that of two photos that arrive together one at least finds the other.
pub(crate) async fn note(db: &Db, id: PhotoId, device: DeviceId, own: Option<Looks>, at: UnixMs) -> Result<(), ApiError> {
    let is_new = db.write(move |tx| Ok(looks::insert(tx, &id, own.as_ref())?)).await?;
    let Some(own) = own.filter(|_| is_new) else { return Ok(()) };
    let pairs = db.read(move |tx| {
        let (mut pairs, mut compared) = (Vec::new(), 0);
        looks::of_outlet(tx, &id, &device, (at.plus(-LOOK_BACK_MS), at.plus(LOOK_BACK_MS)), |other| {
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

/// Measures the stored photos that never were: those of an older version, and those whose server died before it measured them. One
/// is measured at a time, and a rest follows that is longer than the work, so that no device notices. Photos that storage does not
/// give are counted in the answer and left for the next time.
pub(crate) async fn measure_missed(db: &Db, storage: &Storage) -> Result<u64, ApiError> {
    let (mut after, mut unread) = (None::<PhotoId>, 0);
    loop {
        let page = db.read(move |tx| {
            let rows = stored_photos::page(tx, after.as_ref(), PAGE)?;
            let Some(last) = rows.last().map(|stored| stored.id) else { return Ok(None) };
            let from: &[u8] = after.as_ref().map_or(&[], |id| id.as_bytes().as_slice());
            Ok(Some((last, looks::unmeasured(tx, from, &last)?)))
        });
        let Some((last, missed)) = page.await? else { return Ok(unread) };
        after = Some(last);
        for Unmeasured { id, device, named_at } in missed {
            let begun = Instant::now();
            match storage.get(&id, None).await {
                Ok(Some(bytes)) => note(db, id, device, measure(bytes).await, named_at).await?,
                Ok(None) | Err(_) => unread += 1,
            }
            sleep(begun.elapsed() * REST).await;
        }
    }
}

/// Whether two pictures look alike in some position; true if only turned or mirrored.
fn alike(one: &Looks, other: &Looks) -> Option<bool> {
    let [upright, ..] = *one;
    let place = other.iter().position(|look| look_distance(upright, *look) <= LOOKS_ALIKE)?;
    Some(place > 0)
}
