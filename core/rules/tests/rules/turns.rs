//! Whose turn it is: the duties of a case, and the order of lists by them.

use doorstep_domain::*;
use doorstep_rules::*;

use crate::story::*;

fn reader(by: &By) -> Reader {
    Reader { role: by.1, user: by.0.parse().unwrap(), outlet: by.2.parse().unwrap() }
}

/// The kinds of the duties, with step, side and person.
fn due(story: &Story, now: UnixMs) -> Vec<String> {
    let told = |duty: &Duty| {
        let more = [duty.step.clone(), duty.person.as_ref().map(ToString::to_string), duty.missed.map(|_| "missed".to_owned())];
        let more: String = more.into_iter().flatten().map(|word| format!(" {word}")).collect();
        format!("{}: {}{more}", duty.side.as_str(), duty.kind.as_str())
    };
    story.judge(now).duties.iter().map(told).collect()
}

fn problem(story: &mut Story, when: UnixMs, reason: &str, stage: Stage) -> EntryKey {
    let who = if stage == Stage::Hub { &HUB } else { &WEST };
    story.online(who, when, Body::Problem(Problem { found_at: Some(when), ..Problem::of(code(reason), stage) }))
}

#[test]
fn a_failed_delivery_goes_from_hand_to_hand_until_it_is_signed_for() {
    let mut story = Story::by(version_of("qinghe", 2));
    story.attempt(at(0, 15, 0, 0), Some(at(0, 15, 0, 0)), "DF-NOBODY");
    assert_eq!(due(&story, at(0, 15, 1, 0)), ["delivering_outlet: notify_origin", "delivering_outlet: work_card ask_recipient"]);
    assert_eq!(
        due(&story, at(1, 0, 0, 0)),
        ["delivering_outlet: notify_origin missed", "delivering_outlet: work_card ask_recipient"]
    );
    story.notice(at(0, 15, 5, 0), Some(at(0, 15, 5, 0)), "0571");
    let told = ["origin_outlet: look_at_notice", "origin_outlet: give_reply", "delivering_outlet: work_card ask_recipient"];
    assert_eq!(due(&story, at(0, 15, 6, 0)), told);
    // Without a reply both the reply and the method are due.
    let overdue = due(&story, at(1, 15, 5, 1));
    assert!(overdue.contains(&"origin_outlet: give_reply missed".to_owned()), "{overdue:?}");
    assert!(overdue.contains(&"delivering_outlet: default_method".to_owned()), "{overdue:?}");
    story.reply(at(1, 10, 0, 0), "REDELIVER");
    assert_eq!(
        due(&story, at(1, 10, 1, 0)),
        ["delivering_outlet: follow_reply", "origin_outlet: work_card confirm_registration"]
    );
    story.close(at(1, 11, 0, 0), "SIGNED");
    assert_eq!(due(&story, at(1, 11, 1, 0)), [""; 0]);
}

#[test]
fn what_is_assigned_to_one_courier_is_not_anothers_turn_and_stays_the_outlets() {
    let mut story = Story::by(version_of("qinghe", 2));
    story.attempt(at(0, 15, 0, 0), Some(at(0, 15, 0, 0)), "DF-NOBODY");
    story.notice(at(0, 15, 5, 0), Some(at(0, 15, 5, 0)), "0571");
    story.reply(at(0, 16, 0, 0), "REDELIVER");
    let to = |user: &str, replaces| Body::Assign(Assign { to: user.parse().unwrap(), planned_at: None, replaces, words: None });
    let first = story.online(&WEST, at(0, 16, 1, 0), to("c2", None));
    let duties = story.judge(at(0, 16, 2, 0)).duties;
    let other = By("c2", Role::Courier, "0412");
    let until = at(1, 16, 0, 0);
    assert_eq!(turn(&duties, &reader(&other)), Turn::Mine(until));
    assert_eq!(turn(&duties, &reader(&WEST)), Turn::Mine(until));
    assert_eq!(turn(&duties, &reader(&COURIER)), Turn::Waiting(until), "it was taken from them");
    assert!(due(&story, at(0, 16, 2, 0)).contains(&"delivering_outlet: follow_reply c2".to_owned()));
    // Another assignment that did not know of the first: the newest has it, and both are shown.
    story.online(&WEST, at(0, 16, 5, 0), to("c1", None));
    let now = due(&story, at(0, 16, 6, 0));
    assert!(now.contains(&"delivering_outlet: follow_reply c1".to_owned()), "{now:?}");
    assert!(now.contains(&"delivering_outlet: assign_again".to_owned()), "{now:?}");
    story.online(&WEST, at(0, 16, 7, 0), to("c2", Some(first)));
}

#[test]
fn after_a_takeover_it_is_the_turn_of_the_courier_who_took_the_parcel_over() {
    let mut story = Story::by(version_of("qinghe", 2));
    story.attempt(at(0, 15, 0, 0), Some(at(0, 15, 0, 0)), "DF-NOBODY");
    let assign = Assign { to: "c1".parse().unwrap(), planned_at: None, replaces: None, words: None };
    story.online(&WEST, at(0, 15, 1, 0), Body::Assign(assign));
    let handover = story.online(&COURIER, at(0, 15, 2, 0), Body::Handover(Handover { to: "c2".parse().unwrap(), words: None }));
    let other = By("c2", Role::Courier, "0412");
    let duties = |story: &Story| story.judge(at(0, 15, 4, 0)).duties;
    assert!(matches!(turn(&duties(&story), &reader(&COURIER)), Turn::Mine(_)));
    story.online(&other, at(0, 15, 3, 0), Body::Takeover(Takeover { handover }));
    assert!(matches!(turn(&duties(&story), &reader(&other)), Turn::Mine(_)));
    assert!(matches!(turn(&duties(&story), &reader(&COURIER)), Turn::Waiting(_)));
}

#[test]
fn lists_sort_what_is_overdue_first_then_by_time_left_then_what_waits_then_what_ended() {
    let mut notify = Story::by(version_of("qinghe", 2));
    notify.attempt(at(0, 15, 0, 0), Some(at(0, 15, 0, 0)), "DF-NOBODY");
    let mut waits = Story::by(version_of("qinghe", 2));
    waits.attempt(at(0, 15, 0, 0), Some(at(0, 15, 0, 0)), "DF-NOBODY");
    waits.online(&COURIER, at(0, 15, 1, 0), Body::Call(Call::of(CallResult::NoAnswer)));
    waits.notice(at(0, 15, 5, 0), Some(at(0, 15, 5, 0)), "0571");
    let mut ended = Story::by(version_of("qinghe", 2));
    ended.close(at(0, 15, 0, 0), "SIGNED");
    let now = at(0, 16, 0, 0);
    let of = |story: &Story, now: UnixMs, by: &By| turn(&story.judge(now).duties, &reader(by));
    assert_eq!(of(&notify, at(1, 8, 0, 0), &WEST), Turn::Overdue(at(0, 23, 59, 59).plus(999)));
    assert_eq!(of(&notify, now, &WEST), Turn::Mine(at(0, 23, 59, 59).plus(999)));
    assert_eq!(of(&waits, now, &WEST), Turn::Waiting(at(0, 15, 35, 5).plus(-5_000)));
    assert_eq!(of(&waits, now, &ORIGIN), Turn::Overdue(at(0, 15, 35, 0)));
    assert_eq!(of(&ended, now, &WEST), Turn::Ended);
    let watcher = By("q2", Role::HqCs, "HQ");
    assert_eq!(of(&waits, now, &watcher), Turn::Overdue(at(0, 15, 35, 0)), "head office watches all");
    assert!(Turn::Overdue(now) < Turn::Mine(at(0, 8, 0, 0)) && Turn::Mine(now) < Turn::Waiting(at(0, 8, 0, 0)));
    assert!(Turn::Waiting(now) < Turn::Ended);
}

#[test]
fn a_loss_is_searched_at_once_and_a_change_of_money_reaches_finance_after_the_reply() {
    let mut lost = Story::by(version_of("qinghe", 2));
    problem(&mut lost, at(0, 9, 0, 0), "LS-LOST", Stage::Arrival);
    let now = due(&lost, at(0, 9, 1, 0));
    for wanted in [
        "delivering_outlet: work_card report_superior",
        "delivering_outlet: notify_origin",
        "origin_outlet: work_card goods_facts",
        "hub: work_card hub_search",
    ] {
        assert!(now.contains(&wanted.to_owned()), "{wanted}: {now:?}");
    }
    let mut money = Story::by(version_of("qinghe", 2));
    money.facts.cod = Fen(30_000);
    problem(&mut money, at(0, 9, 0, 0), "MN-COD", Stage::Delivery);
    money.notice(at(0, 9, 5, 0), Some(at(0, 9, 5, 0)), "0571");
    let before = due(&money, at(0, 9, 6, 0));
    assert!(!before.iter().any(|duty| duty.starts_with("finance")), "{before:?}");
    money.online(&ORIGIN, at(0, 10, 0, 0), Body::Reply(full("PAY_CHANGE")));
    let after = due(&money, at(0, 10, 1, 0));
    assert!(after.contains(&"finance: write_ledger ledger_cod".to_owned()), "{after:?}");
}

#[test]
fn a_contradiction_is_head_offices_turn_also_after_the_end() {
    let mut story = Story::by(version_of("qinghe", 2));
    story.attempt(at(0, 15, 0, 0), Some(at(0, 15, 0, 0)), "DF-NOBODY");
    story.close(at(0, 16, 0, 0), "SIGNED");
    story.close(at(0, 16, 5, 0), "RETURNED");
    assert!(due(&story, at(0, 17, 0, 0)).contains(&"head_office: decide".to_owned()));
    assert_eq!(turn(&story.judge(at(0, 17, 0, 0)).duties, &reader(&WEST)), Turn::Waiting(UnixMs(i64::MAX)));
}

#[test]
fn a_problem_whose_card_has_no_more_steps_is_still_to_be_ended() {
    let mut story = Story::by(version_of("qinghe", 2));
    problem(&mut story, at(0, 9, 0, 0), "OR-NOMARK", Stage::Arrival);
    assert_eq!(due(&story, at(0, 9, 1, 0)), ["delivering_outlet: follow_up"]);
}

#[test]
fn who_replied_after_the_parcel_was_acted_on_is_not_asked_again() {
    let mut story = Story::by(version_of("qinghe", 2));
    let now = at(3, 12, 56, 0);
    story.notice(at(2, 12, 53, 0), Some(at(2, 12, 54, 0)), "0571");
    // A piece is handed over long after the reply was due. The failure of before, and a reply to it, are sent after that.
    let piece = Waybill::parse("QH310000000025").ok();
    story.online(&COURIER, at(3, 12, 55, 0), Body::Close(Close { piece, ..Close::of(code("SIGNED")) }));
    story.attempt(at(2, 7, 29, 0), Some(now), "DF-NOBODY");
    story.add(&FINANCE, at(0, 10, 0, 0), Some(now), Body::Reply(full("REDELIVER")));
    for recorded in story.entries.iter_mut().skip(2) {
        recorded.standing = Standing::Accepted(Receipt::of(now, None));
    }
    story.online(&ORIGIN, now.plus(60_000), Body::Reply(full("RETURN")));
    let judged = story.judge(now.plus(120_000));
    assert!(judged.replies.iter().all(|reply| reply.too_late && !reply.in_force), "no reply binds any more");
    let after = due(&story, now.plus(120_000));
    assert!(!after.iter().any(|duty| duty.contains("give_reply")), "{after:?}");
}
