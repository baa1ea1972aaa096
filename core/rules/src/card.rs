//! The card of each problem: whom to ask, the steps in order with the people who did them, and the possible outcomes (domain 2.4
//! to 2.8).

use std::collections::HashSet;

use doorstep_domain::{Body, EntryKey, Role, UnixMs, UserId};
use serde::Serialize;

use crate::{
    AskState, Pack, Side, Step, Words, asked,
    case::registered,
    case_index::{Act, CaseIndex},
    pack::{CardStep, Code},
};

/// A person's completion of a step.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Done {
    /// The person.
    pub by: UserId,
    /// The time, by the best estimate.
    pub at: UnixMs,
    /// The tick, or the entry that counts as the step.
    pub entry: EntryKey,
}

/// A step of a card.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct CardLine {
    /// Its code.
    pub step: String,
    /// Its name.
    pub name: Words,
    /// Roles that do it.
    pub by: Vec<String>,
    /// The side that does it, if the pack names it.
    pub side: Option<Side>,
    /// The people who did it; several may do the same step (domain 11.5).
    pub done: Vec<Done>,
}

/// The card of one problem of a case.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Card {
    /// The problem's code.
    pub code: String,
    /// The newest registration of it.
    pub entry: EntryKey,
    /// Whom to ask, in order: keys of the words table.
    pub asks: Vec<String>,
    /// The steps that apply now, in order.
    pub steps: Vec<CardLine>,
    /// The possible outcomes.
    pub outcomes: Vec<String>,
    /// Whether the origin outlet is notified and asked.
    pub notify: bool,
    /// Version of the pack that defines it.
    pub pack_version: u32,
}

impl Card {
    /// The first step that nobody has done.
    pub fn next_step(&self) -> Option<&CardLine> {
        self.steps.iter().find(|line| line.done.is_empty())
    }
}

/// Most completions shown for a step, the earliest ones.
const MOST_DONE: usize = 8;

/// The cards of a case, the oldest problem first. A problem that was registered several times has one card. Ended cases have
/// none.
pub(crate) fn cards(index: &CaseIndex<'_>, asks: &[AskState]) -> Vec<Card> {
    if index.ended {
        return Vec::new();
    }
    let since = index.ends.last().map_or(0, |end| end.place + 1);
    let mut seen = HashSet::new();
    let mut cards: Vec<Card> = Vec::new();
    for (place, act) in index.standing().rev().filter(|(place, _)| *place >= since) {
        let Some((code, sub)) = registered(act.body()) else { continue };
        let pack = index.pack_of(act);
        let Some(row) = pack.code(code).filter(|_| seen.insert(code)) else { continue };
        cards.push(card((index, asks), (pack, row, sub), act, place, since));
    }
    cards.reverse();
    cards
}

/// The side that does a step of a problem: what the delivering outlet does, the hub does for what it holds.
fn side(step: &Step, registration: &Act<'_>) -> Option<Side> {
    let is_at_hub = registration.is_at_hub();
    let does_it = step.by.iter().any(|by| by == Role::Hub.as_str());
    step.side.map(|side| if side == Side::Delivering && is_at_hub && does_it { Side::Hub } else { side })
}

fn card(
    (index, asks): (&CaseIndex<'_>, &[AskState]),
    (pack, row, sub): (&Pack, &Code, Option<&str>),
    act: &Act<'_>,
    place: usize,
    since: usize,
) -> Card {
    let acts = || index.standing().filter(move |(place, _)| *place >= since);
    let codes: HashSet<&str> = acts().filter_map(|(_, act)| registered(act.body())).map(|(code, _)| code).collect();
    let attempts = acts().filter(|(_, act)| registered(act.body()).is_some_and(|(code, _)| code == row.code)).count();
    let first = acts().find(|(_, act)| registered(act.body()).is_some_and(|(code, _)| code == row.code));
    let from = first.map_or(place, |(place, _)| place);
    let holds = |step: &&CardStep| {
        (step.only_subs.is_empty() || sub.is_some_and(|sub| step.only_subs.iter().any(|only| only == sub)))
            && (step.only_with.is_empty() || step.only_with.iter().any(|code| codes.contains(code.as_str())))
            && attempts >= step.after_attempts as usize
            && step.cod.is_none_or(|cod| cod == (act.facts.cod.0 > 0))
    };
    let line = |step: &CardStep| {
        let what = pack.step(&step.step);
        let asked = || asks.iter().filter(|ask| ask.step == step.step);
        let is = |act: &Act<'_>| match act.body() {
            Body::Tick(tick) => tick.step.as_str() == step.step,
            // An SMS that is not sent yet does not complete the step.
            Body::Sms(_) if index.message(act.key()).is_none_or(|message| !message.level.counts()) => false,
            // The step is done when all who were asked have answered.
            Body::Answered(answer) if !asked().any(|ask| ask.entry == answer.ask) || asked().any(|ask| ask.open) => false,
            Body::Answered(_) if !asks.iter().any(|ask| ask.answer().is_some_and(|counts| counts.entry == *act.key())) => false,
            Body::Action(_) if asked::is_refuted(index, act) => false,
            body => what.is_some_and(|what| what.done_by.iter().any(|kind| kind == body.kind())),
        };
        let done = acts().filter(|(place, act)| *place >= from && is(act)).take(MOST_DONE);
        let done =
            done.map(|(_, act)| Done { by: act.recorded.entry.author.user.clone(), at: act.when.at, entry: act.key().clone() });
        CardLine {
            step: step.step.clone(),
            name: pack.name_of(&step.step),
            by: what.map(|what| what.by.clone()).unwrap_or_default(),
            side: what.and_then(|what| side(what, act)),
            done: done.collect(),
        }
    };
    Card {
        code: row.code.clone(),
        entry: act.key().clone(),
        asks: row.asks.clone(),
        steps: row.steps.iter().filter(holds).map(line).collect(),
        outcomes: row.outcomes.clone(),
        notify: row.notify,
        pack_version: pack.version,
    }
}
