//! The log of a case: appends a change together with its consequences, and reads the entries back.

use doorstep_document::Change;
use doorstep_domain::{Body, CaseId, DeviceId, Entry, InstallId, Receipt, Recorded, Standing};

use crate::{
    error::ApiError,
    photos::expect::expect,
    sms,
    store::{
        case_log::{self, NewChange},
        tx::Tx,
    },
};

/// The origin of a change.
pub(crate) struct From<'a> {
    pub device: &'a DeviceId,
    pub pushed_by: &'a InstallId,
    pub batch: u64,
    /// The link that vouches for a change that the server itself wrote.
    pub link: Option<u64>,
    /// How many hours after its receipt the photos of the change are due.
    pub due_hours: u32,
}

/// The monotonic time of a change's first entry, milliseconds.
pub(crate) fn mono_of(change: &Change) -> u64 {
    change.entries().first().map_or(0, |entry| entry.time.mono_ms)
}

/// Stores an accepted change, expects its photos, and queues its SMS.
pub(crate) fn append(
    tx: &Tx<'_>,
    case: &CaseId,
    n: u64,
    change: &Change,
    receipt: Receipt,
    from: From<'_>,
) -> Result<(), ApiError> {
    let first = change.entries().first();
    let new = NewChange {
        link: change.link(),
        mono_ms: mono_of(change),
        device: from.device,
        pushed_by: from.pushed_by,
        batch: from.batch,
        receipt,
        person: first.map_or("", |entry| entry.author.user.as_str()),
        boot: first.map_or(&[], |entry| &entry.time.boot.0),
        bytes: change.bytes(),
        vouched: from.link,
    };
    case_log::insert(tx, case, n, &new)?;
    for entry in change.entries() {
        match &entry.body {
            Body::Photo(photo) => expect(tx, case, photo, from.device, (receipt.received_at, from.due_hours))?,
            Body::Sms(message) => sms::expect(tx, case, entry, message, from.device)?,
            Body::SmsReport(report) => sms::take_report(tx, case, entry, report, (receipt, from.device))?,
            _ => {}
        }
    }
    Ok(())
}

/// Reads the changes of a case, one after the other in the order of acceptance, each with its entries as they are recorded. Errors:
/// [`ApiError::Damaged`] if a change can not be read.
pub(crate) fn each(tx: &Tx<'_>, case: &CaseId, mut read: impl FnMut(&Change, Vec<Recorded>)) -> Result<(), ApiError> {
    case_log::each(tx, case, |bytes, receipt| {
        let change = Change::read_stored(case, &bytes).map_err(|_| ApiError::Damaged)?;
        let recorded =
            |entry: &Entry| Recorded { change: change.hash(), standing: Standing::Accepted(receipt), entry: entry.clone() };
        read(&change, change.entries().iter().map(recorded).collect());
        Ok(())
    })
}

/// All entries of a case with their receipts.
pub(crate) fn entries(tx: &Tx<'_>, case: &CaseId) -> Result<Vec<Recorded>, ApiError> {
    let mut entries = Vec::new();
    each(tx, case, |_, recorded| entries.extend(recorded))?;
    Ok(entries)
}
