//! Scopes and their feeds. The writing transaction locks one counter row for each scope, so commit order is sequence order.

use std::{collections::BTreeMap, ops::ControlFlow};

use doorstep_domain::CaseId;
use doorstep_protocol::Scope;

use super::tx::{StoreError, Tx, params, sql};

/// The scopes that a case is in (true) or has left (false).
pub(crate) fn scopes_of(tx: &Tx<'_>, case: &CaseId) -> Result<BTreeMap<Scope, bool>, StoreError> {
    let scopes = tx.all(sql!("SELECT scope, has FROM doc_scope WHERE case_id = ?1"), params![case], |row| {
        Ok((Scope::from(row.get::<String>(0)?), row.get(1)?))
    })?;
    Ok(scopes.into_iter().collect())
}

/// Whether a case is in a scope now.
pub(crate) fn has(tx: &Tx<'_>, scope: &Scope, case: &CaseId) -> Result<bool, StoreError> {
    tx.exists(sql!("SELECT 1 FROM doc_scope WHERE case_id = ?1 AND scope = ?2 AND has = 1"), params![case, scope.to_string()])
}

/// Notes that a case is in a scope, or has left it.
pub(crate) fn set_scope(tx: &Tx<'_>, case: &CaseId, scope: &Scope, has: bool) -> Result<(), StoreError> {
    tx.run(
        sql!(
            "INSERT INTO doc_scope (case_id, scope, has) VALUES (?1, ?2, ?3) ON CONFLICT (case_id, scope) DO UPDATE SET has = ?3"
        ),
        params![case, scope.to_string(), has],
    )?;
    Ok(())
}

/// One row of a feed: changes `from..=to` of a case. `from` 0: the case has left the scope.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct FeedRow {
    pub case: CaseId,
    pub from: u64,
    pub to: u64,
    /// Whether the case came back. Then no device's own changes are left out.
    pub whole: bool,
}

/// Appends a row to a scope's feed.
pub(crate) fn append(tx: &Tx<'_>, scope: &Scope, row: FeedRow) -> Result<(), StoreError> {
    let scope = scope.to_string();
    let seq: u64 = tx.one(
        sql!("INSERT INTO scope (scope, head) VALUES (?1, 1) ON CONFLICT (scope) DO UPDATE SET head = scope.head + 1 RETURNING head"),
        params![scope],
        |row| row.get(0),
    )?;
    let FeedRow { case, from, to, whole } = row;
    tx.run(
        sql!("INSERT INTO feed (scope, seq, case_id, from_n, to_n, whole) VALUES (?1, ?2, ?3, ?4, ?5, ?6)"),
        params![scope, seq, case, from, to, whole],
    )?;
    Ok(())
}

/// The number of a scope's newest row; 0 if it has none.
pub(crate) fn head(tx: &Tx<'_>, scope: &Scope) -> Result<u64, StoreError> {
    let head = tx.maybe(sql!("SELECT head FROM scope WHERE scope = ?1"), params![scope.to_string()], |row| row.get(0))?;
    Ok(head.unwrap_or(0))
}

/// Reads at most `most` rows of a scope after `after` with their numbers, until `read` breaks.
pub(crate) fn rows_after<E: From<StoreError>>(
    tx: &Tx<'_>,
    scope: &Scope,
    after: u64,
    most: u32,
    mut read: impl FnMut(u64, FeedRow) -> Result<ControlFlow<()>, E>,
) -> Result<(), E> {
    tx.each(
        sql!("SELECT seq, case_id, from_n, to_n, whole FROM feed WHERE scope = ?1 AND seq > ?2 ORDER BY seq LIMIT ?3"),
        params![scope.to_string(), after, most],
        |row| {
            let fed = FeedRow { case: row.get(1)?, from: row.get(2)?, to: row.get(3)?, whole: row.get(4)? };
            read(row.get(0)?, fed)
        },
    )
}

/// The role and the outlet of a person.
pub(crate) fn place_of(tx: &Tx<'_>, person: &str) -> Result<(String, String), StoreError> {
    tx.one(sql!("SELECT role, outlet FROM person WHERE id = ?1"), params![person], |row| Ok((row.get(0)?, row.get(1)?)))
}
