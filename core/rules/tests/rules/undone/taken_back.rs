//! Corrections of corrections, and several corrections of one registration: one act stays one act, and nothing vanishes.

use doorstep_domain::*;
use doorstep_rules::*;

use super::{attempt, correct, failed, mark, starts, take_back};
use crate::story::*;

/// When the failure was, of which nobody told the origin outlet.
fn failure() -> UnixMs {
    at(0, 14, 0, 0)
}

/// Says that an entry is the same act as another one.
fn same(story: &mut Story, of: &EntryKey, as_this: &EntryKey, when: UnixMs) -> EntryKey {
    let words = Personal::plain("同一次").unwrap();
    let correction = Correction { of: of.clone(), fault: Fault::SameAs, same_as: Some(as_this.clone()), words };
    story.online(&REVIEWER, when, Body::Correction(correction))
}

/// The entries of the standing failures, and the one failure of which the origin outlet was to be told.
fn one_failure(story: &Story) -> Vec<EntryKey> {
    assert_eq!(starts(story, "SLA-03", at(8, 0, 0, 0)), [failure()]);
    let case = story.case();
    case.standing().filter(|r| matches!(r.entry.body, Body::Attempt(_))).map(|r| r.entry.key.clone()).collect()
}

/// The correction of a registration that brought these data.
fn correction_of(story: &Story, data: &EntryKey) -> EntryKey {
    let change = story.entries.iter().find(|r| r.entry.key == *data).unwrap().change;
    let corrections = story.entries.iter().filter(|r| matches!(r.entry.body, Body::Correction(_)));
    corrections.filter(|r| r.change == change).map(|r| r.entry.key.clone()).next().unwrap()
}

/// The server had the correction and its data at another time than their device says.
fn received(story: &mut Story, data: &EntryKey, at: UnixMs) {
    let change = story.entries.iter().find(|r| r.entry.key == *data).unwrap().change;
    for recorded in story.entries.iter_mut().filter(|r| r.change == change) {
        let acted = recorded.acted_at();
        recorded.standing = Standing::Accepted(Receipt::of(at, Some(acted)));
    }
}

// rules: EV-10, SLA-03
#[test]
fn of_two_corrections_the_data_that_were_received_last_are_in_force_however_they_are_dated() {
    for (first, second, last) in [(16, 17, 1), (17, 16, 0), (40, 39, 0), (39, 40, 1)] {
        let mut story = Story::new();
        let wrong = failed(&mut story, failure(), "DF-NOBODY");
        // The one that is dated earlier is by the courier.
        let data = [(COURIER, at(0, 15, 0, 0), first, "DF-ADDR"), (REVIEWER, at(0, 15, 30, 0), second, "DF-PHONE")];
        let data = data.map(|(by, dated, hour, reason)| {
            let data = correct(&mut story, &wrong, &by, dated, attempt(reason));
            received(&mut story, &data, at(0, hour, 0, 0));
            data
        });
        assert_eq!(one_failure(&story), [data[last].clone()], "{first} {second}");
        let case = story.case();
        assert_eq!(case.of_kind(Kind::Attempt).count(), 3, "all of them stay visible");
        assert!(case.superseded.contains_key(&wrong) && case.superseded.contains_key(&data[1 - last]));
        // Head office takes the last one back: the other one is in force.
        let last_correction = correction_of(&story, &data[last]);
        take_back(&mut story, &last_correction, &REVIEWER, at(3, 9, 0, 0));
        assert_eq!(one_failure(&story), [data[1 - last].clone()]);
        // And the other one too: the registration stands as it was.
        let other_correction = correction_of(&story, &data[1 - last]);
        take_back(&mut story, &other_correction, &REVIEWER, at(3, 10, 0, 0));
        assert_eq!(one_failure(&story), [wrong]);
    }
}

// rules: EV-10, SLA-03
#[test]
fn data_of_data_go_with_the_first_correction_and_come_back_with_it() {
    let mut story = Story::new();
    let wrong = failed(&mut story, failure(), "DF-NOBODY");
    let mut data = vec![wrong.clone()];
    for (hour, reason) in [(15, "DF-ADDR"), (16, "DF-PHONE"), (17, "DF-REFUSE")] {
        data.push(correct(&mut story, &data[data.len() - 1].clone(), &COURIER, at(0, hour, 0, 0), attempt(reason)));
    }
    assert_eq!(one_failure(&story), [data[3].clone()]);
    let first = correction_of(&story, &data[1]);
    let lifted = story.online(
        &REVIEWER,
        at(2, 9, 0, 0),
        Body::Correction(Correction {
            of: first,
            fault: Fault::DidNotOccur,
            same_as: None,
            words: Personal::plain("写错了").unwrap(),
        }),
    );
    assert_eq!(one_failure(&story), [wrong]);
    take_back(&mut story, &lifted, &REVIEWER, at(2, 10, 0, 0));
    assert_eq!(one_failure(&story), [data[3].clone()]);
}

// rules: EV-10
#[test]
fn a_correction_without_data_takes_back_only_what_it_names() {
    for (with_data, without) in [(at(0, 15, 0, 0), at(0, 16, 0, 0)), (at(0, 16, 0, 0), at(0, 15, 0, 0))] {
        let mut story = Story::new();
        let wrong = failed(&mut story, failure(), "DF-NOBODY");
        let data = correct(&mut story, &wrong, &COURIER, with_data, attempt("DF-ADDR"));
        take_back(&mut story, &wrong, &REVIEWER, without);
        assert_eq!(one_failure(&story), std::slice::from_ref(&data));
        take_back(&mut story, &data, &REVIEWER, at(0, 17, 0, 0));
        assert_eq!((story.case().attempts(), starts(&story, "SLA-03", at(8, 0, 0, 0))), (0, vec![]));
    }
}

// rules: EV-10
#[test]
fn of_failures_that_are_said_to_be_the_same_in_a_ring_or_as_one_that_is_gone_at_least_one_stays() {
    let said = |pairs: &[(usize, usize)]| {
        let mut story = Story::new();
        let all = [0, 2, 4].map(|minute| failed(&mut story, at(0, 14, minute, 0), "DF-NOBODY"));
        for (hour, (of, as_this)) in (15..).zip(pairs) {
            same(&mut story, &all[*of], &all[*as_this], at(0, hour, 0, 0));
        }
        let case = story.case();
        all.map(|key| !case.superseded.contains_key(&key))
    };
    assert_eq!(said(&[(1, 0), (2, 0)]), [true, false, false]);
    assert_eq!(said(&[(1, 0), (0, 1)]), [false, true, true], "of two the one that is named later goes");
    for ring in [[(0, 1), (1, 2), (2, 0)], [(2, 0), (0, 1), (1, 2)], [(2, 1), (1, 0), (0, 2)]] {
        assert!(said(&ring).contains(&true), "{ring:?}");
    }
    // The second is the same as the first, and the third as the second, which is gone: the third stays.
    for order in [[(1, 0), (2, 1)], [(2, 1), (1, 0)]] {
        assert_eq!(said(&order), [true, false, true]);
    }
}

// rules: EV-10, LIA-04
#[test]
fn a_failure_that_is_the_same_as_one_that_is_gone_stays_until_it_is_said_of_one_that_stands() {
    for (again, stays) in [(false, true), (true, false)] {
        let mut story = Story::new();
        let all = [0, 2, 4].map(|minute| failed(&mut story, at(0, 14, minute, 0), "DF-NOBODY"));
        same(&mut story, &all[1], &all[0], at(0, 15, 0, 0));
        same(&mut story, &all[2], &all[1], at(0, 16, 0, 0));
        if again {
            same(&mut story, &all[2], &all[0], at(0, 17, 0, 0));
        }
        assert_eq!(!story.case().superseded.contains_key(&all[2]), stays);
        // It is one failure of its day either way: one notice was due.
        assert_eq!(starts(&story, "SLA-03", at(8, 0, 0, 0)), [failure()]);
    }
}

// rules: EV-10, T-5
#[test]
fn an_outlets_second_word_moves_nothing_and_its_time_begins_when_the_first_one_made_the_reply_count() {
    let (came, lifted) = (at(0, 16, 0, 0), at(2, 9, 0, 0));
    let marked = |marks: &[(UnixMs, Remark)]| {
        let mut story = Story::new();
        failed(&mut story, failure(), "DF-NOBODY");
        story.notice(at(0, 15, 0, 0), Some(at(0, 15, 0, 0)), "0571");
        let reply = story.online(&ORIGIN, came, Body::Reply(Reply { until: None, ..full("WAIT") }));
        for (when, remark) in marks {
            mark(&mut story, &WEST, *when, &reply, *remark);
        }
        let judged = story.judge(at(9, 0, 0, 0));
        (judged.replies[0].validity == Validity::Valid, judged.replies[0].valid_from)
    };
    assert_eq!(marked(&[]), (false, None));
    assert_eq!(marked(&[(lifted, Remark::Valid)]), (true, Some(lifted)));
    for again in [1_000, HOUR, 40 * HOUR] {
        assert_eq!(marked(&[(lifted, Remark::Valid), (lifted.plus(again), Remark::Valid)]), (true, Some(lifted)), "{again}");
    }
    // More than a day after the reply came, and within a day after it counts.
    for (after, counts) in [(HOUR, true), (24 * HOUR, true), (24 * HOUR + 1, false), (24 * HOUR + 1_000, false)] {
        let (is_valid, _) = marked(&[(lifted, Remark::Valid), (lifted.plus(after), Remark::Invalid)]);
        assert_eq!(is_valid, !counts, "{after}");
    }
}

// rules: C-18
#[test]
fn ten_thousand_corrections_of_corrections_are_judged() {
    let kinds: [fn(&mut Story, &EntryKey, UnixMs) -> EntryKey; 3] = [
        |story, of, when| correct(story, of, &COURIER, when, attempt("DF-ADDR")),
        |story, of, when| {
            take_back(story, of, &COURIER, when);
            story.entries.last().unwrap().entry.key.clone()
        },
        |story, of, when| {
            let next = failed(story, when, "DF-NOBODY");
            same(story, of, &next, when.plus(1));
            next
        },
    ];
    for kind in kinds {
        let mut story = Story::new();
        let mut last = failed(&mut story, at(0, 9, 0, 0), "DF-NOBODY");
        while story.entries.len() < 10_000 {
            // All at one moment, so that nothing but what they say puts them in order.
            let key = kind(&mut story, &last, at(0, 9, 0, 0));
            last = key;
        }
        for (nth, recorded) in story.entries.iter_mut().enumerate() {
            recorded.entry.time.mono_ms = nth as u64;
        }
        assert!(!story.judge(at(3, 0, 0, 0)).flags.is_empty());
    }
}
