//! Entries by hand, for changes that a well-behaved client would never write.

use doorstep_document::NewEntry;
use doorstep_domain::{Attempt, Author, Body, BootId, Facts, Role, TimeEvidence, UnixMs, Waybill};

use crate::{code, waybill};

/// What the harness's list says of a parcel, but for the money, the number and the arrival.
fn facts(n: u32) -> Facts {
    Facts {
        origin_outlet: Some(code("0571")),
        delivering_outlet: Some(code("0412")),
        reference: 1,
        ..Facts::unlisted(code("QH"), Waybill::parse(&waybill(n)).unwrap())
    }
}

/// A courier's failed delivery of a parcel, as the first entry of an installation in the case. Its clock says 1970.
pub fn first_entry(n: u32, user: &str) -> NewEntry {
    let author = Author { user: code(user), role: Role::Courier, outlet: code("0412") };
    let time = TimeEvidence { wall: UnixMs(0), zone_quarters: 32, mono_ms: 0, boot: BootId([0; 4]), anchor: None };
    NewEntry { facts: Some(facts(n)), ..NewEntry::of(author, 1, time, Body::Attempt(Attempt::of(code("DF-NOBODY")))) }
}
