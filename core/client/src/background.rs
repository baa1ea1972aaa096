//! Staying in sync by itself: the host's half of the engine's promise that unsent work never waits for somebody to ask.

use std::{future::pending, sync::atomic::Ordering, time::Duration};

use doorstep_sync::Cause;

use crate::{Client, drive};

/// How long one question for hints waits, in seconds.
const HINT_WAIT: u32 = 25;

impl Client {
    /// Keeps this device in sync until the future is dropped: at once when something was recorded or the network came back
    /// ([`Client::connected`]), and at the latest when the engine's timer is due. With `listen`, also when the server hints that
    /// something moved: for a tablet on a desk; a phone holds no connection open. Failures are waited out, and shown by
    /// [`Client::status`].
    pub async fn stay_in_sync(&self, listen: bool) {
        let mut cause = Cause::Asked;
        loop {
            // A wake that comes too early asks nobody anything, and proves nothing of the network.
            let worked = drive::run(&self.inner, cause).await.is_ok_and(|report| report.requests > 0);
            // What it records wakes this loop at once. A message that could not be moved on waits for the next round.
            self.dispatch_sms().ok();
            let now = self.inner.clock.read().mono_ms;
            // Never spinning, whatever the clocks say.
            let wait = self.inner.wake_at.load(Ordering::Relaxed).saturating_sub(now).max(10);
            cause = tokio::select! {
                () = self.inner.recorded.notified() => Cause::Recorded,
                () = self.inner.connected.notified() => Cause::Connected,
                // After a failure the next hint for what was not fetched would come at once.
                () = self.hinted(), if listen && worked => Cause::Timer,
                () = tokio::time::sleep(Duration::from_millis(wait)) => Cause::Timer,
            };
        }
    }

    /// The platform says that there is a network, or cellular service: what waits is tried now.
    pub fn connected(&self) {
        self.inner.connected.notify_one();
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
