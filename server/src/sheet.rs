//! The parts of the server that are specific to sheets: the right to write one, its scopes, and reading it. Everything else works
//! as for a case.

use doorstep_document::Change;
use doorstep_domain::OutletCode;
use doorstep_protocol::Scope;
use doorstep_rules::{Concerned, Sheet};

use crate::{
    case_log,
    error::ApiError,
    store::{
        docs::{self, Doc},
        tx::Tx,
    },
};

/// The outlet whose sheet a change is of, from the log, or else from the change itself, whose reader has checked it against the
/// id.
pub(crate) fn concerned(doc: &Doc, change: &Change) -> Concerned {
    let said = || change.entries().iter().find_map(|entry| Some(entry.sheet.as_ref()?.outlet.clone()));
    let outlet: Option<OutletCode> = doc.outlet.parse().ok().or_else(said);
    // Without an outlet nobody is concerned, and the roles of a parcel must not apply.
    outlet.map(Concerned::sheet).unwrap_or_default()
}

/// The scopes of a sheet: only its outlet reads it.
pub(crate) fn scopes_of(doc: &Doc) -> Vec<Scope> {
    vec![Scope::Outlet(doc.outlet.clone())]
}

/// The sheet of an outlet's day; `None` if it has no entry.
pub(crate) fn read(tx: &Tx<'_>, outlet: &str, day: &str) -> Result<Option<Sheet>, ApiError> {
    let Some(id) = docs::sheet(tx, outlet, day)? else { return Ok(None) };
    Ok(Sheet::fold(case_log::entries(tx, &id)?))
}
