//! What the clones of a client share: the store, what the platform gave, and the state of the work that goes on by itself.

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
use doorstep_store::{Salvage, Store};
use doorstep_sync::Engine;
use tokio::sync::{Notify, watch};

use crate::{ClientError, Clock, DeviceSigner, SmsSender};

pub(crate) struct Inner {
    pub store: Mutex<Store>,
    pub salvage: Option<Salvage>,
    pub clock: Arc<dyn Clock>,
    pub signer: Arc<dyn DeviceSigner>,
    /// Destroys the platform's keys.
    pub destroy_keys: Option<Arc<dyn Fn() + Send + Sync>>,
    pub app: String,
    pub transport: Transport,
    /// One sync in flight, whoever asks.
    pub engine: tokio::sync::Mutex<Engine>,
    pub wakes: Wakes,
    pub photos: PhotoWork,
    pub sms: SmsWork,
    pub changed: watch::Sender<u64>,
    /// The last field: when it is dropped, the store is closed.
    pub gone: Gone,
}

/// The way to the server.
pub(crate) struct Transport {
    pub http: reqwest::Client,
    /// Plain HTTP to a server elsewhere is meant.
    pub insecure: bool,
    /// A request without a byte for this long has stalled.
    pub stall: Duration,
    /// When the server last answered, by the monotonic clock and one more; 0: it did not, the last time it was asked.
    pub online_at: AtomicU64,
}

/// What makes the next sync begin.
#[derive(Default)]
pub(crate) struct Wakes {
    /// When the engine wants to be woken, by the monotonic clock.
    pub at: AtomicU64,
    /// Something was recorded here.
    pub recorded: Notify,
    /// And no sync has heard of it yet: one that is sending photos lets it pass.
    pub fresh: AtomicBool,
    /// The network came back, as the platform says.
    pub connected: Notify,
}

/// The state of sending photos.
#[derive(Default)]
pub(crate) struct PhotoWork {
    /// Network and battery, as the platform says.
    pub platform: Mutex<Conditions>,
    /// The photo that is being sent.
    pub sending: Mutex<Option<Sending>>,
    /// Orphaned files were looked for.
    pub swept: AtomicBool,
    /// Photos that were refused before this start have been given another try.
    pub tried: AtomicBool,
}

/// The photo that is being sent.
#[derive(Debug, Clone)]
pub(crate) struct Sending {
    pub photo: PhotoId,
    pub from: u64,
    pub taken: Arc<AtomicUsize>,
}

/// The state of moving SMS on.
pub(crate) struct SmsWork {
    /// The platform's way to send SMS.
    pub sender: Option<Arc<dyn SmsSender>>,
    /// SMS that this process is handing over.
    pub in_hand: Mutex<InHand>,
    /// Held while SMS are moved on.
    pub dispatching: Mutex<()>,
}

/// Messages that this process is handing over.
pub(crate) type InHand = HashSet<(CaseId, EntryKey, u32)>;

/// Tells those who wait for the store to be closed.
pub(crate) struct Gone(pub watch::Sender<bool>);

impl Drop for Gone {
    fn drop(&mut self) {
        self.0.send_replace(true);
    }
}

impl Inner {
    /// The store. A panic while it was held poisons nothing: every write is a transaction.
    pub fn store(&self) -> MutexGuard<'_, Store> {
        self.store.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The best estimate of now: the server's clock carried on by this boot's monotonic one, else the wall clock. So a
    /// countdown is right on a phone whose clock is hours off.
    pub fn now(&self) -> Result<UnixMs, ClientError> {
        let clocks = self.clock.read();
        let anchor = self.store().anchor(clocks.boot)?;
        let elapsed = anchor.and_then(|a| Some((a.server, i64::try_from(clocks.mono_ms.checked_sub(a.mono_ms)?).ok()?)));
        Ok(elapsed.map_or(clocks.wall, |(server, elapsed)| server.plus(elapsed)))
    }

    pub fn changed(&self) {
        self.changed.send_modify(|version| *version += 1);
    }
}
