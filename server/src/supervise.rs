//! Keeps loops alive that run beside the requests. A loop that ends or panics is started again after a pause, and is counted by
//! its name, so that an operator sees it.

use std::{future::Future, ops::ControlFlow, time::Duration};

use prometheus_client::{
    encoding::EncodeLabelSet,
    metrics::{counter::Counter, family::Family},
};
use tokio::{
    sync::Notify,
    task::JoinSet,
    time::{Instant, sleep},
};

use crate::log;

/// The pause before the first restart. Each further pause is twice as long.
const FIRST: Duration = Duration::from_secs(1);
/// The longest pause. A loop that ran longer than this begins again with the first pause when it ends.
const LONGEST: Duration = Duration::from_secs(60);

/// The name of a loop.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(crate) struct Name {
    name: &'static str,
}

/// How often each loop was started again.
#[derive(Debug, Clone, Default)]
pub(crate) struct Restarts(pub Family<Name, Counter>);

impl Restarts {
    /// The counter of a loop.
    pub(crate) fn of(&self, name: &'static str) -> Counter {
        self.0.get_or_create_owned(&Name { name })
    }
}

/// Runs a loop until it breaks or `stop` is notified during a pause. `begin` starts the loop. A loop that continues or panics is
/// started again. Dropping this future ends the loop.
pub(crate) async fn keep<F>(name: &'static str, restarts: &Restarts, stop: &Notify, mut begin: impl FnMut() -> F)
where
    F: Future<Output = ControlFlow<()>> + Send + 'static,
{
    // The counter exists from the beginning, so that the page shows a zero and a rise from it.
    let restarted = restarts.of(name);
    let mut pause = FIRST;
    loop {
        let begun = Instant::now();
        // A task of its own catches the panic, and the set ends the task when this future is dropped.
        let mut task = JoinSet::new();
        task.spawn(begin());
        let ended = task.join_next().await;
        if matches!(ended, Some(Ok(ControlFlow::Break(())))) {
            return;
        }
        if begun.elapsed() > LONGEST {
            pause = FIRST;
        }
        let seconds = pause.as_secs();
        match ended {
            Some(Err(_)) => log!(error, "a loop panicked and is started again", name = name, seconds = seconds),
            _ => log!(warn, "a loop ended and is started again", name = name, seconds = seconds),
        }
        tokio::select! {
            () = stop.notified() => return,
            () = sleep(pause) => {}
        }
        restarted.inc();
        pause = LONGEST.min(pause * 2);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    };

    use super::*;

    // The paused clock jumps when every task waits, so the pauses take no time.
    #[tokio::test(start_paused = true)]
    async fn a_loop_that_panics_twice_is_started_again_after_growing_pauses_and_is_counted() {
        let (restarts, stop, begun) = (Restarts::default(), Notify::new(), Instant::now());
        let starts = Arc::<Mutex<Vec<u64>>>::default();
        let begin = || {
            let starts = starts.clone();
            async move {
                starts.lock().unwrap().push(begun.elapsed().as_secs());
                let count = starts.lock().unwrap().len();
                assert!(count > 2, "a loop with a fault");
                ControlFlow::Break(())
            }
        };
        keep("test", &restarts, &stop, begin).await;
        assert_eq!(*starts.lock().unwrap(), [0, 1, 3]);
        assert_eq!(restarts.of("test").get(), 2);
        assert_eq!(restarts.of("another").get(), 0);
    }

    #[tokio::test(start_paused = true)]
    async fn the_pause_grows_to_a_minute_and_a_long_run_makes_it_short_again() {
        let (restarts, stop, begun) = (Restarts::default(), Notify::new(), Instant::now());
        let starts = Arc::<Mutex<Vec<u64>>>::default();
        let begin = || {
            let starts = starts.clone();
            async move {
                starts.lock().unwrap().push(begun.elapsed().as_secs());
                let count = starts.lock().unwrap().len();
                match count {
                    9 => sleep(LONGEST * 2).await,
                    10 => return ControlFlow::Break(()),
                    _ => {}
                }
                ControlFlow::Continue(())
            }
        };
        keep("test", &restarts, &stop, begin).await;
        assert_eq!(*starts.lock().unwrap(), [0, 1, 3, 7, 15, 31, 63, 123, 183, 183 + 120 + 1]);
    }

    #[tokio::test(start_paused = true)]
    async fn a_stop_during_a_pause_and_a_drop_end_the_loop() {
        let (restarts, stop) = (Restarts::default(), Notify::new());
        stop.notify_one();
        keep("test", &restarts, &stop, || async { ControlFlow::Continue(()) }).await;
        assert_eq!(restarts.of("test").get(), 0);

        /// Tells when the loop's future is dropped.
        struct Ends(Arc<AtomicBool>);
        impl Drop for Ends {
            fn drop(&mut self) {
                self.0.store(true, Ordering::SeqCst);
            }
        }
        let ended = Arc::<AtomicBool>::default();
        let begin = || {
            let ends = Ends(ended.clone());
            async move {
                let _ends = ends;
                std::future::pending().await
            }
        };
        let kept = tokio::time::timeout(Duration::from_secs(5), keep("test", &restarts, &stop, begin)).await;
        assert!(kept.is_err());
        tokio::task::yield_now().await;
        assert!(ended.load(Ordering::SeqCst));
    }
}
