//! What people read, projected after the answer, in order and restartably: a row is behind while `projected_n < n`, and
//! whoever starts next goes on from there. A case that fails is frozen with its reason; its changes are safe in the log and
//! nobody else notices.

use doorstep_document::{Change, merge};
use doorstep_domain::{CaseId, ChangeHash, Recorded, Standing, UnixMs};
use doorstep_rules::{Case, Judgement, Pack, State, judge};
use rusqlite::{Connection, Row, params};
use serde::Serialize;

use crate::{
    db::{Db, ref_version},
    error::ApiError,
    ingest::receipt_of,
};

const CHUNK: i64 = 50;
pub(crate) const NEVER: i64 = i64::MAX;

/// The rule pack in force.
pub(crate) fn pack(db: &Connection) -> Result<Pack, ApiError> {
    let body: Vec<u8> = db.query_row("SELECT body FROM reference WHERE kind = 'pack'", [], |row| row.get(0))?;
    Pack::parse(&body).map_err(|_| ApiError::Internal("the stored rule pack"))
}

/// All entries of a case with their receipts.
pub(crate) fn entries(db: &Connection, case: &CaseId) -> Result<(Vec<Recorded>, Vec<Vec<u8>>), ApiError> {
    let mut query =
        db.prepare_cached("SELECT bytes, received_at, acted_at, slack_ms, marks FROM change WHERE case_id = ?1 ORDER BY n")?;
    let mut rows = query.query(params![case.as_bytes()])?;
    let (mut entries, mut chunks) = (Vec::new(), Vec::new());
    while let Some(row) = rows.next()? {
        let bytes: Vec<u8> = row.get(0)?;
        let change = Change::read_stored(case, &bytes).map_err(|_| ApiError::Damaged)?;
        let receipt = receipt_of(row, 1)?;
        entries.extend(change.entries().iter().map(|entry| Recorded {
            change: change.hash(),
            standing: Standing::Accepted(receipt),
            entry: entry.clone(),
        }));
        chunks.push(bytes);
    }
    Ok((entries, chunks))
}

struct Projected {
    case: CaseId,
    n: u64,
    rules: u64,
    outcome: Result<(Case, Judgement), String>,
}

/// Folds and judges a case, and holds Automerge's own merge against the heads in the row. Freezes only on what will not pass by itself: damage, or a merge that fails. A busy disk is an error of this run.
fn compute(
    db: &Connection,
    case: CaseId,
    n: u64,
    heads: &[ChangeHash],
    (rules, pack): (u64, &Pack),
    now: UnixMs,
) -> Result<Projected, ApiError> {
    let (entries, chunks) = match entries(db, &case) {
        Ok(read) => read,
        Err(ApiError::Damaged) => return Ok(Projected { case, n, rules, outcome: Err(ApiError::Damaged.to_string()) }),
        Err(error) => return Err(error),
    };
    let judged = || {
        let merged = merge(chunks.iter().map(Vec::as_slice)).map_err(|error| error.to_string())?;
        if merged.heads != heads {
            return Err("automerge gives other heads than the log".to_owned());
        }
        let folded = Case::fold(entries).ok_or("no parcel facts")?;
        let judgement = judge(&folded, pack, now);
        Ok((folded, judgement))
    };
    Ok(Projected { case, n, rules, outcome: judged() })
}

fn behind(db: &Connection, now: UnixMs) -> Result<Vec<Projected>, ApiError> {
    // Before the pack itself: a pack published between the two is noticed when the row is written.
    let rules = ref_version(db, "pack")?;
    let pack = pack(db)?;
    let mut query = db.prepare_cached("SELECT case_id, n, heads FROM doc WHERE projected_n < n AND frozen IS NULL LIMIT ?1")?;
    let rows = query.query_map(params![CHUNK], |row| Ok((row.get::<_, Vec<u8>>(0)?, row.get(1)?, row.get::<_, Vec<u8>>(2)?)))?;
    let mut projected = Vec::new();
    for row in rows {
        let (case, n, heads) = row?;
        let case = CaseId::try_from(case.as_slice()).map_err(|_| ApiError::Internal("doc row"))?;
        let heads: Vec<ChangeHash> = heads.chunks(32).filter_map(|h| ChangeHash::try_from(h).ok()).collect();
        projected.push(compute(db, case, n, &heads, (rules, &pack), now)?);
    }
    Ok(projected)
}

fn write(db: &Connection, projected: &Projected) -> Result<(), ApiError> {
    let Projected { case, n, rules, outcome } = projected;
    if ref_version(db, "pack")? != *rules {
        return Ok(()); // judged by rules that have been replaced meanwhile; the row stays behind and is done again
    }
    match outcome {
        Ok((folded, judged)) => {
            // Only if nothing has come since: a newer change keeps the row behind, and it is done again.
            let current = db
                .prepare_cached("UPDATE doc SET projected_n = ?2 WHERE case_id = ?1 AND n = ?2")?
                .execute(params![case.as_bytes(), n])?;
            if current == 1 {
                write_row(db, case, folded, judged)?;
            }
        }
        Err(reason) => {
            eprintln!("doorstep-server: case {case} is frozen: {reason}");
            db.prepare_cached("UPDATE doc SET frozen = ?3 WHERE case_id = ?1 AND n = ?2")?.execute(params![
                case.as_bytes(),
                n,
                reason
            ])?;
        }
    }
    Ok(())
}

fn write_row(db: &Connection, case: &CaseId, folded: &Case, judged: &Judgement) -> Result<(), ApiError> {
    let flags = judged.flags.iter().map(|f| f.as_str()).collect::<Vec<_>>().join(" ");
    let updated_at = folded.timeline.iter().map(|r| r.acted_at().0).max().unwrap_or(0);
    let name = |outlet: &Option<doorstep_domain::OutletCode>| outlet.as_ref().map_or(String::new(), ToString::to_string);
    db.prepare_cached(
        "INSERT OR REPLACE INTO case_row (case_id, waybill, origin, delivering, state, next_step, reason, decision, attempts,
           flags, updated_at, closed, due_at, missed) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14)",
    )?
    .execute(params![
        case.as_bytes(),
        folded.facts.waybill.as_str(),
        name(&folded.facts.origin_outlet),
        name(&folded.facts.delivering_outlet),
        judged.state.as_str(),
        judged.next_step.as_str(),
        folded.reason().unwrap_or(""),
        judged.decision.as_deref().unwrap_or(""),
        folded.attempts(),
        flags,
        updated_at,
        i64::from(judged.state == State::Closed),
        judged.next_due().map_or(NEVER, |at| at.0),
        judged.missed().join(" ")
    ])?;
    Ok(())
}

fn lapsed(db: &Connection, now: UnixMs) -> Result<bool, ApiError> {
    let mut query = db.prepare_cached(
        "SELECT 1 FROM case_row JOIN doc USING (case_id) WHERE case_row.closed IN (0, 1) AND due_at < ?1 AND frozen IS NULL",
    )?;
    Ok(query.exists(params![now.0])?)
}

/// Rows whose deadline has passed since they were judged are behind too.
fn lapse(db: &Connection, now: UnixMs) -> Result<(), ApiError> {
    db.prepare_cached(
        "UPDATE doc SET projected_n = 0 WHERE case_id IN (SELECT case_id FROM case_row WHERE closed IN (0, 1) AND due_at < ?1)",
    )?
    .execute(params![now.0])?;
    Ok(())
}

/// Brings all rows up to date, computing on a reader and writing in the writer.
pub(crate) async fn catch_up(db: &Db, now: UnixMs) -> Result<(), ApiError> {
    let lapsed = db.read(move |db| lapsed(db, now)).await?;
    if lapsed {
        db.write(move |db| lapse(db, now)).await?;
    }
    loop {
        let projected = db.read(move |db| behind(db, now)).await?;
        if projected.is_empty() {
            return Ok(());
        }
        db.write(move |db| projected.iter().try_for_each(|p| write(db, p))).await?;
    }
}

/// The same on one connection, for the administrator's commands.
pub(crate) fn catch_up_here(db: &Connection, now: UnixMs) -> Result<(), ApiError> {
    if lapsed(db, now)? {
        lapse(db, now)?;
    }
    loop {
        let projected = behind(db, now)?;
        if projected.is_empty() {
            return Ok(());
        }
        projected.iter().try_for_each(|p| write(db, p))?;
    }
}

/// One line of head office's list.
#[derive(Debug, Clone, Serialize)]
pub struct CaseRow {
    /// The case.
    pub case: CaseId,
    /// Its waybill.
    pub waybill: String,
    /// Origin outlet; empty if unlisted.
    pub origin_outlet: String,
    /// Delivering outlet; empty if unlisted.
    pub delivering_outlet: String,
    /// Where it stands.
    pub state: String,
    /// What is next.
    pub next_step: String,
    /// Newest reason code.
    pub reason: String,
    /// Decision or outcome; empty if none.
    pub decision: String,
    /// Failed deliveries.
    pub attempts: u32,
    /// Flags.
    pub flags: Vec<String>,
    /// Clocks that were missed.
    pub missed: Vec<String>,
    /// Best estimate of the newest act.
    pub updated_at: UnixMs,
    /// The earliest running deadline.
    pub due_at: Option<UnixMs>,
    /// Photos whose bytes are still on a phone.
    pub photos_pending: u32,
}

/// The list by next deadline: broken cases first, ended ones last. Bring the rows up to date before.
pub(crate) fn list(db: &Connection, limit: u32) -> Result<Vec<CaseRow>, ApiError> {
    let mut query = db.prepare_cached(
        "SELECT case_row.*, (SELECT count(*) FROM photo WHERE photo.case_id = case_row.case_id AND stored_at IS NULL) AS pending
         FROM case_row JOIN doc USING (case_id) WHERE frozen IS NULL ORDER BY case_row.closed, due_at, updated_at DESC LIMIT ?1",
    )?;
    let mut list = frozen(db)?;
    for row in query.query_map(params![limit], read_row)? {
        list.extend(row?);
    }
    Ok(list)
}

/// Cases that can not be projected: shown as such, never left out.
fn frozen(db: &Connection) -> Result<Vec<CaseRow>, ApiError> {
    let mut query = db.prepare_cached("SELECT case_id, waybill FROM doc WHERE frozen IS NOT NULL")?;
    let rows = query.query_map([], |row| Ok((row.get::<_, Vec<u8>>(0)?, row.get::<_, String>(1)?)))?;
    let mut list = Vec::new();
    for row in rows {
        let (case, waybill) = row?;
        let Ok(case) = CaseId::try_from(case.as_slice()) else { continue };
        list.push(CaseRow { case, waybill, state: "frozen".into(), flags: vec!["frozen".into()], ..CaseRow::empty() });
    }
    Ok(list)
}

impl CaseRow {
    fn empty() -> Self {
        Self {
            case: CaseId::new([0; 16]),
            waybill: String::new(),
            origin_outlet: String::new(),
            delivering_outlet: String::new(),
            state: String::new(),
            next_step: "none".into(),
            reason: String::new(),
            decision: String::new(),
            attempts: 0,
            flags: Vec::new(),
            missed: Vec::new(),
            updated_at: UnixMs(0),
            due_at: None,
            photos_pending: 0,
        }
    }
}

fn read_row(row: &Row<'_>) -> rusqlite::Result<Option<CaseRow>> {
    let id: Vec<u8> = row.get("case_id")?;
    let Ok(case) = CaseId::try_from(id.as_slice()) else { return Ok(None) };
    let due_at: i64 = row.get("due_at")?;
    Ok(Some(CaseRow {
        case,
        waybill: row.get("waybill")?,
        origin_outlet: row.get("origin")?,
        delivering_outlet: row.get("delivering")?,
        state: row.get("state")?,
        next_step: row.get("next_step")?,
        reason: row.get("reason")?,
        decision: row.get("decision")?,
        attempts: row.get("attempts")?,
        flags: row.get::<_, String>("flags")?.split_whitespace().map(str::to_owned).collect(),
        missed: row.get::<_, String>("missed")?.split_whitespace().map(str::to_owned).collect(),
        updated_at: UnixMs(row.get("updated_at")?),
        due_at: (due_at != NEVER).then_some(UnixMs(due_at)),
        photos_pending: row.get("pending")?,
    }))
}
