//! Problem types with their cards: who registers, whom to ask, steps, evidence, outcomes (domain 2).

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::Words;

/// A code with its names.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Named {
    /// The code.
    pub code: String,
    /// Chinese name.
    pub zh: String,
    /// English name.
    pub en: String,
}

/// The kinds of problem (domain 2.4 to 2.8).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Group {
    /// Delivery failures: what is recorded is an attempt, and a notice to the origin outlet follows.
    Delivery,
    /// Condition of the goods.
    Condition,
    /// Routing and custody.
    Routing,
    /// Lost or swapped.
    Loss,
    /// Money and document changes.
    Money,
    /// Faults of the origin outlet.
    Origin,
    /// Complaints about service.
    Service,
    /// Transfers and returns as they are handed over.
    Transfer,
}

impl Group {
    /// Whether what is recorded is a failed delivery.
    pub fn is_attempt(self) -> bool {
        self == Self::Delivery
    }
}

/// How strongly evidence is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Need {
    /// Without it the case is incomplete.
    #[default]
    Required,
    /// Wise to have.
    Recommended,
}

/// One way to satisfy a piece of evidence. Empty lists mean "any".
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum Proof {
    /// A photo that shows one of these.
    Photo {
        /// Spellings of [`doorstep_domain::PhotoPurpose`].
        #[serde(default)]
        shows: Vec<String>,
    },
    /// A call that ended in one of these ways.
    Call {
        /// Spellings of [`doorstep_domain::CallResult`].
        #[serde(default)]
        results: Vec<String>,
    },
    /// An SMS; without `levels` one that proves the attempt for the day (domain 5.3).
    Sms {
        /// Spellings of [`doorstep_domain::SmsLevel`].
        #[serde(default)]
        levels: Vec<String>,
        /// Why it failed: spellings of [`doorstep_domain::SmsFault`].
        #[serde(default)]
        faults: Vec<String>,
    },
    /// Words with the registration, or a note.
    Words {},
    /// Failed deliveries of the same code.
    Attempts {},
    /// Weight on the scale and on the label, in figures.
    Weight {},
    /// The other parcel's number.
    OtherWaybill {},
    /// How many items or pieces.
    Count {},
    /// How long the courier waited, or the time agreed.
    Waiting {},
    /// What the recipient would pay.
    Offer {},
    /// What the sender says of the goods: name, packing and value (EV-4).
    Goods {},
    /// Somebody on the customers' side agreed, with their name (EV-6).
    Consent {
        /// Spellings of [`doorstep_domain::Customer`].
        #[serde(default)]
        by: Vec<String>,
    },
    /// A line of a register.
    Ledger {
        /// Spellings of [`doorstep_domain::Book`].
        #[serde(default)]
        books: Vec<String>,
    },
    /// A step that somebody has ticked.
    Tick {
        /// Step codes.
        steps: Vec<String>,
    },
    /// An action that names the carrier and its number.
    Carrier {},
}

/// A row of the evidence matrix (domain 7).
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Evidence {
    /// Its name in data, unique in its code.
    pub id: String,
    /// Chinese name.
    pub zh: String,
    /// English name.
    pub en: String,
    /// How strongly it is wanted.
    #[serde(default)]
    pub need: Need,
    /// How many at least.
    #[serde(default = "one")]
    pub least: u32,
    /// If not empty: wanted for these sub-reasons only.
    #[serde(default)]
    pub only_subs: Vec<String>,
    /// What can be said instead, where it may be waived. Without it, it may not.
    pub waiver: Option<Words>,
    /// One of these satisfies it.
    pub any_of: Vec<Proof>,
}

/// A step of a card, where it stands in the order.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct CardStep {
    /// The step's code.
    #[serde(rename = "do")]
    pub step: String,
    /// If not empty: for these sub-reasons only.
    #[serde(default)]
    pub only_subs: Vec<String>,
    /// If not empty: only once one of these was registered too ("only if the customer refuses").
    #[serde(default)]
    pub only_with: Vec<String>,
    /// Only after so many failed deliveries of this code (SLA-09).
    #[serde(default)]
    pub after_attempts: u32,
    /// Only for parcels with, or without, cash to collect (C-8).
    pub cod: Option<bool>,
}

/// What a step is.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Step {
    /// Its code.
    pub code: String,
    /// Chinese name.
    pub zh: String,
    /// English name.
    pub en: String,
    /// Roles, or duties of [`super::Pack::duties`], that do it.
    #[serde(default)]
    pub by: Vec<String>,
    /// Entry kinds that are the step, so that nobody has to tick it: `sms`, `notice`.
    #[serde(default)]
    pub done_by: Vec<String>,
}

/// A stage at which problems are found (domain 2.1).
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct StageRow {
    /// A spelling of [`doorstep_domain::Stage`].
    pub stage: String,
    /// Chinese name.
    pub zh: String,
    /// English name.
    pub en: String,
    /// Roles that register there.
    pub registrars: Vec<String>,
}

/// A problem type (domain 2.2) with its card.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Code {
    /// Its code.
    pub code: String,
    /// Chinese name.
    pub zh: String,
    /// English name.
    pub en: String,
    /// Where it comes from.
    pub source: String,
    /// Its kind.
    pub group: Group,
    /// At which stages it is registered.
    pub stages: Vec<String>,
    /// Whether couriers have a button for it (domain 2.2).
    #[serde(default)]
    pub button: bool,
    /// Off: known, and not offered (domain 2.9).
    #[serde(default = "yes")]
    pub enabled: bool,
    /// Whether the origin outlet is notified and asked for a decision. Off: the card's steps lead to the outcome.
    #[serde(default)]
    pub notify: bool,
    /// Its sub-reasons.
    #[serde(default)]
    pub subs: Vec<Named>,
    /// What the customer's SMS says of it; without it there is nothing to tell the customer.
    pub sms_text: Option<Words>,
    /// Whether proof of it is leniency for the delivering outlet.
    #[serde(default)]
    pub leniency: bool,
    /// Whom to ask, in order: keys of the words table.
    #[serde(default)]
    pub asks: Vec<String>,
    /// The steps, in order.
    #[serde(default)]
    pub steps: Vec<CardStep>,
    /// The outcomes that the card names.
    #[serde(default)]
    pub outcomes: Vec<String>,
    /// The evidence it wants.
    #[serde(default)]
    pub evidence: Vec<Evidence>,
    /// The same in public code lists (domain 12.2), by the list's name.
    #[serde(default)]
    pub public: BTreeMap<String, String>,
}

pub(super) fn yes() -> bool {
    true
}

pub(super) fn one() -> u32 {
    1
}
