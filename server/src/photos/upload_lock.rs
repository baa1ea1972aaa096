//! The newest request for an upload ends the older ones: a phone that lost its connection asks again while the server still waits
//! for the old one's bytes. Within one process the older request is told to give way, writes the bytes that it holds, and ends.
//! Between processes the fence in the upload's row has that effect.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use tokio::sync::{Notify, watch};

use crate::store::uploads::Key;

/// The longest wait for an older request to end. After that the fence stops it.
const LONGEST_WAIT: Duration = Duration::from_secs(10);

/// The requests that are receiving bytes.
#[derive(Default)]
pub(crate) struct Uploading(Mutex<HashMap<Key, Arc<Holder>>>);

struct Holder {
    give_way: Notify,
    ended: watch::Sender<bool>,
}

/// The right to write an upload, until dropped.
pub(crate) struct UploadLock {
    all: Arc<Uploading>,
    key: Key,
    mine: Arc<Holder>,
}

impl Uploading {
    /// Acquires an upload's lock, after the request before has ended.
    pub(crate) async fn acquire(self: &Arc<Self>, key: Key) -> UploadLock {
        let mine = Arc::new(Holder { give_way: Notify::new(), ended: watch::Sender::new(false) });
        let before = self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(key, mine.clone());
        // The lock exists before the wait, so that a request that is dropped while waiting leaves no trace.
        let lock = UploadLock { all: self.clone(), key, mine };
        if let Some(before) = before {
            before.give_way.notify_one();
            let mut ended = before.ended.subscribe();
            tokio::time::timeout(LONGEST_WAIT, ended.wait_for(|ended| *ended)).await.ok();
        }
        lock
    }
}

impl UploadLock {
    /// Returns when a newer request arrives.
    pub(crate) async fn give_way(&self) {
        self.mine.give_way.notified().await;
    }
}

impl Drop for UploadLock {
    fn drop(&mut self) {
        let mut holders = self.all.0.lock().unwrap_or_else(PoisonError::into_inner);
        if holders.get(&self.key).is_some_and(|holder| Arc::ptr_eq(holder, &self.mine)) {
            holders.remove(&self.key);
        }
        self.mine.ended.send_replace(true);
    }
}

#[cfg(test)]
mod tests {
    use doorstep_domain::{DeviceId, PhotoId};

    use super::*;

    fn key(n: u8) -> Key {
        (PhotoId::new([n; 32]), DeviceId::new([n; 16]))
    }

    #[tokio::test(start_paused = true)]
    async fn the_newest_waits_until_the_older_has_given_way_and_another_photo_does_not_wait() {
        let uploading = Arc::new(Uploading::default());
        let old = uploading.acquire(key(1)).await;
        let _other = uploading.acquire(key(2)).await;
        let newest = tokio::spawn({
            let uploading = uploading.clone();
            async move { uploading.acquire(key(1)).await }
        });
        old.give_way().await;
        assert!(!newest.is_finished());
        drop(old);
        let newest = newest.await.unwrap();
        assert_eq!(uploading.0.lock().unwrap().len(), 2);
        drop(newest);
        assert_eq!(uploading.0.lock().unwrap().len(), 1);
    }
}
