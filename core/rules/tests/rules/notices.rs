//! A notice tells of the registrations that its writer could know, and a phone call of those before the call, if the origin outlet
//! was phoned (domain 3.5, 6.1, 14.1).

use doorstep_domain::*;
use doorstep_rules::*;

use crate::story::*;

fn failed(story: &mut Story, when: UnixMs, reason: &str) {
    story.attempt(when, Some(when), reason);
}

/// The timeliness of each clock of this id, in the order of their starts.
fn clocks(story: &Story, id: &str, now: UnixMs) -> Vec<Timeliness> {
    story.judge(now).deadlines.iter().filter(|deadline| deadline.clock == id).map(|deadline| deadline.timeliness).collect()
}

fn phoned(story: &mut Story, call: UnixMs, recorded: UnixMs, outlet: Option<&str>) {
    let outage = Outage {
        reason: OutageReason::Network,
        contact: said("李敏"),
        phone: said("0571-8000"),
        phoned_at: Some(call),
        outlet: outlet.map(|outlet| outlet.parse().unwrap()),
        said: said("已通知"),
    };
    story.online(&WEST, recorded, Body::Outage(outage));
}

// rules: SLA-03, LIA-04, C-3
#[test]
fn a_notice_tells_of_nothing_that_happened_after_it() {
    for (noticed, told) in [(at(0, 14, 0, 0).plus(-1), false), (at(0, 14, 0, 0), true), (at(0, 14, 0, 0).plus(1), true)] {
        let mut story = Story::new();
        story.notice(noticed, Some(noticed), "0571");
        failed(&mut story, at(0, 14, 0, 0), "DF-NOBODY");
        assert_eq!(clocks(&story, "SLA-03", at(2, 0, 0, 0)), [if told { Timeliness::OnTime } else { Timeliness::Late }]);
        assert_eq!(story.finding("LIA-04", at(2, 0, 0, 0)).is_some(), !told, "{noticed:?}");
    }
    // Damage that was noticed, and a refusal later that day.
    let refused = |noticed_again: bool| {
        let mut story = Story::new();
        story.online(&WEST, at(0, 9, 0, 0), Body::Problem(Problem::of(code("CD-DAMAGE"), Stage::Arrival)));
        story.notice(at(0, 9, 30, 0), Some(at(0, 9, 30, 0)), "0571");
        failed(&mut story, at(0, 16, 0, 0), "DF-REFUSE");
        if noticed_again {
            story.notice(at(0, 17, 0, 0), Some(at(0, 17, 0, 0)), "0571");
        }
        clocks(&story, "SLA-03", at(2, 0, 0, 0))
    };
    assert_eq!((refused(false), refused(true)), (vec![Timeliness::Late], vec![Timeliness::OnTime]));
}

// rules: SLA-03
#[test]
fn one_failure_on_two_devices_and_one_problem_of_two_people_are_told_by_one_notice() {
    let minutes = |apart: i64| {
        let mut story = Story::new();
        failed(&mut story, at(0, 14, 0, 0), "DF-NOBODY");
        story.notice(at(0, 14, 1, 0), Some(at(0, 14, 1, 0)), "0571");
        failed(&mut story, at(0, 14, 0, 0).plus(apart * 60_000), "DF-NOANSWER");
        clocks(&story, "SLA-03", at(0, 15, 0, 0)).len()
    };
    assert_eq!((minutes(14), minutes(15)), (1, 2), "the pack's minutes");
    let mut story = Story::new();
    for (by, when) in [(&WEST, at(0, 9, 0, 0)), (&COURIER, at(0, 11, 0, 0))] {
        story.online(by, when, Body::Problem(Problem::of(code("CD-DAMAGE"), Stage::Arrival)));
        story.notice(at(0, 10, 0, 0), Some(at(0, 10, 0, 0)), "0571");
    }
    assert_eq!(clocks(&story, "SLA-05", at(0, 12, 0, 0)).len(), 1);
}

// rules: X-1, SLA-03, SLA-05
#[test]
fn a_call_tells_of_no_parcel_that_fails_after_it_whenever_it_is_recorded() {
    for (call, told) in [(at(0, 14, 0, 0), false), (at(0, 14, 29, 59), false), (at(0, 14, 30, 0), true), (at(0, 15, 0, 0), true)]
    {
        let mut story = Story::new();
        failed(&mut story, at(0, 14, 30, 0), "DF-NOBODY");
        phoned(&mut story, call, at(0, 16, 0, 0), None);
        let expected = if told { Timeliness::OnTimeByException } else { Timeliness::Late };
        assert_eq!(clocks(&story, "SLA-03", at(2, 0, 0, 0)), [expected], "{call:?}");
        assert_eq!(clocks(&story, "SLA-05", at(0, 17, 0, 0)).len(), usize::from(told));
    }
}

// rules: X-1, LIA-04, LIA-06
#[test]
fn a_call_to_another_outlet_than_the_origin_tells_the_origin_nothing_and_is_a_notice_that_went_astray() {
    for (outlet, told) in [(None, true), (Some("0571"), true), (Some("0572"), false), (Some("0412"), false)] {
        let mut story = Story::new();
        failed(&mut story, at(0, 14, 0, 0), "DF-NOBODY");
        phoned(&mut story, at(0, 15, 0, 0), at(0, 15, 5, 0), outlet);
        let expected = if told { Timeliness::OnTimeByException } else { Timeliness::Late };
        assert_eq!(clocks(&story, "SLA-03", at(2, 0, 0, 0)), [expected], "{outlet:?}");
        assert_eq!(clocks(&story, "SLA-05", at(0, 17, 0, 0)).len(), usize::from(told), "its 24 hours");
        let rules: Vec<String> = story.judge(at(2, 0, 0, 0)).findings.into_iter().map(|finding| finding.rule).collect();
        assert_eq!(rules, if told { ["LIA-01"] } else { ["LIA-06"] }, "{outlet:?}");
    }
}

// rules: SLA-03, LIA-04, SLA-05
#[test]
fn a_notice_tells_of_what_happened_before_it_also_if_the_server_has_that_only_later() {
    // The courier has no network and phones the clerk, who notifies the origin outlet.
    for (failure, told) in [(-1_000, true), (0, true), (1, false), (1_000, false)] {
        let noticed = at(0, 14, 0, 0);
        let mut story = Story::new();
        story.notice(noticed, Some(noticed), "0571");
        story.attempt(noticed.plus(failure), Some(at(0, 23, 0, 0)), "DF-NOBODY");
        assert_eq!(
            clocks(&story, "SLA-03", at(2, 0, 0, 0)),
            [if told { Timeliness::OnTime } else { Timeliness::Late }],
            "{failure}"
        );
    }
}
