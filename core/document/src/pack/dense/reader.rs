//! Reads a pack and rebuilds its changes.

use doorstep_domain::{ChangeHash, DocId, InstallId, Tag};

use super::{
    super::{MAX_CHANGES, PackError},
    field::{FieldReader, Held, Type},
    history::History,
    limits::{COMMON, FORMAT, LEAST_CHANGE, MAX_ENTRIES, MAX_ENTRY_FIELDS, MAX_FIELDS, MAX_SHAPES, Rebuilt},
    stream::{Recent, Stream},
    writer::id_of,
};
use crate::{
    MAX_CHANGE_BYTES,
    chunk::{Chunk, MAX_DEPS, Map, Value, seal},
    leb,
};

/// Most bytes of a name or a kind.
const MAX_NAME: usize = 32;

pub(super) fn read(pack: &[u8], limit: usize) -> Result<Vec<Rebuilt>, PackError> {
    let mut input = Stream(pack);
    if input.0.is_empty() || input.byte()? != FORMAT {
        return Err(PackError::Format);
    }
    let mut names = Vec::new();
    for _ in 0..input.count(MAX_FIELDS)? {
        let kind = Type::of(input.byte()?).ok_or(PackError::Malformed)?;
        names.push((kind, name(&mut input)?));
    }
    let mut shapes = Vec::new();
    for _ in 0..input.count(MAX_SHAPES)? {
        let kind = name(&mut input)?;
        let count = input.count(MAX_ENTRY_FIELDS)?;
        let at = |_| input.count(names.len().checked_sub(1).ok_or(PackError::Malformed)?);
        let fields: Vec<usize> = (0..count).map(at).collect::<Result<_, _>>()?;
        shapes.push(Shape { kind, fields });
    }
    let count = COMMON + names.iter().map(|(kind, _)| kind.streams()).sum::<usize>();
    let lengths: Vec<usize> = (0..count).map(|_| input.count(pack.len())).collect::<Result<_, _>>()?;
    let streams: Vec<Stream> = lengths.into_iter().map(|length| input.bytes(length).map(Stream)).collect::<Result<_, _>>()?;
    if !input.0.is_empty() {
        return Err(PackError::Malformed);
    }
    let mut streams = streams.into_iter();
    let mut next = || streams.next().unwrap_or_default();
    let [mut docs, ids, deps, hashes, forms, writers, installs, seqs, starts, entries, lengths, bodies] =
        [(); COMMON].map(|()| next());
    let common = Common { ids, deps, hashes, forms, writers, installs, seqs, starts, entries, lengths, bodies };
    let fields = names.into_iter().map(|(kind, name)| (name, FieldReader::new(kind, &mut streams))).collect();
    let mut pack = Pack { common, installs: Recent::new(), tag: None, fields, shapes, room: limit };
    let mut rebuilt = Vec::new();
    while !docs.0.is_empty() {
        rebuilt.push(pack.doc(docs.number()?)?);
    }
    if pack.is_done() { Ok(rebuilt) } else { Err(PackError::Malformed) }
}

fn name<'a>(input: &mut Stream<'a>) -> Result<&'a str, PackError> {
    let bytes = input.text()?;
    str::from_utf8(bytes).ok().filter(|name| name.len() <= MAX_NAME).ok_or(PackError::Malformed)
}

/// A kind of entry with the places of its fields.
struct Shape<'a> {
    kind: &'a str,
    fields: Vec<usize>,
}

/// The streams of the changes.
struct Common<'a> {
    ids: Stream<'a>,
    deps: Stream<'a>,
    hashes: Stream<'a>,
    forms: Stream<'a>,
    writers: Stream<'a>,
    installs: Stream<'a>,
    seqs: Stream<'a>,
    starts: Stream<'a>,
    entries: Stream<'a>,
    lengths: Stream<'a>,
    bodies: Stream<'a>,
}

struct Pack<'a> {
    common: Common<'a>,
    installs: Recent<InstallId>,
    /// The last writer with its tag.
    tag: Option<(InstallId, Tag)>,
    fields: Vec<(&'a str, FieldReader<'a>)>,
    shapes: Vec<Shape<'a>>,
    /// The bytes that may still be rebuilt.
    room: usize,
}

/// An entry that was read: its kind, names and values.
struct Entry<'a> {
    kind: &'a str,
    fields: Vec<(&'a str, Held<'a>)>,
}

impl<'a> Entry<'a> {
    fn text(&self, name: &str) -> Option<&'a str> {
        self.fields.iter().find_map(|(field, value)| match value {
            Held::Given(Value::Text(text)) if *field == name => Some(*text),
            _ => None,
        })
    }
}

impl<'a> Pack<'a> {
    fn doc(&mut self, head: u64) -> Result<Rebuilt, PackError> {
        let count = usize::try_from(head / 2).ok().filter(|count| *count <= MAX_CHANGES).ok_or(PackError::TooLarge)?;
        let mut doc = if head % 2 == 1 { Some(DocId::new(self.common.ids.array()?)) } else { None };
        let mut history = History::default();
        let mut changes = Vec::new();
        for _ in 0..count {
            let deps = self.deps(&history)?;
            let (hash, bytes) = match self.common.forms.count(MAX_ENTRIES)? {
                0 => self.verbatim(&mut history, &deps)?,
                entries => self.change(&mut doc, &mut history, deps, entries)?,
            };
            self.room = self.room.checked_sub(bytes.len().max(LEAST_CHANGE)).ok_or(PackError::OverLimit)?;
            changes.push((hash, bytes));
        }
        Ok(Rebuilt { doc: doc.ok_or(PackError::Malformed)?, changes })
    }

    fn deps(&mut self, history: &History) -> Result<Vec<ChangeHash>, PackError> {
        let Common { deps, hashes, .. } = &mut self.common;
        let Some(count) = deps.count(MAX_DEPS + 1)?.checked_sub(1) else {
            let heads = history.heads();
            return if heads.len() <= MAX_DEPS { Ok(heads.copied().collect()) } else { Err(PackError::Malformed) };
        };
        let mut dep = |_| match deps.number()? {
            0 => Ok(ChangeHash::new(hashes.array()?)),
            back => history.at(back).ok_or(PackError::Malformed),
        };
        (0..count).map(&mut dep).collect()
    }

    fn verbatim(&mut self, history: &mut History, deps: &[ChangeHash]) -> Result<(ChangeHash, Vec<u8>), PackError> {
        let length = usize::try_from(self.common.lengths.number()?).ok().filter(|length| *length <= MAX_CHANGE_BYTES);
        let body = self.common.bodies.bytes(length.ok_or(PackError::TooLarge)?)?;
        let mut content = Vec::with_capacity(body.len() + 32 * deps.len() + 1);
        leb::put(&mut content, deps.len() as u64);
        deps.iter().for_each(|dep| content.extend_from_slice(dep.as_bytes()));
        content.extend_from_slice(body);
        let (hash, bytes) = seal(&content);
        history.add(hash, deps, None);
        Ok((hash, bytes))
    }

    fn change(
        &mut self,
        doc: &mut Option<DocId>,
        history: &mut History,
        deps: Vec<ChangeHash>,
        entries: usize,
    ) -> Result<(ChangeHash, Vec<u8>), PackError> {
        let (install, tag) = self.writer()?;
        let seq = self.common.seqs.difference(history.next_seq(&install))?;
        let start_op = self.common.starts.difference(history.next_op(&deps))?;
        let mut room = MAX_CHANGE_BYTES;
        let entries: Vec<Entry> = (0..entries).map(|_| self.entry(&mut room)).collect::<Result<_, _>>()?;
        let id = match *doc {
            Some(id) => id,
            None => {
                let named = entries.iter().map(|entry| (entry.text("net"), entry.text("wb")));
                *doc.insert(id_of(named).ok_or(PackError::Malformed)?)
            }
        };
        let prefix = id.prefix();
        let keys: Vec<String> = (0..).zip(&entries).map(|(i, entry)| key(entry.kind, &tag, seq, entries.len(), i)).collect();
        let mut maps = Vec::with_capacity(entries.len());
        for (key, entry) in keys.iter().zip(&entries) {
            let mut fields = Vec::with_capacity(entry.fields.len());
            for (name, held) in &entry.fields {
                let value = match held {
                    Held::Given(value) => *value,
                    Held::Time(bytes) => Value::Bytes(bytes),
                    Held::Doc => Value::Bytes(&prefix),
                    Held::Sum(sum) => Value::Bytes(sum),
                };
                fields.push((*name, value));
            }
            maps.push(Map { key, fields });
        }
        let chunk = Chunk { deps, install, seq, start_op, maps };
        let (hash, bytes) = chunk.write();
        // Names and numbers take room too. A larger change could travel no other way, and the log keeps every batch in format 2.
        if bytes.len() > MAX_CHANGE_BYTES {
            return Err(PackError::TooLarge);
        }
        history.add(hash, &chunk.deps, Some(&chunk));
        Ok((hash, bytes))
    }

    fn writer(&mut self) -> Result<(InstallId, Tag), PackError> {
        let install = match self.common.writers.byte()? {
            0 => {
                let install = InstallId::new(self.common.installs.array()?);
                self.installs.add(install);
                install
            }
            place => self.installs.at(place)?,
        };
        let tag = match self.tag {
            Some((known, tag)) if known == install => tag,
            _ => Tag::of(&install),
        };
        self.tag = Some((install, tag));
        Ok((install, tag))
    }

    /// Reads an entry. `room`: the bytes of values that its change may still have. Few bytes name a large value again, so they are
    /// counted before a value is hashed or copied.
    fn entry(&mut self, room: &mut usize) -> Result<Entry<'a>, PackError> {
        let at = usize::try_from(self.common.entries.number()?).map_err(|_| PackError::Malformed)?;
        let shape = self.shapes.get(at).ok_or(PackError::Malformed)?;
        let mut fields = Vec::with_capacity(shape.fields.len());
        let mut before: &[u8] = &[];
        for at in &shape.fields {
            let (name, field) = self.fields.get_mut(*at).ok_or(PackError::Malformed)?;
            let value = field.take(before)?;
            let bytes = match value {
                Held::Given(Value::Bytes(bytes)) => bytes,
                Held::Given(Value::Text(text)) => text.as_bytes(),
                _ => &[],
            };
            *room = room.checked_sub(bytes.len()).ok_or(PackError::TooLarge)?;
            before = if matches!(value, Held::Given(Value::Bytes(_))) { bytes } else { &[] };
            fields.push((*name, value));
        }
        Ok(Entry { kind: shape.kind, fields })
    }

    /// Whether nothing is left in any stream.
    fn is_done(&self) -> bool {
        let Common { ids, deps, hashes, forms, writers, installs, seqs, starts, entries, lengths, bodies } = &self.common;
        let common = [ids, deps, hashes, forms, writers, installs, seqs, starts, entries, lengths, bodies];
        common.iter().all(|stream| stream.0.is_empty()) && self.fields.iter().all(|(_, field)| field.is_done())
    }
}

/// The key of an entry. The only entry of a change has no index.
fn key(kind: &str, tag: &Tag, seq: u64, entries: usize, index: u32) -> String {
    let index = (entries > 1).then_some(index);
    doorstep_domain::EntryKey { kind: kind.to_owned(), tag: *tag, seq, index }.to_string()
}
