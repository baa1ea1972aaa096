//! Acts in the log of changes: their order on a device, their receipts, and a person's unproven acts.

use std::ops::ControlFlow;

use doorstep_domain::{BootId, CaseId, DeviceId, InstallId, Receipt, UnixMs};
use doorstep_sql::{receipt, receipt_columns};

use super::tx::{StoreError, Tx, params, sql};

/// The latest acts of one installation in one boot of its device.
pub(crate) struct Latest {
    pub install: InstallId,
    pub boot: BootId,
    pub mono_ms: u64,
    /// The latest lower end of their gaps; `None` if none is known.
    pub from: Option<UnixMs>,
}

/// The latest acts from a device in a case, by installation and boot.
pub(crate) fn latest(tx: &Tx<'_>, case: &CaseId, device: &DeviceId) -> Result<Vec<Latest>, StoreError> {
    tx.all(
        sql!(
            "SELECT install, boot, max(mono_ms), max(from_ms) FROM change
             WHERE case_id = ?1 AND device = ?2 AND boot <> ?3 GROUP BY install, boot"
        ),
        params![case, device, [0_u8; 0]],
        |row| Ok(Latest { install: row.get(0)?, boot: row.get(1)?, mono_ms: row.get(2)?, from: row.get(3)? }),
    )
}

/// The highest sequence number of an installation in a case; 0 if it has no change there.
pub(crate) fn newest_seq(tx: &Tx<'_>, case: &CaseId, install: &InstallId) -> Result<u64, StoreError> {
    tx.one(sql!("SELECT coalesce(max(seq), 0) FROM change WHERE case_id = ?1 AND install = ?2"), params![case, install], |row| {
        row.get(0)
    })
}

/// Reads the receipts of a case's changes, until `each` breaks.
pub(crate) fn each_receipt(
    tx: &Tx<'_>,
    case: &CaseId,
    mut read: impl FnMut(&Receipt) -> ControlFlow<()>,
) -> Result<(), StoreError> {
    tx.each(sql!("SELECT ", receipt_columns!(), " FROM change WHERE case_id = ?1"), params![case], |row| {
        Ok(read(&receipt::read(row, 0)?))
    })
}

/// Counts a person's unproven acts that were received after a time, up to `most`.
pub(crate) fn count_unproven(tx: &Tx<'_>, person: &str, after: UnixMs, most: u16) -> Result<u16, StoreError> {
    tx.one(
        sql!(
            "SELECT count(*) FROM (
               SELECT 1 FROM change WHERE person = ?1 AND unproven > 0 AND received_at > ?2 LIMIT ?3) AS counted"
        ),
        params![person, after, most],
        |row| row.get(0),
    )
}
