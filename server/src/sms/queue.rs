//! The outbox's rows: how they come to be and move with what devices record.

use doorstep_domain::{CaseId, DeviceId, Entry, Receipt, Sms, SmsFault, SmsReport, SmsState, SmsWay, UnixMs, plain_digits};
use ring::hmac;

use crate::{
    error::ApiError,
    store::{
        devices, message_moves,
        messages::{self, Queued},
        meta::{self, Meta},
        tx::Tx,
    },
};

/// The keyed hash of a number: the same in every case and for every way of writing it, and useless without the server's key.
pub(super) fn recipient(tx: &Tx<'_>, number: &str) -> Result<Option<Vec<u8>>, ApiError> {
    let Some(digits) = plain_digits(number) else { return Ok(None) };
    let key: Vec<u8> = meta::need(tx, Meta::RecipientKey)?;
    let key = hmac::Key::new(hmac::HMAC_SHA256, &key);
    let mut context = hmac::Context::with_key(&key);
    context.update(b"recipient/v1\0");
    context.update(digits.as_bytes());
    Ok(Some(context.sign().as_ref().iter().take(16).copied().collect()))
}

/// An accepted entry asks for an SMS: it is queued with whoever recorded it.
pub(crate) fn expect(tx: &Tx<'_>, case: &CaseId, entry: &Entry, sms: &Sms, device: &DeviceId) -> Result<(), ApiError> {
    // A number that can not be read can not be sent to by anybody but who wrote it.
    let recipient = sms.to.text().map_or(Ok(None), |number| recipient(tx, number))?.unwrap_or_default();
    let own = match &sms.attempt {
        Some(attempt) => devices::has_tag(tx, device, &attempt.tag)?,
        None => false,
    };
    Ok(message_moves::queue(tx, (case, &entry.key), &recipient, device, own)?)
}

/// A device says what it did with an SMS. Only its recorder, or the holder of its lease, is heard; whatever else is said of it is in
/// the case for people to see.
pub(crate) fn take_report(
    tx: &Tx<'_>,
    case: &CaseId,
    entry: &Entry,
    report: &SmsReport,
    (receipt, device): (Receipt, &DeviceId),
) -> Result<(), ApiError> {
    if entry.author.is_server() {
        return Ok(());
    }
    let Some(row) = messages::one(tx, (case, &report.of))? else { return Ok(()) };
    // The device, not its mark: one that had to go on as a new installation is still the recorder.
    let is_recorder = row.device == *device;
    let is_holder = row.holder == Some(entry.key.tag);
    if report.state == SmsState::Offered {
        // Given up by its recorder, before anybody sent it: the gateway's from now on, for as long as the rules say.
        let again = row.state == SmsState::Failed && row.holder.is_none() && !row.told && report.round > row.round;
        if is_recorder && (row.state == SmsState::Queued || again) {
            set(tx, &row, SmsState::Offered, report.round, None)?;
            message_moves::offer(tx, row.which(), receipt.received_at)?;
        }
        return Ok(());
    }
    let is_later = report.round > row.round || (report.round == row.round && report.state > row.state);
    let overrules = report.state.has_left() && report.state > row.state;
    // Whoever left it to others says nothing more of it; of sending it only whoever may send it.
    let is_left_to_others = row.offered_at.0 > 0;
    let may_say = row.own || !report.state.may_have_left();
    let is_theirs = is_holder || (is_recorder && !is_left_to_others && may_say);
    if report.way == SmsWay::Phone && is_theirs && (is_later || overrules) && report.state != SmsState::Leased {
        // The lease goes on: a holder that could not send yet tries again, or says nothing more and its lease ends.
        let is_unsent = report.state == SmsState::Failed && report.fault.is_some_and(SmsFault::is_before_sending);
        let state = if is_holder && is_unsent && row.state <= SmsState::Submitting { SmsState::Leased } else { report.state };
        let sent = report.state.has_left().then(|| receipt.acted.at.unwrap_or(receipt.received_at));
        set(tx, &row, state, report.round, sent)?;
    }
    Ok(())
}

/// Moves a row on. What has not left after all has no time of leaving.
pub(super) fn set(tx: &Tx<'_>, row: &Queued, state: SmsState, round: u32, sent: Option<UnixMs>) -> Result<(), ApiError> {
    if state.has_left() {
        message_moves::leave(tx, row.which(), (state, round), sent)?;
    } else {
        message_moves::stay(tx, row.which(), (state, round))?;
    }
    Ok(())
}
