//! Reference rows: their versions, the policies and the calendar.

use doorstep_protocol::DayRow;

use super::tx::{StoreError, Tx, params, sql};

/// The version of a kind of reference rows; 0 if there are none.
pub(crate) fn version(tx: &Tx<'_>, kind: &str) -> Result<u64, StoreError> {
    let version = tx.maybe(sql!("SELECT version FROM reference WHERE kind = ?1"), params![kind], |row| row.get(0))?;
    Ok(version.unwrap_or(0))
}

/// Puts a policy into force. The one before stays for devices that can not read this one.
pub(crate) fn replace_policy(tx: &Tx<'_>, json: &[u8], format: u32) -> Result<(), StoreError> {
    tx.run(sql!("INSERT INTO former_policy (format, body) SELECT format, body FROM reference WHERE kind = 'policy'"), params![])?;
    tx.run(sql!("UPDATE reference SET body = ?1, format = ?2 WHERE kind = 'policy'"), params![json, format])?;
    Ok(())
}

/// Raises the version of a kind of reference rows, so that devices fetch them anew.
pub(crate) fn bump(tx: &Tx<'_>, kind: &str) -> Result<(), StoreError> {
    tx.run(sql!("UPDATE reference SET version = version + 1 WHERE kind = ?1"), params![kind])?;
    Ok(())
}

/// Raises the versions of all kinds.
pub(crate) fn raise_all(tx: &Tx<'_>, by: i64) -> Result<(), StoreError> {
    tx.run(sql!("UPDATE reference SET version = version + ?1"), params![by])?;
    Ok(())
}

/// The policy in force.
pub(crate) fn policy(tx: &Tx<'_>) -> Result<Vec<u8>, StoreError> {
    tx.one(sql!("SELECT body FROM reference WHERE kind = 'policy'"), params![], |row| row.get(0))
}

/// Whether a device that reads formats up to `reads` can not read the policy in force.
pub(crate) fn is_policy_withheld(tx: &Tx<'_>, reads: u32) -> Result<bool, StoreError> {
    tx.exists(sql!("SELECT 1 FROM reference WHERE kind = 'policy' AND format > ?1"), params![reads])
}

/// The policy for a device that reads formats up to `reads`: the one in force, or else the newest that it can read.
pub(crate) fn policy_for(tx: &Tx<'_>, reads: u32) -> Result<Option<Vec<u8>>, StoreError> {
    tx.maybe(
        sql!(
            "SELECT body FROM (
               SELECT body, format, 1 AS in_force, 0 AS n FROM reference WHERE kind = 'policy'
               UNION ALL SELECT body, format, 0, n FROM former_policy) AS policy
             WHERE format <= ?1 ORDER BY in_force DESC, n DESC LIMIT 1"
        ),
        params![reads],
        |row| row.get(0),
    )
}

/// The days of the calendar that overrides the packs' own.
pub(crate) fn days(tx: &Tx<'_>) -> Result<Vec<DayRow>, StoreError> {
    tx.all(sql!("SELECT day, works, name FROM calendar_day ORDER BY day"), params![], |row| {
        Ok(DayRow { day: row.get(0)?, works: row.get(1)?, name: row.get(2)? })
    })
}
