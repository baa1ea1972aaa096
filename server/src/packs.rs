//! Rule packs: published in versions, signed once, in force from a stated time, never deleted.

use std::sync::Arc;

use doorstep_domain::{DeviceId, UnixMs};
use doorstep_protocol::{Publication, Signed, encode};
use doorstep_rules::{Pack, PackError, Policy, Published, Quotas, Rulebook};
use serde::Serialize;

use crate::{
    devices,
    error::{ApiError, Unreadable},
    keys::Keys,
    parsed::Parsed,
    store::{
        docs, packs, references,
        tx::{StoreError, Tx},
    },
};

/// Devices get every version that was in force within this period. An act that comes later is judged by the versions that the
/// device has.
const REACH_MS: i64 = 400 * 86_400_000;

/// Why a pack is not published.
#[derive(Debug, thiserror::Error)]
pub(crate) enum PublishError {
    #[error(transparent)]
    Api(#[from] ApiError),
    #[error(transparent)]
    Pack(#[from] PackError),
    #[error(transparent)]
    Unreadable(#[from] Unreadable),
    #[error("the pack is of network {given:?}; this server's is {ours:?}, and it has records already")]
    Network { given: String, ours: String },
    #[error("the pack has version {given}; the newest published is {newest}: raise the version")]
    Version { given: u32, newest: u32 },
    #[error(
        "valid_from is too early: rules take effect {hours} hours after publication at the soonest, which is {soonest}. Leave valid_from out to have that"
    )]
    TooEarly { hours: u32, soonest: String },
}

impl From<StoreError> for PublishError {
    fn from(error: StoreError) -> Self {
        Self::Api(error.into())
    }
}

/// A published version.
#[derive(Debug, Clone, Serialize)]
pub struct PackRow {
    /// The version.
    pub version: u32,
    /// When it was published; 0 if it came with the server.
    pub published_at: UnixMs,
    /// When it comes into force.
    pub valid_from: UnixMs,
    /// `valid_from` in the network's local time.
    pub valid_from_local: String,
    /// Whether it is in force now.
    pub in_force: bool,
}

/// Publishes a pack. It comes into force no sooner than both its own notice period and that of the version before it permit, so
/// that nobody is judged by rules that a phone could not have had. Before the first record it replaces the version before it at
/// once. `anyway` publishes it even if enrolled devices can not read its format.
pub(crate) fn publish(tx: &Tx<'_>, keys: &Keys, toml: &[u8], anyway: bool, now: UnixMs) -> Result<PackRow, PublishError> {
    let pack = Pack::parse(toml)?;
    if let Some(unreadable) = devices::against(tx, pack.format(), anyway)? {
        return Err(unreadable.into());
    }
    let book = read(tx)?;
    let newest = book.newest();
    let valid_from = if packs::is_anything_recorded(tx)? {
        if pack.network != newest.pack.network {
            return Err(PublishError::Network { given: pack.network, ours: newest.pack.network.clone() });
        }
        if pack.version <= newest.pack.version {
            return Err(PublishError::Version { given: pack.version, newest: newest.pack.version });
        }
        let hours = pack.notice_hours.max(book.at(now).notice_hours);
        let soonest = now.plus(i64::from(hours) * 3_600_000);
        match pack.wanted_from() {
            Some(wanted) if wanted < soonest => {
                return Err(PublishError::TooEarly { hours, soonest: local(&pack, soonest) });
            }
            wanted => wanted.unwrap_or(soonest),
        }
    } else {
        packs::drop_all(tx)?;
        UnixMs(0)
    };
    insert(tx, keys, &pack, toml, now, valid_from)?;
    references::bump(tx, "pack")?;
    docs::project_all_anew(tx)?;
    Ok(PackRow {
        version: pack.version,
        published_at: now,
        valid_from,
        valid_from_local: local(&pack, valid_from),
        in_force: valid_from <= now,
    })
}

/// Stores the pack of a new log.
pub(crate) fn first(tx: &Tx<'_>, keys: &Keys) -> Result<(), ApiError> {
    let pack = Pack::parse(doorstep_rules::FIRST_PACK).map_err(|_| ApiError::Internal("the first rule pack"))?;
    insert(tx, keys, &pack, doorstep_rules::FIRST_PACK, UnixMs(0), UnixMs(0))
}

fn insert(tx: &Tx<'_>, keys: &Keys, pack: &Pack, toml: &[u8], published: UnixMs, valid_from: UnixMs) -> Result<(), ApiError> {
    let publication = Publication {
        network: pack.network.clone(),
        version: pack.version,
        published_ms: published.0,
        valid_from_ms: valid_from.0,
        toml: toml.to_vec(),
    };
    let body = encode(&publication)?;
    let sig = keys.sign_pack(&body)?;
    save(tx, &publication, &Signed { body, sig })
}

/// Stores a signed version.
pub(crate) fn save(tx: &Tx<'_>, publication: &Publication, signed: &Signed) -> Result<(), ApiError> {
    let Publication { version, published_ms, valid_from_ms, ref toml, .. } = *publication;
    let pack = Pack::parse(toml).map_err(|_| ApiError::Internal("a rule pack that this program can not read"))?;
    let (published, valid_from, format) = (UnixMs(published_ms), UnixMs(valid_from_ms), pack.format());
    Ok(packs::insert(tx, &packs::Kept { version, published, valid_from, toml, format, signed })?)
}

fn local(pack: &Pack, at: UnixMs) -> String {
    pack.local(at).map_or_else(String::new, |local| local.format("%Y-%m-%d %H:%M").to_string())
}

/// Lists every published version, newest first.
pub(crate) fn list(tx: &Tx<'_>, now: UnixMs) -> Result<Vec<PackRow>, ApiError> {
    let book = read(tx)?;
    let in_force = book.at(now).version;
    let row = |(version, published_at, valid_from)| {
        let valid_from_local = local(&book.newest().pack, valid_from);
        PackRow { version, published_at, valid_from, valid_from_local, in_force: version == in_force }
    };
    Ok(packs::dates(tx)?.into_iter().map(row).collect())
}

/// The versions for a device that reads formats up to `reads`: of the readable ones, those that were in force lately or will be,
/// and never fewer than two.
pub(crate) fn for_device(tx: &Tx<'_>, device: &DeviceId, reads: u32, now: UnixMs) -> Result<Vec<Signed>, ApiError> {
    let mut given = packs::since(tx, reads, now.plus(-REACH_MS))?;
    let (keys, succession) = Keys::read(tx)?.of_device(tx, device)?;
    if succession.is_some() {
        // The packs are signed with a key that this device does not know yet.
        for pack in &mut given {
            pack.sig = keys.sign_pack(&pack.body)?;
        }
    }
    Ok(given)
}

fn read(tx: &Tx<'_>) -> Result<Rulebook, ApiError> {
    let mut versions = Vec::new();
    for (toml, valid_from) in packs::rules(tx)? {
        let pack = Pack::parse(&toml).map_err(|_| ApiError::Internal("a stored rule pack"))?;
        versions.push(Published { valid_from, pack });
    }
    Rulebook::of(versions).ok_or(ApiError::Internal("no rule pack is stored"))
}

/// The published rule packs in all their versions, and the policy. Each publication is parsed once.
#[derive(Clone, Default)]
pub(crate) struct Rules(Arc<Publications>);

#[derive(Default)]
struct Publications {
    book: Parsed<Rulebook>,
    policy: Parsed<Policy>,
    shipped_quotas: Parsed<Quotas>,
}

impl Rules {
    /// The current versions, with the number of their row.
    pub fn book(&self, tx: &Tx<'_>) -> Result<(u64, Arc<Rulebook>), ApiError> {
        let version = references::version(tx, "pack")?;
        Ok((version, self.0.book.of(version, || read(tx))?))
    }

    /// The policy in force.
    pub fn policy(&self, tx: &Tx<'_>) -> Result<Arc<Policy>, ApiError> {
        self.0.policy.of(references::version(tx, "policy")?, || {
            Policy::parse(&references::policy(tx)?).map_err(|_| ApiError::Internal("the stored policy"))
        })
    }

    /// The quotas in force: the policy's, or the shipped ones if it names none.
    pub fn quotas(&self, tx: &Tx<'_>) -> Result<Quotas, ApiError> {
        if let Some(quotas) = self.policy(tx)?.quotas {
            return Ok(quotas);
        }
        let shipped = || Policy::shipped_quotas().map_err(|_| ApiError::Internal("the shipped policy"));
        // They change with the program only.
        Ok(*self.0.shipped_quotas.of(0, shipped)?)
    }

    /// How often packs and policy were parsed.
    #[cfg(test)]
    pub fn times_parsed(&self) -> (usize, usize) {
        (self.0.book.times(), self.0.policy.times())
    }
}
