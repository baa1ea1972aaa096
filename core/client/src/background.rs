//! Keeps a client in sync in the background, so that unsent work does not wait until somebody asks. It drives the sync engine.

use std::{future::pending, sync::atomic::Ordering, time::Duration};

use doorstep_sync::Cause;

use crate::{Client, ClientError, Dispatched, drive};

/// How long one request for hints waits, in seconds.
const HINT_WAIT: u32 = 25;

/// Least wait between two rounds, milliseconds.
const LEAST_WAIT_MS: u64 = 10;
/// Least wait between two rounds while this device cannot begin to sync, milliseconds.
const UNABLE_WAIT_MS: u64 = 2_000;

impl Client {
    /// Dispatches SMS outside the async threads, because the platform's sender may be slow.
    pub(crate) async fn dispatch(&self) -> Dispatched {
        let client = self.clone();
        let moved = tokio::task::spawn_blocking(move || client.dispatch_sms()).await;
        moved.ok().and_then(Result::ok).unwrap_or_default()
    }

    /// Keeps this device in sync until the future is dropped or head office has the device wiped. It syncs at once when something
    /// was recorded or the network came back ([`Client::connected`]), and when the engine's timer is due. With `listen` it also
    /// syncs when the server sends a hint; this is for a tablet on a desk, because a phone should hold no connection open. After
    /// a failure it waits and tries again; [`Client::status`] shows failures.
    pub async fn stay_in_sync(&self, listen: bool) {
        let mut cause = Cause::Asked;
        loop {
            let report = drive::run(&self.inner, cause).await;
            if matches!(&report, Ok(report) if report.wiped) {
                return;
            }
            // A reason that keeps a sync from beginning (nobody is enrolled) lasts longer than a moment.
            let least = if matches!(&report, Ok(_) | Err(ClientError::Network(_))) { LEAST_WAIT_MS } else { UNABLE_WAIT_MS };
            // An early wake-up makes no request, so it proves nothing about the network.
            let worked = report.is_ok_and(|report| report.requests > 0);
            // Its records wake this loop at once. A message that could not be dispatched waits for the next round.
            self.dispatch().await;
            let now = self.inner.clock.read().mono_ms;
            // Always wait a little, so that wrong clocks cannot make this loop spin.
            let wait = self.inner.wakes.at.load(Ordering::Relaxed).saturating_sub(now).max(least);
            cause = tokio::select! {
                () = self.inner.wakes.recorded.notified() => Cause::Recorded,
                () = self.inner.wakes.connected.notified() => Cause::Connected,
                // After a failed sync the next hint would come at once, so do not listen.
                () = self.hinted(), if listen && worked => Cause::Timer,
                () = tokio::time::sleep(Duration::from_millis(wait)) => Cause::Timer,
            };
        }
    }

    /// Called when the platform reports a network or cellular service. Waiting work is tried now.
    pub fn connected(&self) {
        self.inner.wakes.connected.notify_one();
    }

    /// Returns when the server sends a hint. It never returns if the server cannot be asked; the timer then starts the next sync.
    async fn hinted(&self) {
        loop {
            match self.wait_for_hint(HINT_WAIT).await {
                Ok(true) => return,
                Ok(false) => {}
                Err(_) => pending::<()>().await,
            }
        }
    }
}
