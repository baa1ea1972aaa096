//! Chunks and packs built by hand, so that what the fuzzer changes inside keeps a right checksum outside.

use doorstep_document::pack;
use doorstep_domain::ChangeHash;
use sha2::{Digest, Sha256};

/// A change chunk of any content: magic, checksum, type 1, length.
pub fn chunk(content: &[u8]) -> Vec<u8> {
    let mut chunk = vec![0x85, 0x6f, 0x4a, 0x83, 0, 0, 0, 0, 1];
    put(&mut chunk, content.len() as u64);
    chunk.extend(content);
    reseal(&mut chunk);
    chunk
}

/// Makes a chunk's checksum right and returns its hash.
pub fn reseal(chunk: &mut [u8]) -> Option<ChangeHash> {
    let hash: [u8; 32] = Sha256::digest(chunk.get(8..)?).into();
    chunk.get_mut(4..8)?.copy_from_slice(&hash[..4]);
    Some(ChangeHash::new(hash))
}

/// One change of a pack: what it depends on, and its content after that.
#[derive(Debug, Clone)]
pub struct Plan {
    deps: Vec<Dep>,
    /// Content after the dependencies.
    pub body: Vec<u8>,
}

#[derive(Debug, Clone)]
enum Dep {
    Known([u8; 32]),
    Back(usize),
}

impl Plan {
    /// The changes of a pack as far as its layout can be read; the hashes at its end do not matter.
    pub fn read(mut pack: &[u8]) -> Option<Vec<Self>> {
        let input = &mut pack;
        let (_version, count) = (take(input)?, take(input)?);
        let mut plans = Vec::new();
        for _ in 0..count.min(256) {
            let mut deps = Vec::new();
            for _ in 0..take(input)?.min(64) {
                deps.push(match take(input)? {
                    0 => {
                        let (hash, rest) = input.split_first_chunk::<32>()?;
                        *input = rest;
                        Dep::Known(*hash)
                    }
                    back => Dep::Back(usize::try_from(back).ok()?),
                });
            }
            plans.push((deps, usize::try_from(take(input)?).ok()?));
        }
        let cut = |(deps, len): (Vec<Dep>, usize)| {
            let (body, rest) = input.split_at_checked(len)?;
            *input = rest;
            Some(Self { deps, body: body.to_vec() })
        };
        plans.into_iter().map(cut).collect()
    }

    /// A pack of changes, with every hash as it should be. References to no earlier change are dropped.
    pub fn write(plans: &[Self]) -> Option<Vec<u8>> {
        let mut chunks: Vec<Vec<u8>> = Vec::new();
        let mut hashes: Vec<ChangeHash> = Vec::new();
        for (i, plan) in plans.iter().enumerate() {
            let hash = |dep: &Dep| match dep {
                Dep::Known(hash) => Some(*hash),
                Dep::Back(back) => i.checked_sub(*back).and_then(|at| hashes.get(at)).map(|hash| *hash.as_bytes()),
            };
            let mut deps: Vec<[u8; 32]> = plan.deps.iter().filter_map(hash).collect();
            deps.sort_unstable();
            let mut content = Vec::new();
            put(&mut content, deps.len() as u64);
            deps.iter().for_each(|dep| content.extend(dep));
            content.extend(&plan.body);
            let mut chunk = chunk(&content);
            hashes.push(reseal(&mut chunk)?);
            chunks.push(chunk);
        }
        pack::elide(&chunks.iter().map(Vec::as_slice).collect::<Vec<_>>())
    }

    /// Makes it follow the change so many places before, too.
    pub fn follow(&mut self, back: usize) {
        self.deps.push(Dep::Back(back));
    }
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
