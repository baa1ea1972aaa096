//! Prepares a photo for recording: two files and an entry.

use doorstep_domain::{Capture, Photo, Thumbnail};
use doorstep_media::{Limits, Prepared, prepare};

use crate::{ClientError, NewPhoto};

/// A photo ready for recording: two files and the entry's content.
pub(crate) struct Ready {
    pub prepared: Prepared,
    pub entry: Photo,
}

/// Prepares a photo: upright, small enough to send, without the camera's metadata.
pub(crate) fn ready(photo: &NewPhoto, zone_quarters: i8) -> Result<Ready, ClientError> {
    let prepared = prepare(&photo.bytes, zone_quarters, &Limits::default())?;
    let entry = Photo {
        thumbnail: Some(Thumbnail { id: prepared.thumbnail.id, len: prepared.thumbnail.bytes.len() as u64 }),
        placeholder: Some(prepared.placeholder.clone()),
        original: photo.original,
        capture: Capture { position: prepared.capture.position.or(photo.position), ..prepared.capture.clone() },
        clarity: Some(prepared.clarity),
        look: Some(prepared.look),
        source: photo.source,
        ..Photo::of(prepared.photo.id, prepared.photo.bytes.len() as u64, photo.shows)
    };
    Ok(Ready { prepared, entry })
}
