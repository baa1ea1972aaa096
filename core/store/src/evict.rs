//! Evicts cases: a case leaves the device when the server says so (it is closed, another courier has it, or the person's scope
//! has changed) and no change of it is unsent. A phone keeps a day, not a career (domain 10.3). Head office keeps everything.

use doorstep_document::Position;
use doorstep_domain::CaseId;
use doorstep_protocol::Scope;
use rusqlite::{Connection, params};

use crate::{
    StoreError,
    head::Head,
    photos,
    project::{self, DISCARDED},
};

/// Notes that a case has left a scope. It leaves the device if no other scope has it.
pub(crate) fn out(db: &Connection, case: &CaseId, scope: &Scope) -> Result<(), StoreError> {
    db.prepare_cached("DELETE FROM case_scope WHERE case_id = ?1 AND scope = ?2")?
        .execute(params![case.as_bytes(), scope.to_string()])?;
    db.prepare_cached(
        "INSERT OR IGNORE INTO leaving (case_id) SELECT ?1 WHERE NOT EXISTS (SELECT 1 FROM case_scope WHERE case_id = ?1)",
    )?
    .execute(params![case.as_bytes()])?;
    Ok(())
}

/// Drops scopes that the server no longer names, and every case that no other scope has. The remaining scopes are fetched from
/// the start, because only the server knows which of the cases recorded here they hold. Returns whether a scope was dropped: the
/// device then moves on to a new installation, so that the feeds do not leave its changes out as its own.
pub(crate) fn leave_other_scopes(db: &Connection, scopes: &[Scope]) -> Result<bool, StoreError> {
    let mut query = db.prepare_cached("SELECT scope FROM scope")?;
    let known = query.query_map([], |row| Ok(Scope::from(row.get::<_, String>(0)?)))?.collect::<Result<Vec<_>, _>>()?;
    let lost: Vec<_> = known.iter().filter(|scope| !scopes.contains(scope)).collect();
    if lost.is_empty() {
        return Ok(false);
    }
    for scope in lost {
        db.execute("DELETE FROM case_scope WHERE scope = ?1", [scope.to_string()])?;
    }
    db.execute("DELETE FROM scope", [])?;
    db.execute(
        "INSERT OR IGNORE INTO leaving (case_id)
         SELECT case_id FROM (SELECT case_id FROM case_row UNION ALL SELECT case_id FROM sheet_row)
         WHERE case_id NOT IN (SELECT case_id FROM case_scope)",
        [],
    )?;
    Ok(true)
}

/// Removes the leaving cases that are settled: no change is unsent or in question (by a new history), and no photo that they name
/// has its bytes only here. A stub stays, so that a later change of the case continues its sequence.
pub(crate) fn evict(db: &Connection) -> Result<(), StoreError> {
    let mut query = db.prepare_cached(
        "SELECT case_id FROM leaving
         WHERE NOT EXISTS (SELECT 1 FROM outbox WHERE outbox.case_id = leaving.case_id AND state < ?1)
           AND NOT EXISTS (SELECT 1 FROM unconfirmed WHERE unconfirmed.case_id = leaving.case_id)",
    )?;
    let cases = query.query_map([DISCARDED], |row| row.get::<_, Vec<u8>>(0))?.collect::<Result<Vec<_>, _>>()?;
    for id in cases {
        let case = CaseId::try_from(id.as_slice()).map_err(|_| StoreError::Damaged("leaving"))?;
        if photo_waits(db, &case)? {
            continue;
        }
        photos::leave(db, &case)?;
        db.prepare_cached(
            "INSERT OR REPLACE INTO stub (case_id, heads, max_op, own_seq)
             SELECT case_id, heads, max_op, own_seq FROM case_row WHERE case_id = ?1
             UNION ALL SELECT case_id, heads, max_op, own_seq FROM sheet_row WHERE case_id = ?1",
        )?
        .execute(params![id])?;
        // The customer's name, number and address are only for the holder of an open parcel (domain 10.2).
        db.prepare_cached("DELETE FROM parcel WHERE waybill = (SELECT waybill FROM case_row WHERE case_id = ?1)")?
            .execute(params![id])?;
        for table in ["change", "case_row", "sheet_row", "turn", "stale", "leaving", "segment"] {
            db.prepare_cached(&format!("DELETE FROM {table} WHERE case_id = ?1"))?.execute(params![id])?;
        }
    }
    Ok(())
}

fn photo_waits(db: &Connection, case: &CaseId) -> Result<bool, StoreError> {
    let waiting: i64 = db.prepare_cached("SELECT count(*) FROM photo WHERE state < 2")?.query_row([], |row| row.get(0))?;
    if waiting == 0 {
        return Ok(false);
    }
    // An unreadable case may name any photo, so it stays.
    let Some(named) = photos::named_by(db, case)? else { return Ok(true) };
    let mut waits = db.prepare_cached("SELECT EXISTS (SELECT 1 FROM photo WHERE sha = ?1 AND state < 2)")?;
    for id in named {
        if waits.query_row(params![id.as_bytes()], |row| row.get(0))? {
            return Ok(true);
        }
    }
    Ok(false)
}

/// The head of a case that a feed brings. A case that had left comes back from its start, so only its own numbering is kept. True
/// if a change was recorded on it meanwhile: its position must then be read anew.
pub(crate) fn come_back(db: &Connection, case: &CaseId) -> Result<(Head, bool), StoreError> {
    let head = project::head(db, case)?;
    let Some(stub) = project::stub(db, case)? else { return Ok((head, false)) };
    db.prepare_cached("DELETE FROM stub WHERE case_id = ?1")?.execute(params![case.as_bytes()])?;
    if head.changes > 0 {
        return Ok((head, true));
    }
    Ok((Head { position: Position { seq: stub.seq, ..Position::default() }, ..Head::default() }, false))
}
