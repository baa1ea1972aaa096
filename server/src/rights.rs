//! The policy as the judge reads it: who is concerned with a parcel comes from reference rows and accepted entries alone.

use doorstep_document::{Change, Refusal};
use doorstep_domain::{Body, DocKind, Entry, NetworkCode, Role, UserId};
use doorstep_protocol::{Publication, decode};
use doorstep_rules::{Concerned, Permit, Policy};

use crate::{
    clock,
    error::ApiError,
    sheet,
    store::{self, docs::Doc, parcels, people, references, tx::Tx},
};

/// The policy in force.
pub(crate) struct Rights {
    policy: Policy,
    /// The network of the rule pack: a case of another one would be a second case of a listed parcel.
    network: NetworkCode,
    /// The server's clock waits for an operator's word: head office is to look at whatever comes meanwhile.
    clock_is_in_doubt: bool,
}

/// The rule that a handover to somebody who is no courier of the same outlet breaks: it would hand reading out with the parcel.
const HANDOVER_RULE: &str = "C-23";

/// The rule that a parcel of another network breaks.
const NETWORK_RULE: &str = "network";

impl Rights {
    pub(crate) fn read(tx: &Tx<'_>) -> Result<Self, ApiError> {
        let policy = Policy::parse(&references::policy(tx)?).map_err(|_| ApiError::Internal("the stored policy"))?;
        let newest = store::packs::body(tx, store::packs::newest_version(tx)?)?.unwrap_or_default();
        let network = decode::<Publication>(&newest)?.network;
        let network = network.parse().map_err(|_| ApiError::Internal("the stored rule pack"))?;
        Ok(Self { policy, network, clock_is_in_doubt: clock::doubt(tx)?.is_some() })
    }

    /// Its version, which quarantine names.
    pub(crate) fn version(&self) -> u32 {
        self.policy.version
    }

    /// Whether all entries of a change may be recorded: `Ok(true)` if head office is to look at it.
    pub(crate) fn judge(&self, tx: &Tx<'_>, doc: &Doc, change: &Change) -> Result<Result<bool, Refusal>, ApiError> {
        let facts = change.entries().iter().find_map(|entry| entry.facts.as_ref());
        let sheet = change.entries().iter().find_map(|entry| entry.sheet.as_ref());
        let network = facts.map(|facts| &facts.network).or(sheet.map(|sheet| &sheet.network));
        if network.is_some_and(|network| *network != self.network) {
            return Ok(Err(Refusal::Rights { rule: NETWORK_RULE.into() }));
        }
        let waybill = if doc.waybill.is_empty() { facts.map(|facts| facts.waybill.as_str()) } else { Some(doc.waybill.as_str()) };
        let (mut parcel, holder) = match change.kind() {
            DocKind::Case => concerned(tx, waybill.unwrap_or_default(), doc)?,
            DocKind::Sheet => (sheet::concerned(doc, change), None),
        };
        let offered = parcel.offered.take();
        let mut review = self.clock_is_in_doubt;
        for entry in change.entries() {
            // A takeover answers the handover that stands, and no older one.
            let answers = |body: &Body| matches!(body, Body::Takeover(t) if doc.offer.as_ref() == Some(&t.handover.to_string()));
            parcel.offered = offered.clone().filter(|_| answers(&entry.body));
            let author = &entry.author;
            let rule = self.policy.judge(author.role, &author.user, &author.outlet, entry.body.kind(), &parcel);
            match rule.map(|rule| (rule.verdict, &rule.id)) {
                Some((Permit::Allow, _)) => {}
                Some((Permit::Review, _)) => review = true,
                Some((Permit::Deny, rule)) => return Ok(Err(Refusal::Rights { rule: rule.clone() })),
                None => return Ok(Err(Refusal::Rights { rule: "none".into() })),
            }
            // Who once had it may still bring what they recorded at the door, but only who has it now gives it away.
            let gives = matches!(entry.body, Body::Handover(_)) && author.role == Role::Courier;
            if (gives && holder.as_ref() != Some(&author.user)) || !is_colleague(tx, entry)? {
                return Ok(Err(Refusal::Rights { rule: HANDOVER_RULE.into() }));
            }
        }
        Ok(Ok(review))
    }
}

/// A handover goes to a courier of the writer's own outlet.
fn is_colleague(tx: &Tx<'_>, entry: &Entry) -> Result<bool, ApiError> {
    let Body::Handover(handover) = &entry.body else { return Ok(true) };
    Ok(people::is_courier_of(tx, &handover.to, &entry.author.outlet)?)
}

/// Who is concerned, and the courier who has it now.
fn concerned(tx: &Tx<'_>, waybill: &str, doc: &Doc) -> Result<(Concerned, Option<UserId>), ApiError> {
    let user = |text: &Option<String>| text.as_ref().and_then(|text| text.parse::<UserId>().ok());
    let Some(named) = parcels::named(tx, waybill)? else { return Ok((Concerned::default(), None)) };
    let mut couriers = parcels::assigned(tx, waybill)?;
    couriers.extend(user(&doc.courier));
    let holder = user(&doc.courier).or(named.courier);
    let parcel = Concerned {
        couriers,
        offered: user(&doc.offered_to),
        delivering: Some(named.delivering),
        origin: Some(named.origin),
        hub: named.hub,
        sheet: None,
    };
    Ok((parcel, holder))
}
