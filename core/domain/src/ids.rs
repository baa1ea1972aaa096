//! Ids. They are plain values; the caller generates random ones, because this crate has no randomness.

use std::{fmt, str::FromStr};

use data_encoding::{BASE32_NOPAD, HEXLOWER, HEXLOWER_PERMISSIVE};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use sha2::{Digest as _, Sha256};

use crate::Waybill;

/// Why a text or byte string is not a valid id.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum IdError {
    /// Wrong number of bytes.
    #[error("id has {got} bytes instead of {want}")]
    Length {
        /// Bytes expected.
        want: usize,
        /// Bytes found.
        got: usize,
    },
    /// Not hexadecimal.
    #[error("id is not hexadecimal")]
    NotHex,
    /// A code is empty, too long (over 32 characters) or has a character other than `A-Z a-z 0-9 . _ -`.
    #[error("code is empty, longer than 32 characters or has a character other than A-Z a-z 0-9 . _ -")]
    Code,
    /// An entry key is not `<kind>/<tag>-<seq>[.<i>]`.
    #[error("entry key is not <kind>/<tag>-<seq>[.<i>]")]
    EntryKey,
    /// Not an ISO date from 1970-01-01 to 9999-12-31.
    #[error("day is not an ISO date like 2026-03-02")]
    Day,
    /// The number of no known kind of document.
    #[error("kind of document is not known")]
    DocKind,
}

/// Deserialises a value from its text form with `FromStr`, so that there is one rule for such texts.
pub(crate) fn parsed<'de, D: Deserializer<'de>, T: FromStr>(d: D) -> Result<T, D::Error>
where
    T::Err: fmt::Display,
{
    String::deserialize(d)?.parse().map_err(de::Error::custom)
}

macro_rules! byte_id {
    ($(#[$doc:meta])* $name:ident, $len:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name([u8; $len]);

        impl $name {
            /// The id of these bytes.
            pub const fn new(bytes: [u8; $len]) -> Self {
                Self(bytes)
            }
            /// The bytes of this id.
            pub const fn as_bytes(&self) -> &[u8; $len] {
                &self.0
            }
        }
        impl AsRef<[u8]> for $name {
            fn as_ref(&self) -> &[u8] {
                &self.0
            }
        }
        impl TryFrom<&[u8]> for $name {
            type Error = IdError;
            fn try_from(bytes: &[u8]) -> Result<Self, IdError> {
                bytes.try_into().map(Self).map_err(|_| IdError::Length { want: $len, got: bytes.len() })
            }
        }
        impl FromStr for $name {
            type Err = IdError;
            fn from_str(text: &str) -> Result<Self, IdError> {
                let bytes = HEXLOWER_PERMISSIVE.decode(text.as_bytes()).map_err(|_| IdError::NotHex)?;
                Self::try_from(bytes.as_slice())
            }
        }
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&HEXLOWER.encode(&self.0))
            }
        }
        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}({self})", stringify!($name))
            }
        }
        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
                s.collect_str(self)
            }
        }
        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
                parsed(d)
            }
        }
    };
}

byte_id!(
    /// The id of a case (see [`CaseId::of`]) or, as [`crate::DocId`], of a document of any kind.
    CaseId, 16
);
byte_id!(
    /// One installation of the app, which is the Automerge actor of its changes. 16 random bytes.
    InstallId, 16
);
byte_id!(
    /// One device. See [`DeviceId::of`].
    DeviceId, 16
);
byte_id!(
    /// One user action; shared by the changes of an action on several cases.
    ActionId, 16
);
byte_id!(
    /// One message to a customer, independent of its sender. See [`MessageKey::of`].
    MessageKey, 16
);
byte_id!(
    /// The server's log. The id is random and changes with every restore, so that cursors of another log are recognised.
    HistoryId, 16
);
byte_id!(
    /// SHA-256 of a change, as Automerge defines it.
    ChangeHash, 32
);
byte_id!(
    /// SHA-256 of a batch's body. The next batch names it as its predecessor.
    BatchHash, 32
);
byte_id!(
    /// SHA-256 of a photo's exact bytes.
    PhotoId, 32
);

byte_id!(
    /// SHA-256 over signed content: a document's changes in a batch, or a document's receipts in an answer.
    Digest, 32
);

impl BatchHash {
    /// The predecessor that an installation's first batch names.
    pub const NONE: Self = Self([0; 32]);

    /// The hash of a batch's body.
    pub fn of(body: &[u8]) -> Self {
        Self(Sha256::digest(body).into())
    }
}

impl DeviceId {
    /// First 16 bytes of SHA-256 over the device's public key (P-256, uncompressed point).
    pub fn of(public_key: &[u8]) -> Self {
        let digest: [u8; 32] = Sha256::digest(public_key).into();
        let mut id = [0; 16];
        id.iter_mut().zip(digest).for_each(|(to, from)| *to = from);
        Self(id)
    }
}

/// First 16 bytes of SHA-256 over strings, each with its length as 32 bits big-endian. The first one names the kind of document.
pub(crate) fn id_of(parts: &[&str]) -> CaseId {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update((part.len() as u32).to_be_bytes());
        hash.update(part.as_bytes());
    }
    let digest: [u8; 32] = hash.finalize().into();
    let mut id = [0; 16];
    id.iter_mut().zip(digest).for_each(|(to, from)| *to = from);
    CaseId(id)
}

impl CaseId {
    /// First 16 bytes of SHA-256 over the length-prefixed (32-bit big-endian) UTF-8 strings `case/v1`, network code and
    /// normalised waybill. So two phones give the same waybill the same document without asking a server.
    pub fn of(network: &NetworkCode, waybill: &Waybill) -> Self {
        id_of(&["case/v1", network.as_str(), waybill.as_str()])
    }

    /// The first 8 bytes, which every entry carries: a first change has no dependencies and could otherwise be
    /// transplanted into another document.
    pub fn prefix(&self) -> [u8; 8] {
        let mut prefix = [0; 8];
        prefix.iter_mut().zip(self.0).for_each(|(to, from)| *to = from);
        prefix
    }
}

macro_rules! code {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize)]
        #[serde(transparent)]
        pub struct $name(String);

        impl $name {
            /// The code as text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }
        impl FromStr for $name {
            type Err = IdError;
            fn from_str(text: &str) -> Result<Self, IdError> {
                let fine = !text.is_empty()
                    && text.len() <= 32
                    && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"._-".contains(&b));
                if fine { Ok(Self(text.to_owned())) } else { Err(IdError::Code) }
            }
        }
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
                parsed(d)
            }
        }
    };
}

code!(
    /// One courier brand's franchise network (domain 1.1).
    NetworkCode
);
code!(
    /// One outlet (网点) of a network.
    OutletCode
);
code!(
    /// One person's account.
    UserId
);
code!(
    /// A code of the rule pack: a reason (`DF-NOBODY`), a sub-reason, a decision or an outcome (domain 2.2, 2.3).
    ReasonCode
);

/// The first 8 base32 characters of SHA-256(install). The tag identifies the writer in every entry key.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Tag([u8; 8]);

impl Serialize for Tag {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.serialize_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for Tag {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        Self::from_text(&String::deserialize(d)?).ok_or_else(|| de::Error::custom("no tag"))
    }
}

impl Tag {
    /// The tag of an installation. It has only 40 bits and could collide, so the server refuses an install whose tag it already
    /// knows.
    pub fn of(install: &InstallId) -> Self {
        let [a, b, c, d, e, ..]: [u8; 32] = Sha256::digest(install.as_bytes()).into();
        let mut tag = [0; 8];
        BASE32_NOPAD.encode_mut(&[a, b, c, d, e], &mut tag);
        tag.make_ascii_lowercase();
        Self(tag)
    }

    /// Reads a tag from its text.
    pub fn from_text(text: &str) -> Option<Self> {
        let fine = text.bytes().all(|b| b.is_ascii_lowercase() || (b'2'..=b'7').contains(&b));
        Some(Self(text.as_bytes().try_into().ok()?)).filter(|_| fine)
    }

    /// The tag as text: 8 characters of `a-z2-7`.
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).unwrap_or_default()
    }
}

/// The root key of one entry: `<kind>/<tag>-<seq>[.<i>]`. It derives from the change that writes it, so no two devices can write
/// the same key, and a forged key is recognised without loading the document.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct EntryKey {
    /// The entry's kind, as spelled in the key.
    pub kind: String,
    /// The writing installation's tag.
    pub tag: Tag,
    /// The change's own sequence number in this document, from 1.
    pub seq: u64,
    /// The entry's index in its change, from 0. `None` if the change has only one entry.
    pub index: Option<u32>,
}

impl fmt::Display for EntryKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}-{}", self.kind, self.tag.as_str(), self.seq)?;
        self.index.map_or(Ok(()), |i| write!(f, ".{i}"))
    }
}

impl Serialize for EntryKey {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for EntryKey {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        parsed(d)
    }
}

impl FromStr for EntryKey {
    type Err = IdError;
    fn from_str(text: &str) -> Result<Self, IdError> {
        let parse = || {
            let (kind, rest) = text.split_once('/')?;
            let (tag, number) = rest.split_once('-')?;
            let (seq, index) = match number.split_once('.') {
                Some((seq, index)) => (seq, Some(index)),
                None => (number, None),
            };
            // A key has one spelling: "01" or "+1" is not the key of change 1.
            let is_plain = |number: &str| !number.starts_with('+') && (number == "0" || !number.starts_with('0'));
            if !is_plain(seq) || !index.is_none_or(is_plain) {
                return None;
            }
            let index = index.map(str::parse).transpose().ok()?;
            let kind_is_fine = (1..=24).contains(&kind.len()) && kind.bytes().all(|b| b.is_ascii_lowercase() || b == b'_');
            kind_is_fine.then_some(Self { kind: kind.to_owned(), tag: Tag::from_text(tag)?, seq: seq.parse().ok()?, index })
        };
        parse().ok_or(IdError::EntryKey)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_waybill_typed_differently_is_the_same_case() {
        let network = "QH".parse().unwrap();
        let typed = Waybill::parse("ｑｈ 3100 0000 0017").unwrap();
        let scanned = Waybill::parse("QH310000000017").unwrap();
        assert_eq!(CaseId::of(&network, &typed), CaseId::of(&network, &scanned));
        // Golden: a different value would split every existing case in two.
        assert_eq!(CaseId::of(&network, &scanned).to_string(), "816724b57d84f4bbb40d976fd67143a2");
    }

    #[test]
    fn an_entry_key_has_one_spelling() {
        let tag = Tag::of(&InstallId::new([7; 16]));
        let key = EntryKey { kind: "attempt".into(), tag, seq: 12, index: Some(1) };
        assert_eq!(key.to_string().parse::<EntryKey>().unwrap(), key);
        for good in ["attempt/abcdefgh-0", "a_b/abcdefgh-10.0", "note/abcdefgh-18446744073709551615.4294967295"] {
            assert_eq!(good.parse::<EntryKey>().unwrap().to_string(), good);
        }
        for bad in [
            "attempt/abcdefgh-01",
            "attempt/abcdefgh-+1",
            "attempt/abcdefgh-1.",
            "attempt/abcdefgh-1.00",
            "attempt/abcdefgh-1.+0",
            "attempt/abcdefgh-1.2.3",
            "attempt/abcdefgh--1",
            "Attempt/abcdefgh-1",
            "attempt/abcdefg1-1",
            "attempt/abc-1",
            "a-1",
            "",
        ] {
            assert_eq!(bad.parse::<EntryKey>(), Err(IdError::EntryKey), "{bad}");
        }
    }

    #[test]
    fn ids_survive_hexadecimal_and_refuse_other_lengths() {
        let id = CaseId::new([0xab; 16]);
        assert_eq!(id.to_string().parse::<CaseId>().unwrap(), id);
        assert_eq!("abcd".parse::<CaseId>(), Err(IdError::Length { want: 16, got: 2 }));
        assert_eq!("zz".parse::<CaseId>(), Err(IdError::NotHex));
    }
}
