//! A new signing key of the server, signed by the previous one.

use minicbor::{Decode, Encode};
use sha2::{Digest, Sha256};

/// The server's next signing key, signed with the previous one over [`crate::signing::key_message`]. It is for all devices.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Succession {
    /// The next public key: uncompressed point, 65 bytes.
    #[cbor(n(0), with = "minicbor::bytes")]
    pub next: Vec<u8>,
    /// When it was made, by the server's clock, milliseconds since 1970.
    #[n(1)]
    pub made_ms: i64,
}

/// SHA-256 of a public key of the server.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
#[cbor(transparent)]
pub struct KeyHash(#[cbor(n(0), with = "minicbor::bytes")] pub [u8; 32]);

impl KeyHash {
    /// The hash of a public key.
    pub fn of(public_key: &[u8]) -> Self {
        Self(Sha256::digest(public_key).into())
    }
}
