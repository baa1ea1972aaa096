//! What the second judge and the engine do not agree about. Histories that show it are not compared. Each line is to be removed when its
//! vector in `vectors.rs` passes.

use super::reading::Reading;

/// Something that is not agreed yet.
pub struct NotAgreed {
    /// Its vectors.
    pub vectors: &'static [&'static str],
    /// What the text says, and what the engine does.
    pub why: &'static str,
    /// Whether a history shows it.
    pub shows: fn(&Reading<'_>) -> bool,
}

pub const LIST: &[NotAgreed] = &[];
