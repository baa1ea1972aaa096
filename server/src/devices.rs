//! The devices as head office sees them: their last contact, their unsent work, and their batches that never arrived.

use doorstep_domain::{CaseId, DeviceId, InstallId, UnixMs};
use doorstep_protocol::{
    Batch, BatchClock, Beacon, Sending, VERSIONS, newest_format,
    signing::{batch_message, is_signed},
};
use serde::Serialize;

use crate::{
    chain, contact,
    error::{ApiError, Unreadable, Unreading},
    store::{case_batches, chains, devices, installs, members, tx::Tx},
};

pub use crate::store::chains::Fork;

const HOUR_MS: i64 = 3_600_000;

/// How long a device's entries may lean on an answer.
const ANCHOR_LIFE_MS: i64 = 60 * 86_400_000;

/// More unsent cases or photos than this, no device has: 27 years of 100 problem parcels a day.
const MOST_UNSENT: u32 = 1_000_000;
/// More unsent bytes than this, no device has: a tebibyte.
const MOST_UNSENT_BYTES: u64 = 1 << 40;
/// The largest number of characters of an app's name that are kept.
const MAX_APP: usize = 64;

/// A device's report with values that can be. It is a claim: it must not make head office's list unreadable, or lead it for good.
fn plausible(beacon: Beacon, since: UnixMs, until: UnixMs) -> Beacon {
    Beacon {
        unsent_cases: beacon.unsent_cases.min(MOST_UNSENT),
        unsent_photos: beacon.unsent_photos.min(MOST_UNSENT),
        unsent_bytes: beacon.unsent_bytes.min(MOST_UNSENT_BYTES),
        // Nothing unsent is older than the device's enrolment.
        oldest_ms: beacon.oldest_ms.map(|at| at.min(until.0).max(since.0)),
        app: beacon.app.chars().filter(|c| !c.is_control()).take(MAX_APP).collect(),
        disk_free_mb: beacon.disk_free_mb,
        damaged: beacon.damaged.map(|count| count.min(MOST_UNSENT)),
    }
}

/// Notes a sync: its version, and the unsent work that the device reports.
pub(crate) fn seen(tx: &Tx<'_>, device: &DeviceId, beacon: Option<&Beacon>, proto: &str, now: UnixMs) -> Result<(), ApiError> {
    let beacon = beacon.cloned().map(|beacon| plausible(beacon, UnixMs(0), now));
    let beacon = beacon.map(|beacon| doorstep_protocol::encode(&beacon)).transpose()?;
    Ok(devices::note_seen(tx, device, beacon.as_deref(), proto, now)?)
}

/// Notes a server time that was given at an unknown monotonic time, because the device names no clock. Devices of version 2 name
/// none.
pub(crate) fn given(tx: &Tx<'_>, device: &DeviceId, now: UnixMs) -> Result<(), ApiError> {
    devices::note_given(tx, device, now.0 / HOUR_MS, now)?;
    contact::answered(tx, device, now)?;
    Ok(devices::forget_given(tx, device, now.plus(-ANCHOR_LIFE_MS).0 / HOUR_MS)?)
}

/// Whether two stores have written under one installation.
pub(crate) fn is_forked(tx: &Tx<'_>, install: &InstallId) -> Result<bool, ApiError> {
    Ok(installs::is_forked(tx, install)?)
}

/// One device.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct DeviceRow {
    /// The device.
    pub device: DeviceId,
    /// The accounts on it.
    pub people: Vec<String>,
    /// When it was enrolled.
    pub enrolled_at: UnixMs,
    /// When it was revoked.
    pub revoked_at: Option<UnixMs>,
    /// When it was last in contact.
    pub seen_at: UnixMs,
    /// Milliseconds since its last contact.
    pub silent_ms: i64,
    /// The number of cases with unsent changes, as the device last reported.
    pub unsent_cases: u32,
    /// The number of photos whose bytes are still unsent.
    pub unsent_photos: u32,
    /// The number of its own entries that were altered in its store, so that they can not be sent, as the device reports.
    pub damaged: u32,
    /// When the oldest unsent action was recorded.
    pub oldest_unsent: Option<UnixMs>,
    /// The name and version of its app.
    pub app: String,
    /// The numbers of batches that never arrived, of all its installations.
    pub missing_batches: Vec<u64>,
    /// The number of undecided changes in quarantine.
    pub quarantined: u32,
}

/// Lists all devices. The devices with the oldest unsent work come first, then the devices that were silent longest.
pub(crate) fn list(tx: &Tx<'_>, now: UnixMs) -> Result<Vec<DeviceRow>, ApiError> {
    let mut list = Vec::new();
    for device in devices::all(tx)? {
        let beacon = beacon_of(&device);
        list.push(DeviceRow {
            device: device.id,
            people: members::accounts(tx, &device.id)?,
            enrolled_at: device.enrolled_at,
            revoked_at: device.revoked_at,
            seen_at: device.seen_at,
            silent_ms: now.since(device.seen_at),
            unsent_cases: beacon.unsent_cases,
            unsent_photos: beacon.unsent_photos,
            damaged: beacon.damaged.unwrap_or(0),
            oldest_unsent: beacon.oldest_ms.map(UnixMs),
            app: beacon.app,
            missing_batches: missing(tx, &device.id)?,
            quarantined: device.quarantined,
        });
    }
    list.sort_by_key(|row| (row.oldest_unsent.map_or(i64::MAX, |at| at.0), row.seen_at));
    Ok(list)
}

/// The device's last report of unsent work. It is empty if there was none, or if this version can not read it.
fn beacon_of(device: &devices::Said) -> Beacon {
    let beacon: Option<Beacon> = device.beacon.as_ref().and_then(|bytes| doorstep_protocol::decode(bytes).ok());
    beacon.map(|beacon| plausible(beacon, device.enrolled_at, device.seen_at)).unwrap_or_default()
}

/// The unsent work of all devices that are not revoked, by their last reports.
#[derive(Default)]
pub(crate) struct Unsent {
    /// The number of devices with unsent work.
    pub devices: u64,
    pub cases: u64,
    pub photos: u64,
    /// The age of the oldest unsent action.
    pub oldest_seconds: u64,
}

/// Adds up the unsent work that devices reported.
pub(crate) fn unsent(tx: &Tx<'_>, now: UnixMs) -> Result<Unsent, ApiError> {
    let mut unsent = Unsent::default();
    devices::each_beacon(tx, |beacon| {
        let beacon: Beacon = doorstep_protocol::decode(beacon).unwrap_or_default();
        unsent.devices += u64::from(beacon.unsent_cases > 0 || beacon.unsent_photos > 0);
        unsent.cases += u64::from(beacon.unsent_cases);
        unsent.photos += u64::from(beacon.unsent_photos);
        let age = beacon.oldest_ms.map_or(0, |oldest| now.since(UnixMs(oldest)) / 1000);
        unsent.oldest_seconds = unsent.oldest_seconds.max(u64::try_from(age).unwrap_or(0));
    })?;
    Ok(unsent)
}

/// The enrolled devices that can not read a format. Devices of version 1 are left out, because they only push.
fn that_can_not_read(tx: &Tx<'_>, format: u32) -> Result<Vec<Unreading>, ApiError> {
    let mut found = Vec::new();
    let can_not_read = |proto: &str| (1..format).contains(&newest_format(VERSIONS, proto));
    for device in devices::all(tx)? {
        if device.revoked_at.is_some() || !can_not_read(&device.proto) {
            continue;
        }
        let app = beacon_of(&device).app;
        let people = members::accounts(tx, &device.id)?;
        let version = if device.proto.is_empty() { "2".to_owned() } else { device.proto };
        found.push(Unreading { device: device.id, people, app, version });
    }
    Ok(found)
}

/// The enrolled devices that forbid publishing a format, if any. With `anyway` no device forbids it.
pub(crate) fn against(tx: &Tx<'_>, format: u32, anyway: bool) -> Result<Option<Unreadable>, ApiError> {
    let devices = if anyway { vec![] } else { that_can_not_read(tx, format)? };
    Ok(Some(Unreadable { format, devices }).filter(|unreadable| !unreadable.devices.is_empty()))
}

fn missing(tx: &Tx<'_>, device: &DeviceId) -> Result<Vec<u64>, ApiError> {
    let mut missing = Vec::new();
    for install in installs::of_device(tx, device)? {
        missing.extend(chain::missing(tx, &install, None)?);
    }
    Ok(missing)
}

/// The fork alarms of the installations that have written in a case, or brought changes of it.
pub(crate) fn forks_of(tx: &Tx<'_>, case: &CaseId) -> Result<Vec<Fork>, ApiError> {
    Ok(chains::forks_of(tx, case)?)
}

/// Fork alarms that head office has not looked at.
pub(crate) fn forks(tx: &Tx<'_>) -> Result<Vec<Fork>, ApiError> {
    Ok(chains::open_forks(tx)?)
}

/// A signed batch that touched a case.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct EnvelopeRow {
    /// The device.
    pub device: DeviceId,
    /// The installation of its chain.
    pub install: InstallId,
    /// The batch's number in the chain.
    pub batch: u64,
    /// The person who was signed in.
    pub person: String,
    /// When the server received it.
    pub received_at: UnixMs,
    /// The device's wall clock at the sending.
    pub wall: UnixMs,
    /// Whether the signature holds for the stored bytes. Verified with each call.
    pub signature_holds: bool,
    /// Whether the batch names the hash of the stored batch before it.
    pub follows: bool,
    /// The number of changes of the case in it.
    pub changes: u32,
}

/// The message that a device signed for a stored batch. Empty if the batch can not be read; no device signs an empty message.
pub(crate) fn signed_message(version: u32, body: &[u8], sending: Vec<u8>, clock: &BatchClock) -> Vec<u8> {
    match version {
        2 => batch_message(body, clock),
        _ => {
            // The columns must repeat the sending: other values there are tampering, like an altered signed byte.
            let says_so =
                doorstep_protocol::decode::<Sending>(&sending).is_ok_and(|sent| BatchClock::of(&sent.clocks()) == *clock);
            let kept = doorstep_protocol::decode::<Batch>(body).ok().filter(|_| says_so);
            kept.map_or_else(Vec::new, |kept| Batch { sending, ..kept }.message())
        }
    }
}

/// The signed batches that touched a case, in the order of arrival. Each signature is verified anew.
pub(crate) fn envelopes(tx: &Tx<'_>, case: &CaseId) -> Result<Vec<EnvelopeRow>, ApiError> {
    let mut list = Vec::new();
    case_batches::each_of_case(tx, case, |batch| {
        let body = doorstep_protocol::open_stored(&batch.body, doorstep_protocol::MAX_INFLATED)?;
        let clock = BatchClock { wall_ms: batch.wall_ms, mono_ms: batch.mono_ms, boot: batch.boot.0 };
        let signed = signed_message(batch.version, &body, batch.sending, &clock);
        list.push(EnvelopeRow {
            device: batch.device,
            install: batch.install,
            batch: batch.number,
            person: batch.person,
            received_at: batch.received_at,
            wall: UnixMs(batch.wall_ms),
            signature_holds: is_signed(&batch.public_key, &signed, &batch.sig),
            follows: batch.follows,
            changes: batch.changes,
        });
        Ok::<_, ApiError>(())
    })?;
    Ok(list)
}
