//! The customer's SMS: how far it got, and whether it proves the day's attempt (domain 5).

use doorstep_domain::*;
use doorstep_rules::{sms::*, *};
use proptest::prelude::*;

use crate::story::*;

/// A case with one attempt at 14:00, and its key.
pub fn attempted() -> (Story, EntryKey) {
    let mut story = Story::new();
    let key = story.attempt(at(0, 14, 0, 0), Some(at(0, 14, 0, 0)), "DF-NOBODY").entry.key.clone();
    (story, key)
}

pub fn only(story: &Story) -> Message {
    let mut messages = story.judge(at(1, 12, 0, 0)).messages;
    assert_eq!(messages.len(), 1);
    messages.remove(0)
}

/// The lacks of a message that was sent at 14:01.
fn lacks(edit: impl FnOnce(Sms) -> Sms) -> Vec<SmsLack> {
    let (mut story, attempt) = attempted();
    story.sms(at(0, 14, 1, 0), edit(message(Some(attempt))), SmsState::Sent);
    only(&story).lacks
}

// rules: SMS-2, SMS-4, X-3
#[test]
fn a_message_counts_only_if_text_number_template_and_day_are_right() {
    assert_eq!(lacks(|sms| sms), []);
    assert_eq!(lacks(|sms| Sms { has_surname: false, ..sms }), [SmsLack::NoSurname]);
    assert_eq!(lacks(|sms| Sms { has_waybill: false, ..sms }), [SmsLack::NoWaybill]);
    let text = |text: &str| (Personal::plain(text).unwrap(), Sms::digest_of(text));
    let (other, digest) = text("王先生，单号：QH310000000025");
    assert_eq!(lacks(|sms| Sms { text: other.clone(), digest, ..sms }), [SmsLack::NoWaybill], "whatever its writer says");
    assert_eq!(lacks(|sms| Sms { digest: [0; 32], ..sms }), [SmsLack::TextAltered]);
    assert_eq!(lacks(|sms| Sms { template: None, template_version: 0, ..sms }), [SmsLack::TemplateInactive]);
    assert_eq!(lacks(|sms| Sms { template_version: 2, ..sms }), [SmsLack::TemplateInactive]);
    assert_eq!(lacks(|sms| Sms { mark: mark("13800000001"), ..sms }), [SmsLack::OtherNumber]);
    // Sealed and erased texts are taken at their hash.
    let sealed = Personal::from_bytes(&[1, 1, 7, 9, 9]).unwrap();
    assert_eq!(lacks(|sms| Sms { text: sealed, ..sms }), []);
}

// rules: SMS-4
#[test]
fn the_neutral_form_is_head_offices_own_and_counts_for_nothing_whatever_its_writer_says() {
    let neutral = |sms: Sms| {
        let text = sms.text.text().unwrap().replace("王先生/女士", "尊敬的客户");
        Sms { digest: Sms::digest_of(&text), text: Personal::plain(&text).unwrap(), ..sms }
    };
    assert_eq!(lacks(neutral), [SmsLack::NoSurname]);
    assert_eq!(lacks(|sms| Sms { has_surname: false, ..neutral(sms) }), [SmsLack::NoSurname]);
    let altered = |sms: Sms| {
        let text = sms.text.text().unwrap().replace("王先生/女士", "尊敬的老客户");
        Sms { digest: Sms::digest_of(&text), text: Personal::plain(&text).unwrap(), ..sms }
    };
    assert_eq!(lacks(altered), [SmsLack::TextAltered]);
    assert_eq!(lacks(|sms| Sms { template: None, template_version: 0, ..neutral(sms) }), [SmsLack::TemplateInactive]);
}

// rules: SMS-2, SMS-3
#[test]
fn it_must_leave_on_the_day_of_the_attempt_by_the_networks_clocks() {
    for (sent, expected) in [(at(0, 23, 59, 59), vec![]), (at(1, 0, 0, 0), vec![SmsLack::OtherDay])] {
        let (mut story, attempt) = attempted();
        let key = story.again(&attempt.clone(), &COURIER, at(0, 14, 1, 0), Body::Sms(message(Some(attempt))));
        assert_eq!(only(&story).lacks, [SmsLack::NotSent], "queued does not count");
        story.again(&key, &COURIER, sent, Body::SmsReport(report(&key, SmsState::Sent)));
        assert_eq!(only(&story).lacks, expected);
    }
}

// rules: SMS-2
#[test]
fn what_the_operator_says_of_when_it_left_is_head_offices_to_report() {
    let lacks = |by: &By, way: SmsWay| {
        let (mut story, attempt) = attempted();
        let key = story.again(&attempt.clone(), &COURIER, at(0, 14, 1, 0), Body::Sms(message(Some(attempt))));
        let dated = SmsReport { way, at: Some(at(0, 14, 1, 0)), ..report(&key, SmsState::Sent) };
        story.again(&key, by, at(1, 9, 0, 0), Body::SmsReport(dated));
        only(&story).lacks
    };
    assert_eq!(lacks(&SERVER, SmsWay::Gateway), []);
    assert_eq!(lacks(&COURIER, SmsWay::Phone), [SmsLack::OtherDay], "a phone dates nothing back to its attempt's day");
}

// rules: SMS-2
#[test]
fn each_state_has_its_level_and_counts_from_handed_over_on() {
    let expected = [
        (SmsState::Queued, SmsLevel::Composed),
        (SmsState::Submitting, SmsLevel::Composed),
        (SmsState::Uncertain, SmsLevel::Composed),
        (SmsState::Cancelled, SmsLevel::Composed),
        (SmsState::Expired, SmsLevel::Composed),
        (SmsState::HandedOver, SmsLevel::HandedOver),
        (SmsState::Failed, SmsLevel::Failed),
        (SmsState::Sent, SmsLevel::Sent),
        (SmsState::Undelivered, SmsLevel::Failed),
        (SmsState::Delivered, SmsLevel::Delivered),
    ];
    for (state, level) in expected {
        let (mut story, attempt) = attempted();
        story.sms(at(0, 14, 1, 0), message(Some(attempt)), state);
        let message = only(&story);
        assert_eq!((message.state, message.level, message.counts()), (state, level, level >= SmsLevel::HandedOver));
        let judged = story.judge(at(0, 15, 0, 0));
        assert_eq!(judged.flags.contains(&Flag::AttemptProven), message.counts());
        assert_eq!(judged.flags.contains(&Flag::SmsUncertain), state == SmsState::Uncertain);
        assert_eq!(judged.missing.iter().any(|gap| gap.evidence == "sms"), !message.counts());
    }
}

#[test]
fn what_the_phone_could_not_send_after_all_counts_no_more() {
    let (mut story, attempt) = attempted();
    let key = story.sms(at(0, 14, 1, 0), message(Some(attempt)), SmsState::HandedOver);
    let is_done = |story: &Story| {
        let cards = story.judge(at(0, 15, 0, 0)).cards;
        !cards[0].steps.iter().find(|line| line.step == "sms").unwrap().done.is_empty()
    };
    assert!(only(&story).counts() && is_done(&story));
    story.again(&key, &COURIER, at(0, 14, 2, 0), Body::SmsReport(report(&key, SmsState::Failed)));
    assert!(!is_done(&story), "the step of the card is to be done again");
    let failed = only(&story);
    assert_eq!((failed.state, failed.level, failed.sent_at, failed.times), (SmsState::Failed, SmsLevel::Failed, None, 0));
    let again = SmsReport { round: 1, ..report(&key, SmsState::Sent) };
    story.again(&key, &COURIER, at(0, 14, 3, 0), Body::SmsReport(again));
    assert!(only(&story).counts());
}

#[test]
fn the_gateway_with_a_receipt_is_e5_and_only_the_server_speaks_for_it() {
    let (mut story, attempt) = attempted();
    let key = story.again(&attempt.clone(), &COURIER, at(0, 14, 1, 0), Body::Sms(message(Some(attempt))));
    let by_gateway = |state| Body::SmsReport(SmsReport { way: SmsWay::Gateway, ..report(&key, state) });
    story.again(&key, &COURIER, at(0, 14, 2, 0), by_gateway(SmsState::Delivered));
    let forged = only(&story);
    assert_eq!((forged.state, forged.foreign), (SmsState::Queued, true), "a phone does not speak for the gateway");
    assert!(forged.lacks.contains(&SmsLack::SenderUnauthorised));
    let sent = story.online(&SERVER, at(0, 14, 3, 0), by_gateway(SmsState::Sent));
    assert_eq!(only(&story).level, SmsLevel::Sent);
    story.again(&sent, &SERVER, at(0, 14, 4, 0), by_gateway(SmsState::Delivered));
    let message = only(&story);
    assert_eq!((message.level, message.counts(), message.sent_at), (SmsLevel::Gateway, true, Some(at(0, 14, 3, 0))));
}

#[test]
fn whoever_recorded_neither_attempt_nor_message_needs_the_servers_lease() {
    let (mut story, attempt) = attempted();
    // The tablet writes the message for the courier's attempt.
    let key = story.online(&WEST, at(0, 14, 1, 0), Body::Sms(message(Some(attempt.clone()))));
    story.again(&key, &WEST, at(0, 14, 2, 0), Body::SmsReport(report(&key, SmsState::Sent)));
    assert_eq!(only(&story).lacks, [SmsLack::NotSent, SmsLack::SenderUnauthorised]);
    assert!(story.judge(at(0, 15, 0, 0)).flags.contains(&Flag::SmsUnauthorised));
    let lease = SmsReport { holder: Some(key.tag), ..report(&key, SmsState::Leased) };
    // A device does not lease, not even to itself.
    story.again(&key, &WEST, at(0, 14, 2, 0), Body::SmsReport(lease.clone()));
    assert!(!only(&story).counts());
    story.online(&SERVER, at(0, 14, 2, 30), Body::SmsReport(lease));
    assert_eq!((only(&story).state, only(&story).counts()), (SmsState::Sent, true));
}

#[test]
fn a_message_that_names_no_attempt_is_the_one_of_whoever_recorded_the_last() {
    let (mut story, attempt) = attempted();
    let tablets = story.online(&WEST, at(0, 14, 1, 0), Body::Sms(message(None)));
    story.again(&tablets, &WEST, at(0, 14, 2, 0), Body::SmsReport(report(&tablets, SmsState::Sent)));
    assert!(!only(&story).counts() && only(&story).foreign, "leaving the attempt out gives no right");
    assert_eq!(only(&story).attempt, Some(attempt));
}

#[test]
fn a_message_of_another_day_or_of_an_attempt_that_did_not_occur_counts_for_nothing() {
    let (mut story, attempt) = attempted();
    story.sms(at(0, 14, 1, 0), Sms { day: 20_515, ..message(Some(attempt.clone())) }, SmsState::Sent);
    assert_eq!(
        (only(&story).day, only(&story).lacks),
        (20_514, vec![]),
        "a wrong clock makes no other message: the attempt names it"
    );
    let (mut story, attempt) = attempted();
    story.sms(at(1, 9, 0, 0), message(Some(attempt)), SmsState::Sent);
    assert_eq!(only(&story).lacks, [SmsLack::OtherDay]);
    let (mut story, attempt) = attempted();
    story.sms(at(0, 14, 1, 0), message(Some(attempt.clone())), SmsState::Queued);
    assert!(!only(&story).is_void);
    let words = Personal::plain("记错了").unwrap();
    let correction = Correction { of: attempt.clone(), fault: Fault::DidNotOccur, same_as: None, words };
    story.again(&attempt, &COURIER, at(0, 14, 2, 0), Body::Correction(correction));
    assert!(only(&story).is_void && only(&story).lacks.contains(&SmsLack::NoAttempt));
}

#[test]
fn two_couriers_who_both_attempted_offline_may_each_send_and_the_case_says_so() {
    let (mut story, attempt) = attempted();
    let other = story.attempt(at(0, 14, 30, 0), Some(at(0, 18, 0, 0)), "DF-NOBODY").entry.key.clone();
    let first = story.sms(at(0, 14, 1, 0), message(Some(attempt)), SmsState::Sent);
    let judged = story.judge(at(0, 19, 0, 0));
    assert!(!judged.flags.contains(&Flag::SmsTwice));
    story.sms(at(0, 14, 31, 0), message(Some(other)), SmsState::HandedOver);
    let judged = story.judge(at(0, 19, 0, 0));
    assert!(judged.flags.contains(&Flag::SmsTwice));
    assert!(judged.messages.iter().all(|message| message.times == 2 && message.key == judged.messages[0].key));
    assert_eq!(judged.messages[0].entry, first);
}

// rules: SMS-5, X-2
#[test]
fn a_number_that_the_origin_supplied_counts_and_a_failure_of_the_phone_is_no_fault_of_the_number() {
    let (mut story, attempt) = attempted();
    let new = "13911112222";
    let sms = Sms { to: Personal::plain(new).unwrap(), mark: mark(new), ..message(Some(attempt)) };
    story.sms(at(0, 14, 1, 0), sms, SmsState::Sent);
    assert_eq!(only(&story).lacks, [SmsLack::OtherNumber]);
    let reply = Reply { phone: said("+86 139 1111 2222"), ..full("REDELIVER") };
    let by_others = story.online(&WEST, at(0, 14, 2, 0), Body::Reply(reply.clone()));
    assert!(!only(&story).counts(), "whoever delivers does not supply numbers");
    story.online(&ORIGIN, at(0, 14, 3, 0), Body::Reply(reply));
    assert!(only(&story).counts(), "{by_others}");

    for (fault, lenient) in [(SmsFault::Number, true), (SmsFault::NoService, false), (SmsFault::Generic, false)] {
        let mut story = Story::new();
        let attempt = story.attempt(at(0, 14, 0, 0), None, "DF-PHONE").entry.key.clone();
        let key = story.again(&attempt.clone(), &COURIER, at(0, 14, 1, 0), Body::Sms(message(Some(attempt))));
        let failed = SmsReport { fault: Some(fault), ..report(&key, SmsState::Failed) };
        story.again(&key, &COURIER, at(0, 14, 2, 0), Body::SmsReport(failed));
        let judged = story.judge(at(0, 15, 0, 0));
        assert_eq!(judged.flags.contains(&Flag::Leniency), lenient, "{fault:?}");
        assert_eq!(judged.bases[0].basis == Basis::SmsImpossible, lenient);
    }
}

#[test]
fn the_proof_outlives_a_virtual_number() {
    let virtual_number = "17012345678";
    let (mut story, attempt) = attempted();
    let sms = Sms { to: Personal::plain(virtual_number).unwrap(), mark: mark(virtual_number), ..message(Some(attempt)) };
    story.sms(at(0, 14, 1, 0), sms, SmsState::Delivered);
    assert_eq!(only(&story).lacks, [SmsLack::OtherNumber]);
    let with = Facts { virtual_mobile: Some(mark(virtual_number)), ..story.facts.clone() };
    story.entries.iter_mut().for_each(|recorded| recorded.entry.facts = Some(with.clone()));
    assert!(story.judge(at(300, 0, 0, 0)).messages[0].counts());
}

#[test]
fn a_customers_answer_is_heard_from_the_server_alone() {
    let (mut story, attempt) = attempted();
    let key = story.sms(at(0, 14, 1, 0), message(Some(attempt)), SmsState::Sent);
    let answer = || Body::SmsReply(SmsReply { of: key.clone(), words: Personal::plain("退订").unwrap(), opt_out: true });
    story.online(&COURIER, at(0, 14, 5, 0), answer());
    assert!(only(&story).replies.is_empty());
    story.online(&SERVER, at(0, 14, 6, 0), answer());
    assert_eq!((only(&story).replies.len(), only(&story).opt_out), (1, true));
    assert!(story.judge(at(0, 15, 0, 0)).flags.contains(&Flag::SmsOptOut));
}

// rules: SMS-2
#[test]
fn a_corrected_attempt_keeps_its_proof_and_a_corrected_report_makes_nothing_unsent() {
    let (mut story, attempt) = attempted();
    let key = story.sms(at(0, 14, 1, 0), message(Some(attempt.clone())), SmsState::Sent);
    let report = story.entries.iter().find(|r| matches!(r.entry.body, Body::SmsReport(_))).unwrap().entry.key.clone();
    let wrong = |of: &EntryKey, fault| {
        Body::Correction(Correction { of: of.clone(), fault, same_as: None, words: Personal::plain("写错了").unwrap() })
    };
    story.again(&key, &COURIER, at(0, 14, 2, 0), wrong(&report, Fault::DidNotOccur));
    assert_eq!(only(&story).state, SmsState::Sent, "it has left all the same");
    story.again(&attempt, &COURIER, at(0, 14, 3, 0), wrong(&attempt, Fault::IncorrectData));
    assert!(!only(&story).counts(), "nothing stands in its place yet");
    let right = story.again(&attempt, &COURIER, at(0, 14, 4, 0), Body::Attempt(Attempt::of(code("DF-ADDR"))));
    assert_eq!((only(&story).attempt.as_ref(), only(&story).counts()), (Some(&right), true));
    story.again(&key, &COURIER, at(0, 14, 5, 0), wrong(&key, Fault::DidNotOccur));
    assert_eq!((only(&story).lacks, only(&story).sent_at.is_some()), (vec![SmsLack::Corrected], true));
}

// rules: SMS-3
#[test]
fn what_left_before_midnight_went_that_day_whenever_it_is_known() {
    let (mut story, attempt) = attempted();
    let key = story.sms(at(0, 23, 58, 0), message(Some(attempt)), SmsState::Submitting);
    story.again(&key, &COURIER, at(1, 0, 5, 0), Body::SmsReport(report(&key, SmsState::Sent)));
    assert_eq!((only(&story).sent_at, only(&story).lacks), (Some(at(0, 23, 58, 0)), vec![]));
    // The gateway tries until the operator takes it: it left then. If it lost sight of it, a receipt of the next day makes it no later.
    for (lost, left) in [(false, at(0, 16, 0, 0)), (true, at(0, 14, 2, 0))] {
        let (mut story, attempt) = attempted();
        let key = story.again(&attempt.clone(), &COURIER, at(0, 14, 1, 0), Body::Sms(message(Some(attempt))));
        let by_gateway = |state| Body::SmsReport(SmsReport { way: SmsWay::Gateway, ..report(&key, state) });
        let first = story.online(&SERVER, at(0, 14, 2, 0), by_gateway(SmsState::Submitting));
        if lost {
            story.again(&first, &SERVER, at(0, 14, 3, 0), by_gateway(SmsState::Uncertain));
        }
        let sent = if lost { at(1, 9, 0, 0) } else { at(0, 16, 0, 0) };
        story.again(&first, &SERVER, sent, by_gateway(SmsState::Sent));
        assert_eq!((only(&story).sent_at, only(&story).lacks), (Some(left), vec![]));
    }
}

// rules: SMS-4, SMS-5
#[test]
fn neither_other_words_nor_another_number_pass_for_the_templates_and_the_labels() {
    let text = "王先生/女士，您好，青禾速运！单号：QH310000000017快件已到，恭喜中奖，请您在收到信息后及时与我联系。";
    let sms = |sms: Sms| Sms { text: Personal::plain(text).unwrap(), digest: Sms::digest_of(text), ..sms };
    assert_eq!(lacks(sms), [SmsLack::TextAltered], "a reason that the pack does not know");
    let to_me = |sms| Sms { to: Personal::plain("13800000001").unwrap(), ..sms };
    assert_eq!(lacks(to_me), [SmsLack::OtherNumber], "the mark says the label's, the number does not");
    let mut story = Story::new();
    let attempt = story.attempt(at(0, 14, 0, 0), None, "DF-PHONE").entry.key.clone();
    let key = story.again(&attempt.clone(), &COURIER, at(0, 14, 1, 0), Body::Sms(to_me(message(Some(attempt)))));
    let failed = SmsReport { fault: Some(SmsFault::Number), ..report(&key, SmsState::Failed) };
    story.again(&key, &COURIER, at(0, 14, 2, 0), Body::SmsReport(failed));
    assert!(!story.judge(at(0, 15, 0, 0)).flags.contains(&Flag::Leniency), "that a made-up number fails proves nothing");
    let (pack, waybill) = (qinghe(), Waybill::parse("QH310000000017").unwrap());
    let template = pack.sms_template().unwrap();
    let right = render(&pack, template, Language::Zh, &fields(&waybill, Some("王小明"))).unwrap().text;
    assert!(fits(&pack, template, &waybill, Some("王"), &right) && !fits(&pack, template, &waybill, Some("李"), &right));
}

/// Every order in which the streams of some writers can arrive, each in its own order.
fn every_order(streams: &[usize], so_far: &mut Vec<usize>, look: &mut impl FnMut(&[usize])) {
    if so_far.len() == streams.iter().sum::<usize>() {
        return look(so_far);
    }
    for (writer, len) in streams.iter().enumerate() {
        if so_far.iter().filter(|w| **w == writer).count() < *len {
            so_far.push(writer);
            every_order(streams, so_far, look);
            so_far.pop();
        }
    }
}

#[test]
fn every_merge_order_of_two_phones_a_tablet_and_the_gateway_gives_the_same_answer() {
    let mut story = Story::new();
    let first = story.attempt(at(0, 14, 0, 0), Some(at(0, 20, 0, 0)), "DF-NOBODY").entry.key.clone();
    let sent = story.sms(at(0, 14, 1, 0), message(Some(first.clone())), SmsState::Sent);
    let second = story.attempt(at(0, 15, 0, 0), Some(at(0, 20, 1, 0)), "DF-NOBODY").entry.key.clone();
    let offered = story.sms(at(0, 15, 1, 0), message(Some(second.clone())), SmsState::Offered);
    let tablets = story.online(&WEST, at(0, 16, 0, 0), Body::Sms(message(Some(first.clone()))));
    story.again(&tablets, &WEST, at(0, 16, 1, 0), Body::SmsReport(report(&tablets, SmsState::Sent)));
    let by_gateway = |of: &EntryKey, state| Body::SmsReport(SmsReport { way: SmsWay::Gateway, ..report(of, state) });
    let gateway = story.online(&SERVER, at(0, 16, 2, 0), by_gateway(&offered, SmsState::Leased));
    story.again(&gateway, &SERVER, at(0, 16, 5, 0), by_gateway(&offered, SmsState::Delivered));
    let streams: Vec<Vec<Recorded>> = [&first, &second, &tablets, &gateway]
        .iter()
        .map(|of| story.entries.iter().filter(|r| r.entry.key.tag == of.tag).cloned().collect())
        .collect();
    let lens: Vec<usize> = streams.iter().map(Vec::len).collect();
    assert_eq!(lens, [3, 3, 2, 2]);
    let (whole, expected) = (story.case(), story.judge(at(0, 21, 0, 0)));
    let states: Vec<_> = expected.messages.iter().map(|m| (m.entry.clone(), m.state, m.counts(), m.foreign)).collect();
    let all = [
        (sent, SmsState::Sent, true, false),
        (offered, SmsState::Delivered, true, false),
        (tablets, SmsState::Queued, false, true),
    ];
    assert_eq!(states, all, "the tablet had no lease");
    assert!(expected.flags.contains(&Flag::SmsTwice) && expected.flags.contains(&Flag::SmsUnauthorised));
    let (mut judged, mut n) = (0, 0);
    every_order(&lens, &mut Vec::new(), &mut |order| {
        n += 1;
        // Orders that fold to equal cases are judged alike, so only some of the orders are judged.
        let mut at_writer = [0; 4];
        let arrived: Vec<Recorded> = order
            .iter()
            .map(|writer| {
                let recorded = streams[*writer][at_writer[*writer]].clone();
                at_writer[*writer] += 1;
                recorded
            })
            .collect();
        let case = Case::fold(arrived).unwrap();
        assert!(case == whole);
        if n % 97 == 0 {
            assert_eq!(judge(&case, &story.book, at(0, 21, 0, 0)), expected);
            judged += 1;
        }
    });
    assert_eq!((n, judged), (25_200, 259));
}

/// Reports of several tries by the recorder and the server.
fn reports() -> impl Strategy<Value = Vec<(usize, u32, bool)>> {
    prop::collection::vec((0..SmsState::ALL.len(), 0..3_u32, any::<bool>()), 0..8)
}

proptest! {
    #[test]
    fn the_order_in_which_reports_are_learnt_changes_nothing(seeds in reports(), turn in 0..8_usize) {
        let (mut story, attempt) = attempted();
        let key = story.again(&attempt.clone(), &COURIER, at(0, 14, 1, 0), Body::Sms(message(Some(attempt))));
        for (state, round, by_server) in &seeds {
            let way = if *by_server { SmsWay::Gateway } else { SmsWay::Phone };
            let body = Body::SmsReport(SmsReport { round: *round, way, ..report(&key, SmsState::ALL[*state]) });
            if *by_server {
                story.online(&SERVER, at(0, 14, 5, 0), body);
            } else {
                story.again(&key, &COURIER, at(0, 14, 5, 0), body);
            }
        }
        let judged = story.judge(at(0, 15, 0, 0)).messages;
        let len = story.entries.len();
        story.entries.rotate_left(turn % len);
        prop_assert_eq!(&judged, &story.judge(at(0, 15, 0, 0)).messages);
        // A message that has left stays so, unless its try is known to have failed. Without a report it has not left.
        let last = |round| seeds.iter().filter(|(_, of, _)| *of == round).map(|(state, ..)| SmsState::ALL[*state]).max();
        let left = (0..3).any(|round| last(round).is_some_and(SmsState::has_left));
        prop_assert_eq!(judged[0].state.has_left(), left);
        prop_assert!(!seeds.is_empty() || judged[0].state == SmsState::Queued);
    }

    #[test]
    fn segments_give_the_text_back_and_are_never_longer_than_their_room(text in "[a-zé€{中😀𠮷]{0,400}") {
        let segments = Segments::of(&text);
        prop_assert_eq!(segments.parts.concat(), text);
        let room = if segments.count() == 1 { segments.alphabet.whole() } else { segments.alphabet.joined() };
        for part in &segments.parts {
            let units = match segments.alphabet {
                Alphabet::Gsm7 => septets(part).len(),
                Alphabet::Ucs2 => part.encode_utf16().count(),
            };
            prop_assert!(units <= room);
        }
    }
}

fn fields<'a>(waybill: &'a Waybill, name: Option<&'a str>) -> Fields<'a> {
    Fields {
        waybill,
        name,
        honorific: Honorific::Unknown,
        reason: Some("DF-NOBODY"),
        callback: None,
        outlet: None,
        at: at(0, 14, 0, 0),
    }
}

// rules: SMS-1, SMS-4
#[test]
fn a_template_is_rendered_in_two_languages_and_the_signature_is_counted() {
    let (pack, waybill) = (qinghe(), Waybill::parse("QH310000000017").unwrap());
    let template = pack.sms_template().unwrap();
    let made = |language, fields: &Fields<'_>| render(&pack, template, language, fields);
    let zh = made(Language::Zh, &fields(&waybill, Some("欧阳小明"))).unwrap();
    assert_eq!(
        zh.text,
        "欧阳先生/女士，您好，青禾速运！单号：QH310000000017快件已到，刚给您送去，家中无人，电话联系不上，请您在收到信息后及时与我联系。"
    );
    assert_eq!(zh.segments.units, zh.text.chars().count() + "【青禾速运】".chars().count());
    let called = Fields { callback: Some("138 0000 1111"), honorific: Honorific::Female, ..fields(&waybill, Some("Li Wang")) };
    let en = made(Language::En, &called).unwrap();
    assert_eq!(
        en.text,
        "Ms Wang, this is Qinghe Express. Your parcel QH310000000017 is here: nobody was home and the phone was not answered. \
         Please contact me when you read this, 138 0000 1111."
    );
    assert_eq!(en.segments.alphabet, Alphabet::Ucs2, "the signature is Chinese");
}

#[test]
fn a_text_fits_its_template_or_is_somebodys_own() {
    let (pack, waybill) = (qinghe(), Waybill::parse("QH310000000017").unwrap());
    let template = pack.sms_template().unwrap();
    let called = Fields { callback: Some("13800001111"), ..fields(&waybill, Some("欧阳小明")) };
    for language in [Language::Zh, Language::En] {
        for fields in [&fields(&waybill, Some("王小明")), &called] {
            let text = render(&pack, template, language, fields).unwrap().text;
            assert!(fits(&pack, template, &waybill, None, &text), "{text}");
            assert!(!fits(&pack, template, &waybill, None, &format!("{text}!")));
            assert!(!fits(&pack, template, &waybill, None, &text.replace("QH310000000017", "QH310000000025")));
            assert!(!fits(&pack, template, &waybill, None, &text.replace("青禾", "中通").replace("Qinghe", "ZTO")));
        }
    }
    let text = render(&pack, template, Language::Zh, &called).unwrap().text;
    assert!(!fits(&pack, template, &waybill, None, &text.replace("13800001111", "a.cn")), "a link in a value");
    assert!(!fits(&pack, template, &waybill, None, "王先生，来领奖，单号：QH310000000017"));
}

#[test]
fn rendering_refuses_what_is_missing_too_long_of_the_wrong_type_or_a_link() {
    let (mut pack, waybill) = (qinghe(), Waybill::parse("QH310000000017").unwrap());
    pack.sms.most.insert("callback".into(), 11);
    let template = pack.sms_template().unwrap();
    let fault = |fields: Fields<'_>| render(&pack, template, Language::Zh, &fields).unwrap_err();
    assert_eq!(fault(Fields { reason: None, ..fields(&waybill, Some("王")) }), TemplateFault::Missing(Variable::Reason));
    let reason = Fields { reason: Some("DF-PHONE"), ..fields(&waybill, Some("王")) };
    assert_eq!(fault(reason), TemplateFault::Missing(Variable::Reason), "nothing to tell the customer");
    let called = |number| Fields { callback: Some(number), ..fields(&waybill, Some("王")) };
    assert_eq!(fault(called("call me")), TemplateFault::Type(Variable::Callback));
    assert_eq!(fault(called("138000011112")), TemplateFault::TooLong { variable: Variable::Callback, most: 11 });
}

#[test]
fn an_answer_that_is_a_word_of_refusal_as_a_whole_asks_for_no_more() {
    let pack = qinghe();
    for answer in ["R", "t", "TD", "td。", "退订", "拒收！", " Stop ", "ＴＤ", "T D", "“退订”", "unsubscribe", "TD\n"]
    {
        assert!(wants_no_more(&pack, answer), "{answer}");
    }
    for answer in ["", "。", "好", "TD放门口", "请不要退订", "R2", "收", "A", "不拒收"] {
        assert!(!wants_no_more(&pack, answer), "{answer}");
    }
}

#[test]
fn a_pack_of_format_2_adds_words_of_refusal() {
    let first = std::str::from_utf8(FIRST_PACK).unwrap();
    let with = |format: &str, line: &str| {
        let pack = first.replacen("\n[sms.gateway]", &format!("\nopt_out = {line}\n\n[sms.gateway]"), 1);
        assert_ne!(pack, first);
        Pack::parse(format!("{format}\n{pack}").as_bytes())
    };
    let pack = with("format = 2", "[\"N\", \"不要再发\"]").unwrap();
    for answer in ["n", "不要再发。", "TD"] {
        assert!(wants_no_more(&pack, answer), "{answer}");
    }
    assert!(!wants_no_more(&qinghe(), "N"));
    assert!(with("", "[\"N\"]").unwrap_err().reason.contains("came with format 2"));
    for wrong in ["[\"\"]", "[\"。\"]", "\"N\"", "[\"more than twenty letters\"]"] {
        assert!(with("format = 2", wrong).is_err(), "{wrong}");
    }
}
