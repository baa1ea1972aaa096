//! The content of proofs of authorship.

use std::ops::ControlFlow;

use doorstep_domain::{CaseId, ChangeHash};

use super::tx::{StoreError, Tx, params, sql};

/// A batch of version 3 as its device signed it.
pub(crate) struct SignedBatch {
    /// The stored body, compressed with Zstandard.
    pub body: Vec<u8>,
    pub sending: Vec<u8>,
    pub sig: Vec<u8>,
    /// The device's public key.
    pub key: Vec<u8>,
}

/// Whether a scope holds a case now.
pub(crate) fn is_in_scope(tx: &Tx<'_>, case: &CaseId, scope: &str) -> Result<bool, StoreError> {
    tx.exists(sql!("SELECT 1 FROM doc_scope WHERE case_id = ?1 AND scope = ?2 AND has = 1"), params![case, scope])
}

/// Reads the batches of version 3 that brought changes of a case, newest first, until `each` breaks.
pub(crate) fn each_batch<E: From<StoreError>>(
    tx: &Tx<'_>,
    case: &CaseId,
    mut each: impl FnMut(SignedBatch) -> Result<ControlFlow<()>, E>,
) -> Result<(), E> {
    tx.each(
        sql!(
            "SELECT body, sending, sig, public_key
             FROM (SELECT DISTINCT pushed_by, batch FROM change WHERE case_id = ?1 AND batch > 0) AS brought
               JOIN envelope ON install = pushed_by AND number = batch JOIN device ON device.id = envelope.device
             WHERE version >= 3 ORDER BY envelope.received_at DESC"
        ),
        params![case],
        |row| each(SignedBatch { body: row.get(0)?, sending: row.get(1)?, sig: row.get(2)?, key: row.get(3)? }),
    )
}

/// The server's own changes in a case, in order.
pub(crate) fn own_changes(tx: &Tx<'_>, case: &CaseId) -> Result<Vec<ChangeHash>, StoreError> {
    tx.all(sql!("SELECT hash FROM change WHERE case_id = ?1 AND batch = 0 ORDER BY n"), params![case], |row| row.get(0))
}
