//! Driving the engine: its effects become SQLite and HTTP, their outcomes become its events.

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
use doorstep_store::{Clocks, Session, StoreError};
use doorstep_sync::{Applied, Block, Cause, Effect, Event, Failure, Status};
use reqwest::{Method, Response, StatusCode};
use serde::Serialize;

use crate::{
    ClientError, Refusal,
    http::{self, Call, Cost},
    inner::Inner,
    random::random,
};

/// What a sync did.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct SyncReport {
    /// Requests made.
    pub requests: u64,
    /// Bytes of request bodies.
    pub sent_bytes: u64,
    /// Bytes of response bodies.
    pub received_bytes: u64,
    /// Photos that the server has taken.
    pub photos: u64,
    /// Head office has revoked this device: what it recorded was delivered for review, nothing is read any more.
    pub revoked: bool,
    /// Head office has ordered this device to be wiped, and it was: its keys first, then all that it kept.
    pub wiped: bool,
    /// The server found that this store is a clone or was restored; it goes on as a new installation.
    pub new_install: bool,
}

/// Runs one sync to its end. State-changing steps run on threads of their own: dropping this future between them loses
/// nothing, because what is unsent is the store's knowledge.
pub(crate) async fn run(inner: &Arc<Inner>, cause: Cause) -> Result<SyncReport, ClientError> {
    let mut engine = inner.engine.lock().await;
    let mut host = Host::new(inner)?;
    if !inner.photos.tried.swap(true, Ordering::Relaxed) {
        inner.store().try_refused_photos()?;
    }
    let step = || Ok::<_, ClientError>((inner.clock.read().mono_ms, u64::from_be_bytes(random()?)));
    let mut waiting = None;
    inner.wakes.fresh.store(false, Ordering::Relaxed);
    let (now, entropy) = step()?;
    let mut effects: VecDeque<Effect> = engine.handle(now, entropy, Event::Wake(cause)).into();
    if effects.is_empty() {
        // A dropped sync left the engine waiting for a report that never comes: report it, then ask again.
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
            // Recorded while this sync is under way: it goes at the next border of a chunk.
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
            // What was uploaded in this sync is counted from here.
            inner.store().note_uptime(inner.clock.read())?;
            inner.store().tidy()?;
            // Once in a process: it reads the photos' folders.
            if !inner.photos.swept.swap(true, Ordering::Relaxed) {
                inner.store().sweep_orphans(inner.clock.read().wall)?;
            }
            Ok(SyncReport {
                requests: host.cost.requests,
                sent_bytes: host.cost.sent,
                received_bytes: host.cost.received,
                photos: host.photos,
                revoked: host.demanded == Some(Demand::Revoked),
                wiped: false,
                new_install: host.demanded == Some(Demand::NewInstall),
            })
        }
    }
}

impl SyncReport {
    /// Two syncs in a row as one.
    pub(crate) fn and(self, next: Self) -> Self {
        Self {
            requests: self.requests + next.requests,
            sent_bytes: self.sent_bytes + next.sent_bytes,
            received_bytes: self.received_bytes + next.received_bytes,
            photos: self.photos + next.photos,
            revoked: self.revoked || next.revoked,
            wiped: self.wiped || next.wiped,
            new_install: self.new_install || next.new_install,
        }
    }
}

pub(crate) struct Host {
    pub inner: Arc<Inner>,
    pub session: Session,
    pub cost: Cost,
    /// Photos that the server has taken.
    pub photos: u64,
    /// Where uploads stand, as the server has said in this sync.
    pub offsets: HashMap<PhotoId, u64>,
    /// Photos on which the server failed in this sync.
    pub busy: u32,
    /// Uploads that did not move, for each photo: one that never does must not be tried for ever.
    pub stuck: HashMap<PhotoId, u32>,
    /// Why a step on this device failed.
    pub failed: Option<ClientError>,
    /// What the server asked for.
    demanded: Option<Demand>,
    /// Head office ordered it, and this device has nothing any more.
    wiped: bool,
    /// The key pinned before this sync took the next one; rule packs are signed with it until a request has named the new one.
    former_key: Option<Vec<u8>>,
    /// The clocks when the newest request was sent.
    asked_at: Clocks,
    /// What its batch holds.
    pushed: Vec<Pushed>,
}

/// A request to our server.
pub(crate) struct Asking {
    pub method: Method,
    pub path: String,
    pub headers: Vec<(&'static str, String)>,
    pub body: Bytes,
    pub taken: Arc<AtomicUsize>,
    /// The clocks that it names; `None`: those of its sending.
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

/// Whether our server does not know the token that a request came with.
fn is_of_unknown_token(response: &Response) -> bool {
    response.status() == StatusCode::UNAUTHORIZED && http::is_from_us(response)
}

impl Host {
    /// A host of its own, for one sync or one picture.
    pub fn new(inner: &Arc<Inner>) -> Result<Self, ClientError> {
        let session = inner.store().session()?.ok_or(ClientError::Refused(Refusal::NotEnrolled))?;
        // Enrolled by a version that asked less, or without the option that was given then.
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
        })
    }

    /// Runs a step on the store, off the async threads.
    pub async fn store<T: Send + 'static>(
        &mut self,
        step: impl FnOnce(&Inner) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, Failure> {
        let inner = self.inner.clone();
        match tokio::task::spawn_blocking(move || step(&inner)).await {
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

    /// A call with the token, up to the answer's headers. A token that the server no longer knows is replaced once, for a
    /// signature over its nonce; that nobody is stranded by a lost answer costs two requests then and none otherwise.
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

    /// The next request, its batch signed over content, predecessor and the clocks of this sending.
    async fn request(&mut self, max_bytes: usize, recut: bool) -> Result<SyncRequest, Failure> {
        let app = self.inner.app.clone();
        let clocks = self.inner.clock.read();
        self.asked_at = clocks;
        let prepared = self.store(move |inner| {
            let mut store = inner.store();
            let request = store.prepare(max_bytes, recut, clocks, &app)?;
            let pushed = store.pushed(&request);
            Ok((request, pushed))
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

    /// A request once more, after the server has answered something else: with the open batch as it is, and the clocks of now. With
    /// those of the first sending the server would find that this device's clock goes wrong.
    async fn anew(&mut self, request: &SyncRequest) -> Result<SyncRequest, Failure> {
        let max_bytes = usize::try_from(request.want_bytes).unwrap_or(usize::MAX);
        let witness = request.witness.clone();
        Ok(SyncRequest { witness, ..self.request(max_bytes, false).await? })
    }

    /// Sends a request, and once more with the proof of the newest signed answer if the server has not come so far as that says.
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
        // The clocks that were signed are an anchor once this request is answered: header, batch and store have the same ones.
        asking.clocks = Some(self.asked_at);
        self.begin_once(&asking).await
    }

    async fn send_once(&mut self, request: &SyncRequest) -> Result<Event, Failure> {
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
        // An answer that settles nothing, or that promises more without moving on, would be asked for again for ever.
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

    /// An answer whose signatures hold: whatever the server of the enrolment has not signed is not its answer. Takes the server's next
    /// key, if the known one vouches for it.
    async fn verified(&mut self, request: &SyncRequest, signed: &Signed) -> Result<Answer, Failure> {
        if request.pins.is_some() {
            // What was said of the key, also by another process on this store, is what the answer is signed with.
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

    /// Head office has ordered it: the keys first, so that nobody can read what is left whatever happens next, then the files. In one
    /// go on a thread of its own, which a cancelled sync does not stop.
    async fn wipe(&mut self) -> Result<Event, Failure> {
        let inner = self.inner.clone();
        let wiped = tokio::task::spawn_blocking(move || {
            // Without its mark a wipe that is cut short is not gone on with; it is begun all the same.
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
        let answer = self.call(&Asking::get(format!("/v1/refs/{}?have={have}", kind.as_str()))).await?;
        if let Some(bytes) = answer {
            // Rules that head office has not signed are no answer of our server.
            let keys = std::iter::once(&self.session.server_key).chain(&self.former_key);
            let refs =
                decode::<Refs>(&bytes).ok().and_then(|refs| keys.into_iter().find_map(|key| refs.clone().verify(key).ok()));
            let refs = refs.ok_or(Failure::Network)?;
            let now = self.inner.now().map_err(|_| Failure::Storage)?;
            // Rows that this version can not use change nothing here and must not keep photos and facts waiting.
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
