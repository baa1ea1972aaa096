//! The acceptance scenarios of domain appendix B that the other files do not have: there, those about the four answers are in
//! `basics`, about clocks in `edges`, about versions in `versions`. Messages, photo bytes and scores come with their parts.

use doorstep_domain::*;
use doorstep_rules::*;

use crate::story::*;

fn damaged(stage: Stage, by: &By, found_at: UnixMs, registered: UnixMs) -> Story {
    let mut story = Story::new();
    let problem = Problem { found_at: Some(found_at), ..Problem::of(code("CD-DAMAGE"), stage) };
    story.online(by, registered, Body::Problem(problem));
    story
}

// rules: SLA-02, LIA-03, C-2
#[test]
fn a_06_and_a_07_damage_on_arrival_counts_from_the_theoretical_arrival() {
    // Theoretical 08:00; the truck came at 09:30.
    let registered = |when| damaged(Stage::Arrival, &WEST, at(0, 9, 30, 0), when);
    assert_eq!(registered(at(0, 9, 50, 0)).clock("SLA-02", at(0, 12, 0, 0)), Timeliness::OnTime);
    let late = registered(at(0, 10, 1, 0));
    assert_eq!(late.clock("SLA-02", at(0, 12, 0, 0)), Timeliness::Late);
    assert_eq!(late.finding("LIA-03", at(0, 12, 0, 0)).unwrap().outlet.unwrap().as_str(), "0412");
}

// rules: SLA-01
#[test]
fn a_08_a_hub_that_registers_at_ten_sharp_is_in_time_and_a_second_later_is_not() {
    let registered = |when| damaged(Stage::Hub, &HUB, at(0, 9, 0, 0), when).clock("SLA-01", at(0, 12, 0, 0));
    assert_eq!((registered(at(0, 10, 0, 0)), registered(at(0, 10, 0, 1))), (Timeliness::OnTime, Timeliness::Late));
}

// rules: SLA-01
#[test]
fn a_09_what_a_hub_finds_at_eleven_is_due_at_ten_of_the_next_day() {
    let story = damaged(Stage::Hub, &HUB, at(0, 11, 0, 0), at(1, 9, 59, 0));
    assert_eq!(story.clock("SLA-01", at(1, 12, 0, 0)), Timeliness::OnTime);
}

fn notified() -> Story {
    let mut story = Story::new();
    story.attempt(at(0, 14, 0, 0), Some(at(0, 14, 0, 0)), "DF-NOBODY");
    story.notice(at(0, 15, 0, 0), Some(at(0, 15, 0, 0)), "0571");
    story
}

// rules: T-2, T-5, SLA-08
#[test]
fn a_12_please_handle_is_no_reply_and_may_be_marked_so() {
    let mut story = notified();
    let vague = Reply { words: said("请处理"), ..Reply::of(code("REDELIVER")) };
    story.online(&ORIGIN, at(0, 16, 0, 0), Body::Reply(vague));
    let judged = story.judge(at(0, 17, 0, 0));
    assert_eq!((judged.state, judged.next_step), (State::ReplyInvalid, NextStep::DefaultMethod));
    assert_eq!(judged.replies[0].validity, Validity::Lacks { needs: vec!["phone|address|contact|same".into()] });
    assert_eq!(story.clock("SLA-08", at(0, 17, 0, 0)), Timeliness::Pending, "the method of the type is due at once");
    assert_eq!(story.clock("SLA-05", at(0, 17, 0, 0)), Timeliness::Pending, "and the origin outlet can still answer");
    // One that says everything can be marked too, with a reason from the pack's list.
    let mut full = notified();
    let reply = full.reply(at(0, 16, 0, 0), "REDELIVER").entry.key.clone();
    let mark = |about: EntryKey| Mark { about, remark: Remark::Invalid, reason: Some(code("contradictory")), words: None };
    let marked = full.online(&WEST, at(0, 16, 30, 0), Body::Mark(mark(reply)));
    let judged = full.judge(at(0, 17, 0, 0));
    assert_eq!(judged.replies[0].validity, Validity::Marked { by: marked });
    assert_eq!(judged.state, State::ReplyInvalid);
}

// rules: SLA-07
#[test]
fn a_13_and_a_14_a_return_is_due_with_the_next_run() {
    let due = |replied| {
        let mut story = notified();
        story.reply(replied, "RETURN");
        story.deadline("SLA-07", replied).due_at
    };
    assert_eq!(due(at(0, 17, 30, 0)), Some(at(0, 19, 0, 0)));
    assert_eq!(due(at(0, 19, 30, 0)), Some(at(1, 7, 0, 0)));
}

// rules: DF-NOBODY, SMS-2, SMS-3
#[test]
fn a_19_a_second_failure_is_proven_by_a_message_too() {
    let mut story = notified();
    story.sms(at(0, 14, 1, 0), message(Some(story.entries[0].entry.key.clone())), SmsState::Sent);
    let second = story.attempt(at(1, 14, 0, 0), Some(at(1, 14, 0, 0)), "DF-NOBODY").entry.key.clone();
    let bases = |story: &Story| story.judge(at(1, 15, 0, 0)).bases.into_iter().map(|basis| basis.basis).collect::<Vec<_>>();
    assert_eq!(bases(&story), [Basis::Sms, Basis::None], "yesterday's message proves yesterday");
    assert!(story.judge(at(1, 15, 0, 0)).flags.contains(&Flag::AttemptUnproven));
    story.sms(at(1, 14, 1, 0), Sms { day: 20_515, ..message(Some(second)) }, SmsState::Sent);
    assert_eq!((story.case().attempts(), bases(&story)), (2, vec![Basis::Sms, Basis::Sms]));
    let judged = story.judge(at(1, 15, 0, 0));
    assert!(judged.flags.contains(&Flag::AttemptProven) && !judged.flags.contains(&Flag::AttemptUnproven));
}

// rules: SLA-03
#[test]
fn a_23_a_notice_that_is_delivered_three_times_is_one() {
    let mut story = notified();
    let notice = story.entries[1].clone();
    story.entries.extend([notice.clone(), notice]);
    assert_eq!(story.case().of_kind(Kind::Notice).count(), 1);
    assert_eq!(story.deadline("SLA-05", at(0, 16, 0, 0)).due_at, Some(at(1, 15, 0, 0)), "the first one sets the clock");
    // Sent again as a notice of its own, it sets no new one either.
    story.notice(at(0, 18, 0, 0), Some(at(0, 18, 0, 0)), "0571");
    assert_eq!(story.deadline("SLA-05", at(0, 19, 0, 0)).due_at, Some(at(1, 15, 0, 0)));
}

// rules: MN-COD, EV-5
#[test]
fn a_24_a_change_of_money_is_not_done_without_its_letter_and_its_ledger_line() {
    let mut story = Story::new();
    story.online(&WEST, at(0, 9, 0, 0), Body::Problem(Problem::of(code("MN-COD"), Stage::Delivery)));
    let change = Action { amount: Some(Fen(20_000)), ..Action::of(code("PAY_CHANGE")) };
    story.online(&WEST, at(0, 10, 0, 0), Body::Action(change));
    let stands = |story: &Story| {
        let judged = story.judge(at(0, 12, 0, 0));
        (judged.state, judged.flags.contains(&Flag::ActionUnproven))
    };
    assert_eq!(stands(&story), (State::Registered, true));
    story.photo(at(0, 10, 5, 0), PhotoPurpose::Letter);
    assert_eq!(stands(&story), (State::Registered, true), "finance has not entered it");
    let line = Ledger {
        book: Book::Cod,
        change: code("cod_change"),
        amount: Some(Fen(20_000)),
        letter: Some(PhotoId::new([3; 32])),
        slip: false,
        words: None,
    };
    story.online(&FINANCE, at(0, 11, 0, 0), Body::Ledger(line));
    assert_eq!(stands(&story), (State::ActionDone, false));
    let card = story.judge(at(0, 12, 0, 0)).cards.remove(0);
    assert!(card.steps.iter().any(|line| line.step == "ledger_cod" && !line.done.is_empty()), "the ledger's line is the step");
}

// rules: MN-COD, EV-5
#[test]
fn a_reply_that_changes_money_needs_the_letter_too() {
    let decided = |letter| {
        let mut story = notified();
        let reply = Reply { letter, ..full("PAY_CHANGE") };
        story.online(&ORIGIN, at(0, 16, 0, 0), Body::Reply(reply));
        story.judge(at(0, 17, 0, 0)).replies.remove(0).validity
    };
    assert_eq!(decided(Some(PhotoId::new([8; 32]))), Validity::Valid);
    assert_eq!(decided(None), Validity::Lacks { needs: vec!["letter".into()] });
}

// rules: C-15
#[test]
fn a_30_a_wrong_check_digit_is_said() {
    let flagged = |number: &str| {
        let mut story = Story::new();
        story.facts.waybill = Waybill::parse(number).unwrap();
        story.attempt(at(0, 14, 0, 0), None, "DF-NOBODY");
        story.judge(at(0, 15, 0, 0)).flags.contains(&Flag::InvalidCheckDigit)
    };
    assert!(flagged("EB000717594HK") && !flagged("EB000717595HK") && !flagged("QH310000000017"));
}

// rules: PEN-01, PEN-04, PEN-05, OR-WAYBILL, OR-NOMARK, OR-LATEENTRY, SLA-11, C-18, C-20
#[test]
fn a_31_fines_of_the_origin_add_up_by_item_piece_and_time() {
    let mut story = Story::by(pack_of("nengda-gd"));
    let found = |reason: &str, count| {
        let problem = Problem { count, found_at: Some(at(0, 20, 0, 0)), ..Problem::of(code(reason), Stage::Origin) };
        Body::Problem(problem)
    };
    story.online(&HUB, at(0, 20, 0, 0), found("OR-WAYBILL", Some(3)));
    story.online(&HUB, at(0, 20, 1, 0), found("OR-NOMARK", Some(2)));
    story.online(&HUB, at(0, 20, 2, 0), found("OR-LATEENTRY", None));
    let findings = story.judge(at(0, 21, 0, 0)).findings;
    let mut amounts: Vec<_> = findings.iter().map(|finding| (finding.rule.as_str(), finding.amount.unwrap().0 / 100)).collect();
    amounts.sort_unstable();
    assert_eq!(amounts, [("PEN-01", 30), ("PEN-04", 10), ("PEN-05", 200)]);
    assert!(findings.iter().all(|finding| finding.party == Party::OriginOutlet && finding.state == FindingState::Proposed));
    assert_eq!(findings.iter().filter_map(|finding| finding.amount).map(|fen| fen.0).sum::<i64>(), 24_000);
}

// rules: PEN-02, PEN-03, PEN-06, OR-COD24H, OR-HEADER, OR-NOBAG, OR-HANDOVER, OR-PROHIBITED
#[test]
fn each_other_fault_of_the_origin_has_its_amount_or_none() {
    let fined = |reason: &str, stage, count| {
        let mut story = Story::by(pack_of("nengda-gd"));
        story.online(&HUB, at(0, 20, 0, 0), Body::Problem(Problem { count, ..Problem::of(code(reason), stage) }));
        let findings = story.judge(at(0, 21, 0, 0)).findings;
        assert_eq!(findings.len(), 1, "{reason}");
        (findings[0].rule.clone(), findings[0].amount.map(|fen| fen.0 / 100))
    };
    assert_eq!(fined("OR-COD24H", Stage::Origin, None), ("PEN-02".into(), Some(100)));
    assert_eq!(fined("OR-HEADER", Stage::Hub, Some(2)), ("PEN-03".into(), Some(20)));
    assert_eq!(fined("OR-NOBAG", Stage::Hub, Some(7)), ("PEN-06".into(), Some(100)), "for each time, not for each piece");
    assert_eq!(fined("OR-HANDOVER", Stage::Hub, None), ("OR-HANDOVER".into(), None));
    assert_eq!(fined("OR-PROHIBITED", Stage::Hub, None), ("OR-PROHIBITED".into(), None));
}

// rules: PEN-04, LS-LOST
#[test]
fn a_lost_piece_that_was_not_marked_is_the_origins_own_loss() {
    let lost = |marked: bool| {
        let mut story = Story::by(pack_of("nengda-gd"));
        if !marked {
            let problem = Problem { count: Some(1), ..Problem::of(code("OR-NOMARK"), Stage::Hub) };
            story.online(&HUB, at(0, 20, 0, 0), Body::Problem(problem));
        }
        story.online(&WEST, at(1, 9, 0, 0), Body::Problem(Problem::of(code("LS-LOST"), Stage::Arrival)));
        let goods = Goods { name: said("茶叶"), packing: said("纸箱"), value: Some(Fen(88_000)), words: None };
        story.online(&ORIGIN, at(1, 10, 0, 0), Body::Goods(goods));
        story.finding("PEN-04.loss", at(1, 11, 0, 0)).and_then(|finding| finding.amount)
    };
    assert_eq!((lost(false), lost(true)), (Some(Fen(88_000)), None));
}
