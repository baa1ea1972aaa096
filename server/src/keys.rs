//! The server's own key: it signs receipts, and its nonces are known again by their mark.

use std::sync::Arc;

use doorstep_domain::{DeviceId, Digest, HistoryId, InstallId, UnixMs};
use doorstep_protocol::{
    Signed, WipeOrder,
    signing::{answer_leaf, answer_message, leaves_message, pack_message, wipe_message},
};
use ring::{
    hmac,
    rand::SystemRandom,
    signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair},
};
use rusqlite::Connection;

use crate::{db, error::ApiError};

/// How long a nonce may wait for its signature.
const NONCE_MS: i64 = 5 * 60_000;

/// The keys of one log. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Keys {
    pair: Arc<EcdsaKeyPair>,
    nonce: hmac::Key,
    /// The actor of what the server itself writes (released entries).
    pub install: InstallId,
}

/// A new signing key, PKCS#8.
pub(crate) fn generate() -> Option<Vec<u8>> {
    let pkcs8 = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &SystemRandom::new()).ok()?;
    Some(pkcs8.as_ref().to_vec())
}

impl Keys {
    /// The keys that the log was begun with.
    pub(crate) fn read(db: &Connection) -> Result<Self, ApiError> {
        let meta = |key: &str| db.query_row("SELECT value FROM meta WHERE key = ?1", [key], |row| row.get::<_, Vec<u8>>(0));
        let random = SystemRandom::new();
        let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &meta("signing_key")?, &random)
            .map_err(|_| ApiError::Internal("the signing key"))?;
        let install = InstallId::try_from(meta("install")?.as_slice()).map_err(|_| ApiError::Internal("the server's install"))?;
        Ok(Self { pair: Arc::new(pair), nonce: hmac::Key::new(hmac::HMAC_SHA256, &meta("nonce_key")?), install })
    }

    /// The public key, by which devices check receipts.
    pub(crate) fn public(&self) -> Vec<u8> {
        self.pair.public_key().as_ref().to_vec()
    }

    /// Signs a part of an answer for the device that asked.
    pub(crate) fn sign<T: minicbor::Encode<()>>(&self, device: &DeviceId, message: &T) -> Result<Signed, ApiError> {
        let body = doorstep_protocol::encode(message)?;
        let sig = self.pair.sign(&SystemRandom::new(), &answer_message(device.as_bytes(), &body));
        Ok(Signed { body, sig: sig.map_err(|_| ApiError::Internal("no randomness"))?.as_ref().to_vec() })
    }

    /// Signs an answer of version 3: its body, and each document's receipts as a leaf of their own.
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

    /// Signs a published rule pack, for every device.
    pub(crate) fn sign_pack(&self, body: &[u8]) -> Result<Vec<u8>, ApiError> {
        let sig = self.pair.sign(&SystemRandom::new(), &pack_message(body));
        Ok(sig.map_err(|_| ApiError::Internal("no randomness"))?.as_ref().to_vec())
    }

    /// Something fresh to sign. Nothing of it is stored: a stranger who asks for a million of them fills no disk.
    pub(crate) fn nonce(&self, now: UnixMs) -> Result<Vec<u8>, ApiError> {
        let mut nonce = now.0.to_be_bytes().to_vec();
        nonce.extend(db::random::<16>().ok_or(ApiError::Internal("no randomness"))?);
        let mark = hmac::sign(&self.nonce, &nonce);
        nonce.extend(mark.as_ref());
        Ok(nonce)
    }

    /// Whether a nonce is this server's and fresh.
    pub(crate) fn is_fresh(&self, nonce: &[u8], now: UnixMs) -> bool {
        let Some((made, mark)) = nonce.split_at_checked(24) else { return false };
        let at = made.first_chunk::<8>().map_or(0, |bytes| i64::from_be_bytes(*bytes));
        hmac::verify(&self.nonce, made, mark).is_ok() && (0..=NONCE_MS).contains(&now.since(UnixMs(at)))
    }
}
