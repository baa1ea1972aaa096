//! An outlet's mark against a reply counts for a time, also if the reply's decision starts no clock; head office's counts at any time.

use doorstep_domain::*;
use doorstep_rules::*;

use super::{SECOND, consent, failed, mark, noticed, told};
use crate::story::*;

/// The decisions of the pack that start no clock with an end.
const QUIET: [&str; 3] = ["WAIT", "SELF_PICKUP", "TRANSFER_PEER"];

fn replied(decision: &str, told: UnixMs, replied: UnixMs) -> (Story, EntryKey) {
    let mut story = Story::new();
    failed(&mut story, at(0, 9, 0, 0), "DF-NOBODY");
    story.notice(at(0, 10, 0, 0), Some(told), "0571");
    let reply = story.online(&ORIGIN, replied, Body::Reply(full(decision)));
    (story, reply)
}

fn is_valid(story: &Story) -> bool {
    story.judge(at(9, 0, 0, 0)).replies[0].validity == Validity::Valid
}

// rules: T-5, SLA-05
#[test]
fn an_outlets_mark_counts_for_a_day_after_the_reply_also_if_the_decision_starts_no_clock() {
    let came = at(0, 16, 0, 0);
    for decision in QUIET {
        for (after, counts) in
            [(HOUR, true), (24 * HOUR - SECOND, true), (24 * HOUR, true), (24 * HOUR + 1, false), (24 * HOUR + SECOND, false)]
        {
            let (mut story, reply) = replied(decision, at(0, 10, 0, 0), came);
            assert!(is_valid(&story), "{decision}");
            let by = mark(&mut story, &WEST, came.plus(after), &reply, Remark::Invalid);
            assert_eq!(is_valid(&story), !counts, "{decision} {after}");
            let judged = story.judge(at(9, 0, 0, 0));
            assert_eq!(judged.replies[0].late_mark, (!counts).then_some(by));
            let told = told(&story, "SLA-05", at(9, 0, 0, 0));
            assert_eq!(told.contains("came too late to count"), !counts, "{told}");
            assert_eq!(told.contains("标记太晚"), !counts, "{told}");
        }
    }
}

// rules: T-5
#[test]
fn head_offices_mark_counts_at_any_time() {
    for after in [HOUR, 24 * HOUR + SECOND, 150 * HOUR] {
        let (mut story, reply) = replied("WAIT", at(0, 10, 0, 0), at(0, 16, 0, 0));
        mark(&mut story, &REVIEWER, at(0, 16, 0, 0).plus(after), &reply, Remark::Invalid);
        assert!(!is_valid(&story), "{after}");
    }
}

// rules: SLA-05
#[test]
fn a_mark_counts_until_the_time_for_the_answer_is_over_if_that_is_later() {
    // The server has the notice only at 20:00, the reply since 16:00.
    let due = at(1, 20, 0, 0);
    for (marked, counts) in [(due.plus(-SECOND), true), (due, true), (due.plus(1), false), (due.plus(SECOND), false)] {
        let (mut story, reply) = replied("WAIT", at(0, 20, 0, 0), at(0, 16, 0, 0));
        mark(&mut story, &WEST, marked, &reply, Remark::Invalid);
        assert_eq!(is_valid(&story), !counts, "{marked:?}");
    }
    // A reply that comes late has a day of its own.
    let came = at(3, 16, 0, 0);
    for (after, counts) in [(24 * HOUR, true), (24 * HOUR + SECOND, false)] {
        let (mut story, reply) = replied("WAIT", at(0, 10, 0, 0), came);
        mark(&mut story, &WEST, came.plus(after), &reply, Remark::Invalid);
        assert_eq!(is_valid(&story), !counts, "{after}");
    }
}

// rules: T-5
#[test]
fn the_time_for_a_mark_begins_when_the_reply_counts() {
    let counted = at(3, 9, 0, 0);
    for (after, counts) in [(24 * HOUR, true), (24 * HOUR + SECOND, false)] {
        let mut story = Story::new();
        failed(&mut story, at(0, 9, 0, 0), "DF-NOBODY");
        noticed(&mut story, at(0, 10, 0, 0));
        let reply = story.online(&ORIGIN, at(0, 16, 0, 0), Body::Reply(Reply { agreed_by: None, ..full("TRANSFER_PEER") }));
        consent(&mut story, counted, "TRANSFER_PEER");
        assert_eq!(story.judge(at(9, 0, 0, 0)).replies[0].valid_from, Some(counted));
        mark(&mut story, &WEST, counted.plus(after), &reply, Remark::Invalid);
        assert_eq!(is_valid(&story), !counts, "{after}");
    }
}

// rules: SLA-05
#[test]
fn the_time_for_a_mark_is_the_packs_time_for_the_answer() {
    let mut pack = qinghe();
    for clock in pack.clocks.iter_mut().filter(|clock| clock.id == "SLA-05") {
        clock.due = Due::Hours(6);
    }
    let came = at(0, 12, 0, 0);
    for (after, counts) in [(6 * HOUR, true), (6 * HOUR + SECOND, false)] {
        let mut story = Story::by(pack.clone());
        failed(&mut story, at(0, 9, 0, 0), "DF-NOBODY");
        noticed(&mut story, at(0, 10, 0, 0));
        let reply = story.online(&ORIGIN, came, Body::Reply(full("WAIT")));
        mark(&mut story, &WEST, came.plus(after), &reply, Remark::Invalid);
        assert_eq!(is_valid(&story), !counts, "{after}");
    }
}

/// From when on the delivering side follows the method, because the reply does not count (T-5).
fn method_from(marks: &[(&By, i64, Remark)], reply: Body) -> Vec<UnixMs> {
    let mut story = Story::by(version_of("qinghe", 2));
    failed(&mut story, at(0, 9, 0, 0), "DF-NOBODY");
    noticed(&mut story, at(0, 10, 0, 0));
    let reply = story.online(&ORIGIN, at(0, 16, 0, 0), reply);
    for (by, after, remark) in marks {
        mark(&mut story, by, at(0, 16, 0, 0).plus(*after), &reply, *remark);
    }
    super::starts(&story, "SLA-08", at(9, 0, 0, 0))
}

// rules: SLA-08, T-5
#[test]
fn a_word_against_a_reply_that_lacked_something_moves_nothing_whoever_says_it() {
    let lacking = || Body::Reply(Reply::of(code("REDELIVER")));
    let came = at(0, 16, 0, 0);
    assert_eq!(method_from(&[], lacking()), [came]);
    for by in [&WEST, &REVIEWER] {
        for after in [1, SECOND, HOUR, 20 * HOUR] {
            assert_eq!(method_from(&[(by, after, Remark::Invalid)], lacking()), [came], "{after}");
        }
    }
    // Who is marked as valid in between counted until the word against it.
    let turned = [(&WEST, HOUR, Remark::Valid), (&WEST, 2 * HOUR, Remark::Invalid)];
    assert_eq!(method_from(&turned, lacking()), [came.plus(2 * HOUR)]);
}

// rules: SLA-08, T-5
#[test]
fn of_several_words_against_a_reply_that_counted_the_first_one_begins_the_method() {
    let whole = || Body::Reply(full("REDELIVER"));
    let came = at(0, 16, 0, 0);
    use Remark::{Invalid, Valid};
    assert_eq!(method_from(&[(&WEST, HOUR, Invalid)], whole()), [came.plus(HOUR)]);
    for again in [HOUR + SECOND, 5 * HOUR, 20 * HOUR] {
        for by in [&WEST, &REVIEWER] {
            assert_eq!(method_from(&[(&WEST, HOUR, Invalid), (by, again, Invalid)], whole()), [came.plus(HOUR)], "{again}");
        }
        assert_eq!(method_from(&[(&REVIEWER, HOUR, Invalid), (&REVIEWER, again, Invalid)], whole()), [came.plus(HOUR)]);
    }
    // Head office says that it was valid, and then that it was not.
    let turned = [(&WEST, HOUR, Invalid), (&REVIEWER, 2 * HOUR, Valid), (&REVIEWER, 3 * HOUR, Invalid)];
    assert_eq!(method_from(&turned, whole()), [came.plus(3 * HOUR)]);
}
