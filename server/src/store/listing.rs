//! The history of head office's list of parcels, and its rows in the parcels' cases.

use doorstep_domain::{CaseId, Facts, UnixMs};
use doorstep_rules::Row;

use super::tx::{StoreError, Tx, params, sql};

/// The history of a parcel in the list, oldest first. A row's index is its number less one.
pub(crate) fn rows(tx: &Tx<'_>, waybill: &str) -> Result<Vec<Row>, StoreError> {
    tx.all(
        sql!(
            "SELECT since_ms, network, waybill, origin_outlet, delivering_outlet, cod_fen, mobile, virtual_mobile, arrival_ms,
               entered_ms, reference
             FROM listing WHERE waybill = ?1 ORDER BY n"
        ),
        params![waybill],
        |row| {
            let facts = Facts {
                network: row.get(1)?,
                waybill: row.get(2)?,
                origin_outlet: Some(row.get(3)?),
                delivering_outlet: Some(row.get(4)?),
                cod: row.get(5)?,
                mobile: row.get(6)?,
                virtual_mobile: row.get(7)?,
                arrival: row.get(8)?,
                entered: row.get(9)?,
                reference: row.get(10)?,
            };
            Ok(Row { since: Some(row.get(0)?), facts })
        },
    )
}

/// Whether a waybill is or was in a list of parcels.
pub(crate) fn has(tx: &Tx<'_>, waybill: &str) -> Result<bool, StoreError> {
    tx.exists(sql!("SELECT 1 FROM listing WHERE waybill = ?1 LIMIT 1"), params![waybill])
}

/// Adds a row under its number, counted from 1.
pub(crate) fn insert(tx: &Tx<'_>, n: usize, since: UnixMs, facts: &Facts) -> Result<(), StoreError> {
    tx.run(
        sql!(
            "INSERT INTO listing (waybill, n, since_ms, network, origin_outlet, delivering_outlet, cod_fen, mobile, virtual_mobile,
               arrival_ms, entered_ms, reference) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)"
        ),
        params![
            facts.waybill,
            n,
            since,
            facts.network,
            facts.origin_outlet,
            facts.delivering_outlet,
            facts.cod,
            facts.mobile,
            facts.virtual_mobile,
            facts.arrival,
            facts.entered,
            facts.reference
        ],
    )?;
    Ok(())
}

/// Changes the time since when a row is in force. Its case has to be told again.
pub(crate) fn set_since(tx: &Tx<'_>, waybill: &str, n: usize, since: UnixMs) -> Result<(), StoreError> {
    tx.run(sql!("UPDATE listing SET since_ms = ?3 WHERE waybill = ?1 AND n = ?2"), params![waybill, n, since])?;
    tx.run(
        sql!("DELETE FROM listed WHERE n = ?2 AND case_id IN (SELECT case_id FROM doc WHERE waybill = ?1)"),
        params![waybill, n],
    )?;
    Ok(())
}

/// Moves the rows from a number on up by one. They pass through negative numbers, so that no two collide.
pub(crate) fn move_up(tx: &Tx<'_>, waybill: &str, n: usize) -> Result<(), StoreError> {
    let moved = i64::try_from(n).map_or(i64::MIN, |n| -n);
    tx.run(sql!("UPDATE listing SET n = -(n + 1) WHERE waybill = ?1 AND n >= ?2"), params![waybill, n])?;
    tx.run(sql!("UPDATE listing SET n = -n WHERE waybill = ?1 AND n < ?2"), params![waybill, moved])?;
    tx.run(
        sql!("UPDATE listed SET n = -(n + 1) WHERE n >= ?2 AND case_id IN (SELECT case_id FROM doc WHERE waybill = ?1)"),
        params![waybill, n],
    )?;
    tx.run(
        sql!("UPDATE listed SET n = -n WHERE n < ?2 AND case_id IN (SELECT case_id FROM doc WHERE waybill = ?1)"),
        params![waybill, moved],
    )?;
    Ok(())
}

/// The state of the list in a case.
pub(crate) struct Standing {
    /// The waybill; empty if no change has named it.
    pub waybill: String,
    /// Whether a copy in the case equals a row.
    pub confirmed: bool,
    /// The number of the case's changes.
    pub n: u64,
}

/// The state of the list in a case; `None` if nothing is recorded of the case.
pub(crate) fn standing(tx: &Tx<'_>, case: &CaseId) -> Result<Option<Standing>, StoreError> {
    tx.maybe(sql!("SELECT waybill, confirmed, n FROM doc WHERE case_id = ?1"), params![case], |row| {
        Ok(Standing { waybill: row.get(0)?, confirmed: row.get(1)?, n: row.get(2)? })
    })
}

/// Notes that a copy in the case equals a row.
pub(crate) fn confirm(tx: &Tx<'_>, case: &CaseId) -> Result<(), StoreError> {
    tx.run(sql!("UPDATE doc SET confirmed = 1 WHERE case_id = ?1 AND confirmed = 0"), params![case])?;
    Ok(())
}

/// Whether the server has written a row into the case.
pub(crate) fn is_written(tx: &Tx<'_>, case: &CaseId, n: usize) -> Result<bool, StoreError> {
    tx.exists(sql!("SELECT 1 FROM listed WHERE case_id = ?1 AND n = ?2"), params![case, n])
}

/// Notes that the server has written a row into the case.
pub(crate) fn note_written(tx: &Tx<'_>, case: &CaseId, n: usize) -> Result<(), StoreError> {
    tx.run(sql!("INSERT INTO listed (case_id, n) VALUES (?1, ?2)"), params![case, n])?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use doorstep_domain::{Fen, Waybill};

    use super::*;
    use crate::open::open;

    #[test]
    fn a_row_that_is_put_between_others_moves_those_after_it() {
        let folder = tempfile::tempdir().unwrap();
        let (waybill, outlet) = (Waybill::parse("QH310000000017").unwrap(), Some("HZ-01".parse().unwrap()));
        let facts = Facts {
            origin_outlet: outlet.clone(),
            delivering_outlet: outlet,
            mobile: Some([7; 8]),
            ..Facts::unlisted("QH".parse().unwrap(), waybill.clone())
        };
        let of = |cod| Facts { cod: Fen(cod), ..facts.clone() };
        open(folder.path())
            .unwrap()
            .write(|tx| {
                for (n, cod) in [(1, 10), (2, 30), (3, 40)] {
                    insert(tx, n, UnixMs(cod), &of(cod))?;
                }
                move_up(tx, waybill.as_str(), 2)?;
                insert(tx, 2, UnixMs(20), &of(20))?;
                let expected = [10, 20, 30, 40].map(|cod| Row { since: Some(UnixMs(cod)), facts: of(cod) });
                assert_eq!(rows(tx, waybill.as_str())?, expected);
                Ok::<_, StoreError>(())
            })
            .unwrap();
    }
}
