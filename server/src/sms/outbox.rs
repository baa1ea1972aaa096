//! The entries that say how the outbox's rows move.

use doorstep_domain::{Author, Body, CaseId, EntryKey, Receipt, Sms, SmsReport, SmsState, SmsWay, UnixMs};

pub(super) use crate::own::server;
use crate::{
    error::ApiError,
    headoffice::{self, HeadOfficeError},
    keys::Keys,
    own,
    store::tx::Tx,
};

/// Says in the case what became of an SMS; false if it could not be said. A case that is full takes no report; the outbox knows it
/// all the same.
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
        // Nor does one that is damaged: it must not keep the others waiting.
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
