//! Another signing key of the server, vouched for by the one before.

use minicbor::{Decode, Encode};
use sha2::{Digest, Sha256};

use crate::{
    AnswerError, Signed, SyncResponse, decode,
    signing::{is_key, is_signed, key_message},
};

/// The server's next signing key, signed with the one before over [`crate::signing::key_message`]. It is for every device.
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

impl SyncResponse {
    /// The key that the server signs with from now on, if the answer brings one; vouched for by the key that the device knows.
    pub fn next_key(&self, server_key: &[u8]) -> Result<Option<Vec<u8>>, AnswerError> {
        let Some(Signed { body, sig }) = &self.succession else { return Ok(None) };
        if !is_signed(server_key, &key_message(body), sig) {
            return Err(AnswerError::Signature);
        }
        let Succession { next, .. } = decode(body)?;
        // A key that no signature could ever fit would cut the device off.
        if is_key(&next) { Ok(Some(next)) } else { Err(AnswerError::Signature) }
    }
}
