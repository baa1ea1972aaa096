//! The server's own key: it signs receipts, and its nonces are known again by their mark.

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
use rusqlite::{Connection, OptionalExtension};

use crate::{clock, db, error::ApiError, replace_key};

/// In `meta`: as whose device the server's own entries are kept, once its first key was replaced.
pub(crate) const AUTHOR: &str = "server_device";
/// In `meta`: the installations under which the server wrote before it was put back from a copy, one after the other.
const FORMER: &str = "former_installs";
/// How long a nonce may wait for its signature.
const NONCE_MS: i64 = 5 * 60_000;

/// The keys of one log, with the signing key that was the newest when they were read. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Keys {
    pair: Arc<EcdsaKeyPair>,
    /// As it is in the database: whether it is still the newest shows there.
    pkcs8: Arc<Vec<u8>>,
    /// As whose device the server's own entries are kept: the first key's, also when that was replaced.
    pub device: DeviceId,
    /// The actor of what the server itself writes (released entries).
    pub install: InstallId,
}

/// Whether an installation is one under which the server writes or wrote, or has the tag of one: entries of it are nobody else's.
pub(crate) fn is_the_servers(db: &Connection, install: &InstallId) -> Result<bool, ApiError> {
    let mut query = db.prepare_cached("SELECT value FROM meta WHERE key IN ('install', ?1)")?;
    let rows = query.query_map([FORMER], |row| row.get::<_, Vec<u8>>(0))?.collect::<Result<Vec<_>, _>>()?;
    let tag = Tag::of(install);
    let mut ours = rows.iter().flat_map(|row| row.chunks(16)).filter_map(|bytes| InstallId::try_from(bytes).ok());
    Ok(ours.any(|ours| ours == *install || Tag::of(&ours) == tag))
}

/// From now on the server writes under another installation; the one before it stays its own.
pub(crate) fn change_install(db: &Connection, install: &InstallId) -> rusqlite::Result<()> {
    follow(db, "install", FORMER, install.as_bytes())
}

/// Another value takes a key's place in `meta`; the one before it joins those of before, one after the other.
fn follow(db: &Connection, key: &str, former: &str, value: &[u8; 16]) -> rusqlite::Result<()> {
    db.execute(
        "INSERT INTO meta (key, value) SELECT ?2, value FROM meta WHERE key = ?1
         ON CONFLICT (key) DO UPDATE SET value = CAST(meta.value || excluded.value AS BLOB)",
        [key, former],
    )?;
    db.execute("UPDATE meta SET value = ?2 WHERE key = ?1", (key, value))?;
    Ok(())
}

/// In `meta`: the histories before the server was put back from a copy, one after the other.
const HISTORIES: &str = "former_histories";

/// A new history begins; the one before it is remembered.
pub(crate) fn change_history(db: &Connection, history: &HistoryId) -> rusqlite::Result<()> {
    follow(db, "history", HISTORIES, history.as_bytes())
}

/// The histories of this server that ended when it was put back from a copy.
pub(crate) fn former_histories(db: &Connection) -> Result<Vec<HistoryId>, ApiError> {
    let value: Option<Vec<u8>> =
        db.query_row("SELECT value FROM meta WHERE key = ?1", [HISTORIES], |row| row.get(0)).optional()?;
    Ok(value.unwrap_or_default().chunks(16).filter_map(|bytes| HistoryId::try_from(bytes).ok()).collect())
}

/// A new signing key, PKCS#8.
pub(crate) fn generate() -> Option<Vec<u8>> {
    let pkcs8 = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &SystemRandom::new()).ok()?;
    Some(pkcs8.as_ref().to_vec())
}

impl Keys {
    /// The keys with the newest signing key.
    pub(crate) fn read(db: &Connection) -> Result<Self, ApiError> {
        let meta = |key: &str| db.query_row("SELECT value FROM meta WHERE key = ?1", [key], |row| row.get::<_, Vec<u8>>(0));
        let pkcs8 = meta("signing_key")?;
        let pair = pair_of(&pkcs8)?;
        let device = match meta(AUTHOR).optional()? {
            Some(device) => DeviceId::try_from(device.as_slice()).map_err(|_| ApiError::Internal("the server's device"))?,
            None => DeviceId::of(pair.public_key().as_ref()),
        };
        let install = InstallId::try_from(meta("install")?.as_slice()).map_err(|_| ApiError::Internal("the server's install"))?;
        Ok(Self { pair: Arc::new(pair), pkcs8: Arc::new(pkcs8), device, install })
    }

    /// The same with another signing key.
    pub(crate) fn with(&self, pkcs8: &[u8]) -> Result<Self, ApiError> {
        if *self.pkcs8 == pkcs8 {
            return Ok(self.clone());
        }
        Ok(Self { pair: Arc::new(pair_of(pkcs8)?), pkcs8: Arc::new(pkcs8.to_vec()), ..self.clone() })
    }

    /// With the newest signing key: it may have been replaced since these were read.
    pub(crate) fn newest(&self, db: &Connection) -> Result<Self, ApiError> {
        let mut query = db.prepare_cached("SELECT value FROM meta WHERE key = 'signing_key'")?;
        self.with(&query.query_row([], |row| row.get::<_, Vec<u8>>(0))?)
    }

    /// With the signing key that a device pins, and that key's word on the next one if it was replaced.
    pub(crate) fn of_device(&self, db: &Connection, device: &DeviceId) -> Result<(Self, Option<Signed>), ApiError> {
        match replace_key::of_device(db, device)? {
            Some((pkcs8, succession)) => Ok((self.with(&pkcs8)?, Some(succession))),
            None => Ok((self.newest(db)?, None)),
        }
    }

    /// The public key, by which devices check receipts.
    pub(crate) fn public(&self) -> Vec<u8> {
        self.pair.public_key().as_ref().to_vec()
    }

    /// The newest public key of the log, and those that it replaced: what any of them has signed, this server has.
    pub(crate) fn own(db: &Connection) -> Result<Vec<Vec<u8>>, ApiError> {
        let mut own = vec![Self::read(db)?.public()];
        let mut query = db.prepare_cached("SELECT public FROM replaced_key")?;
        for public in query.query_map([], |row| row.get(0))? {
            own.push(public?);
        }
        Ok(own)
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

    /// Vouches for the next key.
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

    /// Something fresh to sign. Nothing of it is stored: a stranger who asks for a million of them fills no disk.
    pub(crate) fn nonce(db: &Connection, now: UnixMs) -> Result<Vec<u8>, ApiError> {
        let mut nonce = now.0.to_be_bytes().to_vec();
        nonce.extend(db::random::<16>().ok_or(ApiError::Internal("no randomness"))?);
        let mark = hmac::sign(&nonce_key(db)?, &nonce);
        nonce.extend(mark.as_ref());
        Ok(nonce)
    }

    /// Whether a nonce is this server's and fresh.
    pub(crate) fn is_fresh(db: &Connection, nonce: &[u8], now: UnixMs) -> Result<bool, ApiError> {
        let Some((made, mark)) = nonce.split_at_checked(24) else { return Ok(false) };
        let at = clock::time_of_nonce(made).unwrap_or(UnixMs(0));
        Ok(hmac::verify(&nonce_key(db)?, made, mark).is_ok() && (0..=NONCE_MS).contains(&now.since(at)))
    }
}

fn pair_of(pkcs8: &[u8]) -> Result<EcdsaKeyPair, ApiError> {
    EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, pkcs8, &SystemRandom::new())
        .map_err(|_| ApiError::Internal("the signing key"))
}

/// Read for each use: it changes when a clock that was ahead is found.
fn nonce_key(db: &Connection) -> Result<hmac::Key, ApiError> {
    let mut query = db.prepare_cached("SELECT value FROM meta WHERE key = 'nonce_key'")?;
    Ok(hmac::Key::new(hmac::HMAC_SHA256, &query.query_row([], |row| row.get::<_, Vec<u8>>(0))?))
}
