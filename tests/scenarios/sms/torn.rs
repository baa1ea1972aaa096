//! Messages of several segments of which some were taken: they count only as a whole.

use doorstep_client::{Act, SmsWish};
use doorstep_rules::sms::Language;
use doorstep_tests::{on, smsc::Answer};

use super::*;

const CUSTOMER: &str = "8613800000002";

/// An SMS of several segments.
fn long(n: u32) -> Recording {
    let wish = SmsWish { language: Some(Language::En), ..SmsWish::default() };
    on(waybill(n), Act::Sms { wish, state: None, fault: None })
}

/// A message of parcel 2 that the link's end tore at its last segment, with the ids of all its segments.
async fn torn(last: Answer) -> (Smsc, World, Device, Vec<String>) {
    let smsc = smsc().await;
    let mut world = World::sending(smpp(&smsc, "response_seconds = 0.5")).await;
    let phone = world.device("phone", "c1").await;
    phone.fail(2, "DF-NOBODY").unwrap();
    let wish = SmsWish { language: Some(Language::En), ..SmsWish::default() };
    let count = phone.client.preview_sms(&waybill(2), &wish).unwrap().text.text().map(doorstep_rules::sms::Segments::of);
    let count = count.unwrap().count();
    assert!(count > 1, "a text of one part proves nothing here");
    smsc.script(std::iter::repeat_n(Answer::Ok, count - 1).chain([last]));
    phone.client.record(&long(2), &[]).unwrap();
    until(&phone, 2, SmsState::Uncertain).await;
    smsc.until("another link", |seen| seen.binds.len() == 2).await;
    let ids: Vec<String> = smsc.seen(|seen| seen.submits.iter().filter_map(|submit| submit.id.clone()).collect());
    let taken = if last == Answer::CutBefore { count - 1 } else { count };
    assert_eq!(ids.len(), taken);
    (smsc, world, phone, ids)
}

async fn told(smsc: &Smsc, id: &str, stat: &str) {
    assert_eq!(smsc.receipt_to(CUSTOMER, id, stat, "000").answer().await, Some(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_delivered_segment_does_not_make_a_torn_message_sent() {
    for last in [Answer::CutAfter, Answer::CutBefore, Answer::Silent] {
        let (smsc, world, phone, ids) = torn(last).await;
        // The receipts of the segments that were answered, twice.
        let answered = ids.len() - usize::from(last != Answer::CutBefore);
        for id in ids[..answered].iter().chain(&ids[..answered]) {
            told(&smsc, id, "DELIVRD").await;
        }
        phone.sync().await.unwrap();
        assert_eq!((only(&phone.client, 2).state, only(&phone.client, 2).counts()), (SmsState::Uncertain, false), "{last:?}");
        assert_eq!(world.admin().messages(false, 9).unwrap()[0].state, "uncertain");
        assert_eq!(world.admin().receipts(9).unwrap(), [], "they are its own");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failed_segment_makes_a_torn_message_failed() {
    for (stat, fault) in [("UNDELIV", None), ("MK:0001", Some(SmsFault::Number))] {
        let (smsc, _world, phone, ids) = torn(Answer::CutAfter).await;
        told(&smsc, &ids[0], stat).await;
        let message = until(&phone, 2, SmsState::Undelivered).await;
        assert_eq!((message.fault, message.counts()), (fault, false), "{stat}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_receipt_of_the_segment_without_an_answer_shows_that_the_whole_message_was_taken() {
    let (smsc, _world, phone, ids) = torn(Answer::CutAfter).await;
    told(&smsc, ids.last().unwrap(), "DELIVRD").await;
    assert!(until(&phone, 2, SmsState::Sent).await.counts());
    // Now each segment has its id, and the message is delivered with the last of them.
    for (at, id) in ids.iter().enumerate() {
        phone.sync().await.unwrap();
        assert_eq!(only(&phone.client, 2).state, SmsState::Sent, "{at}");
        told(&smsc, id, "DELIVRD").await;
    }
    until(&phone, 2, SmsState::Delivered).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn after_a_crash_a_receipt_of_one_segment_is_not_one_of_all() {
    let smsc = smsc().await;
    let mut world = World::sending(smpp(&smsc, "")).await;
    let phone = world.device("phone", "c1").await;
    phone.fail(2, "DF-NOBODY").unwrap();
    phone.client.record(&long(2), &[]).unwrap();
    smsc.script([Answer::Held]);
    phone.sync().await.unwrap();
    smsc.until("the first segment", |seen| seen.submits.len() == 1).await;
    let left = world.snapshot();
    smsc.release();
    until(&phone, 2, SmsState::Sent).await;
    let ids: Vec<String> = smsc.seen(|seen| seen.submits.iter().filter_map(|submit| submit.id.clone()).collect());
    assert!(ids.len() > 1, "a text of one part proves nothing here");
    world.go_on_from(&left).await;
    smsc.until("the next gateway", |seen| seen.binds.len() == 2).await;
    let state = |world: &World| world.admin().messages(true, 9).unwrap()[0].state.clone();
    while state(&world) != "uncertain" {
        phone.client.wait_for_hint(1).await.unwrap();
    }
    for id in &ids {
        assert_eq!(state(&world), "uncertain");
        told(&smsc, id, "DELIVRD").await;
    }
    assert_eq!(state(&world), "sent", "each of its segments was taken");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_receipt_of_a_partial_message_is_nobody_elses() {
    let smsc = smsc().await;
    let mut world = World::sending(smpp(&smsc, "response_seconds = 0.5")).await;
    let phone = world.device("phone", "c1").await;
    phone.fail(2, "DF-NOBODY").unwrap();
    phone.client.record(&long(2), &[]).unwrap();
    smsc.script([Answer::Ok, Answer::Refuse(0x45)]);
    let message = until(&phone, 2, SmsState::Failed).await;
    assert_eq!(message.fault, Some(SmsFault::Partial));
    let id = smsc.seen(|seen| seen.submits[0].id.clone()).unwrap();
    // Another message to the recipient is uncertain.
    smsc.script([Answer::CutAfter]);
    phone.fail(2, "DF-NOBODY").unwrap();
    phone.client.record(&sms(2), &[]).unwrap();
    let another = loop {
        phone.sync().await.unwrap();
        let all = all(&phone.client, 2);
        if let Some(found) = all.into_iter().find(|message| message.state == SmsState::Uncertain) {
            break found.entry;
        }
        phone.client.wait_for_hint(1).await.unwrap();
    };
    smsc.until("another link", |seen| seen.binds.len() == 2).await;
    told(&smsc, &id, "DELIVRD").await;
    phone.sync().await.unwrap();
    let states: Vec<_> = all(&phone.client, 2).into_iter().map(|message| (message.entry, message.state)).collect();
    assert!(
        states.contains(&(message.entry, SmsState::Failed)) && states.contains(&(another, SmsState::Uncertain)),
        "{states:?}"
    );
}
