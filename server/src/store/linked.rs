//! Cases that are linked with each other, and what each was told of the other last.

use doorstep_domain::{CaseId, ReasonCode, Waybill};

use super::tx::{StoreError, Tx, params, sql};

/// How often a case is told of another one at most. Each time is a change in the case, and its writers need the room.
const MOST_TIMES: u32 = 100;

/// Links a case with that of another parcel, in one direction.
pub(crate) fn add(tx: &Tx<'_>, case: &CaseId, other: &CaseId, waybill: &Waybill) -> Result<(), StoreError> {
    tx.run(
        sql!(
            "INSERT INTO linked (case_id, other, waybill, reason, state) VALUES (?1, ?2, ?3, '', '')
             ON CONFLICT (case_id, other) DO NOTHING"
        ),
        params![case, other, waybill],
    )?;
    Ok(())
}

/// How many cases a case is linked with.
pub(crate) fn count(tx: &Tx<'_>, case: &CaseId) -> Result<u32, StoreError> {
    tx.one(sql!("SELECT count(*) FROM linked WHERE case_id = ?1"), params![case], |row| row.get(0))
}

/// Something that a case is to be told of another one.
pub(crate) struct News {
    pub case: CaseId,
    pub other: CaseId,
    /// The other parcel.
    pub waybill: Waybill,
    /// The other case's newest problem.
    pub reason: Option<ReasonCode>,
    /// The other case's state.
    pub state: ReasonCode,
}

/// What cases are to be told of others, at most `most`: the other's problem or state is another one than they were told last. A case
/// of which nothing is recorded, or that can not be projected, is told nothing and tells nothing.
pub(crate) fn news(tx: &Tx<'_>, most: u32) -> Result<Vec<News>, StoreError> {
    tx.all(
        sql!(
            "SELECT linked.case_id, linked.other, linked.waybill, case_row.reason, case_row.state
             FROM linked JOIN case_row ON case_row.case_id = linked.other JOIN doc ON doc.case_id = linked.case_id
             WHERE doc.n > 0 AND (linked.reason <> case_row.reason OR linked.state <> case_row.state)
               AND linked.times < ?2 LIMIT ?1"
        ),
        params![most, MOST_TIMES],
        |row| {
            let (reason, state): (String, ReasonCode) = (row.get(3)?, row.get(4)?);
            // Empty: no problem stands in the other case.
            Ok(News { case: row.get(0)?, other: row.get(1)?, waybill: row.get(2)?, reason: reason.parse().ok(), state })
        },
    )
}

/// Notes what a case was told.
pub(crate) fn told(tx: &Tx<'_>, News { case, other, reason, state, .. }: &News) -> Result<(), StoreError> {
    tx.run(
        sql!("UPDATE linked SET reason = ?3, state = ?4, times = times + 1 WHERE case_id = ?1 AND other = ?2"),
        params![case, other, reason.as_ref().map_or("", ReasonCode::as_str), state],
    )?;
    Ok(())
}
