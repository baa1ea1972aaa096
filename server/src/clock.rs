//! The server's own clock, held against the newest times that the server has written: what only a clock that was wrong explains.

use std::sync::Arc;

use chrono::DateTime;
use doorstep_domain::UnixMs;

use crate::{
    contact,
    error::ApiError,
    random,
    store::{
        devices,
        meta::{self, Meta},
        tx::Tx,
    },
};

/// Where a server reads the time. An argument, so that a demo can play a day in seconds.
pub type NowFn = Arc<dyn Fn() -> UnixMs + Send + Sync>;

/// A difference that two servers on one folder, or a time service, may make.
const STEP_MS: i64 = 60_000;
/// Further ahead of the newest contact a clock is not believed without a person's word.
const AHEAD_MS: i64 = 30 * 86_400_000;

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
pub(crate) fn look(tx: &Tx<'_>, now: UnixMs) -> Result<Found, ApiError> {
    let contact = devices::newest_contact(tx)?;
    let newest = contact.max(devices::newest_nonce(tx)?.and_then(|nonce| time_of_nonce(&nonce)));
    let set_back_from = newest.filter(|newest| newest.since(now) > STEP_MS);
    if set_back_from.is_some() {
        forget_nonces(tx)?;
        contact::forget_ahead(tx, None, now)?;
    }
    let doubt = match doubt(tx)? {
        Some(doubt) if now.since(doubt.newest) <= AHEAD_MS => {
            believe(tx)?;
            None
        }
        Some(doubt) => Some(doubt),
        None => match contact.max(meta::get(tx, Meta::ClockWord)?.map(i64::from_be_bytes).map(UnixMs)) {
            Some(newest) if now.since(newest) > AHEAD_MS => {
                let doubt = Doubt { newest, said: now };
                meta::set(tx, Meta::ClockDoubt, &[newest.0.to_be_bytes(), now.0.to_be_bytes()].concat())?;
                Some(doubt)
            }
            _ => None,
        },
    };
    Ok(Found { set_back_from, doubt })
}

/// The doubt that waits for an operator's word, if there is one.
pub(crate) fn doubt(tx: &Tx<'_>) -> Result<Option<Doubt>, ApiError> {
    let Some(value) = meta::get::<Vec<u8>>(tx, Meta::ClockDoubt)? else { return Ok(None) };
    let time = |bytes: Option<&[u8; 8]>| UnixMs(bytes.map_or(0, |bytes| i64::from_be_bytes(*bytes)));
    Ok(Some(Doubt { newest: time(value.first_chunk()), said: time(value.last_chunk()) }))
}

/// An operator's word that the clock is right. Returns the doubt that it ends.
pub(crate) fn is_right(tx: &Tx<'_>, now: UnixMs) -> Result<Option<Doubt>, ApiError> {
    let ended = doubt(tx)?;
    believe(tx)?;
    // Without a contact since, the next start would ask again.
    meta::set(tx, Meta::ClockWord, &now.0.to_be_bytes())?;
    Ok(ended)
}

fn believe(tx: &Tx<'_>) -> Result<(), ApiError> {
    meta::drop(tx, Meta::ClockDoubt)?;
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
pub(crate) fn forget_nonces(tx: &Tx<'_>) -> Result<(), ApiError> {
    let key = random::bytes::<32>().ok_or(ApiError::Internal("no randomness"))?;
    meta::set(tx, Meta::NonceKey, &key)?;
    Ok(devices::forget_nonces(tx)?)
}
