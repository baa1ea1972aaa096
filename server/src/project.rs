//! What people read, projected after the answer, in order and restartably: a row is behind while `projected_n < n`, and
//! whoever starts next goes on from there. A case that fails is frozen with its reason; its changes are safe in the log and
//! nobody else notices.

use doorstep_document::{Change, merge};
use doorstep_domain::{CaseId, ChangeHash, Recorded, Standing, UnixMs};
use doorstep_rules::{AHEAD_OF_NOW_MS, Case, Finding, Judgement, Rulebook, State, Turn, Turns};
use rusqlite::{Row, params};
use serde::{Deserialize, Serialize};

use crate::{
    error::ApiError,
    packs::Rules,
    receipt::{RECEIPT, receipt_of},
    store::tx::Tx,
    store::{
        db::{Db, Store},
        references,
    },
};

const CHUNK: i64 = 50;
pub(crate) const NEVER: i64 = i64::MAX;

/// All entries of a case with their receipts.
pub(crate) fn entries(db: &Tx<'_>, case: &CaseId) -> Result<(Vec<Recorded>, Vec<Vec<u8>>), ApiError> {
    let mut query = db.prepare_cached(&format!("SELECT bytes, {RECEIPT} FROM change WHERE case_id = ?1 ORDER BY n"))?;
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
    outcome: Result<(Case, Turns), String>,
}

/// Folds and judges a case, and holds Automerge's own merge against the heads in the row. Freezes only on what will not pass by itself: damage, or a merge that fails. A busy disk is an error of this run.
fn compute(
    db: &Tx<'_>,
    case: CaseId,
    n: u64,
    heads: &[ChangeHash],
    (rules, book): (u64, &Rulebook),
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
        let turns = Turn::ahead(&folded, book, now);
        Ok((folded, turns))
    };
    Ok(Projected { case, n, rules, outcome: judged() })
}

fn behind(db: &Tx<'_>, rules: &Rules, now: UnixMs) -> Result<Vec<Projected>, ApiError> {
    let (rules, book) = rules.book(db)?;
    let mut query = db.prepare_cached("SELECT case_id, n, heads FROM doc WHERE projected_n < n AND frozen IS NULL LIMIT ?1")?;
    let rows = query.query_map(params![CHUNK], |row| Ok((row.get::<_, Vec<u8>>(0)?, row.get(1)?, row.get::<_, Vec<u8>>(2)?)))?;
    let mut projected = Vec::new();
    for row in rows {
        let (case, n, heads) = row?;
        let case = CaseId::try_from(case.as_slice()).map_err(|_| ApiError::Internal("doc row"))?;
        let heads: Vec<ChangeHash> = heads.chunks(32).filter_map(|h| ChangeHash::try_from(h).ok()).collect();
        projected.push(compute(db, case, n, &heads, (rules, &book), now)?);
    }
    Ok(projected)
}

fn write(db: &Tx<'_>, projected: &Projected) -> Result<(), ApiError> {
    let Projected { case, n, rules, outcome } = projected;
    if references::version(db, "pack")? != *rules {
        return Ok(()); // judged by rules that have been replaced meanwhile; the row stays behind and is done again
    }
    match outcome {
        Ok((folded, turns)) => {
            // Only if nothing has come since: a newer change keeps the row behind, and it is done again.
            let current = db
                .prepare_cached("UPDATE doc SET projected_n = ?2 WHERE case_id = ?1 AND n = ?2")?
                .execute(params![case.as_bytes(), n])?;
            if current == 1 {
                write_row(db, case, folded, turns)?;
            }
        }
        Err(reason) => {
            crate::say!("doorstep-server: case {case} is frozen: {reason}");
            db.prepare_cached("UPDATE doc SET frozen = ?3 WHERE case_id = ?1 AND n = ?2")?.execute(params![
                case.as_bytes(),
                n,
                reason
            ])?;
        }
    }
    Ok(())
}

fn write_row(db: &Tx<'_>, case: &CaseId, folded: &Case, turns: &Turns) -> Result<(), ApiError> {
    let Turns { judgement, turn, later } = turns;
    let later = later.iter().map(|(turn, then)| RowTurn { turn: turn.clone(), findings: finding_rows(folded, then) });
    let later = serde_json::to_string(&later.collect::<Vec<_>>()).map_err(|_| ApiError::Internal("a row's turns"))?;
    let updated_at = folded.timeline.iter().map(|r| r.acted_at().0).max().unwrap_or(0);
    let name = |outlet: &Option<doorstep_domain::OutletCode>| outlet.as_ref().map_or(String::new(), ToString::to_string);
    db.prepare_cached(
        "INSERT OR REPLACE INTO case_row (case_id, waybill, origin, delivering, state, next_step, reason, decision, attempts,
           flags, updated_at, closed, due_at, missed, turns, turn_at, turn_from)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17)",
    )?
    .execute(params![
        case.as_bytes(),
        folded.facts.waybill.as_str(),
        name(&folded.facts.origin_outlet),
        name(&folded.facts.delivering_outlet),
        turn.state,
        turn.next_step,
        folded.reason().unwrap_or(""),
        turn.decision,
        folded.attempts(),
        turn.flags,
        updated_at,
        is_closed(turn),
        turn.due_ms.unwrap_or(NEVER),
        turn.missed,
        later,
        turn.until_ms,
        turn.from_ms
    ])?;
    write_findings(db, case, &finding_rows(folded, judgement))
}

fn is_closed(turn: &Turn) -> bool {
    turn.state == State::Closed.as_str()
}

/// A turn of a row, with the findings that come with it.
#[derive(Serialize, Deserialize)]
struct RowTurn {
    #[serde(flatten)]
    turn: Turn,
    findings: Vec<FindingRow>,
}

/// One line of the ledger of findings.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FindingRow {
    /// The rule and the entry that it is held against: what a decision names it by.
    pub id: String,
    /// The rule.
    pub rule: String,
    /// The outlet; empty if not known.
    pub outlet: String,
    /// Its share in percent.
    pub share: u8,
    /// The amount in fen.
    pub amount: Option<i64>,
    /// Where it stands.
    pub state: String,
    /// Whether a person must look first.
    pub review: bool,
    /// When the entry was that it is held against.
    pub started: i64,
    /// Between which contacts with head office its acts lie: not before this, if anything says, ...
    #[serde(default)]
    pub gap_from: Option<i64>,
    /// ... and not after this; `None` while the server has none of them.
    #[serde(default)]
    pub gap_until: Option<i64>,
    /// Whether the clocks of the devices prove more than that.
    #[serde(default)]
    pub proven: bool,
}

fn finding_rows(folded: &Case, judged: &Judgement) -> Vec<FindingRow> {
    let row = |finding: &Finding| FindingRow {
        id: finding.id.to_string(),
        rule: finding.rule.clone(),
        outlet: finding.outlet.as_ref().map_or_else(String::new, ToString::to_string),
        share: finding.share,
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

fn write_findings(db: &Tx<'_>, case: &CaseId, findings: &[FindingRow]) -> Result<(), ApiError> {
    db.prepare_cached("DELETE FROM finding WHERE case_id = ?1")?.execute(params![case.as_bytes()])?;
    let mut insert = db.prepare_cached(
        "INSERT OR REPLACE INTO finding (case_id, id, rule, outlet, share, amount, state, review, started, gap_from, gap_until, proven)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)",
    )?;
    for row in findings {
        let FindingRow { id, rule, outlet, share, amount, state, review, started, gap_from, gap_until, proven } = row;
        let values =
            params![case.as_bytes(), id, rule, outlet, share, amount, state, review, started, gap_from, gap_until, proven];
        insert.execute(values)?;
    }
    Ok(())
}

/// The ledger of findings, the newest first; of one outlet, or those that nobody has decided.
pub(crate) fn findings(db: &Tx<'_>, outlet: Option<&str>, open: bool, limit: u32) -> Result<Vec<(String, FindingRow)>, ApiError> {
    let mut query = db.prepare_cached(
        "SELECT waybill, id, rule, outlet, share, amount, finding.state, review, started, gap_from, gap_until, proven
         FROM finding JOIN case_row USING (case_id)
         WHERE (?1 IS NULL OR outlet = ?1) AND (?2 = 0 OR finding.state <> 'decided') ORDER BY started DESC, id LIMIT ?3",
    )?;
    let rows = query.query_map(params![outlet, open, limit], |row| {
        let line = FindingRow {
            id: row.get(1)?,
            rule: row.get(2)?,
            outlet: row.get(3)?,
            share: row.get(4)?,
            amount: row.get(5)?,
            state: row.get(6)?,
            review: row.get(7)?,
            started: row.get(8)?,
            gap_from: row.get(9)?,
            gap_until: row.get(10)?,
            proven: row.get(11)?,
        };
        Ok((row.get(0)?, line))
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

const PASSED: &str = "SELECT case_row.case_id, turns FROM case_row JOIN doc USING (case_id)
     WHERE (turn_at <= ?1 OR turn_from > ?1 + ?3) AND frozen IS NULL AND projected_n = n LIMIT ?2";

fn has_passed(db: &Tx<'_>, now: UnixMs) -> Result<bool, ApiError> {
    Ok(db.prepare_cached(PASSED)?.exists(params![now.0, 1, AHEAD_OF_NOW_MS])?)
}

/// Moves rows on that have changed by themselves since they were judged, by the turns in the row, without reading a change; those
/// whose turns reach no further are judged anew, and so are those that were judged for a time which has not come: the clock was
/// ahead then.
fn turn(db: &Tx<'_>, now: UnixMs) -> Result<(), ApiError> {
    let mut query = db.prepare_cached(PASSED)?;
    let rows = query.query_map(params![now.0, CHUNK * 20, AHEAD_OF_NOW_MS], |row| {
        Ok((row.get::<_, Vec<u8>>(0)?, row.get::<_, String>(1)?))
    })?;
    for (case, turns) in rows.collect::<Result<Vec<_>, _>>()? {
        let case = CaseId::try_from(case.as_slice()).map_err(|_| ApiError::Internal("case row"))?;
        let turns: Vec<RowTurn> = serde_json::from_str(&turns).unwrap_or_default();
        let reached = turns.into_iter().rfind(|row| row.turn.from_ms <= now.0);
        match reached.filter(|row| row.turn.until_ms.is_none_or(|until| until > now.0)) {
            Some(RowTurn { turn, findings }) => {
                db.prepare_cached(
                    "UPDATE case_row SET state = ?2, next_step = ?3, decision = ?4, flags = ?5, missed = ?6, closed = ?7, due_at = ?8,
                       turn_at = ?9, turn_from = ?10 WHERE case_id = ?1",
                )?
                .execute(params![
                    case.as_bytes(),
                    turn.state,
                    turn.next_step,
                    turn.decision,
                    turn.flags,
                    turn.missed,
                    is_closed(&turn),
                    turn.due_ms.unwrap_or(NEVER),
                    turn.until_ms,
                    turn.from_ms
                ])?;
                write_findings(db, &case, &findings)?;
            }
            None => {
                db.prepare_cached("UPDATE doc SET projected_n = 0 WHERE case_id = ?1")?.execute(params![case.as_bytes()])?;
            }
        }
    }
    Ok(())
}

/// Brings all rows up to date, computing on a reader and writing in the writer.
pub(crate) async fn catch_up(db: &Db, rules: &Rules, now: UnixMs) -> Result<(), ApiError> {
    while db.read(move |db| has_passed(db, now)).await? {
        db.write(move |db| turn(db, now)).await?;
    }
    loop {
        let rules = rules.clone();
        let projected = db.read(move |db| behind(db, &rules, now)).await?;
        if projected.is_empty() {
            return Ok(());
        }
        db.write(move |db| projected.iter().try_for_each(|p| write(db, p))).await?;
    }
}

/// Brings all rows up to date on one database, for the administrator's commands.
pub(crate) fn catch_up_here(store: &Store, rules: &Rules, now: UnixMs) -> Result<(), ApiError> {
    while store.read(|tx| has_passed(tx, now))? {
        store.write(|tx| turn(tx, now))?;
    }
    loop {
        let projected = store.read(|tx| behind(tx, rules, now))?;
        if projected.is_empty() {
            return Ok(());
        }
        store.write(|tx| projected.iter().try_for_each(|p| write(tx, p)))?;
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
    /// The same picture was recorded under another waybill too.
    pub same_picture: bool,
}

/// The list by next deadline: broken cases first, ended ones last. Bring the rows up to date before.
pub(crate) fn list(db: &Tx<'_>, limit: u32) -> Result<Vec<CaseRow>, ApiError> {
    let mut query = db.prepare_cached(
        "SELECT case_row.*, (SELECT count(*) FROM photo LEFT JOIN stored USING (sha)
           WHERE photo.case_id = case_row.case_id AND of_sha IS NULL AND stored_at IS NULL) AS pending,
           EXISTS (SELECT 1 FROM photo JOIN photo AS other ON other.sha = photo.sha AND other.case_id <> photo.case_id
             WHERE photo.case_id = case_row.case_id AND photo.of_sha IS NULL) AS same_picture
         FROM case_row JOIN doc USING (case_id) WHERE frozen IS NULL ORDER BY case_row.closed, due_at, updated_at DESC LIMIT ?1",
    )?;
    let mut list = frozen(db)?;
    for row in query.query_map(params![limit], read_row)? {
        list.extend(row?);
    }
    Ok(list)
}

/// Cases that can not be projected: shown as such, never left out.
fn frozen(db: &Tx<'_>) -> Result<Vec<CaseRow>, ApiError> {
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
            same_picture: false,
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
        same_picture: row.get("same_picture")?,
    }))
}
