//! Replaced signing keys, and the devices that still pin them.

use doorstep_domain::{DeviceId, UnixMs};
use doorstep_protocol::Signed;

use super::tx::{StoreError, Tx, params, sql};

/// Stores a replaced key with its signature on the next key, and notes that the devices which pinned it as the newest still pin
/// it.
pub(crate) fn keep_replaced(tx: &Tx<'_>, public: &[u8], pkcs8: &[u8], word: &Signed, now: UnixMs) -> Result<(), StoreError> {
    tx.run(
        sql!("INSERT INTO replaced_key (public, pkcs8, body, sig, replaced_at) VALUES (?1, ?2, ?3, ?4, ?5)"),
        params![public, pkcs8, word.body, word.sig, now],
    )?;
    tx.run(sql!("UPDATE device SET pins = ?1 WHERE pins IS NULL"), params![public])?;
    Ok(())
}

/// The public keys that were replaced.
pub(crate) fn replaced(tx: &Tx<'_>) -> Result<Vec<Vec<u8>>, StoreError> {
    tx.all(sql!("SELECT public FROM replaced_key"), params![], |row| row.get(0))
}

/// A replaced key and the devices that pin it.
pub(crate) struct PinnedKey {
    pub public: Vec<u8>,
    pub replaced_at: UnixMs,
    pub devices: u64,
    /// The number of these that are not revoked.
    pub in_use: u64,
}

/// The replaced keys with the devices that still pin them, newest first.
pub(crate) fn pinned(tx: &Tx<'_>) -> Result<Vec<PinnedKey>, StoreError> {
    tx.all(
        sql!(
            "SELECT public, replaced_at, count(device.id), count(CASE WHEN revoked_at IS NULL THEN device.id END)
             FROM replaced_key LEFT JOIN device ON device.pins = public GROUP BY public, replaced_at ORDER BY replaced_at DESC"
        ),
        params![],
        |row| Ok(PinnedKey { public: row.get(0)?, replaced_at: row.get(1)?, devices: row.get(2)?, in_use: row.get(3)? }),
    )
}

/// Notes which replaced key a device pins; `None` for the newest key.
pub(crate) fn pin(tx: &Tx<'_>, device: &DeviceId, public: Option<&[u8]>) -> Result<(), StoreError> {
    tx.run(sql!("UPDATE device SET pins = ?2 WHERE id = ?1"), params![device, public])?;
    Ok(())
}

/// The replaced key that a device pins (PKCS#8), and its signature on the next key. `None` if the device pins the newest key.
pub(crate) fn of_device(tx: &Tx<'_>, device: &DeviceId) -> Result<Option<(Vec<u8>, Signed)>, StoreError> {
    tx.maybe(
        sql!("SELECT pkcs8, body, sig FROM device JOIN replaced_key ON public = pins WHERE id = ?1"),
        params![device],
        |row| Ok((row.get(0)?, Signed { body: row.get(1)?, sig: row.get(2)? })),
    )
}
