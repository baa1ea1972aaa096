//! The changes that sendings leave behind. A sending signs one hash for a chain of links (PROTOCOL.md, section 9), and a later
//! batch shows that its changes are the next links. Such changes keep the gap of the sending that named them first.

use std::collections::HashMap;

use doorstep_domain::{ChangeHash, Digest};
use doorstep_protocol::{BroughtDoc, Leaf, signing::NOTHING_LEFT};

use crate::{
    enrol::Device,
    error::ApiError,
    gap::Gap,
    store::{
        left_behind::{self, LeftGap},
        tx::Tx,
    },
    verify::Verified,
};

/// How long a chain is remembered after it was named.
const KEPT_MS: i64 = 400 * 86_400_000;

/// The largest number of chains that are stored of a device; the newest stay. A sending names at most 64, and an honest device
/// names the same ones again.
const MOST_KEPT: u32 = 10_000;

/// The gaps of a batch's changes that earlier sendings named. The rest of each chain is stored under the same gap.
pub(crate) fn take_up(tx: &Tx<'_>, batch: &Verified, device: &Device) -> Result<HashMap<ChangeHash, Gap>, ApiError> {
    let mut gaps = HashMap::new();
    if batch.signed.brings.is_empty() {
        return Ok(gaps);
    }
    let changes: Vec<Vec<ChangeHash>> = batch
        .cases
        .iter()
        .map(|case| case.changes.as_deref().unwrap_or_default().iter().map(|change| change.hash).collect())
        .collect();
    let docs: Vec<BroughtDoc<'_>> = batch
        .cases
        .iter()
        .zip(&changes)
        .filter_map(|(case, changes)| Some(BroughtDoc { doc: case.doc(), digest: case.digest.as_ref()?, changes }))
        .collect();
    for brought in &batch.signed.brings {
        let Some((chain, named)) = brought.chain(&docs) else { continue };
        if let Some(gap) = gap_of(tx, device, &chain)? {
            for change in named {
                gaps.entry(*change).or_insert(gap);
            }
            save(tx, device, &brought.after, gap)?;
        }
    }
    Ok(gaps)
}

/// Stores the chains that a sending leaves behind, with the gap of their acts.
pub(crate) fn leave(tx: &Tx<'_>, device: &Device, rest: &[Leaf], gap: Gap) -> Result<(), ApiError> {
    left_behind::forget_before(tx, &device.id, gap.until.plus(-KEPT_MS))?;
    if rest.is_empty() {
        return Ok(());
    }
    rest.iter().try_for_each(|Leaf(chain)| save(tx, device, chain, gap))?;
    // A device that names other chains with each sending must not fill the database.
    left_behind::forget_beyond(tx, &device.id, MOST_KEPT)?;
    Ok(())
}

fn save(tx: &Tx<'_>, device: &Device, chain: &Digest, gap: Gap) -> Result<(), ApiError> {
    if *chain != NOTHING_LEFT {
        left_behind::insert(tx, &device.id, chain, &LeftGap { from: gap.from, until: gap.until, contact: gap.contact })?;
    }
    Ok(())
}

fn gap_of(tx: &Tx<'_>, device: &Device, chain: &Digest) -> Result<Option<Gap>, ApiError> {
    let gap = left_behind::gap(tx, &device.id, chain)?;
    Ok(gap.map(|LeftGap { from, until, contact }| Gap::named(from, until, contact)))
}
