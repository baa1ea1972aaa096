//! Telling the host that something changed: one dispatcher for each listener, so that a slow one holds up nothing but itself;
//! coalesced, never under a lock of ours.

use std::sync::{Arc, Mutex, PoisonError};

use tokio::{sync::watch, task::AbortHandle};

use crate::{
    DoorstepClient, DoorstepError,
    calls::UnderWay,
    runtime::{run, runtime},
};

/// Told that something changed; it then reads what it shows. It may be called on any thread, one call at a time, must
/// return fast, and may call back into the client.
#[uniffi::export(foreign)]
pub trait ChangeListener: Send + Sync {
    /// Something changed. An error is the host's own business: the next change is told as well.
    fn changed(&self) -> Result<(), DoorstepError>;
}

/// The listener, until it is let go. A call under way holds it by itself.
type Slot = Arc<Mutex<Option<Arc<dyn ChangeListener>>>>;

/// A listener at work, until it is cancelled or dropped. It does not keep its client open, and goes on after a suspension.
#[derive(uniffi::Object)]
pub struct Subscription {
    listener: Slot,
    dispatcher: AbortHandle,
    /// Whether a call is under way.
    calling: watch::Receiver<bool>,
}

#[uniffi::export]
impl Subscription {
    /// Ends it. No call begins after this returns; one that is under way on another thread may still end. Cancelling twice
    /// is fine.
    pub fn cancel(&self) {
        self.end();
    }

    /// Cancels, and returns when no call is under way any more: before a process ends whose runtime dies with it, such as
    /// Python's. Never within the listener itself.
    pub async fn ended(self: Arc<Self>) -> Result<(), DoorstepError> {
        self.end();
        run(async move {
            self.calling.clone().wait_for(|calling| !calling).await.ok();
            Ok(())
        })
        .await
    }
}

impl Subscription {
    fn end(&self) {
        self.dispatcher.abort();
        // Let go here, on the host's own thread, not whenever the task is.
        let listener = self.listener.lock().unwrap_or_else(PoisonError::into_inner).take();
        drop(listener);
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
        let listener: Slot = Arc::new(Mutex::new(Some(listener)));
        let (call, calling) = watch::channel(false);
        let call = Arc::new(call);
        let (of_task, mut changes) = (listener.clone(), self.changes());
        let task = runtime()?.spawn(async move {
            while changes.changed().await.is_ok() {
                let (listener, call) = (of_task.clone(), call.clone());
                let tell = move || {
                    // The call is under way before it looks for the listener. A caller that lets the listener go afterwards waits for this call.
                    let Some(_under_way) = UnderWay::begin(&call) else { return };
                    let listener = listener.lock().unwrap_or_else(PoisonError::into_inner).clone();
                    listener.map(|listener| listener.changed());
                };
                tokio::task::spawn_blocking(tell).await.ok();
            }
        });
        Ok(Arc::new(Subscription { listener, dispatcher: task.abort_handle(), calling }))
    }
}
