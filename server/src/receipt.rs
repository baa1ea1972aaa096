//! How a receipt lies in SQL.

use doorstep_domain::{Receipt, ReceiptParts, UnixMs};
use rusqlite::types::Value;

/// The columns of a receipt, as [`receipt_of`] reads and [`receipt_values`] writes them.
pub(crate) const RECEIPT: &str = "received_at, acted_at, slack_ms, from_ms, until_ms, marks, unproven";

/// What the columns of [`RECEIPT`] hold.
pub(crate) fn receipt_values(receipt: &Receipt) -> [Value; 7] {
    let ReceiptParts { received_at, acted_at, slack_ms, from, until, marks, unproven_acts } = receipt.parts();
    let time = |at: Option<UnixMs>| Value::from(at.map(|at| at.0));
    [received_at.0.into(), time(acted_at), slack_ms.into(), time(from), time(until), marks.into(), unproven_acts.into()]
}

/// A receipt from the columns of [`RECEIPT`], beginning at `from`.
pub(crate) fn receipt_of(row: &rusqlite::Row<'_>, from: usize) -> rusqlite::Result<Receipt> {
    let time = |at: usize| Ok::<_, rusqlite::Error>(row.get::<_, Option<i64>>(from + at)?.map(UnixMs));
    Ok(Receipt::from_parts(ReceiptParts {
        received_at: UnixMs(row.get(from)?),
        acted_at: time(1)?,
        slack_ms: row.get(from + 2)?,
        from: time(3)?,
        until: time(4)?,
        marks: row.get(from + 5)?,
        unproven_acts: row.get(from + 6)?,
    }))
}
