//! The network's rules for SMS to customers (domain 5): templates, limits, and ways of sending.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::TimeOfDay;
use crate::Words;

/// The customer's SMS.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct SmsRules {
    /// Compound surnames, beside those that the product knows, to find the surname in a name.
    pub compound_surnames: Vec<String>,
    /// Where the surname is in a name of several words in letters, such as Li Wang. Format 2; the default is the last word.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub surname_place: Option<SurnamePlace>,
    /// The operator's prefix of every text that the gateway sends, such as `【青禾速运】`. We do not send it, but it is billed.
    #[serde(default)]
    pub signature: String,
    /// Ways of sending, the preferred one first: spellings of [`doorstep_domain::SmsWay`]. Without the phone nothing is sent
    /// where there is no data network. Without the gateway only the device that recorded the attempt sends.
    #[serde(default = "both_ways")]
    pub ways: Vec<String>,
    /// Whether a message proves an attempt of which only a person's word, or a handover without a result, says that it left.
    /// Format 2; the default is true. A customer's answer makes such a message count in any case.
    pub proves_alone_by_word: Option<bool>,
    /// Answers that ask for no more messages, beside those that count in every network ([`crate::sms::OPT_OUT`]). Format 2.
    pub opt_out: Option<Vec<String>>,
    /// How a person is addressed.
    pub honorifics: Honorifics,
    /// How a person is addressed whose name has no surname that can be read, in place of `{surname}` and the `{honorific}` beside it.
    /// Format 2; the default is 尊敬的客户 and "Dear customer".
    #[serde(skip_serializing_if = "Option::is_none")]
    pub neutral: Option<Words>,
    /// Longest values of variables in characters, where they differ from [`Variable::most`].
    #[serde(default)]
    pub most: BTreeMap<String, u32>,
    /// How the server sends.
    #[serde(default)]
    pub gateway: GatewayRules,
    /// Head office's templates in all known versions. The first active one is for failed deliveries.
    pub templates: Vec<Template>,
}

/// Where the surname is in a name of several words in letters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum SurnamePlace {
    /// The first word.
    First,
    /// The last word.
    #[default]
    Last,
}

fn both_ways() -> Vec<String> {
    vec!["gateway".into(), "phone".into()]
}

/// Forms of address, by what is known of the person.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Honorifics {
    /// The neutral form.
    pub unknown: Words,
    /// A man.
    pub male: Words,
    /// A woman.
    pub female: Words,
}

/// A template that head office has published. Texts have variables such as `{surname}`. A part in square brackets is left out if
/// one of its variables has no value.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Template {
    /// Its id.
    pub id: String,
    /// Its version, from 1. Each text has its own version.
    pub version: u32,
    /// Whether it is in use. Messages of a version that is not in use prove nothing.
    #[serde(default = "yes")]
    pub active: bool,
    /// Chinese text.
    pub zh: String,
    /// English text.
    pub en: String,
    /// Whether a value may be a link.
    #[serde(default)]
    pub links: bool,
    /// Whether the gateway sends an uncertain message once more automatically.
    #[serde(default)]
    pub resend: bool,
}

fn yes() -> bool {
    true
}

/// How the server's gateway sends.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct GatewayRules {
    /// A message that has waited this many hours is no longer sent, 1 to 72.
    pub valid_hours: u32,
    /// Quiet hours in the network's time zone, in which nothing is sent.
    pub quiet: Option<Quiet>,
    /// Most messages to one number in a day, 1 to 50.
    pub most_to_a_number: u32,
    /// Most messages of one device that are sent in a day, 1 to 10,000.
    pub most_of_a_device: u32,
    /// How long after a message a customer's answer is matched to it, in hours, 1 to 720.
    pub reply_hours: u32,
}

impl Default for GatewayRules {
    fn default() -> Self {
        Self { valid_hours: 12, quiet: None, most_to_a_number: 3, most_of_a_device: 200, reply_hours: 72 }
    }
}

/// Quiet hours of the day, which may include midnight.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Quiet {
    /// Start.
    pub from: TimeOfDay,
    /// End.
    pub until: TimeOfDay,
}

impl Quiet {
    /// Whether a time of the day is in the quiet hours.
    pub fn holds(&self, time: TimeOfDay) -> bool {
        if self.from <= self.until { self.from <= time && time < self.until } else { time >= self.from || time < self.until }
    }
}

doorstep_domain::words!(
    /// The variables of a template. Each is of one type.
    Variable {
        /// The recipient's surname (required, SMS-4).
        Surname = "surname",
        /// How they are addressed.
        Honorific = "honorific",
        /// The network's brand (required).
        Brand = "brand",
        /// The full waybill number (required, SMS-4).
        Waybill = "waybill",
        /// Why the parcel could not be handed over, by the code of the problem.
        Reason = "reason",
        /// The number under which the courier is reached.
        Callback = "callback",
        /// The outlet's name.
        Outlet = "outlet",
        /// The time of the attempt.
        Time = "time",
    }
);

impl Variable {
    /// The variables without which a message proves nothing (domain 5.2).
    pub const REQUIRED: [Self; 3] = [Self::Surname, Self::Brand, Self::Waybill];

    /// Its longest value in characters, unless the pack says otherwise.
    pub fn most(self) -> u32 {
        match self {
            Self::Surname => 12,
            Self::Honorific | Self::Time => 16,
            Self::Brand | Self::Callback | Self::Outlet => 20,
            Self::Waybill => 32,
            Self::Reason => 60,
        }
    }
}
