//! What starts a clock, and when.

use doorstep_domain::{Body, EntryKey, UnixMs};

use super::{
    due::{MOST_STARTS, Start, due_at},
    late::{TooLate, came_too_late, is_reply_clock},
};
use crate::{
    Clock, Due, From, On, Validity,
    case::registered,
    case_index::{Act, CaseIndex},
    slots::slots,
};

/// The starts of a clock of a version, by acts that happened while the version was in force.
pub(super) fn starts(index: &CaseIndex<'_>, clock: &Clock, version: usize) -> Vec<Start> {
    let ours = |act: &Act<'_>| act.when.version == version;
    let is = |act: &Act<'_>| ours(act) && clock.starts.is(act.body());
    let each = |at: fn(&CaseIndex<'_>, &Act<'_>) -> UnixMs| {
        // A line that a correction takes back while the deadline runs started nothing.
        let is_start = |act: &Act<'_>| is(act) && counts_as_start(index, act, clock, at(index, act));
        let matching = index.acts.iter().enumerate().filter(|(_, act)| is_start(act));
        matching.map(|(place, act)| Start::of(place, place, at(index, act))).collect()
    };
    match clock.starts.on {
        On::Attempt | On::Registration => registrations(index, clock, version),
        On::Problem => problems(index, clock, version),
        // An outlet that was phoned has no notice to look at.
        On::Notice if clock.met_by.iter().any(|event| event.on == On::Seen) => {
            let phoned = |place: usize| index.acts.get(place).is_some_and(|act| matches!(act.body(), Body::Outage(_)));
            told(index, version).into_iter().filter(|start| !phoned(start.place)).collect()
        }
        On::Notice => told(index, version),
        On::Reply => replies(index, clock, version),
        On::NoReply => unanswered(index, version),
        On::Day if clock.each_slot => {
            // One more than is judged, so that it is noticed that there are too many.
            let slots = slots(index, clock, version, MOST_STARTS + 1).into_iter();
            slots.map(|slot| Start::of(slot.place, slot.place, slot.from)).collect()
        }
        On::Day => days(index, clock, version),
        On::Action | On::Tick | On::Ledger | On::Close => each(|_, act| act.when.at),
        On::Seen | On::Consent | On::DataEntry | On::Method => Vec::new(),
    }
}

/// Whether an act registers a problem of which the origin outlet is notified, by the version of the act.
pub(crate) fn is_notified(index: &CaseIndex<'_>, act: &Act<'_>) -> bool {
    registered(act.body()).is_some_and(|(code, _)| index.pack_of(act).code(code).is_none_or(|row| row.notify))
}

/// The first matching registration of each round or, with a count, the attempt that reaches the count.
fn registrations(index: &CaseIndex<'_>, clock: &Clock, version: usize) -> Vec<Start> {
    let mut starts: Vec<Start> = Vec::new();
    let mut seen = 0;
    // Correct data stand behind the registration that they correct, and are no second failure.
    let mut counted: Option<&EntryKey> = None;
    let is_start = |act: &Act<'_>| clock.starts.is(act.body()) && (clock.starts.on == On::Attempt || is_notified(index, act));
    for (place, act) in index.acts.iter().enumerate().filter(|(_, act)| is_start(act)) {
        if counted == Some(act.original()) || !counts_as_start(index, act, clock, act.when.at) {
            continue;
        }
        counted = Some(act.original());
        seen += 1;
        let from = index.round_of(index.begun(), place);
        if clock.count > 1 {
            if seen == clock.count {
                starts.push(Start::of(place, place, act.when.at));
            }
        } else if starts.last().is_none_or(|start| start.from != from) {
            starts.push(Start::of(place, from, act.when.at));
        }
    }
    starts.retain(|start| index.acts.get(start.place).is_some_and(|act| act.when.version == version));
    starts
}

/// Whether an act counts as a start. A correction removes a start only while its deadline runs; afterwards head office decides.
/// `at`: when the clock would start.
pub(crate) fn counts_as_start(index: &CaseIndex<'_>, act: &Act<'_>, clock: &Clock, at: UnixMs) -> bool {
    let Some(corrected) = act.superseded else { return true };
    let due = due_at(index, index.pack_of(act), clock, at);
    due.is_ok_and(|due| due.is_some_and(|due| corrected > due))
}

/// Whether the problem that an act corrects has started the clock already: the act is no second one. Only the newest starts are
/// compared, which bounds the cost of a hostile case.
fn is_started(index: &CaseIndex<'_>, starts: &[Start], act: &Act<'_>) -> bool {
    let is_original = |start: &Start| index.acts.get(start.place).is_some_and(|other| other.original() == act.original());
    act.is_corrected_data() && starts.iter().rev().take(MOST_STARTS).any(is_original)
}

/// Each problem once, identified by code, stage, outlet and piece, until the case ends, even if several people registered it. A
/// problem that was registered under a provisional number is judged in that number's case.
fn problems(index: &CaseIndex<'_>, clock: &Clock, version: usize) -> Vec<Start> {
    let mut starts: Vec<Start> = Vec::new();
    for (place, act) in index.acts.iter().enumerate() {
        let Body::Problem(problem) = act.body() else { continue };
        let at = match clock.from {
            From::Act => act.when.at,
            From::Found => problem.found_at.map_or(act.when.at, |found| CaseIndex::claimed(act, found)),
            From::TheoreticalArrival => act.facts.arrival.unwrap_or(UnixMs(i64::MAX)),
        };
        let is_start = clock.starts.is(act.body()) && counts_as_start(index, act, clock, at);
        // Correct data of a problem that is judged elsewhere are judged elsewhere too.
        if !is_start || index.restated.contains(&act.registered.change) {
            continue;
        }
        let same = |start: &&Start| {
            let other = index.acts.get(start.place);
            let ended = index.end_after(start.place).is_some_and(|end| end.place < place);
            other.is_some_and(|other| {
                other.outlet() == act.outlet()
                    && matches!(other.body(), Body::Problem(first) if first.reason == problem.reason
                        && first.stage == problem.stage && first.piece == problem.piece)
            }) && !ended
        };
        // Compare only with the newest, which bounds the cost of a hostile case.
        if starts.iter().rev().take(MOST_STARTS).any(|start| same(&start)) || is_started(index, &starts, act) {
            continue;
        }
        starts.push(Start { group: Some(place), ..Start::of(place, place, at) });
    }
    starts.retain(|start| index.acts.get(start.place).is_some_and(|act| act.when.version == version));
    starts
}

/// The first moment in each round at which the origin outlet was told (SLA-05).
fn told(index: &CaseIndex<'_>, version: usize) -> Vec<Start> {
    let told = index.begun().iter().filter_map(|round| {
        let (at, place) = round.told?;
        Some(Start::of(place, round.from, at))
    });
    told.filter(|start| index.acts.get(start.place).is_some_and(|act| act.when.version == version)).collect()
}

/// Each valid reply with such a decision, from when it counts until a later reply replaces it (domain 6.6). A reply
/// after the end of the case starts no clock; it is a contradiction for a person. A correction that comes after the end of the duty
/// takes away neither the duty nor what the corrected reply had replaced.
fn replies(index: &CaseIndex<'_>, clock: &Clock, version: usize) -> Vec<Start> {
    let replies = index.acts.iter().enumerate().filter(|(_, act)| act.validity == Some(Validity::Valid));
    let mut valid: Vec<(UnixMs, usize, &Act<'_>)> =
        replies.filter_map(|(place, act)| Some((act.counts_from()?, place, act))).collect();
    valid.sort_by_key(|(received, place, _)| (*received, *place));
    let mut starts = Vec::new();
    for (i, (received, place, act)) in valid.iter().enumerate() {
        let pack = index.pack_of(act);
        let same_day = || {
            let day = |at: UnixMs| pack.end_of_day(at).ok();
            index.told_in_round_of(*place).is_none_or(|(told, _)| day(told) == day(*received))
        };
        let binds = clock.due != Due::FirstRun || !pack.switches.first_run_same_day_only || same_day();
        // An end that is merely dated before a reply does not cancel the clock; only an end that is proven to be earlier does.
        let end = index.end_after(index.round_of(&index.rounds, *place)).filter(|end| end.place < *place);
        let ended = end.is_some_and(|end| end.latest <= *received);
        let starts_it = act.when.version == version && clock.starts.is(act.body()) && !ended;
        if !starts_it || !counts_as_start(index, act, clock, *received) {
            continue;
        }
        let too_late = came_too_late(index, *place);
        if binds && too_late != TooLate::Yes {
            let due = due_at(index, pack, clock, *received).ok().flatten();
            let was_there = |later: &&(UnixMs, usize, &Act<'_>)| {
                later.2.superseded.is_none_or(|corrected| due.is_some_and(|due| corrected > due))
            };
            let later = valid.get(i + 1..).unwrap_or_default().iter().take(MOST_STARTS).find(was_there);
            let overtaken = later.map(|(later, ..)| *later);
            let acted = if let TooLate::Claimed(acted) = too_late { Some(acted) } else { None };
            let doubt = end.map(|end| end.place).or(acted).or(act.late_mark);
            starts.push(Start { overtaken, doubt, ended: end, ..Start::of(*place, *place, *received) });
        }
    }
    starts
}

/// Rounds in which the origin outlet gave no valid reply in time, or an invalid one and no other (SLA-08, T-5).
fn unanswered(index: &CaseIndex<'_>, version: usize) -> Vec<Start> {
    let mut starts = Vec::new();
    for told in told(index, version) {
        let pack = index.book.pack(version);
        let Some(clock) = pack.clocks.iter().find(|clock| is_reply_clock(clock)) else { continue };
        let Ok(Some(due)) = due_at(index, pack, clock, told.at) else { continue };
        let acts = index.acts_of_round(index.begun(), told.from).iter();
        // Another outlet's words are no reply of the origin's, and nobody must act on them.
        let is_reply = |act: &&Act<'_>| {
            matches!(act.body(), Body::Reply(_)) && act.when.received.is_some() && act.validity != Some(Validity::NotOrigin)
        };
        let replies = acts.filter(|act| act.stands()).filter(is_reply);
        let (valid, invalid): (Vec<_>, Vec<_>) = replies.partition(|act| act.is_valid_reply());
        let first_valid = valid.iter().filter_map(|act| act.counts_from()).min();
        // A word against a reply that lacked something already moves nothing [A]: whoever must act then could move their own duty.
        let first_invalid = invalid.iter().filter_map(|act| act.invalid_from.max(act.when.received)).min();
        let at = first_invalid.map_or(due.plus(1), |invalid| invalid.min(due.plus(1)));
        if first_valid.is_none_or(|valid| valid > at) && at <= index.now {
            starts.push(Start { at, overtaken: first_valid, ..told });
        }
    }
    starts
}

/// The present period of a daily duty, while the case is open.
fn days(index: &CaseIndex<'_>, clock: &Clock, version: usize) -> Vec<Start> {
    let Due::Slots(slots) = &clock.due else { return Vec::new() };
    let registration = index.standing().find(|(_, act)| matches!(act.body(), Body::Attempt(_) | Body::Problem(_)));
    let Some((place, act)) = registration else { return Vec::new() };
    if index.ended || act.when.at > index.now || index.book.version_at(index.now) != version {
        return Vec::new();
    }
    let last = index.book.pack(version).last_time(index.now, slots).unwrap_or(act.when.at);
    vec![Start::of(place, 0, last.max(act.when.at))]
}
