//! Head office's list: one projected row for each case.

use doorstep_domain::{CaseId, UnixMs};

use super::tx::{Row, StoreError, Tx, params, sql};

/// The column value for "never".
const NEVER: i64 = i64::MAX;

/// The content of a row, with its present and later phases.
pub(crate) struct ListRow<'a> {
    pub waybill: &'a str,
    /// The origin outlet; empty if unlisted, like `delivering`.
    pub origin: String,
    pub delivering: String,
    pub reason: &'a str,
    pub attempts: usize,
    pub updated_at: UnixMs,
    /// The later phases, JSON.
    pub phases: String,
    pub now: RowNow<'a>,
}

/// The part of a row that changes with time.
pub(crate) struct RowNow<'a> {
    pub state: &'a str,
    pub next_step: &'a str,
    pub decision: &'a str,
    pub flags: &'a str,
    pub missed: &'a str,
    pub closed: bool,
    pub due_ms: Option<i64>,
    /// The first millisecond of the present phase, with its end below.
    pub from_ms: i64,
    pub until_ms: Option<i64>,
}

/// Writes the row of a case.
pub(crate) fn write(tx: &Tx<'_>, case: &CaseId, row: &ListRow<'_>) -> Result<(), StoreError> {
    let ListRow { waybill, origin, delivering, reason, attempts, updated_at, phases, now } = row;
    let RowNow { state, next_step, decision, flags, missed, closed, due_ms, from_ms, until_ms } = now;
    tx.run(
        sql!(
            "INSERT INTO case_row (case_id, waybill, origin, delivering, state, next_step, reason, decision, attempts,
               flags, updated_at, closed, due_at, missed, phases, phase_until, phase_from)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17)
             ON CONFLICT (case_id) DO UPDATE SET waybill = ?2, origin = ?3, delivering = ?4, state = ?5, next_step = ?6, reason = ?7,
               decision = ?8, attempts = ?9, flags = ?10, updated_at = ?11, closed = ?12, due_at = ?13, missed = ?14, phases = ?15,
               phase_until = ?16, phase_from = ?17"
        ),
        params![
            case,
            waybill,
            origin,
            delivering,
            state,
            next_step,
            reason,
            decision,
            attempts,
            flags,
            updated_at,
            closed,
            due_ms.unwrap_or(NEVER),
            missed,
            phases,
            until_ms,
            from_ms
        ],
    )?;
    Ok(())
}

/// Moves the row of a case to another phase.
pub(crate) fn phase(tx: &Tx<'_>, case: &CaseId, now: &RowNow<'_>) -> Result<(), StoreError> {
    let RowNow { state, next_step, decision, flags, missed, closed, due_ms, from_ms, until_ms } = now;
    tx.run(
        sql!(
            "UPDATE case_row SET state = ?2, next_step = ?3, decision = ?4, flags = ?5, missed = ?6, closed = ?7, due_at = ?8,
               phase_until = ?9, phase_from = ?10 WHERE case_id = ?1"
        ),
        params![case, state, next_step, decision, flags, missed, closed, due_ms.unwrap_or(NEVER), until_ms, from_ms],
    )?;
    Ok(())
}

/// At most `most` rows whose phase has ended, or that were judged for a time more than `ahead_ms` after `now`, with their later
/// phases.
pub(crate) fn passed(tx: &Tx<'_>, now: UnixMs, ahead_ms: i64, most: u32) -> Result<Vec<(CaseId, String)>, StoreError> {
    tx.all(
        sql!(
            "SELECT case_row.case_id, phases FROM case_row JOIN doc ON doc.case_id = case_row.case_id
             WHERE (phase_until <= ?1 OR phase_from > ?2) AND frozen IS NULL AND projected_n = n LIMIT ?3"
        ),
        params![now, now.plus(ahead_ms), most],
        |row| Ok((row.get(0)?, row.get(1)?)),
    )
}

/// A row of the list.
pub(crate) struct Listed {
    pub case: CaseId,
    pub waybill: String,
    pub origin: String,
    pub delivering: String,
    pub state: String,
    pub next_step: String,
    pub reason: String,
    pub decision: String,
    pub attempts: u32,
    /// The flags, separated by spaces like `missed`.
    pub flags: String,
    pub missed: String,
    pub updated_at: UnixMs,
    pub due_at: Option<UnixMs>,
    pub photos_pending: u32,
    pub same_picture: bool,
}

/// The cases whose waybill is or was in a list of parcels, or the others, by next deadline, closed cases last.
pub(crate) fn all(tx: &Tx<'_>, listed: bool, most: u32) -> Result<Vec<Listed>, StoreError> {
    tx.all(
        sql!(
            "SELECT case_row.case_id, case_row.waybill, origin, delivering, state, next_step, reason, decision, attempts, flags, missed,
               updated_at, due_at,
               (SELECT count(*) FROM photo LEFT JOIN stored ON stored.sha = photo.sha
                WHERE photo.case_id = case_row.case_id AND of_sha IS NULL AND stored_at IS NULL),
               CASE WHEN EXISTS (SELECT 1 FROM photo JOIN photo AS other ON other.sha = photo.sha AND other.case_id <> photo.case_id
                 WHERE photo.case_id = case_row.case_id AND photo.of_sha IS NULL) THEN 1 ELSE 0 END
             FROM case_row JOIN doc ON doc.case_id = case_row.case_id
             WHERE frozen IS NULL
               AND CASE WHEN EXISTS (SELECT 1 FROM listing WHERE listing.waybill = doc.waybill) THEN 1 ELSE 0 END = ?1
             ORDER BY case_row.closed, due_at, updated_at DESC LIMIT ?2"
        ),
        params![listed, most],
        read,
    )
}

fn read(row: &Row<'_>) -> Result<Listed, StoreError> {
    let due_at: i64 = row.get(12)?;
    Ok(Listed {
        case: row.get(0)?,
        waybill: row.get(1)?,
        origin: row.get(2)?,
        delivering: row.get(3)?,
        state: row.get(4)?,
        next_step: row.get(5)?,
        reason: row.get(6)?,
        decision: row.get(7)?,
        attempts: row.get(8)?,
        flags: row.get(9)?,
        missed: row.get(10)?,
        updated_at: row.get(11)?,
        due_at: (due_at != NEVER).then_some(UnixMs(due_at)),
        photos_pending: row.get(13)?,
        same_picture: row.get(14)?,
    })
}
