//! What head office sees of SMS, and what a person settles. Numbers are masked; texts stay in their cases.

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
    /// Key of the SMS.
    pub entry: String,
    /// How far it has got, as far as head office knows.
    pub state: String,
    /// Which try.
    pub round: u32,
    /// The installation that has or had the lease; `None`: the gateway, or its recorder.
    pub holder: Option<String>,
    /// When it was sent.
    pub sent_at: Option<UnixMs>,
    /// Of one that waits: not before.
    pub due_at: Option<UnixMs>,
}

/// What a customer wrote.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct InboundRow {
    /// Its number in the list.
    pub id: i64,
    /// Who wrote, masked.
    pub number: String,
    /// To which number.
    pub service: String,
    /// What they wrote; only of an answer that landed nowhere: the others are in their cases.
    pub words: Option<String>,
    /// When it came.
    pub received_at: UnixMs,
    /// Where it landed.
    pub waybill: Option<String>,
    /// How it was matched, or why not.
    pub why: String,
}

/// SMS that are not settled, or all: first those that wait for a person, then the newest.
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

/// Receipts that name no message, newest first.
pub(crate) fn receipts(tx: &Tx<'_>, limit: u32) -> Result<Vec<ReceiptRow>, ApiError> {
    Ok(sms_receipts::list_open(tx, limit)?)
}

/// What customers wrote, newest first; `open`: only what landed nowhere.
pub(crate) fn inbound(tx: &Tx<'_>, open: bool, limit: u32) -> Result<Vec<InboundRow>, ApiError> {
    let answers = if open { inbound::list_open(tx, limit)? } else { inbound::list(tx, limit)? };
    let row = |answer: inbound::Answer| InboundRow {
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

/// What a person has found out of an SMS of which nobody knew.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Found {
    /// It was sent.
    Sent,
    /// It was not sent.
    NotSent,
    /// It is to be sent once more, whatever became of the first.
    Again,
}

/// Whether nobody knows what became of a message, or only a device would that may never be heard of again.
fn is_for_a_person(row: &Queued) -> bool {
    let is_devices = row.holder.is_some() || row.fence == 0;
    row.state == SmsState::Uncertain || (row.state == SmsState::Submitting && is_devices)
}

/// Settles an uncertain SMS by a reviewer's word.
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
