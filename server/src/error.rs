//! Errors, by reader: the operator at a start, the administrator, a device.

use std::{net::SocketAddr, path::PathBuf};

use axum::{
    body::Body,
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use doorstep_protocol::{CONTENT_TYPE, CodecError, ErrorBody, ErrorCode};

use doorstep_domain::DeviceId;
use serde::Serialize;

use crate::{import::fault::FileFault, log, store::tx::StoreError};

/// Why the server does not start.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// The address is not loopback, there is no certificate, and `--insecure` is absent.
    #[error(
        "listen on {0}: not a loopback address and no certificate; give --tls-cert and --tls-key, or put a TLS proxy before it and \
         pass --insecure"
    )]
    NotLoopback(SocketAddr),
    /// The operator's address is not loopback, and `--insecure` is absent.
    #[error(
        "listen on {0} for the operator: not a loopback address; use one, or pass --insecure if only operators can reach the network \
         of this address"
    )]
    AdminNotLoopback(SocketAddr),
    /// The certificate can not be used.
    #[error(transparent)]
    Tls(#[from] crate::TlsError),
    /// The address is taken or does not belong to this machine.
    #[error("listen on {addr}: {source}")]
    Listen {
        /// The address.
        addr: SocketAddr,
        /// The error of the system.
        source: std::io::Error,
    },
    /// The data folder can not be used.
    #[error("use the data folder {folder}: {source}")]
    Folder {
        /// The data folder.
        folder: PathBuf,
        /// The error of the system.
        source: std::io::Error,
    },
    /// Another process serves the folder.
    #[error(
        "use the data folder {folder}: another doorstep-server serves it; stop that one first. If both are meant, as behind a \
         balancer, start each with --shared-folder"
    )]
    Served {
        /// The data folder.
        folder: PathBuf,
    },
    /// The database was written by a newer version.
    #[error("open the database: it has version {found}, this program knows up to {known}; install a newer version")]
    TooNew {
        /// The schema version of the database.
        found: u32,
        /// The newest schema version that this program knows.
        known: u32,
    },
    /// The database fails.
    #[error("open the database: {0}")]
    Database(#[from] StoreError),
    /// The server did not stop in order, and its write-ahead log with the newest acknowledged data is missing.
    #[error(
        "open the database: {file} is missing, and the server was not stopped in order: what it acknowledged last is in that file. \
         Put it back beside the database. If it is lost: doorstep-server restore {folder}. If another program has written it into the \
         database (the sqlite3 shell does, when it ends): doorstep-server moved {folder}"
    )]
    WalMissing {
        /// The data folder.
        folder: PathBuf,
        /// The write-ahead log.
        file: PathBuf,
    },
    /// A frame of the write-ahead log is damaged, and later acknowledged data follows it.
    #[error(
        "open the database: frame {frame} of {file} is damaged, and what was acknowledged later stands behind it. Nothing was changed. \
         Put database and log back from a copy that is whole, or go on without what stands behind, which is kept in a file beside it: \
         doorstep-server restore {folder}"
    )]
    WalDamaged {
        /// The data folder.
        folder: PathBuf,
        /// The write-ahead log.
        file: PathBuf,
        /// The number of the damaged frame, from 1; 0 is the header.
        frame: u64,
    },
    /// The structure of the database is broken.
    #[error(
        "open the database: its structure is broken ({what}). Nothing was changed. Keep this folder as it is, put a copy in another \
         place and go on there: doorstep-server restore FOLDER"
    )]
    Damaged {
        /// The data folder.
        folder: PathBuf,
        /// The complaint of SQLite.
        what: String,
    },
    /// The operator's statement about a folder that looks like a copy could not be carried out.
    #[error("take the data folder as was ordered by --if-copied: {0}")]
    Copied(String),
    /// The storage of photos can not be used.
    #[error("use the photos' storage: {0}")]
    Photos(String),
    /// The configuration of SMS is wrong.
    #[error("send SMS: {0}")]
    Sms(String),
    /// The list of parcels can not be read.
    #[error("read the list of parcels from the database: a row is damaged; restore it from a backup")]
    Listing,
    /// The log of an older version can not be added to the chain of links.
    #[error("sign the log in the database: a row is damaged; restore it from a backup")]
    Links,
    /// The database has no usable keys.
    #[error("read the server's keys from the database: they are missing or damaged; restore it from a backup")]
    Keys,
    /// The clock's entries in the database can not be read or written.
    #[error("hold the clock against the database: {0}")]
    Clock(String),
    /// The system gives no randomness.
    #[error("draw random bytes from the operating system")]
    Random,
}

/// A device that can not read a format.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Unreading {
    /// The device.
    pub device: DeviceId,
    /// The accounts on it.
    pub people: Vec<String>,
    /// The name and version of its app, as it last reported.
    pub app: String,
    /// The protocol version that it last spoke.
    pub version: String,
}

/// Enrolled devices can not read the file that is to be published.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Unreadable {
    /// The format of the file.
    pub format: u32,
    /// The devices that can not read it.
    pub devices: Vec<Unreading>,
}

impl std::error::Error for Unreadable {}

impl std::fmt::Display for Unreadable {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { format, devices } = self;
        let count = devices.len();
        writeln!(
            f,
            "{count} 台在用设备读不懂格式 {format}，未发布 enrolled devices can not read format {format}; nothing is published: {count}"
        )?;
        for Unreading { device, people, app, version } in devices {
            writeln!(f, "  {device}  {}  {app}  协议版本 protocol version {version}", people.join(","))?;
        }
        write!(
            f,
            "请先更新其应用，或加 --anyway 发布：它们沿用读得懂的最新版本 update their app first, or publish with --anyway: they go on with the newest that they can read"
        )
    }
}

/// Why an administrator's command fails.
#[derive(Debug, thiserror::Error)]
pub enum AdminError {
    /// The database can not be opened.
    #[error(transparent)]
    Open(#[from] ServeError),
    /// The database fails.
    #[error("use the database: {0}")]
    Database(#[from] StoreError),
    /// Something that the command needs is missing; the text says what to do.
    #[error("{0}")]
    Missing(String),
    /// A value is invalid.
    #[error("{0}")]
    Invalid(String),
    /// A file is no list.
    #[error(transparent)]
    List(#[from] FileFault),
    /// An import ended early. Rows before the fault are on the list.
    #[error("{source}; {written} rows were taken before; run the import again")]
    Stopped {
        /// The number of rows that are on the list.
        written: u64,
        /// The cause.
        source: Box<AdminError>,
    },
    /// Devices can not read the file that is to be published.
    #[error(transparent)]
    Unreadable(#[from] Unreadable),
    /// A file can not be used.
    #[error("read {file}: {source}")]
    File {
        /// The file.
        file: PathBuf,
        /// The error of the system.
        source: std::io::Error,
    },
}

/// Why a device's request fails. A device sees it as an [`ErrorBody`] with a stable code.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ApiError {
    #[error("token is missing or not known; enrol again")]
    Unauthorized,
    #[error("not a code")]
    CodeWrong,
    #[error("code was redeemed by another device; ask for a new one")]
    CodeUsed,
    #[error("code has expired; ask for a new one")]
    CodeExpired,
    #[error("nonce is not fresh, or key or signature do not fit it; ask for a new nonce")]
    Proof,
    #[error("device belongs to somebody else: a courier's phone is personal, a tablet is shared within one outlet")]
    DeviceTaken,
    #[error("device is revoked; it may deliver what it has recorded and reads nothing")]
    Revoked,
    #[error("batch is not signed by the device's key")]
    Signature,
    #[error("protocol version is not known; update the app")]
    Version,
    #[error("the installation's mark is taken; make a new installation")]
    TagTaken,
    #[error("installation is not the enrolled one")]
    Install,
    #[error("body is too large")]
    TooLarge,
    #[error("body is malformed: {0}")]
    Malformed(String),
    #[error("body did not come to its end")]
    Stalled,
    #[error("too much at once; come back later")]
    Busy,
    #[error("more than its share; go on in {0} s")]
    SlowDown(u32),
    #[error("the server waits for its operator's word on whether its data are a copy; keep everything and come back later")]
    Copied,
    #[error("the newest answer that the device has is not known here; prove it")]
    Prove,
    #[error("what is shown is no answer that this server has signed")]
    Witness,
    #[error("no such thing")]
    NotFound,
    #[error("no accepted entry names this photo yet")]
    PhotoUnexpected,
    #[error("the bytes do not have the named hash")]
    PhotoHash,
    #[error("the photo still says where it was taken; the device strips that")]
    PhotoPosition,
    #[error("the photo is stored and stays")]
    PhotoStored,
    #[error("content type is not application/offset+octet-stream")]
    ContentType,
    #[error("the bytes are not a photo: {0}")]
    NotAPhoto(#[from] doorstep_media::MediaError),
    #[error("use the database: {0}")]
    Database(#[from] StoreError),
    #[error("use the photos' storage: {0}")]
    Storage(String),
    #[error(
        "most photos are missing from storage: is it the right one, and mounted? Nothing was changed; if it was really lost: \
         doorstep-server admin scrub --lost-storage"
    )]
    StorageWrong,
    #[error("a stored change is damaged")]
    Damaged,
    #[error("internal error: {0}")]
    Internal(&'static str),
}

impl ApiError {
    /// The stable code that a device sees. The code determines the status.
    pub(crate) fn code(&self) -> ErrorCode {
        match self {
            Self::Unauthorized => ErrorCode::Unauthorized,
            Self::CodeWrong => ErrorCode::CodeWrong,
            Self::CodeUsed => ErrorCode::CodeUsed,
            Self::CodeExpired => ErrorCode::CodeExpired,
            Self::Proof => ErrorCode::Proof,
            Self::DeviceTaken => ErrorCode::DeviceTaken,
            Self::Revoked => ErrorCode::Revoked,
            Self::Signature => ErrorCode::Signature,
            Self::Version => ErrorCode::Version,
            Self::TagTaken => ErrorCode::TagTaken,
            Self::Install => ErrorCode::InstallUnknown,
            Self::TooLarge => ErrorCode::TooLarge,
            Self::Malformed(_) => ErrorCode::Malformed,
            Self::Stalled => ErrorCode::Stalled,
            Self::Busy => ErrorCode::Busy,
            Self::SlowDown(_) => ErrorCode::SlowDown,
            Self::Copied => ErrorCode::Copied,
            Self::Prove => ErrorCode::Prove,
            Self::Witness => ErrorCode::Witness,
            Self::NotFound => ErrorCode::NotFound,
            Self::PhotoUnexpected => ErrorCode::PhotoUnexpected,
            Self::PhotoHash => ErrorCode::PhotoHash,
            Self::PhotoPosition => ErrorCode::PhotoPosition,
            Self::PhotoStored => ErrorCode::PhotoStored,
            Self::ContentType => ErrorCode::ContentType,
            Self::NotAPhoto(_) => ErrorCode::NotAPhoto,
            Self::Database(StoreError::Row(_) | StoreError::NoRow) => ErrorCode::Damaged,
            Self::Database(StoreError::Engine(_) | StoreError::RolledBack(_)) | Self::Storage(_) | Self::StorageWrong => {
                ErrorCode::Storage
            }
            Self::Damaged => ErrorCode::Damaged,
            Self::Internal(_) => ErrorCode::Internal,
        }
    }

    /// The response that tells a device an error.
    pub(crate) fn answer(status: StatusCode, code: ErrorCode, detail: &str) -> Response {
        let body = ErrorBody { code, detail: detail.to_owned() };
        let bytes = doorstep_protocol::encode(&body).unwrap_or_default();
        let mut response = (status, [(header::CONTENT_TYPE, CONTENT_TYPE)], Body::from(bytes)).into_response();
        // For the count of refused requests.
        response.extensions_mut().insert(body.code);
        response
    }
}

/// The default status of a code.
pub(crate) fn status_of(code: &ErrorCode) -> StatusCode {
    let usual = code.statuses().first().and_then(|status| StatusCode::from_u16(*status).ok());
    usual.unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
}

impl From<CodecError> for ApiError {
    fn from(error: CodecError) -> Self {
        match error {
            CodecError::TooLarge(_) => Self::TooLarge,
            other => Self::Malformed(other.to_string()),
        }
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let code = self.code();
        let status = status_of(&code);
        // A suspicion needs a person. It is logged once at the start, not for every device that asks.
        let waits = matches!(self, Self::Copied);
        if status.is_server_error() && !waits {
            log!(error, "a request failed", code = code, error = self);
        }
        let mut response = Self::answer(status, code, &self.to_string());
        let retry_after = match self {
            Self::SlowDown(seconds) => Some(seconds),
            Self::Copied => Some(60),
            _ if status == StatusCode::SERVICE_UNAVAILABLE => Some(5),
            _ => None,
        };
        if let Some(seconds) = retry_after {
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        response
    }
}
