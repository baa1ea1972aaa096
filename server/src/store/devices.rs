//! Devices: their keys, their standing, and their last reports.

use std::ops::ControlFlow;

use doorstep_domain::{DeviceId, Tag, UnixMs};

use super::tx::{StoreError, Tx, params, sql};

/// The devices whose hexadecimal id begins with `prefix`, at most two.
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

/// Revokes a device. The first time and the newest reason stay.
pub(crate) fn revoke(tx: &Tx<'_>, device: &DeviceId, why: &str, now: UnixMs) -> Result<(), StoreError> {
    tx.run(
        sql!("UPDATE device SET revoked_at = coalesce(revoked_at, ?2), revoked_why = ?3 WHERE id = ?1"),
        params![device, now, why],
    )?;
    Ok(())
}

/// Orders a device to destroy its keys and its data. The first order stays.
pub(crate) fn order_wipe(tx: &Tx<'_>, device: &DeviceId, now: UnixMs) -> Result<(), StoreError> {
    tx.run(sql!("UPDATE device SET wipe_at = coalesce(wipe_at, ?2) WHERE id = ?1"), params![device, now])?;
    Ok(())
}

/// The time of the newest contact of any device.
pub(crate) fn newest_contact(tx: &Tx<'_>) -> Result<Option<UnixMs>, StoreError> {
    tx.one(sql!("SELECT max(seen_at) FROM device"), params![], |row| row.get(0))
}

/// The newest nonce that any device has signed; `None` if there is none.
pub(crate) fn newest_nonce(tx: &Tx<'_>) -> Result<Option<Vec<u8>>, StoreError> {
    tx.maybe(sql!("SELECT last_nonce FROM device ORDER BY last_nonce DESC LIMIT 1"), params![], |row| row.get(0))
}

/// Deletes the record of the nonces that devices have signed.
pub(crate) fn forget_nonces(tx: &Tx<'_>) -> Result<(), StoreError> {
    tx.run(sql!("UPDATE device SET last_nonce = ?1"), params![[0_u8; 0]])?;
    Ok(())
}

/// Whether a device wrote under this tag, as its present installation or an earlier one.
pub(crate) fn has_tag(tx: &Tx<'_>, device: &DeviceId, tag: &Tag) -> Result<bool, StoreError> {
    tx.exists(sql!("SELECT 1 FROM install WHERE tag = ?1 AND device = ?2"), params![tag, device])
}

/// The people on a device.
pub(crate) fn people_on(tx: &Tx<'_>, device: &DeviceId) -> Result<Vec<String>, StoreError> {
    tx.all(sql!("SELECT DISTINCT person FROM member WHERE device = ?1 ORDER BY person"), params![device], |row| row.get(0))
}

/// Enrols a device or readmits it: it is no longer revoked or to be wiped, and pins the newest key.
pub(crate) fn enrol(tx: &Tx<'_>, device: &DeviceId, public_key: &[u8], now: UnixMs) -> Result<(), StoreError> {
    tx.run(
        sql!(
            "INSERT INTO device (id, public_key, enrolled_at, seen_at) VALUES (?1, ?2, ?3, ?3)
             ON CONFLICT (id) DO UPDATE SET revoked_at = NULL, revoked_why = NULL, wipe_at = NULL, seen_at = ?3, pins = NULL"
        ),
        params![device, public_key, now],
    )?;
    Ok(())
}

/// Head office's orders about a device.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Standing {
    pub revoked: bool,
    pub to_be_wiped: bool,
}

/// Head office's orders about a device; none for an unknown device.
pub(crate) fn standing(tx: &Tx<'_>, device: &DeviceId) -> Result<Standing, StoreError> {
    let standing = tx.maybe(
        sql!(
            "SELECT CASE WHEN revoked_at IS NULL THEN 0 ELSE 1 END, CASE WHEN wipe_at IS NULL THEN 0 ELSE 1 END
             FROM device WHERE id = ?1"
        ),
        params![device],
        |row| Ok(Standing { revoked: row.get(0)?, to_be_wiped: row.get(1)? }),
    )?;
    Ok(standing.unwrap_or_default())
}

/// A device that asks for a session.
pub(crate) struct Signer {
    pub public_key: Vec<u8>,
    /// The nonce of its newest session; empty if there was none.
    pub last_nonce: Vec<u8>,
}

/// The key of a device and its last signed nonce.
pub(crate) fn signer(tx: &Tx<'_>, device: &DeviceId) -> Result<Option<Signer>, StoreError> {
    tx.maybe(sql!("SELECT public_key, last_nonce FROM device WHERE id = ?1"), params![device], |row| {
        Ok(Signer { public_key: row.get(0)?, last_nonce: row.get(1)? })
    })
}

/// Notes the nonce that a device has just signed.
pub(crate) fn note_nonce(tx: &Tx<'_>, device: &DeviceId, nonce: &[u8]) -> Result<(), StoreError> {
    tx.run(sql!("UPDATE device SET last_nonce = ?2 WHERE id = ?1"), params![device, nonce])?;
    Ok(())
}

/// Notes a sync. `beacon`, CBOR: the unsent work that the device reports; `None` leaves its earlier report.
pub(crate) fn note_seen(
    tx: &Tx<'_>,
    device: &DeviceId,
    beacon: Option<&[u8]>,
    proto: &str,
    now: UnixMs,
) -> Result<(), StoreError> {
    tx.run(
        sql!("UPDATE device SET seen_at = ?2, beacon = coalesce(?3, beacon), proto = ?4 WHERE id = ?1"),
        params![device, now, beacon, proto],
    )?;
    Ok(())
}

/// Extends the interval of server times that were given to a device in an hour, counted from 1970.
pub(crate) fn note_given(tx: &Tx<'_>, device: &DeviceId, hour: i64, now: UnixMs) -> Result<(), StoreError> {
    tx.run(
        sql!(
            "INSERT INTO anchor (device, hour, first_ms, last_ms) VALUES (?1, ?2, ?3, ?3)
             ON CONFLICT (device, hour) DO UPDATE SET
               first_ms = CASE WHEN ?3 < anchor.first_ms THEN ?3 ELSE anchor.first_ms END,
               last_ms = CASE WHEN ?3 > anchor.last_ms THEN ?3 ELSE anchor.last_ms END"
        ),
        params![device, hour, now],
    )?;
    Ok(())
}

/// Deletes a device's given server times from before an hour.
pub(crate) fn forget_given(tx: &Tx<'_>, device: &DeviceId, hour: i64) -> Result<(), StoreError> {
    tx.run(sql!("DELETE FROM anchor WHERE device = ?1 AND hour < ?2"), params![device, hour])?;
    Ok(())
}

/// Reads the last report of each device that is not revoked, CBOR.
pub(crate) fn each_beacon(tx: &Tx<'_>, mut each: impl FnMut(&[u8])) -> Result<(), StoreError> {
    tx.each(sql!("SELECT beacon FROM device WHERE beacon IS NOT NULL AND revoked_at IS NULL"), params![], |row| {
        each(&row.get::<Vec<u8>>(0)?);
        Ok::<_, StoreError>(ControlFlow::Continue(()))
    })
}

/// A device with its last report.
pub(crate) struct Said {
    pub id: DeviceId,
    pub enrolled_at: UnixMs,
    pub revoked_at: Option<UnixMs>,
    pub seen_at: UnixMs,
    /// The unsent work on it, CBOR.
    pub beacon: Option<Vec<u8>>,
    /// The protocol version that it last spoke; empty if it has named none.
    pub proto: String,
    /// The number of its undecided changes in quarantine.
    pub quarantined: u32,
}

/// All devices.
pub(crate) fn all(tx: &Tx<'_>) -> Result<Vec<Said>, StoreError> {
    tx.all(
        sql!(
            "SELECT id, enrolled_at, revoked_at, seen_at, beacon, proto,
               (SELECT count(*) FROM quarantine WHERE quarantine.device = device.id AND state = 'open') FROM device ORDER BY id"
        ),
        params![],
        |row| {
            Ok(Said {
                id: row.get(0)?,
                enrolled_at: row.get(1)?,
                revoked_at: row.get(2)?,
                seen_at: row.get(3)?,
                beacon: row.get(4)?,
                proto: row.get(5)?,
                quarantined: row.get(6)?,
            })
        },
    )
}
