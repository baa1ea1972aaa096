//! A batch of version 3 of the protocol, and its answer, whose parts are vouched for together.

use doorstep_protocol::signing::{NOTHING_LEFT, answer_leaf, doc_digest, receipts_leaf, rest_chain};
use sha2::{Digest as _, Sha256};

use super::{
    version2::{empty_page, page, push, request, response},
    *,
};

pub(super) fn header() -> Header {
    let prev = BatchHash::of(&encode(&push()).unwrap());
    Header { batch: 3, prev, user: "c1029".into(), install: InstallId::new([1; 16]), again: vec![1] }
}

fn sending() -> Sending {
    let left = CaseId::new([3; 16]);
    let digest = doc_digest(&left, &[ChangeHash::new([9; 32])]);
    let rest = vec![Leaf(rest_chain([digest], NOTHING_LEFT))];
    Sending { wall_ms: NOW, mono_ms: 86_400_000, boot: [1, 2, 3, 4], heard_ms: Some(NOW - 3_600_000), rest }
}

pub(super) fn batch() -> Batch {
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

/// What the server says of the two changes in version 3.
pub(super) fn receipts() -> Vec<(ChangeHash, Receipt)> {
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

pub(super) fn pushed() -> Vec<Pushed> {
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

pub(super) fn leaves() -> Vec<Digest> {
    vec![answer_leaf(device().as_bytes(), &encode(&answer()).unwrap()), leaf(), leaf()]
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
fn an_answer_with_a_cursor_beyond_every_feed_is_refused_by_its_name() {
    let of = |to: u64| {
        let page = Signed { body: encode(&FeedPage { to, ..empty_page() }).unwrap(), sig: vec![] };
        let body = encode(&SyncResponse { ack: None, feed: vec![page], succession: None, ..answer() }).unwrap();
        SyncResponse::verify_signed(&Signed { body, sig: vec![] }, &device(), &key(), &[])
    };
    assert!(of(i64::MAX as u64).is_ok());
    for to in [1 << 63, u64::MAX] {
        assert!(matches!(of(to), Err(AnswerError::Cursor)), "{to}");
    }
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
