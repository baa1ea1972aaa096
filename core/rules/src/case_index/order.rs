//! The order in which acts take effect.

use std::collections::HashMap;

use doorstep_domain::{Body, EntryKey, UnixMs};

use super::Act;

/// Orders acts by when they take effect. A registration with corrected data is in the place of the wrong one. A reply counts from
/// its receipt by the server, so it comes after the acts that were certainly done before, however many there are and whatever lies
/// between them, unless they are about the reply.
pub(crate) fn in_order_of_effect(acts: Vec<Act<'_>>) -> Vec<Act<'_>> {
    let mut acts = acts;
    if acts.iter().any(Act::is_corrected_data) {
        let places: HashMap<&EntryKey, usize> = acts.iter().enumerate().map(|(place, act)| (act.key(), place)).collect();
        let first = |(place, act): (usize, &Act<'_>)| (places.get(act.original()).copied().unwrap_or(place), place);
        let firsts: Vec<(usize, usize)> = acts.iter().enumerate().map(first).collect();
        acts = sorted(acts, firsts);
    }
    let received = |act: &Act<'_>| act.when.received.filter(|_| matches!(act.body(), Body::Reply(_)));
    // For each place the least of the latest possible times from there on, which only grows from place to place.
    let mut least: Vec<UnixMs> = acts.iter().map(|act| act.when.latest).collect();
    let mut so_far = UnixMs(i64::MAX);
    for latest in least.iter_mut().rev() {
        so_far = so_far.min(*latest);
        *latest = so_far;
    }
    let behind = |place: usize, received: UnixMs| least.partition_point(|latest| *latest < received).saturating_sub(1).max(place);
    let replies = acts.iter().enumerate().filter_map(|(place, act)| Some((place, behind(place, received(act)?))));
    let mut moved: HashMap<usize, usize> = replies.filter(|(place, behind)| behind > place).collect();
    if moved.is_empty() {
        return acts;
    }
    let keys: HashMap<&EntryKey, usize> = moved.keys().filter_map(|place| Some((acts.get(*place)?.key(), *place))).collect();
    for (place, act) in acts.iter().enumerate() {
        for reply in act.body().references().into_iter().filter_map(|key| keys.get(key)).filter(|reply| **reply < place) {
            moved.entry(*reply).and_modify(|behind| *behind = place.saturating_sub(1).min(*behind));
        }
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
