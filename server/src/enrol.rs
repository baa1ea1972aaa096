//! Authenticates requests. One-time codes enrol devices, signatures give tokens, and every request looks its token up, so that a
//! revocation works at once.

use doorstep_domain::{DeviceId, InstallId, Role, Tag, UnixMs};
use doorstep_protocol::{
    EnrolRequest, EnrolResponse, Scope, SessionRequest, SessionResponse, Token,
    signing::{enrol_message, is_signed, renewal_message, session_message},
};
use sha2::{Digest, Sha256};

use crate::{
    clock,
    error::ApiError,
    keys::{self, Keys},
    random,
    store::{devices, installs, members, parcel_scopes, people, refusals, tokens, tx::Tx},
};

pub(crate) use crate::store::members::Member;

/// How long a token lasts.
const TOKEN_MS: i64 = 60 * 60_000;
/// A token with less than this left is replaced in the next answer.
const RENEW_MS: i64 = 30 * 60_000;
/// How long an ended token can still be renewed by a signature. A phone that lay in a drawer for longer asks for a nonce.
const RENEWABLE_MS: i64 = 30 * 86_400_000;

/// The device that a request comes from.
#[derive(Debug, Clone)]
pub(crate) struct Device {
    pub id: DeviceId,
    pub public_key: Vec<u8>,
    /// Every installation that was ever registered for the device.
    pub installs: Vec<InstallId>,
    pub members: Vec<Member>,
    /// The device is revoked: its records go into quarantine, and it reads nothing.
    pub revoked: bool,
    /// When head office ordered its wipe.
    pub wipe_at: Option<UnixMs>,
    /// When the token of the request ends.
    pub token_ends: UnixMs,
    /// Whether the request carries the device's signature over the token.
    pub proved: bool,
    /// The hash of an ended token that a signature renewed. Such a token is good for this one request.
    pub spent: Option<[u8; 32]>,
}

impl Device {
    /// The outlets of the device's people, as of today.
    pub(crate) fn outlets(&self) -> Vec<&str> {
        let mut outlets: Vec<&str> = self.members.iter().filter_map(|member| Some(member.today.as_ref()?.1.as_str())).collect();
        outlets.sort_unstable();
        outlets.dedup();
        outlets
    }

    /// The scopes that the device may read, from the roles and outlets of its people today.
    pub(crate) fn scopes(&self) -> Vec<Scope> {
        if self.revoked {
            return vec![];
        }
        let scope = |(role, outlet): &(String, String), person: &str| match role.parse::<Role>().ok()? {
            Role::Courier => Some(Scope::Courier(person.to_owned())),
            // Finance writes the ledgers of what its outlet delivers and sends, and looks at the letters.
            Role::Outlet | Role::OutletManager | Role::OutletFinance => Some(Scope::Outlet(outlet.clone())),
            Role::Hub => Some(Scope::Hub(outlet.clone())),
            // Head office and auditors read at head office.
            Role::HqCs | Role::HqReviewer | Role::HqAdmin | Role::Auditor => None,
        };
        // A person counts only with the role and outlet of the enrolment. Somebody who has moved needs a new code, or a shared
        // tablet would read two outlets.
        let stands = |member: &&Member| member.today.as_ref().is_some_and(|(r, o)| *r == member.role && *o == member.outlet);
        let mut scopes: Vec<Scope> =
            self.members.iter().filter(stands).filter_map(|member| scope(member.today.as_ref()?, &member.person)).collect();
        scopes.sort_unstable();
        scopes.dedup();
        scopes
    }
}

/// Normalises a typed code: case, spaces and dashes do not matter.
pub(crate) fn clean_code(code: &str) -> String {
    code.chars().filter(char::is_ascii_alphanumeric).collect::<String>().to_ascii_uppercase()
}

/// The length of the part of a code that finds its row. The rest is the secret.
pub(crate) const CODE_ID: usize = 4;

pub(crate) fn code_hash(clean: &str) -> [u8; 32] {
    Sha256::digest(clean).into()
}

fn token_hash(token: &str) -> [u8; 32] {
    Sha256::digest(token).into()
}

/// The result of an enrolment or a session. A refusal is a regular result, because it is counted in the same transaction.
pub(crate) type Outcome<T> = Result<Result<T, ApiError>, ApiError>;

/// Counts a refusal durably and returns it.
fn refuse<T>(tx: &Tx<'_>, error: ApiError) -> Outcome<T> {
    refusals::count(tx, &error.code())?;
    Ok(Err(error))
}

/// Redeems a code with a signature over the server's nonce. The same key may redeem it again and gets a new token, so that a lost
/// answer strands nobody. Another key is refused.
pub(crate) fn redeem(tx: &Tx<'_>, request: &EnrolRequest, keys: &Keys, now: UnixMs) -> Outcome<EnrolResponse> {
    let clean = clean_code(&request.code);
    let hash = code_hash(&clean);
    // A request without a valid signature writes nothing, so that a stranger can not fill the disk.
    let message = enrol_message(&request.nonce, &hash, request.install.as_bytes());
    if !Keys::is_fresh(tx, &request.nonce, now)? || !is_signed(&request.public_key, &message, &request.sig) {
        return Err(ApiError::Proof);
    }
    let id: String = clean.chars().take(CODE_ID).collect();
    let Some(code) = people::code(tx, &id)? else { return refuse(tx, ApiError::CodeWrong) };
    if code.hash != hash {
        return refuse(tx, ApiError::CodeWrong);
    }
    let device = DeviceId::of(&request.public_key);
    if code.redeemed_by.is_some_and(|by| by != device) || code.nonce.as_ref() == Some(&request.nonce) {
        return refuse(tx, ApiError::CodeUsed);
    }
    if now > code.expires_at {
        return refuse(tx, ApiError::CodeExpired);
    }
    let user = code.person;
    let people::Person { name, role, outlet } = people::person(tx, &user)?;
    let standing = devices::standing(tx, &device)?;
    if standing.revoked && code.redeemed_by.is_some() {
        return refuse(tx, ApiError::Revoked); // the code is older than the revocation; only a newer code from head office lifts it
    }
    // An order to wipe names the installation. A pardoned device goes on as another installation, which no old answer can wipe.
    if standing.to_be_wiped && installs::is_known(tx, &request.install)? {
        return refuse(tx, ApiError::TagTaken);
    }
    if !may_join(tx, &device, &user, &role, &outlet)? {
        return refuse(tx, ApiError::DeviceTaken);
    }
    // A new code comes from head office, so it also readmits a device that was revoked by mistake.
    devices::enrol(tx, &device, &request.public_key, now)?;
    register(tx, &device, &request.install, now)?; // a refusal rolls this attempt back
    members::join(tx, &device, &user, &role, &outlet)?;
    parcel_scopes::anew_for(tx, &user)?;
    people::redeem_code(tx, &id, &device, &request.nonce)?;
    let token = new_token(tx, &device, now)?;
    Ok(Ok(EnrolResponse { token, user, role, outlet, name, now_ms: now.0, server_key: keys.newest(tx)?.public() }))
}

/// A courier's phone is personal; a tablet is shared within one outlet (domain 10.3).
fn may_join(tx: &Tx<'_>, device: &DeviceId, person: &str, role: &str, outlet: &str) -> Result<bool, ApiError> {
    let shares = |role: &str| role.parse::<Role>().is_ok_and(Role::shares_device);
    let others = members::beside(tx, device, person)?;
    Ok(others.iter().all(|(other_role, other_outlet)| shares(role) && shares(other_role) && other_outlet == outlet))
}

/// Registers an installation for its device. An install id is no secret, because every change holds it. It belongs to the device
/// that named it first.
pub(crate) fn register(tx: &Tx<'_>, device: &DeviceId, install: &InstallId, now: UnixMs) -> Result<(), ApiError> {
    let tag = Tag::of(install);
    // No device may register as the server itself, neither under its present installation nor under those before a restore.
    if keys::is_the_servers(tx, install)? {
        return Err(ApiError::TagTaken);
    }
    match installs::of_tag(tx, &tag)? {
        Some((known, owner)) if known == *install && owner == *device => Ok(()),
        Some(_) => Err(ApiError::TagTaken),
        None => Ok(installs::register(tx, install, device, &tag, now)?),
    }
}

/// Makes a new token for a device and drops tokens that ended long ago. The other tokens stay valid until they end, because this
/// answer may be lost.
pub(crate) fn new_token(tx: &Tx<'_>, device: &DeviceId, now: UnixMs) -> Result<Token, ApiError> {
    let secret = random::bytes::<32>().ok_or(ApiError::Internal("no randomness"))?;
    let secret: String = secret.iter().map(|byte| format!("{byte:02x}")).collect();
    let expires = now.plus(TOKEN_MS);
    tokens::drop_ended(tx, device, now.plus(-RENEWABLE_MS))?;
    tokens::insert(tx, &token_hash(&secret), device, expires)?;
    Ok(Token { secret, expires_ms: expires.0 })
}

/// Returns a new token if the token of the request ends soon or was renewed by a signature.
pub(crate) fn renew(tx: &Tx<'_>, device: &Device, now: UnixMs) -> Result<Option<Token>, ApiError> {
    if let Some(spent) = device.spent {
        if !tokens::spend(tx, &spent)? {
            return Err(ApiError::Unauthorized); // another request has used the same signature meanwhile
        }
        return new_token(tx, &device.id, now).map(Some);
    }
    // A renewal needs a signature, so that a copied token ends with its hour.
    if device.proved && device.token_ends.since(now) < RENEW_MS {
        return new_token(tx, &device.id, now).map(Some);
    }
    Ok(None)
}

/// Gives a token for a signature over the server's nonce. A revoked device gets one too, because it may deliver its records.
pub(crate) fn session(tx: &Tx<'_>, request: &SessionRequest, now: UnixMs) -> Outcome<SessionResponse> {
    let signed = |by: &devices::Signer| is_signed(&by.public_key, &session_message(&request.nonce), &request.sig);
    let is_fresh = Keys::is_fresh(tx, &request.nonce, now)?;
    let Some(signer) = devices::signer(tx, &request.device)?.filter(|signer| is_fresh && signed(signer)) else {
        return Err(ApiError::Proof);
    };
    let mut last = signer.last_nonce;
    // The last nonce was used while the clock was ahead: until that time comes, no nonce of this device would be greater.
    if clock::time_of_nonce(&last).is_some_and(|used| clock::is_ahead(used, now)) {
        clock::forget_nonces(tx)?;
        last.clear();
    }
    // A nonce begins with its time. Only a nonce greater than the last one is accepted, so each is good once.
    if request.nonce <= last {
        return refuse(tx, ApiError::Proof);
    }
    devices::note_nonce(tx, &request.device, &request.nonce)?;
    Ok(Ok(SessionResponse { token: new_token(tx, &request.device, now)?, now_ms: now.0 }))
}

/// Finds the device of a token, at each request. An ended token is good once more with a signature over it.
pub(crate) fn authenticate(tx: &Tx<'_>, token: &str, renewal: Option<&[u8]>, now: UnixMs) -> Result<Device, ApiError> {
    let hash = token_hash(token);
    let tokens::Holder { device: id, public_key, revoked, wipe_at, ends: token_ends } =
        tokens::holder(tx, &hash)?.ok_or(ApiError::Unauthorized)?;
    let ended = now >= token_ends;
    let proved = renewal.is_some_and(|sig| is_signed(&public_key, &renewal_message(token), sig));
    if ended && !proved {
        return Err(ApiError::Unauthorized);
    }
    let (installs, members) = (installs::of_device(tx, &id)?, members::of_device(tx, &id)?);
    Ok(Device { id, public_key, installs, members, revoked, wipe_at, token_ends, proved, spent: ended.then_some(hash) })
}
