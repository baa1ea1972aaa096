//! The position at which the next change of a document continues.

use doorstep_document::Position;
use doorstep_domain::ChangeHash;

use crate::StoreError;

/// The writer's columns of a document's row.
#[derive(Default)]
pub(crate) struct Head {
    pub position: Position,
    pub changes: usize,
    pub bytes: usize,
}

/// Reads the heads in a column, 32 bytes each.
pub(crate) fn read_heads(heads: &[u8]) -> Result<Vec<ChangeHash>, StoreError> {
    let heads: Result<Vec<_>, _> = heads.chunks(32).map(ChangeHash::try_from).collect();
    heads.map_err(|_| StoreError::Damaged("case_row"))
}
