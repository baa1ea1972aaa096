//! No row of a shipped pack is dead: over random histories each clock runs, is met, missed and excused, each liability is proposed, each
//! code has its card, each exception and each leniency holds. What cannot happen is in `cannot.tsv`, each line with its reason. The
//! histories have fixed numbers, so that the test says the same on every machine.

use std::collections::BTreeSet;

use doorstep_domain::*;
use doorstep_rules::*;

use super::history::{NETWORKS, Plan};
use crate::story::*;

/// The most histories of a network. Most rows are seen after a few hundred.
const MOST: u64 = 20_000;

/// A row of a pack, and what may happen to it.
type Seen = (String, &'static str);

/// What can happen by a pack, as far as it says.
fn possible(pack: &Pack) -> BTreeSet<Seen> {
    let clocks = pack.clocks.iter().flat_map(|clock| ["met", "missed", "excused"].map(|what| (clock.id.clone(), what)));
    let by_phone = pack.clocks.iter().filter(|clock| !clock.exceptions.is_empty()).map(|clock| (clock.id.clone(), "by_phone"));
    let liabilities = pack.liabilities.iter().map(|row| (row.id.clone(), "proposed"));
    let codes = pack.codes.iter().map(|row| (row.code.clone(), "card"));
    let replies = pack.outcomes.iter().filter(|row| row.reply_needs.is_some());
    let replies = replies.map(|row| (row.code.clone(), "in_force"));
    let leniency = pack.leniency.iter().map(|row| (row.label.as_str().to_owned(), "lenient"));
    clocks.chain(by_phone).chain(liabilities).chain(codes).chain(replies).chain(leniency).collect()
}

/// What happened in a history.
fn happened(story: &Story, now: UnixMs) -> BTreeSet<Seen> {
    let judged = story.judge(now);
    let mut seen: BTreeSet<Seen> = BTreeSet::new();
    for deadline in &judged.deadlines {
        let what = match deadline.timeliness {
            Timeliness::OnTime => "met",
            Timeliness::OnTimeByException => "by_phone",
            Timeliness::Late => "missed",
            Timeliness::NotNeeded => "excused",
            _ => continue,
        };
        seen.insert((deadline.clock.clone(), what));
    }
    seen.extend(judged.findings.iter().map(|finding| (finding.rule.clone(), "proposed")));
    seen.extend(judged.cards.iter().filter(|card| !card.steps.is_empty()).map(|card| (card.code.clone(), "card")));
    let in_force = judged.replies.iter().filter(|reply| reply.in_force).map(|reply| &reply.entry);
    for key in in_force {
        if let Some(Body::Reply(reply)) = story.entries.iter().find(|r| r.entry.key == *key).map(|r| &r.entry.body) {
            seen.insert((reply.decision.as_str().to_owned(), "in_force"));
        }
    }
    if judged.findings.iter().any(|finding| finding.lenient) {
        let has = |kind: Kind| story.entries.iter().any(|r| *r.entry.key.kind == *kind.as_str());
        let only = [(Kind::Photo, LabelFault::Missing), (Kind::Call, LabelFault::Wrong)];
        let proofs: Vec<LabelFault> = only.into_iter().filter(|(kind, _)| has(*kind)).map(|(_, fault)| fault).collect();
        if let [fault] = proofs[..] {
            seen.insert((fault.as_str().to_owned(), "lenient"));
        }
    }
    seen
}

/// What cannot happen in a network, each with its reason.
fn cannot(network: &str) -> BTreeSet<(String, String)> {
    let rows = include_str!("cannot.tsv").lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
    let cells = rows.map(|line| line.split('\t').collect::<Vec<_>>());
    let cells = cells.inspect(|cells| assert!(cells.len() == 4 && cells[3].len() > 20, "network, row, what, reason: {cells:?}"));
    cells.filter(|cells| cells[0].split(' ').any(|one| one == network)).map(|cells| (cells[1].into(), cells[2].into())).collect()
}

// rules: C-5, C-21
#[test]
fn every_row_of_a_pack_does_something_in_some_history() {
    let mut faults = Vec::new();
    for network in NETWORKS {
        let mut pack = version_of(network, 2);
        // A pack without a timetable says "schedule missing" (C-15); each network enters its own.
        if pack.timetables.is_empty() {
            pack.timetables = version_of("qinghe", 2).timetables;
        }
        let book = Rulebook::only(pack.clone());
        let cannot = cannot(network);
        let is_impossible = |(row, what): &Seen| cannot.contains(&(row.clone(), (*what).to_owned()));
        let (mut waited, mut stale) = (possible(&pack), BTreeSet::new());
        waited.retain(|seen| !is_impossible(seen));
        for seed in 0..MOST {
            if waited.is_empty() {
                break;
            }
            let (mut story, now) = Plan::wider(network, seed).written();
            story.book = book.clone();
            if story.entries.is_empty() {
                continue;
            }
            let happened = happened(&story, now);
            waited.retain(|seen| !happened.contains(seen));
            stale.extend(happened.into_iter().filter(is_impossible));
        }
        let possible = possible(&pack);
        let unknown = cannot.iter().filter(|(row, what)| !possible.iter().any(|seen| seen.0 == *row && seen.1 == what));
        faults.extend(unknown.map(|row| format!("{network}: {row:?} of cannot.tsv is no row of the pack")));
        faults.extend(waited.iter().map(|row| format!("{network}: {row:?} did not happen in {MOST} histories")));
        faults.extend(stale.iter().map(|row| format!("{network}: {row:?} of cannot.tsv happened")));
    }
    assert!(faults.is_empty(), "\n{}", faults.join("\n"));
}
