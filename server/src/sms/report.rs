//! What head office sees of SMS, and what a person settles. Numbers are masked; texts stay in their cases.

use doorstep_domain::{Body, CaseId, EntryKey, Personal, SmsReport, SmsState, UnixMs};
use rusqlite::params;
use serde::Serialize;

use super::{outbox, settle};
use crate::{
    error::ApiError,
    headoffice::{HeadOfficeError, reviewer},
    keys::Keys,
    packs::Rules,
    store::tx::Tx,
};

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

/// A receipt that names no message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ReceiptRow {
    /// The provider's id.
    pub provider_id: String,
    /// What it says.
    pub status: String,
    /// The provider's code.
    pub code: String,
    /// When it came.
    pub received_at: UnixMs,
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

/// SMS that are not settled, or all, newest first; `uncertain` only those that wait for a person.
pub(crate) fn list(db: &Tx<'_>, all: bool, limit: u32) -> Result<Vec<MessageRow>, ApiError> {
    let mut query = db.prepare_cached(
        "SELECT coalesce(doc.waybill, ''), entry, state, round, holder, sent_at, due_at FROM message LEFT JOIN doc USING (case_id)
         WHERE ?1 OR state IN ('queued', 'offered', 'leased', 'submitting', 'uncertain')
         ORDER BY state <> 'uncertain', coalesce(sent_at, due_at) DESC LIMIT ?2",
    )?;
    let rows = query.query_map(params![all, limit], |row| {
        let due: i64 = row.get(6)?;
        Ok(MessageRow {
            waybill: row.get(0)?,
            entry: row.get(1)?,
            state: row.get(2)?,
            round: row.get(3)?,
            holder: row.get(4)?,
            sent_at: row.get::<_, Option<i64>>(5)?.map(UnixMs),
            due_at: Some(UnixMs(due)).filter(|due| due.0 > 0 && *due != settle::HELD),
        })
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// Receipts that name no message, newest first.
pub(crate) fn receipts(db: &Tx<'_>, limit: u32) -> Result<Vec<ReceiptRow>, ApiError> {
    let mut query = db.prepare_cached(
        "SELECT provider_id, status, code, received_at FROM receipt WHERE matched_at IS NULL ORDER BY received_at DESC LIMIT ?1",
    )?;
    let rows = query.query_map([limit], |row| {
        let (provider_id, status, code) = (row.get(0)?, row.get(1)?, row.get(2)?);
        Ok(ReceiptRow { provider_id, status, code, received_at: UnixMs(row.get(3)?) })
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// What customers wrote, newest first; `open`: only what landed nowhere.
pub(crate) fn inbound(db: &Tx<'_>, open: bool, limit: u32) -> Result<Vec<InboundRow>, ApiError> {
    let mut query = db.prepare_cached(
        "SELECT inbound.id, number, service, words, received_at, doc.waybill, why, inbound.case_id IS NULL
         FROM inbound LEFT JOIN doc USING (case_id) WHERE NOT ?1 OR inbound.case_id IS NULL ORDER BY received_at DESC, inbound.id DESC LIMIT ?2",
    )?;
    let rows = query.query_map(params![open, limit], |row| {
        let text = |bytes: Vec<u8>| Personal::from_bytes(&bytes).ok();
        let (number, words) = (text(row.get(1)?), text(row.get(3)?));
        let is_open: bool = row.get(7)?;
        Ok(InboundRow {
            id: row.get(0)?,
            number: number.as_ref().map(outbox::masked).unwrap_or_default(),
            service: row.get(2)?,
            words: words.filter(|_| is_open).and_then(|words| words.text().map(str::to_owned)),
            received_at: UnixMs(row.get(4)?),
            waybill: row.get(5)?,
            why: row.get(6)?,
        })
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
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
fn is_for_a_person(row: &outbox::Queued) -> bool {
    let is_devices = row.holder.is_some() || row.fence == 0;
    row.state == SmsState::Uncertain || (row.state == SmsState::Submitting && is_devices)
}

/// Settles an uncertain SMS by a reviewer's word.
pub(crate) fn settle_by_hand(
    db: &Tx<'_>,
    keys: &Keys,
    rules: &Rules,
    case: &CaseId,
    (entry, found, by, why): (&str, Found, &str, &str),
    now: UnixMs,
) -> Result<(), HeadOfficeError> {
    let author = reviewer(db, by)?;
    let missing = || HeadOfficeError::About(entry.to_owned());
    let key: EntryKey = entry.parse().map_err(|_| missing())?;
    let row = outbox::one(db, case, &key)?.filter(is_for_a_person).ok_or_else(missing)?;
    let words = Some(Personal::plain(why)?);
    let (_, book) = rules.book(db)?;
    let version = book.at(now).version;
    let (state, round) = match found {
        Found::Sent => (SmsState::Sent, row.round),
        Found::NotSent => (SmsState::Failed, row.round),
        Found::Again => (SmsState::Offered, row.round.saturating_add(1)),
    };
    let report = SmsReport { words, ..outbox::report(&row.entry, state, round) };
    outbox::set(db, &row, state, round, (found == Found::Sent).then_some(now))?;
    if found == Found::Again {
        db.prepare_cached(
            "UPDATE message SET due_at = ?3, offered_at = ?3, told = 0, holder = NULL, fence = fence + 1
             WHERE case_id = ?1 AND entry = ?2",
        )?
        .execute(params![row.case.as_bytes(), row.entry.to_string(), now.0])?;
    }
    outbox::say(db, keys, &row.case, (author, version), Body::SmsReport(report), now)?;
    Ok(())
}
