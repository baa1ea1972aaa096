//! How far feeds are.

use doorstep_protocol::Scope;

use super::tx::{StoreError, Tx, params, sql};

/// The number that a scope's feed has reached; 0 if nothing was ever published to it.
pub(crate) fn head(tx: &Tx<'_>, scope: &Scope) -> Result<u64, StoreError> {
    let head = tx.maybe(sql!("SELECT head FROM scope WHERE scope = ?1"), params![scope.to_string()], |row| row.get(0))?;
    Ok(head.unwrap_or(0))
}
