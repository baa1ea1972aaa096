//! The outlets and hubs that are asked something about a parcel.

use doorstep_domain::{Author, CaseId, EntryKey, OutletCode, UserId};

use super::tx::{Row, StoreError, Tx, params, sql};

/// A question of a case.
pub(crate) struct Asked {
    /// Who is asked.
    pub outlet: OutletCode,
    /// Whether the parcel was sent on to the outlet.
    pub forwards: bool,
    /// The outlet that delivered the parcel before it arrived at this one; `None` if it has not arrived.
    pub former: Option<OutletCode>,
    /// Who asks, and for which outlet.
    pub by: (UserId, OutletCode),
    /// Who wrote the answer by which the parcel has arrived.
    pub answerer: Option<UserId>,
}

fn read(row: &Row<'_>) -> Result<Asked, StoreError> {
    let by = (row.get(3)?, row.get(4)?);
    Ok(Asked { outlet: row.get(0)?, forwards: row.get(1)?, former: row.get(2)?, by, answerer: row.get(5)? })
}

/// The questions of a case that count. One about a waybill in no list counts no more once the waybill is in a list: anybody may have
/// asked it about a guessed number.
pub(crate) fn of_case(tx: &Tx<'_>, case: &CaseId, is_listed: bool) -> Result<Vec<Asked>, StoreError> {
    tx.all(
        sql!(
            "SELECT outlet, forwards, former, by_user, by_outlet, answerer FROM asked
             WHERE case_id = ?1 AND (?2 = 0 OR unlisted = 0) ORDER BY entry"
        ),
        params![case, is_listed],
        read,
    )
}

/// A question by its entry, if it counts.
pub(crate) fn by_entry(tx: &Tx<'_>, case: &CaseId, entry: &EntryKey, is_listed: bool) -> Result<Option<Asked>, StoreError> {
    tx.maybe(
        sql!(
            "SELECT outlet, forwards, former, by_user, by_outlet, answerer FROM asked
             WHERE case_id = ?1 AND entry = ?3 AND (?2 = 0 OR unlisted = 0)"
        ),
        params![case, is_listed, entry.to_string()],
        read,
    )
}

/// The question whose answer brought the parcel to its outlet, by that answer.
pub(crate) fn by_answer(tx: &Tx<'_>, case: &CaseId, answer: &EntryKey) -> Result<Option<EntryKey>, StoreError> {
    let entry: Option<String> =
        tx.maybe(sql!("SELECT entry FROM asked WHERE case_id = ?1 AND answer = ?2"), params![case, answer.to_string()], |row| {
            row.get(0)
        })?;
    Ok(entry.and_then(|entry| entry.parse().ok()))
}

/// Adds a question, unless the case has `most` already.
pub(crate) fn add(
    tx: &Tx<'_>,
    case: &CaseId,
    (entry, by): (&EntryKey, &Author),
    outlet: &OutletCode,
    (forwards, unlisted, most): (bool, bool, usize),
) -> Result<(), StoreError> {
    let count: u32 = tx.one(sql!("SELECT count(*) FROM asked WHERE case_id = ?1"), params![case], |row| row.get(0))?;
    if count as usize >= most {
        return Ok(());
    }
    tx.run(
        sql!(
            "INSERT INTO asked (case_id, entry, outlet, forwards, by_user, by_outlet, unlisted) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)
             ON CONFLICT (case_id, entry) DO NOTHING"
        ),
        params![case, entry.to_string(), outlet, forwards, by.user, by.outlet, unlisted],
    )?;
    Ok(())
}

/// Removes a question that was taken back, unless the parcel has arrived by it.
pub(crate) fn remove(tx: &Tx<'_>, case: &CaseId, entry: &EntryKey) -> Result<(), StoreError> {
    tx.run(sql!("DELETE FROM asked WHERE case_id = ?1 AND entry = ?2 AND answer IS NULL"), params![case, entry.to_string()])?;
    Ok(())
}

/// Notes by which answer the parcel has arrived, who wrote it, and who delivered it before.
pub(crate) fn arrived(
    tx: &Tx<'_>,
    case: &CaseId,
    entry: &EntryKey,
    by: Option<(&EntryKey, &UserId, &OutletCode)>,
) -> Result<(), StoreError> {
    let answer = by.map(|(answer, ..)| answer.to_string());
    let (answerer, former) = (by.map(|(_, answerer, _)| answerer), by.map(|(.., former)| former));
    tx.run(
        sql!("UPDATE asked SET answer = ?3, answerer = ?4, former = ?5 WHERE case_id = ?1 AND entry = ?2"),
        params![case, entry.to_string(), answer, answerer, former],
    )?;
    Ok(())
}
