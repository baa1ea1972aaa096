//! Short histories about which the second judge and the engine differed, each with what the text says. Those that the engine does not
//! pass yet are named in `not_agreed.rs` and ignored here.

use doorstep_domain::*;
use doorstep_rules::*;

use crate::story::*;

fn words() -> Personal {
    Personal::plain("写错了").unwrap()
}

fn failed(story: &mut Story, when: UnixMs) -> EntryKey {
    story.attempt(when, Some(when), "DF-NOBODY").entry.key.clone()
}

/// A correction of an entry, with correct data in the same change or without.
fn correct(
    story: &mut Story,
    of: &EntryKey,
    by: &By,
    when: UnixMs,
    fault: Fault,
    same_as: Option<&EntryKey>,
    right: Option<Body>,
) -> EntryKey {
    let correction = Correction { of: of.clone(), fault, same_as: same_as.cloned(), words: words() };
    let key = story.online(by, when, Body::Correction(correction));
    let change = story.entries.last().unwrap().change;
    let Some(right) = right else { return key };
    let data = story.again(&key, by, when, right);
    story.entries.last_mut().unwrap().change = change;
    data
}

fn attempt_of(reason: &str) -> Option<Body> {
    Some(Body::Attempt(Attempt::of(code(reason))))
}

/// The deadlines of a clock: when each started and what became of it.
fn clocks(story: &Story, clock: &str, now: UnixMs) -> Vec<(UnixMs, Timeliness)> {
    let judged = story.judge(now);
    judged
        .deadlines
        .iter()
        .filter(|deadline| deadline.clock == clock)
        .map(|deadline| (deadline.started_at, deadline.timeliness))
        .collect()
}

// rules: SLA-10, SLA-13, EV-10
#[test]
fn a_line_that_was_taken_back_while_its_clock_ran_started_no_clock() {
    let collected = |corrected: UnixMs| {
        let mut story = Story::new();
        let line =
            Ledger { book: Book::Cod, change: code("collected"), amount: Some(Fen(1)), letter: None, slip: true, words: None };
        let line = story.online(&FINANCE, at(0, 9, 0, 0), Body::Ledger(line));
        correct(&mut story, &line, &FINANCE, corrected, Fault::DidNotOccur, None, None);
        clocks(&story, "SLA-10", at(5, 0, 0, 0))
    };
    assert_eq!(collected(at(0, 10, 0, 0)), []);
    assert_eq!(collected(at(1, 9, 0, 0)), [], "taken back at the last moment");
    assert_eq!(collected(at(1, 9, 0, 1)), [(at(0, 9, 0, 0), Timeliness::Late)], "afterwards head office decides");
    // A duty without a time limit runs as long as the act stands.
    let mut story = Story::new();
    failed(&mut story, at(0, 9, 0, 0));
    let action = story.online(&WEST, at(0, 10, 0, 0), Body::Action(Action::of(code("TRANSFER_PEER"))));
    assert_eq!(clocks(&story, "SLA-13", at(1, 0, 0, 0)).len(), 1);
    correct(&mut story, &action, &WEST, at(0, 11, 0, 0), Fault::DidNotOccur, None, None);
    assert_eq!(clocks(&story, "SLA-13", at(1, 0, 0, 0)), []);
}

// rules: SLA-03, LIA-04, EV-10
#[test]
fn correct_data_of_a_correction_that_was_taken_back_are_no_second_failure() {
    let mut story = Story::new();
    let wrong = failed(&mut story, at(0, 14, 0, 0));
    correct(&mut story, &wrong, &COURIER, at(1, 10, 0, 0), Fault::IncorrectData, None, attempt_of("DF-ADDR"));
    let correction = story.entries[1].entry.key.clone();
    correct(&mut story, &correction, &COURIER, at(1, 11, 0, 0), Fault::DidNotOccur, None, None);
    assert_eq!(clocks(&story, "SLA-03", at(5, 0, 0, 0)), [(at(0, 14, 0, 0), Timeliness::Late)]);
}

// rules: SLA-03, LIA-04, EV-10
#[test]
fn two_corrections_of_one_failure_are_no_second_failure() {
    let mut story = Story::new();
    let wrong = failed(&mut story, at(0, 14, 0, 0));
    correct(&mut story, &wrong, &COURIER, at(1, 10, 0, 0), Fault::IncorrectData, None, attempt_of("DF-ADDR"));
    correct(&mut story, &wrong, &REVIEWER, at(2, 10, 0, 0), Fault::IncorrectData, None, attempt_of("DF-PHONE"));
    assert_eq!(clocks(&story, "SLA-03", at(5, 0, 0, 0)), [(at(0, 14, 0, 0), Timeliness::Late)]);
}

// rules: SLA-03, EV-10
#[test]
fn what_was_taken_back_in_time_stays_taken_back_when_somebody_takes_it_back_again() {
    let mut story = Story::new();
    let wrong = failed(&mut story, at(0, 14, 0, 0));
    correct(&mut story, &wrong, &COURIER, at(0, 15, 0, 0), Fault::DidNotOccur, None, None);
    assert_eq!(clocks(&story, "SLA-03", at(5, 0, 0, 0)), []);
    correct(&mut story, &wrong, &REVIEWER, at(2, 10, 0, 0), Fault::DidNotOccur, None, None);
    assert_eq!(clocks(&story, "SLA-03", at(5, 0, 0, 0)), []);
}

// rules: SLA-03, LIA-04, EV-10
#[test]
fn of_a_failure_and_its_correct_data_one_stays_if_they_are_said_to_be_the_same() {
    let mut story = Story::new();
    let wrong = failed(&mut story, at(0, 14, 0, 0));
    let right = correct(&mut story, &wrong, &COURIER, at(0, 14, 5, 0), Fault::IncorrectData, None, attempt_of("DF-ADDR"));
    correct(&mut story, &right, &COURIER, at(0, 15, 0, 0), Fault::SameAs, Some(&wrong), None);
    assert_eq!(story.case().attempts(), 1);
    assert_eq!(clocks(&story, "SLA-03", at(5, 0, 0, 0)), [(at(0, 14, 0, 0), Timeliness::Late)]);
}

// rules: SLA-05, LIA-01
#[test]
fn a_reply_answers_what_was_told_before_its_receipt_although_somebody_disputed_it_in_between() {
    // The reply is dated in the morning of the second day, but the server has it in the evening only.
    let answered = |dispute: bool| {
        let mut story = Story::new();
        failed(&mut story, at(0, 14, 0, 0));
        story.notice(at(0, 15, 0, 0), Some(at(0, 15, 0, 0)), "0571");
        let mut receipt = Receipt::of(at(1, 18, 0, 0), Some(at(1, 8, 0, 0)));
        (receipt.acted.anchored, receipt.acted.from) = (false, Some(at(1, 8, 0, 0)));
        let reply = story.reply(at(1, 8, 0, 0), "WAIT");
        reply.standing = Standing::Accepted(receipt);
        let reply = reply.entry.key.clone();
        if dispute {
            let about = About { rule: None, entry: reply };
            story.add(&WEST, at(1, 8, 5, 0), Some(at(1, 19, 0, 0)), Body::Dispute(Dispute { about, words: words() }));
        }
        failed(&mut story, at(1, 9, 0, 0));
        story.notice(at(1, 10, 0, 0), Some(at(1, 10, 0, 0)), "0571");
        clocks(&story, "SLA-05", at(5, 0, 0, 0)).into_iter().map(|(_, kept)| kept).collect::<Vec<_>>()
    };
    assert_eq!(answered(false), [Timeliness::LateSynced, Timeliness::OnTime]);
    assert_eq!(answered(true), [Timeliness::LateSynced, Timeliness::OnTime]);
}

// rules: SLA-03, LIA-04, EV-10
#[test]
fn a_correction_of_a_correction_has_the_time_of_the_first_registration_also_if_its_clock_is_behind() {
    for second in [at(1, 10, 0, 1), at(1, 10, 0, 0), at(1, 9, 0, 0)] {
        let mut story = Story::new();
        let wrong = failed(&mut story, at(0, 14, 0, 0));
        let first = correct(&mut story, &wrong, &COURIER, at(1, 10, 0, 0), Fault::IncorrectData, None, attempt_of("DF-ADDR"));
        // A tablet that head office has not heard of: its own clock tells the time.
        correct(&mut story, &first, &REVIEWER, second, Fault::IncorrectData, None, attempt_of("DF-PHONE"));
        assert_eq!(clocks(&story, "SLA-03", at(5, 0, 0, 0)), [(at(0, 14, 0, 0), Timeliness::Late)], "{second:?}");
    }
}

// rules: SLA-03, LIA-04
#[test]
fn a_failure_after_a_switch_is_told_although_the_round_began_with_a_problem_before_it() {
    // By the first version no problem is notified but a failed delivery; by the second one every problem is.
    let versions = [(UnixMs(i64::MIN), 1), (at(0, 12, 0, 0), 2)];
    let published = versions.map(|(valid_from, version)| Published { valid_from, pack: version_of("qinghe", version) });
    for problem in [at(0, 11, 0, 0), at(0, 13, 0, 0)] {
        let mut story = Story::under(Rulebook::of(published.to_vec()).unwrap());
        story.online(&WEST, problem, Body::Problem(Problem::of(code("RT-MISSENT"), Stage::Arrival)));
        failed(&mut story, at(0, 15, 0, 0));
        let kept: Vec<_> = clocks(&story, "SLA-03", at(5, 0, 0, 0)).into_iter().map(|(_, kept)| kept).collect();
        assert_eq!(kept, [Timeliness::Late], "{problem:?}");
    }
}

// rules: SLA-02, EV-10
#[test]
fn a_problem_and_its_correct_data_of_the_same_moment_are_one_problem_whichever_was_received_first() {
    for received in [None, Some(at(0, 9, 30, 0)), Some(at(0, 8, 5, 0))] {
        let mut story = Story::by(version_of("zto-process", 2));
        story.facts.arrival = Some(at(0, 4, 0, 0));
        let problem = |reason: &str| Body::Problem(Problem::of(code(reason), Stage::Arrival));
        let wrong = story.add(&WEST, at(0, 8, 5, 0), received, problem("RT-MISSENT")).entry.key.clone();
        correct(&mut story, &wrong, &WEST, at(0, 8, 5, 0), Fault::IncorrectData, None, Some(problem("RT-NOPOINT")));
        assert_eq!(clocks(&story, "SLA-02", at(0, 20, 0, 0)).len(), 1, "{received:?}");
    }
}

// rules: SLA-01, EV-10
#[test]
fn a_problem_of_a_provisional_number_that_is_registered_again_starts_no_clock_also_if_it_is_corrected() {
    let clocks_of = |restated: bool, corrected: bool| {
        let mut story = Story::new();
        let problem = |reason: &str| Body::Problem(Problem::of(code(reason), Stage::Hub));
        let wrong = story.online(&HUB, at(0, 9, 5, 0), problem("CD-DAMAGE"));
        if restated {
            let change = story.entries.last().unwrap().change;
            story.again(&wrong, &HUB, at(0, 9, 5, 0), Body::Alias(Alias { waybill: Waybill::parse("PV-H1-ABCDEFGH").unwrap() }));
            story.entries.last_mut().unwrap().change = change;
        }
        if corrected {
            correct(&mut story, &wrong, &HUB, at(0, 9, 30, 0), Fault::IncorrectData, None, Some(problem("CD-POLLUTE")));
        }
        clocks(&story, "SLA-01", at(3, 0, 0, 0)).len()
    };
    assert_eq!([clocks_of(false, false), clocks_of(false, true)], [1, 1]);
    assert_eq!([clocks_of(true, false), clocks_of(true, true)], [0, 0]);
}
