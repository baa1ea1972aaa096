//! What is a sheet's own at the server: whose right it is to write one, who reads it, and reading it. All else is as for a case.

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

/// Whose sheet a change is of: as the log says, else as the change itself does, which its reader has held against the id.
pub(crate) fn concerned(doc: &Doc, change: &Change) -> Concerned {
    let said = || change.entries().iter().find_map(|entry| Some(entry.sheet.as_ref()?.outlet.clone()));
    let outlet: Option<OutletCode> = doc.outlet.parse().ok().or_else(said);
    // Without either nothing is known, and no place of a parcel may hold.
    outlet.map(Concerned::sheet).unwrap_or_default()
}

/// Who reads a sheet: its outlet alone.
pub(crate) fn scopes_of(doc: &Doc) -> Vec<Scope> {
    vec![Scope::Outlet(doc.outlet.clone())]
}

/// The sheet of an outlet's day; `None`: nothing is recorded in it.
pub(crate) fn read(tx: &Tx<'_>, outlet: &str, day: &str) -> Result<Option<Sheet>, ApiError> {
    let Some(id) = docs::sheet(tx, outlet, day)? else { return Ok(None) };
    Ok(Sheet::fold(case_log::entries(tx, &id)?.0))
}
