//! The state that clones of a client share: the store, the platform's parts, and background work.

use std::{
    collections::HashSet,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicU64, AtomicUsize},
    },
    time::Duration,
};

use doorstep_domain::{CaseId, EntryKey, PhotoId, UnixMs};
use doorstep_rules::Conditions;
use doorstep_store::{Clocks, Salvage, Store, StoreError};
use doorstep_sync::Engine;
use tokio::sync::{Notify, watch};

use crate::{ClientError, Clock, DeviceSigner, SmsSender, told::Told};

pub(crate) struct Inner {
    pub store: Mutex<Store>,
    pub salvage: Option<Salvage>,
    pub clock: Arc<dyn Clock>,
    pub signer: Arc<dyn DeviceSigner>,
    /// Destroys the platform's keys.
    pub destroy_keys: Option<Arc<dyn Fn() + Send + Sync>>,
    pub app: String,
    pub transport: Transport,
    /// The engine. Its lock allows only one sync at a time.
    pub engine: tokio::sync::Mutex<Engine>,
    pub wakes: Wakes,
    pub photos: PhotoWork,
    pub sms: SmsWork,
    pub changed: watch::Sender<u64>,
    /// What the person was last told of each case; `None` before they were told anything.
    pub told: Mutex<Option<Told>>,
    /// Must be the last field: when it is dropped, the store is already closed.
    pub gone: Gone,
}

/// Access to the server.
pub(crate) struct Transport {
    pub http: reqwest::Client,
    /// Whether plain HTTP to another machine is allowed.
    pub insecure: bool,
    /// Time without a byte after which a request has stalled.
    pub stall: Duration,
    /// When the server last answered, as monotonic time plus one; 0 if it did not answer the last request.
    pub online_at: AtomicU64,
    /// Until when the token of an enrolment in this process needs no renewal, by the monotonic clock; 0 without an enrolment.
    pub token_lasts: AtomicU64,
}

/// Events that start the next sync.
#[derive(Default)]
pub(crate) struct Wakes {
    /// When the engine wants to be woken, by the monotonic clock.
    pub at: AtomicU64,
    /// Signals that something was recorded here.
    pub recorded: Notify,
    /// Whether a record is not known to a sync yet. A sync that is sending photos lets it go first.
    pub fresh: AtomicBool,
    /// Signals that the network came back, as reported by the platform.
    pub connected: Notify,
}

/// The state of sending photos.
#[derive(Default)]
pub(crate) struct PhotoWork {
    /// Network and battery, as reported by the platform.
    pub platform: Mutex<Conditions>,
    /// The photo that is being sent.
    pub sending: Mutex<Option<Sending>>,
    /// Whether orphaned files were already looked for.
    pub swept: AtomicBool,
    /// Whether the network does not let PATCH through, so that a POST says that it means PATCH.
    pub patch_is_blocked: AtomicBool,
    /// The last PATCH that broke off: the photo, and from which byte it was to go on.
    pub patch_broke: Mutex<Option<(PhotoId, u64)>>,
    /// Whether photos that were refused before this start have been tried again.
    pub tried: AtomicBool,
}

/// The photo that is being sent.
#[derive(Debug, Clone)]
pub(crate) struct Sending {
    pub photo: PhotoId,
    pub from: u64,
    pub taken: Arc<AtomicUsize>,
}

/// The state of dispatching SMS.
pub(crate) struct SmsWork {
    /// The platform's way to send SMS.
    pub sender: Option<Arc<dyn SmsSender>>,
    /// SMS that this process is handing over.
    pub in_hand: Mutex<InHand>,
    /// Held while SMS are dispatched.
    pub dispatching: Mutex<()>,
}

/// Messages that this process is handing over.
pub(crate) type InHand = HashSet<(CaseId, EntryKey, u32)>;

/// Notifies callers that wait for the store to be closed.
pub(crate) struct Gone(pub watch::Sender<bool>);

impl Drop for Gone {
    fn drop(&mut self) {
        self.0.send_replace(true);
    }
}

impl Inner {
    /// Locks the store. A panic of an earlier holder is harmless, because every write is a transaction.
    pub fn store(&self) -> MutexGuard<'_, Store> {
        self.store.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Runs a step that sends records, keeps the server's verdicts or lets a person in. If the disk is full, the step gets the
    /// room of the store's reserve and runs once more.
    pub fn step<T>(&self, step: impl Fn(&Self) -> Result<T, StoreError>) -> Result<T, StoreError> {
        let done = match step(self) {
            Err(StoreError::DiskFull) if self.store().give_reserve() => step(self),
            other => other,
        };
        let store = self.store();
        if store.is_on_reserve() {
            // The write-ahead log begins anew after this, so that it does not eat the room up. A failure costs only room.
            store.tidy().ok();
        }
        done
    }

    /// The best estimate of now: the server's clock advanced by this boot's monotonic clock, else the wall clock. So a
    /// countdown is right on a phone whose clock is hours off.
    pub fn now(&self) -> Result<UnixMs, ClientError> {
        let clocks = self.clock.read();
        Ok(self.proven_at(clocks)?.unwrap_or(clocks.wall))
    }

    /// Now by the server's clock and this boot's monotonic one; `None` if the server was not reached in this boot.
    pub fn proven_now(&self) -> Result<Option<UnixMs>, ClientError> {
        self.proven_at(self.clock.read())
    }

    fn proven_at(&self, clocks: Clocks) -> Result<Option<UnixMs>, ClientError> {
        let anchor = self.store().anchor(clocks.boot)?;
        let elapsed = anchor.and_then(|a| Some((a.server, i64::try_from(clocks.mono_ms.checked_sub(a.mono_ms)?).ok()?)));
        Ok(elapsed.map(|(server, elapsed)| server.plus(elapsed)))
    }

    pub fn changed(&self) {
        self.changed.send_modify(|version| *version += 1);
    }
}
