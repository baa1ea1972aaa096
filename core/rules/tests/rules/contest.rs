//! Notices that went astray, replies and marks, disputes and rulings, corrections, conflicts: what a person must settle, and how it
//! is settled.

use doorstep_domain::*;
use doorstep_rules::*;

use crate::story::*;

fn notified() -> Story {
    let mut story = Story::new();
    story.attempt(at(0, 14, 0, 0), Some(at(0, 14, 0, 0)), "DF-NOBODY");
    story.notice(at(0, 15, 0, 0), Some(at(0, 15, 0, 0)), "0571");
    story
}

fn about(entry: &EntryKey) -> About {
    About { rule: None, entry: entry.clone() }
}

fn finding(rule: &str, entry: &EntryKey) -> About {
    About { rule: Some(code(rule)), entry: entry.clone() }
}

fn mark(about: &EntryKey, remark: Remark) -> Body {
    Body::Mark(Mark { about: about.clone(), remark, reason: None, words: None })
}

fn dispute(about: About) -> Body {
    Body::Dispute(Dispute { about, words: Personal::plain("不同意").unwrap() })
}

fn ruling(about: About, stands: Stands) -> Ruling {
    Ruling { about, stands, share: None, amount: None, replaces: None, words: said("已核实") }
}

fn correction(of: &EntryKey, fault: Fault, same_as: Option<&EntryKey>) -> Body {
    let words = Personal::plain("登记错误").unwrap();
    Body::Correction(Correction { of: of.clone(), fault, same_as: same_as.cloned(), words })
}

fn conflicts(story: &Story, now: UnixMs) -> Vec<ConflictKind> {
    story.judge(now).conflicts.into_iter().map(|conflict| conflict.kind).collect()
}

// rules: LIA-06, C-13
#[test]
fn a_notice_that_went_astray_is_the_delivering_outlets_and_a_later_right_one_does_not_move_its_deadline() {
    let mut story = Story::new();
    story.attempt(at(0, 14, 0, 0), Some(at(0, 14, 0, 0)), "DF-NOBODY");
    let wrong = story.notice(at(0, 15, 0, 0), Some(at(0, 15, 0, 0)), "0999").entry.key.clone();
    story.notice(at(1, 9, 0, 0), Some(at(1, 9, 0, 0)), "0571");
    let judged = story.judge(at(1, 10, 0, 0));
    let found = judged.findings.iter().find(|finding| finding.rule == "LIA-06").unwrap();
    assert!(found.basis.contains(&wrong) && found.outlet.as_ref().unwrap().as_str() == "0412");
    assert_eq!(
        story.deadline("SLA-05", at(1, 10, 0, 0)).due_at,
        Some(at(2, 9, 0, 0)),
        "the reply's clock begins with the right one"
    );
    assert_eq!(story.deadline("SLA-03", at(1, 10, 0, 0)).due_at, Some(at(1, 0, 0, 0).plus(-1)));
}

// rules: LIA-06
#[test]
fn head_office_can_find_a_target_wrong_and_a_manual_choice_is_flagged() {
    let mut story = notified();
    let notice = story.entries[1].entry.key.clone();
    assert_eq!(story.judge(at(0, 16, 0, 0)).state, State::Notified);
    story.online(&WEST, at(0, 16, 0, 0), mark(&notice, Remark::WrongTarget));
    assert_eq!(story.judge(at(0, 16, 0, 1)).state, State::Notified, "an outlet's word does not undo its own notice");
    story.online(&REVIEWER, at(0, 16, 10, 0), mark(&notice, Remark::WrongTarget));
    let judged = story.judge(at(0, 17, 0, 0));
    assert!(judged.state == State::Registered && judged.flags.contains(&Flag::WrongTarget));
    let manual = Notice { to: "0571".parse().unwrap(), source: TargetSource::Manual, request: None };
    story.online(&WEST, at(0, 18, 0, 0), Body::Notice(manual));
    let judged = story.judge(at(0, 19, 0, 0));
    assert!(judged.state == State::Notified && judged.flags.contains(&Flag::ManualTarget));
}

// rules: X-1, X-1f, LIA-03, EV-7, C-13, C-14
#[test]
fn an_outage_record_counts_for_outlets_only_complete_and_for_hubs_only_if_the_pack_says_so() {
    let outcome = |phone| {
        let mut story = Story::new();
        story.attempt(at(0, 14, 0, 0), Some(at(1, 8, 0, 0)), "DF-NOBODY");
        story.outage(at(0, 21, 0, 0), at(1, 8, 0, 0), phone);
        let finding = story.judge(at(1, 9, 0, 0)).findings.into_iter().next();
        (story.clock("SLA-03", at(1, 9, 0, 0)), finding.map(|finding| finding.rule))
    };
    assert_eq!(outcome(said("0571-8000")), (Timeliness::OnTimeByException, None));
    assert_eq!(outcome(None), (Timeliness::Late, Some("LIA-03".into())), "the record can not be produced");
    let hub = |exceptions: &[&str]| {
        let mut pack = qinghe();
        let clock = pack.clocks.iter_mut().find(|clock| clock.id == "SLA-01").unwrap();
        clock.exceptions = exceptions.iter().map(|id| (*id).to_owned()).collect();
        let mut story = Story::by(pack);
        let problem = Problem { found_at: Some(at(0, 8, 0, 0)), ..Problem::of(code("CD-DAMAGE"), Stage::Hub) };
        story.add(&HUB, at(0, 9, 0, 0), Some(at(0, 14, 0, 0)), Body::Problem(problem));
        story.outage(at(0, 9, 30, 0), at(0, 14, 0, 0), said("0571-8000"));
        story.clock("SLA-01", at(0, 15, 0, 0))
    };
    assert_eq!((hub(&[]), hub(&["X-1"])), (Timeliness::LateSynced, Timeliness::OnTimeByException));
}

#[test]
fn one_outage_record_may_stand_for_many_parcels_and_each_is_judged_by_its_own_deadline() {
    // One act stands in two cases. Each case judges it by the deadline of its own failure.
    for (failed, expected) in [(at(0, 14, 0, 0), Timeliness::OnTimeByException), (at(-1, 14, 0, 0), Timeliness::Late)] {
        let mut story = Story::new();
        story.attempt(failed, Some(at(1, 8, 0, 0)), "DF-NOBODY");
        story.outage(at(0, 21, 0, 0), at(1, 8, 0, 0), said("0571-8000"));
        assert_eq!(story.clock("SLA-03", at(1, 9, 0, 0)), expected);
    }
}

// rules: DF-PHONE, X-2, LIA-07, SMS-5
#[test]
fn a_delay_with_a_proven_fault_of_the_number_is_lenient_and_for_head_office_to_see() {
    let late = |proof: bool| {
        let mut story = Story::new();
        story.attempt(at(0, 14, 0, 0), Some(at(0, 14, 0, 0)), "DF-PHONE");
        if proof {
            story.photo(at(0, 14, 1, 0), PhotoPurpose::Label);
        }
        let found = story.finding("LIA-04", at(1, 9, 0, 0)).unwrap();
        (found.lenient, found.share, found.review)
    };
    assert_eq!((late(true), late(false)), ((true, 0, true), (false, 100, false)));
}

// rules: X-3, SMS-2, C-25
#[test]
fn without_a_message_or_a_reason_an_attempt_is_shown_as_not_proven_and_nothing_is_blocked() {
    let mut story = notified();
    let flags = |story: &Story| story.judge(at(0, 16, 0, 0)).flags;
    assert!(flags(&story).contains(&Flag::AttemptUnproven));
    assert_eq!(story.judge(at(0, 16, 0, 0)).state, State::Notified);
    let words = Personal::plain("客户没有手机").unwrap();
    story.online(&COURIER, at(0, 15, 30, 0), Body::Waiver(Waiver { evidence: code("sms"), words }));
    assert!(!flags(&story).contains(&Flag::AttemptUnproven));
}

// rules: T-5, LIA-05
#[test]
fn a_mark_on_a_reply_is_disputed_and_head_office_decides_and_all_of_it_stays() {
    let mut story = notified();
    let reply = story.reply(at(0, 16, 0, 0), "RETURN").entry.key.clone();
    let marked = story.online(&WEST, at(0, 16, 30, 0), mark(&reply, Remark::Invalid));
    let stands = |story: &Story, now| (story.judge(now).state, story.judge(now).flags.contains(&Flag::Disputed));
    assert_eq!(stands(&story, at(0, 17, 0, 0)), (State::ReplyInvalid, false));
    story.online(&ORIGIN, at(0, 17, 0, 0), mark(&reply, Remark::Valid));
    assert_eq!(stands(&story, at(0, 17, 10, 0)).0, State::ReplyInvalid, "nobody marks their own reply valid");
    story.online(&ORIGIN, at(0, 17, 30, 0), dispute(about(&marked)));
    assert_eq!(stands(&story, at(0, 18, 0, 0)), (State::ReplyInvalid, true));
    story.online(&REVIEWER, at(0, 18, 0, 0), Body::Ruling(ruling(about(&marked), Stands::Lifted)));
    assert_eq!(stands(&story, at(0, 19, 0, 0)), (State::ActionDue, false));
    assert_eq!(story.judge(at(0, 19, 0, 0)).decision.as_deref(), Some("RETURN"));
    let kinds = [Kind::Reply, Kind::Mark, Kind::Dispute, Kind::Ruling].map(|kind| story.case().of_kind(kind).count());
    assert_eq!(kinds, [1, 2, 1, 1]);
}

#[test]
fn a_ruling_of_anybody_but_head_offices_reviewer_decides_nothing() {
    for by in [&ORIGIN, &WEST, &By("k1", Role::HqCs, "HQ")] {
        let mut story = notified();
        let reply = story.reply(at(0, 16, 0, 0), "RETURN").entry.key.clone();
        story.online(by, at(0, 18, 0, 0), Body::Ruling(ruling(about(&reply), Stands::Lifted)));
        assert_eq!(story.judge(at(0, 19, 0, 0)).state, State::ActionDue);
    }
}

// rules: C-18, C-20, LIA-04
#[test]
fn a_finding_is_proposed_disputed_and_decided_with_a_share_and_an_amount() {
    let mut story = Story::new();
    let attempt = story.attempt(at(0, 14, 0, 0), Some(at(0, 14, 0, 0)), "DF-NOBODY").entry.key.clone();
    let found = |story: &Story| story.finding("LIA-04", at(2, 0, 0, 0)).unwrap();
    let first = found(&story);
    assert_eq!((first.state, first.share, first.amount), (FindingState::Proposed, 100, None));
    assert_eq!(first.id, finding("LIA-04", &attempt));
    assert_eq!((first.pack_version, first.clock.as_deref(), first.basis.as_slice()), (1, Some("SLA-03"), &[attempt.clone()][..]));
    let disputed = story.online(&WEST, at(1, 9, 0, 0), dispute(first.id.clone()));
    let second = found(&story);
    assert_eq!((second.state, second.disputes), (FindingState::Disputed, vec![disputed]));
    assert!(story.judge(at(2, 0, 0, 0)).flags.contains(&Flag::Disputed));
    let half = Ruling { share: Some(50), amount: Some(Fen(5_000)), ..ruling(first.id.clone(), Stands::Upheld) };
    let decided = story.online(&REVIEWER, at(1, 10, 0, 0), Body::Ruling(half));
    let third = found(&story);
    assert_eq!((third.state, third.share, third.amount), (FindingState::Decided, 50, Some(Fen(5_000))));
    assert_eq!(third.decided, Some(Decided { by: decided.clone(), stands: Stands::Upheld }));
    assert!(!story.judge(at(2, 0, 0, 0)).flags.contains(&Flag::Disputed));
    // Another ruling that knows of the first takes its place; one that does not is a conflict, and nothing is decided.
    let lifted = Ruling { replaces: Some(decided), ..ruling(first.id.clone(), Stands::Lifted) };
    story.online(&REVIEWER, at(1, 11, 0, 0), Body::Ruling(lifted));
    assert_eq!((found(&story).share, found(&story).decided.unwrap().stands), (0, Stands::Lifted));
    story.online(&By("q2", Role::HqReviewer, "HQ"), at(1, 11, 0, 1), Body::Ruling(ruling(first.id, Stands::Upheld)));
    assert_eq!((found(&story).state, found(&story).decided), (FindingState::Disputed, None));
    assert_eq!(conflicts(&story, at(2, 0, 0, 0)), [ConflictKind::TwoDecisions]);
    // Decided once more in the place of both, it is settled.
    let about = found(&story).id;
    let both: Vec<EntryKey> = story
        .case()
        .unreplaced(|body| matches!(body, Body::Ruling(ruling) if ruling.about == about))
        .into_iter()
        .map(|r| r.entry.key.clone())
        .collect();
    assert_eq!(both.len(), 2);
    for earlier in both {
        let anew = Ruling { replaces: Some(earlier), ..ruling(about.clone(), Stands::Upheld) };
        story.online(&REVIEWER, at(1, 12, 0, 0), Body::Ruling(anew));
    }
    assert_eq!(found(&story).decided.unwrap().stands, Stands::Upheld);
    assert!(conflicts(&story, at(2, 0, 0, 0)).is_empty());
}

#[test]
fn a_finding_of_an_ended_case_that_is_contested_holds_the_case_in_review() {
    let mut story = Story::new();
    story.attempt(at(0, 14, 0, 0), Some(at(0, 14, 0, 0)), "DF-NOBODY");
    story.close(at(1, 9, 0, 0), "SIGNED");
    let found = story.finding("LIA-04", at(2, 0, 0, 0)).unwrap();
    story.online(&WEST, at(1, 10, 0, 0), dispute(found.id.clone()));
    assert_eq!(story.judge(at(2, 0, 0, 0)).state, State::Review);
    story.online(&REVIEWER, at(1, 11, 0, 0), Body::Ruling(ruling(found.id, Stands::Upheld)));
    assert_eq!(story.judge(at(2, 0, 0, 0)).state, State::Closed);
}

#[test]
fn a_late_reply_binds_unless_the_method_was_carried_out_and_the_pack_may_say_otherwise() {
    let decided = |acted: bool, switch: LateReply| {
        let mut pack = qinghe();
        pack.switches.late_reply = switch;
        let mut story = notified();
        story.book = Rulebook::only(pack);
        if acted {
            story.online(&WEST, at(1, 16, 0, 0), Body::Action(Action::of(code("RETURN"))));
        }
        story.reply(at(1, 17, 0, 0), "REDELIVER");
        let judged = story.judge(at(1, 18, 0, 0));
        let runs = judged.deadlines.iter().any(|deadline| deadline.clock == "SLA-06");
        assert!(judged.replies.len() == 1 && judged.replies[0].validity == Validity::Valid, "it is shown in any case");
        assert_eq!(judged.replies[0].too_late, !runs);
        runs
    };
    use LateReply::{Binds, BindsUnlessActed, Void};
    assert_eq!([decided(false, BindsUnlessActed), decided(true, BindsUnlessActed)], [true, false]);
    assert_eq!([decided(false, Void), decided(true, Binds)], [false, true]);
}

// rules: C-24, SLA-07
#[test]
fn whether_only_a_return_of_the_same_day_leaves_with_the_first_run_is_a_switch() {
    let runs = |switch, replied| {
        let mut pack = qinghe();
        pack.switches.first_run_same_day_only = switch;
        let mut story = notified();
        story.book = Rulebook::only(pack);
        story.reply(replied, "RETURN");
        story.judge(replied).deadlines.iter().any(|deadline| deadline.clock == "SLA-07")
    };
    let (same, next) = (at(0, 17, 0, 0), at(1, 9, 0, 0));
    assert_eq!([runs(false, same), runs(false, next), runs(true, same), runs(true, next)], [true, true, true, false]);
}

#[test]
fn an_act_recorded_in_time_that_arrived_late_answers_for_it_or_not_as_the_pack_says() {
    let answers = |switch, verified: bool| {
        let mut pack = qinghe();
        pack.switches.late_synced = switch;
        let mut story = Story::by(pack);
        story.attempt(at(0, 14, 0, 0), Some(at(0, 14, 0, 0)), "DF-NOBODY");
        let notice = story.notice(at(0, 15, 0, 0), None, "0571");
        notice.standing = Standing::Accepted(Receipt::of(at(1, 0, 30, 0), verified.then_some(at(0, 15, 0, 0))));
        let found = story.finding("LIA-04", at(1, 9, 0, 0));
        assert!(found.as_ref().is_none_or(|found| found.review), "head office looks at it");
        found.is_some()
    };
    use LateSynced::{CaptureCounts, Strict};
    assert_eq!([answers(Strict, true), answers(CaptureCounts, true), answers(CaptureCounts, false)], [true, false, true]);
}

// rules: EV-10
#[test]
fn a_correction_supersedes_and_never_erases_and_only_who_may_can_correct() {
    let mut story = notified();
    let wrong = story.entries[0].entry.key.clone();
    let stands = |story: &Story| story.judge(at(0, 17, 0, 0)).deadlines.iter().any(|deadline| deadline.clock == "SLA-03");
    story.online(&ORIGIN, at(0, 15, 30, 0), correction(&wrong, Fault::DidNotOccur, None));
    assert!(stands(&story), "another outlet corrects nothing of ours");
    story.online(&WEST, at(0, 16, 0, 0), correction(&wrong, Fault::IncorrectData, None));
    story.attempt(at(0, 16, 0, 1), Some(at(0, 16, 0, 1)), "DF-REFUSE");
    let case = story.case();
    assert_eq!((case.of_kind(Kind::Attempt).count(), case.attempts(), case.reason()), (2, 1, Some("DF-REFUSE")));
    assert!(story.judge(at(0, 17, 0, 0)).flags.contains(&Flag::Corrected));
    // A correction can itself be corrected.
    let wrong_correction = story.entries[3].entry.key.clone();
    story.online(&WEST, at(0, 16, 30, 0), correction(&wrong_correction, Fault::DidNotOccur, None));
    assert_eq!(story.case().attempts(), 2);
}

#[test]
fn a_correction_after_the_deadline_does_not_unmake_the_finding_but_sends_it_to_review() {
    let corrected = |when| {
        let mut story = Story::new();
        let attempt = story.attempt(at(0, 14, 0, 0), Some(at(0, 14, 0, 0)), "DF-NOBODY").entry.key.clone();
        story.online(&COURIER, when, correction(&attempt, Fault::DidNotOccur, None));
        story.finding("LIA-04", at(2, 0, 0, 0)).map(|found| found.review)
    };
    assert_eq!((corrected(at(0, 16, 0, 0)), corrected(at(1, 9, 0, 0))), (None, Some(true)));
}

#[test]
fn one_attempt_on_two_devices_is_flagged_and_same_as_makes_it_count_once() {
    let recorded = |minutes: i64| {
        let mut story = Story::new();
        story.attempt(at(0, 14, 0, 0), Some(at(0, 18, 0, 0)), "DF-NOBODY");
        story.attempt(at(0, 14, 0, 0).plus(minutes * 60_000), Some(at(0, 18, 0, 0)), "DF-NOANSWER");
        story
    };
    assert_eq!(conflicts(&recorded(14), at(0, 19, 0, 0)), [ConflictKind::MaybeSameAttempt]);
    assert!(conflicts(&recorded(15), at(0, 19, 0, 0)).is_empty(), "the pack's minutes");
    let mut story = recorded(5);
    let [first, second] = [0, 1].map(|i| story.entries[i].entry.key.clone());
    story.online(&WEST, at(0, 18, 30, 0), correction(&second, Fault::SameAs, Some(&first)));
    assert_eq!((story.case().attempts(), conflicts(&story, at(0, 19, 0, 0)).len()), (1, 0));
    assert_eq!(story.case().of_kind(Kind::Attempt).count(), 2, "both stay");
    // Two that each name the other as the one that stands do not both go.
    story.online(&COURIER, at(0, 18, 31, 0), correction(&first, Fault::SameAs, Some(&second)));
    assert_eq!(story.case().attempts(), 1);
}

#[test]
fn contradictions_after_a_merge_show_both_sides_until_somebody_settles_them() {
    // Signed for while a return is ordered.
    let mut story = notified();
    story.reply(at(0, 16, 0, 0), "RETURN");
    let closed = story.close(at(0, 17, 0, 0), "SIGNED");
    let judged = story.judge(at(0, 18, 0, 0));
    assert_eq!(judged.conflicts[0].kind, ConflictKind::EndAgainstDecision);
    assert!(judged.conflicts[0].sides.contains(&closed) && judged.conflicts[0].sides.len() == 2);
    assert!(judged.flags.contains(&Flag::Conflict));
    story.online(&REVIEWER, at(0, 18, 0, 0), Body::Ruling(ruling(about(&closed), Stands::Upheld)));
    assert!(conflicts(&story, at(0, 19, 0, 0)).is_empty());
    // Signed for before the reply came: the reply asks for nothing any more, nobody is late with it.
    let mut story = notified();
    story.close(at(0, 15, 55, 0), "SIGNED");
    story.reply(at(0, 16, 0, 0), "RETURN");
    let judged = story.judge(at(2, 0, 0, 0));
    assert_eq!(judged.conflicts[0].kind, ConflictKind::EndAgainstDecision);
    assert!(judged.deadlines.iter().all(|deadline| deadline.clock != "SLA-07") && judged.findings.is_empty());
    // Ended twice, differently.
    let mut story = notified();
    story.close(at(0, 17, 0, 0), "SIGNED");
    story.close(at(0, 17, 5, 0), "RETURNED");
    assert_eq!(conflicts(&story, at(0, 18, 0, 0)), [ConflictKind::TwoEnds]);
    // Two assignments, neither of which knew of the other; a later one that knew takes its place.
    let assign = |to: &str, replaces: Option<EntryKey>| {
        Body::Assign(Assign { to: to.parse().unwrap(), planned_at: None, replaces, words: None })
    };
    let mut story = notified();
    let first = story.online(&WEST, at(0, 15, 30, 0), assign("c1", None));
    assert!(conflicts(&story, at(0, 16, 0, 0)).is_empty());
    story.online(&WEST, at(0, 15, 31, 0), assign("c2", None));
    assert_eq!(conflicts(&story, at(0, 16, 0, 0)), [ConflictKind::TwoAssignments]);
    let mut knew = notified();
    let key = knew.online(&WEST, at(0, 15, 30, 0), assign("c1", None));
    knew.online(&WEST, at(0, 15, 31, 0), assign("c2", Some(key)));
    assert!(conflicts(&knew, at(0, 16, 0, 0)).is_empty());
    // A person who sees the contradiction assigns anew, in the place of both.
    let second = story.case().of_kind(Kind::Assign).next_back().unwrap().entry.key.clone();
    for earlier in [first, second] {
        story.online(&WEST, at(0, 15, 40, 0), assign("c3", Some(earlier)));
    }
    assert!(conflicts(&story, at(0, 16, 0, 0)).is_empty());
    // Acted on under a reply that another one has overtaken.
    let mut story = notified();
    story.reply(at(0, 16, 0, 0), "RETURN");
    story.online(&WEST, at(0, 16, 30, 0), Body::Action(Action::of(code("RETURN"))));
    story.reply(at(0, 17, 0, 0), "WAIT");
    assert_eq!(conflicts(&story, at(0, 18, 0, 0)), [ConflictKind::ActedOnOldReply]);
}

#[test]
fn a_shipment_of_pieces_ends_piece_by_piece() {
    let mut story = Story::new();
    let piece = |n: u8| Some(Waybill::parse(&format!("QH31000000001{n}")).unwrap());
    for n in [1, 2] {
        let attempt = Attempt { piece: piece(n), ..Attempt::of(code("DF-REFUSE")) };
        story.online(&COURIER, at(0, 14, i64::from(n), 0), Body::Attempt(attempt));
    }
    assert!(conflicts(&story, at(0, 15, 0, 0)).is_empty(), "two pieces refused at one door are two");
    let close = |n: u8| Body::Close(Close { piece: piece(n), ..Close::of(code("RETURNED")) });
    story.online(&WEST, at(0, 16, 0, 0), close(1));
    assert_ne!(story.judge(at(0, 17, 0, 0)).state, State::Closed);
    story.online(&WEST, at(0, 16, 1, 0), close(2));
    assert_eq!(story.judge(at(0, 17, 0, 0)).state, State::Closed);
}

// rules: T-1
#[test]
fn a_parcel_whose_label_can_not_be_read_goes_on_under_its_own_number_once_that_is_known() {
    let mut story = Story::new();
    story.facts = Facts::unlisted("QH".parse().unwrap(), Waybill::parse("PV-0412-ABCDEFGH").unwrap());
    story.online(&WEST, at(0, 9, 0, 0), Body::Problem(Problem::of(code("CD-DAMAGE"), Stage::Arrival)));
    let judged = story.judge(at(0, 9, 10, 0));
    assert!(judged.flags.contains(&Flag::Provisional) && !judged.flags.contains(&Flag::UnusualWaybill));
    assert_eq!(judged.state, State::Registered);
    let alias = Alias { waybill: Waybill::parse("QH310000000017").unwrap() };
    story.online(&WEST, at(0, 10, 0, 0), Body::Alias(alias));
    let judged = story.judge(at(0, 11, 0, 0));
    assert_eq!((judged.state, judged.decision.as_deref()), (State::Closed, Some("QH310000000017")));
    // Under its own number it is stated anew in the change that names the provisional one; when it was registered is judged there.
    let mut own = Story::new();
    own.online(&WEST, at(0, 11, 0, 0), Body::Alias(Alias { waybill: Waybill::parse("PV-0412-ABCDEFGH").unwrap() }));
    let change = own.entries[0].change;
    let again = Problem { found_at: Some(at(0, 9, 0, 0)), ..Problem::of(code("CD-DAMAGE"), Stage::Arrival) };
    own.online(&WEST, at(0, 11, 0, 0), Body::Problem(again.clone()));
    let judged = own.judge(at(0, 12, 0, 0));
    assert_eq!(judged.findings.len(), 1, "eleven is after ten");
    own.entries[1].change = change;
    let judged = own.judge(at(0, 12, 0, 0));
    assert_eq!((judged.findings.len(), judged.state, judged.cards[0].code.as_str()), (0, State::Registered, "CD-DAMAGE"));
    assert!(judged.flags.contains(&Flag::Alias));
}

#[test]
fn the_next_step_follows_the_case_from_the_door_to_its_end() {
    let mut story = Story::new();
    story.online(&COURIER, at(0, 13, 0, 0), Body::Note { words: Personal::plain("楼下").unwrap() });
    let next = |story: &Story, now| (story.judge(now).state, story.judge(now).next_step);
    assert_eq!(next(&story, at(0, 13, 1, 0)), (State::Open, NextStep::Register));
    story.attempt(at(0, 14, 0, 0), Some(at(0, 14, 0, 0)), "DF-NOBODY");
    assert_eq!(next(&story, at(0, 14, 1, 0)), (State::Registered, NextStep::NotifyOrigin));
    let notice = story.notice(at(0, 15, 0, 0), Some(at(0, 15, 0, 0)), "0571").entry.key.clone();
    assert_eq!(next(&story, at(0, 15, 1, 0)), (State::Notified, NextStep::AwaitReply));
    story.online(&WEST, at(0, 15, 5, 0), Body::Seen(Seen { notice: notice.clone() }));
    assert_eq!(next(&story, at(0, 15, 6, 0)).0, State::Notified, "only the addressed outlet's look counts");
    story.online(&ORIGIN, at(0, 15, 10, 0), Body::Seen(Seen { notice }));
    assert_eq!(next(&story, at(0, 15, 11, 0)).0, State::Seen);
    assert_eq!(next(&story, at(1, 15, 0, 1)), (State::ReplyOverdue, NextStep::DefaultMethod));
    story.reply(at(0, 16, 0, 0), "RETURN");
    assert_eq!(next(&story, at(0, 16, 1, 0)), (State::ActionDue, NextStep::FollowReply));
    story.online(&WEST, at(0, 18, 0, 0), Body::Action(Action::of(code("RETURN"))));
    assert_eq!(next(&story, at(0, 18, 1, 0)), (State::ActionDone, NextStep::FollowUp));
    story.close(at(1, 9, 0, 0), "RETURNED");
    assert_eq!(next(&story, at(1, 10, 0, 0)), (State::Closed, NextStep::None));
    // A problem that wants no notice: its registration is only on this device, then its card is worked on.
    let mut weight = Story::new();
    weight.add(&WEST, at(0, 9, 0, 0), None, Body::Problem(Problem::of(code("CD-DAMAGE"), Stage::Arrival)));
    assert_eq!(next(&weight, at(0, 9, 1, 0)), (State::Registered, NextStep::SendRegistration));
    weight.entries[0].standing = Standing::Accepted(Receipt::of(at(0, 9, 0, 0), Some(at(0, 9, 0, 0))));
    assert_eq!(next(&weight, at(0, 9, 1, 0)), (State::Registered, NextStep::WorkCard));
}

// rules: RT-OUTAREA, C-9
#[test]
fn handing_to_a_peer_carrier_needs_the_senders_consent_and_the_peers_number() {
    let done = |consent: bool, number: bool| {
        let mut story = Story::new();
        story.online(&WEST, at(0, 9, 0, 0), Body::Problem(Problem::of(code("RT-OUTAREA"), Stage::Delivery)));
        if consent {
            let consent = Consent { by: Customer::Sender, to: code("TRANSFER_PEER"), name: said("张小姐"), words: None };
            story.online(&WEST, at(0, 10, 0, 0), Body::Consent(consent));
        }
        let number = number.then(|| Waybill::parse("SF1234567890").unwrap());
        let action = Action { carrier: Some("SF".into()), number, ..Action::of(code("TRANSFER_PEER")) };
        story.online(&WEST, at(0, 11, 0, 0), Body::Action(action));
        story.judge(at(0, 12, 0, 0)).state == State::ActionDone
    };
    assert_eq!([done(true, true), done(false, true), done(true, false)], [true, false, false]);
}

// rules: LIA-04, LIA-01, C-1
#[test]
fn explain_tells_the_rule_the_facts_and_who_decides_in_both_languages_without_customers_data() {
    let mut story = notified();
    story.entries[1].standing = Standing::Accepted(Receipt::of(at(1, 8, 0, 0), Some(at(0, 15, 0, 0))));
    let mut reply = full("REDELIVER");
    reply.phone = said("13987654321");
    story.online(&ORIGIN, at(1, 9, 0, 0), Body::Reply(reply));
    let now = at(1, 10, 0, 0);
    let (case, judged) = (story.case(), story.judge(now));
    let told = explain(&case, &story.book, &judged);
    let liable = told.iter().find(|told| told.about.starts_with("LIA-04@")).unwrap();
    let zh: Vec<&str> = liable.because.iter().map(|link| link.words.zh.as_str()).collect();
    let en: Vec<&str> = liable.because.iter().map(|link| link.words.en.as_str()).collect();
    assert!(liable.answer.zh.contains("0412") && liable.answer.en.contains("0412"), "{:?}", liable.answer);
    assert!(zh[0].contains("LIA-04") && zh[0].contains("第 1 版") && zh[0].contains("S0:L114"), "{zh:#?}");
    let told_of = |links: &[&str], what: &str| links.iter().any(|link| link.contains(what));
    for what in ["SLA-03", "2026-03-02 23:59:59", "2026-03-03 08:00:00", "从严", "总部"] {
        assert!(told_of(&zh, what), "{what}: {zh:#?}");
    }
    for what in ["SLA-03", "2026-03-02 23:59:59", "2026-03-03 08:00:00", "strict", "head office decides"] {
        assert!(told_of(&en, what), "{what}: {en:#?}");
    }
    // Every deadline, gap, finding and conflict is told of, once.
    assert_eq!(told.len(), judged.deadlines.len() + judged.missing.len() + judged.findings.len() + judged.conflicts.len());
    let all = serde_json::to_string(&told).unwrap();
    assert!(!all.contains("13987654321") && !all.contains("王先生"), "{all}");
}
