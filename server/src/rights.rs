//! Judges rights by the policy. Only reference rows and accepted entries decide who is concerned with a parcel.

use std::sync::Arc;

use doorstep_document::{Change, Refusal};
use doorstep_domain::{Body, CaseId, DocKind, Entry, NetworkCode, Role, UserId};
use doorstep_rules::{Concerned, Permit, Policy};

use crate::{
    asked, clock,
    error::ApiError,
    holder,
    packs::Rules,
    sheet,
    store::{docs::Doc, parcels, people, tx::Tx},
};

/// The policy in force.
pub(crate) struct Rights {
    policy: Arc<Policy>,
    /// The network of the rule pack. A case of another network would be a second case of a listed parcel.
    network: NetworkCode,
    /// Whether the server's clock waits for an operator's confirmation. Changes are then marked for review.
    clock_is_in_doubt: bool,
}

/// The rule against a handover to anybody but a courier of the same outlet: the handover would also give away the right to read.
const HANDOVER_RULE: &str = "C-23";

/// The rule against an answer to a question that another outlet was asked.
const ANSWER_RULE: &str = "asked";

/// The rule against a parcel of another network.
const NETWORK_RULE: &str = "network";

impl Rights {
    pub(crate) fn read(tx: &Tx<'_>, rules: &Rules) -> Result<Self, ApiError> {
        let (_, book) = rules.book(tx)?;
        let network = book.newest().pack.network.parse().map_err(|_| ApiError::Internal("the stored rule pack"))?;
        Ok(Self { policy: rules.policy(tx)?, network, clock_is_in_doubt: clock::doubt(tx)?.is_some() })
    }

    /// The version of the policy, for quarantine.
    pub(crate) fn version(&self) -> u32 {
        self.policy.version
    }

    /// How many hours after its acceptance an entry's photos are due.
    pub(crate) fn photos_due_hours(&self) -> u32 {
        self.policy.photos.due_hours
    }

    /// Whether all entries of a change may be recorded; `Ok(true)` means with a mark for review. `known` belongs to the case.
    pub(crate) fn judge(
        &self,
        tx: &Tx<'_>,
        (case, doc): (&CaseId, &Doc),
        known: &mut Known,
        change: &Change,
    ) -> Result<Result<bool, Refusal>, ApiError> {
        let facts = change.entries().iter().find_map(|entry| entry.facts.as_ref());
        let sheet = change.entries().iter().find_map(|entry| entry.sheet.as_ref());
        let network = facts.map(|facts| &facts.network).or(sheet.map(|sheet| &sheet.network));
        if network.is_some_and(|network| *network != self.network) {
            return Ok(Err(Refusal::Rights { rule: NETWORK_RULE.into() }));
        }
        let waybill = if doc.waybill.is_empty() { facts.map(|facts| facts.waybill.as_str()) } else { Some(doc.waybill.as_str()) };
        let (mut parcel, holder) = match change.kind() {
            DocKind::Case => known.concerned(tx, waybill.unwrap_or_default(), case, doc)?,
            DocKind::Sheet => (sheet::concerned(doc, change), None),
        };
        let offered = parcel.offered.take();
        let mut review = self.clock_is_in_doubt;
        for entry in change.entries() {
            // A takeover must answer the current handover, and no older one.
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
            if let Body::Assign(assign) = &entry.body {
                review |= !holder::may_move(tx, author, assign, &parcel)?;
            }
            // Only the asked outlet answers: another one's answer would be taken for its.
            if let Body::Answered(answer) = &entry.body
                && !asked::may_answer(tx, (case, waybill.unwrap_or_default()), author, answer)?
            {
                return Ok(Err(Refusal::Rights { rule: ANSWER_RULE.into() }));
            }
            // A courier who had the parcel once may still report what happened at the door, but only the present courier can hand
            // it over.
            let gives = matches!(entry.body, Body::Handover(_)) && author.role == Role::Courier;
            if (gives && holder.as_ref() != Some(&author.user)) || !is_colleague(tx, entry)? {
                return Ok(Err(Refusal::Rights { rule: HANDOVER_RULE.into() }));
            }
        }
        Ok(Ok(review))
    }
}

/// Whether a handover goes to a courier of the author's own outlet.
fn is_colleague(tx: &Tx<'_>, entry: &Entry) -> Result<bool, ApiError> {
    let Body::Handover(handover) = &entry.body else { return Ok(true) };
    Ok(people::is_courier_of(tx, &handover.to, &entry.author.outlet)?)
}

/// The people and outlets concerned with a case, and its present courier, as they were read for an earlier change of a batch.
#[derive(Default)]
pub(crate) struct Known(Option<(Concerned, Option<UserId>)>);

impl Known {
    fn concerned(
        &mut self,
        tx: &Tx<'_>,
        waybill: &str,
        case: &CaseId,
        doc: &Doc,
    ) -> Result<(Concerned, Option<UserId>), ApiError> {
        if let Some(known) = &self.0 {
            return Ok(known.clone());
        }
        let read = concerned(tx, waybill, case, doc)?;
        // The first change of a case names its waybill.
        self.0 = (doc.n > 0).then(|| read.clone());
        Ok(read)
    }

    /// Forgets what an accepted change may have changed.
    pub(crate) fn follow(&mut self, change: &Change) {
        let moves_nobody = |entry: &Entry| {
            use Body::{Attempt, Call, Note, Notice, Photo, Sms, SmsReport};
            matches!(entry.body, Attempt(_) | Call(_) | Note { .. } | Notice(_) | Photo(_) | Sms(_) | SmsReport(_))
        };
        if !change.entries().iter().all(moves_nobody) {
            self.0 = None;
        }
    }
}

/// The people and outlets concerned, and the present courier.
fn concerned(tx: &Tx<'_>, waybill: &str, case: &CaseId, doc: &Doc) -> Result<(Concerned, Option<UserId>), ApiError> {
    let user = |text: &Option<String>| text.as_ref().and_then(|text| text.parse::<UserId>().ok());
    let (asked, former) = (asked::outlets(tx, case, waybill)?, asked::former(tx, case, waybill)?);
    let Some(named) = parcels::named(tx, waybill)? else { return Ok((Concerned { asked, ..Concerned::default() }, None)) };
    let mut couriers = parcels::assigned(tx, waybill)?;
    couriers.extend(user(&doc.courier));
    let holder = user(&doc.courier).or(named.courier);
    let parcel = Concerned {
        couriers,
        offered: user(&doc.offered_to),
        delivering: Some(named.delivering),
        origin: Some(named.origin),
        hub: named.hub,
        asked,
        former,
        sheet: None,
    };
    Ok((parcel, holder))
}

#[cfg(test)]
mod tests {
    use doorstep_domain::UnixMs;

    use super::*;
    use crate::{admin::Admin, open::open};

    #[test]
    fn packs_and_policy_are_parsed_once_a_publication_however_much_is_judged() {
        let folder = tempfile::tempdir().unwrap();
        let (store, rules) = (open(folder.path()).unwrap(), Rules::default());
        let judge_much = || {
            for _ in 0..20 {
                let rights: Result<_, ApiError> = store.write(|tx| {
                    rules.book(tx)?;
                    Rights::read(tx, &rules)
                });
                assert_eq!(
                    rights.unwrap().network.as_str(),
                    doorstep_rules::Pack::parse(doorstep_rules::FIRST_PACK).unwrap().network
                );
            }
            let rights: Rights = store.read(|tx| Rights::read(tx, &rules)).unwrap();
            (rights.version(), rights.photos_due_hours(), rules.times_parsed())
        };
        let first = Policy::parse(doorstep_rules::FIRST_POLICY).unwrap();
        assert_eq!(judge_much(), (first.version, first.photos.due_hours, (1, 1)));

        // Another process changes the policy, like the administrator's commands.
        let mut admin = Admin::open(folder.path()).unwrap();
        let mut next = first.clone();
        (next.version, next.photos.due_hours) = (first.version + 1, first.photos.due_hours + 1);
        admin.policy(&serde_json::to_vec(&next).unwrap()).unwrap();
        assert_eq!(judge_much(), (next.version, next.photos.due_hours, (1, 2)), "the new policy, parsed once");
        admin.publish_pack(doorstep_rules::FIRST_PACK, UnixMs(0)).unwrap();
        assert_eq!(judge_much(), (next.version, next.photos.due_hours, (2, 2)), "the new pack, parsed once");
    }
}
