//! Outlets, people and their one-time codes.

use doorstep_domain::{OutletCode, Role, UnixMs, UserId};

use super::tx::{StoreError, Tx, params, sql};

/// Whether there is an outlet of this code.
pub(crate) fn is_outlet(tx: &Tx<'_>, code: &str) -> Result<bool, StoreError> {
    tx.exists(sql!("SELECT 1 FROM outlet WHERE code = ?1"), params![code])
}

/// Whether there is, or was, a person of this id.
pub(crate) fn is_person(tx: &Tx<'_>, id: &str) -> Result<bool, StoreError> {
    tx.exists(sql!("SELECT 1 FROM person WHERE id = ?1"), params![id])
}

/// The outlet of a person who has this role and has not left.
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

/// Adds or changes a person. One who had left is back.
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

/// Notes that a person has left; the first time counts.
pub(crate) fn leave(tx: &Tx<'_>, id: &str, now: UnixMs) -> Result<(), StoreError> {
    tx.run(sql!("UPDATE person SET left_at = coalesce(left_at, ?2) WHERE id = ?1"), params![id, now])?;
    Ok(())
}

/// Keeps a one-time code in the place of one with the same beginning.
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
