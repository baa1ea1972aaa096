//! Whether SMS are held. After a data folder was restored nobody knows which SMS were sent since the copy, so nothing is sent and
//! no lease is given until a person releases them. Queued messages stay.

use doorstep_domain::UnixMs;

use crate::store::{
    messages,
    meta::{self, Meta},
    tx::{StoreError, Tx},
};

/// Holds all SMS from now on.
pub(crate) fn hold(tx: &Tx<'_>, now: UnixMs) -> Result<(), StoreError> {
    meta::set(tx, Meta::SmsHeld, &now.0.to_be_bytes())
}

/// Releases all SMS; false if they were not held.
pub(crate) fn go(tx: &Tx<'_>) -> Result<bool, StoreError> {
    meta::drop(tx, Meta::SmsHeld)
}

/// Whether SMS are held.
pub(crate) fn is_held(tx: &Tx<'_>) -> Result<bool, StoreError> {
    Ok(meta::get::<[u8; 8]>(tx, Meta::SmsHeld)?.is_some())
}

/// The number of messages that wait to be sent, by the gateway or by lease.
pub(crate) fn waiting(tx: &Tx<'_>) -> Result<u64, StoreError> {
    messages::count_offered(tx)
}
