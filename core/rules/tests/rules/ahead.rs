//! What a reason asks for, before it is recorded.

use doorstep_domain::*;
use doorstep_rules::*;

use crate::story::*;

fn author(by: &By) -> Author {
    Author { user: by.0.parse().unwrap(), role: by.1, outlet: by.2.parse().unwrap() }
}

fn failed(reason: &str) -> Body {
    Body::Attempt(Attempt::of(code(reason)))
}

/// What the story's next registration would ask for.
fn ahead(story: &Story, body: Body, now: UnixMs) -> Ahead {
    let before = Case::fold(story.entries.clone());
    let imagined = Imagined::of(before.as_ref(), author(&COURIER), story.facts.clone(), body, now).unwrap();
    asks(&imagined, &story.book, now).unwrap()
}

fn clocks(ahead: &Ahead) -> Vec<(&str, Option<UnixMs>, Option<i64>)> {
    ahead.clocks.iter().map(|clock| (clock.clock.as_str(), clock.due_at, clock.left_ms)).collect()
}

#[test]
fn a_reason_names_its_evidence_with_its_need_its_waiver_and_what_satisfies_it() {
    let story = Story::by(version_of("qinghe", 2));
    let phone = ahead(&story, failed("DF-PHONE"), at(0, 15, 0, 0));
    let rows: Vec<_> = phone.evidence.iter().map(|row| (row.evidence.as_str(), row.need, row.have, row.least)).collect();
    let required =
        [("label_photo", Need::Required, 0, 1), ("failed_call", Need::Required, 0, 1), ("failed_sms", Need::Required, 0, 1)];
    assert_eq!(rows, required);
    let told = phone.evidence.iter().flat_map(|row| &row.satisfied_by).map(|words| words.en.clone()).collect::<Vec<_>>();
    assert!(told.iter().any(|words| words == "a photo: label"), "{told:?}");
    assert!(told.iter().any(|words| words.starts_with("a call to the customer: ")), "{told:?}");
    let nobody = ahead(&story, failed("DF-NOBODY"), at(0, 15, 0, 0));
    let sms = nobody.evidence.iter().find(|row| row.evidence == "sms").unwrap();
    assert_eq!((sms.need, sms.waiver.as_ref().unwrap().en.as_str()), (Need::Recommended, "why no SMS was sent"));
    assert_eq!(sms.satisfied_by[0].zh, "当天按模板发给客户的短信");
    assert!(nobody.sms_text.is_some() && nobody.notify && nobody.is_attempt && !nobody.outcomes.is_empty());
}

#[test]
fn a_chosen_sub_reason_leaves_out_the_evidence_of_the_others() {
    let story = Story::by(version_of("qinghe", 2));
    let all = ahead(&story, failed("DF-PHONE"), at(0, 15, 0, 0));
    let chosen = |sub: &str| {
        let body = Body::Attempt(Attempt { sub: Some(code(sub)), ..Attempt::of(code("DF-PHONE")) });
        ahead(&story, body, at(0, 15, 0, 0)).evidence
    };
    for sub in &all.subs {
        let asked = chosen(&sub.code);
        let expected: Vec<_> =
            all.evidence.iter().filter(|row| row.only_subs.is_empty() || row.only_subs.contains(&sub.code)).cloned().collect();
        assert_eq!(asked.len(), expected.len(), "{}", sub.code);
        assert!(asked.iter().all(|row| row.only_subs.is_empty() || row.only_subs.contains(&sub.code)));
    }
}

#[test]
fn the_notice_ends_with_the_day_and_the_clock_of_arrival_runs_from_the_theoretical_one() {
    let story = Story::by(version_of("qinghe", 2));
    let end_of_day = UnixMs(at(1, 0, 0, 0).0 - 1);
    let now = at(0, 9, 30, 0);
    let found = ahead(&story, Body::Problem(Problem::of(code("CD-DAMAGE"), Stage::Arrival)), now);
    assert_eq!((found.arrival, found.stage.as_deref()), (Some(at(0, 8, 0, 0)), Some("arrival")));
    let named = clocks(&found);
    assert!(named.contains(&("SLA-02", Some(at(0, 10, 0, 0)), Some(30 * 60_000))), "{named:?}");
    assert!(named.contains(&("SLA-03", Some(end_of_day), Some(end_of_day.since(now)))), "{named:?}");
    // Half an hour too late it is said how late.
    let late = ahead(&story, Body::Problem(Problem::of(code("CD-DAMAGE"), Stage::Arrival)), at(0, 10, 30, 0));
    assert!(clocks(&late).contains(&("SLA-02", Some(at(0, 10, 0, 0)), Some(-30 * 60_000))));
    // A failed delivery has no clock of arrival.
    let failed = ahead(&story, failed("DF-NOBODY"), now);
    assert!(clocks(&failed).iter().all(|(clock, ..)| *clock != "SLA-02"));
}

#[test]
fn without_a_theoretical_arrival_the_missing_schedule_is_named_and_not_guessed() {
    let mut story = Story::by(version_of("qinghe", 2));
    story.facts.arrival = None;
    let found = ahead(&story, Body::Problem(Problem::of(code("CD-DAMAGE"), Stage::Arrival)), at(0, 9, 0, 0));
    let clock = found.clocks.iter().find(|clock| clock.clock == "SLA-02").unwrap();
    assert_eq!((clock.due_at, clock.missing.is_some(), found.arrival), (None, true, None));
}

#[test]
fn evidence_that_the_case_has_is_counted_and_a_second_failure_starts_no_second_notice() {
    let mut story = Story::by(version_of("qinghe", 2));
    story.attempt(at(0, 10, 0, 0), Some(at(0, 10, 0, 0)), "DF-NOMONEY");
    let second = ahead(&story, failed("DF-NOMONEY"), at(0, 15, 0, 0));
    let two = second.evidence.iter().find(|row| row.evidence == "two_attempts").unwrap();
    assert_eq!((two.have, two.least), (2, 2));
    let named = clocks(&second);
    assert!(named.iter().any(|(clock, ..)| *clock == "SLA-09"), "{named:?}");
    assert!(named.iter().all(|(clock, ..)| *clock != "SLA-03"), "{named:?}");
    let first = ahead(&Story::by(version_of("qinghe", 2)), failed("DF-NOMONEY"), at(0, 15, 0, 0));
    assert!(clocks(&first).iter().any(|(clock, ..)| *clock == "SLA-03"));
}

#[test]
fn what_is_said_before_is_what_the_judge_says_after() {
    for name in ["qinghe", "zto-process", "nengda-gd", "cs-generic"] {
        let pack = version_of(name, 2);
        for row in pack.codes.clone() {
            let body = match row.group.is_attempt() {
                true => failed(&row.code),
                false => Body::Problem(Problem::of(code(&row.code), Stage::from_word(&row.stages[0]).unwrap())),
            };
            let mut story = Story::by(pack.clone());
            let now = at(0, 9, 0, 0);
            let told = ahead(&story, body.clone(), now);
            story.add(&COURIER, now, None, body);
            let judged = story.judge(now);
            let mut after: Vec<_> = judged.deadlines.iter().map(|deadline| (deadline.clock.clone(), deadline.due_at)).collect();
            let mut before: Vec<_> = told.clocks.iter().map(|clock| (clock.clock.clone(), clock.due_at)).collect();
            after.sort();
            before.sort();
            assert_eq!(before, after, "{name} {}", row.code);
            // Rows of sub-reasons are named before one is chosen.
            let lacks = told.evidence.iter().filter(|row| row.only_subs.is_empty() && row.have < row.least);
            assert_eq!(lacks.count(), judged.missing.len(), "{name} {}", row.code);
        }
    }
}

#[test]
fn every_reason_that_is_the_customers_has_words_for_the_sms_and_suggests_it() {
    for name in ["qinghe", "zto-process", "nengda-gd", "cs-generic"] {
        let pack = version_of(name, 2);
        for row in pack.codes.iter().filter(|row| row.enabled && row.group.is_attempt()) {
            assert!(row.sms_text.is_some(), "{name} {}", row.code);
            let is_sms = |proof: &Proof| matches!(proof, Proof::Sms { .. });
            assert!(row.evidence.iter().any(|evidence| evidence.any_of.iter().any(is_sms)), "{name} {}", row.code);
        }
    }
}

#[test]
fn a_code_that_the_rules_do_not_know_asks_for_nothing() {
    let story = Story::by(version_of("qinghe", 2));
    let now = at(0, 9, 0, 0);
    let imagined = Imagined::of(None, author(&COURIER), story.facts.clone(), failed("DF-NONE"), now).unwrap();
    assert_eq!(asks(&imagined, &story.book, now), None);
}
