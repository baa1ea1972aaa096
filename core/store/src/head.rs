//! The position at which the next change of a document continues.

use doorstep_document::Position;

/// The writer's columns of a document's row.
#[derive(Default)]
pub(crate) struct Head {
    pub position: Position,
    pub changes: usize,
    pub bytes: usize,
}
