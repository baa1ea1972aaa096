//! A correction after the due time removes no miss and does not rename its finding, in every round.

use doorstep_domain::*;
use doorstep_rules::*;

use super::{
    SECOND, attempt, consent, correct, failed, found, noticed, problem, registered, rule_on, starts, switched, take_back,
};
use crate::story::*;

/// The end of the second day, on which the second failure is notified.
fn due() -> UnixMs {
    at(2, 0, 0, 0).plus(-1)
}

/// A first round that was answered, and a failure of the second day of which nobody was told.
fn second_round(book: Rulebook) -> (Story, EntryKey) {
    let mut story = Story::under(book);
    failed(&mut story, at(0, 14, 0, 0), "DF-NOBODY");
    noticed(&mut story, at(0, 15, 0, 0));
    story.reply(at(0, 16, 0, 0), "REDELIVER");
    let second = failed(&mut story, at(1, 14, 0, 0), "DF-NOBODY");
    (story, second)
}

// rules: LIA-04, EV-10
#[test]
fn a_failure_of_the_second_round_keeps_its_finding_if_it_is_corrected_after_its_day() {
    for (after, is_late) in [(-SECOND, false), (-1, false), (0, false), (1, true), (SECOND, true), (40 * HOUR, true)] {
        let (mut story, wrong) = second_round(Rulebook::only(qinghe()));
        let right = correct(&mut story, &wrong, &COURIER, due().plus(after), attempt("DF-ADDR"));
        let by = if is_late { wrong } else { right };
        assert_eq!(found(&story, "LIA-04", at(6, 0, 0, 0)), [(by, FindingState::Proposed)], "{after}");
        assert_eq!(starts(&story, "SLA-03", at(6, 0, 0, 0)), [at(0, 14, 0, 0), at(1, 14, 0, 0)]);
    }
}

// rules: LIA-04, EV-10
#[test]
fn a_ruling_on_a_failure_of_a_later_round_is_not_shed_by_corrections_after_it() {
    let (mut story, first) = second_round(Rulebook::only(qinghe()));
    let third = failed(&mut story, at(2, 14, 0, 0), "DF-NOBODY");
    for failure in [&first, &third] {
        rule_on(&mut story, "LIA-04", failure, at(3, 9, 0, 0));
    }
    let decided = [(first.clone(), FindingState::Decided), (third.clone(), FindingState::Decided)];
    assert_eq!(found(&story, "LIA-04", at(6, 0, 0, 0)), decided);
    let again = correct(&mut story, &first, &COURIER, at(3, 10, 0, 0), attempt("DF-ADDR"));
    correct(&mut story, &again, &WEST, at(3, 11, 0, 0), attempt("DF-PHONE"));
    correct(&mut story, &third, &WEST, at(3, 12, 0, 0), attempt("DF-REFUSE"));
    assert_eq!(found(&story, "LIA-04", at(6, 0, 0, 0)), decided);
    assert_eq!(story.case().reason(), Some("DF-REFUSE"));
}

// rules: LIA-04, EV-10
#[test]
fn a_finding_of_the_second_round_keeps_its_version_a_second_before_a_switch_and_after_it() {
    for (switch, version) in [(at(1, 14, 0, 1), 1), (at(1, 14, 0, 0), 2), (at(1, 13, 59, 59), 2)] {
        let (mut story, wrong) = second_round(switched(qinghe(), switch));
        correct(&mut story, &wrong, &COURIER, at(3, 9, 0, 0), attempt("DF-ADDR"));
        let finding = story.finding("LIA-04", at(6, 0, 0, 0)).unwrap();
        assert_eq!((finding.id.entry, finding.pack_version), (wrong, version), "{switch:?}");
    }
}

// rules: LIA-04, EV-10
#[test]
fn a_failure_that_is_taken_back_after_its_day_stays_a_miss_for_head_office_and_one_that_is_taken_back_in_time_is_none() {
    for (after, stays) in [(-SECOND, false), (0, false), (1, true), (SECOND, true)] {
        let (mut story, wrong) = second_round(Rulebook::only(qinghe()));
        take_back(&mut story, &wrong, &COURIER, due().plus(after));
        let judged = story.judge(at(6, 0, 0, 0));
        let missed: Vec<_> =
            judged.findings.iter().filter(|it| it.rule == "LIA-04").map(|it| (&it.id.entry, it.review)).collect();
        assert_eq!(missed, if stays { vec![(&wrong, true)] } else { vec![] }, "{after}");
        // For the work on the parcel the failure did not occur.
        assert_eq!(judged.decision.as_deref(), Some("REDELIVER"), "{after}");
    }
}

// rules: LIA-04, EV-10
#[test]
fn a_failure_that_is_taken_back_and_another_one_of_its_day_are_one_miss() {
    for (after, by_the_first) in [(0, false), (1, true)] {
        let (mut story, wrong) = second_round(Rulebook::only(qinghe()));
        let right = failed(&mut story, at(1, 15, 0, 0), "DF-NOBODY");
        take_back(&mut story, &wrong, &COURIER, due().plus(after));
        let by = if by_the_first { wrong } else { right };
        assert_eq!(found(&story, "LIA-04", at(6, 0, 0, 0)), [(by, FindingState::Proposed)], "{after}");
    }
    // Of the first round too.
    let mut story = Story::new();
    let wrong = failed(&mut story, at(0, 14, 0, 0), "DF-NOBODY");
    failed(&mut story, at(0, 15, 0, 0), "DF-NOBODY");
    take_back(&mut story, &wrong, &COURIER, at(1, 9, 0, 0));
    assert_eq!(found(&story, "LIA-04", at(6, 0, 0, 0)), [(wrong, FindingState::Proposed)]);
}

// rules: LIA-01, SLA-05
#[test]
fn an_answer_that_never_came_stays_missed_when_the_failure_of_its_notice_is_taken_back_afterwards() {
    for (taken_back, stays) in [(at(1, 23, 0, 0), false), (at(3, 9, 0, 0), true)] {
        let (mut story, second) = second_round(Rulebook::only(qinghe()));
        let notice = noticed(&mut story, at(1, 15, 0, 0));
        take_back(&mut story, &second, &COURIER, taken_back);
        let expected = if stays { vec![(notice, FindingState::Proposed)] } else { vec![] };
        assert_eq!(found(&story, "LIA-01", at(6, 0, 0, 0)), expected, "{taken_back:?}");
    }
}

// rules: PEN-03, EV-10
#[test]
fn a_fault_that_head_office_has_decided_keeps_its_finding_when_its_record_is_corrected_or_taken_back() {
    let registered_fault = || {
        let mut story = Story::by(version_of("nengda-gd", 1));
        let fault = Body::Problem(Problem { count: Some(3), ..Problem::of(code("OR-HEADER"), Stage::Hub) });
        let entry = story.online(&HUB, at(0, 9, 0, 0), fault);
        (story, entry)
    };
    let corrected = Body::Problem(Problem { count: Some(2), ..Problem::of(code("OR-HEADER"), Stage::Hub) });
    let (mut story, wrong) = registered_fault();
    let rule = story.judge(at(1, 0, 0, 0)).findings[0].rule.clone();
    let right = correct(&mut story, &wrong, &HUB, at(0, 10, 0, 0), corrected.clone());
    assert_eq!(found(&story, &rule, at(1, 0, 0, 0)), [(right, FindingState::Proposed)], "nobody has decided");
    for takes_back in [false, true] {
        let (mut story, wrong) = registered_fault();
        rule_on(&mut story, &rule, &wrong, at(1, 9, 0, 0));
        if takes_back {
            take_back(&mut story, &wrong, &HUB, at(1, 10, 0, 0));
        } else {
            correct(&mut story, &wrong, &HUB, at(1, 10, 0, 0), corrected.clone());
        }
        assert_eq!(found(&story, &rule, at(2, 0, 0, 0)), [(wrong, FindingState::Decided)], "taken back: {takes_back}");
    }
}

// rules: EV-5, MN-COD
#[test]
fn a_reason_that_is_corrected_to_cod_money_takes_nothing_from_a_reply_that_was_valid_when_it_came() {
    let replied = at(0, 16, 0, 0);
    for (after, is_valid) in [(-SECOND, false), (-1, false), (0, false), (1, true), (SECOND, true), (20 * HOUR, true)] {
        let mut story = Story::by(version_of("qinghe", 2));
        let wrong = registered(&mut story, at(0, 14, 0, 0), "MN-FREIGHT");
        noticed(&mut story, at(0, 15, 0, 0));
        let reply = Reply { letter: None, ..full("PAY_CHANGE") };
        story.online(&ORIGIN, replied, Body::Reply(reply));
        correct(&mut story, &wrong, &WEST, replied.plus(after), problem("MN-COD"));
        let judged = story.judge(at(4, 0, 0, 0));
        assert_eq!(judged.replies[0].validity == Validity::Valid, is_valid, "{after}");
        assert_eq!(story.clock("SLA-05", at(4, 0, 0, 0)) == Timeliness::OnTime, is_valid, "{after}");
    }
}

// rules: TR-RETURN
#[test]
fn a_reason_that_is_corrected_changes_who_pays_for_replies_after_it_only() {
    let replied = at(0, 11, 0, 0);
    let returned =
        |sub: Option<&str>| Body::Problem(Problem { sub: sub.map(code), ..Problem::of(code("TR-RETURN"), Stage::Service) });
    for (after, is_valid) in [(-SECOND, false), (0, false), (1, true), (SECOND, true)] {
        let mut story = Story::by(version_of("cs-generic", 2));
        let wrong = story.online(&WEST, at(0, 9, 0, 0), returned(None));
        noticed(&mut story, at(0, 9, 30, 0));
        story.online(&ORIGIN, replied, Body::Reply(Reply { payer: Some(Payer::Recipient), ..full("RETURN") }));
        correct(&mut story, &wrong, &WEST, replied.plus(after), returned(Some("quality")));
        assert_eq!(story.judge(at(0, 12, 0, 0)).replies[0].validity == Validity::Valid, is_valid, "{after}");
    }
}

// rules: EV-5, MN-COD
#[test]
fn a_reply_that_lacked_a_letter_for_a_wrong_reason_counts_from_the_receipt_of_the_correction() {
    let due = at(1, 15, 0, 0);
    for (corrected, answered) in [(due.plus(-SECOND), true), (due, true), (due.plus(1), false), (due.plus(SECOND), false)] {
        let mut story = Story::by(version_of("qinghe", 2));
        let wrong = registered(&mut story, at(0, 14, 0, 0), "MN-COD");
        noticed(&mut story, at(0, 15, 0, 0));
        story.online(&ORIGIN, at(0, 16, 0, 0), Body::Reply(Reply { letter: None, ..full("PAY_CHANGE") }));
        // It is corrected twice: the reason that needs the letter is replaced by itself, and then by another one.
        let still = correct(&mut story, &wrong, &WEST, at(0, 17, 0, 0), problem("MN-COD"));
        assert_eq!(story.judge(at(0, 18, 0, 0)).replies[0].validity, Validity::Lacks { needs: vec!["letter".into()] });
        correct(&mut story, &still, &WEST, corrected, problem("MN-FREIGHT"));
        let judged = story.judge(at(4, 0, 0, 0));
        assert_eq!((&judged.replies[0].validity, judged.replies[0].valid_from), (&Validity::Valid, Some(corrected)));
        assert_eq!(story.clock("SLA-05", at(4, 0, 0, 0)) == Timeliness::OnTime, answered, "{corrected:?}");
    }
}

// rules: EV-5, MN-COD
#[test]
fn an_action_needs_the_letter_only_if_cod_money_was_registered_when_it_was_done_and_still_is() {
    let done = |first: &str, then: &str, corrected: UnixMs| {
        let mut story = Story::by(version_of("qinghe", 2));
        let wrong = registered(&mut story, at(0, 9, 0, 0), first);
        let line =
            Ledger { book: Book::ALL[0], change: code("cod_change"), amount: None, letter: None, slip: false, words: None };
        story.online(&FINANCE, at(0, 9, 30, 0), Body::Ledger(line));
        story.online(&WEST, at(0, 10, 0, 0), Body::Action(Action::of(code("PAY_CHANGE"))));
        correct(&mut story, &wrong, &WEST, corrected, problem(then));
        !story.judge(at(0, 12, 0, 0)).flags.contains(&Flag::ActionUnproven)
    };
    let acted = at(0, 10, 0, 0);
    assert!(!done("MN-FREIGHT", "MN-COD", acted.plus(-SECOND)) && done("MN-FREIGHT", "MN-COD", acted.plus(SECOND)));
    assert!(done("MN-COD", "MN-FREIGHT", acted.plus(-SECOND)) && done("MN-COD", "MN-FREIGHT", acted.plus(SECOND)));
    assert!(!done("MN-COD", "MN-COD", acted.plus(-SECOND)) && !done("MN-COD", "MN-COD", acted.plus(SECOND)));
}

// rules: X-4
#[test]
fn a_correction_to_another_reason_leaves_a_reply_valid_that_became_valid_in_between() {
    let mut story = Story::by(version_of("qinghe", 2));
    let wrong = registered(&mut story, at(0, 14, 0, 0), "MN-FREIGHT");
    noticed(&mut story, at(0, 15, 0, 0));
    story.online(&ORIGIN, at(0, 16, 0, 0), Body::Reply(Reply { agreed_by: None, ..full("RETURN") }));
    consent(&mut story, at(0, 17, 0, 0), "RETURN");
    correct(&mut story, &wrong, &WEST, at(0, 18, 0, 0), problem("MN-COD"));
    let reply = story.judge(at(0, 19, 0, 0)).replies[0].clone();
    assert_eq!((reply.validity, reply.valid_from), (Validity::Valid, Some(at(0, 17, 0, 0))));
}

// rules: LIA-01, SLA-05
#[test]
fn an_answer_that_never_came_stays_missed_when_its_notice_is_taken_back_after_the_time_for_it() {
    let due = at(1, 15, 0, 0);
    for (after, stays) in [(-SECOND, false), (0, false), (1, true), (SECOND, true)] {
        let mut story = Story::new();
        failed(&mut story, at(0, 14, 0, 0), "DF-NOBODY");
        let first = noticed(&mut story, at(0, 15, 0, 0));
        let second = noticed(&mut story, at(0, 20, 0, 0));
        take_back(&mut story, &first, &WEST, due.plus(after));
        let by = if stays { first } else { second };
        assert_eq!(found(&story, "LIA-01", at(6, 0, 0, 0)), [(by, FindingState::Proposed)], "{after}");
        assert_eq!(found(&story, "LIA-04", at(6, 0, 0, 0)), [], "the second notice came on its day");
    }
}

// rules: LIA-05, SLA-06
#[test]
fn a_missed_redelivery_stays_missed_when_the_reply_is_taken_back_after_it() {
    let due = at(1, 16, 0, 0);
    for (after, stays) in [(-SECOND, false), (0, false), (1, true), (SECOND, true)] {
        let mut story = Story::new();
        failed(&mut story, at(0, 14, 0, 0), "DF-NOBODY");
        noticed(&mut story, at(0, 15, 0, 0));
        let reply = story.reply(at(0, 16, 0, 0), "REDELIVER").entry.key.clone();
        take_back(&mut story, &reply, &ORIGIN, due.plus(after));
        let expected = if stays { vec![(reply, FindingState::Proposed)] } else { vec![] };
        assert_eq!(found(&story, "LIA-05", at(6, 0, 0, 0)), expected, "{after}");
        assert_eq!(story.judge(at(6, 0, 0, 0)).decision, None, "it is no decision any more");
    }
}

// rules: LIA-05, SLA-06
#[test]
fn who_followed_a_reply_missed_nothing_of_the_one_before_it_when_it_is_taken_back_later() {
    let due = at(1, 16, 0, 0);
    for (after, missed) in [(-SECOND, true), (0, true), (1, false), (SECOND, false)] {
        let mut story = Story::new();
        failed(&mut story, at(0, 14, 0, 0), "DF-NOBODY");
        noticed(&mut story, at(0, 15, 0, 0));
        let first = story.reply(at(0, 16, 0, 0), "REDELIVER").entry.key.clone();
        let second = story.reply(at(0, 17, 0, 0), "WAIT").entry.key.clone();
        take_back(&mut story, &second, &ORIGIN, due.plus(after));
        let expected = if missed { vec![(first, FindingState::Proposed)] } else { vec![] };
        assert_eq!(found(&story, "LIA-05", at(6, 0, 0, 0)), expected, "{after}");
    }
}
