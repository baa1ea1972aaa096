//! The regular expression of a network's waybills.

use std::{fmt, sync::OnceLock};

use regex_lite::Regex;
use serde::{Deserialize, Serialize};

/// A regular expression that waybills match. It is compiled at the first use and kept, because every judgement asks it and compiling
/// costs more than the rest of the judgement's flags.
#[derive(Clone, Deserialize, Serialize)]
#[serde(from = "String", into = "String")]
pub struct WaybillPattern {
    text: String,
    /// `None` for a text that is no regular expression.
    compiled: OnceLock<Option<Regex>>,
}

impl WaybillPattern {
    /// Whether a text matches. Nothing matches a pattern that is no regular expression.
    pub fn matches(&self, text: &str) -> bool {
        let compiled = self.compiled.get_or_init(|| Regex::new(&self.text).ok());
        compiled.as_ref().is_some_and(|regex| regex.is_match(text))
    }

    /// The fault of the pattern, if it is no regular expression.
    pub(super) fn fault(&self) -> Option<String> {
        Regex::new(&self.text).err().map(|error| error.to_string())
    }
}

impl From<String> for WaybillPattern {
    fn from(text: String) -> Self {
        Self { text, compiled: OnceLock::new() }
    }
}

impl From<WaybillPattern> for String {
    fn from(pattern: WaybillPattern) -> Self {
        pattern.text
    }
}

impl PartialEq for WaybillPattern {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl Eq for WaybillPattern {}

impl fmt::Debug for WaybillPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.text, f)
    }
}

impl fmt::Display for WaybillPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}
