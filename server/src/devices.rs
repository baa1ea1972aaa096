//! The devices as head office sees them: when each was seen last, what it said is still on it, which of its batches never arrived.

use doorstep_domain::{CaseId, DeviceId, InstallId, UnixMs};
use doorstep_protocol::{
    Batch, BatchClock, Beacon, Sending, VERSIONS, newest_format,
    signing::{batch_message, is_signed},
};
use rusqlite::params;
use serde::Serialize;

use crate::{chain, error::ApiError, store::tx::Tx};

/// How long a device's entries may lean on an answer.
const ANCHOR_LIFE_MS: i64 = 60 * 86_400_000;

/// Notes an exchange: in which version it was, and what the device says is still on it.
pub(crate) fn seen(db: &Tx<'_>, device: &DeviceId, beacon: Option<&Beacon>, proto: &str, now: UnixMs) -> Result<(), ApiError> {
    let beacon = beacon.map(doorstep_protocol::encode).transpose()?;
    db.prepare_cached("UPDATE device SET seen_at = ?2, beacon = coalesce(?3, beacon), proto = ?4 WHERE id = ?1")?
        .execute(params![device.as_bytes(), now.0, beacon, proto])?;
    Ok(())
}

/// Notes a server time that is given to a device which names no clock, as those of version 2 do: nobody knows at which of its monotonic
/// times.
pub(crate) fn given(db: &Tx<'_>, device: &DeviceId, now: UnixMs) -> Result<(), ApiError> {
    db.prepare_cached(
        "INSERT INTO anchor (device, hour, first_ms, last_ms) VALUES (?1, ?2 / 3600000, ?2, ?2)
         ON CONFLICT DO UPDATE SET first_ms = min(first_ms, ?2), last_ms = max(last_ms, ?2)",
    )?
    .execute(params![device.as_bytes(), now.0])?;
    db.prepare_cached("DELETE FROM anchor WHERE device = ?1 AND hour < ?2 / 3600000")?
        .execute(params![device.as_bytes(), now.plus(-ANCHOR_LIFE_MS).0])?;
    Ok(())
}

/// Whether two stores have written under an installation.
pub(crate) fn is_forked(db: &Tx<'_>, install: &InstallId) -> Result<bool, ApiError> {
    Ok(db
        .prepare_cached("SELECT 1 FROM install WHERE install = ?1 AND forked_at IS NOT NULL")?
        .exists(params![install.as_bytes()])?)
}

/// One device.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct DeviceRow {
    /// The device.
    pub device: DeviceId,
    /// Accounts on it.
    pub people: Vec<String>,
    /// When it was enrolled.
    pub enrolled_at: UnixMs,
    /// When it was revoked.
    pub revoked_at: Option<UnixMs>,
    /// When it was seen last.
    pub seen_at: UnixMs,
    /// Milliseconds since then.
    pub silent_ms: i64,
    /// Cases with something unsent, as it said last.
    pub unsent_cases: u32,
    /// Photos whose bytes are still on it.
    pub unsent_photos: u32,
    /// When the oldest unsent action was recorded.
    pub oldest_unsent: Option<UnixMs>,
    /// Name and version of its app.
    pub app: String,
    /// Batches that never arrived, by installation.
    pub missing_batches: Vec<u64>,
    /// Changes in quarantine, undecided.
    pub quarantined: u32,
}

/// All devices, those that hold the oldest unsent work first, then the most silent.
pub(crate) fn list(db: &Tx<'_>, now: UnixMs) -> Result<Vec<DeviceRow>, ApiError> {
    let mut query = db.prepare_cached(
        "SELECT id, enrolled_at, revoked_at, seen_at, beacon,
           (SELECT count(*) FROM quarantine WHERE quarantine.device = device.id AND state = 'open'),
           (SELECT group_concat(DISTINCT person) FROM member WHERE member.device = device.id) FROM device",
    )?;
    let mut rows = query.query([])?;
    let mut list = Vec::new();
    let damaged = |_| ApiError::Internal("device row");
    while let Some(row) = rows.next()? {
        let device = DeviceId::try_from(row.get::<_, Vec<u8>>(0)?.as_slice()).map_err(damaged)?;
        let beacon: Option<Vec<u8>> = row.get(4)?;
        let beacon: Beacon = beacon.and_then(|bytes| doorstep_protocol::decode(&bytes).ok()).unwrap_or_default();
        let seen_at = UnixMs(row.get(3)?);
        list.push(DeviceRow {
            device,
            people: row.get::<_, Option<String>>(6)?.unwrap_or_default().split(',').map(str::to_owned).collect(),
            enrolled_at: UnixMs(row.get(1)?),
            revoked_at: row.get::<_, Option<i64>>(2)?.map(UnixMs),
            seen_at,
            silent_ms: now.since(seen_at),
            unsent_cases: beacon.unsent_cases,
            unsent_photos: beacon.unsent_photos,
            oldest_unsent: beacon.oldest_ms.map(UnixMs),
            app: beacon.app,
            missing_batches: missing(db, &device)?,
            quarantined: row.get(5)?,
        });
    }
    list.sort_by_key(|row| (row.oldest_unsent.map_or(i64::MAX, |at| at.0), row.seen_at));
    Ok(list)
}

/// A device that can not read a format.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Unreading {
    /// The device.
    pub device: DeviceId,
    /// Accounts on it.
    pub people: Vec<String>,
    /// Name and version of its app, as it said last.
    pub app: String,
    /// The version of the protocol that it spoke last.
    pub version: String,
}

/// Enrolled devices can not read what is to be published.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Unreadable {
    /// The format of the file.
    pub format: u32,
    /// Who can not read it.
    pub devices: Vec<Unreading>,
}

impl std::error::Error for Unreadable {}

impl std::fmt::Display for Unreadable {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { format, devices } = self;
        let count = devices.len();
        writeln!(
            f,
            "{count} 台在用设备读不懂格式 {format}，未发布 enrolled devices can not read format {format}; nothing is published: {count}"
        )?;
        for Unreading { device, people, app, version } in devices {
            writeln!(f, "  {device}  {}  {app}  协议版本 protocol version {version}", people.join(","))?;
        }
        write!(
            f,
            "请先更新其应用，或加 --anyway 发布：它们沿用读得懂的最新版本 update their app first, or publish with --anyway: they go on with the newest that they can read"
        )
    }
}

/// The enrolled devices that can not read a format. Those of version 1 only push, and are not asked.
fn that_can_not_read(db: &Tx<'_>, format: u32) -> Result<Vec<Unreading>, ApiError> {
    let mut query = db.prepare(
        "SELECT id, proto, beacon, (SELECT group_concat(DISTINCT person) FROM member WHERE member.device = device.id)
         FROM device WHERE revoked_at IS NULL ORDER BY id",
    )?;
    let mut rows = query.query([])?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        let proto: String = row.get(1)?;
        if !(1..format).contains(&newest_format(VERSIONS, &proto)) {
            continue;
        }
        let beacon: Option<Vec<u8>> = row.get(2)?;
        let beacon: Beacon = beacon.and_then(|bytes| doorstep_protocol::decode(&bytes).ok()).unwrap_or_default();
        found.push(Unreading {
            device: DeviceId::try_from(row.get::<_, Vec<u8>>(0)?.as_slice()).map_err(|_| ApiError::Internal("device row"))?,
            people: row.get::<_, Option<String>>(3)?.unwrap_or_default().split(',').map(str::to_owned).collect(),
            app: beacon.app,
            version: if proto.is_empty() { "2".to_owned() } else { proto },
        });
    }
    Ok(found)
}

/// Why a format is not to be published, if it is not; `anyway`: whoever can not read it.
pub(crate) fn against(db: &Tx<'_>, format: u32, anyway: bool) -> Result<Option<Unreadable>, ApiError> {
    let devices = if anyway { vec![] } else { that_can_not_read(db, format)? };
    Ok(Some(Unreadable { format, devices }).filter(|unreadable| !unreadable.devices.is_empty()))
}

fn missing(db: &Tx<'_>, device: &DeviceId) -> Result<Vec<u64>, ApiError> {
    let mut query = db.prepare_cached("SELECT install FROM install WHERE device = ?1")?;
    let installs = query.query_map(params![device.as_bytes()], |row| row.get::<_, Vec<u8>>(0))?;
    let mut missing = Vec::new();
    for install in installs {
        let install = InstallId::try_from(install?.as_slice()).map_err(|_| ApiError::Internal("install row"))?;
        missing.extend(chain::missing(db, &install, None)?);
    }
    Ok(missing)
}

/// A fork alarm.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Fork {
    /// Its number.
    pub id: i64,
    /// The device.
    pub device: DeviceId,
    /// The installation that two stores have written under.
    pub install: InstallId,
    /// The batch.
    pub batch: u64,
    /// `same_number`, `other_predecessor` or `behind`.
    pub what: String,
    /// When.
    pub at: UnixMs,
}

/// Fork alarms that head office has not looked at.
pub(crate) fn forks(db: &Tx<'_>) -> Result<Vec<Fork>, ApiError> {
    let mut query =
        db.prepare_cached("SELECT id, device, install, number, what, at FROM fork WHERE seen_at IS NULL ORDER BY id")?;
    let rows = query.query_map([], |row| {
        Ok((row.get(0)?, row.get::<_, Vec<u8>>(1)?, row.get::<_, Vec<u8>>(2)?, row.get(3)?, row.get(4)?, row.get(5)?))
    })?;
    let damaged = |_| ApiError::Internal("fork row");
    rows.map(|row| {
        let (id, device, install, batch, what, at) = row?;
        let device = DeviceId::try_from(device.as_slice()).map_err(damaged)?;
        let install = InstallId::try_from(install.as_slice()).map_err(damaged)?;
        Ok(Fork { id, device, install, batch, what, at: UnixMs(at) })
    })
    .collect()
}

/// A signed batch that touched a case.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct EnvelopeRow {
    /// The device.
    pub device: DeviceId,
    /// The installation whose chain it is in.
    pub install: InstallId,
    /// Its number.
    pub batch: u64,
    /// Who was signed in.
    pub person: String,
    /// When it came.
    pub received_at: UnixMs,
    /// The device's wall clock when it was sent.
    pub wall: UnixMs,
    /// Whether the signature holds for the stored bytes, checked now.
    pub signature_holds: bool,
    /// Whether it names the hash of the batch before it as it is stored.
    pub follows: bool,
    /// Changes of the case in it.
    pub changes: u32,
}

/// What a device signed of a batch that is kept: empty if it can not be read, which nobody signs.
pub(crate) fn signed_message(version: u32, body: &[u8], sending: Vec<u8>, clock: &BatchClock) -> Vec<u8> {
    match version {
        2 => batch_message(body, clock),
        _ => {
            // The columns repeat what the sending says: other values there are an edit like one of the signed bytes.
            let says_so =
                doorstep_protocol::decode::<Sending>(&sending).is_ok_and(|sent| BatchClock::of(&sent.clocks()) == *clock);
            let kept = doorstep_protocol::decode::<Batch>(body).ok().filter(|_| says_so);
            kept.map_or_else(Vec::new, |kept| Batch { sending, ..kept }.message())
        }
    }
}

/// The signed batches that touched a case, in the order they came, each checked anew.
pub(crate) fn envelopes(db: &Tx<'_>, case: &CaseId) -> Result<Vec<EnvelopeRow>, ApiError> {
    // A released change is the server's own: it came in no batch.
    let mut query = db.prepare_cached(
        "SELECT envelope.device, envelope.install, number, person, envelope.received_at, wall_ms, mono_ms, boot, sig, body, prev,
           device.public_key,
           (SELECT count(*) FROM change WHERE case_id = ?1 AND pushed_by = envelope.install AND batch = number) +
           (SELECT count(*) FROM quarantine WHERE case_id = ?1 AND pushed_by = envelope.install AND batch = number) AS touched,
           number = 1 OR EXISTS (SELECT 1 FROM envelope AS before
             WHERE before.install = envelope.install AND before.number = envelope.number - 1 AND before.hash = envelope.prev),
           version, sending
         FROM envelope JOIN device ON device.id = envelope.device
         WHERE touched > 0 ORDER BY envelope.received_at, number",
    )?;
    let mut rows = query.query(params![case.as_bytes()])?;
    let mut list = Vec::new();
    let damaged = |_| ApiError::Internal("envelope row");
    while let Some(row) = rows.next()? {
        let sealed: Vec<u8> = row.get(9)?;
        let body = doorstep_protocol::open(&sealed, doorstep_protocol::MAX_INFLATED)?;
        let boot = row.get::<_, Vec<u8>>(7)?.try_into().map_err(|_| ApiError::Internal("envelope row"))?;
        let clock = BatchClock { wall_ms: row.get(5)?, mono_ms: row.get(6)?, boot };
        let key: Vec<u8> = row.get(11)?;
        list.push(EnvelopeRow {
            device: DeviceId::try_from(row.get::<_, Vec<u8>>(0)?.as_slice()).map_err(damaged)?,
            install: InstallId::try_from(row.get::<_, Vec<u8>>(1)?.as_slice()).map_err(damaged)?,
            batch: row.get(2)?,
            person: row.get(3)?,
            received_at: UnixMs(row.get(4)?),
            wall: UnixMs(clock.wall_ms),
            signature_holds: is_signed(
                &key,
                &signed_message(row.get(14)?, &body, row.get(15)?, &clock),
                &row.get::<_, Vec<u8>>(8)?,
            ),
            follows: row.get(13)?,
            changes: row.get(12)?,
        });
    }
    Ok(list)
}
