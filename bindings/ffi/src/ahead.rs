//! Before the act: what a reason asks for, and the moments at which the app must speak up.

use doorstep_client::{Alarm, ReasonAhead, ReasonWish, SmsAhead, said};
use doorstep_domain::UnixMs;
use doorstep_rules::{Asked, CardLine, Named, Need, Pack, Starting};

use crate::{Bilingual, DoorstepClient, DoorstepError, NamedCode, OutletRow, words::named};

/// The registration that somebody thinks about.
#[derive(Clone, PartialEq, Eq, uniffi::Record)]
#[uniffi::export(Display)]
pub struct ReasonQuestion {
    /// The reason's code.
    pub reason: String,
    /// The parcel. Without one, only what holds for every parcel is said.
    #[uniffi(default = None)]
    pub waybill: Option<String>,
    /// Sub-reason. Without one, the evidence of all of them is named.
    #[uniffi(default = None)]
    pub sub: Option<String>,
    /// The stage of a problem that is no failed delivery; without one, where the person's role registers it.
    #[uniffi(default = None)]
    pub stage: Option<String>,
    /// The number under which the courier is reached, for the SMS.
    #[uniffi(default = None)]
    pub callback: Option<String>,
}

impl std::fmt::Display for ReasonQuestion {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "ReasonQuestion({} {})", self.reason, self.waybill.as_deref().unwrap_or_default())
    }
}

/// What a registration would ask for if it were recorded now. Times are milliseconds since 1970, UTC.
#[derive(Debug, Clone, PartialEq, Eq, uniffi::Record)]
pub struct ReasonNeeds {
    /// The code.
    pub code: String,
    /// Its name.
    pub name: Bilingual,
    /// Whether it is a failed delivery (`Command.Fail`) or another problem (`Command.Problem`).
    pub is_failed_delivery: bool,
    /// The stage at which it would be registered; absent for a failed delivery.
    pub stage: Option<String>,
    /// Whether the person's role registers it there.
    pub is_yours: bool,
    /// Whether the origin outlet must be notified.
    pub notify: bool,
    /// Its sub-reasons.
    pub subs: Vec<NamedCode>,
    /// Whom to ask, in order.
    pub asks: Vec<Bilingual>,
    /// The evidence, in the rules' order.
    pub evidence: Vec<NeededEvidence>,
    /// The clocks that it would start, the first to run out first.
    pub clocks: Vec<StartingClock>,
    /// The steps of its card, in order.
    pub steps: Vec<Bilingual>,
    /// The possible outcomes.
    pub outcomes: Vec<NamedCode>,
    /// The reason in the customer's SMS; without it no template gives a text for this code.
    pub sms_text: Option<Bilingual>,
    /// Whether an SMS can prove it; absent without a parcel.
    pub sms: Option<SmsChance>,
    /// The parcel's theoretical arrival.
    pub arrival_ms: Option<i64>,
    /// The outlet that is notified, with its number; absent if the parcel or the directory does not have it.
    pub origin: Option<OutletRow>,
    /// Cash to collect, in fen.
    pub cod_fen: i64,
}

/// A row of evidence, before the registration.
#[derive(Debug, Clone, PartialEq, Eq, uniffi::Record)]
pub struct NeededEvidence {
    /// Its id, which a waiver names.
    pub evidence: String,
    /// Its name.
    pub name: Bilingual,
    /// Whether the case is incomplete without it; else it is suggested.
    pub required: bool,
    /// How many are needed.
    pub least: u32,
    /// How many there are, with the registration itself.
    pub have: u32,
    /// If not empty: for these sub-reasons only.
    pub only_subs: Vec<String>,
    /// The statement that may replace it; absent if it can not be waived.
    pub waiver: Option<Bilingual>,
    /// Why it is needed, or why not.
    pub why: Option<Bilingual>,
    /// What satisfies it; one is enough.
    pub satisfied_by: Vec<Bilingual>,
}

/// A clock that a registration would start.
#[derive(Debug, Clone, PartialEq, Eq, uniffi::Record)]
pub struct StartingClock {
    /// Its id.
    pub clock: String,
    /// Its name.
    pub name: Bilingual,
    /// When it starts: now, or at the theoretical arrival.
    pub from_ms: i64,
    /// When it runs out, inclusive; absent without a limit, or if the schedule is missing.
    pub due_at_ms: Option<i64>,
    /// What is left, in milliseconds; negative if it has run out.
    pub left_ms: Option<i64>,
    /// Whether the schedule that it depends on is missing.
    pub schedule_missing: bool,
}

/// Whether an SMS can prove a registration.
#[derive(Debug, Clone, PartialEq, Eq, uniffi::Record)]
pub struct SmsChance {
    /// Whether an SMS that is sent now would count for the day.
    pub counts: bool,
    /// The number to which it would go, masked; absent if it can not be sent.
    pub number: Option<String>,
    /// What it would lack to count.
    pub lacks: Vec<Bilingual>,
    /// Why it can not be sent.
    pub why_not: Option<Bilingual>,
}

/// A moment at which the app must speak up.
#[derive(Debug, Clone, PartialEq, Eq, uniffi::Record)]
pub struct AlarmRow {
    /// Names it as long as its reason lasts: show each once.
    pub id: String,
    /// When, in milliseconds since 1970, UTC. A moment that has passed is due now.
    pub at_ms: i64,
    /// Why: `notice_ends`, `notice_came`, `reply_came`, `clock_ran_out`.
    pub kind: String,
    /// The waybill of the case.
    pub waybill: String,
    /// The clock, if one is meant.
    pub clock: Option<String>,
    /// What is the matter.
    pub text: Bilingual,
    /// What to do.
    pub to_do: Bilingual,
}

#[uniffi::export]
impl DoorstepClient {
    /// What a registration would ask for if it were recorded now: evidence, clocks, steps, outcomes, the SMS, the origin outlet's number.
    /// It records nothing.
    pub async fn reason_needs(&self, question: ReasonQuestion) -> Result<ReasonNeeds, DoorstepError> {
        self.local(move |client| {
            let ReasonQuestion { reason, waybill, sub, stage, callback } = question;
            let callback = said::words(callback.as_deref())?;
            let told = client.ahead(&ReasonWish { reason, sub, stage, waybill, callback })?;
            Ok(ReasonNeeds::of(told, client.pack()?.as_ref()))
        })
        .await
    }

    /// The moments until a given one at which the app must speak up, the earliest first: 40 minutes before a notice ends while there is no
    /// network (or as the rules say), a notice or a reply that has come, a clock that ran out. Schedule them, and ask again after each
    /// change and when the network comes or goes. Works while locked: they name no customer.
    pub async fn alarms(&self, until_ms: i64) -> Result<Vec<AlarmRow>, DoorstepError> {
        self.local(move |client| Ok(client.alarms(UnixMs(until_ms))?.into_iter().map(AlarmRow::from).collect())).await
    }
}

impl ReasonNeeds {
    fn of(told: ReasonAhead, pack: Option<&Pack>) -> Self {
        let ReasonAhead { ahead, is_yours, origin_outlet, sms, .. } = told;
        let chance = |SmsAhead { counts, number, lacks, why_not }: SmsAhead| SmsChance {
            counts,
            number,
            lacks: lacks.iter().map(|lack| named(pack, lack.as_str())).collect(),
            why_not: why_not.map(Bilingual::from),
        };
        let codes = |codes: Vec<Named>| codes.into_iter().map(NamedCode::from).collect();
        Self {
            code: ahead.code,
            name: ahead.name.into(),
            is_failed_delivery: ahead.is_attempt,
            stage: ahead.stage,
            is_yours,
            notify: ahead.notify,
            subs: codes(ahead.subs),
            asks: ahead.asks.into_iter().map(Bilingual::from).collect(),
            evidence: ahead.evidence.into_iter().map(NeededEvidence::from).collect(),
            clocks: ahead.clocks.into_iter().map(StartingClock::from).collect(),
            steps: ahead.steps.into_iter().map(|CardLine { name, .. }| name.into()).collect(),
            outcomes: codes(ahead.outcomes),
            sms_text: ahead.sms_text.map(Bilingual::from),
            sms: sms.map(chance),
            arrival_ms: ahead.arrival.map(|at| at.0),
            origin: origin_outlet.map(OutletRow::from),
            cod_fen: ahead.cod.0,
        }
    }
}

impl From<Asked> for NeededEvidence {
    fn from(row: Asked) -> Self {
        Self {
            evidence: row.evidence,
            name: row.name.into(),
            required: row.need == Need::Required,
            least: row.least,
            have: row.have,
            only_subs: row.only_subs,
            waiver: row.waiver.map(Bilingual::from),
            why: row.why.map(Bilingual::from),
            satisfied_by: row.satisfied_by.into_iter().map(Bilingual::from).collect(),
        }
    }
}

impl From<Starting> for StartingClock {
    fn from(clock: Starting) -> Self {
        Self {
            clock: clock.clock,
            name: clock.name.into(),
            from_ms: clock.from.0,
            due_at_ms: clock.due_at.map(|due| due.0),
            left_ms: clock.left_ms,
            schedule_missing: clock.missing.is_some(),
        }
    }
}

impl From<Alarm> for AlarmRow {
    fn from(alarm: Alarm) -> Self {
        Self {
            id: alarm.id,
            at_ms: alarm.at.0,
            kind: alarm.kind.as_str().to_owned(),
            waybill: alarm.waybill,
            clock: alarm.clock,
            text: alarm.text.into(),
            to_do: alarm.to_do.into(),
        }
    }
}
