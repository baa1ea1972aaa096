//! Entries of a sheet, which is an outlet's day. They belong to no single parcel (domain 9.5, 9.6).

use serde::Serialize;

use crate::{Day, DocRef, NetworkCode, OutletCode, Personal};

/// The facts that identify a sheet. The first entry that an installation writes in a sheet has them, so that a reader of the
/// change alone can check the sheet's id and knows its outlet.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct SheetFacts {
    /// The network.
    pub network: NetworkCode,
    /// The outlet whose day it is.
    pub outlet: OutletCode,
    /// The day in the network's time zone.
    pub day: Day,
}

impl SheetFacts {
    /// The document.
    pub fn doc(&self) -> DocRef {
        DocRef::sheet(&self.network, &self.outlet, self.day)
    }
}

/// A signed note of an outlet's day.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct SheetNote {
    /// Its text.
    pub words: Personal,
}

/// The day was opened. Author and time are those of the entry.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct SheetDay {
    /// Remarks in words.
    pub words: Option<Personal>,
}
