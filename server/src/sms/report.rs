//! Head office's view of SMS, and a person's decisions on them. Numbers are masked, and texts stay in their cases. Only what the
//! program can not read is shown as it came.

use data_encoding::HEXLOWER;
use doorstep_domain::{Body, CaseId, EntryKey, Personal, SmsReport, SmsState, UnixMs};
use serde::Serialize;

use super::{outbox, queue, settle};
use crate::{
    error::ApiError,
    headoffice::{HeadOfficeError, reviewer},
    keys::Keys,
    packs::Rules,
    store::{
        inbound, message_moves,
        messages::{self, Queued},
        sms_receipts,
        tx::Tx,
    },
};

pub use crate::store::sms_receipts::ReceiptRow;

/// An SMS of the outbox.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct MessageRow {
    /// The waybill.
    pub waybill: String,
    /// The key of the SMS.
    pub entry: String,
    /// The state of the SMS, as far as head office knows.
    pub state: String,
    /// The number of the try.
    pub round: u32,
    /// The installation that holds or held the lease; `None` for the gateway or the recorder.
    pub holder: Option<String>,
    /// When it was sent.
    pub sent_at: Option<UnixMs>,
    /// A waiting SMS is not sent before this time.
    pub due_at: Option<UnixMs>,
}

/// A customer's SMS.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct InboundRow {
    /// The number of the SMS in the list.
    pub id: i64,
    /// The sender's masked number.
    pub number: String,
    /// The number that it was sent to.
    pub service: String,
    /// The words of a reply without a case; the words of other replies are in their cases.
    pub words: Option<String>,
    /// When it came.
    pub received_at: UnixMs,
    /// The waybill of the case that it answers.
    pub waybill: Option<String>,
    /// How it was matched, or why it was not.
    pub why: String,
    /// SMPP's data coding, and the bytes as they came in hexadecimal digits, of a reply without a case or one that is not readable
    /// as a whole.
    pub raw: Option<(u8, String)>,
}

/// Lists unsettled SMS, or all: first those that wait for a person, then the newest.
pub(crate) fn list(tx: &Tx<'_>, all: bool, limit: u32) -> Result<Vec<MessageRow>, ApiError> {
    let listed = if all { messages::list(tx, limit)? } else { messages::list_unsettled(tx, limit)? };
    let row = |listed: messages::Listed| MessageRow {
        waybill: listed.waybill,
        entry: listed.entry,
        state: listed.state,
        round: listed.round,
        holder: listed.holder,
        sent_at: listed.sent_at,
        due_at: Some(listed.due_at).filter(|due| due.0 > 0 && *due != settle::HELD),
    };
    Ok(listed.into_iter().map(row).collect())
}

/// Lists the receipts that match no message or can not be read, newest first.
pub(crate) fn receipts(tx: &Tx<'_>, limit: u32) -> Result<Vec<ReceiptRow>, ApiError> {
    Ok(sms_receipts::list_open(tx, limit)?)
}

/// Lists customers' SMS, newest first; `open` leaves out those that belong to a case.
pub(crate) fn inbound(tx: &Tx<'_>, open: bool, limit: u32) -> Result<Vec<InboundRow>, ApiError> {
    let answers = if open { inbound::list_open(tx, limit)? } else { inbound::list(tx, limit)? };
    let row = |answer: inbound::Answer| InboundRow {
        raw: raw(&answer),
        id: answer.id,
        number: answer.number.as_ref().map(Personal::masked_number).unwrap_or_default(),
        service: answer.service,
        words: answer.words.filter(|_| answer.is_open).and_then(|words| words.text().map(str::to_owned)),
        received_at: answer.received_at,
        waybill: answer.waybill,
        why: answer.why,
    };
    Ok(answers.into_iter().map(row).collect())
}

/// The bytes of a reply, where its words are not enough.
fn raw(answer: &inbound::Answer) -> Option<(u8, String)> {
    let is_torn = answer.words.as_ref().and_then(Personal::text).is_none_or(|words| words.contains(char::REPLACEMENT_CHARACTER));
    let (coding, bytes) = answer.coding.zip(answer.bytes.as_ref()).filter(|_| answer.is_open || is_torn)?;
    Some((coding, HEXLOWER.encode(bytes)))
}

/// A person's finding about an SMS of unknown outcome.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Found {
    /// The SMS was sent.
    Sent,
    /// The SMS was not sent.
    NotSent,
    /// The SMS should be sent once more, whatever became of the first try.
    Again,
}

/// Whether a message waits for a person: its outcome is unknown, or known only to a device that may never sync again.
fn is_for_a_person(row: &Queued) -> bool {
    let is_devices = row.holder.is_some() || row.fence == 0;
    row.state == SmsState::Uncertain || (row.state == SmsState::Submitting && is_devices)
}

/// Settles an uncertain SMS by a reviewer's statement.
pub(crate) fn settle_by_hand(
    tx: &Tx<'_>,
    keys: &Keys,
    rules: &Rules,
    case: &CaseId,
    (entry, found, by, why): (&str, Found, &str, &str),
    now: UnixMs,
) -> Result<(), HeadOfficeError> {
    let author = reviewer(tx, by)?;
    let missing = || HeadOfficeError::About(entry.to_owned());
    let key: EntryKey = entry.parse().map_err(|_| missing())?;
    let row = messages::one(tx, (case, &key)).map_err(ApiError::from)?.filter(is_for_a_person).ok_or_else(missing)?;
    let words = Some(Personal::plain(why)?);
    let (_, book) = rules.book(tx)?;
    let version = book.at(now).version;
    let (state, round) = match found {
        Found::Sent => (SmsState::Sent, row.round),
        Found::NotSent => (SmsState::Failed, row.round),
        Found::Again => (SmsState::Offered, row.round.saturating_add(1)),
    };
    let report = SmsReport { words, ..outbox::report(&row.entry, state, round) };
    queue::set(tx, &row, state, round, (found == Found::Sent).then_some(now))?;
    if found == Found::Again {
        message_moves::offer_to_all(tx, row.which(), now).map_err(ApiError::from)?;
    }
    outbox::say(tx, keys, &row.case, (author, version), Body::SmsReport(report), now)?;
    Ok(())
}
