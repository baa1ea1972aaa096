//! Why there is nothing to act on in a parcel, each case in its own words.

use doorstep_domain::{Body, CaseId, NetworkCode, Role, Waybill};
use doorstep_rules::{Case, Pack};
use doorstep_store::{Identity, Left, Store};

use crate::{ClientError, Refusal};

/// Why this device has no case of a parcel, or one in which no problem stands. `not_yet`: the refusal for a parcel that is known and of
/// which no problem is recorded.
pub(crate) fn nothing(
    store: &Store,
    (who, pack): (&Identity, &Pack),
    (waybill, case): (&Waybill, Option<&Case>),
    not_yet: Refusal,
) -> Result<Refusal, ClientError> {
    if let Some(case) = case {
        let is_registration = |body: &Body| matches!(body, Body::Attempt(_) | Body::Problem(_));
        let had_one = case.timeline.iter().any(|recorded| is_registration(&recorded.entry.body) && !case.stands(recorded));
        return Ok(if had_one { Refusal::TakenBack } else { not_yet });
    }
    let network: NetworkCode = pack.network.parse()?;
    if let Some(left) = store.left(&CaseId::of(&network, waybill))? {
        return Ok(match left {
            Left::Ended { outcome } => Refusal::Ended { outcome: (!outcome.is_empty()).then(|| pack.name_of(&outcome)) },
            Left::Elsewhere => Refusal::Elsewhere,
        });
    }
    if store.parcel(waybill)?.is_some() {
        return Ok(not_yet);
    }
    Ok(match who.author.role {
        Role::Outlet | Role::OutletManager | Role::OutletFinance => Refusal::NotNotified,
        _ => Refusal::NotListed,
    })
}
