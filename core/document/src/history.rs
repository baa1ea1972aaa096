//! The data about a case that a replica needs to accept or write its next change, without the changes themselves.

use std::collections::BTreeMap;

use doorstep_domain::{ChangeHash, InstallId};

use crate::{Change, Link, Position, Refusal};

/// The changes that a replica has of one case.
#[derive(Debug, Clone, Default)]
pub struct History {
    max_ops: BTreeMap<ChangeHash, u64>,
    /// Last sequence number and highest operation counter of each writer.
    last: BTreeMap<InstallId, (u64, u64)>,
}

/// The decision on a change that [`Change::read`] has accepted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Admission {
    /// It continues the history; store it.
    New,
    /// The replica has it already.
    Known,
    /// A change that it depends on has not arrived. Keep it outside the document and try again. Never apply it, because a gap in
    /// the sequence makes Automerge panic.
    Early,
    /// It contradicts the history.
    Refused(Refusal),
}

impl History {
    /// The history of stored changes, which were admitted before, in any order.
    pub fn of(links: impl IntoIterator<Item = Link>) -> Self {
        let mut history = Self::default();
        links.into_iter().for_each(|link| history.remember(link));
        history
    }

    /// Whether the replica has a change.
    pub fn has(&self, hash: &ChangeHash) -> bool {
        self.max_ops.contains_key(hash)
    }

    /// Judges a change and, if it is new, adds it to the history.
    pub fn admit(&mut self, change: &Change) -> Admission {
        let verdict = self.judge(change);
        if verdict == Admission::New {
            self.remember(change.link());
        }
        verdict
    }

    /// Judges a change without adding it, for a caller that may still refuse it.
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
        // A writer always knows its own changes. A change that does not depend on them would repeat operation ids, and two
        // entries would share one object in Automerge.
        if change.start_op() <= last_op {
            return Admission::Refused(Refusal::StartOp { got: change.start_op(), want: last_op + 1 });
        }
        Admission::New
    }

    /// Adds a change that was judged new and is being stored.
    pub fn remember(&mut self, link: Link) {
        self.max_ops.insert(link.hash, link.max_op);
        let (seq, op) = self.last.entry(link.install).or_default();
        *seq = link.seq.max(*seq);
        *op = link.max_op.max(*op);
    }
}

impl Position {
    /// Moves the position past a change of the same case that was admitted as new. `own` is true if this installation wrote it.
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
