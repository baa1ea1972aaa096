//! Acts whose time only the device vouches for. Such an act lies in the gap between two contacts with head office, and proves no
//! more than that.

use doorstep_domain::*;
use doorstep_rules::*;

use crate::{
    messages::{attempted, only},
    story::*,
};

/// The last contact of the evening before.
const EVENING: i64 = -1;
fn evening() -> UnixMs {
    at(EVENING, 18, 0, 0)
}

/// A receipt of an act of a boot that had not heard the server before it.
fn unproven(received: UnixMs, acted: UnixMs, from: UnixMs) -> Standing {
    let acted = Reckoning { at: Some(acted), from: Some(from), until: Some(received), ..Reckoning::default() };
    Standing::Accepted(Receipt::new(received, acted, false, FactsCheck::Equal))
}

/// Another mark on an accepted entry.
fn marked(recorded: &mut Recorded, mark: impl FnOnce(&mut Receipt)) {
    let Standing::Accepted(receipt) = &mut recorded.standing else { panic!("not accepted") };
    mark(receipt);
}

fn body_of_notice() -> Body {
    Body::Notice(Notice { to: "0571".parse().unwrap(), source: TargetSource::WaybillData, request: None })
}

/// The record of a phone call in an outage.
fn outage(story: &mut Story, phoned: UnixMs, recorded: UnixMs) -> &mut Recorded {
    let outage = story.outage(phoned, recorded, said("0571-8000"));
    outage.entry.time.wall = recorded;
    outage.standing = Standing::Accepted(Receipt::of(recorded, Some(recorded)));
    outage
}

/// A phone that was started again at 06:50, without a signal until it is synced: a failure at 10:00, and at 10:05 what each network
/// wants done by then.
fn restarted(pack: &str, late_synced: LateSynced, synced: UnixMs) -> Story {
    let mut rules = pack_of(pack);
    rules.switches.late_synced = late_synced;
    let mut story = Story::by(rules);
    let ten = at(0, 10, 0, 0);
    let line = |change: &str, slip| {
        let (book, change) = (Book::Cod, code(change));
        Body::Ledger(Ledger { book, change, amount: Some(Fen(1)), letter: None, slip, words: None })
    };
    match pack {
        "nengda-gd" => drop(story.online(&FINANCE, at(-1, 11, 0, 0), line("collected", false))),
        "cs-generic" => drop(story.online(&WEST, at(0, 9, 0, 0), Body::Problem(Problem::of(code("CD-DAMAGE"), Stage::Delivery)))),
        _ => {}
    }
    story.attempt(ten, None, "DF-NOBODY").standing = unproven(synced, ten, evening());
    let five = ten.plus(300_000);
    let (by, body) = match pack {
        "nengda-gd" => (&FINANCE, line("paid_out", true)),
        "cs-generic" => (&WEST, Body::Tick(Tick { step: code("report_superior"), words: None })),
        _ => (&WEST, body_of_notice()),
    };
    story.add(by, five, None, body).standing = unproven(synced, five, evening());
    story
}

#[test]
fn a_restart_without_signal_keeps_its_day_and_goes_to_review_whatever_the_pack_says_of_late_records() {
    // What is synced, and the clock of each network that 10:05 is in time for: 24:00, 11:00, 11:00.
    let clocks = [("zto-process", "SLA-03"), ("qinghe", "SLA-03"), ("nengda-gd", "SLA-10"), ("cs-generic", "SLA-12")];
    let (noon, night, next) = (at(0, 12, 0, 0), at(0, 23, 50, 0), at(1, 9, 0, 0));
    for (pack, clock) in clocks {
        for late_synced in [LateSynced::Strict, LateSynced::CaptureCounts] {
            for synced in [noon, night, next] {
                let what = format!("{pack} {late_synced:?} {synced}");
                let story = restarted(pack, late_synced, synced);
                let judged = story.judge(at(1, 10, 0, 0));
                assert!(judged.flags.contains(&Flag::ClockUnproven), "{what}: {:?}", judged.flags);
                let attempt = story.case().of_kind(Kind::Attempt).next().unwrap().acted_at();
                assert_eq!(attempt, at(0, 10, 0, 0), "{what}: the estimate stays");
                let kept = judged.deadlines.iter().find(|d| d.clock == clock).unwrap();
                let received_in_time = synced <= kept.due_at.unwrap();
                assert_eq!(received_in_time, clock == "SLA-03" && synced != next, "{what}");
                let expected = if received_in_time { Timeliness::OnTime } else { Timeliness::LateSynced };
                assert_eq!(kept.timeliness, expected, "{what}");
                let found = judged.findings.iter().find(|finding| finding.clock.as_deref() == Some(clock));
                // The pack cs-generic sets targets. Nobody answers for a target.
                assert_eq!(found.is_some(), !received_in_time && pack != "cs-generic", "{what}");
                let open = |finding: &Finding| finding.review && finding.state == FindingState::Proposed;
                assert!(judged.findings.iter().all(open), "{what}: decided by nobody: {:?}", judged.findings);
            }
        }
    }
}

#[test]
fn a_clock_that_heard_the_server_proves_a_gap_that_is_no_longer_than_the_packs() {
    let found = |hours: Option<u32>, from: UnixMs| {
        let mut pack = qinghe();
        pack.switches.late_synced = LateSynced::CaptureCounts;
        pack.switches.trusted_gap_hours = hours.or(pack.switches.trusted_gap_hours);
        let mut story = Story::by(pack);
        story.attempt(at(0, 14, 0, 0), Some(at(0, 14, 0, 0)), "DF-NOBODY");
        let notice = story.notice(at(0, 15, 0, 0), Some(at(1, 1, 0, 0)), "0571");
        marked(notice, |receipt| receipt.acted.from = Some(from));
        let judged = story.judge(at(1, 2, 0, 0));
        (judged.findings.len(), judged.flags.contains(&Flag::ClockUnproven))
    };
    assert_eq!(found(None, at(0, 13, 0, 0)), (0, false), "twelve hours");
    assert_eq!(found(None, at(0, 13, 0, 0).plus(-1)), (1, true), "and a millisecond more");
    assert_eq!(found(Some(13), at(0, 12, 0, 0)), (0, false));
    assert_eq!(found(Some(11), at(0, 13, 0, 0)), (1, true));
}

#[test]
fn a_back_dated_close_cancels_no_missed_notice() {
    let judged = |standing: Standing| {
        let mut story = Story::new();
        story.attempt(at(0, 14, 0, 0), Some(at(0, 14, 0, 0)), "DF-NOBODY");
        story.add(&COURIER, at(0, 20, 0, 0), None, Body::Close(Close::of(code("SIGNED")))).standing = standing;
        let kept = story.clock("SLA-03", at(1, 10, 0, 0));
        (kept, story.finding("LIA-04", at(1, 10, 0, 0)).map(|finding| finding.review))
    };
    let proven = Receipt::of(at(1, 2, 0, 0), Some(at(0, 20, 0, 0)));
    assert_eq!(judged(Standing::Accepted(proven)), (Timeliness::NotNeeded, None));
    let dated_back = unproven(at(1, 9, 0, 0), at(0, 20, 0, 0), at(0, 14, 0, 0));
    assert_eq!(judged(dated_back), (Timeliness::LateSynced, Some(true)), "a person decides");
    let wall = Standing::Accepted(Receipt::of(at(1, 9, 0, 0), None));
    assert_eq!(judged(wall), (Timeliness::LateSynced, Some(true)), "a wall clock alone decides nothing");
    // The server had its digest before the end of the day: that bounds it, whatever the device says.
    let mut early = Story::new();
    early.attempt(at(0, 14, 0, 0), Some(at(0, 14, 0, 0)), "DF-NOBODY");
    let close = early.add(&COURIER, at(0, 20, 0, 0), None, Body::Close(Close::of(code("SIGNED"))));
    close.standing = unproven(at(1, 9, 0, 0), at(0, 20, 0, 0), at(0, 14, 0, 0));
    marked(close, |receipt| receipt.acted.until = Some(at(0, 22, 0, 0)));
    assert_eq!(early.clock("SLA-03", at(1, 10, 0, 0)), Timeliness::NotNeeded);
}

#[test]
fn whoever_proves_when_a_case_ended_helps_whoever_only_says_so() {
    let mut story = Story::new();
    story.attempt(at(0, 14, 0, 0), Some(at(0, 14, 0, 0)), "DF-NOBODY");
    let close = || Body::Close(Close::of(code("SIGNED")));
    story.add(&COURIER, at(0, 20, 0, 0), None, close()).standing = unproven(at(1, 9, 0, 0), at(0, 20, 0, 0), at(0, 14, 0, 0));
    story.online(&WEST, at(0, 21, 0, 0), close());
    assert_eq!(story.clock("SLA-03", at(1, 10, 0, 0)), Timeliness::NotNeeded);
}

#[test]
fn a_back_dated_act_meets_no_duty_that_counts_when_it_was_done() {
    let judged = |standing: Standing| {
        let mut story = Story::new();
        story.attempt(at(0, 9, 0, 0), Some(at(0, 9, 0, 0)), "DF-NOBODY");
        story.notice(at(0, 9, 5, 0), Some(at(0, 9, 5, 0)), "0571");
        story.reply(at(0, 10, 0, 0), "REDELIVER");
        story.attempt(at(1, 9, 0, 0), None, "DF-NOBODY").standing = standing;
        let kept = story.deadline("SLA-06", at(1, 20, 0, 0));
        (kept.timeliness, story.finding("LIA-05", at(1, 20, 0, 0)).map(|finding| finding.review))
    };
    let (nine, evening) = (at(1, 9, 0, 0), at(1, 18, 0, 0));
    assert_eq!(judged(Standing::Accepted(Receipt::of(evening, Some(nine)))), (Timeliness::OnTime, None));
    assert_eq!(judged(unproven(evening, nine, at(0, 18, 0, 0))), (Timeliness::LateSynced, Some(true)));
    assert_eq!(judged(Standing::Accepted(Receipt::of(evening, None))), (Timeliness::LateSynced, Some(true)));
    // A proven clock that may be off across the end: its end counts.
    let mut wide = Receipt::of(evening, Some(nine));
    wide.acted.slack_ms = 2 * 3_600_000;
    assert_eq!(judged(Standing::Accepted(wide)), (Timeliness::LateSynced, Some(true)));
}

#[test]
fn a_back_dated_action_frees_nobody_of_a_late_reply_and_a_back_dated_end_of_no_reply() {
    let replied = |body: Body, acted: UnixMs, standing: &dyn Fn(UnixMs) -> Standing| {
        let mut story = Story::new();
        story.attempt(at(0, 9, 0, 0), Some(at(0, 9, 0, 0)), "DF-NOBODY");
        story.notice(at(0, 10, 0, 0), Some(at(0, 10, 0, 0)), "0571");
        story.add(&WEST, acted, None, body).standing = standing(acted);
        story.reply(at(1, 12, 0, 0), "REDELIVER");
        let judged = story.judge(at(3, 0, 0, 0));
        let follows = judged.deadlines.iter().any(|deadline| deadline.clock == "SLA-06");
        let found = judged.findings.iter().find(|finding| finding.rule == "LIA-05");
        (judged.replies[0].too_late, follows, found.map(|finding| finding.review))
    };
    let (acted, received) = (at(1, 11, 0, 0), at(1, 15, 0, 0));
    let action = || Body::Action(Action::of(code("RETURN")));
    let proven = |at: UnixMs| Standing::Accepted(Receipt::of(received, Some(at)));
    let claimed = |at: UnixMs| unproven(received, at, evening());
    assert_eq!(replied(action(), acted, &proven), (true, false, None), "acted on before it came");
    assert_eq!(replied(action(), acted, &claimed), (false, true, Some(true)), "nothing proves that");
    let close = || Body::Close(Close::of(code("SIGNED")));
    let (early, closed) = (at(0, 20, 0, 0), at(3, 0, 0, 0));
    let proven = |at: UnixMs| Standing::Accepted(Receipt::of(early.plus(4 * HOUR), Some(at)));
    let late = |at: UnixMs| unproven(closed, at, evening());
    assert_eq!(replied(close(), early, &proven), (false, false, None), "the case had ended");
    assert_eq!(replied(close(), early, &late), (false, true, Some(true)), "by its writer's word");
}

#[test]
fn an_end_that_may_have_been_before_a_reply_leaves_nothing_to_do_wherever_it_lies() {
    // A phone that was started again without a signal: the case was closed at 11:00, the reply was there at 12:00.
    let judged = |synced: UnixMs, now: UnixMs| {
        let mut story = Story::new();
        story.attempt(at(0, 9, 0, 0), Some(at(0, 9, 0, 0)), "DF-NOBODY");
        story.notice(at(0, 9, 5, 0), Some(at(0, 9, 5, 0)), "0571");
        let close = story.add(&COURIER, at(0, 11, 0, 0), None, Body::Close(Close::of(code("SIGNED"))));
        close.standing = unproven(synced, at(0, 11, 0, 0), evening());
        story.reply(at(0, 12, 0, 0), "REDELIVER");
        (story.clock("SLA-06", now), story.finding("LIA-05", now).map(|finding| finding.review))
    };
    let one = at(0, 13, 0, 0);
    for now in [at(0, 13, 30, 0), at(2, 0, 0, 0)] {
        assert_eq!(judged(one, now), (Timeliness::NotNeeded, None), "{now}");
    }
    let due = at(1, 12, 0, 0);
    assert_eq!(judged(due, at(2, 0, 0, 0)), (Timeliness::NotNeeded, None), "inclusive");
    assert_eq!(judged(due.plus(1), at(2, 0, 0, 0)), (Timeliness::LateSynced, Some(true)), "only by its writer's word");
}

#[test]
fn the_phone_call_of_an_outage_is_as_late_as_its_record_may_be() {
    let judged = |phoned: UnixMs, recorded: UnixMs, standing: Standing| {
        let mut story = Story::new();
        story.attempt(at(0, 14, 0, 0), Some(at(0, 14, 0, 0)), "DF-NOBODY");
        outage(&mut story, phoned, recorded).standing = standing;
        let told = story.judge(at(1, 10, 0, 0)).deadlines.iter().find(|d| d.clock == "SLA-05").map(|d| d.started_at);
        (story.clock("SLA-03", at(1, 10, 0, 0)), story.finding("LIA-04", at(1, 10, 0, 0)).map(|found| found.review), told)
    };
    let (said, morning) = (at(0, 21, 0, 0), at(1, 8, 0, 0));
    let proven = |at: UnixMs| Standing::Accepted(Receipt::of(morning, Some(at)));
    let in_time = (Timeliness::OnTimeByException, None, Some(said));
    assert_eq!(judged(said, said, proven(said)), in_time);
    let later = at(0, 22, 0, 0);
    assert_eq!(judged(said, later, proven(later)), (Timeliness::OnTimeByException, None, Some(later)), "from its record on");
    // The origin outlet's time begins only when somebody can prove that the outlet was told.
    let claimed = (Timeliness::LateSynced, Some(true), Some(morning));
    assert_eq!(judged(said, said, unproven(morning, said, evening())), claimed);
    assert_eq!(judged(said, morning, proven(morning)), claimed, "a call of yesterday, recorded and proven today");
}

#[test]
fn a_phone_call_that_is_dated_before_the_attempt_tells_nobody_of_it_and_one_after_it_counts_from_its_record() {
    let (nine, recorded, now) = (at(1, 9, 0, 0), at(1, 9, 5, 0), at(1, 10, 0, 0));
    let told = |phoned: UnixMs| {
        let mut story = Story::new();
        story.attempt(nine, Some(nine), "DF-NOBODY");
        outage(&mut story, phoned, recorded);
        assert_eq!(story.finding("LIA-01", now), None);
        let reply = story.judge(now).deadlines.into_iter().find(|deadline| deadline.clock == "SLA-05");
        reply.map(|reply| (reply.started_at, reply.timeliness))
    };
    assert_eq!(told(at(0, 8, 0, 0)), None);
    assert_eq!(told(nine.plus(-1)), None);
    assert_eq!(told(nine), Some((recorded, Timeliness::Pending)));
}

#[test]
fn a_problem_was_found_no_later_than_the_estimate_of_its_record() {
    let mut story = Story::new();
    let found = Some(at(0, 23, 0, 0));
    let body = Body::Problem(Problem { found_at: found, ..Problem::of(code("CD-DAMAGE"), Stage::Hub) });
    story.add(&HUB, at(0, 9, 0, 0), None, body).standing = unproven(at(0, 23, 30, 0), at(0, 9, 0, 0), evening());
    let kept = story.deadline("SLA-01", at(1, 0, 0, 0));
    assert_eq!((kept.started_at, kept.due_at), (at(0, 9, 0, 0), Some(at(0, 10, 0, 0))));
    assert_eq!(kept.timeliness, Timeliness::LateSynced);
    assert!(story.finding("LIA-02", at(1, 0, 0, 0)).unwrap().review);
}

// rules: SMS-2
#[test]
fn a_message_counts_for_the_day_of_its_attempt_only_if_that_day_is_proven() {
    let lacks = |standing: &dyn Fn(UnixMs) -> Standing| {
        let (mut story, attempt) = attempted();
        let key = story.sms(at(0, 14, 1, 0), message(Some(attempt)), SmsState::Sent);
        let n = story.entries.len();
        for recorded in &mut story.entries[n - 2..] {
            recorded.standing = standing(recorded.entry.time.wall);
        }
        assert_eq!(only(&story).entry, key);
        only(&story).lacks
    };
    let (night, next) = (at(0, 23, 50, 0), at(1, 9, 0, 0));
    assert_eq!(lacks(&|at| Standing::Accepted(Receipt::of(night.plus(HOUR), Some(at)))), [], "proven, whenever it comes");
    assert_eq!(lacks(&|at| unproven(night, at, evening())), [], "the server had it on that day");
    assert_eq!(lacks(&|at| unproven(next, at, evening())), [SmsLack::DayUnproven]);
    assert_eq!(lacks(&|_| Standing::Accepted(Receipt::of(next, None))), [SmsLack::DayUnproven]);
    assert_eq!(lacks(&|_| Standing::OnThisDevice), [], "on the own phone it shows what will be claimed");
}

#[test]
fn a_finding_shows_the_widest_gap_of_what_it_rests_on_and_what_else_the_person_did() {
    let mut story = Story::new();
    story.attempt(at(0, 14, 0, 0), Some(at(0, 14, 0, 0)), "DF-NOBODY");
    let notice = story.notice(at(0, 15, 0, 0), None, "0571");
    let next = at(1, 9, 0, 0);
    notice.standing = unproven(next, at(0, 15, 0, 0), evening());
    marked(notice, |receipt| (receipt.others_in_contact, receipt.unproven_acts) = (true, 7));
    let entry = notice.entry.key.clone();
    let (case, judged) = (story.case(), story.judge(at(1, 10, 0, 0)));
    let finding = judged.findings.iter().find(|finding| finding.rule == "LIA-04").unwrap();
    let contacts =
        Contacts { entry, from: Some(evening()), until: next, proven: false, others_in_contact: true, unproven_acts: 7 };
    assert_eq!(finding.contacts, Some(contacts));
    let told = explain(&case, &story.book, &judged);
    let because = &told.iter().find(|told| told.about == finding.id.to_string()).unwrap().because;
    for what in
        ["2026-03-01 18:00:00", "2026-03-03 09:00:00", "39 h", "another device of this person", "unverified acts in 30 days: 7"]
    {
        assert!(because.iter().any(|link| link.words.en.contains(what)), "{what}: {because:#?}");
    }
    assert!(because.iter().any(|link| link.words.zh.contains("39 小时") && link.words.zh.contains("无法核实")), "{because:#?}");
    // The gap of a proven act is shown too.
    story.entries[1].standing = Standing::Accepted(Receipt::of(at(1, 1, 0, 0), Some(at(0, 15, 0, 0))));
    let contacts = story.finding("LIA-04", at(1, 10, 0, 0)).unwrap().contacts.unwrap();
    assert_eq!((contacts.proven, contacts.width_ms(), contacts.unproven_acts), (true, Some(11 * HOUR), 0));
}

#[test]
fn a_finding_that_hangs_on_an_act_of_unproven_time_names_it_and_shows_its_gap() {
    let mut story = Story::new();
    story.attempt(at(0, 9, 0, 0), Some(at(0, 9, 0, 0)), "DF-NOBODY");
    story.notice(at(0, 10, 0, 0), Some(at(0, 10, 0, 0)), "0571");
    let (acted, received) = (at(1, 11, 0, 0), at(1, 15, 0, 0));
    let action = story.add(&WEST, acted, None, Body::Action(Action::of(code("RETURN"))));
    action.standing = unproven(received, acted, evening());
    let action = action.entry.key.clone();
    // Too late to bind, if the parcel had been acted on before it.
    story.reply(at(1, 12, 0, 0), "REDELIVER");
    let now = at(3, 0, 0, 0);
    let (case, judged) = (story.case(), story.judge(now));
    let finding = judged.findings.iter().find(|finding| finding.rule == "LIA-05").unwrap();
    assert!(finding.basis.contains(&action), "{:?}", finding.basis);
    let contacts = finding.contacts.as_ref().unwrap();
    assert_eq!((&contacts.entry, contacts.from, contacts.until, contacts.proven), (&action, Some(evening()), received, false));
    let told = explain(&case, &story.book, &judged);
    let because = &told.iter().find(|told| told.about == finding.id.to_string()).unwrap().because;
    let link = because.iter().find(|link| link.entry.as_ref() == Some(&action)).unwrap();
    assert!(link.words.en.starts_with("if the time of this is true, the clock never started"), "{because:#?}");
}

#[test]
fn a_call_that_is_in_time_only_by_its_own_word_is_explained_once_and_without_contradiction() {
    let mut story = Story::new();
    story.attempt(at(0, 14, 0, 0), Some(at(0, 14, 0, 0)), "DF-NOBODY");
    let (phoned, recorded) = (at(0, 21, 0, 0), at(1, 8, 0, 0));
    let key = outage(&mut story, phoned, recorded).entry.key.clone();
    let (case, judged) = (story.case(), story.judge(at(1, 10, 0, 0)));
    let kept = judged.deadlines.iter().find(|deadline| deadline.clock == "SLA-03").unwrap();
    assert_eq!((kept.timeliness, kept.met_by.as_ref()), (Timeliness::LateSynced, Some(&key)));
    let told = explain(&case, &story.book, &judged);
    let because = &told.iter().find(|told| told.about.starts_with("SLA-03@")).unwrap().because;
    let of_call: Vec<&str> =
        because.iter().filter(|link| link.entry.as_ref() == Some(&key)).map(|link| link.words.en.as_str()).collect();
    assert!(matches!(of_call[..], [said] if said.starts_with("phoned in time by its own word")), "{of_call:#?}");
}

#[test]
fn an_odd_mark_is_flagged_proves_nothing_and_sends_what_rests_on_it_to_review() {
    type Mark = fn(&mut Reckoning);
    let marks: [(Mark, Flag); 3] = [
        (|acted| acted.passed_over = true, Flag::ClockPassedOver),
        (|acted| acted.unsteady = true, Flag::ClockUnsteady),
        (|acted| acted.disordered = true, Flag::ClockDisordered),
    ];
    for (mark, flag) in marks {
        let mut pack = qinghe();
        pack.switches.late_synced = LateSynced::CaptureCounts;
        let mut story = Story::by(pack);
        story.attempt(at(0, 14, 0, 0), Some(at(0, 14, 0, 0)), "DF-NOBODY");
        let notice = story.notice(at(0, 23, 59, 0), Some(at(1, 0, 1, 0)), "0571");
        marked(notice, |receipt| mark(&mut receipt.acted));
        let judged = story.judge(at(1, 10, 0, 0));
        assert!(judged.flags.contains(&flag) && judged.flags.contains(&Flag::ClockUnproven), "{:?}", judged.flags);
        assert_eq!(judged.flags.contains(&Flag::Review), flag == Flag::ClockPassedOver);
        assert!(judged.findings.iter().find(|finding| finding.rule == "LIA-04").unwrap().review, "{flag:?}");
    }
}

#[test]
fn an_act_that_the_server_had_at_once_raises_no_flag_whatever_its_boot_had_heard() {
    let flagged = |from: UnixMs| {
        let mut story = Story::new();
        let now = at(0, 14, 0, 0);
        story.attempt(now, None, "DF-NOBODY").standing = unproven(now.plus(1_000), now, from);
        story.judge(at(0, 15, 0, 0)).flags.contains(&Flag::ClockUnproven)
    };
    let tolerance = 300_000 - 1_000;
    assert_eq!([flagged(at(0, 14, 0, 0).plus(-tolerance)), flagged(at(0, 14, 0, 0).plus(-tolerance - 1))], [false, true]);
}

#[test]
fn a_wall_clock_moves_no_act_out_of_its_gap() {
    let mut story = Story::new();
    let (from, until) = (at(0, 9, 0, 0), at(0, 10, 0, 0));
    let acted = Reckoning { from: Some(from), until: Some(until), ..Reckoning::default() };
    let standing = Standing::Accepted(Receipt::new(until, acted, false, FactsCheck::Equal));
    for (wall, expected) in [(at(-300, 0, 0, 0), from), (at(0, 9, 30, 0), at(0, 9, 30, 0)), (at(9, 0, 0, 0), until)] {
        let recorded = story.attempt(wall, None, "DF-NOBODY");
        recorded.standing = standing.clone();
        assert_eq!(recorded.acted_at(), expected);
    }
}
