//! Reference rows: published by the server, cached for offline use.

use std::sync::Arc;

use doorstep_domain::{Day, Outlet, OutletCode, Parcel, UnixMs, Waybill};
use doorstep_protocol::{DayRow, OutletRow, PersonRow, Publication, RefKind, RefVersion, Reference, Signed, decode};
use doorstep_rules::{FIRST_POLICY, Pack, Policy, Published, Rulebook};
use rusqlite::{Connection, TransactionBehavior};

use crate::{
    Store, StoreError, parcels, project,
    row::{Statements, params},
};

impl Store {
    /// Stores the server's present rows of a kind, replacing the older ones, or, of a difference, those that it names. Versions of
    /// the rule pack are added to the existing ones. An unusable pack or policy changes nothing. On the reserve of a full disk
    /// nothing is stored: the next sync with room asks for the rows again.
    pub fn take_refs(&mut self, kind: RefKind, refs: &Reference, now: UnixMs) -> Result<(), StoreError> {
        if self.is_on_reserve() {
            return Ok(());
        }
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
                match refs.since {
                    None => {
                        tx.run("DELETE FROM parcel", params![])?;
                    }
                    // It is a difference to other rows: another process has taken newer ones meanwhile. The next sync asks anew.
                    Some(since) if since != version(&tx, kind)? => return Ok(()),
                    Some(_) => {
                        for waybill in &refs.ended {
                            tx.run("DELETE FROM parcel WHERE waybill = ?1", params![waybill])?;
                        }
                    }
                }
                for row in &refs.parcels {
                    parcels::insert(&tx, row)?;
                }
            }
            RefKind::Outlets => {
                tx.run("DELETE FROM outlet", params![])?;
                for OutletRow { code, name_zh, name_en, phone } in &refs.outlets {
                    let insert = "INSERT OR REPLACE INTO outlet (code, name_zh, name_en, phone) VALUES (?1, ?2, ?3, ?4)";
                    tx.run(insert, params![code, name_zh, name_en, phone])?;
                }
            }
            RefKind::Pack => take_packs(&tx, &refs.packs)?,
            RefKind::Policy => {}
            RefKind::People => {
                tx.run("DELETE FROM person", params![])?;
                for PersonRow { account, name, role, outlet, left } in &refs.people {
                    tx.run(
                        "INSERT OR REPLACE INTO person (account, name, role, outlet, has_left) VALUES (?1, ?2, ?3, ?4, ?5)",
                        params![account, name, role, outlet, left],
                    )?;
                }
            }
            RefKind::Calendar => {
                tx.run("DELETE FROM calendar_day", params![])?;
                for DayRow { day, works, name } in &refs.days {
                    let insert = "INSERT OR REPLACE INTO calendar_day (day, works, name) VALUES (?1, ?2, ?3)";
                    tx.run(insert, params![day, works, name])?;
                }
            }
        }
        let insert = "INSERT OR REPLACE INTO reference (kind, version, body) VALUES (?1, ?2, ?3)";
        tx.run(insert, params![kind.as_str(), refs.version, refs.policy])?;
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
        let sql = "SELECT version FROM reference WHERE kind = 'pack' AND version IS NOT ?1";
        let version: Option<u64> = self.db.maybe("reference", sql, params![have], |row| row.get(0))?;
        let Some(version) = version else { return Ok(()) };
        match rulebook(&self.db) {
            Ok(book) => self.book = book.map(|book| (version, Arc::new(book))),
            Err(StoreError::Reference(_)) => {
                self.book = None;
                self.db.run("DELETE FROM reference WHERE kind = 'pack'", params![])?;
                self.db.run("DELETE FROM pack", params![])?;
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
        let sql = "SELECT body FROM reference WHERE kind = 'policy' AND length(body) > 0";
        let body: Option<Vec<u8>> = self.db.maybe("reference", sql, params![], |row| row.get(0))?;
        Policy::parse(body.as_deref().unwrap_or(FIRST_POLICY)).map_err(|error| StoreError::Reference(error.to_string()))
    }

    /// The main number of a shipment, given one of its child numbers. Any other number is returned unchanged.
    pub fn main_number(&self, waybill: &Waybill) -> Result<Waybill, StoreError> {
        let main: Option<String> = self.db.maybe(
            "parcel",
            "SELECT waybill FROM parcel WHERE children <> '' AND instr(' ' || children || ' ', ' ' || ?1 || ' ') > 0
             AND NOT EXISTS (SELECT 1 FROM parcel WHERE waybill = ?1)",
            params![waybill],
            |row| row.get(0),
        )?;
        Ok(main.and_then(|main| Waybill::parse(&main).ok()).unwrap_or_else(|| waybill.clone()))
    }

    /// All parcels of the lists here, by waybill.
    pub fn parcels(&self) -> Result<Vec<Parcel>, StoreError> {
        self.parcels_after("", u32::MAX, None)
    }

    /// A page of parcels: at most `limit` of those after a waybill. With `today`, only those of the newest list that is not after
    /// today, those of no day, and those whose case is open. A clock before all lists shows the oldest list, and one that is ahead
    /// the newest, because a wrong clock must not leave a courier without parcels.
    pub fn parcels_after(&self, waybill: &str, limit: u32, today: Option<Day>) -> Result<Vec<Parcel>, StoreError> {
        let sql = "SELECT * FROM parcel WHERE waybill > ?1 AND (?3 IS NULL OR list_day IS NULL
             OR list_day = coalesce((SELECT max(list_day) FROM parcel WHERE list_day <= ?3), (SELECT min(list_day) FROM parcel))
             OR waybill IN (SELECT waybill FROM case_row WHERE closed = 0))
           ORDER BY waybill LIMIT ?2";
        self.db.all("parcel", sql, params![waybill, limit, today], parcels::read)
    }

    /// Erases the rows of parcels that have passed their own end and have no open case, as head office does. Returns whether there were
    /// any. `now` must be a time that the server's clock proves: a wrong wall clock must not take parcels from a courier. Another device
    /// may have opened a case of which nothing is known here, and head office would not send its row again by itself. So the next sync
    /// asks for all rows.
    pub fn end_rows(&mut self, now: UnixMs) -> Result<bool, StoreError> {
        const OVER: &str = "FROM parcel WHERE expires_ms <= ?1
             AND NOT EXISTS (SELECT 1 FROM case_row WHERE case_row.waybill = parcel.waybill AND case_row.closed = 0)";
        if !self.db.exists(&format!("SELECT 1 {OVER}"), params![now])? {
            return Ok(false);
        }
        let tx = self.db.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let ended = tx.run(&format!("DELETE {OVER}"), params![now])?;
        tx.run("DELETE FROM reference WHERE kind = ?1", params![RefKind::Parcels.as_str()])?;
        tx.commit()?;
        Ok(ended > 0)
    }

    /// A parcel of the day.
    pub fn parcel(&self, waybill: &Waybill) -> Result<Option<Parcel>, StoreError> {
        parcels::get(&self.db, waybill)
    }

    /// The people of this device's outlets by account, including those who have left.
    pub fn people(&self) -> Result<Vec<PersonRow>, StoreError> {
        let sql = "SELECT account, name, role, outlet, has_left FROM person ORDER BY account";
        self.db.all("person", sql, params![], |row| {
            let (account, name, role) = (row.get(0)?, row.get(1)?, row.get(2)?);
            Ok(PersonRow { account, name, role, outlet: row.get(3)?, left: row.get(4)? })
        })
    }

    /// The days of head office's calendar that differ from their weekday, in order.
    pub fn calendar(&self) -> Result<Vec<DayRow>, StoreError> {
        let sql = "SELECT day, works, name FROM calendar_day ORDER BY day";
        self.db.all("calendar_day", sql, params![], |row| Ok(DayRow { day: row.get(0)?, works: row.get(1)?, name: row.get(2)? }))
    }

    /// The codes of the outlets and hubs of the directory. Empty until the directory has come.
    pub fn outlet_codes(&self) -> Result<Vec<OutletCode>, StoreError> {
        self.db.all("outlet", "SELECT code FROM outlet ORDER BY code", params![], |row| row.get(0))
    }

    /// An outlet of the directory. X-1 needs its phone number offline.
    pub fn outlet(&self, code: &str) -> Result<Option<Outlet>, StoreError> {
        self.db.maybe("outlet", "SELECT code, name_zh, name_en, phone FROM outlet WHERE code = ?1", params![code], |row| {
            Ok(Outlet { code: row.get(0)?, name_zh: row.get(1)?, name_en: row.get(2)?, phone: row.get(3)? })
        })
    }
}

/// The number of older pack versions that are kept beside those that the server names: enough for every act that may still come.
const OLD_PACKS: i64 = 8;

fn take_packs(db: &Connection, packs: &[(Publication, Signed)]) -> Result<(), StoreError> {
    for (publication, signed) in packs {
        let insert = "INSERT OR REPLACE INTO pack (version, valid_from_ms, body, sig) VALUES (?1, ?2, ?3, ?4)";
        db.run(insert, params![publication.version, publication.valid_from_ms, signed.body, signed.sig])?;
    }
    // A newer version than the server's newest came from a log that was lost. The server judges without it, so it is not in force
    // here either. It stays, because it may be the only proof of its publication.
    let newest = packs.iter().map(|(publication, _)| publication.version).max().unwrap_or(u32::MAX);
    db.run("UPDATE pack SET valid_from_ms = ?2 WHERE version > ?1", params![newest, i64::MAX])?;
    let oldest = packs.iter().map(|(publication, _)| publication.version).min().unwrap_or(0);
    db.run(
        "DELETE FROM pack WHERE version < ?1
         AND version NOT IN (SELECT version FROM pack WHERE version < ?1 ORDER BY version DESC LIMIT ?2)",
        params![oldest, OLD_PACKS],
    )?;
    Ok(())
}

/// The versions of the rule pack here; `None` if none was received.
pub(crate) fn rulebook(db: &Connection) -> Result<Option<Rulebook>, StoreError> {
    let versions = db.all("pack", "SELECT body, valid_from_ms FROM pack ORDER BY version", params![], |row| {
        let unusable = |error: String| StoreError::Reference(error);
        let publication: Publication = decode(row.bytes(0)?).map_err(|error| unusable(error.to_string()))?;
        let pack = Pack::parse(&publication.toml).map_err(|error| unusable(error.to_string()))?;
        Ok(Published { valid_from: row.get(1)?, pack })
    })?;
    Ok(Rulebook::of(versions))
}

pub(crate) fn version(db: &Connection, kind: RefKind) -> Result<u64, StoreError> {
    let sql = "SELECT version FROM reference WHERE kind = ?1";
    Ok(db.maybe("reference", sql, params![kind.as_str()], |row| row.get(0))?.unwrap_or(0))
}
