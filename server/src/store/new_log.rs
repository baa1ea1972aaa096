//! The first rows of a new log.

use doorstep_domain::{HistoryId, InstallId};

use super::{
    meta::{self, Meta},
    tx::{StoreError, Tx, params, sql},
};

/// A new log's identity and keys.
pub(crate) struct Fresh {
    pub history: HistoryId,
    /// The signing key, PKCS#8.
    pub signing_key: Vec<u8>,
    pub nonce_key: [u8; 32],
    pub install: InstallId,
}

/// Gives a new log its identity, its keys and the first policy.
pub(crate) fn begin(tx: &Tx<'_>, fresh: &Fresh) -> Result<(), StoreError> {
    let Fresh { history, signing_key, nonce_key, install } = fresh;
    meta::set(tx, Meta::History, history)?;
    meta::set(tx, Meta::SigningKey, signing_key)?;
    meta::set(tx, Meta::NonceKey, nonce_key)?;
    meta::set(tx, Meta::Install, install)?;
    tx.run(
        sql!(
            "INSERT INTO reference (kind, version, body)
             VALUES ('parcels', 1, ?1), ('outlets', 1, ?1), ('pack', 1, ?1), ('policy', 1, ?2)"
        ),
        params![[0_u8; 0], doorstep_rules::FIRST_POLICY],
    )?;
    Ok(())
}

/// Whether a rule pack was ever published.
pub(crate) fn has_pack(tx: &Tx<'_>) -> Result<bool, StoreError> {
    tx.exists(sql!("SELECT 1 FROM pack LIMIT 1"), params![])
}

/// Whether there are parcels without a history of the list.
pub(crate) fn lacks_listing(tx: &Tx<'_>) -> Result<bool, StoreError> {
    Ok(!tx.exists(sql!("SELECT 1 FROM listing LIMIT 1"), params![])?
        && tx.exists(sql!("SELECT 1 FROM parcel LIMIT 1"), params![])?)
}
