//! Commands that give a parcel to a courier, and those that undo it.

use doorstep_domain::{Assign, Body, OutletCode, Personal, Role, UserId};
use doorstep_protocol::PersonRow;
use doorstep_store::Store;

use super::context::Context;
use crate::{ClientError, Colleague, Refusal};

/// Most assignments that one action replaces. A change has at most 16 entries.
const MOST_REPLACED: usize = 16;

/// The couriers of an outlet who have not left. `None` if this device does not know the people of the outlet.
pub(crate) fn assignable(store: &Store, outlet: &OutletCode) -> Result<Option<Vec<PersonRow>>, ClientError> {
    let of_outlet: Vec<PersonRow> = store.people()?.into_iter().filter(|person| person.outlet == outlet.as_str()).collect();
    if of_outlet.is_empty() {
        return Ok(None);
    }
    let can = |person: &PersonRow| person.role == Role::Courier.as_str() && !person.left;
    Ok(Some(of_outlet.into_iter().filter(can).collect()))
}

impl Context<'_> {
    /// An assignment. It replaces every known assignment, so that it also settles a conflict of two assignments after a merge.
    pub fn assign(&self, assign: &Assign) -> Result<Vec<Body>, ClientError> {
        let case = self.registered()?;
        self.can_have(&assign.to)?;
        let known = case.unreplaced(|body| matches!(body, Body::Assign(_))).into_iter().map(|r| r.entry.key.clone());
        let mut bodies: Vec<Body> =
            known.take(MOST_REPLACED).map(|key| Body::Assign(Assign { replaces: Some(key), ..assign.clone() })).collect();
        if bodies.is_empty() {
            bodies.push(Body::Assign(Assign { replaces: None, ..assign.clone() }));
        }
        Ok(bodies)
    }

    /// Undoes the assignment in force: assigns to whom the parcel was before, to the list's courier if nobody had it in between.
    pub fn assign_back(&self, words: Option<&Personal>) -> Result<Vec<Body>, ClientError> {
        let case = self.registered()?;
        let row = self.store.parcel(self.waybill)?;
        let listed = row.as_ref().and_then(|row| Some((row.courier.as_ref()?, row.details.courier_at)));
        // A later list has moved the parcel already.
        let is_in_force = case.assigned().is_some_and(|assign| case.holder(listed) == Some(&assign.to));
        let former = case.assigned_from(listed.map(|(courier, _)| courier)).filter(|_| is_in_force);
        let to = former.cloned().ok_or(ClientError::Refused(Refusal::NotAssigned))?;
        self.assign(&Assign { to, planned_at: None, replaces: None, words: words.cloned() })
    }

    /// Refuses a person who can not have the parcel, as far as this device knows the delivering outlet's people. An unlisted parcel is
    /// the person's own outlet's.
    fn can_have(&self, to: &UserId) -> Result<(), ClientError> {
        let row = self.store.parcel(self.waybill)?.map(|row| row.delivering_outlet);
        let outlet = row.or_else(|| self.case?.facts.delivering_outlet.clone()).unwrap_or_else(|| self.who.author.outlet.clone());
        let Some(people) = assignable(self.store, &outlet)? else { return Ok(()) };
        if people.iter().any(|person| person.account == to.as_str()) {
            return Ok(());
        }
        let possible = people.into_iter().map(|PersonRow { account, name, .. }| Colleague { account, name }).collect();
        Err(ClientError::Refused(Refusal::Assignee { given: to.to_string(), possible }))
    }
}
