//! The two cases of a swap: each is told the other parcel's waybill, problem and state, and no more, so that an outlet that may not read
//! the other case knows how it stands. Head office writes it into the case at first when one of them names the other's parcel, and again
//! when the problem or the state changes.

use doorstep_document::{HARD_CASE_CHANGES, NewEntry};
use doorstep_domain::{Body, CaseId, Facts, Linked, NetworkCode, Receipt, UnixMs, Waybill};
use doorstep_rules::{Case, Rulebook};

use crate::{
    error::ApiError,
    keys::Keys,
    log, own,
    store::{
        acts, docs,
        linked::{self, Link},
        packs,
        tx::Tx,
    },
};

/// The most links that are looked at in one transaction.
const MOST_LOOKED_AT: u32 = 50;

/// The most cases with which one is linked. A swap has two parcels, and a mistaken number makes one more.
const MOST_LINKS: u32 = 4;

/// The parcels with whose cases a case is linked by its registrations, where the pack links them.
pub(crate) struct Links {
    network: NetworkCode,
    waybill: Waybill,
    others: Vec<Waybill>,
}

impl Links {
    /// A registration that head office is to review links nothing: anybody could learn how a guessed parcel stands.
    pub(crate) fn of(folded: &Case, book: &Rulebook) -> Self {
        let pack = &book.newest().pack;
        let Facts { network, waybill, .. } = &folded.facts;
        let mut others = Vec::new();
        for recorded in folded.standing() {
            let Body::Problem(problem) = &recorded.entry.body else { continue };
            let Some(other) = problem.other.as_ref().filter(|other| *other != waybill) else { continue };
            let is_taken = recorded.standing.receipt().is_some_and(|receipt| !receipt.review);
            if is_taken && pack.code(problem.reason.as_str()).is_some_and(|code| code.links) {
                others.push(other.clone());
            }
        }
        Self { network: network.clone(), waybill: waybill.clone(), others }
    }

    /// Links the case, whose row was written, in both directions. A number that was mistaken links no more.
    pub(crate) fn note(&self, tx: &Tx<'_>, case: &CaseId) -> Result<(), ApiError> {
        for (of_other, other) in linked::named(tx, case)? {
            if !self.others.contains(&other) {
                linked::no_longer_named(tx, case, &of_other)?;
            }
        }
        for other in &self.others {
            let of_other = CaseId::of(&self.network, other);
            let is_full = linked::count(tx, case)? >= MOST_LINKS || linked::count(tx, &of_other)? >= MOST_LINKS;
            if is_full && !linked::stands(tx, case, &of_other)? {
                continue;
            }
            linked::add(tx, case, (&of_other, other), true)?;
            linked::add(tx, &of_other, (case, &self.waybill), false)?;
        }
        row_was_written(tx, case)
    }
}

/// Marks the links of a case to be looked at, because its row was written.
pub(crate) fn row_was_written(tx: &Tx<'_>, case: &CaseId) -> Result<(), ApiError> {
    Ok(linked::row_was_written(tx, case)?)
}

/// Whether links wait to be looked at.
pub(crate) fn has_due(tx: &Tx<'_>) -> Result<bool, ApiError> {
    Ok(linked::has_due(tx)?)
}

/// Tells linked cases what has changed in each other. True if it has written into one.
pub(crate) fn tell(tx: &Tx<'_>, now: UnixMs) -> Result<bool, ApiError> {
    let mut has_told = false;
    for Link { case, other, news } in linked::take_due(tx, MOST_LOOKED_AT)? {
        let Some(news) = news else { continue };
        linked::told(tx, (&case, &other), &news)?;
        if docs::read(tx, &case)?.n >= HARD_CASE_CHANGES as u64 {
            log!(warn, "a full case is not told of a linked one any more", case = case);
            continue;
        }
        let keys = Keys::read(tx)?;
        let body = Body::Linked(Linked { waybill: news.waybill, reason: news.reason, state: news.state });
        let entry = own::entry(own::server()?, packs::version_at(tx, now)?, now, body);
        let is_first = acts::newest_seq(tx, &case, &keys.install)? == 0;
        let facts = if is_first { own::facts(tx, &case)? } else { None };
        let receipt = Receipt::of(now, Some(now));
        own::append(tx, &keys, &case, &[NewEntry { facts, ..entry }], receipt, (&keys.device, now))?;
        has_told = true;
    }
    Ok(has_told)
}
