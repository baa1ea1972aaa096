//! The recipients who want no more messages, by the keyed hash of the number.

use doorstep_domain::UnixMs;

use super::tx::{StoreError, Tx, params, sql};

/// Whether a recipient wants no more messages.
pub(crate) fn has(tx: &Tx<'_>, recipient: &[u8]) -> Result<bool, StoreError> {
    tx.exists(sql!("SELECT 1 FROM opt_out WHERE recipient = ?1"), params![recipient])
}

/// Notes that a recipient wants no more messages. The first time stays.
pub(crate) fn add(tx: &Tx<'_>, recipient: &[u8], now: UnixMs) -> Result<(), StoreError> {
    tx.run(
        sql!("INSERT INTO opt_out (recipient, at) VALUES (?1, ?2) ON CONFLICT (recipient) DO NOTHING"),
        params![recipient, now],
    )?;
    Ok(())
}
