//! What a writer says, before a change gives it a key.

use doorstep_domain::{ActionId, Author, Body, ChangeHash, Facts, Release, SheetFacts, TimeEvidence};

/// An entry before it is written: its key comes from the change.
#[derive(Debug, Clone, PartialEq)]
pub struct NewEntry {
    /// Who writes.
    pub author: Author,
    /// Rule pack in force on the device.
    pub pack_version: u32,
    /// When.
    pub time: TimeEvidence,
    /// The user action, if it touches several cases.
    pub action: Option<ActionId>,
    /// The parcel's facts; demanded in an installation's first change of a case.
    pub facts: Option<Facts>,
    /// Of which sheet it is; demanded in an installation's first change of a sheet.
    pub sheet: Option<SheetFacts>,
    /// What it was released from; the server's writings alone have one.
    pub release: Option<Release>,
    /// The change that this one writes anew.
    pub rewrites: Option<ChangeHash>,
    /// What it says.
    pub body: Body,
}

impl NewEntry {
    /// An entry with nothing but what every entry has.
    pub fn of(author: Author, pack_version: u32, time: TimeEvidence, body: Body) -> Self {
        Self { author, pack_version, time, action: None, facts: None, sheet: None, release: None, rewrites: None, body }
    }
}
