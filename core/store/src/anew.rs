//! A new history of the server: its log was restored from a copy and lacks later records. This device's changes that the earlier
//! history accepted are sent again if the new one lacks them.
//!
//! No extra request finds out which: the scopes are read from their start, and a change that comes is in the log. A change that
//! has not come when all scopes were read to their end becomes unsent again. The server leaves out own changes after the first
//! page of a scope, so a device with very many changes sends some again that the server has; they are answered as known, with
//! their first receipt.

use std::collections::BTreeSet;

use doorstep_domain::{CaseId, ChangeHash, Receipt, UnixMs};
use doorstep_sql::receipt_columns;
use rusqlite::Connection;

use crate::{
    StoreError, identity, project,
    row::{Statements, params},
    states::OutboxState,
};

/// Begins with another history: every accepted own change is in question.
pub(crate) fn begin(db: &Connection) -> Result<(), StoreError> {
    let Some(own) = identity::install(db)? else { return Ok(()) };
    db.run(
        "INSERT OR IGNORE INTO unconfirmed (case_id, hash) SELECT case_id, hash FROM change
         WHERE parked IS NULL AND (batch IS NOT NULL OR install = ?1 OR install IN (SELECT install FROM batch))",
        params![own],
    )?;
    Ok(())
}

/// Notes that the new history has a change that was accepted here. Its receipt replaces the earlier one, so that every replica
/// has the same.
pub(crate) fn shown(db: &Connection, case: &CaseId, change: &ChangeHash, receipt: Receipt) -> Result<(), StoreError> {
    db.run("DELETE FROM unconfirmed WHERE case_id = ?1 AND hash = ?2", params![case, change])?;
    project::set_receipt(db, case, change, receipt)
}

/// Makes every change that is still in question unsent again, in the order of acceptance, because every scope was read to its end
/// and the server lacks it. Its first receipt stays, and is shown with the batch that holds it ([`crate::first`]).
pub(crate) fn put_back(db: &Connection, now: UnixMs, touched: &mut BTreeSet<CaseId>) -> Result<(), StoreError> {
    let missing = db.all(
        "change",
        "SELECT change.case_id, change.n FROM unconfirmed JOIN change USING (case_id, hash) WHERE parked IS NULL ORDER BY 1, 2",
        params![],
        |row| Ok((row.get(0)?, row.get(1)?)),
    )?;
    for (case, n) in missing {
        unsend(db, &case, n, now)?;
        touched.insert(case);
    }
    db.run("DELETE FROM unconfirmed", params![])?;
    Ok(())
}

/// Makes an accepted change unsent again. Its first receipt stays.
pub(crate) fn unsend(db: &Connection, case: &CaseId, n: i64, now: UnixMs) -> Result<(), StoreError> {
    db.run(
        concat!(
            "INSERT OR IGNORE INTO first_receipt (case_id, hash, ",
            receipt_columns!(),
            ", batch, pusher, n) SELECT case_id, hash, ",
            receipt_columns!(),
            ", batch, pusher, n FROM change WHERE case_id = ?1 AND n = ?2"
        ),
        params![case, n],
    )?;
    db.run(
        "INSERT INTO outbox (case_id, action, recorded_at, command, state, tries, hash, install, seq, max_op, bytes)
         SELECT case_id, x'', ?3, '{\"do\":\"resend\"}', ?4, 0, hash, install, seq, max_op, bytes FROM change
         WHERE case_id = ?1 AND n = ?2",
        params![case, n, now, OutboxState::Unsent],
    )?;
    db.run("DELETE FROM change WHERE case_id = ?1 AND n = ?2", params![case, n])?;
    Ok(())
}
