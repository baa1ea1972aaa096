//! The wire: golden bytes, round trips, and bodies that lie.
#![allow(missing_docs, reason = "tests are named for what they show")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    reason = "tests fail loudly and read golden files"
)]

use doorstep_domain::*;
use doorstep_protocol::*;
use proptest::prelude::*;

fn request() -> SyncRequest {
    SyncRequest {
        device: DeviceId::new([1; 16]),
        install: InstallId::new([2; 16]),
        history: HistoryId::new([0; 16]),
        push: Some(Envelope {
            body: encode(&push()).unwrap(),
            clock: BatchClock { wall_ms: 1_772_413_200_000, mono_ms: 86_400_000, boot: [1, 2, 3, 4] },
            sig: vec![7; 64],
        }),
        pull: vec![Pull { scope: "courier/c1029".into(), cursor: 18_223 }],
        want_bytes: 65_536,
        refs: vec![RefVersion { kind: RefKind::Pack, version: 1 }],
        chain: Some(Link { batch: 417, hash: BatchHash::new([8; 32]) }),
        beacon: Some(Beacon {
            unsent_cases: 2,
            unsent_photos: 1,
            unsent_bytes: 300_000,
            oldest_ms: Some(1_772_413_000_000),
            app: "doorstep 1".into(),
            disk_free_mb: None,
        }),
        quarantined: vec![Quarantined { case: CaseId::new([3; 16]), change: ChangeHash::new([9; 32]) }],
    }
}

fn push() -> Push {
    Push {
        batch: 417,
        prev: BatchHash::new([6; 32]),
        user: "c1029".into(),
        install: InstallId::new([2; 16]),
        cases: vec![PushCase { case: CaseId::new([3; 16]), pack: vec![1, 0] }],
    }
}

#[test]
fn the_bytes_of_a_request_are_the_specified_ones() {
    golden("sync-request", &encode(&request()).unwrap());
    golden("push", &encode(&push()).unwrap());
}

/// Compares with the file of that name; `GOLDEN=write` writes it anew.
fn golden(name: &str, bytes: &[u8]) {
    let file = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/golden/{name}.hex"));
    let hex: String = bytes.iter().map(|b| format!("{b:02x}")).collect::<String>() + "\n";
    if std::env::var("GOLDEN").is_ok_and(|what| what == "write") {
        std::fs::create_dir_all(file.parent().unwrap()).unwrap();
        std::fs::write(&file, &hex).unwrap();
    }
    assert_eq!(hex, std::fs::read_to_string(&file).unwrap(), "{name}");
}

#[test]
fn a_newer_peers_fields_are_ignored() {
    // {0: "unknown_code", 1: "text", 9: [1, 2]}
    let bytes = [0xa3, 0x00, 0x61, b'x', 0x01, 0x61, b'y', 0x09, 0x82, 0x01, 0x02];
    assert_eq!(decode::<ErrorBody>(&bytes).unwrap(), ErrorBody { code: "x".into(), detail: "y".into() });
}

#[test]
fn a_body_that_inflates_beyond_the_limit_is_refused() {
    let bomb = seal(&vec![0; 64 * 1024 * 1024]).unwrap();
    assert!(bomb.len() < 16 * 1024);
    assert!(matches!(open(&bomb, MAX_INFLATED), Err(CodecError::TooLarge(_))));
    assert!(matches!(open(&vec![0; MAX_ENCODED + 1], MAX_INFLATED), Err(CodecError::TooLarge(_))));
    assert!(matches!(open(b"<html>login</html>", MAX_INFLATED), Err(CodecError::Zstd)));
}

fn verdict() -> impl Strategy<Value = Verdict> {
    let receipt =
        (0i64..1 << 45, proptest::option::of(0i64..1 << 45)).prop_map(|(at, acted)| Receipt::of(UnixMs(at), acted.map(UnixMs)));
    prop_oneof![
        receipt.clone().prop_map(Verdict::Ok),
        receipt.prop_map(Verdict::Dup),
        Just(Verdict::Pend),
        "[a-z_]{1,12}".prop_map(Verdict::Quarantined),
    ]
}

proptest! {
    #[test]
    fn verdicts_survive_their_deltas(base in 0i64..1 << 45, rows in proptest::collection::vec((verdict(), 0u64..1 << 40), 0..30)) {
        let (packed, quarantined) = pack_verdicts(UnixMs(base), &rows);
        let (verdicts, monos): (Vec<_>, Vec<_>) = rows.into_iter().unzip();
        prop_assert_eq!(unpack_verdicts(UnixMs(base), &packed, &quarantined, &monos), verdicts);
        // An answer with too few rows leaves the rest in the outbox.
        let short = unpack_verdicts(UnixMs(base), &[], &quarantined, &monos);
        prop_assert!(short.iter().all(|v| *v == Verdict::Pend) && short.len() == monos.len());
    }

    #[test]
    fn no_bytes_make_the_decoder_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200), flip in any::<prop::sample::Index>()) {
        let _ = decode::<SyncRequest>(&bytes);
        let _ = decode::<SyncResponse>(&bytes);
        let _ = open(&bytes, 1024);
        let mut near = encode(&request()).unwrap();
        let at = flip.index(near.len());
        near[at] ^= 0x41;
        let _ = decode::<SyncRequest>(&near);
    }
}
