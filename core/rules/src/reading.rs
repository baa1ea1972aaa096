//! A case read once for all that is judged of it: when each act was, by which version, which replies are valid, where rounds
//! begin and where the case ended.

use std::collections::{HashMap, HashSet};

use doorstep_domain::{
    About, Body, ChangeHash, Customer, EntryKey, Facts, OutletCode, PhotoPurpose, Recorded, Remark, Role, Ruling, UnixMs,
};

use crate::{
    Case, Clock, Message, PROVISIONAL, Pack, Rulebook, Unfit,
    case::Openness,
    listing::{self, Pick},
    photo,
    reply::Validity,
    rulebook::When,
    sms::messages,
};

/// One act of the timeline.
pub(crate) struct Act<'a> {
    pub recorded: &'a Recorded,
    pub when: When,
    /// What the row says that it is judged by.
    pub facts: &'a Facts,
    /// Another row may have been in force: the interval touches two.
    pub row_unsure: bool,
    /// When a correction has superseded it.
    pub superseded: Option<UnixMs>,
    /// Of a reply: whether it counts.
    pub validity: Option<Validity>,
}

impl<'a> Act<'a> {
    pub fn body(&self) -> &'a Body {
        &self.recorded.entry.body
    }
    pub fn key(&self) -> &'a EntryKey {
        &self.recorded.entry.key
    }
    pub fn outlet(&self) -> &'a OutletCode {
        &self.recorded.entry.author.outlet
    }
    pub fn stands(&self) -> bool {
        self.superseded.is_none()
    }
    pub fn is_valid_reply(&self) -> bool {
        self.validity == Some(Validity::Valid) && self.stands()
    }
}

/// One round of registration, notice and reply. A registration after a valid reply, after the end, or on another day opens the
/// next (domain 3.1, C-3).
#[derive(Debug, Clone, Copy)]
pub(crate) struct Round {
    /// Place of the act that opens it.
    pub from: usize,
    /// When the origin outlet was first told in it, and by which act: the server had a notice to it, or somebody recorded
    /// that it was phoned during an outage. An unsent notice tells nobody.
    pub told: Option<(UnixMs, usize)>,
}

/// Where a case ended.
#[derive(Debug, Clone, Copy)]
pub(crate) struct End {
    pub place: usize,
    /// By the best estimate.
    pub at: UnixMs,
    /// At the latest: a word of a device does not move it before this.
    pub latest: UnixMs,
}

/// A case with all that is known of its acts.
pub(crate) struct Reading<'a> {
    pub case: &'a Case,
    pub book: &'a Rulebook,
    pub now: UnixMs,
    pub acts: Vec<Act<'a>>,
    pub rounds: Vec<Round>,
    pub ends: Vec<End>,
    pub ended: bool,
    /// Places of the marks that stand, by what they are about; in the timeline's order.
    marks: HashMap<&'a EntryKey, Vec<usize>>,
    /// Places of head office's rulings that stand, by what they are about; in the timeline's order.
    rulings: HashMap<&'a About, Vec<usize>>,
    /// Photos that stand and are no evidence.
    pub unfit: HashMap<&'a EntryKey, Unfit>,
    /// The customer's SMS, in the timeline's order.
    pub messages: Vec<Message>,
    /// Whether a photo of a confirmation letter is there, and fit.
    pub has_letter: bool,
    /// Who agreed to which outcome.
    pub consents: HashSet<(Customer, &'a str)>,
    /// Changes that state anew what was registered before under a provisional number.
    pub restated: HashSet<ChangeHash>,
}

/// Which of the versions and rows that may have been in force are taken to have been.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Assumed {
    /// Place of the version; `None`: the one of the best estimate.
    pub version: Option<usize>,
    /// The row.
    pub row: Pick,
}

impl Default for Assumed {
    fn default() -> Self {
        Self { version: None, row: Pick::Estimate }
    }
}

impl<'a> Reading<'a> {
    pub fn of(case: &'a Case, book: &'a Rulebook, now: UnixMs) -> Self {
        Self::under(case, book, now, Assumed::default())
    }

    /// As if of the versions of the rules, and of the rows of head office's list, that may have been in force certain ones were.
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
            let (row, row_unsure) = listing::row_of(&case.rows, &when, assumed.row);
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
        let mut reading = Self {
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
        reading.index();
        reading.find_unfit_photos();
        reading.find_valid_replies();
        reading.find_rounds();
        reading.messages = messages(&reading);
        reading
    }

    /// The version by which an act is judged.
    pub fn pack_of(&self, act: &Act<'_>) -> &'a Pack {
        self.book.pack(act.when.version)
    }

    /// The rules in force now.
    pub fn pack(&self) -> &'a Pack {
        self.book.at(self.now)
    }

    /// The acts that stand, with their places.
    pub fn standing(&self) -> impl DoubleEndedIterator<Item = (usize, &Act<'a>)> {
        self.acts.iter().enumerate().filter(|(_, act)| act.stands())
    }

    fn index(&mut self) {
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
        self.unfit = photo::unfit(self);
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
            .map(|(place, act)| (place, crate::reply::validity(self, act)))
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
                    // The registration that it is about may be dated after it.
                    day = self.pack_of(act).end_of_day(act.when.at).ok();
                    replied = act.is_valid_reply();
                }
                Body::Reply(_) => replied |= act.is_valid_reply(),
                _ => {}
            }
            if openness.ended && !was_ended {
                ends.push(End { place, at: act.when.at, latest: act.when.latest });
            } else if let (true, Body::Close(_), Some(end)) = (openness.ended, act.body(), ends.last_mut()) {
                // Whoever ended it once more may prove better when that was.
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

    /// When the origin outlet was first told in an act's round.
    pub fn told_in_round_of(&self, place: usize) -> Option<UnixMs> {
        let round = self.rounds.partition_point(|round| round.from <= place).checked_sub(1)?;
        Some(self.rounds.get(round)?.told?.0)
    }

    /// The acts from where a round begins until the next one does.
    pub fn acts_of_round(&self, from: usize) -> &[Act<'a>] {
        let next = self.rounds.get(self.rounds.partition_point(|round| round.from <= from));
        self.acts.get(from..next.map_or(self.acts.len(), |round| round.from)).unwrap_or_default()
    }

    /// Where an act's round begins.
    pub fn round_of(&self, place: usize) -> usize {
        let after = self.rounds.partition_point(|round| round.from <= place);
        after.checked_sub(1).and_then(|round| self.rounds.get(round)).map_or(0, |round| round.from)
    }

    /// The first end of the case at a place or after it.
    pub fn end_after(&self, place: usize) -> Option<End> {
        self.ends.get(self.ends.partition_point(|end| end.place < place)).copied()
    }

    /// Whether a notice is addressed to the origin outlet, as far as that is known, and nobody at head office says otherwise
    /// (domain 6.1).
    pub fn to_origin(&self, act: &Act<'_>) -> bool {
        let Body::Notice(notice) = act.body() else { return false };
        let marked =
            || self.marks(act.key()).any(|(mark, remark)| remark == Remark::WrongTarget && is_head_office(mark.recorded));
        act.facts.origin_outlet.as_ref().is_none_or(|origin| notice.to == *origin) && !marked()
    }

    /// Whether an act is the origin outlet's, as far as that is known.
    pub fn is_origin(&self, act: &Act<'_>) -> bool {
        act.facts.origin_outlet.as_ref().is_none_or(|origin| act.outlet() == origin)
    }

    /// The marks on an entry that stand, in the timeline's order.
    pub fn marks(&self, about: &EntryKey) -> impl DoubleEndedIterator<Item = (&Act<'a>, Remark)> {
        let places = self.marks.get(about).map(Vec::as_slice).unwrap_or_default();
        places.iter().filter_map(|place| self.acts.get(*place)).filter_map(|act| match act.body() {
            Body::Mark(mark) => Some((act, mark.remark)),
            _ => None,
        })
    }

    /// Head office's rulings on something that no other ruling takes the place of, in the timeline's order. Two of them that
    /// differ are a conflict: neither knew of the other.
    pub fn rulings(&self, about: &About) -> Vec<(&Act<'a>, &'a Ruling)> {
        let places = self.rulings.get(about).map(Vec::as_slice).unwrap_or_default();
        let all = places.iter().filter_map(|place| self.acts.get(*place)).filter_map(|act| match act.body() {
            Body::Ruling(ruling) => Some((act, ruling)),
            _ => None,
        });
        let replaced: HashSet<&EntryKey> = all.clone().filter_map(|(_, ruling)| ruling.replaces.as_ref()).collect();
        all.filter(|(act, _)| !replaced.contains(act.key())).collect()
    }

    /// What head office has decided about an entry; the last, where two decided.
    pub fn ruling_on(&self, entry: &EntryKey) -> Option<(&Act<'a>, &'a Ruling)> {
        self.rulings(&About { rule: None, entry: entry.clone() }).pop()
    }

    /// Everything that head office has decided about.
    pub fn decided(&self) -> impl Iterator<Item = &'a About> {
        self.rulings.keys().copied()
    }

    /// When something happened that a person reports (a phone call, a find). Corrected by the same error as the device's clock, and
    /// never later than the report itself.
    pub fn claimed(act: &Act<'_>, claimed: UnixMs) -> UnixMs {
        let off = act.when.at.since(act.recorded.entry.time.wall);
        let reckoned = act.recorded.standing.receipt().and_then(|r| r.acted.at).or_else(|| act.recorded.entry.time.anchored());
        let claimed = if reckoned.is_some() { claimed.plus(off) } else { claimed };
        claimed.min(act.when.at)
    }

    /// When the origin outlet was phoned during an outage, by the word of whoever recorded it, if the record is complete and its
    /// reason one that an exception accepts: any exception of the version, or one of a clock's own. Only the record proves the call.
    pub fn phoned(&self, act: &Act<'_>, pack: &Pack, clock: Option<&Clock>) -> Option<UnixMs> {
        let Body::Outage(outage) = act.body() else { return None };
        let listed = |id: &String| clock.is_none_or(|clock| clock.exceptions.contains(id));
        let accepted = pack.exceptions.iter().any(|e| listed(&e.id) && e.reasons.iter().any(|r| r == outage.reason.as_str()));
        let phoned = outage.phoned_at.filter(|_| outage.is_complete() && accepted && act.stands())?;
        Some(Self::claimed(act, phoned))
    }

    /// The SMS of an entry.
    pub fn message(&self, entry: &EntryKey) -> Option<&Message> {
        self.messages.iter().find(|message| message.entry == *entry)
    }

    /// What the row in force at a moment says.
    pub fn facts_at(&self, at: UnixMs) -> &'a Facts {
        let row = self.case.rows.get(*listing::in_force(&self.case.rows, Some(at), at).end());
        row.map_or(&self.case.facts, |row| &row.facts)
    }

    /// The outlet of a party to an act, as the parcel's facts name it.
    pub fn outlet_of(&self, party: crate::Party, act: &Act<'_>) -> Option<OutletCode> {
        match party {
            crate::Party::DeliveringOutlet => act.facts.delivering_outlet.clone(),
            crate::Party::OriginOutlet => act.facts.origin_outlet.clone(),
            crate::Party::Registrar => Some(act.outlet().clone()),
        }
    }
}

/// Whether head office's people wrote an entry.
pub(crate) fn is_head_office(recorded: &Recorded) -> bool {
    matches!(recorded.entry.author.role, Role::HqReviewer | Role::HqCs)
}
