//! A clock of the server's that was wrong: what it must not break, and what sets it right.

use std::sync::{Arc, atomic::Ordering};

use doorstep_client::{Client, DeviceSigner, Options, SignError, SoftwareSigner};
use doorstep_domain::{DeviceId, Standing};
use doorstep_protocol::{NonceResponse, SessionRequest, decode, encode, open, seal, signing::session_message};
use doorstep_store::PhotoStanding;
use doorstep_tests::{Device, Hands, World, raw};

const DAY: i64 = 24 * 60;

/// What people see of a case at head office, and in the ledger.
fn seen(world: &World) -> String {
    let (mut admin, now) = (world.admin(), world.hands.server_now());
    format!("{:?} {:?}", admin.cases(10, now).unwrap(), admin.findings(None, false, 10, now).unwrap())
}

/// Whether any receipt of a parcel's case says that head office is to look at it.
fn is_marked(world: &World, device: &Device, n: u32) -> bool {
    let (_, entries) = world.on_server(&device.id(n));
    entries.iter().any(|r| matches!(r.standing, Standing::Accepted(receipt) if receipt.review))
}

fn listed(device: &Device) -> String {
    format!("{:?}", device.list())
}

#[tokio::test(flavor = "multi_thread")]
async fn list_and_ledger_follow_a_clock_that_was_two_days_ahead_for_a_minute() {
    let mut world = World::new().await;
    let (tablet, phone) = (world.device("tablet", "o1").await, world.device("phone", "c1").await);
    phone.fail(2, "DF-NOBODY").unwrap();
    phone.notice(2).unwrap();
    phone.sync().await.unwrap();
    tablet.sync().await.unwrap();
    world.hands.advance(2);
    let before = (seen(&world), listed(&tablet));
    world.hands.put_server_ahead(2 * DAY);
    tablet.sync().await.unwrap();
    let ahead = (seen(&world), listed(&tablet));
    assert!(ahead.0.contains("reply_overdue") && ahead.1.contains("reply_overdue"), "{ahead:?}");
    world.hands.put_server_ahead(0);
    world.hands.advance(1);
    tablet.sync().await.unwrap();
    assert_eq!((seen(&world), listed(&tablet)), before);
    // The case moves forward again when the time has really come.
    world.hands.advance(DAY);
    assert!(seen(&world).contains("reply_overdue") && listed(&tablet).contains("reply_overdue"));
}

#[tokio::test(flavor = "multi_thread")]
async fn no_clock_makes_a_phone_drop_a_photo_before_it_was_up_for_a_day_over_its_boots() {
    let mut world = World::new().await;
    let phone = world.device("phone", "c1").await;
    phone.fail_with_photo(2, 1).unwrap();
    phone.sync().await.unwrap();
    let standing = || phone.client.photos(true).unwrap()[0].standing.clone();
    assert_eq!(standing(), PhotoStanding::Stored);
    world.hands.put_server_ahead(8 * DAY);
    for _ in 0..3 {
        phone.sync().await.unwrap();
    }
    assert_eq!(standing(), PhotoStanding::Stored, "the server's clock alone drops nothing");
    // A wall clock neither, and each boot counts for as long as it was seen.
    phone.clock.wall_off.store(20 * DAY * 60_000, Ordering::SeqCst);
    for boot in 0..2 {
        phone.clock.boot.store(77 + boot, Ordering::SeqCst);
        phone.sync().await.unwrap();
        assert_eq!(standing(), PhotoStanding::Stored, "a boot begins with nothing");
        world.hands.advance(DAY / 2 - 1);
        phone.sync().await.unwrap();
        assert_eq!(standing(), PhotoStanding::Stored);
    }
    world.hands.advance(12);
    phone.sync().await.unwrap();
    assert_eq!(standing(), PhotoStanding::LetGo, "24 h in two boots");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_clock_that_was_ahead_locks_no_device_out_and_its_nonces_are_void() {
    let mut world = World::new().await;
    let phone = world.device("phone", "c1").await;
    for restart in [false, true] {
        let forget_tokens = || world.database().execute("DELETE FROM token", []).unwrap();
        world.hands.put_server_ahead(2 * DAY);
        forget_tokens();
        phone.sync().await.unwrap(); // a session of that time
        let answer = raw(world.addr(), "POST", "/v1/nonce", &[], b"").await;
        let kept: NonceResponse = decode(&open(&answer.body, 4096).unwrap()).unwrap();
        forget_tokens();
        world.hands.put_server_ahead(0);
        if restart {
            world.restart_server().await;
        }
        phone.sync().await.expect("a session of now");
        // When that time really comes, a nonce that somebody kept is not good.
        world.hands.advance(2 * DAY);
        let sig = phone.signer().sign(&session_message(&kept.nonce)).unwrap();
        let device = DeviceId::of(&phone.signer().public_key());
        let body = seal(&encode(&SessionRequest { device, nonce: kept.nonce, sig }).unwrap()).unwrap();
        assert_eq!(raw(world.addr(), "POST", "/v1/session", &[], &body).await.status, 403);
        phone.sync().await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_starts_a_month_ahead_of_its_newest_contact_marks_until_an_operator_says_that_its_clock_is_right() {
    let mut world = World::new().await;
    let phone = world.device("phone", "c1").await;
    phone.fail(2, "DF-NOBODY").unwrap();
    phone.sync().await.unwrap();
    assert!(!is_marked(&world, &phone, 2));
    world.hands.put_server_ahead(31 * DAY);
    world.restart_server().await;
    for n in [4, 6] {
        phone.fail(n, "DF-NOBODY").unwrap();
        phone.sync().await.unwrap();
        // Contacts by the doubtful clock end no doubt, nor does another start.
        world.restart_server().await;
    }
    assert!(is_marked(&world, &phone, 4) && is_marked(&world, &phone, 6));
    assert!(world.admin().clock_is_right(world.hands.server_now()).unwrap().is_some());
    phone.fail(8, "DF-NOBODY").unwrap();
    phone.sync().await.unwrap();
    assert!(!is_marked(&world, &phone, 8));
    assert!(world.admin().clock_is_right(world.hands.server_now()).unwrap().is_none());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_clock_that_was_put_right_ends_its_doubt_by_itself() {
    let mut world = World::new().await;
    let phone = world.device("phone", "c1").await;
    world.hands.put_server_ahead(400 * DAY);
    world.restart_server().await;
    phone.sync().await.unwrap();
    world.hands.put_server_ahead(0);
    world.restart_server().await;
    phone.fail(2, "DF-NOBODY").unwrap();
    phone.sync().await.unwrap();
    assert!(!is_marked(&world, &phone, 2));
    assert!(world.admin().clock_is_right(world.hands.now()).unwrap().is_none());
}

/// The receipts of a parcel's case.
fn receipts(world: &World, device: &Device, n: u32) -> Vec<doorstep_domain::Receipt> {
    world.on_server(&device.id(n)).1.iter().filter_map(|r| r.standing.receipt()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_clock_that_was_two_days_ahead_for_a_minute_moves_no_act_of_afterwards() {
    let mut world = World::new().await;
    let (phone, enrolled) = (world.device("phone", "c1").await, world.hands.now());
    world.hands.advance(60);
    world.hands.put_server_ahead(2 * DAY);
    for n in [2, 4] {
        // Complete, and the second names the first: the floor is raised to a time that has not come.
        phone.fail(n, "DF-NOBODY").unwrap();
        phone.sync().await.unwrap();
    }
    world.hands.put_server_ahead(0);
    world.hands.advance(10);
    phone.sync().await.unwrap();
    let heard = world.hands.now();
    for (n, minutes) in [(6, 10), (8, 70), (10, 30)] {
        world.hands.advance(minutes);
        phone.fail(n, "DF-NOBODY").unwrap();
        let acted = world.hands.now();
        world.hands.advance(40);
        phone.sync().await.unwrap();
        let got = receipts(&world, &phone, n)[0];
        assert_eq!((got.acted.at, got.acted.passed_over, got.review), (Some(acted), false, false), "{got:?}");
        let (from, until) = got.acted.gap(got.received_at);
        assert!(from.unwrap() >= heard && from.unwrap() > enrolled && until == world.hands.now(), "{got:?}");
        assert!(got.acted.proves(got.received_at, i64::MAX), "{got:?}");
        phone.agrees_with(&world, n);
    }
    // When the time comes that the clock said then, it was no contact either.
    world.hands.advance(2 * DAY - 4 * 60);
    phone.sync().await.unwrap();
    world.hands.advance(10);
    phone.fail(12, "DF-NOBODY").unwrap();
    let acted = world.hands.now();
    world.hands.advance(20);
    phone.sync().await.unwrap();
    let got = receipts(&world, &phone, 12)[0];
    assert_eq!((got.acted.at, got.acted.passed_over, got.acted.unsteady), (Some(acted), false, false), "{got:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_contact_by_a_clock_that_was_ahead_hides_none_of_the_contacts_before_it() {
    let mut world = World::new().await;
    let phone = world.device("phone", "c1").await;
    world.hands.advance(5);
    phone.fail(2, "DF-NOBODY").unwrap();
    // The record is put aside during the sync, and comes later.
    let store = phone.database();
    store.execute_batch("CREATE TEMP TABLE aside AS SELECT * FROM outbox; DELETE FROM outbox").unwrap();
    world.hands.advance(60);
    phone.sync().await.unwrap();
    world.hands.put_server_ahead(2 * DAY);
    phone.sync().await.unwrap();
    world.hands.put_server_ahead(0);
    world.hands.advance(60);
    store.execute_batch("INSERT INTO outbox SELECT * FROM aside").unwrap();
    phone.sync().await.unwrap();
    let got = receipts(&world, &phone, 2)[0];
    assert!(got.acted.passed_over && got.review, "{got:?}");
}

/// A device that is enrolled while the clock is ahead was enrolled when nobody knows.
#[tokio::test(flavor = "multi_thread")]
async fn a_device_that_was_enrolled_by_a_clock_that_was_ahead_is_believed_no_less() {
    let mut world = World::new().await;
    world.hands.put_server_ahead(2 * DAY);
    let phone = world.fresh("phone", 0);
    let code = world.admin().code("c1", world.hands.server_now()).unwrap().code;
    phone.client.enrol(&world.link.url(), &code).await.unwrap();
    world.hands.put_server_ahead(0);
    phone.sync().await.unwrap();
    world.hands.advance(30);
    phone.fail(2, "DF-NOBODY").unwrap();
    let acted = world.hands.now();
    world.hands.advance(30);
    phone.sync().await.unwrap();
    let got = receipts(&world, &phone, 2)[0];
    assert_eq!((got.acted.at, got.acted.passed_over, got.review), (Some(acted), false, false), "{got:?}");
}

/// A key whose owner confirms it for a minute each time that a session is asked for.
struct Slow(SoftwareSigner, Hands);

impl DeviceSigner for Slow {
    fn public_key(&self) -> Vec<u8> {
        self.0.public_key()
    }
    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, SignError> {
        if message.windows(16).any(|part| part == b"doorstep/session") {
            self.1.advance(1);
        }
        self.0.sign(message)
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_that_is_repeated_after_a_session_has_the_clocks_of_its_own_sending() {
    let mut world = World::new().await;
    let Device { client, clock, folder } = world.device("phone", "c1").await;
    client.sync().await.unwrap();
    drop(client);
    let signer = Slow(SoftwareSigner::open(&folder.join("device.key")).unwrap(), world.hands.clone());
    let options = Options { clock: clock.clone(), signer: Some(Arc::new(signer)), ..Options::default() };
    let phone = Device { client: Client::open(&folder, options).unwrap(), clock, folder };
    world.hands.advance(10);
    phone.fail(2, "DF-NOBODY").unwrap();
    let acted = world.hands.now();
    world.database().execute("DELETE FROM token", []).unwrap();
    let before = world.hands.now();
    phone.sync().await.unwrap();
    assert!(before < world.hands.now(), "it had to ask for a session");
    // The phone's clock goes as the server's does, for the earlier record and for later ones of this boot.
    world.hands.advance(10);
    phone.fail(4, "DF-NOBODY").unwrap();
    phone.sync().await.unwrap();
    for n in [2, 4] {
        let (_, entries) = world.on_server(&phone.id(n));
        let receipt = entries[0].standing.receipt().unwrap();
        assert!(receipt.acted.anchored && !receipt.acted.unsteady, "{n}: {receipt:?}");
    }
    let (_, entries) = world.on_server(&phone.id(2));
    assert_eq!(entries[0].standing.receipt().unwrap().acted.at, Some(acted));
}
