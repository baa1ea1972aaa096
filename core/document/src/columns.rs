//! The operations of a change, column by column.
//!
//! A change that [`crate::Change::write`] makes has operations of two kinds only: one makes a map at a root key, which is an
//! entry, and those after it put a value at a name in this map, which are the entry's fields. So of Automerge's columns there are
//! these, in this order:
//!
//! | column | content | coded as |
//! |---|---|---|
//! | `0x01` | actor of the map that is put into: always the first, 0 | runs |
//! | `0x02` | operation that made this map | runs |
//! | `0x15` | root key or name | runs of texts |
//! | `0x34` | insertions: none | number of operations |
//! | `0x42` | action: 0 makes a map, 1 puts a value | runs |
//! | `0x56` | type and length of the value | runs |
//! | `0x57` | bytes of all values | as they are; absent if there are none |
//! | `0x70` | number of predecessors: 0 | runs |
//!
//! A column's number has the type of its values in the lowest three bits. The fourth bit would say that it is compressed. Before
//! the columns is a table with the number and length in bytes of each. Numbers are LEB128.

use crate::{
    MAX_CHANGE_OPS, Refusal, leb,
    runs::{self, Malformed, Runs},
};

const MAP_ACTOR: u64 = 0x01;
const MAP: u64 = 0x02;
const KEY_ACTOR: u64 = 0x11;
const KEY_COUNTER: u64 = 0x13;
const NAME: u64 = 0x15;
const INSERT: u64 = 0x34;
const ACTION: u64 = 0x42;
const VALUE: u64 = 0x56;
const VALUE_BYTES: u64 = 0x57;
const PREDECESSORS: u64 = 0x70;
/// The bit of a column's number that says that it is compressed.
const DEFLATE: u64 = 8;

const MAKE: u64 = 0;
const PUT: u64 = 1;

/// Longest name of a field in bytes.
const MAX_NAME: usize = 32;

/// The value of a field as the change has it, whatever it means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Value<'a> {
    /// Bytes.
    Bytes(&'a [u8]),
    /// Text.
    Text(&'a str),
    /// A signed number.
    Int(i64),
    /// An unsigned number.
    Uint(u64),
    /// True or false.
    Flag(bool),
}

/// A map at a root key of the document: an entry, whatever it means.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Map<'a> {
    /// The root key.
    pub key: &'a str,
    /// Names with values, in the order written.
    pub fields: Vec<(&'a str, Value<'a>)>,
}

impl Map<'_> {
    /// The number of operations that make and fill it.
    pub fn operations(&self) -> usize {
        1 + self.fields.len()
    }
}

struct Operation<'a> {
    /// The operation that made the map that is put into. `None` makes a map.
    map: Option<u64>,
    name: &'a str,
    /// Type of the value in the lowest four bits, above them its length in bytes.
    value: u64,
}

/// The operations of a change that is being written.
pub(crate) struct Operations<'a> {
    start_op: u64,
    /// The operation that made the last map.
    map: u64,
    operations: Vec<Operation<'a>>,
    /// The bytes of all values.
    values: Vec<u8>,
}

impl<'a> Operations<'a> {
    /// No operations yet; the first will have this counter.
    pub(crate) fn new(start_op: u64) -> Self {
        Self { start_op, map: start_op, operations: Vec::with_capacity(32), values: Vec::with_capacity(256) }
    }

    /// The operations of these maps.
    pub(crate) fn of(start_op: u64, maps: &[Map<'a>]) -> Self {
        let mut operations = Self::new(start_op);
        operations.operations.reserve(maps.iter().map(Map::operations).sum());
        for map in maps {
            operations.make(map.key);
            map.fields.iter().for_each(|(name, value)| operations.put(name, *value));
        }
        operations
    }

    /// Makes a map at a root key.
    pub(crate) fn make(&mut self, key: &'a str) {
        self.map = self.start_op.saturating_add(self.operations.len() as u64);
        self.operations.push(Operation { map: None, name: key, value: 0 });
    }

    /// Puts a value into the last map.
    pub(crate) fn put(&mut self, name: &'a str, value: Value) {
        let start = self.values.len();
        let kind = match value {
            Value::Flag(false) => 1,
            Value::Flag(true) => 2,
            Value::Uint(number) => {
                leb::put(&mut self.values, number);
                3
            }
            Value::Int(number) => {
                leb::put_signed(&mut self.values, number);
                4
            }
            Value::Text(text) => {
                self.values.extend_from_slice(text.as_bytes());
                6
            }
            Value::Bytes(bytes) => {
                self.values.extend_from_slice(bytes);
                7
            }
        };
        let length = (self.values.len() - start) as u64;
        self.operations.push(Operation { map: Some(self.map), name, value: length << 4 | kind });
    }

    /// Writes the table and the columns.
    pub(crate) fn write(&self, out: &mut Vec<u8>) {
        let all = self.operations.as_slice();
        let mut data = Vec::with_capacity(self.values.len() + 24 * all.len());
        let mut table = Vec::with_capacity(8);
        let mut column = |number: u64, write: &dyn Fn(&mut Vec<u8>)| {
            let start = data.len();
            write(&mut data);
            if data.len() > start {
                table.push((number, data.len() - start));
            }
        };
        column(MAP_ACTOR, &|out| runs::write(out, all, |op| op.map.map(|_| 0_u64)));
        column(MAP, &|out| runs::write(out, all, |op| op.map));
        column(NAME, &|out| runs::write(out, all, |op| Some(op.name)));
        column(INSERT, &|out| leb::put(out, all.len() as u64));
        column(ACTION, &|out| runs::write(out, all, |op| Some(if op.map.is_none() { MAKE } else { PUT })));
        column(VALUE, &|out| runs::write(out, all, |op| Some(op.value)));
        column(VALUE_BYTES, &|out| out.extend_from_slice(&self.values));
        column(PREDECESSORS, &|out| runs::write(out, all, |_| Some(0_u64)));
        leb::put(out, table.len() as u64);
        for (number, length) in table {
            leb::put(out, number);
            leb::put(out, length as u64);
        }
        out.extend_from_slice(&data);
    }
}

/// The columns of a change that is being read. One that is absent has no bytes.
#[derive(Default)]
pub(crate) struct Columns<'a> {
    map_actor: &'a [u8],
    map: &'a [u8],
    name: &'a [u8],
    insert: &'a [u8],
    action: &'a [u8],
    value: &'a [u8],
    value_bytes: &'a [u8],
    predecessors: &'a [u8],
}

impl<'a> Columns<'a> {
    /// Reads the table, cuts the columns, and moves past them.
    pub(crate) fn read(input: &mut &'a [u8]) -> Result<Self, Refusal> {
        let mut columns = Self::default();
        let count = leb::take(input).ok_or(Refusal::Undecodable)?;
        let mut table = *input;
        for _ in 0..count {
            leb::take(input).and_then(|_| leb::take(input)).ok_or(Refusal::Undecodable)?;
        }
        for _ in 0..count {
            let (number, length) = leb::take(&mut table).zip(leb::take(&mut table)).ok_or(Refusal::Undecodable)?;
            if number & DEFLATE != 0 {
                return Err(Refusal::ChunkType);
            }
            let column = match number {
                MAP_ACTOR => &mut columns.map_actor,
                MAP => &mut columns.map,
                NAME => &mut columns.name,
                INSERT => &mut columns.insert,
                ACTION => &mut columns.action,
                VALUE => &mut columns.value,
                VALUE_BYTES => &mut columns.value_bytes,
                PREDECESSORS => &mut columns.predecessors,
                // These would name places in a list, or predecessors.
                KEY_ACTOR | KEY_COUNTER | 0x71..=0x77 => return Err(Refusal::Shape(0)),
                _ => return Err(Refusal::NotCanonical),
            };
            *column = leb::take_bytes(input, length).ok_or(Refusal::Undecodable)?;
        }
        Ok(columns)
    }

    /// The number of operations. It is read first, because 81 bytes can claim a million of them.
    pub(crate) fn count(&self) -> Result<usize, Refusal> {
        let mut insert = self.insert;
        let count = if insert.is_empty() { 0 } else { leb::take(&mut insert).ok_or(Refusal::Undecodable)? };
        let count = usize::try_from(count).unwrap_or(usize::MAX);
        match insert {
            _ if count == 0 || count > MAX_CHANGE_OPS => Err(Refusal::OpCount(count)),
            [] => Ok(count),
            _ => Err(Refusal::Shape(count)), // the operation after these inserts
        }
    }

    /// Reads so many operations, of which the first has this counter, and refuses any other than making a map at a root key and
    /// putting a value into the last map made.
    pub(crate) fn maps(&self, count: usize, start_op: u64) -> Result<Vec<Map<'a>>, Refusal> {
        let mut map_actor = Runs::<u64>::new(self.map_actor);
        let mut map = Runs::<u64>::new(self.map);
        let mut name = Runs::<&str>::new(self.name);
        let mut action = Runs::<u64>::new(self.action);
        let mut value = Runs::<u64>::new(self.value);
        let mut predecessors = Runs::<u64>::new(self.predecessors);
        let mut value_bytes = self.value_bytes;
        let mut maps: Vec<Map> = Vec::new();
        let mut last = 0;
        for at in 0..count {
            let into = (map_actor.next()?, map.next()?);
            let name = name.next()?.ok_or(Malformed)?;
            let (action, value) = (action.next()?.ok_or(Malformed)?, value.next()?.ok_or(Malformed)?);
            if predecessors.next()?.ok_or(Malformed)? != 0 {
                return Err(Refusal::Shape(at));
            }
            match (into, action, value) {
                ((None, None), MAKE, 0) => {
                    last = start_op.saturating_add(at as u64);
                    maps.push(Map { key: name, fields: Vec::with_capacity((count - at).min(24)) });
                }
                ((Some(0), Some(map)), PUT, _) if map == last && name.len() <= MAX_NAME => {
                    let Some(Map { fields, .. }) = maps.last_mut() else { return Err(Refusal::Shape(at)) };
                    fields.push((name, take_value(&mut value_bytes, value, at)?));
                }
                _ => return Err(Refusal::Shape(at)),
            }
        }
        Ok(maps)
    }
}

fn take_value<'a>(input: &mut &'a [u8], kind_and_length: u64, at: usize) -> Result<Value<'a>, Refusal> {
    let mut bytes = leb::take_bytes(input, kind_and_length >> 4).ok_or(Refusal::Undecodable)?;
    let value = match kind_and_length & 15 {
        1 => return Ok(Value::Flag(false)),
        2 => return Ok(Value::Flag(true)),
        3 => leb::take(&mut bytes).filter(|_| bytes.is_empty()).map(Value::Uint),
        4 => leb::take_signed(&mut bytes).filter(|_| bytes.is_empty()).map(Value::Int),
        6 => str::from_utf8(bytes).ok().map(Value::Text),
        7 => return Ok(Value::Bytes(bytes)),
        _ => return Err(Refusal::Shape(at)), // none, a fraction, a counter, a time, or one that Automerge does not know
    };
    value.ok_or(Refusal::Undecodable)
}

impl From<Malformed> for Refusal {
    fn from(Malformed: Malformed) -> Self {
        Self::Undecodable
    }
}
