//! The documents that are sheets, and the positions at which they continue.

use doorstep_document::{Change, Position};
use doorstep_domain::{DocId, DocKind, DocRef, SheetFacts};
use rusqlite::{Connection, OptionalExtension, params};

use crate::{
    StoreError,
    head::{Head, read_heads},
};

/// The outlet and day of a sheet; `None` if the document is no sheet.
pub(crate) fn facts(db: &Connection, id: &DocId) -> Result<Option<SheetFacts>, StoreError> {
    let row: Option<(String, String, String)> = db
        .prepare_cached("SELECT network, outlet, day FROM sheet WHERE case_id = ?1")?
        .query_row(params![id.as_bytes()], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))
        .optional()?;
    let read = |(network, outlet, day): (String, String, String)| {
        Some(SheetFacts { network: network.parse().ok()?, outlet: outlet.parse().ok()?, day: day.parse().ok()? })
    };
    row.map(|row| read(row).ok_or(StoreError::Damaged("sheet"))).transpose()
}

/// A document with its kind.
pub(crate) fn doc(db: &Connection, id: &DocId) -> Result<DocRef, StoreError> {
    let is_sheet = db
        .prepare_cached("SELECT EXISTS (SELECT 1 FROM sheet WHERE case_id = ?1)")?
        .query_row(params![id.as_bytes()], |row| row.get(0))?;
    Ok(DocRef::new(if is_sheet { DocKind::Sheet } else { DocKind::Case }, *id))
}

/// Notes that a document is a sheet.
pub(crate) fn know(db: &Connection, facts: &SheetFacts) -> Result<(), StoreError> {
    db.prepare_cached("INSERT OR IGNORE INTO sheet (case_id, network, outlet, day) VALUES (?1, ?2, ?3, ?4)")?
        .execute(params![facts.doc().id.as_bytes(), facts.network.as_str(), facts.outlet.as_str(), facts.day.to_string()])?;
    Ok(())
}

/// Notes the outlet and day that changes give for their sheet.
pub(crate) fn know_of<'a>(db: &Connection, changes: impl IntoIterator<Item = &'a Change>) -> Result<(), StoreError> {
    let mut said = changes.into_iter().flat_map(Change::entries).filter_map(|entry| entry.sheet.as_ref());
    said.next().map_or(Ok(()), |facts| know(db, facts))
}

/// The position of a sheet's next change; `None` if the sheet is not here.
pub(crate) fn head(db: &Connection, id: &DocId) -> Result<Option<Head>, StoreError> {
    let row = db
        .prepare_cached("SELECT heads, max_op, own_seq, changes, bytes FROM sheet_row WHERE case_id = ?1")?
        .query_row(params![id.as_bytes()], |row| {
            Ok((row.get::<_, Vec<u8>>(0)?, row.get(1)?, row.get(2)?, row.get(3)?, row.get(4)?))
        })
        .optional()?;
    row.map(|(heads, max_op, seq, changes, bytes)| {
        let heads = read_heads(&heads)?;
        Ok(Head { position: Position { heads, max_op, seq }, changes, bytes })
    })
    .transpose()
}

/// Writes the position of a sheet's next change.
pub(crate) fn set_head(db: &Connection, id: &DocId, head: &Head) -> Result<(), StoreError> {
    let heads: Vec<u8> = head.position.heads.iter().flat_map(|h| *h.as_bytes()).collect();
    db.prepare_cached(
        "INSERT OR REPLACE INTO sheet_row (case_id, heads, max_op, own_seq, changes, bytes) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
    )?
    .execute(params![id.as_bytes(), heads, head.position.max_op, head.position.seq, head.changes, head.bytes])?;
    Ok(())
}
