//! Which scopes hold which parcels of the list, and by which change of the list they got or lost them. A scope that has lost a
//! parcel keeps its waybill for some weeks, so that devices learn of it.

use std::collections::BTreeMap;

use doorstep_domain::{DeviceId, UnixMs};
use doorstep_protocol::Scope;

use super::{
    references,
    tx::{StoreError, Tx, params, sql},
};

/// The number of a new change of the list.
pub(crate) fn next(tx: &Tx<'_>) -> Result<u64, StoreError> {
    references::bump(tx, "parcels")?;
    references::version(tx, "parcels")
}

/// The scopes that hold a parcel (true) or have lost it (false).
pub(crate) fn of_parcel(tx: &Tx<'_>, waybill: &str) -> Result<BTreeMap<Scope, bool>, StoreError> {
    let scopes = tx.all(sql!("SELECT scope, has FROM parcel_scope WHERE waybill = ?1"), params![waybill], |row| {
        Ok((Scope::from(row.get::<String>(0)?), row.get(1)?))
    })?;
    Ok(scopes.into_iter().collect())
}

/// Notes that a change gave a parcel to a scope, or took it away.
pub(crate) fn set(tx: &Tx<'_>, scope: &Scope, waybill: &str, n: u64, has: bool) -> Result<(), StoreError> {
    tx.run(
        sql!(
            "INSERT INTO parcel_scope (scope, waybill, n, has) VALUES (?1, ?2, ?3, ?4)
             ON CONFLICT (scope, waybill) DO UPDATE SET n = ?3, has = ?4"
        ),
        params![scope.to_string(), waybill, n, has],
    )?;
    Ok(())
}

/// Raises the version of a scope's rows, so that its devices ask for the difference.
pub(crate) fn raise(tx: &Tx<'_>, scope: &Scope, n: u64) -> Result<(), StoreError> {
    tx.run(
        sql!("INSERT INTO parcel_head (scope, n, forgotten) VALUES (?1, ?2, 0) ON CONFLICT (scope) DO UPDATE SET n = ?2"),
        params![scope.to_string(), n],
    )?;
    Ok(())
}

/// The state of a scope's rows.
#[derive(Default)]
pub(crate) struct Head {
    /// The last change of which its devices are told.
    pub n: u64,
    /// The last change by which it lost a parcel whose waybill is forgotten.
    pub forgotten: u64,
}

/// The state of a scope's rows.
pub(crate) fn head(tx: &Tx<'_>, scope: &Scope) -> Result<Head, StoreError> {
    let head = tx.maybe(sql!("SELECT n, forgotten FROM parcel_head WHERE scope = ?1"), params![scope.to_string()], |row| {
        Ok(Head { n: row.get(0)?, forgotten: row.get(1)? })
    })?;
    Ok(head.unwrap_or_default())
}

/// The waybills that a scope has lost by changes after `n`.
pub(crate) fn lost(tx: &Tx<'_>, scope: &Scope, n: u64) -> Result<Vec<String>, StoreError> {
    tx.all(
        sql!("SELECT waybill FROM parcel_scope WHERE scope = ?1 AND n > ?2 AND has = 0 ORDER BY waybill"),
        params![scope.to_string(), n],
        |row| row.get(0),
    )
}

/// Whether a scope holds a parcel.
pub(crate) fn holds(tx: &Tx<'_>, scope: &Scope, waybill: &str) -> Result<bool, StoreError> {
    tx.exists(
        sql!("SELECT 1 FROM parcel_scope WHERE scope = ?1 AND waybill = ?2 AND has = 1"),
        params![scope.to_string(), waybill],
    )
}

/// The change after which a device reads other scopes than before it.
pub(crate) fn device_from(tx: &Tx<'_>, device: &DeviceId) -> Result<u64, StoreError> {
    tx.one(sql!("SELECT rows_from FROM device WHERE id = ?1"), params![device], |row| row.get(0))
}

/// Has the devices of a person fetch all rows, because the person reads other scopes now.
pub(crate) fn anew_for(tx: &Tx<'_>, person: &str) -> Result<(), StoreError> {
    let n = next(tx)?;
    tx.run(
        sql!("UPDATE device SET rows_from = ?2 WHERE id IN (SELECT device FROM member WHERE person = ?1)"),
        params![person, n],
    )?;
    Ok(())
}

/// Has every device fetch all rows.
pub(crate) fn anew_for_all(tx: &Tx<'_>) -> Result<(), StoreError> {
    let n = next(tx)?;
    tx.run(sql!("UPDATE device SET rows_from = ?1"), params![n])?;
    Ok(())
}

/// Notes the number of the last change at a time, and forgets the waybills that scopes had lost at `before`.
pub(crate) fn forget(tx: &Tx<'_>, now: UnixMs, before: UnixMs) -> Result<(), StoreError> {
    let n = references::version(tx, "parcels")?;
    tx.run(
        sql!("INSERT INTO parcel_moment (at_ms, n) VALUES (?1, ?2) ON CONFLICT (at_ms) DO UPDATE SET n = ?2"),
        params![now, n],
    )?;
    let old: Option<u64> =
        tx.one(sql!("SELECT max(n) FROM parcel_moment WHERE at_ms <= ?1"), params![before], |row| row.get(0))?;
    let Some(old) = old else { return Ok(()) };
    tx.run(
        sql!(
            "UPDATE parcel_head SET forgotten = coalesce(
               (SELECT max(parcel_scope.n) FROM parcel_scope
                WHERE parcel_scope.scope = parcel_head.scope AND parcel_scope.has = 0 AND parcel_scope.n <= ?1), forgotten)"
        ),
        params![old],
    )?;
    tx.run(sql!("DELETE FROM parcel_scope WHERE has = 0 AND n <= ?1"), params![old])?;
    tx.run(sql!("DELETE FROM parcel_moment WHERE at_ms < ?1"), params![before])?;
    Ok(())
}
