//! What outlets and hubs are asked about a parcel, and their answers: searches, whether a parcel is signed for, and whether one that
//! was sent on has arrived (domain 2.6).
//!
//! Only answers of the asked outlet count. Of several answers the one that the server received last counts, and all are shown: an
//! outlet may find a parcel later, and two people of one outlet may answer without knowledge of each other.

use std::collections::BTreeMap;

use doorstep_domain::{Answered, Body, Dispatch, EntryKey, OutletCode, Recorded, Role, UnixMs, UserId, Waybill};
use serde::Serialize;

use crate::{
    Case,
    case_index::{Act, CaseIndex},
    holder::received,
};

/// The step of an action that sends a parcel on, if the pack's outcome names none.
const ARRIVAL: &str = "confirm_arrival";

/// Something that an outlet or hub was asked, or a parcel that was sent on to it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct AskState {
    /// The question's entry: an ask, or an action that names a site.
    pub entry: EntryKey,
    /// The step: a code of the pack.
    pub step: String,
    /// Who is asked.
    pub to: OutletCode,
    /// Who asks.
    pub by: UserId,
    /// The outlet that asks.
    pub from: OutletCode,
    /// When it was asked, by the best estimate.
    pub at: UnixMs,
    /// Whether the parcel was sent on to the asked outlet, which confirms its arrival.
    pub forwards: bool,
    /// Whether an answer is due: the asked outlet has not answered, and the case has not ended since.
    pub open: bool,
    /// The answers of the asked outlet, in the timeline's order.
    pub answers: Vec<AnswerState>,
}

/// An answer of an asked outlet.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct AnswerState {
    /// The entry.
    pub entry: EntryKey,
    /// Who answers.
    pub by: UserId,
    /// When, by the best estimate.
    pub at: UnixMs,
    /// The result: a code of the step in the pack.
    pub result: String,
    /// Whether the parcel is at the answering outlet.
    pub here: bool,
    /// Whether it is the one that counts.
    pub counts: bool,
}

impl AskState {
    /// The answer that counts; `None` as long as the outlet has not answered.
    pub fn answer(&self) -> Option<&AnswerState> {
        self.answers.iter().find(|answer| answer.counts)
    }

    /// Whether the parcel was sent on and has arrived.
    pub fn has_arrived(&self) -> bool {
        self.forwards && self.answer().is_some_and(|answer| answer.here)
    }

    /// Whether the parcel was sent on, and the site says that it has not arrived.
    pub fn is_refuted(&self) -> bool {
        self.forwards && self.answer().is_some_and(|answer| !answer.here)
    }
}

/// The other case of a swap, as head office told it last.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LinkedCase {
    /// The other parcel.
    pub waybill: Waybill,
    /// Its newest problem; `None` if no problem stands in its case.
    pub reason: Option<String>,
    /// The state of its case.
    pub state: String,
    /// When head office wrote it.
    pub told_at: UnixMs,
}

/// The state of a linked case once neither case names the other's parcel any more: the number was mistaken.
pub const UNLINKED: &str = "unlinked";

/// Most questions of a case, the ones that the server received first. Further ones are kept, and nobody has to answer them: each makes
/// the case travel to one more outlet at each change. A device refuses them before they are recorded.
pub const MOST_ASKS: usize = 64;

/// The questions of a case, in the timeline's order.
pub(crate) fn asks(index: &CaseIndex<'_>) -> Vec<AskState> {
    let asked = |act: &Act<'_>| act.stands() && act.body().asks().is_some();
    // Most cases ask nobody.
    if !index.acts.iter().any(asked) {
        return Vec::new();
    }
    let since = if index.ended { index.acts.len() } else { index.ends.last().map_or(0, |end| end.place + 1) };
    let mut all: Vec<(usize, &Act<'_>)> = index.acts.iter().enumerate().filter(|(_, act)| asked(act)).collect();
    if all.len() > MOST_ASKS {
        all.sort_by_key(|(_, act)| received(act.recorded));
        all.truncate(MOST_ASKS);
        all.sort_by_key(|(place, _)| *place);
    }
    all.into_iter().filter_map(|(place, act)| ask(index, act, place >= since)).collect()
}

fn ask(index: &CaseIndex<'_>, act: &Act<'_>, may_be_open: bool) -> Option<AskState> {
    let to = act.body().asks()?;
    let (step, forwards) = match act.body() {
        Body::Ask(ask) => (ask.step.to_string(), false),
        Body::Action(action) => {
            let row = index.pack_of(act).outcome(action.outcome.as_str());
            (row.and_then(|row| row.asks.clone()).unwrap_or_else(|| ARRIVAL.to_owned()), true)
        }
        _ => return None,
    };
    let answers = || {
        index.standing().filter_map(|(_, answer)| match answer.body() {
            Body::Answered(said) if said.ask == *act.key() && answer.outlet() == to => Some((answer, said)),
            _ => None,
        })
    };
    // Of answers that were received together, and of those that nobody has received yet, the later one in the timeline counts.
    let newest = answers().max_by_key(|(answer, _)| received(answer.recorded)).map(|(answer, _)| answer.key());
    let state = |(answer, said): (&Act<'_>, &Answered)| AnswerState {
        entry: answer.key().clone(),
        by: answer.recorded.entry.author.user.clone(),
        at: answer.when.at,
        result: said.result.to_string(),
        here: said.here,
        counts: newest == Some(answer.key()),
    };
    let author = &act.recorded.entry.author;
    // Rules that know no answer to a step have nobody wait for one.
    let can_be_answered = index.pack().step(&step).is_some_and(|step| !step.results.is_empty());
    Some(AskState {
        entry: act.key().clone(),
        step,
        to: to.clone(),
        by: author.user.clone(),
        from: author.outlet.clone(),
        at: act.when.at,
        forwards,
        open: may_be_open && newest.is_none() && !is_for_review(index, act) && can_be_answered,
        answers: answers().map(state).collect(),
    })
}

/// Whether head office is to review a question first. Until then it reaches nobody. For a waybill in no list all is reviewed.
fn is_for_review(index: &CaseIndex<'_>, act: &Act<'_>) -> bool {
    act.recorded.standing.receipt().is_some_and(|receipt| receipt.review) && !index.case.facts.is_unlisted()
}

/// Whether an action sent the parcel to a site that says it has not arrived.
pub(crate) fn is_refuted(index: &CaseIndex<'_>, act: &Act<'_>) -> bool {
    matches!(act.body(), Body::Action(_)) && ask(index, act, false).is_some_and(|ask| ask.is_refuted())
}

/// The arrival by which an outlet has the parcel that was sent on to it, with the arrival's place in the case; `None` if none is
/// confirmed.
pub(crate) fn arrival<'i, 'a>(index: &'i CaseIndex<'a>) -> Option<(usize, &'i Act<'a>)> {
    let of = |place: usize| Some((place, index.acts.get(place)?));
    let arrived = index.case.arrivals().max_by_key(|recorded| received(recorded))?;
    index.place_of(&arrived.entry.key).and_then(of)
}

impl Case {
    /// The answers by which a parcel that was sent on has arrived at an outlet that delivers. Of several people who confirm it without
    /// knowledge of each other, the one counts whose answer was received first: the later ones move nothing any more.
    pub(crate) fn arrivals(&self) -> impl Iterator<Item = &Recorded> {
        let mut all: BTreeMap<&EntryKey, Vec<&Recorded>> = BTreeMap::new();
        for recorded in self.standing() {
            let Body::Answered(answer) = &recorded.entry.body else { continue };
            let author = &recorded.entry.author;
            let is_sent_to = |ask: &Recorded| match &ask.entry.body {
                Body::Action(action) => self.stands(ask) && action.site.as_ref() == Some(&author.outlet),
                _ => false,
            };
            if self.entry(&answer.ask).is_some_and(is_sent_to) {
                all.entry(&answer.ask).or_default().push(recorded);
            }
        }
        // A hub passes a parcel on and delivers none.
        let is_here = |recorded: &&Recorded| {
            let is_here = matches!(&recorded.entry.body, Body::Answered(answer) if answer.here);
            is_here && recorded.entry.author.role != Role::Hub
        };
        all.into_values().filter_map(move |mut answers| {
            answers.sort_by_key(|recorded| received(recorded));
            answers.into_iter().rev().take_while(is_here).last()
        })
    }

    /// The outlets and hubs that are asked something about the parcel, or to which it was sent on.
    pub fn asked(&self) -> Vec<OutletCode> {
        let mut asked: Vec<OutletCode> = self.standing().filter_map(|recorded| recorded.entry.body.asks().cloned()).collect();
        asked.sort_unstable();
        asked.dedup();
        asked
    }

    /// The outlets that delivered the parcel before it was sent on and arrived elsewhere: by head office's lists, and those that sent it.
    /// A hub that sent it on delivered nothing.
    pub fn former(&self) -> Vec<OutletCode> {
        let sent_from = |arrived: &Recorded| match &arrived.entry.body {
            Body::Answered(answer) => {
                self.entry(&answer.ask).map(|ask| &ask.entry.author).filter(|author| author.role != Role::Hub)
            }
            _ => None,
        };
        if self.arrivals().next().is_none() {
            return Vec::new();
        }
        let mut former: Vec<&OutletCode> = self.arrivals().filter_map(sent_from).map(|author| &author.outlet).collect();
        former.extend(self.rows.iter().filter_map(|row| row.facts.delivering_outlet.as_ref()));
        former.retain(|outlet| self.delivering() != Some(*outlet));
        former.sort_unstable();
        former.dedup();
        former.into_iter().cloned().collect()
    }

    /// The outlet that delivers the parcel: the one of [`Case::sent_on_to`], else head office's list's. `None` if neither is known.
    pub fn delivering(&self) -> Option<&OutletCode> {
        self.sent_on_to().or(self.facts.delivering_outlet.as_ref())
    }

    /// The outlet that confirmed the arrival of a parcel that was sent on to it and of which head office's list does not know yet.
    pub fn sent_on_to(&self) -> Option<&OutletCode> {
        let arrived = self.arrivals().max_by_key(|recorded| received(recorded))?;
        // Head office writes the arrival into its list when it receives it. A list of later is newer than the arrival.
        let since = self.rows.last().and_then(|row| row.since).filter(|_| self.facts.delivering_outlet.is_some());
        let is_listed = since.is_some_and(|since| since >= received(arrived));
        (!is_listed).then_some(&arrived.entry.author.outlet)
    }

    /// The other cases with which this one is linked, as head office told them last.
    pub fn linked(&self) -> Vec<LinkedCase> {
        let mut all: Vec<LinkedCase> = Vec::new();
        let mut told: Vec<&Recorded> = self
            .standing()
            .filter(|recorded| {
                // Anybody can write such an entry into a case; only the server's own are known to be true.
                let entry = &recorded.entry;
                entry.author.is_server() && entry.release.is_none() && recorded.standing.receipt().is_some()
            })
            .collect();
        told.sort_by_key(|recorded| (received(recorded), recorded.entry.key.seq, recorded.entry.key.index));
        for recorded in told {
            let Body::Linked(linked) = &recorded.entry.body else { continue };
            let newest = LinkedCase {
                waybill: linked.waybill.clone(),
                reason: linked.reason.as_ref().map(ToString::to_string),
                state: linked.state.to_string(),
                told_at: received(recorded),
            };
            match all.iter_mut().find(|case| case.waybill == newest.waybill) {
                Some(case) => *case = newest,
                None => all.push(newest),
            }
        }
        all.retain(|case| case.state != UNLINKED);
        all
    }

    /// The run to which the parcel is given, and when the server received that; `None` if it is given to none. The newest by receipt
    /// counts.
    pub fn dispatched(&self) -> Option<(&Dispatch, &Recorded)> {
        let runs = self.standing().filter_map(|recorded| match &recorded.entry.body {
            Body::Dispatch(dispatch) => Some((dispatch, recorded)),
            _ => None,
        });
        runs.max_by_key(|(_, recorded)| received(recorded))
    }
}
