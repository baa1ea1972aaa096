//! Refusals at the door, counted.

use super::tx::{StoreError, Tx, params, sql};

/// How often each code was given.
pub(crate) fn all(tx: &Tx<'_>) -> Result<Vec<(String, u64)>, StoreError> {
    tx.all(sql!("SELECT code, times FROM refusal ORDER BY code"), params![], |row| Ok((row.get(0)?, row.get(1)?)))
}
