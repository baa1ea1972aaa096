//! Between which two contacts an act lies. The server works it out once, when it takes the change, and the receipt carries it: no
//! replica needs the acts around it.
//!
//! The lower end is the receipt of a sending that left nothing behind and that a later signed batch names, else the device's
//! enrolment; later than that, the contact that the act itself leans on. The upper end is the receipt. What a sending names as left behind, and what came before and was not taken, keeps the
//! gap of then, however it comes later.

use std::{cell::RefCell, collections::HashMap};

use doorstep_document::Change;
use doorstep_domain::{Arrival, BootId, CaseId, ChangeHash, Clocks, FactsCheck, InstallId, Leans, Receipt, Reckoning, UnixMs};
use rusqlite::{Connection, OptionalExtension, params};

use crate::{
    contact::{self, DeviceClock, Steadiness},
    enrol::Device,
    error::ApiError,
};

/// A person's acts that nothing proves are counted over so long.
const HABIT_MS: i64 = 30 * 86_400_000;
/// More are not counted.
const MOST_COUNTED: u16 = 1_000;
/// From when and until when an act can have happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Gap {
    pub from: UnixMs,
    pub until: UnixMs,
}

/// What is known of one sending's acts.
pub(crate) struct Gaps<'a> {
    db: &'a Connection,
    device: &'a Device,
    clocks: Clocks,
    now: UnixMs,
    floor: UnixMs,
    /// The newest contact before this one.
    contact: Option<UnixMs>,
    steadiness: Steadiness<'a>,
    /// Whether anything came before that was not taken.
    has_offered: bool,
    /// The gaps of changes that earlier sendings named.
    named: HashMap<ChangeHash, Gap>,
    /// Acts of each person that nothing proved before, as asked so far.
    habits: RefCell<HashMap<String, u16>>,
    /// Whether others were in contact, as asked so far: by person, from and until.
    others: RefCell<HashMap<(String, UnixMs, UnixMs), bool>>,
    /// How long a gap may be within which a device's clock proves something, milliseconds.
    trusted_ms: i64,
}

/// What a batch's sending says beside its clocks.
pub(crate) struct Said {
    pub clocks: Clocks,
    /// The time of receipt in the newest verdicts that the device has.
    pub heard: Option<UnixMs>,
    /// The gaps of its changes that earlier sendings named.
    pub named: HashMap<ChangeHash, Gap>,
}

impl<'a> Gaps<'a> {
    /// Reads what is known before a sending's changes are taken. `passing`: the device's newest
    /// request that gave it no time and was no part of this sending.
    pub fn begin(
        db: &'a Connection,
        device: &'a Device,
        said: Said,
        passing: Option<UnixMs>,
        trusted_ms: i64,
        now: UnixMs,
    ) -> Result<Self, ApiError> {
        if let Some(heard) = said.heard {
            // Only now is it known that the answer came: what the device records after that is later.
            db.prepare_cached(
                "UPDATE device SET floor_ms = max(floor_ms, ?2) WHERE id = ?1
                 AND EXISTS (SELECT 1 FROM envelope WHERE device = ?1 AND received_at = ?2 AND complete = 1)",
            )?
            .execute(params![device.id.as_bytes(), heard.0])?;
        }
        let floor: i64 = db
            .prepare_cached("SELECT max(floor_ms, enrolled_at) FROM device WHERE id = ?1")?
            .query_row(params![device.id.as_bytes()], |row| row.get(0))?;
        let clock = DeviceClock { boot: said.clocks.boot, mono_ms: said.clocks.mono_ms };
        Ok(Self {
            db,
            device,
            clocks: said.clocks,
            now,
            floor: UnixMs(floor).min(now),
            contact: contact::newest(db, &device.id)?.max(passing).filter(|at| *at < now),
            has_offered: db
                .prepare_cached("SELECT 1 FROM offered WHERE device = ?1 LIMIT 1")?
                .exists(params![device.id.as_bytes()])?,
            named: said.named,
            steadiness: Steadiness::of(db, &device.id, clock, now),
            habits: RefCell::default(),
            others: RefCell::default(),
            trusted_ms,
        })
    }

    /// How long a gap may be within which a device's clock proves something, milliseconds.
    pub fn trusted_ms(&self) -> i64 {
        self.trusted_ms
    }

    /// The gap of an act that this sending is the first to tell of.
    pub fn of_now(&self) -> Gap {
        Gap { from: self.floor, until: self.now }
    }

    /// The gaps of a document's changes that an earlier sending named or brought, by place. `come`: the changes that the log does not
    /// have, in their order; each with the original that it is written anew for.
    pub fn earlier(&self, case: &CaseId, come: &[(ChangeHash, Option<ChangeHash>)]) -> Result<Vec<Option<Gap>>, ApiError> {
        let mut gaps = Vec::with_capacity(come.len());
        for (hash, original) in come {
            let brought = if self.has_offered { self.offered(hash)? } else { None };
            let known = brought.or_else(|| self.named.get(hash).copied());
            gaps.push(match (known, original) {
                (None, Some(original)) => self.of_original(case, original)?,
                (known, _) => known,
            });
        }
        Ok(gaps)
    }

    /// The gap of a change that came before and was not taken.
    fn offered(&self, hash: &ChangeHash) -> Result<Option<Gap>, ApiError> {
        Ok(self
            .db
            .prepare_cached("SELECT from_ms, until_ms FROM offered WHERE device = ?1 AND hash = ?2")?
            .query_row(params![self.device.id.as_bytes(), hash.as_bytes()], gap_of)
            .optional()?)
    }

    /// The gap of an original that the server holds from this device: offered, refused, or in the log.
    fn of_original(&self, case: &CaseId, hash: &ChangeHash) -> Result<Option<Gap>, ApiError> {
        let offered = self.offered(hash)?;
        if offered.is_some() {
            return Ok(offered);
        }
        Ok(self
            .db
            .prepare_cached(
                "SELECT coalesce(from_ms, ?4), coalesce(until_ms, received_at) FROM quarantine
                   WHERE device = ?1 AND case_id = ?2 AND hash = ?3
                 UNION ALL SELECT coalesce(from_ms, ?4), coalesce(until_ms, received_at) FROM change
                   WHERE device = ?1 AND case_id = ?2 AND hash = ?3 LIMIT 1",
            )?
            .query_row(params![self.device.id.as_bytes(), case.as_bytes(), hash.as_bytes(), self.floor.0], gap_of)
            .optional()?)
    }

    /// Keeps the gap of a change that came and was not taken, and that of its original.
    pub fn keep_offered(&self, change: &Change, reckoned: &Reckoning) -> Result<(), ApiError> {
        let (from, until) = reckoned.gap(self.now);
        for hash in std::iter::once(change.hash()).chain(original(change)) {
            self.db
                .prepare_cached("INSERT OR IGNORE INTO offered (device, hash, from_ms, until_ms) VALUES (?1, ?2, ?3, ?4)")?
                .execute(params![self.device.id.as_bytes(), hash.as_bytes(), from.unwrap_or(self.floor).0, until.0])?;
        }
        Ok(())
    }

    /// Reckons a change's act. `earlier`: its gap, where an earlier sending named or brought it.
    pub fn reckon(&self, change: &Change, earlier: Option<Gap>) -> Result<Reckoning, ApiError> {
        let Some(entry) = change.entries().first() else { return Ok(Reckoning::default()) };
        let leans = match &entry.time.anchor {
            None => Leans::OnNothing,
            Some(anchor) if contact::is_known(self.db, &self.device.id, entry.time.boot, anchor)? => Leans::OnAContact,
            Some(anchor) if contact::was_given(self.db, &self.device.id, anchor.server)? => Leans::OnATime,
            Some(_) => Leans::OnNothing,
        };
        let steady = leans != Leans::OnAContact || self.steadiness.holds(entry.time.boot)?;
        let Gap { from, until } = earlier.unwrap_or(Gap { from: self.floor, until: self.now });
        // Whoever names the time of a contact wrote after it: the signed batch holds the digest of what says so. Without that the
        // first acts of a morning would lie in a gap since the last evening's push, whatever the device has heard since.
        let heard = entry.time.anchor.filter(|_| leans == Leans::OnAContact).map(|anchor| anchor.server);
        // A time that has not come is of a server's clock that was ahead.
        let from = heard.filter(|heard| *heard <= until).map_or(from, |heard| from.max(heard));
        // Of what an earlier sending named nobody can say that a later contact should have brought it.
        let contact = self.contact.filter(|_| earlier.is_none());
        let arrival = Arrival { clocks: self.clocks, received: self.now, from, until, contact, steady };
        Ok(Reckoning::of(&entry.time, &arrival, leans))
    }

    /// A receipt of now. Of an act whose time nothing proves it says what else is known of the person.
    pub fn receipt(&self, change: &Change, acted: Reckoning) -> Result<Receipt, ApiError> {
        let receipt = Receipt::new(self.now, acted, acted.passed_over || acted.disordered, FactsCheck::Unchecked);
        let Some(entry) = change.entries().first().filter(|_| !acted.proves(self.now, self.trusted_ms)) else {
            return Ok(receipt);
        };
        let person = entry.author.user.as_str();
        let (from, until) = acted.gap(self.now);
        let others_in_contact = self.others(person, Gap { from: from.unwrap_or(self.floor), until })?;
        Ok(Receipt { others_in_contact, unproven_acts: self.with_one_more(person)?, ..receipt })
    }

    /// How many acts of a person nothing proved before this sending, with one more. Counted once for a sending: a count for each change
    /// would cost as much as all of them squared, and a number of its own in each receipt cost 40 bytes a case on the wire (measured).
    fn with_one_more(&self, person: &str) -> Result<u16, ApiError> {
        if let Some(count) = self.habits.borrow().get(person) {
            return Ok(*count);
        }
        let before: u16 = self
            .db
            .prepare_cached(
                "SELECT count(*) FROM (SELECT 1 FROM change WHERE person = ?1 AND unproven > 0 AND received_at > ?2 LIMIT ?3)",
            )?
            .query_row(params![person, self.now.plus(-HABIT_MS).0, MOST_COUNTED], |row| row.get(0))?;
        let count = before.saturating_add(1).min(MOST_COUNTED);
        self.habits.borrow_mut().insert(person.to_owned(), count);
        Ok(count)
    }

    /// Whether another device of a person was in contact within a gap, asked once for each gap of a sending.
    fn others(&self, person: &str, gap: Gap) -> Result<bool, ApiError> {
        let asked = (person.to_owned(), gap.from, gap.until);
        if let Some(known) = self.others.borrow().get(&asked) {
            return Ok(*known);
        }
        let others = contact::others(self.db, person, &self.device.id, gap.from, gap.until)?;
        self.others.borrow_mut().insert(asked, others);
        Ok(others)
    }
}

fn gap_of(row: &rusqlite::Row<'_>) -> rusqlite::Result<Gap> {
    Ok(Gap { from: UnixMs(row.get(0)?), until: UnixMs(row.get(1)?) })
}

/// The original of a change that is written anew.
pub(crate) fn original(change: &Change) -> Option<ChangeHash> {
    change.entries().iter().find_map(|entry| entry.rewrites)
}

/// The order of one case's acts: the latest monotonic time of each boot of each installation.
pub(crate) struct Order(HashMap<(InstallId, [u8; 4]), u64>);

impl Order {
    pub fn read(db: &Connection, case: &CaseId) -> Result<Self, ApiError> {
        let mut query =
            db.prepare_cached("SELECT install, boot, max(mono_ms) FROM change WHERE case_id = ?1 AND boot <> x'' GROUP BY 1, 2")?;
        let rows = query.query_map(params![case.as_bytes()], |row| {
            Ok((row.get::<_, Vec<u8>>(0)?, row.get::<_, Vec<u8>>(1)?, row.get::<_, u64>(2)?))
        })?;
        let mut latest = HashMap::new();
        for row in rows {
            let (install, boot, mono_ms) = row?;
            let damaged = ApiError::Internal("change row");
            let (Ok(install), Ok(boot)) = (InstallId::try_from(install.as_slice()), boot.try_into()) else { return Err(damaged) };
            latest.insert((install, boot), mono_ms);
        }
        Ok(Self(latest))
    }

    /// Whether a change is dated before one that its installation wrote earlier in the same boot; takes it into account.
    pub fn is_broken_by(&mut self, change: &Change) -> bool {
        let Some(entry) = change.entries().first() else { return false };
        let BootId(boot) = entry.time.boot;
        let latest = self.0.entry((change.install(), boot)).or_insert(0);
        let broken = entry.time.mono_ms < *latest;
        *latest = (*latest).max(entry.time.mono_ms);
        broken
    }
}
