//! Looking over the log: is what is stored what was signed? Links are held against what they vouch for, batches against their device's
//! signature and against the changes that they brought, and every stored change against the batch or the link that it stands in.
//! It goes page by page, on a reader, and changes nothing.

mod alarm;
mod batch;
mod walk;

use std::collections::{HashMap, HashSet, VecDeque};

use doorstep_domain::{CaseId, ChangeHash, DeviceId, InstallId};
use serde::Serialize;

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

pub use alarm::{Alarm, Alarms};
pub(crate) use alarm::{alarms, over_time};

/// What is wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Wrong {
    /// A link is not there.
    LinkMissing,
    /// A link is not what was signed, or does not follow the one before.
    LinkAltered,
    /// A batch for which a link vouches is not there.
    BatchMissing,
    /// A batch is not what its device signed, or its columns say something else.
    BatchAltered,
    /// A batch follows another one than the one that is stored before it, and no fork was found when it came.
    BatchMisplaced,
    /// No link vouches for the verdicts on a batch.
    BatchUnvouched,
    /// The verdicts on a batch, the place of a change or the first receipt of a refused one are not those that were given.
    VerdictsAltered,
    /// A change that was taken is not there.
    ChangeMissing,
    /// A change is not the one that its batch brought, or its columns say something else.
    ChangeAltered,
    /// The receipt of a change is not the one that was answered.
    ReceiptAltered,
    /// A change stands in no batch, or in none of those that it names.
    ChangeUnfounded,
    /// A change that was refused is not in quarantine.
    RefusedMissing,
    /// A change in quarantine is not the one that its batch brought, or has another reason than the one that was answered.
    RefusedAltered,
    /// A change in quarantine stands in no batch.
    RefusedUnfounded,
    /// What the server itself wrote is not there.
    OwnMissing,
    /// What the server itself wrote, or its receipt, is not what it signed.
    OwnAltered,
    /// No link vouches for what is said to be the server's own.
    OwnUnvouched,
    /// The places of a case's changes have a gap, or are not as many as the case says.
    CaseIncomplete,
    /// Something of what was there before links were made has been changed, removed or added since.
    BeforeAltered,
    /// A row can not be read: a column holds what no server writes.
    Unreadable,
}

/// One thing that is wrong, and where.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize)]
pub struct Fault {
    /// What.
    pub wrong: Wrong,
    /// The case.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub case: Option<CaseId>,
    /// The case's waybill, as far as its row says it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub waybill: Option<String>,
    /// The change.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub change: Option<ChangeHash>,
    /// The installation in whose chain the batch is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub install: Option<InstallId>,
    /// The batch.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub batch: Option<u64>,
    /// The number of the link.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub link: Option<u64>,
    /// The table and the key of a row that can not be read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub row: Option<String>,
}

/// What looking over the log has given.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Looked {
    /// Links.
    pub links: u64,
    /// Batches that were held against their signature and their changes.
    pub batches: u64,
    /// Changes of devices.
    pub changes: u64,
    /// Changes that the server itself wrote.
    pub own: u64,
    /// Changes in quarantine.
    pub refused: u64,
    /// Batches whose verdicts nobody vouches for, each alone: they are from before. A look over all of the log holds them together
    /// against what was there when links began.
    pub batches_before: u64,
    /// The same for the server's own changes.
    pub own_before: u64,
    /// Batches whose predecessor never arrived.
    pub gaps: u64,
    /// What is wrong; at most [`MOST_FAULTS`].
    pub faults: Vec<Fault>,
    /// How much is wrong beside that.
    pub more_faults: u64,
    /// Why the look could not go on to the end of the log; what it found until then is there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unfinished: Option<String>,
}

/// Most faults that are named.
pub const MOST_FAULTS: usize = 1_000;

/// After which row a page begins. Numbers are as SQL has them: a row may hold one that no server writes.
#[derive(Clone)]
enum Place {
    Links(i64),
    Batches(log_batches::Key),
    Changes(Vec<u8>, i64),
    Refused(Vec<u8>, Vec<u8>),
}

/// Before the first number.
const FIRST: i64 = i64::MIN;

/// An installation and the number of a batch in its chain.
type Numbered = (Vec<u8>, u64);

/// What batches brought of the case that is looked at, by the verdicts on it.
#[derive(Default)]
struct Brought {
    case: Option<CaseId>,
    by_batch: HashMap<Numbered, Verdicts>,
}

/// The changes of a case that a batch brought.
#[derive(Default)]
struct Verdicts {
    taken: HashSet<ChangeHash>,
    refused: HashSet<ChangeHash>,
}

/// Batches that were opened last: cases that lie beside each other are often of the same ones.
#[derive(Default)]
struct Shelf {
    batches: HashMap<Numbered, Vec<batch::Answered>>,
    /// The oldest first.
    order: VecDeque<Numbered>,
    bytes: usize,
    /// How many were opened in all.
    opened: usize,
}

/// A look over the log, of one case or of all.
pub(crate) struct Look {
    only: Option<CaseId>,
    keys: HashMap<Vec<u8>, Vec<u8>>,
    place: Place,
    last_link: Option<[u8; 32]>,
    before: Before,
    batches: Tally,
    own: Tally,
    brought: Brought,
    shelf: Shelf,
    seen: HashSet<Fault>,
    looked: Looked,
}

impl Look {
    /// Begins a look.
    pub(crate) fn begin(db: &Tx<'_>, only: Option<CaseId>) -> Result<Self, ApiError> {
        let nothing = Tally::default().digest();
        Ok(Self {
            only,
            keys: keys(db)?,
            place: Place::Links(FIRST),
            last_link: None,
            before: Before { batches: 0, batches_digest: nothing, own: 0, own_digest: nothing },
            batches: Tally::default(),
            own: Tally::default(),
            brought: Brought::default(),
            shelf: Shelf::default(),
            seen: HashSet::new(),
            looked: Looked::default(),
        })
    }

    /// Goes one page on; `false`: it is over.
    pub(crate) fn page(&mut self, db: &Tx<'_>) -> Result<bool, ApiError> {
        // A page is one view of all tables: rows that are written meanwhile belong to a later page, or to the next look.
        let tx = db;
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

    /// The faults that were found after the first so many.
    fn faults_after(&self, known: usize) -> &[Fault] {
        self.looked.faults.get(known..).unwrap_or_default()
    }

    /// What was found so far; `error`: why it could not go on.
    pub(crate) fn into_looked(self, error: Option<&ApiError>) -> Looked {
        Looked { unfinished: error.map(ToString::to_string), ..self.looked }
    }

    /// What was there before links began is held together against the digest of then.
    fn end(&mut self, db: &Tx<'_>) -> Result<(), ApiError> {
        let before = self.before;
        if self.only.is_some() && before.own > 0 {
            // The pages were of one case.
            self.own = readable(link::own_of_before(db))?.unwrap_or_default();
        }
        let is_as_before = |before: (u64, [u8; 32]), now: &Tally| before == (now.count, now.digest());
        if !(is_as_before((before.batches, before.batches_digest), &self.batches)
            && is_as_before((before.own, before.own_digest), &self.own))
        {
            self.wrong(Fault::of(Wrong::BeforeAltered));
        }
        Ok(())
    }

    fn wrong(&mut self, fault: Fault) {
        if self.only.is_some() && fault.case.is_some() && fault.case != self.only {
            return;
        }
        if !self.seen.insert(fault.clone()) {
            return;
        }
        if self.looked.faults.len() < MOST_FAULTS {
            self.looked.faults.push(fault);
        } else {
            self.looked.more_faults += 1;
        }
    }

    fn wrong_of_case(&mut self, db: &Tx<'_>, wrong: Wrong, case: &CaseId, change: Option<ChangeHash>) -> Result<(), ApiError> {
        self.wrong(Fault { case: Some(*case), waybill: waybill(db, case)?, change, ..Fault::of(wrong) });
        Ok(())
    }
}

impl Fault {
    fn of(wrong: Wrong) -> Self {
        Self { wrong, case: None, waybill: None, change: None, install: None, batch: None, link: None, row: None }
    }
}

/// The server's public keys, by the id under which links name them.
fn keys(db: &Tx<'_>) -> Result<HashMap<Vec<u8>, Vec<u8>>, ApiError> {
    let own = Keys::own(db)?.into_iter();
    Ok(own.map(|public| (DeviceId::of(&public).as_bytes().to_vec(), public)).collect())
}

/// The waybill of a case, as its row says it.
fn waybill(db: &Tx<'_>, case: &CaseId) -> Result<Option<String>, ApiError> {
    Ok(readable(log_rows::waybill(db, case))?.flatten())
}

/// A row's name for a person: its table, and its key in hexadecimal.
fn row_name(table: &str, key: &[&[u8]], number: Option<i64>) -> String {
    let hex = |part: &&[u8]| part.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    let parts = key.iter().map(hex).chain(number.map(|number| number.to_string()));
    std::iter::once(table.to_owned()).chain(parts).collect::<Vec<_>>().join(" ")
}

/// Looks over all of the log, or over one case, at once.
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
fn entry(db: &Tx<'_>, number: u64) -> Result<Option<Entry>, ApiError> {
    Ok(links::get(db, number)?.and_then(|link| link.entry()))
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
