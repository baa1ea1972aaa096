//! Golden bytes: one file for each message and each signed message; each is also read back.

use doorstep_protocol::signing::{
    NOTHING_LEFT, answer_leaf, answer_message, batch_message, doc_digest, enrol_message, is_signed, key_message, leaves_message,
    leaves_root, link_message, pack_message, receipts_leaf, renewal_message, rest_chain, session_message, wipe_message,
};
use minicbor::{Decode, Encode};
use sha2::{Digest as _, Sha256};

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
        refs: RefKind::OF_VERSION_2.into_iter().map(|kind| RefVersion { kind, version: 1 }).collect(),
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
        batch: None,
        counter: None,
        witness: None,
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
        case: Some(CaseRef(CaseId::new([3; 16]))),
        rows: vec![],
        quarantined: vec![],
        fault: Some("pack does not rebuild to the hashes it names".into()),
    };
    Ack {
        batch: 2,
        replayed: false,
        received_ms: NOW,
        cases: vec![AckCase { case: Some(CaseRef(case())), rows, quarantined, fault: None }, faulty],
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
        cases: vec![FeedCase {
            case: case(),
            pack: bytes_of("pack"),
            receipts: pack_receipts(&receipts, Spoken::Version2),
            leaf: None,
            kind: None,
        }],
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
        counter: None,
        took_ms: None,
        succession: None,
    }
}

/// The changes of the pack, as its description names them.
fn changes() -> Vec<ChangeHash> {
    ["15bd58fc82a143893f8a7632e5fc716639489cd263f564b9f6bed7580770d5b8", SECOND].map(|hash| hash.parse().unwrap()).into()
}

const SECOND: &str = "420f1640c11b010d2ed7800576c1fe74e0df6a65c1272cc9c5970268ccc5d09a";

/// The pack without the hash that ends it.
fn bare() -> Vec<u8> {
    let with_head = bytes_of("pack");
    let mut bare = with_head[..with_head.len() - 32].to_vec();
    bare[0] = 2;
    bare
}

fn header() -> Header {
    let prev = BatchHash::of(&encode(&push()).unwrap());
    Header { batch: 3, prev, user: "c1029".into(), install: InstallId::new([1; 16]), again: vec![1] }
}

fn sending() -> Sending {
    let left = CaseId::new([3; 16]);
    let digest = doc_digest(&left, &[ChangeHash::new([9; 32])]);
    let rest = vec![Leaf(rest_chain([digest], NOTHING_LEFT))];
    Sending { wall_ms: NOW, mono_ms: 86_400_000, boot: [1, 2, 3, 4], heard_ms: Some(NOW - 3_600_000), rest }
}

fn batch() -> Batch {
    let digest = doc_digest(&case(), &changes());
    Batch {
        header: encode(&header()).unwrap(),
        sending: encode(&sending()).unwrap(),
        sig: bytes_of("sig-sending"),
        docs: vec![PushDoc { doc: case(), pack: bare(), digest, kind: None }],
        first: vec![],
        brings: vec![brought()],
    }
}

/// The batch's document was named by an earlier sending, before what is left behind now.
fn brought() -> Brought {
    Brought { links: vec![RestLink::Docs(0, 1)], after: sending().rest[0].0 }
}

#[test]
fn what_a_batch_brings_of_a_chain_is_told_with_its_documents() {
    let (doc, hashes) = (case(), changes());
    let whole = doc_digest(&doc, &hashes);
    let in_batch = [BroughtDoc { doc: (&doc).into(), digest: &whole, changes: &hashes }];
    let after = brought().after;
    let (chain, named) = brought().chain(&in_batch).unwrap();
    assert_eq!((chain, named.len()), (rest_chain([whole], after), 2));
    let each: Vec<Digest> = hashes.iter().map(|hash| doc_digest(&doc, [hash])).collect();
    let gone = Digest::new([8; 32]);
    let links = vec![RestLink::Changes(0, 0, 1), RestLink::Gone(Leaf(gone)), RestLink::Changes(0, 1, 1)];
    let parts = Brought { links, after };
    message("brought", &parts);
    let (chain, named) = parts.chain(&in_batch).unwrap();
    assert_eq!((chain, named), (rest_chain([each[1], gone, each[0]], after), hashes.iter().collect()));
    // A pack that does not rebuild leaves the others' links whole.
    let damaged = [BroughtDoc { changes: &[], ..in_batch[0] }];
    assert_eq!(brought().chain(&damaged).unwrap(), (rest_chain([whole], after), vec![]));
    let both = [in_batch[0], damaged[0]];
    let twice = vec![RestLink::Docs(0, 1), RestLink::Changes(0, 0, 1)];
    assert_eq!(Brought { links: twice, after }.chain(&both), None, "another document lends no room");
    for links in [
        vec![RestLink::Docs(0, 2)],
        vec![RestLink::Docs(1, 1)],
        vec![RestLink::Docs(u32::MAX, u32::MAX)],
        vec![RestLink::Docs(0, 1), RestLink::Docs(0, 1)],
        vec![RestLink::Docs(0, 1), RestLink::Changes(0, 0, 1)],
        vec![RestLink::Changes(0, 1, 2)],
        vec![RestLink::Changes(0, u32::MAX, u32::MAX)],
        vec![RestLink::Changes(2, 0, 1)],
    ] {
        assert_eq!(Brought { links: links.clone(), after }.chain(&in_batch), None, "{links:?}");
    }
}

/// Its proof of the two changes, of which the second is said to be the server's own too.
fn proofs() -> Proofs {
    let Batch { header, sending, sig, docs, .. } = batch();
    let digests = docs.iter().map(|doc| Leaf(doc.digest)).collect();
    let hashes: Vec<u8> = changes().iter().flat_map(|hash| *hash.as_bytes()).collect();
    let own = hashes[32..].to_vec();
    Proofs { proofs: vec![Proof { key: key(), header, sending, sig, digests, changes: hashes }], own }
}

#[test]
fn a_change_is_proven_without_the_other_documents_of_its_batch() {
    message("proofs", &proofs());
    let proof = proofs().proofs.remove(0);
    let proven = proof.verify(&case()).unwrap();
    assert_eq!((proven.device, proven.user, proven.changes), (device(), header().user, changes()));
    assert_eq!(proofs().own().unwrap(), changes()[1..]);
    assert_eq!(proof.verify(&CaseId::new([9; 16])), None, "of another case");
    for spoil in [
        |proof: &mut Proof| proof.changes[3] ^= 1,
        |proof: &mut Proof| proof.changes.truncate(32),
        |proof: &mut Proof| proof.changes.truncate(40),
        |proof: &mut Proof| proof.header[2] ^= 1,
        |proof: &mut Proof| proof.sending[5] ^= 1,
        |proof: &mut Proof| proof.sig[5] ^= 1,
        |proof: &mut Proof| proof.key[5] ^= 1,
        |proof: &mut Proof| proof.digests.clear(),
    ] {
        let mut spoilt = proof.clone();
        spoil(&mut spoilt);
        assert_eq!(spoilt.verify(&case()), None);
    }
}

/// What the server says of the two changes in version 3.
fn receipts() -> Vec<(ChangeHash, Receipt)> {
    let acted = Reckoning {
        at: Some(UnixMs(NOW - 60_000)),
        slack_ms: 1_000,
        from: Some(UnixMs(NOW - 3_600_000)),
        until: Some(UnixMs(NOW)),
        anchored: true,
        ..Reckoning::default()
    };
    let first = Receipt::new(UnixMs(NOW), acted, false, FactsCheck::Equal);
    let passed_over = Reckoning { anchored: false, passed_over: true, ..acted };
    let second = Receipt {
        others_in_contact: true,
        unproven_acts: 3,
        ..Receipt::new(UnixMs(NOW), passed_over, true, FactsCheck::Unchecked)
    };
    changes().into_iter().zip([first, second]).collect()
}

fn pushed() -> Vec<Pushed> {
    vec![Pushed { doc: (&case()).into(), changes: changes().into_iter().map(|hash| (hash, 86_400_000)).collect() }]
}

fn leaf() -> Digest {
    receipts_leaf(&case(), &receipts())
}

/// The verdicts on the batch, and a page that brings the same changes to another scope.
fn answer() -> SyncResponse {
    let verdicts: Vec<_> = receipts().into_iter().map(|(_, receipt)| (Verdict::Ok(receipt), 86_400_000)).collect();
    let (rows, quarantined) = pack_verdicts(UnixMs(NOW), &verdicts, Spoken::Version3);
    let ack = Ack {
        batch: 3,
        replayed: false,
        received_ms: NOW,
        cases: vec![AckCase { case: None, rows, quarantined, fault: None }],
        install: InstallId::new([1; 16]),
        hash: batch().hash(),
    };
    let fed: Vec<_> = receipts().into_iter().map(|(_, receipt)| (receipt, 86_400_000)).collect();
    let fed = FeedCase {
        case: case(),
        pack: bare(),
        receipts: pack_receipts(&fed, Spoken::Version3),
        leaf: Some(Leaf(leaf())),
        kind: None,
    };
    let page = FeedPage { cases: vec![fed], ..page() };
    let part = |body: Vec<u8>| Signed { body, sig: vec![] };
    SyncResponse {
        ack: Some(part(encode(&ack).unwrap())),
        feed: vec![part(encode(&empty_page()).unwrap()), part(encode(&page).unwrap())],
        refs: vec![RefVersion { kind: RefKind::People, version: 2 }],
        demand: None,
        resend: vec![],
        wipe: None,
        counter: Some(42),
        now_ms: NOW + 7,
        took_ms: Some(7),
        ..response()
    }
}

fn leaves() -> Vec<Digest> {
    vec![answer_leaf(device().as_bytes(), &encode(&answer()).unwrap()), leaf(), leaf()]
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
    Refs { version: 2, parcels: vec![], outlets: vec![], policy: vec![], packs: None, people: None, days: None }
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

#[test]
fn a_batch_of_version_3_and_its_answer_are_as_specified() {
    golden("pack-bare", &bare());
    message("header", &header());
    message("sending", &sending());
    message("batch", &batch());
    message("sync-request-3", &SyncRequest { push: None, batch: Some(batch()), counter: Some(41), ..request() });
    message("sync-answer", &Signed { body: encode(&answer()).unwrap(), sig: bytes_of("sig-answer") });
    let answer = SyncResponse::verify_signed(&decode(&bytes_of("sync-answer")).unwrap(), &device(), &key(), &pushed()).unwrap();
    let (ack, proof) = answer.ack.unwrap();
    golden("vouched", &proof.body);
    let vouched: Vouched = decode(&proof.body).unwrap();
    assert_eq!(vouched.leaves, leaves().into_iter().map(Leaf).collect::<Vec<_>>());
    assert_eq!((vouched.counter, decode::<Ack>(&vouched.ack).unwrap()), (42, ack.clone()));
    assert_eq!(ack.cases[0].case, Some(CaseRef(case())), "the batch's order says which document it is about");
    assert_eq!((answer.witness.map(|witness| witness.counter), answer.received_ms), (Some(42), Some(NOW)));
    let monos = [86_400_000; 2];
    let verdicts = unpack_verdicts(UnixMs(NOW), &ack.cases[0].rows, &ack.cases[0].quarantined, &monos);
    let expected: Vec<_> = receipts().into_iter().map(|(_, receipt)| Verdict::Ok(receipt)).collect();
    assert_eq!(verdicts, expected, "every mark survives its row");
}

#[test]
fn an_answer_of_version_3_is_taken_by_its_device_alone_and_whole() {
    let golden = || decode::<Signed>(&bytes_of("sync-answer")).unwrap();
    let taken = |signed: &Signed, device: &DeviceId, pushed: &[Pushed]| {
        SyncResponse::verify_signed(signed, device, &key(), pushed).is_ok()
    };
    assert!(taken(&golden(), &device(), &pushed()));
    assert!(!taken(&golden(), &DeviceId::new([9; 16]), &pushed()), "another device");
    assert!(!taken(&golden(), &device(), &[]), "a request that pushed nothing");
    let mut other = pushed();
    other[0].changes[1].0 = ChangeHash::new([7; 32]);
    assert!(!taken(&golden(), &device(), &other), "verdicts on another change");
    assert!(!taken(&Signed { sig: vec![], ..golden() }, &device(), &pushed()), "without its signature");
    for at in 0..golden().body.len() {
        let mut spoilt = golden();
        spoilt.body[at] ^= 1;
        assert!(!taken(&spoilt, &device(), &pushed()), "byte {at}");
    }
}

#[test]
fn an_answer_is_proven_without_what_it_says() {
    let vouched: Vouched = decode(&bytes_of("vouched")).unwrap();
    let root = leaves_root(vouched.leaves.iter().map(|leaf| &leaf.0));
    let witness = Witness { history: vouched.history, counter: vouched.counter, root, sig: bytes_of("sig-answer") };
    message("witness", &witness);
    let answer = SyncResponse::verify_signed(&decode(&bytes_of("sync-answer")).unwrap(), &device(), &key(), &pushed()).unwrap();
    assert_eq!(answer.witness, Some(witness.clone()), "as a device keeps it of each signed answer");
    assert!(witness.is_signed_by(&key()));
    assert!(!Witness { counter: witness.counter + 1, ..witness.clone() }.is_signed_by(&key()), "another number");
    assert!(!Witness { history: HistoryId::new([9; 16]), ..witness.clone() }.is_signed_by(&key()), "another log");
    assert!(!Witness { root: Digest::new([9; 32]), ..witness }.is_signed_by(&key()), "another answer");
}

#[test]
fn a_receipt_of_a_log_that_was_lost_proves_itself() {
    let vouched: Vouched = decode(&bytes_of("vouched")).unwrap();
    let receipts = receipts().into_iter().map(|(change, receipt)| FirstReceipt::of(change, receipt.parts())).collect();
    let answer = FirstAnswer {
        history: vouched.history,
        counter: vouched.counter,
        leaves: vouched.leaves,
        sig: bytes_of("sig-answer"),
        docs: vec![FirstDoc { doc: case(), leaf: 1, receipts, kind: None }],
    };
    message("first-answer", &answer);
    assert!(answer.is_signed_by(&key()));
    let shown: Vec<_> = answer.vouched().collect();
    assert_eq!(shown, self::receipts().into_iter().map(|(change, receipt)| (case(), change, receipt)).collect::<Vec<_>>());
    let spoilt = |spoil: fn(&mut FirstAnswer)| {
        let mut answer = answer.clone();
        spoil(&mut answer);
        !answer.is_signed_by(&key()) || answer.vouched().next().is_none()
    };
    assert!(spoilt(|answer| answer.docs[0].receipts[1].received_ms -= 1), "another time");
    assert!(spoilt(|answer| answer.docs[0].receipts[0].marks ^= 4), "other marks");
    assert!(spoilt(|answer| answer.docs[0].receipts[0].change = ChangeHash::new([7; 32])), "another change");
    assert!(spoilt(|answer| answer.docs[0].receipts.truncate(1)), "not all of the leaf");
    assert!(spoilt(|answer| answer.docs[0].doc = CaseId::new([7; 16])), "another document");
    assert!(spoilt(|answer| answer.docs[0].leaf = 0), "another leaf");
    assert!(spoilt(|answer| answer.docs[0].leaf = u32::MAX), "no leaf");
    let other_leaf = |answer: &mut FirstAnswer| {
        answer.docs[0].receipts[0].received_ms -= 1;
        answer.leaves[1] = Leaf(answer.docs[0].digest().unwrap());
    };
    assert!(spoilt(other_leaf), "a leaf that was not signed");
    assert!(spoilt(|answer| answer.counter += 1), "another answer");
}

#[test]
fn one_receipt_is_shown_without_the_others() {
    // Whoever sees the second change's receipt needs the first one's hash only, and the other leaves.
    let vouched: Vouched = decode(&bytes_of("vouched")).unwrap();
    let leaves: Vec<Digest> = vouched.leaves.iter().map(|leaf| leaf.0).collect();
    let signed = leaves_message(&vouched.history, vouched.counter, &leaves);
    assert!(is_signed(&key(), &signed, &bytes_of("sig-answer")));
    let hashes: Vec<u8> =
        receipts().iter().flat_map(|(change, receipt)| doorstep_protocol::signing::receipt_hash(change, receipt)).collect();
    let purpose: &[u8] = b"doorstep/receipts/v3";
    let (kind, doc) = (DocKind::Case.number().to_be_bytes(), case());
    let parts: [&[u8]; 4] = [purpose, &kind, doc.as_bytes(), &hashes];
    let message: Vec<u8> = parts.iter().flat_map(|part| [&(part.len() as u32).to_be_bytes(), *part].concat()).collect();
    assert_eq!(leaves[1], Digest::new(sha2::Sha256::digest(message).into()), "made of the receipts' hashes alone");
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
    let person =
        |left| PersonRow { account: "c1029".into(), name: "Li".into(), role: "courier".into(), outlet: "0412".into(), left };
    message("refs-people", &Refs { people: Some(vec![person(false), person(true)]), ..refs() });
    let day = DayRow { day: 20_727, works: true, name: "国庆节调休".into() };
    message("refs-calendar", &Refs { days: Some(vec![day]), ..refs() });
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
    golden("sign-link", &link_message(2, &[7; 32], NOW, &bytes_of("ack")));
    golden("sign-wipe", &wipe_message(device().as_bytes(), &bytes_of("wipe-order")));
    golden("sign-answer-ack", &answer_message(device().as_bytes(), &bytes_of("ack")));
    golden("sign-answer-page", &answer_message(device().as_bytes(), &bytes_of("feed-page")));
    golden("sign-sending", &batch().message());
    golden("sign-answer", &leaves_message(&HistoryId::new([4; 16]), 42, &leaves()));
    let names =
        ["enrol", "session", "renewal", "batch", "sending", "pack", "key", "link", "wipe", "answer-ack", "answer-page", "answer"];
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
    assert_eq!(quarantined, [(4, RefusalCode::Rights("P-99".into()))]);
    let (verdicts, monos): (Vec<_>, Vec<_>) = verdicts().into_iter().unzip();
    assert_eq!(unpack_verdicts(UnixMs(NOW), &rows, &quarantined, &monos), verdicts);
}

/// The sheet of outlet 0412's day, 2026-03-02.
fn sheet() -> DocRef {
    DocRef::sheet(&"QH".parse().unwrap(), &"0412".parse().unwrap(), "2026-03-02".parse().unwrap())
}

/// The hash of its one change.
fn sheets_change() -> ChangeHash {
    ChangeHash::new(Sha256::digest(&bytes_of("sheet-change")[8..]).into())
}

#[test]
fn a_batch_and_a_page_with_a_sheet_are_as_specified() {
    let parts =
        ["sheet/v1", "QH", "0412", "2026-03-02"].map(|part| [&(part.len() as u32).to_be_bytes(), part.as_bytes()].concat());
    assert_eq!(sheet().id.as_bytes()[..], Sha256::digest(parts.concat())[..16], "the id");
    let digest = doc_digest(sheet(), &[sheets_change()]);
    let pack = bytes_of("sheet-pack");
    let docs = vec![PushDoc { doc: sheet().id, pack: pack.clone(), digest, kind: sheet().kind.named() }];
    assert_eq!((docs[0].document(), docs[0].is_of(&[sheets_change()])), (Some(sheet()), true));
    assert!(!PushDoc { kind: None, ..docs[0].clone() }.is_of(&[sheets_change()]), "its digest is no case's");
    assert!(!PushDoc { kind: Some(2), ..docs[0].clone() }.is_of(&[sheets_change()]), "nor that of a kind that nobody knows");
    message("sheet-batch", &Batch { docs, brings: vec![], ..batch() });
    let receipt = receipts()[0].1;
    let leaf = receipts_leaf(sheet(), &[(sheets_change(), receipt)]);
    assert_ne!(leaf, receipts_leaf(&sheet().id, &[(sheets_change(), receipt)]));
    let rows = pack_receipts(&[(receipt, 86_400_000)], Spoken::Version3);
    let fed = FeedCase { case: sheet().id, pack, receipts: rows, leaf: Some(Leaf(leaf)), kind: sheet().kind.named() };
    assert_eq!(fed.document(), Some(sheet()));
    message("sheet-page", &FeedPage { scope: "outlet/0412".into(), cases: vec![fed], out: vec![], ..page() });
    let mut shown = FirstDoc { doc: sheet().id, leaf: 0, receipts: vec![], kind: sheet().kind.named() };
    assert_eq!(shown.digest(), Some(receipts_leaf(sheet(), &[])));
    shown.kind = Some(2);
    assert_eq!(shown.digest(), None);
}
