//! The log's single values, by name.

use doorstep_sql::{FromValue, ToValue};

use super::tx::{StoreError, Tx, params, sql};

/// The names of the values.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Meta {
    /// The log's id, 16 bytes.
    History,
    /// The ids of histories that ended with a restore, concatenated.
    FormerHistories,
    /// The newest signing key, PKCS#8.
    SigningKey,
    /// The key that marks nonces, 32 bytes.
    NonceKey,
    /// The key that marks recipients' numbers.
    RecipientKey,
    /// The installation under which the server writes.
    Install,
    /// The installations under which the server wrote before a restore, concatenated.
    FormerInstalls,
    /// The device id of the server's own entries, once its first key was replaced.
    ServerDevice,
    /// The database's file when it was last served, and the number of starts.
    Place,
    /// The history and the counter of an answer that proves a loss.
    Loss,
    /// Since when SMS are held, 8 bytes.
    SmsHeld,
    /// A doubt about the clock: the newest known contact and the clock's time, 8 bytes each.
    ClockDoubt,
    /// When an operator last confirmed the clock, by that clock, 8 bytes.
    ClockWord,
    /// When the newest completed audit of the whole log began, 8 bytes.
    LogLooked,
}

impl Meta {
    fn key(self) -> &'static str {
        match self {
            Self::History => "history",
            Self::FormerHistories => "former_histories",
            Self::SigningKey => "signing_key",
            Self::NonceKey => "nonce_key",
            Self::RecipientKey => "recipient_key",
            Self::Install => "install",
            Self::FormerInstalls => "former_installs",
            Self::ServerDevice => "server_device",
            Self::Place => "place",
            Self::Loss => "loss",
            Self::SmsHeld => "sms_held",
            Self::ClockDoubt => "clock_doubt",
            Self::ClockWord => "clock_word",
            Self::LogLooked => "log_looked",
        }
    }
}

/// Reads a value that may be absent.
pub(crate) fn get<T: FromValue>(tx: &Tx<'_>, meta: Meta) -> Result<Option<T>, StoreError> {
    tx.maybe(sql!("SELECT value FROM meta WHERE key = ?1"), params![meta.key()], |row| row.get(0))
}

/// Reads a value that must be present. Errors: [`StoreError::NoRow`].
pub(crate) fn need<T: FromValue>(tx: &Tx<'_>, meta: Meta) -> Result<T, StoreError> {
    get(tx, meta)?.ok_or(StoreError::NoRow)
}

/// Writes a value, replacing the one before.
pub(crate) fn set(tx: &Tx<'_>, meta: Meta, value: &dyn ToValue) -> Result<(), StoreError> {
    tx.run(
        sql!("INSERT INTO meta (key, value) VALUES (?1, ?2) ON CONFLICT (key) DO UPDATE SET value = ?2"),
        params![meta.key(), value],
    )?;
    Ok(())
}

/// Writes a value unless there is one.
pub(crate) fn set_first(tx: &Tx<'_>, meta: Meta, value: &dyn ToValue) -> Result<(), StoreError> {
    tx.run(sql!("INSERT INTO meta (key, value) VALUES (?1, ?2) ON CONFLICT (key) DO NOTHING"), params![meta.key(), value])?;
    Ok(())
}

/// Drops a value. False if there was none.
pub(crate) fn drop(tx: &Tx<'_>, meta: Meta) -> Result<bool, StoreError> {
    Ok(tx.run(sql!("DELETE FROM meta WHERE key = ?1"), params![meta.key()])? > 0)
}

/// The concatenated ids of a value; empty if it is absent. Malformed ids are left out.
pub(crate) fn ids<T: for<'a> TryFrom<&'a [u8]>>(tx: &Tx<'_>, meta: Meta) -> Result<Vec<T>, StoreError> {
    let value: Vec<u8> = get(tx, meta)?.unwrap_or_default();
    Ok(value.chunks(16).filter_map(|bytes| T::try_from(bytes).ok()).collect())
}

/// Replaces an id and appends the one before to the former ids.
pub(crate) fn follow(tx: &Tx<'_>, meta: Meta, former: Meta, value: &[u8; 16]) -> Result<(), StoreError> {
    let mut before: Vec<u8> = get(tx, former)?.unwrap_or_default();
    before.extend(need::<[u8; 16]>(tx, meta)?);
    set(tx, former, &before)?;
    set(tx, meta, value)
}
