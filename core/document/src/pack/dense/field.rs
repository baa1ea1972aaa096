//! The values of one field in all documents of a pack.

use doorstep_domain::TimeEvidence;
use sha2::{Digest, Sha256};

use super::{
    super::PackError,
    stream::{Recent, Stream, put_difference},
    time,
};
use crate::{chunk::Value, leb};

/// How the values of a field are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Type {
    Bytes = 1,
    Text,
    Int,
    Uint,
    Flag,
    /// Time evidence.
    Time,
    /// The first bytes of the document's id.
    Doc,
    /// The SHA-256 of the value before it.
    Sum,
}

impl Type {
    const ALL: [Self; 8] = [Self::Bytes, Self::Text, Self::Int, Self::Uint, Self::Flag, Self::Time, Self::Doc, Self::Sum];

    pub fn of(number: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| *kind as u8 == number)
    }

    /// The number of its streams.
    pub fn streams(self) -> usize {
        match self {
            Self::Bytes | Self::Text => 3,
            Self::Int | Self::Uint | Self::Flag => 1,
            Self::Time => time::STREAMS,
            Self::Doc | Self::Sum => 0,
        }
    }
}

/// The SHA-256 of a value from its third byte on: of the text of a personal value (PROTOCOL.md, section 8).
pub(super) fn sum(value: &[u8]) -> [u8; 32] {
    Sha256::digest(value.get(2..).unwrap_or_default()).into()
}

/// Bytes or texts that are written. One that is among the last different ones has one byte.
pub(super) struct BytesWriter<'a> {
    recent: Recent<&'a [u8]>,
    pub streams: [Vec<u8>; 3],
}

impl<'a> BytesWriter<'a> {
    pub fn new() -> Self {
        Self { recent: Recent::new(), streams: Default::default() }
    }

    pub fn put(&mut self, value: &'a [u8]) {
        let [places, lengths, contents] = &mut self.streams;
        let place = self.recent.place(|known| *known == value);
        places.push(place);
        if place == 0 {
            leb::put(lengths, value.len() as u64);
            contents.extend_from_slice(value);
            self.recent.add(value);
        }
    }
}

/// Bytes or texts that are read.
pub(super) struct BytesReader<'a> {
    recent: Recent<&'a [u8]>,
    pub streams: [Stream<'a>; 3],
}

impl<'a> BytesReader<'a> {
    pub fn new(streams: [Stream<'a>; 3]) -> Self {
        Self { recent: Recent::new(), streams }
    }

    pub fn take(&mut self) -> Result<&'a [u8], PackError> {
        let [places, lengths, contents] = &mut self.streams;
        match places.byte()? {
            0 => {
                let value = contents.bytes(lengths.count(contents.0.len())?)?;
                self.recent.add(value);
                Ok(value)
            }
            place => self.recent.at(place),
        }
    }
}

/// A field that is written.
pub(super) enum FieldWriter<'a> {
    Bytes(BytesWriter<'a>),
    Number(u64, Vec<u8>),
    Flag(Vec<u8>),
    Time(Box<time::Writer>),
    Follows,
}

impl<'a> FieldWriter<'a> {
    pub fn new(kind: Type) -> Self {
        match kind {
            Type::Bytes | Type::Text => Self::Bytes(BytesWriter::new()),
            Type::Int | Type::Uint => Self::Number(0, Vec::new()),
            Type::Flag => Self::Flag(Vec::new()),
            Type::Time => Self::Time(Box::new(time::Writer::new())),
            Type::Doc | Type::Sum => Self::Follows,
        }
    }

    /// Writes a value of the field's type.
    pub fn put(&mut self, value: Value<'a>) {
        match (self, value) {
            (Self::Bytes(field), Value::Bytes(bytes)) => field.put(bytes),
            (Self::Bytes(field), Value::Text(text)) => field.put(text.as_bytes()),
            (Self::Number(before, out), Value::Int(number)) => Self::put_number(before, out, number.cast_unsigned()),
            (Self::Number(before, out), Value::Uint(number)) => Self::put_number(before, out, number),
            (Self::Flag(out), Value::Flag(flag)) => out.push(u8::from(flag)),
            (Self::Time(field), Value::Bytes(bytes)) => TimeEvidence::from_bytes(bytes).iter().for_each(|time| field.put(time)),
            // A value that follows has no streams. The caller looks up a field by its type, so no other pair comes here.
            _ => {}
        }
    }

    fn put_number(before: &mut u64, out: &mut Vec<u8>, number: u64) {
        put_difference(out, number, *before);
        *before = number;
    }

    pub fn streams(&self) -> &[Vec<u8>] {
        match self {
            Self::Bytes(field) => &field.streams,
            Self::Number(_, out) | Self::Flag(out) => std::slice::from_ref(out),
            Self::Time(field) => &field.streams,
            Self::Follows => &[],
        }
    }
}

/// A value that was read.
#[derive(Clone, Copy)]
pub(super) enum Held<'a> {
    Given(Value<'a>),
    Time([u8; 28]),
    /// The first bytes of the document's id, which may not be known yet.
    Doc,
    Sum([u8; 32]),
}

/// A field that is read.
pub(super) enum FieldReader<'a> {
    Bytes(BytesReader<'a>),
    Text(BytesReader<'a>),
    Int(u64, Stream<'a>),
    Uint(u64, Stream<'a>),
    Flag(Stream<'a>),
    Time(Box<time::Reader<'a>>),
    Doc,
    Sum,
}

impl<'a> FieldReader<'a> {
    /// A field of this type, whose streams come next.
    pub fn new(kind: Type, streams: &mut impl Iterator<Item = Stream<'a>>) -> Self {
        let mut next = || streams.next().unwrap_or_default();
        match kind {
            Type::Bytes => Self::Bytes(BytesReader::new([(); 3].map(|()| next()))),
            Type::Text => Self::Text(BytesReader::new([(); 3].map(|()| next()))),
            Type::Int => Self::Int(0, next()),
            Type::Uint => Self::Uint(0, next()),
            Type::Flag => Self::Flag(next()),
            Type::Time => Self::Time(Box::new(time::Reader::new([(); time::STREAMS].map(|()| next())))),
            Type::Doc => Self::Doc,
            Type::Sum => Self::Sum,
        }
    }

    /// Reads a value; `before` is the value before it in its entry, empty unless it was written as bytes.
    pub fn take(&mut self, before: &[u8]) -> Result<Held<'a>, PackError> {
        let number = |before: &mut u64, stream: &mut Stream<'a>| {
            *before = stream.difference(*before)?;
            Ok(*before)
        };
        Ok(Held::Given(match self {
            Self::Bytes(field) => Value::Bytes(field.take()?),
            Self::Text(field) => Value::Text(str::from_utf8(field.take()?).map_err(|_| PackError::Malformed)?),
            Self::Int(before, stream) => Value::Int(number(before, stream)?.cast_signed()),
            Self::Uint(before, stream) => Value::Uint(number(before, stream)?),
            Self::Flag(stream) => match stream.byte()? {
                0 => Value::Flag(false),
                1 => Value::Flag(true),
                _ => return Err(PackError::Malformed),
            },
            Self::Time(field) => return Ok(Held::Time(field.take()?.to_bytes())),
            Self::Doc => return Ok(Held::Doc),
            Self::Sum => return Ok(Held::Sum(sum(before))),
        }))
    }

    /// Whether nothing of its streams is left.
    pub fn is_done(&self) -> bool {
        let is_done = |streams: &[Stream<'_>]| streams.iter().all(|stream| stream.0.is_empty());
        match self {
            Self::Bytes(field) | Self::Text(field) => is_done(&field.streams),
            Self::Int(_, stream) | Self::Uint(_, stream) | Self::Flag(stream) => is_done(&[*stream]),
            Self::Time(field) => is_done(&field.streams),
            Self::Doc | Self::Sum => true,
        }
    }
}
