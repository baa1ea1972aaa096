//! Who a request comes from: one-time codes become devices, signatures become tokens, and every request looks its token up, so
//! that revoking works at once.

use doorstep_domain::{DeviceId, InstallId, Role, Tag, UnixMs};
use doorstep_protocol::{
    EnrolRequest, EnrolResponse, Scope, SessionRequest, SessionResponse, Token,
    signing::{enrol_message, is_signed, renewal_message, session_message},
};
use rusqlite::{OptionalExtension, params};
use sha2::{Digest, Sha256};

use crate::{
    clock,
    error::ApiError,
    keys::{self, Keys},
    random,
    store::tx::Tx,
};

/// How long a token lasts.
const TOKEN_MS: i64 = 60 * 60_000;
/// A token with less than this left is replaced in the next answer.
const RENEW_MS: i64 = 30 * 60_000;
/// How long an ended token can still be gone on with by a signature: a phone that was in a drawer for a month asks for a nonce.
const RENEWABLE_MS: i64 = 30 * 86_400_000;
/// Wrong guesses after which a code is void.
const MOST_WRONG: u32 = 5;

/// Somebody who was enrolled on a device.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Member {
    pub person: String,
    /// Role and outlet that their entries may name.
    pub role: String,
    pub outlet: String,
    /// Role and outlet today, which decide what may be read; `None` for somebody who has left.
    pub today: Option<(String, String)>,
}

/// Who a request comes from.
#[derive(Debug, Clone)]
pub(crate) struct Device {
    pub id: DeviceId,
    pub public_key: Vec<u8>,
    /// Installations that were ever registered for it.
    pub installs: Vec<InstallId>,
    pub members: Vec<Member>,
    /// It may deliver, into quarantine, and reads nothing.
    pub revoked: bool,
    /// When head office ordered it to be wiped.
    pub wipe_at: Option<UnixMs>,
    /// When the token that was used ends.
    pub token_ends: UnixMs,
    /// The request carries the device's signature over the token.
    pub proved: bool,
    /// The token had ended and was renewed by a signature: it is good for this request and never again.
    pub spent: Option<[u8; 32]>,
}

impl Device {
    /// The outlets of today's people on it.
    pub(crate) fn outlets(&self) -> Vec<&str> {
        let mut outlets: Vec<&str> = self.members.iter().filter_map(|member| Some(member.today.as_ref()?.1.as_str())).collect();
        outlets.sort_unstable();
        outlets.dedup();
        outlets
    }

    /// The scopes that the device may read: what the people on it are concerned with today.
    pub(crate) fn scopes(&self) -> Vec<Scope> {
        if self.revoked {
            return vec![];
        }
        let scope = |(role, outlet): &(String, String), person: &str| match role.parse::<Role>().ok()? {
            Role::Courier => Some(Scope::Courier(person.to_owned())),
            Role::Outlet | Role::OutletManager => Some(Scope::Outlet(outlet.clone())),
            Role::Hub => Some(Scope::Hub(outlet.clone())),
            // Money types come with their ledgers; head office and auditors read at head office.
            Role::OutletFinance | Role::HqCs | Role::HqReviewer | Role::HqAdmin | Role::Auditor => None,
        };
        // Only what they were enrolled here as: somebody who has moved needs a new code, or a shared tablet would read two outlets.
        let stands = |member: &&Member| member.today.as_ref().is_some_and(|(r, o)| *r == member.role && *o == member.outlet);
        let mut scopes: Vec<Scope> =
            self.members.iter().filter(stands).filter_map(|member| scope(member.today.as_ref()?, &member.person)).collect();
        scopes.sort_unstable();
        scopes.dedup();
        scopes
    }
}

/// A code as typed: small letters, spaces and dashes do not matter.
pub(crate) fn clean_code(code: &str) -> String {
    code.chars().filter(char::is_ascii_alphanumeric).collect::<String>().to_ascii_uppercase()
}

/// Length of the part of a code that finds it; the rest is the secret.
pub(crate) const CODE_ID: usize = 4;

pub(crate) fn code_hash(clean: &str) -> [u8; 32] {
    Sha256::digest(clean).into()
}

fn token_hash(token: &str) -> [u8; 32] {
    Sha256::digest(token).into()
}

/// What became of an attempt to enrol: a refusal is an outcome that is written down, too.
pub(crate) type Outcome<T> = Result<Result<T, ApiError>, ApiError>;

/// Counts a refusal, durably, and says it.
fn refuse<T>(db: &Tx<'_>, error: ApiError) -> Outcome<T> {
    db.prepare_cached("INSERT INTO refusal (code, times) VALUES (?1, 1) ON CONFLICT (code) DO UPDATE SET times = times + 1")?
        .execute([error.code().as_str()])?;
    Ok(Err(error))
}

/// Redeems a code with a signature over the server's nonce. Again by the same key gives a new token, so that a lost answer
/// strands nobody; by another key it is refused.
pub(crate) fn redeem(db: &Tx<'_>, request: &EnrolRequest, keys: &Keys, now: UnixMs) -> Outcome<EnrolResponse> {
    let clean = clean_code(&request.code);
    let hash = code_hash(&clean);
    // Nothing is written down for who has not even a key: a stranger fills no disk.
    let message = enrol_message(&request.nonce, &hash, request.install.as_bytes());
    if !Keys::is_fresh(db, &request.nonce, now)? || !is_signed(&request.public_key, &message, &request.sig) {
        return Err(ApiError::Proof);
    }
    let id: String = clean.chars().take(CODE_ID).collect();
    let row = db
        .prepare_cached("SELECT hash, person, expires_at, wrong, redeemed_by, nonce FROM code WHERE id = ?1")?
        .query_row([&id], |row| {
            Ok((
                row.get::<_, Vec<u8>>(0)?,
                row.get::<_, String>(1)?,
                row.get::<_, i64>(2)?,
                row.get::<_, u32>(3)?,
                row.get::<_, Option<Vec<u8>>>(4)?,
                row.get::<_, Option<Vec<u8>>>(5)?,
            ))
        })
        .optional()?;
    let Some((expected, person, expires_at, wrong, redeemed_by, nonce)) = row else { return refuse(db, ApiError::CodeWrong) };
    if wrong >= MOST_WRONG {
        return refuse(db, ApiError::CodeLocked);
    }
    if expected != hash {
        db.prepare_cached("UPDATE code SET wrong = wrong + 1 WHERE id = ?1")?.execute([&id])?;
        return refuse(db, ApiError::CodeWrong);
    }
    let device = DeviceId::of(&request.public_key);
    if redeemed_by.as_ref().is_some_and(|by| by != device.as_bytes()) || nonce.as_deref() == Some(&request.nonce) {
        return refuse(db, ApiError::CodeUsed);
    }
    if now.0 > expires_at {
        return refuse(db, ApiError::CodeExpired);
    }
    let (name, role, outlet): (String, String, String) = db
        .prepare_cached("SELECT name, role, outlet FROM person WHERE id = ?1")?
        .query_row([&person], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?;
    let revoked =
        db.prepare_cached("SELECT 1 FROM device WHERE id = ?1 AND revoked_at IS NOT NULL")?.exists(params![device.as_bytes()])?;
    if revoked && redeemed_by.is_some() {
        return refuse(db, ApiError::Revoked); // the code is from before; only a new one is head office's word
    }
    // An order to wipe names the installation: a device that is pardoned goes on as another one, which no old answer can wipe.
    let wiped =
        db.prepare_cached("SELECT 1 FROM device WHERE id = ?1 AND wipe_at IS NOT NULL")?.exists(params![device.as_bytes()])?;
    let known = db.prepare_cached("SELECT 1 FROM install WHERE install = ?1")?.exists(params![request.install.as_bytes()])?;
    if wiped && known {
        return refuse(db, ApiError::TagTaken);
    }
    if !may_join(db, &device, &person, &role, &outlet)? {
        return refuse(db, ApiError::DeviceTaken);
    }
    // A new code is head office's word: a device that was revoked by mistake is welcome back.
    db.prepare_cached(
        "INSERT INTO device (id, public_key, enrolled_at, seen_at) VALUES (?1, ?2, ?3, ?3)
         ON CONFLICT (id) DO UPDATE SET revoked_at = NULL, revoked_why = NULL, wipe_at = NULL, seen_at = ?3, pins = NULL",
    )?
    .execute(params![device.as_bytes(), request.public_key, now.0])?;
    register(db, &device, &request.install, now)?; // refused: nothing of this attempt stays
    db.prepare_cached("INSERT OR IGNORE INTO member (device, person, role, outlet) VALUES (?1, ?2, ?3, ?4)")?
        .execute(params![device.as_bytes(), person, role, outlet])?;
    db.prepare_cached("UPDATE code SET redeemed_by = ?2, nonce = ?3 WHERE id = ?1")?.execute(params![
        id,
        device.as_bytes(),
        request.nonce
    ])?;
    let token = new_token(db, &device, now)?;
    Ok(Ok(EnrolResponse { token, user: person, role, outlet, name, now_ms: now.0, server_key: keys.newest(db)?.public() }))
}

/// A courier's phone is personal; a tablet is shared within one outlet (domain 10.3).
fn may_join(db: &Tx<'_>, device: &DeviceId, person: &str, role: &str, outlet: &str) -> Result<bool, ApiError> {
    let mut query = db.prepare_cached("SELECT role, outlet FROM member WHERE device = ?1 AND person <> ?2")?;
    let others =
        query.query_map(params![device.as_bytes(), person], |row| Ok((row.get::<_, String>(0)?, row.get::<_, String>(1)?)))?;
    let shares = |role: &str| role.parse::<Role>().is_ok_and(Role::shares_device);
    for other in others {
        let (other_role, other_outlet) = other?;
        if !shares(role) || !shares(&other_role) || other_outlet != outlet {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Registers an installation for its device. Install ids are no secret, they are in every change: one that is known belongs to
/// the device that named it first.
pub(crate) fn register(db: &Tx<'_>, device: &DeviceId, install: &InstallId, now: UnixMs) -> Result<(), ApiError> {
    let tag = Tag::of(install);
    // The server's own hand is nobody else's, also the one that it had before it was put back from a copy.
    if keys::is_the_servers(db, install)? {
        return Err(ApiError::TagTaken);
    }
    let known = db
        .prepare_cached("SELECT install, device FROM install WHERE tag = ?1")?
        .query_row([tag.as_str()], |row| Ok((row.get::<_, Vec<u8>>(0)?, row.get::<_, Vec<u8>>(1)?)))
        .optional()?;
    match known {
        Some((known, owner)) if known == install.as_bytes() && owner == device.as_bytes() => Ok(()),
        Some(_) => Err(ApiError::TagTaken),
        None => {
            db.prepare_cached("INSERT INTO install (install, device, tag, first_seen) VALUES (?1, ?2, ?3, ?4)")?
                .execute(params![install.as_bytes(), device.as_bytes(), tag.as_str(), now.0])?;
            Ok(())
        }
    }
}

/// A new token for a device. Those that ended long ago go; the others stay good until their end, because this answer may be lost.
pub(crate) fn new_token(db: &Tx<'_>, device: &DeviceId, now: UnixMs) -> Result<Token, ApiError> {
    let secret = random::bytes::<32>().ok_or(ApiError::Internal("no randomness"))?;
    let secret: String = secret.iter().map(|byte| format!("{byte:02x}")).collect();
    let expires = now.plus(TOKEN_MS);
    db.prepare_cached("DELETE FROM token WHERE device = ?1 AND expires_at < ?2")?
        .execute(params![device.as_bytes(), now.plus(-RENEWABLE_MS).0])?;
    db.prepare_cached("INSERT INTO token (hash, device, expires_at) VALUES (?1, ?2, ?3)")?.execute(params![
        token_hash(&secret).as_slice(),
        device.as_bytes(),
        expires.0
    ])?;
    Ok(Token { secret, expires_ms: expires.0 })
}

/// A new token in this answer, if the one used is near its end or was gone on with by a signature.
pub(crate) fn renew(db: &Tx<'_>, device: &Device, now: UnixMs) -> Result<Option<Token>, ApiError> {
    if let Some(spent) = device.spent {
        let taken = db.prepare_cached("DELETE FROM token WHERE hash = ?1")?.execute(params![spent.as_slice()])?;
        if taken == 0 {
            return Err(ApiError::Unauthorized); // somebody else has used the same signature meanwhile
        }
        return new_token(db, &device.id, now).map(Some);
    }
    // Only for a signature: a token that somebody has copied ends with its hour.
    if device.proved && device.token_ends.since(now) < RENEW_MS {
        return new_token(db, &device.id, now).map(Some);
    }
    Ok(None)
}

/// A token for a signature over the server's nonce. Also for a revoked device: it may deliver what it has recorded.
pub(crate) fn session(db: &Tx<'_>, request: &SessionRequest, now: UnixMs) -> Outcome<SessionResponse> {
    let row: Option<(Vec<u8>, Vec<u8>)> = db
        .prepare_cached("SELECT public_key, last_nonce FROM device WHERE id = ?1")?
        .query_row(params![request.device.as_bytes()], |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()?;
    let signed = |key: &Vec<u8>| is_signed(key, &session_message(&request.nonce), &request.sig);
    let is_fresh = Keys::is_fresh(db, &request.nonce, now)?;
    let Some((_, mut last)) = row.filter(|(key, _)| is_fresh && signed(key)) else {
        return Err(ApiError::Proof);
    };
    // Used while the clock was ahead: until that time comes again no nonce of this device would be greater.
    if clock::time_of_nonce(&last).is_some_and(|used| clock::is_ahead(used, now)) {
        clock::forget_nonces(db)?;
        last.clear();
    }
    // A nonce begins with its time: each is good once, and none that is older than the last.
    if request.nonce <= last {
        return refuse(db, ApiError::Proof);
    }
    db.prepare_cached("UPDATE device SET last_nonce = ?2 WHERE id = ?1")?
        .execute(params![request.device.as_bytes(), request.nonce])?;
    Ok(Ok(SessionResponse { token: new_token(db, &request.device, now)?, now_ms: now.0 }))
}

/// The device of a token, looked up at each request. A token that has ended is still good once with a signature over it.
pub(crate) fn authenticate(db: &Tx<'_>, token: &str, renewal: Option<&[u8]>, now: UnixMs) -> Result<Device, ApiError> {
    let hash = token_hash(token);
    let row = db
        .prepare_cached(
            "SELECT device.id, device.public_key, device.revoked_at IS NOT NULL, token.expires_at, device.wipe_at
             FROM token JOIN device ON device.id = token.device WHERE token.hash = ?1",
        )?
        .query_row(params![hash.as_slice()], |row| {
            let wipe_at = row.get::<_, Option<i64>>(4)?.map(UnixMs);
            Ok((row.get::<_, Vec<u8>>(0)?, row.get::<_, Vec<u8>>(1)?, row.get(2)?, row.get::<_, i64>(3)?, wipe_at))
        })
        .optional()?;
    let (id, public_key, revoked, expires, wipe_at) = row.ok_or(ApiError::Unauthorized)?;
    let ended = now.0 >= expires;
    let proved = renewal.is_some_and(|sig| is_signed(&public_key, &renewal_message(token), sig));
    if ended && !proved {
        return Err(ApiError::Unauthorized);
    }
    let damaged = |_| ApiError::Internal("device row");
    let id = DeviceId::try_from(id.as_slice()).map_err(damaged)?;
    let mut query = db.prepare_cached("SELECT install FROM install WHERE device = ?1")?;
    let rows = query.query_map(params![id.as_bytes()], |row| row.get::<_, Vec<u8>>(0))?;
    let installs = rows.map(|row| InstallId::try_from(row?.as_slice()).map_err(damaged)).collect::<Result<_, _>>()?;
    let mut query = db.prepare_cached(
        "SELECT member.person, member.role, member.outlet, person.role, person.outlet, person.left_at IS NULL
         FROM member JOIN person ON person.id = member.person WHERE device = ?1",
    )?;
    let rows = query.query_map(params![id.as_bytes()], |row| {
        let today = if row.get(5)? { Some((row.get(3)?, row.get(4)?)) } else { None };
        Ok(Member { person: row.get(0)?, role: row.get(1)?, outlet: row.get(2)?, today })
    })?;
    let members = rows.collect::<Result<_, _>>()?;
    let token_ends = UnixMs(expires);
    Ok(Device { id, public_key, installs, members, revoked, wipe_at, token_ends, proved, spent: ended.then_some(hash) })
}
