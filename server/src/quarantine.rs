//! Quarantine: a refused change is stored with everything that a person needs to judge it, and leaves only by a decision:
//! released, or discarded with a reason. A release does not apply the change, because the device has moved on. The server writes
//! the entries anew under its own installation, and names the original, its author and its first receipt.

use doorstep_document::{Change, NewEntry, Refusal};
use doorstep_domain::{CaseId, ChangeHash, DeviceId, DocKind, DocRef, Receipt, Release, UnixMs};
use doorstep_protocol::{Decision, Quarantined};

use crate::{
    case_log,
    enrol::Device,
    error::ApiError,
    headoffice::{self, HeadOfficeError},
    keys::Keys,
    store::{
        docs,
        quarantine::{self, Decided, Item, Original},
        tx::{StoreError, Tx},
    },
    verify::{Offered, Verified},
};

/// A refused change.
pub(crate) struct Refused<'a> {
    pub case: &'a CaseId,
    pub change: &'a Offered,
    pub refusal: &'a Refusal,
    pub receipt: Receipt,
    pub policy_version: u32,
}

/// Stores a refused change. If it is already there nothing changes, and its first receipt stays.
pub(crate) fn insert(tx: &Tx<'_>, refused: &Refused<'_>, batch: &Verified, device: &Device) -> Result<(), ApiError> {
    let kept = quarantine::Refused {
        case: refused.case,
        hash: &refused.change.hash,
        why: refused.refusal.code(),
        policy_version: refused.policy_version,
        device: &device.id,
        pushed_by: &batch.install,
        batch: batch.number,
        person: &batch.user,
        receipt: refused.receipt,
        bytes: &refused.change.bytes,
    };
    Ok(quarantine::insert(tx, &kept)?)
}

/// Head office's decisions on changes that a device asks about. A device learns only of its own changes.
pub(crate) fn decisions(tx: &Tx<'_>, device: &DeviceId, asked: &[Quarantined]) -> Result<Vec<Decision>, ApiError> {
    let mut decided = Vec::new();
    for of in asked.iter().take(MOST_ASKED) {
        let row = quarantine::decision(tx, (&of.case, &of.change), device)?;
        decided.extend(row.map(|(state, why)| Decision { of: *of, released: state == "released", why: why.unwrap_or_default() }));
    }
    Ok(decided)
}

const MOST_ASKED: usize = 64;

/// Lists quarantined changes, oldest first; with `decided`, the decided ones too.
pub(crate) fn list(tx: &Tx<'_>, decided: bool) -> Result<Vec<Item>, ApiError> {
    let listed = if decided { quarantine::all(tx, entries_of) } else { quarantine::open(tx, entries_of) };
    Ok(listed?)
}

/// Reads a refused change. The kind of document comes from its entries, because the batch may have named another one and the
/// change may have been refused for that.
fn read_kept(id: CaseId, bytes: &[u8]) -> Result<Change, Refusal> {
    let of = |kind| Change::read(DocRef::new(kind, id), bytes);
    match of(DocKind::Case) {
        Err(Refusal::Kind { .. }) => of(DocKind::Sheet),
        read => read,
    }
}

/// The kinds of a refused change's entries with their authors. Empty if the change can not be read.
fn entries_of(case: CaseId, bytes: &[u8]) -> Vec<String> {
    let read = read_kept(case, bytes);
    read.iter().flat_map(|change| change.entries()).map(|entry| format!("{} {}", entry.body.kind(), entry.author.user)).collect()
}

/// Why a decision on a quarantined change is impossible.
#[derive(Debug, thiserror::Error)]
pub(crate) enum DecideError {
    #[error("no open change in quarantine begins with this; list them: doorstep-server admin quarantine list")]
    None,
    #[error("more than one change in quarantine begins with this; give more of its hash")]
    Several,
    #[error("it can not be read, so it can not be released ({0}); discard it with a reason")]
    Unreadable(Refusal),
    #[error("the case already has what it says, written anew by its device; discard it with a reason")]
    Already,
    #[error("the case has no parcel facts yet, and it brings none; release what came first")]
    NoFacts,
    #[error("the case has reached its size limit")]
    Full,
    #[error(transparent)]
    Api(#[from] ApiError),
}

impl From<StoreError> for DecideError {
    fn from(error: StoreError) -> Self {
        Self::Api(error.into())
    }
}

/// The open change whose hash begins with `prefix`.
fn find(tx: &Tx<'_>, prefix: &str) -> Result<(CaseId, ChangeHash), DecideError> {
    let mut found = quarantine::beginning(tx, prefix)?;
    if found.len() > 1 {
        return Err(DecideError::Several);
    }
    found.pop().filter(|_| !prefix.is_empty()).ok_or(DecideError::None)
}

/// Releases a change: writes its entries anew, with their author, time and first receipt. Returns the new change.
pub(crate) fn release(
    tx: &Tx<'_>,
    keys: &Keys,
    prefix: &str,
    by: &str,
    now: UnixMs,
) -> Result<(CaseId, ChangeHash), DecideError> {
    let (case, hash) = find(tx, prefix)?;
    let doc = docs::read(tx, &case)?;
    let doc_kind = (doc.n > 0).then_some(doc.kind);
    let Original { device, receipt, bytes } = quarantine::original(tx, &case, &hash)?;
    let original = read_kept(case, &bytes).map_err(DecideError::Unreadable)?;
    if let Some(entry) = original.entries().first().filter(|_| matches!(doc_kind, Some(kind) if kind != original.kind())) {
        return Err(DecideError::Unreadable(Refusal::Kind { kind: entry.key.kind.clone() }));
    }
    let log = case_log::entries(tx, &case)?;
    let is_there = |entry: &doorstep_domain::Entry| {
        log.iter().any(|r| r.entry.author == entry.author && r.entry.time == entry.time && r.entry.body == entry.body)
    };
    if original.entries().iter().all(is_there) {
        return Err(DecideError::Already);
    }
    let release = Some(Release { original: hash, received_at: receipt.received_at });
    let entries: Vec<NewEntry> = original
        .entries()
        .iter()
        .map(|entry| NewEntry {
            author: entry.author.clone(),
            pack_version: entry.pack_version,
            time: entry.time,
            action: entry.action,
            facts: entry.facts.clone(),
            sheet: entry.sheet.clone(),
            release,
            rewrites: None,
            body: entry.body.clone(),
        })
        .collect();
    let anew = headoffice::append(tx, keys, &case, entries, receipt, (&device, now)).map_err(|error| match error {
        HeadOfficeError::Full => DecideError::Full,
        HeadOfficeError::NoCase => DecideError::NoFacts,
        HeadOfficeError::Api(error) => error.into(),
        _ => ApiError::Internal("writing a release").into(),
    })?;
    quarantine::decide(tx, (&case, &hash), &Decided { state: "released", by, why: None, at: now })?;
    Ok((case, anew))
}

/// Discards a change. It stays in quarantine with the reason, and its device learns of the decision.
pub(crate) fn discard(tx: &Tx<'_>, prefix: &str, by: &str, why: &str, now: UnixMs) -> Result<(CaseId, ChangeHash), DecideError> {
    let (case, hash) = find(tx, prefix)?;
    quarantine::decide(tx, (&case, &hash), &Decided { state: "discarded", by, why: Some(why), at: now })?;
    Ok((case, hash))
}
