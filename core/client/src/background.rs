//! Staying in sync by itself: the host's half of the engine's promise that unsent work never waits for somebody to ask.

use std::{future::pending, sync::atomic::Ordering, time::Duration};

use doorstep_sync::Cause;

use crate::{Client, ClientError, Dispatched, drive};

/// How long one question for hints waits, in seconds.
const HINT_WAIT: u32 = 25;

/// Least wait between two rounds, milliseconds.
const LEAST_WAIT_MS: u64 = 10;
/// The same while this device can not even begin to sync.
const UNABLE_WAIT_MS: u64 = 2_000;

impl Client {
    /// Moves SMS on, off the async threads: the platform's sender may take its time.
    pub(crate) async fn dispatch(&self) -> Dispatched {
        let client = self.clone();
        let moved = tokio::task::spawn_blocking(move || client.dispatch_sms()).await;
        moved.ok().and_then(Result::ok).unwrap_or_default()
    }

    /// Keeps this device in sync until the future is dropped, or head office had it wiped: at once when something was recorded or
    /// the network came back ([`Client::connected`]), and at the latest when the engine's timer is due. With `listen`, also when the server hints that
    /// something moved: for a tablet on a desk; a phone holds no connection open. Failures are waited out, and shown by
    /// [`Client::status`].
    pub async fn stay_in_sync(&self, listen: bool) {
        let mut cause = Cause::Asked;
        loop {
            let report = drive::run(&self.inner, cause).await;
            if matches!(&report, Ok(report) if report.wiped) {
                return;
            }
            // What keeps a sync from beginning (nobody is enrolled) does not go by itself in a moment.
            let least = if matches!(&report, Ok(_) | Err(ClientError::Network(_))) { LEAST_WAIT_MS } else { UNABLE_WAIT_MS };
            // A wake that comes too early asks nobody anything, and proves nothing of the network.
            let worked = report.is_ok_and(|report| report.requests > 0);
            // What it records wakes this loop at once. A message that could not be moved on waits for the next round.
            self.dispatch().await;
            let now = self.inner.clock.read().mono_ms;
            // Never spinning, whatever the clocks say.
            let wait = self.inner.wakes.at.load(Ordering::Relaxed).saturating_sub(now).max(least);
            cause = tokio::select! {
                () = self.inner.wakes.recorded.notified() => Cause::Recorded,
                () = self.inner.wakes.connected.notified() => Cause::Connected,
                // After a failure the next hint for what was not fetched would come at once.
                () = self.hinted(), if listen && worked => Cause::Timer,
                () = tokio::time::sleep(Duration::from_millis(wait)) => Cause::Timer,
            };
        }
    }

    /// The platform says that there is a network, or cellular service: what waits is tried now.
    pub fn connected(&self) {
        self.inner.wakes.connected.notify_one();
    }

    /// Returns when the server hints that something moved; never, if it can not be asked: the timer is the truth.
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
