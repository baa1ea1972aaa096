//! A cache of parsed reference rows of one kind, valid until another version is published.

use std::sync::{Arc, Mutex, PoisonError};

/// The newest parsed content, with the version of its rows. Only a hint of this process: the rows' version is read before each
/// use, so a publication by another process takes effect at once.
pub(crate) struct Parsed<T> {
    kept: Mutex<Option<(u64, Arc<T>)>>,
    #[cfg(test)]
    times: std::sync::atomic::AtomicUsize,
}

impl<T> Default for Parsed<T> {
    fn default() -> Self {
        Self {
            kept: Mutex::default(),
            #[cfg(test)]
            times: Default::default(),
        }
    }
}

impl<T> Parsed<T> {
    /// The content of a version. Calls `parse` only if another version is cached. Do not use it in a transaction that publishes:
    /// after a rollback that version number would name other content.
    pub(crate) fn of<E>(&self, version: u64, parse: impl FnOnce() -> Result<T, E>) -> Result<Arc<T>, E> {
        // The lock is held while parsing, so that other callers wait instead of parsing the same.
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, parsed)) = kept.as_ref().filter(|(at, _)| *at == version) {
            return Ok(parsed.clone());
        }
        #[cfg(test)]
        self.times.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        let parsed = Arc::new(parse()?);
        *kept = Some((version, parsed.clone()));
        Ok(parsed)
    }

    /// How often the content was parsed.
    #[cfg(test)]
    pub(crate) fn times(&self) -> usize {
        self.times.load(std::sync::atomic::Ordering::Relaxed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_is_parsed_once_and_one_that_can_not_be_read_again_and_again() {
        let parsed = Parsed::default();
        let read = |version, content: Result<&'static str, ()>| parsed.of(version, || content).map(|content| *content);
        assert_eq!(read(1, Ok("first")), Ok("first"));
        assert_eq!(read(1, Ok("never read")), Ok("first"));
        assert_eq!(parsed.times(), 1);
        assert_eq!(read(2, Err(())), Err(()), "what is kept is not the content of this version");
        assert_eq!(read(2, Ok("second")), Ok("second"));
        assert_eq!(read(1, Ok("first again")), Ok("first again"), "a reader may still see the version before");
        assert_eq!(parsed.times(), 4);
    }
}
