//! The reader that this crate had before its own: Automerge's parse, its legacy structure, and an encoding of that again. It is kept
//! to check the reader of today. The fuzz target of changes includes this file too.

use std::{
    collections::{BTreeMap, BTreeSet},
    num::NonZeroU64,
    panic::{AssertUnwindSafe, catch_unwind},
};

use automerge::{
    ActorId, ExpandedChange, ObjType, ScalarValue,
    legacy::{Key, ObjectId, OpType},
};
use doorstep_document::{
    Change, MAX_CHANGE_BYTES, MAX_CHANGE_OPS, Refusal,
    chunk::{Chunk, Map, Value},
};
use doorstep_domain::{ChangeHash, DocRef, EntryKey, InstallId, Tag};

/// The root key of a map, and its fields.
type Read = (String, Vec<(String, ScalarValue)>);

/// What Automerge reads from a change that the earlier reader let through, apart from the meaning of fields.
#[derive(Debug, Clone)]
pub struct Oracle {
    hash: ChangeHash,
    install: InstallId,
    expanded: ExpandedChange,
    /// Maps in the order in which they were made, each with its fields in the order of the operations.
    maps: Vec<Read>,
    /// Every field follows the map that it is put into. In another order a change is taken no more, because no writer makes one.
    pub is_in_order: bool,
}

impl Oracle {
    /// Reads a change as the earlier reader did, up to the fields' meaning.
    pub fn read(bytes: &[u8]) -> Result<Self, Refusal> {
        let expanded = decode(bytes)?;
        let install = InstallId::try_from(expanded.actor_id.to_bytes()).map_err(|_| Refusal::Actor)?;
        let sorted = expanded.deps.windows(2).all(|pair| matches!(pair, [a, b] if a < b));
        let carries_more = expanded.time != 0 || expanded.message.is_some() || !expanded.extra_bytes.is_empty();
        if carries_more || expanded.deps.len() > 64 || !sorted {
            return Err(Refusal::Envelope);
        }
        let count = expanded.operations.len();
        if count == 0 || count > MAX_CHANGE_OPS || expanded.start_op.get().saturating_add(count as u64) > 1 << 24 {
            return Err(Refusal::OpCount(count));
        }
        let (maps, is_in_order) = maps(&expanded, &install)?;
        let hash = expanded.hash.map(|hash| ChangeHash::new(hash.0)).ok_or(Refusal::Undecodable)?;
        Ok(Self { hash, install, expanded, maps, is_in_order })
    }

    /// Whether a chunk says what Automerge read.
    pub fn is(&self, hash: &ChangeHash, chunk: &Chunk) -> bool {
        let Chunk { deps, install, seq, start_op, maps } = chunk;
        let same_map = |(ours, theirs): (&Map, &Read)| {
            let fields = ours.fields.iter().map(|(name, value)| ((*name).to_owned(), scalar(*value)));
            ours.key == theirs.0 && fields.eq(theirs.1.iter().cloned())
        };
        *hash == self.hash
            && *install == self.install
            && (*seq, *start_op) == (self.expanded.seq, self.expanded.start_op.get())
            && deps.iter().map(|dep| *dep.as_bytes()).eq(self.expanded.deps.iter().map(|dep| dep.0))
            && maps.len() == self.maps.len()
            && maps.iter().zip(&self.maps).all(same_map)
    }
}

/// Checks one chunk, and says what both readers make of it: `Ok` or the code of the refusal, the earlier reader's first.
///
/// Whatever ours takes the earlier one took, with the same operations and the same hash. Whatever the earlier one took ours takes,
/// but for fields that do not follow their map.
pub fn check(doc: impl Into<DocRef>, bytes: &[u8]) -> (String, String) {
    let doc = doc.into();
    let said = |refused: Option<&Refusal>| refused.map_or("ok".to_owned(), |refusal| refusal.code().to_string());
    let (theirs, ours) = (Oracle::read(bytes), Chunk::read(bytes));
    let change = Change::read(doc, bytes);
    if let Ok((hash, chunk)) = &ours {
        assert_eq!(chunk.write(), (*hash, bytes.to_vec()), "it encodes back");
        assert_eq!(Chunk::read_stored(bytes).as_ref(), Ok(&(*hash, chunk.clone())));
        assert_eq!(written(chunk), bytes, "to the bytes that Automerge gives it");
        let theirs = theirs.as_ref().map(|oracle| assert!(oracle.is(hash, chunk), "{chunk:?}, not {oracle:?}"));
        // Ours does not read keys, so that the reader of changes must refuse a foreign one.
        assert!(theirs.is_ok() || matches!(theirs, Err(Refusal::Key | Refusal::OpCount(_) | Refusal::Shape(_))), "{theirs:?}");
    }
    if let Ok(oracle) = &theirs {
        assert!(ours.is_ok() || !oracle.is_in_order, "{:?} of {oracle:?}", ours.as_ref().err());
        // What is left to refuse is what the fields say.
        let fields = ["field", "other_case", "kind", "no_facts"];
        let refused = said(change.as_ref().err());
        assert!(change.is_ok() || !oracle.is_in_order || fields.contains(&refused.as_str()), "{refused} of {oracle:?}");
    }
    if let Ok(change) = &change {
        let oracle = theirs.as_ref().expect("the earlier reader takes it");
        let (hash, chunk) = ours.as_ref().expect("it is a chunk");
        assert!(oracle.is(&change.hash(), chunk));
        assert_eq!(
            (change.hash(), change.install(), change.seq(), change.start_op()),
            (*hash, chunk.install, chunk.seq, chunk.start_op)
        );
        assert_eq!((change.deps(), change.bytes()), (chunk.deps.as_slice(), bytes));
        assert_eq!(change.max_op(), chunk.start_op + chunk.operations() as u64 - 1);
        assert_eq!(Change::read_stored(&doc.id, bytes).as_ref(), Ok(change));
    }
    (said(theirs.as_ref().err()), said(change.as_ref().err()))
}

/// The bytes that Automerge's own encoding gives to a chunk.
pub fn written(chunk: &Chunk) -> Vec<u8> {
    use automerge::legacy::{Op, OpId, SortedVec};
    let actor = ActorId::from(chunk.install.as_bytes().as_slice());
    let op = |obj, name: &str, action| Op { action, obj, key: Key::Map(name.into()), pred: SortedVec::new(), insert: false };
    let mut operations = Vec::new();
    for map in &chunk.maps {
        let made = OpId::new(chunk.start_op + operations.len() as u64, &actor);
        operations.push(op(ObjectId::Root, map.key, OpType::Make(ObjType::Map)));
        let put = |(name, value): &(&str, Value)| op(ObjectId::Id(made.clone()), name, OpType::Put(scalar(*value)));
        operations.extend(map.fields.iter().map(put));
    }
    let expanded = ExpandedChange {
        operations,
        actor_id: actor,
        hash: None,
        seq: chunk.seq,
        start_op: NonZeroU64::new(chunk.start_op).expect("counters begin at 1"),
        time: 0,
        message: None,
        deps: chunk.deps.iter().map(|dep| automerge::ChangeHash(*dep.as_bytes())).collect(),
        extra_bytes: Vec::new(),
        author: None,
    };
    automerge::Change::from(expanded).raw_bytes().to_vec()
}

/// A value as Automerge has it.
pub fn scalar(value: Value) -> ScalarValue {
    match value {
        Value::Bytes(bytes) => ScalarValue::Bytes(bytes.to_vec()),
        Value::Text(text) => ScalarValue::Str(text.into()),
        Value::Int(number) => ScalarValue::Int(number),
        Value::Uint(number) => ScalarValue::Uint(number),
        Value::Flag(flag) => ScalarValue::Boolean(flag),
    }
}

fn decode(bytes: &[u8]) -> Result<ExpandedChange, Refusal> {
    if bytes.len() > MAX_CHANGE_BYTES {
        return Err(Refusal::TooLarge(bytes.len()));
    }
    let Some(([0x85, 0x6f, 0x4a, 0x83, checksum @ ..], [1, rest @ ..])) = bytes.split_first_chunk::<8>() else {
        return Err(Refusal::ChunkType);
    };
    let mut content = rest;
    unsigned(&mut content).ok_or(Refusal::Undecodable)?;
    bound(content)?;
    // `AssertUnwindSafe`: the closure only reads `bytes` and what it builds is dropped on a panic.
    let (expanded, again) = catch_unwind(AssertUnwindSafe(|| {
        let expanded = automerge::Change::from_bytes(bytes.to_vec()).ok()?.decode();
        let again = automerge::Change::from(expanded.clone());
        Some((expanded, again))
    }))
    .ok()
    .flatten()
    .ok_or(Refusal::Undecodable)?;
    if !expanded.hash.ok_or(Refusal::Undecodable)?.0.starts_with(checksum) {
        return Err(Refusal::Checksum);
    }
    if again.raw_bytes() != bytes { Err(Refusal::NotCanonical) } else { Ok(expanded) }
}

fn maps(change: &ExpandedChange, install: &InstallId) -> Result<(Vec<Read>, bool), Refusal> {
    let tag = Tag::of(install);
    let start_op = change.start_op.get();
    let mut keys = BTreeSet::new();
    let mut maps: BTreeMap<u64, (EntryKey, Vec<(String, ScalarValue)>)> = BTreeMap::new();
    let mut is_in_order = true;
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
                maps.insert(start_op + i as u64, (key, Vec::new()));
            }
            (ObjectId::Id(map), OpType::Put(value)) if *map.actor() == change.actor_id => {
                use ScalarValue::{Boolean, Bytes, Int, Str, Uint};
                is_in_order &= maps.last_key_value().is_some_and(|(last, _)| *last == map.counter());
                let known = matches!(value, Bytes(_) | Str(_) | Int(_) | Uint(_) | Boolean(_));
                let (_, fields) = maps.get_mut(&map.counter()).ok_or(Refusal::Shape(i))?;
                if !known || name.len() > 32 || fields.iter().any(|(known, _)| *known == **name) {
                    return Err(Refusal::Shape(i));
                }
                fields.push((name.to_string(), value.clone()));
            }
            _ => return Err(Refusal::Shape(i)),
        }
    }
    let several = maps.len() > 1;
    if maps.len() > 16 {
        return Err(Refusal::OpCount(change.operations.len()));
    }
    let entry = |(i, (key, fields)): (usize, (EntryKey, Vec<(String, ScalarValue)>))| {
        (key.index == several.then_some(i as u32)).then(|| (key.to_string(), fields)).ok_or(Refusal::Key)
    };
    Ok((maps.into_values().enumerate().map(entry).collect::<Result<_, _>>()?, is_in_order))
}

/// Refuses a chunk whose columns claim more operations than allowed, are compressed, or name predecessors, before Automerge
/// expands them. `content` is the part of the chunk after its length.
fn bound(mut input: &[u8]) -> Result<(), Refusal> {
    for (spec, length) in header(&mut input).ok_or(Refusal::Undecodable)? {
        let data = bytes(&mut input, length).ok_or(Refusal::Undecodable)?;
        if spec & 8 != 0 {
            return Err(Refusal::ChunkType);
        }
        if spec >> 4 == 7 && spec != 0x70 {
            return Err(Refusal::Shape(0));
        }
        let (count, all_zero) = match spec & 7 {
            7 => (0, true),
            4 => (booleans(data).ok_or(Refusal::Undecodable)?, true),
            kind => runs(data, kind == 5).ok_or(Refusal::Undecodable)?,
        };
        if spec == 0x70 && !all_zero {
            return Err(Refusal::Shape(0));
        }
        if count > MAX_CHANGE_OPS as u64 {
            return Err(Refusal::OpCount(usize::try_from(count).unwrap_or(usize::MAX)));
        }
    }
    Ok(())
}

/// Skips to the column table and reads each column's specification and length in bytes.
fn header(input: &mut &[u8]) -> Option<Vec<(u64, u64)>> {
    let deps = unsigned(input)?;
    bytes(input, deps.checked_mul(32)?)?;
    let actor = unsigned(input)?;
    bytes(input, actor)?;
    unsigned(input)?; // sequence number
    unsigned(input)?; // first operation
    signed(input)?; // time
    let message = unsigned(input)?;
    bytes(input, message)?;
    for _ in 0..unsigned(input)? {
        let actor = unsigned(input)?;
        bytes(input, actor)?;
    }
    (0..unsigned(input)?).map(|_| Some((unsigned(input)?, unsigned(input)?))).collect()
}

fn booleans(mut data: &[u8]) -> Option<u64> {
    let mut count: u64 = 0;
    while !data.is_empty() {
        count = count.saturating_add(unsigned(&mut data)?);
    }
    Some(count)
}

/// The number of values in a run-length coded column, and whether every value is zero.
fn runs(mut data: &[u8], is_text: bool) -> Option<(u64, bool)> {
    let (mut count, mut all_zero): (u64, bool) = (0, true);
    while !data.is_empty() {
        let length = signed(&mut data)?;
        let (claimed, values) = match length {
            1.. => (length.unsigned_abs(), 1),
            0 => (unsigned(&mut data)?, 0),
            _ => (length.unsigned_abs(), length.unsigned_abs()),
        };
        count = count.saturating_add(claimed);
        for _ in 0..values {
            let value = unsigned(&mut data)?;
            if is_text {
                bytes(&mut data, value)?;
            }
            all_zero &= value == 0;
        }
    }
    Some((count, all_zero))
}

fn bytes<'a>(input: &mut &'a [u8], length: u64) -> Option<&'a [u8]> {
    let (bytes, rest) = input.split_at_checked(usize::try_from(length).ok()?)?;
    *input = rest;
    Some(bytes)
}

fn unsigned(input: &mut &[u8]) -> Option<u64> {
    let mut value: u64 = 0;
    for shift in (0..70).step_by(7) {
        let (byte, rest) = input.split_first()?;
        *input = rest;
        value |= u64::from(byte & 0x7f).checked_shl(shift).unwrap_or(0);
        if byte & 0x80 == 0 {
            return Some(value);
        }
    }
    None
}

fn signed(input: &mut &[u8]) -> Option<i64> {
    let mut value: i64 = 0;
    for shift in (0..70).step_by(7) {
        let (byte, rest) = input.split_first()?;
        *input = rest;
        value |= i64::from(byte & 0x7f).checked_shl(shift).unwrap_or(0);
        if byte & 0x80 == 0 {
            let sign = shift + 7;
            return Some(if sign < 64 && byte & 0x40 != 0 { value | (-1 << sign) } else { value });
        }
    }
    None
}
