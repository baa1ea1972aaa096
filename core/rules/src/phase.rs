//! Phases of a list row: the judgements that follow without new entries, when running deadlines pass or another version of the
//! rules takes effect. With them a list is correct after midnight without reading any case again.

use doorstep_domain::UnixMs;
use serde::{Deserialize, Serialize};

use crate::{
    Case, Deadline, Duty, Judgement, On, Rulebook,
    judge::judge_until,
    tally::{Work, note},
};

/// The part of a list row that time changes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Phase {
    /// Start of the phase, milliseconds since 1970.
    pub from_ms: i64,
    /// End of the phase; `None` if it does not end by itself.
    pub until_ms: Option<i64>,
    /// The earliest running deadline.
    pub due_ms: Option<i64>,
    /// The state of the case.
    pub state: String,
    /// The next step.
    pub next_step: String,
    /// Decision in force, or outcome; empty if none.
    pub decision: String,
    /// Clocks missed, separated by spaces.
    pub missed: String,
    /// Flags, separated by spaces.
    pub flags: String,
    /// All that is due, the most urgent first.
    #[serde(default)]
    pub duties: Vec<Duty>,
}

/// A row that was judged for a time at most this far ahead of now is kept, because it is correct again within a minute, and a
/// clock correction of a second must not cause every row to be judged again. If a row is further ahead, the clock was wrong, and
/// the row is judged again.
pub const AHEAD_OF_NOW_MS: i64 = 60_000;

/// Most phases that are computed ahead. After the last one the case is read again.
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
            duties: judged.duties.clone(),
        }
    }

    /// Judges a case at a moment, and at each later moment when the judgement changes without new entries, up to the limit of
    /// phases. Each phase lasts until the next; after the last one the case must be read again.
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

    /// When a judgement changes without new entries: a deadline passes (also one of another version or row that may have been in
    /// force), a daily duty recurs, a version takes effect, or a time is reached that a clock ahead of ours has written.
    fn until(case: &Case, book: &Rulebook, judged: &Judgement, other_due: Option<UnixMs>, now: UnixMs) -> Option<UnixMs> {
        let times = case.timeline.iter().flat_map(|r| [Some(r.acted_at()), r.standing.receipt().map(|it| it.received_at)]);
        let switches = book.versions().map(|published| Some(published.valid_from));
        let later = times.chain(switches).flatten().filter(|at| *at > now);
        let is_daily = |deadline: &&Deadline| {
            let version = book.version(deadline.pack_version);
            version.and_then(|it| it.pack.clock(&deadline.clock)).is_some_and(|clock| clock.starts.on == On::Day)
        };
        // Of a daily duty whose times are deadlines of their own, the passed ones change nothing any more.
        let daily = judged.deadlines.iter().filter(is_daily).filter_map(|deadline| deadline.due_at).filter(|due| *due >= now);
        let due = daily.chain(judged.next_due()).chain(other_due).map(|due| due.plus(1));
        // A duty for the next of its times begins in the middle before it.
        let begins = judged.deadlines.iter().filter(is_daily).map(|deadline| deadline.started_at).filter(|at| *at > now);
        later.chain(due).chain(begins).min()
    }
}

/// A judgement with its list row, and the later phases.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Phases {
    /// The judgement now.
    pub judgement: Judgement,
    /// Its row.
    pub phase: Phase,
    /// The later ones, in order.
    pub later: Vec<(Phase, Judgement)>,
}
