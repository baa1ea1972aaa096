//! Head office's list: one projected row for each case.

use doorstep_domain::{CaseId, UnixMs};
use doorstep_rules::Duty;

use super::tx::{Row, Sql, StoreError, Tx, params, sql};

/// The column value for "never".
const NEVER: i64 = i64::MAX;
/// The time of a duty without a time limit: before what has ended.
const NO_LIMIT: i64 = NEVER - 1;

/// The content of a row that time does not change, with its later phases.
pub(crate) struct ListRow {
    pub waybill: String,
    /// The origin outlet; empty if unlisted, like `delivering`.
    pub origin: String,
    pub delivering: String,
    pub reason: String,
    pub attempts: usize,
    pub updated_at: UnixMs,
    /// The later phases, JSON.
    pub phases: String,
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
    /// The duties, the most urgent first, and the same as JSON.
    pub duties: &'a [Duty],
    pub duties_json: String,
}

/// The time by which a duty is sorted. A limit that was missed is past and one that runs is not, so what is overdue is first.
fn sorts_at(duty: &Duty) -> i64 {
    duty.missed.or(duty.until).map_or(NO_LIMIT, |at| at.0)
}

/// Writes the most urgent duty of each side and outlet of a case, and returns the time of the most urgent of all.
fn write_duties(tx: &Tx<'_>, case: &CaseId, duties: &[Duty]) -> Result<i64, StoreError> {
    tx.run(sql!("DELETE FROM duty WHERE case_id = ?1"), params![case])?;
    for duty in duties {
        let outlet = duty.outlet.as_ref().map_or("", |outlet| outlet.as_str());
        tx.run(
            // The first is the most urgent one.
            sql!("INSERT INTO duty (case_id, side, outlet, at) VALUES (?1, ?2, ?3, ?4) ON CONFLICT (case_id, side, outlet) DO NOTHING"),
            params![case, duty.side.as_str(), outlet, sorts_at(duty)],
        )?;
    }
    Ok(duties.first().map_or(NEVER, sorts_at))
}

/// Writes the row of a case.
pub(crate) fn write(tx: &Tx<'_>, case: &CaseId, row: &ListRow, now: &RowNow<'_>) -> Result<(), StoreError> {
    let ListRow { waybill, origin, delivering, reason, attempts, updated_at, phases } = row;
    let RowNow { state, next_step, decision, flags, missed, closed, due_ms, from_ms, until_ms, duties, duties_json } = now;
    let urgent_at = write_duties(tx, case, duties)?;
    tx.run(
        sql!(
            "INSERT INTO case_row (case_id, waybill, origin, delivering, state, next_step, reason, decision, attempts,
               flags, updated_at, closed, due_at, missed, phases, phase_until, phase_from, duties, urgent_at)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19)
             ON CONFLICT (case_id) DO UPDATE SET waybill = ?2, origin = ?3, delivering = ?4, state = ?5, next_step = ?6, reason = ?7,
               decision = ?8, attempts = ?9, flags = ?10, updated_at = ?11, closed = ?12, due_at = ?13, missed = ?14, phases = ?15,
               phase_until = ?16, phase_from = ?17, duties = ?18, urgent_at = ?19"
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
            from_ms,
            duties_json,
            urgent_at
        ],
    )?;
    Ok(())
}

/// Moves the row of a case to another phase.
pub(crate) fn phase(tx: &Tx<'_>, case: &CaseId, now: &RowNow<'_>) -> Result<(), StoreError> {
    let RowNow { state, next_step, decision, flags, missed, closed, due_ms, from_ms, until_ms, duties, duties_json } = now;
    let urgent_at = write_duties(tx, case, duties)?;
    tx.run(
        sql!(
            "UPDATE case_row SET state = ?2, next_step = ?3, decision = ?4, flags = ?5, missed = ?6, closed = ?7, due_at = ?8,
               phase_until = ?9, phase_from = ?10, duties = ?11, urgent_at = ?12 WHERE case_id = ?1"
        ),
        params![
            case,
            state,
            next_step,
            decision,
            flags,
            missed,
            closed,
            due_ms.unwrap_or(NEVER),
            until_ms,
            from_ms,
            duties_json,
            urgent_at
        ],
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
    /// The duties, JSON.
    pub duties: String,
}

/// The columns of a list's row. A picture that is recorded under another waybill too is told.
macro_rules! list_row_columns {
    () => {
        "case_row.case_id, case_row.waybill, origin, delivering, state, next_step, reason, decision, attempts, flags, missed,
           updated_at, due_at,
           (SELECT count(*) FROM photo LEFT JOIN stored ON stored.sha = photo.sha
            WHERE photo.case_id = case_row.case_id AND of_sha IS NULL AND stored_at IS NULL),
           CASE WHEN EXISTS (SELECT 1 FROM photo JOIN photo AS other ON other.sha = photo.sha AND other.case_id <> photo.case_id
             WHERE photo.case_id = case_row.case_id AND photo.of_sha IS NULL) THEN 1 ELSE 0 END,
           duties"
    };
}

/// The cases whose waybill is or was in a list of parcels, or the others: overdue first, then by the time left, then what has ended.
pub(crate) fn all(tx: &Tx<'_>, listed: bool, most: u32) -> Result<Vec<Listed>, StoreError> {
    tx.all(
        sql!(
            "SELECT ",
            list_row_columns!(),
            " FROM case_row JOIN doc ON doc.case_id = case_row.case_id
             WHERE frozen IS NULL
               AND CASE WHEN EXISTS (SELECT 1 FROM listing WHERE listing.waybill = doc.waybill) THEN 1 ELSE 0 END = ?1
             ORDER BY urgent_at, updated_at DESC LIMIT ?2"
        ),
        params![listed, most],
        read,
    )
}

/// The goods that a hub registered under a provisional number and that nobody has identified yet: a lost parcel may be among them.
pub(crate) fn unidentified(tx: &Tx<'_>, most: u32) -> Result<Vec<Listed>, StoreError> {
    tx.all(
        sql!(
            "SELECT ",
            list_row_columns!(),
            " FROM case_row JOIN doc ON doc.case_id = case_row.case_id
             WHERE frozen IS NULL AND case_row.closed = 0 AND case_row.waybill >= 'PV-' AND case_row.waybill < 'PV.'
               AND EXISTS (SELECT 1 FROM person WHERE person.id = doc.first_person AND person.role = 'hub')
             ORDER BY updated_at DESC LIMIT ?1"
        ),
        params![most],
        read,
    )
}

/// The cases like [`all`] in which something is due from an outlet, a side, or a side of an outlet, by the most urgent of it.
pub(crate) fn due_from(
    tx: &Tx<'_>,
    listed: bool,
    outlet: Option<&str>,
    side: Option<&str>,
    most: u32,
) -> Result<Vec<Listed>, StoreError> {
    match outlet {
        Some(outlet) => tx.all(DUE_FROM_OUTLET, params![listed, most, outlet, side], read),
        None => tx.all(DUE_FROM_SIDE, params![listed, most, side], read),
    }
}

// Each walks an index in the list's order and ends with the last wanted row. Of several duties of a case only the most urgent one counts.
const DUE_FROM_OUTLET: Sql = sql!(
    "SELECT ",
    list_row_columns!(),
    " FROM duty JOIN case_row ON case_row.case_id = duty.case_id JOIN doc ON doc.case_id = duty.case_id
     WHERE duty.outlet = ?3 AND (?4 IS NULL OR duty.side = ?4)
       AND NOT EXISTS (SELECT 1 FROM duty AS other
         WHERE other.case_id = duty.case_id AND other.outlet = duty.outlet AND (?4 IS NULL OR other.side = ?4)
           AND (other.at, other.side) < (duty.at, duty.side))
       AND frozen IS NULL
       AND CASE WHEN EXISTS (SELECT 1 FROM listing WHERE listing.waybill = doc.waybill) THEN 1 ELSE 0 END = ?1
     ORDER BY duty.at, updated_at DESC LIMIT ?2"
);
const DUE_FROM_SIDE: Sql = sql!(
    "SELECT ",
    list_row_columns!(),
    " FROM duty JOIN case_row ON case_row.case_id = duty.case_id JOIN doc ON doc.case_id = duty.case_id
     WHERE duty.side = ?3
       AND NOT EXISTS (SELECT 1 FROM duty AS other
         WHERE other.case_id = duty.case_id AND other.side = duty.side AND (other.at, other.outlet) < (duty.at, duty.outlet))
       AND frozen IS NULL
       AND CASE WHEN EXISTS (SELECT 1 FROM listing WHERE listing.waybill = doc.waybill) THEN 1 ELSE 0 END = ?1
     ORDER BY duty.at, updated_at DESC LIMIT ?2"
);

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
        duties: row.get(15)?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::open::open;

    #[test]
    fn a_list_of_an_outlet_or_a_side_walks_an_index_in_its_order() {
        let folder = tempfile::tempdir().unwrap();
        let store = open(folder.path()).unwrap();
        for (statement, index) in [(DUE_FROM_OUTLET, "duty_by_outlet (outlet=?)"), (DUE_FROM_SIDE, "duty_by_side (side=?)")] {
            let mut plan = store.sqlite().prepare(&format!("EXPLAIN QUERY PLAN {}", statement.text())).unwrap();
            let plan: Vec<String> = plan.raw_query().mapped(|row| row.get(3)).map(Result::unwrap).collect();
            assert!(plan.iter().any(|step| step.ends_with(index)), "{plan:?}");
            assert!(plan.iter().all(|step| !step.contains("TEMP B-TREE") || step.contains("LAST TERM OF ORDER BY")), "{plan:?}");
        }
    }
}
