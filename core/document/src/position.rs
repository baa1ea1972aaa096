//! Positions in a case's history: of the next change, and of a stored change.

use doorstep_domain::{ChangeHash, InstallId};

/// The end of a case's history as one writer sees it, which is all that it needs to write the next change.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Position {
    /// Hashes that no other change of the case depends on, sorted.
    pub heads: Vec<ChangeHash>,
    /// Highest operation counter in the case.
    pub max_op: u64,
    /// Number of changes that this installation has written to the case.
    pub seq: u64,
}

/// The data of one stored change that the history keeps.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Link {
    /// Its hash.
    pub hash: ChangeHash,
    /// The installation that wrote it.
    pub install: InstallId,
    /// Its number among the installation's changes of the case.
    pub seq: u64,
    /// Its highest operation counter.
    pub max_op: u64,
}
