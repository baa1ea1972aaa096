//! Builds the index in passes: times, rows and corrections of each act; marks and rulings; photos; replies; rounds and ends; SMS.
//! Each pass reads only results of earlier passes.

use std::collections::{HashMap, HashSet};

use doorstep_domain::{Body, EntryKey, PhotoPurpose, Recorded, Role, UnixMs};

use super::{
    Act, Acted, Assumed, CaseIndex, MOST_SCANNED, NEVER,
    order::in_order_of_effect,
    photos::unfit,
    registered::{Registered, Spans},
    replies::{Judged, judged},
    rounds,
};
use crate::{
    Case, PROVISIONAL, Rulebook,
    case::registered,
    corrections::{known_at, originals},
    listing::row_of,
    rulebook::When,
    sms::{messages, stop_wrong_numbers},
};

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
            let at = |by: &EntryKey| by_key.get(by).map_or(now, |correction| known_at(correction));
            case.superseded.iter().map(|(of, by)| (of, at(by))).collect()
        };
        let when = |recorded: &Recorded| {
            let when = book.when(recorded);
            let version = assumed.version.filter(|version| when.unsure && book.may_hold(*version, &when));
            When { version: version.unwrap_or(when.version), ..when }
        };
        let originals = originals(&case.timeline);
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
                invalid_from: None,
                late_mark: None,
            }
        };
        let acts = in_order_of_effect(case.timeline.iter().map(act).collect());
        let mut index = Self {
            case,
            book,
            now,
            acts,
            places: None,
            rounds: Vec::new(),
            begun: None,
            ends: Vec::new(),
            ended: false,
            marks: HashMap::new(),
            rulings: HashMap::new(),
            unfit: HashMap::new(),
            messages: Vec::new(),
            message_places: None,
            messages_of_day: HashMap::new(),
            letters: Spans::default(),
            consents: HashMap::new(),
            registered: Registered::default(),
            acted: Vec::new(),
            restated: HashSet::new(),
        };
        index.find_places();
        index.group_acts();
        index.find_unfit_photos();
        index.find_valid_replies_and_rounds();
        index.find_messages();
        index
    }

    fn find_places(&mut self) {
        if self.acts.len() > MOST_SCANNED {
            self.places = Some(self.acts.iter().enumerate().map(|(place, act)| (act.key(), place)).collect());
        }
    }

    fn find_registered(&mut self) {
        for act in &self.acts {
            let Some(of) = registered(act.body()) else { continue };
            // Correct data are known since the receipt of the correction, which is in the same change.
            let known = if act.is_corrected_data() { known_at(act.recorded) } else { act.when.latest };
            self.registered.add(of, act.when.latest, known, act.superseded.unwrap_or(NEVER));
        }
        self.registered.finish();
    }

    /// What the sender and the recipient agreed to. A consent that was taken back was there until then.
    fn find_consents(&mut self) {
        for act in &self.acts {
            let Body::Consent(consent) = act.body() else { continue };
            let of = self.consents.entry((consent.by, consent.to.as_str())).or_default();
            of.add_part(act.known_at(), act.superseded.unwrap_or(NEVER));
        }
        self.consents.values_mut().for_each(Spans::finish);
    }

    fn group_acts(&mut self) {
        self.find_registered();
        self.find_consents();
        for (place, act) in self.acts.iter().enumerate().filter(|(_, act)| act.stands()) {
            match act.body() {
                Body::Mark(mark) => self.marks.entry(&mark.about).or_default().push(place),
                Body::Ruling(ruling) if act.recorded.entry.author.role == Role::HqReviewer => {
                    self.rulings.entry(&ruling.about).or_default().push(place);
                }
                Body::Action(_) | Body::Close(_) => self.acted.push(Acted { at: act.when.at, place, latest: act.when.latest }),
                Body::Alias(alias) if alias.waybill.as_str().starts_with(PROVISIONAL) => {
                    self.restated.insert(act.recorded.change);
                }
                _ => {}
            }
        }
        self.acted.sort_by_key(|acted| (acted.at, acted.place));
        let mut least = UnixMs(i64::MAX);
        for acted in self.acted.iter_mut().rev() {
            least = least.min(acted.latest);
            acted.latest = least;
        }
    }

    fn find_unfit_photos(&mut self) {
        self.unfit = unfit(self);
        // A letter that was taken back was there until then. One that head office calls void never was.
        let is_letter = |act: &&Act<'_>| match act.body() {
            Body::Photo(photo) => photo.purpose == PhotoPurpose::Letter && !self.unfit.contains_key(act.key()),
            _ => false,
        };
        let mut letters = Spans::default();
        for act in self.acts.iter().filter(is_letter) {
            letters.add_part(act.known_at(), act.superseded.unwrap_or(NEVER));
        }
        letters.finish();
        self.letters = letters;
    }

    fn find_messages(&mut self) {
        let mut all = messages(self);
        stop_wrong_numbers(self, &mut all);
        self.messages = all;
        if self.messages.len() > MOST_SCANNED {
            let all = self.acts.iter().filter(|act| matches!(act.body(), Body::Sms(_)));
            self.message_places = Some(all.enumerate().map(|(place, act)| (act.key(), place)).collect());
        }
        for (place, message) in self.messages.iter().enumerate().filter(|(_, message)| message.counts()) {
            let Some(sent) = message.sent_at else { continue };
            for (version, published) in self.book.versions().enumerate() {
                if let Some(day) = published.pack.day(sent) {
                    self.messages_of_day.entry((version, day)).or_default().push(place);
                }
            }
        }
    }

    /// Judges the replies. Without the rounds nobody knows when the origin outlet was told, so marks, which may seem to come too late,
    /// are looked at again with them.
    fn find_valid_replies_and_rounds(&mut self) {
        self.judge_replies();
        rounds::find(self);
        if !self.marks.is_empty() && self.judge_replies() {
            rounds::find(self);
        }
    }

    /// Returns whether it changed anything.
    fn judge_replies(&mut self) -> bool {
        let replies = self.acts.iter().enumerate().filter(|(_, act)| matches!(act.body(), Body::Reply(_)));
        let all: Vec<(usize, Judged)> = replies.map(|(place, act)| (place, judged(self, place, act))).collect();
        let mut has_changed = false;
        for (place, Judged { validity, valid_from, invalid_from, late_mark }) in all {
            if let Some(act) = self.acts.get_mut(place) {
                let new = (Some(validity), valid_from, invalid_from, late_mark);
                has_changed |= (&act.validity, act.valid_from, act.invalid_from, act.late_mark) != (&new.0, new.1, new.2, new.3);
                (act.validity, act.valid_from, act.invalid_from, act.late_mark) = new;
            }
        }
        has_changed
    }
}
