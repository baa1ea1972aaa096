//! Whether SMS are held: after a data folder was put back from a copy nobody knows what was sent since, so nothing is sent, and no
//! lease is given, until a person says go. What is queued stays.

use doorstep_domain::UnixMs;
use rusqlite::{Connection, params};

/// Holds all SMS from now on.
pub(crate) fn hold(db: &Connection, now: UnixMs) -> rusqlite::Result<()> {
    db.execute("INSERT OR REPLACE INTO meta (key, value) VALUES ('sms_held', ?1)", params![now.0.to_be_bytes()]).map(|_| ())
}

/// Lets them go on; false if they were not held.
pub(crate) fn go(db: &Connection) -> rusqlite::Result<bool> {
    Ok(db.execute("DELETE FROM meta WHERE key = 'sms_held'", [])? > 0)
}

/// Whether they are held.
pub(crate) fn is_held(db: &Connection) -> rusqlite::Result<bool> {
    db.prepare_cached("SELECT 1 FROM meta WHERE key = 'sms_held'")?.exists([])
}

/// How many wait to be sent, by the gateway or by lease.
pub(crate) fn waiting(db: &Connection) -> rusqlite::Result<u64> {
    db.query_row("SELECT count(*) FROM message WHERE state = 'offered'", [], |row| row.get(0))
}
