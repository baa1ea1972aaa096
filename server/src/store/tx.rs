//! A transaction with statements, parameters and rows, so that the rest of the server names no engine.

use std::{ops::ControlFlow, sync::Arc};

use doorstep_sql::{FromValue, ToValue, Value, ValueError};
use rusqlite::{
    CachedStatement, Connection, ErrorCode, Statement, ToSql,
    types::{ToSqlOutput, ValueRef},
};

/// One statement. [`sql!`] makes it, so that every statement is a literal in the source and a test can list them all.
#[derive(Clone, Copy)]
pub(crate) struct Sql(&'static str);

impl Sql {
    /// Use [`sql!`] instead.
    pub(crate) const fn of(text: &'static str) -> Self {
        Self(text)
    }

    /// The statement, for a test that asks for its plan.
    #[cfg(test)]
    pub(super) fn text(self) -> &'static str {
        self.0
    }
}

/// A statement of string literals and of macros that name columns, such as `receipt_columns!()`.
macro_rules! sql {
    ($($part:expr),+ $(,)?) => {
        $crate::store::tx::Sql::of(concat!($($part),+))
    };
}

/// The parameters `?1`, `?2`, ... of a statement.
macro_rules! params {
    ($($value:expr),* $(,)?) => {
        &[$(&$value as &dyn doorstep_sql::ToValue),*] as &[&dyn doorstep_sql::ToValue]
    };
}
pub(crate) use {params, sql};

/// The parameters of a statement, made by [`params!`].
pub(crate) type Params<'p> = &'p [&'p dyn ToValue];

/// Why a database operation failed. Names no value.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The engine failed.
    #[error("{0}")]
    Engine(#[from] EngineError),
    /// The transaction was rolled back.
    #[error("{0}")]
    RolledBack(#[from] RolledBack),
    /// A column holds an unexpected value.
    #[error("a stored row is damaged: {0}")]
    Row(#[from] ValueError),
    /// A row that must exist is missing.
    #[error("a stored row is missing")]
    NoRow,
}

/// An engine's error.
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
pub struct EngineError(rusqlite::Error);

/// A transaction was rolled back, with everything that was written in it. Holds the engine's words about the cause.
#[derive(Debug, Clone, thiserror::Error)]
#[error("nothing was written: {0}")]
pub struct RolledBack(Arc<str>);

impl RolledBack {
    /// The engine rolls back a transaction by itself, as it does when the disk is full.
    pub(super) fn by_engine() -> Self {
        Self("the engine rolled the transaction back".into())
    }
}

impl From<rusqlite::Error> for RolledBack {
    fn from(error: rusqlite::Error) -> Self {
        Self(error.to_string().into())
    }
}

impl From<rusqlite::Error> for StoreError {
    fn from(error: rusqlite::Error) -> Self {
        match error {
            rusqlite::Error::QueryReturnedNoRows => Self::NoRow,
            other => Self::Engine(EngineError(other)),
        }
    }
}

impl StoreError {
    /// Whether the file is damaged or no database.
    pub(super) fn is_damaged_file(&self) -> bool {
        let Self::Engine(EngineError(error)) = self else { return false };
        matches!(error.sqlite_error_code(), Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase))
    }
}

/// The context of a statement: the writer's transaction, or a reader's view.
pub(crate) struct Tx<'c>(&'c Connection);

impl<'c> Tx<'c> {
    pub(super) fn new(connection: &'c Connection) -> Self {
        Self(connection)
    }

    /// The connection, for functions that only SQLite has.
    pub(super) fn sqlite(&self) -> &'c Connection {
        self.0
    }

    /// Runs a statement without result rows. Returns the number of changed rows.
    pub(crate) fn run(&self, Sql(sql): Sql, params: Params<'_>) -> Result<usize, StoreError> {
        let mut statement = self.bound(sql, params)?;
        Ok(statement.raw_execute()?)
    }

    /// Reads the row that must exist. Errors: [`StoreError::NoRow`].
    pub(crate) fn one<T>(
        &self,
        sql: Sql,
        params: Params<'_>,
        read: impl FnOnce(&Row<'_>) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        self.maybe(sql, params, read)?.ok_or(StoreError::NoRow)
    }

    /// Reads the first row, if there is one.
    pub(crate) fn maybe<T>(
        &self,
        Sql(sql): Sql,
        params: Params<'_>,
        read: impl FnOnce(&Row<'_>) -> Result<T, StoreError>,
    ) -> Result<Option<T>, StoreError> {
        let mut statement = self.bound(sql, params)?;
        let mut rows = statement.raw_query();
        rows.next()?.map(|row| read(&Row(row))).transpose()
    }

    /// Reads all rows.
    pub(crate) fn all<T>(
        &self,
        sql: Sql,
        params: Params<'_>,
        mut read: impl FnMut(&Row<'_>) -> Result<T, StoreError>,
    ) -> Result<Vec<T>, StoreError> {
        let mut all = Vec::new();
        self.each(sql, params, |row| {
            all.push(read(row)?);
            Ok::<_, StoreError>(ControlFlow::Continue(()))
        })?;
        Ok(all)
    }

    /// Reads each row as it comes, until `each` breaks. For results that are too large for memory, and for readers that may stop
    /// early.
    pub(crate) fn each<E: From<StoreError>>(
        &self,
        Sql(sql): Sql,
        params: Params<'_>,
        mut read: impl FnMut(&Row<'_>) -> Result<ControlFlow<()>, E>,
    ) -> Result<(), E> {
        let engine = |error| E::from(StoreError::from(error));
        let mut statement = self.bound(sql, params)?;
        let mut rows = statement.raw_query();
        while let Some(row) = rows.next().map_err(engine)? {
            if read(&Row(row))?.is_break() {
                break;
            }
        }
        Ok(())
    }

    /// Whether there is a row.
    pub(crate) fn exists(&self, sql: Sql, params: Params<'_>) -> Result<bool, StoreError> {
        Ok(self.maybe(sql, params, |_| Ok(()))?.is_some())
    }

    /// Runs a part of the transaction that is rolled back alone if it fails.
    pub(crate) fn part<T, E: From<StoreError>>(&self, work: impl FnOnce(&Self) -> Result<T, E>) -> Result<T, E> {
        let say = |sql| self.0.execute_batch(sql).map_err(|error| E::from(StoreError::from(error)));
        // Without a transaction the savepoint would begin one of its own.
        if self.0.is_autocommit() {
            return Err(E::from(StoreError::from(RolledBack::by_engine())));
        }
        say("SAVEPOINT part")?;
        let done = work(self);
        // The engine has rolled the whole transaction back: the cause is the part's own error.
        if done.is_err() && self.0.is_autocommit() {
            return done;
        }
        if done.is_err() {
            say("ROLLBACK TO part")?;
        }
        say("RELEASE part")?;
        done
    }

    fn bound(&self, sql: &str, params: Params<'_>) -> Result<CachedStatement<'c>, StoreError> {
        // A job that goes on after the engine has rolled it back would commit each of its further statements alone.
        if self.0.is_autocommit() {
            return Err(RolledBack::by_engine().into());
        }
        let mut statement = self.0.prepare_cached(sql)?;
        bind(&mut statement, params)?;
        Ok(statement)
    }
}

fn bind(statement: &mut Statement<'_>, params: Params<'_>) -> Result<(), StoreError> {
    if statement.parameter_count() != params.len() {
        return Err(rusqlite::Error::InvalidParameterCount(params.len(), statement.parameter_count()).into());
    }
    for (at, param) in params.iter().enumerate() {
        statement.raw_bind_parameter(at + 1, Parameter(param.to_value()?))?;
    }
    Ok(())
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

/// A row of a result.
pub(crate) struct Row<'r>(&'r rusqlite::Row<'r>);

impl Row<'_> {
    /// A column, from 0.
    pub(crate) fn get<T: FromValue>(&self, at: usize) -> Result<T, StoreError> {
        Ok(doorstep_sql::Row::get(self, at)?)
    }
}

impl doorstep_sql::Row for Row<'_> {
    fn value(&self, at: usize) -> Result<Value<'_>, ValueError> {
        Ok(match self.0.get_ref(at).map_err(|_| ValueError::Missing(at))? {
            ValueRef::Null => Value::Null,
            ValueRef::Integer(number) => Value::Int(number),
            ValueRef::Text(text) => {
                let text = std::str::from_utf8(text).map_err(|_| ValueError::Content("UTF-8"))?;
                Value::Text(text.into())
            }
            ValueRef::Blob(bytes) => Value::Bytes(bytes.into()),
            ValueRef::Real(_) => return Err(ValueError::Kind { wanted: "a whole number", found: "a fraction" }),
        })
    }
}
