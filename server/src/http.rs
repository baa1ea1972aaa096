//! The routes. Every answer carries the protocol header, so that a device can tell this server from a captive portal.

use std::{sync::Arc, time::Duration};

use axum::{
    Router,
    body::{Body, Bytes},
    extract::{Path, Query, Request, State},
    http::{HeaderMap, HeaderValue, StatusCode, header},
    middleware::{Next, from_fn_with_state},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use data_encoding::HEXLOWER;
use doorstep_domain::{DeviceId, Digest, HistoryId, IN_FLIGHT_MS, UnixMs};
use doorstep_gateway::Webhooks;
use doorstep_protocol::{
    Ack, CONTENT_TYPE, Demand, EnrolRequest, LeaseRequest, MAX_ENCODED, MAX_LOST_PHOTOS, MAX_REQUEST, NonceResponse,
    PROTO_HEADER, PROTO_VERSION, PhotoQuery, PhotoStates, RENEWAL_HEADER, Reach, RefKind, SessionRequest, Sha, Signed, Spoken,
    SyncRequest, SyncResponse, Token, Version, WipeOrder, decode, encode, newest_format, open, reach, seal,
};
use futures_util::StreamExt;
use tokio::{sync::Notify, time::timeout};

use crate::{
    chain, console,
    contact::{self, DeviceClock, Passing},
    copy, devices,
    enrol::{self, Device},
    error::ApiError,
    feed::{self, Reader},
    first::{self, First},
    in_flight::InFlight,
    ingest::{self, Around},
    keys::Keys,
    live::{self, Live},
    packs::Rules,
    photos::{self, Storage, tus},
    proofs, quarantine,
    refs::{self, Reads},
    replace_key,
    serve::NowFn,
    sms,
    store::{
        self,
        db::Db,
        meta::{self, Meta},
    },
    verify::{MAX_BATCH, verify},
};

/// Most bytes of changes in one answer, unless a single case has more: even random bytes then stay below [`MAX_ENCODED`].
const MAX_WANT: usize = 2 * 1024 * 1024;
const MIN_WANT: usize = 64 * 1024;
/// Largest query for the states of photos, in bytes.
const MAX_PHOTO_QUERY_BYTES: usize = 64 * 1024;

/// What every handler needs. Nothing here is about a device or a case.
#[derive(Clone)]
pub(crate) struct App {
    pub db: Db,
    pub now: NowFn,
    pub keys: Keys,
    /// The rules, in all their versions.
    pub rules: Rules,
    /// The versions of the protocol that are spoken.
    pub versions: &'static [Version],
    pub console_token: Arc<str>,
    /// Requests that gave their device no time.
    pub passing: Passing,
    /// Bodies that are being taken.
    pub in_flight: Arc<InFlight>,
    /// Where photos' bytes are.
    pub storage: Storage,
    /// Which request for an upload goes on with it.
    pub turns: Arc<photos::Turns>,
    /// Woken after each accepted push: something is to be projected.
    pub to_project: Arc<Notify>,
    /// Told after each write that may have published to a feed.
    pub live: Arc<Live>,
    /// What sends SMS.
    pub sms: Option<Arc<sms::Gateway>>,
    /// How its provider calls back.
    pub webhooks: Option<Arc<Webhooks>>,
    /// Told when a device has proven a loss and [`crate::copy::note_loss`] is durable: the server then ends and waits for a word.
    pub loss: Arc<Notify>,
}

pub(crate) fn router(app: App) -> Router {
    Router::new()
        .route("/v1/sync", post(sync))
        .route("/v1/nonce", post(nonce))
        .route("/v1/enrol", post(enrol_device))
        .route("/v1/session", post(session))
        .route("/v1/live", get(live::live))
        .route("/v1/sms/lease", post(sms_lease))
        .route("/v1/sms/receipts", post(sms::webhook::receipts))
        .route("/v1/sms/inbound", post(sms::webhook::inbound))
        .route("/v1/refs/{kind}", get(reference))
        .route("/v1/proofs/{case}", get(proofs::give))
        .route("/v1/photos", post(tus::create).options(tus::options))
        .route("/v1/photos/states", post(photo_states))
        .route(
            "/v1/photos/{sha}",
            get(photo).head(tus::head).patch(tus::patch).delete(tus::delete).put(tus::put).options(tus::options),
        )
        .route("/", get(console::list))
        .route("/case/{id}", get(console::case))
        .route("/photo/{sha}", get(console::photo))
        .fallback(async || ApiError::NotFound)
        .layer(from_fn_with_state(app.versions, speak))
        .with_state(app)
}

/// The router while the server waits for its operator: every path answers 503 `copied`; nothing is read or written.
pub(crate) fn waiting(versions: &'static [Version]) -> Router {
    Router::new().fallback(async || ApiError::Copied).layer(from_fn_with_state(versions, speak))
}

/// Every answer says in which version of the protocol it speaks: the asker's, if it is one of ours, else our newest.
async fn speak(State(versions): State<&'static [Version]>, request: Request, next: Next) -> Response {
    let spoken = proto_of(versions, request.headers());
    let mut response = next.run(request).await;
    response.headers_mut().insert(PROTO_HEADER, HeaderValue::from_static(spoken));
    response
}

/// The device of a request's token, if it may read. A token that has ended can be gone on with in a sync only, where it is
/// replaced.
pub(crate) async fn device(app: &App, headers: &HeaderMap) -> Result<Device, ApiError> {
    let whole = reach_of(app, headers)? == Reach::Whole;
    let device = known(app, headers).await?;
    if !whole {
        return Err(ApiError::Version);
    }
    if device.revoked { Err(ApiError::Revoked) } else { Ok(device) }
}

/// The device of a request that gives it no time.
pub(crate) async fn known(app: &App, headers: &HeaderMap) -> Result<Device, ApiError> {
    let device = of_token(app, headers, None).await?;
    note_passing(app, device.id, (app.now)()).await;
    Ok(device)
}

/// Notes a request that gives its device no time. What the request asks for does not depend on it.
async fn note_passing(app: &App, device: DeviceId, now: UnixMs) {
    if app.passing.note(device, now)
        && let Err(error) = app.db.write(move |db| contact::keep_passing(db, &device, now)).await
    {
        crate::say!("doorstep-server: a contact could not be kept: {error}");
    }
}

async fn of_token(app: &App, headers: &HeaderMap, renewal: Option<Vec<u8>>) -> Result<Device, ApiError> {
    let token = headers.get(header::AUTHORIZATION).and_then(|v| v.to_str().ok()).and_then(|v| v.strip_prefix("Bearer "));
    let token = token.ok_or(ApiError::Unauthorized)?.to_owned();
    let now = (app.now)();
    app.db.read(move |db| enrol::authenticate(db, &token, renewal.as_deref(), now)).await
}

/// What a device of the version that the request names may do.
fn reach_of(app: &App, headers: &HeaderMap) -> Result<Reach, ApiError> {
    let name = headers.get(PROTO_HEADER).map(|value| value.to_str().unwrap_or_default());
    reach(app.versions, name).ok_or(ApiError::Version)
}

/// Which version's answers a request asks for. Version 1 may only push, and reads those of version 2.
pub(crate) fn spoken_of(headers: &HeaderMap) -> Spoken {
    let name = headers.get(PROTO_HEADER).and_then(|value| value.to_str().ok()?.parse::<u32>().ok());
    if name.is_some_and(|name| name >= 3) { Spoken::Version3 } else { Spoken::Version2 }
}

/// The name of the version that a request is answered in. Without a name it is the oldest.
fn proto_of(versions: &'static [Version], headers: &HeaderMap) -> &'static str {
    let asked = headers.get(PROTO_HEADER).map(|value| value.to_str().unwrap_or_default());
    let spoken = match asked {
        None => versions.first(),
        Some(asked) => versions.iter().find(|version| version.name == asked).or(versions.last()),
    };
    spoken.map_or(PROTO_VERSION, |version| version.name)
}

/// What the device of a request can read.
fn reads_of(versions: &'static [Version], headers: &HeaderMap) -> Reads {
    Reads { spoken: spoken_of(headers), format: newest_format(versions, proto_of(versions, headers)) }
}

pub(crate) fn cbor<T: minicbor::Encode<()>>(message: &T) -> Result<Response, ApiError> {
    sealed(&encode(message)?)
}

fn sealed(message: &[u8]) -> Result<Response, ApiError> {
    let body = seal(message)?;
    Ok(([(header::CONTENT_TYPE, CONTENT_TYPE), (header::CONTENT_ENCODING, "zstd")], Body::from(body)).into_response())
}

/// A body without a byte for so long is given up, with its place: the phone that sent it has lost its network.
pub(crate) const STALL: Duration = Duration::from_secs(30);

/// A body of at most `limit` bytes. Read only after the device is known: a stranger makes the server hold nothing.
pub(crate) async fn body_of(request: Request, limit: usize) -> Result<Bytes, ApiError> {
    let length = request.headers().get(header::CONTENT_LENGTH).and_then(|v| v.to_str().ok()?.parse::<usize>().ok());
    if length.is_some_and(|length| length > limit) {
        return Err(ApiError::TooLarge);
    }
    let mut frames = request.into_body().into_data_stream();
    let mut body = Vec::new();
    while let Some(frame) = timeout(STALL, frames.next()).await.map_err(|_| ApiError::Stalled)? {
        let frame = frame.map_err(|_| ApiError::Stalled)?;
        if body.len() + frame.len() > limit {
            return Err(ApiError::TooLarge);
        }
        body.extend_from_slice(&frame);
    }
    Ok(body.into())
}

async fn sync(State(app): State<App>, request: Request) -> Result<Response, ApiError> {
    // The moment at which the headers are here, not the last byte: a slow upload must not make acts look later.
    let now = (app.now)();
    let reach = reach_of(&app, request.headers())?;
    let spoken = spoken_of(request.headers());
    let (proto, reads) = (proto_of(app.versions, request.headers()), reads_of(app.versions, request.headers()));
    let named = DeviceClock::of(request.headers());
    let renewal = request.headers().get(RENEWAL_HEADER).and_then(|value| HEXLOWER.decode(value.as_bytes()).ok());
    let device = of_token(&app, request.headers(), renewal).await?;
    let _place = app.in_flight.enter(device.id)?;
    let body = body_of(request, MAX_ENCODED).await?;
    // Whoever holds a body back would have what is written meanwhile received as of now. A smaller one comes in time.
    if (app.now)().since(now) > IN_FLIGHT_MS {
        return Err(ApiError::TooLarge);
    }
    let who = device.clone();
    // Inflating, decoding and verifying cost milliseconds for a large batch: not on the async threads, not in the writer.
    let (mut request, batch) = tokio::task::spawn_blocking(move || {
        let mut request: SyncRequest = decode(&open(&body, MAX_REQUEST)?)?;
        if request.device != who.id {
            return Err(ApiError::Install);
        }
        if request.chain.is_some_and(|end| end.batch > MAX_BATCH) {
            return Err(ApiError::Malformed("number of a batch out of range".into()));
        }
        request.pull.iter_mut().for_each(|pull| pull.cursor = pull.cursor.min(i64::MAX as u64));
        let batch = verify(&mut request, &who)?;
        Ok((request, batch))
    })
    .await
    .map_err(|_| ApiError::Internal("reading a request panicked"))??;
    // Read anew: the device ties it to the moment at which this answer's headers reach it, and its entries may lean on it.
    let answered = (app.now)();
    let (who, install, chain, beacon) = (device.clone(), request.install, request.chain, request.beacon.take());
    let lost = std::mem::take(&mut request.lost);
    let pushed = batch.is_some();
    // The device has signed the clocks of a batch's sending; the header is nobody's word.
    let signed = batch.as_ref().map(|batch| DeviceClock { boot: batch.clock.boot, mono_ms: batch.clock.mono_ms });
    let clock = signed.or(named).filter(|_| spoken == Spoken::Version3);
    let brings = batch.as_ref().is_none_or(|batch| batch.signed.version == Spoken::Version3);
    let (rules, passing) = (app.rules.clone(), app.passing.before(&device.id, now));
    let (newest, pins) = (app.keys.clone(), request.pins);
    if let Some(witness) = request.witness.take()
        && let Some(held) = app.db.read(move |db| copy::examine(db, &witness)).await?
    {
        app.db.write(move |db| Ok(copy::note_loss(db, held)?)).await?;
    }
    let shown = batch.as_ref().map(|batch| batch.first.clone()).unwrap_or_default();
    let first = if shown.is_empty() { First::new() } else { app.db.read(move |db| first::proven(db, &shown, now)).await? };
    let (history, counter) = (request.history, request.counter);
    let written = app.db.write(move |db| {
        copy::admit(db, history, counter)?;
        if let Some(pins) = pins {
            replace_key::note(db, &who.id, &newest.newest(db)?, pins)?;
        }
        enrol::register(db, &who.id, &install, now)?;
        let token = enrol::renew(db, &who, now)?;
        let taken = batch
            .as_ref()
            .map(|batch| {
                let around = Around { rules: &rules, keys: &newest, passing, first: &first, now };
                ingest::take(db, batch, &who, &around)
            })
            .transpose()?;
        let mut forked = taken.as_ref().is_some_and(|taken| taken.forked);
        if let (None, Some(alarm)) = (&taken, chain::examine_end(db, &install, chain)?) {
            chain::raise(db, &who, &install, chain.map_or(0, |link| link.batch), alarm, now)?;
            forked = true;
        }
        // After a fork the device moves on to a new installation: what the old one lacks is the other store's to send.
        let resend = if forked { vec![] } else { chain::missing(db, &install, chain)? };
        devices::seen(db, &who.id, beacon.as_ref(), proto, answered)?;
        match (spoken, clock) {
            (Spoken::Version2, _) => devices::given(db, &who.id, answered)?,
            (Spoken::Version3, Some(clock)) => contact::keep(db, &who.id, clock, brings, now)?,
            // At a monotonic time that nobody knows, but a contact.
            (Spoken::Version3, None) => devices::given(db, &who.id, now)?,
        }
        let counter = store::answers::next(db)?;
        let (ack, leaves) = taken.map_or((None, vec![]), |taken| (Some(taken.ack), taken.leaves));
        Ok(Written { ack, leaves, token, forked, resend, counter })
    });
    let written = written.await;
    if matches!(written, Err(ApiError::Copied)) {
        app.loss.notify_one();
    }
    let Written { ack, leaves, token, forked, resend, counter } = written?;
    let from = device.id;
    for photo in lost.into_iter().take(MAX_LOST_PHOTOS) {
        let (keys, rules) = (app.keys.clone(), app.rules.clone());
        // Apart from the push: a damaged case must not keep what the device recorded from being taken.
        if let Err(error) = app.db.write(move |db| photos::lost(db, &from, &photo, &keys, &rules, now)).await {
            crate::say!("doorstep-server: a lost photo could not be noted: {error}");
        }
    }
    if pushed {
        app.to_project.notify_one();
        app.live.moved();
        app.sms.iter().for_each(|gateway| gateway.due.notify_one());
    }
    let keys = app.keys.clone();
    let sends_sms = app.sms.as_ref().is_some_and(|gateway| gateway.sends);
    let response = app
        .db
        .read(move |db| {
            let history: HistoryId = meta::need(db, Meta::History)?;
            // The key that this device pins, until it has said that it knows the next one.
            let (keys, succession) = keys.of_device(db, &device.id)?;
            let scopes = device.scopes();
            // Of the whole answer, whatever the number of scopes.
            let want = (request.want_bytes as usize).clamp(MIN_WANT, MAX_WANT) / scopes.len().max(1);
            let whole = reach == Reach::Whole && !device.revoked;
            let own = (!devices::is_forked(db, &request.install)?).then_some(request.install);
            let reader = Reader { pull: &request.pull, same_history: request.history == history, own, spoken };
            let pages = scopes.iter().filter(|_| whole).map(|scope| feed::page(db, &reader, scope, want));
            let pages = pages.collect::<Result<Vec<_>, ApiError>>()?;
            let part = |part: Vec<u8>| Signed { body: part, sig: vec![] };
            let is_signed_apart = spoken == Spoken::Version2;
            let feed = pages.iter().map(|page| {
                // Nothing to prove in a page that brings nothing, and an idle sync stays small.
                let brings = !page.cases.is_empty() || !page.out.is_empty();
                if is_signed_apart && brings { keys.sign(&device.id, page) } else { Ok(part(encode(page)?)) }
            });
            let feed = feed.collect::<Result<_, ApiError>>()?;
            let ack = match ack {
                Some(ack) if is_signed_apart => Some(keys.sign(&device.id, &in_version_2(ack))?),
                Some(ack) => Some(part(encode(&without_cases(ack))?)),
                None => None,
            };
            let response = SyncResponse {
                now_ms: answered.max(now).0, // the clock may have been set back meanwhile
                history,
                ack,
                feed,
                refs: if whole { refs::stale(db, &request.refs, reads)? } else { vec![] },
                token,
                demand: match (device.revoked, forked) {
                    (true, _) => Some(Demand::Revoked),
                    (false, true) => Some(Demand::NewInstall),
                    (false, false) => None,
                },
                resend,
                decisions: quarantine::decisions(db, &device.id, &request.quarantined)?,
                scopes,
                wanted: photos::wanted(db, &device.id)?.into_iter().map(Sha).collect(),
                gateway: sends_sms.then_some(true),
                wipe: device
                    .wipe_at
                    .map(|at| keys.sign_wipe(&device.id, &WipeOrder { install: request.install, ordered_ms: at.0 }))
                    .transpose()?,
                counter: (!is_signed_apart).then_some(counter),
                took_ms: (!is_signed_apart).then(|| u32::try_from(answered.max(now).0.saturating_sub(now.0)).unwrap_or(u32::MAX)),
                succession,
            };
            if is_signed_apart {
                return Ok(encode(&response)?);
            }
            let says_something = response.says_something(&pages);
            let body = encode(&response)?;
            if !says_something {
                return Ok(encode(&Signed { body, sig: vec![] })?);
            }
            let of_pages = pages.iter().flat_map(|page| &page.cases).filter_map(|case| case.leaf.map(|leaf| leaf.0));
            let leaves = leaves.into_iter().chain(of_pages).collect();
            Ok(encode(&keys.sign_leaves(&device.id, (&history, counter), body, leaves)?)?)
        })
        .await?;
    sealed(&response)
}

/// Verdicts as devices of version 2 read them.
fn in_version_2(mut ack: Ack) -> Ack {
    ack.cases.iter_mut().flat_map(|case| &mut case.rows).for_each(|row| *row = row.in_version_2());
    ack
}

/// Verdicts of version 3: the batch's order says which document they are about.
fn without_cases(mut ack: Ack) -> Ack {
    ack.cases.iter_mut().for_each(|case| case.case = None);
    ack
}

/// What the writing half of a sync gave.
struct Written {
    ack: Option<Ack>,
    leaves: Vec<Digest>,
    counter: u64,
    token: Option<Token>,
    forked: bool,
    resend: Vec<u64>,
}

async fn nonce(State(app): State<App>) -> Result<Response, ApiError> {
    let now = (app.now)();
    let nonce = app.db.read(move |db| Keys::nonce(db, now)).await?;
    cbor(&NonceResponse { nonce, now_ms: now.0 })
}

async fn enrol_device(State(app): State<App>, request: Request) -> Result<Response, ApiError> {
    let body = body_of(request, 4096).await?;
    let request: EnrolRequest = decode(&open(&body, 4096)?)?;
    let (now, keys) = ((app.now)(), app.keys.clone());
    cbor(&app.db.write(move |db| enrol::redeem(db, &request, &keys, now)).await??)
}

async fn session(State(app): State<App>, request: Request) -> Result<Response, ApiError> {
    let body = body_of(request, 4096).await?;
    let request: SessionRequest = decode(&open(&body, 4096)?)?;
    let now = (app.now)();
    let of = request.device;
    let answer = app.db.write(move |db| enrol::session(db, &request, now)).await??;
    note_passing(&app, of, now).await;
    cbor(&answer)
}

/// May the device send an SMS that is not its own?
async fn sms_lease(State(app): State<App>, request: Request) -> Result<Response, ApiError> {
    let device = device(&app, request.headers()).await?;
    let body = body_of(request, 4096).await?;
    let request: LeaseRequest = decode(&open(&body, 4096)?)?;
    let (now, keys, rules) = ((app.now)(), app.keys.clone(), app.rules.clone());
    let answer = app.db.write(move |db| sms::lease::lease(db, &keys, &rules, &device, &request, now)).await?;
    app.to_project.notify_one();
    app.live.moved();
    cbor(&answer)
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
    // A version has its own kinds, and no word for later ones.
    let is_known = |kind: &RefKind| spoken_of(&headers) == Spoken::Version3 || RefKind::OF_VERSION_2.contains(kind);
    let kind = RefKind::from_word(&kind).filter(is_known).ok_or(ApiError::NotFound)?;
    let (now, reads) = ((app.now)(), reads_of(app.versions, &headers));
    match app.db.read(move |db| refs::rows(db, kind, have.have, &device, reads, now)).await? {
        Some(rows) => cbor(&rows),
        None => Ok(StatusCode::NOT_MODIFIED.into_response()),
    }
}

/// A photo, for a device whose scopes hold a case that names it.
async fn photo(State(app): State<App>, headers: HeaderMap, Path(sha): Path<String>) -> Result<Response, ApiError> {
    let device = device(&app, &headers).await?;
    let id = sha.parse().map_err(|_| ApiError::NotFound)?;
    if !app.db.read(move |db| photos::may_read(db, &device, &id)).await? {
        return Err(ApiError::NotFound);
    }
    photos::give(&app.db, &app.storage, id, &headers).await
}

/// What has become of photos that the device may read or has sent.
async fn photo_states(State(app): State<App>, request: Request) -> Result<Response, ApiError> {
    let device = device(&app, request.headers()).await?;
    // Its own photos are read and hashed: that is as much work as taking them.
    let _place = app.in_flight.enter(device.id)?;
    let body = body_of(request, MAX_PHOTO_QUERY_BYTES).await?;
    let query: PhotoQuery = decode(&open(&body, MAX_PHOTO_QUERY_BYTES)?)?;
    let now = (app.now)();
    let (asking, asked) = (device.clone(), query.photos.clone());
    for (id, len) in app.db.read(move |db| photos::own_stored(db, &asking.id, &asked)).await? {
        // The device will delete its file on our word.
        photos::is_sound(&app.db, &app.storage, id, len, now).await?;
    }
    let states = app.db.read(move |db| photos::states(db, &device, &query.photos, now)).await?;
    cbor(&PhotoStates { states })
}
