//! Money: the duties of finance by kind of problem, what is due at the door, and acts that are told to be premature.

use doorstep_domain::*;
use doorstep_rules::*;

use crate::story::*;

/// A parcel with 300 yuan to collect.
fn parcel() -> Story {
    let mut story = Story::by(version_of("qinghe", 2));
    story.facts.cod = Fen(30_000);
    story
}

/// What is to be written into ledgers: the outlet and the step.
fn to_book(story: &Story, now: UnixMs) -> Vec<String> {
    let duties = story.judge(now).duties;
    let books = duties.iter().filter(|duty| duty.kind == DutyKind::Ledger);
    books.map(|duty| format!("{} {}", duty.outlet.as_ref().unwrap(), duty.step.as_deref().unwrap_or("-"))).collect()
}

fn line(story: &mut Story, when: UnixMs, (book, change): (Book, &str), fen: i64) -> EntryKey {
    let line = Ledger { book, change: code(change), amount: Some(Fen(fen)), letter: None, slip: false, words: None };
    story.online(&FINANCE, when, Body::Ledger(line))
}

fn signed() -> Body {
    Body::Close(Close::of(code("SIGNED")))
}

fn why(story: &Story, now: UnixMs, body: &Body) -> Option<Premature> {
    premature(&story.case(), &story.book, now, body)
}

/// A problem with money that is notified, and answered with a change of what is to pay.
fn answered(reason: &str) -> Story {
    let mut story = Story::by(version_of("zto-process", 2));
    story.online(&WEST, at(0, 9, 0, 0), Body::Problem(Problem::of(code(reason), Stage::Delivery)));
    story.notice(at(0, 9, 5, 0), Some(at(0, 9, 5, 0)), "0571");
    let before = to_book(&story, at(0, 9, 6, 0));
    // The card of a freight change names the ledger before the reply.
    assert_eq!(before.is_empty(), reason != "MN-FREIGHT", "{reason}: {before:?}");
    story.online(&ORIGIN, at(0, 10, 0, 0), Body::Reply(full("PAY_CHANGE")));
    story
}

#[test]
fn each_kind_of_money_problem_is_finances_to_book_after_the_reply_and_no_more_once_its_line_is_written() {
    let kinds = [
        ("MN-COD", "ledger_cod", Book::Cod),
        ("MN-FREIGHT", "ledger_collect", Book::FreightCollect),
        ("CD-WEIGHT", "ledger_collect", Book::FreightCollect),
    ];
    for (reason, step, book) in kinds {
        let mut story = answered(reason);
        let due = to_book(&story, at(0, 10, 1, 0));
        assert!(due.contains(&format!("0571 {step}")), "{reason}: {due:?}");
        line(&mut story, at(0, 10, 30, 0), (book, "cod_change"), 20_000);
        let left = to_book(&story, at(0, 10, 31, 0));
        assert!(!left.contains(&format!("0571 {step}")), "{reason}: {left:?}");
    }
}

#[test]
fn a_parcel_with_cod_does_not_end_before_its_money_and_the_newest_change_of_the_amount_is_what_is_due() {
    let mut story = parcel();
    story.attempt(at(0, 9, 0, 0), Some(at(0, 9, 0, 0)), "DF-NOBODY");
    let due = |story: &Story| match why(story, at(0, 12, 0, 0), &signed()) {
        Some(Premature::NotHandedIn { due }) => due.0,
        None => 0,
        other => panic!("{other:?}"),
    };
    assert_eq!(due(&story), 30_000);
    line(&mut story, at(0, 10, 0, 0), (Book::FreightCollect, "collected"), 30_000);
    assert_eq!(due(&story), 30_000, "another register says nothing of it");
    line(&mut story, at(0, 10, 1, 0), (Book::Cod, "cod_change"), 25_000);
    let second = line(&mut story, at(0, 10, 2, 0), (Book::Cod, "cod_change"), 20_000);
    assert_eq!(due(&story), 20_000);
    let wrong = Correction { of: second, fault: Fault::IncorrectData, same_as: None, words: said("记错").unwrap() };
    story.online(&FINANCE, at(0, 10, 3, 0), Body::Correction(wrong));
    assert_eq!(due(&story), 25_000, "what was taken back changes nothing");
    line(&mut story, at(0, 10, 4, 0), (Book::Cod, "cod_change"), 0);
    assert_eq!(due(&story), 0, "nothing is to be collected any more");
    line(&mut story, at(0, 10, 5, 0), (Book::Cod, "cod_change"), 25_000);
    assert_eq!(due(&story), 25_000);
    line(&mut story, at(0, 11, 0, 0), (Book::Cod, "collected"), 25_000);
    assert_eq!(due(&story), 0);
}

#[test]
fn a_return_needs_no_money_and_a_parcel_is_not_signed_for_against_its_return() {
    let mut story = parcel();
    story.attempt(at(0, 9, 0, 0), Some(at(0, 9, 0, 0)), "DF-REFUSE");
    story.notice(at(0, 9, 5, 0), Some(at(0, 9, 5, 0)), "0571");
    story.online(&ORIGIN, at(0, 10, 0, 0), Body::Reply(full("RETURN")));
    let against = why(&story, at(0, 11, 0, 0), &signed());
    assert!(matches!(&against, Some(Premature::AgainstReply { decision }) if decision.en.contains("eturn")), "{against:?}");
    assert_eq!(why(&story, at(0, 11, 0, 0), &Body::Close(Close::of(code("RETURNED")))), None);
    assert_eq!(to_book(&story, at(0, 11, 0, 0)), [""; 0], "money that nobody collects is nobody's to book");
}

#[test]
fn money_that_was_not_handed_in_when_the_parcel_was_signed_for_stays_due_after_its_end() {
    let mut story = parcel();
    story.attempt(at(0, 9, 0, 0), Some(at(0, 9, 0, 0)), "DF-NOBODY");
    story.close(at(0, 12, 0, 0), "SIGNED");
    assert_eq!(to_book(&story, at(0, 12, 1, 0)), ["0412 collected"]);
    line(&mut story, at(0, 13, 0, 0), (Book::Cod, "collected"), 30_000);
    let left = to_book(&story, at(0, 13, 1, 0));
    assert!(!left.contains(&"0412 collected".to_owned()), "{left:?}");
}

#[test]
fn a_phone_notice_and_a_reply_that_lack_something_are_told_with_what_they_lack() {
    let mut story = parcel();
    story.attempt(at(0, 18, 0, 0), None, "DF-NOBODY");
    let outage = |contact: &str, phone: Option<Personal>, reason: OutageReason| {
        let (phoned_at, outlet) = (Some(at(0, 18, 5, 0)), Some("0571".parse().unwrap()));
        Body::Outage(Outage { reason, contact: said(contact), phone, phoned_at, outlet, said: None })
    };
    let reason = *OutageReason::ALL.first().unwrap();
    assert_eq!(
        why(&story, at(0, 18, 6, 0), &outage(" ", None, reason)),
        Some(Premature::OutageLacks { needs: vec!["contact", "phone"] })
    );
    assert_eq!(why(&story, at(0, 18, 6, 0), &outage("李敏", said("0571-88001234"), reason)), None);
    story.notice(at(0, 18, 10, 0), Some(at(0, 18, 10, 0)), "0571");
    let bare = Body::Reply(Reply::of(code("ADDR_CHANGE")));
    let lacks = why(&story, at(0, 19, 0, 0), &bare);
    assert!(matches!(&lacks, Some(Premature::ReplyLacks { needs }) if needs.iter().any(|need| need == "address")), "{lacks:?}");
    assert_eq!(why(&story, at(0, 19, 0, 0), &Body::Reply(full("ADDR_CHANGE"))), None);
}
