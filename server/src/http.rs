//! The routes. Every answer carries the protocol header, so that a device can tell this server from a captive portal.

use std::sync::Arc;

use axum::{
    Router,
    body::{Body, Bytes, to_bytes},
    extract::{Path, Query, Request, State},
    http::{HeaderMap, HeaderValue, StatusCode, header},
    middleware::map_response,
    response::{IntoResponse, Response},
    routing::{get, post, put},
};
use doorstep_domain::HistoryId;
use doorstep_protocol::{
    CONTENT_TYPE, EnrolRequest, MAX_ENCODED, MAX_INFLATED, PROTO_HEADER, PROTO_VERSION, RefKind, SyncRequest, SyncResponse,
    decode, encode, open, seal,
};
use tokio::sync::Notify;

use crate::{
    console,
    db::Db,
    enrol::{self, Device},
    error::ApiError,
    feed, ingest,
    live::{self, Live},
    photos, refs,
    serve::NowFn,
};

/// Most bytes of changes in one answer, unless a single case has more: even random bytes then stay below [`MAX_ENCODED`].
const MAX_WANT: usize = 2 * 1024 * 1024;
const MIN_WANT: usize = 64 * 1024;

/// What every handler needs. Nothing here is about a device or a case.
#[derive(Clone)]
pub(crate) struct App {
    pub db: Db,
    pub now: NowFn,
    pub console_token: Arc<str>,
    /// Woken after each accepted push: something is to be projected.
    pub to_project: Arc<Notify>,
    /// Told after each write that may have published to a feed.
    pub live: Arc<Live>,
}

pub(crate) fn router(app: App) -> Router {
    Router::new()
        .route("/v1/sync", post(sync))
        .route("/v1/enrol", post(enrol_device))
        .route("/v1/live", get(live::live))
        .route("/v1/refs/{kind}", get(reference))
        .route("/v1/photos/{sha}", put(put_photo))
        .route("/", get(console::list))
        .route("/case/{id}", get(console::case))
        .route("/photo/{sha}", get(console::photo))
        .fallback(async || ApiError::NotFound)
        .layer(map_response(async |mut response: Response| {
            response.headers_mut().insert(PROTO_HEADER, HeaderValue::from_static(PROTO_VERSION));
            response
        }))
        .with_state(app)
}

pub(crate) async fn device(app: &App, headers: &HeaderMap) -> Result<Device, ApiError> {
    let token = headers.get(header::AUTHORIZATION).and_then(|v| v.to_str().ok()).and_then(|v| v.strip_prefix("Bearer "));
    let token = token.ok_or(ApiError::Unauthorized)?.to_owned();
    app.db.read(move |db| enrol::authenticate(db, &token)).await
}

fn cbor<T: minicbor::Encode<()>>(message: &T) -> Result<Response, ApiError> {
    let body = seal(&encode(message)?)?;
    Ok(([(header::CONTENT_TYPE, CONTENT_TYPE), (header::CONTENT_ENCODING, "zstd")], Body::from(body)).into_response())
}

/// A body of at most `limit` bytes. Read only after the device is known: a stranger makes the server hold nothing.
async fn body_of(request: Request, limit: usize) -> Result<Bytes, ApiError> {
    let length = request.headers().get(header::CONTENT_LENGTH).and_then(|v| v.to_str().ok()?.parse::<usize>().ok());
    if length.is_some_and(|length| length > limit) {
        return Err(ApiError::TooLarge);
    }
    to_bytes(request.into_body(), limit).await.map_err(|_| ApiError::TooLarge)
}

async fn sync(State(app): State<App>, request: Request) -> Result<Response, ApiError> {
    // The moment at which the headers are here, not the last byte: a slow upload must not make acts look later.
    let now = (app.now)();
    let device = device(&app, request.headers()).await?;
    let body = body_of(request, MAX_ENCODED).await?;
    let who = device.clone();
    // Inflating, decoding and verifying cost milliseconds for a large batch: not on the async threads, not in the writer.
    let (request, batch) = tokio::task::spawn_blocking(move || {
        let request: SyncRequest = decode(&open(&body, MAX_INFLATED)?)?;
        if request.install != who.install || request.device != who.id {
            return Err(ApiError::Install);
        }
        let batch = request.push.as_ref().map(|push| ingest::verify(push, &who)).transpose()?;
        Ok((request, batch))
    })
    .await
    .map_err(|_| ApiError::Internal("reading a request panicked"))??;
    let ack = match batch {
        Some(batch) => {
            let who = device.clone();
            let ack = app.db.write(move |db| ingest::take(db, &batch, &who, now)).await?;
            app.to_project.notify_one();
            app.live.moved();
            Some(ack)
        }
        None => None,
    };
    // Read anew: the device ties it to the moment at which this answer's headers reach it.
    let answered = (app.now)();
    let response = app
        .db
        .read(move |db| {
            let history: Vec<u8> = db.query_row("SELECT value FROM meta WHERE key = 'history'", [], |row| row.get(0))?;
            let history = HistoryId::try_from(history.as_slice()).map_err(|_| ApiError::Internal("history id"))?;
            let want = (request.want_bytes as usize).clamp(MIN_WANT, MAX_WANT);
            let scopes = device.scopes();
            let pages =
                scopes.iter().map(|scope| feed::page(db, &device, scope, &request.pull, request.history == history, want));
            Ok(SyncResponse {
                now_ms: answered.0,
                history,
                ack,
                feed: pages.collect::<Result<_, _>>()?,
                refs: refs::stale(db, &request.refs)?,
            })
        })
        .await?;
    cbor(&response)
}

async fn enrol_device(State(app): State<App>, request: Request) -> Result<Response, ApiError> {
    let body = body_of(request, 4096).await?;
    let request: EnrolRequest = decode(&open(&body, 4096)?)?;
    let now = (app.now)();
    let response = app.db.write(move |db| enrol::redeem(db, &request, now)).await?;
    cbor(&response)
}

#[derive(serde::Deserialize)]
struct Have {
    #[serde(default)]
    have: u64,
}

async fn reference(
    State(app): State<App>,
    headers: HeaderMap,
    Path(kind): Path<String>,
    Query(have): Query<Have>,
) -> Result<Response, ApiError> {
    let device = device(&app, &headers).await?;
    let kind = RefKind::from_word(&kind).ok_or(ApiError::NotFound)?;
    match app.db.read(move |db| refs::rows(db, kind, have.have, &device)).await? {
        Some(rows) => cbor(&rows),
        None => Ok(StatusCode::NOT_MODIFIED.into_response()),
    }
}

async fn put_photo(State(app): State<App>, Path(sha): Path<String>, request: Request) -> Result<Response, ApiError> {
    device(&app, request.headers()).await?;
    let body = body_of(request, doorstep_media::MAX_BYTES).await?;
    let id = sha.parse().map_err(|_| ApiError::NotFound)?;
    photos::put(&app.db, id, body, (app.now)()).await?;
    Ok(StatusCode::NO_CONTENT.into_response())
}
