//! A change that names an original has the original's gap only if it says what the original says, and the original really came.

use doorstep_client::DeviceSigner;
use doorstep_document::{Change, pack};
use doorstep_domain::*;
use doorstep_protocol::{
    Brought, Leaf, PushCase, RestLink, Sending, SyncRequest, encode,
    signing::{NOTHING_LEFT, doc_digest, rest_chain},
};
use doorstep_tests::{Device, World};

use super::{DAY, Hand, evidence, gap, receipt_of};

/// Sends changes under an installation that the server does not know yet, in a chain of its own.
async fn push(world: &World, device: &Device, install: InstallId, cases: &[(CaseId, &[&Change])]) {
    let mut request = SyncRequest { install, chain: None, batch: None, ..device.request() };
    let pushed = |(case, changes): &(CaseId, &[&Change])| {
        let chunks: Vec<&[u8]> = changes.iter().map(|change| change.bytes()).collect();
        PushCase { case: *case, pack: pack::elide(&chunks).unwrap() }
    };
    let mut batch = device.batch_of(&request, cases.iter().map(pushed).collect());
    batch.sig = device.signer().sign(&batch.message()).unwrap();
    request.batch = Some(batch);
    let answer = device.send_with_clock(world, &request).await.unwrap();
    let (ack, _) = answer.ack.unwrap();
    assert!(ack.cases.iter().all(|case| case.fault.is_none() && case.quarantined.is_empty()), "{ack:?}");
}

/// An installation's changes in one case.
fn hand(device: &Device, n: u32, install: u8) -> Hand {
    Hand { install: InstallId::new([install; 16]), ..Hand::of(device, n) }
}

fn words(words: &str) -> Body {
    Body::Note { words: Personal::plain(words).unwrap() }
}

fn notice() -> Body {
    Body::Notice(Notice { to: "0571".parse().unwrap(), source: TargetSource::WaybillData, request: None })
}

fn close() -> Body {
    Body::Close(Close { outcome: "RETURNED".parse().unwrap(), words: None, piece: None })
}

/// Four days go by, with a sync at their end.
async fn days_later(world: &World, device: &Device) {
    world.hands.advance(4 * DAY);
    device.sync().await.unwrap();
    world.hands.advance(10);
}

/// Asserts that a change lies in the gap of its own arrival, and that nothing is proven of it.
fn is_of_now(world: &World, change: &Change, case: &CaseId) {
    let got = receipt_of(world, change, case);
    assert_eq!((got.received_at, gap(&got).1), (world.hands.now(), world.hands.now()), "{got:?}");
    assert!(got.acted.passed_over && got.review, "{got:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_original_in_the_log_lends_its_gap_to_nothing_that_says_something_else() {
    let mut world = World::new().await;
    let phone = world.device("phone", "c1").await;
    world.hands.advance(30);
    let (then, mut first) = (evidence(&phone), hand(&phone, 2, 0x61));
    let accepted = first.write_of("c1", then, None, words("门锁着"));
    push(&world, &phone, first.install, &[(first.case, &[&accepted])]).await;
    days_later(&world, &phone).await;
    let later = TimeEvidence { mono_ms: then.mono_ms + 60_000, ..then };
    let forged = [(then, notice()), (then, words("门开着")), (later, words("门锁着"))];
    for (install, (time, body)) in (0x62..).zip(forged) {
        let mut second = hand(&phone, 2, install);
        let forgotten = second.write_of("c1", time, Some(accepted.hash()), body);
        push(&world, &phone, second.install, &[(second.case, &[&forgotten])]).await;
        is_of_now(&world, &forgotten, &second.case);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_original_that_was_only_named_by_something_that_waits_lends_no_gap() {
    let mut world = World::new().await;
    let phone = world.device("phone", "c1").await;
    world.hands.advance(30);
    let (then, mut first) = (evidence(&phone), hand(&phone, 2, 0x61));
    let made_up = Some(ChangeHash::new([0x42; 32]));
    let _missing = first.write_of("c1", then, None, words("缺"));
    let waits = first.write_of("c1", then, made_up, words("等"));
    push(&world, &phone, first.install, &[(first.case, &[&waits])]).await;
    assert!(world.on_server(&first.case).1.is_empty(), "what it follows is missing");
    days_later(&world, &phone).await;
    let mut second = hand(&phone, 2, 0x62);
    let forgotten = second.write_of("c1", then, made_up, close());
    push(&world, &phone, second.install, &[(second.case, &[&forgotten])]).await;
    is_of_now(&world, &forgotten, &second.case);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_original_that_waits_lends_its_gap_in_its_own_case_to_what_it_says_and_to_nothing_else() {
    let mut world = World::new().await;
    let phone = world.device("phone", "c1").await;
    world.hands.advance(30);
    let (then, mut first) = (evidence(&phone), hand(&phone, 2, 0x61));
    let _missing = first.write_of("c1", then, None, words("缺"));
    let waits = first.write_of("c1", then, None, words("等"));
    let key = waits.entries()[0].key.clone();
    let mends = first.write_of("c1", then, None, correction(&key));
    world.hands.advance(10);
    let came = world.hands.now();
    push(&world, &phone, first.install, &[(first.case, &[&waits, &mends])]).await;
    days_later(&world, &phone).await;

    let mut elsewhere = hand(&phone, 4, 0x62);
    let of_another_case = elsewhere.write_of("c1", then, Some(waits.hash()), words("等"));
    push(&world, &phone, elsewhere.install, &[(elsewhere.case, &[&of_another_case])]).await;
    is_of_now(&world, &of_another_case, &elsewhere.case);

    let mut second = hand(&phone, 2, 0x63);
    let says_more = second.write_of("c1", then, Some(waits.hash()), close());
    push(&world, &phone, second.install, &[(second.case, &[&says_more])]).await;
    is_of_now(&world, &says_more, &second.case);

    // A device writes anew under other keys. An entry that refers to an entry of its own follows the new key.
    let mut anew = hand(&phone, 2, 0x64);
    let waited = anew.write_of("c1", then, Some(waits.hash()), words("等"));
    let follows = anew.write_of("c1", then, Some(mends.hash()), correction(&waited.entries()[0].key));
    // About another entry it is no longer what its device had said.
    let mut astray = hand(&phone, 2, 0x65);
    let about_another = astray.write_of("c1", then, Some(mends.hash()), correction(&says_more.entries()[0].key));
    push(&world, &phone, anew.install, &[(anew.case, &[&waited, &follows])]).await;
    push(&world, &phone, astray.install, &[(astray.case, &[&about_another])]).await;
    for change in [&waited, &follows] {
        let got = receipt_of(&world, change, &anew.case);
        assert_eq!((got.received_at, gap(&got).1, got.acted.passed_over), (world.hands.now(), came, false), "{got:?}");
        assert!(!got.acted.disordered, "it was written then");
    }
    is_of_now(&world, &about_another, &astray.case);
}

fn correction(of: &EntryKey) -> Body {
    let words = Personal::plain("看错了").unwrap();
    Body::Correction(Correction { of: of.clone(), fault: Fault::IncorrectData, same_as: None, words })
}

/// Changes that are written anew twice name the first original, which may never have come; the second one did.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_written_anew_twice_keeps_the_gap_of_what_came_first() {
    let mut world = World::new().await;
    let phone = world.device("phone", "c1").await;
    world.hands.advance(30);
    let then = evidence(&phone);
    let never_sent = hand(&phone, 2, 0x60).write_of("c1", then, None, words("等"));
    let mut first = hand(&phone, 2, 0x61);
    let _missing = first.write_of("c1", then, None, words("缺"));
    let waits = first.write_of("c1", then, Some(never_sent.hash()), words("等"));
    let came = world.hands.now();
    push(&world, &phone, first.install, &[(first.case, &[&waits])]).await;
    days_later(&world, &phone).await;
    let mut second = hand(&phone, 2, 0x62);
    let anew = second.write_of("c1", then, Some(never_sent.hash()), words("等"));
    push(&world, &phone, second.install, &[(second.case, &[&anew])]).await;
    let got = receipt_of(&world, &anew, &second.case);
    assert_eq!((gap(&got).1, got.acted.passed_over), (came, false), "{got:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_that_was_taken_is_remembered_as_waiting_no_more() {
    let mut world = World::new().await;
    let phone = world.device("phone", "c1").await;
    let waiting = || -> i64 {
        let db = world.database();
        db.query_row("SELECT count(*) FROM offered", [], |row| row.get(0)).unwrap()
    };
    let mut first = hand(&phone, 2, 0x61);
    let (before, after) =
        (first.write_of("c1", evidence(&phone), None, words("一")), first.write_of("c1", evidence(&phone), None, words("二")));
    push(&world, &phone, first.install, &[(first.case, &[&after])]).await;
    assert_eq!(waiting(), 1);
    // The installation goes on in another chain: the server takes the changes that it was waiting for.
    push(&world, &phone, InstallId::new([0x62; 16]), &[(first.case, &[&before, &after])]).await;
    assert_eq!(waiting(), 0);
    // One that never comes is forgotten after its time.
    let mut other = hand(&phone, 4, 0x63);
    let _missing = other.write_of("c1", evidence(&phone), None, words("缺"));
    let waits = other.write_of("c1", evidence(&phone), None, words("等"));
    push(&world, &phone, other.install, &[(other.case, &[&waits])]).await;
    assert_eq!(waiting(), 1);
    world.hands.advance(401 * DAY);
    phone.sync().await.unwrap();
    phone.fail(6, "DF-NOBODY").unwrap();
    phone.sync().await.unwrap();
    assert_eq!(waiting(), 0);
}

/// Evidence of now, and then two contacts that bring nothing: an act with it is passed over.
async fn of_before_two_contacts(world: &World, device: &Device) -> TimeEvidence {
    let forged = evidence(device);
    for _ in 0..2 {
        world.hands.advance(15);
        device.send_with_clock(world, &SyncRequest { batch: None, ..device.request() }).await.unwrap();
    }
    world.hands.advance(15);
    forged
}

/// Signs and sends documents with what the sending leaves behind, and with what the batch brings of that.
async fn send(world: &World, device: &Device, of: InstallId, change: (&CaseId, &Change), rest: Vec<Leaf>, brings: Vec<Brought>) {
    let request = SyncRequest { install: of, chain: None, batch: None, ..device.request() };
    let pack = pack::elide(&[change.1.bytes()]).unwrap();
    let mut batch = device.batch_of(&request, vec![PushCase { case: *change.0, pack }]);
    batch.sending = encode(&Sending::of(&doorstep_client::Clock::read(&*device.clock), None, rest)).unwrap();
    batch.brings = brings;
    batch.sig = device.signer().sign(&batch.message()).unwrap();
    device.send_with_clock(world, &SyncRequest { batch: Some(batch), ..request }).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn naming_an_act_before_it_is_brought_hides_no_contact_that_did_not_bring_it() {
    let mut world = World::new().await;
    let phone = world.device("phone", "c1").await;
    let forged = of_before_two_contacts(&world, &phone).await;
    let (mut hand_of, mut other) = (hand(&phone, 2, 0x71), hand(&phone, 4, 0x72));
    let forgotten = hand_of.write_of("c1", forged, None, close());
    let honest = other.write_of("c1", evidence(&phone), None, words("门锁着"));
    let link = doc_digest(&hand_of.case, [&forgotten.hash()]);
    let chain = Leaf(rest_chain([link], NOTHING_LEFT));
    send(&world, &phone, other.install, (&other.case, &honest), vec![chain], vec![]).await;
    let named = world.hands.now();
    world.hands.advance(1);
    let brings = vec![Brought { links: vec![RestLink::Docs(0, 1)], after: NOTHING_LEFT }];
    send(&world, &phone, hand_of.install, (&hand_of.case, &forgotten), vec![], brings).await;
    let got = receipt_of(&world, &forgotten, &hand_of.case);
    assert_eq!(gap(&got).1, named, "the gap is that of the naming");
    assert!(got.acted.passed_over && got.review, "{got:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_waited_for_something_else_stays_passed_over_also_when_it_is_written_anew() {
    let mut world = World::new().await;
    let phone = world.device("phone", "c1").await;
    let forged = of_before_two_contacts(&world, &phone).await;
    let mut first = hand(&phone, 2, 0x71);
    let before = first.write_of("c1", forged, None, words("门锁着"));
    let waits = first.write_of("c1", forged, None, close());
    push(&world, &phone, first.install, &[(first.case, &[&waits])]).await;
    assert!(world.on_server(&first.case).1.is_empty(), "what it follows is missing");
    world.hands.advance(1);
    let mut anew = hand(&phone, 2, 0x72);
    let written_anew = anew.write_of("c1", forged, Some(waits.hash()), close());
    push(&world, &phone, anew.install, &[(anew.case, &[&written_anew])]).await;
    let got = receipt_of(&world, &written_anew, &anew.case);
    assert!(got.acted.passed_over && got.review, "{got:?}");
    world.hands.advance(1);
    push(&world, &phone, InstallId::new([0x73; 16]), &[(first.case, &[&before, &waits])]).await;
    let got = receipt_of(&world, &waits, &first.case);
    assert!(got.acted.passed_over && got.review, "{got:?}");
}
