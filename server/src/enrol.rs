//! Enrolment in its simplest honest form: a one-time code becomes a token, of which only the hash stays here.

use doorstep_domain::{DeviceId, InstallId, Tag, UnixMs};
use doorstep_protocol::{EnrolRequest, EnrolResponse};
use rusqlite::{Connection, OptionalExtension, params};
use sha2::{Digest, Sha256};

use crate::{db, error::ApiError};

/// Who a request comes from.
#[derive(Debug, Clone)]
pub(crate) struct Device {
    pub id: DeviceId,
    pub install: InstallId,
    pub person: String,
    /// Role and outlet today: what the device may read.
    pub role: String,
    pub outlet: String,
    /// Roles and outlets that the installation was ever enrolled with: what its entries say.
    pub enrolled_as: Vec<(String, String)>,
}

impl Device {
    /// The one scope that the device may read: a courier's own parcels, or the outlet's.
    pub(crate) fn scopes(&self) -> Vec<String> {
        match self.role.as_str() {
            "courier" => vec![format!("courier/{}", self.person)],
            _ => vec![format!("outlet/{}", self.outlet)],
        }
    }
}

/// A code as typed: small letters, spaces and dashes do not matter.
pub(crate) fn code_hash(code: &str) -> [u8; 32] {
    let clean: String = code.chars().filter(char::is_ascii_alphanumeric).collect::<String>().to_ascii_uppercase();
    Sha256::digest(clean).into()
}

fn token_hash(token: &str) -> [u8; 32] {
    Sha256::digest(token).into()
}

/// Redeems a code. Again from the same installation gives a new token, so that a lost answer strands nobody; from another
/// one it is refused.
pub(crate) fn redeem(db: &Connection, request: &EnrolRequest, now: UnixMs) -> Result<EnrolResponse, ApiError> {
    let hash = code_hash(&request.code);
    let row: Option<(String, Option<Vec<u8>>, i64)> = db
        .prepare_cached("SELECT person, install, expires_at FROM code WHERE hash = ?1")?
        .query_row(params![hash.as_slice()], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))
        .optional()?;
    let (person, redeemed_by, expires_at) = row.ok_or(ApiError::Code)?;
    if redeemed_by.as_ref().is_some_and(|by| by != request.install.as_bytes()) || now.0 > expires_at {
        return Err(ApiError::Code);
    }
    let tag = Tag::of(&request.install);
    // Install ids are no secret: they are in every change. Only the device that enrolled one may enrol it again, and only
    // for the same person, whose name its entries bear.
    let taken: Option<i64> = db
        .prepare_cached("SELECT 1 FROM device WHERE tag = ?1 AND NOT (install = ?2 AND id = ?3 AND person = ?4)")?
        .query_row(params![tag.as_str(), request.install.as_bytes(), request.device.as_bytes(), person], |row| row.get(0))
        .optional()?;
    if taken.is_some() {
        return Err(ApiError::TagTaken);
    }
    let secret = db::random::<32>().ok_or(ApiError::Internal("no randomness"))?;
    let token: String = secret.iter().map(|byte| format!("{byte:02x}")).collect();
    db.prepare_cached("UPDATE code SET install = ?2 WHERE hash = ?1")?
        .execute(params![hash.as_slice(), request.install.as_bytes()])?;
    let (name, role, outlet): (String, String, String) = db
        .prepare_cached("SELECT name, role, outlet FROM person WHERE id = ?1")?
        .query_row([&person], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?;
    db.prepare_cached(
        "INSERT OR REPLACE INTO device (id, person, install, tag, token_hash, enrolled_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
    )?
    .execute(params![
        request.device.as_bytes(),
        person,
        request.install.as_bytes(),
        tag.as_str(),
        token_hash(&token).as_slice(),
        now.0
    ])?;
    db.prepare_cached("INSERT OR IGNORE INTO enrolled_as (install, role, outlet) VALUES (?1, ?2, ?3)")?.execute(params![
        request.install.as_bytes(),
        role,
        outlet
    ])?;
    Ok(EnrolResponse { token, user: person, role, outlet, name, now_ms: now.0 })
}

/// The device of a token, looked up at each request, so that revoking works at once.
pub(crate) fn authenticate(db: &Connection, token: &str) -> Result<Device, ApiError> {
    let row = db
        .prepare_cached(
            "SELECT device.id, device.install, person.id, person.role, person.outlet
             FROM device JOIN person ON person.id = device.person WHERE token_hash = ?1",
        )?
        .query_row(params![token_hash(token).as_slice()], |row| {
            Ok((row.get::<_, Vec<u8>>(0)?, row.get::<_, Vec<u8>>(1)?, row.get(2)?, row.get(3)?, row.get(4)?))
        })
        .optional()?;
    let (id, install, person, role, outlet) = row.ok_or(ApiError::Unauthorized)?;
    let mut query = db.prepare_cached("SELECT role, outlet FROM enrolled_as WHERE install = ?1")?;
    let enrolled_as = query.query_map(params![install], |row| Ok((row.get(0)?, row.get(1)?)))?.collect::<Result<_, _>>()?;
    Ok(Device {
        id: DeviceId::try_from(id.as_slice()).map_err(|_| ApiError::Internal("device row"))?,
        install: InstallId::try_from(install.as_slice()).map_err(|_| ApiError::Internal("device row"))?,
        person,
        role,
        outlet,
        enrolled_as,
    })
}
