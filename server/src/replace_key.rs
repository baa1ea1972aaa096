//! Replacing the signing key. The old one vouches for the new one, and goes on signing for each device until that has said that it
//! knows the new one: a device that can not verify an answer takes it for no network.

use doorstep_domain::{DeviceId, UnixMs};
use doorstep_protocol::{KeyHash, Signed, Succession};
use rusqlite::{Connection, OptionalExtension, params};
use serde::Serialize;

use crate::{
    error::ApiError,
    keys::{self, Keys},
};

/// The devices that still take a replaced key for the server's.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Pinned {
    /// The first bytes of the replaced public key's SHA-256, in hexadecimal.
    pub key: String,
    /// When it was replaced.
    pub replaced_at: UnixMs,
    /// How many devices, and of these how many are not revoked.
    pub devices: u64,
    /// Those that are not revoked.
    pub in_use: u64,
}

/// Makes a new signing key. Published rule packs are signed anew with it; what the server itself wrote keeps its author.
pub(crate) fn replace(db: &Connection, now: UnixMs) -> Result<(), ApiError> {
    let old = Keys::read(db)?;
    let pkcs8 = keys::generate().ok_or(ApiError::Internal("no randomness"))?;
    let new = old.with(&pkcs8)?;
    let Signed { body, sig } = old.sign_key(&Succession { next: new.public(), made_ms: now.0 })?;
    db.execute(
        "INSERT INTO replaced_key (public, pkcs8, body, sig, replaced_at)
         SELECT ?1, value, ?2, ?3, ?4 FROM meta WHERE key = 'signing_key'",
        params![old.public(), body, sig, now.0],
    )?;
    db.execute("UPDATE meta SET value = ?1 WHERE key = 'signing_key'", [&pkcs8])?;
    // The server's own entries keep the device id of its first key.
    db.execute("INSERT OR IGNORE INTO meta (key, value) VALUES (?1, ?2)", params![keys::AUTHOR, old.device.as_bytes()])?;
    db.execute("UPDATE device SET pins = ?1 WHERE pins IS NULL", [old.public()])?;
    let mut query = db.prepare("SELECT version, body FROM pack")?;
    let packs = query.query_map([], |row| Ok((row.get::<_, i64>(0)?, row.get::<_, Vec<u8>>(1)?)))?;
    for (version, body) in packs.collect::<Result<Vec<_>, _>>()? {
        db.execute("UPDATE pack SET sig = ?2 WHERE version = ?1", params![version, new.sign_pack(&body)?])?;
    }
    Ok(())
}

/// The replaced keys with the devices that still pin them, the newest first.
pub(crate) fn pinned(db: &Connection) -> Result<Vec<Pinned>, ApiError> {
    let mut query = db.prepare(
        "SELECT public, replaced_at, count(device.id), count(device.id) FILTER (WHERE revoked_at IS NULL)
         FROM replaced_key LEFT JOIN device ON device.pins = public GROUP BY public ORDER BY replaced_at DESC",
    )?;
    let rows = query.query_map([], |row| {
        let KeyHash(hash) = KeyHash::of(&row.get::<_, Vec<u8>>(0)?);
        let key = hash.iter().take(8).map(|byte| format!("{byte:02x}")).collect();
        Ok(Pinned { key, replaced_at: UnixMs(row.get(1)?), devices: row.get(2)?, in_use: row.get(3)? })
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// Notes which key a device says that it pins. A device that pins a key which was never ours must be enrolled again.
pub(crate) fn note(db: &Connection, device: &DeviceId, newest: &Keys, pins: KeyHash) -> Result<(), ApiError> {
    let pinned = if KeyHash::of(&newest.public()) == pins {
        None
    } else {
        let mut query = db.prepare_cached("SELECT public FROM replaced_key")?;
        let known = query.query_map([], |row| row.get::<_, Vec<u8>>(0))?.collect::<Result<Vec<_>, _>>()?;
        let Some(public) = known.into_iter().find(|public| KeyHash::of(public) == pins) else { return Ok(()) };
        Some(public)
    };
    db.prepare_cached("UPDATE device SET pins = ?2 WHERE id = ?1")?.execute(params![device.as_bytes(), pinned])?;
    Ok(())
}

/// The replaced key that a device pins: what signs for it, and the word on the next one. `None`: it pins the newest.
pub(crate) fn of_device(db: &Connection, device: &DeviceId) -> Result<Option<(Vec<u8>, Signed)>, ApiError> {
    Ok(db
        .prepare_cached("SELECT pkcs8, body, sig FROM device JOIN replaced_key ON public = pins WHERE id = ?1")?
        .query_row(params![device.as_bytes()], |row| Ok((row.get(0)?, Signed { body: row.get(1)?, sig: row.get(2)? })))
        .optional()?)
}
