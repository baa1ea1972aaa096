//! One link of a chain of reasons.

use doorstep_domain::EntryKey;
use serde::Serialize;

use crate::Words;

/// One link of a chain.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Because {
    /// The words.
    #[serde(flatten)]
    pub words: Words,
    /// The entry that supports it.
    pub entry: Option<EntryKey>,
}

pub(super) fn both(zh: impl Into<String>, en: impl Into<String>) -> Words {
    Words { zh: zh.into(), en: en.into() }
}

pub(super) fn fact(zh: impl Into<String>, en: impl Into<String>) -> Because {
    Because { words: both(zh, en), entry: None }
}

/// The pack's own reason for a rule.
pub(super) fn why(why: &Words) -> Because {
    fact(format!("为什么：{}", why.zh), format!("why: {}", why.en))
}
