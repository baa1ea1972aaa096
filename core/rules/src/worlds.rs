//! Judges a case again under the assumption that another version of the rules, or another row of head office's list, was in
//! force.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use doorstep_domain::{EntryKey, UnixMs};

use crate::{
    Case, Finding, FindingState, On, Otherwise, Rulebook, Timeliness, Varies,
    case_index::{Act, Assumed, CaseIndex},
    deadline::{Kept, deadlines},
    evidence::missing,
    finding::findings,
    listing::Pick,
};

/// Most other versions that are tried, the newest ones. If the time of an act is unbounded, all versions may have been in force.
const MOST_VERSIONS: usize = 4;

/// The result of a finding in another world, or its absence.
fn result(varies: Varies, pack_version: u32, finding: Option<&Finding>) -> Otherwise {
    Otherwise {
        varies,
        pack_version,
        stands: finding.is_some(),
        outlet: finding.and_then(|finding| finding.outlet.clone()),
        share: finding.map_or(0, |finding| finding.share),
        amount: finding.and_then(|finding| finding.amount),
    }
}

/// The identity of a finding under different versions: the clock, or else the rule, and the entry to which it applies.
type Same = (Option<String>, String, EntryKey);

fn same(finding: &Finding) -> Same {
    let rule = if finding.clock.is_some() { String::new() } else { finding.rule.clone() };
    (finding.clock.clone(), rule, finding.id.entry.clone())
}

/// The assumption about what was in force.
#[derive(Clone, Copy)]
enum Other {
    Version {
        /// The index of the version in the rulebook.
        place: usize,
        pack_version: u32,
    },
    Row,
}

impl Other {
    fn varies(self) -> Varies {
        match self {
            Self::Version { .. } => Varies::Version,
            Self::Row => Varies::Row,
        }
    }
}

/// The findings under another version or row.
struct World {
    other: Other,
    found: BTreeMap<Same, Finding>,
    /// When the next of its clocks runs out.
    next_due: Option<UnixMs>,
}

impl World {
    fn of(other: Other, index: &CaseIndex<'_>) -> Self {
        let (_, leniency) = missing(index);
        let (kept, _) = deadlines(index, &leniency);
        let found = findings(index, &kept, &leniency).into_iter().map(|finding| (same(&finding), finding));
        let runs = |kept: &&Kept<'_>| kept.deadline.timeliness == Timeliness::Pending || kept.clock.starts.on == On::Day;
        // The passed times of a daily duty change nothing any more.
        let dues = kept.iter().filter(runs).filter_map(|kept| kept.deadline.due_at);
        let next_due = dues.filter(|due| *due >= index.now).min();
        Self { other, found: found.collect(), next_due }
    }
}

/// Adds to each finding its results under other versions and rows that may have been in force, and adds findings that exist only
/// there. Returns when the next clock runs out under one of them.
pub(crate) fn weigh(
    case: &Case,
    book: &Rulebook,
    now: UnixMs,
    index: &CaseIndex<'_>,
    findings: &mut Vec<Finding>,
) -> Option<UnixMs> {
    let unsure = || index.acts.iter().filter(|act| act.when.unsure);
    let others: BTreeSet<usize> = unsure().flat_map(|act| book.others(&act.when)).collect();
    let mut worlds: Vec<World> =
        others.into_iter().rev().take(MOST_VERSIONS).map(|place| of_version(case, book, now, place)).collect();
    if index.acts.iter().any(|act| act.row_unsure) {
        worlds.extend([Pick::First, Pick::Last].into_iter().filter_map(|row| of_row(case, book, now, index, row)));
    }
    let acts: HashMap<&EntryKey, &Act<'_>> = unsure().map(|act| (act.key(), act)).collect();
    let mut known: HashSet<Same> = findings.iter().map(same).collect();
    // For each finding the index of the only world that has it.
    let mut only_in: Vec<Option<usize>> = findings.iter().map(|_| None).collect();
    for (place, world) in worlds.iter().enumerate() {
        let more: Vec<&Finding> = world.found.iter().filter(|(same, _)| !known.contains(same)).map(|(_, it)| it).collect();
        known.extend(more.iter().map(|finding| same(finding)));
        only_in.extend(more.iter().map(|_| Some(place)));
        findings.extend(more.into_iter().cloned());
    }
    for (finding, only_in) in findings.iter_mut().zip(only_in) {
        let key = same(finding);
        let mut otherwise = Vec::new();
        if let Some(world) = only_in.and_then(|place| worlds.get(place)) {
            let act = index.acts.iter().find(|act| *act.key() == key.2);
            otherwise.extend(act.map(|act| result(world.other.varies(), index.pack_of(act).version, None)));
        }
        // A finding of only one world already describes that world.
        for (_, world) in worlds.iter().enumerate().filter(|(place, _)| only_in != Some(*place)) {
            let there = world.found.get(&key);
            let mut basis = finding.basis.iter().filter_map(|key| acts.get(key));
            let (version, is_near) = match world.other {
                Other::Version { place, pack_version } => {
                    let may_hold = |act: &&Act<'_>| act.when.version != place && book.may_hold(place, &act.when);
                    (pack_version, basis.any(may_hold))
                }
                Other::Row => (there.map_or(finding.pack_version, |there| there.pack_version), false),
            };
            let there_is = result(world.other.varies(), version, there);
            let differs = result(world.other.varies(), version, Some(finding)) != there_is;
            if (is_near || differs) && !otherwise.contains(&there_is) {
                otherwise.push(there_is);
            }
        }
        finding.review |= !otherwise.is_empty() && finding.state != FindingState::Decided;
        finding.otherwise = otherwise;
    }
    worlds.iter().filter_map(|world| world.next_due).min()
}

/// Judges a case under the assumption that all acts that may belong to a version do.
fn of_version(case: &Case, book: &Rulebook, now: UnixMs, place: usize) -> World {
    let index = CaseIndex::under(case, book, now, Assumed { version: Some(place), ..Assumed::default() });
    World::of(Other::Version { place, pack_version: book.pack(place).version }, &index)
}

/// Judges a case under the assumption that another one of the rows that an act's interval touches was in force; `None` if that
/// changes nothing.
fn of_row(case: &Case, book: &Rulebook, now: UnixMs, index: &CaseIndex<'_>, row: Pick) -> Option<World> {
    let other = CaseIndex::under(case, book, now, Assumed { row, ..Assumed::default() });
    let differs = other.acts.iter().zip(&index.acts).any(|(a, b)| a.facts != b.facts);
    differs.then(|| World::of(Other::Row, &other))
}
