//! One change: written without loading a document, and read with every check that needs no history.

use doorstep_domain::{ChangeHash, DocId, DocKind, DocRef, Entry, EntryKey, InstallId, Tag};

use crate::{
    Link, NewEntry, Position, Refusal, WriteError,
    chunk::{self, Chunk},
    columns::{Map, Operations},
    fields,
};

/// Most entries in one change.
const MAX_ENTRIES: usize = 16;

/// A change that passed every check that needs no history. Only [`Change::write`] and [`Change::read`] make one.
///
/// ```
/// use doorstep_document::{Change, NewEntry, Position};
/// use doorstep_domain::{Body, CaseId, InstallId, Personal, Waybill};
/// # use doorstep_domain::{Author, BootId, Facts, Role, TimeEvidence, UnixMs};
///
/// let (network, waybill) = ("QH".parse()?, Waybill::parse("QH310000000017")?);
/// let (case, install) = (CaseId::of(&network, &waybill), InstallId::new([1; 16]));
/// # let author = Author { user: "c101".parse()?, role: Role::Courier, outlet: "0412".parse()? };
/// # let time = TimeEvidence { wall: UnixMs(0), zone_quarters: 32, mono_ms: 1, boot: BootId([0; 4]), anchor: None };
/// let words = Body::Note { words: Personal::plain("敲门三次无人应答")? };
/// let pack_version = 1;
/// let note = NewEntry { facts: Some(Facts::unlisted(network, waybill)), ..NewEntry::of(author, pack_version, time, words) };
///
/// // The first change of a case: no document is loaded, its place in the history is enough.
/// let change = Change::write(&case, &install, &Position::default(), &[note])?;
/// assert_eq!(Change::read(&case, change.bytes())?, change);
///
/// // A byte that differs is refused.
/// let mut altered = change.bytes().to_vec();
/// *altered.last_mut().ok_or("a change has bytes")? ^= 1;
/// assert!(Change::read(&case, &altered).is_err());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Change {
    kind: DocKind,
    hash: ChangeHash,
    install: InstallId,
    seq: u64,
    start_op: u64,
    max_op: u64,
    deps: Vec<ChangeHash>,
    entries: Vec<Entry>,
    bytes: Vec<u8>,
}

impl Change {
    /// Writes one user action as one change, from the position alone. The bytes equal those of Automerge's own transaction
    /// (tested). No document is loaded, because loading one costs ten times as much as a durable record.
    pub fn write(doc: impl Into<DocRef>, install: &InstallId, at: &Position, entries: &[NewEntry]) -> Result<Self, WriteError> {
        let doc = doc.into();
        if entries.is_empty() || entries.len() > MAX_ENTRIES {
            return Err(WriteError::EntryCount(entries.len()));
        }
        let (seq, start_op, tag) = (at.seq.saturating_add(1), at.max_op.saturating_add(1), Tag::of(install));
        let key = |(i, entry): (usize, &NewEntry)| {
            let index = (entries.len() > 1).then_some(i as u32);
            EntryKey { kind: entry.body.kind().to_owned(), tag, seq, index }.to_string()
        };
        let keys: Vec<String> = entries.iter().enumerate().map(key).collect();
        let mut operations = Operations::new(start_op);
        for (key, entry) in keys.iter().zip(entries) {
            operations.make(key);
            fields::write(&doc.id, entry, &mut operations);
        }
        let mut deps = at.heads.clone();
        deps.sort_unstable();
        let (_, bytes) = chunk::seal(&chunk::content(&deps, install, seq, start_op, &operations));
        // Read the written change as a receiver would, so that no change leaves this device that others refuse. It was encoded just
        // now, so it is not encoded again.
        let (hash, chunk) = Chunk::read_stored(&bytes)?;
        Ok(Self::of(&doc.id, Some(doc.kind), &bytes, hash, chunk)?)
    }

    /// Reads a change of the document and refuses any change that `write` could not have made. Never panics on any bytes. A bare
    /// id means a case.
    pub fn read(doc: impl Into<DocRef>, bytes: &[u8]) -> Result<Self, Refusal> {
        let doc = doc.into();
        let (hash, chunk) = Chunk::read(bytes)?;
        Self::of(&doc.id, Some(doc.kind), bytes, hash, chunk)
    }

    /// Reads a stored change that [`Change::read`] has accepted before. It checks the checksum, so that a damaged row is noticed,
    /// but does not encode the change again. The kinds of its entries give the document's kind, because each kind of entry belongs
    /// to one kind of document.
    pub fn read_stored(doc: &DocId, bytes: &[u8]) -> Result<Self, Refusal> {
        let (hash, chunk) = Chunk::read_stored(bytes)?;
        Self::of(doc, None, bytes, hash, chunk)
    }

    fn of(doc: &DocId, kind: Option<DocKind>, bytes: &[u8], hash: ChangeHash, chunk: Chunk) -> Result<Self, Refusal> {
        let operations = chunk.operations();
        let Chunk { deps, install, seq, start_op, maps } = chunk;
        let (kind, entries) = read_entries(doc, kind, &install, seq, maps)?;
        if seq == 1 && entries.iter().all(|entry| entry.facts.is_none() && entry.sheet.is_none()) {
            return Err(Refusal::NoFacts);
        }
        let max_op = start_op + operations as u64 - 1;
        Ok(Self { kind, hash, install, seq, start_op, max_op, deps, entries, bytes: bytes.to_vec() })
    }

    /// The kind of its document.
    pub fn kind(&self) -> DocKind {
        self.kind
    }
    /// SHA-256 as Automerge defines it.
    pub fn hash(&self) -> ChangeHash {
        self.hash
    }
    /// The installation that wrote it.
    pub fn install(&self) -> InstallId {
        self.install
    }
    /// Its number among the installation's changes of this case, from 1.
    pub fn seq(&self) -> u64 {
        self.seq
    }
    /// Its first operation counter.
    pub fn start_op(&self) -> u64 {
        self.start_op
    }
    /// The data of the change that a [`crate::History`] keeps.
    pub fn link(&self) -> Link {
        Link { hash: self.hash, install: self.install, seq: self.seq, max_op: self.max_op }
    }
    /// Its highest operation counter.
    pub fn max_op(&self) -> u64 {
        self.max_op
    }
    /// The hashes of the changes that it depends on, sorted.
    pub fn deps(&self) -> &[ChangeHash] {
        &self.deps
    }
    /// Its entries, in the order written.
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }
    /// The whole chunk.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }
}

/// Reads the entries, which must all belong to the expected kind of document; `None` expects the kind of the first entry.
fn read_entries(
    doc: &DocId,
    kind: Option<DocKind>,
    install: &InstallId,
    seq: u64,
    maps: Vec<Map>,
) -> Result<(DocKind, Vec<Entry>), Refusal> {
    let (tag, several) = (Tag::of(install), maps.len() > 1);
    let key = |(i, map): (usize, &Map)| {
        let key: EntryKey = map.key.parse().map_err(|_| Refusal::Key)?;
        // The index orders the entries of a change in a timeline; two entries with the same index would have no order.
        let is_own = key.tag == tag && key.seq == seq && key.index == several.then_some(i as u32);
        if is_own { Ok(key) } else { Err(Refusal::Key) }
    };
    let keys = maps.iter().enumerate().map(key).collect::<Result<Vec<_>, _>>()?;
    if keys.len() > MAX_ENTRIES {
        return Err(Refusal::OpCount(maps.iter().map(Map::operations).sum()));
    }
    let first = keys.first().and_then(|key| DocKind::of_entry(&key.kind));
    let kind = kind.or(first).unwrap_or_default();
    let doc = DocRef::new(kind, *doc);
    let mut entries = Vec::with_capacity(keys.len());
    // The operation that makes the entry.
    let mut made = 0;
    for (key, mut map) in keys.into_iter().zip(maps) {
        if DocKind::of_entry(&key.kind) != Some(kind) {
            return Err(Refusal::Kind { kind: key.kind });
        }
        map.fields.sort_unstable_by_key(|(name, _)| *name);
        if map.fields.windows(2).any(|pair| matches!(pair, [(a, _), (b, _)] if a == b)) {
            return Err(Refusal::Shape(made));
        }
        entries.push(fields::read(&doc, key, &map.fields)?);
        made += map.operations();
    }
    Ok((kind, entries))
}
