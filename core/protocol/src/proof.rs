//! Proofs of authorship: the signed batches that delivered a case's changes, without the other parcels in these batches.

use doorstep_domain::{BatchHash, ChangeHash, DeviceId, Digest, DocRef};
use minicbor::{Decode, Encode};

use crate::{
    Header, Leaf, decode,
    signing::{batch_core, doc_digest, is_signed, sending_message},
};

/// The answer to `GET /v1/proofs/{case}`.
#[derive(Debug, Clone, PartialEq, Encode, Decode)]
#[cbor(map)]
pub struct Proofs {
    /// A proof for each batch of version 3 that delivered changes of the case, as many as fit into an answer. A batch of version
    /// 2 cannot be proven without revealing its other parcels.
    #[n(0)]
    pub proofs: Vec<Proof>,
    /// The hashes of the changes that the server states it wrote itself, 32 bytes each. Only the server's statement supports
    /// them.
    #[cbor(n(1), with = "minicbor::bytes")]
    pub own: Vec<u8>,
}

/// The parts of a batch that prove the changes of one case.
#[derive(Debug, Clone, PartialEq, Encode, Decode)]
#[cbor(map)]
pub struct Proof {
    /// The device's public key.
    #[cbor(n(0), with = "minicbor::bytes")]
    pub key: Vec<u8>,
    /// The batch's [`Header`], byte for byte.
    #[cbor(n(1), with = "minicbor::bytes")]
    pub header: Vec<u8>,
    /// Its sending, byte for byte.
    #[cbor(n(2), with = "minicbor::bytes")]
    pub sending: Vec<u8>,
    /// The device's signature.
    #[cbor(n(3), with = "minicbor::bytes")]
    pub sig: Vec<u8>,
    /// The digests of all its documents, in its order.
    #[n(4)]
    pub digests: Vec<Leaf>,
    /// The hashes of the changes of this case in it, in its order, 32 bytes each.
    #[cbor(n(5), with = "minicbor::bytes")]
    pub changes: Vec<u8>,
}

/// The facts that a proof establishes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proven {
    /// The device whose key has signed. Only the server knows whose device it is.
    pub device: DeviceId,
    /// The person signed in when the batch was made, as stated by the device.
    pub user: String,
    /// The changes.
    pub changes: Vec<ChangeHash>,
}

impl Proof {
    /// Checks the proof for a document; `None` if it proves nothing.
    pub fn verify(&self, doc: impl Into<DocRef>) -> Option<Proven> {
        let changes = hashes(&self.changes)?;
        let digests: Vec<Digest> = self.digests.iter().map(|leaf| leaf.0).collect();
        let batch = BatchHash::of(&batch_core(&self.header, digests.iter()));
        let is_in_it = digests.contains(&doc_digest(doc, &changes));
        let holds = is_in_it && is_signed(&self.key, &sending_message(&batch, &self.sending), &self.sig);
        let header: Header = decode(&self.header).ok().filter(|_| holds)?;
        Some(Proven { device: DeviceId::of(&self.key), user: header.user, changes })
    }
}

impl Proofs {
    /// The changes that the server states it wrote itself; `None` if they cannot be read.
    pub fn own(&self) -> Option<Vec<ChangeHash>> {
        hashes(&self.own)
    }
}

fn hashes(bytes: &[u8]) -> Option<Vec<ChangeHash>> {
    let each = bytes.chunks(32).map(ChangeHash::try_from);
    each.collect::<Result<_, _>>().ok()
}
