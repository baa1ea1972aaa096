//! Outcomes, exceptions and liability rules (domain 2.3, 3.5, 4, 6.4).

use std::collections::BTreeMap;

use doorstep_domain::Payer;
use serde::{Deserialize, Serialize};

use super::{Event, Evidence, Party};
use crate::Words;

/// A requirement on a reply: any of these fields, separated by `|` in the file (domain 6.4).
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
#[serde(transparent)]
pub struct ReplyNeed(pub String);

impl ReplyNeed {
    /// The fields of a reply other than its decision.
    pub const FIELDS: [&str; 15] = [
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
        "site",
    ];

    /// The fields of which one is sufficient.
    pub fn any_of(&self) -> impl Iterator<Item = &str> {
        self.0.split('|').map(str::trim)
    }
}

/// Fields that a reply needs if one of some codes was registered before it.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct NeedsIf {
    /// The codes, or prefixes of codes (`MN-*`).
    pub codes: Vec<String>,
    /// The fields.
    pub needs: Vec<ReplyNeed>,
    /// Why, in a sentence for clerks.
    pub why: Option<Words>,
}

/// Who pays if one of some codes was registered before the reply.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Pays {
    /// The codes, or prefixes of codes.
    pub codes: Vec<String>,
    /// If not empty: for these sub-reasons only.
    #[serde(default)]
    pub subs: Vec<String>,
    /// Who pays.
    pub payer: Payer,
    /// Why, in a sentence for clerks.
    pub why: Option<Words>,
}

/// An outcome: a decision of a reply, an action on the parcel, or an end of the case.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct OutcomeRow {
    /// Its code.
    pub code: String,
    /// Chinese name.
    pub zh: String,
    /// English name.
    pub en: String,
    /// The fields that a reply with this decision needs. `None` if a reply cannot decide it.
    pub reply_needs: Option<Vec<ReplyNeed>>,
    /// Further fields that a reply needs for some codes: a change of COD money needs the letter, one of freight does not. Format 2.
    #[serde(default)]
    pub reply_needs_if: Vec<NeedsIf>,
    /// Fields that a reply is asked for and may leave open. Format 2.
    #[serde(default)]
    pub reply_asks: Vec<ReplyNeed>,
    /// Who pays, for some codes; the first row that fits counts. A reply that names nobody or somebody else lacks `payer`. Format 2.
    #[serde(default)]
    pub pays: Vec<Pays>,
    /// Whether it is an action on the parcel before the case ends.
    #[serde(default)]
    pub action: bool,
    /// Whether it ends the case.
    #[serde(default)]
    pub closes: bool,
    /// Whether head office must decide on it (arbitration).
    #[serde(default)]
    pub arbitrates: bool,
    /// Decisions that it carries out.
    #[serde(default)]
    pub fulfils: Vec<String>,
    /// Decisions that it contradicts, such as signed for while a return is ordered.
    #[serde(default)]
    pub contradicts: Vec<String>,
    /// The change of the COD ledger that a parcel with COD has before it ends so: the money was handed in. Format 2.
    pub collects: Option<String>,
    /// The change of the COD ledger whose amount is due instead of the parcel's COD; only beside `collects`. Format 2.
    pub changes_due: Option<String>,
    /// The step that confirms the arrival, for an action that sends the parcel to another outlet. The action names the outlet. Format 2.
    pub asks: Option<String>,
    /// The evidence without which it does not count as done: a change of money needs the stamped letter and the ledger's line.
    #[serde(default)]
    pub requires: Vec<Evidence>,
    /// Its code in public code lists (domain 12.2).
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

/// The unit to which an amount applies.
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

/// A liability rule (domain 4.1, 4.2). Applied to a case it gives a finding, which is a proposal and never a deduction (C-20).
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
    /// The liable party.
    pub borne_by: Party,
    /// The share proposed, 0 to 100 percent.
    #[serde(default = "whole")]
    pub share: u8,
    /// The event, if the rule applies to a registration. Without one, clocks name the rule.
    pub on: Option<Event>,
    /// If not empty: only if all of these were also registered.
    #[serde(default)]
    pub only_with: Vec<String>,
    /// The amount proposed, in yuan.
    pub yuan: Option<u32>,
    /// The unit to which the amount applies.
    #[serde(default)]
    pub per: Per,
    /// Whether the amount is the goods' value as stated by the sender.
    #[serde(default)]
    pub goods_value: bool,
    /// Further consequences, in words.
    pub further: Option<Words>,
    /// Whether the rule names no share and no amount: the finding only asks head office to look at the outlet concerned. Format 2.
    #[serde(default)]
    pub open: bool,
    /// Whether one fault is proposed once, although a missed clock and several registrations show it. Format 2.
    #[serde(default)]
    pub once: bool,
    /// Why the rule is as it is, in a sentence for clerks. Format 2.
    pub why: Option<Words>,
}

fn whole() -> u8 {
    100
}
