//! The server's row of each document: the state of its log, and the values that decide who reads it.

use doorstep_document::Position;
use doorstep_domain::{CaseId, ChangeHash, DocKind, UnixMs};

use doorstep_sql::ValueError;

use super::tx::{StoreError, Tx, params, sql};

/// The server's row of a case.
#[derive(Clone, Default)]
pub(crate) struct Doc {
    /// The number of changes in its log.
    pub n: u64,
    /// The number of bytes in its log.
    pub bytes: usize,
    pub position: Position,
    /// The waybill; empty if nothing is recorded yet.
    pub waybill: String,
    pub notified: bool,
    pub notice_to: Option<String>,
    pub first_person: String,
    pub first_outlet: String,
    pub closed: bool,
    /// The courier of a pending handover, and the key of its entry below.
    pub offered_to: Option<String>,
    pub offer: Option<String>,
    /// The courier who took the parcel over or to whom it is assigned; `None` if the list says who has it.
    pub courier: Option<String>,
    /// When that takeover or assignment was received.
    pub courier_at: Option<UnixMs>,
    pub kind: DocKind,
    /// The outlet of a sheet; empty if no change has named it.
    pub outlet: String,
    /// The day of a sheet, an ISO date.
    pub day: String,
}

/// Reads the row of a case; an empty one if nothing is recorded.
pub(crate) fn read(tx: &Tx<'_>, case: &CaseId) -> Result<Doc, StoreError> {
    let doc = tx.maybe(
        sql!(
            "SELECT n, bytes, heads, max_op, waybill, notified, notice_to, first_person, first_outlet, closed, offered_to, offer, courier,
               kind, outlet, day, courier_ms
             FROM doc WHERE case_id = ?1"
        ),
        params![case],
        |row| {
            Ok(Doc {
                n: row.get(0)?,
                bytes: row.get(1)?,
                position: Position { heads: row.get(2)?, max_op: row.get(3)?, seq: 0 },
                waybill: row.get(4)?,
                notified: row.get(5)?,
                notice_to: row.get(6)?,
                first_person: row.get(7)?,
                first_outlet: row.get(8)?,
                closed: row.get(9)?,
                offered_to: row.get(10)?,
                offer: row.get(11)?,
                courier: row.get(12)?,
                kind: kind_of(row.get(13)?)?,
                outlet: row.get(14)?,
                day: row.get(15)?,
                courier_at: row.get(16)?,
            })
        },
    )?;
    Ok(doc.unwrap_or_default())
}

fn kind_of(number: u32) -> Result<DocKind, StoreError> {
    Ok(DocKind::from_number(number).ok_or(ValueError::Content("DocKind"))?)
}

/// The kind of a document; a case if nothing is recorded of it.
pub(crate) fn kind(tx: &Tx<'_>, doc: &CaseId) -> Result<DocKind, StoreError> {
    let kind = tx.maybe(sql!("SELECT kind FROM doc WHERE case_id = ?1"), params![doc], |row| kind_of(row.get(0)?))?;
    Ok(kind.unwrap_or_default())
}

/// The sheet of an outlet's day; `None` if nothing is recorded in it.
pub(crate) fn sheet(tx: &Tx<'_>, outlet: &str, day: &str) -> Result<Option<CaseId>, StoreError> {
    tx.maybe(
        sql!("SELECT case_id FROM doc WHERE kind = ?1 AND outlet = ?2 AND day = ?3"),
        params![DocKind::Sheet.number(), outlet, day],
        |row| row.get(0),
    )
}

/// Writes the row of a case after changes were appended. A frozen case is projected once more.
pub(crate) fn write(tx: &Tx<'_>, case: &CaseId, doc: &Doc) -> Result<(), StoreError> {
    tx.run(
        sql!(
            "INSERT INTO doc (case_id, waybill, n, heads, max_op, notified, notice_to, first_person, bytes, projected_n, closed,
               offered_to, offer, courier, first_outlet, kind, outlet, day, courier_ms)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, 0, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18)
             ON CONFLICT (case_id) DO UPDATE SET n = ?3, heads = ?4, max_op = ?5, notified = ?6, notice_to = ?7, bytes = ?9,
               frozen = NULL, closed = ?10, offered_to = ?11, offer = ?12, courier = ?13, courier_ms = ?18"
        ),
        params![
            case,
            doc.waybill,
            doc.n,
            doc.position.heads,
            doc.position.max_op,
            doc.notified,
            doc.notice_to,
            doc.first_person,
            doc.bytes,
            doc.closed,
            doc.offered_to,
            doc.offer,
            doc.courier,
            doc.first_outlet,
            doc.kind.number(),
            doc.outlet,
            doc.day,
            doc.courier_at
        ],
    )?;
    Ok(())
}

/// A case whose log has more changes than were projected.
pub(crate) struct Behind {
    pub case: CaseId,
    pub n: u64,
    pub heads: Vec<ChangeHash>,
}

/// At most `most` cases that are behind. Other kinds of documents have no row in head office's list.
pub(crate) fn behind(tx: &Tx<'_>, most: u32) -> Result<Vec<Behind>, StoreError> {
    tx.all(
        sql!("SELECT case_id, n, heads FROM doc WHERE projected_n < n AND frozen IS NULL AND kind = 0 LIMIT ?1"),
        params![most],
        |row| Ok(Behind { case: row.get(0)?, n: row.get(1)?, heads: row.get(2)? }),
    )
}

/// The number of cases that are behind, and the arrival of the oldest change that they lack.
pub(crate) fn unprojected(tx: &Tx<'_>) -> Result<(u64, Option<UnixMs>), StoreError> {
    tx.one(
        sql!(
            "SELECT count(*), min(change.received_at)
             FROM doc LEFT JOIN change ON change.case_id = doc.case_id AND change.n = doc.projected_n + 1
             WHERE doc.projected_n < doc.n AND doc.frozen IS NULL AND doc.kind = 0"
        ),
        params![],
        |row| Ok((row.get(0)?, row.get(1)?)),
    )
}

/// Notes that the first `n` changes of a case are projected. False if more have come since, and the case stays behind.
pub(crate) fn set_projected(tx: &Tx<'_>, case: &CaseId, n: u64) -> Result<bool, StoreError> {
    Ok(tx.run(sql!("UPDATE doc SET projected_n = ?2 WHERE case_id = ?1 AND n = ?2"), params![case, n])? > 0)
}

/// Marks a case for a new projection.
pub(crate) fn project_anew(tx: &Tx<'_>, case: &CaseId) -> Result<(), StoreError> {
    tx.run(sql!("UPDATE doc SET projected_n = 0 WHERE case_id = ?1"), params![case])?;
    Ok(())
}

/// Marks all cases for a new projection, because other rules give other judgements.
pub(crate) fn project_all_anew(tx: &Tx<'_>) -> Result<(), StoreError> {
    tx.run(sql!("UPDATE doc SET projected_n = 0"), params![])?;
    Ok(())
}

/// Freezes a case that can not be projected, unless more changes have come since.
pub(crate) fn freeze(tx: &Tx<'_>, case: &CaseId, n: u64, why: &str) -> Result<(), StoreError> {
    tx.run(sql!("UPDATE doc SET frozen = ?3 WHERE case_id = ?1 AND n = ?2"), params![case, n, why])?;
    Ok(())
}

/// Cases that can not be projected, with their waybills.
pub(crate) fn frozen(tx: &Tx<'_>) -> Result<Vec<(CaseId, String)>, StoreError> {
    tx.all(sql!("SELECT case_id, waybill FROM doc WHERE frozen IS NOT NULL"), params![], |row| Ok((row.get(0)?, row.get(1)?)))
}
