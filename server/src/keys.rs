//! The server's own keys: one signs receipts, and another marks nonces so that the server recognises them.

use std::sync::Arc;

use doorstep_domain::{DeviceId, Digest, HistoryId, InstallId, Tag, UnixMs};
use doorstep_protocol::{
    Signed, Succession, WipeOrder,
    signing::{answer_leaf, answer_message, key_message, leaves_message, pack_message, wipe_message},
};
use ring::{
    hmac,
    rand::SystemRandom,
    signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair},
};

use crate::{
    clock,
    error::ApiError,
    random,
    store::{
        self,
        meta::{self, Meta},
        tx::{StoreError, Tx},
    },
};

/// How long a nonce is valid.
const NONCE_MS: i64 = 5 * 60_000;

/// The keys of one log, with the signing key that was newest at their reading. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Keys {
    pair: Arc<EcdsaKeyPair>,
    /// The signing key as it is in the database. A comparison shows whether it is still the newest.
    pkcs8: Arc<Vec<u8>>,
    /// The device id of the server's own entries. It stays the first key's even after that key was replaced.
    pub device: DeviceId,
    /// The installation under which the server writes its own entries.
    pub install: InstallId,
}

/// Whether an installation is one that the server uses or has used, or has the tag of one. No device may use it.
pub(crate) fn is_the_servers(tx: &Tx<'_>, install: &InstallId) -> Result<bool, ApiError> {
    let tag = Tag::of(install);
    let mut ours: Vec<InstallId> = meta::ids(tx, Meta::FormerInstalls)?;
    ours.push(meta::need(tx, Meta::Install)?);
    Ok(ours.iter().any(|ours| ours == install || Tag::of(ours) == tag))
}

/// Makes another installation the server's current one. The earlier one stays reserved for the server.
pub(crate) fn change_install(tx: &Tx<'_>, install: &InstallId) -> Result<(), StoreError> {
    meta::follow(tx, Meta::Install, Meta::FormerInstalls, install.as_bytes())
}

/// Begins a new history and records the one before it.
pub(crate) fn change_history(tx: &Tx<'_>, history: &HistoryId) -> Result<(), StoreError> {
    meta::follow(tx, Meta::History, Meta::FormerHistories, history.as_bytes())
}

/// Makes a new signing key, PKCS#8.
pub(crate) fn generate() -> Option<Vec<u8>> {
    let pkcs8 = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &SystemRandom::new()).ok()?;
    Some(pkcs8.as_ref().to_vec())
}

impl Keys {
    /// Reads the keys with the newest signing key.
    pub(crate) fn read(tx: &Tx<'_>) -> Result<Self, ApiError> {
        let pkcs8: Vec<u8> = meta::need(tx, Meta::SigningKey)?;
        let pair = pair_of(&pkcs8)?;
        let first = meta::get(tx, Meta::ServerDevice)?;
        let device = first.unwrap_or_else(|| DeviceId::of(pair.public_key().as_ref()));
        let install = meta::need(tx, Meta::Install)?;
        Ok(Self { pair: Arc::new(pair), pkcs8: Arc::new(pkcs8), device, install })
    }

    /// These keys with another signing key.
    pub(crate) fn with(&self, pkcs8: &[u8]) -> Result<Self, ApiError> {
        if *self.pkcs8 == pkcs8 {
            return Ok(self.clone());
        }
        Ok(Self { pair: Arc::new(pair_of(pkcs8)?), pkcs8: Arc::new(pkcs8.to_vec()), ..self.clone() })
    }

    /// These keys with the newest signing key, which may have been replaced since they were read.
    pub(crate) fn newest(&self, tx: &Tx<'_>) -> Result<Self, ApiError> {
        self.with(&meta::need::<Vec<u8>>(tx, Meta::SigningKey)?)
    }

    /// The keys with the signing key that a device pins. If that key was replaced, its signature on the next key comes with them.
    pub(crate) fn of_device(&self, tx: &Tx<'_>, device: &DeviceId) -> Result<(Self, Option<Signed>), ApiError> {
        match store::keys::of_device(tx, device)? {
            Some((pkcs8, succession)) => Ok((self.with(&pkcs8)?, Some(succession))),
            None => Ok((self.newest(tx)?, None)),
        }
    }

    /// The public key. Devices verify receipts with it.
    pub(crate) fn public(&self) -> Vec<u8> {
        self.pair.public_key().as_ref().to_vec()
    }

    /// The public keys of the log, the newest and those before it. A signature of any of them is the server's.
    pub(crate) fn own(tx: &Tx<'_>) -> Result<Vec<Vec<u8>>, ApiError> {
        let mut own = vec![Self::read(tx)?.public()];
        own.extend(store::keys::replaced(tx)?);
        Ok(own)
    }

    /// Signs a part of an answer for the device that asked.
    pub(crate) fn sign<T: minicbor::Encode<()>>(&self, device: &DeviceId, message: &T) -> Result<Signed, ApiError> {
        let body = doorstep_protocol::encode(message)?;
        let sig = self.pair.sign(&SystemRandom::new(), &answer_message(device.as_bytes(), &body));
        Ok(Signed { body, sig: sig.map_err(|_| ApiError::Internal("no randomness"))?.as_ref().to_vec() })
    }

    /// Signs an answer of version 3: its body, and one leaf for each document's receipts.
    pub(crate) fn sign_leaves(
        &self,
        device: &DeviceId,
        (history, counter): (&HistoryId, u64),
        body: Vec<u8>,
        leaves: Vec<Digest>,
    ) -> Result<Signed, ApiError> {
        let of_body = answer_leaf(device.as_bytes(), &body);
        let message = leaves_message(history, counter, std::iter::once(&of_body).chain(&leaves));
        let sig = self.pair.sign(&SystemRandom::new(), &message);
        Ok(Signed { body, sig: sig.map_err(|_| ApiError::Internal("no randomness"))?.as_ref().to_vec() })
    }

    /// Signs the order to wipe an installation of a device.
    pub(crate) fn sign_wipe(&self, device: &DeviceId, order: &WipeOrder) -> Result<Signed, ApiError> {
        let body = doorstep_protocol::encode(order)?;
        let sig = self.pair.sign(&SystemRandom::new(), &wipe_message(device.as_bytes(), &body));
        Ok(Signed { body, sig: sig.map_err(|_| ApiError::Internal("no randomness"))?.as_ref().to_vec() })
    }

    /// Signs the next key.
    pub(crate) fn sign_key(&self, next: &Succession) -> Result<Signed, ApiError> {
        let body = doorstep_protocol::encode(next)?;
        let sig = self.pair.sign(&SystemRandom::new(), &key_message(&body));
        Ok(Signed { body, sig: sig.map_err(|_| ApiError::Internal("no randomness"))?.as_ref().to_vec() })
    }

    /// Signs a published rule pack, for every device.
    pub(crate) fn sign_pack(&self, body: &[u8]) -> Result<Vec<u8>, ApiError> {
        let sig = self.pair.sign(&SystemRandom::new(), &pack_message(body));
        Ok(sig.map_err(|_| ApiError::Internal("no randomness"))?.as_ref().to_vec())
    }

    /// Signs a link of the log.
    pub(crate) fn sign_link(&self, message: &[u8]) -> Result<Vec<u8>, ApiError> {
        let sig = self.pair.sign(&SystemRandom::new(), message);
        Ok(sig.map_err(|_| ApiError::Internal("no randomness"))?.as_ref().to_vec())
    }

    /// Makes a nonce for a device to sign. It is not stored, so that a stranger who asks for a million of them does not fill the
    /// disk.
    pub(crate) fn nonce(tx: &Tx<'_>, now: UnixMs) -> Result<Vec<u8>, ApiError> {
        let mut nonce = now.0.to_be_bytes().to_vec();
        nonce.extend(random::bytes::<16>().ok_or(ApiError::Internal("no randomness"))?);
        let mark = hmac::sign(&nonce_key(tx)?, &nonce);
        nonce.extend(mark.as_ref());
        Ok(nonce)
    }

    /// Whether a nonce is fresh and made by this server.
    pub(crate) fn is_fresh(tx: &Tx<'_>, nonce: &[u8], now: UnixMs) -> Result<bool, ApiError> {
        let Some((made, mark)) = nonce.split_at_checked(24) else { return Ok(false) };
        let at = clock::time_of_nonce(made).unwrap_or(UnixMs(0));
        Ok(hmac::verify(&nonce_key(tx)?, made, mark).is_ok() && (0..=NONCE_MS).contains(&now.since(at)))
    }
}

fn pair_of(pkcs8: &[u8]) -> Result<EcdsaKeyPair, ApiError> {
    EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, pkcs8, &SystemRandom::new())
        .map_err(|_| ApiError::Internal("the signing key"))
}

/// Reads the nonce key. It is not cached, because it changes when a clock that was ahead is found.
fn nonce_key(tx: &Tx<'_>) -> Result<hmac::Key, ApiError> {
    Ok(hmac::Key::new(hmac::HMAC_SHA256, &meta::need::<Vec<u8>>(tx, Meta::NonceKey)?))
}
