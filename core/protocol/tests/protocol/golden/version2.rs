//! A sync of version 2 of the protocol, and its answer. Version 3 has the same request and answer with other parts.

use super::{signed::wipe_order, *};

pub(super) fn clock() -> BatchClock {
    BatchClock { wall_ms: NOW, mono_ms: 86_400_000, boot: [1, 2, 3, 4] }
}

pub(super) fn push() -> Push {
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

pub(super) fn request() -> SyncRequest {
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
            damaged: None,
        }),
        quarantined: vec![Quarantined { case: case(), change: ChangeHash::new([9; 32]) }],
        lost: vec![LostPhoto { photo: PhotoId::new([8; 32]), altered: true }],
        batch: None,
        counter: None,
        witness: None,
        packs: None,
        dense: None,
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

pub(super) fn page() -> FeedPage {
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

pub(super) fn empty_page() -> FeedPage {
    FeedPage { scope: "courier/c1029".into(), to: 18_223, more: false, cases: vec![], out: vec![] }
}

pub(super) fn response() -> SyncResponse {
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
        packs: None,
        dense: None,
        succession: None,
    }
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
