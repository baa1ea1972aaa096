//! What a finding would be under another version of the rules, where it is not sure which was in force: both are shown, and a person
//! decides.

use std::collections::{BTreeSet, HashMap, HashSet};

use doorstep_domain::{EntryKey, Fen, OutletCode, UnixMs};
use serde::Serialize;

use crate::{
    Case, Finding, FindingState, Rulebook, Words,
    deadline::deadlines,
    evidence::missing,
    finding::findings,
    reading::{Act, Reading},
};

/// What the same clock or rule gives under another version that may have been in force.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Otherwise {
    /// Version of the pack.
    pub pack_version: u32,
    /// Whether somebody answers for it under that version. If not, there is no outlet, no share and no amount.
    pub stands: bool,
    /// The outlet; `None` when the parcel's facts do not name it.
    pub outlet: Option<OutletCode>,
    /// Its share in percent.
    pub share: u8,
    /// The amount, if the rule has one.
    pub amount: Option<Fen>,
}

impl Otherwise {
    /// The result of a version under which there may be such a finding.
    pub(crate) fn of(pack_version: u32, finding: Option<&Finding>) -> Self {
        Self {
            pack_version,
            stands: finding.is_some(),
            outlet: finding.and_then(|finding| finding.outlet.clone()),
            share: finding.map_or(0, |finding| finding.share),
            amount: finding.and_then(|finding| finding.amount),
        }
    }
}

impl Otherwise {
    /// What it gives, on one line.
    pub fn told(&self) -> Words {
        let Self { pack_version: version, stands, outlet, share, amount } = self;
        let outlet = outlet.as_ref().map_or_else(|| "?".to_owned(), ToString::to_string);
        let amount = amount.map(|amount| format!(" {amount}")).unwrap_or_default();
        let (zh, en) = match stands {
            true => (format!("{outlet} 承担 {share}%{amount}"), format!("{outlet} answers, {share}%{amount}")),
            false => ("无人担责".to_owned(), "nobody answers".to_owned()),
        };
        Words {
            zh: format!("若当时是规则包第 {version} 版：{zh}"),
            en: format!("if rule pack version {version} was in force: {en}"),
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

/// The findings under another version.
struct World {
    place: usize,
    pack_version: u32,
    found: HashMap<Same, Finding>,
}

/// Adds to each finding what other versions give that may have been in force, and the findings that only they give.
pub(crate) fn weigh(case: &Case, book: &Rulebook, now: UnixMs, reading: &Reading<'_>, findings: &mut Vec<Finding>) {
    let unsure = || reading.acts.iter().filter(|act| act.when.unsure);
    let others: BTreeSet<usize> = unsure().flat_map(|act| book.others(&act.when)).collect();
    if others.is_empty() {
        return;
    }
    let worlds: Vec<World> = others.into_iter().rev().take(MOST_VERSIONS).map(|place| world(case, book, now, place)).collect();
    let acts: HashMap<&EntryKey, &Act<'_>> = unsure().map(|act| (act.key(), act)).collect();
    let mut known: HashSet<Same> = findings.iter().map(same).collect();
    let own = findings.len();
    for world in &worlds {
        let mut more: Vec<&Finding> = world.found.iter().filter(|(same, _)| !known.contains(same)).map(|(_, it)| it).collect();
        more.sort_by_key(|finding| (&finding.rule, &finding.id.entry));
        known.extend(more.iter().map(|finding| same(finding)));
        findings.extend(more.into_iter().cloned());
    }
    for (place, finding) in findings.iter_mut().enumerate() {
        let key = same(finding);
        let mut otherwise = Vec::new();
        if place >= own {
            let act = reading.acts.iter().find(|act| *act.key() == key.2);
            otherwise.extend(act.map(|act| Otherwise::of(reading.pack_of(act).version, None)));
        }
        // What only another version gives says itself what that is.
        let of_others = worlds.iter().filter(|world| place < own || world.pack_version != finding.pack_version);
        for world in of_others {
            let there = world.found.get(&key);
            let result = Otherwise::of(world.pack_version, there);
            let is_near = finding
                .basis
                .iter()
                .filter_map(|key| acts.get(key))
                .any(|act| act.when.version != world.place && book.may_hold(world.place, &act.when));
            let differs = Otherwise { pack_version: world.pack_version, ..Otherwise::of(0, Some(finding)) } != result;
            if is_near || differs {
                otherwise.push(result);
            }
        }
        finding.review |= !otherwise.is_empty() && finding.state != FindingState::Decided;
        finding.otherwise = otherwise;
    }
}

/// Judges a case as if all acts that may have been done under a version were done under it.
fn world(case: &Case, book: &Rulebook, now: UnixMs, place: usize) -> World {
    let reading = Reading::under(case, book, now, Some(place));
    let (kept, _) = deadlines(&reading);
    let (_, leniency) = missing(&reading);
    let found = findings(&reading, &kept, &leniency).into_iter().map(|finding| (same(&finding), finding)).collect();
    World { place, pack_version: book.pack(place).version, found }
}
