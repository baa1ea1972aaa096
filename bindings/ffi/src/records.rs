//! What crosses the boundary: plain copies. Codes are the words of the rule pack; times are milliseconds since 1970, UTC.

use doorstep_client::{CaseRow, CaseView, SyncReport};
use doorstep_rules::{Explanation, Words};

/// A text in the two languages of the screens.
#[derive(Debug, Clone, PartialEq, Eq, uniffi::Record)]
pub struct Bilingual {
    /// Chinese.
    pub zh: String,
    /// English.
    pub en: String,
}

/// One line of the list.
#[derive(Debug, Clone, PartialEq, Eq, uniffi::Record)]
pub struct CaseSummary {
    /// Its waybill.
    pub waybill: String,
    /// Where it stands.
    pub state: String,
    /// What is next.
    pub next_step: String,
    /// Newest reason code; empty before the first attempt.
    pub reason: String,
    /// Decision or outcome; empty if none.
    pub decision: String,
    /// Failed deliveries.
    pub attempts: u32,
    /// Flags.
    pub flags: Vec<String>,
    /// Entries that only this device is sure to have. Not 0: never say "saved", say "on this device".
    pub unsent: u32,
    /// Entries that head office holds for review.
    pub quarantined: u32,
    /// Best estimate of the newest act.
    pub updated_at_ms: i64,
    /// The earliest running deadline.
    pub due_at_ms: Option<i64>,
    /// Whether it has ended.
    pub closed: bool,
}

/// A failure as it was recorded: on this device, not sent yet.
#[derive(Debug, Clone, PartialEq, Eq, uniffi::Record)]
pub struct Recorded {
    /// The waybill in its one spelling.
    pub waybill: String,
    /// Where the case stands.
    pub state: String,
    /// What is next.
    pub next_step: String,
    /// The earliest running deadline.
    pub due_at_ms: Option<i64>,
    /// Evidence that is missing.
    pub missing: Vec<Bilingual>,
}

/// One answer with its reasons: a deadline, missing evidence, a finding or a contradiction.
#[derive(Debug, Clone, PartialEq, Eq, uniffi::Record)]
pub struct Explained {
    /// What it is about: `SLA-03@attempt/...` for a deadline; a finding's id, which a dispute names.
    pub about: String,
    /// The answer.
    pub answer: Bilingual,
    /// The chain from the rule over the facts to the answer.
    pub because: Vec<Bilingual>,
}

/// What a sync did.
#[derive(Debug, Clone, PartialEq, Eq, uniffi::Record)]
pub struct SyncSummary {
    /// Requests made.
    pub requests: u32,
    /// Bytes of request bodies.
    pub sent_bytes: i64,
    /// Bytes of response bodies.
    pub received_bytes: i64,
    /// Photos that the server has taken.
    pub photos: u32,
}

impl From<Words> for Bilingual {
    fn from(Words { zh, en }: Words) -> Self {
        Self { zh, en }
    }
}

impl From<Explanation> for Explained {
    fn from(told: Explanation) -> Self {
        let because = told.because.into_iter().map(|link| link.words.into()).collect();
        Self { about: told.about, answer: told.answer.into(), because }
    }
}

impl From<CaseRow> for CaseSummary {
    fn from(row: CaseRow) -> Self {
        Self {
            waybill: row.waybill,
            state: row.state,
            next_step: row.next_step,
            reason: row.reason,
            decision: row.decision,
            attempts: row.attempts,
            flags: row.flags,
            unsent: row.unsent,
            quarantined: row.quarantined,
            updated_at_ms: row.updated_at.0,
            due_at_ms: row.due_at.map(|due| due.0),
            closed: row.closed,
        }
    }
}

impl From<CaseView> for Recorded {
    fn from(view: CaseView) -> Self {
        Self {
            waybill: view.case.facts.waybill.as_str().to_owned(),
            state: view.judgement.state.as_str().to_owned(),
            next_step: view.judgement.next_step.as_str().to_owned(),
            due_at_ms: view.judgement.next_due().map(|due| due.0),
            missing: view.judgement.missing.into_iter().map(|gap| gap.name.into()).collect(),
        }
    }
}

impl From<SyncReport> for SyncSummary {
    /// Signed or short numbers: Java has no unsigned 64-bit ones.
    fn from(report: SyncReport) -> Self {
        Self {
            requests: report.requests.try_into().unwrap_or(u32::MAX),
            sent_bytes: report.sent_bytes.try_into().unwrap_or(i64::MAX),
            received_bytes: report.received_bytes.try_into().unwrap_or(i64::MAX),
            photos: report.photos.try_into().unwrap_or(u32::MAX),
        }
    }
}
