//! The order in which acts take effect.

use std::collections::HashMap;

use doorstep_domain::{Body, EntryKey, UnixMs};

use super::{Act, MOST_SCANNED};

/// A reply that goes to where its receipt puts it.
struct Waiting<'a> {
    key: &'a EntryKey,
    place: usize,
    counts: UnixMs,
    /// Before which place it stays.
    until: usize,
}

/// Orders acts by when they take effect. A registration with corrected data is in the place of the wrong one. A reply counts from
/// its receipt by the server, so it comes after the acts that were certainly done before, however many there are and whatever lies
/// between them. An act about the reply that the server received before the reply shows that somebody had it already, so the reply
/// stays before such an act.
pub(crate) fn in_order_of_effect(acts: Vec<Act<'_>>) -> Vec<Act<'_>> {
    let mut acts = acts;
    if acts.iter().any(Act::is_corrected_data) {
        let places: HashMap<&EntryKey, usize> = acts.iter().enumerate().map(|(place, act)| (act.key(), place)).collect();
        // Behind the wrong one, also if the correction is dated at the same moment and was received earlier.
        let first = |(place, act): (usize, &Act<'_>)| {
            (places.get(act.original()).copied().unwrap_or(place), act.is_corrected_data(), place)
        };
        let firsts: Vec<(usize, bool, usize)> = acts.iter().enumerate().map(first).collect();
        acts = sorted(acts, firsts);
    }
    let received = |act: &Act<'_>| act.when.received.filter(|_| matches!(act.body(), Body::Reply(_)));
    let mut waiting: Vec<Waiting<'_>> = acts
        .iter()
        .enumerate()
        .filter_map(|(place, act)| Some(Waiting { key: act.key(), place, counts: received(act)?, until: acts.len() }))
        .collect();
    if waiting.is_empty() {
        return acts;
    }
    let by_key: Option<HashMap<&EntryKey, usize>> =
        (waiting.len() > MOST_SCANNED).then(|| waiting.iter().enumerate().map(|(nth, reply)| (reply.key, nth)).collect());
    for (place, act) in acts.iter().enumerate() {
        for key in act.body().references() {
            let nth = match &by_key {
                Some(by_key) => by_key.get(key).copied(),
                None => waiting.iter().position(|reply| reply.key == key),
            };
            let Some(reply) = nth.and_then(|nth| waiting.get_mut(nth)) else { continue };
            if reply.place < place && act.when.received.is_some_and(|received| received < reply.counts) {
                reply.until = reply.until.min(place);
            }
        }
    }
    waiting.sort_by_key(|reply| reply.until);
    let mut waiting = waiting.into_iter().peekable();
    let mut moved: HashMap<usize, usize> = HashMap::new();
    // The acts so far that are earlier than each act behind them, by their latest possible times. These times grow from act to act.
    let mut least: Vec<(UnixMs, usize)> = Vec::new();
    for place in 0..=acts.len() {
        while let Some(reply) = waiting.next_if(|reply| reply.until == place) {
            let before = least.partition_point(|(latest, _)| *latest < reply.counts);
            let behind = before.checked_sub(1).and_then(|last| least.get(last)).map(|(_, place)| *place);
            if let Some(behind) = behind.filter(|behind| *behind > reply.place) {
                moved.insert(reply.place, behind);
            }
        }
        let Some(act) = acts.get(place) else { continue };
        while least.last().is_some_and(|(latest, _)| *latest >= act.when.latest) {
            least.pop();
        }
        least.push((act.when.latest, place));
    }
    if moved.is_empty() {
        return acts;
    }
    let key = |(place, act): (usize, &Act<'_>)| (moved.get(&place).copied().unwrap_or(place), received(act).is_some(), place);
    let places: Vec<(usize, bool, usize)> = acts.iter().enumerate().map(key).collect();
    sorted(acts, places)
}

/// The acts in the order of their keys.
fn sorted<K: Ord>(acts: Vec<Act<'_>>, keys: Vec<K>) -> Vec<Act<'_>> {
    let mut keyed: Vec<(K, Act<'_>)> = keys.into_iter().zip(acts).collect();
    keyed.sort_by(|(a, _), (b, _)| a.cmp(b));
    keyed.into_iter().map(|(_, act)| act).collect()
}
