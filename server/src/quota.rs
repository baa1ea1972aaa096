//! Quotas: what one device may bring in a day of the network, so that one device can not fill the server.
//!
//! Each transaction that stores something of a device counts it. A device that has used up a quota is told to slow down (429) and
//! keeps everything. It goes on more slowly: one request is taken, however large, and then a wait that grows with what the
//! request brought. So the second quota of a day takes the rest of the day, and of requests that are large beside the quota one an
//! hour is taken. Nothing is refused for good. Head office can lift the quotas of a device for the day.
//!
//! A request is taken whole or not at all, because a batch is one transaction and a photo is one object. So a device may bring more
//! than its quota, but no more in a day than twice its quota and one request, or, where that is more, its quota and one request for
//! each hour of the day and one more. A batch has at most `MAX_REQUEST` bytes and `MAX_PUSH_CASES` documents; a photo has at most
//! `MAX_STORED` bytes, and `BODIES` of them may be on their way at once.
//!
//! Photos and batches wait apart, so that records pass while photos wait.

use doorstep_domain::{Day, DeviceId, UnixMs};
use doorstep_rules::Quotas;
use serde::Serialize;

use crate::{
    error::ApiError,
    packs::Rules,
    store::{
        db::Db,
        quotas::{self, OfDay},
        tx::Tx,
    },
};

const DAY_MS: i64 = 86_400_000;
/// The longest wait beyond a quota. Orders of head office, such as a wipe, reach a device with its next request that is taken.
const LONGEST_MS: i64 = 3_600_000;
/// The shortest wait beyond a quota, also while a photo that was let through has not brought a byte yet.
const SHORTEST_MS: i64 = 1_000;

/// What a batch has brought.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Brought {
    /// Its changes, accepted or not; at least one, because the batch itself is stored.
    pub changes: u64,
    /// Bytes that are stored without being accepted.
    pub refused_bytes: u64,
    /// New cases whose waybill is in no list.
    pub unlisted: u64,
}

/// A device's day, with the quotas that it has on that day.
struct Standing {
    day: i32,
    used: OfDay,
    quotas: Quotas,
}

impl Standing {
    fn read(tx: &Tx<'_>, rules: &Rules, device: &DeviceId, now: UnixMs) -> Result<Self, ApiError> {
        let day = rules.book(tx)?.1.at(now).day(now).ok_or(ApiError::Internal("a time outside the calendar"))?;
        Ok(Self { day, used: quotas::read(tx, device, day)?, quotas: rules.quotas(tx)? })
    }

    /// A quota with what head office has added for the day.
    fn lifted(&self, quota: u64) -> u64 {
        quota.saturating_mul(self.used.lifts.saturating_add(1))
    }

    fn is_used_up(&self, used: u64, quota: u64) -> bool {
        used >= self.lifted(quota)
    }

    fn photos_are_used_up(&self) -> bool {
        self.is_used_up(self.used.photo_bytes, self.quotas.photo_bytes)
    }

    fn records_are_used_up(&self) -> bool {
        let OfDay { changes, refused_bytes, unlisted, .. } = self.used;
        self.is_used_up(changes, self.quotas.changes)
            || self.is_used_up(refused_bytes, self.quotas.refused_bytes)
            || self.is_used_up(unlisted, self.quotas.unlisted_cases)
    }

    /// The wait after something was brought: the part of a day that its part of the quota is, as far as it lies beyond the quota.
    fn wait_ms(&self, brought: u64, used: u64, quota: u64) -> i64 {
        let beyond = brought.min(used.saturating_sub(self.lifted(quota)));
        let share = u128::from(beyond) * DAY_MS as u128 / u128::from(quota.max(1));
        i64::try_from(share).unwrap_or(LONGEST_MS).min(LONGEST_MS)
    }
}

/// Refuses a request before the time from which the next one is taken.
fn wait_until(from: UnixMs, now: UnixMs) -> Result<(), ApiError> {
    let left = from.since(now);
    // After the clock was set back the time may be far ahead, and means nothing.
    if left <= 0 || left > LONGEST_MS {
        return Ok(());
    }
    Err(ApiError::SlowDown(u32::try_from((left + 999) / 1_000).unwrap_or(1)))
}

/// Whether a batch is taken now.
pub(crate) fn admit_batch(tx: &Tx<'_>, rules: &Rules, device: &DeviceId, now: UnixMs) -> Result<(), ApiError> {
    let standing = Standing::read(tx, rules, device, now)?;
    if standing.records_are_used_up() { wait_until(standing.used.records_from, now) } else { Ok(()) }
}

/// Counts what a batch has brought, in the transaction that stores it.
pub(crate) fn count_batch(tx: &Tx<'_>, rules: &Rules, device: &DeviceId, brought: &Brought, now: UnixMs) -> Result<(), ApiError> {
    let mut standing = Standing::read(tx, rules, device, now)?;
    let Brought { changes, refused_bytes, unlisted } = *brought;
    let used = &mut standing.used;
    let changes = changes.max(1);
    used.changes = used.changes.saturating_add(changes);
    used.refused_bytes = used.refused_bytes.saturating_add(refused_bytes);
    used.unlisted = used.unlisted.saturating_add(unlisted);
    if standing.records_are_used_up() {
        let (used, of) = (standing.used, standing.quotas);
        let waits = [
            standing.wait_ms(changes, used.changes, of.changes),
            standing.wait_ms(refused_bytes, used.refused_bytes, of.refused_bytes),
            standing.wait_ms(unlisted, used.unlisted, of.unlisted_cases),
        ];
        standing.used.records_from = now.plus(waits.into_iter().max().unwrap_or_default().max(SHORTEST_MS));
    }
    Ok(quotas::write(tx, device, standing.day, &standing.used)?)
}

/// The quota of one device's photos.
#[derive(Clone)]
pub(crate) struct PhotoQuota {
    pub rules: Rules,
    pub device: DeviceId,
    pub now: UnixMs,
}

impl PhotoQuota {
    /// Whether bytes of a photo are taken now. Beyond the quota the answer also takes the turn, so that of several requests at
    /// once only one passes.
    pub(crate) async fn admit(&self, db: &Db) -> Result<(), ApiError> {
        let of = self.clone();
        let is_used_up = move |tx: &Tx<'_>| Ok(Standing::read(tx, &of.rules, &of.device, of.now)?.photos_are_used_up());
        if !db.read(is_used_up).await? {
            return Ok(());
        }
        let of = self.clone();
        db.write(move |tx| {
            let mut standing = Standing::read(tx, &of.rules, &of.device, of.now)?;
            if !standing.photos_are_used_up() {
                return Ok(());
            }
            wait_until(standing.used.photos_from, of.now)?;
            standing.used.photos_from = of.now.plus(SHORTEST_MS);
            Ok(quotas::write(tx, &of.device, standing.day, &standing.used)?)
        })
        .await
    }

    /// Counts bytes, in the transaction that stores them.
    pub(crate) fn count(&self, tx: &Tx<'_>, bytes: u64) -> Result<(), ApiError> {
        let Self { rules, device, now } = self;
        let mut standing = Standing::read(tx, rules, device, *now)?;
        standing.used.photo_bytes = standing.used.photo_bytes.saturating_add(bytes);
        if standing.photos_are_used_up() {
            let wait = standing.wait_ms(bytes, standing.used.photo_bytes, standing.quotas.photo_bytes);
            standing.used.photos_from = standing.used.photos_from.max(now.plus(wait.max(SHORTEST_MS)));
        }
        Ok(quotas::write(tx, device, standing.day, &standing.used)?)
    }
}

/// A device's day as head office sees it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct QuotaRow {
    /// The device.
    pub device: DeviceId,
    /// The day, by the network's clocks.
    pub day: String,
    /// What the device has brought today, and its quota with everything that was added to it, in the order of the policy.
    pub of: Vec<QuotaOf>,
    /// How often the quotas were given once more for this day.
    pub lifts: u64,
    /// When the device's next batch is taken; `None` if at once.
    pub records_from: Option<UnixMs>,
    /// When the device's next photo is taken; `None` if at once.
    pub photos_from: Option<UnixMs>,
}

/// One quota of a device.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct QuotaOf {
    /// The name in the policy.
    pub name: &'static str,
    /// What was brought today.
    pub used: u64,
    /// What may be brought without a wait.
    pub quota: u64,
}

/// Returns a device's day.
pub(crate) fn of_device(tx: &Tx<'_>, rules: &Rules, device: &DeviceId, now: UnixMs) -> Result<QuotaRow, ApiError> {
    let standing = Standing::read(tx, rules, device, now)?;
    let Standing { day, used, quotas } = &standing;
    let of = |name, used, quota| QuotaOf { name, used, quota: standing.lifted(quota) };
    let from = |is_used_up: bool, from: UnixMs| Some(from).filter(|from| is_used_up && *from > now);
    Ok(QuotaRow {
        device: *device,
        day: Day::new(*day).map(|day| day.to_string()).unwrap_or_default(),
        of: vec![
            of("photo_bytes", used.photo_bytes, quotas.photo_bytes),
            of("changes", used.changes, quotas.changes),
            of("refused_bytes", used.refused_bytes, quotas.refused_bytes),
            of("unlisted_cases", used.unlisted, quotas.unlisted_cases),
        ],
        lifts: used.lifts,
        records_from: from(standing.records_are_used_up(), used.records_from),
        photos_from: from(standing.photos_are_used_up(), used.photos_from),
    })
}

/// Gives a device the day's quotas once more, and ends its wait.
pub(crate) fn lift(tx: &Tx<'_>, rules: &Rules, device: &DeviceId, now: UnixMs) -> Result<(), ApiError> {
    let mut standing = Standing::read(tx, rules, device, now)?;
    let used = &mut standing.used;
    (used.photos_from, used.records_from) = (UnixMs(0), UnixMs(0));
    // The product with a quota stays a number of the database.
    used.lifts = used.lifts.saturating_add(1).min(MOST_LIFTS);
    Ok(quotas::write(tx, device, standing.day, &standing.used)?)
}

/// More lifts of one day change nothing.
const MOST_LIFTS: u64 = 1_000;

#[cfg(test)]
mod tests {
    use super::*;

    fn standing(used: u64, lifts: u64) -> Standing {
        let quotas = Quotas { photo_bytes: 1_000, changes: 1_000, refused_bytes: 1_000, unlisted_cases: 1_000 };
        Standing { day: 0, used: OfDay { photo_bytes: used, lifts, ..OfDay::default() }, quotas }
    }

    #[test]
    fn a_wait_is_the_part_of_a_day_that_the_excess_is_of_the_quota_and_an_hour_at_most() {
        let wait = |brought, used| standing(used, 0).wait_ms(brought, used, 1_000);
        assert_eq!(wait(10, 1_000), 0, "within the quota");
        assert_eq!(wait(10, 1_010), DAY_MS / 100);
        assert_eq!(wait(10, 5_000), DAY_MS / 100, "what came before was waited for");
        assert_eq!(wait(500, 1_010), DAY_MS / 100, "only what lies beyond");
        assert_eq!(wait(500, 5_000), LONGEST_MS);
        assert_eq!(wait(u64::MAX, u64::MAX), LONGEST_MS);
        assert_eq!(standing(1_500, 1).wait_ms(500, 1_500, 1_000), 0, "lifted");
    }

    /// What a device brings in a day that sends requests of one size as soon as one is taken.
    fn of_a_day(size: u64, quota: u64) -> u64 {
        let (mut used, mut at) = (0, 0);
        while at < DAY_MS {
            used += size;
            if used >= quota {
                at += standing(used, 0).wait_ms(size, used, quota).max(SHORTEST_MS);
            }
        }
        used
    }

    #[test]
    fn a_day_brings_two_quotas_and_a_request_at_most_or_a_request_for_each_hour_beyond_the_quota() {
        let quota = 1_000;
        for size in [1, 3, 10, 41, 42, 100, 999, 1_000, 1_001, 50_000] {
            let brought = of_a_day(size, quota);
            let most = (2 * quota + size).max(quota + 25 * size);
            assert!(brought <= most, "requests of {size} bring {brought}");
            assert!(brought > quota, "nothing is refused for good");
        }
    }

    #[test]
    fn a_time_that_is_far_ahead_comes_from_a_clock_that_was_set_back_and_stops_nobody() {
        let now = UnixMs(DAY_MS);
        let seconds = |from: i64| match wait_until(now.plus(from), now) {
            Err(ApiError::SlowDown(seconds)) => Some(seconds),
            _ => None,
        };
        assert_eq!([-1, 0, 1, 1_000, 1_001].map(seconds), [None, None, Some(1), Some(1), Some(2)]);
        assert_eq!((seconds(LONGEST_MS), seconds(LONGEST_MS + 1)), (Some(3_600), None));
    }
}
