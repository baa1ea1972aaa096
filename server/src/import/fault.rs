//! Why a file can not be read as a list.

use super::{columns::ColumnsFault, encoding::NoMark, table::HeaderFault};

/// The largest file.
pub(super) const MOST_BYTES: usize = 1 << 30;

/// Why a file can not be read as a list.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FileFault {
    /// The file is too large.
    #[error("the file has more than {} MiB; split it", MOST_BYTES >> 20)]
    Large,
    /// UTF-16 without a byte order mark.
    #[error("the file seems to be UTF-16 and lacks its byte order mark; save it as UTF-8")]
    NoMark,
    /// A workbook of Excel 97 to 2003.
    #[error("the file is an old workbook (.xls); save it as .xlsx or CSV")]
    OldWorkbook,
    /// A workbook that can not be read.
    #[error("the file is no sound .xlsx workbook; save it again as .xlsx, or as CSV")]
    Workbook,
    /// A workbook without a sheet.
    #[error("the workbook has no sheet")]
    NoSheet,
    /// A workbook with a cell far out.
    #[error("row {0} of the sheet has a cell far to the right; delete it")]
    Wide(u32),
    /// No header.
    #[error("{0}")]
    Header(#[from] HeaderFault),
    /// A header that does not fit.
    #[error("the header: {0}")]
    Columns(#[from] ColumnsFault),
}

impl From<NoMark> for FileFault {
    fn from(_: NoMark) -> Self {
        Self::NoMark
    }
}
