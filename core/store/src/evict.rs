//! Evicts cases: a case leaves the device when the server says so (it is closed, another courier has it, or the person's scope
//! has changed) and no change of it is unsent. A phone keeps a day, not a career (domain 10.3). Head office keeps everything.

use doorstep_document::Position;
use doorstep_domain::{Body, CaseId};
use doorstep_protocol::Scope;
use doorstep_rules::Case;
use rusqlite::Connection;

use crate::{
    Store, StoreError,
    head::Head,
    photos, project,
    row::{Statements, params},
    states::OutboxState,
};

/// Notes that a case has left a scope. It leaves the device if no other scope has it.
pub(crate) fn out(db: &Connection, case: &CaseId, scope: &Scope) -> Result<(), StoreError> {
    db.run("DELETE FROM case_scope WHERE case_id = ?1 AND scope = ?2", params![case, scope.to_string()])?;
    db.run(
        "INSERT OR IGNORE INTO leaving (case_id) SELECT ?1 WHERE NOT EXISTS (SELECT 1 FROM case_scope WHERE case_id = ?1)",
        params![case],
    )?;
    Ok(())
}

/// Drops scopes that the server no longer names, and every case that no other scope has. The remaining scopes are fetched from
/// the start, because only the server knows which of the cases recorded here they hold. Returns whether a scope was dropped: the
/// device then moves on to a new installation, so that the feeds do not leave its changes out as its own.
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

/// Removes the leaving cases that are settled: no change is unsent or in question (by a new history), and no photo that they name
/// has its bytes only here. A stub stays, so that a later change of the case continues its sequence.
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
        note_left(db, &case)?;
        // The customer's name, number and address are only for the holder of an open parcel (domain 10.2).
        db.run("DELETE FROM parcel WHERE waybill = (SELECT waybill FROM case_row WHERE case_id = ?1)", params![case])?;
        for table in [
            "change",
            "case_row",
            "sheet_row",
            "turn",
            "case_duty",
            "place",
            "assignment",
            "ledger_case",
            "stale",
            "leaving",
            "segment",
        ] {
            db.run(&format!("DELETE FROM {table} WHERE case_id = ?1"), params![case])?;
        }
    }
    Ok(())
}

/// Why a case has left this device.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Left {
    /// It had ended.
    Ended {
        /// The code of its outcome; empty if none was known here.
        outcome: String,
    },
    /// It goes on with another person or outlet.
    Elsewhere,
}

/// The first letter of a value for a case that had ended.
const ENDED: &str = "ended ";

fn left_key(case: &CaseId) -> String {
    format!("left {case}")
}

/// Notes beside the stub why a case leaves, so that its people are told so and not that it never was.
fn note_left(db: &Connection, case: &CaseId) -> Result<(), StoreError> {
    if !db.exists("SELECT 1 FROM case_row WHERE case_id = ?1", params![case])? {
        return Ok(());
    }
    // Its row may be behind, because a list brings it up to date only when it is shown.
    let folded = project::entries(db, case).ok().and_then(Case::fold).filter(Case::has_ended);
    let outcome = |folded: &Case| {
        folded.standing().rev().find_map(|recorded| match &recorded.entry.body {
            Body::Close(close) => Some(close.outcome.to_string()),
            _ => None,
        })
    };
    let why = match folded {
        Some(folded) => format!("{ENDED}{}", outcome(&folded).unwrap_or_default()),
        None => "elsewhere".to_owned(),
    };
    Store::set_meta(db, &left_key(case), why.as_bytes())
}

impl Store {
    /// Why a case has left this device; `None` if it is here or never was.
    pub fn left(&self, case: &CaseId) -> Result<Option<Left>, StoreError> {
        let noted = Self::meta(&self.db, &left_key(case))?;
        Ok(noted.map(|why| match std::str::from_utf8(&why).ok().and_then(|why| why.strip_prefix(ENDED)) {
            Some(outcome) => Left::Ended { outcome: outcome.to_owned() },
            None => Left::Elsewhere,
        }))
    }
}

fn photo_waits(db: &Connection, case: &CaseId) -> Result<bool, StoreError> {
    if !db.exists(concat!("SELECT 1 FROM photo WHERE ", photo_waits!()), params![])? {
        return Ok(false);
    }
    // An unreadable case may name any photo, so it stays.
    let Some(named) = photos::named_by(db, case)? else { return Ok(true) };
    for id in named {
        if db.exists(concat!("SELECT 1 FROM photo WHERE sha = ?1 AND ", photo_waits!()), params![id])? {
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
    db.run("DELETE FROM stub WHERE case_id = ?1", params![case])?;
    db.run("DELETE FROM meta WHERE key = ?1", params![left_key(case)])?;
    if head.changes > 0 {
        return Ok((head, true));
    }
    Ok((Head { position: Position { seq: stub.seq, ..Position::default() }, ..Head::default() }, false))
}
