//! What a replica must know of a case to take or write its next change, without the changes themselves.

use std::collections::BTreeMap;

use doorstep_domain::{ChangeHash, InstallId};

use crate::{Change, Position, Refusal};

/// Past this many changes a case takes no new entries on a device; late merges are still taken.
pub const MAX_CASE_CHANGES: usize = 5_000;
/// Past this many bytes of changes a case takes no new entries on a device; late merges are still taken.
pub const MAX_CASE_BYTES: usize = 1024 * 1024;
/// Most heads that the server lets a case have: as many devices writing at once without knowing of each other. Half of what one
/// change can join, so that a writer with unsent changes of its own still can.
pub const MAX_CASE_HEADS: usize = 32;
/// Past this many changes the server holds what comes: the whole case still fits one pack of a feed, with a thousand changes more by
/// which the server says what head office's list says of the parcel.
pub const HARD_CASE_CHANGES: usize = 9_000;
/// Past this many bytes of changes the server holds what comes.
pub const HARD_CASE_BYTES: usize = 2 * MAX_CASE_BYTES;

/// One stored change as the history remembers it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Link {
    /// Its hash.
    pub hash: ChangeHash,
    /// Who wrote it.
    pub install: InstallId,
    /// Its number among the installation's changes of the case.
    pub seq: u64,
    /// Its highest operation counter.
    pub max_op: u64,
}

/// The changes that a replica has of one case.
#[derive(Debug, Clone, Default)]
pub struct History {
    max_ops: BTreeMap<ChangeHash, u64>,
    /// Last sequence number and highest operation counter of each writer.
    last: BTreeMap<InstallId, (u64, u64)>,
}

/// What a replica does with a change that [`Change::read`] let through.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Admission {
    /// It continues the history; store it.
    New,
    /// The replica has it.
    Known,
    /// Something before it has not arrived; keep it outside and try again. Never apply it: a gap in the sequence without
    /// dependencies panics inside Automerge (hazard 11).
    Early,
    /// It contradicts the history.
    Refused(Refusal),
}

impl History {
    /// The history of stored changes, which were admitted once already; any order.
    pub fn of(links: impl IntoIterator<Item = Link>) -> Self {
        let mut history = Self::default();
        links.into_iter().for_each(|link| history.remember(link));
        history
    }

    /// Whether the replica has a change.
    pub fn has(&self, hash: &ChangeHash) -> bool {
        self.max_ops.contains_key(hash)
    }

    /// Judges a change and, if it is new, remembers it.
    pub fn admit(&mut self, change: &Change) -> Admission {
        let verdict = self.judge(change);
        if verdict == Admission::New {
            self.remember(change.link());
        }
        verdict
    }

    /// Judges a change without remembering it: for who may still refuse it.
    pub fn judge(&self, change: &Change) -> Admission {
        if self.max_ops.contains_key(&change.hash()) {
            return Admission::Known;
        }
        let (last_seq, last_op) = self.last.get(&change.install()).copied().unwrap_or((0, 0));
        if change.seq() <= last_seq {
            return Admission::Refused(Refusal::SeqTaken(change.seq()));
        }
        let mut highest = 0;
        for dep in change.deps() {
            match self.max_ops.get(dep) {
                Some(max_op) => highest = highest.max(*max_op),
                None => return Admission::Early,
            }
        }
        if change.seq() != last_seq + 1 {
            return Admission::Early;
        }
        if change.start_op() != highest + 1 {
            return Admission::Refused(Refusal::StartOp { got: change.start_op(), want: highest + 1 });
        }
        // A writer always knows its own changes. One that does not depend on them would repeat its operation ids, and two
        // entries would share one object in Automerge.
        if change.start_op() <= last_op {
            return Admission::Refused(Refusal::StartOp { got: change.start_op(), want: last_op + 1 });
        }
        Admission::New
    }

    /// Remembers a change that was judged new and is being stored.
    pub fn remember(&mut self, link: Link) {
        self.max_ops.insert(link.hash, link.max_op);
        let (seq, op) = self.last.entry(link.install).or_default();
        *seq = link.seq.max(*seq);
        *op = link.max_op.max(*op);
    }
}

impl Position {
    /// The position after a change of the same case that was admitted as new; `own` if this installation wrote it.
    pub fn advance(&mut self, change: &Change, own: bool) {
        self.heads.retain(|head| !change.deps().contains(head));
        if let Err(place) = self.heads.binary_search(&change.hash()) {
            self.heads.insert(place, change.hash());
        }
        self.max_op = self.max_op.max(change.max_op());
        if own {
            self.seq = self.seq.max(change.seq());
        }
    }
}
