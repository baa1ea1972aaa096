//! A change as its bytes have it, whatever its entries mean: the part of Automerge's binary format that our changes use.
//!
//! A change is one chunk:
//!
//! | part | content |
//! |---|---|
//! | magic | `85 6f 4a 83` |
//! | checksum | the first four bytes of the hash, which is the SHA-256 of all that follows the checksum |
//! | type | 1, an uncompressed change |
//! | length | of the content in bytes |
//! | content | the number of dependencies and their hashes of 32 bytes, sorted; 16 and the writer's installation; sequence number; counter of the first operation; 0 for the time; 0 for the message; 0 for other actors; the operations, by columns |
//!
//! Numbers are LEB128. `columns.rs` has the layout of the columns.
//!
//! A chunk that [`Chunk::read`] accepts encodes back to the same bytes, and these are the bytes that Automerge's own transaction
//! gives these operations (tested). So Automerge reads from it the same operations and the same hash.

use doorstep_domain::{ChangeHash, InstallId};
use sha2::{Digest, Sha256};

pub use crate::columns::{Map, Value};
use crate::{
    MAX_CHANGE_BYTES, Refusal,
    columns::{Columns, Operations},
    leb,
};

const MAGIC: [u8; 4] = [0x85, 0x6f, 0x4a, 0x83];
/// The type of an uncompressed change.
const CHANGE: u8 = 1;
/// Most heads that a change may join. In the worst case there is one for each installation that ever wrote to the case.
pub(crate) const MAX_DEPS: usize = 64;
/// Operation counters stay far below 2^32, where Automerge panics. An honest case has a few thousand.
const MAX_OP: u64 = 1 << 24;

/// A change before its entries are understood, and what its bytes are made from.
///
/// ```
/// use doorstep_document::{Refusal, chunk::{Chunk, Map, Value}};
/// use doorstep_domain::InstallId;
///
/// let map = Map { key: "note/abcdefgh-1", fields: vec![("by", Value::Text("c101")), ("v", Value::Uint(1))] };
/// let chunk = Chunk { deps: vec![], install: InstallId::new([1; 16]), seq: 1, start_op: 1, maps: vec![map] };
/// let (hash, bytes) = chunk.write();
/// assert_eq!(Chunk::read(&bytes)?, (hash, chunk));
/// # Ok::<(), Refusal>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Chunk<'a> {
    /// The hashes of the changes that it depends on, sorted, at most 64.
    pub deps: Vec<ChangeHash>,
    /// The installation that wrote it.
    pub install: InstallId,
    /// Its number among the installation's changes of the document.
    pub seq: u64,
    /// Its first operation counter, from 1.
    pub start_op: u64,
    /// Its entries, in the order written.
    pub maps: Vec<Map<'a>>,
}

impl<'a> Chunk<'a> {
    /// Reads a chunk with its hash. Refuses one that has a wrong checksum, has another shape than that of our changes, or does not
    /// encode back to the same bytes. Never panics on any bytes.
    pub fn read(bytes: &'a [u8]) -> Result<(ChangeHash, Self), Refusal> {
        let (hash, content, chunk) = decode(bytes)?;
        let again = chunk.content();
        if again == content { Ok((hash, chunk)) } else { Err(Refusal::NotCanonical) }
    }

    /// Reads a chunk that [`Chunk::read`] has accepted before. It checks the checksum, but does not encode the chunk again.
    pub fn read_stored(bytes: &'a [u8]) -> Result<(ChangeHash, Self), Refusal> {
        decode(bytes).map(|(hash, _, chunk)| (hash, chunk))
    }

    /// Writes the chunk, with its hash. Dependencies must be sorted, and the limits of [`Chunk::read`] kept, else no reader accepts
    /// it.
    pub fn write(&self) -> (ChangeHash, Vec<u8>) {
        seal(&self.content())
    }

    /// The number of its operations: one for each entry and one for each field.
    pub fn operations(&self) -> usize {
        self.maps.iter().map(Map::operations).sum()
    }

    fn content(&self) -> Vec<u8> {
        content(&self.deps, &self.install, self.seq, self.start_op, &Operations::of(self.start_op, &self.maps))
    }
}

/// The content of a chunk.
pub(crate) fn content(deps: &[ChangeHash], install: &InstallId, seq: u64, start_op: u64, operations: &Operations) -> Vec<u8> {
    let mut out = Vec::with_capacity(512);
    leb::put(&mut out, deps.len() as u64);
    deps.iter().for_each(|dep| out.extend_from_slice(dep.as_bytes()));
    leb::put(&mut out, install.as_bytes().len() as u64);
    out.extend_from_slice(install.as_bytes());
    leb::put(&mut out, seq);
    leb::put(&mut out, start_op);
    out.extend_from_slice(&[0; 3]); // time, message, other actors
    operations.write(&mut out);
    out
}

/// Builds a chunk from its content by adding magic, checksum, type and length.
pub(crate) fn seal(content: &[u8]) -> (ChangeHash, Vec<u8>) {
    let mut chunk = Vec::with_capacity(content.len() + 12);
    chunk.extend_from_slice(&MAGIC);
    chunk.extend_from_slice(&[0; 4]);
    chunk.push(CHANGE);
    leb::put(&mut chunk, content.len() as u64);
    chunk.extend_from_slice(content);
    let hash: [u8; 32] = Sha256::digest(chunk.get(8..).unwrap_or_default()).into();
    chunk.iter_mut().skip(MAGIC.len()).zip(hash).take(4).for_each(|(byte, sum)| *byte = sum);
    (ChangeHash::new(hash), chunk)
}

/// The hash, the content, and what the content says.
fn decode(bytes: &[u8]) -> Result<(ChangeHash, &[u8], Chunk<'_>), Refusal> {
    if bytes.len() > MAX_CHANGE_BYTES {
        return Err(Refusal::TooLarge(bytes.len()));
    }
    let Some((&[a, b, c, d, ref checksum @ ..], hashed @ [CHANGE, rest @ ..])) = bytes.split_first_chunk::<8>() else {
        return Err(Refusal::ChunkType);
    };
    if [a, b, c, d] != MAGIC {
        return Err(Refusal::ChunkType);
    }
    let mut content = rest;
    if leb::take(&mut content) != Some(content.len() as u64) {
        return Err(Refusal::Undecodable);
    }
    let hash: [u8; 32] = Sha256::digest(hashed).into();
    if !hash.starts_with(checksum) {
        return Err(Refusal::Checksum);
    }
    Ok((ChangeHash::new(hash), content, parse(content)?))
}

fn parse(content: &[u8]) -> Result<Chunk<'_>, Refusal> {
    let mut input = content;
    let head = Head::take(&mut input).ok_or(Refusal::Undecodable)?;
    let columns = Columns::read(&mut input)?;
    let install = InstallId::try_from(head.actor).map_err(|_| Refusal::Actor)?;
    let deps: Vec<ChangeHash> = head.deps.iter().map(|hash| ChangeHash::new(*hash)).collect();
    if head.carries_more
        || !input.is_empty()
        || deps.len() > MAX_DEPS
        || deps.windows(2).any(|pair| matches!(pair, [a, b] if a == b))
    {
        return Err(Refusal::Envelope);
    }
    if !deps.is_sorted() {
        return Err(Refusal::NotCanonical);
    }
    let count = columns.count()?;
    if u32::try_from(head.start_op).is_err() {
        return Err(Refusal::Undecodable);
    }
    if head.start_op + count as u64 > MAX_OP {
        return Err(Refusal::OpCount(count));
    }
    Ok(Chunk { deps, install, seq: head.seq, start_op: head.start_op, maps: columns.maps(count, head.start_op)? })
}

/// The content up to the columns.
struct Head<'a> {
    deps: &'a [[u8; 32]],
    actor: &'a [u8],
    seq: u64,
    start_op: u64,
    /// A time, a message or other actors.
    carries_more: bool,
}

impl<'a> Head<'a> {
    fn take(input: &mut &'a [u8]) -> Option<Self> {
        let deps = leb::take(input)?;
        let (deps, _) = leb::take_bytes(input, deps.checked_mul(32)?)?.as_chunks();
        let actor = leb::take(input)?;
        let actor = leb::take_bytes(input, actor)?;
        let (seq, start_op, time, message) = (leb::take(input)?, leb::take(input)?, leb::take_signed(input)?, leb::take(input)?);
        leb::take_bytes(input, message)?;
        let others = leb::take(input)?;
        for _ in 0..others {
            let other = leb::take(input)?;
            leb::take_bytes(input, other)?;
        }
        let carries_more = time != 0 || message != 0 || others != 0;
        (start_op > 0).then_some(Self { deps, actor, seq, start_op, carries_more })
    }
}
