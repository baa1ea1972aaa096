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
    store::{acts, docs, linked, packs, tx::Tx},
};

/// The most cases that are told something in one transaction.
const MOST_NEWS: u32 = 50;

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

/// Whether a case is to be told something.
pub(crate) fn has_news(tx: &Tx<'_>) -> Result<bool, ApiError> {
    Ok(!linked::news(tx, 1)?.is_empty())
}

/// Tells linked cases what has changed in each other. True if it has written something.
pub(crate) fn tell(tx: &Tx<'_>, now: UnixMs) -> Result<bool, ApiError> {
    let news = linked::news(tx, MOST_NEWS)?;
    if news.is_empty() {
        return Ok(false);
    }
    let keys = Keys::read(tx)?;
    let version = packs::version_at(tx, now)?;
    for item in &news {
        linked::told(tx, item)?;
        if docs::read(tx, &item.case)?.n >= HARD_CASE_CHANGES as u64 {
            log!(warn, "a full case is not told of a linked one any more", case = item.case);
            continue;
        }
        let body = Linked { waybill: item.waybill.clone(), reason: item.reason.clone(), state: item.state.clone() };
        let entry = own::entry(own::server()?, version, now, Body::Linked(body));
        let is_first = acts::newest_seq(tx, &item.case, &keys.install)? == 0;
        let facts = if is_first { own::facts(tx, &item.case)? } else { None };
        let receipt = Receipt::of(now, Some(now));
        own::append(tx, &keys, &item.case, &[NewEntry { facts, ..entry }], receipt, (&keys.device, now))?;
    }
    Ok(true)
}
