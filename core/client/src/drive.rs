//! Driving the engine: its effects become SQLite and HTTP, their outcomes become its events.

use std::{collections::VecDeque, sync::Arc};

use doorstep_domain::UnixMs;
use doorstep_protocol::{RefKind, Refs, SyncRequest, SyncResponse, decode, encode, seal};
use doorstep_store::{Clocks, Identity, StoreError};
use doorstep_sync::{Cause, Effect, Event, Failure, Status};
use reqwest::Method;
use serde::Serialize;

use crate::{
    ClientError, Refusal,
    client::{Inner, random},
    http::{self, Call, Cost},
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
}

/// Runs one sync to its end. State-changing steps run on threads of their own: dropping this future between them loses
/// nothing, because what is unsent is the store's knowledge.
pub(crate) async fn run(inner: &Arc<Inner>) -> Result<SyncReport, ClientError> {
    let mut engine = inner.engine.lock().await;
    let who = inner.store().identity()?.ok_or(ClientError::Refused(Refusal::NotEnrolled))?;
    let mut host =
        Host { inner: inner.clone(), who, cost: Cost::default(), photos: 0, storage: None, answered_at: inner.clock.read() };
    let step = || Ok::<_, ClientError>((inner.clock.read().mono_ms, u64::from_be_bytes(random()?)));
    let mut waiting = None;
    let (now, entropy) = step()?;
    let mut effects: VecDeque<Effect> = engine.handle(now, entropy, Event::Wake(Cause::Asked)).into();
    if effects.is_empty() {
        // A dropped sync left the engine waiting for a report that never comes: report it, then ask again.
        engine.handle(now, entropy, Event::Failed(Failure::Network));
        effects = engine.handle(now, entropy, Event::Wake(Cause::Asked)).into();
    }
    while let Some(effect) = effects.pop_front() {
        let event = match effect {
            Effect::WakeAt(_) | Effect::Tell(Status::Syncing | Status::Rested) => continue,
            Effect::Tell(Status::Waiting { reason, .. }) => {
                waiting = Some(reason);
                continue;
            }
            Effect::Prepare { max_bytes } => host.prepare(max_bytes).await,
            Effect::Send(request) => host.send(&request).await,
            Effect::Apply(response) => host.apply(response).await,
            Effect::Fetch(kind) => host.fetch(kind).await,
            Effect::Upload(photo) => host.upload(photo).await,
        };
        let (now, entropy) = step()?;
        effects.extend(engine.handle(now, entropy, event.unwrap_or_else(Event::Failed)));
    }
    drop(engine);
    inner.changed();
    match (host.storage.take(), waiting) {
        (Some(error), _) => Err(error.into()),
        (None, Some(Failure::Storage)) => Err(ClientError::Internal("a step of the sync failed")),
        (None, Some(failure)) => Err(ClientError::Network(failure)),
        (None, None) => {
            inner.store().tidy()?;
            Ok(SyncReport {
                requests: host.cost.requests,
                sent_bytes: host.cost.sent,
                received_bytes: host.cost.received,
                photos: host.photos,
            })
        }
    }
}

struct Host {
    inner: Arc<Inner>,
    who: Identity,
    cost: Cost,
    photos: u64,
    storage: Option<StoreError>,
    /// The clocks when the newest answer's headers came.
    answered_at: Clocks,
}

impl Host {
    /// Runs a step on the store, off the async threads.
    async fn store<T: Send + 'static>(
        &mut self,
        step: impl FnOnce(&Inner) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, Failure> {
        let inner = self.inner.clone();
        match tokio::task::spawn_blocking(move || step(&inner)).await {
            Ok(Ok(value)) => Ok(value),
            Ok(Err(error)) => {
                self.storage = Some(error);
                Err(Failure::Storage)
            }
            Err(_) => Err(Failure::Storage),
        }
    }

    async fn call(&mut self, method: Method, path: &str, body: Vec<u8>) -> Result<Option<Vec<u8>>, Failure> {
        let url = format!("{}{path}", self.who.server);
        let call = Call { client: &self.inner.http, token: Some(&self.who.token), method, url, body, stall: self.inner.stall };
        call.run(&mut self.cost).await
    }

    async fn prepare(&mut self, max_bytes: usize) -> Result<Event, Failure> {
        let request = self.store(move |inner| inner.store().prepare(max_bytes, inner.clock.read())).await?;
        Ok(Event::Prepared(Box::new(request)))
    }

    async fn send(&mut self, request: &SyncRequest) -> Result<Event, Failure> {
        let body = encode(request).and_then(|body| seal(&body)).map_err(|_| Failure::Storage)?;
        let url = format!("{}/v1/sync", self.who.server);
        let call = Call {
            client: &self.inner.http,
            token: Some(&self.who.token),
            method: Method::POST,
            url,
            body,
            stall: self.inner.stall,
        };
        let response = call.begin(&mut self.cost).await?;
        // The server read its clock when it answered, so ours is read when the headers are here: a slow download must not
        // make later acts look earlier.
        self.answered_at = self.inner.clock.read();
        let bytes = http::answer(response, self.inner.stall, &mut self.cost).await?.ok_or(Failure::Network)?;
        let response: SyncResponse = decode(&bytes).map_err(|_| Failure::Network)?;
        // An answer that settles nothing, or that promises more without moving on, would be asked for again for ever.
        let unsettled = request.push.as_ref().map(|push| push.batch) != response.ack.as_ref().map(|ack| ack.batch);
        let cursor = |scope: &str| request.pull.iter().find(|p| p.scope == scope).map_or(0, |p| p.cursor);
        let same_log = request.history == response.history;
        if unsettled || response.feed.iter().any(|page| page.more && same_log && page.to <= cursor(&page.scope)) {
            return Err(Failure::Network);
        }
        Ok(Event::Answered(Box::new(response)))
    }

    async fn apply(&mut self, response: Box<SyncResponse>) -> Result<Event, Failure> {
        let clocks = self.answered_at;
        let applied = self.store(move |inner| inner.store().apply(&response, clocks, UnixMs(response.now_ms))).await?;
        self.inner.changed();
        Ok(Event::Applied(applied))
    }

    async fn fetch(&mut self, kind: RefKind) -> Result<Event, Failure> {
        let have = self.store(move |inner| inner.store().ref_version(kind)).await?;
        let answer = self.call(Method::GET, &format!("/v1/refs/{}?have={have}", kind.as_str()), vec![]).await?;
        if let Some(bytes) = answer {
            let refs: Refs = decode(&bytes).map_err(|_| Failure::Network)?;
            let now = self.inner.now().map_err(|_| Failure::Storage)?;
            // Rows that this version can not use change nothing here and must not keep photos and facts waiting.
            let taken = self.store(move |inner| inner.store().take_refs(kind, &refs, now)).await;
            if taken.is_err() && !matches!(self.storage, Some(StoreError::Reference(_))) {
                return Err(Failure::Storage);
            }
            self.storage = None;
            if taken.is_err() && self.inner.store().pack().is_none() {
                return Err(Failure::Refused("pack_unusable".into())); // nothing can be listed without one: update the app
            }
        }
        Ok(Event::Done)
    }

    /// A photo that the server refuses for good stays here and in the status; it does not stop the others.
    async fn upload(&mut self, id: doorstep_domain::PhotoId) -> Result<Event, Failure> {
        let photo = self.store(move |inner| inner.store().waiting_photo(&id)).await?;
        let Some(photo) = photo else { return Ok(Event::Done) };
        match self.call(Method::PUT, &format!("/v1/photos/{id}"), photo.bytes).await {
            Ok(_) => {
                self.store(move |inner| inner.store().photo_stored(&id)).await?;
                self.photos += 1;
                Ok(Event::Done)
            }
            Err(Failure::Refused(code)) if code != "unauthorized" => Ok(Event::Done),
            Err(Failure::TooLarge) => Ok(Event::Done), // no smaller batch would help a photo
            Err(failure) => Err(failure),
        }
    }
}
