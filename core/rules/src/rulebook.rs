//! The published versions of one network's pack, and which of them was in force when.

use doorstep_domain::{Recorded, UnixMs};

use crate::Pack;

/// A version of the pack as it was published.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Published {
    /// From when it is in force, until a newer version is.
    pub valid_from: UnixMs,
    /// The rules.
    pub pack: Pack,
}

/// All versions that a replica holds. An act is judged by the version in force when it happened (domain 13).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rulebook {
    first: Published,
    /// Newer ones, by version.
    later: Vec<Published>,
}

/// When an act happened, as far as it is known, and by which version it is judged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct When {
    /// The best estimate.
    pub at: UnixMs,
    /// When the server had it.
    pub received: Option<UnixMs>,
    /// The earliest that it can have been: by the device's clock where that proves it, else by its contacts with the server.
    pub earliest: UnixMs,
    /// The latest that it can have been. Wherever a claimed time helps whoever claims it, this counts.
    pub latest: UnixMs,
    /// Whether the device's clock proves it.
    pub verified: bool,
    /// The server has it, and its time is open: not proven by more than a device clock may be off, or marked as odd.
    pub doubtful: bool,
    /// Place of the version in the rulebook.
    pub version: usize,
    /// Another version may have been in force: the interval straddles a switch, or nothing bounds it.
    pub unsure: bool,
}

impl When {
    /// The day or moment that counts where the claim helps whoever makes it: the estimate where it is proven, else the latest.
    pub fn claim(&self) -> UnixMs {
        if self.verified { self.at } else { self.latest }
    }
}

impl Rulebook {
    /// The book of these versions; `None` without any.
    pub fn of(mut versions: Vec<Published>) -> Option<Self> {
        versions.sort_by_key(|published| published.pack.version);
        let mut versions = versions.into_iter();
        Some(Self { first: versions.next()?, later: versions.collect() })
    }

    /// A book of one version that was always in force.
    pub fn only(pack: Pack) -> Self {
        Self { first: Published { valid_from: UnixMs(i64::MIN), pack }, later: Vec::new() }
    }

    /// The versions, the oldest first.
    pub fn versions(&self) -> impl DoubleEndedIterator<Item = &Published> {
        std::iter::once(&self.first).chain(&self.later)
    }

    /// The rules in force at a moment: the newest version that was valid by then. Before all of them, the oldest one held.
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

    /// Whether a version may have been in force when an act happened, as far as its time is known.
    pub(crate) fn may_hold(&self, place: usize, when: &When) -> bool {
        let begins = |published: &Published| {
            let from = published.valid_from;
            when.earliest < from && from <= when.latest && self.version_at(from) == place
        };
        place == self.version_at(when.earliest) || self.versions().nth(place).is_some_and(begins)
    }

    /// The other versions that may have been in force when an act happened, the newest first.
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
