//! A sheet: an outlet's day, folded from its entries as a case is from its own (domain 9.5, 9.6).

use doorstep_domain::{Body, Recorded, SheetFacts, Standing};
use serde::Serialize;

use crate::case::{in_order, once};

/// An outlet's day, as its entries say it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Sheet {
    /// Which outlet's, and which day.
    #[serde(flatten)]
    pub facts: SheetFacts,
    /// Its entries by when they happened, each once.
    pub timeline: Vec<Recorded>,
    /// Those that the server refused or head office discarded; they say nothing here.
    pub quarantined: Vec<Recorded>,
}

impl Sheet {
    /// Folds entries in any order, however often each comes. `None` without a single entry that says of which sheet it is.
    pub fn fold(entries: impl IntoIterator<Item = Recorded>) -> Option<Self> {
        let (quarantined, mut timeline): (Vec<_>, Vec<_>) =
            entries.into_iter().partition(|r| matches!(r.standing, Standing::Quarantined { .. }));
        once(&mut timeline);
        let (timeline, quarantined) = (in_order(timeline), in_order(quarantined));
        // Every reader has checked them against the document's id, so all say the same.
        let facts = timeline.iter().chain(&quarantined).find_map(|r| r.entry.sheet.clone())?;
        Some(Self { facts, timeline, quarantined })
    }

    /// Who opened the day first, and when. Two tablets without a network may both open it: both entries stay, and the earlier act counts.
    pub fn opened(&self) -> Option<&Recorded> {
        self.timeline.iter().find(|r| matches!(r.entry.body, Body::SheetDay(_)))
    }

    /// The notes, in the order in which they were written.
    pub fn notes(&self) -> impl Iterator<Item = &Recorded> {
        self.timeline.iter().filter(|r| matches!(r.entry.body, Body::SheetNote(_)))
    }
}
