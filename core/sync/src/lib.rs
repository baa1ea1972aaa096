//! The device's sync engine as a sans-IO state machine: `handle(now, entropy, event) -> effects`.
//!
//! The engine decides *when* and *what next*: prepare a batch, send it, apply the answer, fetch stale reference rows,
//! upload photos, back off, wake. The host (`client`, or a test) does what the effects say and reports back with events.
//! What is unsent is the store's knowledge, never the engine's memory: a process may die anywhere and the next one starts
//! from the store. Changes are opaque here.
//!
//! Rules held here: one sync in flight; "done" is computed from what the store says is left, never from control flow; a
//! failure never loses the wish to sync, it only moves it in time.
//!
//! Never here: sockets, clocks (`now` is an argument, in milliseconds of any monotonic clock), randomness (`entropy` is an
//! argument), SQL.

use std::collections::VecDeque;

use doorstep_domain::PhotoId;
use doorstep_protocol::{Answer, BATCH_BYTES, ErrorCode, MIN_BATCH_BYTES, RefKind, SyncRequest};

/// How the engine waits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pace {
    /// First back-off, milliseconds; doubles with every failure in a row.
    pub backoff_first_ms: u64,
    /// Longest back-off before the jitter, milliseconds. With it, unsent work never waits longer than a minute for a network
    /// that came back without telling.
    pub backoff_most_ms: u64,
    /// Wait after the server's own refusal, milliseconds: only a person can help, and asking more often helps nobody.
    pub refused_ms: u64,
    /// Wake after this long when idle, milliseconds: unsent work or replies may be waiting.
    pub poll_ms: u64,
    /// A request without a single byte for this long has stalled, milliseconds; the host watches it.
    pub stall_ms: u64,
}

impl Default for Pace {
    fn default() -> Self {
        Self { backoff_first_ms: 1_000, backoff_most_ms: 46_000, refused_ms: 300_000, poll_ms: 60_000, stall_ms: 30_000 }
    }
}

/// Why the engine should look for work.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cause {
    /// A person asked. Breaks a back-off.
    Asked,
    /// The network came back. Breaks a back-off.
    Connected,
    /// Something was recorded.
    Recorded,
    /// The time given by [`Effect::WakeAt`] has come.
    Timer,
}

/// Why a request brought no usable answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Failure {
    /// No network: refused, cut, stalled, or an answer that is not our server's (captive portal).
    Network,
    /// The server asks to come back later, after so many milliseconds.
    Busy(u64),
    /// The server says that the batch is too large.
    TooLarge,
    /// The server refuses with one of its own codes: only a person can help (enrol again, update).
    Refused(ErrorCode),
    /// This device can not go on, whatever the server says: only a person can help.
    Blocked(Block),
    /// The store failed; nothing was applied.
    Storage,
}

/// Why a device can not go on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Block {
    /// Head office has wiped it.
    Wiped,
    /// It has no rules, and can not use those that the server has: it needs an update.
    PackUnusable,
    /// The server has enrolled it in a role that this version does not know: it needs an update.
    RoleUnknown,
}

impl Block {
    /// The one spelling.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Wiped => "wiped",
            Self::PackUnusable => "pack_unusable",
            Self::RoleUnknown => "role_unknown",
        }
    }
}

/// What the host reports.
#[derive(Debug, Clone)]
pub enum Event {
    /// Look for work.
    Wake(Cause),
    /// The request asked for by [`Effect::Prepare`]; its batch is durable.
    Prepared(Box<SyncRequest>),
    /// The answer to [`Effect::Send`].
    Answered(Box<Answer>),
    /// [`Effect::Apply`] is durable.
    Applied(Applied),
    /// [`Effect::Fetch`] is stored.
    Done,
    /// [`Effect::Upload`] or [`Effect::Download`] has come so far.
    Moved(Moved),
    /// The answer to [`Effect::Ask`]: pictures that the server has and this device wants.
    Told(Vec<PhotoId>),
    /// The effect in flight failed.
    Failed(Failure),
}

/// What the store knows after applying an answer.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Applied {
    /// Whether a next batch can be made from what is unsent. Changes that the server left pending do not count: they wait
    /// for what they depend on.
    pub more_to_send: bool,
    /// Whether a feed has more pages.
    pub more_to_pull: bool,
    /// Reference rows that the server has in another version.
    pub stale: Vec<RefKind>,
    /// Thumbnails that may be sent now.
    pub thumbnails: Vec<PhotoId>,
    /// Photos that may be sent now.
    pub photos: Vec<PhotoId>,
    /// Whether the server is to be asked what has become of photos.
    pub ask: bool,
}

/// How far a photo has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Moved {
    /// Bytes that went over the network for it.
    pub bytes: u64,
    /// Whether there is more of it to move. What the server refuses for good has come to its end too.
    pub more: bool,
}

/// What the host must do.
#[derive(Debug, PartialEq)]
pub enum Effect {
    /// Make the next batch of at most so many bytes of changes durable, build the request, report [`Event::Prepared`].
    Prepare {
        /// Bytes of raw changes; also the size wanted of the answer.
        max_bytes: usize,
        /// The server found the open batch too large: cut it anew. Otherwise it is sent again as it was.
        recut: bool,
    },
    /// Send the request; give up when no byte moves for [`Pace::stall_ms`].
    Send(Box<SyncRequest>),
    /// Apply the answer in one transaction, report [`Event::Applied`].
    Apply(Box<Answer>),
    /// Fetch and store reference rows, report [`Event::Done`].
    Fetch(RefKind),
    /// Send at most so many bytes of a photo in one request, report [`Event::Moved`].
    Upload {
        /// Which.
        photo: PhotoId,
        /// How many bytes, measured by what the link carries; [`u64::MAX`]: the whole photo at once.
        max_bytes: u64,
    },
    /// Ask what has become of photos: those that may be let go, and those whose pictures are wanted; report [`Event::Told`].
    Ask,
    /// Fetch a picture, report [`Event::Moved`].
    Download(PhotoId),
    /// Wake the engine at this time with [`Cause::Timer`].
    WakeAt(u64),
    /// Tell whoever watches.
    Tell(Status),
}

/// What a person sees of the engine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Status {
    /// A sync has begun.
    Syncing,
    /// Everything that could be done is done.
    Rested,
    /// Waiting until the given time because of this; everything recorded is kept.
    Waiting {
        /// When it tries again.
        until: u64,
        /// Why it waits.
        reason: Failure,
    },
}

/// Size of a device's first batch, in bytes of raw changes: packed and compressed about a tenth of it travels.
const START_BYTES: usize = 1024 * 1024;
/// A chunk of a photo takes about so long, milliseconds: long enough to be worth its request, short enough for facts to pass.
const CHUNK_MS: u64 = 5_000;
/// Smallest chunk of a photo, in bytes.
const LEAST_CHUNK: u64 = 16 * 1024;
/// A link that carries this in [`CHUNK_MS`] gets whole photos.
const MOST_CHUNK: u64 = 256 * 1024;
/// What a link is taken to carry after it broke under the first photo, bytes a second.
const BROKEN_RATE: u64 = 16 * 1024;
/// Less is no measure of a link, in bytes.
const MEASURABLE: u64 = 8 * 1024;

/// What is left to do, each lane strictly before the next: rules and parcels, because they judge what follows; thumbnails; photos;
/// what is fetched (protocol design, section 8). Facts go before all of them, at the next border of a chunk.
#[derive(Debug, PartialEq)]
enum Chore {
    Fetch(RefKind),
    Upload(PhotoId),
    Ask,
    Download(PhotoId),
}

#[derive(Debug, PartialEq)]
enum State {
    Rest,
    /// An effect is in flight and will report.
    Busy,
    Backoff {
        until: u64,
    },
}

/// The engine. Its whole memory fits in a few words.
#[derive(Debug)]
pub struct Engine {
    pace: Pace,
    state: State,
    failures: u32,
    max_bytes: usize,
    /// When the request in flight was handed out.
    sent_at: u64,
    again: bool,
    chores: VecDeque<Chore>,
    /// The photo in flight.
    moving: Option<Chore>,
    /// What the link carries, bytes a second, as photos have measured it.
    rate: Option<u64>,
    /// Photos in a row that did not get through.
    photo_failures: u32,
    /// No photo before this; facts go on.
    photos_after: u64,
}

impl Engine {
    /// An engine at rest.
    pub fn new(pace: Pace) -> Self {
        Self {
            pace,
            state: State::Rest,
            failures: 0,
            max_bytes: START_BYTES,
            sent_at: 0,
            again: false,
            chores: VecDeque::new(),
            moving: None,
            rate: None,
            photo_failures: 0,
            photos_after: 0,
        }
    }

    /// Takes an event and says what to do. An event that does not fit the state is ignored: a late report of a cancelled
    /// effect must not start anything.
    pub fn handle(&mut self, now: u64, entropy: u64, event: Event) -> Vec<Effect> {
        match (&self.state, event) {
            (State::Busy, Event::Wake(_)) => {
                self.again = true;
                vec![]
            }
            (State::Backoff { until }, Event::Wake(Cause::Timer | Cause::Recorded)) if now < *until => {
                vec![Effect::WakeAt(*until)]
            }
            (State::Rest | State::Backoff { .. }, Event::Wake(cause)) => {
                if matches!(cause, Cause::Asked | Cause::Connected) {
                    self.failures = 0;
                    (self.photo_failures, self.photos_after) = (0, 0);
                }
                self.chores.clear();
                let mut effects = vec![Effect::Tell(Status::Syncing)];
                effects.extend(self.prepare(false));
                effects
            }
            (State::Busy, Event::Prepared(request)) => {
                self.sent_at = now;
                vec![Effect::Send(request)]
            }
            (State::Busy, Event::Answered(response)) => {
                self.failures = 0;
                // Aim at 4 to 8 s a request: long enough to be worth its round trip, short enough to survive a bad link.
                match now.saturating_sub(self.sent_at) {
                    0..4_000 => self.max_bytes = (self.max_bytes * 2).min(BATCH_BYTES),
                    4_000..8_000 => {}
                    _ => self.max_bytes = (self.max_bytes / 2).max(MIN_BATCH_BYTES),
                }
                vec![Effect::Apply(response)]
            }
            (State::Busy, Event::Applied(applied)) => self.after(now, applied),
            (State::Busy, Event::Done) => self.next_chore(now),
            (State::Busy, Event::Moved(moved)) => self.moved(now, moved),
            (State::Busy, Event::Told(pictures)) => {
                self.chores.extend(pictures.into_iter().map(Chore::Download));
                self.next_chore(now)
            }
            (State::Busy, Event::Failed(failure)) => self.fail(now, entropy, failure),
            _ => vec![],
        }
    }

    fn prepare(&mut self, recut: bool) -> Vec<Effect> {
        self.state = State::Busy;
        self.again = false;
        self.moving = None;
        vec![Effect::Prepare { max_bytes: self.max_bytes, recut }]
    }

    fn after(&mut self, now: u64, applied: Applied) -> Vec<Effect> {
        self.again |= applied.more_to_send || applied.more_to_pull;
        self.chores = applied.stale.into_iter().map(Chore::Fetch).collect();
        if !self.again && now >= self.photos_after {
            let photos = applied.thumbnails.into_iter().chain(applied.photos);
            self.chores.extend(photos.map(Chore::Upload));
            self.chores.extend(applied.ask.then_some(Chore::Ask));
        }
        self.next_chore(now)
    }

    fn moved(&mut self, now: u64, moved: Moved) -> Vec<Effect> {
        let took = now.saturating_sub(self.sent_at).max(1);
        if moved.bytes >= MEASURABLE {
            let measured = moved.bytes.saturating_mul(1_000) / took;
            // A few chunks move the estimate, one does not: links stutter.
            self.rate = Some(self.rate.map_or(measured, |rate| rate.saturating_mul(3).saturating_add(measured) / 4));
        }
        if moved.bytes > 0 {
            self.photo_failures = 0;
        }
        if let (Some(chore), true) = (self.moving.take(), moved.more) {
            self.chores.push_front(chore);
        }
        self.next_chore(now)
    }

    fn chunk(&self) -> u64 {
        match self.rate.map(|rate| rate.saturating_mul(CHUNK_MS) / 1_000) {
            Some(chunk) if chunk < MOST_CHUNK => chunk.max(LEAST_CHUNK),
            _ => u64::MAX,
        }
    }

    fn next_chore(&mut self, now: u64) -> Vec<Effect> {
        // What was recorded meanwhile goes before the next piece of any photo.
        let is_rows = matches!(self.chores.front(), Some(Chore::Fetch(_)));
        if self.again && !is_rows {
            return self.prepare(false);
        }
        let Some(chore) = self.chores.pop_front() else {
            self.state = State::Rest;
            self.failures = 0;
            let poll = now.saturating_add(self.pace.poll_ms);
            let wake = if self.photos_after > now { poll.min(self.photos_after) } else { poll };
            return vec![Effect::Tell(Status::Rested), Effect::WakeAt(wake)];
        };
        self.sent_at = now;
        let effect = match chore {
            Chore::Fetch(kind) => Effect::Fetch(kind),
            Chore::Upload(photo) => Effect::Upload { photo, max_bytes: self.chunk() },
            Chore::Ask => Effect::Ask,
            Chore::Download(photo) => Effect::Download(photo),
        };
        self.moving = Some(chore);
        vec![effect]
    }

    fn fail(&mut self, now: u64, entropy: u64, failure: Failure) -> Vec<Effect> {
        if failure == Failure::TooLarge && self.max_bytes > MIN_BATCH_BYTES {
            self.max_bytes = (self.max_bytes / 2).max(MIN_BATCH_BYTES);
            return self.prepare(true);
        }
        let is_photo = matches!(self.moving, Some(Chore::Upload(_) | Chore::Ask | Chore::Download(_)));
        if let (Some(Chore::Upload(_)), Failure::Network) = (self.moving.take(), &failure) {
            self.rate = Some(self.rate.map_or(BROKEN_RATE, |rate| rate / 2).max(LEAST_CHUNK * 1_000 / CHUNK_MS));
        }
        let failures = if is_photo { &mut self.photo_failures } else { &mut self.failures };
        let doubled = self.pace.backoff_first_ms.saturating_mul(1 << (*failures).min(20));
        *failures = failures.saturating_add(1);
        let base = match &failure {
            Failure::Busy(after) => *after.max(&self.pace.backoff_first_ms),
            Failure::Refused(_) | Failure::Blocked(_) => self.pace.refused_ms,
            _ => doubled.min(self.pace.backoff_most_ms),
        };
        // +-30 %, so that a thousand tablets do not come back together. A server's `retry_after` is never undercut.
        let spread = base.saturating_mul(6) / 10;
        let floor = if matches!(failure, Failure::Busy(_)) { base } else { base.saturating_mul(7) / 10 };
        let until = now.saturating_add(floor).saturating_add(if spread == 0 { 0 } else { entropy % spread });
        self.chores.clear();
        // A photo that does not get through keeps no fact waiting: only photos wait.
        self.state = if is_photo { State::Rest } else { State::Backoff { until } };
        if is_photo {
            self.photos_after = until;
        }
        // What was recorded meanwhile goes at once.
        if is_photo && self.again {
            let mut effects = vec![Effect::Tell(Status::Waiting { until, reason: failure })];
            effects.extend(self.prepare(false));
            return effects;
        }
        vec![Effect::Tell(Status::Waiting { until, reason: failure }), Effect::WakeAt(until)]
    }
}

#[cfg(test)]
mod tests;
