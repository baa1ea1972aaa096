//! Offered changes, which came and were not accepted, and the originals of rewritten changes.

use std::ops::ControlFlow;

use doorstep_domain::{CaseId, ChangeHash, DeviceId, UnixMs};

use super::tx::{StoreError, Tx, params, sql};

/// A change that was not accepted, with its gap.
pub(crate) struct Offered<'a> {
    pub hash: ChangeHash,
    /// The original that it names, if it is a rewritten change.
    pub original: Option<ChangeHash>,
    pub gap: OfferedGap,
    pub bytes: &'a [u8],
}

/// The gap of an offered change.
#[derive(Clone, Copy)]
pub(crate) struct OfferedGap {
    pub from: UnixMs,
    pub until: UnixMs,
    /// The marks passed over and disordered, as bits of a receipt.
    pub marks: u16,
}

/// Whether a device has changes that were not accepted.
pub(crate) fn has_any(tx: &Tx<'_>, device: &DeviceId) -> Result<bool, StoreError> {
    tx.exists(sql!("SELECT 1 FROM offered WHERE device = ?1 LIMIT 1"), params![device])
}

/// Stores a change. The first gap stays.
pub(crate) fn insert(tx: &Tx<'_>, device: &DeviceId, case: &CaseId, offered: &Offered<'_>) -> Result<(), StoreError> {
    let Offered { hash, original, gap: OfferedGap { from, until, marks }, bytes } = offered;
    tx.run(
        sql!(
            "INSERT INTO offered (device, case_id, hash, original, from_ms, until_ms, marks, bytes)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8) ON CONFLICT (device, case_id, hash) DO NOTHING"
        ),
        params![device, case, hash, original, from, until, marks, bytes],
    )?;
    Ok(())
}

/// The gap of a change.
pub(crate) fn gap(tx: &Tx<'_>, device: &DeviceId, case: &CaseId, hash: &ChangeHash) -> Result<Option<OfferedGap>, StoreError> {
    tx.maybe(
        sql!("SELECT from_ms, until_ms, marks FROM offered WHERE device = ?1 AND case_id = ?2 AND hash = ?3"),
        params![device, case, hash],
        |row| Ok(OfferedGap { from: row.get(0)?, until: row.get(1)?, marks: row.get(2)? }),
    )
}

/// Deletes a change.
pub(crate) fn forget(tx: &Tx<'_>, device: &DeviceId, case: &CaseId, hash: &ChangeHash) -> Result<(), StoreError> {
    tx.run(sql!("DELETE FROM offered WHERE device = ?1 AND case_id = ?2 AND hash = ?3"), params![device, case, hash])?;
    Ok(())
}

/// Deletes the changes of a device whose gaps ended before a time.
pub(crate) fn forget_before(tx: &Tx<'_>, device: &DeviceId, time: UnixMs) -> Result<(), StoreError> {
    tx.run(sql!("DELETE FROM offered WHERE device = ?1 AND until_ms < ?2"), params![device, time])?;
    Ok(())
}

/// A stored change that may be the original of a rewritten one.
pub(crate) struct Original {
    /// The lower end of its gap; `None` if it is unknown.
    pub from: Option<UnixMs>,
    pub until: UnixMs,
    pub marks: u16,
    pub bytes: Vec<u8>,
    /// Whether it is in the log or in quarantine.
    pub stands: bool,
}

/// Reads the changes from a device in a case that have this hash, or that were offered as rewrites of it. At most `most`: those
/// that were not accepted first, those in the log last, until `look` breaks.
pub(crate) fn originals<E: From<StoreError>>(
    tx: &Tx<'_>,
    device: &DeviceId,
    (case, hash): (&CaseId, &ChangeHash),
    most: usize,
    mut look: impl FnMut(Original) -> Result<ControlFlow<()>, E>,
) -> Result<(), E> {
    // Four statements, because a union does not keep the order.
    let places = [
        sql!("SELECT from_ms, until_ms, marks, bytes, 0 FROM offered WHERE device = ?1 AND case_id = ?2 AND hash = ?3"),
        sql!("SELECT from_ms, until_ms, marks, bytes, 0 FROM offered WHERE device = ?1 AND case_id = ?2 AND original = ?3"),
        sql!(
            "SELECT from_ms, coalesce(until_ms, received_at), marks, bytes, 1 FROM quarantine
             WHERE device = ?1 AND case_id = ?2 AND hash = ?3"
        ),
        sql!(
            "SELECT from_ms, coalesce(until_ms, received_at), marks, bytes, 1 FROM change
             WHERE device = ?1 AND case_id = ?2 AND hash = ?3"
        ),
    ];
    let mut left = most;
    for place in places {
        if left == 0 {
            break;
        }
        tx.each(place, params![device, case, hash], |row| {
            let (from, until, marks, bytes) = (row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?);
            let is_over = look(Original { from, until, marks, bytes, stands: row.get(4)? })?.is_break();
            left = if is_over { 0 } else { left - 1 };
            Ok::<_, E>(if left == 0 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) })
        })?;
    }
    Ok(())
}
