//! The acts of one person over their cases: facts for a reviewer that only the server can know. An act is compared with those that
//! came before it, because a receipt never changes.

use std::{
    collections::{BTreeSet, HashSet},
    ops::ControlFlow,
};

use doorstep_document::Change;
use doorstep_domain::{ActionId, Body, CaseId, IN_FLIGHT_MS, Receipt, Reckoning, UnixMs};
use doorstep_rules::{QuestionRules, place_of};

use crate::{
    error::ApiError,
    store::{
        person_acts::{self, Attempted, PersonAct, Was},
        tx::Tx,
    },
};

/// Attempts on so many parcels within [`CROWD_MS`] are a crowd. Nobody goes to six doors in a minute.
const CROWD: usize = 6;
const CROWD_MS: i64 = 60_000;
/// Most attempts read. One honest action may touch hundreds of parcels.
const MOST_READ: usize = 1_024;
/// Most attempts compared: far more than a crowd.
const MOST_DOORS: usize = 64;
/// Most places compared on each side. The nearest one in time is enough, unless several are of one moment.
const MOST_PLACES: usize = 8;
/// How long an act is kept after its receipt. A phone that was offline for longer is still compared with what it sends itself.
const KEPT_MS: i64 = 3 * 86_400_000;

/// An act of a person that can be compared with those in other cases.
pub(crate) struct Doing<'a> {
    act: PersonAct<'a>,
    rules: QuestionRules,
}

impl<'a> Doing<'a> {
    /// The act of a change that records an attempt, or a photo that has a position. `None` also for an act whose time is only an end
    /// of its gap: several acts are moved to one end, which says nothing of the time between them.
    pub fn of(case: &CaseId, change: &'a Change, acted: &Reckoning, rules: QuestionRules) -> Option<Self> {
        let entries = change.entries();
        let first = entries.first()?;
        let is_attempt = entries.iter().any(|entry| matches!(entry.body, Body::Attempt(_)));
        let position = entries.iter().find_map(|entry| match &entry.body {
            Body::Photo(photo) if rules.is_timely(photo, entry.time.wall) => place_of(photo, is_attempt),
            _ => None,
        });
        let is_moved = acted.at.is_some() && (acted.at == acted.from || acted.at == acted.until);
        if is_moved || !(is_attempt || position.is_some()) {
            return None;
        }
        let (person, at) = (first.author.user.as_str(), acted.at.unwrap_or(first.time.wall));
        Some(Self { act: PersonAct { person, at, case: *case, action: first.action, is_attempt, position }, rules })
    }

    /// Sets the marks of its receipt.
    pub fn mark(&self, tx: &Tx<'_>, receipt: &mut Receipt) -> Result<(), ApiError> {
        receipt.crowded = self.is_crowded(tx)?;
        receipt.too_fast = self.is_too_fast(tx)?;
        receipt.review |= receipt.crowded || receipt.too_fast;
        Ok(())
    }

    /// Stores it for comparison with later ones.
    pub fn note(&self, tx: &Tx<'_>, now: UnixMs) -> Result<(), ApiError> {
        // A receipt of the future comes from a server clock that was ahead. It would stay for too long.
        person_acts::forget_outside(tx, now.plus(-KEPT_MS), now.plus(IN_FLIGHT_MS))?;
        Ok(person_acts::insert(tx, &self.act, now)?)
    }

    /// Whether it is one of [`CROWD`] attempts on different parcels within [`CROWD_MS`]. Parcels that were recorded with one action
    /// count as one.
    fn is_crowded(&self, tx: &Tx<'_>) -> Result<bool, ApiError> {
        if !self.act.is_attempt {
            return Ok(false);
        }
        let at = self.act.at;
        let mut actions: HashSet<ActionId> = self.act.action.into_iter().collect();
        let mut doors: Vec<(UnixMs, CaseId)> = Vec::new();
        let around = (at.plus(-CROWD_MS), at.plus(CROWD_MS));
        person_acts::attempts(tx, &self.act, around, MOST_READ, |Attempted { at, case, action }| {
            if action.is_none_or(|action| actions.insert(action)) {
                doors.push((at, case));
            }
            if doors.len() < MOST_DOORS { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
        })?;
        let starts = doors.iter().map(|(start, _)| *start).filter(|start| *start <= at).chain([at]);
        Ok(starts.into_iter().any(|start| {
            let within = doors.iter().filter(|(door, _)| (start..=start.plus(CROWD_MS)).contains(door));
            let cases: BTreeSet<&[u8]> = within.map(|(_, case)| case.as_bytes().as_slice()).collect();
            cases.len() + 1 >= CROWD
        }))
    }

    /// Whether its person was in another case at a place that nobody reaches in the time between both.
    fn is_too_fast(&self, tx: &Tx<'_>) -> Result<bool, ApiError> {
        let Some(here) = self.act.position else { return Ok(false) };
        let places = person_acts::places(tx, &self.act, MOST_PLACES)?;
        let is_too_fast =
            |was: &Was| self.rules.too_fast(here.least_metres_to(&was.position), self.act.at.since(was.at)).is_some();
        Ok(places.iter().any(is_too_fast))
    }
}

#[cfg(test)]
mod tests {
    use doorstep_domain::GeoPosition;

    use super::*;
    use crate::open::open;

    fn doing(at: i64, case: u8, action: Option<u8>, metres: Option<i64>) -> Doing<'static> {
        let north = |metres: i64| (metres * 10_000_000 / 111_195) as i32;
        let act = PersonAct {
            person: "c1",
            at: UnixMs(at),
            case: CaseId::new([case; 16]),
            action: action.map(|action| ActionId::new([action; 16])),
            is_attempt: true,
            position: metres.and_then(|metres| GeoPosition::new(north(metres), 0)),
        };
        Doing { act, rules: QuestionRules::default() }
    }

    /// Whether the last act is marked, after those before it.
    fn marks(acts: &[Doing<'_>]) -> (bool, bool) {
        let folder = tempfile::tempdir().unwrap();
        let store = open(folder.path()).unwrap();
        store
            .write(|tx| {
                let mut last = (false, false);
                for act in acts {
                    last = (act.is_crowded(tx)?, act.is_too_fast(tx)?);
                    act.note(tx, UnixMs(1_000_000))?;
                }
                Ok::<_, ApiError>(last)
            })
            .unwrap()
    }

    #[test]
    fn six_attempts_within_a_minute_are_a_crowd_and_five_or_a_longer_time_or_one_parcel_or_one_action_are_none() {
        let crowded = |acts: &[(i64, u8, Option<u8>)]| {
            let acts: Vec<_> = acts.iter().map(|(at, case, action)| doing(*at, *case, *action, None)).collect();
            marks(&acts).0
        };
        let spread = |last: i64, n: u8| -> Vec<_> {
            (1..=n).map(|case| (if case == n { last } else { i64::from(case) * 1_000 }, case, None)).collect()
        };
        assert!(crowded(&spread(61_000, 6)), "the first was a minute ago");
        assert!(!crowded(&spread(61_001, 6)));
        assert!(!crowded(&spread(9_000, 5)));
        assert!(crowded(&spread(-55_000, 6)), "the order of arrival does not count");
        assert!(!crowded(&spread(-55_001, 6)));
        assert!(!crowded(&[1, 2, 3, 4, 5, 1].map(|case| (0, case, None))), "a parcel twice");
        assert!(!crowded(&[1, 2, 3, 4, 5, 6, 7].map(|case| (0, case, Some(1)))), "one action");
        assert!(!crowded(&[(0, 1, Some(1)), (0, 2, Some(1)), (0, 3, Some(2)), (0, 4, Some(2)), (0, 5, None), (0, 6, None)]));
        assert!(crowded(&[1, 2, 3, 4, 5, 6].map(|case| (0, case, Some(case)))), "each by an action of its own");
        // Attempts before it and after it count together only if all lie in one minute.
        let around = [(-40_000, 1), (-40_000, 2), (-40_000, 3), (40_000, 4), (40_000, 5), (0, 6)];
        assert!(!crowded(&around.map(|(at, case)| (at, case, None))));
    }

    #[test]
    fn two_places_of_different_cases_are_too_fast_beyond_the_packs_speed_and_one_place_or_one_case_never_is() {
        let fast =
            |(case, ms, metres): (u8, i64, i64)| marks(&[doing(0, 1, None, Some(0)), doing(ms, case, None, Some(metres))]).1;
        assert!(!fast((2, 300_000, 10_000)), "120 km/h");
        assert!(fast((2, 300_000, 10_090)));
        assert!(fast((2, -300_000, 10_090)), "the order of arrival does not count");
        assert!(!fast((1, 300_000, 10_090)), "the rules compare the photos of one case");
        assert!(!fast((2, 0, 490)), "one place");
        assert!(!marks(&[doing(0, 1, None, Some(0)), doing(0, 2, None, None)]).1, "no position");
        let within = |accuracy_m: u32| {
            let mut first = doing(0, 1, None, Some(0));
            first.act.position = first.act.position.map(|place| GeoPosition { accuracy_m: Some(accuracy_m), ..place });
            marks(&[first, doing(300_000, 2, None, Some(10_090))]).1
        };
        assert!(within(2) && !within(100), "the way is shorter by the accuracy");
    }
}
