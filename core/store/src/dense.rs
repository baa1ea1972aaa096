//! Dense packs on the device's side: of a batch that leaves, and of an answer that comes (PROTOCOL.md, section 10).
//!
//! The store keeps a batch with packs of format 2, whatever the server takes, so that a batch which waits can be sent to any server.

use std::collections::BTreeSet;

use doorstep_document::pack::{
    self,
    dense::{self, Rebuilt},
};
use doorstep_domain::DocId;
use doorstep_protocol::{Answer, FeedCase, MAX_REQUEST, PACK_FORMAT, PushDoc, SyncRequest};

use crate::{
    Store, StoreError,
    row::{Statements, params},
    states::OutboxState,
};

/// The name in `meta` of the newest format of packs that the server takes.
const TAKES: &str = "packs";
/// The name in `meta` of the mark that a dense pack of the server did not rebuild, so that the next answer must have none.
const UNREADABLE: &str = "packs_unreadable";

/// What a request may have.
#[derive(Debug, Clone, Default)]
pub struct DenseTerms {
    /// Whether the server takes dense packs.
    takes: bool,
    /// Whether this device asks for dense packs.
    asks: bool,
    /// The documents whose changes were sent before and not taken. They travel as format 2 has them, so that a fault of the dense
    /// pack cannot keep them back.
    plain: BTreeSet<DocId>,
}

impl Store {
    /// What the next request may have, by the newest answer.
    pub fn dense_terms(&self) -> Result<DenseTerms, StoreError> {
        let takes = Self::meta(&self.db, TAKES)?.is_some_and(|format| format == PACK_FORMAT.to_be_bytes());
        let asks = Self::meta(&self.db, UNREADABLE)?.is_none_or(|mark| mark.is_empty());
        let sql = concat!("SELECT DISTINCT case_id FROM outbox WHERE ", outbox_is_moved!("?1"), " AND tries > 0");
        let plain = self.db.all("outbox", sql, params![OutboxState::InBatch], |row| row.get(0))?;
        Ok(DenseTerms { takes, asks, plain: plain.into_iter().collect() })
    }

    /// Sends no dense pack until an answer asks for one again, because the answer to one was unusable.
    pub fn pack_plainly(&self) -> Result<(), StoreError> {
        Self::set_meta(&self.db, TAKES, b"")
    }

    /// Notes what an answer says about packs. `rebuilt`: whether its dense pack, if any, rebuilt.
    pub(crate) fn note_packs(db: &rusqlite::Connection, answer: &Answer, rebuilt: bool) -> Result<(), StoreError> {
        let takes = answer.packs.filter(|format| *format >= PACK_FORMAT).map(|_| PACK_FORMAT.to_be_bytes());
        Self::set_meta(db, TAKES, takes.as_ref().map_or(&[], |format| format.as_slice()))?;
        Self::set_meta(db, UNREADABLE, if rebuilt { b"" } else { b"1" })
    }
}

/// Makes a request of a store ready to leave: it asks for dense packs, and its batch's changes are in one as far as the server takes
/// it. The batch's hash and message stay the same.
pub fn densely(mut request: SyncRequest, terms: &DenseTerms) -> SyncRequest {
    request.packs = terms.asks.then_some(PACK_FORMAT);
    let Some(batch) = request.batch.as_mut().filter(|_| terms.takes) else { return request };
    let chunks_of = |doc: &mut PushDoc| pack::restore(&doc.pack).ok().map(|chunks| (doc.doc, chunks));
    let docs = batch.docs.iter_mut().filter(|doc| !terms.plain.contains(&doc.doc));
    let (mut docs, chunks): (Vec<&mut PushDoc>, Vec<_>) =
        docs.filter_map(|doc| Some((chunks_of(doc)?, doc))).map(|(a, b)| (b, a)).unzip();
    let slices: Vec<(DocId, Vec<&[u8]>)> =
        chunks.iter().map(|(doc, chunks)| (*doc, chunks.iter().map(|(_, bytes)| bytes.as_slice()).collect())).collect();
    let Some(packed) = dense::pack(&slices, MAX_REQUEST).filter(|_| !docs.is_empty()) else { return request };
    for doc in &mut docs {
        (doc.doc, doc.pack) = (DocId::new([0; 16]), vec![dense::FORMAT]);
    }
    request.dense = Some(packed);
    request
}

/// The rebuilt documents of an answer, in the order of its pages.
pub(crate) struct Brought {
    dense: std::vec::IntoIter<Rebuilt>,
    /// Whether the answer's dense pack rebuilds.
    pub rebuilt: bool,
}

impl Brought {
    pub fn of(answer: &Answer) -> Self {
        let dense = answer.dense.as_ref().map_or(Ok(vec![]), |pack| dense::unpack(pack, pack::MAX_REBUILT));
        Self { rebuilt: dense.is_ok(), dense: dense.unwrap_or_default().into_iter() }
    }

    /// The document that comes next on the pages; `None` if its pack does not rebuild.
    pub fn next(&mut self, feed: &FeedCase) -> Option<Rebuilt> {
        if feed.pack == [dense::FORMAT] {
            return self.dense.next();
        }
        pack::restore(&feed.pack).ok().map(|changes| Rebuilt { doc: feed.case, changes })
    }
}
