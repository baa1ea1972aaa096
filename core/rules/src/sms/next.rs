//! What an installation does next with an SMS: it decides, the edge acts. At most one of all installations and the gateway ever
//! sends, except where two that both recorded an attempt knew nothing of each other.

use doorstep_domain::{SmsFault, SmsState, SmsWay, Tag, UnixMs};

use super::{Message, SmsLack};
use crate::Pack;

/// What an installation is, and what it can do now.
#[derive(Debug, Clone, Copy)]
pub struct Ability {
    /// Its mark.
    pub tag: Tag,
    /// The server was reached a moment ago.
    pub online: bool,
    /// Head office has a gateway.
    pub gateway: bool,
    /// The phone can send an SMS now: it has cellular service, and the app may.
    pub phone: bool,
    /// This very process is handing the message over.
    pub in_hand: bool,
}

/// What is to be done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// Nothing, or nothing yet.
    Wait,
    /// Leave it to the gateway, or to whoever gets a lease, as this try.
    Offer(u32),
    /// Send it by the phone, as this try.
    Send(u32),
    /// It is not sent: say so.
    Settle(SmsState, Option<SmsFault>),
}

/// Tries of the phone that it makes by itself.
const MOST_ROUNDS: u32 = 5;

/// What an installation does next with a message. `all` are the messages of its case; `ended`: the case has ended.
pub fn next(message: &Message, all: &[Message], pack: &Pack, ended: bool, can: &Ability, now: UnixMs) -> Step {
    let is_holder = message.holder == Some(can.tag);
    if message.entry.tag != can.tag && !is_holder {
        return Step::Wait;
    }
    let again = message.fault.is_some_and(SmsFault::is_before_sending);
    match message.state {
        // Whoever was handing it over is gone: it may have left, and nobody sends it again by themselves.
        SmsState::Submitting if message.way == Some(SmsWay::Phone) && !can.in_hand => {
            return Step::Settle(SmsState::Uncertain, None);
        }
        SmsState::Queued => {}
        SmsState::Failed if again => {}
        SmsState::Leased if is_holder => {}
        _ => return Step::Wait,
    }
    if all.iter().any(|other| other.opt_out) {
        return Step::Settle(SmsState::Failed, Some(SmsFault::OptedOut));
    }
    if ended || message.is_void {
        return Step::Settle(SmsState::Cancelled, None);
    }
    if pack.day(now).is_some_and(|today| today > message.day) {
        return Step::Settle(SmsState::Expired, None);
    }
    let is_same = |other: &&Message| other.key == message.key && other.entry != message.entry;
    if all.iter().filter(is_same).any(|other| other.state.may_have_left()) {
        return Step::Settle(SmsState::Covered, None);
    }
    let round = if message.state == SmsState::Failed { message.round + 1 } else { message.round };
    let ways = pack.sms.ways.iter().filter_map(|way| SmsWay::from_word(way));
    // What would not count is not the gateway's to send.
    let worth = message.lacks.iter().all(|lack| *lack == SmsLack::NotSent);
    for way in ways {
        match way {
            SmsWay::Gateway if can.online && can.gateway && worth && !is_holder => return Step::Offer(round),
            SmsWay::Phone if can.phone && round < MOST_ROUNDS && (message.is_own(&can.tag) || is_holder) => {
                return Step::Send(round);
            }
            _ => {}
        }
    }
    Step::Wait
}
