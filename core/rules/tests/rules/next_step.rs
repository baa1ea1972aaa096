//! What an installation does next with an SMS, and when it does nothing.

use doorstep_domain::*;
use doorstep_rules::{
    sms::{Step, *},
    *,
};

use crate::{
    messages::{attempted, only},
    story::*,
};

/// What a device with these marks does next with the only message, at 14:10.
fn next_step(story: &Story, tags: &[Tag], online: bool) -> Step {
    let now = at(0, 14, 10, 0);
    let judged = story.judge(now);
    let can = Ability { tags, online, gateway: true, phone: true, in_hand: false };
    next(&judged.messages[0], &judged.messages, &qinghe(), judged.state == State::Closed, &can, now)
}

#[test]
fn a_recorder_sends_without_a_lease_until_it_has_left_it_to_others_and_a_holder_until_its_lease_ends() {
    let (mut story, attempt) = attempted();
    let key = story.again(&attempt.clone(), &COURIER, at(0, 14, 1, 0), Body::Sms(message(Some(attempt))));
    let other = story.online(&WEST, at(0, 14, 1, 30), Body::Note { words: Personal::plain("x").unwrap() }).tag;
    assert_eq!(next_step(&story, &[key.tag], false), Step::Send(0));
    assert_eq!(next_step(&story, &[other], true), Step::Wait);
    assert_eq!(next_step(&story, &[other, key.tag], false), Step::Send(0), "under the mark that it had before");
    let offered = SmsReport { way: SmsWay::Phone, ..report(&key, SmsState::Offered) };
    story.again(&key, &COURIER, at(0, 14, 2, 0), Body::SmsReport(offered));
    assert_eq!(next_step(&story, &[key.tag], false), Step::Wait, "the gateway may be at it");
    let lease = |end| SmsReport { holder: Some(other), at: Some(end), ..report(&key, SmsState::Leased) };
    let leased = story.online(&SERVER, at(0, 14, 3, 0), Body::SmsReport(lease(at(0, 14, 18, 0))));
    assert_eq!(next_step(&story, &[other], false), Step::Send(0));
    assert_eq!(next_step(&story, &[key.tag], false), Step::Wait, "the lease is another's");
    // The holder's try failed before anything left: the next is the holder's too, and never the recorder's.
    let failed = SmsReport { fault: Some(SmsFault::NoService), ..report(&key, SmsState::Failed) };
    story.again(&EntryKey { tag: other, ..key.clone() }, &WEST, at(0, 14, 4, 0), Body::SmsReport(failed));
    assert_eq!(next_step(&story, &[key.tag], false), Step::Wait, "it gave it up");
    assert_eq!(next_step(&story, &[other], false), Step::Send(1));
    story.again(&leased, &SERVER, at(0, 14, 5, 0), Body::SmsReport(SmsReport { round: 1, ..lease(at(0, 14, 11, 0)) }));
    let lost = Step::Settle(1, SmsState::Failed, Some(SmsFault::LeaseLost));
    assert_eq!(next_step(&story, &[other], false), lost, "its lease is about to end");
}

#[test]
fn what_ends_after_a_failure_ends_the_next_try_and_is_open_no_more() {
    let (mut story, attempt) = attempted();
    let key = story.again(&attempt.clone(), &COURIER, at(0, 14, 1, 0), Body::Sms(message(Some(attempt.clone()))));
    let failed = SmsReport { fault: Some(SmsFault::NoService), ..report(&key, SmsState::Failed) };
    story.again(&key, &COURIER, at(0, 14, 2, 0), Body::SmsReport(failed));
    let words = Personal::plain("记错了").unwrap();
    let correction = Correction { of: attempt.clone(), fault: Fault::DidNotOccur, same_as: None, words };
    story.again(&attempt, &COURIER, at(0, 14, 3, 0), Body::Correction(correction));
    assert_eq!(next_step(&story, &[key.tag], false), Step::Settle(1, SmsState::Cancelled, None));
    story.again(&key, &COURIER, at(0, 14, 4, 0), Body::SmsReport(SmsReport { round: 1, ..report(&key, SmsState::Cancelled) }));
    assert!(!only(&story).is_open());
}

#[test]
fn two_of_the_same_message_wait_for_each_other_and_one_covers_the_other_only_when_it_has_left() {
    let step = |state| {
        let mut story = Story::new();
        let first = story.attempt(at(0, 14, 0, 0), Some(at(0, 14, 0, 0)), "DF-NOBODY").entry.key.clone();
        let mine = story.sms(at(0, 14, 1, 0), message(Some(first)), SmsState::Queued);
        let second = story.attempt(at(0, 14, 2, 0), Some(at(0, 14, 2, 0)), "DF-NOBODY").entry.key.clone();
        story.sms(at(0, 14, 3, 0), message(Some(second)), state);
        next_step(&story, &[mine.tag], false)
    };
    assert_eq!(step(SmsState::Queued), Step::Send(0));
    assert_eq!(step(SmsState::Offered), Step::Wait);
    assert_eq!(step(SmsState::Submitting), Step::Wait);
    assert_eq!(step(SmsState::Uncertain), Step::Wait, "nobody knows whether it left");
    assert_eq!(step(SmsState::Sent), Step::Settle(0, SmsState::Covered, None));
}

#[test]
fn a_text_that_its_template_can_not_give_ends_at_once_and_does_not_wait_in_the_queue() {
    let (mut story, attempt) = attempted();
    let text = "**先生/女士，您好，青禾速运！单号：QH310000000017快件已到，恭喜中奖，请您在收到信息后及时与我联系。";
    let sms = Sms { text: Personal::plain(text).unwrap(), digest: Sms::digest_of(text), ..message(Some(attempt.clone())) };
    let key = story.again(&attempt, &COURIER, at(0, 14, 1, 0), Body::Sms(sms));
    let refused = Step::Settle(0, SmsState::Failed, Some(SmsFault::Text));
    assert_eq!([true, false].map(|online| next_step(&story, &[key.tag], online)), [refused, refused]);
    let failed = SmsReport { fault: Some(SmsFault::Text), ..report(&key, SmsState::Failed) };
    story.again(&key, &COURIER, at(0, 14, 2, 0), Body::SmsReport(failed));
    assert_eq!((only(&story).state, only(&story).is_open()), (SmsState::Failed, false));
    assert_eq!(next_step(&story, &[key.tag], true), Step::Wait, "the end is told once");
}

/// A message of the phone that is queued at 14:01 and still is.
fn queued() -> (Story, EntryKey) {
    let (mut story, attempt) = attempted();
    let key = story.again(&attempt.clone(), &COURIER, at(0, 14, 1, 0), Body::Sms(message(Some(attempt))));
    (story, key)
}

fn call(result: CallResult, number: &str) -> Body {
    Body::Call(Call { number: said(number), ..Call::of(result) })
}

#[test]
fn a_number_that_becomes_known_as_wrong_stops_a_message_that_is_not_sent_yet() {
    type Mark = fn(&mut Story, &EntryKey);
    let marks: [Mark; 5] = [
        |story, _| drop(story.online(&WEST, at(0, 14, 5, 0), call(CallResult::Wrong, "138 0000 0000"))),
        |story, _| drop(story.online(&WEST, at(0, 14, 5, 0), call(CallResult::NotExist, MOBILE))),
        |story, key| drop(story.again(key, &COURIER, at(0, 14, 5, 0), Body::Attempt(Attempt::of(code("DF-PHONE"))))),
        // A message of another day failed because of the number.
        |story, _| {
            let other = Sms { day: 1, template: Some(code("other")), ..message(None) };
            let other = story.online(&WEST, at(0, 14, 5, 0), Body::Sms(other));
            let failed =
                SmsReport { way: SmsWay::Gateway, fault: Some(SmsFault::Number), ..report(&other, SmsState::Undelivered) };
            story.online(&SERVER, at(0, 14, 6, 0), Body::SmsReport(failed));
        },
        // It was marked before, offline, and head office heard of it only later.
        |story, _| {
            story.add(&WEST, at(0, 13, 0, 0), Some(at(0, 14, 5, 0)), call(CallResult::Wrong, MOBILE));
        },
    ];
    for (n, mark) in marks.into_iter().enumerate() {
        let (mut story, key) = queued();
        assert_eq!(next_step(&story, &[key.tag], false), Step::Send(0));
        mark(&mut story, &key);
        let message = story.judge(at(0, 14, 10, 0)).messages.into_iter().find(|message| message.entry == key).unwrap();
        assert!(message.lacks.contains(&SmsLack::NumberWrong) && message.is_open(), "{n}: {:?}", message.lacks);
        let told = message.told(&qinghe());
        assert!(told.en.contains("get the right number") && told.zh.contains("正确号码"), "{n}: {told:?}");
        let judged = story.judge(at(0, 14, 10, 0));
        let can = Ability { tags: &[key.tag], online: true, gateway: true, phone: true, in_hand: false };
        let step = next(&message, &judged.messages, &qinghe(), false, &can, at(0, 14, 10, 0));
        assert_eq!(step, Step::Settle(0, SmsState::Failed, Some(SmsFault::Number)), "{n}");
    }
}

#[test]
fn a_number_that_was_known_as_wrong_when_a_person_named_it_stays_allowed() {
    let (mut story, attempt) = attempted();
    story.online(&WEST, at(0, 14, 0, 30), call(CallResult::Wrong, MOBILE));
    let key = story.again(&attempt.clone(), &COURIER, at(0, 14, 1, 0), Body::Sms(message(Some(attempt))));
    // It is said once more, which is nothing new.
    story.online(&WEST, at(0, 14, 2, 0), call(CallResult::NotExist, MOBILE));
    assert_eq!((next_step(&story, &[key.tag], false), only(&story).lacks), (Step::Send(0), vec![SmsLack::NotSent]));
}

#[test]
fn a_mark_against_another_number_or_one_that_no_longer_holds_stops_nothing() {
    let (mut story, key) = queued();
    story.online(&WEST, at(0, 14, 2, 0), call(CallResult::Wrong, "13911112222"));
    story.online(&WEST, at(0, 14, 2, 30), call(CallResult::Off, MOBILE));
    assert_eq!(next_step(&story, &[key.tag], false), Step::Send(0));
    let wrong = story.online(&WEST, at(0, 14, 3, 0), call(CallResult::Wrong, MOBILE));
    assert_ne!(next_step(&story, &[key.tag], false), Step::Send(0));
    let words = Personal::plain("打错了").unwrap();
    let correction = Correction { of: wrong.clone(), fault: Fault::DidNotOccur, same_as: None, words };
    story.again(&wrong, &WEST, at(0, 14, 4, 0), Body::Correction(correction));
    assert_eq!(next_step(&story, &[key.tag], false), Step::Send(0), "the mark was a mistake");
    story.online(&WEST, at(0, 14, 5, 0), call(CallResult::Wrong, MOBILE));
    assert_ne!(next_step(&story, &[key.tag], false), Step::Send(0));
    story.online(&ORIGIN, at(0, 14, 6, 0), Body::Reply(Reply { phone: said(MOBILE), ..full("REDELIVER") }));
    assert_eq!(next_step(&story, &[key.tag], false), Step::Send(0), "the origin says that it is right");
}

#[test]
fn a_stopped_message_ends_the_next_try_of_one_that_failed_and_what_has_left_is_judged_by_its_result() {
    let wrong = |story: &mut Story| story.online(&WEST, at(0, 14, 5, 0), call(CallResult::Wrong, MOBILE));
    let (mut story, key) = queued();
    let told = |state, fault| Body::SmsReport(SmsReport { fault, ..report(&key, state) });
    story.again(&key, &COURIER, at(0, 14, 2, 0), told(SmsState::Submitting, None));
    story.again(&key, &COURIER, at(0, 14, 2, 1), told(SmsState::Failed, Some(SmsFault::NoService)));
    wrong(&mut story);
    assert_eq!(next_step(&story, &[key.tag], false), Step::Settle(1, SmsState::Failed, Some(SmsFault::Number)));
    for state in [SmsState::Submitting, SmsState::Uncertain, SmsState::HandedOver, SmsState::Sent, SmsState::Delivered] {
        let (mut story, key) = queued();
        story.again(&key, &COURIER, at(0, 14, 2, 0), Body::SmsReport(report(&key, state)));
        let before = only(&story).lacks;
        wrong(&mut story);
        assert_eq!(only(&story).lacks, before, "{state:?}");
    }
}

#[test]
fn a_message_in_the_neutral_form_is_left_to_the_gateway_and_one_in_a_persons_own_words_is_not() {
    let step = |from: &str, to: &str, template: bool| {
        let (mut story, attempt) = attempted();
        let sms = message(Some(attempt.clone()));
        let text = sms.text.text().unwrap().replace(from, to);
        let own = if template { sms.clone() } else { Sms { template: None, template_version: 0, ..sms.clone() } };
        let sms = Sms { text: Personal::plain(&text).unwrap(), digest: Sms::digest_of(&text), has_surname: false, ..own };
        let key = story.again(&attempt, &COURIER, at(0, 14, 1, 0), Body::Sms(sms));
        next_step(&story, &[key.tag], true)
    };
    assert_eq!(step("王先生/女士", "尊敬的客户", true), Step::Offer(0));
    assert_eq!(step("王先生/女士", "亲", false), Step::Send(0), "its own words go from the phone");
    assert_eq!(step("王先生/女士", "亲", true), Step::Settle(0, SmsState::Failed, Some(SmsFault::Text)));
}
