//! Divides a case into rounds of registration, notice and reply, and finds where it ended.

use std::collections::HashSet;

use doorstep_domain::{Body, UnixMs};

use super::{Act, CaseIndex, End, Round};
use crate::{
    On,
    case::Openness,
    deadline::{counts_as_start, is_notified},
};

/// The most registrations of a round with which one is compared, the newest ones.
const MOST_COMPARED: usize = 256;

/// The rounds and ends by some of the acts.
struct Divided {
    rounds: Vec<Round>,
    ends: Vec<End>,
    ended: bool,
}

/// Finds the rounds and ends of a case.
pub(crate) fn find(index: &mut CaseIndex<'_>) {
    let Divided { mut rounds, ends, ended } = divide(index, |_, act| act.stands());
    tell(index, &mut rounds, |_, act| act.stands());
    (index.rounds, index.ends, index.ended) = (rounds, ends, ended);
    let kept = kept_for_review(index);
    index.begun = (!kept.is_empty()).then(|| {
        let counts = |place: usize, act: &Act<'_>| act.stands() || kept.contains(&place);
        let Divided { mut rounds, .. } = divide(index, counts);
        tell(index, &mut rounds, counts);
        rounds
    });
}

/// The registrations and notices that were corrected or taken back only after a duty that they began had run out. The duty stays for
/// head office, in every round.
fn kept_for_review(index: &CaseIndex<'_>) -> HashSet<usize> {
    let is_kept = |act: &Act<'_>| {
        let at = match act.body() {
            Body::Notice(_) => act.when.received,
            Body::Attempt(_) | Body::Problem(_) => Some(act.when.at),
            _ => None,
        };
        let Some(at) = at else { return false };
        let begins = |on: On| match act.body() {
            Body::Notice(_) => on == On::Notice,
            _ => on == On::Attempt || (on == On::Registration && is_notified(index, act)),
        };
        // Nobody answers for a clock without a rule.
        let clocks = index.pack_of(act).clocks.iter().filter(|clock| clock.rule.is_some() && begins(clock.starts.on));
        let mut clocks = clocks.filter(|clock| clock.starts.is(act.body()));
        clocks.any(|clock| counts_as_start(index, act, clock, at))
    };
    let corrected = index.acts.iter().enumerate().filter(|(_, act)| !act.stands());
    corrected.filter(|(_, act)| is_kept(act)).map(|(place, _)| place).collect()
}

/// Divides the acts that count.
fn divide(index: &CaseIndex<'_>, counts: impl Fn(usize, &Act<'_>) -> bool) -> Divided {
    let mut rounds: Vec<Round> = Vec::new();
    let mut ends: Vec<End> = Vec::new();
    let (mut openness, is_provisional) = (Openness::default(), index.case.is_provisional());
    // From when on a reply of the round counts.
    let (mut replied, mut day): (Option<UnixMs>, Option<UnixMs>) = (None, None);
    // Until when the writers of the round's notices may have known of registrations, and what is registered in the round.
    let (mut told_until, mut registered): (Option<UnixMs>, Vec<&Act<'_>>) = (None, Vec::new());
    let valid_from = |act: &Act<'_>| act.is_valid_reply().then(|| act.valid_from.unwrap_or(UnixMs(i64::MIN)));
    for (place, act) in index.acts.iter().enumerate().filter(|(place, act)| counts(*place, act)) {
        let was_ended = openness.ended;
        openness.take(act.body(), is_provisional);
        match act.body() {
            Body::Attempt(_) | Body::Problem(_) => {
                let today = index.pack_of(act).end_of_day(act.when.at).ok();
                let is_untold = || told_until.is_some_and(|until| until < act.when.earliest);
                let is_new = || !registered.iter().rev().take(MOST_COMPARED).any(|other| index.may_be_same(other, act));
                // What was certainly done before a reply counted is no answer to it.
                let is_answered = replied.is_some_and(|from| from <= act.when.latest);
                if rounds.is_empty() || was_ended || is_answered || today != day || (is_untold() && is_new()) {
                    rounds.push(Round { from: place, told: None });
                    (replied, day, told_until) = (None, today, None);
                    registered.clear();
                }
                registered.push(act);
            }
            Body::Notice(_) | Body::Outage(_) | Body::Reply(_) if rounds.is_empty() => {
                rounds.push(Round { from: place, told: None });
                // The registration that the act refers to may have a later time.
                day = index.pack_of(act).end_of_day(act.when.at).ok();
                replied = valid_from(act);
            }
            Body::Reply(_) => replied = replied.into_iter().chain(valid_from(act)).min(),
            _ => {}
        }
        told_until = told_until.max(index.knew_until(act));
        if openness.ended && !was_ended {
            ends.push(End { place, at: act.when.at, latest: act.when.latest });
        } else if let (true, Body::Close(_), Some(end)) = (openness.ended, act.body(), ends.last_mut()) {
            // A second end of the case may prove its time better.
            end.latest = end.latest.min(act.when.latest);
        }
    }
    Divided { rounds, ends, ended: openness.ended }
}

/// Finds when the origin outlet was first told in each round.
fn tell(index: &CaseIndex<'_>, rounds: &mut [Round], counts: impl Fn(usize, &Act<'_>) -> bool) {
    for (place, act) in index.acts.iter().enumerate().filter(|(place, act)| counts(*place, act)) {
        let at = match act.body() {
            Body::Notice(_) if index.to_origin(act) => act.when.received,
            Body::Outage(_) => index.phoned(act, index.pack_of(act), None).map(|_| act.when.claim()),
            _ => None,
        };
        let Some(at) = at else { continue };
        let round = rounds.partition_point(|round| round.from <= place).checked_sub(1);
        let Some(round) = round.and_then(|round| rounds.get_mut(round)) else { continue };
        if index.acts.get(round.from).is_none_or(|first| index.tells_of(act, first)) {
            round.told = round.told.filter(|(told, _)| *told <= at).or(Some((at, place)));
        }
    }
}
