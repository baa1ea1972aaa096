//! The outcome of submissions. Each step moves only the row of its own claim, so that a late result of an older claim changes
//! nothing.

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

/// Records that claimed messages are being submitted, before the first submission, so that a crash leaves them uncertain.
/// Messages whose row has moved meanwhile are left out.
pub(crate) fn submitting(tx: &Tx<'_>, keys: &Keys, claimed: Vec<Claimed>, now: UnixMs) -> Result<Vec<Claimed>, ApiError> {
    let mut held = Vec::with_capacity(claimed.len());
    for message in claimed {
        let Some(told) = message_moves::submit(tx, message.which(), message.fence)? else { continue };
        if !told {
            message_moves::mark_told(tx, message.which())?;
            record(tx, keys, &message, (SmsState::Submitting, None), now)?;
        }
        // Also after a crash it is known how many pieces there are.
        segments::expect(tx, message.which(), (message.round, message.pieces.unwrap_or(1)), now)?;
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

/// Moves the claim's row; false if another claim has it now.
fn move_row(tx: &Tx<'_>, message: &Claimed, state: SmsState, sent: Option<UnixMs>) -> Result<bool, ApiError> {
    Ok(message_moves::settle(tx, message.which(), message.fence, state, sent)?)
}

/// Records the outcome of a submission. Returns the delay of the next try, if surely nothing of the message was taken.
pub(crate) fn settle(
    tx: &Tx<'_>,
    keys: &Keys,
    message: &Claimed,
    outcome: &Submitted,
    now: UnixMs,
) -> Result<Option<Duration>, ApiError> {
    match outcome {
        Submitted::Accepted { ids } => {
            // The provider has taken every piece, even if it gave no id for it.
            segments::expect(tx, message.which(), (message.round, 0), now)?;
            // A message that is taken as a whole may be cut into several parts under its one id.
            let parts = if message.pieces.is_none() { message.segments.count() } else { 1 };
            take_ids(tx, message, (ids, parts), now)?;
            if move_row(tx, message, SmsState::Sent, Some(now))? {
                record(tx, keys, message, (SmsState::Sent, None), now)?;
            }
            // Matches the receipts that came before the answer.
            receipt::match_again(tx, keys, ids, now)?;
            Ok(None)
        }
        Submitted::Refused { fault, code: _ } => {
            let fault = match fault {
                Fault::Number => SmsFault::Number,
                Fault::Text => SmsFault::Text,
                Fault::Account => SmsFault::Account,
                Fault::NoGateway => SmsFault::NoGateway,
                Fault::Refused => SmsFault::Refused,
            };
            if move_row(tx, message, SmsState::Failed, None)? {
                record(tx, keys, message, (SmsState::Failed, Some(fault)), now)?;
            }
            Ok(None)
        }
        Submitted::Partial { ids, code: _ } => {
            take_ids(tx, message, (ids, 1), now)?;
            if move_row(tx, message, SmsState::Failed, None)? {
                record(tx, keys, message, (SmsState::Failed, Some(SmsFault::Partial)), now)?;
            }
            receipt::match_again(tx, keys, ids, now)?;
            Ok(None)
        }
        Submitted::NotSent { after, why: _ } => {
            // The message has not left: it goes back to the outbox, held until the retry, and is judged again. After a crash it
            // is still rightly unsent.
            let held = move_row(tx, message, SmsState::Offered, None)?;
            if held {
                message_moves::postpone_claim(tx, message.which(), message.fence, HELD)?;
            }
            Ok(held.then_some(*after))
        }
        Submitted::Uncertain { why: _, ids } => {
            take_ids(tx, message, (ids, 1), now)?;
            if move_row(tx, message, SmsState::Uncertain, None)? {
                record(tx, keys, message, (SmsState::Uncertain, None), now)?;
                if message.resend {
                    offer_again(tx, keys, (message.which(), message.round), message.pack_version, now)?;
                }
            }
            receipt::match_again(tx, keys, ids, now)?;
            Ok(None)
        }
    }
}

/// Stores the ids of the first pieces of a try. A piece without an id keeps its place.
fn take_ids(tx: &Tx<'_>, message: &Claimed, (ids, parts): (&[String], usize), now: UnixMs) -> Result<(), ApiError> {
    for (part, id) in ids.iter().enumerate() {
        segments::drop_expected(tx, message.which(), (message.round, part))?;
        for (rank, form) in id_forms(id).into_iter().enumerate() {
            segments::add(tx, (&form, rank), message.which(), (message.round, part, parts), now)?;
        }
    }
    Ok(())
}

/// The due time of a message whose retry waits in this process's memory. A gateway that starts later makes such messages due at
/// once.
pub(super) const HELD: UnixMs = UnixMs(i64::MAX);

/// Makes held messages due again.
pub(crate) fn release(tx: &Tx<'_>, held: &[(CaseId, EntryKey, i64)], now: UnixMs) -> Result<(), ApiError> {
    let release = |(case, entry, fence): &(CaseId, EntryKey, i64)| message_moves::postpone_claim(tx, (case, entry), *fence, now);
    Ok(held.iter().try_for_each(release)?)
}

/// Offers an uncertain message once more, as its template allows.
fn offer_again(tx: &Tx<'_>, keys: &Keys, (which, round): (Which<'_>, u32), version: u32, now: UnixMs) -> Result<(), ApiError> {
    let round = round.saturating_add(1);
    message_moves::offer_once_more(tx, which, round, now)?;
    let (case, entry) = which;
    let report = outbox::report(entry, SmsState::Offered, round);
    outbox::say(tx, keys, case, (outbox::server()?, version), Body::SmsReport(report), now).map(drop)
}

/// Repairs the rows that a dead gateway left: leased messages are to be sent, and messages that were being submitted are
/// uncertain.
pub(crate) fn recover(tx: &Tx<'_>, keys: &Keys, rules: &Rules, now: UnixMs) -> Result<(), ApiError> {
    message_moves::end_gateways_leases(tx)?;
    message_moves::move_due(tx, HELD, now)?;
    for row in messages::being_submitted(tx)? {
        lose(tx, keys, rules, &row, None, now)?;
    }
    Ok(())
}

/// How long after its end a lease is over for everybody, milliseconds.
const LEASE_MARGIN_MS: i64 = 2 * 60_000;

/// Marks messages as uncertain whose device did not report before its lease ended.
pub(crate) fn end_leases(tx: &Tx<'_>, keys: &Keys, rules: &Rules, now: UnixMs) -> Result<bool, ApiError> {
    // The holder's clock may be slow, and its report may be on the way.
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
    // Only the gateway's own try is repeated: a device that lost its lease may still send.
    if fault.is_none() && !row.resent && allows_resend(tx, row, pack)? {
        offer_again(tx, keys, (row.which(), row.round), pack.version, now)?;
    }
    Ok(())
}

/// Whether the template of a message allows one more try.
fn allows_resend(tx: &Tx<'_>, row: &Queued, pack: &doorstep_rules::Pack) -> Result<bool, ApiError> {
    let entries = match crate::case_log::entries(tx, &row.case) {
        Err(ApiError::Damaged) => return Ok(false),
        other => other?,
    };
    let sms = outbox::sms_of(&entries, &row.entry);
    let template = sms.and_then(|sms| pack.template(sms.template.as_ref()?.as_str(), sms.template_version));
    Ok(template.is_some_and(|template| template.resend))
}
