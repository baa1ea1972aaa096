//! Golden bytes: one file for each message and each signed message; each is also read back.

use doorstep_protocol::signing::{
    answer_message, batch_message, enrol_message, is_signed, key_message, pack_message, renewal_message, session_message,
    wipe_message,
};
use minicbor::{Decode, Encode};
use sha2::{Digest, Sha256};

use super::*;

/// The file of that name.
pub(crate) fn file(name: &str) -> std::path::PathBuf {
    std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/golden/{name}.hex"))
}

/// The bytes in the file of that name.
pub(crate) fn bytes_of(name: &str) -> Vec<u8> {
    let text = std::fs::read_to_string(file(name)).unwrap_or_else(|error| panic!("{name}: {error}"));
    let text = text.trim_end();
    (0..text.len()).step_by(2).map(|at| u8::from_str_radix(&text[at..at + 2], 16).unwrap()).collect()
}

/// Compares with the file of that name; `GOLDEN=write` writes it anew.
fn golden(name: &str, bytes: &[u8]) {
    let file = file(name);
    if std::env::var("GOLDEN").is_ok_and(|what| what == "write") {
        let hex: String = bytes.iter().map(|b| format!("{b:02x}")).collect();
        std::fs::write(&file, hex + "\n").unwrap();
    }
    assert_eq!(bytes, bytes_of(name), "{name}");
}

/// The value is written as the file says, and the file is read as the value.
fn message<T: Encode<()> + for<'b> Decode<'b, ()> + PartialEq + std::fmt::Debug>(name: &str, value: &T) {
    golden(name, &encode(value).unwrap());
    assert_eq!(decode::<T>(&bytes_of(name)).unwrap(), *value, "{name}");
}

const NOW: i64 = 1_772_413_200_000;

/// The key of RFC 6979, A.2.5. The signatures in the golden files were made with it, and with the nonces of that RFC.
fn key() -> Vec<u8> {
    bytes_of("key")
}

fn device() -> DeviceId {
    DeviceId::of(&key())
}

fn case() -> CaseId {
    "816724b57d84f4bbb40d976fd67143a2".parse().unwrap()
}

fn nonce() -> Vec<u8> {
    [&NOW.to_be_bytes()[..], &[0x5a; 16], &[0xa5; 32]].concat()
}

fn code_hash() -> [u8; 32] {
    Sha256::digest("ABCDEFGHJKLM").into()
}

const TOKEN: &str = "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff";

fn token() -> Token {
    Token { secret: TOKEN.into(), expires_ms: NOW + 3_600_000 }
}

fn clock() -> BatchClock {
    BatchClock { wall_ms: NOW, mono_ms: 86_400_000, boot: [1, 2, 3, 4] }
}

fn push() -> Push {
    Push {
        batch: 2,
        prev: BatchHash::new([6; 32]),
        user: "c1029".into(),
        install: InstallId::new([1; 16]),
        cases: vec![PushCase { case: case(), pack: bytes_of("pack") }],
        again: vec![1],
    }
}

fn envelope() -> Envelope {
    Envelope { body: encode(&push()).unwrap(), clock: clock(), sig: bytes_of("sig-batch") }
}

fn request() -> SyncRequest {
    SyncRequest {
        device: device(),
        install: InstallId::new([1; 16]),
        history: HistoryId::new([4; 16]),
        push: Some(envelope()),
        pull: vec![Pull { scope: "courier/c1029".into(), cursor: 18_223 }],
        want_bytes: 65_536,
        refs: RefKind::ALL.into_iter().map(|kind| RefVersion { kind, version: 1 }).collect(),
        chain: Some(Link { batch: 2, hash: BatchHash::of(&encode(&push()).unwrap()) }),
        beacon: Some(Beacon {
            unsent_cases: 2,
            unsent_photos: 1,
            unsent_bytes: 300_000,
            oldest_ms: Some(NOW - 200_000),
            app: "doorstep 1".into(),
            disk_free_mb: None,
        }),
        quarantined: vec![Quarantined { case: case(), change: ChangeHash::new([9; 32]) }],
        lost: vec![LostPhoto { photo: PhotoId::new([8; 32]), altered: true }],
        pins: None,
    }
}

/// The verdicts of the worked example in the specification.
fn verdicts() -> Vec<(Verdict, u64)> {
    let acted = Reckoning { at: Some(UnixMs(NOW - 60_000)), slack_ms: 6, ..Reckoning::default() };
    let first = Receipt::new(UnixMs(NOW), acted, false, FactsCheck::Unchecked);
    let second = Receipt { acted: Reckoning { at: Some(UnixMs(NOW - 30_000)), slack_ms: 3, ..acted }, review: true, ..first };
    let earlier = Receipt::new(UnixMs(NOW - 3_600_000), Reckoning::default(), false, FactsCheck::Unchecked);
    vec![
        (Verdict::Ok(first), 86_340_000),
        (Verdict::Ok(second), 86_370_000),
        (Verdict::Dup(earlier), 500),
        (Verdict::Pend, 0),
        (Verdict::Quarantined("rights:P-99".into()), 0),
    ]
}

fn ack() -> Ack {
    let (rows, quarantined) = pack_verdicts(UnixMs(NOW), &verdicts(), Spoken::Version2);
    let faulty = AckCase {
        case: CaseId::new([3; 16]),
        rows: vec![],
        quarantined: vec![],
        fault: Some("pack does not rebuild to the hashes it names".into()),
    };
    Ack {
        batch: 2,
        replayed: false,
        received_ms: NOW,
        cases: vec![AckCase { case: case(), rows, quarantined, fault: None }, faulty],
        install: InstallId::new([1; 16]),
        hash: BatchHash::of(&encode(&push()).unwrap()),
    }
}

fn page() -> FeedPage {
    // Both changes of the pack were recorded in one act: their monotonic time is 86,400,000.
    let acted = Reckoning { at: Some(UnixMs(NOW - 60_000)), slack_ms: 6, ..Reckoning::default() };
    let receipt = Receipt::new(UnixMs(NOW), acted, false, FactsCheck::Unchecked);
    let receipts = [(receipt, 86_400_000), (Receipt { review: true, ..receipt }, 86_400_000)];
    FeedPage {
        scope: "outlet/0412".into(),
        to: 18_310,
        more: false,
        cases: vec![FeedCase { case: case(), pack: bytes_of("pack"), receipts: pack_receipts(&receipts, Spoken::Version2) }],
        out: vec![CaseRef(CaseId::new([3; 16]))],
    }
}

fn empty_page() -> FeedPage {
    FeedPage { scope: "courier/c1029".into(), to: 18_223, more: false, cases: vec![], out: vec![] }
}

fn response() -> SyncResponse {
    SyncResponse {
        now_ms: NOW + 5,
        history: HistoryId::new([4; 16]),
        ack: Some(Signed { body: encode(&ack()).unwrap(), sig: bytes_of("sig-answer-ack") }),
        feed: vec![
            Signed { body: encode(&empty_page()).unwrap(), sig: vec![] },
            Signed { body: encode(&page()).unwrap(), sig: bytes_of("sig-answer-page") },
        ],
        refs: vec![RefVersion { kind: RefKind::Parcels, version: 2 }],
        token: Some(token()),
        demand: Some(Demand::NewInstall),
        resend: vec![1],
        decisions: vec![Decision {
            of: Quarantined { case: case(), change: ChangeHash::new([9; 32]) },
            released: false,
            why: "not this parcel".into(),
        }],
        scopes: vec!["courier/c1029".into(), "outlet/0412".into()],
        wanted: vec![Sha(PhotoId::new([7; 32]))],
        gateway: Some(true),
        wipe: Some(Signed { body: encode(&wipe_order()).unwrap(), sig: bytes_of("sig-wipe") }),
        succession: None,
    }
}

fn parcel() -> ParcelRow {
    let plain = |text: &str| Personal::plain(text).unwrap().as_bytes().to_vec();
    ParcelRow {
        waybill: "QH310000000017".into(),
        network: "QH".into(),
        origin_outlet: "0571".into(),
        delivering_outlet: "0412".into(),
        courier: Some("c1029".into()),
        recipient_name: plain("王小明"),
        recipient_phone: plain("13800000000"),
        recipient_address: plain("1 Test Road"),
        cod_fen: 1_205,
        theoretical_arrival_ms: Some(NOW),
        hub: None,
        entered_ms: Some(NOW - 86_400_000),
        children: Some(vec!["QH310000000017-1".into()]),
        virtual_phone: plain("17012345678"),
        virtual_until_ms: Some(NOW + 259_200_000),
    }
}

fn publication() -> Publication {
    Publication { network: "QH".into(), version: 2, published_ms: NOW, valid_from_ms: NOW + 7_200_000, toml: vec![] }
}

fn refs() -> Refs {
    Refs { version: 2, parcels: vec![], outlets: vec![], policy: vec![], packs: None }
}

#[test]
fn enrolling_and_sessions_are_as_specified() {
    message("nonce-response", &NonceResponse { nonce: nonce(), now_ms: NOW });
    message(
        "enrol-request",
        &EnrolRequest {
            code: "abcd-efgh-jklm".into(),
            public_key: key(),
            install: InstallId::new([1; 16]),
            nonce: nonce(),
            sig: bytes_of("sig-enrol"),
        },
    );
    message(
        "enrol-response",
        &EnrolResponse {
            token: token(),
            user: "c1029".into(),
            role: "courier".into(),
            outlet: "0412".into(),
            name: "Li".into(),
            now_ms: NOW,
            server_key: key(),
        },
    );
    message("session-request", &SessionRequest { device: device(), nonce: nonce(), sig: bytes_of("sig-session") });
    message("session-response", &SessionResponse { token: token(), now_ms: NOW });
    message("error-body", &ErrorBody { code: "malformed".into(), detail: "body is malformed: body is not zstd".into() });
}

#[test]
fn a_lease_is_as_specified() {
    let request = LeaseRequest { case: case(), entry: "sms/abcdefgh-2".into(), install: InstallId::new([1; 16]) };
    message("lease-request", &request);
    message("lease-response", &LeaseResponse { until_ms: Some(NOW + 900_000), why: None });
    message("lease-refused", &LeaseResponse { until_ms: None, why: Some("not_offered".into()) });
}

#[test]
fn what_is_said_about_photos_is_as_specified() {
    message("photo-query", &PhotoQuery { photos: vec![Sha(PhotoId::new([7; 32])), Sha(PhotoId::new([8; 32]))] });
    message("photo-states", &PhotoStates { states: vec![PhotoState::Stored, PhotoState::Void] });
}

#[test]
fn a_sync_is_as_specified() {
    message("push", &push());
    message("envelope", &envelope());
    message("sync-request", &request());
    message("ack", &ack());
    message("feed-page", &page());
    message("signed", &Signed { body: encode(&ack()).unwrap(), sig: bytes_of("sig-answer-ack") });
    message("sync-response", &response());
    let idle =
        SyncRequest { push: None, beacon: None, quarantined: vec![], lost: vec![], chain: None, pull: vec![], ..request() };
    message("sync-request-idle", &idle);
    let idle = SyncResponse {
        ack: None,
        feed: vec![Signed { body: encode(&empty_page()).unwrap(), sig: vec![] }],
        refs: vec![],
        token: None,
        demand: None,
        resend: vec![],
        decisions: vec![],
        gateway: None,
        wipe: None,
        ..response()
    };
    message("sync-response-idle", &idle);
}

fn wipe_order() -> WipeOrder {
    WipeOrder { install: InstallId::new([3; 16]), ordered_ms: 1_772_413_200_000 }
}

#[test]
fn an_order_to_wipe_is_as_specified() {
    message("wipe-order", &wipe_order());
}

fn succession() -> Succession {
    Succession { next: key(), made_ms: NOW }
}

#[test]
fn a_new_key_of_the_server_is_as_specified_and_the_one_before_vouches_for_it() {
    message("succession", &succession());
    let signed = Signed { body: encode(&succession()).unwrap(), sig: bytes_of("sig-key") };
    let answer = SyncResponse { succession: Some(signed.clone()), ..response() };
    assert_eq!(decode::<SyncResponse>(&encode(&answer).unwrap()).unwrap(), answer);
    assert_eq!(answer.next_key(&key()).unwrap(), Some(key()));
    assert_eq!(response().next_key(&key()).unwrap(), None);
    let mut spoilt = signed;
    spoilt.sig[3] ^= 1;
    let answer = SyncResponse { succession: Some(spoilt), ..response() };
    assert!(matches!(answer.next_key(&key()), Err(AnswerError::Signature)));
    let told = SyncRequest { pins: Some(KeyHash::of(&key())), ..request() };
    assert_eq!(decode::<SyncRequest>(&encode(&told).unwrap()).unwrap(), told);
}

#[test]
fn reference_rows_are_as_specified() {
    message("refs-parcels", &Refs { parcels: vec![parcel()], ..refs() });
    let outlet = OutletRow { code: "0412".into(), name_zh: "西湖".into(), name_en: "West Lake".into(), phone: "0571-0".into() };
    message("refs-outlets", &Refs { outlets: vec![outlet], ..refs() });
    message("publication", &publication());
    let signed = Signed { body: encode(&publication()).unwrap(), sig: bytes_of("sig-pack") };
    message("refs-pack", &Refs { packs: Some(vec![signed]), ..refs() });
    message("refs-policy", &Refs { policy: b"{}".to_vec(), ..refs() });
}

#[test]
fn what_is_signed_is_as_specified_and_the_signatures_hold() {
    let install = InstallId::new([1; 16]);
    golden("sign-enrol", &enrol_message(&nonce(), &code_hash(), install.as_bytes()));
    golden("sign-session", &session_message(&nonce()));
    golden("sign-renewal", &renewal_message(TOKEN));
    golden("sign-batch", &batch_message(&bytes_of("push"), &clock()));
    golden("sign-pack", &pack_message(&bytes_of("publication")));
    golden("sign-key", &key_message(&bytes_of("succession")));
    golden("sign-wipe", &wipe_message(device().as_bytes(), &bytes_of("wipe-order")));
    golden("sign-answer-ack", &answer_message(device().as_bytes(), &bytes_of("ack")));
    golden("sign-answer-page", &answer_message(device().as_bytes(), &bytes_of("feed-page")));
    let names = ["enrol", "session", "renewal", "batch", "pack", "key", "wipe", "answer-ack", "answer-page"];
    for name in names {
        let signed = bytes_of(&format!("sign-{name}"));
        let sig = bytes_of(&format!("sig-{name}"));
        assert!(is_signed(&key(), &signed, &sig), "{name}");
        assert!(!is_signed(&key(), b"another message", &sig), "{name}");
        for other in names.iter().filter(|other| **other != name) {
            assert!(!is_signed(&key(), &bytes_of(&format!("sign-{other}")), &sig), "{name} is none for {other}");
        }
    }
    assert_eq!(bytes_of("sig-batch").len(), 64);
    assert!(is_signed(&key(), &bytes_of("sign-batch"), &bytes_of("sig-batch-der")), "the same in DER, as phones give it");
}

#[test]
fn the_golden_answer_is_taken_by_its_device_alone() {
    let golden = || decode::<SyncResponse>(&bytes_of("sync-response")).unwrap();
    let answer = golden().verify(&device(), &key()).unwrap();
    let ack_of_golden = answer.ack.unwrap().0;
    assert_eq!(ack_of_golden, ack());
    assert_eq!(ack_of_golden.hash, BatchHash::of(&bytes_of("push")), "it names the batch that it is about");
    assert_eq!(answer.feed, [empty_page(), page()]);
    assert!(matches!(golden().verify(&DeviceId::new([9; 16]), &key()), Err(AnswerError::Signature)));
    for spoil in [
        |answer: &mut SyncResponse| answer.ack.as_mut().unwrap().sig[5] ^= 1,
        |answer: &mut SyncResponse| answer.feed[1].sig.clear(),
        |answer: &mut SyncResponse| *answer.feed[1].body.last_mut().unwrap() ^= 1,
    ] {
        let mut spoilt = golden();
        spoil(&mut spoilt);
        assert!(matches!(spoilt.verify(&device(), &key()), Err(AnswerError::Signature)));
    }
}

/// The specification's worked example of receipts.
#[test]
fn rows_are_coded_as_in_the_worked_example() {
    let (rows, quarantined) = pack_verdicts(UnixMs(NOW), &verdicts(), Spoken::Version2);
    let offset = NOW - 60_000 - 86_340_000;
    let row = |code, received, offset, marks, slack| ReceiptRow {
        code,
        received,
        offset,
        marks,
        slack,
        from: None,
        before: None,
        unproven: None,
    };
    assert_eq!(
        rows,
        [
            row(0, 0, Some(offset), None, Some(6)),
            row(0, 0, Some(0), Some(4), Some(3)),
            row(1, -3_600_000, None, None, None),
            row(2, 0, None, None, None),
            row(3, 0, None, None, None),
        ]
    );
    assert_eq!(quarantined, [(4, "rights:P-99".to_owned())]);
    let (verdicts, monos): (Vec<_>, Vec<_>) = verdicts().into_iter().unzip();
    assert_eq!(unpack_verdicts(UnixMs(NOW), &rows, &quarantined, &monos), verdicts);
}
