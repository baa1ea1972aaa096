//! Proofs that the server has given an answer, and receipts of answers that the server's log has lost.

use doorstep_domain::{ChangeHash, Digest, DocId, DocKind, DocRef, HistoryId, Receipt, ReceiptParts, UnixMs};
use minicbor::{Decode, Encode};

use crate::{
    Leaf, id,
    signing::{is_signed, leaves_message, receipts_leaf, root_message},
};

/// Most answers whose receipts one batch may prove.
pub const MAX_FIRST_ANSWERS: usize = 64;

/// The number and signature of an answer of version 3. They prove that the server's log had reached this number.
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

/// An earlier answer whose receipts a batch proves, because the server's log has lost the changes and they are sent again.
#[derive(Debug, Clone, PartialEq, Encode, Decode)]
#[cbor(map)]
pub struct FirstAnswer {
    /// The server's log at that time.
    #[cbor(n(0), with = "id")]
    pub history: HistoryId,
    /// The number of the answer in it.
    #[n(1)]
    pub counter: u64,
    /// The leaves that were signed, in their order.
    #[n(2)]
    pub leaves: Vec<Leaf>,
    /// ES256 by the server's key at that time over [`leaves_message`].
    #[cbor(n(3), with = "minicbor::bytes")]
    pub sig: Vec<u8>,
    /// The documents whose receipts are proven.
    #[n(4)]
    pub docs: Vec<FirstDoc>,
}

/// All receipts of a document under one answer.
#[derive(Debug, Clone, PartialEq, Encode, Decode)]
#[cbor(map)]
pub struct FirstDoc {
    /// The document.
    #[cbor(n(0), with = "id")]
    pub doc: DocId,
    /// The index of its leaf.
    #[n(1)]
    pub leaf: u32,
    /// Its receipts in the leaf's order.
    #[n(2)]
    pub receipts: Vec<FirstReceipt>,
    /// The kind of document; absent for a case.
    #[n(3)]
    pub kind: Option<u32>,
}

/// The first receipt of a change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct FirstReceipt {
    /// The change.
    #[cbor(n(0), with = "id")]
    pub change: ChangeHash,
    /// When the server received it. All times here are milliseconds since 1970.
    #[n(1)]
    pub received_ms: i64,
    /// The estimate of its act.
    #[n(2)]
    pub acted_ms: Option<i64>,
    /// Half the width of the estimate, milliseconds.
    #[n(3)]
    pub slack_ms: u32,
    /// The lower end of its gap.
    #[n(4)]
    pub from_ms: Option<i64>,
    /// The upper end of its gap.
    #[n(5)]
    pub until_ms: Option<i64>,
    /// The bits of [`Receipt::marks`].
    #[n(6)]
    pub marks: u16,
    /// Acts of the person whose time was not proven.
    #[n(7)]
    pub unproven: u16,
}

impl FirstAnswer {
    /// Whether the answer was signed with this key.
    pub fn is_signed_by(&self, server_key: &[u8]) -> bool {
        let message = leaves_message(&self.history, self.counter, self.leaves.iter().map(|leaf| &leaf.0));
        is_signed(server_key, &message, &self.sig)
    }

    /// The receipts that match their leaves. The caller checks the answer's signature.
    pub fn vouched(&self) -> impl Iterator<Item = (DocId, ChangeHash, Receipt)> {
        let is_vouched = |doc: &&FirstDoc| {
            let at = usize::try_from(doc.leaf).ok().and_then(|at| self.leaves.get(at));
            at.is_some_and(|leaf| Some(leaf.0) == doc.digest())
        };
        let each = |doc: &FirstDoc| {
            let id = doc.doc;
            doc.receipts.iter().map(move |first| (id, first.change, first.receipt())).collect::<Vec<_>>()
        };
        self.docs.iter().filter(is_vouched).flat_map(each)
    }
}

impl FirstDoc {
    /// The leaf of these receipts; `None` for a kind of document that this version does not know.
    pub fn digest(&self) -> Option<Digest> {
        let receipts: Vec<_> = self.receipts.iter().map(|first| (first.change, first.receipt())).collect();
        let kind = DocKind::of_named(self.kind)?;
        Some(receipts_leaf(DocRef::new(kind, self.doc), &receipts))
    }
}

impl FirstReceipt {
    /// Converts a receipt to its wire form.
    pub fn of(change: ChangeHash, parts: ReceiptParts) -> Self {
        let ReceiptParts { received_at, acted_at, slack_ms, from, until, marks, unproven_acts } = parts;
        let ms = |at: Option<UnixMs>| at.map(|at| at.0);
        let (acted_ms, from_ms, until_ms) = (ms(acted_at), ms(from), ms(until));
        Self { change, received_ms: received_at.0, acted_ms, slack_ms, from_ms, until_ms, marks, unproven: unproven_acts }
    }

    /// The receipt in the core's type.
    pub fn receipt(&self) -> Receipt {
        Receipt::from_parts(ReceiptParts {
            received_at: UnixMs(self.received_ms),
            acted_at: self.acted_ms.map(UnixMs),
            slack_ms: self.slack_ms,
            from: self.from_ms.map(UnixMs),
            until: self.until_ms.map(UnixMs),
            marks: self.marks,
            unproven_acts: self.unproven,
        })
    }
}
