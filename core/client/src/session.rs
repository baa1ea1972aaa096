//! Enrolment, sessions with the server, and the person at the device.

use std::{num::NonZeroU32, sync::atomic::Ordering};

use doorstep_domain::{Author, DeviceId, InstallId, UnixMs, UserId};
use doorstep_protocol::{
    EnrolRequest, EnrolResponse, ErrorCode, NonceResponse, SessionRequest, SessionResponse, Token, decode,
    signing::{enrol_message, renewal_message, session_message},
};
use doorstep_store::{Enrolment, Identity, Member, Session};
use doorstep_sync::{Block, Failure};
use reqwest::{Method, Url};
use ring::pbkdf2;
use sha2::{Digest, Sha256};

use crate::{
    Client, ClientError, Refusal, SignError, Unreached,
    http::{self, Call, Cost, packed},
    inner::Inner,
    random::random,
    reach::{address, of_answer, of_lost},
};

/// Remaining time of a token below which the device asks for renewal.
const RENEW_MS: i64 = 30 * 60_000;
/// Number of wrong PINs after which only a new code from head office unlocks.
pub const MOST_WRONG_PINS: u32 = 5;
/// Rounds of a PIN's hash, which take a tenth of a second on a cheap phone. A PIN of six digits cannot be kept secret from the
/// holder of the file. It only keeps colleagues out; the platform's encryption must keep others out.
const PIN_ROUNDS: u32 = 100_000;

impl Client {
    /// Redeems a one-time code with a signature of this device's key, then fetches rules, directory, parcels and cases. If only
    /// the enrolment itself succeeds, the rest comes with the next sync. On an outlet's tablet the code of a second person adds
    /// that person.
    pub async fn enrol(&self, server: &str, code: &str) -> Result<Identity, ClientError> {
        let server = server.trim().trim_end_matches('/');
        if !server.starts_with("http://") && !server.starts_with("https://") {
            return Err(ClientError::Server);
        }
        http::allow(server, self.inner.transport.insecure)?;
        let mut tries = 0;
        let enrolment = loop {
            match self.redeem(server, code, tries > 0).await {
                // The installation belongs to another device (the key was replaced), or its tag is taken. Try once with a new
                // installation.
                Err(ClientError::Network(Failure::Refused(ErrorCode::TagTaken))) if tries == 0 => tries += 1,
                other => break other?,
            }
        };
        let now = self.inner.now()?;
        self.inner.step(|inner| inner.store().enrol(&enrolment, now))?;
        self.inner.changed();
        self.sync().await.ok();
        self.identity()?.ok_or(ClientError::Refused(Refusal::NotEnrolled))
    }

    async fn redeem(&self, server: &str, code: &str, fresh_install: bool) -> Result<Enrolment, ClientError> {
        let public_key = self.inner.signer.public_key();
        if public_key.is_empty() {
            return Err(ClientError::Key(SignError::Missing));
        }
        let device = DeviceId::of(&public_key);
        let fresh = InstallId::new(random()?);
        let install = self.inner.step(|inner| {
            let mut store = inner.store();
            let same_key = store.device()?.is_none_or(|had| had == device);
            if same_key && !fresh_install { store.installation(fresh) } else { Ok(fresh) }
        })?;
        let nonce: NonceResponse = self.inner.greet(server, "/v1/nonce", vec![]).await?;
        let clean: String = code.chars().filter(char::is_ascii_alphanumeric).collect::<String>().to_ascii_uppercase();
        let message = enrol_message(&nonce.nonce, &Sha256::digest(clean).into(), install.as_bytes());
        let sig = self.inner.sign_with_present_key(message).await?;
        let request = EnrolRequest { code: code.to_owned(), public_key, install, nonce: nonce.nonce, sig };
        let asked_at = self.inner.clock.read().mono_ms;
        let answer: EnrolResponse = self.inner.greet(server, "/v1/enrol", packed(&request)?).await?;
        // This answer is no contact that can prove a time, but it tells how long the token lasts.
        let fresh = answer.token.expires_ms.saturating_sub(answer.now_ms).saturating_sub(RENEW_MS);
        let lasts = asked_at.saturating_add(u64::try_from(fresh).unwrap_or(0));
        self.inner.transport.token_lasts.store(lasts, Ordering::Relaxed);
        let role = answer.role.parse().map_err(|_| ClientError::Network(Failure::Blocked(Block::RoleUnknown)))?;
        let author = Author { user: answer.user.parse()?, role, outlet: answer.outlet.parse()? };
        let session = Session { server: server.to_owned(), server_key: answer.server_key, token: answer.token };
        Ok(Enrolment { device, install, author, name: answer.name, session })
    }

    /// The people of this device.
    pub fn members(&self) -> Result<Vec<Member>, ClientError> {
        Ok(self.inner.store().members()?)
    }

    /// Whether recording and reading are refused. Either somebody must unlock first (the shift has ended, or nobody has unlocked
    /// yet), or the device has not heard from head office for too long and must sync first.
    pub fn is_locked(&self) -> Result<bool, ClientError> {
        let now = self.inner.now()?;
        let store = self.inner.store();
        Ok(store.is_locked(now)? || store.is_offline_too_long(now)?)
    }

    /// Sets the PIN of the person who is signed in: 4 to 12 digits.
    pub fn set_pin(&self, pin: &str) -> Result<(), ClientError> {
        if !(4..=12).contains(&pin.len()) || !pin.bytes().all(|b| b.is_ascii_digit()) {
            return Err(ClientError::Refused(Refusal::PinShape));
        }
        self.unlocked()?;
        let mut kept = random::<16>()?.to_vec();
        kept.extend(PIN_ROUNDS.to_be_bytes());
        let mut hash = [0; 32];
        pbkdf2::derive(pbkdf2::PBKDF2_HMAC_SHA256, rounds(PIN_ROUNDS)?, &kept, pin.as_bytes(), &mut hash);
        kept.extend(hash);
        let who = self.identity()?.ok_or(ClientError::Refused(Refusal::NotEnrolled))?;
        self.inner.step(|inner| inner.store().set_pin(&who.author.user, Some(&kept)))?;
        self.sign_in(&who.author.user)
    }

    /// Signs a person in with their PIN until the shift ends. A wrong PIN is counted durably before the error is returned.
    pub fn unlock(&self, user: &str, pin: &str) -> Result<(), ClientError> {
        let user: UserId = user.parse()?;
        let member = self.member(&user)?;
        if member.wrong >= MOST_WRONG_PINS {
            return Err(ClientError::Refused(Refusal::PinLocked));
        }
        let kept = member.pin.ok_or(ClientError::Refused(Refusal::NoPin))?;
        let (salted, hash) = kept.split_at_checked(20).ok_or(ClientError::Internal("the kept PIN is damaged"))?;
        let count = salted.last_chunk::<4>().map_or(PIN_ROUNDS, |bytes| u32::from_be_bytes(*bytes));
        if pbkdf2::verify(pbkdf2::PBKDF2_HMAC_SHA256, rounds(count)?, salted, pin.as_bytes(), hash).is_err() {
            self.inner.step(|inner| inner.store().wrong_pin(&user))?;
            return Err(ClientError::Refused(Refusal::PinWrong));
        }
        self.sign_in(&user)
    }

    /// Signs a person in until the shift ends, because the platform has authenticated them (finger, face, device credential).
    pub fn unlock_by_platform(&self, user: &str) -> Result<(), ClientError> {
        let user: UserId = user.parse()?;
        self.member(&user)?;
        self.sign_in(&user)
    }

    /// Locks the device. Recording and reading are refused until the next unlock; unsent changes are still sent.
    pub fn lock(&self) -> Result<(), ClientError> {
        self.inner.step(|inner| inner.store().lock())?;
        self.inner.changed();
        Ok(())
    }

    fn member(&self, user: &UserId) -> Result<Member, ClientError> {
        let found = self.inner.store().members()?.into_iter().find(|member| member.author.user == *user);
        found.ok_or(ClientError::Refused(Refusal::NotAMember))
    }

    fn sign_in(&self, user: &UserId) -> Result<(), ClientError> {
        let now = self.inner.now()?;
        self.inner.step(|inner| {
            let mut store = inner.store();
            let shift = i64::from(store.policy()?.lock_after_minutes) * 60_000;
            store.sign_in(user, now.plus(shift))
        })?;
        self.inner.changed();
        Ok(())
    }

    /// Refuses while the device is locked.
    pub(crate) fn unlocked(&self) -> Result<UnixMs, ClientError> {
        let now = self.inner.now()?;
        let store = self.inner.store();
        match (store.is_offline_too_long(now)?, store.is_locked(now)?) {
            (true, _) => Err(ClientError::Refused(Refusal::OfflineTooLong)),
            (_, true) => Err(ClientError::Refused(Refusal::Locked)),
            _ => Ok(now),
        }
    }
}

fn rounds(count: u32) -> Result<NonZeroU32, ClientError> {
    NonZeroU32::new(count).ok_or(ClientError::Internal("the kept PIN is damaged"))
}

impl Inner {
    /// Makes one request without a token and reads its answer. Tells what is wrong with the address if no server of ours answers.
    async fn greet<T: for<'b> minicbor::Decode<'b, ()>>(
        &self,
        server: &str,
        path: &str,
        body: Vec<u8>,
    ) -> Result<T, ClientError> {
        let url = Url::parse(server).map_err(|_| ClientError::Server)?;
        let unreached = |why| ClientError::Unreached { address: address(&url), why };
        let call = Call {
            client: &self.transport.http,
            token: None,
            renewal: None,
            method: Method::POST,
            url: format!("{server}{path}"),
            headers: vec![],
            body: body.into(),
            taken: std::sync::Arc::default(),
            stall: self.transport.stall,
            clocks: self.clock.read(),
        };
        let cost = &mut Cost::default();
        let response = match call.send(cost).await {
            Ok(response) => response,
            Err(lost) => return Err(unreached(of_lost(&lost, &url).await)),
        };
        if let Some(why) = of_answer(&response) {
            return Err(unreached(why));
        }
        let answer = http::answer(response, self.transport.stall, cost).await.map_err(|failure| match failure {
            Failure::Refused(ErrorCode::NotFound) => unreached(Unreached::NotFound),
            other => ClientError::Network(other),
        })?;
        answer.and_then(|bytes| decode(&bytes).ok()).ok_or(ClientError::Network(Failure::Network))
    }

    /// Makes one request without a token to the server of the enrolment.
    async fn ask<T: for<'b> minicbor::Decode<'b, ()>>(&self, server: &str, path: &str, body: Vec<u8>) -> Result<T, ClientError> {
        self.greet(server, path, body).await.map_err(|error| match error {
            ClientError::Unreached { .. } => ClientError::Network(Failure::Network),
            other => other,
        })
    }

    /// Signs as the device that was enrolled. With another key every signature would be refused, so the person is told at once.
    pub(crate) async fn sign(&self, message: Vec<u8>) -> Result<Vec<u8>, ClientError> {
        let enrolled = self.store().device()?;
        if enrolled.is_some_and(|had| had != DeviceId::of(&self.signer.public_key())) {
            return Err(ClientError::Key(SignError::Lost));
        }
        self.sign_with_present_key(message).await
    }

    /// Signs outside the async threads, because a platform's key store takes a tenth of a second and may ask a person.
    async fn sign_with_present_key(&self, message: Vec<u8>) -> Result<Vec<u8>, ClientError> {
        let signer = self.signer.clone();
        let signed = tokio::task::spawn_blocking(move || signer.sign(&message)).await;
        Ok(signed.map_err(|_| ClientError::Internal("the device's key failed"))??)
    }

    /// The signature that renews an expired token within the same request, once. `None` while the token is valid.
    pub(crate) async fn renewal(&self, token: &Token) -> Result<Option<String>, ClientError> {
        let clocks = self.clock.read();
        if clocks.mono_ms < self.transport.token_lasts.load(Ordering::Relaxed) {
            return Ok(None);
        }
        let anchored = self.store().anchor(clocks.boot)?.is_some();
        // Without a server time in this boot the device cannot tell whether the token has expired. The signature costs less than
        // a round trip.
        if anchored && self.now()?.0 < token.expires_ms - RENEW_MS {
            return Ok(None);
        }
        let signature = self.sign(renewal_message(&token.secret)).await?;
        Ok(Some(signature.iter().map(|byte| format!("{byte:02x}")).collect()))
    }

    /// Gets a new token by a signature over the server's nonce, when the old token is no longer usable.
    pub(crate) async fn new_session(&self, server: &str) -> Result<Token, ClientError> {
        let nonce: NonceResponse = self.ask(server, "/v1/nonce", vec![]).await?;
        let device = DeviceId::of(&self.signer.public_key());
        let sig = self.sign(session_message(&nonce.nonce)).await?;
        let request = packed(&SessionRequest { device, nonce: nonce.nonce, sig })?;
        let answer: SessionResponse = self.ask(server, "/v1/session", request).await?;
        self.step(|inner| inner.store().set_token(&answer.token))?;
        Ok(answer.token)
    }
}
