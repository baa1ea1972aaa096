//! Decides what an installation does next with an SMS; the caller does it. At most one of all installations and the gateway sends
//! a message, except if two installations recorded the attempt without knowing of each other.

use doorstep_domain::{SmsFault, SmsState, SmsWay, Tag, UnixMs};

use super::{Message, SmsLack};
use crate::Pack;

/// A device's tags and present abilities.
#[derive(Debug, Clone, Copy)]
pub struct Ability<'a> {
    /// The tag of its present installation, then those of its earlier installations.
    pub tags: &'a [Tag],
    /// Whether the server was reached a moment ago.
    pub online: bool,
    /// Whether head office has a gateway.
    pub gateway: bool,
    /// Whether the phone can send an SMS now: it has cellular service, and the app has permission.
    pub phone: bool,
    /// Whether this process is handing the message over.
    pub in_hand: bool,
}

/// The next action, with the number of the try.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// Do nothing for now.
    Wait,
    /// Offer it to the gateway or to another sender with a lease.
    Offer(u32),
    /// Send it by the phone.
    Send(u32),
    /// Report that it is not sent, or that its state is uncertain.
    Settle(u32, SmsState, Option<SmsFault>),
}

/// Most automatic tries of the phone.
const MOST_ROUNDS: u32 = 5;
/// No try starts within this time before the end of a lease, milliseconds, because the phone's clock and the server's may differ.
const LEASE_MARGIN_MS: i64 = 2 * 60_000;

/// The next step of a device with a message. `all` are the messages of its case; `ended` is true if the case has ended.
pub fn next(message: &Message, all: &[Message], pack: &Pack, ended: bool, can: &Ability<'_>, now: UnixMs) -> Step {
    let is_recorder = can.tags.contains(&message.entry.tag);
    // The lease belongs to one installation; reports under another tag are ignored.
    let is_holder = message.holder.is_some_and(|holder| can.tags.first() == Some(&holder));
    if !is_recorder && !is_holder {
        return Step::Wait;
    }
    let is_sender = if message.given_up { is_holder } else { is_recorder };
    let again = message.state == SmsState::Failed && message.fault.is_some_and(SmsFault::is_before_sending);
    match message.state {
        // The process that was handing it over has died. The message may have left, so it is not sent again automatically.
        SmsState::Submitting if message.way == Some(SmsWay::Phone) && is_sender && !can.in_hand => {
            return Step::Settle(message.round, SmsState::Uncertain, None);
        }
        SmsState::Queued if is_recorder => {}
        SmsState::Failed if again => {}
        SmsState::Leased if is_holder => {}
        _ => return Step::Wait,
    }
    // After a failure the next step belongs to a new try.
    let round = if again { message.round.saturating_add(1) } else { message.round };
    if all.iter().any(|other| other.opt_out) {
        return Step::Settle(round, SmsState::Failed, Some(SmsFault::OptedOut));
    }
    if ended || message.is_void {
        return Step::Settle(round, SmsState::Cancelled, None);
    }
    if pack.day(now).is_some_and(|today| today > message.day) {
        return Step::Settle(round, SmsState::Expired, None);
    }
    // A text that its template can not give counts in no way, and head office never sends it. Without an end it would wait until
    // the end of its day.
    if message.lacks.contains(&SmsLack::TextAltered) && is_sender {
        return Step::Settle(round, SmsState::Failed, Some(SmsFault::Text));
    }
    // A message to a number that became known as wrong would tell a stranger of the parcel.
    if message.lacks.contains(&SmsLack::NumberWrong) && is_sender {
        return Step::Settle(round, SmsState::Failed, Some(SmsFault::Number));
    }
    // Its recorder has offered it to others, and the holder's try failed, so the next try is the holder's.
    if again && message.given_up && !is_holder {
        return Step::Wait;
    }
    if is_holder && message.lease_ends.is_some_and(|end| now.plus(LEASE_MARGIN_MS) > end) {
        return Step::Settle(round, SmsState::Failed, Some(SmsFault::LeaseLost));
    }
    let same = || all.iter().filter(|other| other.key == message.key && other.entry != message.entry);
    if same().any(|other| other.state.has_left()) {
        return Step::Settle(round, SmsState::Covered, None);
    }
    // Another sender is sending the same message, or its state is uncertain; wait for the result.
    if same().any(|other| other.state.may_have_left()) {
        return Step::Wait;
    }
    let is_contested = same().any(|other| matches!(other.state, SmsState::Offered | SmsState::Leased));
    let is_own = is_recorder && !message.given_up && message.attempt.as_ref().is_none_or(|of| can.tags.contains(&of.tag));
    let ways = pack.sms.ways.iter().filter_map(|way| SmsWay::from_word(way));
    let worth = message.is_worth_sending();
    for way in ways {
        match way {
            SmsWay::Gateway if can.online && can.gateway && worth && !is_holder => return Step::Offer(round),
            SmsWay::Phone if can.phone && round < MOST_ROUNDS && (is_holder || (is_own && !is_contested)) => {
                return Step::Send(round);
            }
            _ => {}
        }
    }
    Step::Wait
}
