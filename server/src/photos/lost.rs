//! A photo that its device can not deliver.

use doorstep_domain::{DeviceId, UnixMs};
use doorstep_protocol::LostPhoto;

use crate::{
    error::ApiError,
    headoffice,
    keys::Keys,
    packs::Rules,
    store::{photos, tx::Tx},
};

/// A device says that it can not deliver a photo. What is stored is not lost. One whose file holds other bytes is void as evidence:
/// head office says so in the case.
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
        // Of a photo that was here and sound once, the device's file proves nothing: it is lost, not void.
        let says = row.of.is_none() && row.asked_at.is_none();
        if says && lost.altered {
            // A damaged case takes no mark; that the photo is void is noted all the same.
            if let Err(error) = tx.part(|tx| headoffice::void(tx, keys, rules, &row.case, &lost.photo, now)) {
                crate::say!("doorstep-server: a void photo could not be marked in its case: {error}");
            }
        }
    }
    Ok(())
}
