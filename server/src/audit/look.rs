//! The state of an audit of the log: its position, and what it remembers of earlier pages.

use std::collections::{HashMap, HashSet};

use doorstep_domain::{CaseId, ChangeHash, DeviceId};

use super::{
    fault::{Fault, Looked, MOST_FAULTS, Wrong},
    opened::{Brought, Shelf},
};
use crate::{
    error::ApiError,
    keys::Keys,
    link::{self, Before, Entry, Tally},
    store::{
        db::Store,
        links, log_batches,
        log_rows::{self, readable},
        tx::Tx,
    },
};

/// The row after which a page begins. Numbers are signed as in SQL, because a row may hold one that no server writes.
#[derive(Clone)]
pub(super) enum Place {
    Links(i64),
    Batches(log_batches::Key),
    Changes(Vec<u8>, i64),
    Refused(Vec<u8>, Vec<u8>),
}

/// A position before the first number.
pub(super) const FIRST: i64 = i64::MIN;

/// An audit of the log, of one case or of all.
pub(crate) struct Look {
    pub(super) only: Option<CaseId>,
    pub(super) keys: HashMap<Vec<u8>, Vec<u8>>,
    pub(super) place: Place,
    pub(super) last_link: Option<[u8; 32]>,
    pub(super) before: Before,
    pub(super) batches: Tally,
    pub(super) own: Tally,
    pub(super) brought: Brought,
    pub(super) shelf: Shelf,
    pub(super) seen: HashSet<Fault>,
    /// The cases of those faults.
    pub(super) faulty: HashSet<CaseId>,
    pub(super) looked: Looked,
}

impl Look {
    /// Begins an audit.
    pub(crate) fn begin(tx: &Tx<'_>, only: Option<CaseId>) -> Result<Self, ApiError> {
        let nothing = Tally::default().digest();
        Ok(Self {
            only,
            keys: keys(tx)?,
            place: Place::Links(FIRST),
            last_link: None,
            before: Before { batches: 0, batches_digest: nothing, own: 0, own_digest: nothing },
            batches: Tally::default(),
            own: Tally::default(),
            brought: Brought::default(),
            shelf: Shelf::default(),
            seen: HashSet::new(),
            faulty: HashSet::new(),
            looked: Looked::default(),
        })
    }

    /// Audits the next page; `false` at the end.
    pub(crate) fn page(&mut self, tx: &Tx<'_>) -> Result<bool, ApiError> {
        // A page reads all tables in one transaction, so rows that are written meanwhile belong to a later page or to the next
        // audit.
        let next = match self.place.clone() {
            Place::Links(after) => self.links(tx, after)?.or_else(|| Some(Place::Batches((vec![], FIRST, vec![])))),
            Place::Batches(after) => self.some_batches(tx, after)?.or_else(|| Some(Place::Changes(vec![], FIRST))),
            Place::Changes(case, n) => self.changes(tx, (case, n))?.or_else(|| Some(Place::Refused(vec![], vec![]))),
            Place::Refused(case, hash) => self.refused(tx, (case, hash))?,
        };
        let Some(next) = next else {
            self.end(tx)?;
            return Ok(false);
        };
        self.place = next;
        Ok(true)
    }

    /// The faults after the first `known` ones.
    pub(super) fn faults_after(&self, known: usize) -> &[Fault] {
        self.looked.faults.get(known..).unwrap_or_default()
    }

    /// The result so far. `error` says why the audit could not go on.
    pub(crate) fn into_looked(self, error: Option<&ApiError>) -> Looked {
        Looked { unfinished: error.map(ToString::to_string), ..self.looked }
    }

    /// Checks the data from before the first link against the digest of that time.
    pub(super) fn end(&mut self, tx: &Tx<'_>) -> Result<(), ApiError> {
        let before = self.before;
        if self.only.is_some() && before.own > 0 {
            // An audit of one case has read only that case's pages.
            self.own = readable(link::own_of_before(tx))?.unwrap_or_default();
        }
        let is_as_before = |before: (u64, [u8; 32]), now: &Tally| before == (now.count, now.digest());
        if !(is_as_before((before.batches, before.batches_digest), &self.batches)
            && is_as_before((before.own, before.own_digest), &self.own))
        {
            self.wrong(Fault::of(Wrong::BeforeAltered));
        }
        Ok(())
    }

    pub(super) fn wrong(&mut self, fault: Fault) {
        if self.only.is_some() && fault.case.is_some() && fault.case != self.only {
            return;
        }
        if !self.seen.insert(fault.clone()) {
            return;
        }
        self.faulty.extend(fault.case);
        if self.looked.faults.len() < MOST_FAULTS {
            self.looked.faults.push(fault);
        } else {
            self.looked.more_faults += 1;
        }
    }

    pub(super) fn wrong_of_case(
        &mut self,
        tx: &Tx<'_>,
        wrong: Wrong,
        case: &CaseId,
        change: Option<ChangeHash>,
    ) -> Result<(), ApiError> {
        self.wrong(Fault { case: Some(*case), waybill: waybill(tx, case)?, change, ..Fault::of(wrong) });
        Ok(())
    }
}

/// The server's public keys, by the id under which links name them.
pub(super) fn keys(tx: &Tx<'_>) -> Result<HashMap<Vec<u8>, Vec<u8>>, ApiError> {
    let own = Keys::own(tx)?.into_iter();
    Ok(own.map(|public| (DeviceId::of(&public).as_bytes().to_vec(), public)).collect())
}

/// The waybill in a case's row.
pub(super) fn waybill(tx: &Tx<'_>, case: &CaseId) -> Result<Option<String>, ApiError> {
    Ok(readable(log_rows::waybill(tx, case))?.flatten())
}

/// A readable name of a row: its table, and its key in hexadecimal.
pub(super) fn row_name(table: &str, key: &[&[u8]], number: Option<i64>) -> String {
    let hex = |part: &&[u8]| part.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    let parts = key.iter().map(hex).chain(number.map(|number| number.to_string()));
    std::iter::once(table.to_owned()).chain(parts).collect::<Vec<_>>().join(" ")
}

/// Audits all of the log, or one case, without pauses.
pub(crate) fn look(store: &Store, only: Option<CaseId>) -> Result<Looked, ApiError> {
    let mut look = store.read(|tx| Look::begin(tx, only))?;
    loop {
        match store.read(|tx| look.page(tx)) {
            Ok(true) => {}
            Ok(false) => return Ok(look.into_looked(None)),
            Err(error) => return Ok(look.into_looked(Some(&error))),
        }
    }
}

/// The entry of a link.
pub(super) fn entry(tx: &Tx<'_>, number: u64) -> Result<Option<Entry>, ApiError> {
    Ok(links::get(tx, number)?.and_then(|link| link.entry()))
}

#[cfg(test)]
mod tests {
    use doorstep_domain::UnixMs;

    use super::*;
    use crate::{open::open, replace_key};

    #[test]
    fn a_batch_is_opened_once_for_the_cases_that_come_one_after_the_other() {
        let folder = tempfile::tempdir().unwrap();
        let store = open(folder.path()).unwrap();
        let mut look = store.read(|tx| Look::begin(tx, None)).unwrap();
        for n in 0..100 {
            let batch = (vec![1; 16], 1 + u64::from(n % 2 == 0));
            store.read(|tx| look.brought(tx, batch, &CaseId::new([n; 16])).map(drop)).unwrap();
        }
        assert_eq!(look.shelf.opened, 2);
    }

    #[test]
    fn a_key_that_is_replaced_while_a_look_goes_on_is_no_fault() {
        let folder = tempfile::tempdir().unwrap();
        let store = open(folder.path()).unwrap();
        let mut look = store.read(|tx| Look::begin(tx, None)).unwrap();
        store.write(|tx| replace_key::replace(tx, UnixMs(1))).unwrap();
        let verdicts = Entry::Verdicts { install: [1; 16], number: 1, hash: [2; 32], ack: [3; 32], kept: [4; 32] };
        store.write(|tx| link::append(tx, &Keys::read(tx)?, &verdicts, UnixMs(2))).unwrap();
        while store.read(|tx| look.page(tx)).unwrap() {}
        let wrong: Vec<Wrong> = look.into_looked(None).faults.iter().map(|fault| fault.wrong).collect();
        assert_eq!(wrong, [Wrong::BatchMissing], "the batch was made up, and its link is signed");
    }
}
