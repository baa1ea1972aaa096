//! What became of a submission. Each step moves the claim's own row or nothing: what an older claim brings is not this row's.

use std::time::Duration;

use doorstep_domain::{Body, CaseId, EntryKey, SmsFault, SmsReport, SmsState, UnixMs};
use doorstep_gateway::{Fault, Submitted, id_forms};

use super::{claim::Claimed, outbox, queue, receipt};
use crate::{
    error::ApiError,
    keys::Keys,
    packs::Rules,
    store::{
        message_moves,
        messages::{self, Queued, Which},
        segments,
        tx::Tx,
    },
};

/// Says that claimed messages are being submitted, before any of them is: a crash from here on leaves them uncertain. Those whose row
/// has moved on meanwhile are left out.
pub(crate) fn submitting(tx: &Tx<'_>, keys: &Keys, claimed: Vec<Claimed>, now: UnixMs) -> Result<Vec<Claimed>, ApiError> {
    let mut held = Vec::with_capacity(claimed.len());
    for message in claimed {
        let Some(told) = message_moves::submit(tx, message.which(), message.fence)? else { continue };
        if !told {
            message_moves::mark_told(tx, message.which())?;
            record(tx, keys, &message, (SmsState::Submitting, None), now)?;
        }
        held.push(message);
    }
    Ok(held)
}

fn record(
    tx: &Tx<'_>,
    keys: &Keys,
    message: &Claimed,
    (state, fault): (SmsState, Option<SmsFault>),
    now: UnixMs,
) -> Result<(), ApiError> {
    let report = SmsReport { fault, ..outbox::report(&message.entry, state, message.round) };
    outbox::say(tx, keys, &message.case, (outbox::server()?, message.pack_version), Body::SmsReport(report), now).map(drop)
}

/// Moves the claim's row; false if it is another claim's by now.
fn move_row(tx: &Tx<'_>, message: &Claimed, state: SmsState, sent: Option<UnixMs>) -> Result<bool, ApiError> {
    Ok(message_moves::settle(tx, message.which(), message.fence, state, sent)?)
}

/// Takes what became of a submission. Gives after how long the message may be submitted again, if surely nothing of it was taken.
pub(crate) fn settle(
    tx: &Tx<'_>,
    keys: &Keys,
    message: &Claimed,
    outcome: &Submitted,
    now: UnixMs,
) -> Result<Option<Duration>, ApiError> {
    match outcome {
        Submitted::Accepted { ids } => {
            for (part, id) in ids.iter().enumerate() {
                for (rank, form) in id_forms(id).into_iter().enumerate() {
                    segments::add(tx, (&form, rank), message.which(), (message.round, part), now)?;
                }
            }
            if move_row(tx, message, SmsState::Sent, Some(now))? {
                record(tx, keys, message, (SmsState::Sent, None), now)?;
            }
            // Receipts that came before the answer.
            receipt::match_again(tx, keys, ids, now)?;
            Ok(None)
        }
        Submitted::Refused { fault, code: _ } => {
            let fault = match fault {
                Fault::Number => SmsFault::Number,
                Fault::Text => SmsFault::Text,
                Fault::Account => SmsFault::Account,
                Fault::Partial => SmsFault::Partial,
                Fault::NoGateway => SmsFault::NoGateway,
                Fault::Refused => SmsFault::Refused,
            };
            if move_row(tx, message, SmsState::Failed, None)? {
                record(tx, keys, message, (SmsState::Failed, Some(fault)), now)?;
            }
            Ok(None)
        }
        Submitted::NotSent { after, why: _ } => {
            // Nothing of it left: back in the outbox, held until then, and judged again. A crash while it waits leaves it unsent, which
            // it is.
            let held = move_row(tx, message, SmsState::Offered, None)?;
            if held {
                message_moves::postpone_claim(tx, message.which(), message.fence, HELD)?;
            }
            Ok(held.then_some(*after))
        }
        Submitted::Uncertain { why: _ } => {
            if move_row(tx, message, SmsState::Uncertain, None)? {
                record(tx, keys, message, (SmsState::Uncertain, None), now)?;
                if message.resend {
                    offer_again(tx, keys, (message.which(), message.round), message.pack_version, now)?;
                }
            }
            Ok(None)
        }
    }
}

/// Due at this moment is what is tried again after a time that runs in this process: another gateway begins at once.
pub(super) const HELD: UnixMs = UnixMs(i64::MAX);

/// Lets messages be claimed again that were held.
pub(crate) fn release(tx: &Tx<'_>, held: &[(CaseId, EntryKey, i64)], now: UnixMs) -> Result<(), ApiError> {
    let release = |(case, entry, fence): &(CaseId, EntryKey, i64)| message_moves::postpone_claim(tx, (case, entry), *fence, now);
    Ok(held.iter().try_for_each(release)?)
}

/// One more try of a message of which nobody knows: the one that its template allows.
fn offer_again(tx: &Tx<'_>, keys: &Keys, (which, round): (Which<'_>, u32), version: u32, now: UnixMs) -> Result<(), ApiError> {
    let round = round.saturating_add(1);
    message_moves::offer_once_more(tx, which, round, now)?;
    let (case, entry) = which;
    let report = outbox::report(entry, SmsState::Offered, round);
    outbox::say(tx, keys, case, (outbox::server()?, version), Body::SmsReport(report), now).map(drop)
}

/// What a gateway left behind that died: what it had leased and not submitted is to be sent, what it was submitting is uncertain.
pub(crate) fn recover(tx: &Tx<'_>, keys: &Keys, rules: &Rules, now: UnixMs) -> Result<(), ApiError> {
    message_moves::end_gateways_leases(tx)?;
    message_moves::move_due(tx, HELD, now)?;
    for row in messages::being_submitted(tx)? {
        lose(tx, keys, rules, &row, None, now)?;
    }
    Ok(())
}

/// So long after its end a lease is over for everybody, milliseconds.
const LEASE_MARGIN_MS: i64 = 2 * 60_000;

/// Devices that were to send a message and did not say what became of it: nobody knows.
pub(crate) fn end_leases(tx: &Tx<'_>, keys: &Keys, rules: &Rules, now: UnixMs) -> Result<bool, ApiError> {
    // Its holder's clock may be behind, and its word on the way.
    let rows = messages::with_ended_lease(tx, now.plus(-LEASE_MARGIN_MS), 50)?;
    for row in &rows {
        lose(tx, keys, rules, row, Some(SmsFault::LeaseLost), now)?;
    }
    Ok(!rows.is_empty())
}

fn lose(tx: &Tx<'_>, keys: &Keys, rules: &Rules, row: &Queued, fault: Option<SmsFault>, now: UnixMs) -> Result<(), ApiError> {
    let (_, book) = rules.book(tx)?;
    let pack = book.at(now);
    queue::set(tx, row, SmsState::Uncertain, row.round, None)?;
    message_moves::fence_off(tx, row.which())?;
    let report = SmsReport { fault, ..outbox::report(&row.entry, SmsState::Uncertain, row.round) };
    outbox::say(tx, keys, &row.case, (outbox::server()?, pack.version), Body::SmsReport(report), now)?;
    // By the gateway's own hand only: a device that lost its lease may still send.
    if fault.is_none() && !row.resent && allows_resend(tx, row, pack)? {
        offer_again(tx, keys, (row.which(), row.round), pack.version, now)?;
    }
    Ok(())
}

/// Whether the template of a message allows one more try.
fn allows_resend(tx: &Tx<'_>, row: &Queued, pack: &doorstep_rules::Pack) -> Result<bool, ApiError> {
    let (entries, _) = match crate::case_log::entries(tx, &row.case) {
        Err(ApiError::Damaged) => return Ok(false),
        other => other?,
    };
    let sms = outbox::sms_of(&entries, &row.entry);
    let template = sms.and_then(|sms| pack.template(sms.template.as_ref()?.as_str(), sms.template_version));
    Ok(template.is_some_and(|template| template.resend))
}
