//! The server without network and threads, so that its benchmarks measure nothing else. It runs the code of the routes.

use std::path::Path;

use doorstep_domain::{DeviceId, Facts, HistoryId, InstallId, UnixMs};
use doorstep_protocol::{
    EnrolRequest, PROTO_VERSION, Reach, SessionRequest, Spoken, VERSIONS, newest_format, seal,
    signing::{enrol_message, session_message},
};

use crate::{
    AdminError, enrol,
    error::ApiError,
    exchange::{self, Asked},
    facts,
    http::sync,
    keys::Keys,
    open::open,
    packs::Rules,
    project,
    refs::Reads,
    store::{
        db::Store,
        docs,
        meta::{self, Meta},
    },
};

/// A server's data folder, opened by its own routes' code.
pub struct Workbench {
    store: Store,
    rules: Rules,
    keys: Keys,
}

/// A device that redeems a code.
pub struct Newcomer<'a> {
    /// The code.
    pub code: &'a str,
    /// The device's key, an uncompressed point.
    pub public_key: &'a [u8],
    /// The installation.
    pub install: InstallId,
    /// Signs by the device's key.
    pub sign: &'a dyn Fn(&[u8]) -> Vec<u8>,
}

impl Workbench {
    /// Opens a data folder, and sets up an empty one.
    pub fn open(folder: &Path) -> Result<Self, AdminError> {
        let store = open(folder)?;
        let keys = store.read(Keys::read)?;
        Ok(Self { store, rules: Rules::default(), keys })
    }

    /// The id of the log's history.
    pub fn history(&self) -> Result<HistoryId, AdminError> {
        Ok(self.store.read(|tx| meta::need(tx, Meta::History))?)
    }

    /// The facts in the list's row of a parcel; `None` if it is on no list.
    pub fn facts(&self, waybill: &str) -> Result<Option<Facts>, AdminError> {
        Ok(self.store.read(|tx| facts::of_now(tx, waybill))?)
    }

    /// Redeems a code. Returns the token's secret.
    pub fn enrol(&self, new: &Newcomer<'_>, now: UnixMs) -> Result<String, AdminError> {
        let nonce = self.store.read(|tx| Keys::nonce(tx, now))?;
        let message = enrol_message(&nonce, &enrol::code_hash(&enrol::clean_code(new.code)), new.install.as_bytes());
        let request = EnrolRequest {
            code: new.code.to_owned(),
            public_key: new.public_key.to_vec(),
            install: new.install,
            nonce,
            sig: (new.sign)(&message),
        };
        let redeemed = self.store.write(|tx| enrol::redeem(tx, &request, &self.keys, now))?;
        Ok(redeemed?.token.secret)
    }

    /// Gives an enrolled device another token. Returns its secret.
    pub fn session(&self, device: DeviceId, sign: &dyn Fn(&[u8]) -> Vec<u8>, now: UnixMs) -> Result<String, AdminError> {
        let nonce = self.store.read(|tx| Keys::nonce(tx, now))?;
        let request = SessionRequest { device, sig: sign(&session_message(&nonce)), nonce };
        let given = self.store.write(|tx| enrol::session(tx, &request, now))?;
        Ok(given?.token.secret)
    }

    /// Takes the body of a sync and returns the body of its answer: from the token to the compressed answer, with the commit
    /// between.
    pub fn sync(&self, token: &str, body: &[u8], now: UnixMs) -> Result<Vec<u8>, AdminError> {
        let device = self.store.read(|tx| enrol::authenticate(tx, token, None, now))?;
        let (request, batch) = sync::read(body, &device)?;
        let reads = Reads { spoken: Spoken::Version3, format: newest_format(VERSIONS, PROTO_VERSION) };
        let asked = Asked {
            now,
            device,
            spoken: reads.spoken,
            reach: Reach::Whole,
            proto: PROTO_VERSION,
            reads,
            clock: None,
            request,
            batch,
        };
        let answer = exchange::exchange_here(&self.store, &self.keys, &self.rules, asked)?;
        Ok(seal(&answer).map_err(ApiError::from)?)
    }

    /// Brings all rows of head office's list up to date.
    pub fn project(&self, now: UnixMs) -> Result<(), AdminError> {
        Ok(project::catch_up_here(&self.store, &self.rules, now)?)
    }

    /// How many cases wait for their projection.
    pub fn behind(&self) -> Result<u64, AdminError> {
        Ok(self.store.read(docs::unprojected)?.0)
    }
}
