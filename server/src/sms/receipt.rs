//! Receipts of a provider: found by its ids, however late, early, often or oddly spelt they come.

use doorstep_domain::{Body, SmsFault, SmsReport, SmsState, UnixMs};
use doorstep_gateway::{Receipt, ReceiptStatus, id_forms};

use super::{outbox, queue};
use crate::{
    error::ApiError,
    keys::Keys,
    store::{
        messages::{self},
        packs,
        segments::{self, Segment},
        sms_receipts,
        tx::Tx,
    },
};

/// A receipt comes so much earlier than the answer to its submission, at most.
const EARLY_MS: i64 = 3_600_000;
/// Ids of segments are kept so long for receipts that come late, and receipts that were matched.
const KEEP_MS: i64 = 30 * 24 * 3_600_000;

/// Takes a receipt. When this is durable the provider may be told so.
pub(crate) fn take_receipt(tx: &Tx<'_>, keys: &Keys, receipt: &Receipt, now: UnixMs) -> Result<(), ApiError> {
    let recipient = receipt.number.as_deref().map_or(Ok(None), |number| queue::recipient(tx, number))?;
    let said = Said { id: &receipt.id, status: receipt.status, code: &receipt.code, recipient };
    if matches(tx, keys, &said, now)? || was_sent(tx, keys, receipt, now)? {
        return Ok(());
    }
    Ok(sms_receipts::insert(tx, &receipt.id, receipt.status, &receipt.code, now)?)
}

/// A receipt for a number to which just one message of the gateway is uncertain says that it was sent, though nobody has heard its id:
/// the answer to its submission was lost.
fn was_sent(tx: &Tx<'_>, keys: &Keys, receipt: &Receipt, now: UnixMs) -> Result<bool, ApiError> {
    let Some(number) = &receipt.number else { return Ok(false) };
    let Some(recipient) = queue::recipient(tx, number)? else { return Ok(false) };
    let rows = messages::uncertain_to(tx, &recipient, 2)?;
    let [row] = rows.as_slice() else { return Ok(false) };
    // It may be about one whose answer has not come yet.
    if messages::is_submitting_to(tx, &row.recipient)? {
        return Ok(false);
    }
    let until = row.offered_at.plus(KEEP_MS);
    if now > until || matches!(receipt.status, ReceiptStatus::Rejected) {
        return Ok(false);
    }
    queue::set(tx, row, SmsState::Sent, row.round, Some(now))?;
    let report = outbox::report(&row.entry, SmsState::Sent, row.round);
    outbox::say(tx, keys, &row.case, (outbox::server()?, version(tx)?), Body::SmsReport(report), now)?;
    Ok(true)
}

/// What a receipt says.
struct Said<'a> {
    id: &'a str,
    status: ReceiptStatus,
    code: &'a str,
    recipient: Option<Vec<u8>>,
}

/// Looks at the receipts that came before the answer to their submission.
pub(super) fn match_again(tx: &Tx<'_>, keys: &Keys, ids: &[String], now: UnixMs) -> Result<(), ApiError> {
    let wanted: Vec<String> = ids.iter().flat_map(|id| id_forms(id)).collect();
    for open in sms_receipts::open_since(tx, now.plus(-EARLY_MS))? {
        if !id_forms(&open.provider_id).iter().any(|form| wanted.contains(form)) {
            continue;
        }
        let said = Said { id: &open.provider_id, status: open.status, code: &open.code, recipient: None };
        if matches(tx, keys, &said, now)? {
            sms_receipts::matched(tx, open.id, now)?;
        }
    }
    Ok(())
}

/// Drops what is of no use any more: ids for which no receipt comes now. Receipts that name nothing stay.
pub(crate) fn prune(tx: &Tx<'_>, now: UnixMs) -> Result<(), ApiError> {
    let before = now.plus(-KEEP_MS);
    segments::drop_taken(tx, before)?;
    sms_receipts::drop_matched(tx, before)?;
    Ok(())
}

/// The segment that a receipt is about: one to its number if it names one, by the best of its id's forms, of several the newest.
fn segment(tx: &Tx<'_>, said: &Said<'_>) -> Result<Option<Segment>, ApiError> {
    // Some providers name another number, or write it in a way of their own: then the id alone must do.
    let recipient = match &said.recipient {
        Some(number) if messages::is_recipient(tx, number)? => Some(number),
        _ => None,
    };
    let forms = id_forms(said.id);
    for form in &forms {
        let found = match recipient {
            Some(number) => segments::find_to(tx, form, number)?,
            None => segments::find(tx, form)?,
        };
        if found.is_some() {
            return Ok(found);
        }
    }
    // It names a recipient and no message to that one: another's only if the id is its very own.
    match (recipient, forms.first()) {
        (Some(_), Some(as_given)) => Ok(segments::find_spelt(tx, as_given)?),
        _ => Ok(None),
    }
}

/// Codes of receipts by which the operator says that there is no such number (SMPP 3.4: absent subscriber is another).
const UNKNOWN_SUBSCRIBER: [&str; 2] = ["1", "001"];

/// What follows from a receipt for the message that it is about. False if it is about none.
fn matches(tx: &Tx<'_>, keys: &Keys, said: &Said<'_>, now: UnixMs) -> Result<bool, ApiError> {
    let Some(about) = segment(tx, said)? else { return Ok(false) };
    let status = said.status;
    if matches!(status, ReceiptStatus::Accepted | ReceiptStatus::Unknown) {
        return Ok(true);
    }
    // A receipt that came twice, or after a final one, changes nothing.
    segments::set_status(tx, &about, status)?;
    let Segment { case, entry, round, .. } = about;
    let all = segments::statuses(tx, (&case, &entry), round)?;
    let is_delivered = all.iter().all(|status| *status == Some(ReceiptStatus::Delivered));
    let failed = all.iter().flatten().any(|status| *status != ReceiptStatus::Delivered);
    let state = match (is_delivered, failed) {
        (true, _) => SmsState::Delivered,
        (false, true) => SmsState::Undelivered,
        (false, false) => return Ok(true),
    };
    let Some(row) = messages::one(tx, (&case, &entry))? else { return Ok(true) };
    if row.state >= state {
        return Ok(true);
    }
    queue::set(tx, &row, state, row.round, Some(now))?;
    // Only what says that the number is none gives leniency; a phone that is off says nothing of it.
    let is_number = status == ReceiptStatus::Undelivered && UNKNOWN_SUBSCRIBER.contains(&said.code);
    let fault = (state == SmsState::Undelivered && is_number).then_some(SmsFault::Number);
    let report = SmsReport { fault, ..outbox::report(&entry, state, round) };
    let version = version(tx)?;
    outbox::say(tx, keys, &case, (outbox::server()?, version), Body::SmsReport(report), now)?;
    Ok(true)
}

/// Version of the newest pack: what the server's own reports name.
fn version(tx: &Tx<'_>) -> Result<u32, ApiError> {
    Ok(packs::newest_version(tx)?)
}
