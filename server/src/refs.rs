//! Reference rows for devices.

use doorstep_domain::{Personal, UnixMs, mask_name, mask_number};
use doorstep_protocol::{ParcelRow, RefKind, RefVersion, Refs, Scope, Spoken};

use crate::{
    enrol::Device,
    error::ApiError,
    packs,
    store::{self, parcels, people, references, tx::Tx},
};

/// The protocol version and the formats that a device can read.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Reads {
    /// The protocol version of its answers.
    pub spoken: Spoken,
    /// The newest format of packs and policies that it can read.
    pub format: u32,
}

impl Reads {
    fn kinds(self) -> &'static [RefKind] {
        match self.spoken {
            Spoken::Version2 => &RefKind::OF_VERSION_2,
            Spoken::Version3 => &RefKind::ALL,
        }
    }
}

/// Added to the version of a kind of rows if the device gets no newest rows, because it can not read them. That version then
/// differs from the regular one, so the device fetches the withheld rows once it can read them.
const WITHHELD: u64 = 1 << 40;

/// The version of a kind of rows, as this device sees it.
fn version_for(tx: &Tx<'_>, kind: RefKind, format: u32) -> Result<u64, ApiError> {
    let version = references::version(tx, kind.as_str())?;
    let is_withheld = match kind {
        RefKind::Pack => store::packs::is_withheld(tx, format)?,
        RefKind::Policy => references::is_policy_withheld(tx, format)?,
        _ => false,
    };
    Ok(if is_withheld { version + WITHHELD } else { version })
}

/// The rows of a kind that the device may see, or `None` if it has this version. A kind that its version does not know is not
/// found.
pub(crate) fn rows(
    tx: &Tx<'_>,
    kind: RefKind,
    have: u64,
    device: &Device,
    reads: Reads,
    now: UnixMs,
) -> Result<Option<Refs>, ApiError> {
    if !reads.kinds().contains(&kind) {
        return Err(ApiError::NotFound);
    }
    let version = version_for(tx, kind, reads.format)?;
    if version == have {
        return Ok(None);
    }
    let mut refs = Refs { version, parcels: vec![], outlets: vec![], policy: vec![], packs: None, people: None, days: None };
    match kind {
        RefKind::Parcels => {
            for scope in device.scopes() {
                let rows = match &scope {
                    Scope::Courier(of) => parcels::of_courier(tx, of)?,
                    Scope::Hub(of) => parcels::of_hub(tx, of)?,
                    Scope::Outlet(of) => parcels::of_outlet(tx, of)?,
                    Scope::Unknown(_) => continue,
                };
                refs.parcels.extend(rows.into_iter().map(|row| for_scope(row, &scope)));
            }
        }
        RefKind::Outlets => refs.outlets = people::outlets(tx)?,
        RefKind::Pack => refs.packs = Some(packs::for_device(tx, &device.id, reads.format, now)?),
        RefKind::People => {
            let mut rows = Vec::new();
            for outlet in device.outlets() {
                rows.extend(people::of_outlet(tx, outlet)?);
            }
            refs.people = Some(rows);
        }
        RefKind::Calendar => refs.days = Some(references::days(tx)?),
        // The first policy has the first format, which every device reads.
        RefKind::Policy => refs.policy = references::policy_for(tx, reads.format)?.ok_or(ApiError::NotFound)?,
    }
    Ok(Some(refs))
}

/// A parcel's row as a scope gets it: the sender's name and number are whole only for the outlet that sent the parcel. Apps decide
/// by the same rule whom they show what (`rules/src/telling/sight.rs`), but what a phone does not have it can not leak.
fn for_scope(mut row: ParcelRow, scope: &Scope) -> ParcelRow {
    if *scope != Scope::Outlet(row.origin_outlet.clone())
        && let Some(details) = &mut row.details
    {
        masked(&mut details.sender_name, mask_name);
        masked(&mut details.sender_phone, mask_number);
    }
    row
}

/// Masks a stored personal value. An unreadable one is left out.
fn masked(value: &mut Vec<u8>, mask: fn(&str) -> String) {
    if !value.is_empty() {
        *value = Personal::from_bytes(value).map(|personal| personal.behind(mask).as_bytes().to_vec()).unwrap_or_default();
    }
}

/// The kinds of rows of which the device has another version.
pub(crate) fn stale(tx: &Tx<'_>, have: &[RefVersion], reads: Reads) -> Result<Vec<RefVersion>, ApiError> {
    let mut stale = Vec::new();
    for kind in reads.kinds().iter().copied() {
        let version = version_for(tx, kind, reads.format)?;
        if have.iter().find(|h| h.kind == kind).map_or(0, |h| h.version) != version {
            stale.push(RefVersion { kind, version });
        }
    }
    Ok(stale)
}
