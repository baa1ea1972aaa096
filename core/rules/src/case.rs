//! The fold, which builds a case from merged entries with their receipts.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use doorstep_domain::{Body, EntryKey, Facts, Kind, Recorded, Standing, UnixMs, Waybill};
use serde::Serialize;

use crate::{
    corrections::superseded,
    listing::{Listing, Row},
    tally::{Work, note},
};

/// Prefix of provisional waybills, which are used when the label cannot be read.
pub const PROVISIONAL: &str = "PV-";

/// One problem parcel, as known to a replica.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Case {
    /// The parcel's facts by the newest row. Each act is judged by the row in force when it happened, see [`rows`](Self::rows).
    pub facts: Facts,
    /// Whether head office has confirmed the facts: it found a copy equal to its row, or wrote the row into the case. Unconfirmed
    /// facts are a device's claim. They are used for state and clocks, but nobody is held liable by them.
    pub facts_confirmed: bool,
    /// Whether there are differing copies that head office has not refuted.
    pub facts_disagree: bool,
    /// The known rows of head office's list that were in force since the earliest act, the oldest first; at least one. If head
    /// office wrote none into the case, this is the copy that equals a row and was received earliest (on a tie, with the smallest
    /// change hash). Without such a copy it is the earliest other copy. A copy by a writer without a row is used only if there is
    /// no better one, and an altered copy is never used.
    pub rows: Vec<Row>,
    /// Entries by the best estimate of when they happened, then by change hash, then by their index in the change; each act once.
    /// Refused entries are not included.
    pub timeline: Vec<Recorded>,
    /// Entries that a correction has superseded, with the correction that was known first. They stay in the timeline but no longer
    /// count. Correct data are superseded too if they are not in force.
    pub superseded: BTreeMap<EntryKey, EntryKey>,
    /// Entries that the server refused and that are kept on both sides.
    pub quarantined: Vec<Recorded>,
}

/// Removes repeated acts. A device that moves to a new installation without knowing whether head office has its last batch (a
/// salvaged store, a replaced key) writes its acts again under the new installation, with the same author, content, boot and
/// monotonic time. The copy that was received first stays.
pub(crate) fn once(timeline: &mut Vec<Recorded>) {
    let received = |r: &Recorded| (r.standing.receipt().map_or(UnixMs(i64::MAX), |receipt| receipt.received_at), r.entry.key.tag);
    let mut written: Vec<([u8; 28], &Recorded, usize)> =
        timeline.iter().enumerate().map(|(place, r)| (r.entry.time.to_bytes(), r, place)).collect();
    written.sort_unstable_by_key(|(time, _, place)| (*time, *place));
    let mut again: HashSet<usize> = HashSet::new();
    // The entries of one action have one time, and no installation writes an act twice.
    let are_of_several = |same: &&[([u8; 28], &Recorded, usize)]| {
        let mut tags = same.iter().map(|(_, recorded, _)| recorded.entry.key.tag);
        tags.next().is_some_and(|first| tags.any(|tag| tag != first))
    };
    for same in written.chunk_by(|(a, ..), (b, ..)| a == b).filter(are_of_several) {
        for act in writings(same) {
            let stands = act.iter().min_by_key(|(recorded, _)| received(recorded));
            let is_again = |recorded: &Recorded| stands.is_some_and(|(stands, _)| stands.entry.key.tag != recorded.entry.key.tag);
            again.extend(act.iter().filter(|(recorded, _)| is_again(recorded)).map(|(_, place)| place));
        }
    }
    if again.is_empty() {
        return;
    }
    let mut place = 0..;
    timeline.retain(|_| place.next().is_none_or(|place| !again.contains(&place)));
}

/// The acts of some entries of one moment, each with its writings: entries with one author and one content.
fn writings<'r>(same: &[([u8; 28], &'r Recorded, usize)]) -> Vec<Vec<(&'r Recorded, usize)>> {
    let mut acts: Vec<Vec<(&Recorded, usize)>> = Vec::new();
    for (_, recorded, place) in same {
        let entry = &recorded.entry;
        let is_its = |first: &Recorded| first.entry.author.user == entry.author.user && first.entry.body == entry.body;
        match acts.iter_mut().find(|act| act.first().is_some_and(|(first, _)| is_its(first))) {
            Some(act) => act.push((recorded, *place)),
            None => acts.push(vec![(recorded, *place)]),
        }
    }
    acts
}

/// Most passes that move entries behind the entries they refer to. Longer chains of wrong clocks stay unordered.
const MOST_MOVES: usize = 8;

/// Orders entries by the time of their act and removes repeated acts. An entry always comes after the entries that it refers to,
/// even if the clocks disagree: a reply by a tablet with an unproven clock comes after the notice that it answers. Acts of the
/// same moment are ordered by receipt, and each installation's acts stay in the order of writing.
pub(crate) fn in_order(mut entries: Vec<Recorded>) -> Vec<Recorded> {
    let received = |r: &Recorded| r.standing.receipt().map_or(UnixMs(i64::MAX), |receipt| receipt.received_at);
    let rank = |r: &Recorded| (received(r), r.entry.key.tag, r.entry.key.seq, r.entry.key.index, r.change);
    entries.sort_by_key(|r| (r.acted_at(), rank(r)));
    entries.dedup_by(|a, b| a.change == b.change && a.entry.key == b.entry.key);
    let about: Vec<(usize, usize)> = {
        let places: HashMap<&EntryKey, usize> = entries.iter().enumerate().map(|(place, r)| (&r.entry.key, place)).collect();
        let of = |(place, r): (usize, &Recorded)| {
            let about = r.entry.body.references().into_iter().filter_map(|key| places.get(key).copied());
            about.map(move |other| (place, other)).collect::<Vec<_>>()
        };
        entries.iter().enumerate().flat_map(of).collect()
    };
    // The moment of each entry, and how many entries of the same moment come before it.
    let mut moments: Vec<(UnixMs, usize)> = entries.iter().map(|r| (r.acted_at(), 0)).collect();
    for _ in 0..MOST_MOVES {
        let mut moved = false;
        for (place, other) in &about {
            let Some((at, behind)) = moments.get(*other).copied().filter(|_| place != other) else { continue };
            if let Some(moment) = moments.get_mut(*place).filter(|moment| **moment < (at, behind + 1)) {
                (*moment, moved) = ((at, behind + 1), true);
            }
        }
        if !moved {
            break;
        }
    }
    let mut timed: Vec<((UnixMs, usize), Recorded)> = moments.into_iter().zip(entries).collect();
    timed.sort_by_key(|(moment, r)| (*moment, rank(r)));
    timed.into_iter().map(|(_, r)| r).collect()
}

impl Case {
    /// Folds entries in any order and with repetitions. `None` if no entry has the parcel's facts.
    pub fn fold(entries: impl IntoIterator<Item = Recorded>) -> Option<Self> {
        note(Work::Fold);
        let (quarantined, mut timeline): (Vec<_>, Vec<_>) =
            entries.into_iter().partition(|r| matches!(r.standing, Standing::Quarantined { .. }));
        once(&mut timeline);
        let timeline = in_order(timeline);
        let quarantined = in_order(quarantined);
        let Listing { rows, confirmed, disagree } = Listing::of(timeline.iter().chain(&quarantined))?;
        let facts = rows.last()?.facts.clone();
        let superseded = superseded(&timeline);
        Some(Self { facts, facts_confirmed: confirmed, facts_disagree: disagree, rows, timeline, superseded, quarantined })
    }

    /// The case with entries that no server has answered yet: what folding all of its entries with them gives. Entries that come after
    /// everything known are put at its end, which is what a device records; others are folded with the rest.
    pub fn with(mut self, mut entries: Vec<Recorded>) -> Self {
        if !self.come_last(&entries) {
            let known = self.timeline.iter().chain(&self.quarantined).cloned();
            return Self::fold(known.chain(entries)).unwrap_or(self);
        }
        let has_facts = entries.iter().any(|r| r.entry.facts.is_some());
        let has_corrections = entries.iter().any(|r| matches!(r.entry.body, Body::Correction(_)));
        once(&mut entries);
        self.timeline.extend(in_order(entries));
        if has_corrections {
            self.superseded = superseded(&self.timeline);
        }
        if !has_facts {
            return self;
        }
        let Some(Listing { rows, confirmed, disagree }) = Listing::of(self.timeline.iter().chain(&self.quarantined)) else {
            return self;
        };
        let facts = rows.last().map_or(self.facts, |row| row.facts.clone());
        Self { facts, facts_confirmed: confirmed, facts_disagree: disagree, rows, ..self }
    }

    /// Whether entries change nothing of what is known before them: they are later than all of it, no known entry is about one of
    /// them, and none of them is another writing of a known act.
    fn come_last(&self, entries: &[Recorded]) -> bool {
        let latest = self.timeline.iter().map(Recorded::acted_at).max();
        let is_later = |r: &Recorded| latest.is_none_or(|latest| r.acted_at() > latest);
        let is_open = |r: &Recorded| matches!(r.standing, Standing::OnThisDevice | Standing::SentNotConfirmed);
        let is_known = |new: &Recorded| {
            self.timeline.iter().any(|r| {
                let is_again = r.entry.time == new.entry.time && r.entry.author.user == new.entry.author.user;
                is_again || r.entry.key == new.entry.key || r.entry.body.references().contains(&&new.entry.key)
            })
        };
        entries.iter().all(|r| is_later(r) && is_open(r) && !is_known(r))
    }

    /// The entries of a kind, in the timeline's order, corrected ones too.
    pub fn of_kind(&self, kind: Kind) -> impl DoubleEndedIterator<Item = &Recorded> {
        self.timeline.iter().filter(move |r| r.entry.body.kind() == kind.as_str())
    }

    /// Whether no correction has superseded an entry.
    pub fn stands(&self, recorded: &Recorded) -> bool {
        !self.superseded.contains_key(&recorded.entry.key)
    }

    /// The entries that stand, in the timeline's order.
    pub fn standing(&self) -> impl DoubleEndedIterator<Item = &Recorded> {
        self.timeline.iter().filter(|r| self.stands(r))
    }

    /// An entry by its key.
    pub fn entry(&self, key: &EntryKey) -> Option<&Recorded> {
        self.timeline.iter().find(|r| r.entry.key == *key)
    }

    /// The standing entries of some sort that no other standing entry of the sort replaces, in the timeline's order.
    pub fn unreplaced(&self, wanted: impl Fn(&Body) -> bool) -> Vec<&Recorded> {
        let all: Vec<&Recorded> = self.standing().filter(|r| wanted(&r.entry.body)).collect();
        let replaced: HashSet<&EntryKey> = all.iter().filter_map(|r| r.entry.body.replaces()).collect();
        all.into_iter().filter(|r| !replaced.contains(&r.entry.key)).collect()
    }

    /// Whether the case has ended: the parcel is signed for, returned, or continues under its own number. A dispute may still be
    /// open.
    pub fn has_ended(&self) -> bool {
        let is_provisional = self.is_provisional();
        let mut openness = Openness::default();
        self.standing().for_each(|r| openness.take(&r.entry.body, is_provisional));
        openness.ended
    }

    /// Number of failed deliveries, counted from the entries.
    pub fn attempts(&self) -> usize {
        self.standing().filter(|r| matches!(r.entry.body, Body::Attempt(_))).count()
    }

    /// The newest registration's code: of a failed delivery, or of another problem.
    pub fn reason(&self) -> Option<&str> {
        self.standing().rev().find_map(|r| registered(&r.entry.body)).map(|(code, _)| code)
    }

    /// Whether the number is a provisional one.
    pub fn is_provisional(&self) -> bool {
        self.facts.waybill.as_str().starts_with(PROVISIONAL)
    }

    /// The other numbers of the same parcel.
    pub fn aliases(&self) -> impl Iterator<Item = &Waybill> {
        self.standing().filter_map(|r| match &r.entry.body {
            Body::Alias(alias) => Some(&alias.waybill),
            _ => None,
        })
    }
}

/// Code and sub-reason of a registration.
pub(crate) fn registered(body: &Body) -> Option<(&str, Option<&str>)> {
    match body {
        Body::Attempt(attempt) => Some((attempt.reason.as_str(), attempt.sub.as_ref().map(|sub| sub.as_str()))),
        Body::Problem(problem) => Some((problem.reason.as_str(), problem.sub.as_ref().map(|sub| sub.as_str()))),
        _ => None,
    }
}

/// Tracks entry by entry whether a case is open. A shipment of several pieces ends piece by piece or as a whole. A case under a
/// provisional number ends when the parcel's own number is known.
#[derive(Default)]
pub(crate) struct Openness {
    whole: bool,
    pieces: BTreeSet<Waybill>,
    /// Whether it has ended.
    pub ended: bool,
}

impl Openness {
    /// Applies the next standing entry.
    pub fn take(&mut self, body: &Body, is_provisional: bool) {
        match body {
            Body::Attempt(doorstep_domain::Attempt { piece, .. }) | Body::Problem(doorstep_domain::Problem { piece, .. }) => {
                self.ended = false;
                match piece {
                    Some(piece) => drop(self.pieces.insert(piece.clone())),
                    None => self.whole = true,
                }
            }
            Body::Close(doorstep_domain::Close { piece: Some(piece), .. }) => {
                self.pieces.remove(piece);
                self.ended = !self.whole && self.pieces.is_empty();
            }
            Body::Close(_) => *self = Self { ended: true, ..Self::default() },
            Body::Alias(_) if is_provisional => *self = Self { ended: true, ..Self::default() },
            _ => {}
        }
    }
}
