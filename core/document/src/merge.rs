//! Automerge's own merge, as the reference for the log.

use std::panic::{AssertUnwindSafe, catch_unwind};

use doorstep_domain::ChangeHash;

/// A document merged by Automerge.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Merged {
    /// Its heads, sorted.
    pub heads: Vec<ChangeHash>,
    /// The saved document, a cache. It was loaded again and has the same heads.
    pub saved: Vec<u8>,
    /// Its root keys, sorted.
    pub keys: Vec<String>,
}

/// Why Automerge could not merge a case. The changes stay safe in the log.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MergeError {
    /// Automerge returned an error.
    #[error("automerge refused a change of the case")]
    Refused,
    /// Automerge panicked.
    #[error("automerge panicked on the case")]
    Panicked,
    /// The saved document does not load to the same heads.
    #[error("the saved document does not load to the same heads")]
    NotReproducible,
}

/// Merges the changes of one case in the given order. A panic inside Automerge becomes an error.
pub fn merge<'a>(changes: impl IntoIterator<Item = &'a [u8]>) -> Result<Merged, MergeError> {
    let changes: Vec<&[u8]> = changes.into_iter().collect();
    // `AssertUnwindSafe`: on a panic everything built inside is dropped, nothing outside is touched.
    catch_unwind(AssertUnwindSafe(|| merge_unguarded(&changes))).unwrap_or(Err(MergeError::Panicked))
}

fn merge_unguarded(changes: &[&[u8]]) -> Result<Merged, MergeError> {
    use automerge::ReadDoc;
    let mut document = automerge::Automerge::new();
    let changes: Result<Vec<_>, _> = changes.iter().map(|bytes| automerge::Change::from_bytes(bytes.to_vec())).collect();
    document.apply_changes(changes.map_err(|_| MergeError::Refused)?).map_err(|_| MergeError::Refused)?;
    let heads = document.get_heads();
    let saved = document.save();
    let again = automerge::Automerge::load(&saved).map_err(|_| MergeError::NotReproducible)?;
    if again.get_heads() != heads {
        return Err(MergeError::NotReproducible);
    }
    let keys = document.keys(automerge::ROOT).collect();
    Ok(Merged { heads: heads.iter().map(|h| ChangeHash::new(h.0)).collect(), saved, keys })
}
