//! Every clock at its edge: one second before, at it, one second after; across midnight, the end of a month, and holidays with
//! adjusted working days.

use doorstep_domain::*;
use doorstep_rules::{Timeliness::*, *};

use crate::story::*;

const SECOND: i64 = 1_000;

/// What a clock says when it is met one second before its edge, at it, and one second after; and while nothing meets it, what it
/// says one second after: a registration that the server has not got yet is more than nothing.
fn edge(clock: &str, due: UnixMs, missed: Timeliness, build: impl Fn(Option<UnixMs>) -> Story) {
    let met = |ms: i64| {
        let when = due.plus(ms);
        let found = build(Some(when)).deadline(clock, due.plus(DAY));
        assert_eq!(found.due_at, Some(due), "{clock}");
        found.timeliness
    };
    assert_eq!((met(-SECOND), met(0), met(SECOND)), (OnTime, OnTime, Late), "{clock}, met around {due:?}");
    let unmet = |ms: i64| build(None).deadline(clock, due.plus(ms));
    assert_eq!((unmet(-SECOND).timeliness, unmet(-SECOND).left_ms), (Pending, SECOND), "{clock}");
    assert_eq!((unmet(0).timeliness, unmet(SECOND).timeliness), (Pending, missed), "{clock}, unmet");
}

/// A problem that the server has at `registered`.
fn found(code_: &str, stage: Stage, by: &By, found_at: UnixMs, registered: Option<UnixMs>) -> Story {
    let mut story = Story::new();
    let problem = Problem { found_at: Some(found_at), ..Problem::of(code(code_), stage) };
    let when = registered.unwrap_or(found_at);
    story.add(by, when, registered, Body::Problem(problem));
    story
}

// rules: SLA-01, LIA-02
#[test]
fn a_hub_registers_what_it_holds_by_ten_of_that_day_or_of_the_next() {
    let hub = |at| move |when| found("CD-DAMAGE", Stage::Hub, &HUB, at, when);
    edge("SLA-01", at(0, 10, 0, 0), LateSynced, hub(at(0, 9, 0, 0)));
    edge("SLA-01", at(0, 10, 0, 0), LateSynced, hub(at(0, 0, 0, 0)));
    edge("SLA-01", at(1, 10, 0, 0), LateSynced, hub(at(0, 10, 0, 1)));
    edge("SLA-01", at(1, 10, 0, 0), LateSynced, hub(at(0, 23, 59, 59)));
    edge("SLA-01", on("2026-04-01", 10, 0, 0), LateSynced, hub(on("2026-03-31", 11, 0, 0)));
    edge("SLA-01", on("2026-02-18", 10, 0, 0), LateSynced, hub(on("2026-02-17", 15, 0, 0)));
    let late = found("CD-DAMAGE", Stage::Hub, &HUB, at(0, 9, 0, 0), Some(at(0, 10, 0, 1)));
    let finding = late.finding("LIA-02", at(0, 11, 0, 0)).unwrap();
    assert_eq!((finding.party, finding.outlet.unwrap().as_str()), (Party::Registrar, "H1"));
}

// rules: SLA-02, LIA-03, C-2
#[test]
fn an_outlet_registers_within_two_hours_of_the_theoretical_arrival_whenever_it_was_found() {
    let arrival = |theoretical: UnixMs| {
        move |when: Option<UnixMs>| {
            let mut story = Story::new();
            story.facts.arrival = Some(theoretical);
            let registered = when.unwrap_or(theoretical);
            let problem = Problem { found_at: Some(registered), ..Problem::of(code("RT-MISSENT"), Stage::Arrival) };
            story.add(&WEST, registered, when, Body::Problem(problem));
            story
        }
    };
    edge("SLA-02", at(0, 10, 0, 0), LateSynced, arrival(at(0, 8, 0, 0)));
    edge("SLA-02", at(1, 1, 0, 0), LateSynced, arrival(at(0, 23, 0, 0)));
    edge("SLA-02", on("2026-03-01", 1, 30, 0), LateSynced, arrival(on("2026-02-28", 23, 30, 0)));
    edge("SLA-02", on("2026-02-17", 2, 0, 0), LateSynced, arrival(on("2026-02-17", 0, 0, 0)));
    let finding = arrival(at(0, 8, 0, 0))(Some(at(0, 10, 0, 1))).finding("LIA-03", at(0, 12, 0, 0)).unwrap();
    assert_eq!((finding.party, finding.outlet.unwrap().as_str()), (Party::DeliveringOutlet, "0412"));
}

/// A failed attempt at a moment, and the server has the notice at another.
fn failed(when: UnixMs) -> impl Fn(Option<UnixMs>) -> Story {
    move |noticed| {
        let mut story = Story::new();
        story.attempt(when, Some(when), "DF-NOBODY");
        if let Some(noticed) = noticed {
            story.notice(noticed, Some(noticed), "0571");
        }
        story
    }
}

// rules: SLA-03, LIA-04
#[test]
fn the_origin_outlet_is_told_on_the_day_of_the_failure() {
    // The end of a day is its last millisecond: the last second of the day, and the first of the next.
    for (date, next) in
        [("2026-03-02", "2026-03-03"), ("2026-02-28", "2026-03-01"), ("2026-02-17", "2026-02-18"), ("2026-12-31", "2027-01-01")]
    {
        let due = on(next, 0, 0, 0).plus(-1);
        edge("SLA-03", due, Late, failed(on(date, 14, 0, 0)));
        edge("SLA-03", due, Late, failed(due.plus(-SECOND)));
    }
}

// rules: SLA-04
#[test]
fn the_origin_outlet_looks_within_thirty_minutes_of_working_time_and_a_late_look_is_no_finding() {
    let told = |when: UnixMs| {
        move |seen: Option<UnixMs>| {
            let mut story = Story::new();
            story.attempt(when.plus(-HOUR), Some(when.plus(-HOUR)), "DF-NOBODY");
            let notice = story.notice(when, Some(when), "0571").entry.key.clone();
            if let Some(seen) = seen {
                story.online(&ORIGIN, seen, Body::Seen(Seen { notice }));
            }
            story
        }
    };
    edge("SLA-04", at(0, 14, 30, 0), Late, told(at(0, 14, 0, 0)));
    edge("SLA-04", at(1, 9, 20, 0), Late, told(at(0, 18, 20, 0)));
    edge("SLA-04", at(1, 9, 30, 0), Late, told(at(0, 23, 0, 0)));
    // Saturday the 14th is worked, the Spring Festival from the 15th to the 23rd is not; Saturday the 28th is worked.
    edge("SLA-04", on("2026-02-14", 9, 20, 0), Late, told(on("2026-02-13", 18, 20, 0)));
    edge("SLA-04", on("2026-02-24", 9, 20, 0), Late, told(on("2026-02-14", 18, 20, 0)));
    edge("SLA-04", on("2026-02-28", 9, 10, 0), Late, told(on("2026-02-27", 18, 10, 0)));
    edge("SLA-04", on("2026-03-02", 9, 30, 0), Late, told(on("2026-02-28", 18, 30, 0)));
    let late = told(at(0, 14, 0, 0))(Some(at(0, 16, 0, 0)));
    assert!(late.judge(at(0, 17, 0, 0)).findings.is_empty(), "the sources give no number");
}

// rules: SLA-05, LIA-01
#[test]
fn a_reply_is_due_after_twenty_four_hours_through_nights_months_and_holidays() {
    let told = |when: UnixMs| {
        move |replied: Option<UnixMs>| {
            let mut story = failed(when)(Some(when));
            if let Some(replied) = replied {
                story.reply(replied, "REDELIVER");
            }
            story
        }
    };
    edge("SLA-05", at(1, 20, 0, 0), Late, told(at(0, 20, 0, 0)));
    edge("SLA-05", on("2026-03-01", 9, 0, 0), Late, told(on("2026-02-28", 9, 0, 0)));
    edge("SLA-05", on("2026-02-18", 9, 0, 0), Late, told(on("2026-02-17", 9, 0, 0)));
    let late = told(at(0, 20, 0, 0))(None);
    let finding = late.finding("LIA-01", at(1, 20, 0, 1)).unwrap();
    assert_eq!((finding.party, finding.outlet.unwrap().as_str()), (Party::OriginOutlet, "0571"));
}

/// A notice at noon on Monday and a reply at a moment.
fn replied(when: UnixMs, decision: &str) -> Story {
    let mut story = failed(when.plus(-2 * HOUR))(Some(when.plus(-HOUR)));
    story.reply(when, decision);
    story
}

// rules: SLA-06, LIA-05, X-4
#[test]
fn a_parcel_that_shall_be_delivered_again_is_out_within_twenty_four_hours_of_the_reply() {
    let out = |when: UnixMs| {
        move |done: Option<UnixMs>| {
            let mut story = replied(when, "REDELIVER");
            if let Some(done) = done {
                story.close(done, "SIGNED");
            }
            story
        }
    };
    edge("SLA-06", at(1, 15, 0, 0), Late, out(at(0, 15, 0, 0)));
    edge("SLA-06", on("2026-03-01", 9, 0, 0), Late, out(on("2026-02-28", 9, 0, 0)));
    // A second failure keeps the promise too: it was taken out.
    let mut again = replied(at(0, 15, 0, 0), "ADDR_CHANGE");
    again.attempt(at(1, 14, 0, 0), Some(at(1, 14, 0, 0)), "DF-NOBODY");
    assert_eq!(again.clock("SLA-06", at(2, 0, 0, 0)), OnTime);
    // The time of the act counts, by the server's reckoning. The time when the phone found a network does not.
    let mut offline = replied(at(0, 15, 0, 0), "REDELIVER");
    let signed = offline.add(&COURIER, at(1, 14, 0, 0), None, Body::Close(Close::of(code("SIGNED"))));
    signed.standing = Standing::Accepted(Receipt::of(at(1, 20, 0, 0), Some(at(1, 14, 0, 0))));
    assert_eq!(offline.clock("SLA-06", at(2, 0, 0, 0)), OnTime);
    // a return has its own clock.
    let returned = replied(at(0, 15, 0, 0), "RETURN").judge(at(0, 16, 0, 0));
    assert!(!returned.deadlines.iter().any(|deadline| deadline.clock == "SLA-06"));
}

fn return_of(when: UnixMs) -> impl Fn(Option<UnixMs>) -> Story {
    move |gone| {
        let mut story = replied(when, "RETURN");
        if let Some(gone) = gone {
            story.online(&WEST, gone, Body::Action(Action::of(code("RETURN"))));
        }
        story
    }
}

// rules: SLA-07, LIA-05, C-15
#[test]
fn a_return_leaves_with_the_first_run_of_the_timetable() {
    edge("SLA-07", at(0, 19, 0, 0), Late, return_of(at(0, 17, 30, 0)));
    let at_the_run = |gone| return_of(at(0, 19, 0, 0))(gone).deadline("SLA-07", at(0, 20, 0, 0));
    assert_eq!((at_the_run(None).due_at, at_the_run(Some(at(0, 19, 0, 0))).timeliness), (Some(at(0, 19, 0, 0)), OnTime));
    edge("SLA-07", at(1, 7, 0, 0), Late, return_of(at(0, 19, 0, 1)));
    edge("SLA-07", on("2026-04-01", 7, 0, 0), Late, return_of(on("2026-03-31", 23, 0, 0)));
    let finding = return_of(at(0, 17, 30, 0))(None).finding("LIA-05", at(0, 19, 0, 1)).unwrap();
    assert_eq!(finding.party, Party::DeliveringOutlet);
}

// rules: SLA-07, C-15
#[test]
fn a_run_of_working_days_leaves_after_the_holiday_and_on_an_adjusted_working_day() {
    let mut pack = qinghe();
    pack.timetables[0].every_day = false;
    let leaves = |when: UnixMs| {
        let mut story = return_of(when)(None);
        story.book = Rulebook::only(pack.clone());
        story.deadline("SLA-07", when).due_at
    };
    assert_eq!(leaves(on("2026-02-13", 20, 0, 0)), Some(on("2026-02-14", 7, 0, 0)), "an adjusted Saturday");
    assert_eq!(leaves(on("2026-02-14", 20, 0, 0)), Some(on("2026-02-24", 7, 0, 0)), "after the Spring Festival");
    assert_eq!(leaves(on("2026-03-06", 20, 0, 0)), Some(on("2026-03-09", 7, 0, 0)), "after a weekend");
}

// rules: SLA-02, SLA-07, C-15
#[test]
fn a_schedule_that_nobody_entered_is_said_and_not_guessed() {
    let mut story = return_of(at(0, 17, 30, 0))(None);
    let mut pack = qinghe();
    pack.timetables.clear();
    story.book = Rulebook::only(pack);
    let deadline = story.deadline("SLA-07", at(3, 0, 0, 0));
    assert_eq!((deadline.timeliness, deadline.due_at, deadline.missing), (ScheduleMissing, None, Some(Missing::Timetable)));
    let mut story = found("CD-DAMAGE", Stage::Arrival, &WEST, at(0, 9, 0, 0), Some(at(0, 9, 0, 0)));
    story.entries[0].entry.facts.as_mut().unwrap().arrival = None;
    let judged = story.judge(at(3, 0, 0, 0));
    let deadline = judged.deadlines.iter().find(|deadline| deadline.clock == "SLA-02").unwrap();
    assert_eq!((deadline.timeliness, deadline.missing), (ScheduleMissing, Some(Missing::Arrival)));
    assert!(judged.flags.contains(&Flag::ScheduleMissing) && judged.findings.iter().all(|finding| finding.rule != "LIA-03"));
    // The calendar ends with 2026: a working time beyond it is unknown.
    let mut beyond = failed(on("2026-12-31", 18, 0, 0))(Some(on("2026-12-31", 18, 20, 0)));
    assert_eq!(beyond.deadline("SLA-04", on("2027-01-05", 9, 0, 0)).missing, Some(Missing::Calendar));
    beyond.reply(on("2027-01-01", 9, 0, 0), "REDELIVER");
    assert_eq!(beyond.clock("SLA-05", on("2027-01-05", 9, 0, 0)), OnTime, "the others run on");
}

// rules: SLA-08, T-5
#[test]
fn without_a_valid_reply_the_method_of_the_type_is_due_at_once_and_open_until_something_is_done() {
    let overdue = at(1, 15, 0, 0);
    let told = failed(at(0, 14, 0, 0))(Some(at(0, 15, 0, 0)));
    assert!(!told.judge(overdue).deadlines.iter().any(|deadline| deadline.clock == "SLA-08"), "until then there is time");
    let deadline = told.deadline("SLA-08", overdue.plus(1));
    assert_eq!((deadline.started_at, deadline.due_at, deadline.timeliness), (overdue.plus(1), None, Pending));
    assert_eq!(told.judge(overdue.plus(1)).next_step, NextStep::DefaultMethod);
    let mut done = failed(at(0, 14, 0, 0))(Some(at(0, 15, 0, 0)));
    done.online(&WEST, at(4, 9, 0, 0), Body::Action(Action::of(code("RETURN"))));
    let judged = done.judge(at(4, 10, 0, 0));
    assert_eq!(done.clock("SLA-08", at(4, 10, 0, 0)), OnTime, "the source gives no number");
    assert_eq!((judged.state, judged.next_step), (State::ActionDone, NextStep::FollowUp));
    // An act before the reply does not answer the reply.
    let mut before = failed(at(0, 14, 0, 0))(Some(at(0, 15, 0, 0)));
    before.online(&WEST, at(0, 16, 0, 0), Body::Action(Action::of(code("RETURN"))));
    assert_eq!(before.clock("SLA-08", at(4, 10, 0, 0)), Pending);
}

// rules: SLA-09, C-3
#[test]
fn a_20_the_second_delivery_without_money_asks_for_the_sender_and_the_first_does_not() {
    let mut story = Story::new();
    story.attempt(at(0, 10, 0, 0), Some(at(0, 10, 0, 0)), "DF-NOMONEY");
    let step = |story: &Story, now| {
        let cards = story.judge(now).cards;
        cards[0].steps.iter().any(|line| line.step == "ask_sender")
    };
    let clocks = |story: &Story, now| story.judge(now).deadlines.iter().any(|deadline| deadline.clock == "SLA-09");
    assert!(!clocks(&story, at(0, 23, 0, 0)) && !step(&story, at(0, 23, 0, 0)));
    assert_eq!(story.clock("SLA-03", at(0, 11, 0, 0)), Pending, "the origin outlet is told the same day all the same");
    story.attempt(at(1, 10, 0, 0), Some(at(1, 10, 0, 0)), "DF-NOMONEY");
    let deadline = story.deadline("SLA-09", at(1, 11, 0, 0));
    assert_eq!((deadline.started_at, deadline.due_at, deadline.timeliness), (at(1, 10, 0, 0), None, Pending));
    assert!(step(&story, at(1, 11, 0, 0)));
    story.online(&WEST, at(1, 12, 0, 0), Body::Tick(Tick { step: code("ask_sender"), words: None }));
    assert_eq!(story.clock("SLA-09", at(1, 13, 0, 0)), OnTime);
    // Another reason in between is no delivery without money.
    let mut other = Story::new();
    other.attempt(at(0, 10, 0, 0), Some(at(0, 10, 0, 0)), "DF-NOMONEY");
    other.attempt(at(1, 10, 0, 0), Some(at(1, 10, 0, 0)), "DF-NOBODY");
    assert!(!clocks(&other, at(1, 11, 0, 0)));
}

fn ledger(change: &str, slip: bool) -> Body {
    Body::Ledger(Ledger { book: Book::Cod, change: code(change), amount: Some(Fen(30_000)), letter: None, slip, words: None })
}

// rules: SLA-10, PEN-02, C-16, OR-COD24H
#[test]
fn collected_money_is_with_the_sender_after_twenty_four_hours_and_the_slip_is_back() {
    let collected = |when: UnixMs| {
        move |paid: Option<UnixMs>| {
            let mut story = Story::new();
            story.attempt(when.plus(-DAY), Some(when.plus(-DAY)), "DF-NOMONEY");
            story.online(&By("w1", Role::OutletFinance, "0412"), when, ledger("collected", false));
            story.close(when, "SIGNED");
            if let Some(paid) = paid {
                story.online(&FINANCE, paid, ledger("paid_out", true));
            }
            story
        }
    };
    edge("SLA-10", at(1, 17, 0, 0), Late, collected(at(0, 17, 0, 0)));
    edge("SLA-10", on("2026-03-01", 17, 0, 0), Late, collected(on("2026-02-28", 17, 0, 0)));
    edge("SLA-10", on("2026-02-18", 17, 0, 0), Late, collected(on("2026-02-17", 17, 0, 0)));
    let mut without_slip = collected(at(0, 17, 0, 0))(None);
    without_slip.online(&FINANCE, at(0, 18, 0, 0), ledger("paid_out", false));
    let finding = without_slip.finding("PEN-02", at(1, 17, 0, 1)).unwrap();
    assert_eq!((finding.amount, finding.party), (Some(Fen(10_000)), Party::OriginOutlet));
}

// rules: SLA-11, PEN-05, OR-LATEENTRY
#[test]
fn data_are_in_the_system_before_the_goods_reach_the_hub() {
    let entered = |ms: Option<i64>| {
        let mut story = Story::new();
        story.facts.entered = ms.map(|ms| at(0, 20, 0, 0).plus(ms));
        let problem = Problem { found_at: Some(at(0, 20, 0, 0)), ..Problem::of(code("OR-LATEENTRY"), Stage::Origin) };
        story.online(&HUB, at(0, 21, 0, 0), Body::Problem(problem));
        (story.clock("SLA-11", at(0, 22, 0, 0)), story.finding("PEN-05", at(0, 22, 0, 0)).and_then(|finding| finding.amount))
    };
    assert_eq!(entered(Some(-SECOND)), (OnTime, None));
    assert_eq!(entered(Some(0)), (OnTime, None));
    assert_eq!(entered(Some(SECOND)), (Late, Some(Fen(20_000))));
    assert_eq!(entered(None), (Late, Some(Fen(20_000))), "the registrar's word counts where the data are silent");
}

// rules: SLA-12, C-2, C-23
#[test]
fn damage_and_loss_are_reported_to_the_superior_within_two_hours_of_being_found() {
    for (reason, stage) in [("CD-DAMAGE", Stage::Arrival), ("CD-DAMAGE", Stage::Delivery), ("LS-LOST", Stage::Service)] {
        let noticed = |when: UnixMs| {
            move |told: Option<UnixMs>| {
                let mut story = found(reason, stage, &WEST, when, Some(when));
                if let Some(told) = told {
                    story.online(&WEST, told, Body::Tick(Tick { step: code("report_superior"), words: None }));
                }
                story
            }
        };
        edge("SLA-12", at(0, 11, 0, 0), Late, noticed(at(0, 9, 0, 0)));
        edge("SLA-12", at(1, 1, 0, 0), Late, noticed(at(0, 23, 0, 0)));
        edge("SLA-12", on("2026-03-01", 0, 30, 0), Late, noticed(on("2026-02-28", 22, 30, 0)));
    }
    assert_eq!(qinghe().duties["superior"], ["outlet_manager"], "who that is, is data");
}

// rules: SLA-13, RT-OUTAREA
#[test]
fn what_went_to_a_peer_carrier_is_followed_until_it_is_signed_there() {
    let mut story = Story::new();
    story.online(&WEST, at(0, 9, 0, 0), Body::Problem(Problem::of(code("RT-OUTAREA"), Stage::Delivery)));
    let consent = Consent { by: Customer::Sender, to: code("TRANSFER_PEER"), name: said("张小姐"), words: None };
    story.online(&WEST, at(0, 10, 0, 0), Body::Consent(consent));
    let number = Some(Waybill::parse("SF1234567890").unwrap());
    let action = Action { carrier: Some("SF".into()), number, ..Action::of(code("TRANSFER_PEER")) };
    story.online(&WEST, at(0, 11, 0, 0), Body::Action(action));
    let followed = story.deadline("SLA-13", at(90, 0, 0, 0));
    assert_eq!((followed.timeliness, followed.due_at), (Pending, None));
    assert_eq!(story.judge(at(90, 0, 0, 0)).next_step, NextStep::FollowUp);
    story.close(at(91, 0, 0, 0), "TRANSFERRED");
    assert_eq!((story.clock("SLA-13", at(92, 0, 0, 0)), story.judge(at(92, 0, 0, 0)).state), (OnTime, State::Closed));
}

// rules: PER-01
#[test]
fn open_parcels_are_tracked_at_nine_and_at_sixteen_each_day() {
    let mut story = Story::by(pack_of("cs-generic"));
    story.online(&WEST, at(0, 10, 0, 0), Body::Problem(Problem::of(code("CD-DAMAGE"), Stage::Arrival)));
    let now = |story: &Story, now| {
        let deadline = story.deadline("PER-01", now);
        (deadline.due_at.unwrap(), deadline.timeliness)
    };
    assert_eq!(now(&story, at(0, 15, 0, 0)), (at(0, 16, 0, 0), Pending));
    assert_eq!(now(&story, at(0, 16, 0, 0)), (at(0, 16, 0, 0), Pending), "at the edge it can still be done");
    assert_eq!(now(&story, at(0, 16, 0, 1)), (at(1, 9, 0, 0), Pending));
    story.online(&WEST, at(0, 17, 0, 0), Body::Tick(Tick { step: code("track"), words: None }));
    assert_eq!(now(&story, at(0, 18, 0, 0)), (at(1, 9, 0, 0), OnTime));
    assert_eq!(now(&story, at(1, 9, 0, 1)), (at(1, 16, 0, 0), Pending), "and comes again");
    story.close(at(1, 10, 0, 0), "SIGNED");
    assert!(story.judge(at(1, 11, 0, 0)).deadlines.iter().all(|deadline| deadline.clock != "PER-01"), "until the case ends");
}

/// The first pack with one clock instead of all: begun by a notice, met by a reply.
fn with_due(due: Due) -> Pack {
    let mut pack = qinghe();
    pack.clocks.retain(|clock| clock.id == "SLA-05");
    pack.clocks[0].due = due;
    pack
}

// rules: C-15
#[test]
fn five_working_days_skip_a_holiday_and_count_an_adjusted_saturday() {
    let told = |when: UnixMs| {
        move |replied: Option<UnixMs>| {
            let mut story = failed(when)(Some(when));
            story.book = Rulebook::only(with_due(Due::WorkingDays(5)));
            if let Some(replied) = replied {
                story.reply(replied, "REDELIVER");
            }
            story
        }
    };
    let end_of = |day: &str| on(day, 23, 59, 59).plus(999);
    // Friday 13 February: Saturday 14 is worked, then nine days off, then Tuesday to Friday.
    edge("SLA-05", end_of("2026-02-27"), Late, told(on("2026-02-13", 18, 0, 0)));
    // Friday 20 March: an ordinary week.
    edge("SLA-05", end_of("2026-03-27"), Late, told(on("2026-03-20", 18, 0, 0)));
    // Thursday 30 April: Labour Day until Tuesday 5 May, Saturday the 9th worked.
    edge("SLA-05", end_of("2026-05-11"), Late, told(on("2026-04-30", 18, 0, 0)));
}
