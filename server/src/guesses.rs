//! Wrong guesses of one-time codes, by the address that they come from. A code is never void because somebody guesses: that would take
//! it from its owner. The address waits instead, longer after each guess, and a right code from another address works meanwhile.

use std::{
    collections::HashMap,
    net::IpAddr,
    sync::{Mutex, PoisonError},
};

use doorstep_domain::UnixMs;
use prometheus_client::metrics::counter::Counter;

/// Wrong guesses without a wait: a person who mistypes tries again at once.
const FREE: u32 = 4;
/// Longest wait after a guess, in seconds.
const LONGEST: u32 = 15 * 60;
/// How long a source without another wrong guess is remembered, in milliseconds.
const REMEMBERED_MS: i64 = 60 * 60_000;
/// Most sources that are remembered. The oldest is forgotten for a new one.
const MOST: usize = 10_000;

/// The sources of wrong guesses. They are held in memory: a restart forgives.
#[derive(Default)]
pub(crate) struct Guesses {
    sources: Mutex<HashMap<IpAddr, Source>>,
    /// How many guesses were told to wait.
    pub refused: Counter,
}

struct Source {
    wrong: u32,
    last: UnixMs,
}

impl Source {
    /// Seconds after the last guess before the next one is heard.
    fn wait(&self) -> u32 {
        match self.wrong.saturating_sub(FREE) {
            0 => 0,
            more => 2_u32.saturating_pow(more).min(LONGEST),
        }
    }
}

/// The part of an address that one owner has: of IPv6 the first 64 bits.
fn owner(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => {
            let [a, b, c, d, ..] = address.segments();
            IpAddr::V6([a, b, c, d, 0, 0, 0, 0].into())
        }
        v4 => v4,
    }
}

impl Guesses {
    fn sources(&self) -> std::sync::MutexGuard<'_, HashMap<IpAddr, Source>> {
        self.sources.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The seconds that a source has to wait still; none if it is heard now.
    pub(crate) fn wait(&self, source: IpAddr, now: UnixMs) -> Option<u32> {
        let sources = self.sources();
        let source = sources.get(&owner(source))?;
        let passed = u32::try_from(now.since(source.last).max(0) / 1000).unwrap_or(u32::MAX);
        let left = source.wait().checked_sub(passed).filter(|left| *left > 0);
        if left.is_some() {
            self.refused.inc();
        }
        left
    }

    /// Counts a wrong guess.
    pub(crate) fn count(&self, source: IpAddr, now: UnixMs) {
        let mut sources = self.sources();
        let source = owner(source);
        if sources.len() >= MOST && !sources.contains_key(&source) {
            sources.retain(|_, source| now.since(source.last) < REMEMBERED_MS);
            let oldest = sources.iter().min_by_key(|(_, source)| source.last).map(|(source, _)| *source);
            if let Some(oldest) = oldest.filter(|_| sources.len() >= MOST) {
                sources.remove(&oldest);
            }
        }
        let entry = sources.entry(source).or_insert(Source { wrong: 0, last: now });
        if now.since(entry.last) >= REMEMBERED_MS {
            entry.wrong = 0;
        }
        entry.wrong = entry.wrong.saturating_add(1);
        entry.last = now;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_guess_beyond_four_doubles_the_wait_up_to_a_quarter_of_an_hour_and_an_hour_forgives() {
        let (guesses, source, now) = (Guesses::default(), IpAddr::from([10, 0, 0, 1]), UnixMs(1_000_000_000));
        (0..4).for_each(|_| guesses.count(source, now));
        assert_eq!(guesses.wait(source, now), None);
        guesses.count(source, now);
        assert_eq!(guesses.wait(source, now), Some(2));
        guesses.count(source, now);
        assert_eq!(guesses.wait(source, now), Some(4));
        assert_eq!(guesses.wait(source, now.plus(3_000)), Some(1));
        assert_eq!(guesses.wait(source, now.plus(4_000)), None);
        assert_eq!(guesses.wait(IpAddr::from([10, 0, 0, 2]), now), None, "another address");
        (0..40).for_each(|_| guesses.count(source, now));
        assert_eq!(guesses.wait(source, now), Some(LONGEST));
        let later = now.plus(REMEMBERED_MS);
        guesses.count(source, later);
        assert_eq!(guesses.wait(source, later), None);
    }

    #[test]
    fn an_owner_of_many_addresses_is_one_source_and_memory_has_an_end() {
        let guesses = Guesses::default();
        let v6 = |n: u16| IpAddr::from([0x2001, 0xdb8, 1, 2, n, n, n, n]);
        (0..5).for_each(|n| guesses.count(v6(n), UnixMs(0)));
        assert_eq!(guesses.wait(v6(9), UnixMs(0)), Some(2));
        for n in 0..10_050_u32 {
            guesses.count(IpAddr::from(n.to_be_bytes()), UnixMs(i64::from(n)));
        }
        assert_eq!(guesses.sources().len(), MOST);
    }
}
