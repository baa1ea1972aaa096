//! Sheets: an outlet's day, folded from its entries like a case (domain 9.5, 9.6).

use doorstep_domain::{Body, Recorded, SheetFacts, Standing};
use serde::Serialize;

use crate::case::{in_order, once};

/// An outlet's day, derived from its entries.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Sheet {
    /// The outlet and the day.
    #[serde(flatten)]
    pub facts: SheetFacts,
    /// Its entries by when they happened, each once.
    pub timeline: Vec<Recorded>,
    /// Entries that the server refused or head office discarded. They do not count.
    pub quarantined: Vec<Recorded>,
}

impl Sheet {
    /// Folds entries in any order and with repetitions. `None` if no entry has the sheet's facts.
    pub fn fold(entries: impl IntoIterator<Item = Recorded>) -> Option<Self> {
        let (quarantined, mut timeline): (Vec<_>, Vec<_>) =
            entries.into_iter().partition(|r| matches!(r.standing, Standing::Quarantined { .. }));
        once(&mut timeline);
        let (timeline, quarantined) = (in_order(timeline), in_order(quarantined));
        // Every reader has checked the facts against the document's id, so all are equal.
        let facts = timeline.iter().chain(&quarantined).find_map(|r| r.entry.sheet.clone())?;
        Some(Self { facts, timeline, quarantined })
    }

    /// The entry that opened the day first. Two tablets without a network may both open it; both entries stay, and the earlier
    /// act counts.
    pub fn opened(&self) -> Option<&Recorded> {
        self.timeline.iter().find(|r| matches!(r.entry.body, Body::SheetDay(_)))
    }

    /// The notes, in the order in which they were written.
    pub fn notes(&self) -> impl Iterator<Item = &Recorded> {
        self.timeline.iter().filter(|r| matches!(r.entry.body, Body::SheetNote(_)))
    }
}
