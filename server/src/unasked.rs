//! Bytes that no request has taken yet: heads that are not whole. The HTTP library keeps them, of HTTP/2 some 64 KiB for each
//! connection, and strangers may send them on every connection. So the connections have a limit of such bytes together. Beyond it the
//! connection that brings more of them ends, unless it has no more than the head of an honest request.

use std::sync::atomic::{AtomicU64, Ordering};

/// The largest number of such bytes of all connections.
const MOST: u64 = 8 * 1024 * 1024;
/// A connection with no more than this is never ended for them. The heads of devices are below 2 KiB, and those of browsers seldom
/// above it.
const HONEST: u64 = 4 * 1024;
/// The library keeps no more of one connection. What comes beyond is the rest of a body that was refused, which is dropped.
const KEPT: u64 = 96 * 1024;

/// The bytes of all connections.
#[derive(Debug, Default)]
pub(crate) struct Unasked(AtomicU64);

/// The bytes of one connection.
#[derive(Debug, Default)]
pub(crate) struct Own(AtomicU64);

impl Unasked {
    /// Counts bytes of a connection that has no request. False if the connection must end.
    pub(crate) fn count(&self, own: &Own, bytes: usize) -> bool {
        let had = own.0.load(Ordering::SeqCst);
        let more = u64::try_from(bytes).unwrap_or(u64::MAX).min(KEPT.saturating_sub(had));
        // Only the connection's own task adds to it.
        own.0.fetch_add(more, Ordering::SeqCst);
        let all = self.0.fetch_add(more, Ordering::SeqCst).saturating_add(more);
        all <= MOST || had.saturating_add(more) <= HONEST
    }

    /// Forgets the bytes of a connection: a request has taken them, or the connection has ended.
    pub(crate) fn forget(&self, own: &Own) {
        self.0.fetch_sub(own.0.swap(0, Ordering::SeqCst), Ordering::SeqCst);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn beyond_the_limit_of_all_a_long_head_ends_its_connection_and_an_honest_one_does_not() {
        let (all, strangers) = (Unasked::default(), (0..85).map(|_| Own::default()).collect::<Vec<_>>());
        let ends = strangers.iter().filter(|own| !all.count(own, 1_000_000)).count();
        assert_eq!(ends, 0, "each counts as what is kept of it");
        let (late, honest) = (Own::default(), Own::default());
        assert!(all.count(&honest, 4 * 1024), "a head that is whole soon");
        assert!(all.count(&late, 3_000) && !all.count(&late, 30_000));
        all.forget(&late);
        strangers.iter().take(5).for_each(|own| all.forget(own));
        assert!(all.count(&late, 30_000), "there is room again");
        strangers.iter().chain([&late, &honest]).for_each(|own| all.forget(own));
        assert_eq!(all.0.load(Ordering::SeqCst), 0);
    }
}
