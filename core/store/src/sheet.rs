//! Records and reads a sheet: an outlet's day, beside the cases.

use doorstep_document::{Change, MAX_CASE_BYTES, MAX_CASE_CHANGES, NewEntry};
use doorstep_domain::{ActionId, Body, Day, DocId, OutletCode, SheetFacts, TimeEvidence, UnixMs};
use doorstep_rules::Sheet;
use rusqlite::TransactionBehavior;

use crate::{
    Store, StoreError, Written, identity, project, record,
    row::{Statements, params},
    sheet_row::{self, know, set_head},
};

/// A person's action on a sheet.
#[derive(Debug, Clone)]
pub struct SheetAction {
    /// The id of the action.
    pub id: ActionId,
    /// The person's command in JSON, for people to read, like the recording of [`crate::Action`].
    pub command: String,
    /// The time of the act, as evidence.
    pub time: TimeEvidence,
    /// The present time.
    pub now: UnixMs,
    /// The day of the sheet, at the person's own outlet.
    pub day: Day,
    /// The entry's body.
    pub body: Body,
}

impl Store {
    /// Records an entry in the sheet of a day of the person's own outlet. Returns once it is durable.
    pub fn record_in_sheet(&mut self, action: &SheetAction) -> Result<Written, StoreError> {
        self.room_for_a_record()?;
        self.load_book()?;
        let tx = self.db.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let who = identity::read(&tx)?.ok_or(StoreError::NotEnrolled)?;
        let (_, book) = self.book.as_ref().ok_or(StoreError::NoPack)?;
        let pack = book.at(action.now);
        let network = pack.network.parse().map_err(|_| StoreError::Damaged("reference"))?;
        let facts = SheetFacts { network, outlet: who.author.outlet.clone(), day: action.day };
        let doc = facts.doc();
        know(&tx, &facts)?;
        let mut head = project::head(&tx, &doc.id)?;
        if head.changes >= MAX_CASE_CHANGES || head.bytes >= MAX_CASE_BYTES {
            return Err(StoreError::CaseFull);
        }
        let says_which = head.position.seq == 0 || head.changes == 0;
        let entry = NewEntry {
            author: who.author.clone(),
            pack_version: pack.version,
            time: action.time,
            action: None,
            facts: None,
            sheet: says_which.then_some(facts),
            release: None,
            rewrites: None,
            body: action.body.clone(),
        };
        let change = Change::write(doc, &who.install, &head.position, &[entry])?;
        record::mark_leaving(&tx, &doc.id, &head)?;
        head.position.advance(&change, true);
        head.changes += 1;
        head.bytes += change.bytes().len();
        record::keep_unsent(&tx, &doc.id, (&action.id, &action.command), action.now, &change)?;
        set_head(&tx, &doc.id, &head)?;
        tx.commit()?;
        Ok(Written { case: doc.id, change: change.hash() })
    }

    /// The sheet of an outlet's day; `None` if it has no entry here.
    pub fn sheet(&mut self, outlet: &OutletCode, day: Day) -> Result<Option<Sheet>, StoreError> {
        let sql = "SELECT case_id FROM sheet WHERE outlet = ?1 AND day = ?2";
        let id: Option<DocId> = self.db.maybe("sheet", sql, params![outlet, day.to_string()], |row| row.get(0))?;
        let Some(id) = id else { return Ok(None) };
        Ok(Sheet::fold(project::entries(&self.db, &id)?))
    }

    /// The sheets here, newest day first.
    pub fn sheets(&self) -> Result<Vec<SheetFacts>, StoreError> {
        let sql = "SELECT case_id FROM sheet JOIN sheet_row USING (case_id) ORDER BY day DESC";
        let ids: Vec<DocId> = self.db.all("sheet", sql, params![], |row| row.get(0))?;
        ids.iter().map(|id| sheet_row::facts(&self.db, id)?.ok_or(StoreError::Damaged("sheet"))).collect()
    }
}
