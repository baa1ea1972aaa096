//! How often SQLite has reported damage to this process.

use std::sync::atomic::{AtomicU64, Ordering};

/// Damage that SQLite has reported to this process. An error does not tell which connection it came from, so it is counted
/// for all: a sound store of the same process is checked once for nothing, a damaged one never goes unchecked.
static DAMAGE: AtomicU64 = AtomicU64::new(0);

pub(crate) fn damage_seen() {
    DAMAGE.fetch_add(1, Ordering::Relaxed);
}

pub(crate) fn damage_count() -> u64 {
    DAMAGE.load(Ordering::Relaxed)
}
