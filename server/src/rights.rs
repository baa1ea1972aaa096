//! The policy as the judge reads it: who is concerned with a parcel comes from reference rows and accepted entries alone.

use doorstep_document::{Change, Refusal};
use doorstep_domain::{Body, Entry, NetworkCode, Role, UserId};
use doorstep_protocol::{Publication, decode};
use doorstep_rules::{Concerned, Permit, Policy};
use rusqlite::{OptionalExtension, params};

use crate::{clock, error::ApiError, store::docs::Doc, store::tx::Tx};

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
    pub(crate) fn read(db: &Tx<'_>) -> Result<Self, ApiError> {
        let body: Vec<u8> =
            db.prepare_cached("SELECT body FROM reference WHERE kind = 'policy'")?.query_row([], |row| row.get(0))?;
        let policy = Policy::parse(&body).map_err(|_| ApiError::Internal("the stored policy"))?;
        let newest: Vec<u8> =
            db.prepare_cached("SELECT body FROM pack ORDER BY version DESC LIMIT 1")?.query_row([], |row| row.get(0))?;
        let network = decode::<Publication>(&newest)?.network;
        let network = network.parse().map_err(|_| ApiError::Internal("the stored rule pack"))?;
        Ok(Self { policy, network, clock_is_in_doubt: clock::doubt(db)?.is_some() })
    }

    /// Its version, which quarantine names.
    pub(crate) fn version(&self) -> u32 {
        self.policy.version
    }

    /// Whether all entries of a change may be recorded: `Ok(true)` if head office is to look at it.
    pub(crate) fn judge(&self, db: &Tx<'_>, doc: &Doc, change: &Change) -> Result<Result<bool, Refusal>, ApiError> {
        let facts = change.entries().iter().find_map(|entry| entry.facts.as_ref());
        if facts.is_some_and(|facts| facts.network != self.network) {
            return Ok(Err(Refusal::Rights { rule: NETWORK_RULE.into() }));
        }
        let waybill = if doc.waybill.is_empty() { facts.map(|facts| facts.waybill.as_str()) } else { Some(doc.waybill.as_str()) };
        let (mut parcel, holder) = concerned(db, waybill.unwrap_or_default(), doc)?;
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
            if (gives && holder.as_ref() != Some(&author.user)) || !is_colleague(db, entry)? {
                return Ok(Err(Refusal::Rights { rule: HANDOVER_RULE.into() }));
            }
        }
        Ok(Ok(review))
    }
}

/// A handover goes to a courier of the writer's own outlet.
fn is_colleague(db: &Tx<'_>, entry: &Entry) -> Result<bool, ApiError> {
    let Body::Handover(handover) = &entry.body else { return Ok(true) };
    let mut query =
        db.prepare_cached("SELECT 1 FROM person WHERE id = ?1 AND role = 'courier' AND outlet = ?2 AND left_at IS NULL")?;
    Ok(query.exists(params![handover.to.as_str(), entry.author.outlet.as_str()])?)
}

/// Who is concerned, and the courier who has it now.
fn concerned(db: &Tx<'_>, waybill: &str, doc: &Doc) -> Result<(Concerned, Option<UserId>), ApiError> {
    let user = |text: &Option<String>| text.as_ref().and_then(|text| text.parse::<UserId>().ok());
    let row = db
        .prepare_cached("SELECT delivering_outlet, origin_outlet, hub, courier FROM parcel WHERE waybill = ?1")?
        .query_row([waybill], |row| {
            let (hub, courier) = (row.get::<_, Option<String>>(2)?, row.get::<_, Option<String>>(3)?);
            Ok((row.get::<_, String>(0)?, row.get::<_, String>(1)?, hub, courier))
        })
        .optional()?;
    let Some((delivering, origin, hub, listed)) = row else { return Ok((Concerned::default(), None)) };
    let mut query = db.prepare_cached("SELECT courier FROM assigned WHERE waybill = ?1")?;
    let rows = query.query_map([waybill], |row| row.get::<_, String>(0))?;
    let mut couriers = Vec::new();
    for courier in rows {
        couriers.extend(courier?.parse());
    }
    couriers.extend(user(&doc.courier));
    let holder = user(&doc.courier).or_else(|| user(&listed));
    let parcel = Concerned {
        couriers,
        offered: user(&doc.offered_to),
        delivering: delivering.parse().ok(),
        origin: origin.parse().ok(),
        hub: hub.and_then(|hub| hub.parse().ok()),
    };
    Ok((parcel, holder))
}
