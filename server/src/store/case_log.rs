//! The log of a case: its accepted changes, append-only, in the order of acceptance.

use std::ops::{ControlFlow, RangeInclusive};

use doorstep_document::{History, Link};
use doorstep_domain::{CaseId, ChangeHash, DeviceId, InstallId, Receipt, UnixMs};
use doorstep_sql::{link, receipt, receipt_columns};

use super::tx::{Row, StoreError, Tx, params, sql};

/// A change that is to be added to the log.
pub(crate) struct NewChange<'a> {
    pub link: Link,
    pub mono_ms: u64,
    pub device: &'a DeviceId,
    /// The installation of the batch's chain.
    pub pushed_by: &'a InstallId,
    /// The number of the batch; 0 for a change of the server itself.
    pub batch: u64,
    pub receipt: Receipt,
    pub person: &'a str,
    /// The boot of its first entry; empty if the change has no entry.
    pub boot: &'a [u8],
    pub bytes: &'a [u8],
    /// The link that vouches for a change of the server itself.
    pub vouched: Option<u64>,
}

/// Appends a change as the `n`th of a case, from 1.
pub(crate) fn insert(tx: &Tx<'_>, case: &CaseId, n: u64, change: &NewChange<'_>) -> Result<(), StoreError> {
    let NewChange { link, mono_ms, device, pushed_by, batch, receipt, person, boot, bytes, vouched } = change;
    let [received_at, acted_at, slack_ms, from_ms, until_ms, marks, unproven] = receipt::values(receipt)?;
    tx.run(
        sql!(
            "INSERT INTO change (case_id, n, hash, install, seq, max_op, mono_ms, device, pushed_by, batch, ",
            receipt_columns!(),
            ", person, boot, bytes, link)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19, ?20, ?21)"
        ),
        params![
            case,
            n,
            link.hash,
            link.install,
            link.seq,
            link.max_op,
            mono_ms,
            device,
            pushed_by,
            batch,
            received_at,
            acted_at,
            slack_ms,
            from_ms,
            until_ms,
            marks,
            unproven,
            person,
            boot,
            bytes,
            vouched
        ],
    )?;
    Ok(())
}

/// The history of a case's log: its changes without their content.
pub(crate) fn history(tx: &Tx<'_>, case: &CaseId) -> Result<History, StoreError> {
    let links =
        tx.all(sql!("SELECT ", doorstep_sql::link_columns!(), " FROM change WHERE case_id = ?1"), params![case], |row| {
            Ok(link::read(row, 0)?)
        })?;
    Ok(History::of(links))
}

/// The receipt of a change that is in the log.
pub(crate) fn receipt_of(tx: &Tx<'_>, case: &CaseId, hash: &ChangeHash) -> Result<Receipt, StoreError> {
    tx.one(sql!("SELECT ", receipt_columns!(), " FROM change WHERE case_id = ?1 AND hash = ?2"), params![case, hash], |row| {
        Ok(receipt::read(row, 0)?)
    })
}

/// When the server received the change with this number; `None` if the case has fewer.
pub(crate) fn received_at(tx: &Tx<'_>, case: &CaseId, n: u64) -> Result<Option<UnixMs>, StoreError> {
    tx.maybe(sql!("SELECT received_at FROM change WHERE case_id = ?1 AND n = ?2"), params![case, n], |row| row.get(0))
}

/// The monotonic time of a change that is in the log, milliseconds.
pub(crate) fn mono_of(tx: &Tx<'_>, case: &CaseId, hash: &ChangeHash) -> Result<u64, StoreError> {
    tx.one(sql!("SELECT mono_ms FROM change WHERE case_id = ?1 AND hash = ?2"), params![case, hash], |row| row.get(0))
}

/// How many changes a device has in a case, and their bytes.
pub(crate) fn share_of(tx: &Tx<'_>, case: &CaseId, device: &DeviceId) -> Result<(usize, usize), StoreError> {
    tx.one(
        sql!("SELECT count(*), coalesce(sum(length(bytes)), 0) FROM change WHERE case_id = ?1 AND device = ?2"),
        params![case, device],
        |row| Ok((row.get(0)?, row.get(1)?)),
    )
}

/// Reads the changes of a case with their receipts, one after the other in the order of acceptance.
pub(crate) fn each<E: From<StoreError>>(
    tx: &Tx<'_>,
    case: &CaseId,
    mut read: impl FnMut(Vec<u8>, Receipt) -> Result<(), E>,
) -> Result<(), E> {
    tx.each(sql!("SELECT bytes, ", receipt_columns!(), " FROM change WHERE case_id = ?1 ORDER BY n"), params![case], |row| {
        read(row.get(0)?, receipt::read(row, 1).map_err(StoreError::from)?)?;
        Ok(ControlFlow::Continue(()))
    })
}

/// A change in a feed.
pub(crate) struct FedChange {
    pub bytes: Vec<u8>,
    pub hash: ChangeHash,
    pub receipt: Receipt,
    pub mono_ms: u64,
}

/// The changes `range` of a case, without those of one installation.
pub(crate) fn range(
    tx: &Tx<'_>,
    case: &CaseId,
    range: RangeInclusive<u64>,
    but_of: Option<&InstallId>,
) -> Result<Vec<FedChange>, StoreError> {
    let read = |row: &Row<'_>| {
        Ok(FedChange { bytes: row.get(0)?, hash: row.get(1)?, mono_ms: row.get(2)?, receipt: receipt::read(row, 3)? })
    };
    tx.all(
        sql!(
            "SELECT bytes, hash, mono_ms, ",
            receipt_columns!(),
            " FROM change WHERE case_id = ?1 AND n BETWEEN ?2 AND ?3 AND (?4 IS NULL OR install <> ?4) ORDER BY n"
        ),
        params![case, range.start(), range.end(), but_of],
        read,
    )
}

/// The number of bytes that [`range`] would return.
pub(crate) fn bytes_of_range(
    tx: &Tx<'_>,
    case: &CaseId,
    range: RangeInclusive<u64>,
    but_of: Option<&InstallId>,
) -> Result<usize, StoreError> {
    tx.one(
        sql!(
            "SELECT coalesce(sum(length(bytes)), 0) FROM change
             WHERE case_id = ?1 AND n BETWEEN ?2 AND ?3 AND (?4 IS NULL OR install <> ?4)"
        ),
        params![case, range.start(), range.end(), but_of],
        |row| row.get(0),
    )
}
