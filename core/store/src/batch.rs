//! Makes the next batch from unsent changes, durably, before its first byte leaves.

use std::collections::{BTreeMap, BTreeSet};

use doorstep_document::{Change, pack};
use doorstep_domain::{BatchHash, CaseId, DocRef, InstallId, Receipt, RefusalCode};
use doorstep_protocol::{Batch, Header, Push, PushDoc, Pushed, SyncRequest, decode, encode, signing::doc_digest};
use rusqlite::Connection;

use crate::{
    Store, StoreError, first, identity, photos,
    project::{self, Outgoing},
    rest,
    row::{Statements, params},
    sent::{Newest, Sent, digest, mono_of},
    sheet_row,
    states::OutboxState,
};

/// A change that the server left pending is offered again with the next sync, then once in this many syncs.
const PENDING_ROUNDS: u32 = 15;

/// The largest number of changes in one batch.
const BATCH_CHANGES: usize = 5_000;

/// An open batch, whose answer has not come. One of version 2 is finished as it was begun.
pub(crate) enum StoredBatch {
    /// A [`Push`] in CBOR.
    OfVersion2(Vec<u8>),
    /// The header and the documents.
    OfVersion3(Batch),
}

impl StoredBatch {
    /// The first byte of a stored batch of version 3, before its CBOR. A [`Push`] is a map, which begins with another byte.
    const MARK: u8 = 3;

    pub(crate) fn read(bytes: Vec<u8>) -> Result<Self, StoreError> {
        match bytes.split_first() {
            Some((&Self::MARK, batch)) => Ok(Self::OfVersion3(decode(batch).map_err(|_| StoreError::Damaged("batch"))?)),
            _ => Ok(Self::OfVersion2(bytes)),
        }
    }

    pub(crate) fn write(batch: &Batch) -> Result<Vec<u8>, StoreError> {
        let mut bytes = vec![Self::MARK];
        bytes.extend(encode(batch).map_err(|_| StoreError::Damaged("change"))?);
        Ok(bytes)
    }
}

/// The documents of a request's batch with their changes, which the verdicts of the answer are about.
pub fn pushed(request: &SyncRequest) -> Vec<Pushed> {
    let of_push = request.push.as_ref().and_then(|envelope| decode::<Push>(&envelope.body).ok());
    let packs: Vec<(DocRef, Vec<u8>)> = match (of_push, &request.batch) {
        (Some(push), _) => push.cases.into_iter().map(|pushed| ((&pushed.case).into(), pushed.pack)).collect(),
        (None, Some(batch)) => {
            let of = |pushed: &PushDoc| pushed.document().unwrap_or((&pushed.doc).into());
            batch.docs.iter().map(|pushed| (of(pushed), pushed.pack.clone())).collect()
        }
        (None, None) => Vec::new(),
    };
    let read = |(doc, pack): (DocRef, Vec<u8>)| {
        let chunks = pack::restore(&pack).unwrap_or_default();
        let mono = |bytes: &[u8]| Change::read_stored(&doc.id, bytes).map_or(0, |change| mono_of(&change));
        Pushed { doc, changes: chunks.into_iter().map(|(hash, bytes)| (hash, mono(&bytes))).collect() }
    };
    packs.into_iter().map(read).collect()
}

/// The open batch, whose answer has not come.
pub(crate) struct OpenBatch {
    pub number: u64,
    pub hash: BatchHash,
    pub size: usize,
    pub body: Vec<u8>,
}

pub(crate) fn open_batch(db: &Connection, install: &InstallId) -> Result<Option<OpenBatch>, StoreError> {
    let sql = "SELECT number, hash, size, body FROM batch WHERE install = ?1 AND body IS NOT NULL";
    db.maybe("batch", sql, params![install], |row| {
        Ok(OpenBatch { number: row.get(0)?, hash: row.get(1)?, size: row.get(2)?, body: row.get(3)? })
    })
}

/// The newest batch of an installation, sent or not.
pub(crate) fn chain_end(db: &Connection, install: &InstallId) -> Result<Option<doorstep_protocol::Link>, StoreError> {
    let sql = "SELECT number, hash FROM batch WHERE install = ?1 ORDER BY number DESC LIMIT 1";
    db.maybe("batch", sql, params![install], |row| Ok(doorstep_protocol::Link { batch: row.get(0)?, hash: row.get(1)? }))
}

/// A new batch.
pub(crate) struct Made {
    /// The stored form: see [`StoredBatch`].
    pub body: Vec<u8>,
    pub newest: Newest,
}

/// The cases of the changes that wait, the oldest recording and the bytes, for the report to head office. `left`: the unsent ones.
pub(crate) fn waiting(db: &Connection, left: &[rest::Link]) -> Result<(usize, Option<i64>, u64), StoreError> {
    let rows = || left.iter().flat_map(|link| link.rows.iter());
    let mut cases: BTreeSet<CaseId> = left.iter().filter(|link| !link.rows.is_empty()).map(|link| link.case).collect();
    let mut oldest = rows().map(|row| row.recorded_at).min();
    let mut bytes = left.iter().map(|link| link.size as u64).sum();
    let in_batch = concat!("SELECT case_id, recorded_at, length(bytes) FROM outbox WHERE ", outbox_is_moved!("?1"));
    db.each("outbox", in_batch, params![OutboxState::InBatch], |row| {
        cases.insert(row.get(0)?);
        let recorded_at = row.get(1)?;
        oldest = Some(oldest.map_or(recorded_at, |oldest: i64| oldest.min(recorded_at)));
        bytes += row.get::<u64>(2)?;
        Ok(())
    })?;
    Ok((cases.len(), oldest, bytes))
}

/// Makes the next batch of the chain from unsent changes; `None` if there is none. Also the links that stay.
pub(crate) fn close_batch(
    db: &Connection,
    who: &identity::Identity,
    max_bytes: usize,
    links: Vec<rest::Link>,
) -> Result<(Option<Made>, Vec<rest::Link>), StoreError> {
    let Cut { taken, changes: open, sent, left } = what_fits(db, max_bytes, links)?;
    let nothing = |taken: Vec<rest::Link>, left: Vec<rest::Link>| Ok((None, taken.into_iter().chain(left).collect()));
    let again: Vec<u64> = db.all("again", "SELECT number FROM again ORDER BY number LIMIT 64", params![], |row| row.get(0))?;
    if open.is_empty() && again.is_empty() {
        return nothing(taken, left);
    }
    // If every change only waits for another one, they are offered now and then, not in a batch a minute for ever.
    if again.is_empty() && open.iter().all(|change| change.tries > 0) {
        let waited = Store::meta(db, "waited")?.and_then(|bytes| bytes.try_into().ok()).map_or(0, u32::from_be_bytes);
        Store::set_meta(db, "waited", &waited.wrapping_add(1).to_be_bytes())?;
        if waited % PENDING_ROUNDS != 0 {
            return nothing(taken, left);
        }
    } else {
        Store::set_meta(db, "waited", &0_u32.to_be_bytes())?;
    }
    let before = chain_end(db, &who.install)?;
    let number = before.map_or(0, |link| link.batch) + 1;
    let docs = rest::docs_of(&taken);
    let bytes: BTreeMap<i64, &[u8]> = open.iter().map(|change| (change.id, change.bytes.as_slice())).collect();
    let packed = docs.iter().map(|doc| {
        let chunks: Vec<&[u8]> = doc.rows.iter().filter_map(|row| bytes.get(&row.id).copied()).collect();
        let of = sheet_row::doc(db, &doc.case)?;
        let digest = doc_digest(of, doc.rows.iter().map(|row| &row.hash));
        Ok(PushDoc {
            doc: doc.case,
            pack: pack::elide_bare(&chunks).ok_or(StoreError::Damaged("change"))?,
            digest,
            kind: of.kind.named(),
        })
    });
    let header = Header {
        batch: number,
        prev: before.map_or(BatchHash::NONE, |link| link.hash),
        user: who.author.user.to_string(),
        install: who.install,
        again,
    };
    let header = encode(&header).map_err(|_| StoreError::Damaged("change"))?;
    let batch = Batch {
        header,
        sending: vec![],
        sig: vec![],
        docs: packed.collect::<Result<_, StoreError>>()?,
        first: first::shown(db, &open)?,
        brings: rest::brought(&taken, &left, &docs),
    };
    db.run("UPDATE again SET batch = ?1 WHERE number IN (SELECT number FROM again ORDER BY number LIMIT 64)", params![number])?;
    let body = StoredBatch::write(&batch)?;
    let raw: usize = open.iter().map(|change| change.bytes.len()).sum();
    let insert = "INSERT INTO batch (install, number, hash, size, body) VALUES (?1, ?2, ?3, ?4, ?5)";
    db.run(insert, params![who.install, number, batch.hash(), raw, body])?;
    rest::mark_brought(db, &taken, number)?;
    for change in &open {
        db.run("UPDATE outbox SET state = ?2 WHERE id = ?1", params![change.id, OutboxState::InBatch])?;
    }
    let changes = |doc: &rest::Doc<'_>| doc.rows.iter().map(|row| (row.hash, row.mono_ms)).collect();
    let pushed = docs.iter().map(|doc| Ok(Pushed { doc: sheet_row::doc(db, &doc.case)?, changes: changes(doc) }));
    let pushed = pushed.collect::<Result<_, StoreError>>()?;
    let newest = Newest { hash: batch.hash(), pushed, changes: sent };
    Ok((Some(Made { body, newest }), left))
}

/// The unsent changes for the next batch.
struct Cut {
    taken: Vec<rest::Link>,
    /// The changes of those links, in their order.
    changes: Vec<Outgoing>,
    /// As in [`Newest`].
    sent: BTreeMap<[u8; 32], Sent>,
    left: Vec<rest::Link>,
}

/// Cuts the next batch. A damaged row is put aside and shown, and does not block the others.
fn what_fits(db: &Connection, max_bytes: usize, mut links: Vec<rest::Link>) -> Result<Cut, StoreError> {
    loop {
        let (mut size, mut count) = (0, 0);
        let fit = links.iter().take_while(|link| {
            size += link.size;
            count += link.rows.len();
            count == link.rows.len() || (size <= max_bytes && count <= BATCH_CHANGES)
        });
        let left = links.split_off(fit.count());
        let (mut open, mut sent, mut damaged) = (Vec::with_capacity(count), BTreeMap::new(), Vec::new());
        for (case, row) in links.iter_mut().flat_map(|link| link.rows.iter_mut().map(|row| (link.case, row))) {
            let bytes: Vec<u8> = db.one("outbox", "SELECT bytes FROM outbox WHERE id = ?1", params![row.id], |row| row.get(0))?;
            match Change::read_stored(&case, &bytes) {
                Ok(change) if change.hash() == row.hash => {
                    row.mono_ms = mono_of(&change);
                    sent.insert(digest(&bytes), Sent::of(&change));
                    open.push(Outgoing { id: row.id, case, tries: row.tries, bytes });
                }
                _ => damaged.push(row.id),
            }
        }
        if damaged.is_empty() {
            return Ok(Cut { taken: links, changes: open, sent, left });
        }
        for id in damaged {
            set_state(db, id, OutboxState::Quarantined, Some(&RefusalCode::Damaged))?;
        }
        links = rest::links(db)?;
    }
}

/// The changes of the open batch, never-tried ones first.
pub(crate) fn in_batch(db: &Connection) -> Result<Vec<Outgoing>, StoreError> {
    let sql = concat!(
        "SELECT id, case_id, tries, bytes FROM outbox WHERE ",
        outbox_is_moved!("?1"),
        " ORDER BY tries > 0, id LIMIT ?2"
    );
    db.all("outbox", sql, params![OutboxState::InBatch, BATCH_CHANGES], |row| {
        Ok(Outgoing { id: row.get(0)?, case: row.get(1)?, tries: row.get(2)?, bytes: row.get(3)? })
    })
}

/// The batch's cases in a fixed order with their changes in order, because verdicts come by index.
pub(crate) fn by_case(open: &[Outgoing]) -> BTreeMap<CaseId, Vec<&Outgoing>> {
    let mut cases: BTreeMap<CaseId, Vec<&Outgoing>> = BTreeMap::new();
    for change in open {
        cases.entry(change.case).or_default().push(change);
    }
    for changes in cases.values_mut() {
        changes.sort_by_key(|change| change.id);
    }
    cases
}

/// Leaves a change in the outbox, to be offered again or in quarantine for a person.
pub(crate) fn set_state(
    db: &Connection,
    outbox: i64,
    state: OutboxState,
    reason: Option<&RefusalCode>,
) -> Result<(), StoreError> {
    let sql = "UPDATE outbox SET state = ?2, reason = ?3, tries = tries + 1 WHERE id = ?1";
    db.run(sql, params![outbox, state, reason.map(RefusalCode::to_string)])?;
    Ok(())
}

/// Moves a change from the outbox to the accepted ones, because the server has it. The photos that it names may now be sent, even
/// if another entry named them first. No other function takes a change out of the outbox.
pub(crate) fn accept(
    db: &Connection,
    case: &CaseId,
    (outbox, bytes): (i64, &[u8]),
    sent: Sent,
    receipt: Receipt,
    batch: Option<(&InstallId, u64)>,
) -> Result<(), StoreError> {
    project::insert_accepted(db, case, &sent.link, bytes, receipt, batch, None)?;
    if sent.has_photo {
        let change = Change::read_stored(case, bytes).map_err(|_| StoreError::Damaged("outbox"))?;
        photos::may_follow(db, &change)?;
    }
    db.run("DELETE FROM outbox WHERE id = ?1", params![outbox])?;
    Ok(())
}
