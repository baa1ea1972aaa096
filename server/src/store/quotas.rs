//! What each device has brought on the newest day on which it brought anything.

use doorstep_domain::{DeviceId, UnixMs};

use super::tx::{StoreError, Tx, params, sql};

/// A device's day.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct OfDay {
    pub photo_bytes: u64,
    pub changes: u64,
    pub refused_bytes: u64,
    pub unlisted: u64,
    /// When the next photo is taken if the quota is used up.
    pub photos_from: UnixMs,
    /// When the next batch is taken if a quota is used up.
    pub records_from: UnixMs,
    /// How often head office has given the day's quotas once more.
    pub lifts: u64,
}

/// A device's day; an empty one if the device has brought nothing on it.
pub(crate) fn read(tx: &Tx<'_>, device: &DeviceId, day: i32) -> Result<OfDay, StoreError> {
    let row = tx.maybe(
        sql!(
            "SELECT photo_bytes, changes, refused_bytes, unlisted, photos_from, records_from, lifts FROM quota
             WHERE device = ?1 AND day = ?2"
        ),
        params![device, day],
        |row| {
            Ok(OfDay {
                photo_bytes: row.get(0)?,
                changes: row.get(1)?,
                refused_bytes: row.get(2)?,
                unlisted: row.get(3)?,
                photos_from: row.get(4)?,
                records_from: row.get(5)?,
                lifts: row.get(6)?,
            })
        },
    )?;
    Ok(row.unwrap_or_default())
}

/// Writes a device's day in the place of the one before.
pub(crate) fn write(tx: &Tx<'_>, device: &DeviceId, day: i32, of_day: &OfDay) -> Result<(), StoreError> {
    let OfDay { photo_bytes, changes, refused_bytes, unlisted, photos_from, records_from, lifts } = of_day;
    tx.run(
        sql!(
            "INSERT INTO quota (device, day, photo_bytes, changes, refused_bytes, unlisted, photos_from, records_from, lifts)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)
             ON CONFLICT (device) DO UPDATE SET day = ?2, photo_bytes = ?3, changes = ?4, refused_bytes = ?5, unlisted = ?6,
               photos_from = ?7, records_from = ?8, lifts = ?9"
        ),
        params![device, day, photo_bytes, changes, refused_bytes, unlisted, photos_from, records_from, lifts],
    )?;
    Ok(())
}
