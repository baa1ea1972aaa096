//! Replaces the signing key. The old key signs the new one, and goes on signing for each device until that device reports the new
//! one: a device that can not verify an answer takes it for a broken connection.

use doorstep_domain::{DeviceId, UnixMs};
use doorstep_protocol::{KeyHash, Succession};
use serde::Serialize;

use crate::{
    error::ApiError,
    keys::{self, Keys},
    store::{
        self,
        meta::{self, Meta},
        tx::Tx,
    },
};

/// A replaced key that devices still pin.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Pinned {
    /// The first bytes of the replaced public key's SHA-256, in hexadecimal.
    pub key: String,
    /// When it was replaced.
    pub replaced_at: UnixMs,
    /// How many devices pin it.
    pub devices: u64,
    /// How many of these are not revoked.
    pub in_use: u64,
}

/// Makes a new signing key. Published rule packs are signed anew with it. The server's own entries keep their author.
pub(crate) fn replace(tx: &Tx<'_>, now: UnixMs) -> Result<(), ApiError> {
    let old = Keys::read(tx)?;
    let pkcs8 = keys::generate().ok_or(ApiError::Internal("no randomness"))?;
    let new = old.with(&pkcs8)?;
    let word = old.sign_key(&Succession { next: new.public(), made_ms: now.0 })?;
    let replaced: Vec<u8> = meta::need(tx, Meta::SigningKey)?;
    store::keys::keep_replaced(tx, &old.public(), &replaced, &word, now)?;
    meta::set(tx, Meta::SigningKey, &pkcs8)?;
    // The server's own entries keep the device id of its first key.
    meta::set_first(tx, Meta::ServerDevice, &old.device)?;
    for (version, body) in store::packs::bodies(tx)? {
        store::packs::sign_anew(tx, version, &new.sign_pack(&body)?)?;
    }
    Ok(())
}

/// Lists the replaced keys with the number of devices that still pin each, newest first.
pub(crate) fn pinned(tx: &Tx<'_>) -> Result<Vec<Pinned>, ApiError> {
    let shown = |pinned: store::keys::PinnedKey| {
        let KeyHash(hash) = KeyHash::of(&pinned.public);
        let key = hash.iter().take(8).map(|byte| format!("{byte:02x}")).collect();
        Pinned { key, replaced_at: pinned.replaced_at, devices: pinned.devices, in_use: pinned.in_use }
    };
    Ok(store::keys::pinned(tx)?.into_iter().map(shown).collect())
}

/// Notes which key a device pins. A device that pins a key which was never the server's must be enrolled again.
pub(crate) fn note(tx: &Tx<'_>, device: &DeviceId, newest: &Keys, pins: KeyHash) -> Result<(), ApiError> {
    let pinned = if KeyHash::of(&newest.public()) == pins {
        None
    } else {
        let known = store::keys::replaced(tx)?;
        let Some(public) = known.into_iter().find(|public| KeyHash::of(public) == pins) else { return Ok(()) };
        Some(public)
    };
    Ok(store::keys::pin(tx, device, pinned.as_deref())?)
}
