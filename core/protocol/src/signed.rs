//! Bytes under a signature of the server.

use minicbor::{Decode, Encode};

/// Bytes with the server's signature over exactly these bytes.
#[derive(Debug, Clone, PartialEq, Encode, Decode)]
#[cbor(map)]
pub struct Signed {
    /// A message in CBOR.
    #[cbor(n(0), with = "minicbor::bytes")]
    pub body: Vec<u8>,
    /// ES256 over [`crate::signing::answer_message`], or for a rule pack over [`crate::signing::pack_message`]; empty for a page
    /// without receipts.
    #[cbor(n(1), with = "minicbor::bytes")]
    pub sig: Vec<u8>,
}
