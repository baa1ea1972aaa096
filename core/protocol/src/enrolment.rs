//! Messages of enrolment (a code enrols a device) and of sessions (a signature gets a token).

use doorstep_domain::{DeviceId, InstallId};
use minicbor::{Decode, Encode};

use crate::{Token, id};

/// `POST /v1/nonce`: a fresh value to sign. The server does not store it; it recognises its own nonces by their HMAC.
#[derive(Debug, Clone, PartialEq, Encode, Decode)]
#[cbor(map)]
pub struct NonceResponse {
    /// The nonce, valid for five minutes.
    #[cbor(n(0), with = "minicbor::bytes")]
    pub nonce: Vec<u8>,
    /// The server's clock.
    #[n(1)]
    pub now_ms: i64,
}

/// `POST /v1/enrol`: redeems a one-time code. Redeeming again with the same key gives a new token, so a lost answer does no harm.
#[derive(Debug, Clone, PartialEq, Encode, Decode)]
#[cbor(map)]
pub struct EnrolRequest {
    /// The code from head office, as typed.
    #[n(0)]
    pub code: String,
    /// The device's public key: P-256, uncompressed point, 65 bytes. The device's id is its hash.
    #[cbor(n(1), with = "minicbor::bytes")]
    pub public_key: Vec<u8>,
    /// The installation.
    #[cbor(n(2), with = "id")]
    pub install: InstallId,
    /// The server's nonce.
    #[cbor(n(3), with = "minicbor::bytes")]
    pub nonce: Vec<u8>,
    /// ES256 over [`crate::signing::enrol_message`].
    #[cbor(n(4), with = "minicbor::bytes")]
    pub sig: Vec<u8>,
}

/// The answer to an enrolment.
#[derive(Debug, Clone, PartialEq, Encode, Decode)]
#[cbor(map)]
pub struct EnrolResponse {
    /// The bearer token.
    #[n(0)]
    pub token: Token,
    /// The account that the code was for.
    #[n(1)]
    pub user: String,
    /// Its role.
    #[n(2)]
    pub role: String,
    /// Its outlet.
    #[n(3)]
    pub outlet: String,
    /// The person's name, for the screen.
    #[n(4)]
    pub name: String,
    /// The server's clock.
    #[n(5)]
    pub now_ms: i64,
    /// The server's public key, which verifies receipts: P-256, uncompressed point.
    #[cbor(n(6), with = "minicbor::bytes")]
    pub server_key: Vec<u8>,
}

/// `POST /v1/session`: an enrolled device gets a new token for a signature, when its old token is no longer valid.
#[derive(Debug, Clone, PartialEq, Encode, Decode)]
#[cbor(map)]
pub struct SessionRequest {
    /// The device.
    #[cbor(n(0), with = "id")]
    pub device: DeviceId,
    /// The server's nonce.
    #[cbor(n(1), with = "minicbor::bytes")]
    pub nonce: Vec<u8>,
    /// ES256 over [`crate::signing::session_message`].
    #[cbor(n(2), with = "minicbor::bytes")]
    pub sig: Vec<u8>,
}

/// The answer to a session request.
#[derive(Debug, Clone, PartialEq, Encode, Decode)]
#[cbor(map)]
pub struct SessionResponse {
    /// The bearer token.
    #[n(0)]
    pub token: Token,
    /// The server's clock.
    #[n(1)]
    pub now_ms: i64,
}
