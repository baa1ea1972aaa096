//! Live hints over HTTP: a stream, or one answer after a wait.

use std::{collections::BTreeMap, convert::Infallible, future::ready, time::Duration};

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
    sync::{OwnedSemaphorePermit, watch},
    time::{Instant, timeout_at},
};

use super::{app::App, request::device};
use crate::{
    error::ApiError,
    in_flight::Place,
    live::{HEARTBEAT, Listening, News, read_heads},
};

/// The longest wait that a device may ask for, in seconds.
const LONGEST: u64 = 60;
/// An empty event that keeps the connection alive.
const BEAT: &[u8] = b":\n\n";

/// A hint that a scope has moved. It tells nothing else about a case.
#[derive(Serialize)]
struct Hint {
    /// The scope.
    s: String,
    /// The head of the scope's feed.
    to: u64,
}

impl Hint {
    fn line(&self, before: &str, after: &str) -> Result<String, ApiError> {
        let json = serde_json::to_string(self).map_err(|_| ApiError::Internal("a hint can not be written"))?;
        Ok(format!("{before}{json}{after}"))
    }
}

/// The result of a wait.
enum Heard {
    Hints(Vec<Hint>),
    Nothing,
    /// The server stops, or the device now reads other scopes: the device should ask again.
    Over,
}

/// A device that listens.
struct Listener {
    app: App,
    /// The headers of the request. The device is authenticated again from them at every wait.
    headers: HeaderMap,
    told: BTreeMap<Scope, u64>,
    /// Hints of moves from before the device began to listen.
    waiting: Vec<Hint>,
    news: watch::Receiver<News>,
    listening: Listening,
    _place: OwnedSemaphorePermit,
    _own: Place,
}

impl Listener {
    /// Begins to listen. `at` holds the feed positions that the device has reached. For a scope without one only later moves are
    /// reported.
    async fn open(app: App, headers: HeaderMap, at: &BTreeMap<Scope, u64>) -> Result<Self, ApiError> {
        let place = app.live.places.clone().try_acquire_owned().map_err(|_| ApiError::Busy)?;
        let device = device(&app, &headers).await?;
        let own = app.streams.enter(device.id)?;
        let news = app.live.news.subscribe();
        let listening = Listening::to(app.live.clone(), device.scopes());
        // The heads are read after listening began, so that a move in between is reported twice rather than never.
        let scopes = listening.scopes.clone();
        let told = app.db.read(move |tx| read_heads(tx, scopes)).await?;
        // Any other head counts as a move, even a lower one: after a restore the log is behind the device, which should find out.
        let has_moved = |(scope, head): &(&Scope, &u64)| at.get(*scope).is_some_and(|at| at != *head);
        let waiting = told.iter().filter(has_moved).map(|(scope, to)| Hint { s: scope.to_string(), to: *to }).collect();
        Ok(Self { app, headers, told, waiting, news, listening, _place: place, _own: own })
    }

    /// Waits for hints. The token is checked again before hints leave and after every empty wait, so that a revoked device gets
    /// no more.
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

    /// The scopes that moved since the last report.
    fn moved(&mut self) -> Vec<Hint> {
        let news = self.news.borrow_and_update();
        let mut hints = Vec::new();
        for (scope, told) in &mut self.told {
            // The shared heads may have been read before this device began to listen, and may be older than the heads it knows.
            if let Some(&head) = news.heads.get(scope).filter(|head| **head > *told) {
                *told = head;
                hints.push(Hint { s: scope.to_string(), to: head });
            }
        }
        hints
    }
}

/// `GET /v1/live`: a stream of hints, or one answer with `wait`. `at=NUMBER:SCOPE` is a feed position that the device has
/// reached.
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
            _ => {} // a parameter of a newer device
        }
    }
    let listener = Listener::open(app, headers, &at).await?;
    match wait {
        Some(seconds) => poll(listener, Duration::from_secs(seconds)).await,
        None => Ok(stream(listener)),
    }
}

/// Sends server-sent events until the device leaves, its token ends, or the server stops.
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
    // From the first beat on the device misses no hint.
    let body = stream::once(ready(Bytes::from_static(BEAT))).chain(hints).map(Ok::<_, Infallible>);
    let headers = [
        (header::CONTENT_TYPE, "text/event-stream"),
        (header::CACHE_CONTROL, "no-store"),
        // nginx buffers an answer unless this header forbids it.
        (header::HeaderName::from_static("x-accel-buffering"), "no"),
    ];
    (headers, Body::from_stream(body)).into_response()
}

/// The fallback where streams do not get through: one answer, after `wait` at the latest.
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
    use std::sync::Arc;

    use doorstep_domain::UnixMs;

    use super::*;
    use crate::{
        in_flight::{BODIES, InFlight, STREAMS},
        live::{Live, MOST},
        open::open,
        store::db::Db,
    };

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
            verifier: crate::verifier::Verifier::start().unwrap(),
            versions: crate::VERSIONS,
            passing: Default::default(),
            in_flight: InFlight::new(BODIES),
            streams: InFlight::new(STREAMS),
            strangers: Arc::default(),
            guesses: Arc::default(),
            storage: crate::photos::Storage::open(folder.path(), None).unwrap(),
            uploading: Arc::default(),
            console_token: "".into(),
            to_project: Arc::default(),
            live: live.clone(),
            sms: None,
            webhooks: None,
            metrics: Default::default(),
            loss: Arc::default(),
        };
        let open = async || Listener::open(app.clone(), HeaderMap::new(), &BTreeMap::new()).await.err();
        let all = live.places.acquire_many(MOST as u32).await.unwrap();
        assert!(matches!(open().await, Some(ApiError::Busy)));
        drop(all);
        assert!(matches!(open().await, Some(ApiError::Unauthorized)), "a place, but no token");
        assert_eq!(live.places.available_permits(), MOST, "a place is given back");
    }
}
