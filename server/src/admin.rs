//! The administrator's commands, on the data folder itself; a running server sees the result at once.

use std::path::Path;

use chrono::{DateTime, NaiveDateTime, TimeZone};
use csv::ByteRecord;
use doorstep_domain::{CaseId, ChangeHash, DeviceId, Fen, NetworkCode, OutletCode, Personal, Role, UnixMs, UserId, Waybill};
use doorstep_rules::{Pack, Policy};
use rusqlite::{Connection, OptionalExtension, TransactionBehavior, params};
use serde::Serialize;

use crate::{
    AdminError, db, devices, enrol,
    error::ApiError,
    feed,
    keys::Keys,
    project,
    quarantine::{self, DecideError},
    refs::bump,
};

pub use crate::{
    devices::{DeviceRow, EnvelopeRow, Fork},
    project::CaseRow,
    quarantine::Item,
};

/// How long a code can be redeemed.
const CODE_LIFE_MS: i64 = 24 * 3_600_000;

/// A data folder opened for administration.
pub struct Admin {
    db: Connection,
}

/// A one-time code as handed to a person.
#[derive(Debug, Clone, Serialize)]
pub struct NewCode {
    /// The code; it is shown once, only its hash is kept.
    pub code: String,
    /// For whom.
    pub user: String,
    /// Until when.
    pub expires_at: UnixMs,
}

/// A row that was not imported.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct BadRow {
    /// Its line in the file, from 1.
    pub line: u64,
    /// What is wrong with it; never the recipient's data.
    pub fault: String,
}

/// What an import did.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Imported {
    /// Rows taken.
    pub imported: u64,
    /// Rows left out.
    pub bad: Vec<BadRow>,
}

impl From<ApiError> for AdminError {
    fn from(error: ApiError) -> Self {
        match error {
            ApiError::Sqlite(error) => Self::Sqlite(error),
            other => Self::Invalid(other.to_string()),
        }
    }
}

impl From<DecideError> for AdminError {
    fn from(error: DecideError) -> Self {
        match error {
            DecideError::Api(error) => error.into(),
            other => Self::Invalid(other.to_string()),
        }
    }
}

impl Admin {
    /// Opens a data folder; an empty one is set up.
    pub fn open(folder: &Path) -> Result<Self, AdminError> {
        Ok(Self { db: db::open(folder)? })
    }

    /// Adds or changes an outlet.
    pub fn outlet(&mut self, code: &str, name_zh: &str, name_en: &str, phone: &str) -> Result<(), AdminError> {
        let code: OutletCode = parse(code, "outlet code")?;
        let tx = self.db.transaction_with_behavior(TransactionBehavior::Immediate)?;
        tx.execute(
            "INSERT INTO outlet (code, name_zh, name_en, phone) VALUES (?1, ?2, ?3, ?4)
             ON CONFLICT (code) DO UPDATE SET name_zh = ?2, name_en = ?3, phone = ?4",
            params![code.as_str(), name_zh, name_en, phone],
        )?;
        bump(&tx, "outlets")?;
        Ok(tx.commit()?)
    }

    /// Adds or changes a person.
    pub fn user(&mut self, id: &str, name: &str, role: &str, outlet: &str) -> Result<(), AdminError> {
        let id: UserId = parse(id, "user id")?;
        let role: Role = role.parse().map_err(|_| {
            AdminError::Invalid(format!(
                "role {role:?} is none of: {}",
                Role::ALL.iter().map(|r| r.as_str()).collect::<Vec<_>>().join(", ")
            ))
        })?;
        self.need("outlet", "code", outlet, "add it first: doorstep-server admin outlet")?;
        let tx = self.db.transaction_with_behavior(TransactionBehavior::Immediate)?;
        tx.execute(
            "INSERT INTO person (id, name, role, outlet) VALUES (?1, ?2, ?3, ?4)
             ON CONFLICT (id) DO UPDATE SET name = ?2, role = ?3, outlet = ?4, left_at = NULL",
            params![id.as_str(), name, role.as_str(), outlet],
        )?;
        // Another outlet or role reads other parcels.
        bump(&tx, "parcels")?;
        Ok(tx.commit()?)
    }

    /// Makes a one-time code for a person, valid for 24 hours.
    pub fn code(&mut self, user: &str, now: UnixMs) -> Result<NewCode, AdminError> {
        self.need("person", "id", user, "add the person first: doorstep-server admin user")?;
        // 12 characters of 32: 60 bits. No 0, 1, I, O: they are read aloud and typed.
        let alphabet = b"23456789ABCDEFGHJKLMNPQRSTUVWXYZ";
        let random = db::random::<12>().ok_or(crate::ServeError::Random)?;
        let letters: Vec<char> =
            random.iter().filter_map(|byte| alphabet.get(usize::from(byte % 32)).map(|b| char::from(*b))).collect();
        let code = letters.chunks(4).map(|part| part.iter().collect::<String>()).collect::<Vec<_>>().join("-");
        let clean = enrol::clean_code(&code);
        let expires_at = now.plus(CODE_LIFE_MS);
        // Two codes with the same first four characters: one in a million. The older one is then void, and nobody is let in.
        self.db.execute(
            "INSERT OR REPLACE INTO code (id, hash, person, expires_at) VALUES (?1, ?2, ?3, ?4)",
            params![
                clean.chars().take(enrol::CODE_ID).collect::<String>(),
                enrol::code_hash(&clean).as_slice(),
                user,
                expires_at.0
            ],
        )?;
        Ok(NewCode { code, user: user.to_owned(), expires_at })
    }

    /// A person has left: their devices read nothing of theirs any more, and what they recorded goes into quarantine.
    pub fn left(&mut self, user: &str, now: UnixMs) -> Result<(), AdminError> {
        self.need("person", "id", user, "list them in the parcels' or your own records")?;
        self.db.execute("UPDATE person SET left_at = coalesce(left_at, ?2) WHERE id = ?1", params![user, now.0])?;
        bump(&self.db, "parcels")?;
        Ok(())
    }

    /// Publishes a policy: who may record what.
    pub fn policy(&mut self, json: &[u8]) -> Result<u32, AdminError> {
        let policy = Policy::parse(json).map_err(|error| AdminError::Invalid(error.to_string()))?;
        let tx = self.db.transaction_with_behavior(TransactionBehavior::Immediate)?;
        tx.execute("UPDATE reference SET body = ?1 WHERE kind = 'policy'", params![json])?;
        bump(&tx, "policy")?;
        tx.commit()?;
        Ok(policy.version)
    }

    /// All devices: those that hold the oldest unsent work first, then the most silent.
    pub fn devices(&self, now: UnixMs) -> Result<Vec<DeviceRow>, AdminError> {
        Ok(devices::list(&self.db, now)?)
    }

    /// Revokes the device whose id begins so: reading ends with its next request, and what it still delivers goes into
    /// quarantine. A new code enrols it again.
    pub fn revoke(&mut self, prefix: &str, why: &str, now: UnixMs) -> Result<DeviceId, AdminError> {
        let device = self.device(prefix)?;
        self.db.execute(
            "UPDATE device SET revoked_at = coalesce(revoked_at, ?2), revoked_why = ?3 WHERE id = ?1",
            params![device.as_bytes(), now.0, why],
        )?;
        Ok(device)
    }

    fn device(&self, prefix: &str) -> Result<DeviceId, AdminError> {
        let mut query =
            self.db.prepare("SELECT id FROM device WHERE substr(lower(hex(id)), 1, length(?1)) = lower(?1) LIMIT 2")?;
        let found = query.query_map([prefix], |row| row.get::<_, Vec<u8>>(0))?.collect::<Result<Vec<_>, _>>()?;
        match found.as_slice() {
            [id] if !prefix.is_empty() => DeviceId::try_from(id.as_slice()).map_err(|e| AdminError::Invalid(e.to_string())),
            _ => Err(AdminError::Missing(format!(
                "{} devices begin with {prefix:?}; list them: doorstep-server admin devices",
                found.len()
            ))),
        }
    }

    /// Changes in quarantine, the oldest first; those that were decided too if asked.
    pub fn quarantine(&self, decided: bool) -> Result<Vec<Item>, AdminError> {
        Ok(quarantine::list(&self.db, decided)?)
    }

    /// Releases the quarantined change whose hash begins so: its entries are written anew under the server's hand, with their
    /// author, time and first receipt. Returns the case and the new change.
    pub fn release(&mut self, prefix: &str, by: &str, now: UnixMs) -> Result<(CaseId, ChangeHash), AdminError> {
        let tx = self.db.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let keys = Keys::read(&tx)?;
        let released = quarantine::release(&tx, &keys, prefix, by, now)?;
        tx.commit()?;
        Ok(released)
    }

    /// Discards the quarantined change whose hash begins so. It stays there with the reason, and its device is told.
    pub fn discard(&mut self, prefix: &str, by: &str, why: &str, now: UnixMs) -> Result<(CaseId, ChangeHash), AdminError> {
        let tx = self.db.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let discarded = quarantine::discard(&tx, prefix, by, why, now)?;
        tx.commit()?;
        Ok(discarded)
    }

    /// The signed batches that touched a case, each checked anew.
    pub fn envelopes(&self, case: &CaseId) -> Result<Vec<EnvelopeRow>, AdminError> {
        Ok(devices::envelopes(&self.db, case)?)
    }

    /// The case of a waybill of this network.
    pub fn case_of(&self, waybill: &str) -> Result<CaseId, AdminError> {
        let waybill = Waybill::parse(waybill).map_err(|error| AdminError::Invalid(error.to_string()))?;
        let network: NetworkCode = parse(&project::pack(&self.db)?.network, "network")?;
        Ok(CaseId::of(&network, &waybill))
    }

    /// Fork alarms that nobody has looked at: clones and restored backups.
    pub fn forks(&self) -> Result<Vec<Fork>, AdminError> {
        Ok(devices::forks(&self.db)?)
    }

    /// Marks a fork alarm as looked at.
    pub fn fork_seen(&mut self, id: i64, now: UnixMs) -> Result<(), AdminError> {
        match self.db.execute("UPDATE fork SET seen_at = ?2 WHERE id = ?1 AND seen_at IS NULL", params![id, now.0])? {
            0 => Err(AdminError::Missing(format!("no open alarm {id}; list them: doorstep-server admin forks"))),
            _ => Ok(()),
        }
    }

    /// How often each refusal at the door was given.
    pub fn refusals(&self) -> Result<Vec<(String, u64)>, AdminError> {
        let mut query = self.db.prepare("SELECT code, times FROM refusal ORDER BY code")?;
        Ok(query.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?.collect::<Result<_, _>>()?)
    }

    /// Publishes a rule pack.
    pub fn pack(&mut self, json: &[u8]) -> Result<u32, AdminError> {
        let pack = Pack::parse(json).map_err(|error| AdminError::Invalid(error.to_string()))?;
        let tx = self.db.transaction_with_behavior(TransactionBehavior::Immediate)?;
        tx.execute("UPDATE reference SET body = ?1 WHERE kind = 'pack'", params![json])?;
        bump(&tx, "pack")?;
        // Other rules, other judgements.
        tx.execute("UPDATE doc SET projected_n = 0", [])?;
        tx.commit()?;
        Ok(pack.version)
    }

    /// Head office's list.
    pub fn cases(&mut self, limit: u32, now: UnixMs) -> Result<Vec<CaseRow>, AdminError> {
        project::catch_up_here(&self.db, now)?;
        Ok(project::list(&self.db, limit)?)
    }

    /// A case's raw changes in the order of acceptance, and its heads, sorted: for export and for holding replicas against
    /// each other.
    pub fn log(&self, case: &CaseId) -> Result<(Vec<Vec<u8>>, Vec<doorstep_domain::Recorded>), AdminError> {
        let (entries, chunks) = project::entries(&self.db, case)?;
        Ok((chunks, entries))
    }

    /// Imports the day's parcels from a CSV file. A bad row is named by its line and left out; the others are taken, all
    /// in one transaction.
    pub fn import_parcels(&mut self, file: &[u8]) -> Result<Imported, AdminError> {
        let file = file.strip_prefix(b"\xef\xbb\xbf").unwrap_or(file);
        let pack = project::pack(&self.db)?;
        let mut reader = csv::ReaderBuilder::new().flexible(true).trim(csv::Trim::All).from_reader(file);
        let header = reader.byte_headers().map_err(|error| AdminError::Invalid(format!("line 1: {error}")))?.clone();
        let columns = Columns::of(&header)?;
        let tx = self.db.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let mut result = Imported { imported: 0, bad: Vec::new() };
        let mut lines = Lines { file, at: 0, line: 1 };
        for record in reader.byte_records() {
            let outcome = match record {
                Ok(record) => {
                    let line = lines.at(record.position());
                    (line, columns.parcel(&record, &pack).and_then(|row| row.insert(&tx)))
                }
                Err(error) => (lines.at(error.position()), Err(error.to_string())),
            };
            match outcome {
                (_, Ok(())) => result.imported += 1,
                (line, Err(fault)) => result.bad.push(BadRow { line, fault }),
            }
        }
        bump(&tx, "parcels")?;
        tx.commit()?;
        Ok(result)
    }

    fn need(&self, table: &str, column: &str, value: &str, help: &str) -> Result<(), AdminError> {
        let sql = format!("SELECT 1 FROM {table} WHERE {column} = ?1");
        let found: Option<i64> = self.db.query_row(&sql, [value], |row| row.get(0)).optional()?;
        found.map(|_| ()).ok_or_else(|| AdminError::Missing(format!("{table} {value:?} is not known; {help}")))
    }
}

fn parse<T: std::str::FromStr<Err = doorstep_domain::IdError>>(text: &str, what: &str) -> Result<T, AdminError> {
    text.parse().map_err(|error| AdminError::Invalid(format!("{what} {text:?}: {error}")))
}

const COLUMNS: [&str; 10] = [
    "waybill",
    "network",
    "origin_outlet",
    "delivering_outlet",
    "courier",
    "recipient_name",
    "recipient_phone",
    "recipient_address",
    "cod_fen",
    "theoretical_arrival",
];

/// Line numbers by counting: the reader's own are one short in files with CR LF.
struct Lines<'a> {
    file: &'a [u8],
    at: usize,
    line: u64,
}

impl Lines<'_> {
    /// The line of a record's first byte; positions only grow.
    fn at(&mut self, position: Option<&csv::Position>) -> u64 {
        let to = position.map_or(self.at, |p| usize::try_from(p.byte()).unwrap_or(usize::MAX));
        let breaks = |bytes: &[u8]| bytes.iter().filter(|b| **b == b'\n').count() as u64;
        self.line += self.file.get(self.at..to).map_or(0, breaks);
        self.at = to;
        // A position may stand on the line break before the record, or on blank lines.
        let blank = self
            .file
            .get(to..)
            .map_or(0, |rest| rest.iter().take_while(|b| b.is_ascii_whitespace()).filter(|b| **b == b'\n').count());
        self.line + blank as u64
    }
}

/// Where each column stands in the file; `hub` may be missing.
struct Columns(Vec<usize>, Option<usize>);

impl Columns {
    fn of(header: &ByteRecord) -> Result<Self, AdminError> {
        let find = |name: &&str| {
            let at = header.iter().position(|column| column == name.as_bytes());
            at.ok_or_else(|| {
                AdminError::Invalid(format!("line 1: column {name:?} is missing; the columns are {}", COLUMNS.join(",")))
            })
        };
        let hub = header.iter().position(|column| column == b"hub");
        Ok(Self(COLUMNS.iter().map(find).collect::<Result<_, _>>()?, hub))
    }

    fn parcel(&self, record: &ByteRecord, pack: &Pack) -> Result<Row, String> {
        let text = |name: &str| -> Result<&str, String> {
            let column = COLUMNS.iter().position(|c| *c == name).and_then(|i| self.0.get(i)).copied();
            let bytes = column.and_then(|at| record.get(at)).ok_or_else(|| format!("{name}: the row has too few columns"))?;
            std::str::from_utf8(bytes).map_err(|_| format!("{name}: not UTF-8; save the file as UTF-8"))
        };
        let personal = |name: &str| Personal::plain(text(name)?).map_err(|error| format!("{name}: {error}"));
        let code = |name: &str| text(name)?.parse::<OutletCode>().map_err(|error| format!("{name}: {error}"));
        let hub = match self.1.and_then(|at| record.get(at)).unwrap_or_default() {
            b"" => None,
            bytes => {
                let text = std::str::from_utf8(bytes).map_err(|_| "hub: not UTF-8; save the file as UTF-8")?;
                Some(text.parse::<OutletCode>().map_err(|error| format!("hub: {error}"))?)
            }
        };
        let network: NetworkCode = text("network")?.parse().map_err(|error| format!("network: {error}"))?;
        if network.as_str() != pack.network {
            return Err(format!("network: {network} has no rule pack here, only {}", pack.network));
        }
        let waybill = Waybill::parse(text("waybill")?).map_err(|error| error.to_string())?;
        if !pack.accepts(&waybill) {
            return Err(format!("waybill: does not match the network's pattern {}", pack.waybill_pattern));
        }
        let name = personal("recipient_name")?;
        if name.text() == Some("") {
            return Err("recipient_name: empty".into());
        }
        let cod: i64 = match text("cod_fen")? {
            "" => 0,
            fen => fen.parse().ok().filter(|fen| *fen >= 0).ok_or("cod_fen: not a whole number of fen, 0 or more")?,
        };
        Ok(Row {
            hub,
            waybill,
            network,
            origin: code("origin_outlet")?,
            delivering: code("delivering_outlet")?,
            courier: match text("courier")? {
                "" => None,
                user => Some(user.parse().map_err(|error| format!("courier: {error}"))?),
            },
            name,
            phone: match text("recipient_phone")? {
                "" => None,
                _ => Some(personal("recipient_phone")?),
            },
            address: personal("recipient_address")?,
            cod: Fen(cod),
            arrival: match text("theoretical_arrival")? {
                "" => None,
                time => Some(
                    arrival(time, pack)
                        .ok_or("theoretical_arrival: not a time like 2026-03-02 08:00 or 2026-03-02T08:00:00+08:00")?,
                ),
            },
        })
    }
}

/// A time with an offset, or a local one in the network's zone.
fn arrival(text: &str, pack: &Pack) -> Option<UnixMs> {
    if let Ok(time) = DateTime::parse_from_rfc3339(text) {
        return Some(UnixMs(time.timestamp_millis()));
    }
    let formats = ["%Y-%m-%d %H:%M", "%Y-%m-%d %H:%M:%S", "%Y-%m-%dT%H:%M:%S", "%Y/%m/%d %H:%M"];
    let local = formats.iter().find_map(|format| NaiveDateTime::parse_from_str(text, format).ok())?;
    Some(UnixMs(pack.zone()?.from_local_datetime(&local).single()?.timestamp_millis()))
}

struct Row {
    hub: Option<OutletCode>,
    waybill: Waybill,
    network: NetworkCode,
    origin: OutletCode,
    delivering: OutletCode,
    courier: Option<UserId>,
    name: Personal,
    phone: Option<Personal>,
    address: Personal,
    cod: Fen,
    arrival: Option<UnixMs>,
}

impl Row {
    fn insert(&self, db: &Connection) -> Result<(), String> {
        let failed = |error: rusqlite::Error| error.to_string();
        for outlet in [&self.origin, &self.delivering].into_iter().chain(&self.hub) {
            let known: Option<i64> = db
                .query_row("SELECT 1 FROM outlet WHERE code = ?1", [outlet.as_str()], |row| row.get(0))
                .optional()
                .map_err(failed)?;
            known.ok_or_else(|| format!("outlet {outlet} is not in the directory"))?;
        }
        if let Some(courier) = &self.courier {
            let known: Option<i64> = db
                .query_row("SELECT 1 FROM person WHERE id = ?1", [courier.as_str()], |row| row.get(0))
                .optional()
                .map_err(failed)?;
            known.ok_or_else(|| format!("courier {courier} is not known"))?;
        }
        let case = CaseId::of(&self.network, &self.waybill);
        // On its first listing: who ended it before anybody knew whose it is was perhaps a stranger.
        db.execute(
            "UPDATE doc SET closed = 0 WHERE case_id = ?1 AND first_outlet <> ?2
             AND NOT EXISTS (SELECT 1 FROM parcel WHERE waybill = ?3)",
            params![case.as_bytes(), self.delivering.as_str(), self.waybill.as_str()],
        )
        .map_err(failed)?;
        if let Some(courier) = &self.courier {
            db.execute(
                "INSERT OR IGNORE INTO assigned (waybill, courier) VALUES (?1, ?2)",
                params![self.waybill.as_str(), courier.as_str()],
            )
            .map_err(failed)?;
            // A list that names another courier than the one before ends what was handed over under the old one.
            db.execute(
                "UPDATE doc SET courier = NULL, offered_to = NULL, offer = NULL WHERE case_id = ?1
                 AND NOT EXISTS (SELECT 1 FROM parcel WHERE waybill = ?2 AND courier = ?3)",
                params![case.as_bytes(), self.waybill.as_str(), courier.as_str()],
            )
            .map_err(failed)?;
        }
        db.prepare_cached(
            "INSERT OR REPLACE INTO parcel (waybill, network, origin_outlet, delivering_outlet, courier, recipient_name,
               recipient_phone, recipient_address, cod_fen, arrival_ms, hub) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)",
        )
        .and_then(|mut insert| {
            insert.execute(params![
                self.waybill.as_str(),
                self.network.as_str(),
                self.origin.as_str(),
                self.delivering.as_str(),
                self.courier.as_ref().map(|c| c.as_str()),
                self.name.as_bytes(),
                self.phone.as_ref().map_or(&[][..], |p| p.as_bytes()),
                self.address.as_bytes(),
                self.cod.0,
                self.arrival.map(|at| at.0),
                self.hub.as_ref().map(|hub| hub.as_str())
            ])
        })
        .map_err(failed)?;
        // A parcel that was recorded before it was listed gets its scopes now.
        let recorded: Option<i64> = db
            .query_row("SELECT 1 FROM doc WHERE case_id = ?1", params![case.as_bytes()], |row| row.get(0))
            .optional()
            .map_err(failed)?;
        if recorded.is_some() {
            feed::republish(db, &case).map_err(|error| error.to_string())?;
        }
        Ok(())
    }
}
