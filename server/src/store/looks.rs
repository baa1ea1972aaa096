//! What stored photos look like by head office's own measure, and which pairs look alike.

use std::ops::ControlFlow;

use doorstep_domain::{CaseId, DeviceId, PhotoId, UnixMs};

use super::tx::{StoreError, Tx, params, sql};

/// The perceptual hashes of a picture: as it is, turned, and mirrored. The first is of the picture as it is.
pub(crate) type Looks = [u64; 8];

/// Stores the looks of a photo; `None`: its bytes can not be measured, which is stored as no bytes. False if the looks are known, if
/// the photo is erased, or if the hash is only that of a thumbnail.
pub(crate) fn insert(tx: &Tx<'_>, id: &PhotoId, looks: Option<&Looks>) -> Result<bool, StoreError> {
    let bytes: Vec<u8> = looks.into_iter().flatten().flat_map(|look| look.to_be_bytes()).collect();
    let new = tx.run(
        // Damaged bytes may have been measured, and arrive whole later.
        sql!(
            "INSERT INTO looks (sha, looks) SELECT ?1, ?2 WHERE EXISTS (SELECT 1 FROM photo WHERE sha = ?1 AND of_sha IS NULL)
               AND NOT EXISTS (SELECT 1 FROM stored WHERE sha = ?1 AND erased_at IS NOT NULL)
             ON CONFLICT (sha) DO UPDATE SET looks = excluded.looks
               WHERE length(looks.looks) = 0 AND length(excluded.looks) > 0"
        ),
        params![id, bytes],
    )?;
    Ok(new > 0)
}

/// A stored photo that was never measured.
pub(crate) struct Unmeasured {
    pub id: PhotoId,
    /// The device that brought it.
    pub device: DeviceId,
    /// When an entry first named it.
    pub named_at: UnixMs,
}

/// Reads the photos among the stored ones after a hash, up to another one, that were never measured.
pub(crate) fn unmeasured(tx: &Tx<'_>, after: &[u8], last: &PhotoId) -> Result<Vec<Unmeasured>, StoreError> {
    tx.all(
        sql!(
            "SELECT stored.sha, stored.device, min(photo.expected_at) FROM stored JOIN photo ON photo.sha = stored.sha
             WHERE stored.sha > ?1 AND stored.sha <= ?2 AND stored.erased_at IS NULL AND photo.of_sha IS NULL
               AND NOT EXISTS (SELECT 1 FROM looks WHERE looks.sha = stored.sha)
             GROUP BY stored.sha, stored.device ORDER BY stored.sha"
        ),
        params![after, last],
        |row| Ok(Unmeasured { id: row.get(0)?, device: row.get(1)?, named_at: row.get(2)? }),
    )
}

/// A photo to compare with.
pub(crate) struct Other {
    pub id: PhotoId,
    pub device: DeviceId,
    pub looks: Looks,
}

/// Reads photos of the devices of an outlet that a device belongs to, the newest first, until `see` breaks: those that were
/// recorded between two times, in no case that names the photo itself.
pub(crate) fn of_outlet(
    tx: &Tx<'_>,
    id: &PhotoId,
    device: &DeviceId,
    (since, until): (UnixMs, UnixMs),
    mut see: impl FnMut(Other) -> ControlFlow<()>,
) -> Result<(), StoreError> {
    tx.each(
        sql!(
            "SELECT photo.sha, photo.device, looks.looks FROM photo JOIN looks ON looks.sha = photo.sha
             WHERE photo.of_sha IS NULL AND photo.sha <> ?1 AND photo.expected_at > ?3 AND photo.expected_at < ?4
               AND length(looks.looks) > 0 AND photo.device IN
                 (SELECT other.device FROM member AS own JOIN member AS other ON other.outlet = own.outlet WHERE own.device = ?2)
               AND NOT EXISTS (SELECT 1 FROM photo AS here WHERE here.sha = ?1 AND here.case_id = photo.case_id)
             ORDER BY photo.expected_at DESC, photo.sha, photo.case_id"
        ),
        params![id, device, since, until],
        |row| {
            let bytes: Vec<u8> = row.get(2)?;
            let (eights, _) = bytes.as_chunks::<8>();
            let mut looks = Looks::default();
            looks.iter_mut().zip(eights).for_each(|(look, eight)| *look = u64::from_be_bytes(*eight));
            Ok::<_, StoreError>(see(Other { id: row.get(0)?, device: row.get(1)?, looks }))
        },
    )
}

/// Stores a pair that looks alike, in both directions.
pub(crate) fn pair(tx: &Tx<'_>, id: &PhotoId, other: &PhotoId, is_disguised: bool) -> Result<(), StoreError> {
    for (one, two) in [(id, other), (other, id)] {
        tx.run(
            sql!("INSERT INTO alike (sha, other, disguise) VALUES (?1, ?2, ?3) ON CONFLICT (sha, other) DO NOTHING"),
            params![one, two, is_disguised],
        )?;
    }
    Ok(())
}

/// The waybills of other cases with a photo that looks like this one.
pub(crate) fn waybills_alike(tx: &Tx<'_>, id: &PhotoId, case: &CaseId, most: usize) -> Result<Vec<String>, StoreError> {
    tx.all(
        sql!(
            "SELECT DISTINCT waybill FROM alike JOIN photo ON photo.sha = alike.other JOIN doc USING (case_id)
             WHERE alike.sha = ?1 AND case_id <> ?2 ORDER BY waybill LIMIT ?3"
        ),
        params![id, case, most],
        |row| row.get(0),
    )
}

/// Forgets what a photo looked like, because it is erased.
pub(crate) fn forget(tx: &Tx<'_>, id: &PhotoId) -> Result<(), StoreError> {
    tx.run(sql!("DELETE FROM looks WHERE sha = ?1"), params![id])?;
    tx.run(sql!("DELETE FROM alike WHERE sha = ?1"), params![id])?;
    tx.run(sql!("DELETE FROM alike WHERE other = ?1"), params![id])?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::open::open;

    #[test]
    fn a_photo_is_compared_with_those_of_its_outlets_devices_in_other_cases_and_with_no_thumbnail() {
        let folder = tempfile::tempdir().unwrap();
        let (id, device) = (|n: u8| PhotoId::new([n; 32]), |n: u8| DeviceId::new([n; 16]));
        let case = |n: u8| CaseId::new([n; 16]);
        open(folder.path())
            .unwrap()
            .write(|tx| {
                // The members' devices and people are not needed here. They are gone again before the end of the transaction.
                tx.sqlite().execute_batch("PRAGMA defer_foreign_keys = ON").map_err(StoreError::from)?;
                for (of, outlet) in [(1, "0412"), (2, "0412"), (3, "0571")] {
                    let member = sql!("INSERT INTO member (device, person, role, outlet) VALUES (?1, 'c1', 'courier', ?2)");
                    tx.run(member, params![device(of), outlet])?;
                }
                let none = None::<PhotoId>;
                // Photo, case, device, photo of a thumbnail, time.
                let rows = [
                    (1, 1, 1, none, 100),
                    (2, 2, 2, none, 100),
                    (3, 3, 3, none, 100),
                    (4, 4, 1, Some(id(1)), 100),
                    (5, 5, 1, none, 50),
                    (6, 1, 2, none, 100),
                    (7, 7, 1, none, 200),
                ];
                for (n, of_case, of_device, of, at) in rows {
                    let photo = sql!(
                        "INSERT INTO photo (sha, case_id, len, device, of_sha, expected_at, due_at) VALUES (?1, ?2, 1, ?3, ?4, ?5, 0)"
                    );
                    tx.run(photo, params![id(n), case(of_case), device(of_device), of, at])?;
                    assert_eq!(insert(tx, &id(n), Some(&[u64::from(n); 8]))?, of.is_none());
                }
                assert!(!insert(tx, &id(1), Some(&[9; 8]))?, "the first stays");
                assert!(!insert(tx, &id(1), None)?);
                let mut found = Vec::new();
                of_outlet(tx, &id(1), &device(1), (UnixMs(50), UnixMs(200)), |other| {
                    found.push((other.id, other.device, other.looks));
                    ControlFlow::Continue(())
                })?;
                assert_eq!(found, [(id(2), device(2), [2; 8])]);
                pair(tx, &id(1), &id(2), true)?;
                forget(tx, &id(2))?;
                assert!(!tx.exists(sql!("SELECT 1 FROM alike"), params![])?);
                tx.run(sql!("DELETE FROM member"), params![])?;
                Ok::<_, StoreError>(())
            })
            .unwrap();
    }
}
