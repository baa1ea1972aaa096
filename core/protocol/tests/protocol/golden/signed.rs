//! The messages that are signed, the signatures over them, and the two orders that travel signed by themselves.

use doorstep_protocol::signing::{
    answer_message, batch_message, enrol_message, is_signed, key_message, leaves_message, link_message, pack_message,
    renewal_message, session_message, wipe_message,
};
use sha2::{Digest as _, Sha256};

use super::{
    version2::{clock, request, response},
    version3::{batch, leaves},
    *,
};

fn code_hash() -> [u8; 32] {
    Sha256::digest("ABCDEFGHJKLM").into()
}

pub(super) fn wipe_order() -> WipeOrder {
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
