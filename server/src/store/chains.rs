//! The chains of installations' batches, and what breaks them.

use doorstep_domain::{DeviceId, InstallId, UnixMs};
use serde::Serialize;

use super::tx::{StoreError, Tx, params, sql};

/// Marks an alarm as looked at. False if there is no open one of this id.
pub(crate) fn see_fork(tx: &Tx<'_>, id: i64, now: UnixMs) -> Result<bool, StoreError> {
    Ok(tx.run(sql!("UPDATE fork SET seen_at = ?2 WHERE id = ?1 AND seen_at IS NULL"), params![id, now])? > 0)
}

/// A fork alarm.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Fork {
    /// Its number.
    pub id: i64,
    /// The device.
    pub device: DeviceId,
    /// The installation that two stores have written under.
    pub install: InstallId,
    /// The batch.
    pub batch: u64,
    /// `same_number`, `other_predecessor` or `behind`.
    pub what: String,
    /// When.
    pub at: UnixMs,
}

/// Fork alarms that head office has not looked at.
pub(crate) fn open_forks(tx: &Tx<'_>) -> Result<Vec<Fork>, StoreError> {
    tx.all(sql!("SELECT id, device, install, number, what, at FROM fork WHERE seen_at IS NULL ORDER BY id"), params![], |row| {
        Ok(Fork {
            id: row.get(0)?,
            device: row.get(1)?,
            install: row.get(2)?,
            batch: row.get(3)?,
            what: row.get(4)?,
            at: row.get(5)?,
        })
    })
}
