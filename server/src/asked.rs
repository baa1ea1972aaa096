//! Who is asked something about a parcel, and where a parcel is that was sent on. The asked outlet or hub reads the case from the
//! question's receipt on. When a site confirms an arrival, head office's list says that it delivers the parcel, so that scopes, rights,
//! rows and judgements follow as they follow a list. A later list that names another outlet than the one before wins.

use doorstep_document::Change;
use doorstep_domain::{Answered, Author, Body, CaseId, Entry, EntryKey, OutletCode, Receipt, Role, UnixMs, UserId};
use doorstep_protocol::Scope;
use doorstep_rules::MOST_ASKS;

use crate::{
    error::ApiError,
    facts,
    store::{
        asked::{self, Asked},
        docs::Doc,
        parcels, people,
        tx::{StoreError, Tx},
    },
};

fn is_listed(tx: &Tx<'_>, waybill: &str) -> Result<bool, StoreError> {
    Ok(parcels::named(tx, waybill)?.is_some())
}

/// The scopes of the outlets and hubs that read a case because they are asked. A code does not tell whether it is an outlet's or a hub's,
/// and people may be enrolled later, so both scopes get the case.
pub(crate) fn scopes_of(tx: &Tx<'_>, case: &CaseId, waybill: &str, scopes: &mut Vec<Scope>) -> Result<(), StoreError> {
    for outlet in outlets(tx, case, waybill)? {
        scopes.push(Scope::Hub(outlet.to_string()));
        scopes.push(Scope::Outlet(outlet.to_string()));
    }
    Ok(())
}

/// The scopes of the outlets that delivered the parcel before it was sent on. They go on reading the case, and have no use for the
/// customer's data.
pub(crate) fn former_scopes_of(tx: &Tx<'_>, case: &CaseId, waybill: &str, scopes: &mut Vec<Scope>) -> Result<(), StoreError> {
    scopes.extend(former(tx, case, waybill)?.into_iter().map(|former| Scope::Outlet(former.to_string())));
    Ok(())
}

/// The outlets that delivered the parcel before it was sent on.
pub(crate) fn former(tx: &Tx<'_>, case: &CaseId, waybill: &str) -> Result<Vec<OutletCode>, StoreError> {
    Ok(asked::of_case(tx, case, is_listed(tx, waybill)?)?.into_iter().filter_map(|asked| asked.former).collect())
}

/// The outlets and hubs that are asked.
pub(crate) fn outlets(tx: &Tx<'_>, case: &CaseId, waybill: &str) -> Result<Vec<OutletCode>, StoreError> {
    Ok(asked::of_case(tx, case, is_listed(tx, waybill)?)?.into_iter().map(|asked| asked.outlet).collect())
}

/// Whether an answer is to a question to its author's outlet.
pub(crate) fn may_answer(
    tx: &Tx<'_>,
    (case, waybill): (&CaseId, &str),
    author: &Author,
    answer: &Answered,
) -> Result<bool, StoreError> {
    let question = asked::by_entry(tx, case, &answer.ask, is_listed(tx, waybill)?)?;
    Ok(question.is_some_and(|asked| asked.outlet == author.outlet))
}

/// Whether a question or an action gives its outlet the right to read the case. It must come from somebody who may record it without a
/// review. A parcel is sent on only by those who have it, while its case is open: a courier of an earlier list could else take it back.
/// For a waybill in no list the outlet that recorded it first may ask, as with notices. Nobody gives themselves a right.
fn may_ask(
    tx: &Tx<'_>,
    (case, doc): (&CaseId, &Doc),
    author: &Author,
    (body, receipt): (&Body, &Receipt),
) -> Result<bool, StoreError> {
    if body.asks().is_none_or(|outlet| *outlet == author.outlet) || doc.closed {
        return Ok(false);
    }
    let Some(named) = parcels::named(tx, &doc.waybill)? else { return Ok(author.outlet.as_str() == doc.first_outlet) };
    let has_it = match author.role {
        Role::Hub => {
            let sent_to_it = |asked: &Asked| asked.forwards && asked.outlet == author.outlet;
            named.hub.as_ref() == Some(&author.outlet) || asked::of_case(tx, case, true)?.iter().any(sent_to_it)
        }
        Role::HqCs => true,
        _ => named.delivering == author.outlet,
    };
    Ok(!receipt.review && (has_it || matches!(body, Body::Ask(_))))
}

/// Whether somebody may take back an entry: its author, their outlet, and head office's reviewer may, as in the judgement of a case.
fn may_correct(author: &Author, (user, outlet): (&UserId, &OutletCode)) -> bool {
    author.role == Role::HqReviewer || author.user == *user || author.outlet == *outlet
}

/// Follows the questions and answers of an accepted change. True if the list has moved the parcel.
pub(crate) fn follow(
    tx: &Tx<'_>,
    doc: &mut Doc,
    case: &CaseId,
    (change, receipt, now): (&Change, &Receipt, UnixMs),
) -> Result<bool, ApiError> {
    let mut has_moved = false;
    for entry in change.entries() {
        let author = &entry.author;
        match &entry.body {
            body if body.asks().is_some() => {
                let may_ask = may_ask(tx, (case, doc), author, (body, receipt))?;
                if let Some(outlet) = body.asks().filter(|_| may_ask) {
                    let how = (matches!(body, Body::Action(_)), !is_listed(tx, &doc.waybill)?, MOST_ASKS);
                    asked::add(tx, case, (&entry.key, author), outlet, how)?;
                }
            }
            Body::Answered(answer) if !receipt.review => {
                let listed = is_listed(tx, &doc.waybill)?;
                let Some(question) = asked::by_entry(tx, case, &answer.ask, listed)? else { continue };
                if question.outlet == author.outlet && author.role != Role::Hub {
                    has_moved |= move_by(tx, doc, case, (entry, answer, &question), (receipt, now))?;
                }
            }
            Body::Correction(correction) => {
                let listed = is_listed(tx, &doc.waybill)?;
                if let Some(question) = asked::by_entry(tx, case, &correction.of, listed)?
                    && may_correct(author, (&question.by.0, &question.by.1))
                {
                    asked::remove(tx, case, &correction.of)?;
                }
                let Some(key) = asked::by_answer(tx, case, &correction.of)? else { continue };
                let Some(question) = asked::by_entry(tx, case, &key, listed)? else { continue };
                let answerer = question.answerer.as_ref().unwrap_or(&question.by.0);
                if may_correct(author, (answerer, &question.outlet)) {
                    has_moved |= move_back(tx, doc, case, &key, now)?;
                }
            }
            _ => {}
        }
    }
    Ok(has_moved)
}

/// Moves a parcel that was sent on by its site's answer.
fn move_by(
    tx: &Tx<'_>,
    doc: &mut Doc,
    case: &CaseId,
    (entry, answer, question): (&Entry, &Answered, &Asked),
    (receipt, now): (&Receipt, UnixMs),
) -> Result<bool, ApiError> {
    // A list that was received later wins, also over an answer that head office releases now.
    if parcels::courier_at(tx, &doc.waybill)?.is_some_and(|at| at > receipt.received_at) {
        return Ok(false);
    }
    match (answer.here, &question.former) {
        (true, None) if question.forwards => {
            let Some(named) = parcels::named(tx, &doc.waybill)? else { return Ok(false) };
            if named.delivering == question.outlet || !people::is_outlet(tx, question.outlet.as_str())? {
                return Ok(false);
            }
            asked::arrived(tx, case, &answer.ask, Some((&entry.key, &entry.author.user, &named.delivering)))?;
            deliver(tx, doc, &question.outlet, now)
        }
        // It has not arrived after all.
        (false, Some(_)) => move_back(tx, doc, case, &answer.ask, now),
        _ => Ok(false),
    }
}

/// Gives a parcel back to the outlet that delivered it before, unless it is elsewhere by now.
fn move_back(tx: &Tx<'_>, doc: &mut Doc, case: &CaseId, question: &EntryKey, now: UnixMs) -> Result<bool, ApiError> {
    let Some(Asked { outlet, former: Some(former), .. }) = asked::by_entry(tx, case, question, false)? else { return Ok(false) };
    asked::arrived(tx, case, question, None)?;
    match parcels::named(tx, &doc.waybill)? {
        Some(named) if named.delivering == outlet => deliver(tx, doc, &former, now),
        _ => Ok(false),
    }
}

/// Makes an outlet the one that delivers a parcel. No courier has it there yet.
fn deliver(tx: &Tx<'_>, doc: &mut Doc, outlet: &OutletCode, now: UnixMs) -> Result<bool, ApiError> {
    parcels::forward(tx, &doc.waybill, outlet, now)?;
    (doc.courier, doc.courier_at, doc.offered_to, doc.offer) = (None, None, None, None);
    facts::note(tx, &doc.waybill, now)?;
    Ok(true)
}
