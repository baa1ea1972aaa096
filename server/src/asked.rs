//! Who is asked something about a parcel, and where a parcel is that was sent on. The asked outlet or hub reads the case from the
//! question's receipt on. When a site confirms an arrival, head office's list says that it delivers the parcel, so that scopes, rights,
//! rows and judgements follow as they follow a list. A later list that names another outlet than the one before wins.

use doorstep_document::Change;
use doorstep_domain::{Answered, Author, Body, CaseId, EntryKey, OutletCode, Receipt, Role, UnixMs};
use doorstep_protocol::Scope;

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

/// The scopes of the outlets and hubs that read a case because they are asked. A code does not tell whether it is an outlet's or a hub's, and people may be enrolled later, so both scopes get the case.
pub(crate) fn scopes_of(tx: &Tx<'_>, case: &CaseId, scopes: &mut Vec<Scope>) -> Result<(), StoreError> {
    for Asked { outlet, .. } in asked::of_case(tx, case)? {
        scopes.push(Scope::Hub(outlet.to_string()));
        scopes.push(Scope::Outlet(outlet.to_string()));
    }
    Ok(())
}

/// The scopes of the outlets that delivered the parcel before it was sent on. They go on reading the case, and have no use for the
/// customer's data.
pub(crate) fn former_scopes_of(tx: &Tx<'_>, case: &CaseId, scopes: &mut Vec<Scope>) -> Result<(), StoreError> {
    let former = asked::of_case(tx, case)?.into_iter().filter_map(|asked| asked.former);
    scopes.extend(former.map(|former| Scope::Outlet(former.to_string())));
    Ok(())
}

/// The outlets and hubs that are asked.
pub(crate) fn outlets(tx: &Tx<'_>, case: &CaseId) -> Result<Vec<OutletCode>, StoreError> {
    Ok(asked::of_case(tx, case)?.into_iter().map(|asked| asked.outlet).collect())
}

/// Whether an answer is to a question to its author's outlet.
pub(crate) fn may_answer(tx: &Tx<'_>, case: &CaseId, author: &Author, answer: &Answered) -> Result<bool, StoreError> {
    Ok(asked::by_entry(tx, case, &answer.ask)?.is_some_and(|asked| asked.outlet == author.outlet))
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
            // Who reads a case is decided by those who may record in it without a review. For a waybill in no list that is the outlet
            // that recorded it first, as with notices.
            body if body.asks().is_some() => {
                let may_ask = !receipt.review || author.outlet.as_str() == doc.first_outlet;
                if let Some(outlet) = body.asks().filter(|_| may_ask) {
                    asked::add(tx, case, &entry.key, outlet, matches!(body, Body::Action(_)))?;
                }
            }
            Body::Answered(answer) if !receipt.review => {
                let Some(question) = asked::by_entry(tx, case, &answer.ask)? else { continue };
                if question.outlet == author.outlet && author.role != Role::Hub {
                    has_moved |= move_by(tx, doc, case, (&entry.key, answer, &question), now)?;
                }
            }
            Body::Correction(correction) => {
                asked::remove(tx, case, &correction.of)?;
                if let Some(question) = asked::by_answer(tx, case, &correction.of)? {
                    has_moved |= move_back(tx, doc, case, &question, now)?;
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
    (key, answer, question): (&EntryKey, &Answered, &Asked),
    now: UnixMs,
) -> Result<bool, ApiError> {
    match (answer.here, &question.former) {
        (true, None) if question.forwards => {
            let Some(named) = parcels::named(tx, &doc.waybill)? else { return Ok(false) };
            if named.delivering == question.outlet || !people::is_outlet(tx, question.outlet.as_str())? {
                return Ok(false);
            }
            asked::arrived(tx, case, &answer.ask, Some((key, &named.delivering)))?;
            deliver(tx, doc, &question.outlet, now)
        }
        // It has not arrived after all.
        (false, Some(_)) => move_back(tx, doc, case, &answer.ask, now),
        _ => Ok(false),
    }
}

/// Gives a parcel back to the outlet that delivered it before, unless it is elsewhere by now.
fn move_back(tx: &Tx<'_>, doc: &mut Doc, case: &CaseId, question: &EntryKey, now: UnixMs) -> Result<bool, ApiError> {
    let Some(Asked { outlet, former: Some(former), .. }) = asked::by_entry(tx, case, question)? else { return Ok(false) };
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
