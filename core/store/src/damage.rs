//! Counts the damage that SQLite reports to this process.

use std::sync::atomic::{AtomicU64, Ordering};

/// The number of reports of damage in this process. An error does not tell its connection, so all stores share one count: a sound
/// store of the process is checked once for nothing, and a damaged one never goes unchecked.
static DAMAGE: AtomicU64 = AtomicU64::new(0);

pub(crate) fn damage_seen() {
    DAMAGE.fetch_add(1, Ordering::Relaxed);
}

pub(crate) fn damage_count() -> u64 {
    DAMAGE.load(Ordering::Relaxed)
}
