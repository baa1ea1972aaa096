//! Attempts and places of people over their cases, for a few days.

use std::ops::ControlFlow;

use doorstep_domain::{ActionId, CaseId, GeoPosition, UnixMs};

use super::tx::{StoreError, Tx, params, sql};

/// An act of a person.
pub(crate) struct PersonAct<'a> {
    pub person: &'a str,
    pub at: UnixMs,
    pub case: CaseId,
    /// The user action, if it touched several cases.
    pub action: Option<ActionId>,
    pub is_attempt: bool,
    pub position: Option<GeoPosition>,
}

/// Stores an act.
pub(crate) fn insert(tx: &Tx<'_>, act: &PersonAct<'_>, received: UnixMs) -> Result<(), StoreError> {
    let PersonAct { person, at, case, action, is_attempt, position } = act;
    let (lat, lon) = (position.map(|position| position.lat_e7), position.map(|position| position.lon_e7));
    let accuracy = position.and_then(|position| position.accuracy_m);
    tx.run(
        sql!(
            "INSERT INTO person_act (person, acted_at, received_at, case_id, action, attempt, lat_e7, lon_e7, accuracy_m)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)"
        ),
        params![person, at, received, case, action, is_attempt, lat, lon, accuracy],
    )?;
    Ok(())
}

/// Deletes the acts that were received before or after two times.
pub(crate) fn forget_outside(tx: &Tx<'_>, from: UnixMs, until: UnixMs) -> Result<(), StoreError> {
    tx.run(sql!("DELETE FROM person_act WHERE received_at < ?1 OR received_at > ?2"), params![from, until])?;
    Ok(())
}

/// An attempt on another parcel.
pub(crate) struct Attempted {
    pub at: UnixMs,
    pub case: CaseId,
    pub action: Option<ActionId>,
}

/// Reads the attempts of an act's person in other cases between two times, both inclusive, until `see` breaks, at most so many.
pub(crate) fn attempts(
    tx: &Tx<'_>,
    act: &PersonAct<'_>,
    (from, until): (UnixMs, UnixMs),
    most: usize,
    mut see: impl FnMut(Attempted) -> ControlFlow<()>,
) -> Result<(), StoreError> {
    tx.each(
        sql!(
            "SELECT acted_at, case_id, action FROM person_act
             WHERE person = ?1 AND acted_at BETWEEN ?2 AND ?3 AND attempt = 1 AND case_id <> ?4
             ORDER BY acted_at, case_id LIMIT ?5"
        ),
        params![act.person, from, until, act.case, most],
        |row| Ok::<_, StoreError>(see(Attempted { at: row.get(0)?, case: row.get(1)?, action: row.get(2)? })),
    )
}

/// A place where a person was.
pub(crate) struct Was {
    pub at: UnixMs,
    pub position: GeoPosition,
}

/// The places of an act's person in other cases: so many of those nearest in time on each side.
pub(crate) fn places(tx: &Tx<'_>, act: &PersonAct<'_>, most: usize) -> Result<Vec<Was>, StoreError> {
    let mut places = tx.all(
        sql!(
            "SELECT acted_at, lat_e7, lon_e7, accuracy_m FROM person_act
             WHERE person = ?1 AND acted_at <= ?2 AND lat_e7 IS NOT NULL AND case_id <> ?3 ORDER BY acted_at DESC LIMIT ?4"
        ),
        params![act.person, act.at, act.case, most],
        place,
    )?;
    places.extend(tx.all(
        sql!(
            "SELECT acted_at, lat_e7, lon_e7, accuracy_m FROM person_act
             WHERE person = ?1 AND acted_at > ?2 AND lat_e7 IS NOT NULL AND case_id <> ?3 ORDER BY acted_at LIMIT ?4"
        ),
        params![act.person, act.at, act.case, most],
        place,
    )?);
    Ok(places)
}

fn place(row: &super::tx::Row<'_>) -> Result<Was, StoreError> {
    Ok(Was { at: row.get(0)?, position: GeoPosition { lat_e7: row.get(1)?, lon_e7: row.get(2)?, accuracy_m: row.get(3)? } })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::open::open;

    fn act(person: &str, at: i64, case: u8) -> PersonAct<'_> {
        let position = GeoPosition::new(at as i32, 1);
        PersonAct { person, at: UnixMs(at), case: CaseId::new([case; 16]), action: None, is_attempt: true, position }
    }

    #[test]
    fn the_acts_of_a_person_in_other_cases_are_found_by_time_and_old_ones_are_forgotten() {
        let folder = tempfile::tempdir().unwrap();
        open(folder.path())
            .unwrap()
            .write(|tx| {
                for (person, at, case, received) in
                    [("c1", 10, 1, 100), ("c1", 20, 2, 100), ("c1", 30, 3, 200), ("c1", 31, 1, 200), ("c2", 20, 4, 200)]
                {
                    insert(tx, &act(person, at, case), UnixMs(received))?;
                }
                let photo = PersonAct { is_attempt: false, position: None, ..act("c1", 21, 5) };
                insert(tx, &photo, UnixMs(200))?;
                let own = act("c1", 25, 1);
                let seen = |from: i64, until: i64, most: usize| {
                    let mut seen = Vec::new();
                    attempts(tx, &own, (UnixMs(from), UnixMs(until)), most, |other| {
                        seen.push(other.at.0);
                        ControlFlow::Continue(())
                    })?;
                    Ok::<_, StoreError>(seen)
                };
                assert_eq!(seen(0, 100, 9)?, [20, 30]);
                assert_eq!(seen(20, 29, 9)?, [20]);
                assert_eq!(seen(0, 100, 1)?, [20]);
                let places = |most: usize| {
                    let places = super::places(tx, &act("c1", 25, 9), most)?;
                    Ok::<_, StoreError>(places.iter().map(|was| (was.at.0, was.position.lat_e7)).collect::<Vec<_>>())
                };
                assert_eq!(places(9)?, [(20, 20), (10, 10), (30, 30), (31, 31)]);
                assert_eq!(places(1)?, [(20, 20), (30, 30)]);
                forget_outside(tx, UnixMs(200), UnixMs(200))?;
                assert_eq!(places(9)?, [(30, 30), (31, 31)]);
                forget_outside(tx, UnixMs(0), UnixMs(199))?;
                assert_eq!(places(9)?, []);
                Ok::<_, StoreError>(())
            })
            .unwrap();
    }
}
