//! Checks the server's clock against the newest times that the server has written, to find times that only a wrong clock
//! explains.

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

/// The server's source of time. An argument, so that a demo can play a day in seconds.
pub type NowFn = Arc<dyn Fn() -> UnixMs + Send + Sync>;

/// The clocks of two servers on one folder may differ by this much, and a time service may step a clock by it.
const STEP_MS: i64 = 60_000;
/// A clock further ahead of the newest contact needs an operator's confirmation.
const AHEAD_MS: i64 = 30 * 86_400_000;

/// A clock far ahead of the newest contact of any device.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Doubt {
    /// The newest contact before the start that raised it.
    pub newest: UnixMs,
    /// The clock's time at that start.
    pub said: UnixMs,
}

/// What a start finds about its clock.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Found {
    /// The clock was set back: this newest known time lies ahead of it. Nonces of that time are void.
    pub set_back_from: Option<UnixMs>,
    /// The clock is in doubt: receipts are marked until an operator confirms it.
    pub doubt: Option<Doubt>,
}

/// Checks the clock when a server starts. A doubt outlasts restarts, until an operator confirms the clock or the clock is
/// plausible again.
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

/// The doubt that waits for an operator, if there is one.
pub(crate) fn doubt(tx: &Tx<'_>) -> Result<Option<Doubt>, ApiError> {
    let Some(value) = meta::get::<Vec<u8>>(tx, Meta::ClockDoubt)? else { return Ok(None) };
    let time = |bytes: Option<&[u8; 8]>| UnixMs(bytes.map_or(0, |bytes| i64::from_be_bytes(*bytes)));
    Ok(Some(Doubt { newest: time(value.first_chunk()), said: time(value.last_chunk()) }))
}

/// Accepts an operator's confirmation of the clock. Returns the doubt that it ends.
pub(crate) fn is_right(tx: &Tx<'_>, now: UnixMs) -> Result<Option<Doubt>, ApiError> {
    let ended = doubt(tx)?;
    believe(tx)?;
    // No contact may follow before the next start, which would then doubt the clock again.
    meta::set(tx, Meta::ClockWord, &now.0.to_be_bytes())?;
    Ok(ended)
}

fn believe(tx: &Tx<'_>) -> Result<(), ApiError> {
    meta::drop(tx, Meta::ClockDoubt)?;
    Ok(())
}

/// Formats a time for an operator.
pub fn shown(at: UnixMs) -> String {
    DateTime::from_timestamp_millis(at.0).map_or_else(|| at.to_string(), |at| at.format("%Y-%m-%d %H:%M UTC").to_string())
}

/// Whether a noted time lies so far ahead of `now` that the clock must have been ahead.
pub(crate) fn is_ahead(noted: UnixMs, now: UnixMs) -> bool {
    noted.since(now) > STEP_MS
}

/// The time at the start of a nonce; `None` if it is malformed.
pub(crate) fn time_of_nonce(nonce: &[u8]) -> Option<UnixMs> {
    nonce.first_chunk::<8>().map(|bytes| UnixMs(i64::from_be_bytes(*bytes)))
}

/// Replaces the nonce key and forgets every device's last nonce. Nonces of a future time would lock devices out until that time,
/// and would be fresh again then.
pub(crate) fn forget_nonces(tx: &Tx<'_>) -> Result<(), ApiError> {
    let key = random::bytes::<32>().ok_or(ApiError::Internal("no randomness"))?;
    meta::set(tx, Meta::NonceKey, &key)?;
    Ok(devices::forget_nonces(tx)?)
}
