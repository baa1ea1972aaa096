//! What a reply and an action need, by the problem's code.

use doorstep_domain::*;
use doorstep_rules::*;

use super::{by, failed, noticed, problem, tick, told};
use crate::story::*;

/// A problem of Monday 9:00, told at 9:30, and the origin outlet's reply of 11:00.
fn replied(pack: &str, version: u32, reason: &str, reply: Reply) -> Story {
    let mut story = by(pack, version);
    if reason.starts_with("DF-") {
        failed(&mut story, at(0, 9, 0, 0), reason);
    } else {
        problem(&mut story, at(0, 9, 0, 0), reason, Stage::Delivery);
    }
    noticed(&mut story, at(0, 9, 30, 0));
    story.online(&ORIGIN, at(0, 11, 0, 0), Body::Reply(reply));
    story
}

fn validity(story: &Story) -> Validity {
    story.judge(at(0, 12, 0, 0)).replies[0].validity.clone()
}

fn lacks(need: &str) -> Validity {
    Validity::Lacks { needs: vec![need.to_owned()] }
}

// rules: MN-COD, MN-FREIGHT, MN-RECEIPT, CD-WEIGHT, EV-5
#[test]
fn a_reply_needs_the_letter_for_cod_money_and_a_return_receipt_and_not_for_freight_or_weight() {
    let unlettered = |decision: &str| Reply { letter: None, ..full(decision) };
    for (reason, decision, needs) in [
        ("MN-COD", "PAY_CHANGE", true),
        ("MN-FREIGHT", "PAY_CHANGE", false),
        ("CD-WEIGHT", "PAY_CHANGE", false),
        ("DF-REFUSE", "PAY_CHANGE", false),
        ("MN-RECEIPT", "RECEIPT_CHANGE", true),
    ] {
        assert_eq!(validity(&replied("zto-process", 1, reason, unlettered(decision))), lacks("letter"), "{reason}: as before");
        let story = replied("zto-process", 2, reason, unlettered(decision));
        assert_eq!(validity(&story), if needs { lacks("letter") } else { Validity::Valid }, "{reason}");
        assert_eq!(validity(&replied("zto-process", 2, reason, full(decision))), Validity::Valid, "{reason} with the letter");
    }
    let cod = replied("zto-process", 2, "MN-COD", unlettered("PAY_CHANGE"));
    let told = told(&cod, "SLA-05", at(0, 12, 0, 0));
    assert!(told.contains("改货款必须有确认函") && told.contains("this reply does not count, it lacks"), "{told}");
}

// rules: MN-COD
#[test]
fn a_change_of_cod_money_that_is_registered_after_a_reply_takes_nothing_from_it() {
    let valid = |registered: UnixMs| {
        let mut story = replied("zto-process", 2, "MN-FREIGHT", Reply { letter: None, ..full("PAY_CHANGE") });
        problem(&mut story, registered, "MN-COD", Stage::Delivery);
        validity(&story)
    };
    assert_eq!((valid(at(0, 11, 0, 0)), valid(at(0, 11, 0, 1))), (lacks("letter"), Validity::Valid));
}

// rules: MN-COD, MN-FREIGHT, CD-WEIGHT, EV-5
#[test]
fn a_change_of_money_is_done_with_the_ledger_and_for_cod_money_with_a_verified_letter_too() {
    let done = |version: u32, reason: &str, letter: bool, verified: bool, ledger: bool| {
        let mut story = by("zto-process", version);
        problem(&mut story, at(0, 9, 0, 0), reason, Stage::Delivery);
        if letter {
            story.photo(at(0, 9, 10, 0), PhotoPurpose::Letter);
        }
        if verified {
            tick(&mut story, &WEST, at(0, 9, 20, 0), "verify_letter");
        }
        if ledger {
            let line =
                Ledger { book: Book::ALL[0], change: code("cod_change"), amount: None, letter: None, slip: false, words: None };
            story.online(&FINANCE, at(0, 9, 30, 0), Body::Ledger(line));
        }
        story.online(&WEST, at(0, 10, 0, 0), Body::Action(Action::of(code("PAY_CHANGE"))));
        let judged = story.judge(at(0, 11, 0, 0));
        assert_eq!(judged.state == State::ActionDone, !judged.flags.contains(&Flag::ActionUnproven));
        judged.state == State::ActionDone
    };
    for reason in ["MN-FREIGHT", "CD-WEIGHT"] {
        assert!(done(2, reason, false, false, true) && !done(2, reason, true, true, false), "{reason}");
        assert!(!done(1, reason, false, false, true) && done(1, reason, true, false, true), "{reason}: as before");
    }
    assert!(done(2, "MN-COD", true, true, true) && done(1, "MN-COD", true, false, true));
    for (letter, verified, ledger) in [(false, true, true), (true, false, true), (true, true, false)] {
        assert!(!done(2, "MN-COD", letter, verified, ledger), "{letter} {verified} {ledger}");
    }
}

// rules: X-4, DF-REFUSE
#[test]
fn a_return_needs_the_senders_decision_and_asks_who_pays() {
    let unpaid = Reply { payer: None, ..full("RETURN") };
    let undecided = Reply { agreed_by: None, ..full("RETURN") };
    for pack in ["qinghe", "zto-process"] {
        assert_eq!(validity(&replied(pack, 1, "DF-REFUSE", unpaid.clone())), lacks("payer"), "{pack}: as before");
        assert_eq!(validity(&replied(pack, 2, "DF-REFUSE", unpaid.clone())), Validity::Valid, "{pack}");
        for version in [1, 2] {
            assert_eq!(validity(&replied(pack, version, "DF-REFUSE", undecided.clone())), lacks("sender_agrees"), "{pack}");
        }
        let asks = version_of(pack, 2).outcome("RETURN").unwrap().reply_asks.clone();
        assert_eq!(asks.iter().map(|ask| ask.0.as_str()).collect::<Vec<_>>(), ["payer"], "it is asked for");
    }
}

// rules: TR-RETURN
#[test]
fn where_the_pack_says_who_pays_the_reply_says_the_same() {
    let paid = |version: u32, sub: Option<&str>, payer: Option<Payer>| {
        let mut story = by("cs-generic", version);
        let problem = Problem { sub: sub.map(code), ..Problem::of(code("TR-RETURN"), Stage::Service) };
        story.online(&WEST, at(0, 9, 0, 0), Body::Problem(problem));
        noticed(&mut story, at(0, 9, 30, 0));
        story.online(&ORIGIN, at(0, 11, 0, 0), Body::Reply(Reply { payer, ..full("RETURN") }));
        validity(&story)
    };
    for (sub, payer) in [(Some("quality"), Payer::Sender), (Some("other"), Payer::Recipient), (None, Payer::Recipient)] {
        for named in [None, Some(Payer::Sender), Some(Payer::Recipient), Some(Payer::OriginOutlet)] {
            let expected = if named == Some(payer) { Validity::Valid } else { lacks("payer") };
            assert_eq!(paid(2, sub, named), expected, "{sub:?} {named:?}");
            assert_eq!(paid(1, sub, named), Validity::Valid, "as before");
        }
    }
    let other = replied("cs-generic", 2, "CD-DAMAGE", Reply { payer: None, ..full("RETURN") });
    assert_eq!(validity(&other), Validity::Valid, "no rule, no demand");
}
