//! Builds the index in passes: times, rows and corrections of each act; marks and rulings; photos; replies; rounds and ends; SMS.
//! Each pass reads only results of earlier passes.

use std::collections::{HashMap, HashSet};

use doorstep_domain::{Body, ChangeHash, EntryKey, Fault, PhotoPurpose, Recorded, Role, UnixMs};

use super::{
    Act, Assumed, CaseIndex, End, Round,
    photos::unfit,
    replies::{Judged, judged},
};
use crate::{
    Case, PROVISIONAL, Rulebook,
    case::{Openness, registered},
    listing::row_of,
    rulebook::When,
    sms::messages,
};

/// The corrected registration for each registration that has its correct data: a correction of wrong data and the correct data are
/// one change. Of a correction of a correction it is the first registration.
fn originals(case: &Case) -> HashMap<&EntryKey, &Recorded> {
    let mut originals: HashMap<&EntryKey, &Recorded> = HashMap::new();
    if case.superseded.is_empty() {
        return originals;
    }
    let by_key: HashMap<&EntryKey, &Recorded> = case.timeline.iter().map(|r| (&r.entry.key, r)).collect();
    let mut corrected: HashMap<ChangeHash, Vec<&Recorded>> = HashMap::new();
    for (of, by) in &case.superseded {
        let Some((wrong, correction)) = by_key.get(of).zip(by_key.get(by)) else { continue };
        let is_data = matches!(&correction.entry.body, Body::Correction(it) if it.fault == Fault::IncorrectData);
        if is_data && registered(&wrong.entry.body).is_some() {
            corrected.entry(correction.change).or_default().push(wrong);
        }
    }
    for recorded in &case.timeline {
        let Some(wrong) = corrected.get_mut(&recorded.change) else { continue };
        let same_kind =
            |wrong: &&Recorded| wrong.entry.body.kind() == recorded.entry.body.kind() && wrong.change != recorded.change;
        if let Some(of) = wrong.iter().position(same_kind) {
            let wrong = wrong.remove(of);
            // The timeline has a correction of a correction after the first correction.
            let first = originals.get(&wrong.entry.key).copied().unwrap_or(wrong);
            originals.insert(&recorded.entry.key, first);
        }
    }
    originals
}

/// The greatest number of acts that a reply is put behind.
const MOST_BEHIND: usize = 256;

/// Orders acts by when they take effect. A registration with corrected data is in the place of the wrong one. A reply counts from
/// its receipt by the server, so it comes after the acts that were certainly done before, unless they are about the reply.
fn in_order_of_effect(acts: Vec<Act<'_>>) -> Vec<Act<'_>> {
    let mut acts = acts;
    if acts.iter().any(Act::is_corrected_data) {
        let places: HashMap<&EntryKey, usize> = acts.iter().enumerate().map(|(place, act)| (act.key(), place)).collect();
        let first = |(place, act): (usize, &Act<'_>)| (places.get(act.original()).copied().unwrap_or(place), place);
        let firsts: Vec<(usize, usize)> = acts.iter().enumerate().map(first).collect();
        acts = sorted(acts, firsts);
    }
    let behind = |(place, act): (usize, &Act<'_>)| {
        let received = act.when.received.filter(|_| matches!(act.body(), Body::Reply(_)));
        let after = acts.get(place + 1..).unwrap_or_default().iter().take(MOST_BEHIND);
        let is_before = |other: &&Act<'_>| {
            received.is_some_and(|received| other.when.latest < received) && !other.body().references().contains(&act.key())
        };
        (place + after.take_while(is_before).count(), received.is_some(), place)
    };
    let places: Vec<(usize, bool, usize)> = acts.iter().enumerate().map(behind).collect();
    if places.iter().all(|(to, _, from)| to == from) { acts } else { sorted(acts, places) }
}

/// The acts in the order of their keys.
fn sorted<K: Ord>(acts: Vec<Act<'_>>, keys: Vec<K>) -> Vec<Act<'_>> {
    let mut keyed: Vec<(K, Act<'_>)> = keys.into_iter().zip(acts).collect();
    keyed.sort_by(|(a, _), (b, _)| a.cmp(b));
    keyed.into_iter().map(|(_, act)| act).collect()
}

impl<'a> CaseIndex<'a> {
    pub fn of(case: &'a Case, book: &'a Rulebook, now: UnixMs) -> Self {
        Self::under(case, book, now, Assumed::default())
    }

    /// Builds the index under the assumption that a certain version of the rules and row of head office's list were in force,
    /// where several are possible.
    pub fn under(case: &'a Case, book: &'a Rulebook, now: UnixMs, assumed: Assumed) -> Self {
        let corrected: HashMap<&EntryKey, UnixMs> = if case.superseded.is_empty() {
            HashMap::new()
        } else {
            let by_key: HashMap<&EntryKey, &Recorded> = case.timeline.iter().map(|r| (&r.entry.key, r)).collect();
            let known_at = |r: &Recorded| r.standing.receipt().map_or_else(|| r.acted_at(), |receipt| receipt.received_at);
            let at = |by: &EntryKey| by_key.get(by).map_or(now, |correction| known_at(correction));
            case.superseded.iter().map(|(of, by)| (of, at(by))).collect()
        };
        let when = |recorded: &Recorded| {
            let when = book.when(recorded);
            let version = assumed.version.filter(|version| when.unsure && book.may_hold(*version, &when));
            When { version: version.unwrap_or(when.version), ..when }
        };
        let originals = originals(case);
        let act = |recorded: &'a Recorded| {
            let original = originals.get(&recorded.entry.key).copied();
            let when = when(original.unwrap_or(recorded));
            let (row, row_unsure) = row_of(&case.rows, &when, assumed.row);
            Act {
                recorded,
                registered: original.unwrap_or(recorded),
                when,
                facts: case.rows.get(row).map_or(&case.facts, |row| &row.facts),
                row_unsure,
                superseded: corrected.get(&recorded.entry.key).copied(),
                validity: None,
                valid_from: None,
                late_mark: None,
            }
        };
        let acts = in_order_of_effect(case.timeline.iter().map(act).collect());
        let mut index = Self {
            case,
            book,
            now,
            acts,
            rounds: Vec::new(),
            ends: Vec::new(),
            ended: false,
            marks: HashMap::new(),
            rulings: HashMap::new(),
            unfit: HashMap::new(),
            messages: Vec::new(),
            has_letter: false,
            consents: HashSet::new(),
            registered: HashMap::new(),
            restated: HashSet::new(),
        };
        index.group_acts();
        index.find_unfit_photos();
        index.find_valid_replies();
        index.find_rounds();
        index.messages = messages(&index);
        index
    }

    fn group_acts(&mut self) {
        for (place, act) in self.acts.iter().enumerate().filter(|(_, act)| act.stands()) {
            if let Some(of) = registered(act.body()) {
                let at = self.registered.entry(of).or_insert(act.when.latest);
                *at = act.when.latest.min(*at);
            }
            match act.body() {
                Body::Mark(mark) => self.marks.entry(&mark.about).or_default().push(place),
                Body::Ruling(ruling) if act.recorded.entry.author.role == Role::HqReviewer => {
                    self.rulings.entry(&ruling.about).or_default().push(place);
                }
                Body::Consent(consent) => drop(self.consents.insert((consent.by, consent.to.as_str()))),
                Body::Alias(alias) if alias.waybill.as_str().starts_with(PROVISIONAL) => {
                    self.restated.insert(act.recorded.change);
                }
                _ => {}
            }
        }
    }

    fn find_unfit_photos(&mut self) {
        self.unfit = unfit(self);
        let has_letter = self.standing().any(|(_, act)| match act.body() {
            Body::Photo(photo) => photo.purpose == PhotoPurpose::Letter && !self.unfit.contains_key(act.key()),
            _ => false,
        });
        self.has_letter = has_letter;
    }

    fn find_valid_replies(&mut self) {
        let replies = self.acts.iter().enumerate().filter(|(_, act)| matches!(act.body(), Body::Reply(_)));
        let all: Vec<(usize, Judged)> = replies.map(|(place, act)| (place, judged(self, act))).collect();
        for (place, Judged { validity, valid_from, late_mark }) in all {
            if let Some(act) = self.acts.get_mut(place) {
                (act.validity, act.valid_from, act.late_mark) = (Some(validity), valid_from, late_mark);
            }
        }
    }

    fn find_rounds(&mut self) {
        let mut rounds: Vec<Round> = Vec::new();
        let mut ends = Vec::new();
        let (mut openness, is_provisional) = (Openness::default(), self.case.is_provisional());
        let (mut replied, mut day) = (false, None);
        // Until when the writers of the round's notices may have known of registrations, and what is registered in the round.
        let (mut told_until, mut registered): (Option<UnixMs>, Vec<&Act<'_>>) = (None, Vec::new());
        for (place, act) in self.acts.iter().enumerate().filter(|(_, act)| act.stands()) {
            let was_ended = openness.ended;
            openness.take(act.body(), is_provisional);
            match act.body() {
                Body::Attempt(_) | Body::Problem(_) => {
                    let today = self.pack_of(act).end_of_day(act.when.at).ok();
                    let is_untold = || told_until.is_some_and(|until| until < act.when.earliest);
                    let is_new = || !registered.iter().rev().take(MOST_BEHIND).any(|other| self.may_be_same(other, act));
                    if rounds.is_empty() || was_ended || replied || today != day || (is_untold() && is_new()) {
                        rounds.push(Round { from: place, told: None });
                        (replied, day, told_until) = (false, today, None);
                        registered.clear();
                    }
                    registered.push(act);
                }
                Body::Notice(_) | Body::Outage(_) | Body::Reply(_) if rounds.is_empty() => {
                    rounds.push(Round { from: place, told: None });
                    // The registration that the act refers to may have a later time.
                    day = self.pack_of(act).end_of_day(act.when.at).ok();
                    replied = act.is_valid_reply();
                }
                Body::Reply(_) => replied |= act.is_valid_reply(),
                _ => {}
            }
            told_until = told_until.max(self.knew_until(act));
            if openness.ended && !was_ended {
                ends.push(End { place, at: act.when.at, latest: act.when.latest });
            } else if let (true, Body::Close(_), Some(end)) = (openness.ended, act.body(), ends.last_mut()) {
                // A second end of the case may prove its time better.
                end.latest = end.latest.min(act.when.latest);
            }
        }
        (self.rounds, self.ends, self.ended) = (rounds, ends, openness.ended);
        for place in 0..self.acts.len() {
            let Some(act) = self.acts.get(place).filter(|act| act.stands()) else { continue };
            let at = match act.body() {
                Body::Notice(_) if self.to_origin(act) => act.when.received,
                Body::Outage(_) => self.phoned(act, self.pack_of(act), None).map(|_| act.when.claim()),
                _ => None,
            };
            let round = self.rounds.partition_point(|round| round.from <= place).checked_sub(1);
            let first = round.and_then(|round| self.acts.get(self.rounds.get(round)?.from));
            let at = at.filter(|_| first.is_none_or(|first| self.tells_of(act, first)));
            if let (Some(at), Some(round)) = (at, round.and_then(|round| self.rounds.get_mut(round))) {
                round.told = round.told.filter(|(told, _)| *told <= at).or(Some((at, place)));
            }
        }
    }
}
