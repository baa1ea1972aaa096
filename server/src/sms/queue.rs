//! Makes and moves the outbox's rows by the entries of devices.

use doorstep_domain::{CaseId, DeviceId, Entry, Number, Receipt, Sms, SmsFault, SmsReport, SmsState, SmsWay, UnixMs};
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

/// The keyed hash of a recipient's number. It is the same in every case and for every spelling, and useless without the server's
/// key. `None` if no SMS can go to the number.
pub(super) fn recipient(tx: &Tx<'_>, number: &str) -> Result<Option<Vec<u8>>, ApiError> {
    Number::for_sms(number).ok().map(|number| hash(tx, &number.dialled())).transpose()
}

/// The keyed hash of a number that the operator names. Operators write foreign numbers without `+`, as digits only.
pub(super) fn operators(tx: &Tx<'_>, number: &str) -> Result<Option<Vec<u8>>, ApiError> {
    let known = recipient(tx, number)?;
    let digits = number.trim().trim_start_matches('+');
    let is_plain = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    if known.is_none() && is_plain { hash(tx, &format!("+{digits}")).map(Some) } else { Ok(known) }
}

/// The keyed hash of a number as it is dialled.
pub(super) fn hash(tx: &Tx<'_>, digits: &str) -> Result<Vec<u8>, ApiError> {
    let key: Vec<u8> = meta::need(tx, Meta::RecipientKey)?;
    let key = hmac::Key::new(hmac::HMAC_SHA256, &key);
    let mut context = hmac::Context::with_key(&key);
    context.update(b"recipient/v1\0");
    context.update(digits.as_bytes());
    Ok(context.sign().as_ref().iter().take(16).copied().collect())
}

/// Queues the SMS of an accepted entry with its recorder.
pub(crate) fn expect(tx: &Tx<'_>, case: &CaseId, entry: &Entry, sms: &Sms, device: &DeviceId) -> Result<(), ApiError> {
    // The server sends nothing to a number that it can not read.
    let recipient = sms.to.text().map_or(Ok(None), |number| recipient(tx, number))?.unwrap_or_default();
    let own = match &sms.attempt {
        Some(attempt) => devices::has_tag(tx, device, &attempt.tag)?,
        None => false,
    };
    Ok(message_moves::queue(tx, (case, &entry.key), &recipient, device, own)?)
}

/// Records a device's report about an SMS. Only the recorder and the holder of the lease count; reports by others are only in the
/// case, for people to see.
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
    // The recorder is the device, not the installation, which may have changed.
    let is_recorder = row.device == *device;
    let is_holder = row.holder == Some(entry.key.tag);
    if report.state == SmsState::Offered {
        // The recorder gave the message up unsent. The gateway may send it from now on, for as long as the rules say.
        let again = row.state == SmsState::Failed && row.holder.is_none() && !row.told && report.round > row.round;
        if is_recorder && (row.state == SmsState::Queued || again) {
            set(tx, &row, SmsState::Offered, report.round, None)?;
            message_moves::offer(tx, row.which(), receipt.received_at)?;
        }
        return Ok(());
    }
    let is_later = report.round > row.round || (report.round == row.round && report.state > row.state);
    let overrules = report.state.has_left() && report.state > row.state;
    // A recorder that left the message to others reports no more of it. Only a device with the right to send may report that it
    // was sent.
    let is_left_to_others = row.offered_at.0 > 0;
    let may_say = row.own || !report.state.may_have_left();
    let is_theirs = is_holder || (is_recorder && !is_left_to_others && may_say);
    if report.way == SmsWay::Phone && is_theirs && (is_later || overrules) && report.state != SmsState::Leased {
        // The lease goes on after a failed try: the holder tries again, or reports nothing more and the lease ends.
        let is_unsent = report.state == SmsState::Failed && report.fault.is_some_and(SmsFault::is_before_sending);
        let state = if is_holder && is_unsent && row.state <= SmsState::Submitting { SmsState::Leased } else { report.state };
        let sent = report.state.has_left().then(|| receipt.acted.at.unwrap_or(receipt.received_at));
        set(tx, &row, state, report.round, sent)?;
    }
    Ok(())
}

/// Moves a row to a state. A message that has not left has no time of sending.
pub(super) fn set(tx: &Tx<'_>, row: &Queued, state: SmsState, round: u32, sent: Option<UnixMs>) -> Result<(), ApiError> {
    if state.has_left() {
        message_moves::leave(tx, row.which(), (state, round), sent)?;
    } else {
        message_moves::stay(tx, row.which(), (state, round))?;
    }
    Ok(())
}
