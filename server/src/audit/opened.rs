//! Stored batches, opened: their changes, sorted by the verdicts on them.

use std::collections::{HashMap, HashSet, VecDeque};

use doorstep_document::pack::restore_within;
use doorstep_domain::{BatchHash, CaseId, ChangeHash, DocRef, UnixMs};
use doorstep_protocol::{Ack, AckCase, Batch, Header, MAX_REQUEST, Push, PushDoc, ReceiptRow, Verdict, decode, unpack_verdicts};

use crate::{
    error::ApiError,
    store::{log_batches, tx::Tx},
};

/// An installation and the number of a batch in its chain.
pub(super) type Numbered = (Vec<u8>, u64);

/// The changes that batches brought of the audited case, by their verdicts.
#[derive(Default)]
pub(super) struct Brought {
    pub(super) case: Option<CaseId>,
    pub(super) by_batch: HashMap<Numbered, Verdicts>,
}

/// The changes of a case that a batch brought.
#[derive(Default)]
pub(super) struct Verdicts {
    pub(super) taken: HashSet<ChangeHash>,
    pub(super) refused: HashSet<ChangeHash>,
}

/// A cache of the batches that were opened last, because neighbouring cases often share batches.
#[derive(Default)]
pub(super) struct Shelf {
    pub(super) batches: HashMap<Numbered, Vec<Answered>>,
    /// The cached batches, oldest first.
    pub(super) order: VecDeque<Numbered>,
    pub(super) bytes: usize,
    /// How many batches were opened in all.
    pub(super) opened: usize,
}

/// A stored batch, opened.
pub(super) struct Opened {
    pub body: Vec<u8>,
    pub header: Header,
    pub hash: BatchHash,
    pub docs: Vec<Doc>,
}

/// A document of a batch.
pub(super) struct Doc {
    pub case: CaseId,
    pack: Vec<u8>,
    /// The part of the document that version 3 signs.
    signed: Option<PushDoc>,
}

impl Doc {
    /// The document with its kind. Of an unknown kind no change was accepted.
    pub(super) fn document(&self) -> DocRef {
        self.signed.as_ref().and_then(PushDoc::document).unwrap_or((&self.case).into())
    }

    /// The document's changes. `None`: none was accepted, because the pack does not rebuild to the signed hashes.
    pub(super) fn changes(&self) -> Option<Vec<(ChangeHash, Vec<u8>)>> {
        let chunks = restore_within(&self.pack, MAX_REQUEST).ok()?;
        let is_signed = self.signed.as_ref().is_none_or(|doc| doc.is_of(chunks.iter().map(|(hash, _)| hash)));
        is_signed.then_some(chunks)
    }
}

/// Opens a stored body; `None` if it can not be read.
pub(super) fn open(version: u32, sealed: &[u8]) -> Option<Opened> {
    let body = doorstep_protocol::open_stored(sealed, doorstep_protocol::MAX_INFLATED).ok()?;
    if version == 2 {
        let Push { batch, prev, user, install, cases, again } = decode(&body).ok()?;
        let docs = cases.into_iter().map(|pushed| Doc { case: pushed.case, pack: pushed.pack, signed: None }).collect();
        let hash = BatchHash::of(&body);
        return Some(Opened { header: Header { batch, prev, user, install, again }, hash, docs, body });
    }
    let batch: Batch = decode(&body).ok()?;
    let (header, hash) = (decode(&batch.header).ok()?, batch.hash());
    let docs = batch.docs.into_iter().map(|doc| Doc { case: doc.doc, pack: doc.pack.clone(), signed: Some(doc) }).collect();
    Some(Opened { header, hash, docs, body })
}

/// A batch with the verdicts on it, as far as both can be read.
pub(super) struct Answered(Vec<(Doc, AckCase)>);

impl Answered {
    fn of(version: u32, body: &[u8], ack: &[u8]) -> Self {
        // A batch that can not be read is a fault of its own, and counts as empty here.
        let read = open(version, body).zip(decode::<Ack>(ack).ok());
        Self(read.map(|(opened, ack)| opened.docs.into_iter().zip(ack.cases).collect()).unwrap_or_default())
    }

    /// Adds the batch's changes of a case. Changes of other cases are not rebuilt.
    pub(super) fn add_to(&self, verdicts: &mut Verdicts, case: &CaseId) {
        for (doc, answer) in self.0.iter().filter(|(doc, _)| doc.case == *case) {
            let changes = doc.changes().unwrap_or_default();
            let given = unpack_verdicts(UnixMs(0), &answer.rows, &answer.quarantined, &vec![0; changes.len()]);
            for ((hash, _), verdict) in changes.into_iter().zip(given) {
                match verdict {
                    Verdict::Ok(_) => verdicts.taken.insert(hash),
                    Verdict::Quarantined(_) => verdicts.refused.insert(hash),
                    Verdict::Dup(_) | Verdict::Pend => false,
                };
            }
        }
    }

    /// About how much memory the batch takes. A pack counts twice, because it is held twice.
    fn bytes(&self) -> usize {
        let of_doc = |(doc, answer): &(Doc, AckCase)| {
            size_of::<(Doc, AckCase)>() + doc.pack.len() * 2 + answer.rows.len() * size_of::<ReceiptRow>()
        };
        self.0.iter().map(of_doc).sum()
    }
}

/// The largest number of bytes of batches that stay open.
const SHELF: usize = 64 << 20;
/// The memory of a batch without its documents.
const OF_A_BATCH: usize = 256;

impl Shelf {
    /// Drops the batches of a number from the cache, so that the next use reads them anew.
    pub(super) fn forget(&mut self, of: &Numbered) {
        self.bytes -= self.batches.remove(of).map_or(0, |batches| bytes_of(&batches));
        self.order.retain(|known| known != of);
    }

    /// Returns the batches of a number.
    pub(super) fn batches(&mut self, tx: &Tx<'_>, of: &Numbered) -> Result<&[Answered], ApiError> {
        if !self.batches.contains_key(of) {
            let batches = read_answered(tx, of)?;
            self.opened += 1;
            self.bytes += bytes_of(&batches);
            while self.bytes > SHELF
                && let Some(oldest) = self.order.pop_front()
            {
                self.bytes -= self.batches.remove(&oldest).map_or(0, |batches| bytes_of(&batches));
            }
            self.order.push_back(of.clone());
            self.batches.insert(of.clone(), batches);
        }
        Ok(self.batches.get(of).map(Vec::as_slice).unwrap_or_default())
    }
}

fn bytes_of(batches: &[Answered]) -> usize {
    OF_A_BATCH + batches.iter().map(Answered::bytes).sum::<usize>()
}

fn read_answered(tx: &Tx<'_>, of: &Numbered) -> Result<Vec<Answered>, ApiError> {
    let batches = log_batches::answered(tx, &of.0, of.1)?;
    Ok(batches.iter().map(|(version, body, ack)| Answered::of(*version, body, ack)).collect())
}
