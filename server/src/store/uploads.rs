//! Photos that have partly arrived, and their pieces in storage.

use std::collections::HashSet;

use doorstep_domain::{DeviceId, PhotoId, UnixMs};

use super::tx::{StoreError, Tx, params, sql};

/// The key of an upload: its photo and its device.
pub(crate) type Key = (PhotoId, DeviceId);

/// The progress of an upload.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Upload {
    /// The offset: the number of durable bytes.
    pub received: u64,
    /// The fence. Only a request that holds it can move the offset.
    pub fence: i64,
    pub expires_at: UnixMs,
}

/// An upload that has begun.
pub(crate) fn find(tx: &Tx<'_>, (id, device): &Key) -> Result<Option<Upload>, StoreError> {
    tx.maybe(sql!("SELECT received, fence, expires_at FROM upload WHERE sha = ?1 AND device = ?2"), params![id, device], |row| {
        Ok(Upload { received: row.get(0)?, fence: row.get(1)?, expires_at: row.get(2)? })
    })
}

/// The number of a device's unfinished uploads, and of their bytes that have arrived.
pub(crate) fn unfinished(tx: &Tx<'_>, device: &DeviceId) -> Result<(u64, u64), StoreError> {
    tx.one(
        // The sum of BIGINT is a NUMERIC in PostgreSQL.
        sql!("SELECT count(*), CAST(coalesce(sum(received), 0) AS BIGINT) FROM upload WHERE device = ?1"),
        params![device],
        |row| Ok((row.get(0)?, row.get(1)?)),
    )
}

/// Raises the fence of an upload, so that an older request can not move its offset any more.
pub(crate) fn raise_fence(tx: &Tx<'_>, (id, device): &Key) -> Result<(), StoreError> {
    tx.run(sql!("UPDATE upload SET fence = fence + 1 WHERE sha = ?1 AND device = ?2"), params![id, device])?;
    Ok(())
}

/// Begins an upload with fence 1. False if it already exists, and nothing changes.
pub(crate) fn begin(tx: &Tx<'_>, (id, device): &Key, received: u64, expires_at: UnixMs) -> Result<bool, StoreError> {
    let begun = tx.run(
        sql!(
            "INSERT INTO upload (sha, device, received, fence, expires_at) VALUES (?1, ?2, ?3, 1, ?4)
             ON CONFLICT (sha, device) DO NOTHING"
        ),
        params![id, device, received, expires_at],
    )?;
    Ok(begun > 0)
}

/// Moves the offset of an upload. False if the offset is not `from` any more or the fence has been raised, and nothing changes.
pub(crate) fn advance(
    tx: &Tx<'_>,
    (id, device): &Key,
    fence: i64,
    (from, to): (u64, u64),
    expires_at: UnixMs,
) -> Result<bool, StoreError> {
    let moved = tx.run(
        sql!(
            "UPDATE upload SET received = ?5, expires_at = ?6
             WHERE sha = ?1 AND device = ?2 AND fence = ?3 AND received = ?4"
        ),
        params![id, device, fence, from, to, expires_at],
    )?;
    Ok(moved > 0)
}

/// Stores the name of a piece that begins at an offset.
pub(crate) fn add_piece(tx: &Tx<'_>, (id, device): &Key, at: u64, name: &str) -> Result<(), StoreError> {
    tx.run(sql!("INSERT INTO piece (sha, device, at, name) VALUES (?1, ?2, ?3, ?4)"), params![id, device, at, name])?;
    Ok(())
}

/// The names of an upload's pieces, in order.
pub(crate) fn pieces(tx: &Tx<'_>, (id, device): &Key) -> Result<Vec<String>, StoreError> {
    tx.all(sql!("SELECT name FROM piece WHERE sha = ?1 AND device = ?2 ORDER BY at"), params![id, device], |row| row.get(0))
}

/// The names of the pieces of all uploads.
pub(crate) fn all_pieces(tx: &Tx<'_>) -> Result<HashSet<String>, StoreError> {
    Ok(tx.all(sql!("SELECT name FROM piece"), params![], |row| row.get(0))?.into_iter().collect())
}

/// Drops an upload. Returns the names of its pieces.
pub(crate) fn drop(tx: &Tx<'_>, (id, device): &Key) -> Result<Vec<String>, StoreError> {
    let names =
        tx.all(sql!("DELETE FROM piece WHERE sha = ?1 AND device = ?2 RETURNING name"), params![id, device], |row| row.get(0))?;
    tx.run(sql!("DELETE FROM upload WHERE sha = ?1 AND device = ?2"), params![id, device])?;
    Ok(names)
}

/// Drops the uploads of a photo from all devices. Returns the names of their pieces.
pub(crate) fn drop_of_all(tx: &Tx<'_>, id: &PhotoId) -> Result<Vec<String>, StoreError> {
    let names = tx.all(sql!("DELETE FROM piece WHERE sha = ?1 RETURNING name"), params![id], |row| row.get(0))?;
    tx.run(sql!("DELETE FROM upload WHERE sha = ?1"), params![id])?;
    Ok(names)
}

/// Drops expired uploads. Returns their number and the names of their pieces.
pub(crate) fn drop_expired(tx: &Tx<'_>, now: UnixMs) -> Result<(usize, Vec<String>), StoreError> {
    let names = tx.all(
        sql!("DELETE FROM piece WHERE (sha, device) IN (SELECT sha, device FROM upload WHERE expires_at <= ?1) RETURNING name"),
        params![now],
        |row| row.get(0),
    )?;
    let uploads = tx.run(sql!("DELETE FROM upload WHERE expires_at <= ?1"), params![now])?;
    Ok((uploads, names))
}
