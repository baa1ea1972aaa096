//! One change: written without loading a document, and read with every check that needs no history.

use std::{
    collections::{BTreeMap, BTreeSet},
    num::NonZeroU64,
    panic::{AssertUnwindSafe, catch_unwind},
};

use automerge::{
    ActorId, ExpandedChange, ObjType, ScalarValue,
    legacy::{Key, ObjectId, Op, OpId, OpType, SortedVec},
};
use doorstep_domain::{ChangeHash, DocId, DocKind, DocRef, Entry, EntryKey, InstallId, Tag};

use crate::{Link, MAX_CHANGE_BYTES, MAX_CHANGE_OPS, NewEntry, Position, Refusal, WriteError, columns, fields};

/// Most entries in one change.
const MAX_ENTRIES: usize = 16;
/// Most heads that a change may join. In the worst case there is one for each installation that ever wrote to the case.
const MAX_DEPS: usize = 64;
/// Operation counters stay far below 2^32, where Automerge panics. An honest case has a few thousand.
const MAX_OP: u64 = 1 << 24;

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
        let actor = ActorId::from(install.as_bytes().as_slice());
        let seq = at.seq + 1;
        let start_op = at.max_op + 1;
        let mut operations = Vec::with_capacity(entries.len() * 16);
        for (i, entry) in entries.iter().enumerate() {
            let key = EntryKey {
                kind: entry.body.kind().to_owned(),
                tag: Tag::of(install),
                seq,
                index: (entries.len() > 1).then_some(i as u32),
            };
            let map = OpId::new(start_op + operations.len() as u64, &actor);
            operations.push(op(ObjectId::Root, &key.to_string(), OpType::Make(ObjType::Map)));
            for (field, value) in fields::write(&doc.id, entry) {
                operations.push(op(ObjectId::Id(map.clone()), field, OpType::Put(value)));
            }
        }
        let expanded = ExpandedChange {
            operations,
            actor_id: actor,
            hash: None,
            seq,
            start_op: NonZeroU64::new(start_op).unwrap_or(NonZeroU64::MIN),
            time: 0,
            message: None,
            deps: at.heads.iter().map(|h| automerge::ChangeHash(*h.as_bytes())).collect(),
            extra_bytes: Vec::new(),
            author: None,
        };
        let bytes = automerge::Change::from(expanded).raw_bytes().to_vec();
        // Read the written change as a receiver would, so that no change leaves this device that others refuse.
        Ok(Self::read(doc, &bytes)?)
    }

    /// Reads a change of the document and refuses any change that `write` could not have made. Never panics on any bytes. A bare
    /// id means a case.
    pub fn read(doc: impl Into<DocRef>, bytes: &[u8]) -> Result<Self, Refusal> {
        let doc = doc.into();
        Self::from_expanded(&doc.id, Some(doc.kind), bytes, decode(bytes, Source::Anywhere)?)
    }

    /// Reads a stored change that [`Change::read`] has accepted before. It checks the checksum, so that a damaged row is noticed,
    /// but does not encode the change again, which would cost half of reading a case. The kinds of its entries give the
    /// document's kind, because each kind of entry belongs to one kind of document.
    pub fn read_stored(doc: &DocId, bytes: &[u8]) -> Result<Self, Refusal> {
        Self::from_expanded(doc, None, bytes, decode(bytes, Source::Stored)?)
    }

    fn from_expanded(doc: &DocId, kind: Option<DocKind>, bytes: &[u8], expanded: ExpandedChange) -> Result<Self, Refusal> {
        let install = InstallId::try_from(expanded.actor_id.to_bytes()).map_err(|_| Refusal::Actor)?;
        let sorted = expanded.deps.windows(2).all(|pair| matches!(pair, [a, b] if a < b));
        if expanded.time != 0
            || expanded.message.is_some()
            || !expanded.extra_bytes.is_empty()
            || expanded.deps.len() > MAX_DEPS
            || !sorted
        {
            return Err(Refusal::Envelope);
        }
        let count = expanded.operations.len();
        let start_op = expanded.start_op.get();
        if count == 0 || count > MAX_CHANGE_OPS || start_op.saturating_add(count as u64) > MAX_OP {
            return Err(Refusal::OpCount(count));
        }
        let (kind, entries) = read_entries(doc, kind, &expanded, &install)?;
        if expanded.seq == 1 && entries.iter().all(|entry| entry.facts.is_none() && entry.sheet.is_none()) {
            return Err(Refusal::NoFacts);
        }
        Ok(Self {
            kind,
            hash: expanded.hash.map(|h| ChangeHash::new(h.0)).ok_or(Refusal::Undecodable)?,
            install,
            seq: expanded.seq,
            start_op,
            max_op: start_op + count as u64 - 1,
            deps: expanded.deps.iter().map(|h| ChangeHash::new(h.0)).collect(),
            entries,
            bytes: bytes.to_vec(),
        })
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

fn op(obj: ObjectId, key: &str, action: OpType) -> Op {
    Op { action, obj, key: Key::Map(key.into()), pred: SortedVec::new(), insert: false }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Source {
    Anywhere,
    Stored,
}

/// The checks that do not depend on the meaning of entries: size, chunk type, checksum, operation counts, and equality after
/// encoding again. Changes without these checks have poisoned documents or made Automerge panic.
fn decode(bytes: &[u8], source: Source) -> Result<ExpandedChange, Refusal> {
    if bytes.len() > MAX_CHANGE_BYTES {
        return Err(Refusal::TooLarge(bytes.len()));
    }
    let Some(([0x85, 0x6f, 0x4a, 0x83, checksum @ ..], [1, ..])) = bytes.split_first_chunk::<8>() else {
        return Err(Refusal::ChunkType);
    };
    columns::check(content(bytes).ok_or(Refusal::Undecodable)?)?;
    // `AssertUnwindSafe`: the closure only reads `bytes` and what it builds is dropped on a panic.
    let (expanded, again) = catch_unwind(AssertUnwindSafe(|| {
        let change = automerge::Change::from_bytes(bytes.to_vec()).ok()?;
        let expanded = change.decode();
        let again = (source == Source::Anywhere).then(|| automerge::Change::from(expanded.clone()));
        Some((expanded, again))
    }))
    .ok()
    .flatten()
    .ok_or(Refusal::Undecodable)?;
    let hash = expanded.hash.ok_or(Refusal::Undecodable)?;
    if !hash.0.starts_with(checksum) {
        return Err(Refusal::Checksum);
    }
    if again.is_some_and(|again| again.raw_bytes() != bytes) {
        return Err(Refusal::NotCanonical);
    }
    Ok(expanded)
}

/// The content of a chunk, after its type and length.
fn content(bytes: &[u8]) -> Option<&[u8]> {
    let mut rest = bytes.get(9..)?;
    while let Some((byte, after)) = rest.split_first() {
        rest = after;
        if byte & 0x80 == 0 {
            return Some(rest);
        }
    }
    None
}

/// Checks that every operation makes a map at a root key of this change, or puts a scalar into such a map. Then reads the
/// entries, which must all belong to the expected kind of document; `None` expects the kind of the first entry.
fn read_entries(
    doc: &DocId,
    kind: Option<DocKind>,
    change: &ExpandedChange,
    install: &InstallId,
) -> Result<(DocKind, Vec<Entry>), Refusal> {
    let tag = Tag::of(install);
    let start_op = change.start_op.get();
    let mut keys = BTreeSet::new();
    let mut maps: BTreeMap<u64, (EntryKey, fields::Fields)> = BTreeMap::new();
    for (i, op) in change.operations.iter().enumerate() {
        let Key::Map(name) = &op.key else { return Err(Refusal::Shape(i)) };
        if op.insert || !op.pred.is_empty() {
            return Err(Refusal::Shape(i));
        }
        match (&op.obj, &op.action) {
            (ObjectId::Root, OpType::Make(ObjType::Map)) => {
                let key: EntryKey = name.as_str().parse().map_err(|_| Refusal::Key)?;
                if key.tag != tag || key.seq != change.seq || !keys.insert(key.to_string()) {
                    return Err(Refusal::Key);
                }
                maps.insert(start_op + i as u64, (key, BTreeMap::new()));
            }
            (ObjectId::Id(map), OpType::Put(value)) if *map.actor() == change.actor_id => {
                let known = matches!(
                    value,
                    ScalarValue::Bytes(_)
                        | ScalarValue::Str(_)
                        | ScalarValue::Int(_)
                        | ScalarValue::Uint(_)
                        | ScalarValue::Boolean(_)
                );
                let (_, fields) = maps.get_mut(&map.counter()).ok_or(Refusal::Shape(i))?;
                if !known || name.len() > 32 || fields.insert(name.to_string(), value.clone()).is_some() {
                    return Err(Refusal::Shape(i));
                }
            }
            _ => return Err(Refusal::Shape(i)),
        }
    }
    if maps.len() > MAX_ENTRIES {
        return Err(Refusal::OpCount(change.operations.len()));
    }
    let several = maps.len() > 1;
    let first = maps.values().next().and_then(|(key, _)| DocKind::of_entry(&key.kind));
    let kind = kind.or(first).unwrap_or_default();
    let doc = DocRef::new(kind, *doc);
    let entry = |(i, (key, fields)): (usize, (EntryKey, fields::Fields))| {
        // The index orders the entries of a change in a timeline; two entries with the same index would have no order.
        if key.index != several.then_some(i as u32) {
            return Err(Refusal::Key);
        }
        if DocKind::of_entry(&key.kind) != Some(kind) {
            return Err(Refusal::Kind { kind: key.kind });
        }
        fields::read(&doc, key, &fields)
    };
    Ok((kind, maps.into_values().enumerate().map(entry).collect::<Result<_, _>>()?))
}
