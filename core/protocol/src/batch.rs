//! A batch of version 3: a header, the clocks of this sending, and a digest for each document. So header, signature and digests
//! prove a change's author without the batch's other documents; a pack that does not rebuild is a fault of its document only; and
//! a sending can name unsent changes before they are sent.

use doorstep_domain::{BatchHash, BootId, ChangeHash, Clocks, Digest, DocId, DocKind, DocRef, HistoryId, InstallId, UnixMs};
use minicbor::{Decode, Encode};

use crate::{
    FirstAnswer, Leaf, id,
    signing::{batch_core, doc_digest, rest_chain, sending_message},
};

/// A signed batch. Header and documents are durable on the device before their first byte leaves, and are repeated unchanged; the
/// sending is made anew each time.
#[derive(Debug, Clone, PartialEq, Encode, Decode)]
#[cbor(map)]
pub struct Batch {
    /// A [`Header`] in CBOR, byte for byte as its hash was taken.
    #[cbor(n(0), with = "minicbor::bytes")]
    pub header: Vec<u8>,
    /// A [`Sending`] in CBOR, byte for byte as it was signed.
    #[cbor(n(1), with = "minicbor::bytes")]
    pub sending: Vec<u8>,
    /// ES256 by the device's key over [`sending_message`]: 64 bytes, or DER.
    #[cbor(n(2), with = "minicbor::bytes")]
    pub sig: Vec<u8>,
    /// Its documents.
    #[n(3)]
    pub docs: Vec<PushDoc>,
    /// First receipts of changes that are sent again because the server's log has lost them, at most
    /// [`crate::MAX_FIRST_ANSWERS`]. They are in no hash and under no signature of the device, because the server's own signature
    /// proves them.
    #[cbor(n(4), default)]
    pub first: Vec<FirstAnswer>,
    /// Chains of earlier sendings whose first links this batch has, at most [`crate::MAX_REST`]. They are in no hash and under no
    /// signature, because an earlier sending signed the chain.
    #[cbor(n(5), default)]
    pub brings: Vec<Brought>,
}

/// The data of a batch other than its documents.
#[derive(Debug, Clone, PartialEq, Encode, Decode)]
#[cbor(map)]
pub struct Header {
    /// Its number in the chain of its installation, from 1, without gaps.
    #[n(0)]
    pub batch: u64,
    /// Hash of the previous batch, which may be of version 2; zeros for the first.
    #[cbor(n(1), with = "id")]
    pub prev: BatchHash,
    /// The person signed in when it was made.
    #[n(2)]
    pub user: String,
    /// The installation whose chain it continues.
    #[cbor(n(3), with = "id")]
    pub install: InstallId,
    /// Batches that the server reported missing, at most 64. Their content, as far as this device still has it, is in this batch
    /// or in one before it.
    #[cbor(n(4), default)]
    pub again: Vec<u64>,
}

/// The changes of one document in a batch.
#[derive(Debug, Clone, PartialEq, Encode, Decode)]
#[cbor(map)]
pub struct PushDoc {
    /// The document; zeros if it is in the request's dense pack.
    #[cbor(n(0), with = "id")]
    pub doc: DocId,
    /// Its changes as an elided pack of format 2; verdicts come by their index in it. One byte, 3, if they are in the request's dense
    /// pack.
    #[cbor(n(1), with = "minicbor::bytes")]
    pub pack: Vec<u8>,
    /// [`doc_digest`] of the changes. The batch's signature covers it, and the pack must rebuild to it.
    #[cbor(n(2), with = "id")]
    pub digest: Digest,
    /// The kind of document; absent for a case. A server that does not know the kind answers with a fault and takes no change of
    /// the document.
    #[n(3)]
    pub kind: Option<u32>,
}

/// The device's clocks at a sending, the receipt that it received last, and the chains of unsent changes. No batch hash covers
/// it.
#[derive(Debug, Clone, PartialEq, Encode, Decode)]
#[cbor(map)]
pub struct Sending {
    /// Wall clock, milliseconds since 1970.
    #[n(0)]
    pub wall_ms: i64,
    /// Monotonic clock, milliseconds.
    #[n(1)]
    pub mono_ms: u64,
    /// Mark of the boot.
    #[cbor(n(2), with = "minicbor::bytes")]
    pub boot: [u8; 4],
    /// The time of receipt in the newest verdicts that the device has.
    #[n(3)]
    pub heard_ms: Option<i64>,
    /// Chains of unsent changes ([`rest_chain`]), at most [`crate::MAX_REST`]. Empty if nothing else is unsent.
    #[cbor(n(4), default)]
    pub rest: Vec<Leaf>,
}

/// The part of a chain, named by an earlier sending in its `rest`, that this batch has: its first links, and the hash of the
/// remaining chain. So a sending can name a thousand documents with 32 bytes.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Brought {
    /// The links, in the chain's order.
    #[n(0)]
    pub links: Vec<RestLink>,
    /// Hash of the remaining chain; [`crate::signing::NOTHING_LEFT`] at its end.
    #[cbor(n(1), with = "id")]
    pub after: Digest,
}

/// Links of a chain of unsent changes. Each link is a [`doc_digest`] of changes of one document.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
pub enum RestLink {
    /// Consecutive documents of the batch, each of which is one link: index of the first, and their number.
    #[n(0)]
    Docs(#[n(0)] u32, #[n(1)] u32),
    /// Some changes of a document: index of the document, index of the first change in it, and number of changes.
    #[n(1)]
    Changes(#[n(0)] u32, #[n(1)] u32, #[n(2)] u32),
    /// The digest of a link that no batch has, because its changes were written anew.
    #[n(2)]
    Gone(#[n(0)] Leaf),
}

/// The data of a batch's document that a chain of unsent changes needs.
#[derive(Debug, Clone, Copy)]
pub struct BroughtDoc<'a> {
    /// The document.
    pub doc: DocRef,
    /// Its digest in the batch.
    pub digest: &'a Digest,
    /// Its changes in their order; empty if its pack does not rebuild.
    pub changes: &'a [ChangeHash],
}

impl Brought {
    /// The hash of the whole chain, and the changes of these documents that are in it. `None` if it names documents or changes
    /// that the batch does not have, or more changes than it has.
    pub fn chain<'a>(&self, docs: &[BroughtDoc<'a>]) -> Option<(Digest, Vec<&'a ChangeHash>)> {
        // A document whose pack does not rebuild can be a link once.
        let mut room: Vec<usize> = docs.iter().map(|doc| doc.changes.len().max(1)).collect();
        let mut brought = Vec::new();
        let mut take = |doc: u32, part: Option<(u32, u32)>| {
            let at = |number: u32| usize::try_from(number).ok();
            let (room, doc) = (room.get_mut(at(doc)?)?, docs.get(at(doc)?)?);
            let changes = match part {
                Some((place, many)) => doc.changes.get(at(place)?..at(place)?.checked_add(at(many)?)?)?,
                None => doc.changes,
            };
            *room = room.checked_sub(changes.len().max(1))?;
            brought.extend(changes);
            let is_whole = changes.len() == doc.changes.len();
            Some(if is_whole { *doc.digest } else { doc_digest(doc.doc, changes) })
        };
        let mut digests = Vec::new();
        for link in &self.links {
            match *link {
                RestLink::Docs(first, many) => {
                    for doc in first..first.checked_add(many)? {
                        digests.push(take(doc, None)?);
                    }
                }
                RestLink::Changes(doc, place, many) => digests.push(take(doc, Some((place, many)))?),
                RestLink::Gone(Leaf(digest)) => digests.push(digest),
            }
        }
        Some((rest_chain(digests.iter().rev().copied(), self.after), brought))
    }
}

impl Batch {
    /// The hash that the next batch names as its predecessor. It covers the header and the documents' digests, but not the clocks
    /// of a sending.
    pub fn hash(&self) -> BatchHash {
        BatchHash::of(&batch_core(&self.header, self.docs.iter().map(|doc| &doc.digest)))
    }

    /// The message that the device signs.
    pub fn message(&self) -> Vec<u8> {
        sending_message(&self.hash(), &self.sending)
    }
}

impl PushDoc {
    /// The document; `None` for a kind that this version does not know.
    pub fn document(&self) -> Option<DocRef> {
        DocKind::of_named(self.kind).map(|kind| DocRef::new(kind, self.doc))
    }

    /// Whether these changes match the digest. False for an unknown kind of document.
    pub fn is_of<'a>(&self, changes: impl IntoIterator<Item = &'a ChangeHash>) -> bool {
        self.document().is_some_and(|doc| doc_digest(doc, changes) == self.digest)
    }
}

impl Sending {
    /// A sending with these clocks.
    pub fn of(clocks: &Clocks, heard: Option<UnixMs>, rest: Vec<Leaf>) -> Self {
        let Clocks { wall, mono_ms, boot } = *clocks;
        Self { wall_ms: wall.0, mono_ms, boot: boot.0, heard_ms: heard.map(|at| at.0), rest }
    }

    /// The clocks in the core's type.
    pub fn clocks(&self) -> Clocks {
        Clocks { wall: UnixMs(self.wall_ms), mono_ms: self.mono_ms, boot: BootId(self.boot) }
    }
}

/// The proof of an installation's receipts that a device keeps: the verdicts, and the leaves that the server signed.
#[derive(Debug, Clone, PartialEq, Encode, Decode)]
#[cbor(map)]
pub struct Vouched {
    /// The server's log.
    #[cbor(n(0), with = "id")]
    pub history: HistoryId,
    /// The number of the answer in it.
    #[n(1)]
    pub counter: u64,
    /// The leaves that were signed, in their order: first the answer's own, then one for each document with receipts.
    #[n(2)]
    pub leaves: Vec<Leaf>,
    /// An [`crate::Ack`] in CBOR.
    #[cbor(n(3), with = "minicbor::bytes")]
    pub ack: Vec<u8>,
}
