//! Counts the answers of this log.

use super::tx::{StoreError, Tx, params, sql};

/// The number of the newest answer.
pub(crate) fn count(tx: &Tx<'_>) -> Result<u64, StoreError> {
    tx.one(sql!("SELECT counter FROM answers"), params![], |row| row.get(0))
}

/// The number of the next answer.
pub(crate) fn next(tx: &Tx<'_>) -> Result<u64, StoreError> {
    tx.one(sql!("UPDATE answers SET counter = counter + 1 RETURNING counter"), params![], |row| row.get(0))
}
