//! A case of a page that the server feeds: what is new in it is taken, in the transaction that applies the answer.

use std::collections::BTreeSet;

use doorstep_document::{Admission, Change, History, Link, pack};
use doorstep_domain::{CaseId, ChangeHash, InstallId, Receipt, Reckoning, RefusalCode, UnixMs};
use doorstep_protocol::{FeedCase, Scope, signing::receipts_leaf, unpack_receipts};
use doorstep_rules::Rulebook;
use rusqlite::Connection;

use crate::{
    StoreError, anew,
    batch::{accept, mono_of},
    evict, identity, photos, project,
    row::{Statements, params},
    sheet_row,
};

/// Applies a case: its new changes are taken; false if the pack does not rebuild. A change that can not be taken is parked and counted;
/// it blocks neither the others nor the cursor.
pub(crate) fn apply(db: &Connection, feed: &FeedCase, scope: &Scope, rules: &Rulebook, now: UnixMs) -> Result<bool, StoreError> {
    let case = feed.case;
    // A kind that this version does not know stays at head office, in whatever format it is packed.
    let Some(doc) = feed.document() else { return Ok(true) };
    let Ok(chunks) = pack::restore(&feed.pack) else { return Ok(false) };
    let read: Vec<_> = chunks.iter().map(|(_, bytes)| Change::read(doc, bytes)).collect();
    let monos: Vec<u64> = read.iter().map(|change| change.as_ref().map_or(0, mono_of)).collect();
    let Some(receipts) = unpack_receipts(&feed.receipts, &monos) else { return Ok(false) };
    // Of version 3 the leaf is what the server has signed: other changes or receipts than those are damaged on their way. The time of
    // an act that does not read is not known here, so where there is one the leaf can not be made.
    let signed: Vec<(ChangeHash, Receipt)> = chunks.iter().map(|(hash, _)| *hash).zip(receipts.iter().copied()).collect();
    let is_read = read.iter().all(Result::is_ok);
    if is_read && feed.leaf.is_some_and(|leaf| leaf.0 != receipts_leaf(doc, &signed)) {
        return Ok(false);
    }
    sheet_row::know_of(db, read.iter().filter_map(|read| read.as_ref().ok()))?;
    db.run("INSERT OR IGNORE INTO case_scope (case_id, scope) VALUES (?1, ?2)", params![case, scope.to_string()])?;
    db.run("DELETE FROM leaving WHERE case_id = ?1", params![case])?;
    let (mut head, is_patched) = evict::come_back(db, &case)?;
    // Something was recorded after the case had left: what comes now, from its start, lies before that.
    let here = if is_patched { hashes(db, &case)? } else { BTreeSet::new() };
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
                for original in change.entries().iter().filter_map(|entry| entry.release) {
                    // Released: it stands in the log now, so it is no longer shown as refused.
                    db.run(
                        concat!("DELETE FROM outbox WHERE case_id = ?1 AND hash = ?2 AND ", outbox_is_refused!()),
                        params![case, original.original],
                    )?;
                }
            }
            (read, Admission::Known) => {
                // Ours, and its verdict never came; or the server's word on one we have.
                let sql = concat!("SELECT id FROM outbox WHERE case_id = ?1 AND hash = ?2 AND ", outbox_waits!());
                let waiting: Option<i64> = db.maybe("outbox", sql, params![case, hash], |row| row.get(0))?;
                match (waiting, read) {
                    (Some(outbox), Ok(change)) => accept(db, &case, outbox, change, receipt, None)?,
                    _ => anew::shown(db, &case, hash, receipt)?,
                }
            }
            (read, refused) => {
                let reason = match &refused {
                    Admission::Refused(refusal) => refusal.code(),
                    _ => RefusalCode::Early,
                };
                let unknown = Link { hash: *hash, install: InstallId::new([0; 16]), seq: 0, max_op: 0 };
                // The time of its act came as a difference to what the change says, and proves nothing without that.
                let acted = Reckoning { at: None, slack_ms: 0, anchored: false, ..receipt.acted };
                let receipt = if read.is_ok() { receipt } else { Receipt { acted, ..receipt } };
                project::insert_accepted(db, &case, &unknown, bytes, receipt, None, Some(&reason))?;
            }
        }
    }
    if is_patched {
        head = project::read_head(db, &case, &who.install, project::Of::Everything)?;
    }
    match project::entries(db, &case) {
        Ok(entries) => project::write_row(db, &case, &head, entries, rules, now)?,
        // A damaged row of this case must not stop the others: what is new is kept, only the writer's columns move.
        Err(StoreError::Damaged(_)) => project::advance_row(db, &case, &head, 0, now)?,
        Err(error) => return Err(error),
    }
    Ok(true)
}

/// Hashes of the changes of a case that are here, accepted or waiting.
fn hashes(db: &Connection, case: &CaseId) -> Result<BTreeSet<ChangeHash>, StoreError> {
    let sql = concat!(
        "SELECT hash FROM change WHERE case_id = ?1 AND parked IS NULL
         UNION ALL SELECT hash FROM outbox WHERE case_id = ?1 AND ",
        outbox_waits!()
    );
    Ok(db.all("change", sql, params![case], |row| row.get(0))?.into_iter().collect())
}
