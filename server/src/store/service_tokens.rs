//! Tokens of the network's own systems. Only their hashes are stored.

use doorstep_domain::UnixMs;
use serde::Serialize;

use super::tx::{StoreError, Tx, params, sql};

/// A token, without its secret.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ServiceToken {
    /// The name that the operator gave it.
    pub name: String,
    /// When it was made.
    pub made_at: UnixMs,
    /// When it last brought parcels.
    pub used_at: Option<UnixMs>,
    /// When it was revoked.
    pub revoked_at: Option<UnixMs>,
}

/// Stores a token. A revoked one of this name is replaced. False if the name is in use.
pub(crate) fn add(tx: &Tx<'_>, name: &str, hash: &[u8; 32], now: UnixMs) -> Result<bool, StoreError> {
    let added = tx.run(
        sql!(
            "INSERT INTO service_token (name, hash, made_ms) VALUES (?1, ?2, ?3)
             ON CONFLICT (name) DO UPDATE SET hash = ?2, made_ms = ?3, used_ms = NULL, revoked_ms = NULL
             WHERE service_token.revoked_ms IS NOT NULL"
        ),
        params![name, hash, now],
    )?;
    Ok(added > 0)
}

/// All tokens, by name.
pub(crate) fn all(tx: &Tx<'_>) -> Result<Vec<ServiceToken>, StoreError> {
    tx.all(sql!("SELECT name, made_ms, used_ms, revoked_ms FROM service_token ORDER BY name"), params![], |row| {
        Ok(ServiceToken { name: row.get(0)?, made_at: row.get(1)?, used_at: row.get(2)?, revoked_at: row.get(3)? })
    })
}

/// Revokes a token. False if no token in use has this name.
pub(crate) fn revoke(tx: &Tx<'_>, name: &str, now: UnixMs) -> Result<bool, StoreError> {
    let revoked =
        tx.run(sql!("UPDATE service_token SET revoked_ms = ?2 WHERE name = ?1 AND revoked_ms IS NULL"), params![name, now])?;
    Ok(revoked > 0)
}

/// Whether a token is in use.
pub(crate) fn is_known(tx: &Tx<'_>, hash: &[u8; 32]) -> Result<bool, StoreError> {
    tx.exists(sql!("SELECT 1 FROM service_token WHERE hash = ?1 AND revoked_ms IS NULL"), params![hash])
}

/// Notes that a token was used. False if it was revoked meanwhile.
pub(crate) fn note_use(tx: &Tx<'_>, hash: &[u8; 32], now: UnixMs) -> Result<bool, StoreError> {
    let noted =
        tx.run(sql!("UPDATE service_token SET used_ms = ?2 WHERE hash = ?1 AND revoked_ms IS NULL"), params![hash, now])?;
    Ok(noted > 0)
}
