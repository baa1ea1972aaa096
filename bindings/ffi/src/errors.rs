//! Errors as a host sees them: few kinds, each with one word to decide by and words for the person in Chinese and English, never
//! personal data.

use doorstep_client::{ClientError, Kind, Refusal};
use doorstep_rules::Words;

/// Declares the variants, which all say the same three things: hosts match on the kind, decide by the code, show the words.
macro_rules! errors {
    ($($(#[$doc:meta])* $kind:ident),+ $(,)?) => {
        /// Why a call was not done. `code` is one word for it, added to and never renamed; the words say what happened and what
        /// to do next. Nothing recorded before is lost by any of these.
        #[derive(Debug, Clone, PartialEq, Eq, thiserror::Error, uniffi::Error)]
        #[uniffi::export(Display)]
        pub enum DoorstepError {
            $($(#[$doc])*
            #[error("{zh} / {en}")]
            $kind {
                /// One word for what happened.
                code: String,
                /// Chinese.
                zh: String,
                /// English.
                en: String,
            },)+
        }

        impl DoorstepError {
            /// One word for what happened.
            pub(crate) fn code(&self) -> &str {
                match self { $(Self::$kind { code, .. })|+ => code }
            }
        }
    };
}

errors!(
    /// The call itself is wrong: not a waybill, not a photo.
    Usage,
    /// A rule or the server forbids it.
    Rule,
    /// The device is locked: somebody must unlock it, or it must see its server first.
    Locked,
    /// The network or the server; everything recorded is kept and will be sent.
    Network,
    /// The device's storage.
    Storage,
    /// The database key: there is none, it is the wrong one, or the platform does not give it now. The store is as it was.
    DatabaseKey,
    /// The call was cancelled by the host. What had been recorded stays.
    Cancelled,
    /// The client is suspended; resume it first.
    Suspended,
    /// The client was shut down; open it again.
    Closed,
    /// Something that the app gave this library failed: a listener, a key, a sender.
    Host,
    /// This library itself failed.
    Internal,
);

macro_rules! fixed {
    ($($(#[$doc:meta])* $name:ident = $kind:ident, $code:literal, $zh:literal, $en:literal;)+) => {
        impl DoorstepError {
            $($(#[$doc])*
            pub(crate) fn $name() -> Self {
                Self::$kind { code: $code.to_owned(), zh: $zh.to_owned(), en: $en.to_owned() }
            })+
        }
    };
}

fixed!(
    /// A file of a photo that was to be recorded can not be read. The path may hold a person's name; it is not repeated.
    photo_file = Usage, "photo_file", "照片文件无法读取，未作任何登记，请重新拍摄",
        "the photo file can not be read, nothing was recorded; take the photo again";
    /// A photo that is only looked at can not be read.
    photo_to_look_at = Usage, "photo_file", "照片文件无法读取，请重新拍摄", "the photo file can not be read; take the photo again";
    /// A file can not be written.
    write_file = Storage, "write_file", "文件无法写入，请检查存储空间和目录", "the file can not be written; check the folder and the free space";
    /// An argument that names a photo is no hash.
    photo_id = Usage, "photo_id", "不是照片编号", "not a photo's id: 64 hexadecimal digits";
    /// An argument that is not one of a list's words.
    place = Usage, "page", "列表位置无效，请从第一页读起", "not a place in the list; begin with the first page";
    cancelled = Cancelled, "cancelled", "已取消；已登记的内容不受影响", "cancelled; what was recorded stays";
    suspended = Suspended, "suspended", "程序在后台已暂停，请返回前台后再试", "suspended in the background; resume and try again";
    closed = Closed, "closed", "数据已关闭，请重新打开", "the client was shut down; open it again";
    host = Host, "host", "应用提供的功能出错，未作任何更改；请重试", "a part of the app failed that this library called; try again";
    /// This library failed: no thread could be started, or a task of ours ended without an answer.
    internal = Internal, "internal", "程序内部错误，已登记的内容不受影响；请重试，并报告此问题",
        "the library failed; what was recorded is kept: try again and report it";
);

impl From<ClientError> for DoorstepError {
    fn from(error: ClientError) -> Self {
        let Words { zh, en } = error.words();
        let code = error.code().to_owned();
        match (&error, error.kind()) {
            (ClientError::Refused(Refusal::Locked | Refusal::OfflineTooLong), _) => Self::Locked { code, zh, en },
            (ClientError::Open(reason), _) if reason.is_about_the_key() => Self::DatabaseKey { code, zh, en },
            (ClientError::Refused(Refusal::Wiped), _) => Self::Closed { code, zh, en },
            (ClientError::Internal(_), _) => Self::Internal { code, zh, en },
            (_, Kind::Usage) => Self::Usage { code, zh, en },
            (_, Kind::Rule) => Self::Rule { code, zh, en },
            (_, Kind::Network) => Self::Network { code, zh, en },
            (_, Kind::Storage) => Self::Storage { code, zh, en },
        }
    }
}

impl From<uniffi::UnexpectedUniFFICallbackError> for DoorstepError {
    /// The host's error is not repeated: its text is a whole stack trace with the data in it.
    fn from(_: uniffi::UnexpectedUniFFICallbackError) -> Self {
        Self::host()
    }
}
