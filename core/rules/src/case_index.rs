//! A case read once for all that is judged of it: when each act was, by which version, which replies are valid, where rounds
//! begin and where the case ended.

mod build;
mod photos;
mod replies;

use std::collections::{HashMap, HashSet};

use doorstep_domain::{About, Body, ChangeHash, Customer, EntryKey, Facts, OutletCode, Recorded, Remark, Role, Ruling, UnixMs};

use crate::{
    Case, Clock, Message, Pack, Rulebook, Unfit, Validity,
    listing::{self, Pick},
    rulebook::When,
};

pub(crate) use self::photos::unfit_for;

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
pub(crate) struct CaseIndex<'a> {
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

impl<'a> CaseIndex<'a> {
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
