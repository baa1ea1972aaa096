//! The photos that accepted entries name, and their thumbnails: one row for each case that names one.

use std::ops::ControlFlow;

use doorstep_domain::{CaseId, DeviceId, PhotoId, UnixMs};
use doorstep_protocol::Scope;

use super::tx::{Row, StoreError, Tx, params, sql};

/// A photo that an entry names.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Named {
    pub id: PhotoId,
    pub case: CaseId,
    pub len: u64,
    /// The device that has it.
    pub device: DeviceId,
    /// The photo of this thumbnail; `None` if it is no thumbnail.
    pub of: Option<PhotoId>,
    /// The perceptual hash.
    pub look: Option<u64>,
    pub expected_at: UnixMs,
    pub due_at: UnixMs,
}

/// Stores a photo that an entry of a case names. The first entry stays, except that a thumbnail can become a photo of its own.
pub(crate) fn expect(tx: &Tx<'_>, photo: &Named) -> Result<(), StoreError> {
    let Named { id, case, len, device, of, look, expected_at, due_at } = photo;
    // Columns hold signed 64-bit numbers.
    let look = look.map(u64::cast_signed);
    tx.run(
        sql!(
            "INSERT INTO photo (sha, case_id, len, device, of_sha, expected_at, due_at, look)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)
             ON CONFLICT (sha, case_id) DO UPDATE SET of_sha = NULL, look = excluded.look WHERE excluded.of_sha IS NULL"
        ),
        params![id, case, len, device, of, expected_at, due_at, look],
    )?;
    Ok(())
}

/// The length that an entry names: this device's own, or else another's; `None` if no accepted entry names the photo.
pub(crate) fn length(tx: &Tx<'_>, id: &PhotoId, device: &DeviceId) -> Result<Option<u64>, StoreError> {
    tx.maybe(
        sql!("SELECT len FROM photo WHERE sha = ?1 ORDER BY CASE WHEN device = ?2 THEN 0 ELSE 1 END, case_id LIMIT 1"),
        params![id, device],
        |row| row.get(0),
    )
}

/// The devices that name a photo with the length that each names, in the order of their entries.
pub(crate) fn namers(tx: &Tx<'_>, id: &PhotoId) -> Result<Vec<(DeviceId, u64)>, StoreError> {
    tx.all(sql!("SELECT device, len FROM photo WHERE sha = ?1 ORDER BY expected_at, case_id"), params![id], |row| {
        Ok((row.get(0)?, row.get(1)?))
    })
}

/// Whether a device's own entry names a photo.
pub(crate) fn is_named_by(tx: &Tx<'_>, id: &PhotoId, device: &DeviceId) -> Result<bool, StoreError> {
    tx.exists(sql!("SELECT 1 FROM photo WHERE sha = ?1 AND device = ?2"), params![id, device])
}

/// Whether a case of a scope names a photo by an entry of the device that brought its bytes. Before the bytes have arrived, any
/// device's entry counts.
pub(crate) fn is_in_scope(tx: &Tx<'_>, id: &PhotoId, scope: &Scope) -> Result<bool, StoreError> {
    tx.exists(
        sql!(
            "SELECT 1 FROM photo JOIN doc_scope USING (case_id) LEFT JOIN stored ON stored.sha = photo.sha
             WHERE photo.sha = ?1 AND scope = ?2 AND has = 1 AND (stored.device IS NULL OR stored.device = photo.device)"
        ),
        params![id, scope.to_string()],
    )
}

/// The state of a photo's bytes.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Fate {
    pub stored_at: Option<UnixMs>,
    pub erased_at: Option<UnixMs>,
    pub lost_at: Option<UnixMs>,
    /// Whether it is lost because the device's file holds other bytes.
    pub altered: bool,
    pub due_at: UnixMs,
}

/// The state of a photo's bytes. Among several devices that name it, one that still has it counts.
pub(crate) fn fate(tx: &Tx<'_>, id: &PhotoId) -> Result<Option<Fate>, StoreError> {
    tx.maybe(
        sql!(
            "SELECT stored_at, erased_at, lost_at, altered, due_at FROM photo LEFT JOIN stored USING (sha) WHERE sha = ?1
             ORDER BY CASE WHEN lost_at IS NULL THEN 0 ELSE 1 END, due_at, case_id LIMIT 1"
        ),
        params![id],
        |row| {
            Ok(Fate {
                stored_at: row.get(0)?,
                erased_at: row.get(1)?,
                lost_at: row.get(2)?,
                altered: row.get(3)?,
                due_at: row.get(4)?,
            })
        },
    )
}

/// The photos that a device is asked for again, longest asked first.
pub(crate) fn asked_of(tx: &Tx<'_>, device: &DeviceId, most: usize) -> Result<Vec<PhotoId>, StoreError> {
    tx.all(
        sql!(
            "SELECT sha FROM photo WHERE device = ?1 AND asked_at IS NOT NULL AND lost_at IS NULL
             ORDER BY asked_at, sha, case_id LIMIT ?2"
        ),
        params![device, most],
        |row| row.get(0),
    )
}

/// Asks all devices that name a photo for it again.
pub(crate) fn ask_again(tx: &Tx<'_>, id: &PhotoId, now: UnixMs) -> Result<(), StoreError> {
    tx.run(sql!("UPDATE photo SET asked_at = ?2, lost_at = NULL, altered = 0 WHERE sha = ?1"), params![id, now])?;
    Ok(())
}

/// Stops asking a device for a photo.
pub(crate) fn ask_no_more(tx: &Tx<'_>, id: &PhotoId, device: &DeviceId) -> Result<(), StoreError> {
    tx.run(sql!("UPDATE photo SET asked_at = NULL WHERE sha = ?1 AND device = ?2"), params![id, device])?;
    Ok(())
}

/// Notes that a photo's bytes have arrived: no device is asked for it, and it is not lost.
pub(crate) fn arrive(tx: &Tx<'_>, id: &PhotoId) -> Result<(), StoreError> {
    tx.run(sql!("UPDATE photo SET asked_at = NULL, lost_at = NULL, altered = 0 WHERE sha = ?1"), params![id])?;
    Ok(())
}

/// A row whose photo became lost.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Lost {
    pub case: CaseId,
    /// The photo of this thumbnail; `None` if it is no thumbnail.
    pub of: Option<PhotoId>,
    /// When the device was asked for it again, because storage has lost it.
    pub asked_at: Option<UnixMs>,
}

/// Notes that a device can not deliver a photo, in each case whose entry names it, unless it is stored or lost already. Returns
/// the rows that became lost. `altered`: the device's file holds other bytes.
pub(crate) fn lose(tx: &Tx<'_>, id: &PhotoId, device: &DeviceId, altered: bool, now: UnixMs) -> Result<Vec<Lost>, StoreError> {
    tx.all(
        sql!(
            "UPDATE photo SET lost_at = ?3, altered = ?4
             WHERE sha = ?1 AND device = ?2 AND lost_at IS NULL AND NOT EXISTS (SELECT 1 FROM stored WHERE stored.sha = ?1)
             RETURNING case_id, of_sha, asked_at"
        ),
        params![id, device, now, altered],
        |row| Ok(Lost { case: row.get(0)?, of: row.get(1)?, asked_at: row.get(2)? }),
    )
}

/// A photo that an entry names, with its thumbnails.
pub(crate) fn with_thumbnails(tx: &Tx<'_>, id: &PhotoId) -> Result<Vec<PhotoId>, StoreError> {
    tx.all(
        sql!("SELECT sha FROM photo WHERE sha = ?1 UNION SELECT sha FROM photo WHERE of_sha = ?1 ORDER BY sha"),
        params![id],
        |row| row.get(0),
    )
}

/// A thumbnail of a photo whose bytes are stored.
pub(crate) fn stored_thumbnail(tx: &Tx<'_>, id: &PhotoId) -> Result<Option<PhotoId>, StoreError> {
    tx.maybe(
        sql!("SELECT sha FROM photo JOIN stored USING (sha) WHERE of_sha = ?1 AND erased_at IS NULL ORDER BY sha LIMIT 1"),
        params![id],
        |row| row.get(0),
    )
}

/// A photo of a case.
#[derive(Debug, Clone, Copy)]
pub(crate) struct OfCase {
    pub id: PhotoId,
    /// The device that has it.
    pub device: DeviceId,
    pub due_at: UnixMs,
    /// The perceptual hash.
    pub look: Option<u64>,
}

/// The photos that a case names, without thumbnails.
pub(crate) fn of_case(tx: &Tx<'_>, case: &CaseId) -> Result<Vec<OfCase>, StoreError> {
    tx.all(sql!("SELECT sha, device, due_at, look FROM photo WHERE case_id = ?1 AND of_sha IS NULL"), params![case], |row| {
        let look = row.get::<Option<i64>>(3)?.map(i64::cast_unsigned);
        Ok(OfCase { id: row.get(0)?, device: row.get(1)?, due_at: row.get(2)?, look })
    })
}

/// The waybills of other cases that name a photo too.
pub(crate) fn waybills_beside(tx: &Tx<'_>, id: &PhotoId, case: &CaseId, most: usize) -> Result<Vec<String>, StoreError> {
    tx.all(
        sql!("SELECT waybill FROM photo JOIN doc USING (case_id) WHERE sha = ?1 AND case_id <> ?2 ORDER BY waybill LIMIT ?3"),
        params![id, case, most],
        |row| row.get(0),
    )
}

/// Reads the waybill and the perceptual hash of each other photo that a device has recorded in other cases since a time, until
/// `see` breaks.
pub(crate) fn looks_beside(
    tx: &Tx<'_>,
    photo: &OfCase,
    case: &CaseId,
    since: UnixMs,
    mut see: impl FnMut(String, u64) -> ControlFlow<()>,
) -> Result<(), StoreError> {
    tx.each(
        sql!(
            "SELECT waybill, look FROM photo JOIN doc USING (case_id)
             WHERE device = ?1 AND expected_at > ?2 AND look IS NOT NULL AND case_id <> ?3 AND sha <> ?4
             ORDER BY expected_at, sha, case_id"
        ),
        params![photo.device, since, case, photo.id],
        |row| {
            let look: i64 = row.get(1)?;
            Ok::<_, StoreError>(see(row.get(0)?, look.cast_unsigned()))
        },
    )
}

/// A photo in head office's list.
#[derive(Debug, Clone)]
pub(crate) struct Listed {
    pub id: PhotoId,
    pub case: CaseId,
    pub waybill: String,
    /// The device that has it.
    pub device: DeviceId,
    pub expected_at: UnixMs,
    pub due_at: UnixMs,
    pub len: u64,
    /// The number of bytes of an unfinished upload.
    pub received: u64,
}

macro_rules! listed_columns {
    () => {
        "photo.sha, photo.case_id, waybill, photo.device, expected_at, due_at, photo.len,
           coalesce((SELECT received FROM upload WHERE upload.sha = photo.sha AND upload.device = photo.device), 0)"
    };
}

fn listed(row: &Row<'_>) -> Result<Listed, StoreError> {
    Ok(Listed {
        id: row.get(0)?,
        case: row.get(1)?,
        waybill: row.get(2)?,
        device: row.get(3)?,
        expected_at: row.get(4)?,
        due_at: row.get(5)?,
        len: row.get(6)?,
        received: row.get(7)?,
    })
}

/// Every photo, longest awaited first.
pub(crate) fn list_all(tx: &Tx<'_>, most: u32) -> Result<Vec<Listed>, StoreError> {
    tx.all(
        sql!(
            "SELECT ",
            listed_columns!(),
            " FROM photo JOIN doc USING (case_id) WHERE of_sha IS NULL ORDER BY due_at, photo.sha, photo.case_id LIMIT ?1"
        ),
        params![most],
        listed,
    )
}

/// The photos that are neither stored nor erased, those that several cases name, and those that look like a turned or mirrored one
/// or one of another device, longest awaited first.
pub(crate) fn list_odd(tx: &Tx<'_>, most: u32) -> Result<Vec<Listed>, StoreError> {
    tx.all(
        sql!(
            "SELECT ",
            listed_columns!(),
            " FROM photo JOIN doc USING (case_id) LEFT JOIN stored ON stored.sha = photo.sha
             WHERE of_sha IS NULL AND (stored_at IS NULL
               OR EXISTS (SELECT 1 FROM photo AS other WHERE other.sha = photo.sha AND other.case_id <> photo.case_id)
               OR EXISTS (SELECT 1 FROM alike WHERE alike.sha = photo.sha AND disguise = 1))
             ORDER BY due_at, photo.sha, photo.case_id LIMIT ?1"
        ),
        params![most],
        listed,
    )
}
