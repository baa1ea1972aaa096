//! Recording: writes intent, change and list row in one transaction, durable when it returns.

use std::collections::BTreeMap;

use doorstep_document::{Change, MAX_CASE_BYTES, MAX_CASE_CHANGES, NewEntry};
use doorstep_domain::{
    ActionId, Body, CaseId, ChangeHash, DocId, Entry, Facts, NetworkCode, PhotoId, Standing, TimeEvidence, UnixMs, Waybill,
};
use doorstep_rules::{Case, Judgement, judge};
use rusqlite::{Connection, TransactionBehavior};
use serde::Serialize;

use crate::{
    CaseView, KnownCases, Recording, SmsStep, Store, StoreError,
    head::Head,
    identity, messages, project,
    row::{Statements, params},
    states::{OutboxState, PhotoState},
};

/// A user action on one or several cases.
#[derive(Debug, Clone)]
pub struct Action {
    /// The id of the action. It is written into the entries if the action touches several cases.
    pub id: ActionId,
    /// The person's recording. It is kept beside the change until the server has accepted that, for people to read.
    pub recording: Recording,
    /// The time of the act, as evidence.
    pub time: TimeEvidence,
    /// The present time, for the deadlines in the list.
    pub now: UnixMs,
    /// The cases with their entries.
    pub cases: Vec<ActionCase>,
    /// The SMS that is handed over once this is durable. If another process is already doing so, nothing is recorded.
    pub step: Option<SmsStep>,
}

/// The entries of an action in one case.
#[derive(Debug, Clone)]
pub struct ActionCase {
    /// The waybill of the parcel.
    pub waybill: Waybill,
    /// The bodies, one for each entry, all in one change.
    pub bodies: Vec<Body>,
    /// The photos that the entries name, already durable as files.
    pub photos: Vec<SavedPhoto>,
}

/// A photo that [`Store::save_photo`] has made durable.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SavedPhoto {
    /// The SHA-256 of the photo.
    pub id: PhotoId,
    /// The length in bytes.
    pub len: u64,
    /// The file name below `photos/`.
    pub name: String,
    /// Whether it is a thumbnail.
    pub thumbnail: bool,
}

/// The result of an action in one case.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Written {
    /// The case.
    pub case: CaseId,
    /// The change that holds its entries.
    pub change: ChangeHash,
}

/// What an action made in one case.
struct Made {
    written: Written,
    change: Change,
    /// The case and its judgement, where its row was written from them: it is new.
    row: Option<(Case, Judgement)>,
}

impl Store {
    /// Records an action, in all of its cases or in none. Returns once everything is durable.
    pub fn record(&mut self, action: &Action) -> Result<Vec<Written>, StoreError> {
        Ok(self.write(action, &mut KnownCases::default())?.into_iter().map(|made| made.written).collect())
    }

    /// Records an action as [`Store::record`] does, on cases that were read for it, and tells how each of its cases stands then:
    /// no case is read a second time, unless another process has written meanwhile.
    pub fn record_on(&mut self, action: &Action, mut known: KnownCases) -> Result<(Vec<Written>, Vec<CaseView>), StoreError> {
        let made = self.write(action, &mut known)?;
        let mut after: BTreeMap<CaseId, (Case, Option<Judgement>)> = BTreeMap::new();
        let mut written = Vec::with_capacity(made.len());
        for (Made { written: this, change, row }, target) in made.into_iter().zip(&action.cases) {
            written.push(this);
            // Two pieces of a shipment have one case.
            let before = after.remove(&this.case).map(|(case, _)| case).or_else(|| known.take(&target.waybill));
            let stands = match (row, before) {
                (Some((case, judgement)), _) => Some((case, Some(judgement))),
                (None, Some(case)) => Some((case.with(project::recorded(&change, &Standing::OnThisDevice).collect()), None)),
                (None, None) => None,
            };
            after.extend(stands.map(|stands| (this.case, stands)));
        }
        let (book, now) = (self.book()?.ok_or(StoreError::NoPack)?, action.now);
        let mut views = Vec::with_capacity(written.len());
        for Written { case: id, .. } in &written {
            match after.remove(id) {
                Some((case, judgement)) => {
                    let judgement = judgement.unwrap_or_else(|| judge(&case, &book, now));
                    views.push(CaseView { id: *id, case, judgement });
                }
                None => views.extend(self.case_by_id(id, now)?),
            }
        }
        Ok((written, views))
    }

    /// Writes an action on cases that were read before. Those that have moved since are forgotten.
    fn write(&mut self, action: &Action, known: &mut KnownCases) -> Result<Vec<Made>, StoreError> {
        self.room_for_a_record()?;
        self.load_book()?;
        let tx = self.db.transaction_with_behavior(TransactionBehavior::Immediate)?;
        known.forget_what_has_moved(&tx)?;
        let who = identity::read(&tx)?.ok_or(StoreError::NotEnrolled)?;
        let (_, book) = self.book.as_ref().ok_or(StoreError::NoPack)?;
        let pack = book.at(action.now);
        let network: NetworkCode = pack.network.parse().map_err(|_| StoreError::Damaged("reference"))?;
        let kept = action.recording.to_json().map_err(|_| StoreError::Damaged("outbox"))?;
        let mut made = Vec::with_capacity(action.cases.len());
        for target in &action.cases {
            let case = CaseId::of(&network, &target.waybill);
            let mut head = project::head(&tx, &case)?;
            if let Some(step) = &action.step {
                // The step was decided on an earlier state of the case, so it must be decided again.
                if head.position.heads != step.heads {
                    return Err(StoreError::CaseMoved);
                }
                messages::begin(&tx, &case, step)?;
            }
            if head.changes >= MAX_CASE_CHANGES || head.bytes >= MAX_CASE_BYTES {
                return Err(StoreError::CaseFull);
            }
            // Facts are added even to a case that has left this device, because readers here begin with this change.
            let needs_facts = head.position.seq == 0 || head.changes == 0;
            let in_case = || known.facts(&target.waybill).map_or_else(|| known_facts(&tx, &case), Ok);
            let mut facts = if needs_facts { Some(facts_or(&tx, &network, &target.waybill, in_case)?) } else { None };
            let entries: Vec<NewEntry> = target
                .bodies
                .iter()
                .map(|body| NewEntry {
                    author: who.author.clone(),
                    pack_version: pack.version,
                    time: action.time,
                    action: (action.cases.len() > 1).then_some(action.id),
                    facts: facts.take(),
                    sheet: None,
                    release: None,
                    rewrites: None,
                    body: body.clone(),
                })
                .collect();
            let change = Change::write(&case, &who.install, &head.position, &entries)?;
            if !names_its_own_sms(&change) {
                return Err(StoreError::CaseMoved);
            }
            let is_new = head.changes == 0;
            mark_leaving(&tx, &case, &head)?;
            head.position.advance(&change, true);
            head.changes += 1;
            head.bytes += change.bytes().len();
            keep_unsent(&tx, &case, (&action.id, &kept), action.now, &change)?;
            for photo in &target.photos {
                keep_photo(&tx, photo, action.now)?;
            }
            let row = if is_new {
                // Of a case without a change that counts there may be some that were refused.
                let entries = match known.is_new(&target.waybill) {
                    true => project::recorded(&change, &Standing::OnThisDevice).collect(),
                    false => project::entries(&tx, &case)?,
                };
                project::write_row(&tx, &case, &head, entries, book, action.now)?
            } else {
                project::advance_row(&tx, &case, &head, (1, may_message(&change)), action.now)?;
                None
            };
            made.push(Made { written: Written { case, change: change.hash() }, change, row });
        }
        tx.commit()?;
        Ok(made)
    }
}

/// Marks a document for leaving if it had left before this change was recorded. It goes after the change was sent, unless the
/// server gives it back.
pub(crate) fn mark_leaving(db: &Connection, doc: &DocId, before: &Head) -> Result<(), StoreError> {
    if before.changes == 0 && before.position.max_op > 0 {
        db.run("INSERT OR IGNORE INTO leaving (case_id) VALUES (?1)", params![doc])?;
    }
    Ok(())
}

/// Keeps a photo whose file is there until the server has it. One that was spoiled has its bytes again and is sent, one that was let go
/// is at the server, and one that head office had discarded is named by another entry now.
fn keep_photo(db: &Connection, photo: &SavedPhoto, now: UnixMs) -> Result<(), StoreError> {
    use PhotoState::{Discarded, EntryFirst, LetGo, Lost, Stored, ToSend, Void};
    db.run(
        "INSERT INTO photo (sha, len, name, state, thumbnail, recorded_at, urgent, told, tries)
         VALUES (?1, ?2, ?3, ?6, ?4, ?5, 0, 0, 0)
         ON CONFLICT (sha) DO UPDATE SET name = ?3, told = 0, refused = NULL,
           state = CASE WHEN state IN (?7, ?8) THEN ?9 WHEN state = ?10 THEN ?11 WHEN state = ?12 THEN ?6 ELSE state END",
        params![photo.id, photo.len, photo.name, photo.thumbnail, now, EntryFirst, Lost, Void, ToSend, LetGo, Stored, Discarded],
    )?;
    Ok(())
}

/// Stores a change in the journal until the server has it.
pub(crate) fn keep_unsent(
    db: &Connection,
    doc: &DocId,
    (action, command): (&ActionId, &str),
    now: UnixMs,
    change: &Change,
) -> Result<(), StoreError> {
    db.run(
        "INSERT INTO outbox (case_id, action, recorded_at, command, state, tries, hash, install, seq, max_op, bytes)
         VALUES (?1, ?2, ?3, ?4, ?5, 0, ?6, ?7, ?8, ?9, ?10)",
        params![
            doc,
            action,
            now,
            command,
            OutboxState::Unsent,
            change.hash(),
            change.install(),
            change.seq(),
            change.max_op(),
            change.bytes()
        ],
    )?;
    Ok(())
}

/// The facts in a case's entries.
pub(crate) fn known_facts(db: &Connection, case: &CaseId) -> Result<Option<Facts>, StoreError> {
    Ok(Case::fold(project::entries(db, case)?).map(|known| known.facts))
}

/// The parcel's facts from its reference row, or else from the case, where a person who knew the row has written them (the origin
/// outlet has none of the delivering outlet's rows), or else those of an unlisted parcel.
pub(crate) fn facts(db: &Connection, case: &CaseId, network: &NetworkCode, waybill: &Waybill) -> Result<Facts, StoreError> {
    facts_or(db, network, waybill, || known_facts(db, case))
}

impl Store {
    /// The parcel's facts as a record would copy them now.
    pub fn facts_of(&self, network: &NetworkCode, waybill: &Waybill) -> Result<Facts, StoreError> {
        facts(&self.db, &CaseId::of(network, waybill), network, waybill)
    }
}

fn facts_or(
    db: &Connection,
    network: &NetworkCode,
    waybill: &Waybill,
    known: impl FnOnce() -> Result<Option<Facts>, StoreError>,
) -> Result<Facts, StoreError> {
    let Some(parcel) = crate::parcels::get(db, waybill)?.filter(|parcel| parcel.network == *network) else {
        return Ok(known()?.unwrap_or_else(|| Facts::unlisted(network.clone(), waybill.clone())));
    };
    let version = crate::refs::version(db, doorstep_protocol::RefKind::Parcels)?;
    Ok(Facts::of(&parcel, version))
}

/// Whether a change can leave a message to send or to settle: an SMS, a report, or a correction of one.
fn may_message(change: &Change) -> bool {
    let can = |entry: &Entry| matches!(entry.body, Body::Sms(_) | Body::SmsReport(_) | Body::Correction(_));
    change.entries().iter().any(can)
}

/// Whether a report in the change of its SMS names that SMS. The key was predicted, and another process may have recorded a
/// change in between.
fn names_its_own_sms(change: &Change) -> bool {
    let is_sms = |entry: &&Entry| matches!(entry.body, Body::Sms(_));
    let Some(sms) = change.entries().iter().find(is_sms) else { return true };
    change.entries().iter().all(|entry| match &entry.body {
        Body::SmsReport(report) => report.of == sms.key,
        _ => true,
    })
}
