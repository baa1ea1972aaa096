//! The order in which acts take effect.

use std::collections::HashMap;

use doorstep_domain::{Body, EntryKey, UnixMs};

use super::Act;

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
    let replies: HashMap<&EntryKey, (usize, UnixMs)> =
        acts.iter().enumerate().filter_map(|(place, act)| Some((act.key(), (place, received(act)?)))).collect();
    if replies.is_empty() {
        return acts;
    }
    // Before which place each reply stays.
    let mut until: HashMap<usize, usize> = replies.values().map(|(reply, _)| (*reply, acts.len())).collect();
    for (place, act) in acts.iter().enumerate() {
        for (reply, counts) in act.body().references().into_iter().filter_map(|key| replies.get(key)) {
            if *reply < place && act.when.received.is_some_and(|received| received < *counts) {
                until.entry(*reply).and_modify(|until| *until = place.min(*until));
            }
        }
    }
    let mut waiting: HashMap<usize, Vec<(usize, UnixMs)>> = HashMap::new();
    for (reply, counts) in replies.values() {
        let until = until.get(reply).copied().unwrap_or(acts.len());
        waiting.entry(until).or_default().push((*reply, *counts));
    }
    let mut moved: HashMap<usize, usize> = HashMap::new();
    // The acts so far that are earlier than each act behind them, by their latest possible times. These times grow from act to act.
    let mut least: Vec<(UnixMs, usize)> = Vec::new();
    for place in 0..=acts.len() {
        for (reply, counts) in waiting.remove(&place).into_iter().flatten() {
            let before = least.partition_point(|(latest, _)| *latest < counts);
            let behind = before.checked_sub(1).and_then(|last| least.get(last)).map(|(_, place)| *place);
            if let Some(behind) = behind.filter(|behind| *behind > reply) {
                moved.insert(reply, behind);
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
