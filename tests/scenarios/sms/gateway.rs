//! With data the server's gateway sends: once, within the network's limits, under one lease.

use doorstep_client::{Act, SmsWish};
use doorstep_domain::{SmsLevel, SmsState};
use doorstep_rules::SmsLack;
use doorstep_tests::{PARCEL_COLUMNS, on, smsc::Answer, text};

use super::*;

#[tokio::test(flavor = "multi_thread")]
async fn with_data_the_gateway_sends_and_the_phone_does_not() {
    let smsc = smsc().await;
    let mut world = World::sending(smpp(&smsc, "")).await;
    let radio = Radio::new(true);
    let phone = world.phone("phone", "c1", radio.clone()).await;
    fail_and_write(&phone, 2);
    let message = until(&phone, 2, SmsState::Sent).await;
    assert_eq!((message.level, message.counts()), (SmsLevel::Sent, true));
    let submit = smsc.seen(|seen| seen.submits[0].clone());
    assert_eq!((submit.esm_class, submit.data_coding, submit.registered_delivery), (0, 8, 1), "never a receipt's class");
    assert_eq!((submit.source.as_str(), submit.destination.as_str()), ("10690001", "8613800000002"));
    let delivered = smsc.receipt(&submit.id.unwrap(), "DELIVRD", "000");
    assert_eq!(delivered.answer().await, Some(0));
    let message = until(&phone, 2, SmsState::Delivered).await;
    assert_eq!((message.level, message.counts()), (SmsLevel::Gateway, true));
    phone.agrees_with(&world, 2);
    assert_eq!(smsc.seen(|seen| seen.messages().len()), 1);
    assert!(radio.given().is_empty());
    // They happened in one moment of a clock that stands still, so their order is not theirs.
    let mut states: Vec<String> = phone
        .case(2)
        .unwrap()
        .case
        .timeline
        .iter()
        .filter_map(|r| match &r.entry.body {
            doorstep_domain::Body::SmsReport(report) => Some(report.state.as_str().to_owned()),
            _ => None,
        })
        .collect();
    states.sort_unstable();
    assert_eq!(states, ["delivered", "leased", "offered", "sent", "submitting"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_gateway_the_phone_sends_though_it_has_data() {
    let mut world = World::new().await;
    let radio = Radio::new(true);
    let phone = world.phone("phone", "c1", radio.clone()).await;
    fail_and_write(&phone, 2);
    phone.sync().await.unwrap();
    assert_eq!(radio.given().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_waits_for_an_smsc_that_is_away_and_goes_once() {
    let mut smsc = smsc().await;
    let config = smpp(&smsc, "");
    let port = smsc.addr();
    smsc.cut();
    drop(smsc);
    let mut world = World::sending(config).await;
    let phone = world.device("phone", "c1").await;
    fail_and_write(&phone, 2);
    phone.sync().await.unwrap();
    assert_eq!(only(&phone.client, 2).state, SmsState::Offered);
    smsc = Smsc::start_at(port, SmscOptions { password: "secret".into(), ..SmscOptions::default() }).await;
    smsc.script([Answer::Throttle, Answer::QueueFull]);
    until(&phone, 2, SmsState::Sent).await;
    assert_eq!(smsc.seen(|seen| seen.messages().len()), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_never_comes_is_uncertain_and_nobody_sends_again() {
    let smsc = smsc().await;
    let mut world = World::sending(smpp(&smsc, "response_seconds = 0.2")).await;
    let radio = Radio::new(true);
    let phone = world.phone("phone", "c1", radio.clone()).await;
    smsc.script([Answer::Silent]);
    fail_and_write(&phone, 2);
    let message = until(&phone, 2, SmsState::Uncertain).await;
    assert!(!message.counts() && flags(&phone.client, 2).contains(&Flag::SmsUncertain));
    let entry = message.entry.to_string();
    let listed = world.admin().messages(false, 9).unwrap();
    assert_eq!((listed[0].entry.as_str(), listed[0].state.as_str()), (entry.as_str(), "uncertain"));
    world.hands.advance(60);
    phone.sync().await.unwrap();
    assert_eq!(smsc.seen(|seen| seen.messages().len()), 1);
    assert!(radio.given().is_empty());
    // Nobody leases it away either.
    let refused = phone.client.lease_sms(&waybill(2)).await.unwrap_err();
    assert!(format!("{refused:?}").contains("uncertain"), "{refused:?}");
    // A person who has asked the operator settles it.
    world.admin().user("q1", "总部", "hq_reviewer", "0571").unwrap();
    use doorstep_server::admin::Found;
    world.admin().settle_sms(&waybill(2), (&entry, Found::Sent), ("q1", "运营商确认"), world.hands.now()).unwrap();
    let message = until(&phone, 2, SmsState::Sent).await;
    assert!(message.counts());
    world.admin().settle_sms(&waybill(2), (&entry, Found::Again), ("q1", "再发"), world.hands.now()).unwrap_err();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_may_have_it_sent_once_more() {
    let smsc = smsc().await;
    let mut world = World::sending(smpp(&smsc, "response_seconds = 0.2")).await;
    let phone = world.device("phone", "c1").await;
    smsc.script([Answer::CutAfter]);
    fail_and_write(&phone, 2);
    let entry = until(&phone, 2, SmsState::Uncertain).await.entry.to_string();
    world.admin().user("q1", "总部", "hq_reviewer", "0571").unwrap();
    use doorstep_server::admin::Found;
    world.admin().settle_sms(&waybill(2), (&entry, Found::Again), ("q1", "客户没收到"), world.hands.now()).unwrap();
    let message = until(&phone, 2, SmsState::Sent).await;
    assert_eq!((message.round, smsc.seen(|seen| seen.messages().len())), (1, 2));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_template_that_allows_it_is_sent_once_more_by_itself_and_no_oftener() {
    let smsc = smsc().await;
    let mut world = World::sending(smpp(&smsc, "")).await;
    let with_resend = ("id = \"failed_delivery\"", "id = \"failed_delivery\"\nresend = true");
    world.admin().publish_pack(&crate::rules::second_version(with_resend), world.hands.now()).unwrap();
    let phone = world.device("phone", "c1").await;
    world.hands.advance(121);
    phone.sync().await.unwrap();
    smsc.script([Answer::CutAfter, Answer::CutAfter]);
    fail_and_write(&phone, 2);
    let last = loop {
        let message = until(&phone, 2, SmsState::Uncertain).await;
        if message.round > 0 {
            break message;
        }
    };
    assert_eq!((last.round, smsc.seen(|seen| seen.messages().len())), (1, 2));
    phone.sync().await.unwrap();
    assert_eq!(world.admin().messages(false, 9).unwrap()[0].state, "uncertain");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_number_is_evidence_of_a_wrong_number() {
    let smsc = smsc().await;
    let mut world = World::sending(smpp(&smsc, "")).await;
    let phone = world.device("phone", "c1").await;
    // ESME_RINVDSTADR
    smsc.script([Answer::Refuse(0x0b)]);
    fail_and_write(&phone, 2);
    let message = until(&phone, 2, SmsState::Failed).await;
    assert_eq!((message.fault, message.level), (Some(SmsFault::Number), SmsLevel::Failed));
}

/// What the server says of a message that its device left to the gateway by hand.
async fn offered_by_hand(wish: SmsWish) -> (Message, usize) {
    let smsc = smsc().await;
    let mut world = World::sending(smpp(&smsc, "")).await;
    let phone = world.device("phone", "c1").await;
    phone.fail(2, "DF-NOBODY").unwrap();
    phone.client.record(&on(waybill(2), Act::Sms { wish, state: None, fault: None }), &[]).unwrap();
    phone.sync().await.unwrap();
    let of = only(&phone.client, 2).entry;
    let offer = offered(waybill(2), of);
    phone.client.record(&offer, &[]).unwrap();
    let message = until(&phone, 2, SmsState::Failed).await;
    (message, smsc.seen(|seen| seen.messages().len()))
}

#[tokio::test(flavor = "multi_thread")]
async fn the_gateway_sends_nobodys_own_words_and_to_nobodys_own_number() {
    let words = SmsWish { text: Some(text(format!("王先生中奖了 {}", waybill(2)))), ..SmsWish::default() };
    let (message, sent) = offered_by_hand(words).await;
    assert_eq!((message.fault, sent), (Some(SmsFault::Text), 0));
    let (message, sent) = offered_by_hand(SmsWish { number: Some(text("13911111111")), ..SmsWish::default() }).await;
    assert_eq!((message.fault, sent), (Some(SmsFault::NotTheLabels), 0), "which is no evidence of a wrong number");
}

#[tokio::test(flavor = "multi_thread")]
async fn one_number_gets_no_more_in_a_day_than_the_network_allows() {
    let smsc = smsc().await;
    let mut world = World::sending(smpp(&smsc, "")).await;
    let mut csv = format!("{PARCEL_COLUMNS}\n");
    for n in 0..5 {
        csv += &format!("{},QH,0571,0412,c1,王小花,+86 138 8888 8888,青禾路,0,2026-03-02 08:00\n", waybill(n));
    }
    world.admin().import_parcels(csv.as_bytes(), world.hands.now()).unwrap();
    let phone = world.device("phone", "c1").await;
    for n in 0..5 {
        fail_and_write(&phone, n);
        phone.sync().await.unwrap();
    }
    let mut states = Vec::new();
    for n in 0..5 {
        let done = |state| matches!(state, SmsState::Sent | SmsState::Failed);
        while !done(only(&phone.client, n).state) {
            phone.client.wait_for_hint(1).await.unwrap();
            phone.sync().await.unwrap();
        }
        states.push((only(&phone.client, n).state, only(&phone.client, n).fault));
    }
    assert_eq!(states.iter().filter(|(state, _)| *state == SmsState::Sent).count(), 3);
    assert_eq!(states.iter().filter(|(_, fault)| *fault == Some(SmsFault::Limit)).count(), 2);
    assert_eq!(smsc.seen(|seen| seen.messages().len()), 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_is_woken_and_it_goes_when_the_quiet_hours_end() {
    let smsc = smsc().await;
    let mut world = World::sending(smpp(&smsc, "")).await;
    // Tuesday, 06:30.
    world.hands.advance(21 * 60 + 30);
    let phone = world.device("phone", "c1").await;
    fail_and_write(&phone, 2);
    phone.sync().await.unwrap();
    // The gateway has looked at it once it has a time.
    let due = loop {
        let row = world.admin().messages(false, 9).unwrap().remove(0);
        assert_eq!(row.state, "offered");
        if row.due_at > Some(world.hands.now()) {
            break row.due_at;
        }
        phone.client.wait_for_hint(1).await.unwrap();
    };
    assert_eq!(due, Some(world.hands.now().plus(30 * 60_000)));
    assert_eq!(smsc.seen(|seen| seen.submits.len()), 0);
    world.hands.advance(30);
    until(&phone, 2, SmsState::Sent).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_the_same_message_from_two_recorders_the_gateway_sends_one() {
    let smsc = smsc().await;
    let mut world = World::sending(smpp(&smsc, "")).await;
    let (phone, tablet) = (world.device("phone", "c1").await, world.device("tablet", "s1").await);
    fail_and_write(&phone, 2);
    until(&phone, 2, SmsState::Sent).await;
    tablet.sync().await.unwrap();
    // The outlet does not see that it has gone, and writes it too.
    let before = all(&tablet.client, 2).len();
    tablet.client.record(&sms(2), &[]).unwrap();
    for _ in 0..50 {
        tablet.sync().await.unwrap();
        if all(&tablet.client, 2).iter().any(|message| message.state == SmsState::Covered) {
            break;
        }
        tablet.client.wait_for_hint(1).await.unwrap();
    }
    let mut states: Vec<SmsState> = all(&tablet.client, 2).iter().map(|message| message.state).collect();
    states.sort_unstable();
    assert_eq!((before, states), (1, vec![SmsState::Covered, SmsState::Sent]));
    assert_eq!(smsc.seen(|seen| seen.messages().len()), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tablet_sends_for_a_courier_only_with_the_servers_lease_and_one_gets_it() {
    let mut world = World::new().await;
    let (at_desk, at_other) = (Radio::new(true), Radio::new(true));
    let courier = world.device("phone", "c1").await;
    let desk = world.phone("desk", "s1", at_desk.clone()).await;
    let other = world.phone("other", "s1", at_other.clone()).await;
    fail_and_write(&courier, 2);
    courier.sync().await.unwrap();
    desk.sync().await.unwrap();
    other.sync().await.unwrap();
    assert!(at_desk.given().is_empty(), "it is the courier's to send");
    let refused = desk.client.lease_sms(&waybill(2)).await.unwrap_err();
    assert!(format!("{refused:?}").contains("not_offered"), "{refused:?}");
    // The courier has no service, and leaves the message to any device that has.
    let of = only(&courier.client, 2).entry;
    let offer = offered(waybill(2), of);
    courier.client.record(&offer, &[]).unwrap();
    courier.sync().await.unwrap();
    let number = waybill(2);
    let (one, two) = tokio::join!(desk.client.lease_sms(&number), other.client.lease_sms(&number));
    assert!(one.is_ok() != two.is_ok(), "{one:?} {two:?}");
    assert_eq!(at_desk.given().len() + at_other.given().len(), 1);
    let (holder, radio) = if one.is_ok() { (&desk, &at_desk) } else { (&other, &at_other) };
    holder.client.sms_result(&radio.only(), SmsResult::HandedOver).unwrap();
    holder.sync().await.unwrap();
    courier.sync().await.unwrap();
    assert_eq!((only(&courier.client, 2).state, only(&courier.client, 2).counts()), (SmsState::HandedOver, true));
    assert!(!flags(&courier.client, 2).contains(&Flag::SmsUnauthorised));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lease_that_ends_without_a_word_leaves_it_uncertain() {
    let smsc = smsc().await;
    let config = smpp(&smsc, "");
    smsc.script_binds(std::iter::repeat_n(doorstep_tests::smsc::BindAnswer::Cut, 10_000));
    let mut world = World::sending(config).await;
    let radio = Radio::new(false);
    let courier = world.device("phone", "c1").await;
    let desk = world.phone("desk", "s1", radio.clone()).await;
    fail_and_write(&courier, 2);
    courier.sync().await.unwrap();
    desk.sync().await.unwrap();
    assert_eq!(only(&desk.client, 2).state, SmsState::Offered);
    desk.client.lease_sms(&waybill(2)).await.unwrap();
    // Asked again because the answer was lost: the same lease.
    assert_eq!(only(&desk.client, 2).state, SmsState::Leased);
    let tag = only(&desk.client, 2).holder.unwrap();
    assert_eq!(world.admin().messages(false, 9).unwrap()[0].holder.as_deref(), Some(tag.as_str()));
    // With the lease it sends, and the server hears of it.
    radio.has_service(true);
    desk.client.dispatch_sms().unwrap();
    desk.client.sms_result(&radio.only(), SmsResult::HandedOver).unwrap();
    desk.sync().await.unwrap();
    courier.sync().await.unwrap();
    let message = only(&courier.client, 2);
    assert_eq!((message.state, message.level, message.counts()), (SmsState::HandedOver, SmsLevel::HandedOver, true));
    // Another message, whose holder is never heard of again.
    fail_and_write(&courier, 4);
    courier.sync().await.unwrap();
    radio.has_service(false);
    desk.sync().await.unwrap();
    desk.client.lease_sms(&waybill(4)).await.unwrap();
    world.hands.advance(18);
    let message = until(&courier, 4, SmsState::Uncertain).await;
    assert_eq!(message.fault, Some(SmsFault::LeaseLost));
    // A third, whose holder had no service at first, began again, and is never heard of again.
    fail_and_write(&courier, 6);
    courier.sync().await.unwrap();
    desk.sync().await.unwrap();
    desk.client.lease_sms(&waybill(6)).await.unwrap();
    *radio.refuses.lock().unwrap() = Some(SmsFault::NoService);
    radio.has_service(true);
    desk.client.dispatch_sms().unwrap();
    radio.has_service(false);
    desk.sync().await.unwrap();
    courier.sync().await.unwrap();
    assert_eq!(only(&courier.client, 6).state, SmsState::Failed);
    let row = |n: u32| {
        let rows = world.admin().messages(false, 9).unwrap();
        rows.into_iter().find(|row| row.waybill == waybill(n)).map(|row| row.state)
    };
    assert_eq!(row(6).as_deref(), Some("leased"), "the lease goes on");
    *radio.refuses.lock().unwrap() = None;
    radio.has_service(true);
    desk.client.dispatch_sms().unwrap();
    desk.sync().await.unwrap();
    assert_eq!(row(6).as_deref(), Some("submitting"));
    world.hands.advance(18);
    assert_eq!(until(&courier, 6, SmsState::Uncertain).await.fault, Some(SmsFault::LeaseLost));
    assert_eq!(smsc.seen(|seen| seen.submits.len()), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_preview_that_counts_is_sent_with_an_outlet_that_has_a_number_and_a_name_with_a_dot() {
    let smsc = smsc().await;
    let mut world = World::sending(smpp(&smsc, "")).await;
    let with_outlet = ("，您好，{brand}！", "，您好，{brand}{outlet}！");
    world.admin().publish_pack(&crate::rules::second_version(with_outlet), world.hands.now()).unwrap();
    world.admin().outlet("0412", "城西2店", "West", "0571-88000000").unwrap();
    let csv = format!(
        "{PARCEL_COLUMNS}\n{},QH,0571,0412,c1,阿依古丽·买买提女士,13800000002,青禾路2号,0,2026-03-02 08:00\n",
        waybill(2)
    );
    world.admin().import_parcels(csv.as_bytes(), world.hands.now()).unwrap();
    let phone = world.device("phone", "c1").await;
    world.hands.advance(121);
    phone.sync().await.unwrap();
    phone.fail(2, "DF-NOBODY").unwrap();
    let preview = phone.client.preview_sms(&waybill(2), &SmsWish::default()).unwrap();
    let said = preview.text.text().unwrap().to_owned();
    assert!(said.starts_with("阿依古丽先生/女士，您好，青禾速运城西2店！"), "{said}");
    assert_eq!(preview.lacks, []);
    phone.client.record(&sms(2), &[]).unwrap();
    let message = until(&phone, 2, SmsState::Sent).await;
    assert_eq!((message.counts(), smsc.seen(|seen| seen.messages().len())), (true, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_without_a_readable_surname_is_told_in_the_neutral_form_which_proves_nothing() {
    for name in ["*小明", "请放门口王小明", "门卫室", "青禾有限公司"] {
        let smsc = smsc().await;
        let mut world = World::sending(smpp(&smsc, "")).await;
        let csv = format!("{PARCEL_COLUMNS}\n{},QH,0571,0412,c1,{name},13800000002,青禾路2号,0,2026-03-02 08:00\n", waybill(2));
        world.admin().import_parcels(csv.as_bytes(), world.hands.now()).unwrap();
        let phone = world.device("phone", "c1").await;
        phone.fail(2, "DF-NOBODY").unwrap();
        let preview = phone.client.preview_sms(&waybill(2), &SmsWish::default()).unwrap();
        assert_eq!(preview.lacks, [SmsLack::NoSurname], "{name}");
        assert!(preview.text.text().unwrap().starts_with("尊敬的客户，您好，青禾速运"), "{name}");
        phone.client.record(&sms(2), &[]).unwrap();
        let message = until(&phone, 2, SmsState::Sent).await;
        assert_eq!((message.lacks, smsc.seen(|seen| seen.messages().len())), (vec![SmsLack::NoSurname], 1), "{name}");
    }
}
