//! The outbox of SMS.

use super::tx::{StoreError, Tx, params, sql};

/// How many wait to be sent, by the gateway or by lease.
pub(crate) fn count_offered(tx: &Tx<'_>) -> Result<u64, StoreError> {
    tx.one(sql!("SELECT count(*) FROM message WHERE state = 'offered'"), params![], |row| row.get(0))
}
