//! When devices were in contact, and at which monotonic time. Acts are dated by these contacts.
//!
//! A contact that gives the device a time is a row, by boot and hour. Only such a row is an anchor. Other requests are passing
//! requests: they give no time. All of them are remembered in memory, and one of each five minutes in the database, because a
//! write for each photo would cost more than it tells. They show that an act dated earlier was not sent with them.

use std::{
    cell::RefCell,
    collections::{HashMap, VecDeque},
    sync::{Arc, Mutex, PoisonError},
};

use axum::http::HeaderMap;
use doorstep_domain::{Anchor, BootId, DeviceId, IN_FLIGHT_MS, UnixMs, is_steady};
use doorstep_protocol::CLOCK_HEADER;

use crate::{
    error::ApiError,
    store::{
        contacts::{self, Contact, Spread},
        tx::Tx,
    },
};

/// How long a device's entries may lean on a contact.
const CONTACT_LIFE_MS: i64 = 60 * 86_400_000;

/// A device's monotonic clock as a request names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct DeviceClock {
    pub boot: BootId,
    pub mono_ms: u64,
}

impl DeviceClock {
    /// Reads the header `Sync-Clock`; `None` if it is absent or malformed.
    pub fn of(headers: &HeaderMap) -> Option<Self> {
        let (boot, mono) = headers.get(CLOCK_HEADER)?.to_str().ok()?.split_once('-')?;
        let boot = u32::from_str_radix(boot, 16).ok().filter(|_| boot.len() == 8)?;
        // 40 bits of milliseconds, as in an entry, last 34 years.
        let mono_ms = mono.parse().ok().filter(|mono| *mono < 1 << 40)?;
        Some(Self { boot: BootId(boot.to_be_bytes()), mono_ms })
    }
}

/// The newest passing requests of each device.
#[derive(Clone, Default)]
pub(crate) struct Passing(Arc<Mutex<HashMap<DeviceId, Seen>>>);

#[derive(Default)]
struct Seen {
    /// The times of the last minutes and the newest one before them, oldest first.
    times: VecDeque<UnixMs>,
    /// The newest time that was chosen for the database.
    kept: Option<UnixMs>,
}

/// Requests within this time of another count as one.
const SAME_MS: i64 = 10_000;

impl Passing {
    /// Notes a passing request. Returns true for the first of each five minutes, which belongs in the database too.
    pub fn note(&self, device: DeviceId, now: UnixMs) -> bool {
        let mut devices = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let Seen { times, kept } = devices.entry(device).or_default();
        // A clock that was set back leaves times in the future.
        times.retain(|at| *at <= now);
        if times.back().is_none_or(|last| now.since(*last) >= SAME_MS) {
            times.push_back(now);
        }
        while times.get(1).is_some_and(|second| now.since(*second) > IN_FLIGHT_MS) {
            times.pop_front();
        }
        let is_due = kept.is_none_or(|kept| kept > now || now.since(kept) >= IN_FLIGHT_MS);
        if is_due {
            *kept = Some(now);
        }
        is_due
    }

    /// The passing requests of a device that are remembered, oldest first.
    pub fn of(&self, device: &DeviceId) -> Vec<UnixMs> {
        let devices = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        devices.get(device).map(|seen| seen.times.iter().copied().collect()).unwrap_or_default()
    }

    /// The newest passing request that is no part of the current sending. A device that comes online asks for a session or for
    /// hints just before it sends its records.
    pub fn before(&self, device: &DeviceId, now: UnixMs) -> Option<UnixMs> {
        let devices = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        devices.get(device)?.times.iter().rev().find(|at| now.since(**at) > IN_FLIGHT_MS).copied()
    }
}

/// Stores a passing request, for other processes and for the time after a restart.
pub(crate) fn keep_passing(tx: &Tx<'_>, device: &DeviceId, now: UnixMs) -> Result<(), ApiError> {
    contacts::keep_passing(tx, device, now)?;
    answered(tx, device, now)?;
    // The times of the last minutes stay, and the newest one before them.
    Ok(contacts::thin_passing(tx, device, now.plus(-IN_FLIGHT_MS))?)
}

/// Notes the minute of an answer to a device, as long as an outage may be claimed for it.
pub(crate) fn answered(tx: &Tx<'_>, device: &DeviceId, at: UnixMs) -> Result<(), ApiError> {
    contacts::note_answered(tx, device, at)?;
    Ok(contacts::forget_answered(tx, device, at.plus(-CONTACT_LIFE_MS))?)
}

/// The newest stored passing request that is no part of the current sending.
pub(crate) fn passed(tx: &Tx<'_>, device: &DeviceId, now: UnixMs) -> Result<Option<UnixMs>, ApiError> {
    Ok(contacts::newest_passing(tx, device, now.plus(-IN_FLIGHT_MS))?)
}

/// Stores a contact that gives the device the time of its receipt. `brings`: the device could have sent its records with it. A
/// batch of version 2 that was open before an update goes alone, and later records wait for the next request.
pub(crate) fn save(tx: &Tx<'_>, device: &DeviceId, clock: DeviceClock, brings: bool, received: UnixMs) -> Result<(), ApiError> {
    let contact = Contact { boot: clock.boot, at: received, offset: offset(received, clock.mono_ms), brings };
    contacts::save(tx, device, &contact)?;
    answered(tx, device, received)?;
    contacts::forget_before(tx, device, received.plus(-CONTACT_LIFE_MS))?;
    forget_ahead(tx, Some(device), received)
}

/// Forgets the contacts of one device, or of all, that were noted while the server's clock was ahead. They would count as
/// contacts once their time comes.
pub(crate) fn forget_ahead(tx: &Tx<'_>, device: Option<&DeviceId>, now: UnixMs) -> Result<(), ApiError> {
    let ahead = now.plus(IN_FLIGHT_MS);
    match device {
        Some(device) => contacts::forget_after(tx, device, ahead)?,
        None => contacts::forget_all_after(tx, ahead)?,
    }
    Ok(())
}

/// Server time minus monotonic time. It is constant within a boot, except for drift and the duration of requests.
fn offset(at: UnixMs, mono_ms: u64) -> i64 {
    at.0.saturating_sub(i64::try_from(mono_ms).unwrap_or(i64::MAX))
}

/// Whether the server gave the device this time at this monotonic time of this boot.
pub(crate) fn is_known(tx: &Tx<'_>, device: &DeviceId, boot: BootId, anchor: &Anchor) -> Result<bool, ApiError> {
    Ok(contacts::has(tx, device, boot, anchor.server, offset(anchor.server, anchor.mono_ms))?)
}

/// Whether the server gave a device of version 2 this time, at an unknown monotonic time.
pub(crate) fn was_given(tx: &Tx<'_>, device: &DeviceId, server: UnixMs) -> Result<bool, ApiError> {
    Ok(contacts::was_given(tx, device, server)?)
}

/// The newest contact before a moment with which the device could have sent its records. Contacts of a later hour come from a
/// server clock that was ahead, and are ignored. A later contact of the same hour counts as one of that moment: a device that
/// holds a request back until another one is answered must not hide the contacts before it.
pub(crate) fn newest(tx: &Tx<'_>, device: &DeviceId, now: UnixMs) -> Result<Option<UnixMs>, ApiError> {
    Ok(contacts::newest(tx, device, now)?)
}

/// Whether another device of a person was in contact between two times, even without naming its clock.
pub(crate) fn others(tx: &Tx<'_>, person: &str, device: &DeviceId, from: UnixMs, until: UnixMs) -> Result<bool, ApiError> {
    Ok(contacts::of_others(tx, person, device, (from, until))?)
}

/// Whether a device was in contact between two times, with a sync or any other request. `recent`: passing requests that are not
/// all stored.
pub(crate) fn within(tx: &Tx<'_>, device: &DeviceId, recent: &[UnixMs], from: UnixMs, until: UnixMs) -> Result<bool, ApiError> {
    Ok(recent.iter().any(|at| (from..=until).contains(at)) || contacts::has_within(tx, device, (from, until))?)
}

/// Whether a device's clock kept pace with the server's, boot by boot, according to its contacts.
pub(crate) struct Steadiness<'a> {
    tx: &'a Tx<'a>,
    device: &'a DeviceId,
    /// The current contact, which is not stored yet.
    now: (DeviceClock, UnixMs),
    known: RefCell<HashMap<[u8; 4], bool>>,
}

impl<'a> Steadiness<'a> {
    pub fn of(tx: &'a Tx<'a>, device: &'a DeviceId, clock: DeviceClock, received: UnixMs) -> Self {
        Self { tx, device, now: (clock, received), known: RefCell::default() }
    }

    pub fn holds(&self, boot: BootId) -> Result<bool, ApiError> {
        if let Some(known) = self.known.borrow().get(&boot.0) {
            return Ok(*known);
        }
        let (clock, received) = self.now;
        // Contacts of a later hour come from a server clock that was ahead, and prove nothing about the device's clock.
        let spread = contacts::spread(self.tx, self.device, boot, received)?;
        let here = (clock.boot == boot).then(|| (offset(received, clock.mono_ms), received));
        let steady = spread.is_none_or(|Spread { lowest_offset: low, highest_offset: high, first, last }| {
            let (low, high) = here.map_or((low, high), |(now, _)| (low.min(now), high.max(now)));
            let last = here.map_or(last, |(_, at)| last.max(at));
            let passed = last.since(first);
            is_steady(passed.saturating_sub(high.saturating_sub(low)), passed)
        });
        self.known.borrow_mut().insert(boot.0, steady);
        Ok(steady)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_that_gives_no_time_counts_once_it_is_no_part_of_a_sending_and_few_are_kept() {
        let (passing, device) = (Passing::default(), DeviceId::new([1; 16]));
        let at = |minutes: i64| UnixMs(minutes * 60_000);
        let kept = (0..=600).filter(|tenth| passing.note(device, UnixMs(tenth * 6_000))).count();
        assert_eq!(kept, 13, "an hour, one in five minutes");
        assert!(passing.0.lock().unwrap()[&device].times.len() <= 32);
        let newest = passing.before(&device, at(60)).unwrap();
        assert!(newest < at(55) && newest >= at(54), "{newest}");
        assert!(passing.before(&device, at(66)).unwrap() > at(59), "the last of them, later");
        assert_eq!(passing.before(&DeviceId::new([2; 16]), at(60)), None);
        passing.note(device, at(10)); // the clock was set back
        assert_eq!(passing.before(&device, at(70)), Some(at(10)));
    }

    #[test]
    fn a_clock_header_reads_in_one_spelling_and_anything_else_is_none() {
        let of = |value: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(CLOCK_HEADER, value.parse().unwrap());
            DeviceClock::of(&headers)
        };
        assert_eq!(of("01020304-86400000"), Some(DeviceClock { boot: BootId([1, 2, 3, 4]), mono_ms: 86_400_000 }));
        for odd in ["", "-", "1-2", "01020304", "01020304-", "0102030g-1", "01020304--1", "01020304-1099511627776"] {
            assert_eq!(of(odd), None, "{odd}");
        }
        assert_eq!(DeviceClock::of(&HeaderMap::new()), None);
    }
}
