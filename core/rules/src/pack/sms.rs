//! What the network says about the customer's SMS (domain 5): templates, limits, and which way it goes.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::TimeOfDay;
use crate::Words;

/// The customer's SMS.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct SmsRules {
    /// Surnames of two characters, for the surname in the text.
    pub compound_surnames: Vec<String>,
    /// What the operator puts before every text that the gateway sends, such as `【青禾速运】`: not part of what we hand over, and billed.
    #[serde(default)]
    pub signature: String,
    /// Ways, the wanted one first: spellings of [`doorstep_domain::SmsWay`]. Without the phone nothing is sent where there is no
    /// data network; without the gateway nothing by a device that did not record the attempt.
    #[serde(default = "both_ways")]
    pub ways: Vec<String>,
    /// How a person is addressed.
    pub honorifics: Honorifics,
    /// Longest values of variables in characters, where they are not [`Variable::most`].
    #[serde(default)]
    pub most: BTreeMap<String, u32>,
    /// How the server sends.
    #[serde(default)]
    pub gateway: GatewayRules,
    /// Head office's templates, in all versions that are still known; the first active one is for failed deliveries.
    pub templates: Vec<Template>,
}

fn both_ways() -> Vec<String> {
    vec!["gateway".into(), "phone".into()]
}

/// How a person is addressed, by what is known of them.
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

/// A template that head office has published. Texts hold variables, `{surname}`; a part in square brackets is left out when one of
/// its variables has no value.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Template {
    /// Its id.
    pub id: String,
    /// Its version, from 1: another text has another one.
    pub version: u32,
    /// Whether it is in use. A version that is not proves nothing any more.
    #[serde(default = "yes")]
    pub active: bool,
    /// Chinese text.
    pub zh: String,
    /// English text.
    pub en: String,
    /// Whether a value may be a link.
    #[serde(default)]
    pub links: bool,
    /// Whether the gateway sends it once more, by itself, when it is not known whether it was sent.
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
    /// A message that has waited so many hours is not sent any more, 1 to 72.
    pub valid_hours: u32,
    /// Nothing is sent from the first of these times to the second, by the network's clocks.
    pub quiet: Option<Quiet>,
    /// Most messages to one number in a day, 1 to 50.
    pub most_to_a_number: u32,
    /// Most messages that one device may have sent in a day, 1 to 10,000.
    pub most_of_a_device: u32,
    /// How long a customer's answer belongs to the message before it, in hours, 1 to 720.
    pub reply_hours: u32,
}

impl Default for GatewayRules {
    fn default() -> Self {
        Self { valid_hours: 12, quiet: None, most_to_a_number: 3, most_of_a_device: 200, reply_hours: 72 }
    }
}

/// A time of the day at which nobody wants to be woken; it may go over midnight.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Quiet {
    /// From then.
    pub from: TimeOfDay,
    /// Until then.
    pub until: TimeOfDay,
}

impl Quiet {
    /// Whether it is quiet at a time of the day.
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
        /// Why it could not be handed over, by the code of the problem.
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
    /// Without these a message proves nothing (domain 5.2).
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
