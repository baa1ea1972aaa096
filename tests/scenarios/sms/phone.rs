//! The phone sends by itself: without data, without service, with a crash in the middle, and never twice.

use doorstep_client::{Act, ClientError, Options, Refusal, SmsWish};
use doorstep_domain::{SmsLevel, SmsState};
use doorstep_rules::{SmsLack, sms::Language};
use doorstep_tests::{PARCEL_COLUMNS, ended, on, text};

use super::*;

/// Tells the phone that all segments of its only message were sent.
fn sent(device: &Device, radio: &Radio) {
    let message = radio.given().pop().unwrap();
    for part in 0..message.parts.len() as u32 {
        device.client.sms_result(&message.reference, SmsResult::PartSent(part)).unwrap();
    }
}

fn told(device: &Device, n: u32) -> String {
    let pack = device.client.pack().unwrap().unwrap();
    let words = only(&device.client, n).told(&pack);
    format!("{} / {}", words.zh, words.en)
}

#[tokio::test(flavor = "multi_thread")]
async fn in_a_cellar_queued_does_not_count_yet_turns_into_sent_and_counts_for_today() {
    let mut world = World::new().await;
    let radio = Radio::new(false);
    let phone = world.phone("phone", "c1", radio.clone()).await;
    world.link.set(LinkMode::Cut);
    world.hands.advance(5 * 60);
    fail_and_write(&phone, 2);
    phone.sync().await.unwrap_err();
    assert_eq!(told(&phone, 2), "已排队：还不算数 / queued: does not count yet");
    assert!(flags(&phone.client, 2).contains(&Flag::AttemptUnproven));
    assert!(radio.given().is_empty());
    // Out of the cellar: cellular service, and still no data.
    radio.has_service(true);
    world.hands.advance(2);
    assert_eq!(phone.client.dispatch_sms().unwrap(), Dispatched { sent: 1, ..Dispatched::default() });
    assert_eq!(told(&phone, 2), "正在发送：还不算数 / being sent: does not count yet");
    let message = &radio.given()[0];
    assert_eq!((message.to.as_str(), message.parts.concat()), ("13800000002", message.text.clone()));
    assert!(message.text.contains(&waybill(2)) && message.text.starts_with("王先生/女士"), "{}", message.text);
    sent(&phone, &radio);
    assert_eq!(told(&phone, 2), "14:02 已发送，算作当天有效派送 / sent 14:02, counts for today");
    assert!(flags(&phone.client, 2).contains(&Flag::AttemptProven));
    // Head office comes to this judgement too, once there is a network.
    world.link.set(LinkMode::Up);
    phone.sync().await.unwrap();
    phone.agrees_with(&world, 2);
    assert_eq!(only(&phone.client, 2).level, SmsLevel::Sent);
    assert_eq!(world.admin().messages(true, 9).unwrap()[0].state, "sent");
    assert_eq!(radio.given().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn segments_are_reported_one_by_one_in_any_order_and_twice() {
    let mut world = World::new().await;
    let radio = Radio::new(true);
    let phone = world.phone("phone", "c1", radio.clone()).await;
    phone.fail(2, "DF-NOBODY").unwrap();
    let wish = SmsWish { callback: Some(text("13800001111")), language: Some(Language::En), ..SmsWish::default() };
    phone.client.record(&on(waybill(2), Act::Sms { wish, state: None, fault: None }), &[]).unwrap();
    phone.client.dispatch_sms().unwrap();
    let message = radio.given().pop().unwrap();
    assert_eq!(message.parts.len(), 3, "{}", message.text);
    let result = |result| phone.client.sms_result(&message.reference, result).unwrap();
    result(SmsResult::PartDelivered(2));
    result(SmsResult::PartSent(1));
    assert_eq!(only(&phone.client, 2).state, SmsState::Submitting, "the first segment has not gone");
    result(SmsResult::PartSent(0));
    result(SmsResult::PartSent(0));
    assert_eq!(only(&phone.client, 2).state, SmsState::Sent);
    result(SmsResult::PartDelivered(0));
    result(SmsResult::PartDelivered(1));
    result(SmsResult::PartSent(1));
    assert_eq!((only(&phone.client, 2).state, only(&phone.client, 2).level), (SmsState::Delivered, SmsLevel::Delivered));
    assert_eq!(radio.given().len(), 1);
    phone.client.sms_result("rubbish", SmsResult::HandedOver).unwrap_err();
    phone.client.sms_result(&message.reference.replace("sms/", "sms/x"), SmsResult::HandedOver).unwrap_err();
}

#[tokio::test(flavor = "multi_thread")]
async fn of_several_segments_all_must_have_failed_before_it_is_tried_again() {
    let mut world = World::new().await;
    let radio = Radio::new(true);
    let phone = world.phone("phone", "c1", radio.clone()).await;
    world.link.set(LinkMode::Cut);
    let wish = SmsWish { callback: Some(text("13800001111")), language: Some(Language::En), ..SmsWish::default() };
    let given = |n: u32| {
        phone.fail(n, "DF-NOBODY").unwrap();
        phone.client.record(&on(waybill(n), Act::Sms { wish: wish.clone(), state: None, fault: None }), &[]).unwrap();
        phone.client.dispatch_sms().unwrap();
        radio.given().pop().unwrap().reference
    };
    let failed = |part| SmsResult::PartFailed(part, SmsFault::NoService);
    let partly = given(2);
    phone.client.sms_result(&partly, failed(0)).unwrap();
    phone.client.dispatch_sms().unwrap();
    assert_eq!((only(&phone.client, 2).state, radio.given().len()), (SmsState::Submitting, 1), "the others may yet go");
    phone.client.sms_result(&partly, SmsResult::PartSent(2)).unwrap();
    phone.client.dispatch_sms().unwrap();
    let message = only(&phone.client, 2);
    assert_eq!((message.state, message.fault, radio.given().len()), (SmsState::Failed, Some(SmsFault::Partial), 1));
    // Late, they all went.
    phone.client.sms_result(&partly, SmsResult::PartSent(0)).unwrap();
    phone.client.sms_result(&partly, SmsResult::PartSent(1)).unwrap();
    assert_eq!(only(&phone.client, 2).state, SmsState::Sent);
    let wholly = given(4);
    for part in 0..3 {
        phone.client.sms_result(&wholly, failed(part)).unwrap();
    }
    phone.client.dispatch_sms().unwrap();
    assert_eq!(radio.given().last().map(|message| message.reference.ends_with(":1")), Some(true));
    // The first try went after all: it is said, though the second is under way.
    for part in 0..3 {
        phone.client.sms_result(&wholly, SmsResult::PartSent(part)).unwrap();
    }
    assert!(only(&phone.client, 4).state.may_have_left() && only(&phone.client, 4).sent_at.is_some());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_phone_that_had_to_go_on_as_a_new_installation_still_sends_what_it_recorded() {
    let mut world = World::new().await;
    let radio = Radio::new(false);
    let phone = world.phone("phone", "c1", radio.clone()).await;
    fail_and_write(&phone, 2);
    phone.sync().await.unwrap();
    // Something of another case is refused: entries in the name of somebody else.
    let db = phone.database();
    db.execute("INSERT INTO member SELECT 'c2', role, outlet, name, pin, wrong FROM member", []).unwrap();
    db.execute("UPDATE meta SET value = CAST('c2' AS BLOB) WHERE key = 'active'", []).unwrap();
    phone.fail(4, "DF-NOBODY").unwrap();
    db.execute("UPDATE meta SET value = CAST('c1' AS BLOB) WHERE key = 'active'", []).unwrap();
    let before = phone.client.identity().unwrap().unwrap().install;
    phone.sync().await.unwrap();
    assert_ne!(phone.client.identity().unwrap().unwrap().install, before);
    radio.has_service(true);
    phone.client.dispatch_sms().unwrap();
    sent(&phone, &radio);
    let message = only(&phone.client, 2);
    assert_eq!((message.state, message.counts(), message.foreign), (SmsState::Sent, true, false));
    // Head office hears it as the word of the person who recorded it.
    phone.sync().await.unwrap();
    assert!(world.admin().messages(true, 9).unwrap()[0].sent_at.is_some());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_phone_that_dies_while_it_sends_leaves_it_uncertain_and_never_sends_it_again() {
    let mut world = World::new().await;
    let radio = Radio::new(true);
    let mut phone = world.phone("phone", "c1", radio.clone()).await;
    fail_and_write(&phone, 2);
    phone.client.dispatch_sms().unwrap();
    let reference = radio.only();
    let options = Options { clock: phone.clock.clone(), sms: Some(radio.clone()), ..Options::default() };
    phone.client = Client::open(&phone.folder, options).unwrap();
    phone.client.dispatch_sms().unwrap();
    assert_eq!(only(&phone.client, 2).state, SmsState::Uncertain);
    phone.client.dispatch_sms().unwrap();
    phone.sync().await.unwrap();
    phone.sync().await.unwrap();
    assert!(flags(&phone.client, 2).contains(&Flag::SmsUncertain));
    assert_eq!(radio.given().len(), 1);
    assert_eq!(world.admin().messages(false, 9).unwrap()[0].state, "uncertain", "a person finds it listed");
    // The operating system tells the next process what became of it.
    for part in 0..radio.given()[0].parts.len() as u32 {
        phone.client.sms_result(&reference, SmsResult::PartSent(part)).unwrap();
    }
    assert_eq!((only(&phone.client, 2).state, only(&phone.client, 2).counts()), (SmsState::Sent, true));
    // The radio told a process that died before it could record the answer. That answer is not forgotten either.
    fail_and_write(&phone, 4);
    phone.client.dispatch_sms().unwrap();
    let db = phone.database();
    assert!(db.execute("UPDATE segment SET state = 1 WHERE state = 0", []).unwrap() > 0);
    let options = Options { clock: phone.clock.clone(), sms: Some(radio.clone()), ..Options::default() };
    phone.client = Client::open(&phone.folder, options).unwrap();
    phone.client.dispatch_sms().unwrap();
    assert_eq!((only(&phone.client, 4).state, radio.given().len()), (SmsState::Sent, 2));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_surely_was_not_sent_is_tried_again_and_what_may_have_been_is_not() {
    let mut world = World::new().await;
    let radio = Radio::new(true);
    let phone = world.phone("phone", "c1", radio.clone()).await;
    world.link.set(LinkMode::Cut);
    *radio.refuses.lock().unwrap() = Some(SmsFault::NoService);
    fail_and_write(&phone, 2);
    phone.client.dispatch_sms().unwrap();
    let message = only(&phone.client, 2);
    assert_eq!((message.state, message.fault), (SmsState::Failed, Some(SmsFault::NoService)));
    let tries = |client: &Client| client.case(&waybill(2)).unwrap().unwrap().case.timeline.len();
    for _ in 0..9 {
        phone.client.dispatch_sms().unwrap();
    }
    let before = tries(&phone.client);
    phone.client.dispatch_sms().unwrap();
    assert_eq!(tries(&phone.client), before, "a phone that says it could and can not is not asked for ever");
    // Another one, whose operator says no.
    phone.fail(4, "DF-NOBODY").unwrap();
    *radio.refuses.lock().unwrap() = Some(SmsFault::Generic);
    phone.client.record(&sms(4), &[]).unwrap();
    phone.client.dispatch_sms().unwrap();
    *radio.refuses.lock().unwrap() = None;
    phone.client.dispatch_sms().unwrap();
    assert_eq!(only(&phone.client, 4).state, SmsState::Failed);
    assert!(radio.given().is_empty());
    // A segment went, another did not.
    fail_and_write(&phone, 6);
    phone.client.dispatch_sms().unwrap();
    let reference = radio.only();
    phone.client.sms_result(&reference, SmsResult::PartFailed(0, SmsFault::NoService)).unwrap();
    phone.client.dispatch_sms().unwrap();
    let again = radio.given();
    assert_eq!(again.len(), 2, "no service: once more when there is");
    assert!(again[1].reference.ends_with(":1"));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_phone_could_not_send_is_left_to_the_gateway_once_there_is_data() {
    let smsc = smsc().await;
    let mut world = World::sending(smpp(&smsc, "")).await;
    let radio = Radio::new(true);
    let phone = world.phone("phone", "c1", radio.clone()).await;
    world.link.set(LinkMode::Cut);
    *radio.refuses.lock().unwrap() = Some(SmsFault::NoService);
    fail_and_write(&phone, 2);
    phone.sync().await.unwrap_err();
    assert_eq!(only(&phone.client, 2).state, SmsState::Failed);
    radio.has_service(false);
    world.link.set(LinkMode::Up);
    let message = until(&phone, 2, SmsState::Sent).await;
    assert!(message.round > 0 && message.counts());
    let offers = phone
        .case(2)
        .unwrap()
        .case
        .timeline
        .iter()
        .filter(|r| {
            matches!(&r.entry.body,
        doorstep_domain::Body::SmsReport(report) if report.state == SmsState::Offered)
        })
        .count();
    assert_eq!((offers, smsc.seen(|seen| seen.messages().len())), (1, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn two_processes_on_one_store_hand_a_message_over_once() {
    let mut world = World::new().await;
    let radio = Radio::new(true);
    let phone = world.phone("phone", "c1", radio.clone()).await;
    for n in [2, 4, 6, 8, 10] {
        fail_and_write(&phone, n);
    }
    let open =
        || Client::open(&phone.folder, Options { clock: phone.clock.clone(), sms: Some(radio.clone()), ..Options::default() });
    let others: Vec<Client> = (0..4).map(|_| open().unwrap()).collect();
    std::thread::scope(|scope| {
        for client in &others {
            scope.spawn(|| client.dispatch_sms().unwrap());
        }
    });
    let mut references: Vec<String> = radio.given().into_iter().map(|message| message.reference).collect();
    references.sort_unstable();
    references.dedup();
    assert_eq!((references.len(), radio.given().len()), (5, 5));
}

#[tokio::test(flavor = "multi_thread")]
async fn two_couriers_who_attempted_offline_may_each_send_one_and_every_replica_says_so() {
    let mut world = World::new().await;
    let (first, second) = (Radio::new(true), Radio::new(true));
    let one = world.phone("one", "c1", first.clone()).await;
    // The list gives the parcel to a colleague while its courier is out of reach.
    world.link.set(LinkMode::Cut);
    one.fail(2, "DF-NOBODY").unwrap();
    one.client.record(&sms(2), &[]).unwrap();
    one.sync().await.unwrap_err();
    sent(&one, &first);
    world.link.set(LinkMode::Up);
    let csv = format!("{PARCEL_COLUMNS}\n{},QH,0571,0412,c2,王小花,13800000002,青禾路2号,200,2026-03-02 08:00\n", waybill(2));
    world.admin().import_parcels(csv.as_bytes(), world.hands.now()).unwrap();
    let two = world.phone("two", "c2", second.clone()).await;
    world.link.set(LinkMode::Cut);
    world.hands.advance(30);
    two.fail(2, "DF-NOBODY").unwrap();
    two.client.record(&sms(2), &[]).unwrap();
    two.sync().await.unwrap_err();
    sent(&two, &second);
    assert_eq!((first.given().len(), second.given().len()), (1, 1));
    world.link.set(LinkMode::Up);
    let tablet = world.device("tablet", "s1").await;
    for device in [&two, &one, &two, &tablet] {
        device.sync().await.unwrap();
    }
    for device in [&tablet, &two] {
        device.agrees_with(&world, 2);
        assert!(flags(&device.client, 2).contains(&Flag::SmsTwice));
        let messages = all(&device.client, 2);
        assert!(messages.len() == 2 && messages.iter().all(|m| m.counts() && m.times == 2 && m.key == messages[0].key));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_for_which_the_same_one_has_gone_is_not_sent_again() {
    let mut world = World::new().await;
    let radio = Radio::new(true);
    let phone = world.phone("phone", "c1", radio.clone()).await;
    world.link.set(LinkMode::Cut);
    for _ in 0..2 {
        fail_and_write(&phone, 2);
        phone.client.dispatch_sms().unwrap();
    }
    assert_eq!(radio.given().len(), 1);
    let states = || all(&phone.client, 2).iter().map(|message| message.state).collect::<Vec<SmsState>>();
    assert_eq!(states(), [SmsState::Submitting, SmsState::Queued], "what becomes of the first decides");
    phone.client.sms_result(&radio.only(), SmsResult::PartSent(0)).unwrap();
    phone.client.dispatch_sms().unwrap();
    assert_eq!((states(), radio.given().len()), (vec![SmsState::Sent, SmsState::Covered], 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_of_no_use_any_more_is_not_sent() {
    let mut world = World::new().await;
    let radio = Radio::new(false);
    let phone = world.phone("phone", "c1", radio.clone()).await;
    world.link.set(LinkMode::Cut);
    for n in [2, 4] {
        fail_and_write(&phone, n);
    }
    // Delivered after all.
    let close = ended(waybill(2), "SIGNED", None);
    phone.client.record(&close, &[]).unwrap();
    radio.has_service(true);
    phone.client.lock().unwrap();
    phone.client.unlock_by_platform("c1").unwrap();
    world.hands.advance(24 * 60);
    let moved = phone.client.dispatch_sms().unwrap();
    assert_eq!((moved.settled, moved.sent), (2, 0));
    phone.client.unlock_by_platform("c1").unwrap();
    assert_eq!(only(&phone.client, 2).state, SmsState::Cancelled);
    assert_eq!(only(&phone.client, 4).state, SmsState::Expired, "it would prove nothing for yesterday");
    assert!(radio.given().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn own_words_and_other_numbers_are_sent_and_prove_nothing() {
    let mut world = World::new().await;
    let radio = Radio::new(true);
    let phone = world.phone("phone", "c1", radio.clone()).await;
    world.link.set(LinkMode::Cut);
    phone.fail(2, "DF-NOBODY").unwrap();
    let wish = SmsWish { text: Some(text(format!("王先生，{} 在门口", waybill(2)))), ..SmsWish::default() };
    let preview = phone.client.preview_sms(&waybill(2), &wish).unwrap();
    assert_eq!((preview.lacks, preview.template), (vec![SmsLack::TemplateInactive], None));
    assert_eq!(preview.number, "138******02");
    phone.client.record(&on(waybill(2), Act::Sms { wish, state: None, fault: None }), &[]).unwrap();
    phone.fail(4, "DF-NOBODY").unwrap();
    let wish = SmsWish { number: Some(text("13999999999")), ..SmsWish::default() };
    assert_eq!(phone.client.preview_sms(&waybill(4), &wish).unwrap().lacks, [SmsLack::OtherNumber]);
    phone.client.record(&on(waybill(4), Act::Sms { wish, state: None, fault: None }), &[]).unwrap();
    phone.client.dispatch_sms().unwrap();
    for message in radio.given() {
        phone.client.sms_result(&message.reference, SmsResult::HandedOver).unwrap();
    }
    assert_eq!(radio.given().len(), 2);
    assert_eq!(only(&phone.client, 2).lacks, [SmsLack::TemplateInactive]);
    assert_eq!(only(&phone.client, 4).lacks, [SmsLack::OtherNumber]);
    assert!(flags(&phone.client, 4).contains(&Flag::AttemptUnproven));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_virtual_number_is_used_while_it_lives_and_its_proof_outlives_it() {
    let mut world = World::new().await;
    let csv = format!(
        "{PARCEL_COLUMNS},virtual_phone,virtual_until\n{},QH,0571,0412,c1,王小花,13800000002,青禾路2号,200,2026-03-02 08:00,17012345678,2026-03-02 12:00\n",
        waybill(2)
    );
    world.admin().import_parcels(csv.as_bytes(), world.hands.now()).unwrap();
    let radio = Radio::new(true);
    let phone = world.phone("phone", "c1", radio.clone()).await;
    world.link.set(LinkMode::Cut);
    fail_and_write(&phone, 2);
    phone.client.dispatch_sms().unwrap();
    sent(&phone, &radio);
    assert_eq!(radio.given()[0].to, "17012345678");
    assert!(only(&phone.client, 2).counts());
    world.hands.advance(4 * 60);
    let preview = phone.client.preview_sms(&waybill(2), &SmsWish::default()).unwrap();
    assert_eq!(
        (preview.number.as_str(), preview.lacks),
        ("138******02", vec![]),
        "the label's own, now that the other has expired"
    );
    phone.fail(2, "DF-NOBODY").unwrap();
    for written in ["17012345678", "+86 170 1234 5678", "17012345678转12", "170-1234-5678"] {
        let wish = SmsWish { number: Some(text(written)), ..SmsWish::default() };
        let previewed = phone.client.preview_sms(&waybill(2), &wish).unwrap_err();
        let act = Act::Sms { wish: wish.clone(), state: None, fault: None };
        let recorded = phone.client.record(&on(waybill(2), act), &[]).unwrap_err();
        for refused in [previewed, recorded] {
            assert!(matches!(refused, ClientError::Refused(Refusal::NumberEnded)), "{written}: {refused:?}");
            assert!(refused.words().zh.contains("真实号码"));
        }
    }
    // The label's own number is named as before, and a message that has left may have gone to the other in time.
    let wish = SmsWish { number: Some(text("138 0000 0002")), ..SmsWish::default() };
    assert_eq!(phone.client.preview_sms(&waybill(2), &wish).unwrap().lacks, []);
    let wish = SmsWish { number: Some(text("17012345678")), ..SmsWish::default() };
    let told = Act::Sms { wish, state: Some(SmsState::HandedOver), fault: None };
    phone.client.record(&on(waybill(2), told), &[]).unwrap();
    assert!(all(&phone.client, 2)[0].counts());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_label_with_only_a_virtual_number_that_has_ended_says_so_and_not_that_there_is_none() {
    let mut world = World::new().await;
    let csv = format!(
        "{PARCEL_COLUMNS},virtual_phone,virtual_until\n{},QH,0571,0412,c1,王小花,,青禾路2号,200,2026-03-02 08:00,17012345678,2026-03-02 12:00\n",
        waybill(2)
    );
    world.admin().import_parcels(csv.as_bytes(), world.hands.now()).unwrap();
    let phone = world.phone("phone", "c1", Radio::new(true)).await;
    phone.fail(2, "DF-NOBODY").unwrap();
    assert_eq!(phone.client.preview_sms(&waybill(2), &SmsWish::default()).unwrap().number, "170******78");
    world.hands.advance(4 * 60);
    phone.fail(2, "DF-NOBODY").unwrap();
    let refused =
        [phone.client.preview_sms(&waybill(2), &SmsWish::default()).unwrap_err(), phone.client.record(&sms(2), &[]).unwrap_err()];
    for refused in refused {
        assert!(matches!(refused, ClientError::Refused(Refusal::NumberEnded)), "{refused:?}");
    }
}
