//! Live hints: a listening device learns which of its scopes moved, and fetches the changes with its next sync.
//!
//! A hint carries no data, only a scope and the head of its feed. Nothing depends on its arrival, so nothing is stored for a
//! device that does not listen, and a lost hint costs a wait until the next sync.
//!
//! One task ([`Live::announce`]) reads the heads of the scopes that devices listen to, after every push and at every heartbeat
//! (the administrator's commands run in another process). Each stream compares these heads in memory with its last report, so two
//! thousand streams cost one read a push.

use std::{
    collections::BTreeMap,
    ops::ControlFlow,
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
    log,
    store::{db::Db, feeds, tx::Tx},
};

/// The largest number of devices that listen at once. A further device is told to come back, and syncs on its timer meanwhile.
pub(crate) const MOST: usize = 2_000;
/// Sent often enough, because proxies and phones' radios drop a connection without traffic after 30 to 60 seconds.
pub(crate) const HEARTBEAT: Duration = Duration::from_secs(20);
/// The pause between two reads of heads, which limits hints to two a second for a scope.
const PAUSE: Duration = Duration::from_millis(500);
/// The listeners of each scope, and the heads that were read last.
pub(crate) struct Live {
    pub places: Arc<Semaphore>,
    /// The number of streams that listen to each scope.
    listened: Mutex<BTreeMap<Scope, usize>>,
    moved: Notify,
    pub news: watch::Sender<News>,
}

#[derive(Default)]
pub(crate) struct News {
    /// The last read heads of the scopes with listeners.
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

    /// Call it after a commit that may have published to a feed.
    pub(crate) fn moved(&self) {
        self.moved.notify_one();
    }

    /// Ends all streams. A stopping server waits for open requests, and streams would never end by themselves.
    pub(crate) fn end(&self) {
        self.news.send_modify(|news| news.is_over = true);
    }

    /// Reads heads and announces moves, for ever.
    pub(crate) async fn announce(&self, db: &Db) -> ControlFlow<()> {
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
                Err(error) => log!(warn, "reading what moved failed", error = error),
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

/// The scopes that a stream listens to, until dropped.
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
