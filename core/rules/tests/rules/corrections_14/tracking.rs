//! Tracking of goods in transit at fixed times, and the record of a phone notice.

use doorstep_domain::*;
use doorstep_rules::{Timeliness::*, *};

use super::{by, failed, problem, tick, told};
use crate::story::*;

/// Each deadline of PER-01: its end and how it was kept.
fn tracked(story: &Story, now: UnixMs) -> Vec<(UnixMs, Timeliness)> {
    let deadlines = story.judge(now).deadlines.into_iter().filter(|deadline| deadline.clock == "PER-01");
    deadlines.map(|deadline| (deadline.due_at.unwrap(), deadline.timeliness)).collect()
}

// rules: PER-01
#[test]
fn each_time_of_tracking_is_a_deadline_and_a_late_one_is_not_early_for_the_next() {
    let with = |ticks: &[UnixMs]| {
        let mut story = by("cs-generic", 2);
        problem(&mut story, at(0, 8, 0, 0), "CD-DAMAGE", Stage::Arrival);
        for when in ticks {
            tick(&mut story, &WEST, *when, "track");
        }
        story
    };
    let (nine, sixteen, next) = (at(0, 9, 0, 0), at(0, 16, 0, 0), at(1, 9, 0, 0));
    let kept =
        |ticks: &[UnixMs]| -> Vec<Timeliness> { tracked(&with(ticks), at(0, 18, 0, 0)).iter().map(|(_, how)| *how).collect() };
    assert_eq!(tracked(&with(&[]), at(0, 18, 0, 0)), [(nine, Late), (sixteen, Late), (next, Pending)], "a missed one stays");
    assert_eq!(kept(&[nine, sixteen]), [OnTime, OnTime, Pending]);
    assert_eq!(kept(&[at(0, 9, 0, 1), at(0, 16, 0, 1)]), [Late, Late, Pending]);
    assert_eq!(kept(&[nine, at(0, 17, 0, 0)]), [OnTime, Late, Pending], "17:00 is late for 16:00 and not early for 9:00");
    assert_eq!(kept(&[at(0, 9, 30, 0)]), [Late, Late, Pending], "9:30 is late for 9:00 and not early for 16:00");
    assert_eq!(kept(&[nine, at(0, 12, 30, 0).plus(-1)]), [OnTime, Late, Pending], "it counts for the nearest time");
    assert_eq!(kept(&[nine, at(0, 12, 30, 0)]), [OnTime, OnTime, Pending]);
    let night = with(&[nine, sixteen, at(1, 0, 29, 59)]);
    assert_eq!(tracked(&night, at(1, 9, 0, 1)), [(nine, OnTime), (sixteen, OnTime), (next, Late), (at(1, 16, 0, 0), Pending)]);
    assert_eq!(tracked(&with(&[nine, sixteen, at(1, 0, 30, 0)]), at(1, 9, 0, 1))[2], (next, OnTime));
    assert!(told(&with(&[]), "PER-01", at(0, 18, 0, 0)).contains("错过的不消失"));
}

// rules: PER-01
#[test]
fn goods_in_transit_are_tracked_before_anything_went_wrong_and_until_the_case_ends() {
    let mut story = by("cs-generic", 2);
    tick(&mut story, &WEST, at(0, 8, 50, 0), "track");
    assert_eq!(
        tracked(&story, at(0, 10, 0, 0)),
        [(at(0, 9, 0, 0), OnTime), (at(0, 16, 0, 0), Pending)],
        "no problem is registered"
    );
    let mut before = by("cs-generic", 1);
    tick(&mut before, &WEST, at(0, 8, 50, 0), "track");
    assert!(tracked(&before, at(0, 10, 0, 0)).is_empty(), "version 1 begins with a registration");
    problem(&mut story, at(0, 17, 0, 0), "CD-DAMAGE", Stage::Arrival);
    story.close(at(0, 18, 0, 0), "SIGNED");
    let ended = [(at(0, 9, 0, 0), OnTime), (at(0, 16, 0, 0), Late)];
    assert_eq!(tracked(&story, at(3, 0, 0, 0)), ended, "a missed one stays, and no other comes");
    problem(&mut story, at(1, 10, 0, 0), "LS-LOST", Stage::Service);
    let reopened = [ended[0], ended[1], (at(1, 16, 0, 0), Pending)];
    assert_eq!(tracked(&story, at(1, 11, 0, 0)), reopened, "and again when the case is opened again");
}

// rules: X-1
#[test]
fn an_outage_record_that_does_not_say_whom_it_called_is_shown_to_a_reviewer_and_counts_all_the_same() {
    for (version, outlet, asked) in [(1, None, false), (2, None, true), (2, Some("0571"), false), (2, Some("0572"), false)] {
        let mut story = by("qinghe", version);
        failed(&mut story, at(0, 15, 0, 0), "DF-NOBODY");
        story.outage(at(0, 16, 0, 0), at(0, 17, 0, 0), said("0571-8000"));
        if let Some(Recorded { entry: Entry { body: Body::Outage(outage), .. }, .. }) = story.entries.last_mut() {
            outage.outlet = outlet.map(|outlet| outlet.parse().unwrap());
        }
        let judged = story.judge(at(1, 10, 0, 0));
        let is = judged.questions.iter().any(|question| question.kind == QuestionKind::OutageNoOutlet);
        assert_eq!((is, judged.flags.contains(&Flag::OutageNoOutlet)), (asked, asked), "{version} {outlet:?}");
        if asked {
            assert_eq!(story.clock("SLA-03", at(1, 10, 0, 0)), OnTimeByException, "no verdict follows from it");
            assert!(told(&story, "outage_no_outlet", at(1, 10, 0, 0)).contains("请核对号码是否属于寄件网点"));
        }
    }
}
