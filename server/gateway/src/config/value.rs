//! Values of a configuration: errors, secrets, seconds.

use std::{
    fmt,
    path::{Path, PathBuf},
    time::Duration,
};

use serde::{Deserialize, Deserializer, de};

/// Why a configuration can not be used. The text says what to do.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The text is not TOML, has an unknown key, or has a value of the wrong type.
    #[error("read the gateway's configuration: {0}")]
    Toml(String),
    /// The table of the chosen provider is missing.
    #[error("the gateway's provider is \"{0}\", so its configuration needs a table [{0}]")]
    NoTable(&'static str),
    /// There is a table of a provider that is not chosen.
    #[error(
        "the gateway's configuration has a table [{table}] and provider = \"{provider}\"; take the table out or choose its provider"
    )]
    OtherTable {
        /// The table.
        table: &'static str,
        /// The chosen provider.
        provider: &'static str,
    },
    /// A value is out of its range.
    #[error("the gateway's configuration: {key} {fault}")]
    Value {
        /// The key, such as `smpp.window`.
        key: &'static str,
        /// The fault, and a right value.
        fault: String,
    },
    /// A file that the configuration names can not be read.
    #[error("the gateway's configuration: {key} names {}: {fault}", file.display())]
    File {
        /// The key.
        key: &'static str,
        /// The file.
        file: PathBuf,
        /// The fault, and what to do.
        fault: String,
    },
}

/// A password or token. Its `Debug` shows nothing.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Wraps a secret.
    pub fn new(secret: impl Into<String>) -> Self {
        Self(secret.into())
    }

    /// The secret itself, for the wire only.
    pub(crate) fn bare(&self) -> &str {
        &self.0
    }

    /// Reads a secret from a file, without the end of its line.
    pub(crate) fn read(key: &'static str, file: &Path) -> Result<Self, ConfigError> {
        let fault = |fault: String| ConfigError::File { key, file: file.to_owned(), fault };
        let text = std::fs::read_to_string(file)
            .map_err(|source| fault(format!("{source}; check the path and that this user may read it")))?;
        let secret = text.trim_end_matches(['\r', '\n']);
        if secret.is_empty() || secret.contains(['\r', '\n']) {
            return Err(fault("must hold the secret in one line".to_owned()));
        }
        Ok(Self::new(secret))
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(..)")
    }
}

impl<'de> Deserialize<'de> for Secret {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        String::deserialize(from).map(Self)
    }
}

/// Reads seconds, whole or fractional, above zero and at most a day.
pub(crate) fn seconds<'de, D: Deserializer<'de>>(from: D) -> Result<Duration, D::Error> {
    let fault = || de::Error::custom("must be a number of seconds above 0 and at most 86400");
    let given = toml::Value::deserialize(from)?;
    let seconds = match given {
        toml::Value::Integer(whole) => u32::try_from(whole).map(f64::from).map_err(|_| fault())?,
        toml::Value::Float(float) => float,
        _ => return Err(fault()),
    };
    if seconds > 0.0 && seconds <= 86_400.0 { Ok(Duration::from_secs_f64(seconds)) } else { Err(fault()) }
}

pub(crate) fn value(key: &'static str, is_good: bool, fault: &str) -> Result<(), ConfigError> {
    if is_good { Ok(()) } else { Err(ConfigError::Value { key, fault: fault.to_owned() }) }
}
