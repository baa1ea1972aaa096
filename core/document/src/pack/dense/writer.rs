//! Writes a pack.

use std::collections::{BTreeMap, BTreeSet};

use doorstep_domain::{CaseId, ChangeHash, DocId, EntryKey, InstallId, Tag, TimeEvidence, Waybill};

use super::{
    field::{FieldWriter, Type, sum},
    history::History,
    limits::{COMMON, FORMAT, MAX_ENTRIES, MAX_ENTRY_FIELDS, MAX_FIELDS, MAX_SHAPES},
    stream::{Recent, put_difference},
};
use crate::{
    chunk::{Chunk, Map, Value},
    leb,
    pack::hash_of,
};

/// Changes that travel verbatim: place of the document, place of the change in it.
pub(super) type Verbatim = BTreeSet<(usize, usize)>;

/// Packs chunks; `None` if one is not a change chunk, or the pack would exceed a limit. Only the changes that are not named in
/// `verbatim` are taken apart.
pub(super) fn write(docs: &[(DocId, Vec<&[u8]>)], verbatim: &Verbatim) -> Option<Vec<u8>> {
    let mut pack = Pack::new();
    for (at, (doc, chunks)) in docs.iter().enumerate() {
        let parts: Vec<Option<Chunk>> = chunks
            .iter()
            .enumerate()
            .map(|(change, chunk)| (!verbatim.contains(&(at, change))).then(|| apart(chunk)).flatten())
            .collect();
        pack.doc(doc, chunks, parts)?;
    }
    (pack.fields.len() <= MAX_FIELDS && pack.shapes.len() <= MAX_SHAPES).then(|| pack.finish())
}

/// The chunk in its parts, if a reader can put them together again.
fn apart(bytes: &[u8]) -> Option<Chunk<'_>> {
    let (_, chunk) = Chunk::read_stored(bytes).ok()?;
    let tag = Tag::of(&chunk.install);
    let several = chunk.maps.len() > 1;
    let is_ours = |(i, map): (usize, &Map)| {
        let index = several.then_some(i as u32);
        let key = kind_of(map).map(|kind| EntryKey { kind: kind.to_owned(), tag, seq: chunk.seq, index }.to_string());
        key.is_some_and(|key| key == map.key) && map.fields.len() <= MAX_ENTRY_FIELDS
    };
    let fits = (1..=MAX_ENTRIES).contains(&chunk.maps.len());
    (fits && chunk.maps.iter().enumerate().all(is_ours)).then_some(chunk)
}

fn kind_of<'a>(map: &Map<'a>) -> Option<&'a str> {
    map.key.split_once('/').map(|(kind, _)| kind)
}

/// The case id that follows from the first entry with network and waybill.
pub(super) fn id_of<'a>(entries: impl Iterator<Item = (Option<&'a str>, Option<&'a str>)>) -> Option<DocId> {
    let (network, waybill) = entries.filter_map(|(network, waybill)| network.zip(waybill)).next()?;
    Some(CaseId::of(&network.parse().ok()?, &Waybill::parse(waybill).ok()?))
}

fn text_of<'a>(map: &Map<'a>, name: &str) -> Option<&'a str> {
    map.fields.iter().find_map(|(field, value)| match value {
        Value::Text(text) if *field == name => Some(*text),
        _ => None,
    })
}

/// The streams of the changes, in the order of the layout.
#[derive(Default)]
struct Common {
    docs: Vec<u8>,
    ids: Vec<u8>,
    deps: Vec<u8>,
    hashes: Vec<u8>,
    forms: Vec<u8>,
    writers: Vec<u8>,
    installs: Vec<u8>,
    seqs: Vec<u8>,
    starts: Vec<u8>,
    entries: Vec<u8>,
    lengths: Vec<u8>,
    bodies: Vec<u8>,
}

impl Common {
    fn streams(&self) -> [&Vec<u8>; COMMON] {
        let Self { docs, ids, deps, hashes, forms, writers, installs, seqs, starts, entries, lengths, bodies } = self;
        [docs, ids, deps, hashes, forms, writers, installs, seqs, starts, entries, lengths, bodies]
    }
}

struct Pack<'a> {
    count: u64,
    common: Common,
    installs: Recent<InstallId>,
    fields: Vec<(Type, &'a str, FieldWriter<'a>)>,
    of_field: BTreeMap<(&'a str, Type), usize>,
    shapes: Vec<(&'a str, Vec<usize>)>,
    of_shape: BTreeMap<(&'a str, Vec<usize>), usize>,
}

impl<'a> Pack<'a> {
    fn new() -> Self {
        Self {
            count: 0,
            common: Common::default(),
            installs: Recent::new(),
            fields: Vec::new(),
            of_field: BTreeMap::new(),
            shapes: Vec::new(),
            of_shape: BTreeMap::new(),
        }
    }

    /// Adds a document; `parts` has each chunk in its parts, or `None` for a verbatim one.
    fn doc(&mut self, doc: &DocId, chunks: &[&'a [u8]], parts: Vec<Option<Chunk<'a>>>) -> Option<()> {
        self.count += 1;
        let first = parts.first().and_then(Option::as_ref);
        let follows = first.and_then(|first| id_of(first.maps.iter().map(|map| (text_of(map, "net"), text_of(map, "wb")))));
        let is_named = follows != Some(*doc);
        leb::put(&mut self.common.docs, chunks.len() as u64 * 2 + u64::from(is_named));
        if is_named {
            self.common.ids.extend_from_slice(doc.as_bytes());
        }
        let mut history = History::default();
        for (bytes, parts) in chunks.iter().zip(parts) {
            let hash = hash_of(bytes)?;
            match parts {
                Some(chunk) => {
                    self.deps(&history, &chunk.deps);
                    self.change(doc, &history, &chunk);
                    history.add(hash, &chunk.deps, Some(&chunk));
                }
                None => {
                    let (deps, body) = cut(bytes)?;
                    self.deps(&history, &deps);
                    self.common.forms.push(0);
                    leb::put(&mut self.common.lengths, body.len() as u64);
                    self.common.bodies.extend_from_slice(body);
                    history.add(hash, &deps, None);
                }
            }
        }
        Some(())
    }

    fn deps(&mut self, history: &History, deps: &[ChangeHash]) {
        let Common { deps: out, hashes, .. } = &mut self.common;
        if history.are_heads(deps) {
            out.push(0);
            return;
        }
        leb::put(out, 1 + deps.len() as u64);
        for dep in deps {
            let back = history.back(dep);
            leb::put(out, back);
            if back == 0 {
                hashes.extend_from_slice(dep.as_bytes());
            }
        }
    }

    fn change(&mut self, doc: &DocId, history: &History, chunk: &Chunk<'a>) {
        let Common { forms, writers, installs, seqs, starts, .. } = &mut self.common;
        leb::put(forms, chunk.maps.len() as u64);
        let place = self.installs.place(|known| *known == chunk.install);
        writers.push(place);
        if place == 0 {
            installs.extend_from_slice(chunk.install.as_bytes());
            self.installs.add(chunk.install);
        }
        put_difference(seqs, chunk.seq, history.next_seq(&chunk.install));
        put_difference(starts, chunk.start_op, history.next_op(&chunk.deps));
        chunk.maps.iter().for_each(|map| self.entry(doc, map));
    }

    fn entry(&mut self, doc: &DocId, map: &Map<'a>) {
        // The value before, if it is written as bytes.
        let mut before = None;
        let fields: Vec<usize> = map
            .fields
            .iter()
            .map(|(name, value)| {
                let kind = type_of(doc, value, before);
                before = match value {
                    Value::Bytes(bytes) if kind == Type::Bytes => Some(*bytes),
                    _ => None,
                };
                let next = self.fields.len();
                let at = *self.of_field.entry((name, kind)).or_insert(next);
                if at == next {
                    self.fields.push((kind, name, FieldWriter::new(kind)));
                }
                if let Some((_, _, field)) = self.fields.get_mut(at) {
                    field.put(*value);
                }
                at
            })
            .collect();
        let shape = (kind_of(map).unwrap_or_default(), fields);
        let next = self.shapes.len();
        let at = *self.of_shape.entry(shape.clone()).or_insert(next);
        if at == next {
            self.shapes.push(shape);
        }
        leb::put(&mut self.common.entries, at as u64);
    }

    fn finish(self) -> Vec<u8> {
        let mut out = vec![FORMAT];
        let text = |out: &mut Vec<u8>, text: &str| {
            leb::put(out, text.len() as u64);
            out.extend_from_slice(text.as_bytes());
        };
        leb::put(&mut out, self.fields.len() as u64);
        for (kind, name, _) in &self.fields {
            out.push(*kind as u8);
            text(&mut out, name);
        }
        leb::put(&mut out, self.shapes.len() as u64);
        for (kind, fields) in &self.shapes {
            text(&mut out, kind);
            leb::put(&mut out, fields.len() as u64);
            fields.iter().for_each(|at| leb::put(&mut out, *at as u64));
        }
        let common = self.common.streams();
        let streams = || common.into_iter().chain(self.fields.iter().flat_map(|(_, _, field)| field.streams()));
        streams().for_each(|stream| leb::put(&mut out, stream.len() as u64));
        streams().for_each(|stream| out.extend_from_slice(stream));
        out
    }
}

/// The type by which a value takes the fewest bytes.
fn type_of(doc: &DocId, value: &Value, before: Option<&[u8]>) -> Type {
    match value {
        Value::Bytes(bytes) if *bytes == doc.prefix() => Type::Doc,
        Value::Bytes(bytes) if TimeEvidence::from_bytes(bytes).is_some() => Type::Time,
        Value::Bytes(bytes) if bytes.len() == 32 && before.is_some_and(|before| *bytes == sum(before)) => Type::Sum,
        Value::Bytes(_) => Type::Bytes,
        Value::Text(_) => Type::Text,
        Value::Int(_) => Type::Int,
        Value::Uint(_) => Type::Uint,
        Value::Flag(_) => Type::Flag,
    }
}

/// The dependencies and the body of a change chunk.
fn cut(chunk: &[u8]) -> Option<(Vec<ChangeHash>, &[u8])> {
    let mut content = chunk.get(9..)?;
    leb::take(&mut content)?; // the chunk's length
    let count = leb::take(&mut content)?;
    let (hashes, _) = leb::take_bytes(&mut content, count.checked_mul(32)?)?.as_chunks::<32>();
    Some((hashes.iter().map(|hash| ChangeHash::new(*hash)).collect(), content))
}
