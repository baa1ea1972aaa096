//! Counts the refusals of enrolments and sessions.

use doorstep_protocol::ErrorCode;

use super::tx::{StoreError, Tx, params, sql};

/// The number of refusals with each code.
pub(crate) fn all(tx: &Tx<'_>) -> Result<Vec<(String, u64)>, StoreError> {
    tx.all(sql!("SELECT code, times FROM refusal ORDER BY code"), params![], |row| Ok((row.get(0)?, row.get(1)?)))
}

/// Counts a refusal.
pub(crate) fn count(tx: &Tx<'_>, code: &ErrorCode) -> Result<(), StoreError> {
    tx.run(
        sql!("INSERT INTO refusal (code, times) VALUES (?1, 1) ON CONFLICT (code) DO UPDATE SET times = refusal.times + 1"),
        params![code.as_str()],
    )?;
    Ok(())
}
