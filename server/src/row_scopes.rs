//! Which scopes hold a parcel's row. Each change of the list has a number. A scope has the number of the last change of its own
//! rows, and its devices ask for what changed after the one that they have (PROTOCOL.md, section 16).

use doorstep_domain::CaseId;
use doorstep_protocol::Scope;

use crate::{
    asked,
    error::ApiError,
    store::{docs, parcel_scopes, parcels, tx::Tx},
};

/// Brings the scopes of a parcel's row up to date, after the row or the parcel's case has changed. `is_changed`: the row has other
/// content than before, so all its readers must get it. A change that moves nothing has no number and costs nobody a request.
pub(crate) fn settle(tx: &Tx<'_>, waybill: &str, is_changed: bool) -> Result<(), ApiError> {
    let had = parcel_scopes::of_parcel(tx, waybill)?;
    let (scopes, is_recorded) = scopes_of(tx, waybill)?;
    for (lost, _) in had.iter().filter(|(scope, has)| **has && !scopes.contains(scope)) {
        let n = parcel_scopes::next(tx)?;
        parcel_scopes::set(tx, lost, waybill, n, false)?;
        // A recorded case leaves the courier's phone by its feed and takes the row with it. The waybill is only for a phone whose
        // case has not come: it learns of it with the next difference.
        if !(is_recorded && matches!(lost, Scope::Courier(_))) {
            parcel_scopes::raise(tx, lost, n)?;
        }
    }
    for scope in scopes {
        if is_changed || had.get(&scope) != Some(&true) {
            let n = parcel_scopes::next(tx)?;
            parcel_scopes::set(tx, &scope, waybill, n, true)?;
            parcel_scopes::raise(tx, &scope, n)?;
        }
    }
    Ok(())
}

/// The scopes that hold a parcel's row, and whether anything is recorded of the parcel. The delivering outlet and the hub always
/// do. The outlet that sent it has it while it has an open notice, because it acts for the sender. Until the case ends, the outlets and
/// hubs that are asked have it, the courier who has the parcel, and the one to whom it is offered (C-23).
fn scopes_of(tx: &Tx<'_>, waybill: &str) -> Result<(Vec<Scope>, bool), ApiError> {
    let Some((network, named)) = parcels::in_force(tx, waybill)? else { return Ok((vec![], false)) };
    let case = CaseId::of(&network, &named.waybill);
    let doc = docs::read(tx, &case)?;
    let mut scopes = vec![Scope::Outlet(named.delivering.to_string())];
    scopes.extend(named.hub.map(|hub| Scope::Hub(hub.to_string())));
    if !doc.closed {
        asked::scopes_of(tx, &case, waybill, &mut scopes)?;
        if doc.notified && named.origin != named.delivering {
            scopes.push(Scope::Outlet(named.origin.to_string()));
        }
        let holder = doc.courier.or(named.courier.map(|courier| courier.to_string()));
        scopes.extend(holder.into_iter().chain(doc.offered_to).map(Scope::Courier));
    }
    scopes.sort_unstable();
    scopes.dedup();
    Ok((scopes, doc.n > 0))
}
