//! Receipts of a provider. They are matched by its ids, even if they come late, early, repeatedly or oddly spelt.

use doorstep_domain::{Body, Personal, SmsFault, SmsReport, SmsState, UnixMs};
use doorstep_gateway::{Receipt, ReceiptStatus, Unread, id_forms, is_unknown_subscriber};

use super::{outbox, queue};
use crate::{
    error::ApiError,
    keys::Keys,
    store::{
        messages, packs,
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
    let said = Said {
        ids: [Some(receipt.id.as_str()), receipt.other_id.as_deref()],
        status: receipt.status,
        code: &receipt.code,
        part: receipt.part,
        by_text_alone: receipt.by_text_alone,
        recipient,
    };
    if matches(tx, keys, &said, now)? || was_sent(tx, keys, receipt, now)? {
        return Ok(());
    }
    Ok(sms_receipts::insert(tx, receipt, now)?)
}

/// Keeps what can not be read for a person. It is listed beside the receipts that match no message.
pub(crate) fn keep_unread(tx: &Tx<'_>, unread: &Unread, now: UnixMs) -> Result<(), ApiError> {
    Ok(sms_receipts::insert_unread(tx, unread, now)?)
}

/// Takes a receipt with an unknown id as one of the recipient's only uncertain message: the answer with that id was lost. The message
/// was sent if each of its pieces was taken.
fn was_sent(tx: &Tx<'_>, keys: &Keys, receipt: &Receipt, now: UnixMs) -> Result<bool, ApiError> {
    // A person can have written a receipt that is one by its text only.
    let Some(number) = receipt.number.as_ref().filter(|_| !receipt.by_text_alone) else { return Ok(false) };
    let Some(recipient) = queue::operators(tx, number)? else { return Ok(false) };
    let rows = messages::uncertain_to(tx, &recipient, 2)?;
    let [row] = rows.as_slice() else { return Ok(false) };
    // The receipt may be about a message whose answer has not come yet.
    if messages::is_submitting_to(tx, &row.recipient)? {
        return Ok(false);
    }
    let until = row.offered_at.plus(KEEP_MS);
    // A failure proves no sending, and may be about another message.
    if now > until || receipt.status.is_failure() {
        return Ok(false);
    }
    let expected = segments::expected(tx, row.which(), row.round)?;
    if let Some(part) = expected.first() {
        segments::drop_expected(tx, row.which(), (row.round, *part))?;
        let ids = [Some(receipt.id.as_str()), receipt.other_id.as_deref()];
        for (rank, form) in ids.into_iter().flatten().flat_map(id_forms).enumerate() {
            segments::add(tx, (&form, rank), row.which(), (row.round, *part, 1), now)?;
        }
    }
    if expected.len() > 1 {
        return Ok(true);
    }
    queue::set(tx, row, SmsState::Sent, row.round, Some(now))?;
    let report = outbox::report(&row.entry, SmsState::Sent, row.round);
    outbox::say(tx, keys, &row.case, (outbox::server()?, version(tx)?), Body::SmsReport(report), now)?;
    Ok(true)
}

/// The fields of a receipt.
struct Said<'a> {
    /// Its ids. Either may be the message's.
    ids: [Option<&'a str>; 2],
    status: ReceiptStatus,
    code: &'a str,
    part: Option<(u8, u8)>,
    by_text_alone: bool,
    recipient: Option<Vec<u8>>,
}

/// Matches the receipts that came before the answer to their submission.
pub(super) fn match_again(tx: &Tx<'_>, keys: &Keys, ids: &[String], now: UnixMs) -> Result<(), ApiError> {
    let wanted: Vec<String> = ids.iter().flat_map(|id| id_forms(id)).collect();
    for open in sms_receipts::open_since(tx, now.plus(-EARLY_MS))? {
        let ids = [Some(open.provider_id.as_str()), open.other_id.as_deref()];
        if !ids.into_iter().flatten().flat_map(id_forms).any(|form| wanted.contains(&form)) {
            continue;
        }
        let (part, by_text_alone, recipient) = (open.part, false, None);
        let said = Said { ids, status: open.status, code: &open.code, part, by_text_alone, recipient };
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
    if said.by_text_alone && recipient.is_none() {
        return Ok(None);
    }
    for id in said.ids.into_iter().flatten() {
        for form in &id_forms(id) {
            let found = match recipient {
                Some(number) => segments::find_to(tx, form, number)?,
                None => segments::find(tx, form)?,
            };
            if found.is_some() {
                return Ok(found);
            }
        }
    }
    if recipient.is_none() || said.by_text_alone {
        return Ok(None);
    }
    // The receipt's recipient has no such message. Another recipient's message counts only if its id is exactly the given one.
    for id in said.ids.into_iter().flatten() {
        let Some(as_given) = id_forms(id).into_iter().next() else { continue };
        let found = segments::find_spelt(tx, &as_given)?;
        if found.is_some() {
            return Ok(found);
        }
    }
    Ok(None)
}

/// Applies a receipt to its message. False if no message matches.
fn matches(tx: &Tx<'_>, keys: &Keys, said: &Said<'_>, now: UnixMs) -> Result<bool, ApiError> {
    let Some(mut about) = segment(tx, said)? else { return Ok(false) };
    let status = said.status;
    if status == ReceiptStatus::Accepted {
        return Ok(true);
    }
    // A repeated receipt, or one after a final receipt, changes nothing.
    match said.part {
        Some((part, parts)) if parts > 1 => {
            segments::spread(tx, &about, parts)?;
            about.part = u32::from(part) - 1;
            segments::set_status(tx, &about, status)?;
        }
        None if about.parts > 1 => segments::set_first_status(tx, &about, status)?,
        _ => segments::set_status(tx, &about, status)?,
    }
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
    // A failure of an earlier try says nothing about the one that followed it.
    if row.state >= state || (round < row.round && state != SmsState::Delivered) {
        return Ok(true);
    }
    queue::set(tx, &row, state, row.round, Some(now))?;
    // Only a number that does not exist gives leniency; a phone that is switched off proves nothing about the number.
    let is_number = state == SmsState::Undelivered && is_unknown_subscriber(status, said.code);
    let fault = is_number.then_some(SmsFault::Number);
    // The network's own words stand beside a failure, because only its operator can explain them.
    let words = Some(said.code).filter(|code| state == SmsState::Undelivered && !code.is_empty());
    let words = words.map(Personal::plain).transpose().map_err(|_| ApiError::Internal("a code"))?;
    let report = SmsReport { fault, words, ..outbox::report(&entry, state, round) };
    let version = version(tx)?;
    outbox::say(tx, keys, &case, (outbox::server()?, version), Body::SmsReport(report), now)?;
    Ok(true)
}

/// The version of the newest pack, which the server's own reports name.
fn version(tx: &Tx<'_>) -> Result<u32, ApiError> {
    Ok(packs::newest_version(tx)?)
}
