//! The installations of devices.

use doorstep_domain::{DeviceId, InstallId, Tag, UnixMs};

use super::tx::{StoreError, Tx, params, sql};

/// Whether an installation was ever registered.
pub(crate) fn is_known(tx: &Tx<'_>, install: &InstallId) -> Result<bool, StoreError> {
    tx.exists(sql!("SELECT 1 FROM install WHERE install = ?1"), params![install])
}

/// The installation that has a tag, and its device.
pub(crate) fn of_tag(tx: &Tx<'_>, tag: &Tag) -> Result<Option<(InstallId, DeviceId)>, StoreError> {
    tx.maybe(sql!("SELECT install, device FROM install WHERE tag = ?1"), params![tag], |row| Ok((row.get(0)?, row.get(1)?)))
}

/// Registers an installation under its tag, which no other one may have.
pub(crate) fn register(tx: &Tx<'_>, install: &InstallId, device: &DeviceId, tag: &Tag, now: UnixMs) -> Result<(), StoreError> {
    tx.run(
        sql!("INSERT INTO install (install, device, tag, first_seen) VALUES (?1, ?2, ?3, ?4)"),
        params![install, device, tag, now],
    )?;
    Ok(())
}

/// The installations that were ever registered for a device.
pub(crate) fn of_device(tx: &Tx<'_>, device: &DeviceId) -> Result<Vec<InstallId>, StoreError> {
    tx.all(sql!("SELECT install FROM install WHERE device = ?1 ORDER BY install"), params![device], |row| row.get(0))
}

/// Whether two stores have written under an installation.
pub(crate) fn is_forked(tx: &Tx<'_>, install: &InstallId) -> Result<bool, StoreError> {
    tx.exists(sql!("SELECT 1 FROM install WHERE install = ?1 AND forked_at IS NOT NULL"), params![install])
}
