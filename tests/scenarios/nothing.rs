//! Why there is nothing to act on in a parcel: each reason is its own refusal, also without a network.

use doorstep_client::{Act, ClientError, Outcome, Refusal};
use doorstep_domain::{Assign, RefusalCode};
use doorstep_tests::{Device, LinkMode, World, code, ended, on, waybill};

fn code_of(refused: Result<Outcome, ClientError>) -> String {
    refused.unwrap_err().code().to_owned()
}

/// A courier and staff of the delivering outlet, and staff of the origin outlet.
async fn three(world: &mut World) -> [Device; 3] {
    [world.device("phone", "c1").await, world.device("tablet", "s1").await, world.device("origin", "o1").await]
}

#[tokio::test(flavor = "multi_thread")]
async fn a_parcel_whose_case_has_ended_and_left_the_phone_is_told_so_with_its_outcome() {
    let mut world = World::new().await;
    let [phone, _, _] = three(&mut world).await;
    phone.fail(2, "DF-NOBODY").unwrap();
    phone.sync().await.unwrap();
    world.hands.advance(1);
    phone.client.record(&ended(waybill(2), "SIGNED", None), &[]).unwrap();
    phone.sync().await.unwrap();
    phone.sync().await.unwrap();
    assert!(phone.case(2).is_none(), "the customer's data leave the phone");
    world.link.set(LinkMode::Cut);
    let refused = phone.notice(2).unwrap_err();
    let ClientError::Refused(Refusal::Ended { outcome: Some(outcome) }) = &refused else { panic!("{refused:?}") };
    assert_eq!((refused.code(), outcome.zh.as_str()), ("case_ended", "签收"));
    assert!(refused.words().zh.contains("签收"), "{:?}", refused.words());
    assert_eq!(code_of(phone.note(2, "补充")), "case_ended");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_parcel_that_was_assigned_to_another_courier_is_told_so_and_may_come_back() {
    let mut world = World::new().await;
    let [phone, tablet, _] = three(&mut world).await;
    phone.fail(2, "DF-NOBODY").unwrap();
    phone.sync().await.unwrap();
    tablet.sync().await.unwrap();
    world.hands.advance(1);
    let to = |user: &str| Act::Assign(Assign { to: code(user), planned_at: None, replaces: None, words: None });
    tablet.client.record(&on(waybill(2), to("c2")), &[]).unwrap();
    tablet.sync().await.unwrap();
    phone.sync().await.unwrap();
    assert_eq!(code_of(phone.notice(2)), "parcel_elsewhere");
    assert_eq!(code_of(phone.note(2, "还在我这里")), "parcel_elsewhere");
    world.hands.advance(1);
    tablet.client.record(&on(waybill(2), to("c1")), &[]).unwrap();
    tablet.sync().await.unwrap();
    phone.sync().await.unwrap();
    phone.notice(2).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn the_origin_outlet_is_told_that_it_was_not_notified_until_it_is() {
    let mut world = World::new().await;
    let [phone, _, origin] = three(&mut world).await;
    phone.fail(2, "DF-NOBODY").unwrap();
    phone.sync().await.unwrap();
    origin.sync().await.unwrap();
    assert_eq!(code_of(origin.reply(2)), "not_notified", "the failure alone tells nobody");
    assert_eq!(code_of(origin.reply(4)), "not_notified", "nothing is recorded");
    assert_eq!(origin.client.status().unwrap().refused.first().map(|refused| &refused.reason), None::<&RefusalCode>);
    phone.notice(2).unwrap();
    phone.sync().await.unwrap();
    origin.sync().await.unwrap();
    origin.reply(2).unwrap();
}
