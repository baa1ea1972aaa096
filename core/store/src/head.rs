//! Where the next change of a document goes on.

use doorstep_document::Position;

/// The writer's side of a document's row.
#[derive(Default)]
pub(crate) struct Head {
    pub position: Position,
    pub changes: usize,
    pub bytes: usize,
}
