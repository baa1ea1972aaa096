//! The two cases of a swap: each is told the other parcel's waybill, problem and state, and no more, so that an outlet that may not read
//! the other case knows how it stands. Head office writes it into the case at first when one of them names the other's parcel, and again
//! when the problem or the state changes.

use doorstep_document::{HARD_CASE_CHANGES, NewEntry};
use doorstep_domain::{Body, CaseId, Facts, Linked, Receipt, UnixMs};
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

/// Links a case with those of the parcels that its registrations name, where the pack links them. A registration that head office is to
/// review links nothing: anybody could learn how a guessed parcel stands.
pub(crate) fn note(tx: &Tx<'_>, case: &CaseId, folded: &Case, book: &Rulebook) -> Result<(), ApiError> {
    let pack = &book.newest().pack;
    let Facts { network, waybill, .. } = &folded.facts;
    for recorded in folded.standing() {
        let Body::Problem(problem) = &recorded.entry.body else { continue };
        let Some(other) = problem.other.as_ref().filter(|other| *other != waybill) else { continue };
        let is_taken = recorded.standing.receipt().is_some_and(|receipt| !receipt.review);
        if is_taken && pack.code(problem.reason.as_str()).is_some_and(|code| code.links) {
            let of_other = CaseId::of(network, other);
            if linked::count(tx, case)? >= MOST_LINKS || linked::count(tx, &of_other)? >= MOST_LINKS {
                continue;
            }
            linked::add(tx, case, &of_other, other)?;
            linked::add(tx, &of_other, case, waybill)?;
        }
    }
    Ok(())
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
