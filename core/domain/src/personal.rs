//! Personal values: name, phone, address, SMS text, free notes.
//!
//! Layout: `[1 byte scheme, 1 byte key id length, key id, payload]`. Scheme 0 is plain UTF-8 without a key id. Scheme 1
//! will be sealed under a per-case key, so that erasing a person's data later means destroying a key.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// A personal value as stored. Its `Debug` shows nothing, so that it cannot slip into a log.
#[derive(Clone, PartialEq, Eq)]
pub struct Personal(Vec<u8>);

impl Default for Personal {
    /// An empty plain value.
    fn default() -> Self {
        Self(vec![0, 0])
    }
}

/// Why bytes are not a valid personal value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PersonalError {
    /// Shorter than its own header says.
    #[error("personal value is truncated")]
    Truncated,
    /// Scheme 0 with a key id, or with bytes that are not UTF-8.
    #[error("plain personal value is not text")]
    NotText,
    /// Longer than [`Personal::MAX_LEN`] bytes.
    #[error("personal value is longer than {} bytes", Personal::MAX_LEN)]
    TooLong,
}

impl Personal {
    /// Greatest length in bytes with header, enough for a long note in Chinese.
    pub const MAX_LEN: usize = 8 * 1024;

    /// A plain value (scheme 0). Line ends and tabs stay; other control characters are dropped, because one NUL in a
    /// note has made whole pushes fail elsewhere (QFieldCloud#327).
    pub fn plain(text: &str) -> Result<Self, PersonalError> {
        let mut bytes = vec![0, 0];
        bytes.extend(text.chars().filter(|c| !c.is_control() || matches!(c, '\n' | '\t')).collect::<String>().into_bytes());
        Self::from_bytes(&bytes)
    }

    /// Reads a stored value. A value of an unknown scheme is kept as it is.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, PersonalError> {
        if bytes.len() > Self::MAX_LEN {
            return Err(PersonalError::TooLong);
        }
        let [scheme, key_len, rest @ ..] = bytes else { return Err(PersonalError::Truncated) };
        let payload = rest.get(usize::from(*key_len)..).ok_or(PersonalError::Truncated)?;
        if *scheme == 0 && (*key_len != 0 || std::str::from_utf8(payload).is_err()) {
            return Err(PersonalError::NotText);
        }
        Ok(Self(bytes.to_vec()))
    }

    /// The stored bytes.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// The text, if the value is plain; `None` if it is sealed.
    pub fn text(&self) -> Option<&str> {
        match self.0.as_slice() {
            [0, 0, payload @ ..] => std::str::from_utf8(payload).ok(),
            _ => None,
        }
    }

    /// This value behind a mask. A sealed one stays as it is: it shows nothing.
    pub fn behind(&self, mask: fn(&str) -> String) -> Self {
        // No mask makes a value that is too long; should one do it, nothing is shown.
        self.text().map_or_else(|| self.clone(), |text| Self::plain(&mask(text)).unwrap_or_else(|_| Self(vec![0, 0])))
    }
}

impl fmt::Debug for Personal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Personal(***)")
    }
}

impl Serialize for Personal {
    /// The text for the screen of somebody who may read it; null when sealed.
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        self.text().serialize(s)
    }
}

impl<'de> Deserialize<'de> for Personal {
    /// Reads a plain value from its text. A sealed value was written as null and cannot be read back.
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        Self::plain(&String::deserialize(d)?).map_err(de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plain_value_reads_back_and_never_shows_in_debug() {
        let name = Personal::plain("欧阳\u{0}小姐").unwrap();
        assert_eq!(name.text(), Some("欧阳小姐"));
        assert_eq!(format!("{name:?}"), "Personal(***)");
        assert_eq!(Personal::from_bytes(name.as_bytes()).unwrap(), name);
    }

    #[test]
    fn hostile_bytes_get_a_typed_error_and_a_sealed_value_is_kept() {
        assert_eq!(Personal::from_bytes(&[0]), Err(PersonalError::Truncated));
        assert_eq!(Personal::from_bytes(&[1, 4, 9]), Err(PersonalError::Truncated));
        assert_eq!(Personal::from_bytes(&[0, 0, 0xff]), Err(PersonalError::NotText));
        assert_eq!(Personal::from_bytes(&vec![0; 9000]), Err(PersonalError::TooLong));
        let sealed = [1, 2, 7, 7, 1, 2, 3];
        assert_eq!(Personal::from_bytes(&sealed).unwrap().as_bytes(), sealed);
        assert_eq!(Personal::from_bytes(&sealed).unwrap().text(), None);
    }
}
