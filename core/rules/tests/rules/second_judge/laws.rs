//! The laws of `laws.rs` over histories with marks, rulings, corrections of corrections, switches of the version, intervals that straddle a
//! midnight or a switch, and late receipts.

use doorstep_domain::*;
use doorstep_rules::*;

use super::history::{Dice, Plan};
use crate::story::*;

fn verdict(case: &Case, book: &Rulebook, now: UnixMs) -> String {
    let judged = judge(case, book, now);
    let told = explain(case, book, &judged);
    serde_json::to_string(&(&judged, told)).unwrap()
}

/// The histories of some numbers, in all networks, wider ones too.
fn each(count: u64, mut holds: impl FnMut(Plan, &mut Dice)) {
    for seed in 0..count {
        let mut dice = Dice(seed ^ 0x5eed);
        let network = super::history::NETWORKS[seed as usize % 4];
        for plan in [Plan::of(seed), Plan { switch_ms: Plan::of(seed).switch_ms, ..Plan::wider(network, seed) }] {
            if !plan.written().0.entries.is_empty() {
                holds(plan, &mut dice);
            }
        }
    }
}

#[test]
fn the_order_and_the_repetition_of_what_is_merged_change_nothing() {
    each(300, |plan, dice| {
        let (story, now) = plan.written();
        let mut shuffled = story.entries.clone();
        for n in 0..shuffled.len() {
            let other = dice.of(story.entries.len());
            shuffled.push(story.entries[other].clone());
            shuffled.swap(n, other);
        }
        let shuffled = Case::fold(shuffled).unwrap();
        assert_eq!(verdict(&story.case(), &story.book, now), verdict(&shuffled, &story.book, now), "{plan:?}");
    });
}

#[test]
fn a_note_changes_no_deadline_and_no_finding() {
    each(300, |plan, dice| {
        let (mut story, now) = plan.written();
        let before = story.judge(now);
        // After the first act, with which the case begins, and without facts, which could confirm the case's.
        let last = story.entries.iter().map(Recorded::acted_at).max().unwrap();
        let written = last.plus(1).max(now.plus(-(dice.of(60) as i64) * 60_000));
        let note = story.add(&WEST, written, None, Body::Note { words: Personal::plain("备注").unwrap() });
        note.entry.facts = None;
        let receipt = Receipt { facts: FactsCheck::Unchecked, ..Receipt::of(written, Some(written)) };
        note.standing = Standing::Accepted(receipt);
        let after = story.judge(now);
        assert_eq!((before.deadlines, before.findings), (after.deadlines, after.findings), "{plan:?}");
    });
}

#[test]
fn a_later_phase_of_a_row_is_what_judging_again_gives() {
    each(150, |plan, dice| {
        let (story, first) = plan.written();
        let (case, later) = (story.case(), first.plus(dice.of(4 * 24 * 60) as i64 * 60_000));
        let phases = Phase::ahead(&case, &story.book, first);
        let rows =
            std::iter::once((&phases.phase, &phases.judgement)).chain(phases.later.iter().map(|(phase, judged)| (phase, judged)));
        let Some((row, judged)) = rows.rev().find(|(phase, _)| phase.from_ms <= later.0) else { return };
        if row.until_ms.is_none_or(|until| until > later.0) {
            let again = Phase::ahead(&case, &story.book, later);
            assert_eq!(row, &Phase { from_ms: row.from_ms, ..again.phase }, "{plan:?}");
            assert_eq!(judged.findings, again.judgement.findings, "{plan:?}");
        }
    });
}

#[test]
fn no_moment_makes_the_judgement_panic() {
    each(150, |plan, dice| {
        let (story, now) = plan.written();
        for moment in [UnixMs(i64::MIN), UnixMs(i64::MAX), UnixMs(0), UnixMs(dice.roll() as i64), now.plus(-DAY)] {
            verdict(&story.case(), &story.book, moment);
        }
    });
}
