//! How a list row changes by itself: what a judgement will be when its running deadlines pass and nothing is recorded. So a list
//! is right after midnight without reading any case again.

use doorstep_domain::UnixMs;
use serde::{Deserialize, Serialize};

use crate::{Case, Judgement, Rulebook, judge};

/// The part of a list row that time changes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Turn {
    /// From when it holds, milliseconds since 1970.
    pub from_ms: i64,
    /// The earliest running deadline.
    pub due_ms: Option<i64>,
    /// Where the case stands.
    pub state: String,
    /// What is next.
    pub next_step: String,
    /// Ruling or outcome; empty if none.
    pub decision: String,
    /// Clocks missed, separated by spaces.
    pub missed: String,
    /// Flags, separated by spaces.
    pub flags: String,
}

/// Most turns worked out ahead. Whoever needs more reads the case again.
const AHEAD: usize = 6;

impl Turn {
    /// The row as judged at a moment.
    pub fn of(judged: &Judgement, from: UnixMs) -> Self {
        Self {
            from_ms: from.0,
            due_ms: judged.next_due().map(|due| due.0),
            state: judged.state.as_str().to_owned(),
            next_step: judged.next_step.as_str().to_owned(),
            decision: judged.decision.clone().unwrap_or_default(),
            missed: judged.missed().join(" "),
            flags: judged.flags.iter().map(|flag| flag.as_str()).collect::<Vec<_>>().join(" "),
        }
    }

    /// The turns that come after a judgement, in order, each with what will be judged then. The last one may have a deadline of
    /// its own, after which the case has to be read again.
    pub fn ahead(case: &Case, book: &Rulebook, judged: &Judgement) -> Vec<(Self, Judgement)> {
        let mut turns: Vec<(Self, Judgement)> = Vec::new();
        let mut due = judged.next_due();
        while let Some(at) = due.filter(|_| turns.len() < AHEAD) {
            let from = at.plus(1);
            let then = judge(case, book, from);
            due = then.next_due();
            turns.push((Self::of(&then, from), then));
        }
        turns
    }
}
