//! The place of each case in the list of each person who reads lists on this device. Places are kept, so that a page of a list is one
//! walk along an index. They are worked out from the stored duties, without reading a change.

use doorstep_domain::{CaseId, UnixMs};
use doorstep_rules::{Duty, Flag, Reader, Turn, turn};
use rusqlite::Connection;

use crate::{
    StoreError,
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

/// The columns of a case that decide its places.
macro_rules! standing_of {
    () => {
        "SELECT case_row.case_id, closed, flags, due_at, coalesce(duties, '[]') AS duties
         FROM case_row LEFT JOIN case_duty ON case_duty.case_id = case_row.case_id"
    };
}

impl Standing {
    /// Of a row with the columns of `standing_of!`.
    pub(crate) fn of(row: &Row<'_>, duties: &[Duty], reader: &Reader) -> Result<Self, StoreError> {
        let (closed, due_at): (bool, UnixMs) = (row.get("closed")?, row.get("due_at")?);
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
        let unlisted = row.get::<String>("flags")?.split_whitespace().any(|flag| flag == Flag::Unlisted.as_str());
        Ok(Self { turn, mine, closed, unlisted })
    }
}

pub(crate) fn to_json(duties: &[Duty]) -> Result<String, StoreError> {
    serde_json::to_string(duties).map_err(|_| StoreError::Damaged("case_duty"))
}

/// The duties of a row's column.
pub(crate) fn duties(row: &Row<'_>) -> Result<Vec<Duty>, StoreError> {
    serde_json::from_str(&row.get::<String>("duties")?).map_err(|_| row.damaged())
}

/// Writes what is due in a case from a moment on, and its places. Its row must be written already.
pub(crate) fn write(db: &Connection, case: &CaseId, from_ms: i64, duties: &[Duty]) -> Result<(), StoreError> {
    let sql = "INSERT OR REPLACE INTO case_duty (case_id, from_ms, duties) VALUES (?1, ?2, ?3)";
    db.run(sql, params![case, from_ms, to_json(duties)?])?;
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
        let duties = duties(row)?;
        readers.iter().try_for_each(|(id, reader)| put(db, *id, case, &Standing::of(row, &duties, reader)?))
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
        put(db, id, &row.get("case_id")?, &Standing::of(row, &duties(row)?, new)?)
    })?;
    Ok(id)
}
