//! The contacts of devices: by boot and hour, times that were given to devices of version 2, and passing requests.

use std::ops::ControlFlow;

use doorstep_domain::{BootId, DeviceId, UnixMs};

use super::tx::{StoreError, Tx, params, sql};

/// The hour of a row, counted from 1970.
fn hour(at: UnixMs) -> i64 {
    at.0 / 3_600_000
}

/// A contact that gave its device the time of its receipt.
pub(crate) struct Contact {
    pub boot: BootId,
    pub at: UnixMs,
    /// Server time minus monotonic time.
    pub offset: i64,
    /// Whether the device could have sent its records with it.
    pub brings: bool,
}

/// Merges a contact into the row of its boot and hour.
pub(crate) fn save(tx: &Tx<'_>, device: &DeviceId, contact: &Contact) -> Result<(), StoreError> {
    let Contact { boot, at, offset, brings } = contact;
    tx.run(
        sql!(
            "INSERT INTO contact (device, boot, hour, first_ms, last_ms, min_offset, max_offset, bound_ms)
             VALUES (?1, ?2, ?3, ?4, ?4, ?5, ?5, ?6)
             ON CONFLICT (device, boot, hour) DO UPDATE SET
               first_ms = CASE WHEN excluded.first_ms < contact.first_ms THEN excluded.first_ms ELSE contact.first_ms END,
               last_ms = CASE WHEN excluded.last_ms > contact.last_ms THEN excluded.last_ms ELSE contact.last_ms END,
               min_offset = CASE WHEN excluded.min_offset < contact.min_offset THEN excluded.min_offset ELSE contact.min_offset END,
               max_offset = CASE WHEN excluded.max_offset > contact.max_offset THEN excluded.max_offset ELSE contact.max_offset END,
               bound_ms = CASE WHEN contact.bound_ms IS NULL OR excluded.bound_ms > contact.bound_ms THEN excluded.bound_ms
                 ELSE contact.bound_ms END"
        ),
        params![device, boot, hour(*at), at, offset, brings.then_some(*at)],
    )?;
    Ok(())
}

/// The milliseconds of a minute, and the minutes of an hour.
const MINUTE_MS: i64 = 60_000;
const MINUTES: i64 = 60;

/// Notes the minute in which the server answered a device.
pub(crate) fn note_answered(tx: &Tx<'_>, device: &DeviceId, at: UnixMs) -> Result<(), StoreError> {
    tx.run(
        sql!(
            "INSERT INTO answered (device, hour, minutes) VALUES (?1, ?2, ?3)
             ON CONFLICT (device, hour) DO UPDATE SET minutes = answered.minutes | excluded.minutes"
        ),
        params![device, hour(at), 1_i64 << (at.0 / MINUTE_MS).rem_euclid(MINUTES)],
    )?;
    Ok(())
}

/// The minutes of an hour that lie wholly between two times, both inclusive.
fn minutes_within(hour: i64, (from, until): (UnixMs, UnixMs)) -> i64 {
    let begins = |minute: i64| (hour * MINUTES + minute) * MINUTE_MS;
    let is_within = |minute: &i64| from.0 <= begins(*minute) && begins(minute + 1) - 1 <= until.0;
    (0..MINUTES).filter(is_within).fold(0, |minutes, minute| minutes | 1 << minute)
}

/// The minutes of a time's hour up to its own.
fn minutes_until(time: UnixMs) -> i64 {
    (0..=(time.0 / MINUTE_MS).rem_euclid(MINUTES)).fold(0, |minutes, minute| minutes | 1 << minute)
}

/// Whether the server answered a device in a minute that lies wholly between two times.
fn was_answered_within(tx: &Tx<'_>, device: &DeviceId, (from, until): (UnixMs, UnixMs)) -> Result<bool, StoreError> {
    let mut found = false;
    tx.each(
        sql!("SELECT hour, minutes FROM answered WHERE device = ?1 AND hour BETWEEN ?2 AND ?3"),
        params![device, hour(from), hour(until)],
        |row| {
            let (hour, minutes): (i64, i64) = (row.get(0)?, row.get(1)?);
            found = minutes & minutes_within(hour, (from, until)) != 0;
            Ok::<_, StoreError>(if found { ControlFlow::Break(()) } else { ControlFlow::Continue(()) })
        },
    )?;
    Ok(found)
}

/// Deletes the minutes of a device's answers from before the hour of a time.
pub(crate) fn forget_answered(tx: &Tx<'_>, device: &DeviceId, time: UnixMs) -> Result<(), StoreError> {
    tx.run(sql!("DELETE FROM answered WHERE device = ?1 AND hour < ?2"), params![device, hour(time)])?;
    Ok(())
}

/// Deletes a device's contacts that ended before a time.
pub(crate) fn forget_before(tx: &Tx<'_>, device: &DeviceId, time: UnixMs) -> Result<(), StoreError> {
    tx.run(sql!("DELETE FROM contact WHERE device = ?1 AND last_ms < ?2"), params![device, time])?;
    Ok(())
}

/// Deletes everything that was noted of a device after a time.
pub(crate) fn forget_after(tx: &Tx<'_>, device: &DeviceId, time: UnixMs) -> Result<(), StoreError> {
    tx.run(sql!("DELETE FROM contact WHERE device = ?1 AND first_ms > ?2"), params![device, time])?;
    tx.run(sql!("DELETE FROM anchor WHERE device = ?1 AND first_ms > ?2"), params![device, time])?;
    tx.run(sql!("DELETE FROM passing WHERE device = ?1 AND at > ?2"), params![device, time])?;
    tx.run(sql!("DELETE FROM answered WHERE device = ?1 AND hour > ?2"), params![device, hour(time)])?;
    tx.run(
        sql!("UPDATE answered SET minutes = minutes & ?3 WHERE device = ?1 AND hour = ?2"),
        params![device, hour(time), minutes_until(time)],
    )?;
    Ok(())
}

/// Deletes everything that was noted of any device after a time.
pub(crate) fn forget_all_after(tx: &Tx<'_>, time: UnixMs) -> Result<(), StoreError> {
    tx.run(sql!("DELETE FROM contact WHERE first_ms > ?1"), params![time])?;
    tx.run(sql!("DELETE FROM anchor WHERE first_ms > ?1"), params![time])?;
    tx.run(sql!("DELETE FROM passing WHERE at > ?1"), params![time])?;
    tx.run(sql!("DELETE FROM answered WHERE hour > ?1"), params![hour(time)])?;
    tx.run(sql!("UPDATE answered SET minutes = minutes & ?2 WHERE hour = ?1"), params![hour(time), minutes_until(time)])?;
    Ok(())
}

/// Whether a device had a contact at a time, in a boot, with this offset between server time and monotonic time.
pub(crate) fn has(tx: &Tx<'_>, device: &DeviceId, boot: BootId, at: UnixMs, offset: i64) -> Result<bool, StoreError> {
    tx.exists(
        sql!(
            "SELECT 1 FROM contact WHERE device = ?1 AND boot = ?2 AND hour = ?3 AND ?4 BETWEEN first_ms AND last_ms
               AND ?5 BETWEEN min_offset AND max_offset"
        ),
        params![device, boot, hour(at), at, offset],
    )
}

/// Whether a device of version 2 was given a time.
pub(crate) fn was_given(tx: &Tx<'_>, device: &DeviceId, at: UnixMs) -> Result<bool, StoreError> {
    tx.exists(
        sql!("SELECT 1 FROM anchor WHERE device = ?1 AND hour = ?2 AND ?3 BETWEEN first_ms AND last_ms"),
        params![device, hour(at), at],
    )
}

/// The newest contact of a device up to the hour of `now`, among those with which it could have sent its records. A contact later
/// than `now` counts as one at `now`.
pub(crate) fn newest(tx: &Tx<'_>, device: &DeviceId, now: UnixMs) -> Result<Option<UnixMs>, StoreError> {
    tx.one(
        sql!(
            "SELECT max(newest_ms) FROM (
               SELECT max(CASE WHEN bound_ms > ?2 THEN ?2 ELSE bound_ms END) AS newest_ms FROM contact
                 WHERE device = ?1 AND hour <= ?3
               UNION ALL SELECT max(CASE WHEN last_ms > ?2 THEN ?2 ELSE last_ms END) FROM anchor
                 WHERE device = ?1 AND hour <= ?3) AS of_both"
        ),
        params![device, now, hour(now)],
        |row| row.get(0),
    )
}

/// Whether another device of a person was in contact between two times, even without naming its clock.
pub(crate) fn of_others(
    tx: &Tx<'_>,
    person: &str,
    device: &DeviceId,
    (from, until): (UnixMs, UnixMs),
) -> Result<bool, StoreError> {
    tx.exists(
        sql!(
            "SELECT 1 FROM member JOIN contact ON contact.device = member.device
               WHERE member.person = ?1 AND member.device <> ?2 AND contact.last_ms >= ?3 AND contact.first_ms <= ?4
             UNION ALL SELECT 1 FROM member JOIN anchor ON anchor.device = member.device
               WHERE member.person = ?1 AND member.device <> ?2 AND anchor.last_ms >= ?3 AND anchor.first_ms <= ?4"
        ),
        params![person, device, from, until],
    )
}

/// Whether a device was in contact between two times, both inclusive. Of an hour's contacts the first and the last are known to the
/// millisecond and those between them to the minute: one in a minute that lies only partly between the times is not found. Each that
/// is found was one.
pub(crate) fn has_within(tx: &Tx<'_>, device: &DeviceId, (from, until): (UnixMs, UnixMs)) -> Result<bool, StoreError> {
    let exact = tx.exists(
        sql!(
            "SELECT 1 FROM contact WHERE device = ?1 AND hour BETWEEN ?4 AND ?5
               AND (first_ms BETWEEN ?2 AND ?3 OR last_ms BETWEEN ?2 AND ?3 OR bound_ms BETWEEN ?2 AND ?3)
             UNION ALL SELECT 1 FROM anchor WHERE device = ?1 AND hour BETWEEN ?4 AND ?5
               AND (first_ms BETWEEN ?2 AND ?3 OR last_ms BETWEEN ?2 AND ?3)
             UNION ALL SELECT 1 FROM passing WHERE device = ?1 AND at BETWEEN ?2 AND ?3"
        ),
        params![device, from, until, hour(from), hour(until)],
    )?;
    Ok(exact || was_answered_within(tx, device, (from, until))?)
}

/// The spread of the contacts of one boot.
pub(crate) struct Spread {
    pub lowest_offset: i64,
    pub highest_offset: i64,
    pub first: UnixMs,
    pub last: UnixMs,
}

/// The spread of a boot's contacts up to the hour of `now`; `None` if the boot has no contact.
pub(crate) fn spread(tx: &Tx<'_>, device: &DeviceId, boot: BootId, now: UnixMs) -> Result<Option<Spread>, StoreError> {
    tx.maybe(
        sql!(
            "SELECT min(min_offset), max(max_offset), min(first_ms), max(last_ms) FROM contact
             WHERE device = ?1 AND boot = ?2 AND hour <= ?3 HAVING count(*) > 0"
        ),
        params![device, boot, hour(now)],
        |row| {
            let (lowest_offset, highest_offset) = (row.get(0)?, row.get(1)?);
            Ok(Spread { lowest_offset, highest_offset, first: row.get(2)?, last: row.get(3)? })
        },
    )
}

/// Stores a passing request.
pub(crate) fn keep_passing(tx: &Tx<'_>, device: &DeviceId, at: UnixMs) -> Result<(), StoreError> {
    tx.run(sql!("INSERT INTO passing (device, at) VALUES (?1, ?2) ON CONFLICT (device, at) DO NOTHING"), params![device, at])?;
    Ok(())
}

/// Deletes the passing requests that are older than the newest one before a time.
pub(crate) fn thin_passing(tx: &Tx<'_>, device: &DeviceId, before: UnixMs) -> Result<(), StoreError> {
    tx.run(
        sql!("DELETE FROM passing WHERE device = ?1 AND at < (SELECT max(at) FROM passing WHERE device = ?1 AND at < ?2)"),
        params![device, before],
    )?;
    Ok(())
}

/// The newest stored passing request before a time.
pub(crate) fn newest_passing(tx: &Tx<'_>, device: &DeviceId, before: UnixMs) -> Result<Option<UnixMs>, StoreError> {
    tx.one(sql!("SELECT max(at) FROM passing WHERE device = ?1 AND at < ?2"), params![device, before], |row| row.get(0))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::open::open;

    const DEVICE: DeviceId = DeviceId::new([1; 16]);
    const BOOT: BootId = BootId([1, 2, 3, 4]);

    fn contact(at: i64, offset: i64, brings: bool) -> Contact {
        Contact { boot: BOOT, at: UnixMs(at), offset, brings }
    }

    #[test]
    fn a_row_holds_the_ends_of_its_hour_and_the_newest_contact_that_could_have_brought_something() {
        let folder = tempfile::tempdir().unwrap();
        let bounds = [(20, 5, false, None), (30, 9, true, Some(30)), (10, 1, true, Some(30)), (40, 7, false, Some(30))];
        open(folder.path())
            .unwrap()
            .write(|tx| {
                for (at, offset, brings, newest_that_brings) in bounds {
                    save(tx, &DEVICE, &contact(at, offset, brings))?;
                    assert_eq!(newest(tx, &DEVICE, UnixMs(100))?, newest_that_brings.map(UnixMs));
                }
                let row = spread(tx, &DEVICE, BOOT, UnixMs(100))?.unwrap();
                assert_eq!((row.first, row.last, row.lowest_offset, row.highest_offset), (UnixMs(10), UnixMs(40), 1, 9));
                assert_eq!(newest(tx, &DEVICE, UnixMs(25))?, Some(UnixMs(25)), "a later one counts as of that moment");
                Ok::<_, StoreError>(())
            })
            .unwrap();
    }

    #[test]
    fn a_contact_is_found_between_two_times_at_both_ends_and_in_any_kind_of_row() {
        let folder = tempfile::tempdir().unwrap();
        let other = DeviceId::new([2; 16]);
        open(folder.path())
            .unwrap()
            .write(|tx| {
                save(tx, &DEVICE, &contact(3_600_010, 5, true))?;
                save(tx, &DEVICE, &contact(3_600_030, 5, true))?;
                keep_passing(tx, &DEVICE, UnixMs(7_200_050))?;
                let within = |from, until| has_within(tx, &DEVICE, (UnixMs(from), UnixMs(until)));
                for (from, until, found) in [
                    (0, 3_600_009, false),
                    (0, 3_600_010, true),
                    (3_600_011, 3_600_029, false),
                    (3_600_030, 3_600_030, true),
                    (3_600_031, 7_200_049, false),
                    (7_200_050, 7_200_060, true),
                    (7_200_051, 99_999_999, false),
                ] {
                    assert_eq!(within(from, until)?, found, "{from} to {until}");
                }
                assert!(!has_within(tx, &other, (UnixMs(0), UnixMs(99_999_999)))?);
                Ok::<_, StoreError>(())
            })
            .unwrap();
    }

    #[test]
    fn an_answer_between_others_of_its_hour_is_found_by_its_minute_and_none_is_found_beside_it() {
        let folder = tempfile::tempdir().unwrap();
        let minute = |minute: i64| UnixMs(3_600_000 * 7 + minute * 60_000);
        open(folder.path())
            .unwrap()
            .write(|tx| {
                for at in [0, 20, 59] {
                    note_answered(tx, &DEVICE, minute(at).plus(30_000))?;
                }
                let within = |from: UnixMs, until: UnixMs| has_within(tx, &DEVICE, (from, until));
                assert!(within(minute(20), minute(21))? && within(minute(5), minute(40))? && within(minute(1), minute(90))?);
                for (from, until) in [(minute(1), minute(20)), (minute(21), minute(59)), (minute(60), minute(200))] {
                    assert!(!within(from, until)?, "{from} to {until}");
                }
                assert!(!within(minute(20).plus(1), minute(30))?, "it may have been before the beginning of that time");
                assert!(!within(minute(15), minute(20).plus(59_000))?, "it may have been after its end");
                assert!(!has_within(tx, &DeviceId::new([2; 16]), (minute(0), minute(60)))?);
                // The clock was ahead, and what it noted is forgotten.
                forget_after(tx, &DEVICE, minute(20).plus(40_000))?;
                assert!(within(minute(20), minute(21))? && !within(minute(21), minute(99))?);
                forget_all_after(tx, minute(19))?;
                assert!(within(minute(0), minute(1))? && !within(minute(1), minute(99))?);
                forget_answered(tx, &DEVICE, minute(60))?;
                assert!(!within(minute(0), minute(99))?);
                Ok::<_, StoreError>(())
            })
            .unwrap();
    }

    #[test]
    fn a_contact_is_known_by_its_boot_its_time_and_its_offset() {
        let folder = tempfile::tempdir().unwrap();
        open(folder.path())
            .unwrap()
            .write(|tx| {
                save(tx, &DEVICE, &contact(3_600_010, 5, true))?;
                save(tx, &DEVICE, &contact(3_600_020, 7, true))?;
                assert!(has(tx, &DEVICE, BOOT, UnixMs(3_600_015), 6)?);
                assert!(!has(tx, &DEVICE, BOOT, UnixMs(3_600_021), 6)?);
                assert!(!has(tx, &DEVICE, BOOT, UnixMs(3_600_015), 8)?);
                assert!(!has(tx, &DEVICE, BootId([0; 4]), UnixMs(3_600_015), 6)?);
                forget_after(tx, &DEVICE, UnixMs(3_600_009))?;
                assert!(spread(tx, &DEVICE, BOOT, UnixMs(7_200_000))?.is_none());
                Ok::<_, StoreError>(())
            })
            .unwrap();
    }
}
