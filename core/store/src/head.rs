//! Where the next change of a document goes on.

use doorstep_document::Position;
use doorstep_domain::ChangeHash;

use crate::StoreError;

/// The writer's side of a document's row.
#[derive(Default)]
pub(crate) struct Head {
    pub position: Position,
    pub changes: usize,
    pub bytes: usize,
}

/// The heads of a column: 32 bytes each.
pub(crate) fn read_heads(heads: &[u8]) -> Result<Vec<ChangeHash>, StoreError> {
    let heads: Result<Vec<_>, _> = heads.chunks(32).map(ChangeHash::try_from).collect();
    heads.map_err(|_| StoreError::Damaged("case_row"))
}
