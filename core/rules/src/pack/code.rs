//! Problem types with their cards: registrars, people to ask, steps, evidence, outcomes (domain 2).

use std::collections::BTreeMap;

use doorstep_domain::{Kind, words};
use serde::{Deserialize, Serialize};

use super::side::Side;
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
    /// Delivery failures. They are recorded as attempts, followed by a notice to the origin outlet.
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
    /// Transfers and returns at their handover.
    Transfer,
}

impl Group {
    /// Whether it is recorded as a failed delivery.
    pub fn is_attempt(self) -> bool {
        self == Self::Delivery
    }
}

/// How strongly evidence is needed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Need {
    /// Without it the case is incomplete.
    #[default]
    Required,
    /// Useful but not required.
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
    /// An SMS; without `levels` an SMS that proves the attempt for the day (domain 5.3).
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
    /// The amount that the recipient offered.
    Offer {},
    /// The sender's description of the goods: name, packing and value (EV-4).
    Goods {},
    /// A consent of the customers' side with a name (EV-6).
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
    /// Its id, unique within the problem type.
    pub id: String,
    /// Chinese name.
    pub zh: String,
    /// English name.
    pub en: String,
    /// How strongly it is needed.
    #[serde(default)]
    pub need: Need,
    /// The least number.
    #[serde(default = "one")]
    pub least: u32,
    /// If not empty: needed only for these sub-reasons.
    #[serde(default)]
    pub only_subs: Vec<String>,
    /// Of an outcome's row, if not empty: needed only if one of these codes, or a code with this prefix, is registered. Format 2.
    #[serde(default)]
    pub only_codes: Vec<String>,
    /// The statement that replaces it. Without one it cannot be waived.
    pub waiver: Option<Words>,
    /// Why it is needed, or why not, in a sentence for clerks. Format 2.
    pub why: Option<Words>,
    /// One of these satisfies it.
    pub any_of: Vec<Proof>,
}

/// A step of a card with its conditions.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct CardStep {
    /// The step's code.
    #[serde(rename = "do")]
    pub step: String,
    /// If not empty: for these sub-reasons only.
    #[serde(default)]
    pub only_subs: Vec<String>,
    /// If not empty: only if one of these was also registered ("only if the customer refuses").
    #[serde(default)]
    pub only_with: Vec<String>,
    /// Only after this many failed deliveries of this code (SLA-09).
    #[serde(default)]
    pub after_attempts: u32,
    /// Only for parcels with, or without, cash to collect (C-8).
    pub cod: Option<bool>,
}

/// The definition of a step.
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
    /// Entry kinds that complete the step without a tick, such as `sms` or `notice`.
    #[serde(default)]
    pub done_by: Vec<String>,
    /// The side that does it. For a step of the delivering outlet that a hub does too, it is the hub if the problem was found there.
    /// Format 2.
    pub side: Option<Side>,
    /// The answers that an outlet or hub can give that is asked to do it. Without one nobody can be asked. Format 2.
    #[serde(default)]
    pub results: Vec<AskResult>,
}

/// An answer to a question.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct AskResult {
    /// The code.
    pub code: String,
    /// Chinese name.
    pub zh: String,
    /// English name.
    pub en: String,
    /// Whether the parcel is at the answering outlet then: it was found there, or has arrived.
    #[serde(default)]
    pub here: bool,
}

impl Step {
    /// Whether it belongs to the method that the delivering side follows without a reply (T-5), other than to register and to notify.
    pub fn is_method(&self) -> bool {
        let tells = |kind: &String| [Kind::Problem, Kind::Notice, Kind::Outage, Kind::Reply].iter().any(|k| k.as_str() == kind);
        let is_ours = self.side.is_none_or(|side| matches!(side, Side::Delivering | Side::Hub));
        is_ours && !self.done_by.iter().any(tells)
    }
}

words!(
    /// The fault of the number on a label.
    LabelFault {
        /// The label has no mobile number.
        Missing = "missing",
        /// The label's number is wrong.
        Wrong = "wrong",
    }
);

/// What proves a fault of the number on the label, whatever the attempt's code (X-2, LIA-07).
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct LeniencyRow {
    /// The fault.
    pub label: LabelFault,
    /// Chinese text.
    pub zh: String,
    /// English text.
    pub en: String,
    /// Where it comes from.
    pub source: String,
    /// The proofs, all of them. A call and an SMS must be to the number on the label.
    pub all_of: Vec<Proof>,
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
    /// The source of the row.
    pub source: String,
    /// Its kind.
    pub group: Group,
    /// The stages at which it is registered.
    pub stages: Vec<String>,
    /// Whether couriers have a button for it (domain 2.2).
    #[serde(default)]
    pub button: bool,
    /// Whether it is offered. A disabled code is still known (domain 2.9).
    #[serde(default = "yes")]
    pub enabled: bool,
    /// Whether the origin outlet is notified and asked for a decision. Otherwise the card's steps lead to the outcome.
    #[serde(default)]
    pub notify: bool,
    /// Its sub-reasons.
    #[serde(default)]
    pub subs: Vec<Named>,
    /// The reason in the customer's SMS. Without it no SMS is sent for this code.
    pub sms_text: Option<Words>,
    /// Whether its proof gives the delivering outlet leniency.
    #[serde(default)]
    pub leniency: bool,
    /// Whom to ask, in order: keys of the words table.
    #[serde(default)]
    pub asks: Vec<String>,
    /// The steps, in order.
    #[serde(default)]
    pub steps: Vec<CardStep>,
    /// Whether the case is linked with that of the other parcel that its registration names, so that both show each other's waybill,
    /// problem and state. Format 2.
    #[serde(default)]
    pub links: bool,
    /// The outcomes that the card names.
    #[serde(default)]
    pub outcomes: Vec<String>,
    /// The evidence that it needs.
    #[serde(default)]
    pub evidence: Vec<Evidence>,
    /// Its code in public code lists (domain 12.2), by the list's name.
    #[serde(default)]
    pub public: BTreeMap<String, String>,
}

pub(super) fn yes() -> bool {
    true
}

pub(super) fn one() -> u32 {
    1
}
