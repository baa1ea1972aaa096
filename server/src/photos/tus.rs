//! tus 1.0 over [`super::receive`]: creation (with upload), checksum, expiration, termination. The address of an upload is its
//! photo's, `/v1/photos/{sha}`, so that a device that lost the answer to its creation knows where to continue.
//!
//! Stricter than tus: an offset never goes back; repeated bytes are no conflict if they are the same; the newest request ends the
//! older ones; and the creation of a stored photo answers 200 at once, without reading a byte.

use axum::{
    body::Body,
    extract::{Path, Request, State},
    http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use chrono::DateTime;
use data_encoding::BASE64;
use doorstep_domain::PhotoId;
use doorstep_media::MAX_STORED;
use doorstep_protocol::{ErrorCode, METHOD_HEADER};

use super::{
    fault::{Progress, ReceiveError},
    receive::{Checksum, Coming, Receiver},
    upload,
};
use crate::{
    error::{ApiError, status_of},
    http::{app::App, request::known},
    store::{photos, uploads::Key},
};

const RESUMABLE: HeaderName = HeaderName::from_static("tus-resumable");
const OFFSET: HeaderName = HeaderName::from_static("upload-offset");
const LENGTH: HeaderName = HeaderName::from_static("upload-length");
const EXPIRES: HeaderName = HeaderName::from_static("upload-expires");
const VERSION: HeaderValue = HeaderValue::from_static("1.0.0");
const CHUNK: &str = "application/offset+octet-stream";
const ALGORITHMS: &str = "sha256,sha1";

/// A response with the headers of tus.
fn reply(status: StatusCode, progress: Option<Progress>) -> Response {
    let mut response = status.into_response();
    set_headers(&mut response, progress);
    response
}

/// Sets the version and the progress of the upload.
fn set_headers(response: &mut Response, progress: Option<Progress>) {
    let headers = response.headers_mut();
    headers.insert(RESUMABLE, VERSION);
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    if let Some(progress) = progress {
        headers.insert(OFFSET, progress.offset.into());
        headers.insert(LENGTH, progress.len.into());
        let until = progress.expires_at.and_then(|at| DateTime::from_timestamp_millis(at.0));
        if let Some(until) = until.map(|at| at.format("%a, %d %b %Y %H:%M:%S GMT").to_string())
            && let Ok(until) = HeaderValue::from_str(&until)
        {
            headers.insert(EXPIRES, until);
        }
    }
}

/// The status, code and progress of an error; `None` for an error that is not specific to uploads.
fn parts(error: &ReceiveError) -> Option<(StatusCode, ErrorCode, Option<Progress>)> {
    let (code, progress) = match error {
        ReceiveError::Offset(progress) => (ErrorCode::Offset, Some(*progress)),
        ReceiveError::Checksum(progress) => (ErrorCode::Checksum, Some(*progress)),
        ReceiveError::Hash => (ErrorCode::PhotoHash, None),
        ReceiveError::GaveWay => (ErrorCode::NewerRequest, None),
        ReceiveError::Expired => (ErrorCode::UploadExpired, None),
        ReceiveError::Erased => (ErrorCode::PhotoErased, None),
        ReceiveError::Unknown => (ErrorCode::UploadUnknown, None),
        ReceiveError::Api(_) => return None,
    };
    // tus has its own status for bytes that do not match their hash, of a chunk or of the whole photo.
    let mismatch = matches!(error, ReceiveError::Hash).then(|| StatusCode::from_u16(460).ok()).flatten();
    Some((mismatch.unwrap_or_else(|| status_of(&code)), code, progress))
}

/// An error in the project's own form, with the headers of tus.
fn refuse(error: ReceiveError) -> Response {
    let parts = parts(&error);
    let progress = parts.as_ref().and_then(|(_, _, progress)| *progress);
    let mut response = match (error, parts) {
        (ReceiveError::Api(error), _) => error.into_response(),
        (error, Some((status, code, _))) => ApiError::answer(status, code, &error.to_string()),
        (_, None) => ApiError::Internal("an error without a code").into_response(),
    };
    set_headers(&mut response, progress);
    response
}

fn number(headers: &HeaderMap, name: &HeaderName) -> Option<u64> {
    headers.get(name)?.to_str().ok()?.parse().ok()
}

fn malformed(what: &str) -> ReceiveError {
    ApiError::Malformed(what.to_owned()).into()
}

/// Requires `Tus-Resumable` with our version in every request but OPTIONS.
fn other_version(headers: &HeaderMap) -> Option<Response> {
    if headers.get(RESUMABLE).is_some_and(|version| version == VERSION) {
        return None;
    }
    let mut response = reply(StatusCode::PRECONDITION_FAILED, None);
    response.headers_mut().insert("tus-version", VERSION);
    Some(response)
}

/// The abilities of this server.
pub(crate) async fn options() -> Response {
    let mut response = reply(StatusCode::NO_CONTENT, None);
    let headers = response.headers_mut();
    headers.insert("tus-version", VERSION);
    headers.insert("tus-extension", HeaderValue::from_static("creation,creation-with-upload,checksum,expiration,termination"));
    headers.insert("tus-max-size", MAX_STORED.into());
    headers.insert("tus-checksum-algorithm", HeaderValue::from_static(ALGORITHMS));
    response
}

/// Begins an upload, with its first bytes or all of them.
pub(crate) async fn create(State(app): State<App>, request: Request) -> Response {
    if let Some(response) = other_version(request.headers()) {
        return response;
    }
    let created = async {
        let device = known(&app, request.headers()).await?;
        let headers = request.headers();
        let len = number(headers, &LENGTH).ok_or_else(|| malformed("Upload-Length is missing"))?;
        let id = named(headers).ok_or_else(|| malformed("Upload-Metadata names no sha256 in hexadecimal"))?;
        expected(&app, (id, device.id), len).await?;
        let progress = receive_chunk(&app, (id, device.id), 0, true, request).await?;
        Ok::<_, ReceiveError>((id, progress))
    };
    match created.await {
        Ok((id, progress)) => {
            let status = if progress.had { StatusCode::OK } else { StatusCode::CREATED };
            let mut response = reply(status, Some(progress));
            if let Ok(location) = HeaderValue::from_str(&format!("/v1/photos/{id}")) {
                response.headers_mut().insert(header::LOCATION, location);
            }
            response
        }
        Err(error) => refuse(error),
    }
}

async fn expected(app: &App, (id, device): Key, len: u64) -> Result<(), ReceiveError> {
    match app.db.read(move |tx| Ok(photos::length(tx, &id, &device)?)).await? {
        None => Err(ApiError::PhotoUnexpected.into()),
        Some(named) if named != len => Err(malformed("Upload-Length is not the length that the entry names")),
        Some(_) => Ok(()),
    }
}

/// The hash in `Upload-Metadata: sha256 <base64 of the hexadecimal>`.
fn named(headers: &HeaderMap) -> Option<PhotoId> {
    let metadata = headers.get("upload-metadata")?.to_str().ok()?;
    let value = metadata.split(',').find_map(|pair| pair.trim().strip_prefix("sha256 "))?;
    String::from_utf8(BASE64.decode(value.trim().as_bytes()).ok()?).ok()?.parse().ok()
}

/// The progress of an upload.
pub(crate) async fn head(State(app): State<App>, Path(sha): Path<String>, headers: HeaderMap) -> Response {
    if let Some(response) = other_version(&headers) {
        return response;
    }
    let progress = async {
        let device = known(&app, &headers).await?;
        let id = sha.parse().map_err(|_| ReceiveError::Unknown)?;
        // The older request first writes the bytes that it holds, and the answer includes them.
        let _turn = app.uploading.acquire((id, device.id)).await;
        upload::progress(&app.db, (id, device.id), (app.now)()).await
    };
    match progress.await {
        Ok(progress) => reply(StatusCode::OK, Some(progress)),
        Err(error) => refuse(error),
    }
}

/// Receives the next bytes.
pub(crate) async fn patch(State(app): State<App>, Path(sha): Path<String>, request: Request) -> Response {
    if let Some(response) = other_version(request.headers()) {
        return response;
    }
    let taken = async {
        let device = known(&app, request.headers()).await?;
        let id = sha.parse().map_err(|_| ReceiveError::Unknown)?;
        let from = number(request.headers(), &OFFSET).ok_or_else(|| malformed("Upload-Offset is missing"))?;
        receive_chunk(&app, (id, device.id), from, false, request).await
    };
    match taken.await {
        Ok(progress) => reply(StatusCode::NO_CONTENT, Some(progress)),
        Err(error) => refuse(error),
    }
}

/// Receives the next bytes over a network that blocks PATCH: the request says that it means PATCH. No other method can be meant, and
/// no other address takes the header.
pub(crate) async fn post(app: State<App>, sha: Path<String>, request: Request) -> Response {
    if request.headers().get(METHOD_HEADER).is_some_and(|method| method == "PATCH") {
        return patch(app, sha, request).await;
    }
    let mut response = StatusCode::METHOD_NOT_ALLOWED.into_response();
    response.headers_mut().insert(header::ALLOW, HeaderValue::from_static("GET,HEAD,PATCH,DELETE,PUT,OPTIONS"));
    response
}

/// Ends an upload and drops its bytes. A stored photo stays.
pub(crate) async fn delete(State(app): State<App>, Path(sha): Path<String>, headers: HeaderMap) -> Response {
    if let Some(response) = other_version(&headers) {
        return response;
    }
    let ended = async {
        let (id, now) = (sha.parse().map_err(|_| ReceiveError::Unknown)?, (app.now)());
        let key = (id, known(&app, &headers).await?.id);
        let lock = app.uploading.acquire(key).await;
        if upload::progress(&app.db, key, now).await?.expires_at.is_none() {
            return Err(ApiError::PhotoStored.into());
        }
        Receiver::of(&app, key, now, lock).abandon(None).await?;
        Ok::<_, ReceiveError>(())
    };
    match ended.await {
        Ok(()) => reply(StatusCode::NO_CONTENT, None),
        Err(error) => refuse(error),
    }
}

/// Receives a whole photo in one request without tus, as version 1 of the protocol sends it.
pub(crate) async fn put(State(app): State<App>, Path(sha): Path<String>, request: Request) -> Response {
    let taken = async {
        let device = known(&app, request.headers()).await?;
        let id = sha.parse().map_err(|_| ApiError::NotFound)?;
        let len = number(request.headers(), &header::CONTENT_LENGTH).ok_or_else(|| malformed("Content-Length is missing"))?;
        if len > MAX_STORED as u64 {
            return Err(ApiError::TooLarge.into());
        }
        receive_body(&app, (id, device.id), 0, true, request).await
    };
    match taken.await {
        Ok(progress) if progress.expires_at.is_none() => StatusCode::NO_CONTENT.into_response(),
        // Fewer bytes came than the entry names.
        Ok(_) | Err(ReceiveError::Hash) => ApiError::PhotoHash.into_response(),
        Err(ReceiveError::Api(ApiError::TooLarge)) => ApiError::PhotoHash.into_response(),
        Err(error) => refuse(error),
    }
}

/// Receives a tus body and checks its content type. An absent body counts as empty.
async fn receive_chunk(app: &App, key: Key, from: u64, opens: bool, request: Request) -> Result<Progress, ReceiveError> {
    let headers = request.headers();
    let is_empty = number(headers, &header::CONTENT_LENGTH) == Some(0) || !has_body(headers);
    let is_chunk = headers.get(header::CONTENT_TYPE).is_some_and(|kind| kind == CHUNK);
    if !(is_chunk || opens && is_empty) {
        return Err(ApiError::ContentType.into());
    }
    receive_body(app, key, from, opens, request).await
}

fn has_body(headers: &HeaderMap) -> bool {
    headers.contains_key(header::CONTENT_LENGTH) || headers.contains_key(header::TRANSFER_ENCODING)
}

/// Receives a body. A revoked device may do so, because it may finish uploads that its accepted entries name.
async fn receive_body(app: &App, key: Key, from: u64, opens: bool, request: Request) -> Result<Progress, ReceiveError> {
    let checksum = checksum(request.headers())?;
    let place = app.in_flight.enter(key.1)?;
    let lock = app.uploading.acquire(key).await;
    let receiver = Receiver::of(app, key, (app.now)(), lock);
    let announced = number(request.headers(), &header::CONTENT_LENGTH);
    let body: Body = request.into_body();
    // In a task of its own, so that received bytes are written even if the phone's connection ends.
    let taking = tokio::spawn(async move {
        let _place = place;
        receiver.receive(Coming { from, opens, announced, checksum }, body).await
    });
    taking.await.map_err(|_| ReceiveError::Api(ApiError::Internal("taking a photo panicked")))?
}

fn checksum(headers: &HeaderMap) -> Result<Option<Checksum>, ReceiveError> {
    let Some(value) = headers.get("upload-checksum") else { return Ok(None) };
    let parts = value.to_str().ok().and_then(|value| value.split_once(' '));
    let read = parts.and_then(|(name, digest)| {
        let algorithm = match name {
            "sha256" => &ring::digest::SHA256,
            "sha1" => &ring::digest::SHA1_FOR_LEGACY_USE_ONLY,
            _ => return None,
        };
        Some(Checksum { algorithm, digest: BASE64.decode(digest.trim().as_bytes()).ok()? })
    });
    read.map(Some).ok_or_else(|| malformed("Upload-Checksum is not sha256 or sha1 with a value in base64"))
}
