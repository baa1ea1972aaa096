//! Projects cases into the rows that people read: after the answer, in order, and restartably. A row is behind while `projected_n
//! < n`, and the next run continues from there. A case that fails is frozen with its reason; its changes are safe in the log, and
//! other cases go on.

use doorstep_document::{Admission, Change, History, Position, merge};
use doorstep_domain::{CaseId, ChangeHash, OutletCode, Recorded, UnixMs};
use doorstep_rules::{AHEAD_OF_NOW_MS, Case, Duty, Finding, Judgement, Phase, Phases, Rulebook, Side, State};
use serde::{Deserialize, Serialize};

use crate::{
    case_log,
    error::ApiError,
    linked::{self, Links},
    log,
    packs::Rules,
    store::{
        db::{Db, Store},
        docs::{self, Behind},
        findings::{self, FindingRow},
        list::{self, ListRow, RowNow},
        references,
        tx::Tx,
    },
};

const CHUNK: u32 = 50;

/// One of so many projections is compared with Automerge's own merge, which costs more than all the rest. Each case comes to
/// its turn with one of so many changes. The daily audit merges all cases.
const SAMPLE: u64 = 64;

struct Projected {
    case: CaseId,
    n: u64,
    rules: u64,
    outcome: Result<Outcome, String>,
}

/// The rows of a case as they are to be written. The case itself is dropped before, because many wait for one transaction.
struct Outcome {
    row: ListRow,
    phase: Phase,
    findings: Vec<FindingRow>,
    links: Links,
}

impl Outcome {
    fn of(folded: &Case, Phases { judgement, phase, later }: Phases, book: &Rulebook) -> Result<Self, ApiError> {
        let later = later.into_iter().map(|(phase, then)| RowPhase { phase, findings: finding_rows(folded, &then) });
        let phases = serde_json::to_string(&later.collect::<Vec<_>>()).map_err(|_| ApiError::Internal("a row's phases"))?;
        let name = |outlet: &Option<OutletCode>| outlet.as_ref().map_or(String::new(), ToString::to_string);
        let row = ListRow {
            waybill: folded.facts.waybill.to_string(),
            origin: name(&folded.facts.origin_outlet),
            delivering: name(&folded.facts.delivering_outlet),
            reason: folded.reason().unwrap_or_default().to_owned(),
            attempts: folded.attempts(),
            updated_at: folded.timeline.iter().map(|r| r.acted_at()).max().unwrap_or(UnixMs(0)),
            phases,
        };
        Ok(Self { row, phase, findings: finding_rows(folded, &judgement), links: Links::of(folded, book) })
    }

    fn write(&self, tx: &Tx<'_>, case: &CaseId) -> Result<(), ApiError> {
        list::write(tx, case, &self.row, &row_now(&self.phase)?)?;
        findings::write(tx, case, &self.findings)?;
        self.links.note(tx, case)
    }
}

/// Whether the projection of a case's first `n` changes is compared with Automerge's own merge. Tests compare each.
fn is_sample(case: &CaseId, n: u64) -> bool {
    let turn = case.as_bytes().first_chunk().map_or(0, |first| u64::from_be_bytes(*first));
    cfg!(debug_assertions) || turn.wrapping_add(n).is_multiple_of(SAMPLE)
}

/// A log as it is read: whether it is one history, and where it ends.
#[derive(Default)]
struct Reading {
    entries: Vec<Recorded>,
    history: History,
    end: Position,
    /// A change does not continue the changes before it.
    is_broken: bool,
    /// The changes in their stored form, of a sample.
    chunks: Vec<Vec<u8>>,
}

impl Reading {
    fn of(tx: &Tx<'_>, case: &CaseId, is_sample: bool) -> Result<Self, ApiError> {
        let mut reading = Self::default();
        case_log::each(tx, case, |change, recorded| reading.add(change, recorded, is_sample))?;
        Ok(reading)
    }

    fn add(&mut self, change: &Change, recorded: Vec<Recorded>, is_sample: bool) {
        self.is_broken |= self.history.admit(change) != Admission::New;
        self.end.advance(change, false);
        self.entries.extend(recorded);
        if is_sample {
            self.chunks.push(change.bytes().to_vec());
        }
    }

    /// Why the log can not be projected; `None` if it is one history that ends in these heads.
    fn fault(&self, heads: &[ChangeHash]) -> Option<String> {
        if self.is_broken {
            return Some("a change of the log does not continue those before it".to_owned());
        }
        if self.end.heads != heads {
            return Some("the log has other heads than its row".to_owned());
        }
        if self.chunks.is_empty() {
            return None;
        }
        match merge(self.chunks.iter().map(Vec::as_slice)) {
            Err(error) => Some(error.to_string()),
            Ok(merged) => (merged.heads != heads).then(|| "automerge gives other heads than the log".to_owned()),
        }
    }
}

/// Folds and judges a case whose log ends in the heads of the row. A case is frozen only for a permanent fault: damage, a log that is
/// no history, or a merge that fails. A busy disk is an error of this run.
fn compute(
    tx: &Tx<'_>,
    case: CaseId,
    n: u64,
    heads: &[ChangeHash],
    (rules, book): (u64, &Rulebook),
    now: UnixMs,
) -> Result<Projected, ApiError> {
    let reading = match Reading::of(tx, &case, is_sample(&case, n)) {
        Ok(reading) => reading,
        Err(ApiError::Damaged) => return Ok(Projected { case, n, rules, outcome: Err(ApiError::Damaged.to_string()) }),
        Err(error) => return Err(error),
    };
    if let Some(fault) = reading.fault(heads) {
        return Ok(Projected { case, n, rules, outcome: Err(fault) });
    }
    let outcome = match Case::fold(reading.entries) {
        Some(folded) => Ok(Outcome::of(&folded, Phase::ahead(&folded, book, now), book)?),
        None => Err("no parcel facts".to_owned()),
    };
    Ok(Projected { case, n, rules, outcome })
}

fn behind(tx: &Tx<'_>, rules: &Rules, now: UnixMs) -> Result<Vec<Projected>, ApiError> {
    let (rules, book) = rules.book(tx)?;
    let behind = docs::behind(tx, CHUNK)?.into_iter();
    behind.map(|Behind { case, n, heads }| compute(tx, case, n, &heads, (rules, &book), now)).collect()
}

fn write(tx: &Tx<'_>, projected: &Projected) -> Result<(), ApiError> {
    let Projected { case, n, rules, outcome } = projected;
    if references::version(tx, "pack")? != *rules {
        return Ok(()); // the rules have been replaced meanwhile; the row stays behind and is projected again
    }
    match outcome {
        Ok(outcome) => {
            // If a newer change has come since, the row stays behind and is projected again.
            if docs::set_projected(tx, case, *n)? {
                outcome.write(tx, case)?;
            }
        }
        Err(reason) => {
            log!(error, "a case is frozen", case = *case, reason = reason);
            docs::freeze(tx, case, *n, reason)?;
        }
    }
    Ok(())
}

fn row_now(phase: &Phase) -> Result<RowNow<'_>, ApiError> {
    Ok(RowNow {
        state: &phase.state,
        next_step: &phase.next_step,
        decision: &phase.decision,
        flags: &phase.flags,
        missed: &phase.missed,
        closed: phase.state == State::Closed.as_str(),
        due_ms: phase.due_ms,
        from_ms: phase.from_ms,
        until_ms: phase.until_ms,
        duties: &phase.duties,
        duties_json: serde_json::to_string(&phase.duties).map_err(|_| ApiError::Internal("a row's duties"))?,
    })
}

/// A phase of a row, with its findings.
#[derive(Serialize, Deserialize)]
struct RowPhase {
    #[serde(flatten)]
    phase: Phase,
    findings: Vec<FindingRow>,
}

fn finding_rows(folded: &Case, judged: &Judgement) -> Vec<FindingRow> {
    let row = |finding: &Finding| FindingRow {
        id: finding.id.to_string(),
        rule: finding.rule.clone(),
        outlet: finding.outlet.as_ref().map_or_else(String::new, ToString::to_string),
        share: finding.share,
        open: finding.open,
        amount: finding.amount.map(|amount| amount.0),
        state: finding.state.as_str().to_owned(),
        review: finding.review,
        started: folded.entry(&finding.id.entry).map_or(0, |r| r.acted_at().0),
        gap_from: finding.contacts.as_ref().and_then(|contacts| contacts.from).map(|from| from.0),
        gap_until: finding.contacts.as_ref().map(|contacts| contacts.until.0),
        proven: finding.contacts.as_ref().is_some_and(|contacts| contacts.proven),
    };
    judged.findings.iter().map(row).collect()
}

fn has_passed(tx: &Tx<'_>, now: UnixMs) -> Result<bool, ApiError> {
    Ok(!list::passed(tx, now, AHEAD_OF_NOW_MS, 1)?.is_empty())
}

/// Moves rows to the phase that time has brought since they were judged, without reading a change. A row whose phases reach no
/// further is judged anew. So is a row that was judged for a future time, because the clock was ahead then.
fn phase(tx: &Tx<'_>, now: UnixMs) -> Result<(), ApiError> {
    for (case, phases) in list::passed(tx, now, AHEAD_OF_NOW_MS, CHUNK * 20)? {
        let phases: Vec<RowPhase> = serde_json::from_str(&phases).unwrap_or_default();
        let reached = phases.into_iter().rfind(|row| row.phase.from_ms <= now.0);
        match reached.filter(|row| row.phase.until_ms.is_none_or(|until| until > now.0)) {
            Some(RowPhase { phase, findings }) => {
                list::phase(tx, &case, &row_now(&phase)?)?;
                findings::write(tx, &case, &findings)?;
                linked::row_was_written(tx, &case)?;
            }
            None => docs::project_anew(tx, &case)?,
        }
    }
    Ok(())
}

/// Brings all rows up to date. Computes on a reader and writes in the writer. True if it has written into cases, which their readers
/// should hear of.
pub(crate) async fn catch_up(db: &Db, rules: &Rules, now: UnixMs) -> Result<bool, ApiError> {
    while db.read(move |tx| has_passed(tx, now)).await? {
        db.write(move |tx| phase(tx, now)).await?;
    }
    let mut has_told = false;
    loop {
        let rules = rules.clone();
        let projected = db.read(move |tx| behind(tx, &rules, now)).await?;
        if !projected.is_empty() {
            db.write(move |tx| projected.iter().try_for_each(|p| write(tx, p))).await?;
        } else if db.read(linked::has_due).await? {
            has_told |= db.write(move |tx| linked::tell(tx, now)).await?;
        } else {
            return Ok(has_told);
        }
    }
}

/// Brings all rows up to date on one database, for the administrator's commands.
pub(crate) fn catch_up_here(store: &Store, rules: &Rules, now: UnixMs) -> Result<(), ApiError> {
    while store.read(|tx| has_passed(tx, now))? {
        store.write(|tx| phase(tx, now))?;
    }
    loop {
        let projected = store.read(|tx| behind(tx, rules, now))?;
        if !projected.is_empty() {
            store.write(|tx| projected.iter().try_for_each(|p| write(tx, p)))?;
        } else if store.read(linked::has_due)? {
            store.write(|tx| linked::tell(tx, now))?;
        } else {
            return Ok(());
        }
    }
}

/// A line of head office's list.
#[derive(Debug, Clone, Serialize)]
pub struct CaseRow {
    /// The case.
    pub case: CaseId,
    /// The waybill of the case.
    pub waybill: String,
    /// Origin outlet; empty if unlisted.
    pub origin_outlet: String,
    /// Delivering outlet; empty if unlisted.
    pub delivering_outlet: String,
    /// The state of the case.
    pub state: String,
    /// The next step.
    pub next_step: String,
    /// The newest reason code.
    pub reason: String,
    /// The decision or outcome; empty if none.
    pub decision: String,
    /// The number of failed deliveries.
    pub attempts: u32,
    /// The flags of the case.
    pub flags: Vec<String>,
    /// The deadlines that were missed.
    pub missed: Vec<String>,
    /// The best estimate of the newest act's time.
    pub updated_at: UnixMs,
    /// The earliest running deadline.
    pub due_at: Option<UnixMs>,
    /// The number of photos whose bytes are still on a phone.
    pub photos_pending: u32,
    /// Whether the same picture was recorded under another waybill too.
    pub same_picture: bool,
    /// All that is due, the most urgent first.
    pub duties: Vec<Duty>,
    /// The most urgent duty; in a list of an outlet or a side the most urgent of theirs.
    pub due: Option<Duty>,
}

/// Whose duties a list is about.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DueFrom {
    /// The outlet; `None` for all.
    pub outlet: Option<OutletCode>,
    /// The side; `None` for all.
    pub side: Option<Side>,
}

impl DueFrom {
    /// Whether it selects nothing, so that a list has all cases.
    pub fn is_everybody(&self) -> bool {
        self.outlet.is_none() && self.side.is_none()
    }

    fn has(&self, duty: &Duty) -> bool {
        let is_of_outlet = self.outlet.as_ref().is_none_or(|outlet| duty.outlet.as_ref() == Some(outlet));
        is_of_outlet && self.side.is_none_or(|side| duty.side == side)
    }
}

/// Head office's lists of cases. Anybody with an enrolled device can invent waybills, and invented ones must push no parcel off
/// the page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Which {
    /// Cases whose waybill is in a list of parcels, and broken cases.
    Listed,
    /// Cases whose waybill is in no list.
    Unlisted,
    /// Goods that a hub registered under a provisional number and that nobody has identified yet, the newest first.
    Unidentified,
}

/// Lists cases by whose turn it is: broken cases first, then what is overdue, then by the time left, then what has ended. With `from`
/// only those in which something is due from an outlet or a side. Bring the rows up to date before.
pub(crate) fn list(tx: &Tx<'_>, which: Which, from: &DueFrom, limit: u32) -> Result<Vec<CaseRow>, ApiError> {
    // A case that can not be projected is shown as broken, never left out. Nobody knows what is due in it.
    let broken = if which == Which::Listed && from.is_everybody() { docs::frozen(tx)? } else { vec![] };
    let frozen = broken.into_iter().map(|(case, waybill)| CaseRow {
        case,
        waybill,
        origin_outlet: String::new(),
        delivering_outlet: String::new(),
        state: "frozen".into(),
        next_step: "none".into(),
        reason: String::new(),
        decision: String::new(),
        attempts: 0,
        flags: vec!["frozen".into()],
        missed: Vec::new(),
        updated_at: UnixMs(0),
        due_at: None,
        photos_pending: 0,
        same_picture: false,
        duties: Vec::new(),
        due: None,
    });
    let words = |text: &str| text.split_whitespace().map(str::to_owned).collect();
    let listed = which == Which::Listed;
    let rows = match from {
        _ if which == Which::Unidentified => list::unidentified(tx, limit)?,
        _ if from.is_everybody() => list::all(tx, listed, limit)?,
        DueFrom { outlet, side } => {
            list::due_from(tx, listed, outlet.as_ref().map(OutletCode::as_str), side.map(Side::as_str), limit)?
        }
    };
    let row = |row: list::Listed| {
        let duties: Vec<Duty> = serde_json::from_str(&row.duties).map_err(|_| ApiError::Damaged)?;
        Ok(CaseRow {
            case: row.case,
            waybill: row.waybill,
            origin_outlet: row.origin,
            delivering_outlet: row.delivering,
            state: row.state,
            next_step: row.next_step,
            reason: row.reason,
            decision: row.decision,
            attempts: row.attempts,
            flags: words(&row.flags),
            missed: words(&row.missed),
            updated_at: row.updated_at,
            due_at: row.due_at,
            photos_pending: row.photos_pending,
            same_picture: row.same_picture,
            due: duties.iter().find(|duty| from.has(duty)).cloned(),
            duties,
        })
    };
    frozen.map(Ok).chain(rows.into_iter().map(row)).collect()
}
