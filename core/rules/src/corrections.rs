//! Which entries corrections take back, and which registrations correct data replace. Both depend on what the entries say and on when
//! head office received them, never on the order in which the corrections are dated.

use std::collections::{BTreeMap, HashMap, HashSet};

use doorstep_domain::{Body, ChangeHash, Correction, EntryKey, Fault, Kind, Recorded, Role, UnixMs};

/// When an entry was known: its receipt by the server. What only this device has is known since it was recorded.
pub(crate) fn known_at(recorded: &Recorded) -> UnixMs {
    recorded.standing.receipt().map_or_else(|| recorded.acted_at(), |receipt| receipt.received_at)
}

/// The registration that correct data replace, and the correction in the same change.
struct Replaced<'a> {
    wrong: &'a Recorded,
    by: &'a Recorded,
}

type ByKey<'a> = HashMap<&'a EntryKey, (usize, &'a Recorded)>;
type AllReplaced<'a> = HashMap<&'a EntryKey, Replaced<'a>>;

fn by_key(timeline: &[Recorded]) -> ByKey<'_> {
    timeline.iter().enumerate().map(|(place, r)| (&r.entry.key, (place, r))).collect()
}

/// The corrections by people who may write them, each with the entry that it corrects: its author, their outlet, and head office's
/// reviewer may.
fn permitted<'a>(
    timeline: &'a [Recorded],
    by_key: &ByKey<'a>,
) -> impl Iterator<Item = (usize, &'a Recorded, &'a Correction, &'a Recorded)> {
    timeline.iter().enumerate().filter_map(|(place, by)| {
        let Body::Correction(correction) = &by.entry.body else { return None };
        let (_, wrong) = by_key.get(&correction.of)?;
        let (author, of) = (&by.entry.author, &wrong.entry.author);
        let may = author.role == Role::HqReviewer || author.user == of.user || author.outlet == of.outlet;
        (may && by.entry.key != correction.of).then_some((place, by, correction, *wrong))
    })
}

/// What the correct data of a case replace: a correction of wrong data and the correct data are one change.
fn all_replaced<'a>(timeline: &'a [Recorded], by_key: &ByKey<'a>) -> AllReplaced<'a> {
    let mut corrected: HashMap<ChangeHash, Vec<Replaced<'a>>> = HashMap::new();
    for (_, by, correction, wrong) in permitted(timeline, by_key) {
        if correction.fault == Fault::IncorrectData && matches!(wrong.entry.body, Body::Attempt(_) | Body::Problem(_)) {
            corrected.entry(by.change).or_default().push(Replaced { wrong, by });
        }
    }
    let mut replaced = HashMap::new();
    for data in timeline {
        let Some(wrong) = corrected.get_mut(&data.change) else { continue };
        let is_its = |it: &Replaced<'_>| it.wrong.entry.body.kind() == data.entry.body.kind() && it.wrong.change != data.change;
        if let Some(of) = wrong.iter().position(is_its) {
            replaced.insert(&data.entry.key, wrong.remove(of));
        }
    }
    replaced
}

/// Follows correct data to what they replace, until something is found. Each entry is visited once for all searches. `None` in a ring
/// of corrections.
fn along<'a, T: Copy>(
    replaced: &AllReplaced<'a>,
    start: &'a EntryKey,
    found: &mut HashMap<&'a EntryKey, Option<T>>,
    own: impl Fn(&'a EntryKey) -> Option<T>,
) -> Option<T> {
    let (mut path, mut seen) = (Vec::new(), HashSet::new());
    let mut at = start;
    let value = loop {
        if let Some(value) = found.get(at).copied() {
            break value;
        }
        if let Some(value) = own(at) {
            break Some(value);
        }
        let next = replaced.get(at).filter(|_| seen.insert(at));
        let Some(next) = next else { break None };
        path.push(at);
        at = &next.wrong.entry.key;
    };
    found.extend(path.into_iter().map(|entry| (entry, value)));
    value
}

/// The first registration of all correct data, which may replace correct data themselves.
pub(crate) fn originals(timeline: &[Recorded]) -> HashMap<&EntryKey, &Recorded> {
    if !has_corrections(timeline) {
        return HashMap::new();
    }
    let by_key = by_key(timeline);
    let replaced = all_replaced(timeline, &by_key);
    let mut found = HashMap::new();
    let own = |key: &EntryKey| by_key.get(key).filter(|_| !replaced.contains_key(key)).map(|(_, first)| *first);
    let data = timeline.iter().map(|r| &r.entry.key).filter(|key| replaced.contains_key(key));
    data.filter_map(|key| Some((key, along(&replaced, key, &mut found, own)?))).collect()
}

fn has_corrections(timeline: &[Recorded]) -> bool {
    timeline.iter().any(|r| matches!(r.entry.body, Body::Correction(_)))
}

/// Something that takes an entry back, if what it needs stands.
struct Taking<'a> {
    by: &'a EntryKey,
    /// When it was known, and its place in the timeline.
    known: (UnixMs, usize),
    /// The correction itself, and the entry that is said to be the same.
    needs: [Option<&'a EntryKey>; 2],
}

#[derive(Clone, Copy)]
enum State<'a> {
    /// It is being settled. In a ring it stands, because one of several entries that are said to be the same must stay.
    Open,
    Stands,
    /// It is taken back by this correction.
    Gone(&'a EntryKey),
}

#[derive(Default)]
struct Settling<'a> {
    takings: HashMap<&'a EntryKey, Vec<Taking<'a>>>,
    states: HashMap<&'a EntryKey, State<'a>>,
}

impl<'a> Settling<'a> {
    fn gone(&self, key: &EntryKey) -> Option<&'a EntryKey> {
        match self.states.get(key) {
            Some(State::Gone(by)) => Some(by),
            _ => None,
        }
    }

    /// Decides whether an entry stands, and all entries on which that depends.
    fn settle(&mut self, key: &'a EntryKey) {
        let Self { takings, states } = self;
        if states.contains_key(key) || !takings.contains_key(key) {
            return;
        }
        states.insert(key, State::Open);
        // Entries that are being settled, with the number of the taking that is looked at.
        let mut stack = vec![(key, 0)];
        while let Some((entry, nth)) = stack.last_mut() {
            let entry = *entry;
            let Some(taking) = takings.get(entry).and_then(|all| all.get(*nth)) else {
                states.insert(entry, State::Stands);
                stack.pop();
                continue;
            };
            let mut needs = taking.needs.iter().flatten().copied();
            if let Some(needed) = needs.clone().find(|needed| takings.contains_key(needed) && !states.contains_key(needed)) {
                states.insert(needed, State::Open);
                stack.push((needed, 0));
            } else if needs.any(|needed| matches!(states.get(needed), Some(State::Gone(_)))) {
                *nth += 1;
            } else {
                states.insert(entry, State::Gone(taking.by));
                stack.pop();
            }
        }
    }
}

/// The entries that corrections take back, each with the correction of it that was known first.
///
/// A correction that is itself taken back takes nothing back. An entry that is said to be the same as another one stays if the other
/// one does not stand. Correct data go when their correction is taken back, or with what they replace; of several corrections of one
/// registration the data of the one that was received last are in force.
pub(crate) fn superseded(timeline: &[Recorded]) -> BTreeMap<EntryKey, EntryKey> {
    if !has_corrections(timeline) {
        return BTreeMap::new();
    }
    let by_key = by_key(timeline);
    let mut settling = Settling::default();
    for (place, by, correction, _) in permitted(timeline, &by_key) {
        let is_other =
            |other: &&EntryKey| other.kind == correction.of.kind && **other != correction.of && by_key.contains_key(*other);
        let same = correction.same_as.as_ref().filter(|_| correction.fault == Fault::SameAs).filter(is_other);
        if correction.fault == Fault::SameAs && same.is_none() {
            continue;
        }
        let taking = Taking { by: &by.entry.key, known: (known_at(by), place), needs: [Some(&by.entry.key), same] };
        settling.takings.entry(&correction.of).or_default().push(taking);
    }
    settling.takings.values_mut().for_each(|all| all.sort_by_key(|taking| taking.known));
    let is_correction = |key: &EntryKey| key.kind == Kind::Correction.as_str();
    let corrections = timeline.iter().filter(|r| is_correction(&r.entry.key)).map(|r| &r.entry.key);
    let corrections: Vec<&EntryKey> = corrections.collect();
    corrections.iter().for_each(|key| settling.settle(key));
    take_back_data(timeline, &by_key, &mut settling);
    // The later of two entries that are each said to be the same as the other goes.
    for key in corrections.into_iter().rev() {
        let Some((_, recorded)) = by_key.get(key) else { continue };
        let Body::Correction(correction) = &recorded.entry.body else { continue };
        correction.same_as.iter().for_each(|same| settling.settle(same));
    }
    timeline.iter().for_each(|r| settling.settle(&r.entry.key));
    let gone = settling.states.keys().filter_map(|key| Some(((*key).clone(), settling.gone(key)?.clone())));
    gone.collect()
}

/// Adds what takes correct data back.
fn take_back_data<'a>(timeline: &'a [Recorded], by_key: &ByKey<'a>, settling: &mut Settling<'a>) {
    let replaced = all_replaced(timeline, by_key);
    // What is not sent yet is received last.
    let rank = |by: &Recorded| {
        let received = by.standing.receipt().map_or(UnixMs(i64::MAX), |receipt| receipt.received_at);
        (received, by_key.get(&by.entry.key).map(|(place, _)| *place))
    };
    let mut in_force: HashMap<&EntryKey, &Recorded> = HashMap::new();
    for Replaced { wrong, by } in replaced.values().filter(|it| settling.gone(&it.by.entry.key).is_none()) {
        let last = in_force.entry(&wrong.entry.key).or_insert(by);
        if rank(last) < rank(by) {
            *last = by;
        }
    }
    let own = |key: &'a EntryKey| {
        let Replaced { wrong, by } = replaced.get(key)?;
        let other = in_force.get(&wrong.entry.key).map(|last| &last.entry.key).filter(|last| **last != by.entry.key);
        settling.gone(&by.entry.key).or(other)
    };
    let mut found = HashMap::new();
    let data = timeline.iter().map(|r| &r.entry.key).filter(|key| replaced.contains_key(key));
    let taken: Vec<(&EntryKey, &EntryKey)> =
        data.filter_map(|key| Some((key, along(&replaced, key, &mut found, own)?))).collect();
    for (key, by) in taken {
        let Some((place, correction)) = by_key.get(by) else { continue };
        let taking = Taking { by, known: (known_at(correction), *place), needs: [None, None] };
        let all = settling.takings.entry(key).or_default();
        let nth = all.partition_point(|other| other.known < taking.known);
        all.insert(nth, taking);
    }
}
