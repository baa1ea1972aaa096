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

mod golden;
mod hostile;
mod specification;

use doorstep_domain::*;
use doorstep_protocol::*;
use proptest::prelude::*;

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
    assert!(matches!(open(&bomb, MAX_REQUEST), Err(CodecError::TooLarge(_))));
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
        "[a-z_]{1,12}".prop_map(|code| Verdict::Quarantined(code.into())),
    ]
}

proptest! {
    #[test]
    fn verdicts_survive_their_deltas(base in 0i64..1 << 45, rows in proptest::collection::vec((verdict(), 0u64..1 << 40), 0..30)) {
        let (packed, quarantined) = pack_verdicts(UnixMs(base), &rows, Spoken::Version3);
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
        let mut near = golden::bytes_of("sync-request");
        let at = flip.index(near.len());
        near[at] ^= 0x41;
        let _ = decode::<SyncRequest>(&near);
    }
}
