//! The signed batches that touched a case.

use std::ops::ControlFlow;

use doorstep_domain::{BootId, CaseId, DeviceId, InstallId, UnixMs};

use super::tx::{StoreError, Tx, params, sql};

/// A signed batch with its device's key.
pub(crate) struct Touched {
    pub device: DeviceId,
    pub install: InstallId,
    pub number: u64,
    pub person: String,
    pub received_at: UnixMs,
    /// The device's clocks at the sending.
    pub wall_ms: i64,
    pub mono_ms: u64,
    pub boot: BootId,
    pub sig: Vec<u8>,
    /// The sealed body.
    pub body: Vec<u8>,
    pub public_key: Vec<u8>,
    pub version: u32,
    pub sending: Vec<u8>,
    /// Whether it is the first of its chain, or names the hash of the stored batch before it.
    pub follows: bool,
    /// The number of changes of the case in it.
    pub changes: u32,
}

/// Reads each batch that touched a case, in the order of arrival, one at a time because bodies are large. Changes of the server
/// itself came in no batch.
pub(crate) fn each_of_case<E: From<StoreError>>(
    tx: &Tx<'_>,
    case: &CaseId,
    mut take: impl FnMut(Touched) -> Result<(), E>,
) -> Result<(), E> {
    tx.each(
        sql!(
            "SELECT envelope.device, envelope.install, envelope.number, envelope.person, envelope.received_at, envelope.wall_ms,
               envelope.mono_ms, envelope.boot, envelope.sig, envelope.body, device.public_key, envelope.version, envelope.sending,
               CASE WHEN envelope.number = 1 OR EXISTS (SELECT 1 FROM envelope AS earlier WHERE earlier.install = envelope.install
                 AND earlier.number = envelope.number - 1 AND earlier.hash = envelope.prev) THEN 1 ELSE 0 END,
               touched.changes
             FROM (SELECT pushed_by, batch, count(*) AS changes FROM (
                 SELECT pushed_by, batch FROM change WHERE case_id = ?1
                 UNION ALL SELECT pushed_by, batch FROM quarantine WHERE case_id = ?1) AS of_case
               GROUP BY pushed_by, batch) AS touched
             JOIN envelope ON envelope.install = touched.pushed_by AND envelope.number = touched.batch
             JOIN device ON device.id = envelope.device
             ORDER BY envelope.received_at, envelope.number"
        ),
        params![case],
        |row| {
            take(Touched {
                device: row.get(0)?,
                install: row.get(1)?,
                number: row.get(2)?,
                person: row.get(3)?,
                received_at: row.get(4)?,
                wall_ms: row.get(5)?,
                mono_ms: row.get(6)?,
                boot: row.get(7)?,
                sig: row.get(8)?,
                body: row.get(9)?,
                public_key: row.get(10)?,
                version: row.get(11)?,
                sending: row.get(12)?,
                follows: row.get(13)?,
                changes: row.get(14)?,
            })?;
            Ok(ControlFlow::Continue(()))
        },
    )
}
