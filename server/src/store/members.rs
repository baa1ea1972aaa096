//! The people of devices, with the role and outlet of their enrolment.

use doorstep_domain::DeviceId;

use super::tx::{StoreError, Tx, params, sql};

/// A person who is enrolled on a device.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Member {
    pub person: String,
    /// The role and outlet that the person's entries may name.
    pub role: String,
    pub outlet: String,
    /// The role and outlet of today, which decide what the person may read; `None` if the person has left.
    pub today: Option<(String, String)>,
}

/// Adds a person to a device.
pub(crate) fn join(tx: &Tx<'_>, device: &DeviceId, person: &str, role: &str, outlet: &str) -> Result<(), StoreError> {
    tx.run(
        sql!(
            "INSERT INTO member (device, person, role, outlet) VALUES (?1, ?2, ?3, ?4)
             ON CONFLICT (device, person, role, outlet) DO NOTHING"
        ),
        params![device, person, role, outlet],
    )?;
    Ok(())
}

/// The people of a device.
pub(crate) fn of_device(tx: &Tx<'_>, device: &DeviceId) -> Result<Vec<Member>, StoreError> {
    tx.all(
        sql!(
            "SELECT member.person, member.role, member.outlet, person.role, person.outlet,
               CASE WHEN person.left_at IS NULL THEN 1 ELSE 0 END
             FROM member JOIN person ON person.id = member.person WHERE member.device = ?1
             ORDER BY member.person, member.role, member.outlet"
        ),
        params![device],
        |row| {
            let today = if row.get(5)? { Some((row.get(3)?, row.get(4)?)) } else { None };
            Ok(Member { person: row.get(0)?, role: row.get(1)?, outlet: row.get(2)?, today })
        },
    )
}

/// The enrolled role and outlet of the other people on a device.
pub(crate) fn beside(tx: &Tx<'_>, device: &DeviceId, person: &str) -> Result<Vec<(String, String)>, StoreError> {
    tx.all(sql!("SELECT role, outlet FROM member WHERE device = ?1 AND person <> ?2"), params![device, person], |row| {
        Ok((row.get(0)?, row.get(1)?))
    })
}

/// The accounts on a device.
pub(crate) fn accounts(tx: &Tx<'_>, device: &DeviceId) -> Result<Vec<String>, StoreError> {
    tx.all(sql!("SELECT DISTINCT person FROM member WHERE device = ?1 ORDER BY person"), params![device], |row| row.get(0))
}
