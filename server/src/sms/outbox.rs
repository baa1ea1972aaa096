//! The entries that report the states of SMS.

use doorstep_domain::{Author, Body, CaseId, EntryKey, Receipt, Sms, SmsReport, SmsState, SmsWay, UnixMs};

pub(super) use crate::own::server;
use crate::{
    error::ApiError,
    headoffice::{self, HeadOfficeError},
    keys::Keys,
    own,
    store::tx::Tx,
};

/// Writes an entry about an SMS into its case; false if the case takes none. A full case takes no report, but the outbox has the
/// state.
pub(super) fn say(
    tx: &Tx<'_>,
    keys: &Keys,
    case: &CaseId,
    (author, pack_version): (Author, u32),
    body: Body,
    now: UnixMs,
) -> Result<bool, ApiError> {
    let entry = own::entry(author, pack_version, now, body);
    match headoffice::append(tx, keys, case, vec![entry], Receipt::of(now, Some(now)), (&keys.device, now)) {
        Ok(_) => Ok(true),
        // A damaged case takes no report either, and must not block the others.
        Err(HeadOfficeError::Api(ApiError::Damaged)) => Ok(false),
        Err(HeadOfficeError::Api(error)) => Err(error),
        Err(_) => Ok(false),
    }
}

/// A report of the gateway.
pub(super) fn report(of: &EntryKey, state: SmsState, round: u32) -> SmsReport {
    SmsReport { of: of.clone(), state, round, way: SmsWay::Gateway, holder: None, fault: None, at: None, words: None }
}

/// The SMS of an entry.
pub(super) fn sms_of<'a>(entries: &'a [doorstep_domain::Recorded], key: &EntryKey) -> Option<&'a Sms> {
    entries.iter().find(|recorded| recorded.entry.key == *key).and_then(|recorded| match &recorded.entry.body {
        Body::Sms(sms) => Some(sms),
        _ => None,
    })
}
