//! Reference rows: published by the server, cached for offline use.

use std::sync::Arc;

use doorstep_domain::{Fen, Outlet, Parcel, Personal, UnixMs, VirtualNumber, Waybill};
use doorstep_protocol::{DayRow, OutletRow, ParcelRow, PersonRow, Publication, RefKind, RefVersion, Reference, Signed, decode};
use doorstep_rules::{FIRST_POLICY, Pack, Policy, Published, Rulebook};
use rusqlite::{Connection, OptionalExtension, Row, TransactionBehavior, params};

use crate::{Store, StoreError, project};

impl Store {
    /// Stores the server's present rows of a kind, replacing the older ones. Versions of the rule pack are added to the existing
    /// ones. An unusable pack or policy changes nothing.
    pub fn take_refs(&mut self, kind: RefKind, refs: &Reference, now: UnixMs) -> Result<(), StoreError> {
        match kind {
            RefKind::Pack => {
                let fault = refs.packs.iter().find_map(|(publication, _)| Pack::parse(&publication.toml).err());
                fault.map_or(Ok(()), |error| Err(StoreError::Reference(error.to_string())))?;
            }
            RefKind::Policy => {
                Policy::parse(&refs.policy).map_err(|error| StoreError::Reference(error.to_string()))?;
            }
            _ => {}
        }
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
            RefKind::Pack => take_packs(&tx, &refs.packs)?,
            RefKind::Policy => {}
            RefKind::People => {
                tx.execute("DELETE FROM person", [])?;
                for PersonRow { account, name, role, outlet, left } in &refs.people {
                    tx.prepare_cached(
                        "INSERT OR REPLACE INTO person (account, name, role, outlet, has_left) VALUES (?1, ?2, ?3, ?4, ?5)",
                    )?
                    .execute(params![account, name, role, outlet, left])?;
                }
            }
            RefKind::Calendar => {
                tx.execute("DELETE FROM calendar_day", [])?;
                for DayRow { day, works, name } in &refs.days {
                    tx.prepare_cached("INSERT OR REPLACE INTO calendar_day (day, works, name) VALUES (?1, ?2, ?3)")?
                        .execute(params![day, works, name])?;
                }
            }
        }
        tx.prepare_cached("INSERT OR REPLACE INTO reference (kind, version, body) VALUES (?1, ?2, ?3)")?.execute(params![
            kind.as_str(),
            refs.version,
            refs.policy
        ])?;
        if kind == RefKind::Pack
            && let Some(book) = rulebook(&tx)?
        {
            // Other rules may give other judgements.
            for case in crate::read::case_ids(&tx)? {
                project::rewrite_row_or_skip(&tx, &case, &book, now)?;
            }
        }
        tx.commit()?;
        Ok(())
    }

    /// The versions of the rule pack here, if any was received.
    pub fn book(&mut self) -> Result<Option<Arc<Rulebook>>, StoreError> {
        self.load_book()?;
        Ok(self.book.as_ref().map(|(_, book)| book.clone()))
    }

    /// Reads the rules, and again if another process has stored newer ones. Unreadable rules come again from the server with the
    /// next sync, and recording must not wait for them.
    pub(crate) fn load_book(&mut self) -> Result<(), StoreError> {
        let have = self.book.as_ref().map(|(version, _)| *version);
        let version: Option<u64> = self
            .db
            .prepare_cached("SELECT version FROM reference WHERE kind = 'pack' AND version IS NOT ?1")?
            .query_row(params![have], |row| row.get(0))
            .optional()?;
        let Some(version) = version else { return Ok(()) };
        match rulebook(&self.db) {
            Ok(book) => self.book = book.map(|book| (version, Arc::new(book))),
            Err(StoreError::Reference(_)) => {
                self.book = None;
                self.db.execute("DELETE FROM reference WHERE kind = 'pack'", [])?;
                self.db.execute("DELETE FROM pack", [])?;
            }
            Err(error) => return Err(error),
        }
        Ok(())
    }

    /// The versions of the reference rows here. A kind without rows is left out, because each would cost 5 bytes of every
    /// request.
    pub(crate) fn ref_versions(&self) -> Result<Vec<RefVersion>, StoreError> {
        let versions = RefKind::ALL.into_iter().map(|kind| Ok(RefVersion { kind, version: version(&self.db, kind)? }));
        versions.filter(|named| !matches!(named, Ok(RefVersion { version: 0, .. }))).collect()
    }

    /// The version of a kind of reference rows here; 0 if none.
    pub fn ref_version(&self, kind: RefKind) -> Result<u64, StoreError> {
        version(&self.db, kind)
    }

    /// The policy in force here: the server's, or the built-in first one until it has come.
    pub fn policy(&self) -> Result<Policy, StoreError> {
        let body: Option<Vec<u8>> = self
            .db
            .prepare_cached("SELECT body FROM reference WHERE kind = 'policy' AND length(body) > 0")?
            .query_row([], |row| row.get(0))
            .optional()?;
        Policy::parse(body.as_deref().unwrap_or(FIRST_POLICY)).map_err(|error| StoreError::Reference(error.to_string()))
    }

    /// The main number of a shipment, given one of its child numbers. Any other number is returned unchanged.
    pub fn main_number(&self, waybill: &Waybill) -> Result<Waybill, StoreError> {
        let main: Option<String> = self
            .db
            .prepare_cached(
                "SELECT waybill FROM parcel WHERE children <> '' AND instr(' ' || children || ' ', ' ' || ?1 || ' ') > 0
                 AND NOT EXISTS (SELECT 1 FROM parcel WHERE waybill = ?1)",
            )?
            .query_row([waybill.as_str()], |row| row.get(0))
            .optional()?;
        Ok(main.and_then(|main| Waybill::parse(&main).ok()).unwrap_or_else(|| waybill.clone()))
    }

    /// Today's parcels, by waybill.
    pub fn parcels(&self) -> Result<Vec<Parcel>, StoreError> {
        self.parcels_after("", u32::MAX)
    }

    /// A page of parcels: at most `limit` of those after a waybill.
    pub fn parcels_after(&self, waybill: &str, limit: u32) -> Result<Vec<Parcel>, StoreError> {
        let mut query = self.db.prepare_cached("SELECT * FROM parcel WHERE waybill > ?1 ORDER BY waybill LIMIT ?2")?;
        let mut rows = query.query(params![waybill, limit])?;
        let mut parcels = Vec::new();
        while let Some(row) = rows.next()? {
            parcels.push(read_parcel(row)?.ok_or(StoreError::Damaged("parcel"))?);
        }
        Ok(parcels)
    }

    /// A parcel of the day.
    pub fn parcel(&self, waybill: &Waybill) -> Result<Option<Parcel>, StoreError> {
        parcel(&self.db, waybill)
    }

    /// The people of this device's outlets by account, including those who have left.
    pub fn people(&self) -> Result<Vec<PersonRow>, StoreError> {
        let mut query = self.db.prepare_cached("SELECT account, name, role, outlet, has_left FROM person ORDER BY account")?;
        let rows = query.query_map([], |row| {
            let (account, name, role) = (row.get(0)?, row.get(1)?, row.get(2)?);
            Ok(PersonRow { account, name, role, outlet: row.get(3)?, left: row.get(4)? })
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// The days of head office's calendar that differ from their weekday, in order.
    pub fn calendar(&self) -> Result<Vec<DayRow>, StoreError> {
        let mut query = self.db.prepare_cached("SELECT day, works, name FROM calendar_day ORDER BY day")?;
        let rows = query.query_map([], |row| Ok(DayRow { day: row.get(0)?, works: row.get(1)?, name: row.get(2)? }))?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// An outlet of the directory. X-1 needs its phone number offline.
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

/// The number of older pack versions that are kept beside those that the server names: enough for every act that may still come.
const OLD_PACKS: i64 = 8;

fn take_packs(db: &Connection, packs: &[(Publication, Signed)]) -> Result<(), StoreError> {
    for (publication, signed) in packs {
        db.prepare_cached("INSERT OR REPLACE INTO pack (version, valid_from_ms, body, sig) VALUES (?1, ?2, ?3, ?4)")?
            .execute(params![publication.version, publication.valid_from_ms, signed.body, signed.sig])?;
    }
    // A newer version than the server's newest came from a log that was lost. The server judges without it, so it is not in force
    // here either. It stays, because it may be the only proof of its publication.
    let newest = packs.iter().map(|(publication, _)| publication.version).max().unwrap_or(u32::MAX);
    db.prepare_cached("UPDATE pack SET valid_from_ms = ?2 WHERE version > ?1")?.execute(params![newest, i64::MAX])?;
    let oldest = packs.iter().map(|(publication, _)| publication.version).min().unwrap_or(0);
    db.execute(
        "DELETE FROM pack WHERE version < ?1
         AND version NOT IN (SELECT version FROM pack WHERE version < ?1 ORDER BY version DESC LIMIT ?2)",
        params![oldest, OLD_PACKS],
    )?;
    Ok(())
}

/// The versions of the rule pack here; `None` if none was received.
pub(crate) fn rulebook(db: &Connection) -> Result<Option<Rulebook>, StoreError> {
    let mut query = db.prepare_cached("SELECT body, valid_from_ms FROM pack ORDER BY version")?;
    let rows = query.query_map([], |row| Ok((row.get::<_, Vec<u8>>(0)?, row.get::<_, i64>(1)?)))?;
    let mut versions = Vec::new();
    for row in rows {
        let (body, valid_from) = row?;
        let unusable = |error: String| StoreError::Reference(error);
        let publication: Publication = decode(&body).map_err(|error| unusable(error.to_string()))?;
        let pack = Pack::parse(&publication.toml).map_err(|error| unusable(error.to_string()))?;
        versions.push(Published { valid_from: UnixMs(valid_from), pack });
    }
    Ok(Rulebook::of(versions))
}

fn insert_parcel(db: &Connection, row: &ParcelRow) -> Result<(), StoreError> {
    db.prepare_cached(
        "INSERT OR REPLACE INTO parcel (waybill, network, origin_outlet, delivering_outlet, courier, recipient_name,
           recipient_phone, recipient_address, cod_fen, arrival_ms, hub, entered_ms, children, virtual_phone, virtual_until_ms)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15)",
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
        row.hub,
        row.entered_ms,
        row.children.as_deref().unwrap_or_default().join(" "),
        row.virtual_phone,
        row.virtual_until_ms
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
    let (phone, virtual_phone) = (bytes("recipient_phone")?, bytes("virtual_phone")?);
    let virtual_until = row.get::<_, Option<i64>>("virtual_until_ms")?.map(UnixMs);
    let number = |bytes: &[u8]| if bytes.is_empty() { Some(None) } else { Personal::from_bytes(bytes).ok().map(Some) };
    let courier: Option<String> = row.get("courier")?;
    let (waybill, network, origin, delivering) =
        (text("waybill")?, text("network")?, text("origin_outlet")?, text("delivering_outlet")?);
    let (name, address) = (bytes("recipient_name")?, bytes("recipient_address")?);
    let hub: Option<String> = row.get("hub")?;
    let (entered, children) = (row.get::<_, Option<i64>>("entered_ms")?.map(UnixMs), text("children")?);
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
            recipient_phone: number(&phone)?,
            virtual_number: number(&virtual_phone)?.map(|number| VirtualNumber { number, expires_at: virtual_until }),
            recipient_address: Personal::from_bytes(&address).ok()?,
            cod,
            theoretical_arrival: arrival,
            hub: match &hub {
                Some(hub) => Some(hub.parse().ok()?),
                None => None,
            },
            entered_at: entered,
            children: children.split_whitespace().map(Waybill::parse).collect::<Result<_, _>>().ok()?,
        })
    };
    Ok(read())
}
