//! The customer's SMS on this device: those that wait, and the state of their segments.

use doorstep_domain::{CaseId, ChangeHash, EntryKey, NetworkCode, Tag, UnixMs, Waybill};
use doorstep_sql::{FromValue, ToValue, Value, ValueError};
use rusqlite::{Connection, TransactionBehavior};

use crate::{
    CaseView, Store, StoreError, identity, project,
    row::{Statements, params},
};

/// The state of an SMS segment, as the phone's operator reports it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Segment {
    /// The segment failed, and may have left.
    Failed = -2,
    /// The segment failed before it left.
    NotSent = -1,
    /// The segment was handed over.
    HandedOver = 0,
    /// The segment was sent.
    Sent = 1,
    /// The segment was delivered.
    Delivered = 2,
}

impl ToValue for Segment {
    fn to_value(&self) -> Result<Value<'_>, ValueError> {
        Ok(Value::Int(*self as i64))
    }
}

impl FromValue for Segment {
    fn from_value(value: &Value<'_>) -> Result<Self, ValueError> {
        match i64::from_value(value)? {
            -2 => Ok(Self::Failed),
            -1 => Ok(Self::NotSent),
            0 => Ok(Self::HandedOver),
            1 => Ok(Self::Sent),
            2 => Ok(Self::Delivered),
            _ => Err(ValueError::Content("Segment")),
        }
    }
}

impl Store {
    /// The cases with SMS that still have to be sent or settled, lowest case id first.
    pub fn open_messages(&mut self, now: UnixMs) -> Result<Vec<CaseView>, StoreError> {
        self.judge_messages(now)?;
        let sql = "SELECT case_id FROM case_row WHERE messages > 0";
        let cases: Vec<CaseId> = self.db.all("case_row", sql, params![], |row| row.get(0))?;
        let mut views = Vec::with_capacity(cases.len());
        for case in cases {
            // One damaged case must not block the other cases' messages.
            match self.case_by_id(&case, now) {
                Ok(view) => views.extend(view),
                Err(StoreError::Damaged(_)) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(views)
    }

    /// Whether head office's gateway sends SMS, according to its last answer.
    pub fn has_gateway(&self) -> Result<bool, StoreError> {
        Ok(Self::meta(&self.db, "gateway")?.is_some_and(|flag| !flag.is_empty()))
    }

    /// The tag of this installation.
    pub fn tag(&self) -> Result<Option<Tag>, StoreError> {
        Ok(identity::read(&self.db)?.map(|who| Tag::of(&who.install)))
    }

    /// The key that an entry of the case's next change will have, if no other change is recorded before. For a change with one
    /// entry `index` is `None`.
    pub fn next_key(
        &self,
        network: &NetworkCode,
        waybill: &Waybill,
        kind: &str,
        index: Option<u32>,
    ) -> Result<EntryKey, StoreError> {
        let tag = self.tag()?.ok_or(StoreError::NotEnrolled)?;
        let head = project::head(&self.db, &CaseId::of(network, waybill))?;
        Ok(EntryKey { kind: kind.to_owned(), tag, seq: head.position.seq + 1, index })
    }

    /// All tags under which this device wrote, the present one first. Records under them are its own. Tags from before a fork are
    /// left out.
    pub fn tags(&self) -> Result<Vec<Tag>, StoreError> {
        let former = identity::former_tags(&self.db)?;
        Ok(self.tag()?.into_iter().chain(former.into_iter().rev()).collect())
    }

    /// Records a report about a segment. Returns the states of all segments, none for a message that this device is not sending.
    pub fn take_segment(
        &mut self,
        case: &CaseId,
        entry: &EntryKey,
        round: u32,
        part: usize,
        state: Segment,
    ) -> Result<Vec<Segment>, StoreError> {
        let tx = self.db.transaction_with_behavior(TransactionBehavior::Immediate)?;
        // A failure does not undo a segment that has left, but a late success undoes a failure.
        tx.run(
            "UPDATE segment SET state = ?5 WHERE case_id = ?1 AND entry = ?2 AND round = ?3 AND part = ?4
               AND ((?5 > ?6 AND state < ?5) OR (?5 < ?6 AND state = ?6))",
            params![case, entry, round, part, state, Segment::HandedOver],
        )?;
        tx.commit()?;
        self.segments(case, entry, round)
    }

    /// The states of a try's segments, as the platform has reported them.
    pub fn segments(&self, case: &CaseId, entry: &EntryKey, round: u32) -> Result<Vec<Segment>, StoreError> {
        let sql = "SELECT state FROM segment WHERE case_id = ?1 AND entry = ?2 AND round = ?3 ORDER BY part";
        self.db.all("segment", sql, params![case, entry, round], |row| row.get(0))
    }
}

/// Notes that a message with this many segments is being handed over, in the transaction that records it. If two processes share
/// the store, the second one finds the rows and does nothing.
pub(crate) fn begin(db: &Connection, case: &CaseId, step: &SmsStep) -> Result<(), StoreError> {
    for part in 0..step.parts {
        let inserted = db.run(
            "INSERT OR IGNORE INTO segment (case_id, entry, round, part, state) VALUES (?1, ?2, ?3, ?4, ?5)",
            params![case, step.entry, step.round, part, Segment::HandedOver],
        )?;
        if inserted == 0 {
            return Err(StoreError::CaseMoved);
        }
    }
    Ok(())
}

/// A step of an SMS, decided on a certain state of its case.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SmsStep {
    /// The case's heads at the decision, see [`Store::heads`]. The step is refused if they have changed.
    pub heads: Vec<ChangeHash>,
    /// The key of the SMS.
    pub entry: EntryKey,
    /// The number of the try.
    pub round: u32,
    /// The number of segments that are about to be handed over; 0 for a step that hands over nothing.
    pub parts: usize,
}
