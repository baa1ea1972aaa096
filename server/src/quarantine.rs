//! What was refused is kept with everything that a person needs to judge it, and leaves only by a decision: released, or
//! discarded with a reason. Released never means applied: the device has moved on, so the server writes the entries anew, under
//! its own hand, naming the original, its author and its first receipt.

use doorstep_document::{Change, NewEntry, Refusal};
use doorstep_domain::{CaseId, ChangeHash, DeviceId, Receipt, Release, UnixMs};
use doorstep_protocol::{Decision, Quarantined};
use rusqlite::{OptionalExtension, params};
use serde::Serialize;

use crate::{
    case_log,
    enrol::Device,
    error::ApiError,
    headoffice::{self, HeadOfficeError},
    keys::Keys,
    receipt::{RECEIPT, receipt_of, receipt_values},
    store::tx::Tx,
    verify::{Offered, Verified},
};

/// A refused change.
pub(crate) struct Refused<'a> {
    pub case: &'a CaseId,
    pub change: &'a Offered,
    pub refusal: &'a Refusal,
    pub receipt: Receipt,
    pub policy_version: u32,
}

/// Keeps a refused change. The same one again changes nothing: its first receipt stays.
pub(crate) fn keep(db: &Tx<'_>, refused: &Refused<'_>, batch: &Verified, device: &Device) -> Result<(), ApiError> {
    let code = refused.refusal.code();
    let [received_at, acted_at, slack_ms, from_ms, until_ms, marks, unproven] = receipt_values(&refused.receipt);
    db.prepare_cached(&format!(
        "INSERT OR IGNORE INTO quarantine (case_id, hash, reason, rule, policy_version, device, pushed_by, batch, person, {RECEIPT}, bytes)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17)"
    ))?
    .execute(params![
        refused.case.as_bytes(),
        refused.change.hash.as_bytes(),
        code.word(),
        code.rule(),
        refused.policy_version,
        device.id.as_bytes(),
        batch.install.as_bytes(),
        batch.number,
        batch.user,
        received_at,
        acted_at,
        slack_ms,
        from_ms,
        until_ms,
        marks,
        unproven,
        refused.change.bytes
    ])?;
    Ok(())
}

/// Head office's decisions on changes that a device asks about. Its own only: another's is as good as none.
pub(crate) fn decisions(db: &Tx<'_>, device: &DeviceId, asked: &[Quarantined]) -> Result<Vec<Decision>, ApiError> {
    let mut decided = Vec::new();
    for of in asked.iter().take(MOST_ASKED) {
        let row = db
            .prepare_cached(
                "SELECT state, why FROM quarantine WHERE case_id = ?1 AND hash = ?2 AND device = ?3 AND state <> 'open'",
            )?
            .query_row(params![of.case.as_bytes(), of.change.as_bytes(), device.as_bytes()], |row| {
                Ok((row.get::<_, String>(0)?, row.get::<_, Option<String>>(1)?))
            })
            .optional()?;
        decided.extend(row.map(|(state, why)| Decision { of: *of, released: state == "released", why: why.unwrap_or_default() }));
    }
    Ok(decided)
}

const MOST_ASKED: usize = 64;

/// One quarantined change, for a person to judge.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Item {
    /// The case.
    pub case: CaseId,
    /// The change.
    pub change: ChangeHash,
    /// Why it was refused: a code of the protocol.
    pub reason: String,
    /// The policy's rule, where one refused.
    pub rule: Option<String>,
    /// Version of the policy then.
    pub policy_version: u32,
    /// The device that sent it.
    pub device: DeviceId,
    /// Batch of its chain.
    pub batch: u64,
    /// Who was signed in.
    pub person: String,
    /// When it came.
    pub received_at: UnixMs,
    /// When the act was, as far as can be told.
    pub acted_at: Option<UnixMs>,
    /// `open`, `released` or `discarded`.
    pub state: String,
    /// Who decided, and why.
    pub decided_by: Option<String>,
    /// Why.
    pub why: Option<String>,
    /// Kinds of its entries with their authors; empty if it can not be read.
    pub entries: Vec<String>,
}

/// Quarantined changes, the oldest first; those that were decided too if asked.
pub(crate) fn list(db: &Tx<'_>, decided: bool) -> Result<Vec<Item>, ApiError> {
    let mut query = db.prepare_cached(
        "SELECT case_id, hash, reason, rule, policy_version, device, batch, person, received_at, acted_at, state, decided_by, why, bytes
         FROM quarantine WHERE state = 'open' OR ?1 ORDER BY received_at, case_id, hash",
    )?;
    let mut rows = query.query([decided])?;
    let mut items = Vec::new();
    let damaged = |_| ApiError::Internal("quarantine row");
    while let Some(row) = rows.next()? {
        let case = CaseId::try_from(row.get::<_, Vec<u8>>(0)?.as_slice()).map_err(damaged)?;
        let read = Change::read(&case, &row.get::<_, Vec<u8>>(13)?);
        let entries = read.iter().flat_map(|change| change.entries()).map(|e| format!("{} {}", e.body.kind(), e.author.user));
        items.push(Item {
            case,
            change: ChangeHash::try_from(row.get::<_, Vec<u8>>(1)?.as_slice()).map_err(damaged)?,
            reason: row.get(2)?,
            rule: row.get(3)?,
            policy_version: row.get(4)?,
            device: DeviceId::try_from(row.get::<_, Vec<u8>>(5)?.as_slice()).map_err(damaged)?,
            batch: row.get(6)?,
            person: row.get(7)?,
            received_at: UnixMs(row.get(8)?),
            acted_at: row.get::<_, Option<i64>>(9)?.map(UnixMs),
            state: row.get(10)?,
            decided_by: row.get(11)?,
            why: row.get(12)?,
            entries: entries.collect(),
        });
    }
    Ok(items)
}

/// Why a quarantined change can not be decided on as asked.
#[derive(Debug, thiserror::Error)]
pub(crate) enum DecideError {
    #[error("no open change in quarantine begins with this; list them: doorstep-server admin quarantine list")]
    None,
    #[error("more than one change in quarantine begins with this; give more of its hash")]
    Several,
    #[error("it can not be read, so it can not be released ({0}); discard it with a reason")]
    Unreadable(Refusal),
    #[error("the case already has what it says, written anew by its device; discard it with a reason")]
    Already,
    #[error("the case has no parcel facts yet, and it brings none; release what came first")]
    NoFacts,
    #[error("the case has reached its size limit")]
    Full,
    #[error(transparent)]
    Api(#[from] ApiError),
}

impl From<rusqlite::Error> for DecideError {
    fn from(error: rusqlite::Error) -> Self {
        Self::Api(error.into())
    }
}

struct Open {
    case: CaseId,
    hash: ChangeHash,
    device: DeviceId,
    receipt: Receipt,
    bytes: Vec<u8>,
}

/// The open change whose hash begins so.
fn find(db: &Tx<'_>, prefix: &str) -> Result<Open, DecideError> {
    let mut query = db.prepare_cached(&format!(
        "SELECT case_id, hash, device, {RECEIPT}, bytes FROM quarantine
         WHERE state = 'open' AND substr(lower(hex(hash)), 1, length(?1)) = lower(?1) LIMIT 2"
    ))?;
    let rows = query.query_map([prefix], |row| {
        let ids = (row.get::<_, Vec<u8>>(0)?, row.get::<_, Vec<u8>>(1)?, row.get::<_, Vec<u8>>(2)?);
        Ok((ids, receipt_of(row, 3)?, row.get::<_, Vec<u8>>(10)?))
    })?;
    let mut rows = rows.collect::<Result<Vec<_>, _>>()?;
    if rows.len() > 1 {
        return Err(DecideError::Several);
    }
    let ((case, hash, device), receipt, bytes) = rows.pop().filter(|_| !prefix.is_empty()).ok_or(DecideError::None)?;
    let damaged = |_| ApiError::Internal("quarantine row");
    Ok(Open {
        case: CaseId::try_from(case.as_slice()).map_err(damaged)?,
        hash: ChangeHash::try_from(hash.as_slice()).map_err(damaged)?,
        device: DeviceId::try_from(device.as_slice()).map_err(damaged)?,
        receipt,
        bytes,
    })
}

/// Releases a change: its entries are written anew, with their author, their time and their first receipt. Returns the new change.
pub(crate) fn release(
    db: &Tx<'_>,
    keys: &Keys,
    prefix: &str,
    by: &str,
    now: UnixMs,
) -> Result<(CaseId, ChangeHash), DecideError> {
    let open = find(db, prefix)?;
    let original = Change::read(&open.case, &open.bytes).map_err(DecideError::Unreadable)?;
    let (log, _) = case_log::entries(db, &open.case)?;
    let is_there = |entry: &doorstep_domain::Entry| {
        log.iter().any(|r| r.entry.author == entry.author && r.entry.time == entry.time && r.entry.body == entry.body)
    };
    if original.entries().iter().all(is_there) {
        return Err(DecideError::Already);
    }
    let release = Some(Release { original: open.hash, received_at: open.receipt.received_at });
    let entries: Vec<NewEntry> = original
        .entries()
        .iter()
        .map(|entry| NewEntry {
            author: entry.author.clone(),
            pack_version: entry.pack_version,
            time: entry.time,
            action: entry.action,
            facts: entry.facts.clone(),
            release,
            rewrites: None,
            body: entry.body.clone(),
        })
        .collect();
    let anew =
        headoffice::append(db, keys, &open.case, entries, open.receipt, (&open.device, now)).map_err(|error| match error {
            HeadOfficeError::Full => DecideError::Full,
            HeadOfficeError::NoCase => DecideError::NoFacts,
            HeadOfficeError::Api(error) => error.into(),
            _ => ApiError::Internal("writing a release").into(),
        })?;
    decide(db, &open, "released", by, None, now)?;
    Ok((open.case, anew))
}

/// Discards a change: it stays in quarantine, with the reason, and its device is told.
pub(crate) fn discard(db: &Tx<'_>, prefix: &str, by: &str, why: &str, now: UnixMs) -> Result<(CaseId, ChangeHash), DecideError> {
    let open = find(db, prefix)?;
    decide(db, &open, "discarded", by, Some(why), now)?;
    Ok((open.case, open.hash))
}

fn decide(db: &Tx<'_>, open: &Open, state: &str, by: &str, why: Option<&str>, now: UnixMs) -> Result<(), ApiError> {
    db.prepare_cached(
        "UPDATE quarantine SET state = ?3, decided_at = ?4, decided_by = ?5, why = ?6 WHERE case_id = ?1 AND hash = ?2",
    )?
    .execute(params![open.case.as_bytes(), open.hash.as_bytes(), state, now.0, by, why])?;
    Ok(())
}
