//! Customers' replies.

use doorstep_domain::{Personal, UnixMs};

use super::{
    messages::Which,
    tx::{Row, StoreError, Tx, params, sql},
};

/// A new reply, with the message that it answers.
pub(crate) struct NewInbound<'a> {
    /// Hash of the sender, the number that was answered, and the words.
    pub mark: [u8; 32],
    /// Keyed hash of the sender's number; empty if it is no number.
    pub recipient: &'a [u8],
    pub number: &'a Personal,
    pub service: &'a str,
    pub words: &'a Personal,
    pub received_at: UnixMs,
    /// The message that it answers; `None` if that is unknown.
    pub of: Option<Which<'a>>,
    /// How it was matched, or why it was not.
    pub why: &'a str,
    /// SMPP's data coding of the first segment.
    pub coding: Option<u8>,
    /// The reply as it came.
    pub bytes: &'a [u8],
}

/// Whether a reply with this mark came after a time.
pub(crate) fn came_after(tx: &Tx<'_>, mark: &[u8; 32], after: UnixMs) -> Result<bool, StoreError> {
    tx.exists(sql!("SELECT 1 FROM inbound WHERE mark = ?1 AND received_at > ?2"), params![mark, after])
}

/// Stores a reply.
pub(crate) fn add(tx: &Tx<'_>, inbound: &NewInbound<'_>) -> Result<(), StoreError> {
    let NewInbound { mark, recipient, number, service, words, received_at, of, why, coding, bytes } = inbound;
    let (case, entry) = of.unzip();
    tx.run(
        sql!(
            "INSERT INTO inbound (mark, recipient, number, service, words, received_at, case_id, entry, why, coding, bytes)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)"
        ),
        params![mark, recipient, number.as_bytes(), service, words.as_bytes(), received_at, case, entry, why, coding, bytes],
    )?;
    Ok(())
}

/// A stored reply.
pub(crate) struct Answer {
    pub id: i64,
    /// The sender's number; `None` if it can not be read.
    pub number: Option<Personal>,
    pub service: String,
    /// The words; `None` if they can not be read.
    pub words: Option<Personal>,
    pub received_at: UnixMs,
    /// The waybill of the case that it answers.
    pub waybill: Option<String>,
    pub why: String,
    /// Whether it belongs to no case.
    pub is_open: bool,
    pub coding: Option<u8>,
    /// The reply as it came; `None` for one of an older version.
    pub bytes: Option<Vec<u8>>,
}

/// All replies, newest first.
pub(crate) fn list(tx: &Tx<'_>, most: u32) -> Result<Vec<Answer>, StoreError> {
    tx.all(
        sql!(
            "SELECT inbound.id, number, service, words, received_at, why, coding, inbound.bytes, doc.waybill,
               CASE WHEN inbound.case_id IS NULL THEN 1 ELSE 0 END
             FROM inbound LEFT JOIN doc USING (case_id) ORDER BY received_at DESC, inbound.id DESC LIMIT ?1"
        ),
        params![most],
        |row| read(row, row.get(8)?, row.get(9)?),
    )
}

/// The replies that belong to no case, newest first.
pub(crate) fn list_open(tx: &Tx<'_>, most: u32) -> Result<Vec<Answer>, StoreError> {
    tx.all(
        sql!(
            "SELECT id, number, service, words, received_at, why, coding, bytes FROM inbound WHERE case_id IS NULL
             ORDER BY received_at DESC, id DESC LIMIT ?1"
        ),
        params![most],
        |row| read(row, None, true),
    )
}

fn read(row: &Row<'_>, waybill: Option<String>, is_open: bool) -> Result<Answer, StoreError> {
    let personal = |at| Ok::<_, StoreError>(Personal::from_bytes(&row.get::<Vec<u8>>(at)?).ok());
    Ok(Answer {
        id: row.get(0)?,
        number: personal(1)?,
        service: row.get(2)?,
        words: personal(3)?,
        received_at: row.get(4)?,
        waybill,
        why: row.get(5)?,
        is_open,
        coding: row.get(6)?,
        bytes: row.get(7)?,
    })
}
