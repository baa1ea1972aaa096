//! The days that differ from their weekday, by their number since 1970-01-01.

use super::tx::{StoreError, Tx, params, sql};

/// Deletes the days from `first` to `last`, both included.
pub(crate) fn forget(tx: &Tx<'_>, first: i64, last: i64) -> Result<(), StoreError> {
    tx.run(sql!("DELETE FROM calendar_day WHERE day BETWEEN ?1 AND ?2"), params![first, last])?;
    Ok(())
}

/// Adds a day. `works`: it is a working day.
pub(crate) fn add(tx: &Tx<'_>, day: i64, works: bool, name: &str) -> Result<(), StoreError> {
    tx.run(sql!("INSERT INTO calendar_day (day, works, name) VALUES (?1, ?2, ?3)"), params![day, works, name])?;
    Ok(())
}
