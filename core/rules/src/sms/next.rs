//! What an installation does next with an SMS: it decides, the edge acts. At most one of all installations and the gateway ever
//! sends, except where two that both recorded an attempt knew nothing of each other.

use doorstep_domain::{SmsFault, SmsState, SmsWay, Tag, UnixMs};

use super::{Message, SmsLack};
use crate::Pack;

/// What a device is, and what it can do now.
#[derive(Debug, Clone, Copy)]
pub struct Ability<'a> {
    /// Its mark, then those under which it wrote before it had to go on as a new installation.
    pub tags: &'a [Tag],
    /// The server was reached a moment ago.
    pub online: bool,
    /// Head office has a gateway.
    pub gateway: bool,
    /// The phone can send an SMS now: it has cellular service, and the app may.
    pub phone: bool,
    /// This very process is handing the message over.
    pub in_hand: bool,
}

/// What is to be done, and as which try.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// Nothing, or nothing yet.
    Wait,
    /// Leave it to the gateway, or to whoever gets a lease.
    Offer(u32),
    /// Send it by the phone.
    Send(u32),
    /// It is not sent, or nobody knows: say so.
    Settle(u32, SmsState, Option<SmsFault>),
}

/// Tries of the phone that it makes by itself.
const MOST_ROUNDS: u32 = 5;
/// A lease is not begun on so shortly before its end, milliseconds: the phone's clock and the server's may differ.
const LEASE_MARGIN_MS: i64 = 2 * 60_000;

/// What a device does next with a message. `all` are the messages of its case; `ended`: the case has ended.
pub fn next(message: &Message, all: &[Message], pack: &Pack, ended: bool, can: &Ability<'_>, now: UnixMs) -> Step {
    let is_recorder = can.tags.contains(&message.entry.tag);
    // The lease is the installation's: what another mark says of it nobody hears.
    let is_holder = message.holder.is_some_and(|holder| can.tags.first() == Some(&holder));
    if !is_recorder && !is_holder {
        return Step::Wait;
    }
    let is_sender = if message.given_up { is_holder } else { is_recorder };
    let again = message.state == SmsState::Failed && message.fault.is_some_and(SmsFault::is_before_sending);
    match message.state {
        // The process here that was handing it over is gone: it may have left, and nobody sends it again by themselves.
        SmsState::Submitting if message.way == Some(SmsWay::Phone) && is_sender && !can.in_hand => {
            return Step::Settle(message.round, SmsState::Uncertain, None);
        }
        SmsState::Queued if is_recorder => {}
        SmsState::Failed if again => {}
        SmsState::Leased if is_holder => {}
        _ => return Step::Wait,
    }
    // What failed is over: whatever comes now is another try.
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
    // Its recorder has left it to others, and the holder's try failed: the next is the holder's.
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
    // Somebody else is at the same message, or nobody knows: what becomes of that decides.
    if same().any(|other| other.state.may_have_left()) {
        return Step::Wait;
    }
    let is_contested = same().any(|other| matches!(other.state, SmsState::Offered | SmsState::Leased));
    let is_own = is_recorder && !message.given_up && message.attempt.as_ref().is_none_or(|of| can.tags.contains(&of.tag));
    let ways = pack.sms.ways.iter().filter_map(|way| SmsWay::from_word(way));
    // What would not count is not the gateway's to send.
    let worth = message.lacks.iter().all(|lack| matches!(lack, SmsLack::NotSent | SmsLack::SenderUnauthorised));
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
