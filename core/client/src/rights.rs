//! Rights on the device. The device refuses early what the server would refuse by the policy. The server's judgement counts,
//! because a device knows less.

use doorstep_rules::{Case, Concerned, Permit};
use doorstep_store::{ActionCase, Identity, KnownCases, Store};

use crate::{ClientError, Refusal};

/// Refuses a record that the policy denies to the person, as far as this device knows the parcel.
pub(crate) fn forbid_early(store: &Store, known: &KnownCases, who: &Identity, cases: &[ActionCase]) -> Result<(), ClientError> {
    let policy = store.policy()?;
    for target in cases {
        let parcel = concerned(store, who, target, known.case(&target.waybill))?;
        for body in &target.bodies {
            let rule = policy.judge(who.author.role, &who.author.user, &who.author.outlet, body.kind(), &parcel);
            if rule.is_none_or(|rule| rule.verdict == Permit::Deny) {
                return Err(ClientError::Refused(Refusal::Rights { kind: body.kind().to_owned() }));
            }
        }
    }
    Ok(())
}

/// The people concerned with a parcel, as far as this device knows. A courier's phone has only rows of their own parcels, so a
/// row or a case from the server is theirs.
fn concerned(store: &Store, who: &Identity, target: &ActionCase, case: Option<&Case>) -> Result<Concerned, ClientError> {
    let row = store.parcel(&target.waybill)?;
    let facts = case.map(|case| &case.facts);
    let mut parcel = Concerned {
        couriers: Vec::new(),
        offered: case.and_then(Case::offered_to).cloned(),
        // The site of a parcel that was sent on delivers it from its confirmation on, also before head office's list says so.
        delivering: case
            .and_then(Case::sent_on_to)
            .cloned()
            .or_else(|| row.as_ref().map(|row| row.delivering_outlet.clone()))
            .or_else(|| facts?.delivering_outlet.clone()),
        origin: row.as_ref().map(|row| row.origin_outlet.clone()).or_else(|| facts?.origin_outlet.clone()),
        hub: row.as_ref().and_then(|row| row.hub.clone()),
        asked: case.map(Case::asked).unwrap_or_default(),
        former: case.map(Case::former).unwrap_or_default(),
        sheet: None,
    };
    if row.is_some() || case.is_some() {
        parcel.couriers.push(who.author.user.clone());
    }
    Ok(parcel)
}
