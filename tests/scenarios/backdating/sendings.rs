//! Changes that a sending names as left behind, brings in vain or brings anew keep the gap that they had then.

use doorstep_client::DeviceSigner;
use doorstep_domain::*;
use doorstep_protocol::{SyncRequest, encode};
use doorstep_store::Store;
use doorstep_tests::{Device, World};

use super::{HOUR, Hand, evidence, gap, proves, receipt, receipt_of};
use crate::rules::{on_device, on_server};

/// Two cases that one small batch does not hold, recorded at this moment.
fn too_much(phone: &Device) {
    let long = "青禾速运城西网点派送记录".repeat(100);
    for n in [2, 4] {
        phone.fail(n, "DF-NOBODY").unwrap();
        (0..20).for_each(|_| drop(phone.note(n, &long).unwrap()));
    }
}

/// The place of a batch's only case among the two.
fn carried(request: &SyncRequest, phone: &Device) -> (u32, u32) {
    let docs = &request.batch.as_ref().unwrap().docs;
    assert_eq!(docs.len(), 1, "the other does not fit");
    if docs[0].doc == phone.id(2) { (2, 4) } else { (4, 2) }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_sending_names_as_left_behind_keeps_its_gap_and_is_passed_over_by_nothing() {
    for (name, is_halved) in [("split", false), ("halved", true)] {
        let mut world = World::new().await;
        let phone = world.device("phone", "c1").await;
        let enrolled = world.hands.now();
        // Without an anchor, so that the sending alone dates them.
        phone.clock.restart();
        world.hands.advance(20);
        too_much(&phone);
        world.hands.advance(20);
        if is_halved {
            // It was made, and found too large: nothing of it was taken.
            assert_eq!(phone.request_of(1 << 20, false).batch.unwrap().docs.len(), 2);
        }
        let request = phone.request_of(1 << 16, is_halved);
        let (first, second) = carried(&request, &phone);
        phone.send_with_clock(&world, &request).await.unwrap(); // and the answer is lost
        let named = world.hands.now();
        world.hands.advance(2 * HOUR);
        phone.note(second, "之后").unwrap();
        world.hands.advance(HOUR);
        phone.sync().await.unwrap();
        let sent = world.hands.now();

        let brought = receipt(&world, &phone, first, Kind::Attempt);
        assert_eq!((brought.received_at, gap(&brought)), (named, (Some(enrolled), named)), "{name}");
        let left = receipt(&world, &phone, second, Kind::Attempt);
        assert_eq!((left.received_at, gap(&left)), (sent, (Some(enrolled), named)), "{name}: it existed then");
        assert!(!left.acted.passed_over && !left.review, "{name}");
        let later = receipt(&world, &phone, second, Kind::Note);
        assert_eq!(gap(&later), (Some(enrolled), sent), "{name}: what was recorded in between was not named");
        assert!(!later.acted.passed_over, "{name}");
        for n in [2, 4] {
            phone.agrees_with(&world, n);
            assert_eq!(on_device(&phone, n), on_server(&world, &phone, n), "{name}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_case_too_large_for_one_batch_was_named_whole_and_keeps_that_gap_in_all_its_pieces() {
    let mut world = World::new().await;
    let phone = world.device("phone", "c1").await;
    let enrolled = world.hands.now();
    phone.clock.restart();
    world.hands.advance(20);
    let long = "青禾速运城西网点派送记录".repeat(100);
    phone.fail(2, "DF-NOBODY").unwrap();
    (0..50).for_each(|_| drop(phone.note(2, &long).unwrap()));
    world.hands.advance(20);
    let request = phone.request_of(1 << 16, false);
    phone.send_with_clock(&world, &request).await.unwrap(); // and the answer is lost
    let named = world.hands.now();
    world.hands.advance(2 * HOUR);
    phone.note(2, "之后").unwrap();
    // Named by each of the sendings that got no further.
    (0..3).for_each(|_| drop(phone.request_of(1 << 16, false)));
    world.hands.advance(HOUR);
    phone.sync().await.unwrap();
    let on_server = world.on_server(&phone.id(2)).1;
    assert_eq!(on_server.len(), 52);
    let gaps: Vec<_> = on_server
        .iter()
        .map(|recorded| match &recorded.standing {
            Standing::Accepted(receipt) => (gap(receipt), receipt.acted.passed_over),
            other => panic!("{other:?}"),
        })
        .collect();
    let (later, before) = gaps.split_last().unwrap();
    assert!(before.iter().all(|known| *known == ((Some(enrolled), named), false)), "{gaps:?}");
    assert_eq!(*later, ((Some(enrolled), world.hands.now()), false), "nobody had heard of this one");
    phone.agrees_with(&world, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_named_keeps_its_gap_also_when_another_case_is_refused_and_written_anew() {
    let mut world = World::new().await;
    let phone = world.device("phone", "c1").await;
    for n in [2, 4] {
        phone.fail(n, "DF-NOBODY").unwrap();
        phone.notice(n).unwrap();
    }
    phone.sync().await.unwrap();
    let origin = crate::rights::lawless(&mut world, "origin", "o1").await;
    origin.sync().await.unwrap();
    let enrolled = world.hands.now();
    world.hands.advance(10);
    origin.fail(2, "DF-ADDR").unwrap(); // will be refused
    drop(origin.request()); // and did not leave for lack of network
    origin.reply(2).unwrap(); // waits behind it, and is written anew
    origin.reply(4).unwrap();
    world.hands.advance(20);
    let named = world.hands.now();
    let (request, asked) = (origin.request(), doorstep_client::Clock::read(&*origin.clock));
    assert_eq!(request.batch.as_ref().unwrap().docs.len(), 1);
    let answer = origin.send_with_clock(&world, &request).await.unwrap();
    // Its answer is applied; the network is gone before anything else leaves.
    Store::open(&origin.folder).unwrap().apply(&answer, asked, named, InstallId::new([0x31; 16])).unwrap();
    world.hands.advance(3 * HOUR);
    origin.sync().await.unwrap();
    let left = receipt(&world, &origin, 4, Kind::Reply);
    assert_eq!((left.received_at, gap(&left)), (world.hands.now(), (Some(enrolled), named)));
    assert!(!left.acted.passed_over && proves(&left));
    origin.agrees_with(&world, 4);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_waited_for_something_else_keeps_the_gap_of_its_first_sending() {
    let mut world = World::new().await;
    let phone = world.device("phone", "c1").await;
    let enrolled = world.hands.now();
    let mut hand = Hand::of(&phone, 2);
    world.hands.advance(10);
    let (before, after) = (hand.write("c1", evidence(&phone), None), hand.write("c1", evidence(&phone), None));
    world.hands.advance(10);
    let first = world.hands.now();
    let ack = phone.push_by_hand(&world, &[(hand.case, &[after.bytes()])]).await.unwrap();
    assert_eq!(ack.cases[0].rows.len(), 1);
    assert!(world.on_server(&hand.case).1.is_empty(), "what it follows is missing");
    world.hands.advance(30);
    let mut request = phone.request();
    let packs = vec![doorstep_protocol::PushCase {
        case: hand.case,
        pack: doorstep_document::pack::elide(&[before.bytes(), after.bytes()]).unwrap(),
    }];
    request.install = hand.install;
    request.chain = None;
    let header =
        doorstep_protocol::Header { batch: 2, prev: BatchHash::NONE, user: "c1".into(), install: hand.install, again: vec![] };
    let mut batch = phone.batch_of(&request, packs);
    batch.header = encode(&header).unwrap();
    batch.sig = phone.signer().sign(&batch.message()).unwrap();
    request.batch = Some(batch);
    phone.send_with_clock(&world, &request).await.unwrap();
    let waited = receipt_of(&world, &after, &hand.case);
    assert_eq!((waited.received_at, gap(&waited)), (world.hands.now(), (Some(enrolled), first)));
    let came = receipt_of(&world, &before, &hand.case);
    assert_eq!(gap(&came), (Some(enrolled), world.hands.now()), "nobody had seen this one before");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_written_anew_after_a_refusal_has_its_originals_gap() {
    let mut world = World::new().await;
    let phone = world.device("phone", "c1").await;
    phone.fail(2, "DF-NOBODY").unwrap();
    phone.notice(2).unwrap();
    phone.sync().await.unwrap();
    let origin = crate::rights::lawless(&mut world, "origin", "o1").await;
    origin.sync().await.unwrap();
    let enrolled = world.hands.now();
    world.hands.advance(10);
    origin.fail(2, "DF-ADDR").unwrap(); // refused
    origin.reply(2).unwrap(); // waits behind it, and is written anew
    world.hands.advance(10);
    let first = world.hands.now();
    let (request, asked) = (origin.request(), doorstep_client::Clock::read(&*origin.clock));
    let answer = origin.send_with_clock(&world, &request).await.unwrap();
    // Its answer is applied; the network is gone before what was written anew leaves.
    Store::open(&origin.folder).unwrap().apply(&answer, asked, first, InstallId::new([0x31; 16])).unwrap();
    world.hands.advance(3 * HOUR);
    origin.sync().await.unwrap();
    let anew = receipt(&world, &origin, 2, Kind::Reply);
    assert_eq!((anew.received_at, gap(&anew)), (world.hands.now(), (Some(enrolled), first)));
    assert!(!anew.acted.passed_over && proves(&anew));
    origin.agrees_with(&world, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_claim_to_be_written_anew_gains_nothing_without_an_original_of_this_device() {
    let mut world = World::new().await;
    let (phone, other) = (world.device("phone", "c1").await, world.device("other", "c2").await);
    let enrolled = world.hands.now();
    other.fail(2, "DF-NOBODY").unwrap();
    other.sync().await.unwrap();
    let theirs = world.on_server(&other.id(2)).1[0].change;
    world.hands.advance(20);
    phone.clock.restart();
    let mut hand = Hand::of(&phone, 2);
    let of_nothing = hand.write("c1", evidence(&phone), Some(ChangeHash::new([0x42; 32])));
    let of_another = hand.write("c1", evidence(&phone), Some(theirs));
    world.hands.advance(20);
    phone.push_by_hand(&world, &[(hand.case, &[of_nothing.bytes(), of_another.bytes()])]).await.unwrap();
    for change in [&of_nothing, &of_another] {
        let got = receipt_of(&world, change, &hand.case);
        assert_eq!(gap(&got), (Some(enrolled), world.hands.now()));
        assert!(!proves(&got));
    }
}
