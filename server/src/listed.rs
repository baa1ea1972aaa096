//! Writes the list's facts of a parcel into its case.

use std::ops::ControlFlow;

use doorstep_document::{NewEntry, pack};
use doorstep_domain::{Body, CaseId, Listed, Receipt, UnixMs};
use doorstep_rules::{Row, in_force};

use crate::{
    error::ApiError,
    keys::Keys,
    log, own,
    store::{
        acts,
        listing::{self, Standing},
        packs,
        tx::Tx,
    },
};

/// The largest number of rows in one change: a row is an entry.
const MOST_ROWS: usize = 16;

/// Writes into a case the list's rows since its earliest act that the case lacks, because no copy in it equals the row or the row
/// has changed since. A full case gets them too: nobody is judged without them.
pub(crate) fn write(tx: &Tx<'_>, case: &CaseId, now: UnixMs) -> Result<(), ApiError> {
    let Some(Standing { waybill, confirmed, n }) = listing::standing(tx, case)? else { return Ok(()) };
    let rows = listing::rows(tx, &waybill)?;
    if rows.is_empty() || (rows.len() == 1 && confirmed) {
        return Ok(());
    }
    let wanted = in_force(&rows, earliest(tx, case)?, UnixMs(i64::MAX));
    if wanted.clone().count() == 1 && confirmed {
        return Ok(());
    }
    let mut missing = Vec::new();
    for place in wanted {
        if !listing::is_written(tx, case, place + 1)? {
            missing.extend(rows.get(place).map(|row| (place + 1, row)));
        }
    }
    if missing.is_empty() {
        return Ok(());
    }
    if n as usize + missing.len().div_ceil(MOST_ROWS) > pack::MAX_CHANGES {
        // The case was full long ago, and the list has changed a thousand times since. With more changes no device could fetch
        // the case.
        log!(warn, "a full case takes no row of the list any more", case = *case);
        return Ok(());
    }
    let keys = Keys::read(tx)?;
    let version = packs::version_at(tx, now)?;
    for missing in missing.chunks(MOST_ROWS) {
        let entry = |row: &Row| {
            let body = Body::Listed(Listed { since: row.since.unwrap_or_default() });
            Ok(NewEntry { facts: Some(row.facts.clone()), ..own::entry(own::server()?, version, now, body) })
        };
        let entries = missing.iter().map(|(_, row)| entry(row)).collect::<Result<Vec<_>, ApiError>>()?;
        let device = keys.device;
        own::append(tx, &keys, case, &entries, Receipt::of(now, Some(now)), (&device, now))?;
        for (n, _) in missing {
            listing::note_written(tx, case, *n)?;
        }
    }
    Ok(())
}

/// The earliest time at which an act of the case can have happened; `None` if it is unbounded. The device's clock is ignored,
/// because its weight depends on the version of the rules.
fn earliest(tx: &Tx<'_>, case: &CaseId) -> Result<Option<UnixMs>, ApiError> {
    let mut earliest = Some(UnixMs(i64::MAX));
    acts::each_receipt(tx, case, |receipt| {
        earliest = earliest.min(receipt.acted.gap(receipt.received_at).0);
        if earliest.is_some() { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
    })?;
    Ok(earliest)
}
