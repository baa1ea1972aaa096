//! The judgement of a case by a network's rules at a moment. It is derived and never stored as truth.

use doorstep_domain::{Body, EntryKey, UnixMs};
use serde::Serialize;

use crate::{
    AskState, AttemptBasis, Card, Case, Conflict, Deadline, Duty, Finding, FindingState, Flag, Gap, Message, NextStep, Question,
    Rulebook, Side, State, Timeliness, Validity,
    asked::asks,
    card::cards,
    case_index::CaseIndex,
    conflict::{conflicts, in_force},
    deadline::{TooLate, came_too_late, deadlines},
    duty::duties,
    evidence::{bases, missing},
    finding::{findings, is_newer},
    flags::flags,
    question::questions,
    state::{next_side, state},
    tally::{Work, note},
    worlds::weigh,
};

/// The state of a reply.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ReplyState {
    /// The reply.
    pub entry: EntryKey,
    /// Whether it is valid, and if not, why.
    pub validity: Validity,
    /// Whether it came too late and no longer binds.
    pub too_late: bool,
    /// Whether it is the binding reply.
    pub in_force: bool,
    /// From when on it counts, if that is later than its receipt: everything that it needs was received, or an outlet's mark makes it
    /// valid.
    pub valid_from: Option<UnixMs>,
    /// An outlet's mark against it that came too late to count.
    pub late_mark: Option<EntryKey>,
}

/// All derived data of a case except its timeline.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Judgement {
    /// The state of the case.
    pub state: State,
    /// The next step.
    pub next_step: NextStep,
    /// The side that does it; `None` if nobody does, or if the rules do not name the side.
    pub next_side: Option<Side>,
    /// All that is due, by whom and until when, the most urgent first. An open case has at least one duty.
    pub duties: Vec<Duty>,
    /// The decision in force, if the origin outlet replied; else the action that was done, or the outcome of an ended case.
    pub decision: Option<String>,
    /// All deadlines in the order of their starts.
    pub deadlines: Vec<Deadline>,
    /// Missing evidence.
    pub missing: Vec<Gap>,
    /// The customer's SMS with their state and whether they count, in the timeline's order.
    pub messages: Vec<Message>,
    /// The basis of each failed delivery.
    pub bases: Vec<AttemptBasis>,
    /// The cards of its open problems.
    pub cards: Vec<Card>,
    /// What outlets and hubs were asked, with their answers, in the timeline's order.
    pub asks: Vec<AskState>,
    /// Replies, in the timeline's order.
    pub replies: Vec<ReplyState>,
    /// The proposed liabilities.
    pub findings: Vec<Finding>,
    /// Contradictions that wait for a person.
    pub conflicts: Vec<Conflict>,
    /// Facts for a reviewer, in the timeline's order. No finding rests on them.
    pub questions: Vec<Question>,
    /// Flags, sorted.
    pub flags: Vec<Flag>,
}

impl Judgement {
    /// The clocks that were missed, each once.
    pub fn missed(&self) -> Vec<&str> {
        let mut missed: Vec<&str> = self
            .deadlines
            .iter()
            .filter(|d| matches!(d.timeliness, Timeliness::Late | Timeliness::LateSynced))
            .map(|d| d.clock.as_str())
            .collect();
        missed.sort_unstable();
        missed.dedup();
        missed
    }

    /// The earliest running deadline. When it passes the judgement changes without new entries; without a running deadline, time
    /// does not change it.
    pub fn next_due(&self) -> Option<UnixMs> {
        self.deadlines.iter().filter(|d| d.timeliness == Timeliness::Pending).filter_map(|d| d.due_at).min()
    }
}

/// Most replies shown, the newest.
const MOST_REPLIES: usize = 64;

/// Judges a case by a network's rules at a moment. Equal entries, receipts, rules and time give an equal judgement on every
/// replica.
///
/// ```
/// use doorstep_domain::{Attempt, Body, Recorded, Standing, UnixMs};
/// use doorstep_rules::{Case, FIRST_PACK, NextStep, Pack, Rulebook, State, judge};
/// # use doorstep_domain::*;
/// # fn recorded(body: Body) -> Recorded {
/// #     let install = InstallId::new([1; 16]);
/// #     let waybill = Waybill::parse("QH310000000017").unwrap();
/// #     let entry = Entry {
/// #         key: EntryKey { kind: body.kind().to_owned(), tag: Tag::of(&install), seq: 1, index: None },
/// #         author: Author { user: "c101".parse().unwrap(), role: Role::Courier, outlet: "0412".parse().unwrap() },
/// #         pack_version: 1,
/// #         time: TimeEvidence { wall: UnixMs(0), zone_quarters: 32, mono_ms: 1, boot: BootId([0; 4]), anchor: None },
/// #         action: None,
/// #         facts: Some(Facts::unlisted("QH".parse().unwrap(), waybill)),
/// #         release: None,
/// #         sheet: None,
/// #         rewrites: None,
/// #         body,
/// #     };
/// #     Recorded { change: ChangeHash::new([1; 32]), standing: Standing::OnThisDevice, entry }
/// # }
///
/// // One entry: a failed delivery that only this device has. `recorded` gives it author, time and the parcel's facts.
/// let attempt = recorded(Body::Attempt(Attempt::of("DF-NOBODY".parse()?)));
/// let case = Case::fold([attempt]).ok_or("nothing was recorded")?;
///
/// let judgement = judge(&case, &Rulebook::only(Pack::parse(FIRST_PACK)?), UnixMs(0));
/// assert_eq!((judgement.state, judgement.next_step), (State::Registered, NextStep::NotifyOrigin));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn judge(case: &Case, book: &Rulebook, now: UnixMs) -> Judgement {
    note(Work::Judgement);
    judge_until(case, book, now).0
}

/// Judges a case, and also gives the time when the next clock runs out under another version or row that may have been in force,
/// because the findings change then.
pub(crate) fn judge_until(case: &Case, book: &Rulebook, now: UnixMs) -> (Judgement, Option<UnixMs>) {
    let index = CaseIndex::of(case, book, now);
    let mut flags = flags(&index);
    let (missing, leniency) = missing(&index);
    let (kept, capped) = deadlines(&index, &leniency);
    let mut findings = if case.facts_confirmed { findings(&index, &kept, &leniency) } else { Vec::new() };
    let other_due = case.facts_confirmed.then(|| weigh(case, book, now, &index, &mut findings)).flatten();
    let doubted = [Flag::FactsAltered, Flag::RowOutdated].iter().any(|flag| flags.contains(flag));
    for finding in findings.iter_mut().filter(|finding| finding.state != FindingState::Decided) {
        finding.review |= doubted;
    }
    let conflicts = conflicts(&index);
    let disputed = findings.iter().any(|finding| finding.state == FindingState::Disputed) || has_open_dispute(&index);
    // An SMS to a number that is proven to be missing or wrong proves nothing more.
    let is_lenient = |key: &EntryKey| index.act(key).is_some_and(|act| leniency.covers(act));
    let wants_sms = missing.iter().any(|gap| gap.evidence == "sms" && !is_lenient(&gap.entry));
    let derived = [
        (leniency.is_proven(&index), Flag::Leniency),
        (wants_sms, Flag::AttemptUnproven),
        (disputed, Flag::Disputed),
        (!conflicts.is_empty(), Flag::Conflict),
        (kept.iter().any(|kept| kept.deadline.timeliness == Timeliness::ScheduleMissing), Flag::ScheduleMissing),
        (capped || leniency.is_capped, Flag::TooMany),
    ];
    flags.extend(derived.into_iter().filter(|(holds, _)| *holds).map(|(_, flag)| flag));
    let questions = questions(&index);
    flags.extend(questions.iter().filter_map(|question| question.kind.flag()));
    let (state, next_step, decision) = state(&index, &kept, disputed);
    let asks = asks(&index);
    let cards = cards(&index, &asks);
    let judgement = Judgement {
        state,
        next_step,
        next_side: next_side(&index, next_step, &cards),
        duties: duties(&index, &kept, next_step, (&cards, &asks), (&conflicts, disputed)),
        decision,
        cards,
        asks,
        replies: replies(&index),
        deadlines: kept.into_iter().map(|kept| kept.deadline).collect(),
        bases: bases(&index, &leniency),
        missing,
        messages: index.messages,
        findings,
        conflicts,
        questions,
        flags: flags.into_iter().collect(),
    };
    (judgement, other_due)
}

fn replies(index: &CaseIndex<'_>) -> Vec<ReplyState> {
    let binding = in_force(index).map(|(_, act)| act.key().clone());
    let replies = index.acts.iter().enumerate().rev().filter_map(|(place, act)| {
        Some(ReplyState {
            entry: act.key().clone(),
            validity: act.validity.clone()?,
            too_late: came_too_late(index, place) == TooLate::Yes,
            in_force: binding.as_ref() == Some(act.key()),
            valid_from: act.valid_from,
            late_mark: act.late_mark.and_then(|mark| index.acts.get(mark)).map(|mark| mark.key().clone()),
        })
    });
    let mut replies: Vec<ReplyState> = replies.take(MOST_REPLIES).collect();
    replies.reverse();
    replies
}

/// Whether something other than a finding (a mark, an action) is disputed and head office has not decided since.
fn has_open_dispute(index: &CaseIndex<'_>) -> bool {
    index.standing().any(|(_, act)| match act.body() {
        Body::Dispute(dispute) if dispute.about.rule.is_none() => {
            index.rulings(&dispute.about).last().is_none_or(|(ruling, _)| is_newer(act, ruling))
        }
        _ => false,
    })
}
