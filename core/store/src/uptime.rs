//! Two clocks of the store's own. The uptime of this device, summed over its boots, which no wall clock and no server can change.
//! And the latest time for which a row was judged, which reveals a clock that was ahead.

use doorstep_domain::{PhotoId, UnixMs};
use doorstep_rules::AHEAD_OF_NOW_MS;
use rusqlite::{Connection, TransactionBehavior};

use crate::{
    Clocks, Store, StoreError,
    row::{Statements, params},
};

/// The least time between two writes of the uptime, unless something waits for it. A reboot loses up to this much.
const STEP_MS: u64 = 10 * 60_000;
/// The name in `meta` of the boot, its last monotonic time, and the sum.
const UPTIME: &str = "uptime";
/// The name in `meta` of an upper bound: no row was judged for a later time.
const JUDGED: &str = "judged_ms";
/// [`JUDGED`] is written this far ahead, so that it is rewritten at most every five minutes.
const JUDGED_STEP_MS: i64 = 5 * 60_000;

impl Store {
    /// Notes the uptime. Call it with each answer and at the end of each sync. From here on the time since the server took a
    /// photo counts.
    pub fn note_uptime(&mut self, clocks: Clocks) -> Result<(), StoreError> {
        const UNCOUNTED: &str = concat!(
            "SELECT sha FROM photo WHERE state = ",
            photo_state!(Stored),
            " AND NOT EXISTS (SELECT 1 FROM stored_since WHERE stored_since.sha = photo.sha)"
        );
        let before = read(&self.db)?;
        let is_small_step = before.is_some_and(|it| {
            it.boot == clocks.boot.0 && clocks.mono_ms.checked_sub(it.mono_ms).is_some_and(|step| step < STEP_MS)
        });
        if is_small_step && !self.db.exists(UNCOUNTED, params![])? {
            return Ok(());
        }
        let tx = self.db.transaction_with_behavior(TransactionBehavior::Immediate)?;
        // Read again, because another process may have counted meanwhile.
        let total_ms = read(&tx)?.map_or(0, |it| {
            // The end of another boot and the time of this boot before its first note are unknown, so neither is counted.
            let step = if it.boot == clocks.boot.0 { clocks.mono_ms.saturating_sub(it.mono_ms) } else { 0 };
            it.total_ms.saturating_add(step)
        });
        let value = [&clocks.boot.0[..], &clocks.mono_ms.to_be_bytes(), &total_ms.to_be_bytes()].concat();
        Self::set_meta(&tx, UPTIME, &value)?;
        tx.run(&format!("INSERT INTO stored_since (sha, uptime_ms) SELECT sha, ?1 FROM ({UNCOUNTED})"), params![total_ms])?;
        tx.commit()?;
        Ok(())
    }

    /// The last noted uptime, in milliseconds.
    pub(crate) fn uptime_ms(&self) -> Result<u64, StoreError> {
        Ok(read(&self.db)?.map_or(0, |it| it.total_ms))
    }
}

struct Uptime {
    boot: [u8; 4],
    mono_ms: u64,
    total_ms: u64,
}

fn read(db: &Connection) -> Result<Option<Uptime>, StoreError> {
    let Some(bytes) = Store::meta(db, UPTIME)? else { return Ok(None) };
    let parts = bytes.split_first_chunk::<4>().and_then(|(boot, rest)| {
        let (mono, rest) = rest.split_first_chunk::<8>()?;
        let total = rest.first_chunk::<8>()?;
        Some(Uptime { boot: *boot, mono_ms: u64::from_be_bytes(*mono), total_ms: u64::from_be_bytes(*total) })
    });
    parts.map(Some).ok_or(StoreError::Damaged("meta"))
}

/// Stops the count of a photo that the server lacks or whose file is gone. It starts anew once the server has the photo again.
pub(crate) fn count_no_more(db: &Connection, photo: &PhotoId) -> Result<(), StoreError> {
    db.run("DELETE FROM stored_since WHERE sha = ?1", params![photo])?;
    Ok(())
}

/// Notes that a row is being judged for a time.
pub(crate) fn judging(db: &Connection, now: UnixMs) -> Result<(), StoreError> {
    if judged(db)?.is_none_or(|latest| latest < now) {
        Store::set_meta(db, JUDGED, &now.plus(JUDGED_STEP_MS).0.to_be_bytes())?;
    }
    Ok(())
}

/// Whether a row was judged for a future time, because a clock was ahead then.
pub(crate) fn was_ahead(db: &Connection, now: UnixMs) -> Result<bool, StoreError> {
    Ok(judged(db)?.is_some_and(|latest| latest.plus(-JUDGED_STEP_MS).since(now) > AHEAD_OF_NOW_MS))
}

/// Marks every row for a new judgement, after a clock that was ahead.
pub(crate) fn judge_anew(db: &Connection, now: UnixMs) -> Result<(), StoreError> {
    db.run("INSERT OR IGNORE INTO stale (case_id) SELECT case_id FROM case_row", params![])?;
    Store::set_meta(db, JUDGED, &now.plus(JUDGED_STEP_MS).0.to_be_bytes())
}

fn judged(db: &Connection) -> Result<Option<UnixMs>, StoreError> {
    Ok(Store::meta(db, JUDGED)?.and_then(|bytes| bytes.try_into().ok()).map(|bytes| UnixMs(i64::from_be_bytes(bytes))))
}
