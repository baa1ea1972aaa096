//! Duties: who is told, what meets a deadline, who answers, and when the label speaks for the delivering outlet.

use doorstep_domain::*;
use doorstep_rules::{Timeliness::*, *};

use super::{by, called, failed, failed_sms, noticed, problem, rules, tick, told};
use crate::story::*;

/// The origin outlet's reply of Tuesday 10:00, "deliver again": due on Wednesday at 10:00.
fn asked_again(version: u32) -> Story {
    let mut story = by("qinghe", version);
    failed(&mut story, at(0, 15, 0, 0), "DF-NOBODY");
    noticed(&mut story, at(0, 15, 5, 0));
    story.reply(at(1, 10, 0, 0), "REDELIVER");
    story
}

// rules: SLA-06, LIA-05
#[test]
fn a_parcel_that_is_asked_for_again_is_delivered_within_a_day_and_not_only_tried() {
    for version in [1, 2] {
        for (signed, expected) in [(at(2, 10, 0, 0), OnTime), (at(2, 10, 0, 1), Late)] {
            let mut story = asked_again(version);
            story.close(signed, "SIGNED");
            assert_eq!(story.clock("SLA-06", at(3, 0, 0, 0)), expected, "version {version} {signed:?}");
        }
    }
    let tried = |version: u32| {
        let mut story = asked_again(version);
        failed(&mut story, at(2, 9, 59, 59), "DF-NOBODY");
        story
    };
    let now = at(2, 10, 0, 1);
    assert_eq!((tried(1).clock("SLA-06", now), tried(2).clock("SLA-06", now)), (OnTime, Late));
    assert_eq!((tried(1).finding("LIA-05", now), tried(2).finding("LIA-05", now).is_some()), (None, true));
    assert!(told(&tried(2), "SLA-06", now).contains("it does not count") && told(&tried(2), "SLA-06", now).contains("派送完毕"));
    let mut returned = asked_again(2);
    returned.close(at(2, 9, 0, 0), "RETURNED");
    assert_eq!(returned.clock("SLA-06", now), NotNeeded, "the case ended without a delivery");
}

// rules: SLA-06, SMS-2, X-2
#[test]
fn an_attempt_counts_as_a_delivery_if_a_message_or_the_label_proves_it_for_its_day() {
    let tried = |sent: UnixMs| {
        let mut story = asked_again(2);
        let attempt = failed(&mut story, at(2, 9, 59, 59), "DF-NOBODY");
        story.sms(sent, message(Some(attempt)), SmsState::Sent);
        story
    };
    let last = at(3, 0, 0, 0).plus(-1);
    assert_eq!(
        (tried(last).clock("SLA-06", at(4, 0, 0, 0)), tried(last.plus(1)).clock("SLA-06", at(4, 0, 0, 0))),
        (OnTime, Late)
    );
    assert!(told(&tried(last), "SLA-06", at(4, 0, 0, 0)).contains("proves a valid attempt of its day"));
    let mut late = asked_again(2);
    let attempt = failed(&mut late, at(2, 10, 0, 1), "DF-NOBODY");
    late.sms(at(2, 10, 1, 0), message(Some(attempt)), SmsState::Sent);
    assert_eq!(late.clock("SLA-06", at(3, 0, 0, 0)), Late, "proven, and a second too late");
    let labelled = |photo: bool| {
        let mut story = by("qinghe", 2);
        story.facts.mobile = None;
        failed(&mut story, at(0, 15, 0, 0), "DF-NOBODY");
        noticed(&mut story, at(0, 15, 5, 0));
        story.reply(at(1, 10, 0, 0), "REDELIVER");
        failed(&mut story, at(2, 9, 0, 0), "DF-NOANSWER");
        if photo {
            story.photo(at(2, 9, 1, 0), PhotoPurpose::Label);
        }
        story.clock("SLA-06", at(3, 0, 0, 0))
    };
    assert_eq!((labelled(true), labelled(false)), (OnTime, Late));
}

// rules: SLA-06, C-15
#[test]
fn a_reply_before_the_switch_is_judged_by_the_first_version() {
    for (switch, expected) in [(at(1, 10, 0, 1), OnTime), (at(1, 10, 0, 0), Late)] {
        let versions = [(UnixMs(i64::MIN), qinghe()), (switch, version_of("qinghe", 2))];
        let versions = versions.into_iter().map(|(valid_from, pack)| Published { valid_from, pack }).collect();
        let mut story = asked_again(1);
        story.book = Rulebook::of(versions).unwrap();
        failed(&mut story, at(2, 9, 0, 0), "DF-NOBODY");
        assert_eq!(story.clock("SLA-06", at(3, 0, 0, 0)), expected, "{switch:?}");
    }
}

// rules: SLA-03, SLA-05, LIA-04, CD-DAMAGE, CD-WEIGHT, RT-MISSENT, RT-OUTAREA, RT-NOPOINT, LS-LOST, MN-COD
#[test]
fn the_origin_outlet_is_told_of_every_problem_on_its_day_and_answers_within_a_day() {
    for (reason, stage) in [
        ("CD-DAMAGE", Stage::Arrival),
        ("CD-WEIGHT", Stage::Delivery),
        ("RT-MISSENT", Stage::Arrival),
        ("RT-OUTAREA", Stage::Delivery),
        ("RT-NOPOINT", Stage::Arrival),
        ("LS-LOST", Stage::Service),
        ("MN-COD", Stage::Delivery),
        ("MN-FREIGHT", Stage::Delivery),
    ] {
        let story = |version: u32, notice: Option<UnixMs>| {
            let mut story = by("zto-process", version);
            problem(&mut story, at(0, 9, 0, 0), reason, stage);
            if let Some(notice) = notice {
                noticed(&mut story, notice);
            }
            story
        };
        let now = at(0, 9, 30, 0);
        let (first, second) = (story(1, None).judge(now), story(2, None).judge(now));
        assert_eq!((first.next_step, second.next_step), (NextStep::WorkCard, NextStep::NotifyOrigin), "{reason}");
        assert!(!first.deadlines.iter().any(|deadline| deadline.clock == "SLA-03"), "{reason}");
        let due = at(1, 0, 0, 0).plus(-1);
        for (notice, expected) in [(due, OnTime), (due.plus(1), Late)] {
            assert_eq!(story(2, Some(notice)).clock("SLA-03", at(1, 8, 0, 0)), expected, "{reason} {notice:?}");
        }
        let none = story(2, None).finding("LIA-04", at(1, 0, 0, 0)).unwrap();
        assert_eq!((none.party, none.outlet.unwrap().as_str()), (Party::DeliveringOutlet, "0412"), "{reason}");
        assert_eq!(story(1, None).finding("LIA-04", at(1, 0, 0, 0)), None, "{reason}");
        let asked = story(2, Some(at(0, 10, 0, 0)));
        assert_eq!(asked.deadline("SLA-05", at(0, 11, 0, 0)).due_at, Some(at(1, 10, 0, 0)), "{reason}: its 24 hours");
        assert_eq!(asked.judge(at(0, 11, 0, 0)).next_step, NextStep::AwaitReply);
    }
    let mut complaint = by("zto-process", 2);
    problem(&mut complaint, at(0, 9, 0, 0), "SV-DELAY", Stage::Service);
    assert!(complaint.judge(at(0, 10, 0, 0)).deadlines.is_empty(), "a complaint is no problem parcel");
}

// rules: SLA-03, LIA-04
#[test]
fn a_hub_tells_of_what_it_registers_and_two_problems_of_a_day_are_one_notice() {
    let mut hub = by("zto-process", 2);
    problem(&mut hub, at(0, 9, 0, 0), "CD-DAMAGE", Stage::Hub);
    assert_eq!(hub.clock("SLA-01", at(0, 9, 30, 0)), OnTime, "to register it is the first duty");
    assert_eq!(hub.judge(at(0, 9, 30, 0)).next_side, Some(Side::Hub));
    let finding = hub.finding("LIA-04.hub", at(1, 0, 0, 0)).unwrap();
    assert_eq!((finding.party, finding.outlet.unwrap().as_str()), (Party::Registrar, "H1"));
    assert!(told(&hub, "SLA-03.hub", at(1, 0, 0, 0)).contains("分拨中心登记的问题件"));
    let mut both = by("zto-process", 2);
    problem(&mut both, at(0, 9, 0, 0), "CD-DAMAGE", Stage::Arrival);
    failed(&mut both, at(0, 16, 0, 0), "DF-REFUSE");
    assert_eq!(rules(&both, at(1, 0, 0, 0)), ["LIA-04"], "one omission, one finding");
}

/// A failure of Monday 15:00, told at 15:05 and answered by nobody: the method runs from Tuesday 15:05.
fn unanswered(version: u32) -> Story {
    let mut story = by("qinghe", version);
    failed(&mut story, at(0, 15, 0, 0), "DF-NOBODY");
    noticed(&mut story, at(0, 15, 5, 0));
    story
}

// rules: SLA-08, LIA-05, T-5
#[test]
fn without_a_reply_a_step_of_the_method_is_begun_within_the_packs_time_or_the_delivering_outlet_bears_the_delay() {
    let due = at(2, 15, 5, 0).plus(1);
    let after = at(3, 0, 0, 0);
    assert_eq!(
        (unanswered(1).deadline("SLA-08", after).due_at, unanswered(2).deadline("SLA-08", after).due_at),
        (None, Some(due))
    );
    assert_eq!((unanswered(1).finding("LIA-05", after), unanswered(2).clock("SLA-08", due)), (None, Pending));
    let finding = unanswered(2).finding("LIA-05", due.plus(1)).unwrap();
    assert_eq!((finding.clock.as_deref(), finding.party), (Some("SLA-08"), Party::DeliveringOutlet));
    assert!(told(&unanswered(2), "SLA-08", after).contains("no step of the type's method was begun"));
    let begun = |when: UnixMs, body: fn(&mut Story, UnixMs)| {
        let mut story = unanswered(2);
        body(&mut story, when);
        story.clock("SLA-08", after)
    };
    let steps: [fn(&mut Story, UnixMs); 4] = [
        |story, when| called(story, when, CallResult::NoAnswer, None),
        |story, when| drop(tick(story, &WEST, when, "ask_recipient")),
        |story, when| drop(failed(story, when, "DF-NOBODY")),
        |story, when| drop(story.online(&WEST, when, Body::Action(Action::of(code("RETURN"))))),
    ];
    for body in steps {
        assert_eq!((begun(due, body), begun(due.plus(1), body)), (OnTime, Late));
    }
    assert_eq!(
        begun(due, |story, when| drop(tick(story, &ORIGIN, when, "ask_recipient"))),
        Late,
        "the origin's own work is none"
    );
    assert_eq!(begun(due, |story, when| drop(tick(story, &WEST, when, "reply_delivering"))), Late, "nor a step of its side");
    assert_eq!(
        begun(at(1, 9, 0, 0), |story, when| called(story, when, CallResult::NoAnswer, None)),
        Late,
        "a call before is none"
    );
    assert_eq!(begun(at(1, 9, 0, 0), |story, when| drop(failed(story, when, "DF-NOBODY"))), OnTime, "an attempt before is one");
}

// rules: SLA-08, T-5
#[test]
fn a_reply_ends_the_method_and_an_invalid_one_begins_it() {
    for (replied, expected) in [(at(2, 15, 5, 0), NotNeeded), (at(2, 15, 5, 1), Late)] {
        let mut story = unanswered(2);
        story.reply(replied, "REDELIVER");
        assert_eq!(story.clock("SLA-08", at(3, 0, 0, 0)), expected, "{replied:?}");
    }
    let mut story = unanswered(2);
    story.online(&ORIGIN, at(0, 16, 0, 0), Body::Reply(Reply::of(code("REDELIVER"))));
    assert_eq!(story.deadline("SLA-08", at(0, 17, 0, 0)).due_at, Some(at(1, 16, 0, 0)), "24 hours from the invalid reply");
}

/// A failure of Monday 15:00 by a courier, of which nobody tells: LIA-04 on Tuesday.
fn untold(version: u32, reason: &str, mobile: bool, more: impl Fn(&mut Story, &EntryKey)) -> Finding {
    let mut story = by("qinghe", version);
    if !mobile {
        story.facts.mobile = None;
    }
    let attempt = failed(&mut story, at(0, 15, 0, 0), reason);
    more(&mut story, &attempt);
    story.finding("LIA-04", at(1, 0, 0, 0)).unwrap()
}

// rules: X-2, LIA-07, SMS-5
#[test]
fn a_label_without_a_number_is_lenient_whatever_the_code_if_a_photo_shows_it() {
    let photo = |story: &mut Story, _: &EntryKey| drop(story.photo(at(0, 15, 1, 0), PhotoPurpose::Label));
    let other = |story: &mut Story, _: &EntryKey| drop(story.photo(at(0, 15, 1, 0), PhotoPurpose::Door));
    let nothing = |_: &mut Story, _: &EntryKey| {};
    for reason in ["DF-NOBODY", "DF-NOANSWER", "DF-ADDR", "DF-REFUSE", "DF-PHONE"] {
        let lenient = untold(2, reason, false, photo);
        assert_eq!((lenient.lenient, lenient.share, lenient.review), (true, 0, true), "{reason}");
        assert!(!untold(2, reason, false, other).lenient && !untold(2, reason, false, nothing).lenient, "{reason}");
        assert!(!untold(2, reason, true, photo).lenient, "{reason}: head office's list has a number");
        assert_eq!(untold(1, reason, false, photo).lenient, reason == "DF-PHONE", "{reason}: as before");
    }
    // The courier says that the label has none: lenient, and flagged because the list has one.
    let mut story = by("qinghe", 2);
    let sub = Some(code("missing_mobile"));
    story.online(&COURIER, at(0, 15, 0, 0), Body::Attempt(Attempt { sub, ..Attempt::of(code("DF-PHONE")) }));
    story.photo(at(0, 15, 1, 0), PhotoPurpose::Label);
    let judged = story.judge(at(1, 0, 0, 0));
    assert!(judged.findings[0].lenient && judged.flags.contains(&Flag::NumberListed) && judged.flags.contains(&Flag::Leniency));
    assert_eq!(judged.bases[0].basis, Basis::SmsImpossible);
    // An attempt that the label proves wants no SMS.
    let unproven = |photo: bool| {
        let mut story = by("qinghe", 2);
        story.facts.mobile = None;
        failed(&mut story, at(0, 15, 0, 0), "DF-NOBODY");
        if photo {
            story.photo(at(0, 15, 1, 0), PhotoPurpose::Label);
        }
        story.judge(at(0, 16, 0, 0)).flags.contains(&Flag::AttemptUnproven)
    };
    assert_eq!((unproven(true), unproven(false)), (false, true));
}

// rules: X-2, LIA-07
#[test]
fn a_wrong_number_is_shown_by_a_failed_call_and_a_failed_message_to_it_and_a_phone_that_is_off_is_none() {
    let with = |results: &'static [(CallResult, Option<&'static str>)], sms: bool| {
        move |story: &mut Story, attempt: &EntryKey| {
            for (result, number) in results {
                called(story, at(0, 15, 1, 0), *result, *number);
            }
            if sms {
                failed_sms(story, at(0, 15, 2, 0), attempt);
            }
        }
    };
    use CallResult::{NoAnswer, NotExist, Off, Wrong};
    for (results, sms, lenient) in [
        (&[(NotExist, None)][..], true, true),
        (&[(NotExist, Some(MOBILE))], true, true),
        (&[(Wrong, Some("138-0000-0000"))], true, true),
        (&[(NotExist, Some("13900000000"))], true, false),
        (&[(NotExist, Some("宅电"))], true, false),
        (&[(NotExist, Some(" "))], true, true),
        (&[(NotExist, None)], false, false),
        (&[(Off, None)], true, false),
        (&[(NoAnswer, None)], true, false),
        (&[], true, false),
    ] {
        for reason in ["DF-NOANSWER", "DF-PHONE"] {
            assert_eq!(untold(2, reason, true, with(results, sms)).lenient, lenient, "{reason} {results:?} {sms}");
        }
    }
    assert!(untold(1, "DF-PHONE", true, with(&[(Off, None)], false)).lenient, "as before");
    // The label speaks for later delays too.
    let mut story = asked_again(2);
    called(&mut story, at(2, 9, 0, 0), NotExist, None);
    let attempt = story.entries[0].entry.key.clone();
    failed_sms(&mut story, at(2, 9, 1, 0), &attempt);
    assert!(story.finding("LIA-05", at(2, 10, 0, 1)).unwrap().lenient);
    let told = told(&story, "LIA-05", at(2, 10, 0, 1));
    assert!(told.contains("电话和短信都失败") && told.contains("a failed call and a failed SMS to it"), "{told}");
}

// rules: LIA-01
#[test]
fn an_outlet_that_does_not_answer_is_for_head_office_to_look_at_without_a_share() {
    let found = |version: u32, now: UnixMs| unanswered(version).finding("LIA-01", now);
    let (before, after) = (at(1, 15, 5, 0), at(1, 15, 5, 1));
    assert_eq!((found(1, before), found(2, before)), (None, None));
    let (first, second) = (found(1, after).unwrap(), found(2, after).unwrap());
    assert_eq!((first.share, first.open, first.review, first.amount), (100, false, false, None));
    assert_eq!((second.share, second.open, second.review, second.amount), (0, true, true, None));
    assert_eq!(second.outlet.unwrap().as_str(), "0571");
    let told = told(&unanswered(2), "LIA-01", after);
    assert!(
        told.contains("规则未定比例和金额") && told.contains("names no share and no amount") && !told.contains('%'),
        "{told}"
    );
}

// rules: PEN-02, OR-COD24H, OR-HANDOVER, OR-PROHIBITED
#[test]
fn one_fault_with_the_money_is_fined_once_and_faults_without_a_liability_give_no_finding() {
    let ledger = |change: &str| {
        let (book, change) = (Book::ALL.iter().copied().find(|book| book.as_str() == "cod").unwrap(), code(change));
        Body::Ledger(Ledger { book, change, amount: Some(Fen(1)), letter: None, slip: true, words: None })
    };
    let story = |version: u32, collected: bool, registered: u32| {
        let mut story = by("nengda-gd", version);
        if collected {
            story.online(&FINANCE, at(0, 9, 0, 0), ledger("collected"));
        }
        for n in 0..registered {
            problem(&mut story, at(1, 10, i64::from(n), 0), "OR-COD24H", Stage::Origin);
        }
        story
    };
    let fines = |story: &Story| {
        let findings = story.judge(at(2, 0, 0, 0)).findings.into_iter();
        findings.filter(|finding| finding.rule == "PEN-02").collect::<Vec<_>>()
    };
    assert_eq!((fines(&story(1, true, 1)).len(), fines(&story(2, true, 1)).len()), (2, 1));
    let one = fines(&story(2, true, 1)).remove(0);
    assert_eq!((one.clock.as_deref(), one.amount, one.basis.len()), (Some("SLA-10"), Some(Fen(10_000)), 2));
    assert_eq!((fines(&story(1, false, 2)).len(), fines(&story(2, false, 2)).len()), (2, 1), "two people, one fault");
    let mut decided = story(2, false, 1);
    let id = fines(&decided)[0].id.clone();
    let ruling = Ruling { about: id.clone(), stands: Stands::Upheld, share: Some(40), amount: None, replaces: None, words: None };
    decided.online(&REVIEWER, at(1, 11, 0, 0), Body::Ruling(ruling));
    problem(&mut decided, at(1, 12, 0, 0), "OR-COD24H", Stage::Origin);
    let left = fines(&decided);
    assert_eq!((left.len(), &left[0].id, left[0].share), (1, &id, 40), "what head office decided stays");
    for reason in ["OR-HANDOVER", "OR-PROHIBITED"] {
        let found = |version: u32| {
            let mut story = by("nengda-gd", version);
            problem(&mut story, at(0, 9, 0, 0), reason, Stage::Hub);
            story.judge(at(1, 0, 0, 0)).findings.len()
        };
        assert_eq!((found(1), found(2)), (1, 0), "{reason}");
    }
}
