//! The structure of a rule pack (domain 13): one TOML document per network and version, which the network's operators can read.
//!
//! This module reads and checks the tables and looks up rows; it makes no judgements. `source` of a row names the line of the
//! source documents from which it comes; `[A]` there marks a choice that the sources leave open.

mod area;
mod calendar;
mod check;
mod clock;
mod code;
mod days;
mod locate;
mod outcome;
mod parse;
mod pattern;
mod side;
mod sms;

use std::collections::BTreeMap;

use chrono::{DateTime, FixedOffset, NaiveDate, NaiveDateTime};
use doorstep_domain::{Clarity, GeoPosition, OutletCode, UnixMs, Waybill, words};
use serde::{Deserialize, Serialize};

use crate::{Words, format};

pub(crate) use self::clock::names;
pub use self::side::Side;
pub use self::{
    area::Area,
    calendar::{Calendar, Hours, Missing, TimeOfDay, Timetable},
    clock::{Clock, Counts, Due, Event, From, On, Party},
    code::{AskResult, CardStep, Code, Evidence, Group, LabelFault, LeniencyRow, Named, Need, Proof, StageRow, Step},
    locate::PackError,
    outcome::{Exception, Liability, NeedsIf, OutcomeRow, Pays, Per, ReplyNeed},
    parse::MAX_PACK_BYTES,
    pattern::WaybillPattern,
    sms::{GatewayRules, Honorifics, Quiet, SmsRules, SurnamePlace, Template, Variable},
};

/// The treatment of a record that was made in time but received late (domain 3.6, point 3).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum LateSynced {
    /// The party is liable.
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
    /// Never; the default method of the problem type applies.
    Void,
}

/// The choices that the sources leave to a network (domain 13).
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Switches {
    /// The treatment of records that arrive late.
    pub late_synced: LateSynced,
    /// Whether a late reply binds.
    pub late_reply: LateReply,
    /// C-24: only a return that was asked for on the day of the notice must leave with the first run.
    pub first_run_same_day_only: bool,
    /// The party's share of a finding that X-2 makes lenient, 0 to 100 percent.
    pub leniency_share: u8,
    /// Two attempts on one parcel by different devices within this many minutes may be the same and are shown to a person. 0
    /// turns this off.
    pub same_attempt_minutes: u32,
    /// Greatest error of a device clock that is not flagged, in seconds.
    pub clock_tolerance_seconds: u32,
    /// The longest gap between two contacts with head office within which a device's clock proves the time of an act, 1 to 168
    /// hours. Format 2; the default is 12.
    pub trusted_gap_hours: Option<u32>,
}

/// Default of [`Switches::trusted_gap_hours`]: a working day with the way there and back.
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
    /// The format, which defines the allowed keys; `None` for format 1, see [`Pack::format`].
    pub format: Option<u32>,
    /// The network's code.
    pub network: String,
    /// Version, growing.
    pub version: u32,
    /// The network's brand.
    pub name: Words,
    /// When it shall come into force, as RFC 3339; `None` for as soon as possible.
    pub valid_from: Option<String>,
    /// A newer version takes effect at least this many hours after its publication, so that devices without a network can get it
    /// in time.
    pub notice_hours: u32,
    /// Zone of its clocks, minutes east of UTC.
    pub utc_offset_minutes: i32,
    /// Regular expression that the network's waybills match.
    pub waybill_pattern: WaybillPattern,
    /// The choices of domain 13.
    pub switches: Switches,
    /// The customer's SMS.
    pub sms: SmsRules,
    /// Thresholds for photos that are clear enough to be evidence. Without them every photo counts that nobody marks as unclear.
    pub clear: Option<ClearRules>,
    /// From when on facts are shown to a reviewer. Format 2; each value has a default.
    pub questions: Option<QuestionRules>,
    /// For how long head office's list keeps a parcel. Format 2; each value has a default.
    pub rows: Option<RowRules>,
    /// When a device speaks up before a time limit. Format 2; each value has a default.
    pub alarms: Option<AlarmRules>,
    /// The areas in which outlets work. Format 2. An outlet without an area is not compared with one.
    #[serde(default)]
    pub areas: Vec<Area>,
    /// What proves a fault of the number on the label. Format 2. With rows, `leniency` of codes is not used.
    #[serde(default)]
    pub leniency: Vec<LeniencyRow>,
    /// The roles for each duty that rules name, such as `superior` or `finance` (C-19, C-23).
    #[serde(default)]
    pub duties: BTreeMap<String, Vec<String>>,
    /// Who registers at which stage (domain 2.1).
    pub stages: Vec<StageRow>,
    /// Steps of the cards.
    #[serde(default)]
    pub steps: Vec<Step>,
    /// Problem types.
    pub codes: Vec<Code>,
    /// Outcomes: decisions of replies, actions, and ends of a case (domain 2.3, 6.4).
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
    /// Liability rules, some with amounts.
    #[serde(default)]
    pub liabilities: Vec<Liability>,
    /// Working days.
    pub calendar: Option<Calendar>,
    /// Runs of each outlet.
    #[serde(default)]
    pub timetables: Vec<Timetable>,
    /// Displayed words that replace the product's own for this network.
    #[serde(default)]
    pub words: BTreeMap<String, Words>,
}

/// Thresholds for a clear photo by the device's measurements (domain 7, EV-1: clear photo).
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

/// From when on a fact is shown to a reviewer as a question. No finding rests on these values.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct QuestionRules {
    /// The time of a photo by its camera may differ from the time of its record by this many minutes, 1 to 1440.
    pub photo_minutes: u32,
    /// The distance in metres between the places of two attempts on one parcel that still counts as one place, 50 to 100,000.
    /// Many records have no accuracy of their positions, so the value includes a usual one. An accuracy that a record has is subtracted
    /// from the distance.
    pub place_metres: u32,
    /// The greatest speed of one person between two photos, in kilometres an hour, 10 to 1,000.
    pub speed_kmh: u32,
    /// Whether the record of an outage that does not say which outlet was phoned is shown.
    pub outlet_phoned: bool,
}

/// For how long head office's list keeps a parcel's row, and the personal values in it (domain 14.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct RowRules {
    /// The days from the end of a case, or from the last list with the parcel if that is later, 1 to 365.
    pub after_case_days: u32,
    /// The days from the last list with a parcel of which nothing is recorded, 1 to 365.
    pub unheard_days: u32,
}

/// When a device speaks up before a time limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct AlarmRules {
    /// So many minutes before the end of the notice a device without a network says that the origin outlet must be phoned (domain
    /// 3.6), 1 to 1440.
    pub notice_minutes: u32,
}

impl Default for AlarmRules {
    fn default() -> Self {
        Self { notice_minutes: 40 }
    }
}

impl Default for RowRules {
    fn default() -> Self {
        Self { after_case_days: 15, unheard_days: 30 }
    }
}

impl Default for QuestionRules {
    fn default() -> Self {
        Self { photo_minutes: 10, place_metres: 500, speed_kmh: 120, outlet_phoned: false }
    }
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
    /// The fault of a photo with these measurements, if any.
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

    /// From when on facts are shown to a reviewer.
    pub fn questions(&self) -> QuestionRules {
        self.questions.unwrap_or_default()
    }

    /// For how long head office's list keeps a parcel.
    pub fn rows(&self) -> RowRules {
        self.rows.unwrap_or_default()
    }

    /// When a device speaks up before a time limit.
    pub fn alarms(&self) -> AlarmRules {
        self.alarms.unwrap_or_default()
    }

    /// The area of an outlet that a position is outside of, with its least distance from the area's middle in metres. `None` if the
    /// position is in an area of the outlet, or if the outlet has none. Of several areas it is the one with the nearest edge.
    pub fn outside(&self, outlet: &OutletCode, position: &GeoPosition) -> Option<(&Area, u32)> {
        let of_outlet = self.areas.iter().filter(|area| area.outlet == outlet.as_str());
        let with_distance = of_outlet.map(|area| (area, area.middle.least_metres_to(position)));
        let nearest = with_distance.min_by_key(|(area, metres)| metres.saturating_sub(area.metres))?;
        (nearest.1 > nearest.0.metres).then_some(nearest)
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

    /// When the pack asks to come into force.
    pub fn wanted_from(&self) -> Option<UnixMs> {
        let text = self.valid_from.as_deref()?;
        Some(UnixMs(DateTime::parse_from_rfc3339(text).ok()?.timestamp_millis()))
    }

    /// Whether the waybill matches the network's pattern.
    pub fn accepts(&self, waybill: &Waybill) -> bool {
        self.waybill_pattern.matches(waybill.as_str())
    }

    /// A problem type by its code.
    pub fn code(&self, code: &str) -> Option<&Code> {
        self.codes.iter().find(|row| row.code == code)
    }

    /// An outcome by its code.
    pub fn outcome(&self, code: &str) -> Option<&OutcomeRow> {
        self.outcomes.iter().find(|row| row.code == code)
    }

    /// The roles of a list of roles and of duties of [`Pack::duties`].
    pub fn roles_of<'p>(&'p self, by: &'p [String]) -> Vec<&'p str> {
        by.iter()
            .flat_map(|who| self.duties.get(who).map_or(std::slice::from_ref(who), Vec::as_slice))
            .map(String::as_str)
            .collect()
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

    /// The names of a problem type, an outcome, a step, a mark's reason or a ledger line; the code itself if there is none.
    pub fn name_of(&self, code: &str) -> Words {
        let words = |zh: &str, en: &str| Words { zh: zh.to_owned(), en: en.to_owned() };
        let named = self.invalid_reply.iter().chain(&self.ledger).find(|row| row.code == code);
        None.or_else(|| self.code(code).map(|row| words(&row.zh, &row.en)))
            .or_else(|| self.outcome(code).map(|row| words(&row.zh, &row.en)))
            .or_else(|| self.step(code).map(|row| words(&row.zh, &row.en)))
            .or_else(|| named.map(|row| words(&row.zh, &row.en)))
            .unwrap_or_else(|| words(code, code))
    }

    /// The names of a result of a question; the code itself if the step has no such result.
    pub fn name_of_result(&self, step: &str, code: &str) -> Words {
        let found = self.step(step).and_then(|row| row.results.iter().find(|row| row.code == code));
        let words = |zh: &str, en: &str| Words { zh: zh.to_owned(), en: en.to_owned() };
        // An entry alone does not name the step of its question: then the first step with such a result names it.
        let anywhere = || self.steps.iter().flat_map(|row| &row.results).find(|row| row.code == code);
        found.or_else(anywhere).map_or_else(|| words(code, code), |row| words(&row.zh, &row.en))
    }

    /// The names of a sub-reason.
    pub fn name_of_sub(&self, code: &str, sub: &str) -> Words {
        let found = self.code(code).and_then(|row| row.subs.iter().find(|row| row.code == sub));
        let words = |zh: &str, en: &str| Words { zh: zh.to_owned(), en: en.to_owned() };
        found.map_or_else(|| words(sub, sub), |row| words(&row.zh, &row.en))
    }

    /// The words for a key such as `notified`: the network's own, else the product's, else the key itself.
    pub fn words(&self, key: &str) -> Words {
        self.words.get(key).cloned().unwrap_or_else(|| crate::words(key))
    }
}
