//! Reference rows for devices.

use doorstep_domain::{Personal, UnixMs, mask_name, mask_number};
use doorstep_protocol::{ParcelRow, RefKind, RefVersion, Refs, Scope, Spoken};

use crate::{
    enrol::Device,
    error::ApiError,
    packs,
    store::{self, parcel_scopes, parcels, people, references, tx::Tx},
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
fn version_for(tx: &Tx<'_>, kind: RefKind, device: &Device, format: u32) -> Result<u64, ApiError> {
    if kind == RefKind::Parcels {
        return version_of_parcels(tx, device);
    }
    let version = references::version(tx, kind.as_str())?;
    let is_withheld = match kind {
        RefKind::Pack => store::packs::is_withheld(tx, format)?,
        RefKind::Policy => references::is_policy_withheld(tx, format)?,
        _ => false,
    };
    Ok(if is_withheld { version + WITHHELD } else { version })
}

/// The version of a device's parcels: the last change of a row in its scopes, or of the scopes themselves. At least 1, so that a
/// device without parcels knows that it has none.
fn version_of_parcels(tx: &Tx<'_>, device: &Device) -> Result<u64, ApiError> {
    let mut version = parcel_scopes::device_from(tx, &device.id)?.max(1);
    for scope in device.scopes() {
        version = version.max(parcel_scopes::head(tx, &scope)?.n);
    }
    Ok(version)
}

/// The rows that a device asks for.
pub(crate) struct Wanted {
    pub kind: RefKind,
    /// The version that it has.
    pub have: u64,
    /// It can use a difference.
    pub part: bool,
}

/// The rows of a kind that the device may see, or `None` if it has this version. A kind that its version does not know is not
/// found.
pub(crate) fn rows(
    tx: &Tx<'_>,
    Wanted { kind, have, part }: Wanted,
    device: &Device,
    reads: Reads,
    now: UnixMs,
) -> Result<Option<Refs>, ApiError> {
    if !reads.kinds().contains(&kind) {
        return Err(ApiError::NotFound);
    }
    let version = version_for(tx, kind, device, reads.format)?;
    if version == have {
        return Ok(None);
    }
    let mut refs = Refs {
        version,
        parcels: vec![],
        outlets: vec![],
        policy: vec![],
        packs: None,
        people: None,
        days: None,
        since: None,
        ended: None,
    };
    match kind {
        RefKind::Parcels => parcels_of(tx, &mut refs, have, part, device)?,
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

/// The parcels of a device's scopes: those that changed after the version that it has and the waybills that its scopes have lost
/// since, or all, if it can not use a difference or its version is too old for one.
fn parcels_of(tx: &Tx<'_>, refs: &mut Refs, have: u64, part: bool, device: &Device) -> Result<(), ApiError> {
    let scopes = device.scopes();
    let mut is_part = part && have > 0 && have < refs.version && have >= parcel_scopes::device_from(tx, &device.id)?;
    for scope in &scopes {
        is_part &= have >= parcel_scopes::head(tx, scope)?.forgotten;
    }
    let after = if is_part { have } else { 0 };
    for scope in &scopes {
        refs.parcels.extend(parcels::of_scope(tx, scope, after)?.into_iter().map(|row| for_scope(row, scope)));
    }
    if !is_part {
        return Ok(());
    }
    let mut ended = Vec::new();
    for scope in &scopes {
        for waybill in parcel_scopes::lost(tx, scope, have)? {
            let mut others = scopes.iter().filter(|other| *other != scope);
            if !others.try_fold(false, |held, other| Ok::<_, ApiError>(held || parcel_scopes::holds(tx, other, &waybill)?))? {
                ended.push(waybill);
            }
        }
    }
    (refs.since, refs.ended) = (Some(have), Some(ended));
    Ok(())
}

/// A parcel's row as a scope gets it: the sender's name and number are whole only for the outlet that sent the parcel. Apps decide
/// by the same rule whom they show what (`core/rules/src/telling/sight.rs`), but what a phone does not have it can not leak.
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
pub(crate) fn stale(tx: &Tx<'_>, have: &[RefVersion], device: &Device, reads: Reads) -> Result<Vec<RefVersion>, ApiError> {
    let mut stale = Vec::new();
    for kind in reads.kinds().iter().copied() {
        let version = version_for(tx, kind, device, reads.format)?;
        if have.iter().find(|h| h.kind == kind).map_or(0, |h| h.version) != version {
            stale.push(RefVersion { kind, version });
        }
    }
    Ok(stale)
}
