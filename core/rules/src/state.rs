//! The state of a case and its next step (domain 8.5), derived from the index.

use doorstep_domain::{Body, words};

use crate::{
    Card, Side, Timeliness, asked,
    case_index::{Act, CaseIndex},
    conflict::in_force,
    deadline::{Kept, TooLate, came_too_late, is_reply_clock},
    proof,
};

words!(
    /// The state of a case (domain 8.5).
    State {
        /// No registration yet, only a photo or note.
        Open = "open",
        /// A problem is registered; the origin outlet has not been notified, or need not be.
        Registered = "registered",
        /// The origin outlet has been notified.
        Notified = "notified",
        /// The origin outlet has seen the notice.
        Seen = "seen",
        /// The origin outlet has not replied in time.
        ReplyOverdue = "reply_overdue",
        /// The origin outlet has replied, but the reply is invalid.
        ReplyInvalid = "reply_invalid",
        /// The origin outlet has replied validly; the delivering side must act.
        ActionDue = "action_due",
        /// The decision is carried out; the case is followed to its end.
        ActionDone = "action_done",
        /// Head office must arbitrate.
        Arbitration = "arbitration",
        /// The case has ended, but something about it is disputed.
        Review = "review",
        /// Ended.
        Closed = "closed",
    }
);

words!(
    /// The next step.
    NextStep {
        /// Record the attempt or the problem.
        Register = "register",
        /// The registration is only on this device. Sync, or phone the origin outlet and record the call.
        SendRegistration = "send_registration",
        /// Notify the origin outlet; without a network, phone it and record the call.
        NotifyOrigin = "notify_origin",
        /// The notice is only on this device. Sync, or phone the origin outlet and record the call.
        SendNotice = "send_notice",
        /// The origin outlet must reply.
        AwaitReply = "await_reply",
        /// Carry out the reply.
        FollowReply = "follow_reply",
        /// Follow the method of the problem type (T-5).
        DefaultMethod = "default_method",
        /// Work on the steps of the problem's card.
        WorkCard = "work_card",
        /// Follow the parcel until it is signed for or returned.
        FollowUp = "follow_up",
        /// Head office must decide.
        AwaitDecision = "await_decision",
        /// Nothing.
        None = "none",
    }
);

impl NextStep {
    /// The side that acts next, if the step names it. The steps of a card name their own sides. Until the parcel leaves the hub that
    /// registered a problem, the hub does what a delivering outlet does elsewhere, except that it delivers nothing and ends no case.
    fn side(self, index: &CaseIndex<'_>) -> Option<Side> {
        match self {
            Self::AwaitReply => Some(Side::Origin),
            Self::AwaitDecision => Some(Side::HeadOffice),
            Self::WorkCard | Self::None => None,
            Self::FollowUp => Some(Side::Delivering),
            Self::FollowReply if !is_action(index) => Some(Side::Delivering),
            _ if is_at_hub(index) => Some(Side::Hub),
            _ => Some(Side::Delivering),
        }
    }
}

/// Whether a reply came too late to bind.
pub(crate) fn is_too_late(index: &CaseIndex<'_>, reply: &Act<'_>) -> bool {
    index.place_of(reply.key()).is_some_and(|place| came_too_late(index, place) == TooLate::Yes)
}

/// The side that acts next.
pub(crate) fn next_side(index: &CaseIndex<'_>, next: NextStep, cards: &[Card]) -> Option<Side> {
    if next == NextStep::WorkCard {
        return cards.iter().find_map(Card::next_step)?.side;
    }
    next.side(index)
}

/// Whether the hub that registered the newest problem still holds the parcel.
pub(crate) fn is_at_hub(index: &CaseIndex<'_>) -> bool {
    let arrived = asked::arrival(index).map(|(place, _)| place);
    let newest = index.standing().rev().find_map(|(place, act)| match act.body() {
        Body::Problem(_) => Some(act.is_at_hub()),
        Body::Attempt(_) => Some(false),
        Body::Answered(_) if arrived == Some(place) => Some(false),
        _ => None,
    });
    newest.unwrap_or(false)
}

/// Whether the decision in force is carried out by an action on the parcel, such as sending it back, and not by its delivery.
pub(crate) fn is_action(index: &CaseIndex<'_>) -> bool {
    let decided = in_force(index).and_then(|(_, act)| match act.body() {
        Body::Reply(reply) => index.pack_of(act).outcome(reply.decision.as_str()),
        _ => None,
    });
    decided.is_some_and(|row| row.action)
}

/// The state, the next step, and the decision in force or the outcome.
pub(crate) fn state(index: &CaseIndex<'_>, kept: &[Kept<'_>], disputed: bool) -> (State, NextStep, Option<String>) {
    if index.ended {
        let outcome = index.standing().rev().find_map(|(_, act)| match act.body() {
            Body::Close(close) => Some(close.outcome.to_string()),
            // The case continues under the parcel's own number.
            Body::Alias(alias) if index.case.is_provisional() => Some(alias.waybill.to_string()),
            _ => None,
        });
        // A disputed liability does not delay the parcel, but the case is not closed.
        return match disputed {
            true => (State::Review, NextStep::AwaitDecision, outcome),
            false => (State::Closed, NextStep::None, outcome),
        };
    }
    // A notice of nothing asks for nothing, and nobody can reply to it.
    let registered = index.rounds.last().copied().filter(|_| index.case.reason().is_some());
    let Some(round) = registered else { return (State::Open, NextStep::Register, None) };
    let acts = index.acts_of_round(&index.rounds, round.from);
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
    // Replies that came after the parcel was acted on bind no more, and another one would not either.
    if replies().next().is_some() && replies().all(|act| !act.is_valid_reply() || is_too_late(index, act)) {
        return (State::ReplyOverdue, NextStep::DefaultMethod, None);
    }
    let overdue = kept
        .iter()
        .any(|kept| kept.start.from == round.from && is_reply_clock(kept.clock) && kept.deadline.timeliness == Timeliness::Late);
    // A network whose rules know no decision has nobody reply.
    let is_answered = index.pack().outcomes.iter().any(|row| row.reply_needs.is_some());
    if round.told.is_some() && !is_answered {
        return (State::Notified, NextStep::WorkCard, None);
    }
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

/// The next step before the origin outlet is notified: notify it, or do the steps of a card that needs no notice.
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

/// Whether an action is in the pack and has its evidence: a change of money without its letter does not count as done.
pub(crate) fn is_done(index: &CaseIndex<'_>, act: &Act<'_>) -> bool {
    let row = outcome(act).and_then(|code| index.pack_of(act).outcome(code));
    let has_proof = row.is_some_and(|row| row.action && proof::unmet(index, row, act.when.at).next().is_none());
    // A parcel that did not arrive where it was sent on is still to be sent.
    has_proof && !asked::is_refuted(index, act)
}
