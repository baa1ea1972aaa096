//! The devices' tokens, which last an hour. Only their hashes are stored.

use doorstep_domain::{DeviceId, UnixMs};

use super::tx::{StoreError, Tx, params, sql};

/// Stores a token until its end.
pub(crate) fn insert(tx: &Tx<'_>, hash: &[u8; 32], device: &DeviceId, ends: UnixMs) -> Result<(), StoreError> {
    tx.run(sql!("INSERT INTO token (hash, device, expires_at) VALUES (?1, ?2, ?3)"), params![hash, device, ends])?;
    Ok(())
}

/// Deletes a device's tokens that ended before a time.
pub(crate) fn drop_ended(tx: &Tx<'_>, device: &DeviceId, before: UnixMs) -> Result<(), StoreError> {
    tx.run(sql!("DELETE FROM token WHERE device = ?1 AND expires_at < ?2"), params![device, before])?;
    Ok(())
}

/// Deletes a token. False if it was already gone.
pub(crate) fn spend(tx: &Tx<'_>, hash: &[u8; 32]) -> Result<bool, StoreError> {
    Ok(tx.run(sql!("DELETE FROM token WHERE hash = ?1"), params![hash])? > 0)
}

/// The device that holds a token, and the token's end.
pub(crate) struct Holder {
    pub device: DeviceId,
    pub public_key: Vec<u8>,
    pub revoked: bool,
    pub wipe_at: Option<UnixMs>,
    /// When the token ends.
    pub ends: UnixMs,
}

/// The device that holds a token.
pub(crate) fn holder(tx: &Tx<'_>, hash: &[u8; 32]) -> Result<Option<Holder>, StoreError> {
    tx.maybe(
        sql!(
            "SELECT device.id, device.public_key, CASE WHEN device.revoked_at IS NULL THEN 0 ELSE 1 END, device.wipe_at,
               token.expires_at
             FROM token JOIN device ON device.id = token.device WHERE token.hash = ?1"
        ),
        params![hash],
        |row| {
            Ok(Holder {
                device: row.get(0)?,
                public_key: row.get(1)?,
                revoked: row.get(2)?,
                wipe_at: row.get(3)?,
                ends: row.get(4)?,
            })
        },
    )
}
