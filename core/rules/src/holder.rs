//! Who has a parcel by the entries of its case: takeovers and assignments, of which the newest by receipt counts (domain 11.5, C-23).
//! A list of head office may say otherwise later; its row tells when (`Details::courier_at`).

use doorstep_domain::{Assign, Body, Recorded, UnixMs, UserId};

use crate::Case;

/// After all receipts: the server has not received it yet.
const NOT_YET: UnixMs = UnixMs(i64::MAX);

/// When the server received an entry; what it has not received yet comes after everything else.
pub(crate) fn received(recorded: &Recorded) -> UnixMs {
    recorded.standing.receipt().map_or(NOT_YET, |receipt| receipt.received_at)
}

/// Whether an entry gives the parcel to a courier. An assignment that head office is to review moves nothing: it names nobody of the
/// delivering outlet, or comes from somebody who does not assign there.
pub(crate) fn moves(recorded: &Recorded) -> bool {
    match recorded.entry.body {
        Body::Takeover(_) => true,
        Body::Assign(_) => recorded.standing.receipt().is_none_or(|receipt| !receipt.review),
        _ => false,
    }
}

/// Who has the parcel after an entry.
fn holder(recorded: &Recorded) -> &UserId {
    match &recorded.entry.body {
        Body::Assign(assign) => &assign.to,
        _ => &recorded.entry.author.user,
    }
}

/// What has a parcel by the entries of its case.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Has<'c> {
    /// Nobody but the courier of the list, if it names one.
    Nobody,
    /// A courier, by an assignment or a takeover.
    Courier(&'c UserId),
    /// A run of the outlet's timetable, which leaves at this time.
    Run(UnixMs),
}

impl Case {
    /// Who has the parcel: the newest by receipt of assignment, takeover and run. A run has it until something is done with the parcel.
    /// What arrived at another outlet is no longer the former outlet's courier's or run's.
    pub(crate) fn has(&self) -> Has<'_> {
        let arrived = self.arrivals().map(received).max();
        let is_left = |at: UnixMs| arrived.is_some_and(|arrived| at <= arrived);
        let given = self.given().pop().map(|recorded| (received(recorded), Has::Courier(holder(recorded))));
        let run = self.dispatched().filter(|(_, recorded)| {
            let ends = |body: &Body| matches!(body, Body::Action(_) | Body::Close(_) | Body::Attempt(_));
            let later = self.standing().skip_while(|other| other.entry.key != recorded.entry.key);
            !later.into_iter().any(|other| ends(&other.entry.body))
        });
        let run = run.map(|(dispatch, recorded)| (received(recorded), Has::Run(dispatch.leaves_at)));
        let newest = given.into_iter().chain(run).max_by_key(|(at, _)| *at);
        newest.filter(|(at, _)| !is_left(*at)).map_or(Has::Nobody, |(_, has)| has)
    }

    /// The run that has the parcel, by when it leaves; `None` if it is given to none, or something was done with it since.
    pub fn run(&self) -> Option<UnixMs> {
        match self.has() {
            Has::Run(leaves_at) => Some(leaves_at),
            _ => None,
        }
    }

    /// The takeovers and assignments that stand and move the parcel, oldest first by receipt; what nobody received yet comes last.
    fn given(&self) -> Vec<&Recorded> {
        let mut given: Vec<&Recorded> = self.standing().filter(|recorded| moves(recorded)).collect();
        given.sort_by_key(|recorded| received(recorded));
        given
    }

    /// The courier who has the parcel by its entries, and when the server received that. `None` if only lists say who has it.
    pub fn given_to(&self) -> Option<(&UserId, Option<UnixMs>)> {
        let newest = self.given().pop()?;
        Some((holder(newest), newest.standing.receipt().map(|receipt| receipt.received_at)))
    }

    /// The courier who has the parcel by its entries and by a row of the list that moved it to `listed` at a time; `None` for the time
    /// if no list has moved it since its first one.
    pub fn holder<'c>(&'c self, listed: Option<(&'c UserId, Option<UnixMs>)>) -> Option<&'c UserId> {
        match (self.given_to(), listed) {
            (Some((_, Some(given_at))), Some((courier, Some(listed_at)))) if given_at < listed_at => Some(courier),
            (Some((user, _)), _) => Some(user),
            (None, listed) => listed.map(|(courier, _)| courier),
        }
    }

    /// The assignment by which its assignee has the parcel; `None` after a later takeover.
    pub fn assigned(&self) -> Option<&Assign> {
        match &self.given().pop()?.entry.body {
            Body::Assign(assign) => Some(assign),
            _ => None,
        }
    }

    /// Who had the parcel before the assignment in force, so that it can be undone; `listed` is the courier of its row. `None` if no
    /// assignment is in force, or nobody is known to have had it.
    pub fn assigned_from<'c>(&'c self, listed: Option<&'c UserId>) -> Option<&'c UserId> {
        let assign = self.assigned()?;
        let others = self.given().into_iter().rev().map(holder).chain(listed);
        others.into_iter().find(|user| **user != assign.to)
    }

    /// The courier to whom the parcel is being handed over and who has not taken it over yet (C-23). An assignment ends the offer.
    pub fn offered_to(&self) -> Option<&UserId> {
        let is_handover = |recorded: &&Recorded| matches!(recorded.entry.body, Body::Handover(_));
        let (place, handover) = self.timeline.iter().enumerate().rfind(|(_, recorded)| is_handover(recorded))?;
        let Body::Handover(offer) = &handover.entry.body else { return None };
        let mut answers = self.timeline.iter().enumerate();
        let ends = |(at, recorded): (usize, &Recorded)| match &recorded.entry.body {
            Body::Takeover(takeover) => takeover.handover == handover.entry.key,
            Body::Assign(_) => moves(recorded) && (received(recorded), at) > (received(handover), place),
            _ => false,
        };
        (!answers.any(ends)).then_some(&offer.to)
    }
}
