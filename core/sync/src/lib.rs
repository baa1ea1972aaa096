//! The device's sync engine as a sans-IO state machine: `handle(now, entropy, event) -> effects`.
//!
//! The engine decides which work comes next and when: prepare a batch, send it, apply the answer, fetch stale reference rows,
//! upload photos, back off, wake. The host (`client`, or a test) carries out the effects and reports back with events. Only the
//! store knows which changes are unsent; the engine does not remember them, so a process may die at any point and the next one
//! starts from the store. Changes are opaque here.
//!
//! The engine keeps these rules: only one sync is in flight; it is done when the store has nothing left, not because a step has
//! ended; a failure delays a requested sync but never cancels it.
//!
//! Sockets, clocks, randomness and SQL do not belong here. `now` is an argument in milliseconds of any monotonic clock, and
//! `entropy` is an argument.

use std::collections::VecDeque;

use doorstep_domain::PhotoId;
use doorstep_protocol::{Answer, BATCH_BYTES, ErrorCode, MIN_BATCH_BYTES, RefKind, SyncRequest};

/// The waiting times of the engine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pace {
    /// First back-off, milliseconds; doubles with every failure in a row.
    pub backoff_first_ms: u64,
    /// Longest back-off before jitter, milliseconds. It bounds the wait for a network that came back without a report to one
    /// minute.
    pub backoff_most_ms: u64,
    /// Wait after a refusal by the server, milliseconds. Only a person can help then, so asking more often is useless.
    pub refused_ms: u64,
    /// Interval of polling when idle, milliseconds, because unsent work or replies may be waiting.
    pub poll_ms: u64,
    /// A request that moves no byte for this long has stalled, milliseconds. The host enforces it.
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
    /// A person asked. Ends a back-off.
    Asked,
    /// The network came back. Ends a back-off.
    Connected,
    /// Something was recorded.
    Recorded,
    /// The time given by [`Effect::WakeAt`] has come.
    Timer,
}

/// Why a request brought no usable answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Failure {
    /// No network: the connection was refused, cut or stalled, or the answer is not our server's (captive portal).
    Network,
    /// The server asks to come back later, after so many milliseconds.
    Busy(u64),
    /// The server answered that the batch is too large.
    TooLarge,
    /// The server refused with one of its codes; only a person can help (enrol again, update).
    Refused(ErrorCode),
    /// This device cannot go on independent of the server; only a person can help.
    Blocked(Block),
    /// The store failed; nothing was applied.
    Storage,
}

/// Why a device cannot go on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Block {
    /// Head office has wiped it.
    Wiped,
    /// It has no rule pack and cannot use the server's; it needs an update.
    PackUnusable,
    /// The server has enrolled it in a role that this version does not know; it needs an update.
    RoleUnknown,
}

impl Block {
    /// The spelling in codes and logs.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Wiped => "wiped",
            Self::PackUnusable => "pack_unusable",
            Self::RoleUnknown => "role_unknown",
        }
    }
}

/// A report of the host to the engine.
#[derive(Debug, Clone)]
pub enum Event {
    /// Look for work.
    Wake(Cause),
    /// The request for [`Effect::Prepare`]; its batch is durable.
    Prepared(Box<SyncRequest>),
    /// The answer to [`Effect::Send`].
    Answered(Box<Answer>),
    /// [`Effect::Apply`] is durable.
    Applied(Applied),
    /// [`Effect::Fetch`] is stored.
    Done,
    /// Progress of [`Effect::Upload`] or [`Effect::Download`].
    Moved(Moved),
    /// The answer to [`Effect::Ask`]: photos that the server has and this device wants to fetch.
    Told(Vec<PhotoId>),
    /// The effect in flight failed.
    Failed(Failure),
}

/// The state of the store after applying an answer.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Applied {
    /// Whether another batch can be made from unsent changes. Changes that the server left pending do not count, because they
    /// wait for other changes.
    pub more_to_send: bool,
    /// Whether a feed has more pages.
    pub more_to_pull: bool,
    /// Reference rows that the server has in another version.
    pub stale: Vec<RefKind>,
    /// Thumbnails that may be sent now.
    pub thumbnails: Vec<PhotoId>,
    /// Photos that may be sent now.
    pub photos: Vec<PhotoId>,
    /// Whether to ask the server for the states of photos.
    pub ask: bool,
}

/// Progress of a photo.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Moved {
    /// Bytes that were transferred for it.
    pub bytes: u64,
    /// Whether there is more of it to transfer. False also if the server has refused it for good.
    pub more: bool,
}

/// A task for the host.
#[derive(Debug, PartialEq)]
pub enum Effect {
    /// Make the next batch durable, build the request, report [`Event::Prepared`].
    Prepare {
        /// Most bytes of raw changes in the batch, and in the answer.
        max_bytes: usize,
        /// Whether to make the open batch smaller, because the server found it too large. Otherwise it is sent again unchanged.
        recut: bool,
    },
    /// Send the request; give up when no byte moves for [`Pace::stall_ms`].
    Send(Box<SyncRequest>),
    /// Apply the answer in one transaction, report [`Event::Applied`].
    Apply(Box<Answer>),
    /// Fetch and store reference rows, report [`Event::Done`].
    Fetch(RefKind),
    /// Send a part of a photo in one request, report [`Event::Moved`].
    Upload {
        /// The photo.
        photo: PhotoId,
        /// Most bytes to send, by the measured speed of the link; [`u64::MAX`] sends the whole photo at once.
        max_bytes: u64,
    },
    /// Ask for the states of photos that may be deleted here and of photos that this device wants to fetch; report
    /// [`Event::Told`].
    Ask,
    /// Fetch a photo, report [`Event::Moved`].
    Download(PhotoId),
    /// Wake the engine at this time with [`Cause::Timer`].
    WakeAt(u64),
    /// Report the status to observers.
    Tell(Status),
}

/// The status that a person sees.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Status {
    /// A sync has begun.
    Syncing,
    /// Nothing is left to do.
    Rested,
    /// Waiting after a failure. All records are kept.
    Waiting {
        /// The time of the next try.
        until: u64,
        /// The failure.
        reason: Failure,
    },
}

/// Size of a device's first batch, in bytes of raw changes. Packed and compressed it is about a tenth of that.
const START_BYTES: usize = 1024 * 1024;
/// Target time for a chunk of a photo, milliseconds: long enough to be worth a request, short enough for entries to go in
/// between.
const CHUNK_MS: u64 = 5_000;
/// Smallest chunk of a photo, in bytes.
const LEAST_CHUNK: u64 = 16 * 1024;
/// A link that carries this many bytes in [`CHUNK_MS`] gets whole photos.
const MOST_CHUNK: u64 = 256 * 1024;
/// Assumed speed of a link that broke during the first photo, bytes a second.
const BROKEN_RATE: u64 = 16 * 1024;
/// Fewest bytes from which the speed of a link is measured.
const MEASURABLE: u64 = 8 * 1024;

/// The remaining work, in strict order: rules and parcels, because later work depends on them; thumbnails; photos; downloads.
/// Entries go before all of these, at the end of the current chunk.
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

/// The engine. Its state is small, because the store keeps the work.
#[derive(Debug)]
pub struct Engine {
    pace: Pace,
    state: State,
    failures: u32,
    max_bytes: usize,
    /// When the request in flight was given to the host.
    sent_at: u64,
    again: bool,
    chores: VecDeque<Chore>,
    /// The photo in flight.
    moving: Option<Chore>,
    /// Speed of the link in bytes a second, measured with photos.
    rate: Option<u64>,
    /// Consecutive failures of photos.
    photo_failures: u32,
    /// No photo is tried before this time; entries still go.
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

    /// Takes an event and returns the effects. An event that does not fit the state is ignored, because a late report of a
    /// cancelled effect must not start anything.
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
                // Aim at 4 to 8 s for a request: long enough to be worth the round trip, short enough to survive a bad link.
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
            // Average over several chunks, because the speed of links varies.
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
        // Records made meanwhile go before the next chunk of any photo.
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
        // Jitter of 30 % either way, so that a thousand tablets do not come back together. The wait is never shorter than the
        // server's `retry_after`.
        let spread = base.saturating_mul(6) / 10;
        let floor = if matches!(failure, Failure::Busy(_)) { base } else { base.saturating_mul(7) / 10 };
        let until = now.saturating_add(floor).saturating_add(if spread == 0 { 0 } else { entropy % spread });
        self.chores.clear();
        // After a failed photo only photos wait; entries go on.
        self.state = if is_photo { State::Rest } else { State::Backoff { until } };
        if is_photo {
            self.photos_after = until;
        }
        // Records made meanwhile go at once.
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
