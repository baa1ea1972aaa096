//! Statements on the store's database, with parameters and rows in our own types. [`doorstep_sql`] converts a type to a [`Value`], for
//! this store and for the server. This file converts a [`Value`] to a parameter of SQLite, and a column to a [`Value`].
//!
//! Every statement is prepared once and kept by its text.

use doorstep_document::Link;
use doorstep_domain::Receipt;
use doorstep_sql::{FromValue, ToValue, Value, ValueError, link, receipt};
use rusqlite::{
    CachedStatement, Connection, Error, RowIndex, ToSql,
    types::{ToSqlOutput, ValueRef},
};

use crate::{StoreError, damage::damage_seen};

/// The parameters `?1`, `?2`, ... of a statement.
macro_rules! params {
    ($($value:expr),* $(,)?) => {
        &[$(&$value as &dyn doorstep_sql::ToValue),*] as &[&dyn doorstep_sql::ToValue]
    };
}
pub(crate) use params;

/// The parameters that [`params!`] makes.
pub(crate) type Params<'p> = &'p [&'p dyn ToValue];

/// The ways to run a statement. An error about a row names `table`.
pub(crate) trait Statements {
    /// Runs a statement that gives no rows. Returns how many rows it changed.
    fn run(&self, sql: &str, params: Params<'_>) -> Result<usize, StoreError>;

    /// Whether there is a row.
    fn exists(&self, sql: &str, params: Params<'_>) -> Result<bool, StoreError>;

    /// Passes each row to `read`.
    fn each(
        &self,
        table: &'static str,
        sql: &str,
        params: Params<'_>,
        read: impl FnMut(&Row<'_>) -> Result<(), StoreError>,
    ) -> Result<(), StoreError>;

    /// The first row, if there is one.
    fn maybe<T>(
        &self,
        table: &'static str,
        sql: &str,
        params: Params<'_>,
        read: impl FnOnce(&Row<'_>) -> Result<T, StoreError>,
    ) -> Result<Option<T>, StoreError>;

    /// Returns the one row of a statement that always has one, such as a count or a sum.
    fn one<T>(
        &self,
        table: &'static str,
        sql: &str,
        params: Params<'_>,
        read: impl FnOnce(&Row<'_>) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        self.maybe(table, sql, params, read)?.ok_or(StoreError::Sqlite(Error::QueryReturnedNoRows))
    }

    /// All rows.
    fn all<T>(
        &self,
        table: &'static str,
        sql: &str,
        params: Params<'_>,
        mut read: impl FnMut(&Row<'_>) -> Result<T, StoreError>,
    ) -> Result<Vec<T>, StoreError> {
        let mut all = Vec::new();
        self.each(table, sql, params, |row| {
            all.push(read(row)?);
            Ok(())
        })?;
        Ok(all)
    }
}

impl Statements for Connection {
    fn run(&self, sql: &str, params: Params<'_>) -> Result<usize, StoreError> {
        Ok(bound(self, sql, params)?.raw_execute()?)
    }

    fn exists(&self, sql: &str, params: Params<'_>) -> Result<bool, StoreError> {
        Ok(bound(self, sql, params)?.raw_query().next()?.is_some())
    }

    fn each(
        &self,
        table: &'static str,
        sql: &str,
        params: Params<'_>,
        mut read: impl FnMut(&Row<'_>) -> Result<(), StoreError>,
    ) -> Result<(), StoreError> {
        let mut statement = bound(self, sql, params)?;
        let mut rows = statement.raw_query();
        while let Some(row) = rows.next()? {
            read(&Row { row, table })?;
        }
        Ok(())
    }

    fn maybe<T>(
        &self,
        table: &'static str,
        sql: &str,
        params: Params<'_>,
        read: impl FnOnce(&Row<'_>) -> Result<T, StoreError>,
    ) -> Result<Option<T>, StoreError> {
        let mut statement = bound(self, sql, params)?;
        let mut rows = statement.raw_query();
        rows.next()?.map(|row| read(&Row { row, table })).transpose()
    }
}

fn bound<'c>(db: &'c Connection, sql: &str, params: Params<'_>) -> Result<CachedStatement<'c>, StoreError> {
    let mut statement = db.prepare_cached(sql)?;
    if statement.parameter_count() != params.len() {
        return Err(Error::InvalidParameterCount(params.len(), statement.parameter_count()).into());
    }
    for (at, param) in params.iter().enumerate() {
        statement.raw_bind_parameter(at + 1, Parameter(param.to_value().map_err(unstorable)?))?;
    }
    Ok(statement)
}

struct Parameter<'v>(Value<'v>);

impl ToSql for Parameter<'_> {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Borrowed(match &self.0 {
            Value::Null => ValueRef::Null,
            Value::Int(number) => ValueRef::Integer(*number),
            Value::Text(text) => ValueRef::Text(text.as_bytes()),
            Value::Bytes(bytes) => ValueRef::Blob(bytes),
        }))
    }
}

/// What the columns of a receipt hold, in the order of `receipt_columns!()`.
pub(crate) fn receipt_values(receipt: &Receipt) -> Result<[Value<'static>; receipt::WIDTH], StoreError> {
    receipt::values(receipt).map_err(unstorable)
}

/// A row of a result.
pub(crate) struct Row<'r> {
    row: &'r rusqlite::Row<'r>,
    table: &'static str,
}

impl Row<'_> {
    /// A column, by its place from 0 or by its name.
    pub(crate) fn get<T: FromValue>(&self, at: impl RowIndex) -> Result<T, StoreError> {
        value(self.row.get_ref(at)?).and_then(|value| T::from_value(&value)).map_err(|error| self.unreadable(error))
    }

    /// A column of bytes, without a copy.
    pub(crate) fn bytes(&self, at: impl RowIndex) -> Result<&[u8], StoreError> {
        Ok(self.row.get_ref(at)?.as_blob().map_err(Error::from)?)
    }

    /// A column of text, without a copy.
    pub(crate) fn text(&self, at: impl RowIndex) -> Result<&str, StoreError> {
        Ok(self.row.get_ref(at)?.as_str().map_err(Error::from)?)
    }

    /// A receipt of the columns that begin at `from`.
    pub(crate) fn receipt(&self, from: usize) -> Result<Receipt, StoreError> {
        receipt::read(self, from).map_err(|error| self.unreadable(error))
    }

    /// A link of the columns that begin at `from`.
    pub(crate) fn link(&self, from: usize) -> Result<Link, StoreError> {
        link::read(self, from).map_err(|error| self.unreadable(error))
    }

    /// The row holds what this program does not write.
    pub(crate) fn damaged(&self) -> StoreError {
        StoreError::Damaged(self.table)
    }

    fn unreadable(&self, error: ValueError) -> StoreError {
        match error {
            ValueError::Content(_) => self.damaged(),
            // Tables are STRICT: a value of another kind than its column's is damage that no checksum caught.
            ValueError::Kind { .. } | ValueError::Range => {
                damage_seen();
                StoreError::Corrupt
            }
            ValueError::Missing(at) => StoreError::Sqlite(Error::InvalidColumnIndex(at)),
        }
    }
}

impl doorstep_sql::Row for Row<'_> {
    fn value(&self, at: usize) -> Result<Value<'_>, ValueError> {
        value(self.row.get_ref(at).map_err(|_| ValueError::Missing(at))?)
    }
}

fn value(column: ValueRef<'_>) -> Result<Value<'_>, ValueError> {
    Ok(match column {
        ValueRef::Null => Value::Null,
        ValueRef::Integer(number) => Value::Int(number),
        ValueRef::Text(text) => {
            let text = std::str::from_utf8(text).map_err(|_| ValueError::Kind { wanted: "text", found: "no text" })?;
            Value::Text(text.into())
        }
        ValueRef::Blob(bytes) => Value::Bytes(bytes.into()),
        ValueRef::Real(_) => return Err(ValueError::Kind { wanted: "a whole number", found: "a fraction" }),
    })
}

fn unstorable(error: ValueError) -> StoreError {
    StoreError::Sqlite(Error::ToSqlConversionFailure(Box::new(error)))
}

#[cfg(test)]
mod tests {
    use std::fmt::Debug;

    use doorstep_domain::{
        ActionId, BatchHash, CaseId, ChangeHash, DeviceId, Digest, EntryKey, FactsCheck, InstallId, PhotoId, Reckoning, Role,
        UnixMs, Waybill,
    };
    use doorstep_sql::{link_columns, receipt_columns};

    use super::*;

    fn table(columns: &str) -> Connection {
        let db = Connection::open_in_memory().unwrap();
        db.execute_batch(&format!("CREATE TABLE it ({columns}) STRICT")).unwrap();
        db
    }

    fn survives<T: ToValue + FromValue + PartialEq + Debug>(kind: &str, it: T) {
        let db = table(&format!("c {kind}"));
        assert_eq!(db.run("INSERT INTO it (c) VALUES (?1)", params![it]).unwrap(), 1);
        assert_eq!(db.one("it", "SELECT c FROM it", params![], |row| row.get::<T>("c")).unwrap(), it);
        assert_eq!(db.all("it", "SELECT c FROM it WHERE c = ?1", params![it], |row| row.get::<T>(0)).unwrap(), [it]);
    }

    #[test]
    fn each_id_is_read_from_sqlite_as_it_was_stored() {
        survives("BLOB", CaseId::new([1; 16]));
        survives("BLOB", InstallId::new([2; 16]));
        survives("BLOB", DeviceId::new([3; 16]));
        survives("BLOB", ActionId::new([4; 16]));
        survives("BLOB", ChangeHash::new([5; 32]));
        survives("BLOB", BatchHash::new([6; 32]));
        survives("BLOB", PhotoId::new([7; 32]));
        survives("BLOB", Digest::new([8; 32]));
        survives("BLOB", vec![ChangeHash::new([9; 32]), ChangeHash::new([10; 32])]);
        survives("TEXT", Waybill::parse("QH310000000017").unwrap());
        survives("TEXT", "attempt/abcdefgh-1".parse::<EntryKey>().unwrap());
        survives("TEXT", Role::Courier);
        survives("INTEGER", UnixMs(-5));
        survives("INTEGER", u64::from(u32::MAX) + 1);
        survives("INTEGER", true);
    }

    #[test]
    fn a_receipt_and_a_link_are_read_from_sqlite_as_they_were_stored() {
        let acted =
            Reckoning { at: Some(UnixMs(5)), slack_ms: 3, until: Some(UnixMs(9)), disordered: true, ..Reckoning::default() };
        let whole = Receipt { unproven_acts: 12, ..Receipt::new(UnixMs(10), acted, true, FactsCheck::Altered) };
        for receipt in [whole, Receipt::of(UnixMs(10), None)] {
            let db = table(&receipt_columns!().replace(',', " INTEGER,").replace("unproven", "unproven INTEGER"));
            let [received, acted, slack, from, until, marks, unproven] = receipt_values(&receipt).unwrap();
            let insert = concat!("INSERT INTO it (", receipt_columns!(), ") VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)");
            db.run(insert, params![received, acted, slack, from, until, marks, unproven]).unwrap();
            let select = concat!("SELECT 'x', ", receipt_columns!(), " FROM it");
            assert_eq!(db.one("it", select, params![], |row| row.receipt(1)).unwrap(), receipt);
        }
        let link = Link { hash: ChangeHash::new([1; 32]), install: InstallId::new([2; 16]), seq: 3, max_op: 4 };
        let db = table("hash BLOB, install BLOB, seq INTEGER, max_op INTEGER");
        let insert = concat!("INSERT INTO it (", link_columns!(), ") VALUES (?1, ?2, ?3, ?4)");
        db.run(insert, params![link.hash, link.install, link.seq, link.max_op]).unwrap();
        let found = db.one("it", concat!("SELECT ", link_columns!(), " FROM it"), params![], |row| row.link(0)).unwrap();
        assert_eq!((found.hash, found.install, found.seq, found.max_op), (link.hash, link.install, link.seq, link.max_op));
    }

    #[test]
    fn what_is_no_id_is_a_damaged_row_and_what_is_of_another_kind_a_damaged_file() {
        let read = |sql| Connection::open_in_memory().unwrap().one("photo", sql, params![], |row| row.get::<PhotoId>(0));
        assert!(matches!(read("SELECT x'0102'"), Err(StoreError::Damaged("photo"))));
        assert!(matches!(read("SELECT 'text'"), Err(StoreError::Corrupt)));
        assert!(matches!(read("SELECT NULL"), Err(StoreError::Corrupt)));
        assert!(matches!(read("SELECT 1.5"), Err(StoreError::Corrupt)));
        assert!(matches!(read("SELECT CAST(x'ff' AS TEXT)"), Err(StoreError::Corrupt)));
        let db = Connection::open_in_memory().unwrap();
        assert!(matches!(db.one("it", "SELECT 70000", params![], |row| row.get::<u16>(0)), Err(StoreError::Corrupt)));
        assert!(matches!(db.one("it", "SELECT 1", params![], |row| row.get::<u16>(1)), Err(StoreError::Sqlite(_))));
    }

    #[test]
    fn a_number_that_no_column_holds_and_a_wrong_count_of_parameters_are_errors() {
        let db = table("c INTEGER");
        assert!(matches!(db.run("INSERT INTO it VALUES (?1)", params![u64::MAX]), Err(StoreError::Sqlite(_))));
        assert!(matches!(db.run("INSERT INTO it VALUES (?1)", params![1_u8, 2_u8]), Err(StoreError::Sqlite(_))));
        assert!(!db.exists("SELECT 1 FROM it", params![]).unwrap());
    }
}
