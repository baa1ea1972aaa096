//! Photos that their device can not deliver.

use doorstep_domain::{DeviceId, UnixMs};
use doorstep_protocol::LostPhoto;

use crate::{
    error::ApiError,
    headoffice,
    keys::Keys,
    log,
    packs::Rules,
    store::{photos, tx::Tx},
};

/// Notes that a device can not deliver a photo. A stored photo is not lost. A photo whose file holds other bytes is void as
/// evidence, and head office notes that in the case.
pub(crate) fn lost(
    tx: &Tx<'_>,
    device: &DeviceId,
    lost: &LostPhoto,
    keys: &Keys,
    rules: &Rules,
    now: UnixMs,
) -> Result<(), ApiError> {
    let rows = photos::lose(tx, &lost.photo, device, lost.altered, now)?;
    photos::ask_no_more(tx, &lost.photo, device)?;
    for row in rows {
        // If the photo was stored and sound once, the device's altered file proves nothing, so it is lost and not void.
        let says = row.of.is_none() && row.asked_at.is_none();
        if says && lost.altered {
            // A damaged case takes no mark, but the photo is void all the same.
            if let Err(error) = tx.part(|tx| headoffice::void(tx, keys, rules, &row.case, &lost.photo, now)) {
                log!(warn, "a void photo could not be marked in its case", case = row.case, photo = lost.photo, error = error);
            }
        }
    }
    Ok(())
}
