//! The changes of a document before the present one in the pack, which both ends know.

use std::collections::{BTreeMap, BTreeSet};

use doorstep_domain::{ChangeHash, InstallId};

use crate::chunk::Chunk;

#[derive(Default)]
pub(super) struct History {
    /// Each change with the number after its highest operation; 1 for a verbatim one.
    changes: Vec<(ChangeHash, u64)>,
    places: BTreeMap<ChangeHash, usize>,
    /// The changes that no other one depends on.
    heads: BTreeSet<ChangeHash>,
    /// The number after the last one of each writer.
    seqs: BTreeMap<InstallId, u64>,
}

impl History {
    /// Adds a change; `chunk` is `None` for a verbatim one.
    pub fn add(&mut self, hash: ChangeHash, deps: &[ChangeHash], chunk: Option<&Chunk>) {
        let next_op = chunk.map_or(1, |chunk| chunk.start_op.wrapping_add(chunk.operations() as u64));
        if let Some(chunk) = chunk {
            self.seqs.insert(chunk.install, chunk.seq.wrapping_add(1));
        }
        deps.iter().for_each(|dep| {
            self.heads.remove(dep);
        });
        self.places.insert(hash, self.changes.len());
        self.changes.push((hash, next_op));
        self.heads.insert(hash);
    }

    /// Whether these are the changes that no other one depends on.
    pub fn are_heads(&self, deps: &[ChangeHash]) -> bool {
        self.heads.iter().eq(deps)
    }

    pub fn heads(&self) -> impl ExactSizeIterator<Item = &ChangeHash> {
        self.heads.iter()
    }

    /// How many places before the present change this one is; 0 if it is not in the pack.
    pub fn back(&self, change: &ChangeHash) -> u64 {
        self.places.get(change).map_or(0, |place| (self.changes.len() - place) as u64)
    }

    /// The change so many places before the present one.
    pub fn at(&self, back: u64) -> Option<ChangeHash> {
        let at = self.changes.len().checked_sub(usize::try_from(back).ok()?)?;
        self.changes.get(at).map(|(hash, _)| *hash)
    }

    /// The sequence number that the writer's next change usually has.
    pub fn next_seq(&self, install: &InstallId) -> u64 {
        self.seqs.get(install).copied().unwrap_or(1)
    }

    /// The first operation that a change with these dependencies usually has.
    pub fn next_op(&self, deps: &[ChangeHash]) -> u64 {
        let known = |dep: &ChangeHash| self.places.get(dep).and_then(|place| self.changes.get(*place));
        deps.iter().filter_map(known).map(|(_, next)| *next).max().unwrap_or(1)
    }
}
