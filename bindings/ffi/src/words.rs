//! Words in both languages.

use doorstep_rules::{Pack, Words};

/// A text in the two languages of the screens.
#[derive(Debug, Clone, PartialEq, Eq, uniffi::Record)]
pub struct Bilingual {
    /// Chinese.
    pub zh: String,
    /// English.
    pub en: String,
}

impl From<Words> for Bilingual {
    fn from(Words { zh, en }: Words) -> Self {
        Self { zh, en }
    }
}

/// The words of a key: the pack's, or the product's.
pub(crate) fn named(pack: Option<&Pack>, key: &str) -> Bilingual {
    pack.map_or_else(|| doorstep_rules::words(key), |pack| pack.words(key)).into()
}
