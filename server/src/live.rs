//! Live hints: a device that listens is told which of its scopes moved, and fetches with its next sync.
//!
//! Hints only, never data: a scope and the number its feed has reached. Nothing depends on one arriving, so nothing is kept
//! for a device that does not listen, and a hint that is lost costs waiting until the next sync.
//!
//! One task ([`Live::tell`]) reads the heads of the scopes that anybody listens to, after a push and at every heartbeat (the
//! administrator's commands are another process). Streams compare what it read with what they told, in memory: two thousand
//! of them cost one read a push, not two thousand.

use std::{
    collections::BTreeMap,
    convert::Infallible,
    future::ready,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use axum::{
    body::{Body, Bytes},
    extract::{Query, State, rejection::QueryRejection},
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
};
use doorstep_protocol::Scope;
use futures_util::stream::{self, StreamExt};
use serde::Serialize;
use tokio::{
    sync::{Notify, OwnedSemaphorePermit, Semaphore, watch},
    time::{Instant, sleep, timeout, timeout_at},
};

use crate::{
    error::ApiError,
    http::{App, device},
    store::{db::Db, feeds, tx::Tx},
};

/// Most devices that listen at once; the next one is told to come back, and syncs on its timer meanwhile.
const MOST: usize = 2_000;
/// Proxies and phones' radios drop a connection without a byte after 30 to 60 seconds.
const HEARTBEAT: Duration = Duration::from_secs(20);
/// Between two readings of heads: at most two hints a second for a scope.
const PAUSE: Duration = Duration::from_millis(500);
/// Longest wait that may be asked for, in seconds.
const LONGEST: u64 = 60;
/// A line without meaning: the connection is alive.
const BEAT: &[u8] = b":\n\n";

/// Who listens to what, and how far it is.
pub(crate) struct Live {
    places: Arc<Semaphore>,
    /// How many streams listen to a scope.
    listened: Mutex<BTreeMap<Scope, usize>>,
    moved: Notify,
    news: watch::Sender<News>,
}

#[derive(Default)]
struct News {
    /// Of scopes that are listened to, as last read.
    heads: BTreeMap<Scope, u64>,
    is_over: bool,
}

impl Live {
    pub(crate) fn new() -> Arc<Self> {
        Arc::new(Self {
            places: Arc::new(Semaphore::new(MOST)),
            listened: Mutex::default(),
            moved: Notify::new(),
            news: watch::Sender::default(),
        })
    }

    /// Call after the commit of anything that may have published to a feed.
    pub(crate) fn moved(&self) {
        self.moved.notify_one();
    }

    /// Ends all streams: a server that stops waits for what is in flight, and these would never end.
    pub(crate) fn end(&self) {
        self.news.send_modify(|news| news.is_over = true);
    }

    /// Reads heads for ever.
    pub(crate) async fn tell(&self, db: &Db) {
        loop {
            timeout(HEARTBEAT, self.moved.notified()).await.ok();
            let scopes: Vec<Scope> = self.listened().keys().cloned().collect();
            if scopes.is_empty() {
                continue;
            }
            match db.read(move |tx| read_heads(tx, scopes)).await {
                Ok(heads) => {
                    self.news.send_if_modified(|news| std::mem::replace(&mut news.heads, heads) != news.heads);
                }
                Err(error) => crate::say!("doorstep-server: reading what moved failed: {error}"),
            }
            sleep(PAUSE).await;
        }
    }

    fn listened(&self) -> MutexGuard<'_, BTreeMap<Scope, usize>> {
        self.listened.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn read_heads(tx: &Tx<'_>, scopes: Vec<Scope>) -> Result<BTreeMap<Scope, u64>, ApiError> {
    let head = |scope: Scope| feeds::head(tx, &scope).map(|head| (scope, head));
    Ok(scopes.into_iter().map(head).collect::<Result<_, _>>()?)
}

/// Scopes that somebody listens to, until dropped.
struct Listening {
    live: Arc<Live>,
    scopes: Vec<Scope>,
}

impl Listening {
    fn to(live: Arc<Live>, scopes: Vec<Scope>) -> Self {
        let mut listened = live.listened();
        for scope in &scopes {
            *listened.entry(scope.clone()).or_default() += 1;
        }
        drop(listened);
        Self { live, scopes }
    }
}

impl Drop for Listening {
    fn drop(&mut self) {
        let mut listened = self.live.listened();
        for scope in &self.scopes {
            let left = listened.get(scope).map_or(0, |count| count.saturating_sub(1));
            if left == 0 {
                listened.remove(scope);
            } else {
                listened.insert(scope.clone(), left);
            }
        }
    }
}

/// All that ever leaves here about a case: that something in a scope moved.
#[derive(Serialize)]
struct Hint {
    /// The scope.
    s: String,
    /// Where its feed is now.
    to: u64,
}

impl Hint {
    fn line(&self, before: &str, after: &str) -> Result<String, ApiError> {
        let json = serde_json::to_string(self).map_err(|_| ApiError::Internal("a hint can not be written"))?;
        Ok(format!("{before}{json}{after}"))
    }
}

/// What a wait came to.
enum Heard {
    Hints(Vec<Hint>),
    Nothing,
    /// The server stops, or the device reads other scopes from now on: it had better ask anew.
    Over,
}

/// One device that listens.
struct Listener {
    app: App,
    /// Of the request: who asks is looked up again and again, and always in the same way.
    headers: HeaderMap,
    told: BTreeMap<Scope, u64>,
    /// What had moved before it began to listen.
    waiting: Vec<Hint>,
    news: watch::Receiver<News>,
    listening: Listening,
    _place: OwnedSemaphorePermit,
}

impl Listener {
    /// Begins to listen; `at` is how far the device says it has come. Without it, only what moves from now on is told.
    async fn open(app: App, headers: HeaderMap, at: &BTreeMap<Scope, u64>) -> Result<Self, ApiError> {
        let place = app.live.places.clone().try_acquire_owned().map_err(|_| ApiError::Busy)?;
        let device = device(&app, &headers).await?;
        let news = app.live.news.subscribe();
        let listening = Listening::to(app.live.clone(), device.scopes());
        // Read after listening began: what moves in between is told twice rather than never.
        let scopes = listening.scopes.clone();
        let told = app.db.read(move |tx| read_heads(tx, scopes)).await?;
        // Other, not greater: after a restored backup the log is behind the device, which had better find out.
        let has_moved = |(scope, head): &(&Scope, &u64)| at.get(*scope).is_some_and(|at| at != *head);
        let waiting = told.iter().filter(has_moved).map(|(scope, to)| Hint { s: scope.to_string(), to: *to }).collect();
        Ok(Self { app, headers, told, waiting, news, listening, _place: place })
    }

    /// Waits for hints. Before they leave, and whenever nothing came, the token must still be good: a revoked device hears
    /// nothing more.
    async fn next(&mut self, until: Instant) -> Result<Heard, ApiError> {
        let mut hints = std::mem::take(&mut self.waiting);
        let mut is_late = false;
        while hints.is_empty() && !is_late {
            if self.news.borrow().is_over {
                return Ok(Heard::Over);
            }
            is_late = !matches!(timeout_at(until, self.news.changed()).await, Ok(Ok(())));
            hints = self.moved();
        }
        if device(&self.app, &self.headers).await?.scopes() != self.listening.scopes {
            return Ok(Heard::Over);
        }
        Ok(if hints.is_empty() { Heard::Nothing } else { Heard::Hints(hints) })
    }

    /// What moved since it was last told.
    fn moved(&mut self) -> Vec<Hint> {
        let news = self.news.borrow_and_update();
        let mut hints = Vec::new();
        for (scope, told) in &mut self.told {
            // What was read before this one began to listen may be older than what it knows.
            if let Some(&head) = news.heads.get(scope).filter(|head| **head > *told) {
                *told = head;
                hints.push(Hint { s: scope.to_string(), to: head });
            }
        }
        hints
    }
}

/// `GET /v1/live`: a stream of hints, or with `wait` one answer. `at=NUMBER:SCOPE` says how far the device has come.
pub(crate) async fn live(
    State(app): State<App>,
    headers: HeaderMap,
    query: Result<Query<Vec<(String, String)>>, QueryRejection>,
) -> Result<Response, ApiError> {
    let malformed = |what: &str| ApiError::Malformed(what.to_owned());
    let Query(query) = query.map_err(|_| malformed("query"))?;
    let mut at = BTreeMap::new();
    let mut wait = None;
    for (name, value) in query {
        match name.as_str() {
            "at" => {
                let (number, scope) = value.split_once(':').ok_or_else(|| malformed("at: not NUMBER:SCOPE"))?;
                at.insert(scope.into(), number.parse().map_err(|_| malformed("at: not NUMBER:SCOPE"))?);
            }
            "wait" => {
                let seconds = value.parse().ok().filter(|seconds| (1..=LONGEST).contains(seconds));
                wait = Some(seconds.ok_or_else(|| malformed("wait: not 1 to 60 seconds"))?);
            }
            _ => {} // a newer device's
        }
    }
    let listener = Listener::open(app, headers, &at).await?;
    match wait {
        Some(seconds) => poll(listener, Duration::from_secs(seconds)).await,
        None => Ok(stream(listener)),
    }
}

/// Server-sent events, until the device leaves, its token is no longer good, or the server stops.
fn stream(listener: Listener) -> Response {
    let hints = stream::unfold(listener, async |mut listener| {
        let bytes = match listener.next(Instant::now() + HEARTBEAT).await {
            Ok(Heard::Hints(hints)) => {
                Bytes::from(hints.iter().map(|hint| hint.line("data:", "\n\n")).collect::<Result<String, _>>().ok()?)
            }
            Ok(Heard::Nothing) => Bytes::from_static(BEAT),
            Ok(Heard::Over) | Err(_) => return None,
        };
        Some((bytes, listener))
    });
    // The first beat says that from here on nothing is missed.
    let body = stream::once(ready(Bytes::from_static(BEAT))).chain(hints).map(Ok::<_, Infallible>);
    let headers = [
        (header::CONTENT_TYPE, "text/event-stream"),
        (header::CACHE_CONTROL, "no-store"),
        // nginx collects an answer before it passes it on, unless told otherwise.
        (header::HeaderName::from_static("x-accel-buffering"), "no"),
    ];
    (headers, Body::from_stream(body)).into_response()
}

/// The fallback where streams do not get through: one answer, at the latest after `wait`.
async fn poll(mut listener: Listener, wait: Duration) -> Result<Response, ApiError> {
    let until = Instant::now() + wait;
    loop {
        match listener.next(until.min(Instant::now() + HEARTBEAT)).await? {
            Heard::Hints(hints) => {
                let lines = hints.iter().map(|hint| hint.line("", "\n")).collect::<Result<String, _>>()?;
                let headers = [(header::CONTENT_TYPE, "application/x-ndjson"), (header::CACHE_CONTROL, "no-store")];
                return Ok((headers, lines).into_response());
            }
            Heard::Nothing if Instant::now() < until => {}
            Heard::Nothing | Heard::Over => return Ok(StatusCode::NO_CONTENT.into_response()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::open::open;
    use doorstep_domain::UnixMs;

    #[tokio::test]
    async fn when_all_places_are_taken_the_next_device_comes_back_later() {
        let folder = tempfile::tempdir().unwrap();
        let db = Db::start(folder.path(), open(folder.path()).unwrap()).unwrap();
        let live = Live::new();
        let app = App {
            keys: db.read(crate::keys::Keys::read).await.unwrap(),
            rules: crate::packs::Rules::default(),
            db,
            now: Arc::new(|| UnixMs(0)),
            versions: crate::VERSIONS,
            passing: Default::default(),
            in_flight: Arc::default(),
            storage: crate::photos::Storage::open(folder.path(), None).unwrap(),
            turns: Arc::default(),
            console_token: "".into(),
            to_project: Arc::default(),
            live: live.clone(),
            sms: None,
            webhooks: None,
            loss: Arc::default(),
        };
        let open = async || Listener::open(app.clone(), HeaderMap::new(), &BTreeMap::new()).await.err();
        let all = live.places.acquire_many(MOST as u32).await.unwrap();
        assert!(matches!(open().await, Some(ApiError::Busy)));
        drop(all);
        assert!(matches!(open().await, Some(ApiError::Unauthorized)), "a place, but no token");
        assert_eq!(live.places.available_permits(), MOST, "a place is given back");
    }

    #[test]
    fn a_scope_is_read_as_long_as_anybody_listens_to_it() {
        let live = Live::new();
        let first = Listening::to(live.clone(), vec!["outlet/0412".into()]);
        let second = Listening::to(live.clone(), vec!["outlet/0412".into(), "courier/c1".into()]);
        drop(first);
        assert_eq!(live.listened().len(), 2);
        drop(second);
        assert!(live.listened().is_empty());
    }
}
