//! A batch of version 3: a header, the clocks of this sending, and each document under a digest of its own. So a change's author is
//! proven by header, signature and digests, without the batch's other documents; a pack that does not rebuild is its own document's
//! fault; and what a sending leaves behind is known before it comes.

use doorstep_domain::{BatchHash, BootId, ChangeHash, Clocks, Digest, DocId, DocKind, DocRef, HistoryId, InstallId, UnixMs};
use minicbor::{Decode, Encode};

use crate::{
    FirstAnswer, Leaf, id,
    signing::{batch_core, doc_digest, rest_chain, sending_message},
};

/// A signed batch. Header and documents are durable on the device before their first byte leaves, and stay the same however often
/// they are sent; the sending is made anew each time.
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
    /// What the server first said of changes that are sent again because its log has lost them, at most
    /// [`crate::MAX_FIRST_ANSWERS`]. Under no signature of the device and part of no hash: it proves itself.
    #[cbor(n(4), default)]
    pub first: Vec<FirstAnswer>,
    /// What it brings of that which earlier sendings left behind, at most [`crate::MAX_REST`]. Under no signature of its own and part of
    /// no hash: the chain that it leads to was signed.
    #[cbor(n(5), default)]
    pub brings: Vec<Brought>,
}

/// What a batch says beside its documents.
#[derive(Debug, Clone, PartialEq, Encode, Decode)]
#[cbor(map)]
pub struct Header {
    /// Its number in the chain of its installation, from 1, without gaps.
    #[n(0)]
    pub batch: u64,
    /// Hash of the batch before; zeros for the first. The one before may be of version 2.
    #[cbor(n(1), with = "id")]
    pub prev: BatchHash,
    /// The person signed in when it was made.
    #[n(2)]
    pub user: String,
    /// The installation whose chain it continues.
    #[cbor(n(3), with = "id")]
    pub install: InstallId,
    /// What it makes up for: batches that the server said it never got, and whose content, as far as this device still has it, is
    /// sent again in this one or was before it; at most 64.
    #[cbor(n(4), default)]
    pub again: Vec<u64>,
}

/// The changes of one document in a batch.
#[derive(Debug, Clone, PartialEq, Encode, Decode)]
#[cbor(map)]
pub struct PushDoc {
    /// The document.
    #[cbor(n(0), with = "id")]
    pub doc: DocId,
    /// Its changes as an elided pack of format 2; verdicts come by their index in it.
    #[cbor(n(1), with = "minicbor::bytes")]
    pub pack: Vec<u8>,
    /// [`doc_digest`] of the changes: what the batch is signed over, and what the pack must rebuild to.
    #[cbor(n(2), with = "id")]
    pub digest: Digest,
    /// The kind of document; absent: a case. A server that does not know it takes nothing of the document and says so in a fault.
    #[n(3)]
    pub kind: Option<u32>,
}

/// The device's clocks at a sending, what it last heard, and what it leaves behind. Part of no batch's hash.
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
    /// What stays unsent, at most [`crate::MAX_REST`] chains of it ([`rest_chain`]). Empty: nothing else is unsent.
    #[cbor(n(4), default)]
    pub rest: Vec<Leaf>,
}

/// What a batch brings of one chain that an earlier sending named in its `rest`: links from its beginning, and what the chain goes on
/// with. So a sending names a thousand documents with 32 bytes.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Brought {
    /// The links, in the chain's order.
    #[n(0)]
    pub links: Vec<RestLink>,
    /// The chain after them; [`crate::signing::NOTHING_LEFT`] at its end.
    #[cbor(n(1), with = "id")]
    pub after: Digest,
}

/// Links of a chain of what was left behind. Each link is a [`doc_digest`] of changes of one document.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
pub enum RestLink {
    /// Documents of the batch that follow one another, each a link as a whole: number of the first, and how many.
    #[n(0)]
    Docs(#[n(0)] u32, #[n(1)] u32),
    /// Some changes of a document: its number, the place of the first change in it, and how many.
    #[n(1)]
    Changes(#[n(0)] u32, #[n(1)] u32, #[n(2)] u32),
    /// A link that no batch brings, because its changes were written anew: its digest.
    #[n(2)]
    Gone(#[n(0)] Leaf),
}

/// A document of a batch, as far as a chain of what was left behind needs it.
#[derive(Debug, Clone, Copy)]
pub struct BroughtDoc<'a> {
    /// The document.
    pub doc: DocRef,
    /// Its digest in the batch.
    pub digest: &'a Digest,
    /// Its changes in their order; none if its pack does not rebuild.
    pub changes: &'a [ChangeHash],
}

impl Brought {
    /// The chain from its beginning, and the changes of these documents that are in it. `None` if it names what the batch does not have,
    /// or more than that.
    pub fn chain<'a>(&self, docs: &[BroughtDoc<'a>]) -> Option<(Digest, Vec<&'a ChangeHash>)> {
        // One that does not rebuild can be a link once.
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
    /// What the next batch names as its predecessor: over the header and the documents' digests, whatever clocks it was sent with.
    pub fn hash(&self) -> BatchHash {
        BatchHash::of(&batch_core(&self.header, self.docs.iter().map(|doc| &doc.digest)))
    }

    /// What the device signs.
    pub fn message(&self) -> Vec<u8> {
        sending_message(&self.hash(), &self.sending)
    }
}

impl PushDoc {
    /// The document; `None`: of a kind that this version does not know.
    pub fn document(&self) -> Option<DocRef> {
        DocKind::of_named(self.kind).map(|kind| DocRef::new(kind, self.doc))
    }

    /// Whether changes are those that the digest names. What they are of a kind that is not known, nobody here can tell.
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

    /// The clocks as the core knows them.
    pub fn clocks(&self) -> Clocks {
        Clocks { wall: UnixMs(self.wall_ms), mono_ms: self.mono_ms, boot: BootId(self.boot) }
    }
}

/// The proof of an installation's receipts, as a device keeps it: the verdicts with what the server signed them under.
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
