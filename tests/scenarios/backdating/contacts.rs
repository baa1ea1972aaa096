//! The contacts that bound an act: complete syncs, requests that leave it out, and when a request counts as received.

use doorstep_client::DeviceSigner;
use doorstep_domain::*;
use doorstep_protocol::{NonceResponse, SessionRequest, SyncRequest, decode, encode, open, seal, signing::session_message};
use doorstep_rules::Flag;
use doorstep_tests::{Device, LinkMode, World, raw};

use super::{DAY, HOUR, Hand, evidence, gap, has, judged, proves, receipt, receipt_of};

/// A device of version 2 does not say the monotonic time of its contacts. They are contacts nevertheless.
#[tokio::test(flavor = "multi_thread")]
async fn another_device_of_the_person_that_names_no_clock_was_in_contact_too() {
    let mut world = World::new().await;
    let (phone, other) = (world.device("phone", "c1").await, world.device("other", "c1").await);
    world.hands.advance(DAY);
    phone.sync().await.unwrap();
    phone.fail(2, "DF-NOBODY").unwrap();
    phone.sync().await.unwrap();
    let db = world.database();
    for (is_known, word) in [(false, "独自"), (true, "不独自")] {
        world.hands.advance(HOUR);
        if is_known {
            let (of, at) = (DeviceId::of(&other.signer().public_key()), world.hands.now().0);
            db.execute("INSERT INTO anchor VALUES (?1, ?2 / 3600000, ?2, ?2)", rusqlite::params![of.as_bytes(), at]).unwrap();
        }
        world.hands.advance(HOUR);
        phone.clock.restart();
        phone.note(2, word).unwrap();
        phone.sync().await.unwrap();
        assert_eq!(receipt(&world, &phone, 2, Kind::Note).others_in_contact, is_known, "{word}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_lies_before_a_complete_sync_once_a_signed_batch_names_its_receipt_and_before_that_it_can() {
    let mut world = World::new().await;
    let phone = world.device("phone", "c1").await;
    let enrolled = world.hands.now();
    let from = |world: &World, n: u32| gap(&receipt(world, &phone, n, Kind::Attempt)).0;
    let step = |n: u32| {
        world.hands.advance(10);
        phone.fail(n, "DF-NOBODY").unwrap();
    };
    step(2);
    phone.sync().await.unwrap();
    let first = world.hands.now();
    step(4);
    phone.sync().await.unwrap();
    let second = world.hands.now();
    assert_eq!((from(&world, 2), from(&world, 4)), (Some(enrolled), Some(first)));
    // A sync whose answer did not come proves nothing: the phone can not have known of it.
    step(6);
    world.link.set(LinkMode::LoseAnswers);
    phone.sync().await.unwrap_err();
    world.link.set(LinkMode::Up);
    step(8);
    phone.sync().await.unwrap();
    assert_eq!(from(&world, 8), Some(second), "not the time of the answer that was lost");
    let third = world.hands.now();
    step(10);
    phone.sync().await.unwrap();
    assert_eq!(from(&world, 10), Some(third));
    // A clock that is turned after the contact changes nothing of this.
    phone.clock.restart();
    step(12);
    phone.clock.raise(3 * DAY);
    phone.sync().await.unwrap();
    let turned = receipt(&world, &phone, 12, Kind::Attempt);
    assert_eq!(turned.acted.at, gap(&turned).0);
    assert!(turned.acted.passed_over && turned.review);
}

/// A request that names nothing of what is unsent.
async fn pass_by(world: &World, device: &Device, how: &str) {
    let auth = device.bearer();
    let answer = match how {
        "references" => raw(world.addr(), "GET", "/v1/refs/outlets?have=0", &[("authorization", &auth)], b"").await.status,
        "photo" => {
            let path = format!("/v1/photos/{}", "ab".repeat(32));
            let headers = [("authorization", auth.as_str()), ("tus-resumable", "1.0.0")];
            let status = raw(world.addr(), "HEAD", &path, &headers, b"").await.status;
            assert_eq!(status, 409, "it asks how much has come of a photo that nothing names yet");
            200
        }
        "session" => {
            let answer = raw(world.addr(), "POST", "/v1/nonce", &[], b"").await;
            let given: NonceResponse = decode(&open(&answer.body, 4096).unwrap()).unwrap();
            let sig = device.signer().sign(&session_message(&given.nonce)).unwrap();
            let of = DeviceId::of(&device.signer().public_key());
            let body = seal(&encode(&SessionRequest { device: of, nonce: given.nonce, sig }).unwrap()).unwrap();
            raw(world.addr(), "POST", "/v1/session", &[], &body).await.status
        }
        _ => {
            // The request is as it was before anything was recorded: its batch is not closed.
            let request = SyncRequest { batch: None, ..device.request() };
            device.send_with_clock(world, &request).await.unwrap();
            200
        }
    };
    assert_eq!(answer, 200, "{how}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_act_that_a_request_left_out_is_passed_over_and_what_was_in_flight_is_honest() {
    for how in ["references", "photo", "session", "sync"] {
        for (minutes, passed_over) in [(4, false), (6, true)] {
            let mut world = World::new().await;
            let phone = world.device("phone", "c1").await;
            world.hands.advance(30);
            phone.fail(2, "DF-NOBODY").unwrap();
            let acted = world.hands.now();
            world.hands.advance(minutes);
            pass_by(&world, &phone, how).await;
            world.hands.advance(60);
            phone.sync().await.unwrap();
            let got = receipt(&world, &phone, 2, Kind::Attempt);
            assert_eq!((got.acted.passed_over, got.review), (passed_over, passed_over), "{how}, {minutes} minutes before it");
            assert_eq!((got.acted.at, proves(&got)), (Some(acted), !passed_over), "{how}, {minutes}");
            assert_eq!(
                has(&judged(&world, &phone, 2).1, &[Flag::ClockPassedOver, Flag::Review]),
                passed_over,
                "{how}, {minutes}"
            );
            phone.agrees_with(&world, 2);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_request_left_out_is_passed_over_at_another_process_and_after_a_restart_too() {
    for is_restarted in [false, true] {
        let mut world = World::new().await;
        let phone = world.device("phone", "c1").await;
        world.hands.advance(30);
        phone.fail(2, "DF-NOBODY").unwrap();
        world.hands.advance(10);
        // A request just before the sending does not take the place of an earlier request.
        if is_restarted {
            pass_by(&world, &phone, "references").await;
            world.restart_server().await;
            world.hands.advance(60);
            phone.sync().await.unwrap();
        } else {
            let other = world.another_server().await;
            let auth = phone.bearer();
            let asked = raw(other.addr, "GET", "/v1/refs/outlets?have=0", &[("authorization", &auth)], b"").await;
            assert_eq!(asked.status, 200);
            world.hands.advance(15);
            let asked = raw(other.addr, "GET", "/v1/refs/outlets?have=0", &[("authorization", &auth)], b"").await;
            assert_eq!(asked.status, 200);
            world.hands.advance(1);
            phone.sync().await.unwrap();
            other.stop().await;
        }
        let got = receipt(&world, &phone, 2, Kind::Attempt);
        assert!(got.acted.passed_over && got.review, "{is_restarted}: {got:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_phone_asks_for_just_before_it_sends_passes_nothing_over() {
    for how in ["references", "photo", "session"] {
        let mut world = World::new().await;
        let phone = world.device("phone", "c1").await;
        phone.clock.restart();
        phone.fail(2, "DF-NOBODY").unwrap();
        let acted = world.hands.now();
        // Half an hour later it is online again.
        world.hands.advance(30);
        pass_by(&world, &phone, how).await;
        world.hands.advance(1);
        pass_by(&world, &phone, how).await;
        world.hands.advance(1);
        phone.sync().await.unwrap();
        let got = receipt(&world, &phone, 2, Kind::Attempt);
        assert_eq!((got.acted.at, got.acted.passed_over, got.review), (Some(acted), false, false), "{how}");
    }
}

/// An act that leans on an older contact was not written before the installation's previous act.
#[tokio::test(flavor = "multi_thread")]
async fn an_act_lies_after_the_contact_that_the_act_before_it_leant_on() {
    let mut world = World::new().await;
    let phone = world.device("phone", "c1").await;
    let old = evidence(&phone);
    world.hands.advance(2 * HOUR);
    phone.sync().await.unwrap();
    let heard = world.hands.now();
    world.hands.advance(30);
    let mut hand = Hand::of(&phone, 2);
    let before = hand.write("c1", evidence(&phone), None);
    let after = hand.write("c1", TimeEvidence { anchor: old.anchor, ..evidence(&phone) }, None);
    phone.push_by_hand(&world, &[(hand.case, &[before.bytes(), after.bytes()])]).await.unwrap();
    for change in [&before, &after] {
        assert_eq!(gap(&receipt_of(&world, change, &hand.case)), (Some(heard), world.hands.now()));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sync_that_names_no_clock_is_a_contact_all_the_same_also_after_a_restart_of_the_server() {
    let mut world = World::new().await;
    let phone = world.device("phone", "c1").await;
    world.hands.advance(5);
    let forged = evidence(&phone);
    world.hands.advance(20);
    phone.send(&world, &SyncRequest { batch: None, ..phone.request() }).await.unwrap();
    world.restart_server().await;
    world.hands.advance(30);
    let mut hand = Hand::of(&phone, 2);
    let forgotten = hand.write("c1", forged, None);
    phone.push_by_hand(&world, &[(hand.case, &[forgotten.bytes()])]).await.unwrap();
    let got = receipt_of(&world, &forgotten, &hand.case);
    assert!(got.acted.passed_over && got.review && !proves(&got), "{got:?}");
}

/// A device may open a request, get the answer of another one, and only then finish the first. It gains nothing by that.
#[tokio::test(flavor = "multi_thread")]
async fn a_contact_of_the_same_moment_or_a_little_later_hides_none_before_it() {
    for later in [0, 60_000] {
        let mut world = World::new().await;
        let phone = world.device("phone", "c1").await;
        let forged = evidence(&phone);
        world.hands.advance(20);
        phone.send_with_clock(&world, &SyncRequest { batch: None, ..phone.request() }).await.unwrap();
        world.hands.advance(20);
        phone.send_with_clock(&world, &SyncRequest { batch: None, ..phone.request() }).await.unwrap();
        let db = world.database();
        db.execute("UPDATE contact SET last_ms = last_ms + ?1, bound_ms = bound_ms + ?1", [later]).unwrap();
        let mut hand = Hand::of(&phone, 2);
        let forgotten = hand.write("c1", forged, None);
        phone.push_by_hand(&world, &[(hand.case, &[forgotten.bytes()])]).await.unwrap();
        let got = receipt_of(&world, &forgotten, &hand.case);
        assert!(got.acted.passed_over && got.review, "{got:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_contact_of_a_sync_with_a_batch_has_the_clocks_that_were_signed() {
    let mut world = World::new().await;
    let phone = world.device("phone", "c1").await;
    world.hands.advance(20);
    let (sent, mut hand) = (evidence(&phone), Hand::of(&phone, 2));
    let received = world.hands.now();
    let first = hand.write("c1", sent, None);
    let mut request = phone.request();
    let packs = doorstep_document::pack::elide(&[first.bytes()]).unwrap();
    request.batch = Some(phone.batch_of(&request, vec![doorstep_protocol::PushCase { case: hand.case, pack: packs }]));
    // Between the signature and the header somebody else's clock: not what the device has signed.
    phone.clock.raise(3 * HOUR);
    phone.send_with_clock(&world, &request).await.unwrap();
    let headers = evidence(&phone).mono_ms;
    phone.clock.raise(-3 * HOUR);
    world.hands.advance(20);
    let leaning =
        |mono_ms: u64| TimeEvidence { anchor: Some(Anchor { server: received, mono_ms }), mono_ms: headers + 1, ..sent };
    let mut other = Hand::of(&phone, 4);
    let (signed, unsigned) = (other.write("c1", leaning(sent.mono_ms), None), other.write("c1", leaning(headers), None));
    phone.push_by_hand(&world, &[(other.case, &[signed.bytes(), unsigned.bytes()])]).await.unwrap();
    assert!(receipt_of(&world, &signed, &other.case).acted.anchored);
    assert!(!receipt_of(&world, &unsigned, &other.case).acted.anchored);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_that_is_held_back_is_not_received_when_its_headers_were() {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let world = &mut World::new().await;
    let phone = world.device("phone", "c1").await;
    let mut hand = Hand::of(&phone, 2);
    world.hands.advance(10);
    let act = hand.write("c1", evidence(&phone), None);
    let mut request = phone.request();
    let pack = doorstep_document::pack::elide(&[act.bytes()]).unwrap();
    request.batch = Some(phone.batch_of(&request, vec![doorstep_protocol::PushCase { case: hand.case, pack }]));
    let body = seal(&encode(&request).unwrap()).unwrap();
    for (minutes, status) in [(6, "413"), (4, "200")] {
        let mut stream = tokio::net::TcpStream::connect(world.addr()).await.unwrap();
        let head = format!(
            "POST /v1/sync HTTP/1.1\r\nHost: test\r\nConnection: close\r\nExpect: 100-continue\r\nContent-Length: {}\r\n\
             sync-proto: 3\r\nauthorization: {}\r\n\r\n",
            body.len(),
            phone.bearer()
        );
        stream.write_all(head.as_bytes()).await.unwrap();
        // It says so when it has read the headers and wants the body.
        let mut goes_on = [0; 25];
        stream.read_exact(&mut goes_on).await.unwrap();
        assert!(goes_on.starts_with(b"HTTP/1.1 100"));
        world.hands.advance(minutes);
        stream.write_all(&body).await.unwrap();
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).await.unwrap();
        assert_eq!(std::str::from_utf8(&answer[9..12]).unwrap(), status);
        assert_eq!(world.on_server(&hand.case).1.iter().any(|recorded| recorded.change == act.hash()), status == "200");
    }
}
