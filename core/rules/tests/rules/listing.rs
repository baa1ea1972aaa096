//! Who is believed about the parcel: head office's list, and no device.

use doorstep_domain::*;
use doorstep_rules::*;

use crate::story::*;

/// A row of head office's list, in the case since a moment.
pub fn listed(story: &mut Story, since: UnixMs, facts: Facts) -> EntryKey {
    let recorded = story.add(&SERVER, since, Some(since), Body::Listed(Listed { since }));
    recorded.entry.facts = Some(facts);
    recorded.entry.key.clone()
}

/// What the server says of the facts of an entry.
pub fn compared(recorded: &mut Recorded, check: FactsCheck) {
    let Standing::Accepted(receipt) = &mut recorded.standing else { panic!("not received") };
    receipt.facts = check;
}

fn of(delivering: &str, origin: &str) -> Facts {
    Facts { origin_outlet: Some(origin.parse().unwrap()), delivering_outlet: Some(delivering.parse().unwrap()), ..facts() }
}

/// Monday 14:00, without a notice: LIA-04 holds the delivering outlet.
fn attempt(story: &mut Story, facts: Facts, check: FactsCheck) {
    let recorded = story.attempt(at(0, 14, 0, 0), Some(at(0, 14, 0, 0)), "DF-NOBODY");
    recorded.entry.facts = Some(facts);
    compared(recorded, check);
}

const LATER: UnixMs = UnixMs(MONDAY + 3 * DAY);

fn outlet(finding: &Finding) -> &str {
    finding.outlet.as_ref().map_or("", |outlet| outlet.as_str())
}

#[test]
fn an_altered_copy_decides_nothing_is_judged_by_the_listed_row_and_leaves_a_question() {
    let mut story = Story::new();
    attempt(&mut story, of("0755", "0571"), FactsCheck::Altered);
    listed(&mut story, at(0, 6, 0, 0), facts());
    let case = story.case();
    assert_eq!((case.facts.clone(), case.facts_confirmed), (facts(), true));
    let judged = story.judge(LATER);
    assert!(judged.flags.contains(&Flag::FactsAltered));
    let finding = judged.findings.iter().find(|finding| finding.rule == "LIA-04").unwrap();
    assert_eq!((outlet(finding), finding.review), ("0412", true), "the outlet of the row, and a person looks");
}

#[test]
fn with_neither_an_equal_copy_nor_a_listed_row_nobody_is_held_to_anything_and_clocks_are_shown() {
    for check in [FactsCheck::Altered, FactsCheck::Unchecked, FactsCheck::Outdated, FactsCheck::NoRow] {
        let mut story = Story::new();
        attempt(&mut story, of("0755", "0571"), check);
        let judged = story.judge(LATER);
        assert!(judged.findings.is_empty(), "{check:?}");
        assert!(!judged.deadlines.is_empty() && judged.state != State::Open, "{check:?}");
        assert!(!story.case().facts_confirmed);
    }
    let mut story = Story::new();
    story.attempt(at(0, 14, 0, 0), None, "DF-NOBODY");
    assert_eq!((story.case().facts, story.case().facts_confirmed), (facts(), false), "the device's own copy, not confirmed");
    assert!(story.judge(LATER).findings.is_empty());
}

#[test]
fn an_altered_copy_names_the_parcel_and_nothing_else() {
    let mut story = Story::new();
    attempt(&mut story, Facts { cod: Fen(9_900), ..of("0755", "0755") }, FactsCheck::Altered);
    let case = story.case();
    assert!(case.facts.claims_nothing(), "{:?}", case.facts);
    // An equal one that comes later is the parcel's.
    story.attempt(at(0, 15, 0, 0), Some(at(0, 15, 0, 0)), "DF-NOBODY");
    assert_eq!((story.case().facts, story.case().facts_disagree), (facts(), false));
}

#[test]
fn a_listed_row_counts_from_the_server_alone() {
    let forged = |change: &dyn Fn(&mut Recorded)| {
        let mut story = Story::new();
        attempt(&mut story, facts(), FactsCheck::Equal);
        listed(&mut story, at(0, 6, 0, 0), of("0755", "0755"));
        change(story.entries.last_mut().unwrap());
        story.case().facts.delivering_outlet.unwrap().to_string()
    };
    assert_eq!(forged(&|_| {}), "0755");
    assert_eq!(forged(&|r| r.entry.author.user = "c1".parse().unwrap()), "0412", "written by somebody else");
    assert_eq!(forged(&|r| r.standing = Standing::OnThisDevice), "0412", "not received");
    assert_eq!(forged(&|r| r.standing = Standing::Quarantined { reason: "field".into() }), "0412", "refused");
    let release = Release { original: ChangeHash::new([1; 32]), received_at: at(0, 6, 0, 0) };
    assert_eq!(forged(&|r| r.entry.release = Some(release)), "0412", "released, so somebody else's");
}

#[test]
fn an_act_is_judged_by_the_row_in_force_when_it_happened_and_a_later_row_judges_nothing_anew() {
    let mut story = Story::new();
    attempt(&mut story, facts(), FactsCheck::Equal);
    let before = story.finding("LIA-04", LATER).unwrap();
    listed(&mut story, at(0, 6, 0, 0), facts());
    listed(&mut story, at(1, 6, 0, 0), of("0755", "0571"));
    assert_eq!(story.finding("LIA-04", LATER).unwrap(), before);
    assert_eq!(story.case().facts.delivering_outlet.unwrap().as_str(), "0755", "the row of now");
    let recorded = story.attempt(at(2, 10, 0, 0), Some(at(2, 10, 0, 0)), "DF-NOBODY");
    recorded.entry.facts = None;
    let judged = story.judge(at(9, 0, 0, 0));
    let held: Vec<&str> = judged.findings.iter().filter(|f| f.rule == "LIA-04").map(outlet).collect();
    assert_eq!(held, ["0412", "0755"]);
}

#[test]
fn the_first_listing_judges_what_was_before_it_once() {
    let mut story = Story::new();
    attempt(&mut story, Facts::unlisted(facts().network, facts().waybill), FactsCheck::NoRow);
    assert!(story.judge(LATER).flags.contains(&Flag::Unlisted));
    listed(&mut story, at(0, 20, 0, 0), facts());
    let first = story.finding("LIA-04", LATER).unwrap();
    assert_eq!((outlet(&first), first.review), ("0412", false));
    listed(&mut story, at(1, 20, 0, 0), of("0755", "0571"));
    assert_eq!(story.finding("LIA-04", LATER).unwrap(), first);
    assert!(!story.judge(LATER).flags.contains(&Flag::Unlisted));
}

#[test]
fn a_stale_copy_is_good_faith_and_goes_to_review() {
    let mut story = Story::new();
    attempt(&mut story, of("0755", "0571"), FactsCheck::Outdated);
    listed(&mut story, at(0, 6, 0, 0), facts());
    let judged = story.judge(LATER);
    assert!(judged.flags.contains(&Flag::RowOutdated) && !judged.flags.contains(&Flag::FactsAltered));
    let finding = judged.findings.iter().find(|finding| finding.rule == "LIA-04").unwrap();
    assert_eq!((outlet(finding), finding.review), ("0412", true));
}

#[test]
fn where_an_interval_touches_two_rows_the_finding_shows_both_results_and_a_person_decides() {
    let mut story = Story::new();
    listed(&mut story, at(0, 6, 0, 0), facts());
    listed(&mut story, at(0, 13, 0, 0), of("0755", "0571"));
    let recorded = story.attempt(at(0, 14, 0, 0), Some(at(0, 20, 0, 0)), "DF-NOBODY");
    let Standing::Accepted(receipt) = &mut recorded.standing else { panic!() };
    // Anywhere between noon and the receipt.
    (receipt.acted.slack_ms, receipt.acted.from) = (7_200_000, Some(at(0, 12, 0, 0)));
    let finding = story.finding("LIA-04", LATER).unwrap();
    assert_eq!((outlet(&finding), finding.review), ("0755", true), "by the best estimate");
    let other: Vec<_> = finding.otherwise.iter().map(|o| (o.stands, o.outlet.as_ref().map(ToString::to_string))).collect();
    assert_eq!(other, [(true, Some("0412".to_owned()))]);
    let told = explain(&story.case(), &story.book, &story.judge(LATER));
    let told = told.iter().find(|told| told.about == finding.id.to_string()).unwrap();
    assert!(told.because.iter().any(|link| link.words.en.contains("0412") && link.words.zh.contains("名单")), "{told:?}");
    // Sure again, it says so.
    let Standing::Accepted(receipt) = &mut story.entries.last_mut().unwrap().standing else { panic!() };
    (receipt.acted.slack_ms, receipt.acted.from) = (0, Some(at(0, 13, 30, 0)));
    let finding = story.finding("LIA-04", LATER).unwrap();
    assert_eq!((finding.otherwise.len(), finding.review), (0, false));
}

#[test]
fn an_act_whose_time_nothing_proves_can_not_choose_between_two_rows() {
    let found = |from: UnixMs| {
        let mut story = Story::new();
        listed(&mut story, at(0, 6, 0, 0), facts());
        listed(&mut story, at(0, 13, 0, 0), of("0755", "0571"));
        let recorded = story.attempt(at(0, 14, 0, 0), Some(at(0, 20, 0, 0)), "DF-NOBODY");
        let Standing::Accepted(receipt) = &mut recorded.standing else { panic!() };
        receipt.acted.from = Some(from);
        let finding = story.finding("LIA-04", LATER).unwrap();
        let other: Vec<String> = finding.otherwise.iter().filter_map(|o| o.outlet.as_ref().map(ToString::to_string)).collect();
        (outlet(&finding).to_owned(), other)
    };
    // The pack trusts a gap of twelve hours.
    assert_eq!(found(at(0, 8, 0, 0)), ("0755".to_owned(), vec![]), "its clock proves that it was after the second row");
    assert_eq!(found(at(0, 8, 0, 0).plus(-1)), ("0755".to_owned(), vec!["0412".to_owned()]), "it only says so");
}

#[test]
fn a_message_to_a_number_that_only_the_phone_says_is_on_the_label_proves_nothing() {
    let friend = Sms { to: Personal::plain("13911112222").unwrap(), mark: mark("13911112222"), ..message(None) };
    let counts = |check: FactsCheck| {
        let mut story = Story::new();
        let altered = Facts { mobile: Some(mark("13911112222")), ..facts() };
        attempt(&mut story, altered, check);
        if check == FactsCheck::Altered {
            listed(&mut story, at(0, 6, 0, 0), facts());
        }
        let attempt = story.entries[0].entry.key.clone();
        let sms = Sms { attempt: Some(attempt), ..friend.clone() };
        let key = story.sms(at(0, 14, 5, 0), sms, SmsState::Sent);
        for recorded in story.entries.iter_mut().filter(|r| matches!(r.entry.body, Body::Sms(_) | Body::SmsReport(_))) {
            recorded.entry.facts = None;
        }
        let judged = story.judge(LATER);
        judged.messages.iter().find(|message| message.entry == key).unwrap().counts()
    };
    assert!(counts(FactsCheck::Equal), "if that were the label's number");
    assert!(!counts(FactsCheck::Altered));
}

// rules: SMS-5
#[test]
fn a_label_that_is_said_to_have_no_mobile_is_flagged_where_the_list_has_one() {
    let flagged = |sub: &str, row: Facts| {
        let mut story = Story::new();
        let body = Body::Attempt(Attempt { sub: Some(code(sub)), ..Attempt::of(code("DF-PHONE")) });
        let recorded = story.add(&COURIER, at(0, 14, 0, 0), Some(at(0, 14, 0, 0)), body);
        recorded.entry.facts = Some(Facts { mobile: None, ..facts() });
        compared(recorded, FactsCheck::Altered);
        listed(&mut story, at(0, 6, 0, 0), row);
        story.judge(LATER).flags.contains(&Flag::NumberListed)
    };
    assert!(flagged("missing_mobile", facts()), "whatever the phone's copy says");
    assert!(flagged("missing_mobile", Facts { mobile: None, virtual_mobile: facts().mobile, ..facts() }));
    assert!(!flagged("missing_mobile", Facts { mobile: None, ..facts() }), "the list has none");
    assert!(!flagged("wrong", facts()), "a wrong number is one");
}

#[test]
fn arrival_and_entry_times_are_the_rows() {
    let mut story = Story::new();
    let problem = Problem::of(code("CD-DAMAGE"), Stage::Arrival);
    let recorded = story.add(&WEST, at(0, 9, 0, 0), Some(at(0, 9, 0, 0)), Body::Problem(problem));
    recorded.entry.facts = Some(Facts { arrival: Some(at(0, 23, 0, 0)), ..facts() });
    compared(recorded, FactsCheck::Altered);
    listed(&mut story, at(0, 6, 0, 0), facts());
    let by_row: Vec<_> = story.judge(LATER).deadlines.into_iter().map(|d| (d.clock, d.started_at, d.due_at)).collect();
    story.entries[0].entry.facts = Some(facts());
    compared(&mut story.entries[0], FactsCheck::Equal);
    let honest: Vec<_> = story.judge(LATER).deadlines.into_iter().map(|d| (d.clock, d.started_at, d.due_at)).collect();
    assert_eq!(by_row, honest);
    assert!(!by_row.is_empty());
}
