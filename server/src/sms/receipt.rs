//! Receipts of a provider. They are matched by its ids, even if they come late, early, repeatedly or oddly spelt.

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

/// The longest time by which a receipt comes before the answer to its submission.
const EARLY_MS: i64 = 3_600_000;
/// How long ids of segments are stored for late receipts, and how long matched receipts are stored.
const KEEP_MS: i64 = 30 * 24 * 3_600_000;

/// Records a receipt. Once this is durable the receipt may be acknowledged to the provider.
pub(crate) fn take_receipt(tx: &Tx<'_>, keys: &Keys, receipt: &Receipt, now: UnixMs) -> Result<(), ApiError> {
    let recipient = receipt.number.as_deref().map_or(Ok(None), |number| queue::operators(tx, number))?;
    let said = Said { id: &receipt.id, status: receipt.status, code: &receipt.code, recipient };
    if matches(tx, keys, &said, now)? || was_sent(tx, keys, receipt, now)? {
        return Ok(());
    }
    Ok(sms_receipts::insert(tx, &receipt.id, receipt.status, &receipt.code, now)?)
}

/// Marks the recipient's only uncertain message as sent, by a receipt with an unknown id: the answer with that id was lost.
fn was_sent(tx: &Tx<'_>, keys: &Keys, receipt: &Receipt, now: UnixMs) -> Result<bool, ApiError> {
    let Some(number) = &receipt.number else { return Ok(false) };
    let Some(recipient) = queue::operators(tx, number)? else { return Ok(false) };
    let rows = messages::uncertain_to(tx, &recipient, 2)?;
    let [row] = rows.as_slice() else { return Ok(false) };
    // The receipt may be about a message whose answer has not come yet.
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

/// The fields of a receipt.
struct Said<'a> {
    id: &'a str,
    status: ReceiptStatus,
    code: &'a str,
    recipient: Option<Vec<u8>>,
}

/// Matches the receipts that came before the answer to their submission.
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

/// Deletes ids for which no receipt can come any more. Unmatched receipts stay.
pub(crate) fn prune(tx: &Tx<'_>, now: UnixMs) -> Result<(), ApiError> {
    let before = now.plus(-KEEP_MS);
    segments::drop_taken(tx, before)?;
    sms_receipts::drop_matched(tx, before)?;
    Ok(())
}

/// Finds the segment of a receipt: among those of its number, if it names one; by the best form of its id; the newest of several.
fn segment(tx: &Tx<'_>, said: &Said<'_>) -> Result<Option<Segment>, ApiError> {
    // Some providers name another number, or spell it differently: the id alone must then do.
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
    // The receipt's recipient has no such message. Another recipient's message counts only if its id is exactly the given one.
    match (recipient, forms.first()) {
        (Some(_), Some(as_given)) => Ok(segments::find_spelt(tx, as_given)?),
        _ => Ok(None),
    }
}

/// The receipt codes that say that the number does not exist (SMPP 3.4: absent subscriber is another).
const UNKNOWN_SUBSCRIBER: [&str; 2] = ["1", "001"];

/// Applies a receipt to its message. False if no message matches.
fn matches(tx: &Tx<'_>, keys: &Keys, said: &Said<'_>, now: UnixMs) -> Result<bool, ApiError> {
    let Some(about) = segment(tx, said)? else { return Ok(false) };
    let status = said.status;
    if matches!(status, ReceiptStatus::Accepted | ReceiptStatus::Unknown) {
        return Ok(true);
    }
    // A repeated receipt, or one after a final receipt, changes nothing.
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
    // Only a number that does not exist gives leniency; a phone that is switched off proves nothing about the number.
    let is_number = status == ReceiptStatus::Undelivered && UNKNOWN_SUBSCRIBER.contains(&said.code);
    let fault = (state == SmsState::Undelivered && is_number).then_some(SmsFault::Number);
    let report = SmsReport { fault, ..outbox::report(&entry, state, round) };
    let version = version(tx)?;
    outbox::say(tx, keys, &case, (outbox::server()?, version), Body::SmsReport(report), now)?;
    Ok(true)
}

/// The version of the newest pack, which the server's own reports name.
fn version(tx: &Tx<'_>) -> Result<u32, ApiError> {
    Ok(packs::newest_version(tx)?)
}
