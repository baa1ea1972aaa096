//! Each liability and each exception on both sides of its edge: what is done at the last moment gives no finding, and a millisecond later
//! it gives the one that the rule names.

use doorstep_domain::*;
use doorstep_rules::*;

use crate::story::*;

/// The findings when something is done at the edge, and a millisecond after it.
fn around(edge: UnixMs, now: UnixMs, build: impl Fn(UnixMs) -> Story) -> [Vec<String>; 2] {
    [edge, edge.plus(1)].map(|when| build(when).judge(now).findings.into_iter().map(|finding| finding.rule).collect())
}

fn only(rule: &str) -> [Vec<String>; 2] {
    [vec![], vec![rule.to_owned()]]
}

fn end_of(day: i64) -> UnixMs {
    at(day + 1, 0, 0, 0).plus(-1)
}

fn problem(story: &mut Story, by: &By, when: UnixMs, problem: Problem) {
    story.online(by, when, Body::Problem(problem));
}

// rules: LIA-02, SLA-01
#[test]
fn a_hub_answers_from_a_millisecond_after_ten() {
    let registered = |when| {
        let mut story = Story::new();
        let found_at = Some(at(0, 9, 0, 0));
        problem(&mut story, &HUB, when, Problem { found_at, ..Problem::of(code("CD-DAMAGE"), Stage::Hub) });
        story
    };
    assert_eq!(around(at(0, 10, 0, 0), at(0, 12, 0, 0), registered), only("LIA-02"));
}

// rules: LIA-03, SLA-02
#[test]
fn an_outlet_answers_from_a_millisecond_after_two_hours_from_the_theoretical_arrival() {
    let registered = |when| {
        let mut story = Story::new();
        problem(&mut story, &WEST, when, Problem::of(code("RT-MISSENT"), Stage::Arrival));
        story
    };
    assert_eq!(around(at(0, 10, 0, 0), at(0, 10, 30, 0), registered), only("LIA-03"));
}

// rules: LIA-04, SLA-03
#[test]
fn a_notice_of_the_last_millisecond_of_the_day_is_in_time_and_the_next_one_is_the_delivering_outlets_delay() {
    let noticed = |when| {
        let mut story = Story::new();
        story.attempt(at(0, 15, 0, 0), Some(at(0, 15, 0, 0)), "DF-NOBODY");
        story.notice(when, Some(when), "0571");
        story
    };
    assert_eq!(around(end_of(0), at(1, 9, 0, 0), noticed), only("LIA-04"));
    // A hub tells of what it registers, and answers for it.
    let by_hub = |when| {
        let mut story = Story::by(version_of("qinghe", 2));
        problem(&mut story, &HUB, at(0, 9, 0, 0), Problem::of(code("CD-DAMAGE"), Stage::Hub));
        story.add(
            &HUB,
            when,
            Some(when),
            Body::Notice(Notice { to: "0571".parse().unwrap(), source: TargetSource::WaybillData, request: None }),
        );
        story
    };
    assert_eq!(around(end_of(0), at(1, 9, 0, 0), by_hub), only("LIA-04.hub"));
}

// rules: LIA-06
#[test]
fn a_wrong_outlet_is_the_cause_only_if_the_right_one_was_told_after_the_day() {
    let noticed = |when| {
        let mut story = Story::new();
        story.attempt(at(0, 15, 0, 0), Some(at(0, 15, 0, 0)), "DF-NOBODY");
        story.notice(at(0, 16, 0, 0), Some(at(0, 16, 0, 0)), "0999");
        story.notice(when, Some(when), "0571");
        story
    };
    assert_eq!(around(end_of(0), at(1, 9, 0, 0), noticed), only("LIA-06"));
}

// rules: X-1, EV-7
#[test]
fn a_phone_call_of_the_last_millisecond_of_the_day_counts_and_the_next_one_does_not() {
    let phoned = |when: UnixMs| {
        let mut story = Story::new();
        story.attempt(at(0, 15, 0, 0), Some(at(0, 15, 0, 0)), "DF-NOBODY");
        story.outage(when, at(1, 8, 0, 0), said("057100000000"));
        story
    };
    assert_eq!(around(end_of(0), at(1, 9, 0, 0), phoned), only("LIA-04"));
    let kept = |when: UnixMs| phoned(when).clock("SLA-03", at(1, 9, 0, 0));
    assert_eq!((kept(end_of(0)), kept(end_of(0).plus(1))), (Timeliness::OnTimeByException, Timeliness::Late));
}

// rules: X-1f, LIA-03
#[test]
fn without_the_phone_number_the_record_of_an_outage_can_not_be_produced() {
    let phoned = |phone| {
        let mut story = Story::new();
        story.attempt(at(0, 15, 0, 0), Some(at(0, 15, 0, 0)), "DF-NOBODY");
        story.outage(end_of(0), at(1, 8, 0, 0), phone);
        story.judge(at(1, 9, 0, 0)).findings.into_iter().map(|finding| finding.rule).collect::<Vec<_>>()
    };
    assert_eq!([phoned(said("057100000000")), phoned(None)], only("LIA-03"));
}

/// A failure whose notice was answered at 16:00.
fn answered(version: u32, decision: &str) -> Story {
    let mut story = Story::by(version_of("qinghe", version));
    story.attempt(at(0, 15, 0, 0), Some(at(0, 15, 0, 0)), "DF-NOBODY");
    story.notice(at(0, 15, 30, 0), Some(at(0, 15, 30, 0)), "0571");
    story.reply(at(0, 16, 0, 0), decision);
    story
}

// rules: LIA-05, SLA-06, SLA-07, X-4
#[test]
fn what_a_reply_asks_for_is_done_in_time_up_to_the_millisecond() {
    for version in [1, 2] {
        let delivered = |when| {
            let mut story = answered(version, "REDELIVER");
            story.close(when, "SIGNED");
            story
        };
        assert_eq!(around(at(1, 16, 0, 0), at(2, 0, 0, 0), delivered), only("LIA-05"), "version {version}");
        let returned = |when| {
            let mut story = answered(version, "RETURN");
            story.online(&WEST, when, Body::Action(Action::of(code("RETURN"))));
            story
        };
        assert_eq!(around(at(0, 19, 0, 0), at(2, 0, 0, 0), returned), only("LIA-05"), "version {version}");
    }
}

// rules: SLA-08, LIA-05, T-5
#[test]
fn the_method_is_begun_within_a_day_of_the_missing_answer_up_to_the_millisecond() {
    let begun = |when| {
        let mut story = Story::by(version_of("qinghe", 2));
        story.attempt(at(0, 15, 0, 0), Some(at(0, 15, 0, 0)), "DF-NOBODY");
        story.notice(at(0, 15, 30, 0), Some(at(0, 15, 30, 0)), "0571");
        story.online(&WEST, when, Body::Call(Call::of(CallResult::Answered)));
        story
    };
    // The answer is missing from the first millisecond after its last one.
    let edge = at(2, 15, 30, 0).plus(1);
    let found = |when| begun(when).finding("LIA-05", at(3, 0, 0, 0)).is_some();
    assert_eq!((found(edge), found(edge.plus(1))), (false, true));
}

// rules: LIA-01, SLA-05
#[test]
fn an_origin_outlet_is_looked_at_from_a_millisecond_after_its_day() {
    for version in [1, 2] {
        let replied = |when: UnixMs| {
            let mut story = Story::by(version_of("qinghe", version));
            story.attempt(at(0, 15, 0, 0), Some(at(0, 15, 0, 0)), "DF-NOBODY");
            story.notice(at(0, 15, 30, 0), Some(at(0, 15, 30, 0)), "0571");
            story.reply(when, "WAIT");
            story
        };
        assert_eq!(around(at(1, 15, 30, 0), at(1, 18, 0, 0), replied), only("LIA-01"), "version {version}");
    }
}

// rules: PEN-02, SLA-10
#[test]
fn collected_money_is_fined_from_a_millisecond_after_a_day_and_only_without_the_slip_before() {
    for (network, version) in [("qinghe", 2), ("nengda-gd", 1), ("nengda-gd", 2)] {
        let line = |change: &str| {
            let (book, change) = (Book::Cod, code(change));
            Body::Ledger(Ledger { book, change, amount: Some(Fen(1)), letter: None, slip: true, words: None })
        };
        let paid = |when| {
            let mut story = Story::by(version_of(network, version));
            story.online(&FINANCE, at(0, 9, 0, 0), line("collected"));
            story.online(&FINANCE, when, line("paid_out"));
            story
        };
        assert_eq!(around(at(1, 9, 0, 0), at(2, 0, 0, 0), paid), only("PEN-02"), "{network} {version}");
    }
}

// rules: PEN-05, SLA-11
#[test]
fn data_entered_when_their_absence_is_found_are_in_time_and_a_millisecond_later_they_are_not() {
    let entered = |when| {
        let mut story = Story::by(version_of("nengda-gd", 2));
        story.facts.entered = Some(when);
        let found_at = Some(at(0, 9, 0, 0));
        problem(&mut story, &HUB, at(0, 9, 5, 0), Problem { found_at, ..Problem::of(code("OR-LATEENTRY"), Stage::Origin) });
        story
    };
    assert_eq!(around(at(0, 9, 0, 0), at(1, 0, 0, 0), entered), only("PEN-05"));
}
