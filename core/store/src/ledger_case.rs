//! Which cases have lines of outlet finance's registers. Written where a case is judged.

use doorstep_domain::{CaseId, Kind, Recorded, UnixMs};
use doorstep_rules::Case;
use rusqlite::Connection;

use crate::{
    StoreError,
    row::{Statements, params},
};

/// Notes whether a case has lines, and between which times.
pub(crate) fn note(db: &Connection, id: &CaseId, case: &Case) -> Result<(), StoreError> {
    let mut times: Vec<UnixMs> = case.of_kind(Kind::Ledger).map(Recorded::acted_at).collect();
    times.sort_unstable();
    match times.first().zip(times.last()) {
        Some((first, last)) => {
            let sql = "INSERT OR REPLACE INTO ledger_case (case_id, first_ms, last_ms) VALUES (?1, ?2, ?3)";
            db.run(sql, params![id, first, last])?;
        }
        None => drop(db.run("DELETE FROM ledger_case WHERE case_id = ?1", params![id])?),
    }
    Ok(())
}
