//! Calls into the host's listeners: counted for the whole process, so that its end can wait for those under way.

use std::sync::{Condvar, Mutex, PoisonError};

use tokio::sync::watch;

/// Calls of listeners under way in this process; whether it ends and no more begin.
static UNDER_WAY: Mutex<(usize, bool)> = Mutex::new((0, false));
static ONE_LESS: Condvar = Condvar::new();

/// A call that is under way, whatever becomes of it.
pub(crate) struct UnderWay<'a>(&'a watch::Sender<bool>);

impl<'a> UnderWay<'a> {
    /// `None` while the process ends.
    pub(crate) fn begin(call: &'a watch::Sender<bool>) -> Option<Self> {
        let mut under_way = UNDER_WAY.lock().unwrap_or_else(PoisonError::into_inner);
        if under_way.1 {
            return None;
        }
        under_way.0 += 1;
        call.send_replace(true);
        Some(Self(call))
    }
}

impl Drop for UnderWay<'_> {
    fn drop(&mut self) {
        self.0.send_replace(false);
        UNDER_WAY.lock().unwrap_or_else(PoisonError::into_inner).0 -= 1;
        ONE_LESS.notify_all();
    }
}

/// From now on no listener is called any more; returns when none is.
pub(crate) fn no_more_calls() {
    let mut under_way = UNDER_WAY.lock().unwrap_or_else(PoisonError::into_inner);
    under_way.1 = true;
    while under_way.0 > 0 {
        under_way = ONE_LESS.wait(under_way).unwrap_or_else(PoisonError::into_inner);
    }
}
