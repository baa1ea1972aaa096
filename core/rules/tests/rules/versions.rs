//! Which version of the rules an act is judged by.

use doorstep_domain::*;
use doorstep_rules::*;

use crate::story::*;

/// Version 1 in force from the beginning, version 2 from a moment, with a change.
fn two(valid_from: UnixMs, change: impl Fn(&mut Pack)) -> Rulebook {
    let mut second = qinghe();
    second.version = 2;
    change(&mut second);
    let versions = [(UnixMs(i64::MIN), qinghe()), (valid_from, second)];
    Rulebook::of(versions.into_iter().map(|(valid_from, pack)| Published { valid_from, pack }).collect()).unwrap()
}

/// The reply's clock is 12 hours in version 2.
fn shorter(pack: &mut Pack) {
    pack.clocks.iter_mut().find(|clock| clock.id == "SLA-05").unwrap().due = Due::Hours(12);
}

/// A record at a moment that the server has at another, with its reckoning of when it was.
fn reckoned(received: UnixMs, acted: Option<UnixMs>, slack_ms: i64) -> Standing {
    let mut receipt = Receipt::of(received, acted);
    receipt.acted.slack_ms = u32::try_from(slack_ms).unwrap();
    Standing::Accepted(receipt)
}

// rules: C-15
#[test]
fn a_28_an_act_before_the_switch_is_judged_by_the_old_version_whenever_it_arrives() {
    let noon = at(0, 12, 0, 0);
    let mut story = Story::new();
    story.book = two(noon, |pack| pack.codes.iter_mut().for_each(|code| code.evidence.clear()));
    let acted = |story: &mut Story, when: UnixMs| {
        story.attempt(when, None, "DF-NOBODY").standing = reckoned(at(0, 13, 0, 0), Some(when), 0);
        let judged = story.judge(at(0, 14, 0, 0));
        (judged.missing.len(), judged.deadlines[0].pack_version, judged.flags.contains(&Flag::PackUnsure))
    };
    assert_eq!(acted(&mut story, at(0, 11, 0, 0)), (2, 1, false));
    let mut after = Story::new();
    after.book = story.book.clone();
    assert_eq!(acted(&mut after, noon), (0, 2, false), "from its first moment the new version holds");
    let mut before = Story::new();
    before.book = story.book.clone();
    assert_eq!(acted(&mut before, noon.plus(-1_000)), (2, 1, false), "one second before, the old one");
}

#[test]
fn each_deadline_follows_the_version_of_what_started_it() {
    let mut story = Story::new();
    story.book = two(at(0, 12, 0, 0), shorter);
    story.attempt(at(0, 10, 0, 0), Some(at(0, 10, 0, 0)), "DF-NOBODY");
    story.notice(at(0, 11, 59, 59), Some(at(0, 11, 59, 59)), "0571");
    assert_eq!(story.deadline("SLA-05", at(0, 13, 0, 0)).due_at, Some(at(1, 11, 59, 59)), "the notice came under version 1");
    let mut later = Story::new();
    later.book = story.book.clone();
    later.attempt(at(0, 10, 0, 0), Some(at(0, 10, 0, 0)), "DF-NOBODY");
    later.notice(at(0, 12, 0, 0), Some(at(0, 12, 0, 0)), "0571");
    let deadline = later.deadline("SLA-05", at(0, 13, 0, 0));
    assert_eq!((deadline.due_at, deadline.pack_version), (Some(at(1, 0, 0, 0)), 2));
    assert_eq!(later.deadline("SLA-03", at(0, 13, 0, 0)).pack_version, 1, "and the failure under version 1");
}

#[test]
fn an_interval_that_straddles_the_switch_and_a_time_that_nothing_bounds_go_to_review() {
    let noon = at(0, 12, 0, 0);
    let judged = |standing: Standing| {
        let mut story = Story::new();
        story.book = two(noon, shorter);
        story.attempt(at(0, 11, 59, 0), None, "DF-NOBODY").standing = standing;
        let judged = story.judge(at(2, 0, 0, 0));
        let finding = judged.findings.iter().find(|finding| finding.rule == "LIA-04").unwrap();
        (judged.flags.contains(&Flag::PackUnsure), finding.review, judged.deadlines[0].unsure)
    };
    let minutes = |n: i64| n * 60_000;
    assert_eq!(judged(reckoned(at(0, 13, 0, 0), Some(at(0, 11, 50, 0)), minutes(5))), (false, false, false));
    assert_eq!(judged(reckoned(at(0, 13, 0, 0), Some(at(0, 11, 59, 0)), minutes(5))), (true, true, true), "it straddles");
    assert_eq!(judged(reckoned(at(0, 13, 0, 0), None, 0)), (true, true, true), "after a reboot without a server's time");
    let before = judged(reckoned(at(0, 11, 59, 30), None, 0));
    assert_eq!(before, (false, true, false), "but the server had it before the switch: only its time is for review");
}

#[test]
fn a_finding_at_a_switch_shows_what_both_versions_give_and_a_person_decides() {
    let noon = at(0, 12, 0, 0);
    let judged = |standing: Standing| {
        let mut story = Story::new();
        story.book = two(noon, |pack| {
            pack.liabilities.iter_mut().filter(|row| row.id == "LIA-04").for_each(|row| (row.share, row.yuan) = (40, Some(7)));
        });
        story.attempt(at(0, 11, 59, 0), None, "DF-NOBODY").standing = standing;
        let (case, judged) = (story.case(), story.judge(at(2, 0, 0, 0)));
        let told = explain(&case, &story.book, &judged);
        let of: Vec<Finding> = judged.findings.into_iter().filter(|finding| finding.clock.as_deref() == Some("SLA-03")).collect();
        assert_eq!(of.len(), 1, "one clock, one finding");
        (of.into_iter().next().unwrap(), told)
    };
    let (sure, _) = judged(reckoned(at(0, 13, 0, 0), Some(at(0, 11, 50, 0)), 60_000));
    assert_eq!((sure.review, sure.otherwise), (false, vec![]));
    let (finding, told) = judged(reckoned(at(0, 13, 0, 0), Some(at(0, 11, 59, 0)), 300_000));
    let outlet = finding.outlet.clone();
    let other = Otherwise { varies: Varies::Version, pack_version: 2, stands: true, outlet, share: 40, amount: Some(Fen(700)) };
    assert_eq!((finding.pack_version, finding.share, finding.review), (1, 100, true));
    assert_eq!(finding.otherwise, [other]);
    let because = &told.iter().find(|told| told.about == finding.id.to_string()).unwrap().because;
    assert!(because.iter().any(|link| link.words.en.contains("version 2") && link.words.en.contains("40%")), "{because:#?}");
}

#[test]
fn what_only_the_other_version_holds_against_somebody_is_proposed_too() {
    // Under version 1 nobody answers for a late notice; under version 2 somebody does.
    let mut first = qinghe();
    first.clocks.iter_mut().filter(|clock| clock.id == "SLA-03").for_each(|clock| clock.rule = None);
    let second = Pack { version: 2, ..qinghe() };
    let versions = [(UnixMs(i64::MIN), first), (at(0, 12, 0, 0), second)];
    let book = Rulebook::of(versions.into_iter().map(|(valid_from, pack)| Published { valid_from, pack }).collect()).unwrap();
    let judged = |acted: UnixMs, slack: i64| {
        let mut story = Story::new();
        story.book = book.clone();
        story.attempt(acted, None, "DF-NOBODY").standing = reckoned(at(0, 13, 0, 0), Some(acted), slack);
        let (case, judged) = (story.case(), story.judge(at(2, 0, 0, 0)));
        let told = explain(&case, &story.book, &judged);
        (judged.findings, told)
    };
    assert!(judged(at(0, 11, 50, 0), 60_000).0.is_empty());
    let (found, told) = judged(at(0, 11, 59, 0), 300_000);
    assert_eq!(found.len(), 1);
    assert_eq!((found[0].started_at, found[0].due_at), (Some(at(0, 11, 59, 0)), Some(at(1, 0, 0, 0).plus(-1))));
    let because = &told.iter().find(|told| told.about == found[0].id.to_string()).unwrap().because;
    let its_clock = "SLA-03 by rule pack version 2: runs from 2026-03-02 11:59:00, due 2026-03-02 23:59:59";
    assert!(because.iter().any(|link| link.words.en.starts_with(its_clock)), "{because:#?}");
    let none = Otherwise { varies: Varies::Version, pack_version: 1, stands: false, outlet: None, share: 0, amount: None };
    assert_eq!((found[0].pack_version, found[0].review, &found[0].otherwise), (2, true, &vec![none]));
}

#[test]
fn two_clocks_of_another_version_that_name_one_rule_are_proposed_in_one_order() {
    let mut first = qinghe();
    first.clocks.iter_mut().filter(|clock| clock.id == "SLA-03").for_each(|clock| clock.rule = None);
    let mut second = Pack { version: 2, ..qinghe() };
    let notice = second.clocks.iter().find(|clock| clock.id == "SLA-03").unwrap().clone();
    second.clocks.extend(["A", "B", "C"].map(|id| Clock { id: id.into(), ..notice.clone() }));
    let versions = [(UnixMs(i64::MIN), first), (at(0, 12, 0, 0), second)];
    let book = Rulebook::of(versions.into_iter().map(|(valid_from, pack)| Published { valid_from, pack }).collect()).unwrap();
    let mut story = Story::under(book);
    story.attempt(at(0, 11, 59, 0), None, "DF-NOBODY").standing = reckoned(at(0, 13, 0, 0), Some(at(0, 11, 59, 0)), 300_000);
    let once = story.judge(at(2, 0, 0, 0)).findings;
    assert_eq!(once.len(), 4);
    for _ in 0..32 {
        assert_eq!(story.judge(at(2, 0, 0, 0)).findings, once);
    }
}

#[test]
fn a_row_turns_when_a_time_runs_out_that_only_another_version_sets() {
    let mut story = Story::under(two(at(0, 12, 0, 0), shorter));
    story.attempt(at(0, 10, 0, 0), Some(at(0, 10, 0, 0)), "DF-NOBODY");
    let notice = story.notice(at(0, 11, 59, 0), None, "0571");
    notice.standing = reckoned(at(0, 13, 0, 0), Some(at(0, 11, 59, 0)), 300_000);
    let (case, due) = (story.case(), at(1, 1, 0, 0));
    let phases = Phase::ahead(&case, &story.book, at(0, 14, 0, 0));
    assert!(phases.judgement.findings.is_empty());
    let past = phases.later.iter().rfind(|(phase, _)| phase.from_ms <= due.plus(1).0).expect("a later phase");
    let found: Vec<(&str, u32)> = past.1.findings.iter().map(|f| (f.rule.as_str(), f.pack_version)).collect();
    assert_eq!(found, [("LIA-01", 2)]);
    assert_eq!(past.1.findings, story.judge(due.plus(1)).findings);
    assert!(story.judge(due).findings.is_empty(), "its end is inclusive");
}

#[test]
fn two_versions_may_be_in_one_case_and_a_finding_names_its_own() {
    let mut story = Story::by(pack_of("nengda-gd"));
    let mut second = pack_of("nengda-gd");
    second.version = 2;
    second.liabilities.iter_mut().find(|row| row.id == "PEN-03").unwrap().yuan = Some(20);
    let versions = [(UnixMs(i64::MIN), pack_of("nengda-gd")), (at(1, 0, 0, 0), second)];
    story.book = Rulebook::of(versions.into_iter().map(|(valid_from, pack)| Published { valid_from, pack }).collect()).unwrap();
    for day in [0, 1] {
        let problem = Problem { count: Some(1), ..Problem::of(code("OR-HEADER"), Stage::Hub) };
        story.online(&HUB, at(day, 20, 0, 0), Body::Problem(problem));
    }
    let findings = story.judge(at(2, 0, 0, 0)).findings;
    let fines: Vec<_> = findings.iter().map(|finding| (finding.pack_version, finding.amount.unwrap().0 / 100)).collect();
    assert_eq!(fines, [(1, 10), (2, 20)]);
}

#[test]
fn a_device_that_has_only_the_newest_versions_judges_older_acts_by_the_oldest_it_has() {
    let mut story = Story::new();
    let mut third = qinghe();
    third.version = 3;
    story.book = Rulebook::of(vec![Published { valid_from: at(0, 12, 0, 0), pack: third }]).unwrap();
    story.attempt(at(0, 10, 0, 0), Some(at(0, 10, 0, 0)), "DF-NOBODY");
    assert_eq!(story.deadline("SLA-03", at(0, 11, 0, 0)).pack_version, 3);
}
