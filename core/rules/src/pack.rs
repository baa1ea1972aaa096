//! The shape of a rule pack (domain 13). A pack belongs to one network and has a version; entries carry the version that
//! was in force when they were written.

use std::collections::BTreeMap;

use chrono::FixedOffset;
use doorstep_domain::{CallResult, Kind, NetworkCode, OutageReason, PhotoPurpose, ReasonCode, SmsLevel, Waybill};
use serde::{Deserialize, Serialize};

/// A text in the two languages of the screens.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Words {
    /// Chinese.
    pub zh: String,
    /// English.
    pub en: String,
}

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

/// How strongly evidence is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Need {
    /// Without it the case is incomplete.
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
        /// Spellings of [`PhotoPurpose`].
        #[serde(default)]
        shows: Vec<String>,
    },
    /// A call that ended in one of these ways.
    Call {
        /// Spellings of [`CallResult`].
        #[serde(default)]
        results: Vec<String>,
    },
    /// An SMS; without `levels` one that counts as proof: handed over, with surname and waybill (domain 5.3).
    Sms {
        /// Spellings of [`SmsLevel`].
        #[serde(default)]
        levels: Vec<String>,
    },
    /// Words with the attempt, or a note.
    Words {},
}

/// A row of the evidence matrix (domain 7).
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Evidence {
    /// Its name in data.
    pub id: String,
    /// Chinese name.
    pub zh: String,
    /// English name.
    pub en: String,
    /// How strongly it is wanted.
    pub need: Need,
    /// If not empty: wanted for these sub-reasons only.
    #[serde(default)]
    pub only_subs: Vec<String>,
    /// One of these satisfies it.
    pub any_of: Vec<Proof>,
}

/// A reason why a delivery failed (domain 2.2).
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Reason {
    /// Its code.
    pub code: String,
    /// Chinese name.
    pub zh: String,
    /// English name.
    pub en: String,
    /// Its sub-reasons.
    pub subs: Vec<Named>,
    /// What the customer's SMS says of it; `None` if there is nothing to tell the customer.
    pub sms_text: Option<Words>,
    /// Whether proof of it is leniency for the delivering outlet.
    #[serde(default)]
    pub leniency: bool,
    /// The evidence it wants.
    pub evidence: Vec<Evidence>,
}

/// What starts or meets a clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Step {
    /// The first failed attempt of the round.
    Attempt,
    /// The notice to the origin outlet.
    Notice,
    /// Its reply.
    Reply,
}

/// When a clock runs out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Due {
    /// 23:59:59.999 of the starting day in the network's zone.
    EndOfDay,
    /// So many hours after the start, through nights and holidays; 1 to 8760.
    Hours(u32),
}

/// Who would answer for a missed clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Party {
    /// The outlet that must deliver.
    DeliveringOutlet,
    /// The outlet where the sender handed it in.
    OriginOutlet,
}

/// A deadline rule (domain 3.1).
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Clock {
    /// Its id, such as `SLA-03`.
    pub id: String,
    /// Chinese name.
    pub zh: String,
    /// English name.
    pub en: String,
    /// What starts it.
    pub starts: Step,
    /// When it runs out.
    pub due: Due,
    /// What meets it.
    pub met_by: Step,
    /// Exceptions that meet it as well.
    pub exceptions: Vec<String>,
    /// Who answers when it is missed.
    pub answers: Party,
    /// The liability rule named in a finding.
    pub rule: String,
}

/// An exception to clocks (domain 3.5).
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Exception {
    /// Its id: `X-1`.
    pub id: String,
    /// Chinese name.
    pub zh: String,
    /// English name.
    pub en: String,
    /// Spellings of [`OutageReason`] that it accepts.
    pub reasons: Vec<String>,
}

/// What becomes of a record made in time that the server got late (domain 3.6, point 3).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum LateSynced {
    /// The party answers for it.
    Strict,
    /// It counts as on time if the server could verify the time of the act.
    CaptureCounts,
}

/// One network's rules. Read with [`Pack::parse`].
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Pack {
    /// The network's code.
    pub network: String,
    /// Version, growing.
    pub version: u32,
    /// The network's brand.
    pub name: Words,
    /// Zone of its clocks, minutes east of UTC.
    pub utc_offset_minutes: i32,
    /// Regular expression that the network's waybills match.
    pub waybill_pattern: String,
    /// How far a device clock may be off before it is flagged.
    pub clock_tolerance_seconds: u32,
    /// What becomes of records that arrive late.
    pub late_synced: LateSynced,
    /// The customer's SMS, with `{surname}`, `{brand}`, `{waybill}` and `{reason}` (domain 5.2).
    pub sms_template: String,
    /// Surnames of two characters, for the surname in the SMS.
    pub compound_surnames: Vec<String>,
    /// Reasons.
    pub reasons: Vec<Reason>,
    /// Clocks.
    pub clocks: Vec<Clock>,
    /// Exceptions.
    pub exceptions: Vec<Exception>,
    /// Decisions that a reply can take.
    pub decisions: Vec<Named>,
    /// Ends of a case.
    pub outcomes: Vec<Named>,
    /// Names of states, steps, timeliness and flags.
    pub words: BTreeMap<String, Words>,
}

/// Why a file is no rule pack.
#[derive(Debug, thiserror::Error)]
pub enum PackError {
    /// Not JSON of the pack's shape; the parser's message names line and column.
    #[error("pack is not readable: {0}")]
    Json(#[from] serde_json::Error),
    /// A value that no rule can work with.
    #[error("pack is not usable: {0}")]
    Invalid(String),
}

impl Pack {
    /// Reads and checks a pack.
    pub fn parse(json: &[u8]) -> Result<Self, PackError> {
        let pack: Self = serde_json::from_slice(json)?;
        match pack.fault() {
            None => Ok(pack),
            Some(fault) => Err(PackError::Invalid(fault)),
        }
    }

    fn fault(&self) -> Option<String> {
        if self.network.parse::<NetworkCode>().is_err() {
            return Some(format!("network code {:?}", self.network));
        }
        if self.zone().is_none() {
            return Some(format!("utc_offset_minutes {}", self.utc_offset_minutes));
        }
        if let Err(error) = regex_lite::Regex::new(&self.waybill_pattern) {
            return Some(format!("waybill_pattern: {error}"));
        }
        for field in ["{surname}", "{waybill}"] {
            if !self.sms_template.contains(field) {
                return Some(format!("sms_template lacks {field} (domain 5.1, SMS-4)"));
            }
        }
        for reason in &self.reasons {
            let codes = std::iter::once(&reason.code).chain(reason.subs.iter().map(|sub| &sub.code));
            if let Some(bad) = codes.into_iter().find(|code| code.parse::<ReasonCode>().is_err()) {
                return Some(format!("reason code {bad:?}"));
            }
            for proof in reason.evidence.iter().flat_map(|e| &e.any_of) {
                let unknown = match proof {
                    Proof::Photo { shows } => shows.iter().find(|w| PhotoPurpose::from_word(w).is_none()),
                    Proof::Call { results } => results.iter().find(|w| CallResult::from_word(w).is_none()),
                    Proof::Sms { levels } => levels.iter().find(|w| SmsLevel::from_word(w).is_none()),
                    Proof::Words {} => None,
                };
                if let Some(word) = unknown {
                    return Some(format!("evidence of {} names {word:?}", reason.code));
                }
            }
        }
        for clock in &self.clocks {
            if matches!(clock.due, Due::Hours(hours) if !(1..=8760).contains(&hours)) {
                return Some(format!("{}: hours outside 1 to 8760", clock.id));
            }
            if let Some(id) = clock.exceptions.iter().find(|id| self.exceptions.iter().all(|e| e.id != **id)) {
                return Some(format!("{}: exception {id:?} is not defined", clock.id));
            }
        }
        let bad_outage = self.exceptions.iter().flat_map(|e| &e.reasons).find(|w| OutageReason::from_word(w).is_none());
        bad_outage.map(|word| format!("exception names {word:?}"))
    }

    /// The zone of the network's clocks.
    pub fn zone(&self) -> Option<FixedOffset> {
        self.utc_offset_minutes.checked_mul(60).and_then(FixedOffset::east_opt)
    }

    /// Whether the network's own pattern fits.
    pub fn accepts(&self, waybill: &Waybill) -> bool {
        regex_lite::Regex::new(&self.waybill_pattern).is_ok_and(|pattern| pattern.is_match(waybill.as_str()))
    }

    /// A reason by its code.
    pub fn reason(&self, code: &str) -> Option<&Reason> {
        self.reasons.iter().find(|reason| reason.code == code)
    }

    /// The words for a key such as `notified`; the key itself where the pack has none.
    pub fn words(&self, key: &str) -> Words {
        self.words.get(key).cloned().unwrap_or_else(|| Words { zh: key.to_owned(), en: key.to_owned() })
    }

    /// The names of a code in a table of codes; the code itself where the table has none.
    pub fn name_of(table: &[Named], code: &str) -> Words {
        table.iter().find(|named| named.code == code).map_or_else(
            || Words { zh: code.to_owned(), en: code.to_owned() },
            |named| Words { zh: named.zh.clone(), en: named.en.clone() },
        )
    }

    /// The surname of a name: a known compound one, else the first character; Latin names give their last word.
    pub fn surname(&self, name: &str) -> Option<String> {
        let name = name.trim();
        if let Some(compound) = self.compound_surnames.iter().find(|s| name.starts_with(s.as_str())) {
            return Some(compound.clone());
        }
        if name.is_ascii() {
            return name.split_whitespace().last().map(str::to_owned);
        }
        name.chars().next().map(String::from)
    }

    /// The customer's SMS for a reason, in Chinese; `None` if the reason has nothing to tell the customer (domain 5.2).
    pub fn sms(&self, reason: &str, surname: &str, waybill: &Waybill) -> Option<String> {
        let text = &self.reason(reason)?.sms_text.as_ref()?.zh;
        Some(
            self.sms_template
                .replace("{surname}", surname)
                .replace("{brand}", &self.name.zh)
                .replace("{waybill}", waybill.as_str())
                .replace("{reason}", text),
        )
    }
}

impl Step {
    /// The entry kind of the step.
    pub fn kind(self) -> Kind {
        match self {
            Self::Attempt => Kind::Attempt,
            Self::Notice => Kind::Notice,
            Self::Reply => Kind::Reply,
        }
    }
}
