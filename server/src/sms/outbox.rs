//! The outbox's rows, and the entries that say how they move.

use doorstep_domain::{
    Author, Body, CaseId, DeviceId, Entry, EntryKey, InstallId, Personal, Receipt, Sms, SmsFault, SmsReport, SmsState, SmsWay,
    Tag, UnixMs, plain_digits,
};
use ring::hmac;
use rusqlite::{OptionalExtension, params};

pub(super) use crate::headoffice::server;
use crate::{
    error::ApiError,
    headoffice::{self, HeadOfficeError},
    keys::Keys,
    store::{
        meta::{self, Meta},
        tx::Tx,
    },
};

/// A row of the outbox.
#[derive(Debug, Clone)]
pub(super) struct Queued {
    pub case: CaseId,
    pub entry: EntryKey,
    pub recipient: Vec<u8>,
    pub device: Vec<u8>,
    pub own: bool,
    pub state: SmsState,
    pub round: u32,
    pub holder: Option<String>,
    pub fence: i64,
    pub told: bool,
    pub resent: bool,
    pub offered_at: UnixMs,
}

pub(super) const COLUMNS: &str = "case_id, entry, recipient, device, own, state, round, holder, fence, told, resent, offered_at";

/// Reads a row of [`COLUMNS`].
pub(super) fn read(row: &rusqlite::Row<'_>) -> rusqlite::Result<Option<Queued>> {
    let (case, entry, state): (Vec<u8>, String, String) = (row.get(0)?, row.get(1)?, row.get(5)?);
    let parsed = (CaseId::try_from(case.as_slice()).ok(), entry.parse().ok(), SmsState::from_word(&state));
    let (Some(case), Some(entry), Some(state)) = parsed else { return Ok(None) };
    Ok(Some(Queued {
        case,
        entry,
        recipient: row.get(2)?,
        device: row.get(3)?,
        own: row.get(4)?,
        state,
        round: row.get(6)?,
        holder: row.get(7)?,
        fence: row.get(8)?,
        told: row.get(9)?,
        resent: row.get(10)?,
        offered_at: UnixMs(row.get(11)?),
    }))
}

pub(super) fn one(db: &Tx<'_>, case: &CaseId, entry: &EntryKey) -> Result<Option<Queued>, ApiError> {
    let sql = format!("SELECT {COLUMNS} FROM message WHERE case_id = ?1 AND entry = ?2");
    let found = db.prepare_cached(&sql)?.query_row(params![case.as_bytes(), entry.to_string()], read).optional()?;
    Ok(found.flatten())
}

/// The keyed hash of a number: the same in every case and for every way of writing it, and useless without the server's key.
pub(super) fn recipient(db: &Tx<'_>, number: &str) -> Result<Option<Vec<u8>>, ApiError> {
    let Some(digits) = plain_digits(number) else { return Ok(None) };
    let key: Vec<u8> = meta::need(db, Meta::RecipientKey)?;
    let key = hmac::Key::new(hmac::HMAC_SHA256, &key);
    let mut context = hmac::Context::with_key(&key);
    context.update(b"recipient/v1\0");
    context.update(digits.as_bytes());
    Ok(Some(context.sign().as_ref().iter().take(16).copied().collect()))
}

/// An accepted entry asks for an SMS: it is queued with whoever recorded it.
pub(crate) fn expect(db: &Tx<'_>, case: &CaseId, entry: &Entry, sms: &Sms, device: &DeviceId) -> Result<(), ApiError> {
    // A number that can not be read can not be sent to by anybody but who wrote it.
    let recipient = sms.to.text().map_or(Ok(None), |number| recipient(db, number))?.unwrap_or_default();
    let own = match &sms.attempt {
        Some(attempt) => is_of(db, &attempt.tag, device)?,
        None => false,
    };
    db.prepare_cached(
        "INSERT OR IGNORE INTO message (case_id, entry, recipient, device, own, state, round, fence, told, resent, offered_at, due_at,
           until_at, extension)
         VALUES (?1, ?2, ?3, ?4, ?5, 'queued', 0, 0, 0, 0, 0, 0, 0, '')",
    )?
    .execute(params![case.as_bytes(), entry.key.to_string(), recipient, device.as_bytes(), own])?;
    Ok(())
}

/// Whether a device wrote under this mark, as its present installation or as one before.
fn is_of(db: &Tx<'_>, tag: &Tag, device: &DeviceId) -> Result<bool, ApiError> {
    let mut query = db.prepare_cached("SELECT install FROM install WHERE device = ?1")?;
    let installs = query.query_map(params![device.as_bytes()], |row| row.get::<_, Vec<u8>>(0))?;
    for install in installs {
        let install = InstallId::try_from(install?.as_slice()).map_err(|_| ApiError::Internal("install row"))?;
        if Tag::of(&install) == *tag {
            return Ok(true);
        }
    }
    Ok(false)
}

/// A device says what it did with an SMS. Only its recorder, or the holder of its lease, is heard; whatever else is said of it is in
/// the case for people to see.
pub(crate) fn take_report(
    db: &Tx<'_>,
    case: &CaseId,
    entry: &Entry,
    report: &SmsReport,
    (receipt, device): (Receipt, &DeviceId),
) -> Result<(), ApiError> {
    if entry.author.is_server() {
        return Ok(());
    }
    let Some(row) = one(db, case, &report.of)? else { return Ok(()) };
    // The device, not its mark: one that had to go on as a new installation is still the recorder.
    let is_recorder = row.device == device.as_bytes();
    let is_holder = row.holder.as_deref() == Some(entry.key.tag.as_str());
    if report.state == SmsState::Offered {
        // Given up by its recorder, before anybody sent it: the gateway's from now on, for as long as the rules say.
        let again = row.state == SmsState::Failed && row.holder.is_none() && !row.told && report.round > row.round;
        if is_recorder && (row.state == SmsState::Queued || again) {
            set(db, &row, SmsState::Offered, report.round, None)?;
            db.prepare_cached("UPDATE message SET due_at = ?3, offered_at = ?3, told = 0 WHERE case_id = ?1 AND entry = ?2")?
                .execute(params![case.as_bytes(), row.entry.to_string(), receipt.received_at.0])?;
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
        set(db, &row, state, report.round, sent)?;
    }
    Ok(())
}

/// Moves a row on. What has not left after all has no time of leaving.
pub(super) fn set(db: &Tx<'_>, row: &Queued, state: SmsState, round: u32, sent: Option<UnixMs>) -> Result<(), ApiError> {
    db.prepare_cached(
        "UPDATE message SET state = ?3, round = ?4, sent_at = CASE WHEN ?6 THEN coalesce(sent_at, ?5) END
         WHERE case_id = ?1 AND entry = ?2",
    )?
    .execute(params![
        row.case.as_bytes(),
        row.entry.to_string(),
        state.as_str(),
        round,
        sent.map(|at| at.0),
        state.has_left()
    ])?;
    Ok(())
}

/// Says in the case what became of an SMS; false if it could not be said. A case that is full takes no report; the outbox knows it
/// all the same.
pub(super) fn say(
    db: &Tx<'_>,
    keys: &Keys,
    case: &CaseId,
    (author, pack_version): (Author, u32),
    body: Body,
    now: UnixMs,
) -> Result<bool, ApiError> {
    let entry = headoffice::entry(author, pack_version, now, body);
    match headoffice::append(db, keys, case, vec![entry], Receipt::of(now, Some(now)), (&keys.device, now)) {
        Ok(_) => Ok(true),
        // Nor does one that is damaged: it must not keep the others waiting.
        Err(HeadOfficeError::Api(ApiError::Damaged)) => Ok(false),
        Err(HeadOfficeError::Api(error)) => Err(error),
        Err(_) => Ok(false),
    }
}

/// A report of the gateway.
pub(super) fn report(of: &EntryKey, state: SmsState, round: u32) -> SmsReport {
    SmsReport { of: of.clone(), state, round, way: SmsWay::Gateway, holder: None, fault: None, at: None, words: None }
}

/// The SMS of an entry.
pub(super) fn sms_of<'a>(entries: &'a [doorstep_domain::Recorded], key: &EntryKey) -> Option<&'a Sms> {
    entries.iter().find(|recorded| recorded.entry.key == *key).and_then(|recorded| match &recorded.entry.body {
        Body::Sms(sms) => Some(sms),
        _ => None,
    })
}

/// A text for a log or a list that shows nobody's number.
pub(super) fn masked(number: &Personal) -> String {
    number.text().map_or_else(|| "******".to_owned(), doorstep_domain::mask_number)
}
