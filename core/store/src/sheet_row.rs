//! The documents that are sheets, and the positions at which they continue.

use doorstep_document::{Change, Position};
use doorstep_domain::{Day, DocId, DocKind, DocRef, SheetFacts};
use rusqlite::Connection;

use crate::{
    StoreError,
    head::Head,
    row::{Statements, params},
};

/// The outlet and day of a sheet; `None` if the document is no sheet.
pub(crate) fn facts(db: &Connection, id: &DocId) -> Result<Option<SheetFacts>, StoreError> {
    db.maybe("sheet", "SELECT network, outlet, day FROM sheet WHERE case_id = ?1", params![id], |row| {
        let day = row.get::<String>(2)?.parse::<Day>().map_err(|_| row.damaged())?;
        Ok(SheetFacts { network: row.get(0)?, outlet: row.get(1)?, day })
    })
}

/// A document with its kind.
pub(crate) fn doc(db: &Connection, id: &DocId) -> Result<DocRef, StoreError> {
    let is_sheet = db.exists("SELECT 1 FROM sheet WHERE case_id = ?1", params![id])?;
    Ok(DocRef::new(if is_sheet { DocKind::Sheet } else { DocKind::Case }, *id))
}

/// Notes that a document is a sheet.
pub(crate) fn know(db: &Connection, facts: &SheetFacts) -> Result<(), StoreError> {
    let insert = "INSERT OR IGNORE INTO sheet (case_id, network, outlet, day) VALUES (?1, ?2, ?3, ?4)";
    db.run(insert, params![facts.doc().id, facts.network, facts.outlet, facts.day.to_string()])?;
    Ok(())
}

/// Notes the outlet and day that changes give for their sheet.
pub(crate) fn know_of<'a>(db: &Connection, changes: impl IntoIterator<Item = &'a Change>) -> Result<(), StoreError> {
    let mut said = changes.into_iter().flat_map(Change::entries).filter_map(|entry| entry.sheet.as_ref());
    said.next().map_or(Ok(()), |facts| know(db, facts))
}

/// The position of a sheet's next change; `None` if the sheet is not here.
pub(crate) fn head(db: &Connection, id: &DocId) -> Result<Option<Head>, StoreError> {
    let sql = "SELECT heads, max_op, own_seq, changes, bytes FROM sheet_row WHERE case_id = ?1";
    db.maybe("sheet_row", sql, params![id], |row| {
        let position = Position { heads: row.get(0)?, max_op: row.get(1)?, seq: row.get(2)? };
        Ok(Head { position, changes: row.get(3)?, bytes: row.get(4)? })
    })
}

/// Writes the position of a sheet's next change.
pub(crate) fn set_head(db: &Connection, id: &DocId, head: &Head) -> Result<(), StoreError> {
    let Head { position: Position { heads, max_op, seq }, changes, bytes } = head;
    db.run(
        "INSERT OR REPLACE INTO sheet_row (case_id, heads, max_op, own_seq, changes, bytes) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
        params![id, heads, max_op, seq, changes, bytes],
    )?;
    Ok(())
}
