//! A reply comes after everything that was certainly done before its receipt, however much is uncertain or long.

use doorstep_domain::*;

use super::{attempt, failed, mark, noticed, registered, rule_on, take_back};
use crate::story::*;

/// A reply that was written at 10:00 without a network and received at 20:00.
fn late_reply(story: &mut Story) -> EntryKey {
    let reply = story.reply(at(0, 10, 0, 0), "REDELIVER");
    reply.standing = Standing::Accepted(Receipt::of(at(0, 20, 0, 0), Some(at(0, 10, 0, 0))));
    reply.entry.key.clone()
}

// rules: T-3
#[test]
fn an_uncertain_act_does_not_put_a_reply_before_what_was_certainly_done_before_it() {
    for (done, is_before) in
        [(at(0, 13, 0, 0), true), (at(0, 19, 59, 59), true), (at(0, 20, 0, 0), false), (at(0, 20, 0, 1), false)]
    {
        let mut story = Story::new();
        failed(&mut story, at(0, 9, 0, 0), "DF-NOBODY");
        noticed(&mut story, at(0, 9, 30, 0));
        late_reply(&mut story);
        // Its device says 12:00, and nothing proves that.
        let mut unproven = Receipt::of(at(0, 23, 0, 0), None);
        unproven.acted.slack_ms = 0;
        story.add(&COURIER, at(0, 12, 0, 0), None, Body::Note { words: Personal::plain("门口").unwrap() }).standing =
            Standing::Accepted(unproven);
        story.online(&COURIER, done, attempt("DF-NOBODY"));
        assert_eq!(story.judge(at(1, 0, 0, 0)).decision.is_some(), is_before, "{done:?}");
    }
}

// rules: T-3
#[test]
fn a_reply_comes_after_hundreds_of_acts_before_its_receipt() {
    for notes in [255, 256, 257, 1_000] {
        let mut story = Story::new();
        failed(&mut story, at(0, 9, 0, 0), "DF-NOBODY");
        noticed(&mut story, at(0, 9, 30, 0));
        late_reply(&mut story);
        for n in 0..notes {
            story.online(&COURIER, at(0, 11, 0, 0).plus(n), Body::Note { words: Personal::plain("门口").unwrap() });
        }
        story.online(&COURIER, at(0, 13, 0, 0), attempt("DF-NOBODY"));
        assert!(story.judge(at(1, 0, 0, 0)).decision.is_some(), "{notes}");
    }
}

// rules: T-3
#[test]
fn a_reply_stays_before_what_is_about_it() {
    let mut story = Story::new();
    failed(&mut story, at(0, 9, 0, 0), "DF-NOBODY");
    noticed(&mut story, at(0, 9, 30, 0));
    let reply = late_reply(&mut story);
    mark(&mut story, &WEST, at(0, 11, 0, 0), &reply, Remark::Valid);
    story.online(&COURIER, at(0, 13, 0, 0), attempt("DF-NOBODY"));
    // Somebody had it at 11:00 already, so the attempt of 13:00 is one after it.
    assert_eq!(story.judge(at(1, 0, 0, 0)).decision, None);
}

// rules: T-3
#[test]
fn a_reply_that_somebody_had_early_passes_nothing_uncertain_on_the_way_to_what_is_about_it() {
    for (latest, is_before) in [(at(0, 19, 59, 59), true), (at(0, 20, 0, 0), false), (at(0, 21, 0, 0), false)] {
        let mut story = Story::new();
        failed(&mut story, at(0, 9, 0, 0), "DF-NOBODY");
        noticed(&mut story, at(0, 9, 30, 0));
        let reply = late_reply(&mut story);
        // The failure was at 11:00 by its device, and surely no later than this.
        let mut receipt = Receipt::of(latest, Some(at(0, 11, 0, 0)));
        (receipt.acted.anchored, receipt.acted.from) = (false, Some(at(0, 8, 0, 0)));
        story.attempt(at(0, 11, 0, 0), None, "DF-NOBODY").standing = Standing::Accepted(receipt);
        mark(&mut story, &WEST, at(0, 12, 0, 0), &reply, Remark::Valid);
        assert_eq!(story.judge(at(1, 0, 0, 0)).decision.is_some(), is_before, "{latest:?}");
    }
}

// rules: C-18
#[test]
fn a_case_of_ten_thousand_entries_by_somebody_hostile_is_judged() {
    let about = |n: usize| at(0, 9, 0, 0).plus(i64::try_from(n).unwrap() * 61_000);
    let kinds: [fn(&mut Story, UnixMs); 3] = [
        // Rounds with late replies, marked late.
        |story, when| {
            failed(story, when, "DF-NOBODY");
            noticed(story, when.plus(1));
            let reply = story.online(&ORIGIN, when.plus(30 * HOUR), Body::Reply(full("REDELIVER")));
            mark(story, &WEST, when.plus(90 * HOUR), &reply, Remark::Invalid);
            story.online(&WEST, when.plus(2), Body::Action(Action::of(code("FORWARD"))));
        },
        // Reasons of many names, replies that look for them, ends and beginnings.
        |story, when| {
            registered(story, when, &format!("MN-{}", when.0));
            story.online(&ORIGIN, when.plus(1), Body::Reply(Reply { letter: None, ..full("PAY_CHANGE") }));
            story.online(&WEST, when.plus(2), Body::Action(Action::of(code("PAY_CHANGE"))));
            story.close(when.plus(3), "SIGNED");
        },
        // Findings that are disputed and decided, and taken back.
        |story, when| {
            let failed = failed(story, when, "DF-NOBODY");
            let about = About { rule: Some(code("LIA-04")), entry: failed.clone() };
            rule_on(story, "LIA-04", &failed, when.plus(50 * HOUR));
            story.online(&WEST, when.plus(51 * HOUR), Body::Dispute(Dispute { about, words: Personal::plain("不服").unwrap() }));
            take_back(story, &failed, &COURIER, when.plus(52 * HOUR));
        },
    ];
    for kind in kinds {
        let mut story = Story::by(version_of("qinghe", 2));
        let mut n = 0;
        while story.entries.len() < 10_000 {
            kind(&mut story, about(n));
            n += 1;
        }
        assert!(!story.judge(at(30, 0, 0, 0)).deadlines.is_empty());
    }
}
