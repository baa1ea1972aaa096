//! Stores the new changes of a case from a feed page, in the transaction that applies the answer.

use std::collections::BTreeSet;

use doorstep_document::{Admission, Change, History, Link, pack::dense::Rebuilt};
use doorstep_domain::{CaseId, ChangeHash, DocKind, DocRef, InstallId, Receipt, Reckoning, RefusalCode, Standing, UnixMs};
use doorstep_protocol::{FeedCase, Scope, signing::receipts_leaf, unpack_receipts};
use doorstep_rules::Rulebook;
use rusqlite::Connection;

use crate::{
    StoreError, anew,
    batch::accept,
    evict, identity, photos, project,
    row::{Statements, params},
    sent::{Sent, mono_of},
    sheet_row,
};

/// Stores the new changes of a case; false if the pack does not rebuild (`rebuilt` is `None`). A change that can not be stored is parked
/// and counted.
/// It blocks neither the others nor the cursor.
pub(crate) fn apply(
    db: &Connection,
    feed: &FeedCase,
    rebuilt: Option<Rebuilt>,
    scope: &Scope,
    rules: &Rulebook,
    now: UnixMs,
) -> Result<bool, StoreError> {
    // A kind of document that this version does not know stays at head office, whatever the format of its pack.
    let Some(kind) = DocKind::of_named(feed.kind) else { return Ok(true) };
    let Some(Rebuilt { doc: case, changes: chunks }) = rebuilt else { return Ok(false) };
    let doc = DocRef::new(kind, case);
    let read: Vec<_> = chunks.iter().map(|(_, bytes)| Change::read(doc, bytes)).collect();
    let monos: Vec<u64> = read.iter().map(|change| change.as_ref().map_or(0, mono_of)).collect();
    let Some(receipts) = unpack_receipts(&feed.receipts, &monos) else { return Ok(false) };
    // In version 3 the server has signed the leaf: changes or receipts that do not match it were damaged on the way. If a change
    // can not be read its act's time is unknown, and the leaf can not be computed.
    let signed: Vec<(ChangeHash, Receipt)> = chunks.iter().map(|(hash, _)| *hash).zip(receipts.iter().copied()).collect();
    let is_read = read.iter().all(Result::is_ok);
    if is_read && feed.leaf.is_some_and(|leaf| leaf.0 != receipts_leaf(doc, &signed)) {
        return Ok(false);
    }
    sheet_row::know_of(db, read.iter().filter_map(|read| read.as_ref().ok()))?;
    db.run("INSERT OR IGNORE INTO case_scope (case_id, scope) VALUES (?1, ?2)", params![case, scope.to_string()])?;
    db.run("DELETE FROM leaving WHERE case_id = ?1", params![case])?;
    let (mut head, is_patched) = evict::come_back(db, &case)?;
    // A change was recorded after the case had left, and the changes that come now, from its start, lie before it.
    let here = if is_patched { hashes(db, &case)? } else { BTreeSet::new() };
    let is_new = head.changes == 0 && !db.exists("SELECT 1 FROM outbox WHERE case_id = ?1", params![case])?;
    let mut taken = Vec::new();
    let mut history = if is_patched { History::default() } else { project::history(db, &case)? };
    let who = identity::read(db)?.ok_or(StoreError::NotEnrolled)?;
    for ((read, receipt), (hash, bytes)) in read.iter().zip(receipts).zip(&chunks) {
        let verdict = match read {
            Ok(change) => match history.admit(change) {
                Admission::New if here.contains(hash) => Admission::Known,
                other => other,
            },
            Err(refusal) => Admission::Refused(refusal.clone()),
        };
        match (read, verdict) {
            (Ok(change), Admission::New) => {
                head.position.advance(change, change.install() == who.install);
                head.changes += 1;
                head.bytes += change.bytes().len();
                project::insert_accepted(db, &case, &change.link(), change.bytes(), receipt, None, None)?;
                photos::may_follow(db, change)?;
                if is_new {
                    taken.extend(project::recorded(change, &Standing::Accepted(receipt)));
                }
                for original in change.entries().iter().filter_map(|entry| entry.release) {
                    // A released change is in the log now, so it is no longer shown as refused.
                    db.run(
                        concat!("DELETE FROM outbox WHERE case_id = ?1 AND hash = ?2 AND ", outbox_is_refused!()),
                        params![case, original.original],
                    )?;
                }
            }
            (read, Admission::Known) => {
                // The change is our own and its verdict never came, or it is a newer receipt of a change that is here.
                let sql = concat!("SELECT id FROM outbox WHERE case_id = ?1 AND hash = ?2 AND ", outbox_waits!());
                let waiting: Option<i64> = db.maybe("outbox", sql, params![case, hash], |row| row.get(0))?;
                match (waiting, read) {
                    (Some(outbox), Ok(change)) => accept(db, &case, (outbox, bytes), Sent::of(change), receipt, None)?,
                    _ => anew::shown(db, &case, hash, receipt)?,
                }
            }
            (read, refused) => {
                let reason = match &refused {
                    Admission::Refused(refusal) => refusal.code(),
                    _ => RefusalCode::Early,
                };
                let unknown = Link { hash: *hash, install: InstallId::new([0; 16]), seq: 0, max_op: 0 };
                // The act's time is a difference to the time in the change, and means nothing if that can not be read.
                let acted = Reckoning { at: None, slack_ms: 0, anchored: false, ..receipt.acted };
                let receipt = if read.is_ok() { receipt } else { Receipt { acted, ..receipt } };
                project::insert_accepted(db, &case, &unknown, bytes, receipt, None, Some(&reason))?;
            }
        }
    }
    if is_patched {
        head = project::read_head(db, &case, &who.install, project::Of::Everything)?;
    }
    // The changes of a new case are all here; those of another one are read again.
    match if is_new { Ok(taken) } else { project::entries(db, &case) } {
        Ok(entries) => drop(project::write_row(db, &case, &head, entries, rules, now)?),
        // A damaged row of this case must not stop the other cases: the new changes are stored, and only the writer's columns
        // move.
        Err(StoreError::Damaged(_)) => project::advance_row(db, &case, &head, (0, false), now)?,
        Err(error) => return Err(error),
    }
    Ok(true)
}

/// The hashes of a case's changes on this device, accepted or unsent.
fn hashes(db: &Connection, case: &CaseId) -> Result<BTreeSet<ChangeHash>, StoreError> {
    let sql = concat!(
        "SELECT hash FROM change WHERE case_id = ?1 AND parked IS NULL
         UNION ALL SELECT hash FROM outbox WHERE case_id = ?1 AND ",
        outbox_waits!()
    );
    Ok(db.all("change", sql, params![case], |row| row.get(0))?.into_iter().collect())
}
