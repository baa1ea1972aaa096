//! An index of a case that all judgements share: the time and pack version of each act, which replies are valid, where rounds
//! begin, and where the case ended.

mod build;
mod order;
mod photos;
mod registered;
mod replies;
mod rounds;

use std::collections::{HashMap, HashSet};

use doorstep_domain::{About, Body, ChangeHash, Customer, EntryKey, Facts, OutletCode, Recorded, Remark, Role, Ruling, UnixMs};

use crate::{
    Case, Clock, Message, Pack, Rulebook, Unfit, Validity,
    listing::{self, Pick},
    rulebook::When,
};

use self::registered::{Registered, Spans};
pub(crate) use self::{photos::unfit_for, registered::NEVER};

/// Up to this many acts are searched one by one, which is faster than a table.
const MOST_SCANNED: usize = 64;

/// One act of the timeline.
pub(crate) struct Act<'a> {
    pub recorded: &'a Recorded,
    /// The first registration of the act: the entry itself, unless it has the correct data of another. Time, row and version of the
    /// act are those of the first registration.
    pub registered: &'a Recorded,
    pub when: When,
    /// The facts of the row by which the act is judged.
    pub facts: &'a Facts,
    /// Whether another row may have been in force, because the act's interval touches two rows.
    pub row_unsure: bool,
    /// When a correction superseded it.
    pub superseded: Option<UnixMs>,
    /// For a reply: whether it counts.
    pub validity: Option<Validity>,
    /// For a reply that became valid after its receipt: when the server had received everything that it needs, or the outlet's mark
    /// that alone makes it valid.
    pub valid_from: Option<UnixMs>,
    /// For an invalid reply: since when it is known as invalid, if it counted until then. Without it, since its receipt.
    pub invalid_from: Option<UnixMs>,
    /// For a reply: the index of an outlet's mark against it that came too late to count.
    pub late_mark: Option<usize>,
}

impl<'a> Act<'a> {
    pub fn body(&self) -> &'a Body {
        &self.recorded.entry.body
    }
    pub fn key(&self) -> &'a EntryKey {
        &self.recorded.entry.key
    }
    /// The outlet of its author. Correct data are of the outlet that registered, whoever corrected them.
    pub fn outlet(&self) -> &'a OutletCode {
        &self.registered.entry.author.outlet
    }
    pub fn stands(&self) -> bool {
        self.superseded.is_none()
    }
    /// Whether a hub registered a problem of what it holds, at the hub's stage or of the origin's work. What somebody else registers
    /// for the hub's stage is not the hub's to do.
    pub fn is_at_hub(&self) -> bool {
        self.registered.entry.author.role == Role::Hub && matches!(self.body(), Body::Problem(_))
    }
    /// The key of the first registration.
    pub fn original(&self) -> &'a EntryKey {
        &self.registered.entry.key
    }
    /// Whether it has the correct data of another registration.
    pub fn is_corrected_data(&self) -> bool {
        self.original() != self.key()
    }
    pub fn is_valid_reply(&self) -> bool {
        self.validity == Some(Validity::Valid) && self.stands()
    }
    /// When it was known: its receipt by the server. What only this device has is known since it was recorded.
    pub fn known_at(&self) -> UnixMs {
        self.when.received.unwrap_or(self.when.at)
    }
    /// From when on a valid reply counts: its receipt by the server or, if it became valid later, that moment.
    pub fn counts_from(&self) -> Option<UnixMs> {
        self.when.received.map(|received| self.valid_from.map_or(received, |marked| marked.max(received)))
    }
}

/// One round of registration, notice and reply. A registration after a valid reply, after the end, or on another day begins the
/// next round (domain 3.1, C-3).
#[derive(Debug, Clone, Copy)]
pub(crate) struct Round {
    /// Index of the act that begins it.
    pub from: usize,
    /// When and by which act the origin outlet was first told in this round: the server received a notice to it, or somebody
    /// recorded a phone call to it during an outage. An unsent notice does not count.
    pub told: Option<(UnixMs, usize)>,
}

/// An end of a case.
#[derive(Debug, Clone, Copy)]
pub(crate) struct End {
    pub place: usize,
    /// The time, by the best estimate.
    pub at: UnixMs,
    /// The latest possible time. A device's claim cannot move the end before it.
    pub latest: UnixMs,
}

/// Something that was done with the parcel, or an end of the case.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Acted {
    /// The time, by the best estimate.
    pub at: UnixMs,
    pub place: usize,
    /// The least of the latest possible times of this one and of those behind it.
    pub latest: UnixMs,
}

/// A case with the derived data of its acts.
pub(crate) struct CaseIndex<'a> {
    pub case: &'a Case,
    pub book: &'a Rulebook,
    pub now: UnixMs,
    pub acts: Vec<Act<'a>>,
    /// Indices of the acts by their keys, if there are many.
    places: Option<HashMap<&'a EntryKey, usize>>,
    pub rounds: Vec<Round>,
    /// The rounds in which duties began, if they differ: a registration that was taken back after its duty had run out began one.
    begun: Option<Vec<Round>>,
    pub ends: Vec<End>,
    pub ended: bool,
    /// Indices of the standing marks by the marked entry, in the timeline's order.
    marks: HashMap<&'a EntryKey, Vec<usize>>,
    /// Indices of head office's standing rulings by their subject, in the timeline's order.
    rulings: HashMap<&'a About, Vec<usize>>,
    /// Standing photos that do not count as evidence, with the reason.
    pub unfit: HashMap<&'a EntryKey, Unfit>,
    /// The customer's SMS, in the timeline's order.
    pub messages: Vec<Message>,
    /// Indices of the messages by their entries, if there are many.
    message_places: Option<HashMap<&'a EntryKey, usize>>,
    /// Indices of the messages that count, by version of the rules and day on which they left.
    messages_of_day: HashMap<(usize, i32), Vec<usize>>,
    /// When usable photos of a confirmation letter were received, and taken back.
    pub letters: Spans,
    /// The parties that agreed, each with the outcome, and when that was received, and taken back.
    pub consents: HashMap<(Customer, &'a str), Spans>,
    /// The registrations by code and sub-reason.
    pub registered: Registered<'a>,
    /// What was done with the parcel, and the ends of the case, by their times.
    pub acted: Vec<Acted>,
    /// Changes that repeat a registration made under a provisional number.
    pub restated: HashSet<ChangeHash>,
}

/// The version and row that are assumed to have been in force, if several are possible.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Assumed {
    /// Index of the version; `None` for the version at the best estimate.
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

    /// The standing acts, with their indices.
    pub fn standing(&self) -> impl DoubleEndedIterator<Item = (usize, &Act<'a>)> {
        self.acts.iter().enumerate().filter(|(_, act)| act.stands())
    }

    /// The index of an entry's act.
    pub fn place_of(&self, key: &EntryKey) -> Option<usize> {
        match &self.places {
            Some(places) => places.get(key).copied(),
            None => self.acts.iter().position(|act| act.key() == key),
        }
    }

    /// The act of an entry.
    pub fn act(&self, key: &EntryKey) -> Option<&Act<'a>> {
        self.acts.get(self.place_of(key)?)
    }

    /// The rounds in which duties began.
    pub fn begun(&self) -> &[Round] {
        self.begun.as_deref().unwrap_or(&self.rounds)
    }

    /// When and by which act the origin outlet was first told in an act's round.
    pub fn told_in_round_of(&self, place: usize) -> Option<(UnixMs, &Act<'a>)> {
        let round = self.rounds.partition_point(|round| round.from <= place).checked_sub(1)?;
        let (at, by) = self.rounds.get(round)?.told?;
        Some((at, self.acts.get(by)?))
    }

    /// The acts of the one of some rounds that begins at this index.
    pub fn acts_of_round(&self, rounds: &[Round], from: usize) -> &[Act<'a>] {
        let next = rounds.get(rounds.partition_point(|round| round.from <= from));
        self.acts.get(from..next.map_or(self.acts.len(), |round| round.from)).unwrap_or_default()
    }

    /// Where an act's round begins.
    pub fn round_of(&self, rounds: &[Round], place: usize) -> usize {
        let after = rounds.partition_point(|round| round.from <= place);
        after.checked_sub(1).and_then(|round| rounds.get(round)).map_or(0, |round| round.from)
    }

    /// The first end of the case at or after this index.
    pub fn end_after(&self, place: usize) -> Option<End> {
        self.ends.get(self.ends.partition_point(|end| end.place < place)).copied()
    }

    /// Whether a notice is addressed to the origin outlet, as far as the outlet is known, and head office has not decided
    /// otherwise (domain 6.1).
    pub fn to_origin(&self, act: &Act<'_>) -> bool {
        let Body::Notice(notice) = act.body() else { return false };
        let marked =
            || self.marks(act.key()).any(|(mark, remark)| remark == Remark::WrongTarget && is_head_office(mark.recorded));
        act.facts.origin_outlet.as_ref().is_none_or(|origin| notice.to == *origin) && !marked()
    }

    /// Whether the origin outlet wrote the act, as far as the outlet is known.
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

    /// Head office's rulings on a subject that no other ruling replaces, in the timeline's order. Two differing ones are a
    /// conflict, because they were written without knowledge of each other.
    pub fn rulings(&self, about: &About) -> Vec<(&Act<'a>, &'a Ruling)> {
        let places = self.rulings.get(about).map(Vec::as_slice).unwrap_or_default();
        let all = places.iter().filter_map(|place| self.acts.get(*place)).filter_map(|act| match act.body() {
            Body::Ruling(ruling) => Some((act, ruling)),
            _ => None,
        });
        let replaced: HashSet<&EntryKey> = all.clone().filter_map(|(_, ruling)| ruling.replaces.as_ref()).collect();
        all.filter(|(act, _)| !replaced.contains(act.key())).collect()
    }

    /// Head office's ruling on an entry; the last one if there are two.
    pub fn ruling_on(&self, entry: &EntryKey) -> Option<(&Act<'a>, &'a Ruling)> {
        self.rulings(&About { rule: None, entry: entry.clone() }).pop()
    }

    /// The subjects of head office's rulings.
    pub fn decided(&self) -> impl Iterator<Item = &'a About> {
        self.rulings.keys().copied()
    }

    /// The time of an event that a person reports (a phone call, a find). It is corrected by the same error as the device's
    /// clock, and never later than the report itself.
    pub fn claimed(act: &Act<'_>, claimed: UnixMs) -> UnixMs {
        // The clock is that of the record itself, also if it has the correct data of an earlier one.
        let off = act.recorded.acted_at().since(act.recorded.entry.time.wall);
        let reckoned = act.recorded.standing.receipt().and_then(|r| r.acted.at).or_else(|| act.recorded.entry.time.anchored());
        let claimed = if reckoned.is_some() { claimed.plus(off) } else { claimed };
        claimed.min(act.when.at)
    }

    /// Whether one of some codes was certainly registered by this time, by what was known then, and still is.
    pub fn had(&self, by: UnixMs, codes: &[String]) -> bool {
        self.registered.held(by, by, codes, &[]) && self.registered.held(by, NEVER, codes, &[])
    }

    /// The codes of the standing registrations.
    pub fn codes(&self) -> HashSet<&'a str> {
        self.registered.codes().collect()
    }

    /// When the origin outlet was phoned during an outage, as stated in the record. `None` unless the record is complete and an
    /// exception accepts its reason: any exception of the version or, with a clock, an exception of that clock. Only the record
    /// proves the call. A call to another outlet tells the origin outlet nothing.
    pub fn phoned(&self, act: &Act<'_>, pack: &Pack, clock: Option<&Clock>) -> Option<UnixMs> {
        let Body::Outage(outage) = act.body() else { return None };
        let listed = |id: &String| clock.is_none_or(|clock| clock.exceptions.contains(id));
        let accepted = pack.exceptions.iter().any(|e| listed(&e.id) && e.reasons.iter().any(|r| r == outage.reason.as_str()));
        let counts = outage.is_complete() && accepted && !Self::is_to_another(act) && act.stands();
        let phoned = outage.phoned_at.filter(|_| counts)?;
        Some(Self::claimed(act, phoned))
    }

    /// Whether an outage record says that another outlet than the origin was phoned.
    pub fn is_to_another(act: &Act<'_>) -> bool {
        let Body::Outage(outage) = act.body() else { return false };
        outage.outlet.as_ref().zip(act.facts.origin_outlet.as_ref()).is_some_and(|(phoned, origin)| phoned != origin)
    }

    /// The latest time of a registration of which a notice to the origin outlet can tell: nobody tells of what has not happened. A
    /// phone call tells of nothing after the call, whenever it was recorded. `None` if the act tells the origin outlet nothing.
    pub fn knew_until(&self, act: &Act<'_>) -> Option<UnixMs> {
        match act.body() {
            Body::Notice(_) => self.to_origin(act).then_some(act.when.latest),
            Body::Outage(_) => self.phoned(act, self.pack_of(act), None),
            _ => None,
        }
    }

    /// Whether a notice or a phone call may tell of a registration. It does not if it certainly came before.
    ///
    /// 2026-11-30: by time, and not by a list of registrations in the notice or by what the writer's device had. An outlet's clerk
    /// notifies for a courier who has no network and phones; a list could not name what is only on the courier's phone, and the origin
    /// outlet reads the whole case, whatever the notice says.
    pub fn tells_of(&self, notice: &Act<'_>, registration: &Act<'_>) -> bool {
        self.knew_until(notice).is_none_or(|until| until >= registration.when.earliest)
    }

    /// Whether two registrations may be one: attempts on two devices within the pack's minutes, or a problem that several people
    /// registered.
    pub fn may_be_same(&self, one: &Act<'_>, other: &Act<'_>) -> bool {
        match (one.body(), other.body()) {
            (Body::Attempt(a), Body::Attempt(b)) => {
                let near = i64::from(self.pack_of(other).switches.same_attempt_minutes) * 60_000;
                one.recorded.entry.key.tag != other.recorded.entry.key.tag
                    && other.when.at.since(one.when.at) < near
                    && a.piece == b.piece
            }
            (Body::Problem(a), Body::Problem(b)) => (&a.reason, a.stage, &a.piece) == (&b.reason, b.stage, &b.piece),
            _ => false,
        }
    }

    /// The SMS of an entry.
    pub fn message(&self, entry: &EntryKey) -> Option<&Message> {
        match &self.message_places {
            Some(places) => self.messages.get(*places.get(entry)?),
            None => self.messages.iter().find(|message| message.entry == *entry),
        }
    }

    /// The messages that prove a failed delivery: they count, and left on its day.
    pub fn proving(&self, attempt: &Act<'_>) -> impl Iterator<Item = &Message> {
        let day = self.pack_of(attempt).day(attempt.when.at);
        let places = day.and_then(|day| self.messages_of_day.get(&(attempt.when.version, day)));
        places.into_iter().flatten().filter_map(|place| self.messages.get(*place))
    }

    /// The facts of the row in force at a moment.
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
