//! Corrections, disputes and head office's rulings. Nothing is ever edited away (domain 7, 8.5).

use std::{fmt, str::FromStr};

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::{EntryKey, Fault, Fen, IdError, Personal, ReasonCode, Stands, ids::parsed};

/// States that an earlier entry was wrong. The entry stays. The correct data are another entry in the same change.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Correction {
    /// The entry.
    pub of: EntryKey,
    /// The kind of error.
    pub fault: Fault,
    /// With [`Fault::SameAs`]: the other entry of the same act.
    pub same_as: Option<EntryKey>,
    /// Why.
    pub words: Personal,
}

/// The subject of a dispute or ruling: an entry, or a finding (a rule applied to an entry).
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct About {
    /// The rule, for a finding.
    pub rule: Option<ReasonCode>,
    /// The entry; for a finding, the entry that started it.
    pub entry: EntryKey,
}

impl fmt::Display for About {
    /// `attempt/abcdefgh-1`, or `LIA-04@attempt/abcdefgh-1`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.rule.as_ref().map_or(Ok(()), |rule| write!(f, "{rule}@"))?;
        self.entry.fmt(f)
    }
}

impl FromStr for About {
    type Err = IdError;
    fn from_str(text: &str) -> Result<Self, IdError> {
        match text.split_once('@') {
            Some((rule, entry)) => Ok(Self { rule: Some(rule.parse()?), entry: entry.parse()? }),
            None => Ok(Self { rule: None, entry: text.parse()? }),
        }
    }
}

impl Serialize for About {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for About {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        parsed(d)
    }
}

/// Somebody contests a finding or a mark.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Dispute {
    /// What.
    pub about: About,
    /// Why.
    pub words: Personal,
}

/// A ruling of head office on a finding, a mark, an arbitration, or a conflict.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Ruling {
    /// What.
    pub about: About,
    /// The decision.
    pub stands: Stands,
    /// The party's share of a finding, 0 to 100 percent.
    pub share: Option<u8>,
    /// The decided amount in fen. It moves no money by itself (domain C-20).
    pub amount: Option<Fen>,
    /// The ruling that this one replaces, as far as its writer knew.
    pub replaces: Option<EntryKey>,
    /// Why.
    pub words: Option<Personal>,
}
