//! Serves photos' bytes, with the media type that was read from them on arrival, so that no browser guesses. A request may ask
//! for a range. A client that has the bytes gets 304.

use std::ops::Range;

use axum::{
    body::Body,
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use doorstep_domain::PhotoId;
use futures_util::StreamExt;

use super::Storage;
use crate::{
    enrol::Device,
    error::ApiError,
    in_flight::Place,
    store::{
        db::Db,
        photos,
        stored_photos::{self, Stored},
        tx::Tx,
    },
};

/// Whether one of the device's scopes holds a case of the photo. Only the entry of the device that brought the bytes gives that
/// right. Naming the hash of another's photo in one's own case gives none.
pub(crate) fn may_read(tx: &Tx<'_>, device: &Device, id: &PhotoId) -> Result<bool, ApiError> {
    for scope in device.scopes() {
        if photos::is_in_scope(tx, id, &scope)? {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Responds with a stored photo, or with the requested range of it. The bytes are read from storage as the client takes them, and
/// `place` is held until the last one.
pub(crate) async fn respond(
    db: &Db,
    storage: &Storage,
    id: PhotoId,
    headers: &HeaderMap,
    place: Option<Place>,
) -> Result<Response, ApiError> {
    let found = db.read(move |tx| Ok(stored_photos::find(tx, &id)?)).await?;
    let Stored { mime, len, .. } = found.filter(|stored| stored.erased_at.is_none()).ok_or(ApiError::NotFound)?;
    let tag = format!("\"{id}\"");
    let asked = |name| headers.get(name).and_then(|value: &HeaderValue| value.to_str().ok());
    let knows = asked(header::IF_NONE_MATCH).is_some_and(|known| known == "*" || known.split(',').any(|t| t.trim() == tag));
    let fixed = [
        (header::ETAG, tag.clone()),
        (header::CACHE_CONTROL, "private, max-age=31536000, immutable".to_owned()),
        (header::ACCEPT_RANGES, "bytes".to_owned()),
        (header::CONTENT_TYPE, mime),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff".to_owned()),
        (header::CONTENT_SECURITY_POLICY, "default-src 'none'".to_owned()),
    ];
    if knows {
        return Ok((StatusCode::NOT_MODIFIED, fixed).into_response());
    }
    // `If-Range` with another tag cancels the range. These bytes never change, so only one tag is right.
    let range = asked(header::RANGE).filter(|_| asked(header::IF_RANGE).is_none_or(|known| known == tag));
    let range = match range.and_then(|range| part(range, len)) {
        Some(None) => {
            let whole = [(header::CONTENT_RANGE, format!("bytes */{len}"))];
            return Ok((StatusCode::RANGE_NOT_SATISFIABLE, fixed, whole).into_response());
        }
        Some(Some(range)) => Some(range),
        None => None,
    };
    let bytes = storage.stream(&id, range.clone()).await?.ok_or(ApiError::NotFound)?;
    let bytes = bytes.map(move |part| {
        let _ = &place;
        part
    });
    let sent = range.as_ref().map_or(len, |range| range.end - range.start);
    let length = [(header::CONTENT_LENGTH, sent)];
    Ok(match range {
        Some(Range { start, end }) => {
            let part = [(header::CONTENT_RANGE, format!("bytes {start}-{}/{len}", end.saturating_sub(1)))];
            (StatusCode::PARTIAL_CONTENT, fixed, length, part, Body::from_stream(bytes)).into_response()
        }
        None => (fixed, length, Body::from_stream(bytes)).into_response(),
    })
}

/// Reads the single range of a `Range` header. `None`: it is not understood, so all bytes are sent. `Some(None)`: the photo has
/// no such range.
fn part(range: &str, len: u64) -> Option<Option<Range<u64>>> {
    let (first, last) = range.strip_prefix("bytes=")?.split_once('-')?;
    let number = |text: &str| text.trim().parse::<u64>().ok();
    let (start, end) = match (first.trim(), last.trim()) {
        ("", last) => (len.saturating_sub(number(last)?), len),
        (first, "") => (number(first)?, len),
        (first, last) => (number(first)?, number(last)?.saturating_add(1).min(len)),
    };
    Some((start < end).then_some(start..end))
}

#[cfg(test)]
mod tests {
    use super::part;

    #[test]
    fn a_part_is_read_as_browsers_write_it_and_anything_else_means_everything() {
        assert_eq!(part("bytes=0-99", 1_000), Some(Some(0..100)));
        assert_eq!(part("bytes=900-", 1_000), Some(Some(900..1_000)));
        assert_eq!(part("bytes=-100", 1_000), Some(Some(900..1_000)));
        assert_eq!(part("bytes=-5000", 1_000), Some(Some(0..1_000)));
        assert_eq!(part("bytes=990-2000", 1_000), Some(Some(990..1_000)));
        assert_eq!(part("bytes=1000-", 1_000), Some(None));
        assert_eq!(part("bytes=9-3", 1_000), Some(None));
        for other in ["bytes=0-1,5-6", "lines=1-2", "bytes=a-b", "bytes=-"] {
            assert_eq!(part(other, 1_000), None, "{other}");
        }
    }
}
