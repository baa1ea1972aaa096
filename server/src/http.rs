//! The routes. Every answer carries the protocol header, so that a device can tell this server from a captive portal.

pub(crate) mod app;
mod live;
pub(crate) mod operator;
pub(crate) mod request;
pub(crate) mod sync;

use std::{net::SocketAddr, time::Instant};

use axum::{
    Router,
    extract::{ConnectInfo, MatchedPath, Path, Query, Request, State},
    http::{HeaderMap, HeaderValue, StatusCode},
    middleware::{Next, from_fn_with_state},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use doorstep_protocol::{
    EnrolRequest, LeaseRequest, NonceResponse, PROTO_HEADER, PhotoQuery, PhotoStates, RefKind, SessionRequest, Spoken, Version,
    decode, open,
};

use self::{
    app::App,
    request::{cbor, device, note_passing, proto_of, reads_of, spoken_of},
};
use crate::{
    body::body_of,
    console, enrol,
    error::ApiError,
    keys::Keys,
    log,
    metrics::Metrics,
    parcel_post,
    photos::{self, tus},
    proofs, refs, sms,
    strangers::MAX_BODY,
};

/// The largest query for the states of photos, in bytes.
const MAX_PHOTO_QUERY_BYTES: usize = 64 * 1024;

pub(crate) fn router(app: App) -> Router {
    Router::new()
        .route("/v1/sync", post(sync::sync))
        .route("/v1/nonce", post(nonce))
        .route("/v1/enrol", post(enrol_device))
        .route("/v1/session", post(session))
        .route("/v1/live", get(live::live))
        .route("/v1/sms/lease", post(sms_lease))
        .route("/v1/sms/receipts", post(sms::webhook::receipts))
        .route("/v1/sms/inbound", post(sms::webhook::inbound))
        .route("/v1/refs/{kind}", get(reference))
        .route("/v1/parcels", post(parcel_post::post))
        .route("/v1/proofs/{case}", get(proofs::respond))
        .route("/v1/photos", post(tus::create).options(tus::options))
        .route("/v1/photos/states", post(photo_states))
        .route(
            "/v1/photos/{sha}",
            get(photo).head(tus::head).patch(tus::patch).post(tus::post).delete(tus::delete).put(tus::put).options(tus::options),
        )
        .route("/", get(console::list))
        .route("/case/{id}", get(console::case))
        .route("/photo/{sha}", get(console::photo))
        .fallback(async || ApiError::NotFound)
        .layer(from_fn_with_state(app.versions, speak))
        .layer(from_fn_with_state(app.metrics.clone(), count))
        .with_state(app)
}

/// The router while the server waits for its operator. Every path answers 503 `copied`, and nothing is read or written.
pub(crate) fn waiting(versions: &'static [Version], metrics: Metrics) -> Router {
    let answering = Router::new().fallback(async || ApiError::Copied).layer(from_fn_with_state(versions, speak));
    answering.layer(from_fn_with_state(metrics, count))
}

/// Counts the answers. A route is the router's pattern, so no address with an id in it is counted or logged.
async fn count(State(metrics): State<Metrics>, request: Request, next: Next) -> Response {
    let route = request.extensions().get::<MatchedPath>().cloned();
    let begun = Instant::now();
    let response = next.run(request).await;
    metrics.count(route.as_ref(), &response);
    if let Some(route) = &route {
        log!(
            debug,
            "a request was answered",
            route = route,
            status = response.status().as_u16(),
            ms = begun.elapsed().as_millis()
        );
    }
    response
}

/// Adds the protocol version to every answer: the version of the request if the server speaks it, or else the server's newest.
async fn speak(State(versions): State<&'static [Version]>, request: Request, next: Next) -> Response {
    let spoken = proto_of(versions, request.headers());
    let mut response = next.run(request).await;
    response.headers_mut().insert(PROTO_HEADER, HeaderValue::from_static(spoken));
    response
}

async fn nonce(State(app): State<App>) -> Result<Response, ApiError> {
    let now = (app.now)();
    let nonce = app.db.read(move |tx| Keys::nonce(tx, now)).await?;
    cbor(&NonceResponse { nonce, now_ms: now.0 })
}

async fn enrol_device(State(app): State<App>, request: Request) -> Result<Response, ApiError> {
    let source = request.extensions().get::<ConnectInfo<SocketAddr>>().map(|info| info.0.ip());
    if let Some(seconds) = source.and_then(|source| app.guesses.wait(source, (app.now)())) {
        return Err(ApiError::SlowDown(seconds));
    }
    let body = app.strangers.body(request).await?;
    let request: EnrolRequest = decode(&open(&body, MAX_BODY)?)?;
    let (now, keys) = ((app.now)(), app.keys.clone());
    let answer = app.db.write(move |tx| enrol::redeem(tx, &request, &keys, now)).await?;
    if let (Err(ApiError::CodeWrong), Some(source)) = (&answer, source) {
        app.guesses.count(source, now);
    }
    cbor(&answer?)
}

async fn session(State(app): State<App>, request: Request) -> Result<Response, ApiError> {
    let body = app.strangers.body(request).await?;
    let request: SessionRequest = decode(&open(&body, MAX_BODY)?)?;
    let now = (app.now)();
    let of = request.device;
    let answer = app.db.write(move |tx| enrol::session(tx, &request, now)).await??;
    note_passing(&app, of, now).await;
    cbor(&answer)
}

/// Asks for the lease of an SMS that another device recorded.
async fn sms_lease(State(app): State<App>, request: Request) -> Result<Response, ApiError> {
    let device = device(&app, request.headers()).await?;
    let body = body_of(request, 4096).await?;
    let request: LeaseRequest = decode(&open(&body, 4096)?)?;
    let (now, keys, rules) = ((app.now)(), app.keys.clone(), app.rules.clone());
    let answer = app.db.write(move |tx| sms::lease::lease(tx, &keys, &rules, &device, &request, now)).await?;
    app.to_project.notify_one();
    app.live.moved();
    cbor(&answer)
}

#[derive(serde::Deserialize)]
struct Have {
    #[serde(default)]
    have: u64,
    /// 1: the device can use a difference.
    #[serde(default)]
    part: u8,
}

async fn reference(
    State(app): State<App>,
    headers: HeaderMap,
    Path(kind): Path<String>,
    Query(have): Query<Have>,
) -> Result<Response, ApiError> {
    let device = device(&app, &headers).await?;
    // Version 2 does not know the later kinds.
    let is_known = |kind: &RefKind| spoken_of(&headers) == Spoken::Version3 || RefKind::OF_VERSION_2.contains(kind);
    let kind = RefKind::from_word(&kind).filter(is_known).ok_or(ApiError::NotFound)?;
    let (now, reads) = ((app.now)(), reads_of(app.versions, &headers));
    match app
        .db
        .read(move |tx| refs::rows(tx, refs::Wanted { kind, have: have.have, part: have.part == 1 }, &device, reads, now))
        .await?
    {
        Some(rows) => cbor(&rows),
        None => Ok(StatusCode::NOT_MODIFIED.into_response()),
    }
}

/// Returns a photo to a device whose scopes hold a case that names it.
async fn photo(State(app): State<App>, headers: HeaderMap, Path(sha): Path<String>) -> Result<Response, ApiError> {
    let device = device(&app, &headers).await?;
    let id = sha.parse().map_err(|_| ApiError::NotFound)?;
    let place = app.in_flight.enter(device.id)?;
    if !app.db.read(move |tx| photos::may_read(tx, &device, &id)).await? {
        return Err(ApiError::NotFound);
    }
    photos::respond(&app.db, &app.storage, id, &headers, Some(place)).await
}

/// Returns the states of photos that the device may read or has sent.
async fn photo_states(State(app): State<App>, request: Request) -> Result<Response, ApiError> {
    let device = device(&app, request.headers()).await?;
    // The device's own photos are read and hashed here, which is as much work as receiving them.
    let _place = app.in_flight.enter(device.id)?;
    let body = body_of(request, MAX_PHOTO_QUERY_BYTES).await?;
    let query: PhotoQuery = decode(&open(&body, MAX_PHOTO_QUERY_BYTES)?)?;
    let now = (app.now)();
    let (asking, asked) = (device.clone(), query.photos.clone());
    for (id, len) in app.db.read(move |tx| photos::own_stored(tx, &asking.id, &asked)).await? {
        // The device deletes its file if the server says that it has the photo, so storage is checked first.
        photos::is_sound(&app.db, &app.storage, id, len, now).await?;
    }
    let states = app.db.read(move |tx| photos::states(tx, &device, &query.photos, now)).await?;
    cbor(&PhotoStates { states })
}
