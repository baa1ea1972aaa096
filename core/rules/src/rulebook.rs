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
    /// The latest that it can have been.
    pub latest: UnixMs,
    /// Whether the server could reckon it.
    pub verified: bool,
    /// Place of the version in the rulebook.
    pub version: usize,
    /// Another version may have been in force: the interval straddles a switch, or nothing bounds it.
    pub unsure: bool,
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

    /// When an entry's act happened, and by which version it is judged.
    pub(crate) fn when(&self, recorded: &Recorded) -> When {
        let (at, receipt) = (recorded.acted_at(), recorded.standing.receipt());
        let version = self.version_at(at);
        let (received, latest, verified, unsure) = match receipt {
            Some(receipt) => {
                let (earliest, latest) = receipt.acted.interval(receipt.received_at);
                let ends = [earliest.unwrap_or(UnixMs(i64::MIN)), latest];
                let unsure = ends.iter().any(|end| self.version_at(*end) != version);
                (Some(receipt.received_at), latest, receipt.acted.at.is_some() && !receipt.acted.foreign_anchor, unsure)
            }
            None => (None, at, false, false),
        };
        When { at, received, latest, verified, version, unsure }
    }
}
