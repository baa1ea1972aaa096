//! A change's position in the history of its document, as four columns.

use doorstep_document::Link;

use crate::{Row, ValueError};

/// The columns of a [`Link`], in the order of [`read`]: a literal for `concat!`.
#[macro_export]
macro_rules! link_columns {
    () => {
        "hash, install, seq, max_op"
    };
}

/// Reads a link from the columns that begin at `from`.
pub fn read(row: &impl Row, from: usize) -> Result<Link, ValueError> {
    Ok(Link { hash: row.get(from)?, install: row.get(from + 1)?, seq: row.get(from + 2)?, max_op: row.get(from + 3)? })
}
