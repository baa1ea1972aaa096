//! The fold: merged entries with their receipts become one case.

use std::collections::HashMap;

use doorstep_domain::{Body, ChangeHash, Facts, Kind, Recorded, Standing, UnixMs, UserId};
use serde::Serialize;

/// One problem parcel as a replica knows it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Case {
    /// The parcel's deciding facts: those received earliest by the server, then with the smallest change hash; before any
    /// receipt, the smallest hash. A copy by somebody who knew no parcel row decides only where nobody did.
    pub facts: Facts,
    /// Whether installations that knew the parcel copied different facts.
    pub facts_disagree: bool,
    /// Entries by the best estimate of when they happened, then by change hash, then by their place in the change; each act once.
    /// What the server has refused is not among them.
    pub timeline: Vec<Recorded>,
    /// Entries that the server refused and that are kept on both sides.
    pub quarantined: Vec<Recorded>,
}

/// Leaves each act once. A device that had to move on to a new installation without knowing whether head office had its last batch
/// (a salvaged store, a replaced key) writes its acts again: same author, same moment of the same boot, same content, another
/// installation. The writing that was received first stands.
fn once(timeline: &mut Vec<Recorded>) {
    let received = |r: &Recorded| (r.standing.receipt().map_or(UnixMs(i64::MAX), |receipt| receipt.received_at), r.entry.key.tag);
    let mut first: HashMap<(UserId, [u8; 28]), Vec<usize>> = HashMap::new();
    for (i, recorded) in timeline.iter().enumerate() {
        first.entry((recorded.entry.author.user.clone(), recorded.entry.time.to_bytes())).or_default().push(i);
    }
    let is_again = |recorded: &Recorded| {
        let same = first.get(&(recorded.entry.author.user.clone(), recorded.entry.time.to_bytes()));
        let writings = same.into_iter().flatten().filter_map(|i| timeline.get(*i));
        let stands = writings.filter(|other| other.entry.body == recorded.entry.body).min_by_key(|other| received(other));
        stands.is_some_and(|stands| stands.entry.key.tag != recorded.entry.key.tag)
    };
    let again: Vec<bool> = timeline.iter().map(is_again).collect();
    let mut again = again.into_iter();
    timeline.retain(|_| !again.next().unwrap_or(false));
}

impl Case {
    /// Folds entries in any order. `None` without a single entry that carries the parcel's facts.
    pub fn fold(entries: impl IntoIterator<Item = Recorded>) -> Option<Self> {
        let (mut quarantined, mut timeline): (Vec<_>, Vec<_>) =
            entries.into_iter().partition(|r| matches!(r.standing, Standing::Quarantined { .. }));
        once(&mut timeline);
        let in_order = |r: &Recorded| (r.acted_at(), r.change, r.entry.key.index);
        timeline.sort_by_key(in_order);
        quarantined.sort_by_key(in_order);
        let received = |r: &Recorded| r.standing.receipt().map_or(UnixMs(i64::MAX), |receipt| receipt.received_at);
        let mut copies: Vec<((bool, UnixMs, ChangeHash), &Facts)> = timeline
            .iter()
            .chain(&quarantined)
            .filter_map(|r| r.entry.facts.as_ref().map(|facts| ((facts.is_unlisted(), received(r), r.change), facts)))
            .collect();
        copies.sort_by_key(|(rank, _)| *rank);
        let facts = copies.first().map(|(_, facts)| (*facts).clone())?;
        // The reference version may differ between honest copies; what it says of the parcel may not.
        let differs = |other: &Facts| Facts { reference: facts.reference, ..other.clone() } != facts;
        let facts_disagree = copies.iter().any(|(_, other)| !other.is_unlisted() && differs(other));
        Some(Self { facts, facts_disagree, timeline, quarantined })
    }

    /// The entries of a kind, in the timeline's order.
    pub fn of_kind(&self, kind: Kind) -> impl Iterator<Item = &Recorded> {
        self.timeline.iter().filter(move |r| r.entry.body.kind() == kind.as_str())
    }

    /// The courier to whom the parcel is being handed over and who has not taken it over yet (C-23).
    pub fn offered_to(&self) -> Option<&UserId> {
        let (handover, to) = self.of_kind(Kind::Handover).last().and_then(|r| match &r.entry.body {
            Body::Handover(handover) => Some((&r.entry.key, &handover.to)),
            _ => None,
        })?;
        let taken = |r: &Recorded| matches!(&r.entry.body, Body::Takeover(takeover) if takeover.handover == *handover);
        (!self.of_kind(Kind::Takeover).any(taken)).then_some(to)
    }

    /// Number of failed deliveries: counted, never stored.
    pub fn attempts(&self) -> usize {
        self.of_kind(Kind::Attempt).count()
    }

    /// The newest attempt's reason code.
    pub fn reason(&self) -> Option<&str> {
        self.of_kind(Kind::Attempt).last().and_then(|r| match &r.entry.body {
            Body::Attempt(attempt) => Some(attempt.reason.as_str()),
            _ => None,
        })
    }
}
