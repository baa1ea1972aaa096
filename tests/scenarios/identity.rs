//! Devices and their keys: one code makes one device, a token ends, revoking works at once, several people share a tablet.

use std::sync::{Arc, Mutex};

use doorstep_client::{Client, ClientError, DeviceSigner, Options, Refusal, SignError, SoftwareSigner};
use doorstep_domain::{InstallId, RefusalCode};
use doorstep_protocol::{
    EnrolRequest, EnrolResponse, ErrorBody, ErrorCode, NonceResponse, Reach, Version, decode, encode, open, seal,
    signing::{enrol_message, renewal_message},
};
use doorstep_sync::Failure;
use doorstep_tests::{Device, RawAnswer, World, raw};
use sha2::{Digest, Sha256};

fn code_of(answer: &RawAnswer) -> String {
    decode::<ErrorBody>(&answer.body).map(|body| body.code.to_string()).unwrap_or_else(|_| format!("{}", answer.status))
}

async fn nonce(world: &World) -> Vec<u8> {
    let answer = raw(world.addr(), "POST", "/v1/nonce", &[], b"").await;
    decode::<NonceResponse>(&open(&answer.body, 4096).unwrap()).unwrap().nonce
}

/// A request to redeem a code as a device of its own would make it.
async fn redeeming(world: &World, code: &str, signer: &SoftwareSigner, install: u8) -> EnrolRequest {
    let clean: String = code.chars().filter(char::is_ascii_alphanumeric).collect::<String>().to_ascii_uppercase();
    let (nonce, install) = (nonce(world).await, InstallId::new([install; 16]));
    let sig = signer.sign(&enrol_message(&nonce, &Sha256::digest(clean).into(), install.as_bytes())).unwrap();
    EnrolRequest { code: code.into(), public_key: signer.public_key(), install, nonce, sig }
}

async fn redeem(world: &World, request: &EnrolRequest) -> RawAnswer {
    raw(world.addr(), "POST", "/v1/enrol", &[], &seal(&encode(request).unwrap()).unwrap()).await
}

fn keys(n: usize) -> (tempfile::TempDir, Vec<SoftwareSigner>) {
    let folder = tempfile::tempdir().unwrap();
    let keys = (0..n).map(|i| SoftwareSigner::open(&folder.path().join(format!("{i}.key"))).unwrap()).collect();
    (folder, keys)
}

#[tokio::test(flavor = "multi_thread")]
async fn of_a_hundred_devices_that_redeem_one_code_at_once_one_wins() {
    let world = World::new().await;
    let code = world.admin().code("c1", world.hands.now()).unwrap().code;
    let (_folder, keys) = keys(100);
    let mut requests = vec![];
    for (i, key) in keys.iter().enumerate() {
        requests.push(redeeming(&world, &code, key, i as u8).await);
    }
    let addr = world.addr();
    let tasks: Vec<_> = requests
        .into_iter()
        .map(|request| {
            let body = seal(&encode(&request).unwrap()).unwrap();
            tokio::spawn(async move { raw(addr, "POST", "/v1/enrol", &[], &body).await })
        })
        .collect();
    let mut won = 0;
    for task in tasks {
        let answer = task.await.unwrap();
        if answer.status == 200 {
            won += 1;
        } else {
            assert_eq!(code_of(&answer), "code_used");
        }
    }
    assert_eq!(won, 1);
    assert_eq!(world.admin().refusals().unwrap(), [("code_used".to_owned(), 99)], "counted in the database");
    assert_eq!(world.admin().devices(world.hands.now()).unwrap().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn wrong_used_and_expired_codes_are_refused_by_name_and_counted_and_guessing_voids_none() {
    let world = World::new().await;
    let mut admin = world.admin();
    let now = world.hands.now();
    let (good, late, guessed) =
        (admin.code("c1", now).unwrap().code, admin.code("c1", now).unwrap().code, admin.code("c1", now).unwrap().code);
    let (_folder, keys) = keys(3);
    assert_eq!(code_of(&redeem(&world, &redeeming(&world, "AAAA-BBBB-CCCC", &keys[0], 1).await).await), "code_wrong");
    assert_eq!(redeem(&world, &redeeming(&world, &good, &keys[0], 1).await).await.status, 200);
    assert_eq!(code_of(&redeem(&world, &redeeming(&world, &good, &keys[1], 2).await).await), "code_used");
    // Guesses that find the code and miss its secret. Each address has five at once, and one was wrong above.
    for guess in 0..4 {
        let wrong = format!("{}{guess}2345678", &guessed[..4]);
        assert_eq!(code_of(&redeem(&world, &redeeming(&world, &wrong, &keys[guess % 3], 3).await).await), "code_wrong");
    }
    let answer = redeem(&world, &redeeming(&world, &guessed, &keys[2], 3).await).await;
    assert_eq!((answer.status, code_of(&answer).as_str()), (429, "slow_down"), "even with the right code");
    assert!(answer.head.contains("retry-after: 2\r\n") || answer.head.ends_with("retry-after: 2"), "{}", answer.head);
    world.hands.advance(1);
    assert_eq!(
        redeem(&world, &redeeming(&world, &guessed, &keys[2], 3).await).await.status,
        200,
        "the code is still its owner's"
    );
    world.hands.advance(24 * 60 + 1);
    assert_eq!(code_of(&redeem(&world, &redeeming(&world, &late, &keys[2], 3).await).await), "code_expired");
    let counted: Vec<_> = world.admin().refusals().unwrap();
    let of = |code: &str| counted.iter().find(|(name, _)| name == code).map_or(0, |(_, times)| *times);
    assert_eq!((of("code_wrong"), of("code_used"), of("code_expired")), (5, 1, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_code_without_the_keys_own_fresh_signature_is_worth_nothing() {
    let world = World::new().await;
    let code = world.admin().code("c1", world.hands.now()).unwrap().code;
    let (_folder, keys) = keys(2);
    let good = redeeming(&world, &code, &keys[0], 1).await;
    let refused = async |request: EnrolRequest| code_of(&redeem(&world, &request).await);
    assert_eq!(refused(EnrolRequest { public_key: keys[1].public_key(), ..good.clone() }).await, "proof", "another's key");
    assert_eq!(refused(EnrolRequest { install: InstallId::new([2; 16]), ..good.clone() }).await, "proof", "another install");
    assert_eq!(refused(EnrolRequest { sig: vec![0; 64], ..good.clone() }).await, "proof", "zeros");
    assert_eq!(refused(EnrolRequest { sig: vec![], ..good.clone() }).await, "proof", "nothing");
    let mut forged = good.clone();
    forged.nonce[20] ^= 1;
    assert_eq!(refused(forged).await, "proof", "a nonce that is not the server's");
    world.hands.advance(6);
    assert_eq!(refused(good).await, "proof", "a nonce that has waited too long");
    let fresh = redeeming(&world, &code, &keys[0], 1).await;
    assert_eq!(redeem(&world, &fresh).await.status, 200);
    assert_eq!(refused(fresh).await, "code_used", "the same request again, overheard");
    let again = redeem(&world, &redeeming(&world, &code, &keys[0], 1).await).await;
    assert_eq!(again.status, 200, "but the device itself, whose answer was lost, is not stranded");
    let answer: EnrolResponse = decode(&open(&again.body, 4096).unwrap()).unwrap();
    assert!(answer.server_key.len() == 65 && answer.token.expires_ms > world.hands.now().0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_ends_and_the_device_goes_on_in_one_round_trip_with_a_signature_that_works_once() {
    let mut world = World::new().await;
    let phone = world.device("phone", "c1").await;
    let first = phone.bearer();
    world.hands.advance(61);
    let ended = raw(world.addr(), "GET", "/v1/refs/parcels", &[("authorization", &first)], b"").await;
    assert_eq!(ended.status, 401, "it ends by itself");
    let overheard: String =
        phone.signer().sign(&renewal_message(&first["Bearer ".len()..])).unwrap().iter().map(|b| format!("{b:02x}")).collect();
    let body = seal(&encode(&phone.request()).unwrap()).unwrap();
    phone.fail(2, "DF-NOBODY").unwrap();
    assert_eq!(phone.sync().await.unwrap().requests, 1, "the renewal rides in the sync");
    assert_ne!(phone.bearer(), first);
    let headers: &[(&str, &str)] = &[("authorization", &first), ("sync-renewal", &overheard)];
    assert_eq!(raw(world.addr(), "POST", "/v1/sync", headers, &body).await.status, 401, "the ended token was gone on with once");
    // A token near its end is replaced while it is still good.
    let second = phone.bearer();
    world.hands.advance(45);
    phone.sync().await.unwrap();
    assert_ne!(phone.bearer(), second);
    phone.agrees_with(&world, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_device_whose_token_is_of_no_use_any_more_gets_one_for_its_signature() {
    let mut world = World::new().await;
    let phone = world.device("phone", "c1").await;
    phone.fail(2, "DF-NOBODY").unwrap();
    let db = world.database();
    db.execute("DELETE FROM token", []).unwrap();
    assert_eq!(phone.sync().await.unwrap().requests, 4, "refused once, a nonce, a session, the sync");
    phone.agrees_with(&world, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_revoked_device_reads_nothing_from_then_on_and_still_delivers_into_quarantine() {
    let mut world = World::new().await;
    let phone = world.device("phone", "c1").await;
    let tablet = world.device("tablet", "s1").await;
    phone.fail(2, "DF-NOBODY").unwrap();
    phone.sync().await.unwrap();
    phone.fail(4, "DF-NOBODY").unwrap();
    phone.note(2, "停用之前登记的").unwrap();
    let id = phone.client.identity().unwrap().unwrap().device;
    world.admin().revoke(&id.to_string()[..8], "phone lost", world.hands.now()).unwrap();
    tablet.fail(6, "DF-NOBODY").unwrap();
    tablet.sync().await.unwrap();
    for path in ["/v1/refs/parcels", "/v1/refs/outlets", "/v1/live?wait=1"] {
        let answer = raw(world.addr(), "GET", path, &[("authorization", &phone.bearer())], b"").await;
        assert_eq!((answer.status, code_of(&answer).as_str()), (403, "revoked"), "{path}");
    }
    let report = phone.sync().await.unwrap();
    assert!(report.revoked);
    assert!(phone.case(6).is_none(), "nothing new is read");
    let status = phone.client.status().unwrap();
    assert_eq!((status.quarantined, status.unsent.len(), status.revoked), (2, 0, true));
    assert!(status.refused.iter().all(|intent| intent.reason == RefusalCode::Revoked));
    let kept = world.admin().quarantine(false).unwrap();
    assert!(kept.len() == 2 && kept.iter().all(|item| item.reason == "revoked" && item.person == "c1"));
    assert!(kept.iter().all(|item| item.acted_at == Some(world.hands.now())), "with its times");
    assert!(world.on_server(&phone.id(4)).0.is_empty(), "and nobody sees it");
    tablet.sync().await.unwrap();
    assert!(tablet.case(4).is_none());
    // A mistake: a new code makes it welcome again, and head office releases what it delivered.
    let code = world.admin().code("c1", world.hands.now()).unwrap().code;
    phone.client.enrol(&world.link.url(), &code).await.unwrap();
    for item in kept {
        world.admin().release(&item.change.to_string(), "hq", world.hands.now()).unwrap();
    }
    phone.sync().await.unwrap();
    let status = phone.client.status().unwrap();
    assert_eq!((status.quarantined, status.revoked), (0, false));
    phone.agrees_with(&world, 2);
    phone.agrees_with(&world, 4);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_revoked_device_does_not_lift_its_revocation_with_the_code_it_had() {
    let mut world = World::new().await;
    let code = world.admin().code("c1", world.hands.now()).unwrap().code;
    let phone = world.fresh("phone", 0);
    phone.client.enrol(&world.link.url(), &code).await.unwrap();
    phone.fail(2, "DF-NOBODY").unwrap();
    phone.sync().await.unwrap();
    let id = phone.client.identity().unwrap().unwrap().device;
    world.admin().revoke(&id.to_string(), "lost", world.hands.now()).unwrap();
    let error = phone.client.enrol(&world.link.url(), &code).await.unwrap_err();
    assert!(matches!(&error, ClientError::Network(Failure::Refused(ErrorCode::Revoked))), "{error:?}");
    // A change that was taken before stays taken when the device pushes it again.
    let log = world.on_server(&phone.id(2)).0;
    let ack = phone.push_by_hand(&world, &[(phone.id(2), &[&log[0]])]).await.unwrap();
    assert_eq!((ack.cases[0].rows[0].code, ack.cases[0].quarantined.len()), (1, 0), "dup, with its first receipt");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_that_somebody_copied_ends_with_its_hour() {
    let mut world = World::new().await;
    let phone = world.device("phone", "c1").await;
    world.hands.advance(45);
    let answer = phone.send(&world, &phone.request()).await.unwrap();
    assert_eq!(answer.token, None, "near its end, and not replaced without the key's signature");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_somebody_who_has_left_recorded_goes_into_quarantine_and_their_phone_reads_nothing() {
    let mut world = World::new().await;
    let (phone, tablet) = (world.device("phone", "c1").await, world.device("tablet", "s1").await);
    phone.fail(2, "DF-NOBODY").unwrap();
    world.admin().left("c1", world.hands.now()).unwrap();
    tablet.fail(4, "DF-NOBODY").unwrap();
    tablet.sync().await.unwrap();
    phone.sync().await.unwrap();
    assert_eq!(phone.client.status().unwrap().refused[0].reason, RefusalCode::Revoked);
    assert!(phone.case(4).is_none());
    assert_eq!(phone.client.parcels().unwrap().len(), 0, "the day's list went too");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_batch_that_the_devices_key_has_not_signed_is_refused_whole() {
    let mut world = World::new().await;
    let (phone, other) = (world.device("phone", "c1").await, world.device("other", "c2").await);
    phone.fail(2, "DF-NOBODY").unwrap();
    let good = phone.request();
    let refused = async |change: &dyn Fn(&mut doorstep_protocol::Batch)| {
        let mut request = good.clone();
        change(request.batch.as_mut().unwrap());
        phone.send(&world, &request).await.unwrap_err()
    };
    assert_eq!(refused(&|e| e.sig = vec![]).await, "signature");
    assert_eq!(refused(&|e| e.sig = vec![0; 64]).await, "signature");
    assert_eq!(refused(&|e| e.header[30] ^= 1).await, "signature", "another header");
    assert_eq!(refused(&|e| *e.sending.last_mut().unwrap() ^= 1).await, "signature", "another sending");
    assert_eq!(refused(&|e| e.docs.clear()).await, "signature", "a document less");
    let by_other = other.signer();
    assert_eq!(refused(&|e| e.sig = by_other.sign(&e.message()).unwrap()).await, "signature", "another's key");
    assert!(world.on_server(&phone.id(2)).0.is_empty());
    phone.send(&world, &good).await.unwrap();
    phone.sync().await.unwrap();
    // A document carried to another id keeps its digest, and is that document's fault alone.
    phone.fail(3, "DF-NOBODY").unwrap();
    phone.fail(4, "DF-NOBODY").unwrap();
    let mut carried = phone.request();
    carried.batch.as_mut().unwrap().docs[0].doc = phone.id(5);
    let ack = phone.send(&world, &carried).await.unwrap().ack.unwrap().0;
    let faults: Vec<bool> = ack.cases.iter().map(|case| case.fault.is_some()).collect();
    assert_eq!(faults, [true, false]);
    assert!(world.on_server(&phone.id(5)).0.is_empty());
    // Another's signed batch under one's own token, and one's own under another's.
    assert_eq!(other.send(&world, &good).await.unwrap_err(), "install_unknown");
    let mut smuggled = other.request();
    smuggled.batch = good.batch.clone();
    assert_eq!(other.send(&world, &smuggled).await.unwrap_err(), "signature");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_the_server_has_not_signed_is_no_answer() {
    let mut world = World::new().await;
    let phone = world.device("phone", "c1").await;
    phone.fail(2, "DF-NOBODY").unwrap();
    // The phone looks as if it had enrolled with another server. Every receipt is then the word of a stranger.
    let db = phone.database();
    let key: Vec<u8> = db.query_row("SELECT value FROM meta WHERE key = 'server_key'", [], |row| row.get(0)).unwrap();
    db.execute("UPDATE meta SET value = ?1 WHERE key = 'server_key'", [keys(1).1[0].public_key()]).unwrap();
    assert!(matches!(phone.sync().await, Err(ClientError::Network(Failure::Network))));
    assert_eq!(phone.client.status().unwrap().unsent.len(), 1, "no verdict is believed");
    db.execute("UPDATE meta SET value = ?1 WHERE key = 'server_key'", [key]).unwrap();
    phone.sync().await.unwrap();
    phone.agrees_with(&world, 2);
    // The receipt of the batch is this device's proof: the server's bytes and signature.
    let who = phone.client.identity().unwrap().unwrap();
    let store = doorstep_store::Store::open(&phone.folder).unwrap();
    let proof = store.receipt(&who.install, 1).unwrap().unwrap();
    let vouched: doorstep_protocol::Vouched = doorstep_protocol::decode(&proof.body).unwrap();
    let leaves = vouched.leaves.iter().map(|leaf| &leaf.0);
    let message = doorstep_protocol::signing::leaves_message(&vouched.history, vouched.counter, leaves);
    let server_key = store.session().unwrap().unwrap().server_key;
    assert!(doorstep_protocol::signing::is_signed(&server_key, &message, &proof.sig));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_too_old_client_may_still_push_and_an_unknown_version_is_told_to_update() {
    const VERSIONS: &[Version] = &[
        Version { name: "3", since: "2026-11-29", reason: "what this client speaks", reach: Reach::PushOnly, newest_format: 2 },
        Version { name: "4", since: "2028-12-01", reason: "a test", reach: Reach::Whole, newest_format: 2 },
    ];
    let mut world = World::speaking(VERSIONS).await;
    let mut phone = world.device("phone", "c1").await;
    assert_eq!(phone.client.pack().unwrap(), None, "an old client is fed nothing");
    phone.take_first_pack();
    phone.reopen();
    phone.fail(2, "DF-NOBODY").unwrap();
    phone.sync().await.unwrap();
    assert_eq!(phone.client.status().unwrap().unsent.len(), 0, "what it has recorded is delivered");
    let kinds: Vec<String> = world.on_server(&phone.id(2)).1.iter().map(|r| r.entry.body.kind().to_owned()).collect();
    assert_eq!(kinds, ["attempt", "listed"], "it has no row of the parcel, so head office says what its list says");
    let answer = raw(world.addr(), "POST", "/v1/sync", &[("sync-proto", "x"), ("authorization", &phone.bearer())], b"").await;
    assert_eq!((answer.status, code_of(&answer).as_str()), (426, "version"));
}

fn pin_refusal(result: Result<(), ClientError>) -> Refusal {
    match result {
        Err(ClientError::Refused(refusal)) => refusal,
        other => panic!("{other:?}"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn several_people_share_a_tablet_each_with_a_pin_and_it_locks_when_the_shift_ends() {
    let mut world = World::new().await;
    world.admin().user("s2", "陈静", "outlet", "0412").unwrap();
    let tablet = world.device("tablet", "s1").await;
    tablet.client.set_pin("1234").unwrap();
    let code = world.admin().code("s2", world.hands.now()).unwrap().code;
    tablet.client.enrol(&world.link.url(), &code).await.unwrap();
    tablet.client.set_pin("987654").unwrap();
    tablet.fail(2, "DF-NOBODY").unwrap();
    world.hands.advance(1);
    tablet.client.unlock("s1", "1234").unwrap();
    tablet.note(2, "换人之后").unwrap();
    tablet.sync().await.unwrap();
    let authors: Vec<String> = tablet.case(2).unwrap().case.timeline.iter().map(|r| r.entry.author.user.to_string()).collect();
    assert_eq!(authors, ["s2", "s1"], "every entry names its user");
    tablet.agrees_with(&world, 2);

    assert_eq!(pin_refusal(tablet.client.unlock("s2", "1234")), Refusal::PinWrong);
    assert_eq!(pin_refusal(tablet.client.unlock("c1", "1234")), Refusal::NotAMember);
    world.hands.advance(12 * 60);
    for refused in [tablet.note(2, "x").err(), tablet.client.case("QH000000000002").err(), tablet.client.parcels().err()] {
        assert!(matches!(refused, Some(ClientError::Refused(Refusal::Locked))), "{refused:?}");
    }
    tablet.sync().await.unwrap(); // what is recorded is sent all the same
    for _ in 0..5 {
        assert_eq!(pin_refusal(tablet.client.unlock("s1", "0000")), Refusal::PinWrong);
    }
    assert_eq!(
        pin_refusal(tablet.client.unlock("s1", "1234")),
        Refusal::PinLocked,
        "five wrong ones, and the right one is too late"
    );
    // Head office's code is the way back from a forgotten PIN.
    let code = world.admin().code("s1", world.hands.now()).unwrap().code;
    tablet.client.enrol(&world.link.url(), &code).await.unwrap();
    tablet.client.set_pin("2468").unwrap();
    tablet.client.lock().unwrap();
    tablet.client.unlock("s1", "2468").unwrap();
    tablet.client.lock().unwrap();
    tablet.client.unlock("s2", "987654").unwrap();
    tablet.note(2, "y").unwrap();
    tablet.client.lock().unwrap();
    assert!(tablet.client.is_locked().unwrap());
    tablet.client.unlock_by_platform("s2").unwrap();
    assert!(!tablet.client.is_locked().unwrap());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_couriers_phone_is_personal_and_a_tablet_stays_within_its_outlet() {
    let mut world = World::new().await;
    let (phone, tablet) = (world.device("phone", "c1").await, world.device("tablet", "s1").await);
    let second = async |device: &Device, person: &str| {
        let code = world.admin().code(person, world.hands.now()).unwrap().code;
        device.client.enrol(&world.link.url(), &code).await
    };
    for (device, person) in [(&phone, "c2"), (&phone, "s1"), (&tablet, "c1"), (&tablet, "o1")] {
        let error = second(device, person).await.unwrap_err();
        assert!(matches!(&error, ClientError::Network(Failure::Refused(ErrorCode::DeviceTaken))), "{person}: {error:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_device_whose_key_was_replaced_enrols_again_and_loses_nothing() {
    let mut world = World::new().await;
    let mut phone = world.device("phone", "c1").await;
    phone.fail(2, "DF-NOBODY").unwrap();
    phone.sync().await.unwrap();
    phone.note(2, "换钥匙之前").unwrap();
    phone.fail(4, "DF-NOBODY").unwrap();
    std::fs::rename(phone.folder.join("device.key"), phone.folder.join("lost.key")).unwrap();
    phone.reopen();
    let code = world.admin().code("c1", world.hands.now()).unwrap().code;
    phone.client.enrol(&world.link.url(), &code).await.unwrap();
    phone.sync().await.unwrap();
    assert_eq!(phone.client.status().unwrap().unsent.len(), 0);
    phone.agrees_with(&world, 2);
    phone.agrees_with(&world, 4);
    assert_eq!(phone.case(2).unwrap().case.timeline.len(), 2);
    let _ = Client::open(&phone.folder, Options::default()).unwrap();
}

/// A platform's key store, whose key may be lost or replaced while the app runs.
struct KeyStore(Mutex<Option<SoftwareSigner>>);

impl DeviceSigner for KeyStore {
    fn public_key(&self) -> Vec<u8> {
        self.0.lock().unwrap().as_ref().map(DeviceSigner::public_key).unwrap_or_default()
    }
    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, SignError> {
        self.0.lock().unwrap().as_ref().map_or(Err(SignError::Lost), |key| key.sign(message))
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_device_key_is_named_and_the_new_enrolment_sends_what_was_recorded_before_and_after() {
    let (_keys, mut spare) = keys(3);
    for has_another in [true, false] {
        let mut world = World::new().await;
        let Device { client, clock, folder } = world.fresh("phone", 0);
        drop(client);
        let store = Arc::new(KeyStore(Mutex::new(spare.pop())));
        let options = Options { clock: clock.clone(), signer: Some(store.clone()), ..Options::default() };
        let phone = Device { client: Client::open(&folder, options).unwrap(), clock, folder };
        let code = || world.admin().code("c1", world.hands.now()).unwrap().code;
        phone.client.enrol(&world.link.url(), &code()).await.unwrap();
        phone.fail(2, "DF-NOBODY").unwrap();
        phone.sync().await.unwrap();
        phone.fail_with_photo(4, 1).unwrap();

        let (_folder, mut new) = keys(1);
        *store.0.lock().unwrap() = new.pop().filter(|_| has_another);
        for _ in 0..2 {
            let error = phone.sync().await.unwrap_err();
            assert_eq!(error.code(), "device_key_lost", "{error:?}");
            assert!(error.words().en.contains("enrol again with a new code") && error.words().zh.contains("新的注册码"));
            assert!(error.words().en.contains("what was recorded is kept") && error.words().zh.contains("已登记的内容都保留"));
        }
        // Reading and recording go on without the key.
        phone.note(2, "密钥丢失之后").unwrap();
        assert_eq!((phone.list().len(), phone.client.status().unwrap().unsent.len()), (2, 2));
        if !has_another {
            let error = phone.client.enrol(&world.link.url(), &code()).await.unwrap_err();
            assert_eq!(error.code(), "device_key", "there is none to enrol with: {error:?}");
            *store.0.lock().unwrap() = keys(1).1.pop();
        }
        phone.client.enrol(&world.link.url(), &code()).await.unwrap();
        phone.sync().await.unwrap();
        let status = phone.client.status().unwrap();
        assert_eq!((status.unsent.len(), status.photos, status.quarantined), (0, 0, 0));
        phone.agrees_with(&world, 2);
        phone.agrees_with(&world, 4);
        assert_eq!(phone.case(2).unwrap().case.timeline.len(), 2);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_file_that_holds_no_key_is_named_and_moving_it_away_lets_the_person_enrol_again() {
    let mut world = World::new().await;
    let mut phone = world.device("phone", "c1").await;
    phone.fail(2, "DF-NOBODY").unwrap();
    let file = phone.folder.join("device.key");
    let kept = std::fs::read(&file).unwrap();
    for damaged in [vec![], b"nothing of a key".to_vec(), kept[..kept.len() / 2].to_vec()] {
        std::fs::write(&file, &damaged).unwrap();
        let error = Client::open(&phone.folder, Options::default()).err().unwrap();
        assert_eq!(error.code(), "device_key", "{error:?}");
        assert!(error.words().en.contains("enrol again with a new code") && error.words().zh.contains("新注册码"));
        assert_eq!(std::fs::read(&file).unwrap(), damaged, "left as it is");
    }
    std::fs::rename(&file, phone.folder.join("device.key.damaged")).unwrap();
    phone.reopen();
    assert_eq!(phone.sync().await.unwrap_err().code(), "device_key_lost");
    let code = world.admin().code("c1", world.hands.now()).unwrap().code;
    phone.client.enrol(&world.link.url(), &code).await.unwrap();
    phone.sync().await.unwrap();
    phone.agrees_with(&world, 2);
}
