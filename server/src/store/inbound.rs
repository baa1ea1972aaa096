//! What customers answered.

use doorstep_domain::{Personal, UnixMs};

use super::{
    messages::Which,
    tx::{Row, StoreError, Tx, params, sql},
};

/// An answer as it came, and where it landed.
pub(crate) struct NewInbound<'a> {
    /// Hash of who wrote, to which number, and what.
    pub mark: [u8; 32],
    /// Keyed hash of the number; empty if it is none.
    pub recipient: &'a [u8],
    pub number: &'a Personal,
    pub service: &'a str,
    pub words: &'a Personal,
    pub received_at: UnixMs,
    /// The message that it answers; `None`: nobody could tell.
    pub of: Option<Which<'a>>,
    /// How it was matched, or why not.
    pub why: &'a str,
}

/// Whether an answer of this mark came after that.
pub(crate) fn came_after(tx: &Tx<'_>, mark: &[u8; 32], after: UnixMs) -> Result<bool, StoreError> {
    tx.exists(sql!("SELECT 1 FROM inbound WHERE mark = ?1 AND received_at > ?2"), params![mark, after])
}

/// Keeps an answer.
pub(crate) fn add(tx: &Tx<'_>, inbound: &NewInbound<'_>) -> Result<(), StoreError> {
    let NewInbound { mark, recipient, number, service, words, received_at, of, why } = inbound;
    let (case, entry) = of.unzip();
    tx.run(
        sql!(
            "INSERT INTO inbound (mark, recipient, number, service, words, received_at, case_id, entry, why)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)"
        ),
        params![mark, recipient, number.as_bytes(), service, words.as_bytes(), received_at, case, entry, why],
    )?;
    Ok(())
}

/// An answer as it is kept.
pub(crate) struct Answer {
    pub id: i64,
    /// `None`: it can not be read.
    pub number: Option<Personal>,
    pub service: String,
    /// `None`: they can not be read.
    pub words: Option<Personal>,
    pub received_at: UnixMs,
    /// Waybill of the case where it landed.
    pub waybill: Option<String>,
    pub why: String,
    /// It landed nowhere.
    pub is_open: bool,
}

/// All answers, the newest first.
pub(crate) fn list(tx: &Tx<'_>, most: u32) -> Result<Vec<Answer>, StoreError> {
    tx.all(
        sql!(
            "SELECT inbound.id, number, service, words, received_at, why, doc.waybill,
               CASE WHEN inbound.case_id IS NULL THEN 1 ELSE 0 END
             FROM inbound LEFT JOIN doc USING (case_id) ORDER BY received_at DESC, inbound.id DESC LIMIT ?1"
        ),
        params![most],
        |row| read(row, row.get(6)?, row.get(7)?),
    )
}

/// The answers that landed nowhere, the newest first.
pub(crate) fn list_open(tx: &Tx<'_>, most: u32) -> Result<Vec<Answer>, StoreError> {
    tx.all(
        sql!(
            "SELECT id, number, service, words, received_at, why FROM inbound WHERE case_id IS NULL
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
    })
}
