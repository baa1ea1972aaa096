//! Packs, which are the wire form of changes: the elided pack of one document, in formats 1 and 2, and the [`dense`] pack of several
//! documents, format 3.
//!
//! In an elided pack magic, checksum and dependency hashes are left out, and the receiver rebuilds them. A dependency inside the pack becomes a
//! back reference. Together with zstd over the whole request this halves the bytes of raw chunks (measured). A receiver checks
//! that it rebuilt the sent changes: in format 1 by the hashes of the pack's own heads, which are in the pack, in format 2 by a
//! digest in the message around it.
//!
//! Layout, all numbers LEB128: format, count n, then per change `deps, then per dep (k >= 1: the change k places
//! before, or 0 and 32 bytes), body length`, then the n bodies (a chunk's content after its dependencies); in format 1 then for each
//! change that no later one in the pack depends on, in order, its 32-byte hash.

use std::collections::HashMap;

use doorstep_domain::ChangeHash;
use sha2::{Digest, Sha256};

use crate::{MAX_CHANGE_BYTES, chunk::seal};

pub mod dense;

/// Most changes in one pack. A whole case fits one pack, because the server accepts no more changes of a case.
pub const MAX_CHANGES: usize = 10_000;
/// Most bytes to which one pack may rebuild. The limit is needed because back references repeat hashes: 66 bytes of them become
/// two thousand.
pub const MAX_REBUILT: usize = 16 * 1024 * 1024;
const MAX_DEPS: u64 = 64;

/// The format of a pack, which is its first byte, so that denser formats can follow.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Format {
    /// With the hashes of its heads, for protocol versions 1 and 2.
    WithHeads = 1,
    /// Without hashes, because the message around it names a digest.
    Bare = 2,
}

/// Why bytes are not a pack.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PackError {
    /// A format that this build does not know.
    #[error("pack format is not known")]
    Format,
    /// It ends early, has bytes left over, or a number or reference is out of range.
    #[error("pack is malformed")]
    Malformed,
    /// More changes than [`MAX_CHANGES`], or one larger than [`MAX_CHANGE_BYTES`].
    #[error("pack is too large")]
    TooLarge,
    /// It rebuilds to more bytes than the limit.
    #[error("pack rebuilds to more than is taken at once")]
    OverLimit,
    /// The rebuilt changes are not the sent ones.
    #[error("pack does not rebuild to the hashes it names")]
    HashMismatch,
}

/// Packs chunks that [`crate::Change`] has verified, in format 1. `None` if one of them is not a change chunk.
pub fn elide(chunks: &[&[u8]]) -> Option<Vec<u8>> {
    write(chunks, Format::WithHeads)
}

/// The hash of a chunk with any content; `None` if it is shorter than any chunk.
pub fn hash_of(chunk: &[u8]) -> Option<ChangeHash> {
    Some(ChangeHash::new(Sha256::digest(chunk.get(8..)?).into()))
}

/// Packs chunks in format 2, for a message that names a digest of the changes. `None` if one of them is not a change chunk.
pub fn elide_bare(chunks: &[&[u8]]) -> Option<Vec<u8>> {
    write(chunks, Format::Bare)
}

fn write(chunks: &[&[u8]], format: Format) -> Option<Vec<u8>> {
    let mut out = Vec::new();
    let mut bodies = Vec::new();
    let mut hashes: Vec<[u8; 32]> = Vec::with_capacity(chunks.len());
    let mut places: HashMap<[u8; 32], usize> = HashMap::with_capacity(chunks.len());
    let mut is_head = vec![true; chunks.len()];
    put(&mut out, format as u64);
    put(&mut out, chunks.len() as u64);
    for (i, chunk) in chunks.iter().enumerate() {
        let mut content = chunk.get(9..)?;
        take(&mut content)?; // the chunk's length
        let deps = take(&mut content)?;
        put(&mut out, deps);
        for _ in 0..deps {
            let (dep, rest) = content.split_first_chunk::<32>()?;
            content = rest;
            match places.get(dep) {
                Some(&at) => {
                    put(&mut out, (i - at) as u64);
                    *is_head.get_mut(at)? = false;
                }
                None => {
                    put(&mut out, 0);
                    out.extend(dep);
                }
            }
        }
        put(&mut out, content.len() as u64);
        bodies.extend_from_slice(content);
        let hash = Sha256::digest(chunk.get(8..)?).into();
        hashes.push(hash);
        places.insert(hash, i);
    }
    out.extend(bodies);
    if format == Format::WithHeads {
        hashes.iter().zip(is_head).filter(|(_, head)| *head).for_each(|(hash, _)| out.extend(hash));
    }
    Some(out)
}

/// Rebuilds the chunks of a pack with their hashes, at most [`MAX_REBUILT`] bytes of them.
pub fn restore(pack: &[u8]) -> Result<Vec<(ChangeHash, Vec<u8>)>, PackError> {
    restore_within(pack, MAX_REBUILT)
}

/// Like [`restore`], with a smaller limit in bytes, for a caller that reads many packs at once.
pub fn restore_within(pack: &[u8], limit: usize) -> Result<Vec<(ChangeHash, Vec<u8>)>, PackError> {
    let mut input = pack;
    let format = match take(&mut input) {
        Some(1) => Format::WithHeads,
        Some(2) => Format::Bare,
        _ => return Err(PackError::Format),
    };
    let count = take(&mut input).ok_or(PackError::Malformed)?;
    if count > MAX_CHANGES as u64 {
        return Err(PackError::TooLarge);
    }
    let mut plans = Vec::new();
    for i in 0..count as usize {
        let deps = take(&mut input).filter(|n| *n <= MAX_DEPS).ok_or(PackError::Malformed)?;
        let mut sources = Vec::new();
        for _ in 0..deps {
            sources.push(match take(&mut input).ok_or(PackError::Malformed)? {
                0 => {
                    let (hash, rest) = input.split_first_chunk::<32>().ok_or(PackError::Malformed)?;
                    input = rest;
                    Dep::Known(*hash)
                }
                back => Dep::Back(usize::try_from(back).ok().and_then(|b| i.checked_sub(b)).ok_or(PackError::Malformed)?),
            });
        }
        let len = take(&mut input).ok_or(PackError::Malformed)? as usize;
        if len > MAX_CHANGE_BYTES {
            return Err(PackError::TooLarge);
        }
        plans.push((sources, len));
    }
    let mut chunks: Vec<(ChangeHash, Vec<u8>)> = Vec::with_capacity(plans.len());
    let mut is_head = vec![true; plans.len()];
    let mut rebuilt = 0;
    for (sources, len) in plans {
        rebuilt += len + 32 * sources.len();
        if rebuilt > limit {
            return Err(PackError::OverLimit);
        }
        let (body, rest) = input.split_at_checked(len).ok_or(PackError::Malformed)?;
        input = rest;
        let mut content = Vec::with_capacity(len + 33 * sources.len() + 2);
        put(&mut content, sources.len() as u64);
        for source in sources {
            match source {
                Dep::Known(hash) => content.extend(hash),
                Dep::Back(at) => {
                    content.extend(chunks.get(at).ok_or(PackError::Malformed)?.0.as_bytes());
                    is_head.get_mut(at).into_iter().for_each(|head| *head = false);
                }
            }
        }
        content.extend(body);
        chunks.push(seal(&content));
    }
    let heads = chunks.iter().zip(is_head).filter(|(_, head)| *head && format == Format::WithHeads);
    for ((hash, _), _) in heads {
        let (named, rest) = input.split_first_chunk::<32>().ok_or(PackError::Malformed)?;
        input = rest;
        if named != hash.as_bytes() {
            return Err(PackError::HashMismatch);
        }
    }
    if input.is_empty() { Ok(chunks) } else { Err(PackError::Malformed) }
}

enum Dep {
    Known([u8; 32]),
    Back(usize),
}

fn put(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

fn take(input: &mut &[u8]) -> Option<u64> {
    let mut value = 0;
    for shift in (0..63).step_by(7) {
        let (byte, rest) = input.split_first()?;
        *input = rest;
        value |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Some(value);
        }
    }
    None
}
