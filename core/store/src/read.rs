//! Reading: the list without any document, one case folded and judged, and unsent records.

use doorstep_domain::{CaseId, RefusalCode, UnixMs, Waybill};
use doorstep_rules::{Case, Judgement, judge};
use rusqlite::{Connection, TransactionBehavior};
use serde::Serialize;

use crate::{
    Recording, Store, StoreError, project,
    recording::Kept,
    row::{Row, Statements, params},
    states::OutboxState,
    uptime,
};

/// A line of the list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct CaseRow {
    /// The case.
    pub case: CaseId,
    /// The waybill of the case.
    pub waybill: String,
    /// The state of the case.
    pub state: String,
    /// The next step.
    pub next_step: String,
    /// The newest reason code; empty before the first attempt.
    pub reason: String,
    /// The decision or outcome; empty if none.
    pub decision: String,
    /// The number of failed deliveries.
    pub attempts: u32,
    /// The flags of the case.
    pub flags: Vec<String>,
    /// The deadlines that were missed.
    pub missed: Vec<String>,
    /// The number of SMS that still have to be sent or settled. They do not count yet.
    pub messages: u32,
    /// The number of entries that the server has not confirmed.
    pub unsent: u32,
    /// The number of entries in quarantine at the server.
    pub quarantined: u32,
    /// The best estimate of the newest act's time.
    pub updated_at: UnixMs,
    /// The earliest running deadline.
    pub due_at: Option<UnixMs>,
    /// Whether the case is closed.
    pub closed: bool,
    /// The person to whom the parcel is assigned.
    pub assigned_to: Option<String>,
    /// The time for which the assignment plans it.
    pub planned_at: Option<UnixMs>,
}

/// Selects the cases to list.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    /// Closed cases too.
    pub closed: bool,
    /// Only this state.
    pub state: Option<String>,
    /// Only waybills that contain this.
    pub waybill: Option<String>,
    /// The largest number of rows; 0 means 200.
    pub limit: u32,
    /// Only rows after this place, for the next page.
    pub after: Option<Place>,
}

/// A place in the list. It stays valid when rows before it come, go or move.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    /// Whether the case at this place is closed.
    pub closed: bool,
    /// The earliest running deadline of the case.
    pub due_at: Option<UnixMs>,
    /// The case.
    pub case: CaseId,
}

impl CaseRow {
    /// The row's place in the list.
    pub fn place(&self) -> Place {
        Place { closed: self.closed, due_at: self.due_at, case: self.case }
    }
}

/// A case, folded and judged.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct CaseView {
    /// The case id.
    pub id: CaseId,
    /// The facts of the case.
    #[serde(flatten)]
    pub case: Case,
    /// The present judgement by the rules.
    #[serde(flatten)]
    pub judgement: Judgement,
}

/// A record that the server has not confirmed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct UnsentIntent {
    /// The waybill; for a sheet the outlet and the day.
    pub waybill: String,
    /// The act, by the command's own name.
    pub what: String,
    /// When it was recorded, by the best estimate at that time: the server's clock, extrapolated, or else the wall clock.
    pub recorded_at: UnixMs,
    /// Whether it is in a batch whose answer has not come back.
    pub sent: bool,
    /// Whether the server has left it pending, because a change before it has not arrived there.
    pub pending: bool,
}

/// A record that the server refused, or that can not be sent. It is kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RefusedIntent {
    /// The waybill.
    pub waybill: String,
    /// The act, by the command's own name.
    pub what: String,
    /// When it was recorded, by the best estimate at that time: the server's clock, extrapolated, or else the wall clock.
    pub recorded_at: UnixMs,
    /// The reason of the refusal.
    pub reason: RefusalCode,
    /// Whether head office has discarded it.
    pub discarded: bool,
    /// The person's recording, if nothing else is left because the bytes of its change are damaged.
    pub recording: Option<Recording>,
}

/// The unsent and refused records, oldest first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Status {
    /// The unsent actions.
    pub unsent: Vec<UnsentIntent>,
    /// The number of photos whose bytes the server lacks.
    pub photos: u32,
    /// The number of their bytes.
    pub photo_bytes: u64,
    /// The number of photos that can not be delivered: the file is gone or holds other bytes, and the server lacks it.
    pub photos_lost: u32,
    /// The number of refused actions on which head office has not decided.
    pub quarantined: u32,
    /// The refused actions with their reasons, including those that head office has discarded.
    pub refused: Vec<RefusedIntent>,
    /// Head office has revoked this device.
    pub revoked: bool,
    /// The time of the server's last answer, by its clock.
    pub last_answer: Option<UnixMs>,
    /// The disk is full. Records are sent; feeds, lists and pictures of others wait until there is room.
    pub waits_for_room: bool,
}

impl Store {
    /// Lists cases by next deadline. Rows that are behind are judged first, and no other case is read.
    pub fn cases(&mut self, filter: &Filter, now: UnixMs) -> Result<Vec<CaseRow>, StoreError> {
        self.advance_phases(now)?;
        let limit = if filter.limit == 0 { 200 } else { filter.limit };
        let wanted = filter.waybill.as_ref().map(|text| text.to_uppercase());
        let place = |place: &Place| {
            (i64::from(place.closed), place.due_at.map_or(project::NEVER, |due| due.0), place.case.as_bytes().to_vec())
        };
        let (closed, due_at, case) = filter.after.as_ref().map_or((-1, 0, vec![]), place);
        self.db.all(
            "case_row",
            "SELECT * FROM case_row LEFT JOIN assignment USING (case_id)
             WHERE closed <= ?1 AND (?2 IS NULL OR state = ?2) AND (?3 IS NULL OR instr(waybill, ?3) > 0)
               AND (closed, due_at, case_id) > (?5, ?6, ?7)
             ORDER BY closed, due_at, case_id LIMIT ?4",
            params![filter.closed, filter.state, wanted, limit, closed, due_at, case],
            read_row,
        )
    }

    /// Brings rows up to date: a row whose phase is over from its stored phases, and a row with newer records by judging it anew.
    /// Both are few and found by index. After a clock that was ahead all rows are judged anew. On a full disk the rows stay as they
    /// are, because an older judgement is better than no list.
    pub(crate) fn advance_phases(&mut self, now: UnixMs) -> Result<(), StoreError> {
        match self.advance(now) {
            Err(StoreError::DiskFull) => Ok(()),
            other => other,
        }
    }

    fn advance(&mut self, now: UnixMs) -> Result<(), StoreError> {
        const PASSED: &str = "SELECT case_id FROM case_row WHERE turn_at <= ?1";
        const STALE: &str = "SELECT case_id FROM stale";
        if uptime::was_ahead(&self.db, now)? {
            let tx = self.db.transaction_with_behavior(TransactionBehavior::Immediate)?;
            uptime::judge_anew(&tx, now)?;
            tx.commit()?;
        }
        let mut behind: Vec<CaseId> = self.db.all("stale", STALE, params![], |row| row.get(0))?;
        let passed: Vec<CaseId> = self.db.all("case_row", PASSED, params![now], |row| row.get(0))?;
        if behind.is_empty() && passed.is_empty() {
            return Ok(());
        }
        let tx = self.db.transaction_with_behavior(TransactionBehavior::Immediate)?;
        for case in passed {
            if !behind.contains(&case) && !project::advance_phase(&tx, &case, now)? {
                behind.push(case);
            }
        }
        tx.commit()?;
        if behind.is_empty() {
            return Ok(());
        }
        self.load_book()?;
        let Some((_, book)) = &self.book else { return Ok(()) };
        let tx = self.db.transaction_with_behavior(TransactionBehavior::Immediate)?;
        for case in behind {
            project::rewrite_row_or_skip(&tx, &case, book, now)?;
        }
        tx.commit()?;
        Ok(())
    }

    /// A case by its waybill, or by a child number of its shipment; `None` if nothing is recorded of it here.
    pub fn case(&mut self, waybill: &Waybill, now: UnixMs) -> Result<Option<CaseView>, StoreError> {
        self.load_book()?;
        let Some((_, book)) = &self.book else { return Ok(None) };
        let network = book.newest().pack.network.parse().map_err(|_| StoreError::Damaged("reference"))?;
        let waybill = self.main_number(waybill)?;
        self.case_of(&CaseId::of(&network, &waybill), now)
    }

    /// A case by its id; `None` if it is not here.
    pub fn case_by_id(&mut self, id: &CaseId, now: UnixMs) -> Result<Option<CaseView>, StoreError> {
        self.case_of(id, now)
    }

    fn case_of(&mut self, id: &CaseId, now: UnixMs) -> Result<Option<CaseView>, StoreError> {
        self.load_book()?;
        let Some((_, book)) = &self.book else { return Ok(None) };
        let id = *id;
        let Some(case) = Case::fold(project::entries(&self.db, &id)?) else { return Ok(None) };
        let judgement = judge(&case, book, now);
        Ok(Some(CaseView { id, case, judgement }))
    }

    /// The case's heads, sorted, for comparing two replicas.
    pub fn heads(&self, case: &CaseId) -> Result<Vec<doorstep_domain::ChangeHash>, StoreError> {
        Ok(project::head(&self.db, case)?.position.heads)
    }

    /// All case ids here.
    pub fn case_ids(&self) -> Result<Vec<CaseId>, StoreError> {
        case_ids(&self.db)
    }

    /// The unsent and refused records, oldest first.
    pub fn status(&self) -> Result<Status, StoreError> {
        let (mut unsent, mut refused) = (Vec::new(), Vec::new());
        let sql = "SELECT coalesce(case_row.waybill, sheet.outlet || ' ' || sheet.day, ''), outbox.command, outbox.recorded_at, outbox.state, outbox.tries,
               coalesce(outbox.reason, '')
             FROM outbox LEFT JOIN case_row USING (case_id) LEFT JOIN sheet USING (case_id) ORDER BY outbox.id";
        self.db.each("outbox", sql, params![], |row| {
            let Kept { what, waybill, recording } = Kept::read(&row.get::<String>(1)?);
            let (listed, recorded_at, state): (String, UnixMs, OutboxState) = (row.get(0)?, row.get(2)?, row.get(3)?);
            let waybill = if listed.is_empty() { waybill.unwrap_or_default() } else { listed };
            if state < OutboxState::Quarantined {
                let sent = state == OutboxState::InBatch;
                unsent.push(UnsentIntent { waybill, what, recorded_at, sent, pending: !sent && row.get::<i64>(4)? > 0 });
            } else {
                let discarded = state == OutboxState::Discarded;
                let reason: RefusalCode = row.get::<String>(5)?.into();
                // Other refused records are entries of the case, which shows them better.
                let recording = recording.filter(|_| reason == RefusalCode::Damaged);
                refused.push(RefusedIntent { waybill, what, recorded_at, reason, discarded, recording });
            }
            Ok(())
        })?;
        let waiting = concat!("SELECT count(*), coalesce(sum(len), 0) FROM photo WHERE ", photo_waits!(), " AND thumbnail = 0");
        let (photos, photo_bytes) = self.db.one("photo", waiting, params![], |row| Ok((row.get(0)?, row.get(1)?)))?;
        let spoiled = concat!("SELECT count(*) FROM photo WHERE ", photo_is_spoiled!(), " AND thumbnail = 0");
        let photos_lost = self.db.one("photo", spoiled, params![], |row| row.get(0))?;
        let held = concat!("SELECT count(*) FROM outbox WHERE state = ", outbox_state!(Quarantined));
        let quarantined = self.db.one("outbox", held, params![], |row| row.get(0))?;
        let last_answer =
            Self::meta(&self.db, "last_answer")?.and_then(|bytes| Some(UnixMs(i64::from_be_bytes(bytes.try_into().ok()?))));
        let revoked = Self::meta(&self.db, "revoked")?.is_some_and(|flag| !flag.is_empty());
        let waits_for_room = self.is_on_reserve();
        Ok(Status { unsent, photos, photo_bytes, photos_lost, quarantined, refused, revoked, last_answer, waits_for_room })
    }
}

pub(crate) fn case_ids(db: &Connection) -> Result<Vec<CaseId>, StoreError> {
    db.all("case_row", "SELECT case_id FROM case_row", params![], |row| row.get(0))
}

fn read_row(row: &Row<'_>) -> Result<CaseRow, StoreError> {
    let due_at: UnixMs = row.get("due_at")?;
    let words = |column: &str| Ok::<_, StoreError>(row.get::<String>(column)?.split_whitespace().map(str::to_owned).collect());
    Ok(CaseRow {
        case: row.get("case_id")?,
        waybill: row.get("waybill")?,
        state: row.get("state")?,
        next_step: row.get("next_step")?,
        reason: row.get("reason")?,
        decision: row.get("decision")?,
        attempts: row.get("attempts")?,
        flags: words("flags")?,
        missed: words("missed")?,
        messages: row.get("messages")?,
        unsent: row.get("unsent")?,
        quarantined: row.get("quarantined")?,
        updated_at: row.get("updated_at")?,
        due_at: (due_at.0 != project::NEVER).then_some(due_at),
        closed: row.get("closed")?,
        assigned_to: row.get("person")?,
        planned_at: row.get("planned_at")?,
    })
}
