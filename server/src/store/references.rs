//! The versions of reference rows, and the policy in force.

use super::tx::{StoreError, Tx, params, sql};

/// The version of a kind of reference rows; 0 if there are none.
pub(crate) fn version(tx: &Tx<'_>, kind: &str) -> Result<u64, StoreError> {
    let version = tx.maybe(sql!("SELECT version FROM reference WHERE kind = ?1"), params![kind], |row| row.get(0))?;
    Ok(version.unwrap_or(0))
}

/// The policy in force, as it was published.
pub(crate) fn policy(tx: &Tx<'_>) -> Result<Vec<u8>, StoreError> {
    tx.one(sql!("SELECT body FROM reference WHERE kind = 'policy'"), params![], |row| row.get(0))
}

/// Puts a policy in force; the one before it is kept for devices that can not read this one.
pub(crate) fn replace_policy(tx: &Tx<'_>, json: &[u8], format: u32) -> Result<(), StoreError> {
    tx.run(sql!("INSERT INTO former_policy (format, body) SELECT format, body FROM reference WHERE kind = 'policy'"), params![])?;
    tx.run(sql!("UPDATE reference SET body = ?1, format = ?2 WHERE kind = 'policy'"), params![json, format])?;
    Ok(())
}
