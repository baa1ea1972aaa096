//! Signed messages and the check of signatures. Every message begins with its purpose, so that a signature for one purpose is not
//! valid for another.
//!
//! The algorithm is ES256 (P-256 with SHA-256), because Secure Enclave and StrongBox hold no other curve. Signatures are accepted
//! as 64 bytes (r, s) or in DER, which phones produce. The holder of the key makes them; this crate never sees a private key.

use ring::signature::{ECDSA_P256_SHA256_ASN1, ECDSA_P256_SHA256_FIXED, UnparsedPublicKey};
use sha2::{Digest, Sha256};

use doorstep_domain::{BatchHash, ChangeHash, Digest as Hash, DocRef, HistoryId, Receipt};

use crate::BatchClock;

/// Length of a public key: an uncompressed point.
pub const KEY_LEN: usize = 65;

/// The message that a device signs to redeem a code: the nonce, the code's hash and the installation.
pub fn enrol_message(nonce: &[u8], code_hash: &[u8; 32], install: &[u8; 16]) -> Vec<u8> {
    message("doorstep/enrol/v1", &[nonce, code_hash, install])
}

/// The message that a device signs to get a token: the nonce.
pub fn session_message(nonce: &[u8]) -> Vec<u8> {
    message("doorstep/session/v1", &[nonce])
}

/// The message that a device signs to renew an expired token: the token, of which the server knows the hash. It works once.
pub fn renewal_message(token: &str) -> Vec<u8> {
    message("doorstep/renewal/v1", &[token.as_bytes()])
}

/// The message that a device signs for a batch of version 2: the body's hash and the clocks of this sending.
pub fn batch_message(body: &[u8], clock: &BatchClock) -> Vec<u8> {
    let hash: [u8; 32] = Sha256::digest(body).into();
    message("doorstep/batch/v1", &[&hash, &clock.wall_ms.to_be_bytes(), &clock.mono_ms.to_be_bytes(), &clock.boot])
}

/// The digest of a document's changes in a batch of version 3, or of unsent changes that a sending names: over kind, document,
/// and the hashes of the changes in their order.
pub fn doc_digest<'a>(doc: impl Into<DocRef>, changes: impl IntoIterator<Item = &'a ChangeHash>) -> Hash {
    let DocRef { kind, id } = doc.into();
    let hashes: Vec<u8> = changes.into_iter().flat_map(|hash| *hash.as_bytes()).collect();
    Hash::new(Sha256::digest(message("doorstep/document/v3", &[&kind.number().to_be_bytes(), id.as_bytes(), &hashes])).into())
}

/// The end of every chain of unsent changes.
pub const NOTHING_LEFT: Hash = Hash::new([0; 32]);

/// The hash of a chain of unsent changes, computed from its last link to its first. Each link is a [`doc_digest`], hashed with
/// the chain after it. So the first links and the hash of the remaining chain prove that the sending named these links.
pub fn rest_chain(last_to_first: impl IntoIterator<Item = Hash>, after: Hash) -> Hash {
    last_to_first.into_iter().fold(after, |after, digest| {
        Hash::new(Sha256::digest(message("doorstep/rest/v3", &[digest.as_bytes(), after.as_bytes()])).into())
    })
}

/// The input of the hash of a batch of version 3: the header's bytes and the documents' digests.
pub fn batch_core<'a>(header: &[u8], docs: impl Iterator<Item = &'a Hash>) -> Vec<u8> {
    let digests: Vec<u8> = docs.flat_map(|digest| *digest.as_bytes()).collect();
    message("doorstep/batch/v3", &[header, &digests])
}

/// The message that a device signs for a batch of version 3: its hash and the bytes of this sending.
pub fn sending_message(batch: &BatchHash, sending: &[u8]) -> Vec<u8> {
    let sending: [u8; 32] = Sha256::digest(sending).into();
    message("doorstep/sending/v3", &[batch.as_bytes(), &sending])
}

/// The leaf of a document's receipts in an answer of version 3: over kind, document, and for each change the SHA-256 of its hash
/// and its whole receipt. To prove one receipt, one needs that receipt, the hashes of the document's other receipts, and the
/// other leaves.
pub fn receipts_leaf(doc: impl Into<DocRef>, receipts: &[(ChangeHash, Receipt)]) -> Hash {
    let DocRef { kind, id } = doc.into();
    let each: Vec<u8> = receipts.iter().flat_map(|(change, receipt)| receipt_hash(change, receipt)).collect();
    Hash::new(Sha256::digest(message("doorstep/receipts/v3", &[&kind.number().to_be_bytes(), id.as_bytes(), &each])).into())
}

/// The SHA-256 over one receipt: the change's hash, the time of receipt, the estimate with its slack, the gap, marks and counts.
/// An absent time is the smallest signed 64-bit number.
pub fn receipt_hash(change: &ChangeHash, receipt: &Receipt) -> [u8; 32] {
    let parts = receipt.parts();
    let time = |at: Option<doorstep_domain::UnixMs>| at.map_or(i64::MIN, |at| at.0).to_be_bytes();
    let said = [
        &parts.received_at.0.to_be_bytes()[..],
        &time(parts.acted_at),
        &parts.slack_ms.to_be_bytes(),
        &time(parts.from),
        &time(parts.until),
        &parts.marks.to_be_bytes(),
        &parts.unproven_acts.to_be_bytes(),
    ];
    Sha256::digest(message("doorstep/receipt/v3", &[change.as_bytes(), &said.concat()])).into()
}

/// The leaf of an answer's body in version 3: over the device and the body's hash.
pub fn answer_leaf(device: &[u8; 16], body: &[u8]) -> Hash {
    let hash: [u8; 32] = Sha256::digest(body).into();
    Hash::new(Sha256::digest(message("doorstep/body/v3", &[device, &hash])).into())
}

/// The message that the server signs for an answer of version 3: the log, the answer's number in it, and the leaves. It proves
/// each receipt of the answer.
pub fn leaves_message<'a>(history: &HistoryId, counter: u64, leaves: impl IntoIterator<Item = &'a Hash>) -> Vec<u8> {
    root_message(history, counter, &leaves_root(leaves))
}

/// The SHA-256 over the leaves of an answer, in their order.
pub fn leaves_root<'a>(leaves: impl IntoIterator<Item = &'a Hash>) -> Hash {
    let leaves: Vec<u8> = leaves.into_iter().flat_map(|leaf| *leaf.as_bytes()).collect();
    Hash::new(Sha256::digest(leaves).into())
}

/// [`leaves_message`] from the root of the leaves, which proves that an answer was given without revealing its content.
pub fn root_message(history: &HistoryId, counter: u64, root: &Hash) -> Vec<u8> {
    message("doorstep/answer/v3", &[history.as_bytes(), &counter.to_be_bytes(), root.as_bytes()])
}

/// The message that the server signs for a part of an answer of version 2: the device and the body's hash.
pub fn answer_message(device: &[u8; 16], body: &[u8]) -> Vec<u8> {
    let hash: [u8; 32] = Sha256::digest(body).into();
    message("doorstep/answer/v1", &[device, &hash])
}

/// The message that the server signs for an order to wipe: the device and the body's hash.
pub fn wipe_message(device: &[u8; 16], body: &[u8]) -> Vec<u8> {
    let hash: [u8; 32] = Sha256::digest(body).into();
    message("doorstep/wipe/v1", &[device, &hash])
}

/// The message that the server signs for a published rule pack: its body's hash. It is for all devices.
pub fn pack_message(body: &[u8]) -> Vec<u8> {
    let hash: [u8; 32] = Sha256::digest(body).into();
    message("doorstep/pack/v1", &[&hash])
}

/// The message by which the server's key signs its successor: the body's hash. It is for all devices.
pub fn key_message(body: &[u8]) -> Vec<u8> {
    let hash: [u8; 32] = Sha256::digest(body).into();
    message("doorstep/key/v1", &[&hash])
}

/// The message that the server signs for a link of its log: its number, the SHA-256 of the previous link's signed message (zeros
/// for the first), its time in milliseconds since 1970, and its body's hash. No device gets it.
pub fn link_message(number: u64, prev: &[u8; 32], at_ms: i64, body: &[u8]) -> Vec<u8> {
    let hash: [u8; 32] = Sha256::digest(body).into();
    message("doorstep/link/v3", &[&number.to_be_bytes(), prev, &at_ms.to_be_bytes(), &hash])
}

/// Joins purpose and parts, each preceded by its length as 32 bits big-endian.
fn message(purpose: &str, parts: &[&[u8]]) -> Vec<u8> {
    let mut out = Vec::new();
    for part in std::iter::once(purpose.as_bytes()).chain(parts.iter().copied()) {
        out.extend((part.len() as u32).to_be_bytes());
        out.extend_from_slice(part);
    }
    out
}

/// Whether a public key has the accepted form. A point off the curve is detected only when a signature is checked.
pub fn is_key(public_key: &[u8]) -> bool {
    public_key.len() == KEY_LEN && public_key.first() == Some(&4)
}

/// Whether the signature over the message was made with this key. Any invalid key or signature (another curve, a point off the
/// curve, zeros) gives false.
pub fn is_signed(public_key: &[u8], message: &[u8], sig: &[u8]) -> bool {
    if !is_key(public_key) {
        return false;
    }
    let by = |algorithm: &'static ring::signature::EcdsaVerificationAlgorithm| {
        UnparsedPublicKey::new(algorithm, public_key).verify(message, sig).is_ok()
    };
    if sig.len() == 64 { by(&ECDSA_P256_SHA256_FIXED) } else { by(&ECDSA_P256_SHA256_ASN1) }
}
