//! The changes of the newest batch, as they were read when it was made.

use std::collections::BTreeMap;

use doorstep_document::{Change, Link};
use doorstep_domain::{BatchHash, Body, CaseId};
use doorstep_protocol::Pushed;
use sha2::{Digest, Sha256};

/// The content of the newest batch, as it was read when the batch was made. Its verdicts then need no other look into the changes.
pub(crate) struct Newest {
    pub hash: BatchHash,
    pub pushed: Vec<Pushed>,
    /// Its changes by the digest of all their bytes, so that bytes that were damaged since are not taken for them.
    pub changes: BTreeMap<[u8; 32], Sent>,
}

/// What a verdict needs of a change.
#[derive(Clone, Copy)]
pub(crate) struct Sent {
    pub link: Link,
    /// The monotonic time of its act.
    pub mono_ms: u64,
    pub has_photo: bool,
}

impl Sent {
    pub(crate) fn of(change: &Change) -> Self {
        let has_photo = change.entries().iter().any(|entry| matches!(entry.body, Body::Photo(_)));
        Self { link: change.link(), mono_ms: mono_of(change), has_photo }
    }

    /// A change of a batch whose answer has come; `None` if its bytes are damaged.
    pub(crate) fn read(newest: Option<&Newest>, case: &CaseId, bytes: &[u8]) -> Option<Self> {
        let known = newest.and_then(|newest| newest.changes.get(&digest(bytes)));
        known.copied().or_else(|| Change::read_stored(case, bytes).ok().map(|change| Self::of(&change)))
    }
}

/// The digest of all bytes of a change.
pub(crate) fn digest(bytes: &[u8]) -> [u8; 32] {
    Sha256::digest(bytes).into()
}

/// The monotonic time of a change's act.
pub(crate) fn mono_of(change: &Change) -> u64 {
    change.entries().first().map_or(0, |entry| entry.time.mono_ms)
}
