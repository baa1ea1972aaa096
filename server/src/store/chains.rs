//! The chains of installations' batches, and their forks.

use std::ops::ControlFlow;

use doorstep_domain::{BatchHash, CaseId, Clocks, DeviceId, InstallId, UnixMs};
use serde::Serialize;

use super::tx::{Row, Sql, StoreError, Tx, params, sql};

/// A signed batch to be stored, with its verdicts.
pub(crate) struct Envelope<'a> {
    pub install: InstallId,
    pub number: u64,
    pub hash: BatchHash,
    pub prev: BatchHash,
    pub device: DeviceId,
    pub person: &'a str,
    pub clock: Clocks,
    pub sig: &'a [u8],
    pub received_at: UnixMs,
    /// The body, compressed with Zstandard.
    pub body: &'a [u8],
    pub ack: &'a [u8],
    /// Whether it forked its chain.
    pub forks: bool,
    /// The protocol version.
    pub version: u32,
    pub sending: &'a [u8],
    /// Whether its device said that it had no other unsent change.
    pub complete: bool,
    /// The link that vouches for the verdicts.
    pub link: u64,
}

/// Stores a batch.
pub(crate) fn insert(tx: &Tx<'_>, batch: &Envelope<'_>) -> Result<(), StoreError> {
    tx.run(
        sql!(
            "INSERT INTO envelope (install, number, hash, prev, device, person, wall_ms, mono_ms, boot, sig, received_at, body, ack, forks,
               version, sending, complete, link)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18)"
        ),
        params![
            batch.install,
            batch.number,
            batch.hash,
            batch.prev,
            batch.device,
            batch.person,
            batch.clock.wall,
            batch.clock.mono_ms,
            batch.clock.boot,
            batch.sig,
            batch.received_at,
            batch.body,
            batch.ack,
            batch.forks,
            batch.version,
            batch.sending,
            batch.complete,
            batch.link
        ],
    )?;
    Ok(())
}

/// Notes that the changes of a missing batch have come in later batches.
pub(crate) fn note_sent_again(tx: &Tx<'_>, install: &InstallId, number: u64) -> Result<(), StoreError> {
    tx.run(
        sql!("INSERT INTO sent_again (install, number) VALUES (?1, ?2) ON CONFLICT (install, number) DO NOTHING"),
        params![install, number],
    )?;
    Ok(())
}

/// The verdicts on a batch, encoded; `None` if it has not come.
pub(crate) fn verdicts(tx: &Tx<'_>, install: &InstallId, number: u64, hash: &BatchHash) -> Result<Option<Vec<u8>>, StoreError> {
    tx.maybe(
        sql!("SELECT ack FROM envelope WHERE install = ?1 AND number = ?2 AND hash = ?3"),
        params![install, number, hash],
        |row| row.get(0),
    )
}

/// Whether a batch has forked its chain.
pub(crate) fn forks(tx: &Tx<'_>, install: &InstallId, number: u64, hash: &BatchHash) -> Result<bool, StoreError> {
    tx.one(
        sql!("SELECT forks FROM envelope WHERE install = ?1 AND number = ?2 AND hash = ?3"),
        params![install, number, hash],
        |row| row.get(0),
    )
}

/// The hashes of the batches of a number. Two are a fork.
pub(crate) fn hashes(tx: &Tx<'_>, install: &InstallId, number: u64) -> Result<Vec<BatchHash>, StoreError> {
    tx.all(sql!("SELECT hash FROM envelope WHERE install = ?1 AND number = ?2"), params![install, number], |row| row.get(0))
}

/// The hash that a batch names as its predecessor, as the column holds it.
pub(crate) fn prev(tx: &Tx<'_>, install: &InstallId, number: u64) -> Result<Option<Vec<u8>>, StoreError> {
    tx.maybe(sql!("SELECT prev FROM envelope WHERE install = ?1 AND number = ?2"), params![install, number], |row| row.get(0))
}

/// The number of an installation's newest batch; 0 if none has come.
pub(crate) fn newest(tx: &Tx<'_>, install: &InstallId) -> Result<u64, StoreError> {
    tx.one(sql!("SELECT coalesce(max(number), 0) FROM envelope WHERE install = ?1"), params![install], |row| row.get(0))
}

/// Every sync runs this query. SQLite must answer it from the index `envelope_numbers`, which holds no bodies.
const NUMBERS: Sql = sql!(
    "SELECT number FROM envelope WHERE install = ?1
     UNION SELECT number FROM sent_again WHERE install = ?1 ORDER BY number"
);

/// Reads the numbers of an installation's batches that came, or whose changes came in later batches: each once, in order.
pub(crate) fn each_number(tx: &Tx<'_>, install: &InstallId, mut each: impl FnMut(u64)) -> Result<(), StoreError> {
    tx.each(NUMBERS, params![install], |row| {
        each(row.get(0)?);
        Ok(ControlFlow::Continue(()))
    })
}

/// The columns of a batch that go into the first link.
pub(crate) struct Judged {
    pub install: Vec<u8>,
    pub number: u64,
    pub hash: Vec<u8>,
    pub ack: Vec<u8>,
}

/// Reads all batches in the order of their keys.
pub(crate) fn each_judged(tx: &Tx<'_>, mut each: impl FnMut(Judged)) -> Result<(), StoreError> {
    tx.each(sql!("SELECT install, number, hash, ack FROM envelope ORDER BY install, number, hash"), params![], |row| {
        each(Judged { install: row.get(0)?, number: row.get(1)?, hash: row.get(2)?, ack: row.get(3)? });
        Ok(ControlFlow::Continue(()))
    })
}

/// Raises an alarm of a kind on a batch, unless one is open.
pub(crate) fn raise_fork(
    tx: &Tx<'_>,
    device: &DeviceId,
    (install, number): (&InstallId, u64),
    what: &str,
    now: UnixMs,
) -> Result<(), StoreError> {
    let is_open = tx.exists(
        sql!("SELECT 1 FROM fork WHERE install = ?1 AND number = ?2 AND what = ?3 AND seen_at IS NULL"),
        params![install, number, what],
    )?;
    if !is_open {
        tx.run(
            sql!("INSERT INTO fork (install, device, number, what, at) VALUES (?1, ?2, ?3, ?4, ?5)"),
            params![install, device, number, what, now],
        )?;
    }
    Ok(())
}

/// Notes that two stores have written under an installation. The first time stays.
pub(crate) fn mark_forked(tx: &Tx<'_>, install: &InstallId, now: UnixMs) -> Result<(), StoreError> {
    tx.run(sql!("UPDATE install SET forked_at = coalesce(forked_at, ?2) WHERE install = ?1"), params![install, now])?;
    Ok(())
}

/// Marks an alarm as looked at. False if no open one has this id.
pub(crate) fn see_fork(tx: &Tx<'_>, id: i64, now: UnixMs) -> Result<bool, StoreError> {
    Ok(tx.run(sql!("UPDATE fork SET seen_at = ?2 WHERE id = ?1 AND seen_at IS NULL"), params![id, now])? > 0)
}

/// A fork alarm.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Fork {
    /// The id of the alarm.
    pub id: i64,
    /// The device.
    pub device: DeviceId,
    /// The installation that two stores have written under.
    pub install: InstallId,
    /// The number of the batch.
    pub batch: u64,
    /// The kind: `same_number`, `other_predecessor` or `behind`.
    pub what: String,
    /// When it was raised.
    pub at: UnixMs,
}

/// Fork alarms that head office has not looked at.
pub(crate) fn open_forks(tx: &Tx<'_>) -> Result<Vec<Fork>, StoreError> {
    tx.all(sql!("SELECT id, device, install, number, what, at FROM fork WHERE seen_at IS NULL ORDER BY id"), params![], fork)
}

/// The fork alarms of the installations that have written in a case, or brought changes of it; looked at or not.
pub(crate) fn forks_of(tx: &Tx<'_>, case: &CaseId) -> Result<Vec<Fork>, StoreError> {
    tx.all(
        sql!(
            "SELECT id, device, install, number, what, at FROM fork WHERE install IN
               (SELECT install FROM change WHERE case_id = ?1 UNION SELECT pushed_by FROM change WHERE case_id = ?1)
             ORDER BY id"
        ),
        params![case],
        fork,
    )
}

fn fork(row: &Row<'_>) -> Result<Fork, StoreError> {
    Ok(Fork {
        id: row.get(0)?,
        device: row.get(1)?,
        install: row.get(2)?,
        batch: row.get(3)?,
        what: row.get(4)?,
        at: row.get(5)?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::open::open;

    #[test]
    fn which_numbers_are_there_is_read_without_the_bodies() {
        let folder = tempfile::tempdir().unwrap();
        let store = open(folder.path()).unwrap();
        let install = InstallId::new([1; 16]);
        store
            .read(|tx| {
                let mut query = tx.sqlite().prepare(&format!("EXPLAIN QUERY PLAN {}", NUMBERS.text()))?;
                let plan = query.query_map([install.as_bytes()], |row| row.get::<_, String>(3))?;
                let plan = plan.collect::<Result<Vec<_>, _>>()?.join("; ");
                assert!(plan.contains("COVERING INDEX envelope_numbers"), "{plan}");
                Ok::<_, StoreError>(())
            })
            .unwrap();
    }
}
