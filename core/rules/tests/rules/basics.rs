//! The fold, the four answers of domain 3.6, rounds, and what is flagged.

use doorstep_domain::*;
use doorstep_rules::*;

use crate::story::*;

#[test]
fn times_at_the_ends_of_the_calendar_are_judged_in_any_zone() {
    for (minutes, edge) in [(-720, -8_334_601_228_800_000), (-720, i64::MIN), (720, 8_210_266_876_799_999), (720, i64::MAX)] {
        let mut pack = qinghe();
        pack.utc_offset_minutes = minutes;
        pack.clocks.iter_mut().for_each(|clock| clock.due = Due::EndOfDay);
        let mut story = Story::new();
        story.attempt(UnixMs(edge), Some(UnixMs(edge)), "DF-NOBODY");
        story.outage(UnixMs(edge), UnixMs(edge), said("0571-8000"));
        let case = Case::fold(story.entries).unwrap();
        assert_eq!(judge(&case, &Rulebook::only(pack), at(0, 16, 0, 0)).state, State::Notified, "{minutes} {edge}");
    }
}

#[test]
fn a_01_a_notice_received_at_once_is_on_time() {
    let mut story = Story::new();
    story.attempt(at(0, 14, 58, 0), Some(at(0, 15, 2, 0)), "DF-NOBODY");
    story.notice(at(0, 15, 0, 0), Some(at(0, 15, 2, 0)), "0571");
    assert_eq!(story.clock("SLA-03", at(0, 16, 0, 0)), Timeliness::OnTime);
}

#[test]
fn a_02_a_notice_that_arrives_the_next_morning_is_late_synced_and_the_delivering_outlet_answers() {
    let mut story = Story::new();
    story.attempt(at(0, 14, 58, 0), Some(at(1, 8, 0, 0)), "DF-NOBODY");
    story.notice(at(0, 15, 0, 0), Some(at(1, 8, 0, 0)), "0571");
    assert_eq!(story.clock("SLA-03", at(1, 9, 0, 0)), Timeliness::LateSynced);
    let findings = story.judge(at(1, 9, 0, 0)).findings;
    assert_eq!(findings.len(), 1);
    assert_eq!((findings[0].outlet.as_ref().unwrap().as_str(), findings[0].rule.as_str()), ("0412", "LIA-04"));
}

#[test]
fn a_03_to_a_05_the_phone_notice_of_an_outage_counts_only_complete_and_in_time() {
    let outcome = |phoned, phone| {
        let mut story = Story::new();
        story.attempt(at(0, 14, 58, 0), Some(at(1, 8, 0, 0)), "DF-NOBODY");
        story.notice(at(0, 15, 0, 0), Some(at(1, 8, 0, 0)), "0571");
        story.outage(phoned, at(1, 8, 0, 0), phone);
        (story.clock("SLA-03", at(1, 9, 0, 0)), story.judge(at(1, 9, 0, 0)).flags.contains(&Flag::OutageIncomplete))
    };
    assert_eq!(outcome(at(0, 21, 0, 0), said("0571-8000")), (Timeliness::OnTimeByException, false));
    assert_eq!(outcome(at(0, 21, 0, 0), None), (Timeliness::LateSynced, true));
    assert_eq!(outcome(at(0, 21, 0, 0), said("  ")), (Timeliness::LateSynced, true));
    let mut late = Story::new();
    late.attempt(at(0, 14, 58, 0), Some(at(1, 8, 0, 0)), "DF-NOBODY");
    late.notice(at(1, 0, 5, 0), Some(at(1, 8, 0, 0)), "0571");
    late.outage(at(1, 0, 10, 0), at(1, 8, 0, 0), said("0571-8000"));
    assert_eq!(late.clock("SLA-03", at(1, 9, 0, 0)), Timeliness::Late);
}

#[test]
fn notified_is_only_what_the_origin_outlet_can_know_of() {
    let mut story = Story::new();
    story.attempt(at(0, 14, 0, 0), None, "DF-NOBODY");
    let stands = |story: &Story| (story.judge(at(0, 15, 0, 0)).state, story.judge(at(0, 15, 0, 0)).next_step);
    assert_eq!(stands(&story), (State::Registered, NextStep::NotifyOrigin));
    story.outage(at(0, 14, 30, 0), at(0, 14, 31, 0), None);
    assert_eq!(stands(&story), (State::Registered, NextStep::NotifyOrigin), "an incomplete phone notice tells nobody");
    story.notice(at(0, 14, 40, 0), None, "0571");
    assert_eq!(stands(&story), (State::Registered, NextStep::SendNotice), "only this device has it");
    story.outage(at(0, 14, 50, 0), at(0, 14, 51, 0), said("0571-8000"));
    assert_eq!(stands(&story), (State::Notified, NextStep::AwaitReply));
}

#[test]
fn the_last_millisecond_of_the_day_is_in_time_and_the_next_is_not() {
    let received = |ms| {
        let mut story = Story::new();
        story.attempt(at(0, 9, 0, 0), Some(at(0, 9, 0, 0)), "DF-NOBODY");
        story.notice(at(0, 9, 0, 0), Some(UnixMs(at(1, 0, 0, 0).0 + ms)), "0571");
        story.clock("SLA-03", at(1, 9, 0, 0))
    };
    assert_eq!((received(-1), received(0)), (Timeliness::OnTime, Timeliness::LateSynced));
}

#[test]
fn without_any_notice_the_deadline_runs_counts_down_and_is_missed() {
    let mut story = Story::new();
    story.attempt(at(0, 23, 20, 0), None, "DF-NOBODY");
    let running = story.judge(at(0, 23, 19, 59));
    assert_eq!((running.state, running.next_step), (State::Registered, NextStep::NotifyOrigin));
    assert_eq!(running.deadlines[0].left_ms, 40 * 60_000 + 1_000 - 1);
    assert_eq!(running.next_due(), Some(at(1, 0, 0, 0).plus(-1)));
    assert_eq!(story.clock("SLA-03", at(1, 0, 0, 0)), Timeliness::Late);
}

#[test]
fn a_10_and_a_11_a_reply_is_due_24_hours_after_the_server_had_the_notice() {
    let replied = |received| {
        let mut story = Story::new();
        story.attempt(at(0, 19, 0, 0), Some(at(0, 20, 0, 0)), "DF-NOBODY");
        story.notice(at(0, 19, 30, 0), Some(at(0, 20, 0, 0)), "0571");
        let waiting = story.judge(at(1, 21, 0, 0));
        assert_eq!((waiting.state, waiting.next_step), (State::ReplyOverdue, NextStep::DefaultMethod));
        assert_eq!(waiting.findings[0].outlet.as_ref().unwrap().as_str(), "0571");
        story.reply(received, "REDELIVER");
        let judged = story.judge(at(1, 21, 0, 0));
        assert_eq!((judged.state, judged.decision.as_deref()), (State::ActionDue, Some("REDELIVER")));
        story.clock("SLA-05", at(1, 21, 0, 0))
    };
    assert_eq!(replied(at(1, 19, 59, 0)), Timeliness::OnTime);
    assert_eq!(replied(at(1, 20, 0, 0)), Timeliness::OnTime);
    assert_eq!(replied(at(1, 20, 1, 0)), Timeliness::Late);
}

#[test]
fn a_phone_notice_starts_the_reply_clock_too() {
    let mut story = Story::new();
    story.attempt(at(0, 14, 0, 0), Some(at(1, 8, 0, 0)), "DF-NOBODY");
    story.outage(at(0, 21, 0, 0), at(1, 8, 0, 0), said("0571-8000"));
    let judged = story.judge(at(1, 9, 0, 0));
    assert_eq!(judged.state, State::Notified);
    let reply = judged.deadlines.iter().find(|d| d.clock == "SLA-05").unwrap();
    assert_eq!(
        (reply.due_at, reply.timeliness),
        (Some(at(1, 21, 0, 0)), Timeliness::Pending),
        "X-1 is no exception to the reply's clock"
    );
}

#[test]
fn a_15_a_notice_to_the_wrong_outlet_does_not_count() {
    let mut story = Story::new();
    story.attempt(at(0, 14, 0, 0), Some(at(0, 14, 0, 0)), "DF-NOBODY");
    story.notice(at(0, 15, 0, 0), Some(at(0, 15, 0, 0)), "0999");
    let judged = story.judge(at(1, 9, 0, 0));
    assert!(judged.flags.contains(&Flag::WrongTarget));
    assert_eq!((judged.state, story.clock("SLA-03", at(1, 9, 0, 0))), (State::Registered, Timeliness::Late));
}

#[test]
fn an_answer_of_an_outlet_that_is_not_the_origin_is_no_reply() {
    let mut story = Story::new();
    story.attempt(at(0, 14, 0, 0), Some(at(0, 14, 0, 0)), "DF-NOBODY");
    story.notice(at(0, 14, 0, 0), Some(at(0, 14, 0, 0)), "0571");
    story.reply(at(0, 15, 0, 0), "REDELIVER").entry.author.outlet = "0999".parse().unwrap();
    assert_eq!(story.judge(at(0, 16, 0, 0)).state, State::Notified);
}

#[test]
fn a_16_and_a_17_an_sms_proves_an_attempt_only_with_surname_and_waybill() {
    let with = |has_waybill| {
        let mut story = Story::new();
        story.attempt(at(0, 14, 0, 0), None, "DF-NOBODY");
        let attempt = story.entries[0].entry.key.clone();
        story.sms(at(0, 14, 1, 0), Sms { has_waybill, ..message(Some(attempt)) }, SmsState::Sent);
        let judged = story.judge(at(0, 15, 0, 0));
        (judged.flags.contains(&Flag::AttemptProven), judged.missing.iter().any(|gap| gap.evidence == "sms"))
    };
    assert_eq!((with(true), with(false)), ((true, false), (false, true)));
}

#[test]
fn a_18_a_proven_phone_fault_is_leniency() {
    let mut story = Story::new();
    story.attempt(at(0, 14, 0, 0), None, "DF-PHONE");
    assert!(!story.judge(at(0, 15, 0, 0)).flags.contains(&Flag::Leniency));
    story.add(&WEST, at(0, 14, 1, 0), None, Body::Photo(Photo::of(PhotoId::new([1; 32]), 9, PhotoPurpose::Label)));
    let judged = story.judge(at(0, 15, 0, 0));
    assert!(judged.flags.contains(&Flag::Leniency) && judged.missing.is_empty());
}

#[test]
fn missing_evidence_is_named_per_reason() {
    let gaps = |reason: &str, sub: Option<&str>| {
        let mut story = Story::new();
        let body = Body::Attempt(Attempt { sub: sub.map(code), ..Attempt::of(code(reason)) });
        story.add(&WEST, at(0, 14, 0, 0), None, body);
        story.judge(at(0, 15, 0, 0)).missing.into_iter().map(|gap| gap.evidence).collect::<Vec<_>>()
    };
    assert_eq!(gaps("DF-NOBODY", None), ["sms", "door_photo"]);
    assert_eq!(gaps("DF-NOANSWER", None), ["call", "sms"]);
    assert_eq!(gaps("DF-PHONE", None), ["number_fault"]);
    assert_eq!(gaps("DF-REFUSE", Some("refused")), ["words"]);
    assert_eq!(gaps("DF-REFUSE", Some("damaged")), ["words", "condition_photo"]);
}

#[test]
fn a_22_two_devices_that_record_one_parcel_give_two_visible_attempts() {
    let mut story = Story::new();
    story.attempt(at(0, 14, 0, 0), Some(at(0, 18, 0, 0)), "DF-NOBODY");
    story.attempt(at(0, 14, 5, 0), Some(at(0, 17, 0, 0)), "DF-NOANSWER");
    let mut backwards = story.entries.clone();
    backwards.reverse();
    let case = Case::fold(story.entries.clone()).unwrap();
    assert_eq!(case, Case::fold(backwards).unwrap(), "the order of arrival does not matter");
    assert_eq!((case.attempts(), case.reason()), (2, Some("DF-NOANSWER")));
}

#[test]
fn a_29_a_clock_that_is_three_hours_off_is_flagged_and_the_server_decides_when_it_was() {
    let mut story = Story::new();
    let recorded = story.attempt(at(0, 18, 0, 0), Some(at(0, 15, 10, 0)), "DF-NOBODY");
    recorded.standing = Standing::Accepted(Receipt::of(at(0, 15, 10, 0), Some(at(0, 15, 0, 0))));
    assert_eq!(recorded.acted_at(), at(0, 15, 0, 0));
    assert!(story.judge(at(0, 16, 0, 0)).flags.contains(&Flag::ClockWrong));
    // After a reboot nothing ties the clocks together: flagged as unproven, and never after the server had it.
    let recorded = &mut story.entries[0];
    recorded.standing = Standing::Accepted(Receipt::of(at(0, 18, 1, 0), None));
    assert!(story.judge(at(0, 19, 0, 0)).flags.contains(&Flag::ClockUnproven));
    story.entries[0].standing = Standing::Accepted(Receipt::of(at(0, 15, 10, 0), None));
    assert_eq!(story.entries[0].acted_at(), at(0, 15, 10, 0));
    assert!(story.judge(at(0, 19, 0, 0)).flags.contains(&Flag::ClockWrong));
}

#[test]
fn facts_are_taken_from_the_earliest_receipt_and_disagreement_is_flagged() {
    let mut story = Story::new();
    story.attempt(at(0, 14, 0, 0), Some(at(0, 18, 0, 0)), "DF-NOBODY").entry.facts.as_mut().unwrap().cod = Fen(100);
    story.attempt(at(0, 14, 5, 0), Some(at(0, 17, 0, 0)), "DF-NOBODY").entry.facts.as_mut().unwrap().cod = Fen(200);
    let case = Case::fold(story.entries.clone()).unwrap();
    assert_eq!((case.facts.cod, case.facts_disagree), (Fen(200), true));
    story.entries[1].entry.facts.as_mut().unwrap().cod = Fen(100);
    story.entries[1].entry.facts.as_mut().unwrap().reference = 9;
    assert!(!Case::fold(story.entries.clone()).unwrap().facts_disagree, "another version of the same facts is no disagreement");
    let unlisted = story.entries[1].entry.facts.as_mut().unwrap();
    (unlisted.origin_outlet, unlisted.delivering_outlet, unlisted.cod) = (None, None, Fen(0));
    let case = Case::fold(story.entries).unwrap();
    assert_eq!((case.facts.cod, case.facts_disagree), (Fen(100), false), "who knew no row decides nothing");
}

#[test]
fn a_closed_case_opens_again_with_a_new_attempt_and_a_new_round() {
    let mut story = Story::new();
    story.attempt(at(0, 14, 0, 0), Some(at(0, 14, 0, 0)), "DF-NOBODY");
    story.notice(at(0, 14, 1, 0), Some(at(0, 14, 1, 0)), "0571");
    story.reply(at(0, 15, 0, 0), "REDELIVER");
    story.add(&WEST, at(0, 16, 0, 0), None, Body::Close(Close::of(code("SIGNED"))));
    let judged = story.judge(at(0, 17, 0, 0));
    assert_eq!((judged.state, judged.decision.as_deref()), (State::Closed, Some("SIGNED")));
    story.attempt(at(1, 10, 0, 0), Some(at(1, 10, 0, 0)), "DF-REFUSE");
    let judged = story.judge(at(1, 11, 0, 0));
    assert_eq!(judged.state, State::Registered);
    assert_eq!(judged.deadlines.iter().filter(|d| d.clock == "SLA-03").count(), 2);
}

#[test]
fn a_second_failure_after_a_notice_or_on_another_day_wants_its_own_notice_and_one_reply_answers_all() {
    let mut story = Story::new();
    story.attempt(at(0, 14, 0, 0), Some(at(0, 14, 0, 0)), "DF-NOBODY");
    story.notice(at(0, 14, 1, 0), Some(at(0, 14, 1, 0)), "0571");
    story.attempt(at(0, 17, 0, 0), Some(at(0, 17, 0, 0)), "DF-NOBODY");
    assert_eq!(story.judge(at(0, 18, 0, 0)).deadlines.iter().filter(|d| d.clock == "SLA-03").count(), 2, "the same day");
    story.notice(at(0, 18, 0, 0), Some(at(0, 18, 0, 0)), "0571");
    story.attempt(at(1, 9, 0, 0), Some(at(1, 9, 0, 0)), "DF-NOBODY");
    let judged = story.judge(at(1, 10, 0, 0));
    let notices: Vec<_> = judged.deadlines.iter().filter(|d| d.clock == "SLA-03").map(|d| d.timeliness).collect();
    assert_eq!((notices, judged.state), (vec![Timeliness::OnTime, Timeliness::OnTime, Timeliness::Pending], State::Registered));
    story.notice(at(1, 10, 30, 0), Some(at(1, 10, 30, 0)), "0571");
    story.reply(at(1, 11, 0, 0), "REDELIVER");
    let judged = story.judge(at(5, 0, 0, 0));
    let between_outlets = judged.deadlines.iter().filter(|d| matches!(d.clock.as_str(), "SLA-03" | "SLA-05"));
    let kept: Vec<_> = between_outlets.map(|d| d.timeliness).collect();
    assert_eq!((kept, judged.state), (vec![Timeliness::OnTime; 6], State::ActionDue), "{:?}", judged.deadlines);
}

#[test]
fn a_reply_by_a_tablet_whose_clock_is_hours_behind_comes_after_the_notice_that_it_answers() {
    let mut story = Story::new();
    story.attempt(at(0, 14, 0, 0), Some(at(0, 14, 0, 0)), "DF-NOBODY");
    let notice = story.notice(at(0, 15, 0, 0), Some(at(0, 15, 0, 0)), "0571").entry.key.clone();
    // Rebooted since it last heard from the server: nothing says when it was but its own clock, three hours slow.
    let reply = Reply { notice: Some(notice), ..full("REDELIVER") };
    story.add(&ORIGIN, at(0, 13, 0, 0), None, Body::Reply(reply)).standing =
        Standing::Accepted(Receipt::of(at(0, 16, 0, 0), None));
    let judged = story.judge(at(0, 17, 0, 0));
    assert_eq!((judged.state, judged.decision.as_deref()), (State::ActionDue, Some("REDELIVER")));
    assert!(judged.flags.contains(&Flag::ClockUnproven));
}

#[test]
fn two_replies_are_both_kept_and_the_latest_by_receipt_is_in_force() {
    let mut story = Story::new();
    story.attempt(at(0, 14, 0, 0), Some(at(0, 14, 0, 0)), "DF-NOBODY");
    story.notice(at(0, 14, 1, 0), Some(at(0, 14, 1, 0)), "0571");
    // Written first, received last: offline.
    let body = |decision: &str| Body::Reply(full(decision));
    story.add(&ORIGIN, at(0, 15, 0, 0), Some(at(0, 18, 0, 0)), body("RETURN"));
    story.add(&ORIGIN, at(0, 16, 0, 0), Some(at(0, 16, 0, 0)), body("WAIT"));
    assert_eq!(story.judge(at(0, 19, 0, 0)).decision.as_deref(), Some("RETURN"));
    assert_eq!(story.clock("SLA-05", at(0, 19, 0, 0)), Timeliness::OnTime);
    // The reply that was written first arrives days later. The other reply was in time nevertheless.
    story.entries[2].standing = Standing::Accepted(Receipt::of(at(3, 9, 0, 0), None));
    assert_eq!(story.clock("SLA-05", at(3, 10, 0, 0)), Timeliness::OnTime);
    assert_eq!(Case::fold(story.entries).unwrap().of_kind(Kind::Reply).count(), 2);
}

#[test]
fn what_the_server_holds_is_shown_but_counts_for_nothing() {
    let mut story = Story::new();
    story.attempt(at(0, 14, 0, 0), Some(at(0, 14, 0, 0)), "DF-NOBODY");
    story.notice(at(0, 14, 1, 0), None, "0571").standing = Standing::Quarantined { reason: "shape".into() };
    let case = Case::fold(story.entries.clone()).unwrap();
    assert_eq!((case.timeline.len(), case.quarantined.len()), (1, 1));
    assert_eq!(story.judge(at(0, 15, 0, 0)).state, State::Registered);
}

#[test]
fn an_unlisted_waybill_and_a_wrong_check_digit_are_flagged() {
    let mut story = Story::new();
    let facts = story.attempt(at(0, 14, 0, 0), None, "DF-NOBODY").entry.facts.as_mut().unwrap();
    (facts.origin_outlet, facts.delivering_outlet) = (None, None);
    facts.waybill = Waybill::parse("EB000717594HK").unwrap();
    let flags = story.judge(at(0, 15, 0, 0)).flags;
    assert!(flags.contains(&Flag::Unlisted) && flags.contains(&Flag::InvalidCheckDigit));
}

#[test]
fn an_act_that_was_written_again_under_another_installation_counts_once_and_two_acts_of_one_moment_count_twice() {
    let mut story = Story::new();
    let body = |words| Body::Attempt(Attempt { words, ..Attempt::of(code("DF-NOBODY")) });
    story.add(&WEST, at(0, 14, 0, 0), Some(at(0, 14, 5, 0)), body(said("无人")));
    story.add(&WEST, at(0, 14, 0, 0), Some(at(0, 15, 0, 0)), body(said("无人")));
    let case = Case::fold(story.entries.clone()).unwrap();
    assert_eq!(case.attempts(), 1);
    assert_eq!(case.timeline[0].standing.receipt().unwrap().received_at, at(0, 14, 5, 0), "the first receipt stands");
    let reversed = Case::fold(story.entries.iter().rev().cloned()).unwrap();
    assert_eq!(reversed, case);
    // Another content, or the same installation twice, is another act.
    story.add(&WEST, at(0, 14, 0, 0), Some(at(0, 15, 0, 0)), body(said("有人，不收")));
    let tag = story.entries[0].entry.key.tag;
    story.add(&WEST, at(0, 14, 0, 0), Some(at(0, 15, 0, 0)), body(said("无人"))).entry.key.tag = tag;
    assert_eq!(Case::fold(story.entries).unwrap().attempts(), 3);
}
