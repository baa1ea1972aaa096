//! The place of each case in the list of each person who reads lists on this device. Places are kept, so that a page of a list is one
//! walk along an index. They are worked out from the stored duties, without reading a change.

use doorstep_domain::{CaseId, UnixMs};
use doorstep_rules::{Duty, Flag, Reader, Turn, turn};
use rusqlite::Connection;

use crate::{
    StoreError, duties,
    row::{Row, Statements, params},
};

/// The place of one case for one reader, with what lists filter by.
pub(crate) struct Standing {
    /// Its place.
    pub turn: Turn,
    /// How much of it is the reader's own: see the numbers below.
    pub mine: u8,
    /// Whether the case is closed.
    pub closed: bool,
    /// Whether the waybill is in no list.
    pub unlisted: bool,
}

/// Nothing in the case is the reader's to do.
pub(crate) const NOT_MINE: u8 = 0;
/// The reader has something to do.
pub(crate) const TO_DO: u8 = 1;
/// The reader has something to do, and owes an answer.
pub(crate) const TO_ANSWER: u8 = 2;

/// The columns of a case that decide its places: its id, and those that [`Standing::read`] reads from the second on.
macro_rules! standing_of {
    () => {
        "SELECT case_row.case_id, closed, flags, due_at, coalesce(duties, '')
         FROM case_row LEFT JOIN case_duty ON case_duty.case_id = case_row.case_id"
    };
}

impl Standing {
    /// Of a row with the columns of `standing_of!`.
    fn read(row: &Row<'_>, duties: &[Duty], reader: &Reader) -> Result<Self, StoreError> {
        Ok(Self::of(row.get(1)?, row.text(2)?, row.get(3)?, duties, reader))
    }

    /// Of the duties of a case, its flags, and the earliest running deadline.
    pub(crate) fn of(closed: bool, flags: &str, due_at: UnixMs, duties: &[Duty], reader: &Reader) -> Self {
        let turn = match turn(duties, reader) {
            // Something is due in every open case. A row without duties comes from an older version and could not be judged since:
            // nobody knows whose turn it is, but it has not ended.
            Turn::Ended if !closed => Turn::Waiting(due_at),
            known => known,
        };
        let mine = || duties.iter().filter(|duty| duty.is_for(reader));
        let mine = match (mine().any(Duty::is_answer), mine().next()) {
            (true, _) => TO_ANSWER,
            (false, Some(_)) => TO_DO,
            (false, None) => NOT_MINE,
        };
        let unlisted = flags.split_whitespace().any(|flag| flag == Flag::Unlisted.as_str());
        Self { turn, mine, closed, unlisted }
    }
}

/// Writes what is due in a case from a moment on, and its places. Its row must be written already.
pub(crate) fn write(db: &Connection, case: &CaseId, from_ms: i64, duties: &[Duty]) -> Result<(), StoreError> {
    let sql = "INSERT OR REPLACE INTO case_duty (case_id, from_ms, duties) VALUES (?1, ?2, ?3)";
    db.run(sql, params![case, from_ms, duties::to_column(duties)?])?;
    put_case(db, case)
}

/// Takes the duties of the case's phase at a moment from the stored phases, and moves its places. Its row must be there already.
pub(crate) fn advance(db: &Connection, case: &CaseId, now: UnixMs) -> Result<(), StoreError> {
    db.run(
        "INSERT OR REPLACE INTO case_duty (case_id, from_ms, duties) SELECT case_id, from_ms, duties FROM turn
         WHERE case_id = ?1 AND from_ms <= ?2 AND (until_ms IS NULL OR until_ms > ?2)",
        params![case, now],
    )?;
    put_case(db, case)
}

/// Writes the places of a case for all readers.
fn put_case(db: &Connection, case: &CaseId) -> Result<(), StoreError> {
    let readers = db.all("reader", "SELECT id, role, user, outlet FROM reader", params![], |row| {
        Ok((row.get(0)?, Reader { role: row.get(1)?, user: row.get(2)?, outlet: row.get(3)? }))
    })?;
    if readers.is_empty() {
        return Ok(());
    }
    db.each("case_duty", concat!(standing_of!(), " WHERE case_row.case_id = ?1"), params![case], |row| {
        let duties = duties::read(row, 4)?;
        readers.iter().try_for_each(|(id, reader)| put(db, *id, case, &Standing::read(row, &duties, reader)?))
    })
}

/// Writes one place, unless it is there already.
fn put(db: &Connection, reader: i64, case: &CaseId, standing: &Standing) -> Result<(), StoreError> {
    let Standing { turn, mine, closed, unlisted } = standing;
    db.run(
        "INSERT OR REPLACE INTO place (reader, class, at, case_id, mine, closed, unlisted) SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7
         WHERE NOT EXISTS (SELECT 1 FROM place WHERE reader = ?1 AND class = ?2 AND at = ?3 AND case_id = ?4 AND mine = ?5
           AND closed = ?6 AND unlisted = ?7)",
        params![reader, turn.class(), turn.sorts_at(), case, mine, closed, unlisted],
    )?;
    Ok(())
}

/// The number of a reader whose places are kept. `None` for a new one.
pub(crate) fn reader(db: &Connection, reader: &Reader) -> Result<Option<i64>, StoreError> {
    let sql = "SELECT id FROM reader WHERE role = ?1 AND outlet = ?2 AND (?4 OR user = ?3)";
    let Reader { role, user, outlet } = reader;
    db.maybe("reader", sql, params![role, outlet, user, role.shares_device()], |row| row.get(0))
}

/// Keeps places for a new reader from now on, beginning with those of all cases here. Readers who are no people of this device any more
/// go, for example after a person has moved to another outlet.
pub(crate) fn add_reader(db: &Connection, new: &Reader) -> Result<i64, StoreError> {
    if let Some(id) = reader(db, new)? {
        return Ok(id);
    }
    let Reader { role, user, outlet } = new;
    let known = db.all("reader", "SELECT id, role, user, outlet FROM reader", params![], |row| {
        Ok((row.get::<i64>(0)?, Reader { role: row.get(1)?, user: row.get(2)?, outlet: row.get(3)? }))
    })?;
    for (id, Reader { role, user, outlet }) in known {
        let is_here = "SELECT 1 FROM member WHERE role = ?1 AND outlet = ?2 AND (?4 OR user = ?3)";
        if !db.exists(is_here, params![role, outlet, user, role.shares_device()])? {
            db.run("DELETE FROM place WHERE reader = ?1", params![id])?;
            db.run("DELETE FROM reader WHERE id = ?1", params![id])?;
        }
    }
    let sql = "INSERT INTO reader (role, outlet, user) VALUES (?1, ?2, ?3) RETURNING id";
    let id = db.one("reader", sql, params![role, outlet, user], |row| row.get(0))?;
    db.each("case_duty", standing_of!(), params![], |row| {
        put(db, id, &row.get(0)?, &Standing::read(row, &duties::read(row, 4)?, new)?)
    })?;
    Ok(id)
}
