//! The wall clock.

use doorstep_domain::UnixMs;

/// Now, by the machine's clock.
#[allow(clippy::disallowed_methods, reason = "the edge: this is where the clock is read")]
pub fn wall() -> UnixMs {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    UnixMs(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
}
