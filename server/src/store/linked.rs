//! Cases that are linked with each other, and what each was told of the other last.

use doorstep_domain::{CaseId, ReasonCode, Waybill};
use doorstep_rules::UNLINKED;

use super::tx::{StoreError, Tx, params, sql};

/// How often a case is told of another one at most. Each time is a change in the case, and its writers need the room.
const MOST_TIMES: u32 = 100;

/// Links a case with that of another parcel, in one direction. `named`: a registration of the case names the other parcel.
pub(crate) fn add(tx: &Tx<'_>, case: &CaseId, (other, waybill): (&CaseId, &Waybill), named: bool) -> Result<(), StoreError> {
    tx.run(
        sql!(
            "INSERT INTO linked (case_id, other, waybill, reason, state, named) VALUES (?1, ?2, ?3, '', '', ?4)
             ON CONFLICT (case_id, other) DO UPDATE SET named = CASE WHEN ?4 THEN 1 ELSE linked.named END"
        ),
        params![case, other, waybill, named],
    )?;
    Ok(())
}

/// The parcels that a case names by what it was told last, with their cases.
pub(crate) fn named(tx: &Tx<'_>, case: &CaseId) -> Result<Vec<(CaseId, Waybill)>, StoreError> {
    tx.all(sql!("SELECT other, waybill FROM linked WHERE case_id = ?1 AND named = 1"), params![case], |row| {
        Ok((row.get(0)?, row.get(1)?))
    })
}

/// Notes that no registration of a case names the other parcel any more.
pub(crate) fn no_longer_named(tx: &Tx<'_>, case: &CaseId, other: &CaseId) -> Result<(), StoreError> {
    tx.run(sql!("UPDATE linked SET named = 0 WHERE case_id = ?1 AND other = ?2"), params![case, other])?;
    Ok(())
}

/// Whether two cases are linked, because one of them names the other's parcel.
pub(crate) fn stands(tx: &Tx<'_>, case: &CaseId, other: &CaseId) -> Result<bool, StoreError> {
    tx.exists(
        sql!("SELECT 1 FROM linked WHERE named = 1 AND ((case_id = ?1 AND other = ?2) OR (case_id = ?2 AND other = ?1)) LIMIT 1"),
        params![case, other],
    )
}

/// How many cases a case is linked with.
pub(crate) fn count(tx: &Tx<'_>, case: &CaseId) -> Result<u32, StoreError> {
    // A mistaken number that was taken back takes no other one's place.
    let sql = sql!(
        "SELECT count(*) FROM linked AS there LEFT JOIN linked AS back ON back.case_id = there.other AND back.other = there.case_id
         WHERE there.case_id = ?1 AND (there.named = 1 OR back.named = 1)"
    );
    tx.one(sql, params![case], |row| row.get(0))
}

/// Marks the links of a case, in both directions, because its row was written.
pub(crate) fn row_was_written(tx: &Tx<'_>, case: &CaseId) -> Result<(), StoreError> {
    tx.run(sql!("UPDATE linked SET due = 1 WHERE case_id = ?1 OR other = ?1"), params![case])?;
    Ok(())
}

/// Whether a link is marked.
pub(crate) fn has_due(tx: &Tx<'_>) -> Result<bool, StoreError> {
    tx.exists(sql!("SELECT 1 FROM linked WHERE due = 1 LIMIT 1"), params![])
}

/// A case that is linked with another one.
pub(crate) struct Link {
    pub case: CaseId,
    pub other: CaseId,
    pub news: Option<News>,
}

/// Something that a case is to be told of another one.
pub(crate) struct News {
    /// The other parcel.
    pub waybill: Waybill,
    /// The other case's newest problem.
    pub reason: Option<ReasonCode>,
    /// The other case's state.
    pub state: ReasonCode,
}

/// Takes the marks off at most `most` links, and returns the links. A case is told news if the other's problem or state is another one
/// than it was told last, or if neither names the other any more. A case of which nothing is recorded, or that can not be projected, is
/// told nothing and tells nothing. Its link is marked again once its row is written.
pub(crate) fn take_due(tx: &Tx<'_>, most: u32) -> Result<Vec<Link>, StoreError> {
    let due = tx.all(
        sql!(
            "SELECT case_id, other, waybill, reason_now, state_now,
               CASE WHEN n > 0 AND times < ?2 AND (reason <> reason_now OR state <> state_now) THEN 1 ELSE 0 END
             FROM (SELECT there.case_id, there.other, there.waybill, there.reason, there.state, there.times, doc.n AS n,
                 CASE WHEN there.named = 1 OR back.named = 1 THEN case_row.reason ELSE '' END AS reason_now,
                 CASE WHEN there.named = 1 OR back.named = 1 THEN case_row.state WHEN there.state = '' THEN '' ELSE ?3 END AS state_now
               FROM linked AS there LEFT JOIN linked AS back ON back.case_id = there.other AND back.other = there.case_id
                 LEFT JOIN case_row ON case_row.case_id = there.other LEFT JOIN doc ON doc.case_id = there.case_id
               WHERE there.due = 1 LIMIT ?1)"
        ),
        params![most, MOST_TIMES, UNLINKED],
        |row| {
            // A case without a row has no state.
            let (reason, state): (Option<String>, Option<String>) = (row.get(3)?, row.get(4)?);
            let has_news: bool = row.get(5)?;
            let state: Option<ReasonCode> = state.filter(|_| has_news).and_then(|state| state.parse().ok());
            let news = match state {
                // Empty: no problem stands in the other case.
                Some(state) => Some(News { waybill: row.get(2)?, reason: reason.and_then(|reason| reason.parse().ok()), state }),
                None => None,
            };
            Ok(Link { case: row.get(0)?, other: row.get(1)?, news })
        },
    )?;
    for link in &due {
        tx.run(sql!("UPDATE linked SET due = 0 WHERE case_id = ?1 AND other = ?2"), params![link.case, link.other])?;
    }
    Ok(due)
}

/// Notes what a case was told of another one.
pub(crate) fn told(tx: &Tx<'_>, (case, other): (&CaseId, &CaseId), News { reason, state, .. }: &News) -> Result<(), StoreError> {
    tx.run(
        sql!("UPDATE linked SET reason = ?3, state = ?4, times = times + 1 WHERE case_id = ?1 AND other = ?2"),
        params![case, other, reason.as_ref().map_or("", ReasonCode::as_str), state],
    )?;
    Ok(())
}
