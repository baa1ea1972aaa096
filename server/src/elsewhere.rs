//! The acts of one person over their cases: facts for a reviewer that only the server can know. An act is compared with those that
//! came before it, because a receipt never changes.

use std::{
    collections::{BTreeSet, HashSet},
    ops::ControlFlow,
};

use doorstep_document::Change;
use doorstep_domain::{ActionId, Body, CaseId, Receipt, Reckoning, UnixMs};
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
        person_acts::forget_before(tx, now.plus(-KEPT_MS))?;
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
        let is_too_fast = |was: &Was| self.rules.too_fast(here.metres_to(&was.position), self.act.at.since(was.at)).is_some();
        Ok(places.iter().any(is_too_fast))
    }
}
