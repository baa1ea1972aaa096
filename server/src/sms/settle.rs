//! What became of a submission. Each step moves the claim's own row or nothing: what an older claim brings is not this row's.

use std::time::Duration;

use doorstep_domain::{Body, CaseId, EntryKey, SmsFault, SmsReport, SmsState, UnixMs};
use doorstep_gateway::{Fault, Submitted, id_forms};
use rusqlite::params;

use super::{
    back,
    claim::Claimed,
    outbox::{self, COLUMNS, Queued},
};
use crate::{error::ApiError, keys::Keys, packs::Rules, store::tx::Tx};

/// Says that claimed messages are being submitted, before any of them is: a crash from here on leaves them uncertain. Those whose row
/// has moved on meanwhile are left out.
pub(crate) fn submitting(db: &Tx<'_>, keys: &Keys, claimed: Vec<Claimed>, now: UnixMs) -> Result<Vec<Claimed>, ApiError> {
    let mut held = Vec::with_capacity(claimed.len());
    for message in claimed {
        let told: Option<bool> = {
            let mut query = db.prepare_cached(
                "UPDATE message SET state = 'submitting' WHERE case_id = ?1 AND entry = ?2 AND fence = ?3 AND state = 'leased'
                 RETURNING told",
            )?;
            let mut rows = query.query(params![message.case.as_bytes(), message.entry.to_string(), message.fence])?;
            let told = rows.next()?.map(|row| row.get(0)).transpose()?;
            while rows.next()?.is_some() {}
            told
        };
        let Some(told) = told else { continue };
        if !told {
            db.prepare_cached("UPDATE message SET told = 1 WHERE case_id = ?1 AND entry = ?2")?
                .execute(params![message.case.as_bytes(), message.entry.to_string()])?;
            tell(db, keys, &message, (SmsState::Submitting, None), now)?;
        }
        held.push(message);
    }
    Ok(held)
}

fn tell(
    db: &Tx<'_>,
    keys: &Keys,
    message: &Claimed,
    (state, fault): (SmsState, Option<SmsFault>),
    now: UnixMs,
) -> Result<(), ApiError> {
    let report = SmsReport { fault, ..outbox::report(&message.entry, state, message.round) };
    outbox::say(db, keys, &message.case, (outbox::server()?, message.pack_version), Body::SmsReport(report), now).map(drop)
}

/// Moves the claim's row; false if it is another claim's by now.
fn move_row(db: &Tx<'_>, message: &Claimed, state: SmsState, sent: Option<UnixMs>) -> Result<bool, ApiError> {
    let moved = db
        .prepare_cached("UPDATE message SET state = ?4, sent_at = ?5 WHERE case_id = ?1 AND entry = ?2 AND fence = ?3")?
        .execute(params![
            message.case.as_bytes(),
            message.entry.to_string(),
            message.fence,
            state.as_str(),
            sent.map(|at| at.0)
        ])?;
    Ok(moved == 1)
}

/// Takes what became of a submission. Gives after how long the message may be submitted again, if surely nothing of it was taken.
pub(crate) fn settle(
    db: &Tx<'_>,
    keys: &Keys,
    message: &Claimed,
    outcome: &Submitted,
    now: UnixMs,
) -> Result<Option<Duration>, ApiError> {
    match outcome {
        Submitted::Accepted { ids } => {
            for (part, id) in ids.iter().enumerate() {
                for (rank, form) in id_forms(id).into_iter().enumerate() {
                    db.prepare_cached(
                        "INSERT OR IGNORE INTO segment (form, rank, case_id, entry, round, part, status, at)
                         VALUES (?1, ?2, ?3, ?4, ?5, ?6, '', ?7)",
                    )?
                    .execute(params![
                        form,
                        rank,
                        message.case.as_bytes(),
                        message.entry.to_string(),
                        message.round,
                        part,
                        now.0
                    ])?;
                }
            }
            if move_row(db, message, SmsState::Sent, Some(now))? {
                tell(db, keys, message, (SmsState::Sent, None), now)?;
            }
            // Receipts that came before the answer.
            back::match_again(db, keys, ids, now)?;
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
            if move_row(db, message, SmsState::Failed, None)? {
                tell(db, keys, message, (SmsState::Failed, Some(fault)), now)?;
            }
            Ok(None)
        }
        Submitted::NotSent { after, why: _ } => {
            // Nothing of it left: back in the outbox, held until then, and judged again. A crash while it waits leaves it unsent, which
            // it is.
            let held = move_row(db, message, SmsState::Offered, None)?;
            if held {
                set_due(db, (&message.case, &message.entry, message.fence), HELD)?;
            }
            Ok(held.then_some(*after))
        }
        Submitted::Uncertain { why: _ } => {
            if move_row(db, message, SmsState::Uncertain, None)? {
                tell(db, keys, message, (SmsState::Uncertain, None), now)?;
                if message.resend {
                    offer_again(db, keys, (&message.case, &message.entry, message.round), message.pack_version, now)?;
                }
            }
            Ok(None)
        }
    }
}

/// Due at this moment is what is tried again after a time that runs in this process: another gateway begins at once.
pub(super) const HELD: UnixMs = UnixMs(i64::MAX);

fn set_due(db: &Tx<'_>, (case, entry, fence): (&CaseId, &EntryKey, i64), at: UnixMs) -> Result<(), ApiError> {
    db.prepare_cached("UPDATE message SET due_at = ?4 WHERE case_id = ?1 AND entry = ?2 AND fence = ?3 AND state = 'offered'")?
        .execute(params![case.as_bytes(), entry.to_string(), fence, at.0])?;
    Ok(())
}

/// Lets messages be claimed again that were held.
pub(crate) fn release(db: &Tx<'_>, held: &[(CaseId, EntryKey, i64)], now: UnixMs) -> Result<(), ApiError> {
    held.iter().try_for_each(|(case, entry, fence)| set_due(db, (case, entry, *fence), now))
}

/// One more try of a message of which nobody knows: the one that its template allows.
fn offer_again(
    db: &Tx<'_>,
    keys: &Keys,
    (case, entry, round): (&CaseId, &EntryKey, u32),
    version: u32,
    now: UnixMs,
) -> Result<(), ApiError> {
    let round = round.saturating_add(1);
    db.prepare_cached(
        "UPDATE message SET state = 'offered', round = ?4, told = 0, resent = 1, fence = fence + 1, due_at = ?3
         WHERE case_id = ?1 AND entry = ?2",
    )?
    .execute(params![case.as_bytes(), entry.to_string(), now.0, round])?;
    let report = outbox::report(entry, SmsState::Offered, round);
    outbox::say(db, keys, case, (outbox::server()?, version), Body::SmsReport(report), now).map(drop)
}

/// What a gateway left behind that died: what it had leased and not submitted is to be sent, what it was submitting is uncertain.
pub(crate) fn recover(db: &Tx<'_>, keys: &Keys, rules: &Rules, now: UnixMs) -> Result<(), ApiError> {
    db.execute("UPDATE message SET state = 'offered', fence = fence + 1 WHERE state = 'leased' AND holder IS NULL", [])?;
    db.execute("UPDATE message SET due_at = ?2 WHERE state = 'offered' AND due_at = ?1", [HELD.0, now.0])?;
    let sql = format!("SELECT {COLUMNS} FROM message WHERE state = 'submitting' AND holder IS NULL AND fence > 0");
    let rows: Vec<Queued> =
        db.prepare(&sql)?.query_map([], outbox::read)?.filter_map(Result::transpose).collect::<Result<_, _>>()?;
    for row in rows {
        lose(db, keys, rules, &row, None, now)?;
    }
    Ok(())
}

/// So long after its end a lease is over for everybody, milliseconds.
const LEASE_MARGIN_MS: i64 = 2 * 60_000;

/// Devices that were to send a message and did not say what became of it: nobody knows.
pub(crate) fn end_leases(db: &Tx<'_>, keys: &Keys, rules: &Rules, now: UnixMs) -> Result<bool, ApiError> {
    let sql = format!(
        "SELECT {COLUMNS} FROM message WHERE state IN ('leased', 'submitting') AND holder IS NOT NULL AND until_at < ?1 LIMIT 50"
    );
    // Its holder's clock may be behind, and its word on the way.
    let ended = now.plus(-LEASE_MARGIN_MS).0;
    let rows: Vec<Queued> =
        db.prepare_cached(&sql)?.query_map([ended], outbox::read)?.filter_map(Result::transpose).collect::<Result<_, _>>()?;
    for row in &rows {
        lose(db, keys, rules, row, Some(SmsFault::LeaseLost), now)?;
    }
    Ok(!rows.is_empty())
}

fn lose(db: &Tx<'_>, keys: &Keys, rules: &Rules, row: &Queued, fault: Option<SmsFault>, now: UnixMs) -> Result<(), ApiError> {
    let (_, book) = rules.book(db)?;
    let pack = book.at(now);
    outbox::set(db, row, SmsState::Uncertain, row.round, None)?;
    db.prepare_cached("UPDATE message SET fence = fence + 1 WHERE case_id = ?1 AND entry = ?2")?
        .execute(params![row.case.as_bytes(), row.entry.to_string()])?;
    let report = SmsReport { fault, ..outbox::report(&row.entry, SmsState::Uncertain, row.round) };
    outbox::say(db, keys, &row.case, (outbox::server()?, pack.version), Body::SmsReport(report), now)?;
    // By the gateway's own hand only: a device that lost its lease may still send.
    if fault.is_none() && !row.resent && allows_resend(db, row, pack)? {
        offer_again(db, keys, (&row.case, &row.entry, row.round), pack.version, now)?;
    }
    Ok(())
}

/// Whether the template of a message allows one more try.
fn allows_resend(db: &Tx<'_>, row: &Queued, pack: &doorstep_rules::Pack) -> Result<bool, ApiError> {
    let (entries, _) = match crate::case_log::entries(db, &row.case) {
        Err(ApiError::Damaged) => return Ok(false),
        other => other?,
    };
    let sms = outbox::sms_of(&entries, &row.entry);
    let template = sms.and_then(|sms| pack.template(sms.template.as_ref()?.as_str(), sms.template_version));
    Ok(template.is_some_and(|template| template.resend))
}
