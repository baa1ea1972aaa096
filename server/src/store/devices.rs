//! Devices and their installations.

use std::ops::ControlFlow;

use doorstep_domain::{DeviceId, Tag, UnixMs};

use super::tx::{StoreError, Tx, params, sql};

/// The devices whose id, in hexadecimal, begins so: two at most.
pub(crate) fn beginning(tx: &Tx<'_>, prefix: &str) -> Result<Vec<DeviceId>, StoreError> {
    let prefix = prefix.to_ascii_lowercase();
    let mut found = Vec::new();
    tx.each(sql!("SELECT id FROM device ORDER BY id"), params![], |row| {
        let id: DeviceId = row.get(0)?;
        if id.to_string().starts_with(&prefix) {
            found.push(id);
        }
        Ok::<_, StoreError>(if found.len() < 2 { ControlFlow::Continue(()) } else { ControlFlow::Break(()) })
    })?;
    Ok(found)
}

/// Revokes a device; the first time counts, and the newest reason.
pub(crate) fn revoke(tx: &Tx<'_>, device: &DeviceId, why: &str, now: UnixMs) -> Result<(), StoreError> {
    tx.run(
        sql!("UPDATE device SET revoked_at = coalesce(revoked_at, ?2), revoked_why = ?3 WHERE id = ?1"),
        params![device, now, why],
    )?;
    Ok(())
}

/// Orders a device to destroy its keys and all that it keeps; the first order counts.
pub(crate) fn order_wipe(tx: &Tx<'_>, device: &DeviceId, now: UnixMs) -> Result<(), StoreError> {
    tx.run(sql!("UPDATE device SET wipe_at = coalesce(wipe_at, ?2) WHERE id = ?1"), params![device, now])?;
    Ok(())
}

/// When any device was in contact last.
pub(crate) fn newest_contact(tx: &Tx<'_>) -> Result<Option<UnixMs>, StoreError> {
    tx.one(sql!("SELECT max(seen_at) FROM device"), params![], |row| row.get(0))
}

/// The newest nonce that any device has signed; `None` if none has.
pub(crate) fn newest_nonce(tx: &Tx<'_>) -> Result<Option<Vec<u8>>, StoreError> {
    tx.maybe(sql!("SELECT last_nonce FROM device ORDER BY last_nonce DESC LIMIT 1"), params![], |row| row.get(0))
}

/// Forgets which nonces devices have signed.
pub(crate) fn forget_nonces(tx: &Tx<'_>) -> Result<(), StoreError> {
    tx.run(sql!("UPDATE device SET last_nonce = ?1"), params![[0_u8; 0]])?;
    Ok(())
}

/// Whether a device wrote under this mark, as its present installation or as one before.
pub(crate) fn has_tag(tx: &Tx<'_>, device: &DeviceId, tag: &Tag) -> Result<bool, StoreError> {
    tx.exists(sql!("SELECT 1 FROM install WHERE tag = ?1 AND device = ?2"), params![tag, device])
}

/// Who is on a device.
pub(crate) fn people_on(tx: &Tx<'_>, device: &DeviceId) -> Result<Vec<String>, StoreError> {
    tx.all(sql!("SELECT DISTINCT person FROM member WHERE device = ?1 ORDER BY person"), params![device], |row| row.get(0))
}
