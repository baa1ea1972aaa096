//! Live hints: a device that listens is told which of its scopes moved, and fetches with its next sync.
//!
//! Hints only, never data: a scope and the number its feed has reached. Nothing depends on one arriving, so nothing is kept
//! for a device that does not listen, and a hint that is lost costs waiting until the next sync.
//!
//! One task ([`Live::tell`]) reads the heads of the scopes that anybody listens to, after a push and at every heartbeat (the
//! administrator's commands are another process). Streams compare what it read with what they told, in memory: two thousand
//! of them cost one read a push, not two thousand.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use doorstep_protocol::Scope;
use tokio::{
    sync::{Notify, Semaphore, watch},
    time::{sleep, timeout},
};

use crate::{
    error::ApiError,
    store::{db::Db, feeds, tx::Tx},
};

/// Most devices that listen at once; the next one is told to come back, and syncs on its timer meanwhile.
pub(crate) const MOST: usize = 2_000;
/// Proxies and phones' radios drop a connection without a byte after 30 to 60 seconds.
pub(crate) const HEARTBEAT: Duration = Duration::from_secs(20);
/// Between two readings of heads: at most two hints a second for a scope.
const PAUSE: Duration = Duration::from_millis(500);
/// Who listens to what, and how far it is.
pub(crate) struct Live {
    pub places: Arc<Semaphore>,
    /// How many streams listen to a scope.
    listened: Mutex<BTreeMap<Scope, usize>>,
    moved: Notify,
    pub news: watch::Sender<News>,
}

#[derive(Default)]
pub(crate) struct News {
    /// Of scopes that are listened to, as last read.
    pub heads: BTreeMap<Scope, u64>,
    pub is_over: bool,
}

impl Live {
    pub(crate) fn new() -> Arc<Self> {
        Arc::new(Self {
            places: Arc::new(Semaphore::new(MOST)),
            listened: Mutex::default(),
            moved: Notify::new(),
            news: watch::Sender::default(),
        })
    }

    /// Call after the commit of anything that may have published to a feed.
    pub(crate) fn moved(&self) {
        self.moved.notify_one();
    }

    /// Ends all streams: a server that stops waits for what is in flight, and these would never end.
    pub(crate) fn end(&self) {
        self.news.send_modify(|news| news.is_over = true);
    }

    /// Reads heads for ever.
    pub(crate) async fn announce(&self, db: &Db) {
        loop {
            timeout(HEARTBEAT, self.moved.notified()).await.ok();
            let scopes: Vec<Scope> = self.listened().keys().cloned().collect();
            if scopes.is_empty() {
                continue;
            }
            match db.read(move |tx| read_heads(tx, scopes)).await {
                Ok(heads) => {
                    self.news.send_if_modified(|news| std::mem::replace(&mut news.heads, heads) != news.heads);
                }
                Err(error) => crate::say!("doorstep-server: reading what moved failed: {error}"),
            }
            sleep(PAUSE).await;
        }
    }

    fn listened(&self) -> MutexGuard<'_, BTreeMap<Scope, usize>> {
        self.listened.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

pub(crate) fn read_heads(tx: &Tx<'_>, scopes: Vec<Scope>) -> Result<BTreeMap<Scope, u64>, ApiError> {
    let head = |scope: Scope| feeds::head(tx, &scope).map(|head| (scope, head));
    Ok(scopes.into_iter().map(head).collect::<Result<_, _>>()?)
}

/// Scopes that somebody listens to, until dropped.
pub(crate) struct Listening {
    live: Arc<Live>,
    pub scopes: Vec<Scope>,
}

impl Listening {
    pub fn to(live: Arc<Live>, scopes: Vec<Scope>) -> Self {
        let mut listened = live.listened();
        for scope in &scopes {
            *listened.entry(scope.clone()).or_default() += 1;
        }
        drop(listened);
        Self { live, scopes }
    }
}

impl Drop for Listening {
    fn drop(&mut self) {
        let mut listened = self.live.listened();
        for scope in &self.scopes {
            let left = listened.get(scope).map_or(0, |count| count.saturating_sub(1));
            if left == 0 {
                listened.remove(scope);
            } else {
                listened.insert(scope.clone(), left);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scope_is_read_as_long_as_anybody_listens_to_it() {
        let live = Live::new();
        let first = Listening::to(live.clone(), vec!["outlet/0412".into()]);
        let second = Listening::to(live.clone(), vec!["outlet/0412".into(), "courier/c1".into()]);
        drop(first);
        assert_eq!(live.listened().len(), 2);
        drop(second);
        assert!(live.listened().is_empty());
    }
}
