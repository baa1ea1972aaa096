//! A number is read, not collected: which digits an SMS goes to, and what happens where a label has none that can be used.

use doorstep_client::{ClientError, Refusal, SmsWish};
use doorstep_domain::{Call, CallResult, NumberFault, Reply, SmsLevel, Waybill};
use doorstep_rules::SmsLack;
use doorstep_server::admin::{Note, UnusableNumber};
use doorstep_tests::{
    PARCEL_COLUMNS,
    smsc::{Answer, BindAnswer},
    text,
};

use super::*;

/// A list with one parcel, whose label has this text for a number.
fn list(number: &str) -> String {
    format!("{PARCEL_COLUMNS}\n{},QH,0571,0412,c1,王小花,\"{number}\",青禾路2号,200,2026-03-02 08:00\n", waybill(2))
}

#[tokio::test(flavor = "multi_thread")]
async fn an_extension_is_not_dialled_by_the_phone_and_the_message_counts() {
    for (label, dialled, masked) in [
        ("18412348075转7839", "18412348075", "184******75"),
        ("１３８ ００００ ００１２", "13800000012", "138******12"),
        ("0571-88001234、13800000012", "13800000012", "138******12"),
        ("+852 9123 4567", "+85291234567", "+852******67"),
    ] {
        let mut world = World::new().await;
        let imported = world.admin().import_parcels(list(label).as_bytes(), world.hands.now()).unwrap();
        assert_eq!((imported.imported, imported.notes), (1, vec![]), "{label}");
        let radio = Radio::new(true);
        let phone = world.phone("phone", "c1", radio.clone()).await;
        world.link.set(LinkMode::Cut);
        phone.fail(2, "DF-NOBODY").unwrap();
        let preview = phone.client.preview_sms(&waybill(2), &SmsWish::default()).unwrap();
        assert_eq!((preview.number.as_str(), preview.lacks), (masked, vec![]), "{label}");
        phone.client.record(&sms(2), &[]).unwrap();
        phone.client.dispatch_sms().unwrap();
        assert_eq!(radio.given()[0].to, dialled, "{label}");
        phone.client.sms_result(&radio.only(), SmsResult::HandedOver).unwrap();
        assert!(only(&phone.client, 2).counts(), "{label}");
        world.link.set(LinkMode::Up);
        phone.sync().await.unwrap();
        phone.agrees_with(&world, 2);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_gateway_dials_the_number_without_its_extension() {
    let smsc = smsc().await;
    let mut world = World::sending(smpp(&smsc, "")).await;
    world.admin().import_parcels(list("18412348075转7839").as_bytes(), world.hands.now()).unwrap();
    let phone = world.device("phone", "c1").await;
    fail_and_write(&phone, 2);
    assert_eq!(until(&phone, 2, SmsState::Sent).await.level, SmsLevel::Sent);
    let sent = smsc.seen(|seen| seen.messages());
    assert_eq!((sent.len(), sent[0].destination.as_str()), (1, "8618412348075"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_label_without_a_usable_number_is_noted_refused_by_name_and_registered_as_missing() {
    for (label, fault) in [
        ("1.38E+10", NumberFault::Spreadsheet),
        ("138****8000", NumberFault::Masked),
        ("0571-88001234", NumberFault::Landline),
        ("95338", NumberFault::ShortCode),
    ] {
        let mut world = World::new().await;
        let imported = world.admin().import_parcels(list(label).as_bytes(), world.hands.now()).unwrap();
        assert_eq!((imported.imported, imported.bad.len()), (1, 0), "the row is taken");
        let why = doorstep_rules::words(fault.as_str()).en;
        let note = Note { text: format!("recipient_phone: no SMS can go to it: {why}"), rows: 1, lines: vec![2] };
        assert_eq!(imported.notes, [note]);
        let unusable = UnusableNumber { waybill: Waybill::parse(&waybill(2)).unwrap(), column: "recipient_phone", fault };
        assert_eq!(world.admin().numbers().unwrap(), [unusable]);
        let phone = world.device("phone", "c1").await;
        phone.fail(2, "DF-NOBODY").unwrap();
        let is_refused = |wish: &SmsWish| {
            let refused = phone.client.preview_sms(&waybill(2), wish).unwrap_err();
            let words = refused.words();
            assert!(words.en.contains(&why) && words.zh.contains(&doorstep_rules::words(fault.as_str()).zh), "{words:?}");
            assert!(!words.en.contains(label) && !words.zh.contains(label), "{words:?}");
            assert!(matches!(refused, ClientError::Refused(Refusal::NumberUnusable(said)) if said == fault), "{label}");
        };
        is_refused(&SmsWish::default());
        is_refused(&SmsWish { number: Some(text(label)), ..SmsWish::default() });
        phone.client.record(&sms(2), &[]).unwrap_err();
        // The label has no mobile, and saying so is not contradicted by the list.
        let missing = doorstep_domain::Attempt {
            sub: Some("missing_mobile".parse().unwrap()),
            ..doorstep_domain::Attempt::of("DF-PHONE".parse().unwrap())
        };
        phone.client.record(&on(waybill(2), Act::Fail(missing)), &[]).unwrap();
        phone.sync().await.unwrap();
        let flags = flags(&phone.client, 2);
        assert!(!flags.contains(&Flag::NumberListed) && !flags.contains(&Flag::FactsAltered), "{flags:?}");
        phone.agrees_with(&world, 2);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_number_gets_an_sms_only_if_a_person_names_it_and_the_corrected_one_comes_first() {
    let mut world = World::new().await;
    let radio = Radio::new(true);
    let phone = world.phone("phone", "c1", radio.clone()).await;
    phone.fail(2, "DF-NOBODY").unwrap();
    assert_eq!(phone.client.preview_sms(&waybill(2), &SmsWish::default()).unwrap().lacks, []);
    phone.fail(2, "DF-PHONE").unwrap();
    phone.fail(2, "DF-NOBODY").unwrap();
    let refused = phone.client.preview_sms(&waybill(2), &SmsWish::default()).unwrap_err();
    assert!(matches!(refused, ClientError::Refused(Refusal::NumberWrong)), "{refused:?}");
    phone.client.record(&sms(2), &[]).unwrap_err();
    let named = SmsWish { number: Some(text("138 0000 0002")), ..SmsWish::default() };
    assert_eq!(phone.client.preview_sms(&waybill(2), &named).unwrap().lacks, [SmsLack::NumberWrong], "it does not count");
    phone.notice(2).unwrap();
    phone.sync().await.unwrap();
    let origin = world.device("origin", "o1").await;
    origin.sync().await.unwrap();
    let reply = Reply { phone: Some(text("139-0000-0099")), ..Reply::of("REDELIVER".parse().unwrap()) };
    origin.client.record(&on(waybill(2), Act::Reply(reply)), &[]).unwrap();
    origin.sync().await.unwrap();
    phone.sync().await.unwrap();
    let preview = phone.client.preview_sms(&waybill(2), &SmsWish::default()).unwrap();
    assert_eq!((preview.number.as_str(), preview.lacks), ("139******99", vec![]));
    world.link.set(LinkMode::Cut);
    phone.client.record(&sms(2), &[]).unwrap();
    phone.client.dispatch_sms().unwrap();
    assert_eq!(radio.given()[0].to, "13900000099");
}

/// A call to a parcel's number that reached a stranger.
fn stranger(n: u32) -> Recording {
    on(waybill(n), Act::Call(Call { number: Some(text(format!("1380000000{n}"))), ..Call::of(CallResult::Wrong) }))
}

/// A server whose SMSC lets nobody bind yet, a phone whose message waits for it, and the outlet's tablet.
async fn waiting(record: impl FnOnce(&Device)) -> (Smsc, World, Device, Device) {
    let smsc = smsc().await;
    smsc.script_binds(std::iter::repeat_n(BindAnswer::Cut, 100_000));
    let mut world = World::sending(smpp(&smsc, "")).await;
    let (phone, tablet) = (world.device("phone", "c1").await, world.device("tablet", "s1").await);
    record(&phone);
    phone.sync().await.unwrap();
    world.hands.advance(1);
    tablet.sync().await.unwrap();
    (smsc, world, phone, tablet)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_number_that_becomes_known_as_wrong_before_the_gateway_sends_gets_no_message() {
    let (smsc, world, phone, tablet) = waiting(|phone| fail_and_write(phone, 2)).await;
    assert_eq!(only(&phone.client, 2).state, SmsState::Offered);
    tablet.client.record(&stranger(2), &[]).unwrap();
    tablet.sync().await.unwrap();
    let refused = tablet.client.lease_sms(&waybill(2)).await.unwrap_err();
    assert!(format!("{refused:?}").contains("number"), "{refused:?}");
    smsc.let_bind();
    let message = until(&phone, 2, SmsState::Failed).await;
    assert_eq!((message.fault, message.counts(), message.times), (Some(SmsFault::Number), false, 0));
    let told = message.told(&phone.client.pack().unwrap().unwrap());
    assert!(told.en.contains("get the right number from the origin outlet"), "{told:?}");
    assert_eq!(smsc.seen(|seen| seen.submits.len()), 0);
    // It is no proof of a wrong number: no network has refused it.
    assert!(!flags(&phone.client, 2).contains(&Flag::Leniency));
    phone.agrees_with(&world, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_that_the_operator_did_not_take_yet_is_stopped_too_and_proves_nothing() {
    let smsc = smsc().await;
    let mut world = World::sending(smpp(&smsc, "")).await;
    let (phone, tablet) = (world.device("phone", "c1").await, world.device("tablet", "s1").await);
    smsc.script(std::iter::repeat_n(Answer::Throttle, 1_000));
    fail_and_write(&phone, 2);
    until(&phone, 2, SmsState::Submitting).await;
    world.hands.advance(1);
    tablet.sync().await.unwrap();
    tablet.client.record(&stranger(2), &[]).unwrap();
    tablet.sync().await.unwrap();
    let message = until(&phone, 2, SmsState::Failed).await;
    assert_eq!((message.fault, message.round, message.counts()), (Some(SmsFault::Number), 1, false));
    assert!(message.lacks.contains(&SmsLack::NumberWrong) && !flags(&phone.client, 2).contains(&Flag::Leniency));
    assert_eq!(smsc.seen(|seen| seen.messages().len()), 0);
    phone.agrees_with(&world, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_number_that_a_person_named_although_it_was_known_as_wrong_is_sent_to() {
    let (smsc, world, phone, tablet) = waiting(|phone| {
        phone.fail(2, "DF-PHONE").unwrap();
        phone.fail(2, "DF-NOBODY").unwrap();
        let wish = SmsWish { number: Some(text("138 0000 0002")), ..SmsWish::default() };
        phone.client.record(&on(waybill(2), Act::Sms { wish, state: None, fault: None }), &[]).unwrap();
    })
    .await;
    tablet.client.record(&stranger(2), &[]).unwrap();
    tablet.sync().await.unwrap();
    smsc.let_bind();
    until(&phone, 2, SmsState::Sent).await;
    assert_eq!(smsc.seen(|seen| seen.messages().len()), 1);
    phone.agrees_with(&world, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_phone_that_hears_of_a_wrong_number_before_it_sends_does_not_send() {
    let mut world = World::new().await;
    let radio = Radio::new(false);
    let phone = world.phone("phone", "c1", radio.clone()).await;
    let tablet = world.device("tablet", "s1").await;
    fail_and_write(&phone, 2);
    phone.sync().await.unwrap();
    world.hands.advance(1);
    tablet.sync().await.unwrap();
    tablet.client.record(&stranger(2), &[]).unwrap();
    tablet.sync().await.unwrap();
    phone.sync().await.unwrap();
    radio.has_service(true);
    phone.client.dispatch_sms().unwrap();
    let message = only(&phone.client, 2);
    assert_eq!((message.state, message.fault), (SmsState::Failed, Some(SmsFault::Number)));
    assert!(radio.given().is_empty() && !message.counts());
    phone.sync().await.unwrap();
    phone.agrees_with(&world, 2);
}
