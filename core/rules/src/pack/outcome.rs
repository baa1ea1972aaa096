//! Results, exceptions, and who answers for what (domain 2.3, 3.5, 4, 6.4).

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{Event, Evidence, Party};
use crate::Words;

/// One thing that a reply must say: any of these fields, separated by `|` in the file (domain 6.4).
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
#[serde(transparent)]
pub struct ReplyNeed(pub String);

impl ReplyNeed {
    /// What a reply can say beside its decision.
    pub const FIELDS: [&str; 14] = [
        "phone",
        "address",
        "contact",
        "company",
        "same",
        "until",
        "place",
        "informed",
        "agreed",
        "sender_agrees",
        "payer",
        "letter",
        "words",
        "agreed_by",
    ];

    /// The fields of which one is enough.
    pub fn any_of(&self) -> impl Iterator<Item = &str> {
        self.0.split('|').map(str::trim)
    }
}

/// A result: what a reply may decide, what may be done with the parcel, what ends a case.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct OutcomeRow {
    /// Its code.
    pub code: String,
    /// Chinese name.
    pub zh: String,
    /// English name.
    pub en: String,
    /// A reply may decide it, and must say this. Without it, it is no decision.
    pub reply_needs: Option<Vec<ReplyNeed>>,
    /// It may be done with the parcel, before the case ends.
    #[serde(default)]
    pub action: bool,
    /// It ends the case.
    #[serde(default)]
    pub closes: bool,
    /// Head office has to decide on it (arbitration).
    #[serde(default)]
    pub arbitrates: bool,
    /// Decisions that it carries out.
    #[serde(default)]
    pub fulfils: Vec<String>,
    /// Decisions that it contradicts: signed for while a return is ordered.
    #[serde(default)]
    pub contradicts: Vec<String>,
    /// Without this it is not done: a change of money needs the stamped letter and the ledger's line.
    #[serde(default)]
    pub requires: Vec<Evidence>,
    /// The same in public code lists (domain 12.2).
    #[serde(default)]
    pub public: BTreeMap<String, String>,
}

/// An exception that meets a deadline (domain 3.5, X-1).
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Exception {
    /// Its id.
    pub id: String,
    /// Chinese name.
    pub zh: String,
    /// English name.
    pub en: String,
    /// Where it comes from.
    pub source: String,
    /// Spellings of [`doorstep_domain::OutageReason`] that it accepts.
    pub reasons: Vec<String>,
}

/// What an amount is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Per {
    /// Each item registered.
    Item,
    /// Each piece registered.
    Piece,
    /// Each time.
    #[default]
    Time,
}

/// Who answers for what (domain 4.1, 4.2). Held against a case it gives a finding: a proposal, never a deduction (C-20).
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Liability {
    /// Its id.
    pub id: String,
    /// Chinese text.
    pub zh: String,
    /// English text.
    pub en: String,
    /// Where it comes from.
    pub source: String,
    /// Who answers.
    pub borne_by: Party,
    /// The share proposed, 0 to 100 percent.
    #[serde(default = "whole")]
    pub share: u8,
    /// What happened, if it is held against a registration. Without it, clocks name it.
    pub on: Option<Event>,
    /// If not empty: only once all of these were registered too.
    #[serde(default)]
    pub only_with: Vec<String>,
    /// The amount proposed, in yuan.
    pub yuan: Option<u32>,
    /// For what the amount is.
    #[serde(default)]
    pub per: Per,
    /// The amount is the goods' value, as the sender gave it.
    #[serde(default)]
    pub goods_value: bool,
    /// What else follows, in words.
    pub further: Option<Words>,
}

fn whole() -> u8 {
    100
}
