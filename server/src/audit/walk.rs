//! The pages: links, changes, what was refused.

use doorstep_domain::{CaseId, ChangeHash, InstallId};
use doorstep_protocol::signing::{is_signed, receipt_hash};
use rusqlite::{Connection, OptionalExtension, params};

use super::{Brought, Fault, Look, Place, Wrong, batch, entry};
use crate::{
    error::ApiError,
    ingest::receipt_of,
    link::{self, Entry, Link},
};

const LINKS: u64 = 256;
const ROWS: usize = 256;
/// Batches whose changes are remembered.
const REMEMBERED: usize = 64;

fn damaged<E>(_: E) -> ApiError {
    ApiError::Internal("a row of the log")
}

impl Look {
    /// Holds links against their signatures, and what they vouch for against the tables. Returns where the next page begins, `None` at the end.
    pub(super) fn links(&mut self, db: &Connection, after: u64) -> Result<Option<Place>, ApiError> {
        let sql = format!("SELECT {} FROM link WHERE number > ?1 ORDER BY number LIMIT ?2", Link::COLUMNS);
        let mut query = db.prepare_cached(&sql)?;
        let links = query.query_map([after, LINKS], Link::of)?.collect::<Result<Vec<_>, _>>()?;
        let mut last = after;
        for link in &links {
            let at = |wrong| Fault { link: Some(link.number), ..Fault::of(wrong) };
            if link.number != last + 1 {
                self.wrong(Fault { link: Some(last + 1), ..Fault::of(Wrong::LinkMissing) });
                self.last_link = None;
            }
            let message = link.message().unwrap_or_default();
            let key = self.keys.get(&link.key).map(Vec::as_slice).unwrap_or_default();
            // After one that is missing nobody knows what it should follow.
            let follows = match self.last_link {
                Some(before) => link.prev == before,
                None => link.number > 1 || link.prev == [0; 32],
            };
            if !is_signed(key, &message, &link.sig) || !follows {
                self.wrong(at(Wrong::LinkAltered));
            }
            (last, self.last_link) = (link.number, Some(link::sha(&message)));
            self.looked.links += 1;
            match link.entry() {
                None => self.wrong(at(Wrong::LinkAltered)),
                Some(Entry::Before { before }) if link.number == 1 => self.before = before,
                Some(Entry::Before { .. }) => self.wrong(at(Wrong::LinkAltered)),
                Some(Entry::Verdicts { install, number, hash, .. }) => {
                    let there = db
                        .prepare_cached("SELECT link FROM envelope WHERE install = ?1 AND number = ?2 AND hash = ?3")?
                        .query_row(params![install, number, hash], |row| row.get::<_, Option<u64>>(0))
                        .optional()?;
                    let fault = |wrong| Fault { install: Some(InstallId::new(install)), batch: Some(number), ..at(wrong) };
                    match there {
                        None => self.wrong(fault(Wrong::BatchMissing)),
                        Some(named) if named != Some(link.number) => self.wrong(fault(Wrong::BatchUnvouched)),
                        Some(_) => {}
                    }
                }
                Some(own @ Entry::Own { .. }) => self.own(db, link.number, &own)?,
            }
        }
        Ok((links.len() as u64 == LINKS).then_some(Place::Links(last)))
    }

    /// Holds a change that the server wrote against its link.
    fn own(&mut self, db: &Connection, number: u64, own: &Entry) -> Result<(), ApiError> {
        let Entry::Own { case, n, device, change, receipt } = own else { return Ok(()) };
        let (case, hash) = (CaseId::new(*case), ChangeHash::new(*change));
        let row = db
            .prepare_cached(
                "SELECT received_at, acted_at, slack_ms, from_ms, until_ms, marks, unproven, hash, device, batch, link, bytes
                 FROM change WHERE case_id = ?1 AND n = ?2",
            )?
            .query_row(params![case.as_bytes(), n], |row| {
                let blob = |at: usize| row.get::<_, Vec<u8>>(at);
                let (batch, link) = (row.get::<_, u64>(9)?, row.get::<_, Option<u64>>(10)?);
                Ok((receipt_of(row, 0)?, blob(7)?, blob(8)?, batch, link, blob(11)?))
            })
            .optional()?;
        let wrong = match row {
            None => Some(Wrong::OwnMissing),
            Some((_, found, ..)) if found != change => Some(Wrong::OwnMissing),
            Some((found, _, of, batch, link, bytes)) => {
                let is_same = receipt_hash(&hash, &found) == *receipt
                    && of == device
                    && batch == 0
                    && link == Some(number)
                    && batch::is_of(&case, &bytes, &hash);
                (!is_same).then_some(Wrong::OwnAltered)
            }
        };
        match wrong {
            Some(wrong) => self.wrong_of_case(db, wrong, &case, Some(hash)),
            None => Ok(()),
        }
    }

    /// Holds every change against the batch or the link that it stands in. Returns where the next page begins, `None` at the end.
    pub(super) fn changes(&mut self, db: &Connection, after: (Vec<u8>, u64)) -> Result<Option<Place>, ApiError> {
        let mut query = db.prepare_cached(
            "SELECT case_id, n, hash, pushed_by, batch, link, received_at, acted_at, slack_ms, from_ms, until_ms, marks, unproven
             FROM change WHERE (case_id, n) > (?1, ?2) AND (?3 IS NULL OR case_id = ?3) ORDER BY case_id, n LIMIT ?4",
        )?;
        let only = self.only.map(|case| case.as_bytes().to_vec());
        // Straight to the case: the pages before it are not read.
        let after = match &only {
            Some(case) if after.0.is_empty() => (case.clone(), 0),
            _ => after,
        };
        let mut rows = query.query(params![after.0, after.1, only, ROWS])?;
        let (mut last, mut count) = (after, 0);
        while let Some(row) = rows.next()? {
            let bytes: Vec<u8> = row.get(0)?;
            let case = CaseId::try_from(bytes.as_slice()).map_err(damaged)?;
            let n: u64 = row.get(1)?;
            let hash = ChangeHash::try_from(row.get::<_, Vec<u8>>(2)?.as_slice()).map_err(damaged)?;
            let begins = last.0 != bytes;
            if n != if begins { 1 } else { last.1 + 1 } {
                self.wrong_of_case(db, Wrong::CaseIncomplete, &case, None)?;
            }
            if begins || last.1 == 0 {
                self.holds_all(db, &case)?;
            }
            let (install, batch, link): (Vec<u8>, u64, Option<u64>) = (row.get(3)?, row.get(4)?, row.get(5)?);
            if batch > 0 {
                self.looked.changes += 1;
                if !self.brings(db, (install, batch), (case, hash))? {
                    self.wrong_of_case(db, Wrong::ChangeUnfounded, &case, Some(hash))?;
                }
            } else if let Some(link) = link {
                self.looked.own += 1;
                let is_this = |entry: Entry| {
                    matches!(entry, Entry::Own { case: of, n: at, change, .. }
                        if of == *case.as_bytes() && at == n && change == *hash.as_bytes())
                };
                if !entry(db, link)?.is_some_and(is_this) {
                    self.wrong_of_case(db, Wrong::OwnUnvouched, &case, Some(hash))?;
                }
            } else {
                (self.looked.own, self.looked.own_before) = (self.looked.own + 1, self.looked.own_before + 1);
                self.own.own(&bytes, n, &hash, &receipt_of(row, 6)?);
                if self.own.count > self.before.own {
                    self.wrong_of_case(db, Wrong::OwnUnvouched, &case, Some(hash))?;
                }
            }
            (last, count) = ((bytes, n), count + 1);
        }
        Ok((count == ROWS).then_some(Place::Changes(last.0, last.1)))
    }

    /// Whether a case's row says as many changes as it has.
    fn holds_all(&mut self, db: &Connection, case: &CaseId) -> Result<(), ApiError> {
        let holds = db
            .prepare_cached("SELECT n = (SELECT count(*) FROM change WHERE case_id = ?1) FROM doc WHERE case_id = ?1")?
            .query_row([case.as_bytes()], |row| row.get::<_, bool>(0))
            .optional()?;
        if holds != Some(true) {
            self.wrong_of_case(db, Wrong::CaseIncomplete, case, None)?;
        }
        Ok(())
    }

    /// Holds what was refused against the batch that it stands in. Returns where the next page begins, `None` at the end.
    pub(super) fn refused(&mut self, db: &Connection, after: (Vec<u8>, Vec<u8>)) -> Result<Option<Place>, ApiError> {
        let mut query = db.prepare_cached(
            "SELECT case_id, hash, pushed_by, batch FROM quarantine
             WHERE (case_id, hash) > (?1, ?2) AND (?3 IS NULL OR case_id = ?3) ORDER BY case_id, hash LIMIT ?4",
        )?;
        let only = self.only.map(|case| case.as_bytes().to_vec());
        let mut rows = query.query(params![after.0, after.1, only, ROWS])?;
        let (mut last, mut count) = (after, 0);
        while let Some(row) = rows.next()? {
            let (bytes, hash): (Vec<u8>, Vec<u8>) = (row.get(0)?, row.get(1)?);
            let case = CaseId::try_from(bytes.as_slice()).map_err(damaged)?;
            let change = ChangeHash::try_from(hash.as_slice()).map_err(damaged)?;
            self.looked.refused += 1;
            if !self.brings(db, (row.get(2)?, row.get(3)?), (case, change))? {
                self.wrong_of_case(db, Wrong::RefusedUnfounded, &case, Some(change))?;
            }
            (last, count) = ((bytes, hash), count + 1);
        }
        Ok((count == ROWS).then_some(Place::Refused(last.0, last.1)))
    }

    /// Whether a batch with this number brings a change. Two with one number are a fork: either may.
    fn brings(&mut self, db: &Connection, of: (Vec<u8>, u64), change: (CaseId, ChangeHash)) -> Result<bool, ApiError> {
        if let Some(brought) = self.brought.get(&of) {
            return Ok(brought.contains(&change));
        }
        let mut query = db.prepare_cached("SELECT version, body FROM envelope WHERE install = ?1 AND number = ?2")?;
        let rows = query.query_map(params![of.0, of.1], |row| Ok((row.get(0)?, row.get::<_, Vec<u8>>(1)?)))?;
        let mut brought = Brought::new();
        for row in rows {
            let (version, body) = row?;
            // One that can not be read was named as altered.
            let docs = batch::open(version, &body).map(|opened| opened.docs).unwrap_or_default();
            for doc in docs {
                let changes = doc.changes().unwrap_or_default();
                brought.extend(changes.into_iter().map(|(hash, _)| (doc.case, hash)));
            }
        }
        if self.brought.len() >= REMEMBERED {
            self.brought.clear();
        }
        let is_there = brought.contains(&change);
        self.brought.insert(of, brought);
        Ok(is_there)
    }
}
