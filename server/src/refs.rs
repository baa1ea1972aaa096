//! Reference rows for devices.

use doorstep_domain::UnixMs;
use doorstep_protocol::{DayRow, OutletRow, ParcelRow, PersonRow, RefKind, RefVersion, Refs, Scope, Spoken};
use rusqlite::{OptionalExtension, Row};

use crate::{enrol::Device, error::ApiError, packs, store::references, store::tx::Tx};

/// What a device can read.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Reads {
    /// Whose answers it is given.
    pub spoken: Spoken,
    /// The newest format of packs and policies.
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

/// Added to the version of a kind of which a device is not given the newest rows, because it can not read them: it has another
/// version than the rest then, and fetches what was withheld once it can.
const WITHHELD: u64 = 1 << 40;

/// The version of a kind as a device has it.
fn version_for(db: &Tx<'_>, kind: RefKind, format: u32) -> Result<u64, ApiError> {
    let version = references::version(db, kind.as_str())?;
    let is_withheld = match kind {
        RefKind::Pack => packs::is_withheld(db, format)?,
        RefKind::Policy => {
            db.prepare_cached("SELECT 1 FROM reference WHERE kind = 'policy' AND format > ?1")?.exists([format])?
        }
        _ => false,
    };
    Ok(if is_withheld { version + WITHHELD } else { version })
}

/// The rows of a kind that the device may see, or `None` if it has this version. A kind that it does not know is not found.
pub(crate) fn rows(
    db: &Tx<'_>,
    kind: RefKind,
    have: u64,
    device: &Device,
    reads: Reads,
    now: UnixMs,
) -> Result<Option<Refs>, ApiError> {
    if !reads.kinds().contains(&kind) {
        return Err(ApiError::NotFound);
    }
    let version = version_for(db, kind, reads.format)?;
    if version == have {
        return Ok(None);
    }
    let mut refs = Refs { version, parcels: vec![], outlets: vec![], policy: vec![], packs: None, people: None, days: None };
    match kind {
        RefKind::Parcels => {
            for scope in device.scopes() {
                let (of, sql) = match &scope {
                    // On their list and not handed over to another, or taken over, or offered to them (C-23); while it is open.
                    Scope::Courier(of) => (
                        of,
                        "SELECT * FROM parcel WHERE courier = ?1 AND NOT EXISTS (SELECT 1 FROM doc
                           WHERE doc.waybill = parcel.waybill AND (closed = 1 OR doc.courier <> ?1))
                         UNION SELECT parcel.* FROM doc JOIN parcel USING (waybill)
                         WHERE (doc.courier = ?1 OR doc.offered_to = ?1) AND closed = 0",
                    ),
                    Scope::Hub(of) => (of, "SELECT * FROM parcel WHERE hub = ?1"),
                    Scope::Outlet(of) => (of, "SELECT * FROM parcel WHERE delivering_outlet = ?1"),
                    Scope::Unknown(_) => continue,
                };
                for row in db.prepare_cached(sql)?.query_map([of], parcel_row)? {
                    refs.parcels.push(row?);
                }
            }
        }
        RefKind::Outlets => {
            let mut query = db.prepare_cached("SELECT code, name_zh, name_en, phone FROM outlet")?;
            let rows = query.query_map([], |row| {
                Ok(OutletRow { code: row.get(0)?, name_zh: row.get(1)?, name_en: row.get(2)?, phone: row.get(3)? })
            })?;
            refs.outlets = rows.collect::<Result<_, _>>()?;
        }
        RefKind::Pack => refs.packs = Some(packs::for_device(db, &device.id, reads.format, now)?),
        RefKind::People => {
            let mut query = db
                .prepare_cached("SELECT id, name, role, outlet, left_at IS NOT NULL FROM person WHERE outlet = ?1 ORDER BY id")?;
            let mut people = Vec::new();
            for outlet in device.outlets() {
                let rows = query.query_map([outlet], |row| {
                    let (account, name, role) = (row.get(0)?, row.get(1)?, row.get(2)?);
                    Ok(PersonRow { account, name, role, outlet: row.get(3)?, left: row.get(4)? })
                })?;
                people.extend(rows.collect::<Result<Vec<_>, _>>()?);
            }
            refs.people = Some(people);
        }
        RefKind::Calendar => {
            let mut query = db.prepare_cached("SELECT day, works, name FROM calendar_day ORDER BY day")?;
            let rows = query.query_map([], |row| Ok(DayRow { day: row.get(0)?, works: row.get(1)?, name: row.get(2)? }))?;
            refs.days = Some(rows.collect::<Result<_, _>>()?);
        }
        RefKind::Policy => {
            // The one in force, else the newest that it reads: the first one is of the first format.
            let sql = "SELECT body FROM (
                 SELECT body, format, 1 AS now, 0 AS n FROM reference WHERE kind = 'policy'
                 UNION ALL SELECT body, format, 0, n FROM former_policy)
               WHERE format <= ?1 ORDER BY now DESC, n DESC LIMIT 1";
            let body = db.query_row(sql, [reads.format], |row| row.get(0)).optional()?;
            refs.policy = body.ok_or(ApiError::NotFound)?;
        }
    }
    Ok(Some(refs))
}

pub(crate) fn parcel_row(row: &Row<'_>) -> rusqlite::Result<ParcelRow> {
    let children: Vec<String> = row.get::<_, String>("children")?.split_whitespace().map(str::to_owned).collect();
    Ok(ParcelRow {
        waybill: row.get("waybill")?,
        network: row.get("network")?,
        origin_outlet: row.get("origin_outlet")?,
        delivering_outlet: row.get("delivering_outlet")?,
        courier: row.get("courier")?,
        recipient_name: row.get("recipient_name")?,
        recipient_phone: row.get("recipient_phone")?,
        recipient_address: row.get("recipient_address")?,
        cod_fen: row.get("cod_fen")?,
        theoretical_arrival_ms: row.get("arrival_ms")?,
        hub: row.get("hub")?,
        entered_ms: row.get("entered_ms")?,
        children: Some(children).filter(|children| !children.is_empty()),
        virtual_phone: row.get("virtual_phone")?,
        virtual_until_ms: row.get("virtual_until_ms")?,
    })
}

/// The kinds of which the device has another version.
pub(crate) fn stale(db: &Tx<'_>, have: &[RefVersion], reads: Reads) -> Result<Vec<RefVersion>, ApiError> {
    let mut stale = Vec::new();
    for kind in reads.kinds().iter().copied() {
        let version = version_for(db, kind, reads.format)?;
        if have.iter().find(|h| h.kind == kind).map_or(0, |h| h.version) != version {
            stale.push(RefVersion { kind, version });
        }
    }
    Ok(stale)
}

/// A kind of reference rows has changed: devices fetch it anew.
pub(crate) fn bump(db: &Tx<'_>, kind: &str) -> rusqlite::Result<()> {
    db.execute("UPDATE reference SET version = version + 1 WHERE kind = ?1", [kind]).map(|_| ())
}
