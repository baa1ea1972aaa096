//! First receipts: the receipts of changes that the log has lost and that their device sends again. The device shows the server's
//! own signature, so an act that was in time stays in time.

use std::collections::HashMap;

use doorstep_domain::{CaseId, ChangeHash, Receipt, UnixMs};
use doorstep_protocol::{FirstAnswer, MAX_FIRST_ANSWERS};

use crate::{
    error::ApiError,
    keys::Keys,
    store::{
        meta::{self, Meta},
        tx::Tx,
    },
};

/// The receipts that a batch proves, by document and change.
pub(crate) type First = HashMap<(CaseId, ChangeHash), Receipt>;

/// Reads the receipts that a batch proves. Everything else is ignored, and its changes get a new receipt: answers of the present
/// history, which has lost nothing, or of an unknown history; answers that no key of this log has signed; receipts outside the
/// signature; and receipts later than now. Of two receipts the earlier one counts.
pub(crate) fn proven(tx: &Tx<'_>, shown: &[FirstAnswer], now: UnixMs) -> Result<First, ApiError> {
    let mut first = First::new();
    if shown.is_empty() {
        return Ok(first);
    }
    let keys = Keys::own(tx)?;
    let former = meta::ids(tx, Meta::FormerHistories)?;
    let is_own = |answer: &&FirstAnswer| former.contains(&answer.history) && keys.iter().any(|key| answer.is_signed_by(key));
    for (doc, change, receipt) in shown.iter().take(MAX_FIRST_ANSWERS).filter(is_own).flat_map(FirstAnswer::vouched) {
        if receipt.received_at > now {
            continue;
        }
        let known = first.entry((doc, change)).or_insert(receipt);
        if receipt.received_at < known.received_at {
            *known = receipt;
        }
    }
    Ok(first)
}
