//! Changes and refused changes for an audit of the log. Any column may hold a value that no server writes.

use std::{collections::HashMap, ops::ControlFlow};

use doorstep_domain::{CaseId, ChangeHash, Receipt, RefusalCode};
use doorstep_sql::{receipt, receipt_columns};

use super::tx::{Params, Row, Sql, StoreError, Tx, params, sql};

/// Turns an unreadable column into `None`. Other errors stay.
pub(crate) fn readable<T>(row: Result<T, StoreError>) -> Result<Option<T>, StoreError> {
    match row {
        Err(StoreError::Row(_)) => Ok(None),
        other => other.map(Some),
    }
}

/// Rows in the order of their keys.
pub(crate) struct Page<T> {
    pub rows: Vec<T>,
    /// Whether more rows may follow.
    pub more: bool,
}

/// A page of at most `most` rows. It ends before a row at which the engine fails: the rows before it are still audited, and the
/// next page begins with the failure.
pub(super) fn page<T>(
    tx: &Tx<'_>,
    sql: Sql,
    params: Params<'_>,
    most: usize,
    read: fn(&Row<'_>) -> Result<T, StoreError>,
) -> Result<Page<T>, StoreError> {
    let mut rows = Vec::new();
    let end = tx.each(sql, params, |row| {
        rows.push(read(row)?);
        Ok(ControlFlow::Continue(()))
    });
    match end {
        Err(error) if rows.is_empty() => Err(error),
        Err(_) => Ok(Page { rows, more: true }),
        Ok(()) => Ok(Page { more: rows.len() == most, rows }),
    }
}

/// The waybill in a case's row.
pub(crate) fn waybill(tx: &Tx<'_>, case: &CaseId) -> Result<Option<String>, StoreError> {
    tx.maybe(sql!("SELECT waybill FROM doc WHERE case_id = ?1"), params![case], |row| row.get(0))
}

/// Whether a case has as many changes as its row says; `None` if there is no row.
pub(crate) fn has_all(tx: &Tx<'_>, case: &CaseId) -> Result<Option<bool>, StoreError> {
    tx.maybe(
        sql!(
            "SELECT CASE WHEN n = (SELECT count(*) FROM change WHERE case_id = ?1) THEN 1 ELSE 0 END FROM doc WHERE case_id = ?1"
        ),
        params![case],
        |row| row.get(0),
    )
}

/// The heads in a case's row; `None` if there is no row.
pub(crate) fn heads(tx: &Tx<'_>, case: &CaseId) -> Result<Option<Vec<ChangeHash>>, StoreError> {
    tx.maybe(sql!("SELECT heads FROM doc WHERE case_id = ?1"), params![case], |row| row.get(0))
}

/// The changes of a case in their stored form, in order.
pub(crate) fn chunks(tx: &Tx<'_>, case: &CaseId) -> Result<Vec<Vec<u8>>, StoreError> {
    tx.all(sql!("SELECT bytes FROM change WHERE case_id = ?1 ORDER BY n"), params![case], |row| row.get(0))
}

/// The columns of a change that are checked against its batch or link.
pub(crate) struct Placed {
    pub case: CaseId,
    pub hash: ChangeHash,
    pub pushed_by: Vec<u8>,
    pub batch: u64,
    pub link: Option<u64>,
    pub receipt: Receipt,
}

/// A change of a page: its key as the columns hold it, and the change, `None` if it can not be read.
pub(crate) type PlacedRow = ((Vec<u8>, i64), Option<Placed>);

impl Placed {
    fn of(row: &Row<'_>) -> Result<Self, StoreError> {
        row.get::<u64>(1)?;
        Ok(Self {
            case: row.get(0)?,
            hash: row.get(2)?,
            pushed_by: row.get(3)?,
            batch: row.get(4)?,
            link: row.get(5)?,
            receipt: receipt::read(row, 6)?,
        })
    }

    fn row(row: &Row<'_>) -> Result<PlacedRow, StoreError> {
        Ok(((row.get(0)?, row.get(1)?), readable(Self::of(row))?))
    }
}

/// At most `most` changes after a key, in the order of keys.
pub(crate) fn changes_after(tx: &Tx<'_>, (case, n): (&[u8], i64), most: usize) -> Result<Page<PlacedRow>, StoreError> {
    page(
        tx,
        sql!(
            "SELECT case_id, n, hash, pushed_by, batch, link, ",
            receipt_columns!(),
            " FROM change WHERE (case_id, n) > (?1, ?2) ORDER BY case_id, n LIMIT ?3"
        ),
        params![case, n, most],
        most,
        Placed::row,
    )
}

/// At most `most` changes of a case after a place, in order.
pub(crate) fn changes_of_case_after(tx: &Tx<'_>, case: &CaseId, n: i64, most: usize) -> Result<Page<PlacedRow>, StoreError> {
    page(
        tx,
        sql!(
            "SELECT case_id, n, hash, pushed_by, batch, link, ",
            receipt_columns!(),
            " FROM change WHERE case_id = ?1 AND n > ?2 ORDER BY n LIMIT ?3"
        ),
        params![case, n, most],
        most,
        Placed::row,
    )
}

/// A change of the server itself for which no link vouches.
pub(crate) struct Own {
    pub case: Vec<u8>,
    pub n: u64,
    pub hash: ChangeHash,
    pub receipt: Receipt,
}

/// Reads the server's own changes for which no link vouches, in the order of their keys.
pub(crate) fn each_unvouched_own(tx: &Tx<'_>, mut each: impl FnMut(Own)) -> Result<(), StoreError> {
    tx.each(
        sql!(
            "SELECT case_id, n, hash, ",
            receipt_columns!(),
            " FROM change WHERE batch = 0 AND link IS NULL ORDER BY case_id, n"
        ),
        params![],
        |row| {
            each(Own { case: row.get(0)?, n: row.get(1)?, hash: row.get(2)?, receipt: receipt::read(row, 3)? });
            Ok(ControlFlow::Continue(()))
        },
    )
}

/// A change with all of its columns.
pub(crate) struct Stored {
    pub n: u64,
    pub device: Vec<u8>,
    pub pushed_by: Vec<u8>,
    pub batch: u64,
    pub install: Vec<u8>,
    pub seq: u64,
    pub max_op: u64,
    pub mono_ms: u64,
    pub person: String,
    pub boot: Vec<u8>,
    pub bytes: Vec<u8>,
    pub link: Option<u64>,
    pub receipt: Receipt,
}

impl Stored {
    fn of(row: &Row<'_>) -> Result<Self, StoreError> {
        Ok(Self {
            n: row.get(8)?,
            device: row.get(9)?,
            pushed_by: row.get(10)?,
            batch: row.get(11)?,
            install: row.get(12)?,
            seq: row.get(13)?,
            max_op: row.get(14)?,
            mono_ms: row.get(15)?,
            person: row.get(16)?,
            boot: row.get(17)?,
            bytes: row.get(18)?,
            link: row.get(19)?,
            receipt: receipt::read(row, 1)?,
        })
    }
}

/// The changes among `wanted` that are in a case; `None` for an unreadable row.
pub(crate) fn stored(
    tx: &Tx<'_>,
    case: &CaseId,
    wanted: &[ChangeHash],
) -> Result<HashMap<ChangeHash, Option<Stored>>, StoreError> {
    let mut found = HashMap::new();
    tx.each(
        sql!(
            "SELECT hash, ",
            receipt_columns!(),
            ", n, device, pushed_by, batch, install, seq, max_op, mono_ms, person, boot, bytes, link
             FROM change WHERE case_id = ?1"
        ),
        params![case],
        |row| {
            // An unreadable hash matches none of them.
            if let Some(hash) = readable(row.get::<ChangeHash>(0))?.filter(|hash| wanted.contains(hash)) {
                found.insert(hash, readable(Stored::of(row))?);
            }
            Ok::<_, StoreError>(ControlFlow::Continue(()))
        },
    )?;
    Ok(found)
}

/// A refused change with its batch.
pub(crate) struct Founded {
    pub case: CaseId,
    pub hash: ChangeHash,
    pub pushed_by: Vec<u8>,
    pub batch: u64,
}

/// A refused change of a page: its key as the columns hold it, and the change, `None` if it can not be read.
pub(crate) type FoundedRow = ((Vec<u8>, Vec<u8>), Option<Founded>);

impl Founded {
    fn of(row: &Row<'_>) -> Result<Self, StoreError> {
        Ok(Self { case: row.get(0)?, hash: row.get(1)?, pushed_by: row.get(2)?, batch: row.get(3)? })
    }

    fn row(row: &Row<'_>) -> Result<FoundedRow, StoreError> {
        Ok(((row.get(0)?, row.get(1)?), readable(Self::of(row))?))
    }
}

/// At most `most` refused changes after a key, in the order of keys.
pub(crate) fn refused_after(tx: &Tx<'_>, (case, hash): (&[u8], &[u8]), most: usize) -> Result<Page<FoundedRow>, StoreError> {
    page(
        tx,
        sql!(
            "SELECT case_id, hash, pushed_by, batch FROM quarantine
             WHERE (case_id, hash) > (?1, ?2) ORDER BY case_id, hash LIMIT ?3"
        ),
        params![case, hash, most],
        most,
        Founded::row,
    )
}

/// At most `most` refused changes of a case after a key, in the order of keys.
pub(crate) fn refused_of_case_after(
    tx: &Tx<'_>,
    of: &CaseId,
    (case, hash): (&[u8], &[u8]),
    most: usize,
) -> Result<Page<FoundedRow>, StoreError> {
    page(
        tx,
        sql!(
            "SELECT case_id, hash, pushed_by, batch FROM quarantine
             WHERE case_id = ?1 AND (case_id, hash) > (?2, ?3) ORDER BY case_id, hash LIMIT ?4"
        ),
        params![of, case, hash, most],
        most,
        Founded::row,
    )
}

/// A refused change with the answer that was given.
pub(crate) struct Refused {
    pub bytes: Vec<u8>,
    pub why: RefusalCode,
    pub pushed_by: Vec<u8>,
    pub batch: u64,
    pub device: Vec<u8>,
    pub person: String,
}

/// A refused change of a case.
pub(crate) fn refused(tx: &Tx<'_>, case: &CaseId, hash: &ChangeHash) -> Result<Option<Refused>, StoreError> {
    tx.maybe(
        sql!("SELECT bytes, reason, rule, pushed_by, batch, device, person FROM quarantine WHERE case_id = ?1 AND hash = ?2"),
        params![case, hash],
        |row| {
            let (reason, rule): (String, Option<String>) = (row.get(1)?, row.get(2)?);
            Ok(Refused {
                bytes: row.get(0)?,
                why: RefusalCode::of_columns(&reason, rule.as_deref()),
                pushed_by: row.get(3)?,
                batch: row.get(4)?,
                device: row.get(5)?,
                person: row.get(6)?,
            })
        },
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{open::open, store::db::Store};

    fn store() -> (tempfile::TempDir, Store) {
        let folder = tempfile::tempdir().unwrap();
        let store = open(folder.path()).unwrap();
        (folder, store)
    }

    #[test]
    fn a_page_ends_before_a_row_at_which_the_engine_fails_and_the_next_one_tells_of_it() {
        let (_folder, store) = store();
        fn number(row: &Row<'_>) -> Result<i64, StoreError> {
            row.get(0)
        }
        // The smallest integer has no absolute value, so the third row fails.
        let fails = sql!(
            "SELECT abs(n) FROM (SELECT 1 AS n UNION ALL SELECT 2 UNION ALL SELECT -9223372036854775807 - 1) AS numbers
             LIMIT 10 OFFSET ?1"
        );
        let from = |at: i64| store.read(|tx| page(tx, fails, params![at], 10, number));
        let first = from(0).unwrap();
        assert_eq!((first.rows, first.more), (vec![1, 2], true));
        assert!(matches!(from(2), Err(StoreError::Engine(_))));
    }

    #[test]
    fn a_damaged_row_is_in_the_page_of_its_case_and_in_that_of_all_by_its_key() {
        let (_folder, store) = store();
        let case = CaseId::new([1; 16]);
        store
            .write(|tx| {
                for hash in [vec![], vec![7_u8], vec![8; 32]] {
                    tx.run(
                        sql!(
                            "INSERT INTO quarantine (case_id, hash, reason, policy_version, device, pushed_by, batch, person, received_at,
                               slack_ms, marks, bytes) VALUES (?1, ?2, 'rights', 1, ?2, ?2, 1, 'c1', 0, 0, 0, ?2)",
                        ),
                        params![case, hash],
                    )?;
                }
                Ok::<_, StoreError>(())
            })
            .unwrap();
        let of_case = store.read(|tx| refused_of_case_after(tx, &case, (&[], &[]), 10)).unwrap();
        let of_all = store.read(|tx| refused_after(tx, (&[], &[]), 10)).unwrap();
        for page in [of_case, of_all] {
            let rows: Vec<_> = page.rows.into_iter().map(|((_, hash), row)| (hash, row.is_some())).collect();
            assert_eq!(rows, [(vec![], false), (vec![7], false), (vec![8; 32], true)]);
        }
    }
}
