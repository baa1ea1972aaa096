//! Single values of the log: each has a name of its own.

use doorstep_sql::{FromValue, ToValue};

use super::tx::{StoreError, Tx, params, sql};

/// What a row of `meta` holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Meta {
    /// The log's id, 16 bytes.
    History,
    /// The ids of histories that ended when the server was put back from a copy, one after the other.
    FormerHistories,
    /// The newest signing key, PKCS#8.
    SigningKey,
    /// The key that marks nonces, 32 bytes.
    NonceKey,
    /// The key that marks recipients' numbers.
    RecipientKey,
    /// The installation under which the server writes.
    Install,
    /// The installations under which it wrote before it was put back from a copy, one after the other.
    FormerInstalls,
    /// As whose device the server's own entries are kept, once its first key was replaced.
    ServerDevice,
    /// In which file the database was when it was served last, and how often it had been served.
    Place,
    /// The history and the counter of an answer which proves that the log has lost something.
    Loss,
    /// Since when SMS are held, 8 bytes.
    SmsHeld,
    /// A doubt about the clock: the newest contact that was known, and what the clock said, 8 bytes each.
    ClockDoubt,
    /// When an operator last said that the clock is right, by that clock, 8 bytes.
    ClockWord,
    /// When a look over all of the log was over last, by the clock at its beginning, 8 bytes.
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

/// A value that may be there.
pub(crate) fn get<T: FromValue>(tx: &Tx<'_>, meta: Meta) -> Result<Option<T>, StoreError> {
    tx.maybe(sql!("SELECT value FROM meta WHERE key = ?1"), params![meta.key()], |row| row.get(0))
}

/// A value that must be there. Errors: [`StoreError::NoRow`].
pub(crate) fn need<T: FromValue>(tx: &Tx<'_>, meta: Meta) -> Result<T, StoreError> {
    get(tx, meta)?.ok_or(StoreError::NoRow)
}

/// Writes a value in the place of the one before.
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

/// The ids that stand one after the other in a value; none if it is not there. What is no id is left out.
pub(crate) fn ids<T: for<'a> TryFrom<&'a [u8]>>(tx: &Tx<'_>, meta: Meta) -> Result<Vec<T>, StoreError> {
    let value: Vec<u8> = get(tx, meta)?.unwrap_or_default();
    Ok(value.chunks(16).filter_map(|bytes| T::try_from(bytes).ok()).collect())
}

/// Another id takes the place of a value; the one before it joins those of before.
pub(crate) fn follow(tx: &Tx<'_>, meta: Meta, former: Meta, value: &[u8; 16]) -> Result<(), StoreError> {
    let mut before: Vec<u8> = get(tx, former)?.unwrap_or_default();
    before.extend(need::<[u8; 16]>(tx, meta)?);
    set(tx, former, &before)?;
    set(tx, meta, value)
}
