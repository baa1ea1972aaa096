//! Parts of a signed batch or answer that prove themselves without the rest of it.

use doorstep_protocol::signing::{is_signed, leaves_message, leaves_root};
use sha2::Digest as _;

use super::{
    version3::{batch, header, pushed, receipts},
    *,
};

/// The proof of the batch's two changes. The server says of the second that it is its own too.
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
    // A person who is shown the second change's receipt needs the hash of the first receipt and the other leaves, no more.
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
