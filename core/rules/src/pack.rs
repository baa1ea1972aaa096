//! The shape of a rule pack (domain 13): one TOML document per network and version, readable by whoever runs the network.
//!
//! Nothing here decides: these are the tables, how they are read and checked, and looking things up in them. A row names the
//! line of the source documents that it comes from in `source`; `[A]` there marks what the sources leave open.

mod calendar;
mod check;
mod clock;
mod code;
mod days;
mod locate;
mod outcome;
mod parse;
mod sms;

use std::collections::BTreeMap;

use chrono::{DateTime, FixedOffset, NaiveDate, NaiveDateTime};
use doorstep_domain::{Clarity, UnixMs, Waybill, words};
use serde::{Deserialize, Serialize};

use crate::{Words, format};

pub use self::{
    calendar::{Calendar, Hours, Missing, TimeOfDay, Timetable},
    clock::{Clock, Counts, Due, Event, From, On, Party},
    code::{CardStep, Code, Evidence, Group, Named, Need, Proof, StageRow, Step},
    locate::PackError,
    outcome::{Exception, Liability, OutcomeRow, Per, ReplyNeed},
    parse::MAX_PACK_BYTES,
    sms::{GatewayRules, Honorifics, Quiet, SmsRules, Template, Variable},
};

/// What becomes of a record made in time that the server got late (domain 3.6, point 3).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum LateSynced {
    /// The party answers for it.
    Strict,
    /// It counts as on time if the server could verify the time of the act.
    CaptureCounts,
}

/// Whether a reply that came too late still binds the delivering outlet (domain 6.6).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum LateReply {
    /// Unless the parcel was acted on already.
    BindsUnlessActed,
    /// Always.
    Binds,
    /// Never: the method of the type goes on.
    Void,
}

/// The choices that the sources leave to a network (domain 13).
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Switches {
    /// What becomes of records that arrive late.
    pub late_synced: LateSynced,
    /// Whether a late reply binds.
    pub late_reply: LateReply,
    /// C-24: only a return that was asked for on the day of the notice must leave with the first run.
    pub first_run_same_day_only: bool,
    /// The party's share of a finding that X-2 makes lenient, 0 to 100 percent.
    pub leniency_share: u8,
    /// Two attempts on one parcel by different devices within so many minutes may be one: a person looks. 0: never.
    pub same_attempt_minutes: u32,
    /// How far a device clock may be off before it is flagged, in seconds.
    pub clock_tolerance_seconds: u32,
    /// Between two contacts with head office a device's clock proves when an act was, if no more than so many hours lie between
    /// them; 1 to 168. Format 2; without it 12.
    pub trusted_gap_hours: Option<u32>,
}

/// A working day, and the way there and back.
pub const TRUSTED_GAP_HOURS: u32 = 12;

impl Switches {
    /// [`Switches::trusted_gap_hours`] in milliseconds.
    pub fn trusted_gap_ms(&self) -> i64 {
        i64::from(self.trusted_gap_hours.unwrap_or(TRUSTED_GAP_HOURS)).saturating_mul(3_600_000)
    }

    /// [`Switches::clock_tolerance_seconds`] in milliseconds.
    pub(crate) fn clock_tolerance_ms(&self) -> i64 {
        i64::from(self.clock_tolerance_seconds) * 1000
    }
}

/// One network's rules in one version. Read with [`Pack::parse`].
///
/// ```
/// use doorstep_rules::{FIRST_PACK, Pack};
///
/// let pack = Pack::parse(FIRST_PACK)?;
/// let nobody_home = pack.code("DF-NOBODY").expect("the pack has the code");
/// assert_eq!((nobody_home.zh.as_str(), pack.clock("SLA-05").is_some()), ("送无人", true));
///
/// // A fault has a place and a reason.
/// let fault = Pack::parse(b"network = 7").expect_err("a network is a text");
/// assert_eq!(fault.line, 1);
/// # Ok::<(), doorstep_rules::PackError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Pack {
    /// Which keys it may use: none for format 1, see [`Pack::format`].
    pub format: Option<u32>,
    /// The network's code.
    pub network: String,
    /// Version, growing.
    pub version: u32,
    /// The network's brand.
    pub name: Words,
    /// From when it is in force, if not as soon as it may be: RFC 3339.
    pub valid_from: Option<String>,
    /// A newer version takes effect no sooner than so many hours after its publication, so that devices without a network can
    /// have it by then.
    pub notice_hours: u32,
    /// Zone of its clocks, minutes east of UTC.
    pub utc_offset_minutes: i32,
    /// Regular expression that the network's waybills match.
    pub waybill_pattern: String,
    /// The choices of domain 13.
    pub switches: Switches,
    /// The customer's SMS.
    pub sms: SmsRules,
    /// Which photos are clear enough to be evidence; without it all that nobody calls unclear.
    pub clear: Option<ClearRules>,
    /// Which roles do what the rules name by duty: `superior`, `finance` (C-19, C-23).
    #[serde(default)]
    pub duties: BTreeMap<String, Vec<String>>,
    /// Who registers at which stage (domain 2.1).
    pub stages: Vec<StageRow>,
    /// Steps of the cards.
    #[serde(default)]
    pub steps: Vec<Step>,
    /// Problem types.
    pub codes: Vec<Code>,
    /// Results: what a reply may decide, what may be done, what ends a case (domain 2.3, 6.4).
    pub outcomes: Vec<OutcomeRow>,
    /// Reasons for which a reply is marked invalid (domain 6.4).
    #[serde(default)]
    pub invalid_reply: Vec<Named>,
    /// Lines of outlet finance's registers.
    #[serde(default)]
    pub ledger: Vec<Named>,
    /// Deadlines.
    pub clocks: Vec<Clock>,
    /// Exceptions to deadlines.
    #[serde(default)]
    pub exceptions: Vec<Exception>,
    /// Who answers for what, with amounts where there are some.
    #[serde(default)]
    pub liabilities: Vec<Liability>,
    /// Working days.
    pub calendar: Option<Calendar>,
    /// Runs of each outlet.
    #[serde(default)]
    pub timetables: Vec<Timetable>,
    /// Words on screen that this network has instead of the product's own.
    #[serde(default)]
    pub words: BTreeMap<String, Words>,
}

/// When a photo is clear (domain 7, EV-1: clear photo), by what the device measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct ClearRules {
    /// Least sharpness, see [`Clarity::sharpness`].
    pub least_sharpness: u32,
    /// Least mean brightness, 0 to 255.
    pub least_light: u8,
    /// Most mean brightness, 0 to 255.
    pub most_light: u8,
}

words!(
    /// Why a photo is not clear.
    Unclear {
        /// Blurred.
        Blurred = "blurred",
        /// Too dark.
        Dark = "dark",
        /// Too bright.
        Bright = "bright",
    }
);

impl ClearRules {
    /// What is wrong with a photo so measured, if anything.
    pub fn fault(&self, clarity: &Clarity) -> Option<Unclear> {
        match clarity {
            Clarity { light, .. } if *light < self.least_light => Some(Unclear::Dark),
            Clarity { light, .. } if *light > self.most_light => Some(Unclear::Bright),
            Clarity { sharpness, .. } if *sharpness < self.least_sharpness => Some(Unclear::Blurred),
            _ => None,
        }
    }
}

impl Pack {
    /// Its format: 1 unless it names another.
    pub fn format(&self) -> u32 {
        self.format.unwrap_or(format::FIRST)
    }

    /// The zone of the network's clocks.
    pub fn zone(&self) -> Option<FixedOffset> {
        self.utc_offset_minutes.checked_mul(60).and_then(FixedOffset::east_opt)
    }

    /// A moment on the network's wall clocks; `None` at the ends of the calendar.
    pub fn local(&self, at: UnixMs) -> Option<NaiveDateTime> {
        DateTime::from_timestamp_millis(at.0)?.naive_utc().checked_add_offset(self.zone()?)
    }

    /// The day of a moment by the network's clocks, in days since 1970-01-01.
    pub fn day(&self, at: UnixMs) -> Option<i32> {
        let days = self.local(at)?.date().signed_duration_since(NaiveDate::default()).num_days();
        i32::try_from(days).ok()
    }

    /// The moment of a time on the network's wall clocks.
    pub fn moment(&self, local: NaiveDateTime) -> Option<UnixMs> {
        Some(UnixMs(local.checked_sub_offset(self.zone()?)?.and_utc().timestamp_millis()))
    }

    /// From when the pack itself wants to be in force.
    pub fn wanted_from(&self) -> Option<UnixMs> {
        let text = self.valid_from.as_deref()?;
        Some(UnixMs(DateTime::parse_from_rfc3339(text).ok()?.timestamp_millis()))
    }

    /// Whether the network's own pattern fits.
    pub fn accepts(&self, waybill: &Waybill) -> bool {
        regex_lite::Regex::new(&self.waybill_pattern).is_ok_and(|pattern| pattern.is_match(waybill.as_str()))
    }

    /// A problem type by its code.
    pub fn code(&self, code: &str) -> Option<&Code> {
        self.codes.iter().find(|row| row.code == code)
    }

    /// A result by its code.
    pub fn outcome(&self, code: &str) -> Option<&OutcomeRow> {
        self.outcomes.iter().find(|row| row.code == code)
    }

    /// A step by its code.
    pub fn step(&self, code: &str) -> Option<&Step> {
        self.steps.iter().find(|row| row.code == code)
    }

    /// A clock by its id.
    pub fn clock(&self, id: &str) -> Option<&Clock> {
        self.clocks.iter().find(|row| row.id == id)
    }

    /// A liability rule by its id.
    pub fn liability(&self, id: &str) -> Option<&Liability> {
        self.liabilities.iter().find(|row| row.id == id)
    }

    /// A template in one version.
    pub fn template(&self, id: &str, version: u32) -> Option<&Template> {
        self.sms.templates.iter().find(|row| row.id == id && row.version == version)
    }

    /// The template of failed deliveries.
    pub fn sms_template(&self) -> Option<&Template> {
        self.sms.templates.iter().find(|row| row.active)
    }

    /// The surname of a name: a known compound one, else the first character; Latin names give their last word.
    pub fn surname(&self, name: &str) -> Option<String> {
        let name = name.trim();
        if let Some(compound) = self.sms.compound_surnames.iter().find(|s| name.starts_with(s.as_str())) {
            return Some(compound.clone());
        }
        if name.is_ascii() {
            return name.split_whitespace().last().map(str::to_owned);
        }
        name.chars().next().map(String::from)
    }

    /// The names of a problem type, a result, a step, a mark's reason or a ledger line; the code itself where there is none.
    pub fn name_of(&self, code: &str) -> Words {
        let words = |zh: &str, en: &str| Words { zh: zh.to_owned(), en: en.to_owned() };
        let named = self.invalid_reply.iter().chain(&self.ledger).find(|row| row.code == code);
        None.or_else(|| self.code(code).map(|row| words(&row.zh, &row.en)))
            .or_else(|| self.outcome(code).map(|row| words(&row.zh, &row.en)))
            .or_else(|| self.step(code).map(|row| words(&row.zh, &row.en)))
            .or_else(|| named.map(|row| words(&row.zh, &row.en)))
            .unwrap_or_else(|| words(code, code))
    }

    /// The names of a sub-reason.
    pub fn name_of_sub(&self, code: &str, sub: &str) -> Words {
        let found = self.code(code).and_then(|row| row.subs.iter().find(|row| row.code == sub));
        let words = |zh: &str, en: &str| Words { zh: zh.to_owned(), en: en.to_owned() };
        found.map_or_else(|| words(sub, sub), |row| words(&row.zh, &row.en))
    }

    /// The words for a key such as `notified`: the network's own, else the product's; the key itself where neither has any.
    pub fn words(&self, key: &str) -> Words {
        self.words.get(key).cloned().unwrap_or_else(|| crate::words(key))
    }
}
