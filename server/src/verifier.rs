//! The thread that reads and verifies batches. A large batch takes many times its size in memory, and an allocator keeps that memory
//! for each thread that ever needed it. One thread is enough, because the writer takes longer for each batch.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::mpsc,
    thread,
};

use tokio::sync::oneshot;

use crate::error::ApiError;

type Job = Box<dyn FnOnce() + Send>;

/// Hands work to the thread. It ends when the last handle is dropped.
#[derive(Clone)]
pub(crate) struct Verifier(mpsc::Sender<Job>);

impl Verifier {
    /// Starts the thread.
    pub(crate) fn start() -> std::io::Result<Self> {
        let (jobs, queue) = mpsc::channel::<Job>();
        thread::Builder::new().name("doorstep-verifier".into()).spawn(move || queue.into_iter().for_each(|job| job()))?;
        Ok(Self(jobs))
    }

    /// Runs work on the thread, after what came before. A panic is an error of this work alone.
    pub(crate) async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> Result<T, ApiError> + Send + 'static,
    ) -> Result<T, ApiError> {
        let (answer, waiting) = oneshot::channel();
        let job = move || {
            // The request is gone, and nobody waits for the result.
            if answer.is_closed() {
                return;
            }
            let panicked = Err(ApiError::Internal("reading a request panicked"));
            answer.send(catch_unwind(AssertUnwindSafe(work)).unwrap_or(panicked)).ok();
        };
        let stopped = ApiError::Internal("the verifier has stopped");
        match self.0.send(Box::new(job)) {
            Ok(()) => waiting.await.unwrap_or(Err(stopped)),
            Err(_) => Err(stopped),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn work_that_panics_fails_alone() {
        let verifier = Verifier::start().unwrap();
        let panicked = verifier.run(|| -> Result<(), ApiError> { panic!("a fault of the reader") }).await;
        assert!(matches!(panicked, Err(ApiError::Internal(_))));
        assert_eq!(verifier.run(|| Ok(7)).await.unwrap(), 7);
    }
}
