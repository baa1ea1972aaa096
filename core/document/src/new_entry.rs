//! Entries before they are written.

use doorstep_domain::{ActionId, Author, Body, ChangeHash, Facts, Release, SheetFacts, TimeEvidence};

/// An entry before it is written. Its key will come from the change.
#[derive(Debug, Clone, PartialEq)]
pub struct NewEntry {
    /// The author.
    pub author: Author,
    /// Rule pack in force on the device.
    pub pack_version: u32,
    /// The time evidence.
    pub time: TimeEvidence,
    /// The user action, if it touches several cases.
    pub action: Option<ActionId>,
    /// The parcel's facts; required in an installation's first change of a case.
    pub facts: Option<Facts>,
    /// The sheet's facts; required in an installation's first change of a sheet.
    pub sheet: Option<SheetFacts>,
    /// The release from quarantine; only the server's entries have one.
    pub release: Option<Release>,
    /// The change that this one writes anew.
    pub rewrites: Option<ChangeHash>,
    /// The content.
    pub body: Body,
}

impl NewEntry {
    /// An entry with nothing but what every entry has.
    pub fn of(author: Author, pack_version: u32, time: TimeEvidence, body: Body) -> Self {
        Self { author, pack_version, time, action: None, facts: None, sheet: None, release: None, rewrites: None, body }
    }
}
