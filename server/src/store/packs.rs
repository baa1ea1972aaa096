//! The published versions of the rule pack.

use doorstep_domain::UnixMs;

use super::tx::{StoreError, Tx, params, sql};

/// Each version's publication as it was signed.
pub(crate) fn bodies(tx: &Tx<'_>) -> Result<Vec<(i64, Vec<u8>)>, StoreError> {
    tx.all(sql!("SELECT version, body FROM pack"), params![], |row| Ok((row.get(0)?, row.get(1)?)))
}

/// The number of the newest version that is in force at a moment; of the first one if none is.
pub(crate) fn version_at(tx: &Tx<'_>, now: UnixMs) -> Result<u32, StoreError> {
    tx.one(
        sql!("SELECT coalesce(max(CASE WHEN valid_from_ms <= ?1 THEN version END), min(version)) FROM pack"),
        params![now],
        |row| row.get(0),
    )
}

/// Puts another signature under a version.
pub(crate) fn sign_anew(tx: &Tx<'_>, version: i64, sig: &[u8]) -> Result<(), StoreError> {
    tx.run(sql!("UPDATE pack SET sig = ?2 WHERE version = ?1"), params![version, sig])?;
    Ok(())
}

/// The newest version. Errors: none was ever published.
pub(crate) fn newest(tx: &Tx<'_>) -> Result<u32, StoreError> {
    tx.one(sql!("SELECT max(version) FROM pack"), params![], |row| row.get(0))
}
