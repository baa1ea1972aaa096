//! Whether SMS are held: after a data folder was put back from a copy nobody knows what was sent since, so nothing is sent, and no
//! lease is given, until a person says go. What is queued stays.

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

/// Lets them go on; false if they were not held.
pub(crate) fn go(tx: &Tx<'_>) -> Result<bool, StoreError> {
    meta::drop(tx, Meta::SmsHeld)
}

/// Whether they are held.
pub(crate) fn is_held(tx: &Tx<'_>) -> Result<bool, StoreError> {
    Ok(meta::get::<[u8; 8]>(tx, Meta::SmsHeld)?.is_some())
}

/// How many wait to be sent, by the gateway or by lease.
pub(crate) fn waiting(tx: &Tx<'_>) -> Result<u64, StoreError> {
    messages::count_offered(tx)
}
