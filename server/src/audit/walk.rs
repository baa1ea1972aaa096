//! The pages of an audit: links, changes and refused changes.

use doorstep_document::merge;
use doorstep_domain::{CaseId, ChangeHash, InstallId};
use doorstep_protocol::signing::is_signed;

use super::{
    fault::{Fault, Wrong},
    look::{self, FIRST, Look, Place, entry, keys, row_name},
    opened::{Brought, Numbered, Verdicts},
};
use crate::{
    error::ApiError,
    link::{self, Entry},
    store::{
        links::{self, Link},
        log_batches,
        log_rows::{self, Founded, Placed, readable},
        tx::Tx,
    },
};

const LINKS: usize = 256;
const ROWS: usize = 256;
/// How many batches a page of changes may open, so that no transaction of the audit is long.
const OPENED: usize = 16;

impl Look {
    /// Checks links against their signatures, and the tables against the links. Returns where the next page begins, `None` at the
    /// end.
    pub(super) fn links(&mut self, tx: &Tx<'_>, after: i64) -> Result<Option<Place>, ApiError> {
        let page = links::after(tx, after, LINKS)?;
        let mut last = after;
        for (number, link) in page.rows {
            // Links are numbered from 1.
            match link.filter(|link| link.number > 0) {
                Some(link) => self.link(tx, &link, u64::try_from(last).unwrap_or_default())?,
                None => {
                    self.wrong(Fault { row: Some(row_name("link", &[], Some(number))), ..Fault::of(Wrong::Unreadable) });
                    if number > 0 {
                        // The next link has no known predecessor.
                        self.last_link = None;
                    }
                }
            }
            last = number;
        }
        Ok(page.more.then_some(Place::Links(last)))
    }

    fn link(&mut self, tx: &Tx<'_>, link: &Link, last: u64) -> Result<(), ApiError> {
        let at = |wrong| Fault { link: Some(link.number), ..Fault::of(wrong) };
        if link.number != last + 1 {
            self.wrong(Fault { link: Some(last + 1), ..Fault::of(Wrong::LinkMissing) });
            self.last_link = None;
        }
        let message = link.message().unwrap_or_default();
        if !self.keys.contains_key(&link.key) {
            // The server's key may have been replaced since the audit began.
            self.keys = keys(tx)?;
        }
        let key = self.keys.get(&link.key).map(Vec::as_slice).unwrap_or_default();
        // A link after a missing one has no known predecessor.
        let follows = match self.last_link {
            Some(before) => link.prev == before,
            None => link.number > 1 || link.prev == [0; 32],
        };
        if !is_signed(key, &message, &link.sig) || !follows {
            self.wrong(at(Wrong::LinkAltered));
        }
        self.last_link = Some(link::sha(&message));
        self.looked.links += 1;
        match link.entry() {
            None => self.wrong(at(Wrong::LinkAltered)),
            Some(Entry::Before { before }) if link.number == 1 => self.before = before,
            Some(Entry::Before { .. }) => self.wrong(at(Wrong::LinkAltered)),
            Some(Entry::Verdicts { install, number, hash, .. }) => {
                let there = log_batches::named_link(tx, &install, number, &hash)?;
                let fault = |wrong| Fault { install: Some(InstallId::new(install)), batch: Some(number), ..at(wrong) };
                match there {
                    None => self.wrong(fault(Wrong::BatchMissing)),
                    Some(named) if named != i64::try_from(link.number).ok() => self.wrong(fault(Wrong::BatchUnvouched)),
                    Some(_) => {}
                }
            }
            Some(own @ Entry::Own { .. }) => self.own(tx, link.number, &own)?,
        }
        Ok(())
    }

    /// Checks a change of the server itself against its link.
    fn own(&mut self, tx: &Tx<'_>, number: u64, own: &Entry) -> Result<(), ApiError> {
        let Entry::Own { case, n, device, change, receipt } = own else { return Ok(()) };
        let (case, hash) = (CaseId::new(*case), ChangeHash::new(*change));
        let wrong = match log_rows::stored(tx, &case, &[hash])?.get(&hash) {
            None => Some(Wrong::OwnMissing),
            Some(Some(stored)) if stored.is_own((&case, &hash), (*n, number), device, receipt) => None,
            Some(_) => Some(Wrong::OwnAltered),
        };
        match wrong {
            Some(wrong) => self.wrong_of_case(tx, wrong, &case, Some(hash)),
            None => Ok(()),
        }
    }

    /// Checks every change against its batch or link. Returns where the next page begins, `None` at the end.
    pub(super) fn changes(&mut self, tx: &Tx<'_>, after: (Vec<u8>, i64)) -> Result<Option<Place>, ApiError> {
        let page = match &self.only {
            // An audit of one case skips the pages of the cases before it.
            Some(case) => log_rows::changes_of_case_after(tx, case, after.1, ROWS)?,
            None => log_rows::changes_after(tx, (&after.0, after.1), ROWS)?,
        };
        let (mut last, opened) = (after, self.shelf.opened);
        for ((case, n), change) in page.rows {
            let begins = last.0 != case || last.1 == FIRST;
            match CaseId::try_from(case.as_slice()) {
                Ok(case) => {
                    if n != if begins { 1 } else { last.1.saturating_add(1) } {
                        self.wrong_of_case(tx, Wrong::CaseIncomplete, &case, None)?;
                    }
                    if begins {
                        self.holds_all(tx, &case)?;
                        self.merges(tx, &case)?;
                    }
                    match change {
                        Some(change) => self.change(tx, change, n.unsigned_abs())?,
                        None => self.unreadable(tx, row_name("change", &[case.as_bytes()], Some(n)), Some(case))?,
                    }
                }
                Err(_) => self.unreadable(tx, row_name("change", &[&case], Some(n)), None)?,
            }
            last = (case, n);
            if self.shelf.opened - opened >= OPENED {
                return Ok(Some(Place::Changes(last.0, last.1)));
            }
        }
        Ok(page.more.then_some(Place::Changes(last.0, last.1)))
    }

    /// Checks a change against its batch or link.
    fn change(&mut self, tx: &Tx<'_>, change: Placed, n: u64) -> Result<(), ApiError> {
        let Placed { case, hash, pushed_by, batch, link, receipt } = change;
        let unvouched = match link {
            _ if batch > 0 => {
                self.looked.changes += 1;
                let is_founded = self.is_founded(tx, (pushed_by, batch), &case, |verdicts| verdicts.taken.contains(&hash))?;
                (!is_founded).then_some(Wrong::ChangeUnfounded)
            }
            Some(link) => {
                self.looked.own += 1;
                let is_this = |entry: Entry| {
                    matches!(entry, Entry::Own { case: of, n: at, change, .. }
                        if of == *case.as_bytes() && at == n && change == *hash.as_bytes())
                };
                (!entry(tx, link)?.is_some_and(is_this)).then_some(Wrong::OwnUnvouched)
            }
            None => {
                (self.looked.own, self.looked.own_before) = (self.looked.own + 1, self.looked.own_before + 1);
                self.own.own(case.as_bytes(), n, &hash, &receipt);
                (self.own.count > self.before.own).then_some(Wrong::OwnUnvouched)
            }
        };
        unvouched.map_or(Ok(()), |wrong| self.wrong_of_case(tx, wrong, &case, Some(hash)))
    }

    fn unreadable(&mut self, tx: &Tx<'_>, row: String, case: Option<CaseId>) -> Result<(), ApiError> {
        let waybill = case.map(|case| look::waybill(tx, &case)).transpose()?.flatten();
        self.wrong(Fault { case, waybill, row: Some(row), ..Fault::of(Wrong::Unreadable) });
        Ok(())
    }

    /// Checks that a case has as many changes as its row says.
    fn holds_all(&mut self, tx: &Tx<'_>, case: &CaseId) -> Result<(), ApiError> {
        if log_rows::has_all(tx, case)? != Some(true) {
            self.wrong_of_case(tx, Wrong::CaseIncomplete, case, None)?;
        }
        Ok(())
    }

    /// Checks a case without another fault by Automerge's own merge: projections compare only samples with it.
    fn merges(&mut self, tx: &Tx<'_>, case: &CaseId) -> Result<(), ApiError> {
        if self.faulty.contains(case) {
            return Ok(());
        }
        let of_row = readable(log_rows::heads(tx, case))?.flatten();
        let merged = readable(log_rows::chunks(tx, case))?.and_then(|chunks| merge(chunks.iter().map(Vec::as_slice)).ok());
        if of_row.zip(merged).is_none_or(|(heads, merged)| merged.heads != heads) {
            self.wrong_of_case(tx, Wrong::CaseUnmerged, case, None)?;
        }
        Ok(())
    }

    /// Checks refused changes against their batches. Returns where the next page begins, `None` at the end.
    pub(super) fn refused(&mut self, tx: &Tx<'_>, after: (Vec<u8>, Vec<u8>)) -> Result<Option<Place>, ApiError> {
        let page = match &self.only {
            Some(case) => log_rows::refused_of_case_after(tx, case, (&after.0, &after.1), ROWS)?,
            None => log_rows::refused_after(tx, (&after.0, &after.1), ROWS)?,
        };
        let (mut last, opened) = (after, self.shelf.opened);
        for ((case, hash), refused) in page.rows {
            self.looked.refused += 1;
            match refused {
                Some(Founded { case, hash: change, pushed_by, batch }) => {
                    if !self.is_founded(tx, (pushed_by, batch), &case, |verdicts| verdicts.refused.contains(&change))? {
                        self.wrong_of_case(tx, Wrong::RefusedUnfounded, &case, Some(change))?;
                    }
                }
                None => {
                    self.unreadable(tx, row_name("quarantine", &[&case, &hash], None), CaseId::try_from(case.as_slice()).ok())?;
                }
            }
            last = (case, hash);
            if self.shelf.opened - opened >= OPENED {
                return Ok(Some(Place::Refused(last.0, last.1)));
            }
        }
        Ok(page.more.then_some(Place::Refused(last.0, last.1)))
    }

    /// Whether a batch of this number brought the change. A second batch of this number may have come since they were opened.
    fn is_founded(
        &mut self,
        tx: &Tx<'_>,
        of: Numbered,
        case: &CaseId,
        asks: impl Fn(&Verdicts) -> bool,
    ) -> Result<bool, ApiError> {
        if asks(self.brought(tx, of.clone(), case)?) {
            return Ok(true);
        }
        self.brought.by_batch.remove(&of);
        self.shelf.forget(&of);
        Ok(asks(self.brought(tx, of, case)?))
    }

    /// The changes of a case that the batches of a number brought. Two batches of one number are a fork, and either may have
    /// brought a change.
    pub(super) fn brought(&mut self, tx: &Tx<'_>, of: Numbered, case: &CaseId) -> Result<&Verdicts, ApiError> {
        if self.brought.case != Some(*case) {
            self.brought = Brought { case: Some(*case), ..Brought::default() };
        }
        let verdicts = match self.brought.by_batch.remove(&of) {
            Some(known) => known,
            None => {
                let mut verdicts = Verdicts::default();
                self.shelf.batches(tx, &of)?.iter().for_each(|batch| batch.add_to(&mut verdicts, case));
                verdicts
            }
        };
        Ok(self.brought.by_batch.entry(of).or_insert(verdicts))
    }
}
