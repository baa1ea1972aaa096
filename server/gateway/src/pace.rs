//! The rate of segments: so many a second, and none while the provider throttles.

use std::{
    sync::{Mutex, PoisonError},
    time::Duration,
};

use tokio::time::{Instant, sleep_until};

/// The pace of all links or connections of a provider.
pub(crate) struct Pace {
    /// The pause between two segments.
    gap: Duration,
    first: Duration,
    state: Mutex<State>,
}

struct State {
    next: Instant,
    held_until: Instant,
    hold: Duration,
}

impl Pace {
    pub(crate) fn new(per_second: u32, first: Duration) -> Self {
        let now = Instant::now();
        let gap = Duration::from_secs(1) / per_second.max(1);
        Self { gap, first, state: Mutex::new(State { next: now, held_until: now, hold: first }) }
    }

    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits for a turn; turns come in the order of asking. `Err`: the provider throttles, and for how long.
    pub(crate) async fn turn(&self) -> Result<(), Duration> {
        let turn = {
            let mut state = self.state();
            let turn = state.next.max(Instant::now());
            state.next = turn + self.gap;
            turn
        };
        sleep_until(turn).await;
        self.held().map_or(Ok(()), Err)
    }

    /// How long the provider still throttles; `None` if it does not.
    pub(crate) fn held(&self) -> Option<Duration> {
        let until = self.state().held_until;
        until.checked_duration_since(Instant::now()).filter(|left| !left.is_zero())
    }

    /// Notes that the provider throttles, perhaps with a shortest pause. Several throttling answers at a time count once. Returns
    /// the pause.
    pub(crate) fn too_much(&self, at_least: Duration) -> Duration {
        let mut state = self.state();
        let now = Instant::now();
        if state.held_until <= now {
            state.held_until = now + state.hold;
            state.hold = (state.hold * 2).min(self.first * 60);
        }
        state.held_until = state.held_until.max(now + at_least);
        state.held_until - now
    }

    /// Notes that the provider has taken a segment.
    pub(crate) fn fine(&self) {
        self.state().hold = self.first;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn turns_are_a_gap_apart() {
        let pace = Pace::new(20, Duration::from_secs(1));
        let start = Instant::now();
        for _ in 0..21 {
            assert_eq!(pace.turn().await, Ok(()));
        }
        assert_eq!(start.elapsed().as_millis(), 1000);
    }

    #[tokio::test(start_paused = true)]
    async fn holds_double_up_to_sixty_times_and_begin_anew_when_something_is_taken() {
        let pace = Pace::new(1000, Duration::from_secs(1));
        let mut holds = Vec::new();
        for _ in 0..8 {
            holds.push(pace.too_much(Duration::ZERO).as_secs());
            assert_eq!(pace.too_much(Duration::ZERO).as_secs(), *holds.last().unwrap(), "answers of one time are one hold");
            let left = pace.turn().await.unwrap_err();
            tokio::time::sleep(left).await;
            assert_eq!(pace.turn().await, Ok(()));
        }
        assert_eq!(holds, [1, 2, 4, 8, 16, 32, 60, 60]);
        pace.fine();
        assert_eq!(pace.too_much(Duration::ZERO).as_secs(), 1);
        assert_eq!(pace.too_much(Duration::from_secs(7)).as_secs(), 7);
    }
}
