//! The chains of installations' batches, and what breaks them.

use doorstep_domain::UnixMs;

use super::tx::{StoreError, Tx, params, sql};

/// Marks an alarm as looked at. False if there is no open one of this id.
pub(crate) fn see_fork(tx: &Tx<'_>, id: i64, now: UnixMs) -> Result<bool, StoreError> {
    Ok(tx.run(sql!("UPDATE fork SET seen_at = ?2 WHERE id = ?1 AND seen_at IS NULL"), params![id, now])? > 0)
}
