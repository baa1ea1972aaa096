//! The progress of an upload, and why bytes are rejected.

use doorstep_domain::UnixMs;

use crate::error::ApiError;

/// The progress of an upload.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Progress {
    /// The number of durable bytes.
    pub offset: u64,
    /// The length of the photo.
    pub len: u64,
    /// When an unfinished upload expires; `None` if the photo is stored.
    pub expires_at: Option<UnixMs>,
    /// The photo was stored before this request.
    pub had: bool,
}

/// Why bytes are rejected.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ReceiveError {
    /// The bytes begin at another offset than the upload's, or differ from those sent before.
    #[error("upload is at {}", .0.offset)]
    Offset(Progress),
    /// The chunk does not match its checksum; the offset has not moved.
    #[error("chunk does not have its checksum")]
    Checksum(Progress),
    /// The photo does not match its hash; the upload is dropped.
    #[error("the bytes do not have the named hash")]
    Hash,
    /// A newer request continues this upload.
    #[error("a newer request goes on with this upload")]
    GaveWay,
    /// The upload was not continued in time.
    #[error("upload has expired; begin anew")]
    Expired,
    /// Head office has erased the photo.
    #[error("photo was erased by head office")]
    Erased,
    /// The upload was not begun.
    #[error("no such upload")]
    Unknown,
    /// Any other error.
    #[error(transparent)]
    Api(#[from] ApiError),
}
