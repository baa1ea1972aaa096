//! Errors as a host sees them: four kinds, each with words for the person in Chinese and English, never personal data.

use doorstep_client::{ClientError, Kind};
use doorstep_rules::Words;

/// Why a call was not done. The words say what happened and what to do next.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error, uniffi::Error)]
#[uniffi::export(Display)]
pub enum DoorstepError {
    /// The call itself is wrong: not a waybill, not a photo.
    #[error("{zh} / {en}")]
    Usage {
        /// Chinese.
        zh: String,
        /// English.
        en: String,
    },
    /// A rule forbids it.
    #[error("{zh} / {en}")]
    Rule {
        /// Chinese.
        zh: String,
        /// English.
        en: String,
    },
    /// The network or the server; everything recorded is kept and will be sent.
    #[error("{zh} / {en}")]
    Network {
        /// Chinese.
        zh: String,
        /// English.
        en: String,
    },
    /// The device's storage, or this library itself.
    #[error("{zh} / {en}")]
    Storage {
        /// Chinese.
        zh: String,
        /// English.
        en: String,
    },
}

impl DoorstepError {
    /// A file of a photo can not be read. The path may hold a person's name; it is not repeated.
    pub(crate) fn photo_file() -> Self {
        Self::Usage {
            zh: "照片文件无法读取，未作任何登记，请重新拍摄".to_owned(),
            en: "the photo file can not be read, nothing was recorded; take the photo again".to_owned(),
        }
    }

    /// This library failed: no thread could be started, or a task of ours ended without an answer.
    pub(crate) fn internal() -> Self {
        ClientError::Internal("a thread of the library failed").into()
    }
}

impl From<ClientError> for DoorstepError {
    fn from(error: ClientError) -> Self {
        let Words { zh, en } = error.words();
        match error.kind() {
            Kind::Usage => Self::Usage { zh, en },
            Kind::Rule => Self::Rule { zh, en },
            Kind::Network => Self::Network { zh, en },
            Kind::Storage => Self::Storage { zh, en },
        }
    }
}

impl From<uniffi::UnexpectedUniFFICallbackError> for DoorstepError {
    /// What a host threw is not repeated: it is its whole stack trace, with whatever data is in it.
    fn from(_: uniffi::UnexpectedUniFFICallbackError) -> Self {
        Self::Usage { zh: "监听函数出错".to_owned(), en: "the listener failed".to_owned() }
    }
}
