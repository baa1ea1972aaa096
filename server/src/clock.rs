//! The server's own clock, held against the newest times that the server has written: what only a clock that was wrong explains.

use chrono::DateTime;
use doorstep_domain::UnixMs;
use rusqlite::{Connection, OptionalExtension, params};

use crate::{contact, db, error::ApiError};

/// A difference that two servers on one folder, or a time service, may make.
const STEP_MS: i64 = 60_000;
/// Further ahead of the newest contact a clock is not believed without a person's word.
const AHEAD_MS: i64 = 30 * 86_400_000;

/// The key in `meta` of a doubt: the newest contact that was known, and what the clock said at that start.
const DOUBT: &str = "clock_doubt";
/// When an operator last said that the clock is right, by that clock.
const WORD: &str = "clock_word";

/// A clock far ahead of the newest contact of any device.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Doubt {
    /// The newest contact before the start that raised it.
    pub newest: UnixMs,
    /// What the clock said at that start.
    pub said: UnixMs,
}

/// What a start finds out about its clock.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Found {
    /// The clock was set back: this newest known time lies ahead of it. The nonces of then are void.
    pub set_back_from: Option<UnixMs>,
    /// The clock is not believed: receipts are marked until an operator's word.
    pub doubt: Option<Doubt>,
}

/// Looks at the clock when a server starts. A doubt stays over starts until an operator's word, or until the clock is back where it
/// can be believed.
pub(crate) fn look(db: &Connection, now: UnixMs) -> Result<Found, ApiError> {
    let contact = newest_contact(db)?;
    let newest = contact.max(newest_nonce(db)?);
    let set_back_from = newest.filter(|newest| newest.since(now) > STEP_MS);
    if set_back_from.is_some() {
        forget_nonces(db)?;
        contact::forget_ahead(db, None, now)?;
    }
    let doubt = match doubt(db)? {
        Some(doubt) if now.since(doubt.newest) <= AHEAD_MS => {
            believe(db)?;
            None
        }
        Some(doubt) => Some(doubt),
        None => match contact.max(time_of(db, WORD)?) {
            Some(newest) if now.since(newest) > AHEAD_MS => {
                let doubt = Doubt { newest, said: now };
                let value = [newest.0.to_be_bytes(), now.0.to_be_bytes()].concat();
                db.execute("INSERT INTO meta (key, value) VALUES (?1, ?2)", params![DOUBT, value])?;
                Some(doubt)
            }
            _ => None,
        },
    };
    Ok(Found { set_back_from, doubt })
}

/// The doubt that waits for an operator's word, if there is one.
pub(crate) fn doubt(db: &Connection) -> Result<Option<Doubt>, ApiError> {
    let value: Option<Vec<u8>> =
        db.prepare_cached("SELECT value FROM meta WHERE key = ?1")?.query_row([DOUBT], |row| row.get(0)).optional()?;
    let Some(value) = value else { return Ok(None) };
    let time = |bytes: Option<&[u8; 8]>| UnixMs(bytes.map_or(0, |bytes| i64::from_be_bytes(*bytes)));
    Ok(Some(Doubt { newest: time(value.first_chunk()), said: time(value.last_chunk()) }))
}

/// An operator's word that the clock is right. Returns the doubt that it ends.
pub(crate) fn is_right(db: &Connection, now: UnixMs) -> Result<Option<Doubt>, ApiError> {
    let ended = doubt(db)?;
    believe(db)?;
    // Without a contact since, the next start would ask again.
    db.execute(
        "INSERT INTO meta (key, value) VALUES (?1, ?2) ON CONFLICT (key) DO UPDATE SET value = ?2",
        params![WORD, now.0.to_be_bytes().as_slice()],
    )?;
    Ok(ended)
}

fn believe(db: &Connection) -> Result<(), ApiError> {
    db.execute("DELETE FROM meta WHERE key = ?1", [DOUBT])?;
    Ok(())
}

/// A time as an operator reads it.
pub fn shown(at: UnixMs) -> String {
    DateTime::from_timestamp_millis(at.0).map_or_else(|| at.to_string(), |at| at.format("%Y-%m-%d %H:%M UTC").to_string())
}

/// Whether a time that was noted shows that the clock was ahead of what it says now.
pub(crate) fn is_ahead(noted: UnixMs, now: UnixMs) -> bool {
    noted.since(now) > STEP_MS
}

/// The time that a nonce begins with; `None` for what is none.
pub(crate) fn time_of_nonce(nonce: &[u8]) -> Option<UnixMs> {
    nonce.first_chunk::<8>().map(|bytes| UnixMs(i64::from_be_bytes(*bytes)))
}

/// Another key for nonces, and no device's last nonce any more: those of a time that has not come yet would lock devices out until
/// it comes, and would be fresh again then.
pub(crate) fn forget_nonces(db: &Connection) -> Result<(), ApiError> {
    let key = db::random::<32>().ok_or(ApiError::Internal("no randomness"))?;
    db.execute("UPDATE meta SET value = ?1 WHERE key = 'nonce_key'", params![key.as_slice()])?;
    db.execute("UPDATE device SET last_nonce = x''", [])?;
    Ok(())
}

fn newest_contact(db: &Connection) -> Result<Option<UnixMs>, ApiError> {
    Ok(db.query_row("SELECT max(seen_at) FROM device", [], |row| row.get::<_, Option<i64>>(0))?.map(UnixMs))
}

fn newest_nonce(db: &Connection) -> Result<Option<UnixMs>, ApiError> {
    let nonce: Option<Vec<u8>> = db.query_row("SELECT max(last_nonce) FROM device", [], |row| row.get(0))?;
    Ok(nonce.and_then(|nonce| time_of_nonce(&nonce)))
}

fn time_of(db: &Connection, key: &str) -> Result<Option<UnixMs>, ApiError> {
    let value: Option<Vec<u8>> = db.query_row("SELECT value FROM meta WHERE key = ?1", [key], |row| row.get(0)).optional()?;
    Ok(value.and_then(|value| time_of_nonce(&value)))
}
