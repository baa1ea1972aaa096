//! Telling the host that something changed: one dispatcher for each listener, so that a slow one holds up nothing but itself;
//! coalesced, never under a lock of ours.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use tokio::task::AbortHandle;

use crate::{DoorstepClient, DoorstepError, runtime::runtime};

/// Told that something changed; it then reads what it shows. It may be called on any thread, one call at a time, must
/// return fast, and may call back into the client.
#[uniffi::export(foreign)]
pub trait ChangeListener: Send + Sync {
    /// Something changed. An error is the host's own business: the next change is told as well.
    fn changed(&self) -> Result<(), DoorstepError>;
}

/// A listener at work, until it is cancelled or dropped. It does not keep its client open, and goes on after a suspension.
#[derive(uniffi::Object)]
pub struct Subscription {
    cancelled: Arc<AtomicBool>,
    dispatcher: AbortHandle,
}

#[uniffi::export]
impl Subscription {
    /// Ends it. No call begins after this returns; one that is under way on another thread may still end. Cancelling twice
    /// is fine.
    pub fn cancel(&self) {
        self.end();
    }
}

impl Subscription {
    fn end(&self) {
        self.cancelled.store(true, Ordering::SeqCst);
        self.dispatcher.abort();
    }
}

impl Drop for Subscription {
    /// Must not block: hosts drop on their cleaner thread.
    fn drop(&mut self) {
        self.end();
    }
}

#[uniffi::export]
impl DoorstepClient {
    /// Calls the listener after every change that a screen should show: something recorded here, something synced, locked,
    /// resumed. Many changes in a row may be one call. Each call is on a thread for blocking work; what happens meanwhile
    /// becomes one more.
    pub fn listen(&self, listener: Arc<dyn ChangeListener>) -> Result<Arc<Subscription>, DoorstepError> {
        let cancelled = Arc::new(AtomicBool::new(false));
        let mut changes = self.changes();
        let of_task = cancelled.clone();
        let task = runtime()?.spawn(async move {
            while changes.changed().await.is_ok() {
                let (listener, cancelled) = (listener.clone(), of_task.clone());
                let call = move || if cancelled.load(Ordering::SeqCst) { Ok(()) } else { listener.changed() };
                tokio::task::spawn_blocking(call).await.ok();
            }
        });
        Ok(Arc::new(Subscription { cancelled, dispatcher: task.abort_handle() }))
    }
}
