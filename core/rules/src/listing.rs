//! Rows of head office's list for a parcel: which are known, and by which an act is judged.
//!
//! Devices copy a row into the facts of their first entry in a case. Copies are not trusted: the server states for each whether
//! it equals the row, and writes the rows into the case itself where no copy does.

use std::ops::RangeInclusive;

use doorstep_domain::{Body, ChangeHash, EntryKey, Facts, FactsCheck, Recorded, UnixMs};
use serde::Serialize;

use crate::rulebook::When;

/// A row of head office's list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Row {
    /// When it came into force, until the next row did. `None` if it is the only known row.
    pub since: Option<UnixMs>,
    /// The row's facts.
    pub facts: Facts,
}

/// Which row an act is judged by, if its interval touches several.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Pick {
    /// The row in force at the best estimate.
    Estimate,
    /// The earliest.
    First,
    /// The latest.
    Last,
}

/// The rows of a case, as known to a replica.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Listing {
    /// Oldest first, at least one.
    pub rows: Vec<Row>,
    /// Whether head office has confirmed them: it wrote them into the case, or a copy equals its row.
    pub confirmed: bool,
    /// Whether there are differing copies that the server has not compared.
    pub disagree: bool,
}

/// The row in an entry that the server wrote, if it is one. Entries released from quarantine are somebody else's and do not
/// count.
fn listed(recorded: &Recorded) -> Option<(UnixMs, &Facts)> {
    let entry = &recorded.entry;
    let Body::Listed(listed) = &entry.body else { return None };
    let is_servers = entry.author.is_server() && entry.release.is_none() && recorded.standing.receipt().is_some();
    Some((listed.since, entry.facts.as_ref().filter(|_| is_servers)?))
}

/// The rows that head office wrote into the case, without repetitions.
fn listed_rows(entries: &[&Recorded]) -> Vec<Row> {
    let mut rows: Vec<((UnixMs, &EntryKey), &Facts)> =
        entries.iter().filter_map(|r| listed(r).map(|(since, facts)| ((since, &r.entry.key), facts))).collect();
    // The server's sequence numbers order rows of the same moment.
    rows.sort_by_key(|((since, key), _)| (*since, key.seq, key.index, key.tag));
    let mut rows: Vec<Row> =
        rows.into_iter().map(|((since, _), facts)| Row { since: Some(since), facts: facts.clone() }).collect();
    rows.dedup_by(|later, earlier| later.facts.says_the_same(&earlier.facts));
    rows
}

/// A device's copy of a row.
struct Copy<'a> {
    facts: &'a Facts,
    /// Whether it equals head office's row.
    is_equal: bool,
    /// Whether it only names the parcel: its writer had no row, or it matches no row.
    says_nothing: bool,
    /// Whether it equals a row that was not in force then.
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
    /// The rows by these entries; `None` if none of them has facts.
    pub fn of<'a>(entries: impl Iterator<Item = &'a Recorded>) -> Option<Self> {
        let entries: Vec<&Recorded> = entries.filter(|r| r.entry.facts.is_some()).collect();
        let mut copies: Vec<Copy<'_>> = entries.iter().filter_map(|r| Copy::of(r)).collect();
        copies.sort_by_key(|copy| (!copy.is_equal, copy.says_nothing, copy.received, copy.change));
        let mut rows = listed_rows(&entries);
        let confirmed = !rows.is_empty() || copies.first().is_some_and(|copy| copy.is_equal);
        if rows.is_empty() {
            let facts = match copies.first() {
                Some(copy) if !copy.says_nothing => copy.facts.clone(),
                // Without a copy there is only a `listed` entry that the server did not write.
                _ => nothing_of(entries.first()?.entry.facts.as_ref()?),
            };
            rows.push(Row { since: None, facts });
        }
        // A copy that the server found equal may still have other marks: earlier devices made them otherwise.
        let marked = |copy: &Copy<'_>, row: &Facts| match copy.is_equal {
            true => Facts { mobile: row.mobile, virtual_mobile: row.virtual_mobile, ..copy.facts.clone() },
            false => copy.facts.clone(),
        };
        let is_row = |copy: &Copy<'_>| rows.iter().any(|row| row.facts.says_the_same(&marked(copy, &row.facts)));
        let disagree = copies.iter().any(|copy| !copy.says_nothing && !copy.is_outdated && !is_row(copy));
        Some(Self { rows, confirmed, disagree })
    }
}

fn nothing_of(facts: &Facts) -> Facts {
    Facts::unlisted(facts.network.clone(), facts.waybill.clone())
}

/// The indices of the rows in force between two moments. The first row also covers the time before it.
pub fn in_force(rows: &[Row], from: Option<UnixMs>, until: UnixMs) -> RangeInclusive<usize> {
    let at = |at: UnixMs| {
        let begun = rows.partition_point(|row| row.since.is_none_or(|since| since <= at));
        begun.saturating_sub(1)
    };
    let first = from.map_or(0, at);
    first..=at(until).max(first)
}

/// The row by which an act is judged, and whether its interval touches another row.
pub(crate) fn row_of(rows: &[Row], when: &When, pick: Pick) -> (usize, bool) {
    let touched = in_force(rows, Some(when.earliest), when.latest);
    let row = match pick {
        Pick::Estimate => (*in_force(rows, Some(when.at), when.at).end()).clamp(*touched.start(), *touched.end()),
        Pick::First => *touched.start(),
        Pick::Last => *touched.end(),
    };
    (row, touched.start() != touched.end())
}
