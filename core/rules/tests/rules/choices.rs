//! Choices that the documents leave open, each on both sides of its edge (domain 3.6, 8.5, 13).

use doorstep_domain::*;
use doorstep_rules::*;

use crate::story::*;

fn words() -> Personal {
    Personal::plain("写错了").unwrap()
}

fn failed(story: &mut Story, when: UnixMs) -> EntryKey {
    story.attempt(when, Some(when), "DF-NOBODY").entry.key.clone()
}

/// A receipt with an estimate that is exact to so many milliseconds, on a device whose clock proves it.
fn within(received: UnixMs, acted: UnixMs, slack_ms: u32) -> Standing {
    let mut receipt = Receipt::of(received, Some(acted));
    receipt.acted.slack_ms = slack_ms;
    Standing::Accepted(receipt)
}

/// What the rule says, if it says anything: whether a person must look.
fn review(story: &Story, rule: &str, now: UnixMs) -> Option<bool> {
    story.finding(rule, now).map(|finding| finding.review)
}

// rules: SLA-03, LIA-04
#[test]
fn a_finding_of_a_failure_that_may_lie_on_another_day_is_for_review() {
    for (acted, may_be_tomorrow) in
        [(at(0, 23, 59, 57), true), (at(0, 23, 59, 50), false), (at(1, 0, 0, 2), true), (at(1, 0, 0, 6), false)]
    {
        let mut story = Story::new();
        story.attempt(acted, None, "DF-NOBODY").standing = within(at(1, 1, 0, 0), acted, 5_000);
        assert_eq!(review(&story, "LIA-04", at(5, 0, 0, 0)), Some(may_be_tomorrow), "{acted:?}");
        assert_eq!(story.deadline("SLA-03", at(5, 0, 0, 0)).day_unsure, may_be_tomorrow);
    }
    // A clock of hours has the uncertainty of its start and no other day.
    let mut story = Story::new();
    failed(&mut story, at(0, 14, 0, 0));
    story.notice(at(0, 23, 59, 59), Some(at(0, 23, 59, 59)), "0571").standing =
        within(at(0, 23, 59, 59), at(0, 23, 59, 57), 5_000);
    assert!(!story.deadline("SLA-05", at(5, 0, 0, 0)).day_unsure);
}

// rules: SLA-01
#[test]
fn what_is_found_at_ten_oclock_sharp_is_on_the_next_days_list() {
    let due = |found: UnixMs| {
        let mut story = Story::new();
        story.online(&HUB, found, Body::Problem(Problem { found_at: Some(found), ..Problem::of(code("CD-DAMAGE"), Stage::Hub) }));
        story.deadline("SLA-01", found).due_at.unwrap()
    };
    assert_eq!(due(at(0, 10, 0, 0).plus(-1)), at(0, 10, 0, 0));
    assert_eq!(due(at(0, 10, 0, 0)), at(1, 10, 0, 0));
    assert_eq!(due(at(0, 10, 0, 0).plus(1)), at(1, 10, 0, 0));
}

// rules: C-19
#[test]
fn a_dispute_that_comes_after_a_decision_is_a_question_again() {
    let disputed = |after: i64| {
        let mut story = Story::new();
        let attempt = failed(&mut story, at(0, 14, 0, 0));
        let about = About { rule: Some(code("LIA-04")), entry: attempt };
        let ruling =
            Ruling { about: about.clone(), stands: Stands::Upheld, share: Some(50), amount: None, replaces: None, words: None };
        story.online(&REVIEWER, at(2, 9, 0, 0), Body::Ruling(ruling));
        story.online(&WEST, at(2, 9, 0, 0).plus(after), Body::Dispute(Dispute { about, words: words() }));
        let judged = story.judge(at(3, 0, 0, 0));
        let finding = &judged.findings[0];
        assert_eq!((finding.share, finding.decided.is_some()), (50, true), "the decision stays");
        assert_eq!(judged.flags.contains(&Flag::Disputed), finding.state == FindingState::Disputed);
        finding.state
    };
    assert_eq!([disputed(-1), disputed(0), disputed(1)], [FindingState::Decided, FindingState::Decided, FindingState::Disputed]);
    // The same of a mark.
    let of_a_mark = |after: i64| {
        let mut story = Story::new();
        failed(&mut story, at(0, 14, 0, 0));
        story.notice(at(0, 15, 0, 0), Some(at(0, 15, 0, 0)), "0571");
        let reply = story.reply(at(0, 16, 0, 0), "RETURN").entry.key.clone();
        let mark = story.online(
            &WEST,
            at(0, 16, 30, 0),
            Body::Mark(Mark { about: reply, remark: Remark::Invalid, reason: None, words: None }),
        );
        let about = About { rule: None, entry: mark };
        let ruling =
            Ruling { about: about.clone(), stands: Stands::Upheld, share: None, amount: None, replaces: None, words: None };
        story.online(&REVIEWER, at(0, 17, 0, 0), Body::Ruling(ruling));
        story.online(&ORIGIN, at(0, 17, 0, 0).plus(after), Body::Dispute(Dispute { about, words: words() }));
        story.judge(at(0, 18, 0, 0)).flags.contains(&Flag::Disputed)
    };
    assert_eq!([of_a_mark(-1), of_a_mark(1)], [false, true]);
}

// rules: C-18
#[test]
fn a_failure_on_the_day_of_the_end_is_a_conflict_and_on_the_next_day_a_new_round() {
    let conflicts = |outcome: &str, failure: UnixMs| {
        let mut story = Story::new();
        failed(&mut story, at(0, 9, 0, 0));
        let end = story.close(at(0, 15, 0, 0), outcome);
        let again = failed(&mut story, failure);
        let judged = story.judge(at(3, 0, 0, 0));
        let found: Vec<_> =
            judged.conflicts.into_iter().filter(|conflict| conflict.kind == ConflictKind::FailedAfterEnd).collect();
        assert!(found.iter().all(|conflict| conflict.sides == [end.clone(), again.clone()]));
        found.len()
    };
    for outcome in ["SIGNED", "RETURNED"] {
        assert_eq!(conflicts(outcome, at(0, 14, 59, 59)), 0, "before the end");
        assert_eq!(conflicts(outcome, at(0, 15, 0, 1)), 1);
        assert_eq!(conflicts(outcome, at(0, 23, 59, 59)), 1);
        assert_eq!(conflicts(outcome, at(1, 0, 0, 0)), 0, "it was delivered anew");
    }
}

// rules: C-18
#[test]
fn a_decided_finding_stays_however_many_failures_are_recorded_after_it() {
    let mut story = Story::new();
    let first = failed(&mut story, at(0, 14, 0, 0));
    let about = About { rule: Some(code("LIA-04")), entry: first.clone() };
    let ruling = Ruling { about, stands: Stands::Upheld, share: None, amount: None, replaces: None, words: None };
    story.online(&REVIEWER, at(2, 9, 0, 0), Body::Ruling(ruling));
    let second = failed(&mut story, at(2, 14, 0, 0));
    for day in 3..270 {
        failed(&mut story, at(day, 14, 0, 0));
    }
    let judged = story.judge(at(300, 0, 0, 0));
    assert!(judged.flags.contains(&Flag::TooMany));
    let of = |entry: &EntryKey| judged.findings.iter().find(|finding| finding.id.entry == *entry).map(|finding| finding.state);
    assert_eq!((of(&first), of(&second)), (Some(FindingState::Decided), None));
}

// rules: EV-10
#[test]
fn an_entry_is_the_same_as_one_of_its_own_kind_only() {
    let attempts = |same_as: fn(&EntryKey, &EntryKey) -> EntryKey| {
        let mut story = Story::new();
        let first = failed(&mut story, at(0, 14, 0, 0));
        let second = failed(&mut story, at(0, 14, 5, 0));
        let notice = story.notice(at(0, 15, 0, 0), Some(at(0, 15, 0, 0)), "0571").entry.key.clone();
        let correction = Correction { of: second, fault: Fault::SameAs, same_as: Some(same_as(&first, &notice)), words: words() };
        story.online(&COURIER, at(0, 16, 0, 0), Body::Correction(correction));
        story.case().attempts()
    };
    assert_eq!(attempts(|first, _| first.clone()), 1);
    assert_eq!(attempts(|_, notice| notice.clone()), 2, "a notice is no failed delivery");
}

/// A story under a pack that judges by the time of the act if that is proven.
fn capture_counts() -> Story {
    let mut pack = qinghe();
    pack.switches.late_synced = LateSynced::CaptureCounts;
    Story::by(pack)
}

// rules: LIA-04, SLA-03
#[test]
fn an_act_whose_possible_times_pass_the_end_is_not_proven_in_time_and_a_person_looks() {
    let notice = |acted: UnixMs| {
        let mut story = capture_counts();
        failed(&mut story, at(0, 14, 0, 0));
        story.notice(acted, None, "0571").standing = within(at(1, 10, 0, 0), acted, 5_000);
        review(&story, "LIA-04", at(5, 0, 0, 0))
    };
    let end = at(1, 0, 0, 0).plus(-1);
    assert_eq!(notice(end.plus(-5_000)), None, "all of it lies before the end");
    assert_eq!(notice(end.plus(-4_999)), Some(true));
    assert_eq!(notice(end), Some(true));
    assert_eq!(notice(end.plus(1)), Some(false), "late, as its own clock says");
}

// rules: LIA-04, SLA-03
#[test]
fn an_end_of_the_case_that_nothing_proves_excuses_no_missed_notice() {
    let ended = |standing: Standing| {
        let mut story = capture_counts();
        failed(&mut story, at(0, 14, 0, 0));
        story.add(&COURIER, at(0, 20, 0, 0), None, Body::Close(Close::of(code("SIGNED")))).standing = standing;
        review(&story, "LIA-04", at(5, 0, 0, 0))
    };
    assert_eq!(ended(within(at(0, 20, 0, 0), at(0, 20, 0, 0), 0)), None);
    assert_eq!(ended(within(at(1, 1, 0, 0), at(0, 20, 0, 0), 0)), None, "proven by its clock");
    let mut unproven = Receipt::of(at(2, 10, 0, 0), None);
    unproven.acted.slack_ms = 0;
    assert_eq!(ended(Standing::Accepted(unproven)), Some(true));
}
