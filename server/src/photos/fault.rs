//! How far an upload is, and why bytes are not taken.

use doorstep_domain::UnixMs;

use crate::error::ApiError;

/// How far an upload is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Progress {
    /// Bytes that are durable here.
    pub offset: u64,
    /// Bytes that the photo has.
    pub len: u64,
    /// Until when an unfinished upload is kept; `None`: the photo is stored.
    pub expires_at: Option<UnixMs>,
    /// The photo was stored before this request.
    pub had: bool,
}

/// Why bytes are not taken.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ReceiveError {
    /// Not where the upload is, or other bytes than were sent before.
    #[error("upload is at {}", .0.offset)]
    Offset(Progress),
    /// The chunk does not have the checksum that was sent with it; the offset is as it was.
    #[error("chunk does not have its checksum")]
    Checksum(Progress),
    /// The photo does not have the hash that names it; the upload is dropped.
    #[error("the bytes do not have the named hash")]
    Hash,
    /// A newer request goes on with this upload.
    #[error("a newer request goes on with this upload")]
    GaveWay,
    /// Nobody went on with it in time.
    #[error("upload has expired; begin anew")]
    Expired,
    /// Erased on head office's word.
    #[error("photo was erased by head office")]
    Erased,
    /// Not begun.
    #[error("no such upload")]
    Unknown,
    /// Everything else.
    #[error(transparent)]
    Api(#[from] ApiError),
}
