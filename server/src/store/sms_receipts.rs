//! Receipts of the SMS provider that match no message yet, or that can not be read, with their bytes.

use data_encoding::HEXLOWER;
use doorstep_domain::UnixMs;
use doorstep_gateway::{Raw, Receipt, ReceiptStatus, Unread};
use serde::Serialize;

use super::tx::{StoreError, Tx, params, sql};

/// The status of what can not be read.
const UNREAD: &str = "unread";

/// A receipt that matches no message, or that can not be read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ReceiptRow {
    /// The provider's id; empty if it can not be read.
    pub provider_id: String,
    /// The status that it reports, or `unread`.
    pub status: String,
    /// The provider's code.
    pub code: String,
    /// When it was received.
    pub received_at: UnixMs,
    /// Why it can not be read.
    pub why: Option<String>,
    /// What the bytes are: the body of a `deliver_sm` or `data_sm`, or an item of a call (`http`).
    pub kind: String,
    /// Its bytes in hexadecimal digits. Empty for a receipt that an older version stored.
    pub bytes: String,
}

/// A receipt that may still match a message.
pub(crate) struct OpenReceipt {
    pub id: i64,
    pub provider_id: String,
    pub other_id: Option<String>,
    pub status: ReceiptStatus,
    pub code: String,
    pub part: Option<(u8, u8)>,
}

/// The status that a stored word means.
pub(super) fn status_of(word: &str) -> ReceiptStatus {
    use ReceiptStatus::{Accepted, Delivered, Expired, Rejected, Undelivered, Unknown};
    [Delivered, Undelivered, Expired, Rejected, Accepted].into_iter().find(|status| status.word() == word).unwrap_or(Unknown)
}

/// Stores a receipt, unless the same one is already waiting.
pub(crate) fn insert(tx: &Tx<'_>, receipt: &Receipt, now: UnixMs) -> Result<(), StoreError> {
    let Receipt { id, other_id, status, code, part, by_text_alone, raw, .. } = receipt;
    if is_waiting(tx, (id, status.word()), raw)? {
        return Ok(());
    }
    let (part, parts) = part.unwrap_or_default();
    tx.run(
        sql!(
            "INSERT INTO receipt (provider_id, status, code, received_at, other_id, kind, bytes, part, parts, by_text)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)"
        ),
        params![
            id,
            status.word(),
            code,
            now,
            other_id.as_deref().unwrap_or_default(),
            raw.kind.word(),
            raw.bytes,
            part,
            parts,
            by_text_alone
        ],
    )?;
    Ok(())
}

/// Stores what can not be read, unless the same is already waiting.
pub(crate) fn insert_unread(tx: &Tx<'_>, unread: &Unread, now: UnixMs) -> Result<(), StoreError> {
    let Unread { raw, why } = unread;
    if !is_waiting(tx, ("", UNREAD), raw)? {
        tx.run(
            sql!(
                "INSERT INTO receipt (provider_id, status, code, received_at, kind, bytes, why)
                 VALUES ('', ?1, '', ?2, ?3, ?4, ?5)"
            ),
            params![UNREAD, now, raw.kind.word(), raw.bytes, why],
        )?;
    }
    Ok(())
}

fn is_waiting(tx: &Tx<'_>, (provider_id, status): (&str, &str), raw: &Raw) -> Result<bool, StoreError> {
    tx.exists(
        sql!(
            "SELECT 1 FROM receipt
             WHERE provider_id = ?1 AND status = ?2 AND matched_at IS NULL AND kind = ?3 AND bytes = ?4"
        ),
        params![provider_id, status, raw.kind.word(), raw.bytes],
    )
}

/// The receipts since a time that wait for their message. One that a person can have written finds its message by the number that
/// it came from, at once or never.
pub(crate) fn open_since(tx: &Tx<'_>, since: UnixMs) -> Result<Vec<OpenReceipt>, StoreError> {
    tx.all(
        sql!(
            "SELECT id, provider_id, other_id, status, code, part, parts FROM receipt
             WHERE matched_at IS NULL AND received_at >= ?1 AND status <> ?2 AND by_text = 0"
        ),
        params![since, UNREAD],
        |row| {
            let (part, parts): (u8, u8) = (row.get(5)?, row.get(6)?);
            Ok(OpenReceipt {
                id: row.get(0)?,
                provider_id: row.get(1)?,
                other_id: Some(row.get::<String>(2)?).filter(|id| !id.is_empty()),
                status: status_of(&row.get::<String>(3)?),
                code: row.get(4)?,
                part: Some((part, parts)).filter(|(part, _)| *part > 0),
            })
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

/// The receipts that wait for their message or for a person, newest first.
pub(crate) fn list_open(tx: &Tx<'_>, most: u32) -> Result<Vec<ReceiptRow>, StoreError> {
    tx.all(
        sql!(
            "SELECT provider_id, status, code, received_at, why, kind, bytes FROM receipt WHERE matched_at IS NULL
             ORDER BY received_at DESC, id DESC LIMIT ?1"
        ),
        params![most],
        |row| {
            let bytes: Option<Vec<u8>> = row.get(6)?;
            Ok(ReceiptRow {
                provider_id: row.get(0)?,
                status: row.get(1)?,
                code: row.get(2)?,
                received_at: row.get(3)?,
                why: Some(row.get::<String>(4)?).filter(|why| !why.is_empty()),
                kind: row.get(5)?,
                bytes: HEXLOWER.encode(&bytes.unwrap_or_default()),
            })
        },
    )
}
