//! Request bodies without a token: enrolments and new sessions. A stranger may send them, so they have their own limits of size
//! and time, and of their number: at that limit a new body ends the one that was waited for longest. A device sends its body in
//! one piece with the headers, so it is never the one that ends.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use axum::{body::Bytes, extract::Request};
use prometheus_client::metrics::counter::Counter;
use tokio::{sync::Notify, time::timeout};

use crate::{body::body_of, error::ApiError};

/// The largest number of such bodies that are waited for at once.
const MOST: usize = 64;
/// The longest wait for a whole body.
const WHOLE: Duration = Duration::from_secs(10);
/// The largest body, in bytes.
pub(crate) const MAX_BODY: usize = 4_096;

/// The bodies that are waited for, longest first.
#[derive(Default)]
pub(crate) struct Strangers {
    waiting: Mutex<VecDeque<Arc<Notify>>>,
    /// How many bodies were ended for another.
    pub ended: Counter,
}

impl Strangers {
    fn waiting(&self) -> std::sync::MutexGuard<'_, VecDeque<Arc<Notify>>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn enter(&self) -> Waiting<'_> {
        let over = Arc::<Notify>::default();
        let mut waiting = self.waiting();
        if waiting.len() >= MOST
            && let Some(longest) = waiting.pop_front()
        {
            longest.notify_one();
            self.ended.inc();
        }
        waiting.push_back(over.clone());
        drop(waiting);
        Waiting { all: self, over }
    }

    /// Reads the body of a request without a token. Refuses a body that is larger than [`MAX_BODY`], is incomplete after ten
    /// seconds, or has to make room for another.
    pub(crate) async fn body(&self, request: Request) -> Result<Bytes, ApiError> {
        let waiting = self.enter();
        tokio::select! {
            biased;
            () = waiting.over.notified() => Err(ApiError::Busy),
            body = timeout(WHOLE, body_of(request, MAX_BODY)) => body.map_err(|_| ApiError::Stalled)?,
        }
    }
}

/// A place among the bodies, until dropped.
struct Waiting<'a> {
    all: &'a Strangers,
    over: Arc<Notify>,
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.all.waiting().retain(|one| !Arc::ptr_eq(one, &self.over));
    }
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use axum::body::Body;
    use futures_util::stream;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_stranger_has_ten_seconds_for_the_whole_body_however_it_trickles() {
        let bytes = stream::unfold((), async |()| {
            tokio::time::sleep(Duration::from_secs(3)).await;
            Some((Ok::<_, Infallible>(Bytes::from_static(b"x")), ()))
        });
        let begun = tokio::time::Instant::now();
        let taken = Strangers::default().body(Request::new(Body::from_stream(bytes))).await;
        assert!(matches!(taken, Err(ApiError::Stalled)));
        assert_eq!(begun.elapsed(), WHOLE);
    }

    #[tokio::test(start_paused = true)]
    async fn a_newcomer_ends_the_body_that_has_been_waited_for_the_longest() {
        let all = Arc::new(Strangers::default());
        let silent = || Request::new(Body::from_stream(stream::pending::<Result<Bytes, Infallible>>()));
        let mut held = Vec::new();
        for _ in 0..MOST {
            let all = all.clone();
            held.push(tokio::spawn(async move { all.body(silent()).await.err() }));
            tokio::task::yield_now().await;
        }
        let whole = all.body(Request::new(Body::from("whole"))).await;
        assert_eq!(whole.unwrap(), "whole");
        assert!(matches!(held.remove(0).await.unwrap(), Some(ApiError::Busy)));
        for other in held {
            assert!(matches!(other.await.unwrap(), Some(ApiError::Stalled)), "they had their time");
        }
        assert!(all.waiting().is_empty());
    }
}
