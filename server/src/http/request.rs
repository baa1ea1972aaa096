//! Reads the device, version and body of a request, and seals an answer.

use axum::{
    body::Body,
    http::{HeaderMap, header},
    response::{IntoResponse, Response},
};
use doorstep_domain::{DeviceId, UnixMs};
use doorstep_protocol::{CONTENT_TYPE, PROTO_HEADER, PROTO_VERSION, Reach, Spoken, Version, encode, newest_format, reach, seal};

use super::app::App;
use crate::{
    contact,
    enrol::{self, Device},
    error::ApiError,
    log,
    refs::Reads,
};

/// The device of a request's token, if it may read. An ended token can be renewed only in a sync, whose answer replaces it.
pub(crate) async fn device(app: &App, headers: &HeaderMap) -> Result<Device, ApiError> {
    let whole = reach_of(app, headers)? == Reach::Whole;
    let device = known(app, headers).await?;
    if !whole {
        return Err(ApiError::Version);
    }
    if device.revoked { Err(ApiError::Revoked) } else { Ok(device) }
}

/// The device of a passing request.
pub(crate) async fn known(app: &App, headers: &HeaderMap) -> Result<Device, ApiError> {
    let device = of_token(app, headers, None).await?;
    note_passing(app, device.id, (app.now)()).await;
    Ok(device)
}

/// Notes a passing request. A failure does not affect the request itself.
pub(super) async fn note_passing(app: &App, device: DeviceId, now: UnixMs) {
    if app.passing.note(device, now)
        && let Err(error) = app.db.write(move |tx| contact::keep_passing(tx, &device, now)).await
    {
        log!(warn, "a contact could not be kept", device = device, error = error);
    }
}

pub(super) async fn of_token(app: &App, headers: &HeaderMap, renewal: Option<Vec<u8>>) -> Result<Device, ApiError> {
    let token = headers.get(header::AUTHORIZATION).and_then(|v| v.to_str().ok()).and_then(|v| v.strip_prefix("Bearer "));
    let token = token.ok_or(ApiError::Unauthorized)?.to_owned();
    let now = (app.now)();
    app.db.read(move |tx| enrol::authenticate(tx, &token, renewal.as_deref(), now)).await
}

/// The rights of a device that speaks the request's version.
pub(super) fn reach_of(app: &App, headers: &HeaderMap) -> Result<Reach, ApiError> {
    let name = headers.get(PROTO_HEADER).map(|value| value.to_str().unwrap_or_default());
    reach(app.versions, name).ok_or(ApiError::Version)
}

/// The version in which a request is answered. Version 1 may only push, and reads the answers of version 2.
pub(crate) fn spoken_of(headers: &HeaderMap) -> Spoken {
    let name = headers.get(PROTO_HEADER).and_then(|value| value.to_str().ok()?.parse::<u32>().ok());
    if name.is_some_and(|name| name >= 3) { Spoken::Version3 } else { Spoken::Version2 }
}

/// The name of the version in which a request is answered. A request that names none gets the oldest.
pub(super) fn proto_of(versions: &'static [Version], headers: &HeaderMap) -> &'static str {
    let asked = headers.get(PROTO_HEADER).map(|value| value.to_str().unwrap_or_default());
    let spoken = match asked {
        None => versions.first(),
        Some(asked) => versions.iter().find(|version| version.name == asked).or(versions.last()),
    };
    spoken.map_or(PROTO_VERSION, |version| version.name)
}

/// The formats that the device of a request can read.
pub(super) fn reads_of(versions: &'static [Version], headers: &HeaderMap) -> Reads {
    Reads { spoken: spoken_of(headers), format: newest_format(versions, proto_of(versions, headers)) }
}

pub(crate) fn cbor<T: minicbor::Encode<()>>(message: &T) -> Result<Response, ApiError> {
    sealed(&encode(message)?)
}

pub(super) fn sealed(message: &[u8]) -> Result<Response, ApiError> {
    let body = seal(message)?;
    Ok(([(header::CONTENT_TYPE, CONTENT_TYPE), (header::CONTENT_ENCODING, "zstd")], Body::from(body)).into_response())
}
