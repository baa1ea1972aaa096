//! The outlets and hubs that are asked something about a parcel.

use doorstep_domain::{CaseId, EntryKey, OutletCode};

use super::tx::{StoreError, Tx, params, sql};

/// A question of a case.
pub(crate) struct Asked {
    /// Who is asked.
    pub outlet: OutletCode,
    /// Whether the parcel was sent on to the outlet.
    pub forwards: bool,
    /// The outlet that delivered the parcel before it arrived at this one; `None` if it has not arrived.
    pub former: Option<OutletCode>,
}

/// The questions of a case.
pub(crate) fn of_case(tx: &Tx<'_>, case: &CaseId) -> Result<Vec<Asked>, StoreError> {
    tx.all(sql!("SELECT outlet, forwards, former FROM asked WHERE case_id = ?1 ORDER BY entry"), params![case], |row| {
        Ok(Asked { outlet: row.get(0)?, forwards: row.get(1)?, former: row.get(2)? })
    })
}

/// A question by its entry.
pub(crate) fn by_entry(tx: &Tx<'_>, case: &CaseId, entry: &EntryKey) -> Result<Option<Asked>, StoreError> {
    tx.maybe(
        sql!("SELECT outlet, forwards, former FROM asked WHERE case_id = ?1 AND entry = ?2"),
        params![case, entry.to_string()],
        |row| Ok(Asked { outlet: row.get(0)?, forwards: row.get(1)?, former: row.get(2)? }),
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

/// Adds a question.
pub(crate) fn add(tx: &Tx<'_>, case: &CaseId, entry: &EntryKey, outlet: &OutletCode, forwards: bool) -> Result<(), StoreError> {
    tx.run(
        sql!(
            "INSERT INTO asked (case_id, entry, outlet, forwards) VALUES (?1, ?2, ?3, ?4) ON CONFLICT (case_id, entry) DO NOTHING"
        ),
        params![case, entry.to_string(), outlet, forwards],
    )?;
    Ok(())
}

/// Removes a question that was taken back, unless the parcel has arrived by it.
pub(crate) fn remove(tx: &Tx<'_>, case: &CaseId, entry: &EntryKey) -> Result<(), StoreError> {
    tx.run(sql!("DELETE FROM asked WHERE case_id = ?1 AND entry = ?2 AND answer IS NULL"), params![case, entry.to_string()])?;
    Ok(())
}

/// Notes by which answer the parcel has arrived, and who delivered it before.
pub(crate) fn arrived(
    tx: &Tx<'_>,
    case: &CaseId,
    entry: &EntryKey,
    by: Option<(&EntryKey, &OutletCode)>,
) -> Result<(), StoreError> {
    let (answer, former) = by.unzip();
    tx.run(
        sql!("UPDATE asked SET answer = ?3, former = ?4 WHERE case_id = ?1 AND entry = ?2"),
        params![case, entry.to_string(), answer.map(ToString::to_string), former],
    )?;
    Ok(())
}
