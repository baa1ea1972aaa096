//! Drives the sync engine: carries out its effects with SQLite and HTTP, and reports the results as events.

use std::{
    collections::{HashMap, VecDeque},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use bytes::Bytes;

use doorstep_domain::{BatchHash, InstallId, PhotoId, UnixMs};
use doorstep_protocol::{
    Answer, AnswerError, Demand, ErrorCode, Header, Push, Pushed, RefKind, Refs, Scope, Signed, SyncRequest, SyncResponse,
    decode, encode, seal, signing::batch_message,
};
use doorstep_store::{Clocks, Session, StoreError, densely};
use doorstep_sync::{Applied, Block, Cause, Effect, Event, Failure, Status};
use reqwest::{Method, Response, StatusCode};
use serde::Serialize;

use crate::{
    ClientError, Refusal,
    http::{self, Call, Cost},
    inner::Inner,
    random::random,
};

/// The result of a sync.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct SyncReport {
    /// Requests made.
    pub requests: u64,
    /// Bytes of request bodies.
    pub sent_bytes: u64,
    /// Bytes of response bodies.
    pub received_bytes: u64,
    /// Photos that the server has stored.
    pub photos: u64,
    /// Whether head office has revoked this device. Its records were delivered for review, and it no longer reads anything.
    pub revoked: bool,
    /// Whether head office has ordered a wipe and it was carried out: keys first, then all data.
    pub wiped: bool,
    /// Whether the server found that this store is a clone or was restored, so that it continues as a new installation.
    pub new_install: bool,
    /// Whether the disk is full: records were sent, and feeds, lists and pictures of others wait until there is room.
    pub waits_for_room: bool,
}

/// Runs one sync to its end. Steps that change state run on separate threads, so dropping this future between them loses nothing:
/// the store knows which changes are unsent.
pub(crate) async fn run(inner: &Arc<Inner>, cause: Cause) -> Result<SyncReport, ClientError> {
    let mut engine = inner.engine.lock().await;
    let mut host = Host::new(inner)?;
    inner.store().take_reserve();
    if !inner.photos.tried.swap(true, Ordering::Relaxed) {
        inner.step(|inner| inner.store().try_refused_photos())?;
    }
    let step = || Ok::<_, ClientError>((inner.clock.read().mono_ms, u64::from_be_bytes(random()?)));
    let mut waiting = None;
    inner.wakes.fresh.store(false, Ordering::Relaxed);
    let (now, entropy) = step()?;
    let mut effects: VecDeque<Effect> = engine.handle(now, entropy, Event::Wake(cause)).into();
    if effects.is_empty() {
        // A dropped sync left the engine waiting for a report. Report a failure, then ask again.
        effects = engine.handle(now, entropy, Event::Failed(Failure::Network)).into();
        if !effects.iter().any(|effect| matches!(effect, Effect::Prepare { .. })) {
            effects = engine.handle(now, entropy, Event::Wake(cause)).into();
        }
    }
    while let Some(effect) = effects.pop_front() {
        let event = match effect {
            Effect::WakeAt(at) => {
                inner.wakes.at.store(at, Ordering::Relaxed);
                continue;
            }
            Effect::Tell(Status::Syncing | Status::Rested) => continue,
            Effect::Tell(Status::Waiting { reason, .. }) => {
                waiting = Some(reason);
                continue;
            }
            Effect::Prepare { max_bytes, recut } => host.prepare(max_bytes, recut).await,
            Effect::Send(request) => host.send(&request).await,
            Effect::Apply(response) => host.apply(response).await,
            Effect::Fetch(kind) => host.fetch(kind).await,
            Effect::Upload { photo, max_bytes } => host.upload(photo, max_bytes).await,
            Effect::Ask => host.ask().await,
            Effect::Download(photo) => host.download(photo).await,
        };
        let (now, entropy) = step()?;
        if inner.wakes.fresh.swap(false, Ordering::Relaxed) {
            // Records made during this sync go after the current chunk.
            effects.extend(engine.handle(now, entropy, Event::Wake(Cause::Recorded)));
        }
        effects.extend(engine.handle(now, entropy, event.unwrap_or_else(Event::Failed)));
    }
    drop(engine);
    inner.changed();
    if host.cost.requests > 0 || waiting.is_some() {
        let reached = waiting.is_none() && host.failed.is_none();
        inner.transport.online_at.store(if reached { inner.clock.read().mono_ms + 1 } else { 0 }, Ordering::Relaxed);
    }
    if host.wiped && host.failed.is_none() {
        let Cost { requests, sent, received } = host.cost;
        return Ok(SyncReport { requests, sent_bytes: sent, received_bytes: received, wiped: true, ..SyncReport::default() });
    }
    match (host.failed.take(), waiting) {
        (Some(error), _) => Err(error),
        (None, Some(Failure::Storage)) => Err(ClientError::Internal("a step of the sync failed")),
        (None, Some(failure)) => Err(ClientError::Network(failure)),
        (None, None) => {
            // Uptime before this sync must not count for photos that are stored in it.
            inner.step(|inner| inner.store().note_uptime(inner.clock.read()))?;
            inner.step(|inner| inner.store().tidy())?;
            // Only once in a process, because it reads the photos' folders.
            if !inner.photos.swept.swap(true, Ordering::Relaxed) {
                inner.step(|inner| inner.store().sweep_orphans(inner.clock.read().wall))?;
            }
            Ok(SyncReport {
                requests: host.cost.requests,
                sent_bytes: host.cost.sent,
                received_bytes: host.cost.received,
                photos: host.photos,
                revoked: host.demanded == Some(Demand::Revoked),
                wiped: false,
                new_install: host.demanded == Some(Demand::NewInstall),
                waits_for_room: inner.store().take_reserve(),
            })
        }
    }
}

impl SyncReport {
    /// Adds up two consecutive syncs.
    pub(crate) fn and(self, next: Self) -> Self {
        Self {
            requests: self.requests + next.requests,
            sent_bytes: self.sent_bytes + next.sent_bytes,
            received_bytes: self.received_bytes + next.received_bytes,
            photos: self.photos + next.photos,
            revoked: self.revoked || next.revoked,
            wiped: self.wiped || next.wiped,
            new_install: self.new_install || next.new_install,
            waits_for_room: next.waits_for_room,
        }
    }
}

pub(crate) struct Host {
    pub inner: Arc<Inner>,
    pub session: Session,
    pub cost: Cost,
    /// Photos that the server has stored.
    pub photos: u64,
    /// Offsets of uploads, as answered by the server in this sync.
    pub offsets: HashMap<PhotoId, u64>,
    /// Number of photos on which the server failed in this sync.
    pub busy: u32,
    /// Number of tries without progress for each photo, so that a stuck photo is not tried for ever.
    pub stuck: HashMap<PhotoId, u32>,
    /// Why a step on this device failed.
    pub failed: Option<ClientError>,
    /// The server's demand.
    demanded: Option<Demand>,
    /// Whether this device was wiped by head office's order.
    wiped: bool,
    /// The server key that was pinned before this sync took a new one. Rule packs are signed with it until a request has named
    /// the new key.
    former_key: Option<Vec<u8>>,
    /// The clocks when the newest request was sent.
    asked_at: Clocks,
    /// The documents of its batch.
    pushed: Vec<Pushed>,
    /// Most bytes of raw changes in its batch.
    max_bytes: usize,
}

/// A request to our server.
#[derive(Clone)]
pub(crate) struct Asking {
    pub method: Method,
    pub path: String,
    pub headers: Vec<(&'static str, String)>,
    pub body: Bytes,
    pub taken: Arc<AtomicUsize>,
    /// The clocks that it names; `None` for those at its sending.
    pub clocks: Option<Clocks>,
}

impl Asking {
    pub fn get(path: String) -> Self {
        Self { method: Method::GET, path, headers: vec![], body: Bytes::new(), taken: Arc::default(), clocks: None }
    }
    pub fn post(path: &str, body: Vec<u8>) -> Self {
        Self { method: Method::POST, body: body.into(), ..Self::get(path.to_owned()) }
    }
}

/// Whether the server does not accept the request's token.
fn is_of_unknown_token(response: &Response) -> bool {
    response.status() == StatusCode::UNAUTHORIZED && http::is_from_us(response)
}

impl Host {
    /// Creates a host for one sync or one photo.
    pub fn new(inner: &Arc<Inner>) -> Result<Self, ClientError> {
        let session = inner.store().session()?.ok_or(ClientError::Refused(Refusal::NotEnrolled))?;
        // The device may have been enrolled by a version without this check, or with the option set.
        http::allow(&session.server, inner.transport.insecure)?;
        Ok(Self {
            inner: inner.clone(),
            session,
            cost: Cost::default(),
            photos: 0,
            offsets: HashMap::new(),
            stuck: HashMap::new(),
            busy: 0,
            failed: None,
            demanded: None,
            wiped: false,
            former_key: None,
            asked_at: inner.clock.read(),
            pushed: Vec::new(),
            max_bytes: 0,
        })
    }

    /// Runs a step on the store, outside the async threads, on a full disk with the room of the reserve.
    pub async fn store<T: Send + 'static>(
        &mut self,
        step: impl Fn(&Inner) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, Failure> {
        let inner = self.inner.clone();
        match tokio::task::spawn_blocking(move || inner.step(step)).await {
            Ok(Ok(value)) => Ok(value),
            Ok(Err(error)) => {
                self.failed = Some(error.into());
                Err(Failure::Storage)
            }
            Err(_) => Err(Failure::Storage),
        }
    }

    pub fn keep<T>(&mut self, result: Result<T, ClientError>) -> Result<T, Failure> {
        match result {
            Ok(value) => Ok(value),
            Err(ClientError::Network(failure)) => Err(failure),
            Err(error) => {
                self.failed = Some(error);
                Err(Failure::Storage)
            }
        }
    }

    /// Makes a call with the token, up to the answer's headers. If the server no longer knows the token, it is replaced once by a
    /// signature over a nonce. This costs two requests after a lost answer, and none otherwise.
    pub async fn begin(&mut self, ask: &Asking) -> Result<Response, Failure> {
        let response = self.begin_once(ask).await?;
        if !is_of_unknown_token(&response) {
            return Ok(response);
        }
        self.take_session().await?;
        self.begin_once(ask).await
    }

    async fn begin_once(&mut self, ask: &Asking) -> Result<Response, Failure> {
        let renewal = self.inner.renewal(&self.session.token).await;
        let renewal = self.keep(renewal)?;
        let call = Call {
            client: &self.inner.transport.http,
            token: Some(&self.session.token.secret),
            renewal: renewal.as_deref(),
            method: ask.method.clone(),
            url: format!("{}{}", self.session.server, ask.path),
            headers: ask.headers.clone(),
            body: ask.body.clone(),
            taken: ask.taken.clone(),
            stall: self.inner.transport.stall,
            clocks: ask.clocks.unwrap_or_else(|| self.inner.clock.read()),
        };
        call.begin(&mut self.cost).await
    }

    async fn take_session(&mut self) -> Result<(), Failure> {
        self.cost.requests += 2;
        let token = self.inner.new_session(&self.session.server).await;
        self.session.token = self.keep(token)?;
        Ok(())
    }

    pub async fn call(&mut self, ask: &Asking) -> Result<Option<Vec<u8>>, Failure> {
        let response = self.begin(ask).await?;
        http::answer(response, self.inner.transport.stall, &mut self.cost).await
    }

    async fn prepare(&mut self, max_bytes: usize, recut: bool) -> Result<Event, Failure> {
        Ok(Event::Prepared(Box::new(self.request(max_bytes, recut).await?)))
    }

    /// Builds the next request. Its batch is signed over content, predecessor and the clocks of this sending.
    async fn request(&mut self, max_bytes: usize, recut: bool) -> Result<SyncRequest, Failure> {
        self.max_bytes = max_bytes;
        let app = self.inner.app.clone();
        let clocks = self.inner.clock.read();
        self.asked_at = clocks;
        let now = self.inner.now();
        let now = self.keep(now)?;
        let prepared = self.store(move |inner| {
            let mut store = inner.store();
            store.look_for_photos(now)?;
            let request = store.prepare(max_bytes, recut, clocks, &app)?;
            let (pushed, terms) = (store.pushed(&request), store.dense_terms()?);
            drop(store); // packing takes a while, and records must not wait for it
            Ok((densely(request, &terms), pushed))
        });
        let (mut request, pushed) = prepared.await?;
        self.pushed = pushed;
        if let Some(envelope) = &mut request.push {
            let signed = self.inner.sign(batch_message(&envelope.body, &envelope.clock)).await;
            envelope.sig = self.keep(signed)?;
        }
        if let Some(batch) = &mut request.batch {
            let signed = self.inner.sign(batch.message()).await;
            batch.sig = self.keep(signed)?;
        }
        Ok(request)
    }

    /// Repeats a request with the same open batch and fresh clocks. With the clocks of the first sending the server would
    /// conclude that this device's clock is wrong.
    async fn anew(&mut self, request: &SyncRequest) -> Result<SyncRequest, Failure> {
        let witness = request.witness.clone();
        Ok(SyncRequest { witness, ..self.request(self.max_bytes, false).await? })
    }

    /// Sends a request. If the server asks for it, sends it once more with the proof of the newest signed answer.
    async fn send(&mut self, request: &SyncRequest) -> Result<Event, Failure> {
        match self.send_once(request).await {
            Err(Failure::Refused(ErrorCode::Prove)) => {
                let witness = self.store(|inner| inner.store().witness()).await?;
                let witness = witness.ok_or(Failure::Refused(ErrorCode::Prove))?;
                let request = self.anew(request).await?;
                self.send_once(&SyncRequest { witness: Some(witness), ..request }).await
            }
            other => other,
        }
    }

    async fn post(&mut self, request: &SyncRequest) -> Result<Response, Failure> {
        let body = encode(request).and_then(|body| seal(&body)).map_err(|_| Failure::Storage)?;
        let mut asking = Asking::post("/v1/sync", body);
        // Header, batch and store must use the same clocks, because these become the anchor when this request is answered.
        asking.clocks = Some(self.asked_at);
        self.begin_once(&asking).await
    }

    /// Sends a request once. If our server's answer to a dense pack is unusable, the next request has none: the server may have been
    /// put back to a build that does not know it.
    async fn send_once(&mut self, request: &SyncRequest) -> Result<Event, Failure> {
        let before = self.cost.received;
        let sent = self.exchange(request).await;
        if sent.is_err() && request.dense.is_some() && self.cost.received > before {
            self.store(|inner| inner.store().pack_plainly()).await?;
        }
        sent
    }

    async fn exchange(&mut self, request: &SyncRequest) -> Result<Event, Failure> {
        let mut response = self.post(request).await?;
        let again;
        let request = if is_of_unknown_token(&response) {
            self.take_session().await?;
            again = self.anew(request).await?;
            response = self.post(&again).await?;
            &again
        } else {
            request
        };
        let bytes = match http::answer(response, self.inner.transport.stall, &mut self.cost).await {
            Err(Failure::Refused(ErrorCode::TagTaken)) => {
                let fresh = self.keep(random())?;
                let now = self.inner.now();
                let now = self.keep(now)?;
                self.store(move |inner| inner.store().change_install(InstallId::new(fresh), now)).await?;
                return Err(Failure::Network); // tried again soon, as the new installation
            }
            other => other?.ok_or(Failure::Network)?,
        };
        let signed: Signed = decode(&bytes).map_err(|_| Failure::Network)?;
        let answer = self.verified(request, &signed).await?;
        let told = request.lost.iter().map(|lost| lost.photo).collect();
        let answer = Answer { asked: request.chain, told, ..answer };
        // An answer that settles nothing, or that has `more` without moving the cursor, would be requested for ever.
        let of_version_2 = request.push.as_ref().and_then(|envelope| {
            let push = decode::<Push>(&envelope.body).ok()?;
            Some((push.batch, push.install, BatchHash::of(&envelope.body)))
        });
        let of_version_3 = request.batch.as_ref().and_then(|batch| {
            let header = decode::<Header>(&batch.header).ok()?;
            Some((header.batch, header.install, batch.hash()))
        });
        let pushed = of_version_2.or(of_version_3);
        let unsettled = pushed != answer.ack.as_ref().map(|(ack, _)| (ack.batch, ack.install, ack.hash));
        let cursor = |scope: &Scope| request.pull.iter().find(|p| p.scope == *scope).map_or(0, |p| p.cursor);
        let same_log = request.history == answer.history;
        if unsettled || answer.feed.iter().any(|page| page.more && same_log && page.to <= cursor(&page.scope)) {
            return Err(Failure::Network);
        }
        Ok(Event::Answered(Box::new(answer)))
    }

    /// Verifies the signatures of an answer with the server key of the enrolment. Takes the server's next key if the known key
    /// signed it.
    async fn verified(&mut self, request: &SyncRequest, signed: &Signed) -> Result<Answer, Failure> {
        if request.pins.is_some() {
            // The answer is signed with the key that was named in `pins`, perhaps by another process on this store.
            if let Some(session) = self.store(move |inner| inner.store().session()).await? {
                self.session.server_key = session.server_key;
            }
        }
        let key = self.session.server_key.clone();
        let response: SyncResponse = decode(&signed.body).map_err(|_| Failure::Network)?;
        let verified = || SyncResponse::verify_signed(signed, &request.device, &key, &self.pushed);
        let checked = response.next_key(&key).and_then(|next| Ok((next, verified()?)));
        let (next, answer) = match checked {
            Ok(checked) => checked,
            Err(AnswerError::Signature) => {
                self.store(move |inner| inner.store().tell_server_key()).await?;
                return Err(Failure::Network);
            }
            Err(AnswerError::Malformed(_) | AnswerError::Cursor) => return Err(Failure::Network),
        };
        if request.pins.is_some() {
            self.store(move |inner| inner.store().told_server_key()).await?;
        }
        if let Some(next) = next {
            let kept = next.clone();
            self.store(move |inner| inner.store().take_server_key(&kept)).await?;
            self.former_key = Some(std::mem::replace(&mut self.session.server_key, next));
        }
        Ok(answer)
    }

    async fn apply(&mut self, answer: Box<Answer>) -> Result<Event, Failure> {
        let asked_at = self.asked_at;
        let fresh = self.keep(random())?;
        if let Some(token) = &answer.token {
            self.session.token = token.clone();
        }
        self.demanded = answer.demand.or(self.demanded);
        if let Some(order) = &answer.wipe {
            let install = order.install;
            if self.store(move |inner| inner.store().identity()).await?.is_some_and(|who| who.install == install) {
                return self.wipe().await;
            }
        }
        let applied =
            self.store(move |inner| inner.store().apply(&answer, asked_at, UnixMs(answer.now_ms), InstallId::new(fresh))).await?;
        self.inner.transport.token_lasts.store(0, Ordering::Relaxed); // the anchor tells from now on
        let now = self.inner.now();
        let now = self.keep(now)?;
        let sendable = self.store(move |inner| {
            let mut store = inner.store();
            store.note_uptime(inner.clock.read())?;
            store.sendable(&inner.conditions(), now)
        });
        let sendable = sendable.await?;
        self.inner.changed();
        Ok(Event::Applied(Applied {
            thumbnails: sendable.thumbnails,
            photos: sendable.photos,
            ask: !sendable.questions.is_empty(),
            ..applied
        }))
    }

    /// Carries out head office's order to wipe: first the keys, so that the remaining files cannot be read, then the files. It
    /// runs on a separate thread, which a cancelled sync does not stop.
    async fn wipe(&mut self) -> Result<Event, Failure> {
        let inner = self.inner.clone();
        let wiped = tokio::task::spawn_blocking(move || {
            // If the marker cannot be written, an interrupted wipe would not be continued; begin it anyway.
            inner.store().begin_wipe().ok();
            if let Some(destroy) = &inner.destroy_keys {
                destroy();
            }
            inner.store().wipe()
        });
        self.wiped = true;
        if let Ok(Err(error)) = wiped.await {
            self.failed = Some(error.into());
        }
        Err(Failure::Blocked(Block::Wiped))
    }

    async fn fetch(&mut self, kind: RefKind) -> Result<Event, Failure> {
        let have = self.store(move |inner| inner.store().ref_version(kind)).await?;
        // An older server ignores the wish for a difference.
        let part = if kind == RefKind::Parcels { "&part=1" } else { "" };
        let answer = self.call(&Asking::get(format!("/v1/refs/{}?have={have}{part}", kind.as_str()))).await?;
        if let Some(bytes) = answer {
            // Rule packs without head office's signature count as no answer of our server.
            let keys = std::iter::once(&self.session.server_key).chain(&self.former_key);
            let refs =
                decode::<Refs>(&bytes).ok().and_then(|refs| keys.into_iter().find_map(|key| refs.clone().verify(key).ok()));
            let refs = refs.ok_or(Failure::Network)?;
            let now = self.inner.now().map_err(|_| Failure::Storage)?;
            // Rows that this version cannot use have no effect, and must not delay photos and entries.
            let taken = self.store(move |inner| inner.store().take_refs(kind, &refs, now)).await;
            if taken.is_err() && !matches!(self.failed, Some(ClientError::Store(StoreError::Reference(_)))) {
                return Err(Failure::Storage);
            }
            self.failed = None;
            if taken.is_err() && !matches!(self.inner.store().book(), Ok(Some(_))) {
                return Err(Failure::Blocked(Block::PackUnusable)); // nothing can be listed without one: update the app
            }
        }
        Ok(Event::Done)
    }
}
