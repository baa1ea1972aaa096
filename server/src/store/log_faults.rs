//! The faults that audits of the log have found.

use doorstep_domain::UnixMs;
use serde::Serialize;

use super::tx::{StoreError, Tx, params, sql};

/// A fault of the log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Alarm {
    /// A [`crate::admin::Fault`] as JSON.
    pub fault: String,
    /// When it was first found.
    pub found_at: UnixMs,
    /// The newest audit that found it.
    pub last_at: UnixMs,
}

/// All faults, oldest first.
pub(crate) fn all(tx: &Tx<'_>) -> Result<Vec<Alarm>, StoreError> {
    tx.all(sql!("SELECT fault, found_at, last_at FROM log_fault ORDER BY found_at, fault"), params![], |row| {
        Ok(Alarm { fault: row.get(0)?, found_at: row.get(1)?, last_at: row.get(2)? })
    })
}

/// Stores that an audit found a fault, JSON, at a time.
pub(crate) fn save(tx: &Tx<'_>, fault: &str, now: UnixMs) -> Result<(), StoreError> {
    tx.run(
        sql!(
            "INSERT INTO log_fault (fault, found_at, last_at) VALUES (?1, ?2, ?2) ON CONFLICT (fault) DO UPDATE SET last_at = ?2"
        ),
        params![fault, now],
    )?;
    Ok(())
}
