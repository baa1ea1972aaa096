//! How a list row changes by itself: what a judgement will be when its running deadlines pass, or another version of the rules
//! takes effect, and nothing is recorded. So a list is right after midnight without reading any case again.

use doorstep_domain::UnixMs;
use serde::{Deserialize, Serialize};

use crate::{
    Case, Deadline, Judgement, On, Rulebook,
    judge::judge_until,
    tally::{Work, note},
};

/// The part of a list row that time changes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Phase {
    /// From when it holds, milliseconds since 1970.
    pub from_ms: i64,
    /// When it changes by itself; `None`: never.
    pub until_ms: Option<i64>,
    /// The earliest running deadline.
    pub due_ms: Option<i64>,
    /// Where the case stands.
    pub state: String,
    /// What is next.
    pub next_step: String,
    /// Decision in force, or outcome; empty if none.
    pub decision: String,
    /// Clocks missed, separated by spaces.
    pub missed: String,
    /// Flags, separated by spaces.
    pub flags: String,
}

/// A row that was judged for a time up to so far ahead of now stays: it is right again in a minute, and a time service that takes a
/// second back must not have every row judged anew. Further ahead, a clock was wrong, and the row follows it back.
pub const AHEAD_OF_NOW_MS: i64 = 60_000;

/// Most phases worked out ahead. Whoever needs more reads the case again.
const AHEAD: usize = 6;

impl Phase {
    fn of(judged: &Judgement, from: UnixMs, until: Option<UnixMs>) -> Self {
        Self {
            from_ms: from.0,
            until_ms: until.map(|until| until.0),
            due_ms: judged.next_due().map(|due| due.0),
            state: judged.state.as_str().to_owned(),
            next_step: judged.next_step.as_str().to_owned(),
            decision: judged.decision.clone().unwrap_or_default(),
            missed: judged.missed().join(" "),
            flags: judged.flags.iter().map(|flag| flag.as_str()).collect::<Vec<_>>().join(" "),
        }
    }

    /// Judges a case at a moment, and then at each moment when that changes by itself, as far as phases are worked out ahead. Each
    /// holds until the next; after the last one's end the case has to be read again.
    pub fn ahead(case: &Case, book: &Rulebook, now: UnixMs) -> Phases {
        note(Work::Judgement);
        note(Work::Phases);
        let (judgement, other_due) = judge_until(case, book, now);
        let mut until = Self::until(case, book, &judgement, other_due, now);
        let mut phases = Phases { phase: Self::of(&judgement, now, until), judgement, later: Vec::new() };
        while let Some(from) = until.filter(|_| phases.later.len() < AHEAD) {
            let (then, other_due) = judge_until(case, book, from);
            until = Self::until(case, book, &then, other_due, from);
            phases.later.push((Self::of(&then, from, until), then));
        }
        phases
    }

    /// When a judgement changes by itself: a deadline has passed, also one of a version or a row that may have been in force, a daily
    /// duty comes again, a version takes effect, or a time comes that a clock which is ahead of ours has written.
    fn until(case: &Case, book: &Rulebook, judged: &Judgement, other_due: Option<UnixMs>, now: UnixMs) -> Option<UnixMs> {
        let times = case.timeline.iter().flat_map(|r| [Some(r.acted_at()), r.standing.receipt().map(|it| it.received_at)]);
        let switches = book.versions().map(|published| Some(published.valid_from));
        let later = times.chain(switches).flatten().filter(|at| *at > now);
        let is_daily = |deadline: &&Deadline| {
            let version = book.version(deadline.pack_version);
            version.and_then(|it| it.pack.clock(&deadline.clock)).is_some_and(|clock| clock.starts.on == On::Day)
        };
        let daily = judged.deadlines.iter().filter(is_daily).filter_map(|deadline| deadline.due_at);
        let due = daily.chain(judged.next_due()).chain(other_due).map(|due| due.plus(1));
        later.chain(due).min()
    }
}

/// A judgement, the row that it gives, and those that follow by themselves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Phases {
    /// The judgement now.
    pub judgement: Judgement,
    /// Its row.
    pub phase: Phase,
    /// The later ones, in order.
    pub later: Vec<(Phase, Judgement)>,
}
