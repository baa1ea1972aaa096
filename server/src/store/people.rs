//! Outlets, people and their one-time codes.

use doorstep_domain::{DeviceId, OutletCode, Role, UnixMs, UserId};
use doorstep_protocol::{OutletRow, PersonRow};

use super::tx::{StoreError, Tx, params, sql};

/// Whether an outlet has this code.
pub(crate) fn is_outlet(tx: &Tx<'_>, code: &str) -> Result<bool, StoreError> {
    tx.exists(sql!("SELECT 1 FROM outlet WHERE code = ?1"), params![code])
}

/// Whether a person has or had this id.
pub(crate) fn is_person(tx: &Tx<'_>, id: &str) -> Result<bool, StoreError> {
    tx.exists(sql!("SELECT 1 FROM person WHERE id = ?1"), params![id])
}

/// The outlet of a person, if they have this role and have not left.
pub(crate) fn outlet_in_role(tx: &Tx<'_>, id: &str, role: Role) -> Result<Option<OutletCode>, StoreError> {
    tx.maybe(sql!("SELECT outlet FROM person WHERE id = ?1 AND role = ?2 AND left_at IS NULL"), params![id, role], |row| {
        row.get(0)
    })
}

/// Adds or changes an outlet. `names`: in Chinese and in English.
pub(crate) fn write_outlet(tx: &Tx<'_>, code: &OutletCode, names: (&str, &str), phone: &str) -> Result<(), StoreError> {
    tx.run(
        sql!(
            "INSERT INTO outlet (code, name_zh, name_en, phone) VALUES (?1, ?2, ?3, ?4)
             ON CONFLICT (code) DO UPDATE SET name_zh = ?2, name_en = ?3, phone = ?4"
        ),
        params![code, names.0, names.1, phone],
    )?;
    Ok(())
}

/// Adds or changes a person. A person who had left is back.
pub(crate) fn write(tx: &Tx<'_>, id: &UserId, name: &str, role: Role, outlet: &str) -> Result<(), StoreError> {
    tx.run(
        sql!(
            "INSERT INTO person (id, name, role, outlet) VALUES (?1, ?2, ?3, ?4)
             ON CONFLICT (id) DO UPDATE SET name = ?2, role = ?3, outlet = ?4, left_at = NULL"
        ),
        params![id, name, role, outlet],
    )?;
    Ok(())
}

/// Notes that a person has left. The first time stays.
pub(crate) fn leave(tx: &Tx<'_>, id: &str, now: UnixMs) -> Result<(), StoreError> {
    tx.run(sql!("UPDATE person SET left_at = coalesce(left_at, ?2) WHERE id = ?1"), params![id, now])?;
    Ok(())
}

/// Stores a one-time code, replacing one with the same beginning.
pub(crate) fn keep_code(tx: &Tx<'_>, id: &str, hash: &[u8], person: &str, expires_at: UnixMs) -> Result<(), StoreError> {
    tx.run(
        sql!(
            "INSERT INTO code (id, hash, person, expires_at) VALUES (?1, ?2, ?3, ?4)
             ON CONFLICT (id) DO UPDATE SET hash = ?2, person = ?3, expires_at = ?4, wrong = 0, redeemed_by = NULL, nonce = NULL"
        ),
        params![id, hash, person, expires_at],
    )?;
    Ok(())
}

/// A stored one-time code.
pub(crate) struct Code {
    pub hash: Vec<u8>,
    pub person: String,
    pub expires_at: UnixMs,
    pub redeemed_by: Option<DeviceId>,
    /// The last nonce that was signed for it.
    pub nonce: Option<Vec<u8>>,
}

/// The code with this id, which is its beginning.
pub(crate) fn code(tx: &Tx<'_>, id: &str) -> Result<Option<Code>, StoreError> {
    tx.maybe(sql!("SELECT hash, person, expires_at, redeemed_by, nonce FROM code WHERE id = ?1"), params![id], |row| {
        Ok(Code { hash: row.get(0)?, person: row.get(1)?, expires_at: row.get(2)?, redeemed_by: row.get(3)?, nonce: row.get(4)? })
    })
}

/// Notes which device has redeemed a code, and the nonce that it signed.
pub(crate) fn redeem_code(tx: &Tx<'_>, id: &str, device: &DeviceId, nonce: &[u8]) -> Result<(), StoreError> {
    tx.run(sql!("UPDATE code SET redeemed_by = ?2, nonce = ?3 WHERE id = ?1"), params![id, device, nonce])?;
    Ok(())
}

/// Ends all codes that are unredeemed at a time. Returns how many of them had not expired.
pub(crate) fn end_codes(tx: &Tx<'_>, at: UnixMs) -> Result<usize, StoreError> {
    tx.run(sql!("UPDATE code SET expires_at = ?1 WHERE redeemed_by IS NULL AND expires_at > ?1"), params![at])
}

/// A person with their present role and outlet.
pub(crate) struct Person {
    pub name: String,
    pub role: String,
    pub outlet: String,
}

/// A person that must exist. Errors: [`StoreError::NoRow`].
pub(crate) fn person(tx: &Tx<'_>, id: &str) -> Result<Person, StoreError> {
    tx.one(sql!("SELECT name, role, outlet FROM person WHERE id = ?1"), params![id], |row| {
        Ok(Person { name: row.get(0)?, role: row.get(1)?, outlet: row.get(2)? })
    })
}

/// Whether a person is a courier of an outlet and has not left.
pub(crate) fn is_courier_of(tx: &Tx<'_>, id: &UserId, outlet: &OutletCode) -> Result<bool, StoreError> {
    tx.exists(
        sql!("SELECT 1 FROM person WHERE id = ?1 AND role = 'courier' AND outlet = ?2 AND left_at IS NULL"),
        params![id, outlet],
    )
}

/// The outlets in the form that devices read.
pub(crate) fn outlets(tx: &Tx<'_>) -> Result<Vec<OutletRow>, StoreError> {
    tx.all(sql!("SELECT code, name_zh, name_en, phone FROM outlet ORDER BY code"), params![], |row| {
        Ok(OutletRow { code: row.get(0)?, name_zh: row.get(1)?, name_en: row.get(2)?, phone: row.get(3)? })
    })
}

/// The people of an outlet in the form that devices read, including those who have left.
pub(crate) fn of_outlet(tx: &Tx<'_>, outlet: &str) -> Result<Vec<PersonRow>, StoreError> {
    tx.all(
        sql!(
            "SELECT id, name, role, outlet, CASE WHEN left_at IS NULL THEN 0 ELSE 1 END FROM person WHERE outlet = ?1 ORDER BY id"
        ),
        params![outlet],
        |row| {
            Ok(PersonRow { account: row.get(0)?, name: row.get(1)?, role: row.get(2)?, outlet: row.get(3)?, left: row.get(4)? })
        },
    )
}
