//! The number to which an SMS goes by default, and the marks by which numbers are known.

use doorstep_domain::*;
use doorstep_rules::{
    sms::{NoNumber, Numbers},
    *,
};
use sha2::{Digest as _, Sha256};

use crate::{messages::*, story::*};

const VIRTUAL: &str = "18412348075转7839";
const NOW: (i64, i64) = (0, 18);

fn plain(text: &str) -> Personal {
    Personal::plain(text).unwrap()
}

fn row(label: Option<&str>, virtual_number: Option<&str>) -> Parcel {
    let facts = facts();
    Parcel {
        waybill: facts.waybill,
        network: facts.network,
        origin_outlet: facts.origin_outlet.unwrap(),
        delivering_outlet: facts.delivering_outlet.unwrap(),
        courier: None,
        recipient_name: plain("王小花"),
        recipient_phone: label.map(plain),
        virtual_number: virtual_number.map(|text| VirtualNumber { number: plain(text), expires_at: Some(at(1, 0, 0, 0)) }),
        recipient_address: plain("青禾路1号"),
        cod: Fen(0),
        theoretical_arrival: None,
        hub: None,
        entered_at: None,
        children: vec![],
        details: Details::default(),
    }
}

/// The number that an SMS goes to by default.
fn default(story: &Story, row: &Parcel) -> Result<String, NoNumber> {
    let (case, now) = (story.case(), at(NOW.0, NOW.1, 0, 0));
    let numbers = Numbers::of(&case, &story.book, now);
    numbers.by_default(Some(row), now).map(|number| number.text().unwrap().to_owned())
}

fn gives(story: &mut Story, minute: i64, number: &str) {
    let reply = Reply { phone: said(number), ..full("REDELIVER") };
    story.online(&ORIGIN, at(0, 15, minute, 0), Body::Reply(reply));
}

#[test]
fn the_number_is_the_origins_then_the_virtual_one_then_the_labels() {
    let (mut story, _) = attempted();
    assert_eq!(default(&story, &row(Some(MOBILE), Some(VIRTUAL))).unwrap(), VIRTUAL);
    assert_eq!(default(&story, &row(Some(MOBILE), None)).unwrap(), MOBILE);
    assert_eq!(default(&story, &row(None, None)), Err(NoNumber::None));
    // A number that takes no SMS is passed over.
    assert_eq!(default(&story, &row(Some(MOBILE), Some("0571-88001234"))).unwrap(), MOBILE);
    assert_eq!(default(&story, &row(Some("138****0000"), Some(VIRTUAL))).unwrap(), VIRTUAL);
    assert_eq!(default(&story, &row(Some("138****0000"), None)), Err(NoNumber::Unusable(NumberFault::Masked)));
    assert_eq!(default(&story, &row(Some("1.38E+10"), None)), Err(NoNumber::Unusable(NumberFault::Spreadsheet)));
    gives(&mut story, 1, "139 1111 2222");
    gives(&mut story, 2, "0571-88001234");
    assert_eq!(default(&story, &row(Some(MOBILE), Some(VIRTUAL))).unwrap(), "139 1111 2222");
    gives(&mut story, 3, "13922223333");
    assert_eq!(default(&story, &row(Some(MOBILE), None)).unwrap(), "13922223333", "the newest");
    // Another outlet supplies no numbers.
    let reply = Reply { phone: said("13944445555"), ..full("REDELIVER") };
    story.online(&WEST, at(0, 15, 9, 0), Body::Reply(reply));
    assert_eq!(default(&story, &row(Some(MOBILE), None)).unwrap(), "13922223333");
}

#[test]
fn a_number_that_failed_as_a_number_is_left_out_until_the_origin_confirms_it() {
    let label = row(Some("+86 138 0000 0000"), None);
    for (fault, expected) in [(SmsFault::Number, Err(NoNumber::Wrong)), (SmsFault::NoService, Ok("+86 138 0000 0000".to_owned()))]
    {
        let (mut story, attempt) = attempted();
        let key = story.again(&attempt.clone(), &COURIER, at(0, 14, 1, 0), Body::Sms(message(Some(attempt))));
        let failed = SmsReport { fault: Some(fault), ..report(&key, SmsState::Failed) };
        story.again(&key, &COURIER, at(0, 14, 2, 0), Body::SmsReport(failed));
        assert_eq!(default(&story, &label), expected, "{fault:?}");
        gives(&mut story, 1, MOBILE);
        assert_eq!(default(&story, &label).unwrap(), MOBILE, "the origin says that it is right");
    }
    // A report by somebody who could not know has no effect.
    let (mut story, attempt) = attempted();
    let key = story.again(&attempt.clone(), &COURIER, at(0, 14, 1, 0), Body::Sms(message(Some(attempt))));
    let failed = SmsReport { fault: Some(SmsFault::Number), ..report(&key, SmsState::Failed) };
    story.online(&WEST, at(0, 14, 2, 0), Body::SmsReport(failed));
    assert!(default(&story, &label).is_ok());
}

#[test]
fn an_attempt_with_a_wrong_number_makes_the_known_numbers_wrong() {
    let label = row(Some(MOBILE), None);
    for (sub, expected) in
        [(None, Err(NoNumber::Wrong)), (Some("wrong"), Err(NoNumber::Wrong)), (Some("missing_mobile"), Ok(MOBILE.to_owned()))]
    {
        let mut story = Story::new();
        let attempt = Attempt { sub: sub.map(code), ..Attempt::of(code("DF-PHONE")) };
        story.online(&COURIER, at(0, 14, 0, 0), Body::Attempt(attempt));
        assert_eq!(default(&story, &label), expected, "{sub:?}");
        gives(&mut story, 1, "13911112222");
        assert_eq!(default(&story, &label).unwrap(), "13911112222");
        // The new one is wrong too.
        story.online(&COURIER, at(0, 16, 0, 0), Body::Attempt(Attempt::of(code("DF-PHONE"))));
        assert_eq!(default(&story, &label), Err(NoNumber::Wrong));
        // The list has another number since then.
        assert_eq!(default(&story, &row(Some("13955556666"), None)).unwrap(), "13955556666");
    }
}

#[test]
fn a_number_at_which_a_stranger_answered_is_wrong() {
    for (result, is_wrong) in [(CallResult::Wrong, true), (CallResult::NotExist, true), (CallResult::Off, false)] {
        let (mut story, _) = attempted();
        let call = Call { number: said("138-0000-0000"), ..Call::of(result) };
        story.online(&COURIER, at(0, 14, 1, 0), Body::Call(call));
        assert_eq!(default(&story, &row(Some(MOBILE), None)).is_err(), is_wrong, "{result:?}");
        assert_eq!(default(&story, &row(Some(MOBILE), Some(VIRTUAL))).unwrap(), VIRTUAL);
    }
}

/// The mark that an earlier device made of a number.
fn earlier(digits: &str) -> [u8; 8] {
    let case = facts().network;
    let case = CaseId::of(&case, &facts().waybill);
    let digest: [u8; 32] = Sha256::new().chain_update("mobile/v1").chain_update(case).chain_update(digits).finalize().into();
    *digest.first_chunk().unwrap()
}

/// The lacks of a message that was sent to a number, where the list's facts have a mark.
fn lacks(listed: Option<[u8; 8]>, to: &str, mark: [u8; 8]) -> Vec<SmsLack> {
    let mut story = Story::new();
    story.facts.mobile = listed;
    let attempt = story.attempt(at(0, 14, 0, 0), Some(at(0, 14, 0, 0)), "DF-NOBODY").entry.key.clone();
    story.sms(at(0, 14, 1, 0), Sms { to: plain(to), mark, ..message(Some(attempt)) }, SmsState::Sent);
    only(&story).lacks
}

#[test]
fn a_message_counts_whichever_reading_made_its_mark_and_the_labels() {
    let (old, new) = (earlier("184123480757839"), mark("18412348075"));
    assert_eq!(mark(VIRTUAL), new);
    for (listed, of_sms) in [(old, old), (new, new), (old, new), (new, old)] {
        assert_eq!(lacks(Some(listed), VIRTUAL, of_sms), [], "{listed:?} {of_sms:?}");
    }
    // An entry of an earlier device keeps its verdict, although its number is none by today's reading.
    assert_eq!(lacks(Some(earlier("13810")), "1.38E+10", earlier("13810")), []);
    assert_eq!(lacks(None, "1.38E+10", earlier("13810")), [SmsLack::OtherNumber]);
    assert_eq!(lacks(Some(new), "18412348076转7839", mark("18412348076")), [SmsLack::OtherNumber]);
    assert_eq!(lacks(Some(old), VIRTUAL, mark("18412348076")), [SmsLack::OtherNumber], "the mark is not its number's");
}

#[test]
fn copies_that_head_office_found_equal_do_not_disagree_although_their_marks_differ() {
    let mut story = Story::new();
    for (n, mobile) in [earlier("184123480757839"), mark(VIRTUAL)].into_iter().enumerate() {
        story.facts.mobile = Some(mobile);
        let attempt = story.attempt(at(0, 14, n as i64, 0), Some(at(0, 14, n as i64, 0)), "DF-NOBODY");
        let Standing::Accepted(receipt) = &mut attempt.standing else { panic!("accepted") };
        receipt.facts = FactsCheck::Equal;
    }
    assert!(!story.case().facts_disagree);
    story.facts.mobile = Some(mark("13911112222"));
    let attempt = story.attempt(at(0, 15, 0, 0), Some(at(0, 15, 0, 0)), "DF-NOBODY");
    let Standing::Accepted(receipt) = &mut attempt.standing else { panic!("accepted") };
    receipt.facts = FactsCheck::Unchecked;
    assert!(story.case().facts_disagree, "nobody has compared this one");
}

#[test]
fn a_message_that_was_stopped_proves_no_fault_of_the_number() {
    // The report of the end may have the time of the call, and then any order.
    for (minute, was_handed_over, proves) in [(6, false, false), (5, false, false), (6, true, true)] {
        let mut story = Story::by(version_of("qinghe", 2));
        let attempt = story.attempt(at(0, 14, 0, 0), Some(at(0, 14, 0, 0)), "DF-NOBODY").entry.key.clone();
        let key = story.again(&attempt.clone(), &COURIER, at(0, 14, 1, 0), Body::Sms(message(Some(attempt))));
        let by_server = |state, fault| Body::SmsReport(SmsReport { way: SmsWay::Gateway, fault, ..report(&key, state) });
        if was_handed_over {
            story.online(&SERVER, at(0, 14, 2, 0), by_server(SmsState::Submitting, None));
        }
        let call = Call { number: said(MOBILE), ..Call::of(CallResult::Wrong) };
        let call = story.online(&COURIER, at(0, 14, 5, 0), Body::Call(call));
        story.online(&SERVER, at(0, 14, minute, 0), by_server(SmsState::Failed, Some(SmsFault::Number)));
        if minute == 5 {
            story.entries.iter_mut().last().unwrap().entry.key.tag = Tag::of(&InstallId::new([0; 16]));
        }
        let judged = story.judge(at(0, 15, 0, 0));
        assert_eq!(judged.flags.contains(&Flag::Leniency), proves, "no network has refused it");
        assert_eq!(judged.messages[0].lacks.contains(&SmsLack::NumberWrong), !proves);
        assert!(!judged.messages[0].is_open());
        // The call was a mistake: what rested on it falls with it.
        let words = plain("打错了");
        let correction = Correction { of: call.clone(), fault: doorstep_domain::Fault::DidNotOccur, same_as: None, words };
        story.again(&call, &COURIER, at(0, 14, 7, 0), Body::Correction(correction));
        assert_eq!(default(&story, &row(Some(MOBILE), None)).is_err(), proves);
    }
}
