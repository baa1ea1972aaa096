//! Reference rows: what the server publishes, cached for the road.

use doorstep_domain::{Fen, Outlet, Parcel, Personal, UnixMs, Waybill};
use doorstep_protocol::{OutletRow, ParcelRow, RefKind, RefVersion, Refs};
use doorstep_rules::{FIRST_POLICY, Pack, Policy};
use rusqlite::{Connection, OptionalExtension, Row, TransactionBehavior, params};

use crate::{Store, StoreError, project};

impl Store {
    /// Takes the rows of a kind as the server has them now, replacing the older ones. A pack that is not usable changes
    /// nothing.
    pub fn take_refs(&mut self, kind: RefKind, refs: &Refs, now: UnixMs) -> Result<(), StoreError> {
        let pack = match kind {
            RefKind::Pack => Some(Pack::parse(&refs.pack).map_err(|error| StoreError::Reference(error.to_string()))?),
            RefKind::Policy => {
                Policy::parse(&refs.pack).map_err(|error| StoreError::Reference(error.to_string()))?;
                None
            }
            _ => None,
        };
        let tx = self.db.transaction_with_behavior(TransactionBehavior::Immediate)?;
        match kind {
            RefKind::Parcels => {
                tx.execute("DELETE FROM parcel", [])?;
                for row in &refs.parcels {
                    insert_parcel(&tx, row)?;
                }
            }
            RefKind::Outlets => {
                tx.execute("DELETE FROM outlet", [])?;
                for OutletRow { code, name_zh, name_en, phone } in &refs.outlets {
                    tx.prepare_cached("INSERT OR REPLACE INTO outlet (code, name_zh, name_en, phone) VALUES (?1, ?2, ?3, ?4)")?
                        .execute(params![code, name_zh, name_en, phone])?;
                }
            }
            RefKind::Pack | RefKind::Policy => {}
        }
        tx.prepare_cached("INSERT OR REPLACE INTO reference (kind, version, body) VALUES (?1, ?2, ?3)")?.execute(params![
            kind.as_str(),
            refs.version,
            refs.pack
        ])?;
        if let Some(pack) = &pack {
            // Other rules, other judgements.
            for case in crate::read::case_ids(&tx)? {
                project::rewrite_row_or_skip(&tx, &case, pack, now)?;
            }
        }
        tx.commit()?;
        if let Some(pack) = pack {
            self.pack = Some((refs.version, pack));
        }
        Ok(())
    }

    /// Versions of the reference rows here.
    pub(crate) fn ref_versions(&self) -> Result<Vec<RefVersion>, StoreError> {
        RefKind::ALL.into_iter().map(|kind| Ok(RefVersion { kind, version: version(&self.db, kind)? })).collect()
    }

    /// Version of a kind of reference rows here; 0 if none.
    pub fn ref_version(&self, kind: RefKind) -> Result<u64, StoreError> {
        version(&self.db, kind)
    }

    /// The policy in force here: the server's, or the first one until it has come.
    pub fn policy(&self) -> Result<Policy, StoreError> {
        let body: Option<Vec<u8>> = self
            .db
            .prepare_cached("SELECT body FROM reference WHERE kind = 'policy' AND length(body) > 0")?
            .query_row([], |row| row.get(0))
            .optional()?;
        Policy::parse(body.as_deref().unwrap_or(FIRST_POLICY)).map_err(|error| StoreError::Reference(error.to_string()))
    }

    /// Today's parcels, by waybill.
    pub fn parcels(&self) -> Result<Vec<Parcel>, StoreError> {
        let mut query = self.db.prepare_cached("SELECT * FROM parcel ORDER BY waybill")?;
        let mut rows = query.query([])?;
        let mut parcels = Vec::new();
        while let Some(row) = rows.next()? {
            parcels.push(read_parcel(row)?.ok_or(StoreError::Damaged("parcel"))?);
        }
        Ok(parcels)
    }

    /// One parcel of the day.
    pub fn parcel(&self, waybill: &Waybill) -> Result<Option<Parcel>, StoreError> {
        parcel(&self.db, waybill)
    }

    /// An outlet of the directory: its phone number is what X-1 needs offline.
    pub fn outlet(&self, code: &str) -> Result<Option<Outlet>, StoreError> {
        let row = self
            .db
            .prepare_cached("SELECT code, name_zh, name_en, phone FROM outlet WHERE code = ?1")?
            .query_row([code], |row| Ok((row.get::<_, String>(0)?, row.get(1)?, row.get(2)?, row.get(3)?)))
            .optional()?;
        row.map(|(code, name_zh, name_en, phone)| {
            Ok(Outlet { code: code.parse().map_err(|_| StoreError::Damaged("outlet"))?, name_zh, name_en, phone })
        })
        .transpose()
    }
}

fn insert_parcel(db: &Connection, row: &ParcelRow) -> Result<(), StoreError> {
    db.prepare_cached(
        "INSERT OR REPLACE INTO parcel (waybill, network, origin_outlet, delivering_outlet, courier, recipient_name,
           recipient_phone, recipient_address, cod_fen, arrival_ms, hub) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)",
    )?
    .execute(params![
        row.waybill,
        row.network,
        row.origin_outlet,
        row.delivering_outlet,
        row.courier,
        row.recipient_name,
        row.recipient_phone,
        row.recipient_address,
        row.cod_fen,
        row.theoretical_arrival_ms,
        row.hub
    ])?;
    Ok(())
}

pub(crate) fn version(db: &Connection, kind: RefKind) -> Result<u64, StoreError> {
    Ok(db
        .prepare_cached("SELECT version FROM reference WHERE kind = ?1")?
        .query_row([kind.as_str()], |row| row.get(0))
        .optional()?
        .unwrap_or(0))
}

pub(crate) fn parcel(db: &Connection, waybill: &Waybill) -> Result<Option<Parcel>, StoreError> {
    let mut query = db.prepare_cached("SELECT * FROM parcel WHERE waybill = ?1")?;
    let mut rows = query.query([waybill.as_str()])?;
    match rows.next()? {
        Some(row) => Ok(Some(read_parcel(row)?.ok_or(StoreError::Damaged("parcel"))?)),
        None => Ok(None),
    }
}

fn read_parcel(row: &Row<'_>) -> rusqlite::Result<Option<Parcel>> {
    let text = |column: &str| row.get::<_, String>(column);
    let bytes = |column: &str| row.get::<_, Vec<u8>>(column);
    let phone = bytes("recipient_phone")?;
    let courier: Option<String> = row.get("courier")?;
    let (waybill, network, origin, delivering) =
        (text("waybill")?, text("network")?, text("origin_outlet")?, text("delivering_outlet")?);
    let (name, address) = (bytes("recipient_name")?, bytes("recipient_address")?);
    let hub: Option<String> = row.get("hub")?;
    let (cod, arrival) = (Fen(row.get("cod_fen")?), row.get::<_, Option<i64>>("arrival_ms")?.map(UnixMs));
    let read = || {
        Some(Parcel {
            waybill: Waybill::parse(&waybill).ok()?,
            network: network.parse().ok()?,
            origin_outlet: origin.parse().ok()?,
            delivering_outlet: delivering.parse().ok()?,
            courier: match &courier {
                Some(user) => Some(user.parse().ok()?),
                None => None,
            },
            recipient_name: Personal::from_bytes(&name).ok()?,
            recipient_phone: if phone.is_empty() { None } else { Some(Personal::from_bytes(&phone).ok()?) },
            recipient_address: Personal::from_bytes(&address).ok()?,
            cod,
            theoretical_arrival: arrival,
            hub: match &hub {
                Some(hub) => Some(hub.parse().ok()?),
                None => None,
            },
        })
    };
    Ok(read())
}
