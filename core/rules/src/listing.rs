//! What head office's list says of the parcel: which rows are known, and by which of them an act is judged.
//!
//! Devices copy a row into the facts of their first entry of a case, and nobody believes them: the server says of each copy whether it
//! is the row's, and writes the rows into the case itself where no copy is.

use std::ops::RangeInclusive;

use doorstep_domain::{Body, ChangeHash, EntryKey, Facts, FactsCheck, Recorded, UnixMs};
use serde::Serialize;

use crate::rulebook::When;

/// A row of head office's list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Row {
    /// From when it was in force, until the next one was. `None`: it is the only one known.
    pub since: Option<UnixMs>,
    /// What it says.
    pub facts: Facts,
}

/// Which of the rows that the interval of an act touches it is judged by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Pick {
    /// The one in force at the best estimate.
    Estimate,
    /// The earliest.
    First,
    /// The latest.
    Last,
}

/// The rows of a case as a replica knows them.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Listing {
    /// Oldest first, at least one.
    pub rows: Vec<Row>,
    /// Whether head office says so: it wrote them into the case, or a copy is its row's.
    pub confirmed: bool,
    /// Copies that nobody has compared say something else.
    pub disagree: bool,
}

/// The row that an entry of the server's says, if it is one. What was released from quarantine is somebody else's.
fn listed(recorded: &Recorded) -> Option<(UnixMs, &Facts)> {
    let entry = &recorded.entry;
    let Body::Listed(listed) = &entry.body else { return None };
    let is_servers = entry.author.is_server() && entry.release.is_none() && recorded.standing.receipt().is_some();
    Some((listed.since, entry.facts.as_ref().filter(|_| is_servers)?))
}

/// The rows that head office wrote into the case, each once.
fn listed_rows(entries: &[&Recorded]) -> Vec<Row> {
    let mut rows: Vec<((UnixMs, &EntryKey), &Facts)> =
        entries.iter().filter_map(|r| listed(r).map(|(since, facts)| ((since, &r.entry.key), facts))).collect();
    // The server's own numbering tells which of one moment was later.
    rows.sort_by_key(|((since, key), _)| (*since, key.seq, key.index, key.tag));
    let mut rows: Vec<Row> =
        rows.into_iter().map(|((since, _), facts)| Row { since: Some(since), facts: facts.clone() }).collect();
    rows.dedup_by(|later, earlier| later.facts.says_the_same(&earlier.facts));
    rows
}

/// A device's copy of a row.
struct Copy<'a> {
    facts: &'a Facts,
    /// It is head office's row.
    is_equal: bool,
    /// Whoever wrote it knew no row of the parcel, or says what no row says: it names the parcel and nothing else.
    says_nothing: bool,
    /// It is a row's that was not in force then.
    is_outdated: bool,
    received: UnixMs,
    change: ChangeHash,
}

impl<'a> Copy<'a> {
    fn of(recorded: &'a Recorded) -> Option<Self> {
        let facts = recorded.entry.facts.as_ref().filter(|_| !matches!(recorded.entry.body, Body::Listed(_)))?;
        let receipt = recorded.standing.receipt();
        let check = receipt.map(|receipt| receipt.facts);
        Some(Self {
            facts,
            is_equal: check == Some(FactsCheck::Equal) && !facts.is_unlisted(),
            says_nothing: check == Some(FactsCheck::Altered) || facts.is_unlisted(),
            is_outdated: check == Some(FactsCheck::Outdated),
            received: receipt.map_or(UnixMs(i64::MAX), |receipt| receipt.received_at),
            change: recorded.change,
        })
    }
}

impl Listing {
    /// What the entries say; `None` if none of them carries facts.
    pub fn of<'a>(entries: impl Iterator<Item = &'a Recorded>) -> Option<Self> {
        let entries: Vec<&Recorded> = entries.filter(|r| r.entry.facts.is_some()).collect();
        let mut copies: Vec<Copy<'_>> = entries.iter().filter_map(|r| Copy::of(r)).collect();
        copies.sort_by_key(|copy| (!copy.is_equal, copy.says_nothing, copy.received, copy.change));
        let mut rows = listed_rows(&entries);
        let confirmed = !rows.is_empty() || copies.first().is_some_and(|copy| copy.is_equal);
        if rows.is_empty() {
            let facts = match copies.first() {
                Some(copy) if !copy.says_nothing => copy.facts.clone(),
                // Without a copy: only an entry of that kind that the server did not write.
                _ => nothing_of(entries.first()?.entry.facts.as_ref()?),
            };
            rows.push(Row { since: None, facts });
        }
        let is_row = |facts: &Facts| rows.iter().any(|row| row.facts.says_the_same(facts));
        let disagree = copies.iter().any(|copy| !copy.says_nothing && !copy.is_outdated && !is_row(copy.facts));
        Some(Self { rows, confirmed, disagree })
    }
}

fn nothing_of(facts: &Facts) -> Facts {
    Facts::unlisted(facts.network.clone(), facts.waybill.clone())
}

/// The places of the rows in force between two moments. Before the first row nothing was listed: the first listing judges what
/// happened before it, and no later one does anew.
pub fn in_force(rows: &[Row], from: Option<UnixMs>, until: UnixMs) -> RangeInclusive<usize> {
    let at = |at: UnixMs| {
        let begun = rows.partition_point(|row| row.since.is_none_or(|since| since <= at));
        begun.saturating_sub(1)
    };
    let first = from.map_or(0, at);
    first..=at(until).max(first)
}

/// The row that an act is judged by, and whether the time in which it can have been touches another one.
pub(crate) fn row_of(rows: &[Row], when: &When, pick: Pick) -> (usize, bool) {
    let touched = in_force(rows, Some(when.earliest), when.latest);
    let row = match pick {
        Pick::Estimate => (*in_force(rows, Some(when.at), when.at).end()).clamp(*touched.start(), *touched.end()),
        Pick::First => *touched.start(),
        Pick::Last => *touched.end(),
    };
    (row, touched.start() != touched.end())
}
