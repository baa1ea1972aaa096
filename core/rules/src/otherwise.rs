//! What a finding would be under another version of the rules, or by another row of head office's list, where it is not sure which
//! was in force: both are shown, and a person decides.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use doorstep_domain::{EntryKey, Fen, OutletCode, UnixMs, words};
use serde::Serialize;

use crate::{
    Case, Finding, FindingState, On, Rulebook, Timeliness, Words,
    deadline::{Kept, deadlines},
    evidence::missing,
    finding::findings,
    listing::Pick,
    reading::{Act, Assumed, Reading},
};

words!(
    /// What is other in another result of a finding.
    Varies {
        /// The version of the rules.
        Version = "version",
        /// The row of head office's list.
        Row = "row",
    }
);

/// What the same clock or rule gives under another version, or by another row, that may have been in force.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Otherwise {
    /// What is other.
    pub varies: Varies,
    /// Version of the pack.
    pub pack_version: u32,
    /// Whether somebody answers for it then. If not, there is no outlet, no share and no amount.
    pub stands: bool,
    /// The outlet; `None` when the parcel's facts do not name it.
    pub outlet: Option<OutletCode>,
    /// Its share in percent.
    pub share: u8,
    /// The amount, if the rule has one.
    pub amount: Option<Fen>,
}

impl Otherwise {
    /// The result where there may be such a finding.
    fn of(varies: Varies, pack_version: u32, finding: Option<&Finding>) -> Self {
        Self {
            varies,
            pack_version,
            stands: finding.is_some(),
            outlet: finding.and_then(|finding| finding.outlet.clone()),
            share: finding.map_or(0, |finding| finding.share),
            amount: finding.and_then(|finding| finding.amount),
        }
    }

    /// What it gives, on one line.
    pub fn told(&self) -> Words {
        let Self { varies, pack_version: version, stands, outlet, share, amount } = self;
        let outlet = outlet.as_ref().map_or_else(|| "?".to_owned(), ToString::to_string);
        let amount = amount.map(|amount| format!(" {amount}")).unwrap_or_default();
        let (zh, en) = match stands {
            true => (format!("{outlet} 承担 {share}%{amount}"), format!("{outlet} answers, {share}%{amount}")),
            false => ("无人担责".to_owned(), "nobody answers".to_owned()),
        };
        match varies {
            Varies::Version => Words {
                zh: format!("若当时是规则包第 {version} 版：{zh}"),
                en: format!("if rule pack version {version} was in force: {en}"),
            },
            Varies::Row => Words {
                zh: format!("总部名单在此期间变更，按另一份名单：{zh}"),
                en: format!("head office's list changed within the gap; by the other row: {en}"),
            },
        }
    }
}

/// Most other versions that are looked at, the newest: where nothing bounds when an act was, all may have been in force.
const MOST_VERSIONS: usize = 4;

/// What makes two findings the same under two versions: what they are held against, and the clock, or else the rule.
type Same = (Option<String>, String, EntryKey);

fn same(finding: &Finding) -> Same {
    let rule = if finding.clock.is_some() { String::new() } else { finding.rule.clone() };
    (finding.clock.clone(), rule, finding.id.entry.clone())
}

/// What is taken to have been in force.
#[derive(Clone, Copy)]
enum Other {
    Version {
        /// Its place.
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

/// The findings under another version, or by another row.
struct World {
    other: Other,
    found: BTreeMap<Same, Finding>,
    /// When the next of its clocks runs out.
    next_due: Option<UnixMs>,
}

impl World {
    fn of(other: Other, reading: &Reading<'_>) -> Self {
        let (kept, _) = deadlines(reading);
        let (_, leniency) = missing(reading);
        let found = findings(reading, &kept, &leniency).into_iter().map(|finding| (same(&finding), finding));
        let runs = |kept: &&Kept<'_>| kept.deadline.timeliness == Timeliness::Pending || kept.clock.starts.on == On::Day;
        let next_due = kept.iter().filter(runs).filter_map(|kept| kept.deadline.due_at).min();
        Self { other, found: found.collect(), next_due }
    }
}

/// Adds to each finding what other versions and rows give that may have been in force, and the findings that only they give. Gives
/// when the next clock runs out by one of them.
pub(crate) fn weigh(
    case: &Case,
    book: &Rulebook,
    now: UnixMs,
    reading: &Reading<'_>,
    findings: &mut Vec<Finding>,
) -> Option<UnixMs> {
    let unsure = || reading.acts.iter().filter(|act| act.when.unsure);
    let others: BTreeSet<usize> = unsure().flat_map(|act| book.others(&act.when)).collect();
    let mut worlds: Vec<World> =
        others.into_iter().rev().take(MOST_VERSIONS).map(|place| of_version(case, book, now, place)).collect();
    if reading.acts.iter().any(|act| act.row_unsure) {
        worlds.extend([Pick::First, Pick::Last].into_iter().filter_map(|row| of_row(case, book, now, reading, row)));
    }
    let acts: HashMap<&EntryKey, &Act<'_>> = unsure().map(|act| (act.key(), act)).collect();
    let mut known: HashSet<Same> = findings.iter().map(same).collect();
    // For each finding the place of the world that alone gives it.
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
            let act = reading.acts.iter().find(|act| *act.key() == key.2);
            otherwise.extend(act.map(|act| Otherwise::of(world.other.varies(), reading.pack_of(act).version, None)));
        }
        // What only another world gives says itself what that is.
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
            let result = Otherwise::of(world.other.varies(), version, there);
            let differs = Otherwise::of(world.other.varies(), version, Some(finding)) != result;
            if (is_near || differs) && !otherwise.contains(&result) {
                otherwise.push(result);
            }
        }
        finding.review |= !otherwise.is_empty() && finding.state != FindingState::Decided;
        finding.otherwise = otherwise;
    }
    worlds.iter().filter_map(|world| world.next_due).min()
}

/// Judges a case as if all acts that may have been done under a version were done under it.
fn of_version(case: &Case, book: &Rulebook, now: UnixMs, place: usize) -> World {
    let reading = Reading::under(case, book, now, Assumed { version: Some(place), ..Assumed::default() });
    World::of(Other::Version { place, pack_version: book.pack(place).version }, &reading)
}

/// Judges a case as if of the rows that an act's interval touches another one was in force; `None` if that changes nothing.
fn of_row(case: &Case, book: &Rulebook, now: UnixMs, reading: &Reading<'_>, row: Pick) -> Option<World> {
    let other = Reading::under(case, book, now, Assumed { row, ..Assumed::default() });
    let differs = other.acts.iter().zip(&reading.acts).any(|(a, b)| a.facts != b.facts);
    differs.then(|| World::of(Other::Row, &other))
}
