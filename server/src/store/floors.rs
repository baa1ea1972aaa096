//! The floor of a device: a time before which it has no unsent record.

use doorstep_domain::{DeviceId, UnixMs};

use super::tx::{StoreError, Tx, params, sql};

/// Raises a device's floor to the receipt of a sending that left nothing behind, if there is such a sending. A floor in the
/// future is replaced.
pub(crate) fn raise(tx: &Tx<'_>, device: &DeviceId, received: UnixMs, now: UnixMs) -> Result<(), StoreError> {
    tx.run(
        sql!(
            "UPDATE device SET floor_ms = CASE WHEN floor_ms < ?2 OR floor_ms > ?3 THEN ?2 ELSE floor_ms END WHERE id = ?1
             AND EXISTS (SELECT 1 FROM envelope WHERE device = ?1 AND received_at = ?2 AND complete = 1)"
        ),
        params![device, received, now],
    )?;
    Ok(())
}

/// The floor of a device, and the time of its enrolment.
pub(crate) fn of(tx: &Tx<'_>, device: &DeviceId) -> Result<[UnixMs; 2], StoreError> {
    tx.one(sql!("SELECT floor_ms, enrolled_at FROM device WHERE id = ?1"), params![device], |row| Ok([row.get(0)?, row.get(1)?]))
}
