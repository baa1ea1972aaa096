//! What proves that the server has given an answer, without the answer.

use doorstep_domain::{Digest, HistoryId};
use minicbor::{Decode, Encode};

use crate::{
    messages::id,
    signing::{is_signed, root_message},
};

/// A signed answer of version 3 by its number: with its signature it proves that the server's log had come so far.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Witness {
    /// The server's log.
    #[cbor(n(0), with = "id")]
    pub history: HistoryId,
    /// The number of the answer in it.
    #[n(1)]
    pub counter: u64,
    /// [`crate::signing::leaves_root`] of the answer's leaves.
    #[cbor(n(2), with = "id")]
    pub root: Digest,
    /// ES256 by the server's key over [`root_message`]: 64 bytes, or DER.
    #[cbor(n(3), with = "minicbor::bytes")]
    pub sig: Vec<u8>,
}

impl Witness {
    /// Whether the answer was signed with this key.
    pub fn is_signed_by(&self, server_key: &[u8]) -> bool {
        is_signed(server_key, &root_message(&self.history, self.counter, &self.root), &self.sig)
    }
}
