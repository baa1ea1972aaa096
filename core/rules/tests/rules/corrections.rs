//! A correction is no new failure: the correct data have time, round and version of the corrected registration (domain 7, 8.5).

use doorstep_domain::*;
use doorstep_rules::*;

use crate::story::*;

/// Corrects the reason of a failed delivery.
fn correct(story: &mut Story, of: &EntryKey, by: &By, when: UnixMs, reason: &str) -> EntryKey {
    correct_by(story, of, by, when, Body::Attempt(Attempt::of(code(reason))))
}

/// Corrects a registration. The correct data are in the same change.
fn correct_by(story: &mut Story, of: &EntryKey, by: &By, when: UnixMs, right: Body) -> EntryKey {
    let words = Personal::plain("写错了").unwrap();
    story.again(of, by, when, Body::Correction(Correction { of: of.clone(), fault: Fault::IncorrectData, same_as: None, words }));
    let change = story.entries.last().unwrap().change;
    let key = story.again(of, by, when, right);
    story.entries.last_mut().unwrap().change = change;
    key
}

fn failed(story: &mut Story, when: UnixMs) -> EntryKey {
    story.attempt(when, Some(when), "DF-NOBODY").entry.key.clone()
}

fn unnoticed(story: &Story, now: UnixMs) -> Vec<(EntryKey, bool)> {
    let found = story.judge(now).findings.into_iter().filter(|finding| finding.rule == "LIA-04");
    found.map(|finding| (finding.id.entry, finding.review)).collect()
}

// rules: LIA-04, EV-10
#[test]
fn a_failure_whose_reason_was_corrected_is_one_failure_before_and_after_its_deadline() {
    for (when, is_started_by_the_first) in [(at(0, 16, 0, 0), false), (at(0, 23, 59, 59), false), (at(1, 10, 0, 0), true)] {
        let mut story = Story::new();
        let wrong = failed(&mut story, at(0, 14, 0, 0));
        let right = correct(&mut story, &wrong, &COURIER, when, "DF-ADDR");
        let found = unnoticed(&story, at(3, 0, 0, 0));
        let by = if is_started_by_the_first { wrong } else { right };
        assert_eq!(found.iter().map(|(entry, _)| entry).collect::<Vec<_>>(), [&by], "corrected at {when:?}");
        let judged = story.judge(at(3, 0, 0, 0));
        let notice: Vec<_> = judged.deadlines.iter().filter(|deadline| deadline.clock == "SLA-03").collect();
        assert_eq!((notice.len(), notice[0].started_at), (1, at(0, 14, 0, 0)));
    }
}

// rules: LIA-04, EV-10
#[test]
fn corrections_of_corrections_and_by_head_office_are_the_same_failure_and_another_failure_is_not() {
    let mut story = Story::new();
    let first = failed(&mut story, at(0, 14, 0, 0));
    let second = correct(&mut story, &first, &COURIER, at(0, 15, 0, 0), "DF-ADDR");
    let third = correct(&mut story, &second, &REVIEWER, at(1, 15, 0, 0), "DF-PHONE");
    assert_eq!(story.case().reason(), Some("DF-PHONE"));
    assert_eq!(unnoticed(&story, at(3, 0, 0, 0)), [(second, true)]);
    // The next day's own failure.
    let other = failed(&mut story, at(1, 16, 0, 0));
    let found: Vec<EntryKey> = unnoticed(&story, at(3, 0, 0, 0)).into_iter().map(|(entry, _)| entry).collect();
    assert!(found.len() == 2 && found.contains(&other) && !found.contains(&third), "{found:?}");
}

// rules: EV-10
#[test]
fn a_reply_in_force_stays_in_force_when_a_reason_before_it_is_corrected() {
    for corrected in [at(0, 17, 59, 0), at(0, 18, 1, 0), at(1, 8, 0, 0)] {
        let mut story = Story::new();
        let wrong = failed(&mut story, at(0, 14, 0, 0));
        story.notice(at(0, 15, 0, 0), Some(at(0, 15, 0, 0)), "0571");
        story.reply(at(0, 18, 0, 0), "REDELIVER");
        correct(&mut story, &wrong, &WEST, corrected, "DF-ADDR");
        let judged = story.judge(at(1, 9, 0, 0));
        assert_eq!((judged.decision.as_deref(), judged.replies[0].in_force), (Some("REDELIVER"), true), "{corrected:?}");
        assert_eq!(judged.deadlines.iter().filter(|deadline| deadline.clock == "SLA-03").count(), 1);
        // It redelivers nothing.
        let redelivery = judged.deadlines.iter().find(|deadline| deadline.started_by.kind == Kind::Reply.as_str()).unwrap();
        assert_eq!(redelivery.met_by, None);
    }
}

// rules: SMS-2, EV-10
#[test]
fn a_message_proves_the_day_of_an_attempt_whose_reason_is_corrected_on_any_day_by_anybody_who_may() {
    for (by, corrected) in
        [(&COURIER, at(0, 14, 6, 0)), (&COURIER, at(1, 9, 0, 0)), (&WEST, at(1, 9, 0, 0)), (&REVIEWER, at(5, 9, 0, 0))]
    {
        let mut story = Story::new();
        let wrong = failed(&mut story, at(0, 14, 0, 0));
        story.sms(at(0, 14, 5, 0), message(Some(wrong.clone())), SmsState::Sent);
        assert_eq!(story.judge(at(6, 0, 0, 0)).messages[0].lacks, []);
        let right = correct(&mut story, &wrong, by, corrected, "DF-ADDR");
        let judged = story.judge(at(6, 0, 0, 0));
        assert_eq!((&judged.messages[0].attempt, judged.messages[0].lacks.as_slice()), (&Some(right), &[][..]), "{corrected:?}");
    }
}

// rules: EV-10
#[test]
fn correct_data_are_judged_by_the_version_of_the_corrected_registration_also_a_second_before_a_switch() {
    let mut stricter = qinghe();
    stricter.version = 2;
    let switch = at(1, 12, 0, 0);
    let book = Rulebook::of(vec![
        Published { valid_from: UnixMs(i64::MIN), pack: qinghe() },
        Published { valid_from: switch, pack: stricter },
    ]);
    for (acted, version) in [(switch.plus(-1_000), 1), (switch, 2)] {
        let mut story = Story::under(book.clone().unwrap());
        let wrong = failed(&mut story, acted);
        let right = correct(&mut story, &wrong, &COURIER, acted.plus(HOUR), "DF-ADDR");
        let judged = story.judge(acted.plus(2 * HOUR));
        let notice = judged.deadlines.iter().find(|deadline| deadline.clock == "SLA-03").unwrap();
        assert_eq!((&notice.started_by, notice.started_at, notice.pack_version), (&right, acted, version));
    }
}

// rules: SLA-01, EV-10
#[test]
fn a_problem_whose_code_was_corrected_has_one_clock_which_its_first_registration_met() {
    for corrected in [at(0, 9, 30, 0), at(0, 11, 0, 0), at(1, 11, 0, 0)] {
        let mut story = Story::new();
        let problem = |reason: &str| Body::Problem(Problem::of(code(reason), Stage::Hub));
        let wrong = story.online(&HUB, at(0, 9, 5, 0), problem("CD-DAMAGE"));
        correct_by(&mut story, &wrong, &HUB, corrected, problem("CD-POLLUTE"));
        let judged = story.judge(at(3, 0, 0, 0));
        let hub: Vec<_> = judged.deadlines.iter().filter(|deadline| deadline.clock == "SLA-01").collect();
        assert_eq!((hub.len(), hub[0].started_at, hub[0].timeliness), (1, at(0, 9, 5, 0), Timeliness::OnTime), "{corrected:?}");
        assert!(judged.findings.iter().all(|finding| finding.rule != "LIA-02"));
    }
}

// rules: SMS-2, EV-10
#[test]
fn what_was_true_when_a_message_left_stays_true_when_the_reply_that_gave_the_number_is_corrected() {
    let number = "13911112222";
    let lacks = |sent: UnixMs, corrected: Option<UnixMs>| {
        let mut story = Story::new();
        let attempt = failed(&mut story, at(0, 9, 0, 0));
        story.notice(at(0, 9, 30, 0), Some(at(0, 9, 30, 0)), "0571");
        let reply = Reply { phone: said(number), ..full("REDELIVER") };
        let reply = story.online(&ORIGIN, at(0, 10, 0, 0), Body::Reply(reply));
        let sms = Sms { to: Personal::plain(number).unwrap(), mark: mark(number), ..message(Some(attempt)) };
        story.sms(sent, sms, SmsState::Sent);
        if let Some(corrected) = corrected {
            let words = Personal::plain("号码写错").unwrap();
            let wrong = Correction { of: reply, fault: Fault::IncorrectData, same_as: None, words };
            story.online(&ORIGIN, corrected, Body::Correction(wrong));
        }
        story.judge(at(2, 0, 0, 0)).messages[0].lacks.clone()
    };
    let sent = at(0, 11, 0, 0);
    assert_eq!(lacks(sent, None), []);
    assert_eq!(lacks(sent, Some(sent.plus(1))), [], "corrected after it left");
    assert_eq!(lacks(sent, Some(at(1, 9, 0, 0))), []);
    assert_eq!(lacks(sent, Some(sent)), [SmsLack::OtherNumber], "corrected before it left");
}
