//! Receipts of the SMS provider that match no message yet.

use doorstep_domain::UnixMs;
use doorstep_gateway::ReceiptStatus;
use serde::Serialize;

use super::tx::{StoreError, Tx, params, sql};

/// A receipt that matches no message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ReceiptRow {
    /// The provider's id.
    pub provider_id: String,
    /// The status that it reports.
    pub status: String,
    /// The provider's code.
    pub code: String,
    /// When it was received.
    pub received_at: UnixMs,
}

/// A receipt that may still match a message.
pub(crate) struct OpenReceipt {
    pub id: i64,
    pub provider_id: String,
    pub status: ReceiptStatus,
    pub code: String,
}

/// The status that a stored word means.
pub(super) fn status_of(word: &str) -> ReceiptStatus {
    use ReceiptStatus::{Accepted, Delivered, Expired, Rejected, Undelivered, Unknown};
    [Delivered, Undelivered, Expired, Rejected, Accepted].into_iter().find(|status| status.word() == word).unwrap_or(Unknown)
}

/// Stores a receipt, unless one with the same id and status is already waiting.
pub(crate) fn insert(tx: &Tx<'_>, provider_id: &str, status: ReceiptStatus, code: &str, now: UnixMs) -> Result<(), StoreError> {
    let waits = tx.exists(
        sql!("SELECT 1 FROM receipt WHERE provider_id = ?1 AND status = ?2 AND matched_at IS NULL"),
        params![provider_id, status.word()],
    )?;
    if !waits {
        tx.run(
            sql!("INSERT INTO receipt (provider_id, status, code, received_at) VALUES (?1, ?2, ?3, ?4)"),
            params![provider_id, status.word(), code, now],
        )?;
    }
    Ok(())
}

/// The receipts since a time that wait for their message.
pub(crate) fn open_since(tx: &Tx<'_>, since: UnixMs) -> Result<Vec<OpenReceipt>, StoreError> {
    tx.all(
        sql!("SELECT id, provider_id, status, code FROM receipt WHERE matched_at IS NULL AND received_at >= ?1"),
        params![since],
        |row| {
            let status = status_of(&row.get::<String>(2)?);
            Ok(OpenReceipt { id: row.get(0)?, provider_id: row.get(1)?, status, code: row.get(3)? })
        },
    )
}

/// Notes that a receipt has been matched.
pub(crate) fn matched(tx: &Tx<'_>, id: i64, now: UnixMs) -> Result<(), StoreError> {
    tx.run(sql!("UPDATE receipt SET matched_at = ?2 WHERE id = ?1"), params![id, now])?;
    Ok(())
}

/// Deletes the receipts that were matched before a time.
pub(crate) fn drop_matched(tx: &Tx<'_>, before: UnixMs) -> Result<(), StoreError> {
    tx.run(sql!("DELETE FROM receipt WHERE matched_at < ?1"), params![before])?;
    Ok(())
}

/// The receipts that wait for their message, newest first.
pub(crate) fn list_open(tx: &Tx<'_>, most: u32) -> Result<Vec<ReceiptRow>, StoreError> {
    tx.all(
        sql!(
            "SELECT provider_id, status, code, received_at FROM receipt WHERE matched_at IS NULL
             ORDER BY received_at DESC LIMIT ?1"
        ),
        params![most],
        |row| Ok(ReceiptRow { provider_id: row.get(0)?, status: row.get(1)?, code: row.get(2)?, received_at: row.get(3)? }),
    )
}
