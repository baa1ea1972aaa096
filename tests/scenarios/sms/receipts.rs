//! Receipts, in every spelling and at any time, and the answers of customers.

use doorstep_client::{ClientError, Refusal};
use doorstep_domain::{Body, SmsLevel};
use doorstep_rules::sms::Language;
use doorstep_tests::{
    PARCEL_COLUMNS,
    smsc::{Ids, Receipts},
    text,
};

use super::*;

async fn with(options: SmscOptions, more: &str) -> (Smsc, World, Device) {
    let smsc = Smsc::start(SmscOptions { password: "secret".into(), ..options }).await;
    let mut world = World::sending(smpp(&smsc, more)).await;
    let phone = world.device("phone", "c1").await;
    (smsc, world, phone)
}

#[tokio::test(flavor = "multi_thread")]
async fn receipts_find_their_message_in_any_spelling_and_before_its_answer() {
    for (answer_ids, receipt_ids) in [(Ids::Decimal, Ids::Hex), (Ids::Hex, Ids::Decimal), (Ids::Decimal, Ids::Padded)] {
        for receipts in [Receipts::Early, Receipts::Auto] {
            let (smsc, world, phone) =
                with(SmscOptions { receipts, answer_ids, receipt_ids, ..SmscOptions::default() }, "").await;
            fail_and_write(&phone, 2);
            let message = until(&phone, 2, SmsState::Delivered).await;
            assert_eq!((message.level, message.times), (SmsLevel::Gateway, 1), "{answer_ids:?} {receipt_ids:?} {receipts:?}");
            assert_eq!(world.admin().receipts(9).unwrap(), [], "the early one was matched in the end");
            assert_eq!(smsc.seen(|seen| seen.messages().len()), 1);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_could_not_be_delivered_counts_no_more_and_says_why() {
    let (smsc, _world, phone) = with(SmscOptions::default(), "").await;
    fail_and_write(&phone, 2);
    assert!(until(&phone, 2, SmsState::Sent).await.counts());
    let id = smsc.seen(|seen| seen.submits[0].id.clone()).unwrap();
    smsc.receipt(&id, "UNDELIV", "001").answer().await.unwrap();
    let message = until(&phone, 2, SmsState::Undelivered).await;
    assert_eq!((message.level, message.fault, message.counts()), (SmsLevel::Failed, Some(SmsFault::Number), false));
    // Some networks say so first and deliver after all.
    smsc.receipt(&id, "DELIVRD", "000").answer().await.unwrap();
    assert!(until(&phone, 2, SmsState::Delivered).await.counts());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_receipt_that_names_nothing_is_kept_and_listed() {
    let (smsc, world, _phone) = with(SmscOptions::default(), "").await;
    smsc.until("the gateway", |seen| !seen.binds.is_empty()).await;
    assert_eq!(smsc.receipt("999999", "DELIVRD", "000").answer().await, Some(0));
    assert_eq!(smsc.receipt("999999", "DELIVRD", "000").answer().await, Some(0));
    let kept = world.admin().receipts(9).unwrap();
    assert_eq!((kept.len(), kept[0].provider_id.as_str()), (1, "999999"));
}

/// The customer's words in a case, as a device has them.
fn answers(device: &Device, n: u32) -> Vec<String> {
    let view = device.case(n).unwrap();
    let words = view.case.timeline.iter().filter_map(|r| match &r.entry.body {
        Body::SmsReply(reply) => reply.words.text().map(str::to_owned),
        _ => None,
    });
    words.collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_lands_on_its_case_and_reaches_the_courier_with_the_next_feed() {
    let (smsc, world, phone) = with(SmscOptions::default(), "").await;
    fail_and_write(&phone, 2);
    until(&phone, 2, SmsState::Sent).await;
    let answer = "放在物业，谢谢😀";
    assert_eq!(smsc.inbound("8613800000002", "10690001", answer).answer().await, Some(0));
    // Delivered twice because the answer was lost.
    assert_eq!(smsc.inbound("8613800000002", "10690001", answer).answer().await, Some(0));
    phone.sync().await.unwrap();
    assert_eq!(answers(&phone, 2), [answer]);
    phone.agrees_with(&world, 2);
    assert_eq!(only(&phone.client, 2).replies.len(), 1);
    assert!(world.admin().inbound(false, 9).unwrap().is_empty());
    let all = world.admin().inbound(true, 9).unwrap();
    assert_eq!((all.len(), all[0].number.as_str(), all[0].words.clone()), (1, "138******02", None), "the words are in the case");
}

/// Two parcels of one customer, both tried.
async fn two_of_one(more: &str) -> (Smsc, World, Device) {
    let (smsc, world, phone) = with(SmscOptions::default(), more).await;
    let mut csv = format!("{PARCEL_COLUMNS}\n");
    for n in [2, 4] {
        csv += &format!("{},QH,0571,0412,c1,王小花,13888888888,青禾路,0,2026-03-02 08:00\n", waybill(n));
    }
    world.admin().import_parcels(csv.as_bytes(), world.hands.now()).unwrap();
    phone.sync().await.unwrap();
    for n in [2, 4] {
        fail_and_write(&phone, n);
        until(&phone, n, SmsState::Sent).await;
    }
    (smsc, world, phone)
}

#[tokio::test(flavor = "multi_thread")]
async fn with_an_extension_an_answer_names_its_message() {
    let (smsc, world, phone) = two_of_one("extension_digits = 2").await;
    let sources: Vec<String> = smsc.seen(|seen| seen.messages().iter().map(|message| message.source.clone()).collect());
    assert_eq!(sources, ["1069000101", "1069000102"]);
    for (source, n) in sources.iter().zip([2, 4]) {
        assert_eq!(smsc.inbound("13888888888", source, &format!("第{n}件放门口")).answer().await, Some(0));
    }
    phone.sync().await.unwrap();
    assert_eq!((answers(&phone, 2), answers(&phone, 4)), (vec!["第2件放门口".to_owned()], vec!["第4件放门口".to_owned()]));
    assert!(world.admin().inbound(false, 9).unwrap().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_could_be_for_two_cases_is_listed_unless_it_names_the_waybill() {
    let (smsc, world, phone) = two_of_one("").await;
    smsc.inbound("13888888888", "10690001", "放门口").answer().await.unwrap();
    smsc.inbound("13888888888", "10690001", &format!("{}放门口", waybill(4))).answer().await.unwrap();
    smsc.inbound("13000000000", "10690001", "谁？").answer().await.unwrap();
    phone.sync().await.unwrap();
    assert_eq!((answers(&phone, 2).len(), answers(&phone, 4).len()), (0, 1));
    let open = world.admin().inbound(false, 9).unwrap();
    let why: Vec<_> = open.iter().map(|row| (row.why.as_str(), row.words.as_deref())).collect();
    assert_eq!(why, [("no_message", Some("谁？")), ("several_cases", Some("放门口"))]);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_comes_too_late_is_listed() {
    let (smsc, world, phone) = with(SmscOptions::default(), "").await;
    fail_and_write(&phone, 2);
    until(&phone, 2, SmsState::Sent).await;
    world.hands.advance(73 * 60);
    smsc.inbound("13800000002", "10690001", "放门口").answer().await.unwrap();
    assert_eq!(world.admin().inbound(false, 9).unwrap()[0].why, "no_message");
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_wants_no_more_gets_no_more_from_anybody() {
    for words in ["TD", "td。", "退订", "Stop"] {
        let (smsc, mut world, phone) = with(SmscOptions::default(), "").await;
        fail_and_write(&phone, 2);
        until(&phone, 2, SmsState::Sent).await;
        smsc.inbound("13800000002", "10690001", words).answer().await.unwrap();
        phone.sync().await.unwrap();
        assert!(flags(&phone.client, 2).contains(&Flag::SmsOptOut), "{words}");
        // This courier is told so.
        phone.fail(2, "DF-NOBODY").unwrap();
        let own = SmsWish { text: Some(text("王先生，件在门口")), ..SmsWish::default() };
        let other = SmsWish { number: Some(text("13900000009")), ..SmsWish::default() };
        let english = SmsWish { language: Some(Language::En), ..SmsWish::default() };
        for wish in [SmsWish::default(), own, other, english] {
            let previewed = phone.client.preview_sms(&waybill(2), &wish).unwrap_err();
            let told = Act::Sms { wish: wish.clone(), state: Some(SmsState::HandedOver), fault: None };
            let recorded = [Act::Sms { wish, state: None, fault: None }, told]
                .map(|act| phone.client.record(&on(waybill(2), act), &[]).unwrap_err());
            for refused in recorded.iter().chain([&previewed]) {
                assert!(matches!(refused, ClientError::Refused(Refusal::OptedOut)), "{refused:?}");
                assert!(refused.words().zh.contains("请打电话"));
            }
        }
        // Another parcel for the same number, by another courier, who can not know.
        let csv = format!("{PARCEL_COLUMNS}\n{},QH,0571,0412,c2,王小花,+86-13800000002,青禾路,0,2026-03-02 08:00\n", waybill(3));
        world.admin().import_parcels(csv.as_bytes(), world.hands.now()).unwrap();
        let other = world.device("other", "c2").await;
        fail_and_write(&other, 3);
        let message = until(&other, 3, SmsState::Failed).await;
        assert_eq!(message.fault, Some(SmsFault::OptedOut));
        assert_eq!(smsc.seen(|seen| seen.messages().len()), 1);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wish_for_no_more_outlives_a_server_clock_that_is_set_back() {
    let (smsc, mut world, phone) = with(SmscOptions::default(), "").await;
    fail_and_write(&phone, 2);
    until(&phone, 2, SmsState::Sent).await;
    smsc.inbound("13800000002", "10690001", "TD").answer().await.unwrap();
    let nonce_key = |world: &World| -> Vec<u8> {
        let db = world.database();
        db.query_row("SELECT value FROM meta WHERE key = 'nonce_key'", [], |row| row.get(0)).unwrap()
    };
    let before = nonce_key(&world);
    world.hands.put_server_ahead(2 * 24 * 60);
    phone.sync().await.unwrap();
    world.hands.put_server_ahead(0);
    world.restart_server().await;
    assert_ne!(nonce_key(&world), before, "nonces are void");
    let csv = format!("{PARCEL_COLUMNS}\n{},QH,0571,0412,c2,王小花,+86-13800000002,青禾路,0,2026-03-02 08:00\n", waybill(3));
    world.admin().import_parcels(csv.as_bytes(), world.hands.now()).unwrap();
    let other = world.device("other", "c2").await;
    fail_and_write(&other, 3);
    assert_eq!(until(&other, 3, SmsState::Failed).await.fault, Some(SmsFault::OptedOut));
    assert_eq!(smsc.seen(|seen| seen.messages().len()), 1);
}
