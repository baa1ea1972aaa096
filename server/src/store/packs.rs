//! The published versions of the rule pack.

use doorstep_domain::UnixMs;
use doorstep_protocol::Signed;

use super::tx::{StoreError, Tx, params, sql};

/// Each version's publication as it was signed.
pub(crate) fn bodies(tx: &Tx<'_>) -> Result<Vec<(i64, Vec<u8>)>, StoreError> {
    tx.all(sql!("SELECT version, body FROM pack"), params![], |row| Ok((row.get(0)?, row.get(1)?)))
}

/// The number of the newest version that is in force at a time, or of the first one if none is.
pub(crate) fn version_at(tx: &Tx<'_>, now: UnixMs) -> Result<u32, StoreError> {
    tx.one(
        sql!("SELECT coalesce(max(CASE WHEN valid_from_ms <= ?1 THEN version END), min(version)) FROM pack"),
        params![now],
        |row| row.get(0),
    )
}

/// Replaces the signature of a version.
pub(crate) fn sign_anew(tx: &Tx<'_>, version: i64, sig: &[u8]) -> Result<(), StoreError> {
    tx.run(sql!("UPDATE pack SET sig = ?2 WHERE version = ?1"), params![version, sig])?;
    Ok(())
}

/// A version to be stored.
pub(crate) struct Kept<'a> {
    pub version: u32,
    pub published: UnixMs,
    pub valid_from: UnixMs,
    pub toml: &'a [u8],
    pub format: u32,
    pub signed: &'a Signed,
}

/// Stores a new version.
pub(crate) fn insert(tx: &Tx<'_>, pack: &Kept<'_>) -> Result<(), StoreError> {
    tx.run(
        sql!(
            "INSERT INTO pack (version, published_ms, valid_from_ms, toml, body, sig, format) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)"
        ),
        params![pack.version, pack.published, pack.valid_from, pack.toml, pack.signed.body, pack.signed.sig, pack.format],
    )?;
    Ok(())
}

/// Drops all versions.
pub(crate) fn drop_all(tx: &Tx<'_>) -> Result<(), StoreError> {
    tx.run(sql!("DELETE FROM pack"), params![])?;
    Ok(())
}

/// A version's publication as it was signed.
pub(crate) fn body(tx: &Tx<'_>, version: u32) -> Result<Option<Vec<u8>>, StoreError> {
    tx.maybe(sql!("SELECT body FROM pack WHERE version = ?1"), params![version], |row| row.get(0))
}

/// The number of the newest version.
pub(crate) fn newest_version(tx: &Tx<'_>) -> Result<u32, StoreError> {
    tx.one(sql!("SELECT version FROM pack ORDER BY version DESC LIMIT 1"), params![], |row| row.get(0))
}

/// The versions with their times of publication and of coming into force, newest first.
pub(crate) fn dates(tx: &Tx<'_>) -> Result<Vec<(u32, UnixMs, UnixMs)>, StoreError> {
    tx.all(sql!("SELECT version, published_ms, valid_from_ms FROM pack ORDER BY version DESC"), params![], |row| {
        Ok((row.get(0)?, row.get(1)?, row.get(2)?))
    })
}

/// The rules of each version with the time of its coming into force, oldest first.
pub(crate) fn rules(tx: &Tx<'_>) -> Result<Vec<(Vec<u8>, UnixMs)>, StoreError> {
    tx.all(sql!("SELECT toml, valid_from_ms FROM pack ORDER BY version"), params![], |row| Ok((row.get(0)?, row.get(1)?)))
}

/// The versions for a device that reads formats up to `reads`: of the readable ones, those in force at a time or later, and never
/// fewer than two.
pub(crate) fn since(tx: &Tx<'_>, reads: u32, since: UnixMs) -> Result<Vec<Signed>, StoreError> {
    tx.all(
        sql!(
            "SELECT body, sig FROM pack WHERE format <= ?1
               AND (version >= (SELECT coalesce(max(version), 0) FROM pack WHERE format <= ?1 AND valid_from_ms <= ?2)
                 OR version IN (SELECT version FROM pack WHERE format <= ?1 ORDER BY version DESC LIMIT 2)) ORDER BY version"
        ),
        params![reads, since],
        |row| Ok(Signed { body: row.get(0)?, sig: row.get(1)? }),
    )
}

/// Whether a version is unreadable for a device that reads formats up to `reads`.
pub(crate) fn is_withheld(tx: &Tx<'_>, reads: u32) -> Result<bool, StoreError> {
    tx.exists(sql!("SELECT 1 FROM pack WHERE format > ?1"), params![reads])
}

/// Whether anything is recorded that rules were or will be applied to.
pub(crate) fn is_anything_recorded(tx: &Tx<'_>) -> Result<bool, StoreError> {
    tx.one(
        sql!(
            "SELECT CASE WHEN EXISTS (SELECT 1 FROM change) OR EXISTS (SELECT 1 FROM quarantine) OR EXISTS (SELECT 1 FROM parcel)
               THEN 1 ELSE 0 END"
        ),
        params![],
        |row| row.get(0),
    )
}
