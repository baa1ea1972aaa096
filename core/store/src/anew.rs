//! Another history of the server: its log was put back from a copy, and lacks what came after that. What this device wrote, and the
//! history before had accepted, is sent again if the present one does not have it.
//!
//! No extra request finds out which: the scopes are read from their start, and what comes is there. What has not come when all of
//! them were read to their end goes back among the unsent. The server leaves out own changes after the first page of a scope, so of
//! a very full device some are sent again that the server has: they come back as known, with their first receipt.

use std::collections::BTreeSet;

use doorstep_domain::{CaseId, ChangeHash, Receipt, UnixMs};
use doorstep_sql::receipt_columns;
use rusqlite::Connection;

use crate::{
    StoreError, identity, project,
    row::{Statements, params},
    states::OutboxState,
};

/// Another history begins: every own change that was accepted is in question.
pub(crate) fn begin(db: &Connection) -> Result<(), StoreError> {
    let Some(own) = identity::install(db)? else { return Ok(()) };
    db.run(
        "INSERT OR IGNORE INTO unconfirmed (case_id, hash) SELECT case_id, hash FROM change
         WHERE parked IS NULL AND (batch IS NOT NULL OR install = ?1 OR install IN (SELECT install FROM batch))",
        params![own],
    )?;
    Ok(())
}

/// The present history has a change that is here as accepted. Its receipt is the one that counts: on every replica the same.
pub(crate) fn shown(db: &Connection, case: &CaseId, change: &ChangeHash, receipt: Receipt) -> Result<(), StoreError> {
    db.run("DELETE FROM unconfirmed WHERE case_id = ?1 AND hash = ?2", params![case, change])?;
    project::set_receipt(db, case, change, receipt)
}

/// Every scope was read to its end: what is still in question, the server does not have. It is unsent again, in the order in which it
/// was accepted. Its first receipt is kept, and shown with the batch that is made of these ([`crate::first`]).
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

/// An accepted change is unsent again. What was said of it first is kept.
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
