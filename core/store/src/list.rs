//! The list of cases, without any document: each person's own, by whose turn it is and the time left.

use std::collections::BTreeSet;

use doorstep_domain::{Author, CaseId, OutletCode, Role, UnixMs, UserId};
use doorstep_rules::{Duty, Reader, Turn, shown_duty};
use rusqlite::{Connection, TransactionBehavior};
use serde::Serialize;

use crate::{
    Store, StoreError, duties, identity,
    places::{self, NOT_MINE, Standing, TO_ANSWER, TO_DO},
    project,
    row::{Row, Statements, params},
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
    /// The earliest running deadline of anybody.
    pub due_at: Option<UnixMs>,
    /// Whether the case is closed.
    pub closed: bool,
    /// Whether the waybill is in no list of parcels.
    pub unlisted: bool,
    /// All that is due, the most urgent first.
    pub duties: Vec<Duty>,
    /// The duty that the row shows to its reader: their own most urgent one, else the most urgent of all.
    pub due: Option<Duty>,
    /// Whether the shown duty is the reader's own.
    pub mine: bool,
    /// Whose turn it is for the reader, with the time by which the list is sorted.
    pub turn: Turn,
    /// The person to whom the parcel is assigned.
    pub assigned_to: Option<String>,
    /// The time for which the assignment plans it.
    pub planned_at: Option<UnixMs>,
}

/// The part of a reader's list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Which {
    /// All cases.
    #[default]
    All,
    /// Cases in which the reader has something to do.
    ToDo,
    /// Cases in which the reader, of the origin outlet, has to look at a notice or to reply.
    ToAnswer,
    /// Cases that wait for others.
    Waiting,
}

impl Which {
    fn has(self, standing: &Standing) -> bool {
        let (least, most, last) = self.bounds();
        (least..=most).contains(&standing.mine) && standing.turn.class() <= last
    }

    /// The least and the largest `mine` of its rows, and their last class.
    fn bounds(self) -> (u8, u8, u8) {
        let waiting = Turn::Waiting(UnixMs(0)).class();
        match self {
            Self::All => (NOT_MINE, TO_ANSWER, Turn::Ended.class()),
            Self::ToDo => (TO_DO, TO_ANSWER, waiting),
            Self::ToAnswer => (TO_ANSWER, TO_ANSWER, waiting),
            Self::Waiting => (NOT_MINE, NOT_MINE, waiting),
        }
    }
}

/// Selects the cases to list.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    /// Closed cases too. Those in which the reader has something to do are listed in any case.
    pub closed: bool,
    /// Only this part.
    pub which: Which,
    /// Only waybills that are in a list of parcels, or only those that are in none.
    pub listed: Option<bool>,
    /// Only parcels under a provisional number: goods whose label can not be read.
    pub unidentified: bool,
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
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// Whose turn it is at this place.
    pub turn: Turn,
    /// The case.
    pub case: CaseId,
}

impl CaseRow {
    /// The row's place in the list.
    pub fn place(&self) -> Place {
        Place { turn: self.turn, case: self.case }
    }
}

impl Store {
    /// Lists cases for the person who is signed in, or who was last: what is overdue first, then by the time left, then what waits for
    /// others, then what has ended. Rows that are behind are judged first, and no other case is read.
    pub fn cases(&mut self, filter: &Filter, now: UnixMs) -> Result<Vec<CaseRow>, StoreError> {
        let reader = self.reader()?;
        self.cases_of(filter, &reader, now)
    }

    /// Lists cases like [`Store::cases`], for another reader.
    pub fn cases_of(&mut self, filter: &Filter, reader: &Reader, now: UnixMs) -> Result<Vec<CaseRow>, StoreError> {
        self.advance_phases(now)?;
        match self.places_of(reader) {
            Ok(id) => by_place(&self.db, filter, id, reader),
            // There is no room for the places of a new reader. A slower list is better than none.
            Err(StoreError::DiskFull) => by_sorting(&self.db, filter, reader),
            Err(error) => Err(error),
        }
    }

    /// The reader of this device's lists. A store without a person, as after a salvage, shows its cases as to somebody who watches all.
    fn reader(&self) -> Result<Reader, StoreError> {
        let watcher = || -> Option<Reader> {
            let (user, outlet): (UserId, OutletCode) = (Author::SERVER.parse().ok()?, Author::SERVER.parse().ok()?);
            Some(Reader { role: Role::Auditor, user, outlet })
        };
        match identity::read(&self.db) {
            Ok(Some(who)) => Ok(Reader { role: who.author.role, user: who.author.user, outlet: who.author.outlet }),
            Ok(None) | Err(StoreError::Damaged(_)) => watcher().ok_or(StoreError::NotEnrolled),
            Err(error) => Err(error),
        }
    }

    /// The number of a reader. The places of a new one are worked out from the stored duties, without reading a change.
    fn places_of(&mut self, reader: &Reader) -> Result<i64, StoreError> {
        if let Some(id) = places::reader(&self.db, reader)? {
            return Ok(id);
        }
        let tx = self.db.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let id = places::add_reader(&tx, reader)?;
        tx.commit()?;
        Ok(id)
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
        let stale: Vec<CaseId> = self.db.all("stale", STALE, params![], |row| row.get(0))?;
        let mut behind: BTreeSet<CaseId> = stale.into_iter().collect();
        let passed: Vec<CaseId> = self.db.all("case_row", PASSED, params![now], |row| row.get(0))?;
        if behind.is_empty() && passed.is_empty() {
            return Ok(());
        }
        let tx = self.db.transaction_with_behavior(TransactionBehavior::Immediate)?;
        for case in passed {
            if !behind.contains(&case) && !project::advance_phase(&tx, &case, now)? {
                behind.insert(case);
            }
        }
        tx.commit()?;
        self.judge(behind, now)
    }

    /// Judges the rows that are behind and may have a message to send or to settle. A sync asks for those at its end, and most rows that
    /// it leaves behind have none.
    pub(crate) fn judge_messages(&mut self, now: UnixMs) -> Result<(), StoreError> {
        const BEHIND: &str = "SELECT case_id FROM case_row WHERE messages > 0 AND case_id IN (SELECT case_id FROM stale)";
        let behind: Vec<CaseId> = self.db.all("case_row", BEHIND, params![], |row| row.get(0))?;
        match self.judge(behind.into_iter().collect(), now) {
            Err(StoreError::DiskFull) => Ok(()),
            other => other,
        }
    }

    fn judge(&mut self, behind: BTreeSet<CaseId>, now: UnixMs) -> Result<(), StoreError> {
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
}

/// Rows joined with their duties: the columns that [`read_row`] reads by their places, because a search by name took as long as all
/// else.
macro_rules! rows {
    ($from:literal) => {
        concat!(
            "SELECT case_row.case_id, case_row.waybill, state, next_step, reason, decision, attempts, flags, missed, messages, unsent,
               quarantined, updated_at, due_at, case_row.closed, coalesce(duties, ''),
               assignment.person, assignment.planned_at
             FROM ",
            $from,
            " LEFT JOIN case_duty ON case_duty.case_id = case_row.case_id
             LEFT JOIN assignment ON assignment.case_id = case_row.case_id
             WHERE (?1 IS NULL OR state = ?1) AND (?2 IS NULL OR instr(case_row.waybill, ?2) > 0)
               AND (?3 IS FALSE OR case_row.waybill LIKE 'PV-%')"
        )
    };
}

fn limit(filter: &Filter) -> u32 {
    if filter.limit == 0 { 200 } else { filter.limit }
}

/// A page of a reader's list, along the index of places.
fn by_place(db: &Connection, filter: &Filter, id: i64, reader: &Reader) -> Result<Vec<CaseRow>, StoreError> {
    let Filter { closed, which, listed, unidentified, state, waybill, after, .. } = filter;
    let wanted = waybill.as_ref().map(|text| text.to_uppercase());
    let (least, most, last) = which.bounds();
    let start = after.as_ref().map(|place| (place.turn.class(), place.turn.sorts_at(), place.case.as_bytes().to_vec()));
    // No case has an empty id, so this place is before all others.
    let (class, at, case) = start.unwrap_or((0, UnixMs(i64::MIN), vec![]));
    db.all(
        "case_row",
        concat!(
            rows!("place CROSS JOIN case_row ON case_row.case_id = place.case_id"),
            " AND place.reader = ?4 AND (place.class, place.at, place.case_id) > (?5, ?6, ?7)
              AND (?8 OR place.closed = 0 OR place.mine > 0) AND place.mine BETWEEN ?9 AND ?10 AND place.class <= ?11
              AND (?12 IS NULL OR place.unlisted <> ?12)
             ORDER BY place.class, place.at, place.case_id LIMIT ?13"
        ),
        params![state, wanted, unidentified, id, class, at, case, closed, least, most, last, listed, limit(filter)],
        |row| Ok(read_row(row, reader)?.0),
    )
}

/// The page of a list without places: all rows are read and sorted.
fn by_sorting(db: &Connection, filter: &Filter, reader: &Reader) -> Result<Vec<CaseRow>, StoreError> {
    let Filter { closed, which, listed, unidentified, state, waybill, after, .. } = filter;
    let wanted = waybill.as_ref().map(|text| text.to_uppercase());
    let mut rows = Vec::new();
    db.each("case_row", rows!("case_row"), params![state, wanted, unidentified], |row| {
        let (row, standing) = read_row(row, reader)?;
        let is_shown = *closed || !standing.closed || standing.mine > NOT_MINE;
        if is_shown && which.has(&standing) && listed.is_none_or(|listed| listed != standing.unlisted) {
            rows.push(row);
        }
        Ok(())
    })?;
    rows.retain(|row| after.is_none_or(|after| row.place() > after));
    rows.sort_by_key(CaseRow::place);
    rows.truncate(limit(filter) as usize);
    Ok(rows)
}

fn read_row(row: &Row<'_>, reader: &Reader) -> Result<(CaseRow, Standing), StoreError> {
    let due_at: UnixMs = row.get(13)?;
    let words = |text: &str| text.split_whitespace().map(str::to_owned).collect();
    let duties = duties::read(row, 15)?;
    let standing = Standing::of(row.get(14)?, row.text(7)?, due_at, &duties, reader);
    let due = shown_duty(&duties, reader).cloned();
    let row = CaseRow {
        case: row.get(0)?,
        waybill: row.get(1)?,
        state: row.get(2)?,
        next_step: row.get(3)?,
        reason: row.get(4)?,
        decision: row.get(5)?,
        attempts: row.get(6)?,
        flags: words(row.text(7)?),
        missed: words(row.text(8)?),
        messages: row.get(9)?,
        unsent: row.get(10)?,
        quarantined: row.get(11)?,
        updated_at: row.get(12)?,
        due_at: (due_at.0 != project::NEVER).then_some(due_at),
        closed: standing.closed,
        unlisted: standing.unlisted,
        mine: standing.mine > NOT_MINE,
        due,
        duties,
        turn: standing.turn,
        assigned_to: row.get(16)?,
        planned_at: row.get(17)?,
    };
    Ok((row, standing))
}
