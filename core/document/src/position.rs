//! A place in a case's history: of the next change, and of a stored one.

use doorstep_domain::{ChangeHash, InstallId};

/// Where a case's history stands for one writer: all that is needed to write the next change.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Position {
    /// Hashes that no other change of the case depends on, sorted.
    pub heads: Vec<ChangeHash>,
    /// Highest operation counter in the case.
    pub max_op: u64,
    /// Number of changes that this installation has written to the case.
    pub seq: u64,
}

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
