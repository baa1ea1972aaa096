//! What is signed, and checking it. Every message begins with its purpose, so that a signature for one is none for another.
//!
//! ES256: P-256 with SHA-256, because Secure Enclave and StrongBox hold no other curve. Signatures are taken as 64 bytes
//! (r, s) or in DER, which is what phones give. Making them is the holder's of the key: [`crate`] never sees one.

use ring::signature::{ECDSA_P256_SHA256_ASN1, ECDSA_P256_SHA256_FIXED, UnparsedPublicKey};
use sha2::{Digest, Sha256};

use crate::BatchClock;

/// Length of a public key: an uncompressed point.
pub const KEY_LEN: usize = 65;

/// What a device signs to redeem a code: the nonce, the code's hash and the installation.
pub fn enrol_message(nonce: &[u8], code_hash: &[u8; 32], install: &[u8; 16]) -> Vec<u8> {
    message("doorstep/enrol/v1", &[nonce, code_hash, install])
}

/// What a device signs to get a token: the nonce.
pub fn session_message(nonce: &[u8]) -> Vec<u8> {
    message("doorstep/session/v1", &[nonce])
}

/// What a device signs to go on with a token that has ended: the token, of which the server knows the hash. It works once.
pub fn renewal_message(token: &str) -> Vec<u8> {
    message("doorstep/renewal/v1", &[token.as_bytes()])
}

/// What a device signs of a batch: the body's hash and the clocks of this sending.
pub fn batch_message(body: &[u8], clock: &BatchClock) -> Vec<u8> {
    let hash: [u8; 32] = Sha256::digest(body).into();
    message("doorstep/batch/v1", &[&hash, &clock.wall_ms.to_be_bytes(), &clock.mono_ms.to_be_bytes(), &clock.boot])
}

/// What the server signs of an answer's part: for whom it is, and its body's hash.
pub fn answer_message(device: &[u8; 16], body: &[u8]) -> Vec<u8> {
    let hash: [u8; 32] = Sha256::digest(body).into();
    message("doorstep/answer/v1", &[device, &hash])
}

/// What the server signs of an order to wipe: for which device it is, and its body's hash.
pub fn wipe_message(device: &[u8; 16], body: &[u8]) -> Vec<u8> {
    let hash: [u8; 32] = Sha256::digest(body).into();
    message("doorstep/wipe/v1", &[device, &hash])
}

/// What the server signs of a published rule pack: its body's hash. It is for every device.
pub fn pack_message(body: &[u8]) -> Vec<u8> {
    let hash: [u8; 32] = Sha256::digest(body).into();
    message("doorstep/pack/v1", &[&hash])
}

/// What the server's key signs of the one that follows it: the body's hash. It is for every device.
pub fn key_message(body: &[u8]) -> Vec<u8> {
    let hash: [u8; 32] = Sha256::digest(body).into();
    message("doorstep/key/v1", &[&hash])
}

/// Purpose and parts, each with its length as 32 bits big-endian.
fn message(purpose: &str, parts: &[&[u8]]) -> Vec<u8> {
    let mut out = Vec::new();
    for part in std::iter::once(purpose.as_bytes()).chain(parts.iter().copied()) {
        out.extend((part.len() as u32).to_be_bytes());
        out.extend_from_slice(part);
    }
    out
}

/// Whether a public key has the one shape that is taken; whether it is on the curve shows with its first signature.
pub fn is_key(public_key: &[u8]) -> bool {
    public_key.len() == KEY_LEN && public_key.first() == Some(&4)
}

/// Whether the signature is the key's over the message. Any fault of key or signature (another curve, a point off the curve,
/// zeros) is a plain no.
pub fn is_signed(public_key: &[u8], message: &[u8], sig: &[u8]) -> bool {
    if !is_key(public_key) {
        return false;
    }
    let by = |algorithm: &'static ring::signature::EcdsaVerificationAlgorithm| {
        UnparsedPublicKey::new(algorithm, public_key).verify(message, sig).is_ok()
    };
    if sig.len() == 64 { by(&ECDSA_P256_SHA256_FIXED) } else { by(&ECDSA_P256_SHA256_ASN1) }
}
