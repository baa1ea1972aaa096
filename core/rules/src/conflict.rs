//! Contradictions after a merge. They are shown to a person with both sides and never settled silently (domain 8.5, 11.5).

use std::collections::{BTreeMap, BTreeSet, HashSet};

use doorstep_domain::{About, Body, EntryKey, Recorded, Ruling, words};
use serde::Serialize;

use crate::{
    case_index::{Act, CaseIndex},
    deadline::{TooLate, came_too_late},
};

words!(
    /// The kind of contradiction.
    ConflictKind {
        /// The end of the case contradicts the decision in force, for example signed for while a return is ordered.
        EndAgainstDecision = "end_against_decision",
        /// The case has two different ends.
        TwoEnds = "two_ends",
        /// Two assignments to different people were written without knowledge of each other.
        TwoAssignments = "two_assignments",
        /// Two decisions of head office were written without knowledge of each other.
        TwoDecisions = "two_decisions",
        /// An action followed a reply that a later reply has replaced.
        ActedOnOldReply = "acted_on_old_reply",
        /// A failed delivery of a parcel that had ended on the same day, for example one that was signed for.
        FailedAfterEnd = "failed_after_end",
        /// Two attempts on different devices are so close in time that they may be the same.
        MaybeSameAttempt = "maybe_same_attempt",
    }
);

/// A contradiction that waits for a person.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Conflict {
    /// The kind.
    pub kind: ConflictKind,
    /// The entries that contradict each other, in the timeline's order.
    pub sides: Vec<EntryKey>,
}

/// Most conflicts shown.
const MOST: usize = 32;

/// The conflicts of a case, without those that head office has decided for one of the sides.
pub(crate) fn conflicts(index: &CaseIndex<'_>) -> Vec<Conflict> {
    let mut conflicts = Vec::new();
    ends(index, &mut conflicts);
    assignments(index, &mut conflicts);
    decisions(index, &mut conflicts);
    old_replies(index, &mut conflicts);
    attempts(index, &mut conflicts);
    after_ends(index, &mut conflicts);
    let settled = |conflict: &Conflict| {
        conflict.kind != ConflictKind::TwoDecisions && conflict.sides.iter().any(|side| index.ruling_on(side).is_some())
    };
    conflicts.retain(|conflict| !settled(conflict));
    conflicts.truncate(MOST);
    conflicts
}

fn key(act: &Act<'_>) -> EntryKey {
    act.key().clone()
}

/// Compares the end of the case with the decision in force, and with other ends.
fn ends(index: &CaseIndex<'_>, conflicts: &mut Vec<Conflict>) {
    let since = index.rounds.last().map_or(0, |round| round.from);
    let closes = index
        .standing()
        .filter(|(place, act)| *place >= since && matches!(act.body(), Body::Close(close) if close.piece.is_none()));
    let closes: Vec<&Act<'_>> = closes.map(|(_, act)| act).collect();
    let outcome = |act: &Act<'_>| match act.body() {
        Body::Close(close) => Some(close.outcome.clone()),
        _ => None,
    };
    let Some(last) = closes.last() else { return };
    if let Some(other) = closes.iter().find(|close| outcome(close) != outcome(last)) {
        conflicts.push(Conflict { kind: ConflictKind::TwoEnds, sides: vec![key(other), key(last)] });
    }
    if let (Some((_, reply)), Some(outcome)) = (in_force(index), outcome(last)) {
        let row = index.pack_of(last).outcome(outcome.as_str());
        let decided = decision(reply.recorded);
        if row.is_some_and(|row| row.contradicts.iter().any(|code| Some(code.as_str()) == decided)) {
            conflicts.push(Conflict { kind: ConflictKind::EndAgainstDecision, sides: vec![key(reply), key(last)] });
        }
    }
}

fn decision(recorded: &Recorded) -> Option<&str> {
    match &recorded.entry.body {
        Body::Reply(reply) => Some(reply.decision.as_str()),
        _ => None,
    }
}

/// The binding reply with its index: the valid reply of the last round that counts from the latest moment (domain 6.6).
pub(crate) fn in_force<'r, 'a>(index: &'r CaseIndex<'a>) -> Option<(usize, &'r Act<'a>)> {
    let since = index.rounds.last().map_or(0, |round| round.from);
    let valid = index.standing().filter(|(place, act)| *place >= since && act.is_valid_reply());
    let binding = valid.filter(|(place, _)| came_too_late(index, *place) != TooLate::Yes);
    binding.max_by_key(|(place, act)| (act.counts_from(), *place))
}

/// Assignments to different people that no other assignment replaces.
fn assignments(index: &CaseIndex<'_>, conflicts: &mut Vec<Conflict>) {
    if index.ended {
        return;
    }
    let since = index.ends.last().map_or(0, |end| end.place);
    let assigns: Vec<&Act<'_>> = index
        .standing()
        .filter(|(place, act)| *place >= since && matches!(act.body(), Body::Assign(_)))
        .map(|(_, act)| act)
        .collect();
    let replaced: HashSet<&EntryKey> = assigns.iter().filter_map(|act| act.body().replaces()).collect();
    let standing: Vec<&Act<'_>> = assigns.into_iter().filter(|act| !replaced.contains(act.key())).collect();
    let to = |act: &Act<'_>| match act.body() {
        Body::Assign(assign) => Some(assign.to.clone()),
        _ => None,
    };
    if standing.iter().any(|act| standing.first().is_some_and(|first| to(first) != to(act))) {
        let sides = standing.into_iter().take(MOST).map(key).collect();
        conflicts.push(Conflict { kind: ConflictKind::TwoAssignments, sides });
    }
}

/// The last of the rulings that nobody has replaced, if all of them agree.
pub(crate) fn agreed<'r, 'a>(standing: &[(&'r Act<'a>, &'a Ruling)]) -> Option<(&'r Act<'a>, &'a Ruling)> {
    let says = |ruling: &Ruling| (ruling.stands, ruling.share, ruling.amount);
    let (act, last) = standing.last().copied()?;
    standing.iter().all(|(_, ruling)| says(ruling) == says(last)).then_some((act, last))
}

fn decisions(index: &CaseIndex<'_>, conflicts: &mut Vec<Conflict>) {
    let mut found: BTreeMap<&About, Vec<EntryKey>> = BTreeMap::new();
    for about in index.decided() {
        let standing = index.rulings(about);
        if agreed(&standing).is_none() {
            found.insert(about, standing.into_iter().take(MOST).map(|(act, _)| key(act)).collect());
        }
    }
    conflicts.extend(found.into_values().map(|sides| Conflict { kind: ConflictKind::TwoDecisions, sides }));
}

/// An action under a reply, before a later reply with another decision came.
fn old_replies(index: &CaseIndex<'_>, conflicts: &mut Vec<Conflict>) {
    let Some((_, now)) = in_force(index) else { return };
    let decided = decision(now.recorded);
    let since = index.rounds.last().map_or(0, |round| round.from);
    let valid = index.standing().filter(|(_, act)| act.is_valid_reply()).filter_map(|(_, act)| decision(act.recorded));
    let older: BTreeSet<&str> = valid.filter(|code| Some(*code) != decided).collect();
    for (_, act) in index.standing().filter(|(place, _)| *place >= since) {
        let Body::Action(action) = act.body() else { continue };
        let row = index.pack_of(act).outcome(action.outcome.as_str());
        let carries =
            |code: &str| code == action.outcome.as_str() || row.is_some_and(|row| row.fulfils.iter().any(|f| f == code));
        let before = now.counts_from().is_none_or(|counts| act.when.at < counts);
        if before && decided.is_none_or(|code| !carries(code)) && older.iter().any(|code| carries(code)) {
            conflicts.push(Conflict { kind: ConflictKind::ActedOnOldReply, sides: vec![key(act), key(now)] });
            return;
        }
    }
}

/// A failed delivery after an end of the whole case, on the same day by the network's clocks [A]: the parcel was signed for or sent
/// back, so one of the two is wrong. A failure on a later day begins a new round.
fn after_ends(index: &CaseIndex<'_>, conflicts: &mut Vec<Conflict>) {
    let mut ended: Option<&Act<'_>> = None;
    for (_, act) in index.standing() {
        match act.body() {
            Body::Close(close) if close.piece.is_none() => ended = Some(act),
            Body::Attempt(_) => {
                let day = |of: &Act<'_>| index.pack_of(act).day(of.when.at);
                if let Some(end) = ended.take().filter(|end| day(end) == day(act)) {
                    conflicts.push(Conflict { kind: ConflictKind::FailedAfterEnd, sides: vec![key(end), key(act)] });
                }
            }
            _ => {}
        }
    }
}

/// Neighbouring attempts by different installations within `same_attempt_minutes`.
fn attempts(index: &CaseIndex<'_>, conflicts: &mut Vec<Conflict>) {
    let mut last: Option<&Act<'_>> = None;
    for (_, act) in index.standing().filter(|(_, act)| matches!(act.body(), Body::Attempt(_))) {
        if let Some(before) = last.filter(|before| index.may_be_same(before, act)) {
            conflicts.push(Conflict { kind: ConflictKind::MaybeSameAttempt, sides: vec![key(before), key(act)] });
        }
        last = Some(act);
    }
}
