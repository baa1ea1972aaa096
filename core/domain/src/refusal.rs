//! The codes of changes that the server refuses, and of changes that a device keeps without applying them.

use std::fmt;

use serde::{Serialize, Serializer};

/// The prefix of `rights:RULE`.
const RIGHTS: &str = "rights";
/// The prefix of `discarded: WHY`.
const DISCARDED: &str = "discarded";

macro_rules! refusals {
    ($($(#[$doc:meta])* $variant:ident = $word:literal),+ $(,)?) => {
        /// Why a change is in quarantine or parked. `PROTOCOL.md` lists the codes in section 7. A code that this version does not
        /// know is kept as received, so that an older device does not lose it.
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
        pub enum RefusalCode {
            $($(#[$doc])* $variant,)+
            /// The policy's rule with this id denies the change; `none` if the policy has no rule for it.
            Rights(String),
            /// Used only on devices: head office has discarded the change for this reason.
            Discarded(String),
            /// A code of a newer server, or the fault of a whole pack, as received.
            Unknown(String),
        }

        impl RefusalCode {
            /// Every known code without a value; so not `Rights`, `Discarded` and `Unknown`.
            pub const PLAIN: &'static [Self] = &[$(Self::$variant),+];

            /// The code without the policy's rule or head office's reason.
            pub fn word(&self) -> &str {
                match self {
                    $(Self::$variant => $word,)+
                    Self::Rights(_) => RIGHTS,
                    Self::Discarded(_) => DISCARDED,
                    Self::Unknown(code) => code,
                }
            }
        }

        impl From<&str> for RefusalCode {
            fn from(code: &str) -> Self {
                match code {
                    $($word => Self::$variant,)+
                    _ => match code.split_once(':') {
                        Some((RIGHTS, rule)) => Self::Rights(rule.to_owned()),
                        Some((DISCARDED, why)) if why.starts_with(' ') => Self::Discarded(why.split_at(1).1.to_owned()),
                        _ => Self::Unknown(code.to_owned()),
                    },
                }
            }
        }
    };
}

refusals!(
    /// The change is larger than the limit.
    TooLarge = "too_large",
    /// Not an uncompressed change chunk, or a compressed column.
    ChunkType = "chunk_type",
    /// The checksum is not the content's.
    Checksum = "checksum",
    /// Automerge cannot decode it.
    Undecodable = "undecodable",
    /// It does not encode back to the same bytes.
    NotCanonical = "not_canonical",
    /// The writer is not an installation, or not an installation of this device.
    Actor = "actor",
    /// It carries a time, a message, extra bytes, or unsorted or too many dependencies.
    Envelope = "envelope",
    /// An operation other than making or filling an entry.
    Shape = "shape",
    /// An entry key that is not this change's.
    EntryKey = "entry_key",
    /// A field is missing, malformed, too long, or reserved to the server.
    Field = "field",
    /// It belongs to another document.
    OtherCase = "other_case",
    /// An entry that belongs to another kind of document.
    Kind = "kind",
    /// The first change of an installation in a document without facts.
    NoFacts = "no_facts",
    /// No operation, too many, or a counter out of range.
    OpCount = "op_count",
    /// Its first operation counter does not follow from its dependencies.
    StartOp = "start_op",
    /// The case has reached the server's limit, or the device has used up its share of it.
    CaseFull = "case_full",
    /// It would leave the case with more heads than the limit.
    Heads = "heads",
    /// The device or the person was revoked before the change came.
    Revoked = "revoked",
    /// Another change of the installation has its sequence number: a clone or a restored backup.
    SeqTaken = "seq_taken",
    /// Used only on devices: the stored row cannot be read.
    Damaged = "damaged",
    /// Used only on devices, for a parked change: a change that it depends on has not arrived.
    Early = "early",
);

impl RefusalCode {
    /// The policy's rule, if a rule refused.
    pub fn rule(&self) -> Option<&str> {
        match self {
            Self::Rights(rule) => Some(rule),
            _ => None,
        }
    }

    /// Builds a code from two columns: [`RefusalCode::word`] and [`RefusalCode::rule`].
    pub fn of_columns(word: &str, rule: Option<&str>) -> Self {
        rule.map_or_else(|| word.into(), |rule| format!("{word}:{rule}").into())
    }
}

impl From<String> for RefusalCode {
    fn from(code: String) -> Self {
        code.as_str().into()
    }
}

/// The code as it travels and as a device keeps it: `rights:P-99` with the policy's rule, `discarded: WHY`, else the word.
impl fmt::Display for RefusalCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Rights(rule) => write!(f, "{RIGHTS}:{rule}"),
            Self::Discarded(why) => write!(f, "{DISCARDED}: {why}"),
            _ => f.write_str(self.word()),
        }
    }
}

impl Serialize for RefusalCode {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.collect_str(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_reads_back_as_it_was_written_and_an_unknown_one_is_kept() {
        for code in RefusalCode::PLAIN {
            assert_eq!(RefusalCode::from(code.word()), *code);
        }
        for text in [
            "rights:P-99",
            "rights:none",
            "rights:",
            "rights:a:b",
            "rights",
            "",
            "quota",
            "quota:7",
            "Actor",
            "discarded: 假",
            "discarded:",
        ] {
            assert_eq!(RefusalCode::from(text).to_string(), text);
        }
        assert_eq!(RefusalCode::from("rights:P-99"), RefusalCode::Rights("P-99".into()));
        assert_eq!(RefusalCode::from("rights"), RefusalCode::Unknown("rights".into()), "no rule is named");
        assert_eq!(RefusalCode::from("discarded: 假"), RefusalCode::Discarded("假".into()));
        assert_eq!(RefusalCode::from("quota:7"), RefusalCode::Unknown("quota:7".into()));
    }

    #[test]
    fn a_code_in_two_columns_is_the_code_in_one_text() {
        for text in ["rights:P-99", "actor", "quota", "quota:7"] {
            let code = RefusalCode::from(text);
            assert_eq!(RefusalCode::of_columns(code.word(), code.rule()), code);
        }
        assert_eq!(RefusalCode::of_columns("actor", Some("P-1")).to_string(), "actor:P-1", "an odd row is shown as it is");
    }
}
