//! Where a case stands and what is next (domain 8.5): a pure fold of what has been read.

use doorstep_domain::{Body, words};

use crate::{
    Timeliness,
    case_index::{Act, CaseIndex},
    conflict::in_force,
    deadline::{Kept, is_reply_clock},
    evidence,
};

words!(
    /// Where a case stands (domain 8.5).
    State {
        /// No registration yet: a photo or note came first.
        Open = "open",
        /// A problem is registered; the origin outlet has not been told, or need not be.
        Registered = "registered",
        /// The origin outlet has been told.
        Notified = "notified",
        /// It has looked at the notice.
        Seen = "seen",
        /// It has not replied in time.
        ReplyOverdue = "reply_overdue",
        /// It has replied, and the reply decides nothing.
        ReplyInvalid = "reply_invalid",
        /// It has replied; the delivering side must act.
        ActionDue = "action_due",
        /// What was decided is done; the case is followed to its end.
        ActionDone = "action_done",
        /// Head office must arbitrate.
        Arbitration = "arbitration",
        /// It has ended, and something about it is contested.
        Review = "review",
        /// Ended.
        Closed = "closed",
    }
);

words!(
    /// What is to be done next.
    NextStep {
        /// Record the attempt or the problem.
        Register = "register",
        /// The registration is only on this device: sync, or phone the origin outlet and record that.
        SendRegistration = "send_registration",
        /// Notify the origin outlet; without a network, phone it and record that.
        NotifyOrigin = "notify_origin",
        /// The notice is written and only this device has it: sync, or phone the origin outlet and record that.
        SendNotice = "send_notice",
        /// The origin outlet must reply.
        AwaitReply = "await_reply",
        /// Do what the reply says.
        FollowReply = "follow_reply",
        /// Follow the method of the problem type (T-5).
        DefaultMethod = "default_method",
        /// Work on the steps of the problem's card.
        WorkCard = "work_card",
        /// Follow it until it is signed for or back.
        FollowUp = "follow_up",
        /// Head office must decide.
        AwaitDecision = "await_decision",
        /// Nothing.
        None = "none",
    }
);

/// Where a case stands, what is next, and the decision in force or the outcome.
pub(crate) fn state(index: &CaseIndex<'_>, kept: &[Kept<'_>], disputed: bool) -> (State, NextStep, Option<String>) {
    if index.ended {
        let outcome = index.standing().rev().find_map(|(_, act)| match act.body() {
            Body::Close(close) => Some(close.outcome.to_string()),
            // The parcel's own number: its case goes on there.
            Body::Alias(alias) if index.case.is_provisional() => Some(alias.waybill.to_string()),
            _ => None,
        });
        // A liability that is contested holds nobody's parcel up, but the case is not over.
        return match disputed {
            true => (State::Review, NextStep::AwaitDecision, outcome),
            false => (State::Closed, NextStep::None, outcome),
        };
    }
    let Some(round) = index.rounds.last().copied() else { return (State::Open, NextStep::Register, None) };
    let acts = index.acts_of_round(round.from);
    let standing = || acts.iter().filter(|act| act.stands());
    let reply = in_force(index);
    let decided = reply.and_then(|(_, act)| match act.body() {
        Body::Reply(reply) => Some(reply.decision.to_string()),
        _ => None,
    });
    let actions = || standing().filter(|act| is_done(index, act));
    let arbitrated = actions()
        .rfind(|act| outcome(act).is_some_and(|code| index.pack_of(act).outcome(code).is_some_and(|row| row.arbitrates)));
    if let Some(open) = arbitrated.filter(|act| index.ruling_on(act.key()).is_none()) {
        return (State::Arbitration, NextStep::AwaitDecision, outcome(open).map(str::to_owned));
    }
    if let Some((place, _)) = reply {
        let carries_out = |act: &Act<'_>| {
            let row = outcome(act).and_then(|code| index.pack_of(act).outcome(code));
            let carries = row.is_some_and(|row| {
                Some(&row.code) == decided.as_ref() || row.fulfils.iter().any(|f| Some(f) == decided.as_ref())
            });
            carries && is_done(index, act)
        };
        let since = index.acts.get(place..).unwrap_or_default().iter().filter(|act| act.stands());
        return match since.into_iter().any(carries_out) {
            true => (State::ActionDone, NextStep::FollowUp, decided),
            false => (State::ActionDue, NextStep::FollowReply, decided),
        };
    }
    if let Some(done) = actions().next_back() {
        return (State::ActionDone, NextStep::FollowUp, outcome(done).map(str::to_owned));
    }
    let replies = || standing().filter(|act| matches!(act.body(), Body::Reply(_)) && index.is_origin(act));
    if replies().next().is_some() && replies().all(|act| !act.is_valid_reply()) {
        return (State::ReplyInvalid, NextStep::DefaultMethod, None);
    }
    let overdue = kept
        .iter()
        .any(|kept| kept.start.from == round.from && is_reply_clock(kept.clock) && kept.deadline.timeliness == Timeliness::Late);
    if round.told.is_some() {
        let seen = standing().any(|act| matches!(act.body(), Body::Seen(_)) && index.is_origin(act));
        return match (overdue, seen) {
            (true, _) => (State::ReplyOverdue, NextStep::DefaultMethod, None),
            (false, true) => (State::Seen, NextStep::AwaitReply, None),
            (false, false) => (State::Notified, NextStep::AwaitReply, None),
        };
    }
    if standing().any(|act| matches!(act.body(), Body::Notice(_)) && index.to_origin(act)) {
        return (State::Registered, NextStep::SendNotice, None);
    }
    (State::Registered, unnotified(index, acts), None)
}

/// What is next while the origin outlet has not been told: telling it, or the steps of a card that does not want it.
fn unnotified(index: &CaseIndex<'_>, acts: &[Act<'_>]) -> NextStep {
    let registrations = || {
        acts.iter().filter(|act| act.stands()).filter_map(|act| {
            let (code, _) = crate::case::registered(act.body())?;
            Some((act, index.pack_of(act).code(code)))
        })
    };
    if registrations().next().is_none() || registrations().any(|(_, row)| row.is_none_or(|row| row.notify)) {
        return NextStep::NotifyOrigin;
    }
    let unsent = registrations().all(|(act, _)| act.when.received.is_none());
    if unsent { NextStep::SendRegistration } else { NextStep::WorkCard }
}

fn outcome<'a>(act: &Act<'a>) -> Option<&'a str> {
    match act.body() {
        Body::Action(action) => Some(action.outcome.as_str()),
        _ => None,
    }
}

/// Whether an action is known to the pack and has what proves it: a change of money without its letter is not done.
pub(crate) fn is_done(index: &CaseIndex<'_>, act: &Act<'_>) -> bool {
    let row = outcome(act).and_then(|code| index.pack_of(act).outcome(code));
    row.is_some_and(|row| row.action && row.requires.iter().all(|e| evidence::count(index, e, None) >= e.least))
}
