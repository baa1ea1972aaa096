//! The chains that devices' sendings left behind, by hash, with the gap of their acts.

use doorstep_domain::{DeviceId, Digest, UnixMs};

use super::tx::{StoreError, Tx, params, sql};

/// The gap of a chain's acts.
pub(crate) struct LeftGap {
    pub from: UnixMs,
    pub until: UnixMs,
    /// The newest contact before the sending that named the chain, if that contact should have brought it.
    pub contact: Option<UnixMs>,
}

/// Stores a device's chain with its gap. The first gap stays.
pub(crate) fn insert(tx: &Tx<'_>, device: &DeviceId, chain: &Digest, gap: &LeftGap) -> Result<(), StoreError> {
    tx.run(
        sql!(
            "INSERT INTO left_behind (device, chain, from_ms, until_ms, contact_ms) VALUES (?1, ?2, ?3, ?4, ?5)
             ON CONFLICT (device, chain) DO NOTHING"
        ),
        params![device, chain, gap.from, gap.until, gap.contact],
    )?;
    Ok(())
}

/// The gap of a chain of a device.
pub(crate) fn gap(tx: &Tx<'_>, device: &DeviceId, chain: &Digest) -> Result<Option<LeftGap>, StoreError> {
    tx.maybe(
        sql!("SELECT from_ms, until_ms, contact_ms FROM left_behind WHERE device = ?1 AND chain = ?2"),
        params![device, chain],
        |row| Ok(LeftGap { from: row.get(0)?, until: row.get(1)?, contact: row.get(2)? }),
    )
}

/// Deletes a device's chains whose gap ended before a time.
pub(crate) fn forget_before(tx: &Tx<'_>, device: &DeviceId, time: UnixMs) -> Result<(), StoreError> {
    tx.run(sql!("DELETE FROM left_behind WHERE device = ?1 AND until_ms < ?2"), params![device, time])?;
    Ok(())
}

/// Deletes all but the newest `most` chains of a device.
pub(crate) fn forget_beyond(tx: &Tx<'_>, device: &DeviceId, most: u32) -> Result<(), StoreError> {
    tx.run(
        sql!(
            "DELETE FROM left_behind WHERE device = ?1 AND chain NOT IN
               (SELECT chain FROM left_behind WHERE device = ?1 ORDER BY until_ms DESC, chain LIMIT ?2)
             AND (SELECT count(*) FROM left_behind WHERE device = ?1) > ?2"
        ),
        params![device, most],
    )?;
    Ok(())
}
