//! The published versions of one network's pack, and the times at which they are in force.

use doorstep_domain::{Recorded, UnixMs};

use crate::Pack;

/// A published version of the pack.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Published {
    /// When it comes into force. It ends when a newer version does.
    pub valid_from: UnixMs,
    /// The rules.
    pub pack: Pack,
}

/// All versions that a replica holds. An act is judged by the version in force when it happened (domain 13).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rulebook {
    first: Published,
    /// Newer versions, ordered.
    later: Vec<Published>,
}

/// The known time of an act, and the version by which it is judged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct When {
    /// The best estimate.
    pub at: UnixMs,
    /// The receipt by the server.
    pub received: Option<UnixMs>,
    /// The earliest possible time: by the device's clock if that proves it, else by its contacts with the server.
    pub earliest: UnixMs,
    /// The latest possible time. It counts wherever an earlier time would benefit its claimant.
    pub latest: UnixMs,
    /// Whether the device's clock proves the time.
    pub verified: bool,
    /// Whether the server has the act but its time is uncertain: unproven by more than the clock tolerance, or marked.
    pub doubtful: bool,
    /// Index of the version in the rulebook.
    pub version: usize,
    /// Whether another version may have been in force, because the interval includes a change of version or is unbounded.
    pub unsure: bool,
}

impl When {
    /// The time that counts where an earlier time would benefit its claimant: the estimate if it is proven, else the latest
    /// possible time.
    pub fn claim(&self) -> UnixMs {
        if self.verified { self.at } else { self.latest }
    }
}

impl Rulebook {
    /// The rulebook of these versions; `None` if there are none.
    pub fn of(mut versions: Vec<Published>) -> Option<Self> {
        versions.sort_by_key(|published| published.pack.version);
        let mut versions = versions.into_iter();
        Some(Self { first: versions.next()?, later: versions.collect() })
    }

    /// A rulebook of one version that was always in force.
    pub fn only(pack: Pack) -> Self {
        Self { first: Published { valid_from: UnixMs(i64::MIN), pack }, later: Vec::new() }
    }

    /// The versions, the oldest first.
    pub fn versions(&self) -> impl DoubleEndedIterator<Item = &Published> {
        std::iter::once(&self.first).chain(&self.later)
    }

    /// The rules in force at a moment: the newest version that was valid by then, or, before all versions, the oldest one.
    pub fn at(&self, at: UnixMs) -> &Pack {
        self.pack(self.version_at(at))
    }

    /// The newest version, whether it is in force yet or not.
    pub fn newest(&self) -> &Published {
        self.later.last().unwrap_or(&self.first)
    }

    /// A version by its number.
    pub fn version(&self, version: u32) -> Option<&Published> {
        self.versions().find(|published| published.pack.version == version)
    }

    pub(crate) fn pack(&self, place: usize) -> &Pack {
        let published = place.checked_sub(1).and_then(|place| self.later.get(place));
        &published.unwrap_or(&self.first).pack
    }

    pub(crate) fn version_at(&self, at: UnixMs) -> usize {
        let valid = self.later.iter().rposition(|published| published.valid_from <= at);
        valid.map_or(0, |place| place + 1)
    }

    /// Whether a version may have been in force within the possible times of an act.
    pub(crate) fn may_hold(&self, place: usize, when: &When) -> bool {
        let begins = |published: &Published| {
            let from = published.valid_from;
            when.earliest < from && from <= when.latest && self.version_at(from) == place
        };
        place == self.version_at(when.earliest) || self.versions().nth(place).is_some_and(begins)
    }

    /// The other versions that may have been in force within the possible times of an act, the newest first.
    pub(crate) fn others<'b>(&'b self, when: &'b When) -> impl Iterator<Item = usize> + 'b {
        (0..=self.later.len()).rev().filter(|place| *place != when.version && self.may_hold(*place, when))
    }

    /// When an entry's act happened, and by which version it is judged.
    pub(crate) fn when(&self, recorded: &Recorded) -> When {
        let at = recorded.acted_at();
        let version = self.version_at(at);
        let unbounded = UnixMs(i64::MIN);
        let mut when =
            When { at, received: None, earliest: at, latest: at, verified: false, doubtful: false, version, unsure: false };
        if let Some(receipt) = recorded.standing.receipt() {
            let (acted, received, switches) = (receipt.acted, receipt.received_at, &self.pack(version).switches);
            when.verified = acted.at.is_some() && acted.proves(received, switches.trusted_gap_ms());
            let (earliest, latest) = acted.proven(received, switches.trusted_gap_ms());
            (when.received, when.earliest, when.latest) = (Some(received), earliest.unwrap_or(unbounded).min(latest), latest);
            let is_odd = acted.passed_over || acted.disordered || acted.unsteady;
            let is_wide = latest.since(when.earliest) > switches.clock_tolerance_ms();
            when.doubtful = !when.verified && (is_odd || is_wide);
            let unsure = self.others(&when).next().is_some();
            when.unsure = unsure;
        }
        when
    }
}
