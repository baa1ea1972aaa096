//! A reply counts from the moment at which everything that it needs has been received.

use doorstep_domain::*;
use doorstep_rules::*;

use super::{SECOND, attempt, consent, failed, mark, noticed, registered, starts, take_back, told};
use crate::story::*;

fn notified() -> Story {
    let mut story = Story::new();
    failed(&mut story, at(0, 14, 0, 0), "DF-REFUSE");
    noticed(&mut story, at(0, 15, 0, 0));
    story
}

/// A reply that asks for a return without the sender's word.
fn undecided() -> Body {
    Body::Reply(Reply { agreed_by: None, ..full("RETURN") })
}

// rules: SLA-05, LIA-01, SLA-07
#[test]
fn a_consent_that_comes_after_a_reply_makes_it_count_from_the_consent_and_undoes_no_miss() {
    let due = at(1, 15, 0, 0);
    for (agreed, in_time) in [(due.plus(-SECOND), true), (due, true), (due.plus(1), false), (due.plus(SECOND), false)] {
        let mut story = notified();
        story.online(&ORIGIN, at(0, 16, 0, 0), undecided());
        consent(&mut story, agreed, "RETURN");
        let now = at(5, 0, 0, 0);
        assert_eq!(story.clock("SLA-05", now), if in_time { Timeliness::OnTime } else { Timeliness::Late }, "{agreed:?}");
        assert_eq!(story.finding("LIA-01", now).is_some(), !in_time);
        assert_eq!(starts(&story, "SLA-07", now), [agreed]);
        assert_eq!(story.judge(now).replies[0].valid_from, Some(agreed));
        for clock in ["SLA-05", "SLA-07"] {
            let told = told(&story, clock, now);
            assert!(told.contains("counts only from") && told.contains("才算数"), "{told}");
        }
    }
}

// rules: SLA-07
#[test]
fn a_consent_that_was_there_before_the_reply_changes_nothing_of_when_it_counts() {
    let replied = at(0, 16, 0, 0);
    for (before, valid_from) in [(-HOUR, None), (-SECOND, None), (0, None), (1, Some(replied.plus(1)))] {
        let mut story = notified();
        consent(&mut story, replied.plus(before), "RETURN");
        story.online(&ORIGIN, replied, undecided());
        let judged = story.judge(at(1, 0, 0, 0));
        assert_eq!((&judged.replies[0].validity, judged.replies[0].valid_from), (&Validity::Valid, valid_from), "{before}");
        assert_eq!(starts(&story, "SLA-07", at(1, 0, 0, 0)), [valid_from.unwrap_or(replied)]);
    }
    // The consent counts from its receipt, whenever it was written, and the earliest receipt counts.
    let mut story = notified();
    story.online(&ORIGIN, replied, undecided());
    let agreed = Body::Consent(Consent { by: Customer::Sender, name: said("张小姐"), to: code("RETURN"), words: None });
    story.add(&ORIGIN, at(0, 15, 30, 0), Some(at(0, 20, 0, 0)), agreed);
    assert_eq!(story.judge(at(1, 0, 0, 0)).replies[0].valid_from, Some(at(0, 20, 0, 0)));
    consent(&mut story, at(0, 18, 0, 0), "RETURN");
    consent(&mut story, at(0, 22, 0, 0), "RETURN");
    consent(&mut story, at(0, 17, 0, 0), "FORWARD");
    assert_eq!(story.judge(at(1, 0, 0, 0)).replies[0].valid_from, Some(at(0, 18, 0, 0)));
}

// rules: EV-5, MN-COD, SLA-05
#[test]
fn a_letter_that_comes_after_a_reply_makes_it_count_from_the_letter() {
    let due = at(1, 15, 0, 0);
    for version in [1, 2] {
        for (lettered, in_time) in [(due.plus(-SECOND), true), (due, true), (due.plus(1), false), (due.plus(SECOND), false)] {
            let mut story = Story::by(version_of("qinghe", version));
            registered(&mut story, at(0, 14, 0, 0), "MN-COD");
            noticed(&mut story, at(0, 15, 0, 0));
            story.online(&ORIGIN, at(0, 16, 0, 0), Body::Reply(Reply { letter: None, ..full("PAY_CHANGE") }));
            story.photo(lettered, PhotoPurpose::Letter);
            story.photo(lettered.plus(HOUR), PhotoPurpose::Letter);
            assert_eq!(story.clock("SLA-05", at(5, 0, 0, 0)) == Timeliness::OnTime, in_time, "version {version}, {lettered:?}");
            assert_eq!(story.judge(at(5, 0, 0, 0)).replies[0].valid_from, Some(lettered));
        }
    }
}

// rules: EV-5, EV-6
#[test]
fn of_several_parts_the_last_one_counts() {
    let mut pack = version_of("qinghe", 2);
    for row in pack.outcomes.iter_mut().filter(|row| row.code == "RETURN") {
        row.reply_needs.as_mut().unwrap().push(ReplyNeed("letter".to_owned()));
    }
    for (agreed, lettered) in [(at(0, 18, 0, 0), at(0, 19, 0, 0)), (at(0, 19, 0, 0), at(0, 18, 0, 0))] {
        let mut story = Story::by(pack.clone());
        failed(&mut story, at(0, 14, 0, 0), "DF-REFUSE");
        noticed(&mut story, at(0, 15, 0, 0));
        story.online(&ORIGIN, at(0, 16, 0, 0), Body::Reply(Reply { agreed_by: None, letter: None, ..full("RETURN") }));
        consent(&mut story, agreed, "RETURN");
        story.photo(lettered, PhotoPurpose::Letter);
        assert_eq!(story.judge(at(1, 0, 0, 0)).replies[0].valid_from, Some(at(0, 19, 0, 0)));
    }
}

// rules: LIA-01
#[test]
fn of_a_consent_and_an_outlets_mark_the_earlier_one_counts_and_head_offices_word_counts_from_the_reply() {
    let valid_from = |marks: &[(&By, i64)], agreed: i64| {
        let mut story = notified();
        let reply = story.online(&ORIGIN, at(0, 16, 0, 0), undecided());
        consent(&mut story, at(0, agreed, 0, 0), "RETURN");
        for (by, hour) in marks {
            mark(&mut story, by, at(0, *hour, 0, 0), &reply, Remark::Valid);
        }
        story.judge(at(1, 0, 0, 0)).replies[0].valid_from
    };
    assert_eq!(valid_from(&[(&WEST, 17)], 18), Some(at(0, 17, 0, 0)));
    assert_eq!(valid_from(&[(&WEST, 18)], 17), Some(at(0, 17, 0, 0)));
    assert_eq!(valid_from(&[(&WEST, 17), (&REVIEWER, 20)], 18), None);
}

// rules: SLA-03, LIA-04
#[test]
fn an_attempt_before_a_reply_counts_begins_no_round_of_its_own() {
    for (agreed, rounds) in [(at(0, 15, 2, 0), 2), (at(0, 15, 5, 0), 2), (at(0, 15, 5, 1), 1), (at(0, 18, 0, 0), 1)] {
        let mut story = Story::new();
        failed(&mut story, at(0, 14, 55, 0), "DF-REFUSE");
        noticed(&mut story, at(0, 14, 56, 0));
        story.online(&ORIGIN, at(0, 15, 0, 0), undecided());
        // The same failure, on another device.
        story.online(&COURIER, at(0, 15, 5, 0), attempt("DF-REFUSE"));
        consent(&mut story, agreed, "RETURN");
        assert_eq!(starts(&story, "SLA-03", at(5, 0, 0, 0)).len(), rounds, "{agreed:?}");
    }
}

// rules: SLA-05, SLA-07
#[test]
fn a_reply_that_counts_after_the_parcel_was_acted_on_does_not_bind_anywhere() {
    let due = at(1, 15, 0, 0);
    for (agreed, binds) in [(due.plus(HOUR - SECOND), true), (due.plus(HOUR), true), (due.plus(HOUR + SECOND), false)] {
        let mut story = notified();
        story.online(&ORIGIN, at(0, 16, 0, 0), undecided());
        story.online(&WEST, due.plus(HOUR), Body::Action(Action::of(code("FORWARD"))));
        consent(&mut story, agreed, "RETURN");
        let judged = story.judge(at(2, 0, 0, 0));
        let reply = &judged.replies[0];
        assert_eq!((reply.too_late, reply.in_force), (!binds, binds), "{agreed:?}");
        assert_eq!(starts(&story, "SLA-07", at(2, 0, 0, 0)).len(), usize::from(binds));
    }
}

/// What a reply is at the end, and the decision in force.
fn decided(story: &Story, now: UnixMs) -> (bool, Option<String>) {
    let judged = story.judge(now);
    (judged.replies[0].validity == Validity::Valid, judged.decision)
}

// rules: EV-5, EV-6, SLA-07
#[test]
fn a_consent_that_is_taken_back_takes_nothing_from_a_reply_that_counts_already() {
    let agreed = at(0, 18, 0, 0);
    for (after, counts) in [(-SECOND, false), (0, false), (1, true), (SECOND, true), (40 * HOUR, true)] {
        let mut story = notified();
        let consent = consent(&mut story, at(0, 15, 30, 0), "RETURN");
        // The reply comes at 18:00 and counts at once.
        story.online(&ORIGIN, agreed, undecided());
        take_back(&mut story, &consent, &ORIGIN, agreed.plus(after));
        let now = at(2, 20, 0, 0);
        let in_force = (counts, counts.then(|| "RETURN".to_owned()));
        assert_eq!(decided(&story, now), in_force, "{after}");
        assert_eq!(starts(&story, "SLA-07", now).len(), usize::from(counts), "{after}");
        // A new consent counts from its own receipt.
        if !counts {
            super::consent(&mut story, agreed.plus(HOUR), "RETURN");
            assert_eq!(starts(&story, "SLA-07", now), [agreed.plus(HOUR)], "{after}");
        }
    }
    // Who no longer agrees replies anew, and head office can call the reply invalid.
    let mut story = notified();
    let consent = consent(&mut story, at(0, 15, 30, 0), "RETURN");
    let reply = story.online(&ORIGIN, agreed, undecided());
    take_back(&mut story, &consent, &ORIGIN, agreed.plus(HOUR));
    mark(&mut story, &REVIEWER, agreed.plus(2 * HOUR), &reply, Remark::Invalid);
    assert_eq!(decided(&story, at(1, 0, 0, 0)), (false, None));
}

// rules: EV-5, MN-COD
#[test]
fn a_letter_that_is_taken_back_takes_nothing_from_a_reply_that_counts_already_and_a_void_one_never_was() {
    let replied = at(0, 16, 0, 0);
    let lettered = |after: i64, voided: bool| {
        let mut story = Story::by(version_of("qinghe", 2));
        registered(&mut story, at(0, 14, 0, 0), "MN-COD");
        noticed(&mut story, at(0, 15, 0, 0));
        let letter = story.photo(at(0, 15, 30, 0), PhotoPurpose::Letter);
        story.online(&ORIGIN, replied, Body::Reply(Reply { letter: None, ..full("PAY_CHANGE") }));
        take_back(&mut story, &letter, &WEST, replied.plus(after));
        if voided {
            mark(&mut story, &REVIEWER, at(1, 9, 0, 0), &letter, Remark::Void);
        }
        decided(&story, at(1, 10, 0, 0)).0
    };
    for (after, counts) in [(-SECOND, false), (0, false), (1, true), (SECOND, true), (10 * HOUR, true)] {
        assert_eq!(lettered(after, false), counts, "{after}");
        assert!(!lettered(after, true), "{after}");
    }
}

// rules: EV-5, EV-6
#[test]
fn parts_that_were_never_there_together_make_no_reply_valid() {
    let mut pack = version_of("qinghe", 2);
    for row in pack.outcomes.iter_mut().filter(|row| row.code == "RETURN") {
        row.reply_needs.as_mut().unwrap().push(ReplyNeed("letter".to_owned()));
    }
    let lettered = at(0, 19, 0, 0);
    for (taken_back, counts) in [(-SECOND, false), (0, false), (1, true), (SECOND, true)] {
        let mut story = Story::by(pack.clone());
        failed(&mut story, at(0, 14, 0, 0), "DF-REFUSE");
        noticed(&mut story, at(0, 15, 0, 0));
        story.online(&ORIGIN, at(0, 16, 0, 0), Body::Reply(Reply { agreed_by: None, letter: None, ..full("RETURN") }));
        let consent = consent(&mut story, at(0, 17, 0, 0), "RETURN");
        story.photo(lettered, PhotoPurpose::Letter);
        take_back(&mut story, &consent, &ORIGIN, lettered.plus(taken_back));
        assert_eq!(decided(&story, at(1, 0, 0, 0)).0, counts, "{taken_back}");
    }
}
