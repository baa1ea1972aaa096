//! Builds the index in passes: times, rows and corrections of each act; marks and rulings; photos; replies; rounds and ends; SMS.
//! Each pass reads only results of earlier passes.

use std::collections::{HashMap, HashSet};

use doorstep_domain::{Body, EntryKey, PhotoPurpose, Recorded, Role, UnixMs};

use super::{Act, Assumed, CaseIndex, End, Round, photos::unfit, replies::validity};
use crate::{Case, PROVISIONAL, Rulebook, Validity, case::Openness, listing::row_of, rulebook::When, sms::messages};

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
        let act = |recorded: &'a Recorded| {
            let when = when(recorded);
            let (row, row_unsure) = row_of(&case.rows, &when, assumed.row);
            Act {
                recorded,
                when,
                facts: case.rows.get(row).map_or(&case.facts, |row| &row.facts),
                row_unsure,
                superseded: corrected.get(&recorded.entry.key).copied(),
                validity: None,
            }
        };
        let acts: Vec<Act<'a>> = case.timeline.iter().map(act).collect();
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
        let validities: Vec<(usize, Validity)> = self
            .acts
            .iter()
            .enumerate()
            .filter(|(_, act)| matches!(act.body(), Body::Reply(_)))
            .map(|(place, act)| (place, validity(self, act)))
            .collect();
        for (place, validity) in validities {
            if let Some(act) = self.acts.get_mut(place) {
                act.validity = Some(validity);
            }
        }
    }

    fn find_rounds(&mut self) {
        let mut rounds: Vec<Round> = Vec::new();
        let mut ends = Vec::new();
        let (mut openness, is_provisional) = (Openness::default(), self.case.is_provisional());
        let (mut replied, mut day) = (false, None);
        for (place, act) in self.acts.iter().enumerate().filter(|(_, act)| act.stands()) {
            let was_ended = openness.ended;
            openness.take(act.body(), is_provisional);
            match act.body() {
                Body::Attempt(_) | Body::Problem(_) => {
                    let today = self.pack_of(act).end_of_day(act.when.at).ok();
                    if rounds.is_empty() || was_ended || replied || today != day {
                        rounds.push(Round { from: place, told: None });
                        (replied, day) = (false, today);
                    }
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
            if let (Some(at), Some(round)) = (at, round.and_then(|round| self.rounds.get_mut(round))) {
                round.told = round.told.filter(|(told, _)| *told <= at).or(Some((at, place)));
            }
        }
    }
}
