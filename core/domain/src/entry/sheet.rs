//! Entries of a sheet: an outlet's day, with what belongs to no single parcel (domain 9.5, 9.6).

use serde::Serialize;

use crate::{Day, DocRef, NetworkCode, OutletCode, Personal};

/// Of which sheet an entry is. The first entry that an installation writes in a sheet says it, so that the sheet's id can be checked
/// and its outlet is known to whoever has nothing but the change.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct SheetFacts {
    /// The network.
    pub network: NetworkCode,
    /// The outlet whose day it is.
    pub outlet: OutletCode,
    /// The day by the network's clocks.
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

/// The day was opened: who and when, as of every entry.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct SheetDay {
    /// What there is to say.
    pub words: Option<Personal>,
}
