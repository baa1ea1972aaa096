//! A mark does not unmake a miss: an outlet's mark on a reply counts if it came in time, and head office's outranks it (domain 6.4).

use doorstep_domain::*;
use doorstep_rules::*;

use crate::story::*;

fn notified() -> Story {
    let mut story = Story::new();
    story.attempt(at(0, 14, 0, 0), Some(at(0, 14, 0, 0)), "DF-NOBODY");
    story.notice(at(0, 15, 0, 0), Some(at(0, 15, 0, 0)), "0571");
    story
}

fn mark(story: &mut Story, by: &By, when: UnixMs, about: &EntryKey, remark: Remark) -> EntryKey {
    story.online(by, when, Body::Mark(Mark { about: about.clone(), remark, reason: None, words: None }))
}

/// The rules that somebody answers to, with the outlet and whether a person must look.
fn found(story: &Story, now: UnixMs) -> Vec<(String, Option<String>, bool)> {
    let outlet = |finding: &Finding| finding.outlet.as_ref().map(ToString::to_string);
    story.judge(now).findings.iter().map(|finding| (finding.rule.clone(), outlet(finding), finding.review)).collect()
}

// rules: LIA-05, SLA-06
#[test]
fn an_outlet_that_missed_a_redelivery_can_not_undo_it_by_a_mark_and_one_that_marks_in_time_can() {
    let replied = at(0, 16, 0, 0);
    let marked = |after: i64, more: &dyn Fn(&mut Story, &EntryKey)| {
        let mut story = notified();
        let reply = story.reply(replied, "REDELIVER").entry.key.clone();
        mark(&mut story, &WEST, replied.plus(after), &reply, Remark::Invalid);
        more(&mut story, &reply);
        story
    };
    let missed = || vec![("LIA-05".to_owned(), Some("0412".to_owned()), true)];
    let no_more = |_: &mut Story, _: &EntryKey| {};
    for late in [24 * HOUR + 1, 24 * HOUR + 1_000, 40 * HOUR] {
        let story = marked(late, &no_more);
        assert_eq!(found(&story, at(4, 0, 0, 0)), missed(), "{late}");
        let judged = story.judge(at(4, 0, 0, 0));
        assert!(judged.replies[0].in_force && judged.replies[0].validity == Validity::Valid);
        let told = explain(&story.case(), &story.book, &judged).into_iter().map(|line| format!("{line:?}")).collect::<String>();
        assert!(told.contains("only after the time had run out") && told.contains("期满后才标记"), "{told}");
    }
    for in_time in [HOUR, 24 * HOUR] {
        let rules: Vec<String> = found(&marked(in_time, &no_more), at(4, 0, 0, 0)).into_iter().map(|(rule, ..)| rule).collect();
        assert_eq!(rules, ["LIA-01"], "the origin outlet did not answer");
    }
    // Head office agrees with the mark: the finding moves.
    let agrees = |story: &mut Story, reply: &EntryKey| drop(mark(story, &REVIEWER, at(3, 0, 0, 0), reply, Remark::Invalid));
    assert!(found(&marked(40 * HOUR, &agrees), at(4, 0, 0, 0)).iter().all(|(rule, ..)| rule == "LIA-01"));
}

// rules: LIA-05
#[test]
fn a_mark_of_head_office_outranks_outlets_marks_before_and_after_it() {
    let validity = |marks: &[(&By, i64, Remark)]| {
        let mut story = notified();
        let reply = story.reply(at(0, 16, 0, 0), "REDELIVER").entry.key.clone();
        for (by, hour, remark) in marks {
            mark(&mut story, by, at(0, *hour, 0, 0), &reply, *remark);
        }
        story.judge(at(0, 23, 0, 0)).replies[0].validity == Validity::Valid
    };
    use Remark::{Invalid, Valid};
    assert!(!validity(&[(&WEST, 17, Invalid)]));
    assert!(validity(&[(&WEST, 17, Invalid), (&WEST, 18, Valid)]), "the outlet changes its mind");
    for hours in [[17, 18], [18, 17]] {
        assert!(validity(&[(&REVIEWER, hours[0], Valid), (&WEST, hours[1], Invalid)]));
        assert!(!validity(&[(&REVIEWER, hours[0], Invalid), (&WEST, hours[1], Valid)]));
    }
    assert!(!validity(&[(&REVIEWER, 17, Valid), (&REVIEWER, 18, Invalid)]), "head office's own newest");
}

// rules: SLA-05, LIA-01
#[test]
fn a_reply_that_only_an_outlets_mark_makes_valid_counts_from_the_mark_and_undoes_no_miss() {
    let vague = || Body::Reply(Reply { words: said("请处理"), ..Reply::of(code("REDELIVER")) });
    let answered = |by: &By, marked: UnixMs| {
        let mut story = notified();
        let reply = story.online(&ORIGIN, at(0, 16, 0, 0), vague());
        mark(&mut story, by, marked, &reply, Remark::Valid);
        let redelivery = story.judge(at(1, 16, 0, 0)).deadlines.into_iter().find(|deadline| deadline.clock == "SLA-06");
        (story.clock("SLA-05", at(4, 0, 0, 0)), redelivery.map(|deadline| deadline.started_at))
    };
    let due = at(1, 15, 0, 0);
    assert_eq!(answered(&WEST, due), (Timeliness::OnTime, Some(due)));
    assert_eq!(answered(&WEST, due.plus(1)), (Timeliness::Late, Some(due.plus(1))), "the origin's miss stays");
    // Head office says that it was an answer from the beginning.
    assert_eq!(answered(&REVIEWER, due.plus(HOUR)).0, Timeliness::OnTime);
}

// rules: SLA-06, SLA-07, T-3
#[test]
fn a_reply_counts_from_its_receipt_and_nothing_done_before_keeps_it() {
    for (decision, clock) in [("REDELIVER", "SLA-06"), ("RETURN", "SLA-07")] {
        for (acted, kept) in [(at(0, 16, 30, 0), false), (at(0, 19, 59, 59), false), (at(0, 20, 0, 0), true)] {
            let mut story = notified();
            // Written at 16:00 without a network, received at 20:00.
            story.reply(at(0, 16, 0, 0), decision).standing =
                Standing::Accepted(Receipt::of(at(0, 20, 0, 0), Some(at(0, 16, 0, 0))));
            let body = match decision {
                "REDELIVER" => Body::Attempt(Attempt::of(code("DF-NOBODY"))),
                _ => Body::Close(Close::of(code("RETURNED"))),
            };
            story.online(&COURIER, acted, body);
            let judged = story.judge(at(4, 0, 0, 0));
            let deadline = judged.deadlines.iter().find(|deadline| deadline.clock == clock);
            let met = deadline.is_some_and(|deadline| deadline.met_by.is_some());
            assert_eq!(met, kept, "{clock} at {acted:?}: {deadline:?}");
            if decision == "REDELIVER" {
                // An attempt before the receipt is one that the reply answers; a later one waits for its own.
                assert_eq!(judged.decision.is_some(), !kept, "{acted:?}: {:?}", judged.decision);
            }
        }
    }
}
