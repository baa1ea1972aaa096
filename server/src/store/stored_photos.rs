//! Photos whose verified bytes are in storage. An erased one keeps its row and its hash.

use doorstep_domain::{DeviceId, PhotoId, UnixMs};

use super::tx::{Row, StoreError, Tx, params, sql};

/// A photo that is in storage, or was erased from it.
#[derive(Debug, Clone)]
pub(crate) struct Stored {
    pub id: PhotoId,
    pub len: u64,
    /// The media type that was read from the bytes.
    pub mime: String,
    /// When it was erased; `None` if it is in storage.
    pub erased_at: Option<UnixMs>,
}

fn read(row: &Row<'_>) -> Result<Stored, StoreError> {
    Ok(Stored { id: row.get(0)?, len: row.get(1)?, mime: row.get(2)?, erased_at: row.get(3)? })
}

/// The row of a photo.
pub(crate) fn find(tx: &Tx<'_>, id: &PhotoId) -> Result<Option<Stored>, StoreError> {
    tx.maybe(sql!("SELECT sha, len, mime, erased_at FROM stored WHERE sha = ?1"), params![id], read)
}

/// The rows after a hash, in the order of hashes; `None` starts at the first.
pub(crate) fn page(tx: &Tx<'_>, after: Option<&PhotoId>, most: u32) -> Result<Vec<Stored>, StoreError> {
    let after: &[u8] = after.map_or(&[], |id| id.as_bytes().as_slice());
    tx.all(sql!("SELECT sha, len, mime, erased_at FROM stored WHERE sha > ?1 ORDER BY sha LIMIT ?2"), params![after, most], read)
}

/// The length of a photo that is in storage and that a device's own entry names.
pub(crate) fn own_length(tx: &Tx<'_>, id: &PhotoId, device: &DeviceId) -> Result<Option<u64>, StoreError> {
    tx.maybe(
        sql!(
            "SELECT stored.len FROM photo JOIN stored USING (sha)
             WHERE sha = ?1 AND photo.device = ?2 AND erased_at IS NULL LIMIT 1"
        ),
        params![id, device],
        |row| row.get(0),
    )
}

/// Notes that a photo is in storage, and which device brought it. An existing row stays.
pub(crate) fn insert(tx: &Tx<'_>, id: &PhotoId, device: &DeviceId, len: u64, mime: &str, now: UnixMs) -> Result<(), StoreError> {
    tx.run(
        sql!(
            "INSERT INTO stored (sha, len, mime, stored_at, device) VALUES (?1, ?2, ?3, ?4, ?5)
             ON CONFLICT (sha) DO NOTHING"
        ),
        params![id, len, mime, now, device],
    )?;
    Ok(())
}

/// Notes that a photo is no longer in storage. False if it is erased or has no row.
pub(crate) fn miss(tx: &Tx<'_>, id: &PhotoId) -> Result<bool, StoreError> {
    Ok(tx.run(sql!("DELETE FROM stored WHERE sha = ?1 AND erased_at IS NULL"), params![id])? > 0)
}

/// Notes that a photo that an entry names is erased, even if it has not arrived. The first time and the newest reason stay.
pub(crate) fn erase(tx: &Tx<'_>, id: &PhotoId, by: &str, why: &str, now: UnixMs) -> Result<(), StoreError> {
    tx.run(
        sql!(
            "INSERT INTO stored (sha, len, mime, stored_at, erased_at, erased_by, erased_why)
             SELECT sha, len, 'image/jpeg', ?2, ?2, ?3, ?4 FROM photo WHERE sha = ?1 ORDER BY case_id LIMIT 1
             ON CONFLICT (sha) DO UPDATE SET erased_at = coalesce(stored.erased_at, ?2), erased_by = ?3, erased_why = ?4"
        ),
        params![id, now, by, why],
    )?;
    Ok(())
}
