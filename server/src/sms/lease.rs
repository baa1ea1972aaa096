//! The lease of a device: the right to send one SMS whose attempt another device recorded.

use doorstep_domain::{Body, CaseId, EntryKey, InstallId, SmsFault, SmsReport, SmsState, SmsWay, Tag, UnixMs};
use doorstep_protocol::{LeaseRequest, LeaseResponse};

use super::{
    claim::{self, Verdict, Way},
    held, outbox,
};
use crate::{
    enrol::Device,
    error::ApiError,
    keys::Keys,
    packs::Rules,
    store::{feeds, message_moves, messages, tx::Tx},
};

/// How long a device has to send and to report, milliseconds. After that the outcome is unknown.
const LEASE_MS: i64 = 15 * 60_000;
/// The largest number of leases of a device at once, so that no device can keep others from sending.
const MOST_LEASES: u32 = 10;

fn no(why: &str) -> Result<LeaseResponse, ApiError> {
    Ok(LeaseResponse { until_ms: None, why: Some(why.to_owned()) })
}

/// Gives a device the lease of an SMS, or the reason of its refusal. The device may send once this is durable.
pub(crate) fn lease(
    tx: &Tx<'_>,
    keys: &Keys,
    rules: &Rules,
    device: &Device,
    request: &LeaseRequest,
    now: UnixMs,
) -> Result<LeaseResponse, ApiError> {
    if !device.installs.contains(&request.install) {
        return Err(ApiError::Install);
    }
    let (case, install): (CaseId, InstallId) = (request.case, request.install);
    let entry: EntryKey = request.entry.parse().map_err(|_| ApiError::Malformed("no entry key".into()))?;
    let may_read =
        device.scopes().iter().try_fold(false, |may, scope| Ok::<_, ApiError>(may || feeds::has(tx, scope, &case)?))?;
    // A case that the device may not read looks like one that does not exist.
    let Some(row) = messages::one(tx, (&case, &entry))?.filter(|_| may_read) else { return Err(ApiError::NotFound) };
    let holder = Tag::of(&install);
    match row.state {
        // The operator has not taken it yet, and the gateway tries again by itself.
        SmsState::Offered if row.told => return no("submitting"),
        SmsState::Offered => {}
        // The device asks again, because the answer was lost.
        SmsState::Leased if row.holder == Some(holder) => {
            let until = messages::lease_end(tx, row.which())?;
            return Ok(LeaseResponse { until_ms: Some(until.0), why: None });
        }
        SmsState::Queued => return no("not_offered"),
        state if state.has_left() => return no("sent"),
        state => return no(state.as_str()),
    }
    if held::is_held(tx)? {
        return no("held");
    }
    let (_, book) = rules.book(tx)?;
    let pack = book.at(now);
    match claim::judged(tx, &book, &row, Way::Lease, now)? {
        Verdict::Send { .. } => {}
        Verdict::Later(_, why) => return no(why),
        Verdict::Settle(SmsState::Covered, _) => return no("sent"),
        Verdict::Settle(state, fault) => return no(fault.map_or(state.as_str(), SmsFault::as_str)),
    }
    let mut open = 0;
    for tag in device.installs.iter().map(Tag::of) {
        open += messages::count_leases(tx, &tag)?;
    }
    if open >= MOST_LEASES {
        return no("too_many_leases");
    }
    let until = now.plus(LEASE_MS);
    // The report carries the lease's end: after it the holder begins nothing, and before it no other device does.
    let leased = SmsReport {
        holder: Some(holder),
        way: SmsWay::Phone,
        at: Some(until),
        ..outbox::report(&entry, SmsState::Leased, row.round)
    };
    if !outbox::say(tx, keys, &case, (outbox::server()?, pack.version), Body::SmsReport(leased), now)? {
        return no("full");
    }
    message_moves::lease_to(tx, row.which(), &holder, until)?;
    Ok(LeaseResponse { until_ms: Some(until.0), why: None })
}
