//! A case leaves the device when the server says so (it has ended, it is another courier's now, the person's scope has changed)
//! and nothing of it is unsent: a phone keeps a day, not a career (domain 10.3). Head office keeps everything.

use doorstep_document::Position;
use doorstep_domain::CaseId;
use doorstep_protocol::Scope;
use rusqlite::Connection;

use crate::{
    StoreError,
    head::Head,
    photos, project,
    row::{Statements, params},
    states::OutboxState,
};

/// The case has left a scope. It leaves the device if no other scope has it.
pub(crate) fn out(db: &Connection, case: &CaseId, scope: &Scope) -> Result<(), StoreError> {
    db.run("DELETE FROM case_scope WHERE case_id = ?1 AND scope = ?2", params![case, scope.to_string()])?;
    db.run(
        "INSERT OR IGNORE INTO leaving (case_id) SELECT ?1 WHERE NOT EXISTS (SELECT 1 FROM case_scope WHERE case_id = ?1)",
        params![case],
    )?;
    Ok(())
}

/// Scopes that the server no longer names are lost, with every case that no other scope has. The others are fetched from the
/// start: which of the cases recorded here belong to them only the server knows.
/// True if any was lost: then nothing counts as this device's own any more, and it moves on to a new installation.
pub(crate) fn leave_other_scopes(db: &Connection, scopes: &[Scope]) -> Result<bool, StoreError> {
    let known = db.all("scope", "SELECT scope FROM scope", params![], |row| Ok(Scope::from(row.get::<String>(0)?)))?;
    let lost: Vec<_> = known.iter().filter(|scope| !scopes.contains(scope)).collect();
    if lost.is_empty() {
        return Ok(false);
    }
    for scope in lost {
        db.run("DELETE FROM case_scope WHERE scope = ?1", params![scope.to_string()])?;
    }
    db.run("DELETE FROM scope", params![])?;
    db.run(
        "INSERT OR IGNORE INTO leaving (case_id)
         SELECT case_id FROM (SELECT case_id FROM case_row UNION ALL SELECT case_id FROM sheet_row)
         WHERE case_id NOT IN (SELECT case_id FROM case_scope)",
        params![],
    )?;
    Ok(true)
}

/// Removes the leaving cases of which everything is settled: no change waits, is in question (also whether another history has it),
/// or names a photo whose bytes are still here alone. A stub stays, so that the next change of the case continues where this device was.
pub(crate) fn evict(db: &Connection) -> Result<(), StoreError> {
    let cases: Vec<CaseId> = db.all(
        "leaving",
        "SELECT case_id FROM leaving
         WHERE NOT EXISTS (SELECT 1 FROM outbox WHERE outbox.case_id = leaving.case_id AND state < ?1)
           AND NOT EXISTS (SELECT 1 FROM unconfirmed WHERE unconfirmed.case_id = leaving.case_id)",
        params![OutboxState::Discarded],
        |row| row.get(0),
    )?;
    for case in cases {
        if photo_waits(db, &case)? {
            continue;
        }
        photos::leave(db, &case)?;
        db.run(
            "INSERT OR REPLACE INTO stub (case_id, heads, max_op, own_seq)
             SELECT case_id, heads, max_op, own_seq FROM case_row WHERE case_id = ?1
             UNION ALL SELECT case_id, heads, max_op, own_seq FROM sheet_row WHERE case_id = ?1",
            params![case],
        )?;
        // The customer's name, number and address are only for who has the parcel, while it is open (domain 10.2).
        db.run("DELETE FROM parcel WHERE waybill = (SELECT waybill FROM case_row WHERE case_id = ?1)", params![case])?;
        for table in ["change", "case_row", "sheet_row", "turn", "stale", "leaving", "segment"] {
            db.run(&format!("DELETE FROM {table} WHERE case_id = ?1"), params![case])?;
        }
    }
    Ok(())
}

fn photo_waits(db: &Connection, case: &CaseId) -> Result<bool, StoreError> {
    if !db.exists(concat!("SELECT 1 FROM photo WHERE ", photo_waits!()), params![])? {
        return Ok(false);
    }
    // What can not be read may name anything: it stays.
    let Some(named) = photos::named_by(db, case)? else { return Ok(true) };
    for id in named {
        if db.exists(concat!("SELECT 1 FROM photo WHERE sha = ?1 AND ", photo_waits!()), params![id])? {
            return Ok(true);
        }
    }
    Ok(false)
}

/// The head of a case that a feed brings; one that had left comes back from its start, so only its own numbering is kept. True
/// if something was recorded on it meanwhile: its position must be read anew.
pub(crate) fn come_back(db: &Connection, case: &CaseId) -> Result<(Head, bool), StoreError> {
    let head = project::head(db, case)?;
    let Some(stub) = project::stub(db, case)? else { return Ok((head, false)) };
    db.run("DELETE FROM stub WHERE case_id = ?1", params![case])?;
    if head.changes > 0 {
        return Ok((head, true));
    }
    Ok((Head { position: Position { seq: stub.seq, ..Position::default() }, ..Head::default() }, false))
}
