//! Rebase: writes unaccepted changes anew under a new installation, after the accepted ones.
//!
//! After a refusal the installation's sequence in the case has a gap that no later change can cross; after a fork another store
//! uses its numbers too. So the device moves on to a new installation and writes its remaining intents again.
//!
//! The intents are replayed from the entries in the journal's changes, not by planning their commands anew (as the design first
//! said): a plan would read today's rules, parcels and clock, but the courier's act had those of its own time. The recording in
//! the journal stays for people to read, above all if a change's bytes are damaged.

use std::collections::{BTreeMap, BTreeSet};

use doorstep_document::{Change, NewEntry};
use doorstep_domain::{Body, CaseId, DocKind, EntryKey, Facts, InstallId, RefusalCode, UnixMs};
use doorstep_rules::Rulebook;
use rusqlite::Connection;

use crate::{
    Store, StoreError,
    head::Head,
    identity,
    project::{self, Of},
    rest,
    row::{Statements, params},
    sheet_row,
    states::OutboxState,
};

/// Rows of `outbox` that are written anew: those on which the server has not decided, and those that it refused because their number
/// was taken, whose word is `?1`.
macro_rules! to_rewrite {
    () => {
        concat!(outbox_waits!(), " OR (state = ", outbox_state!(Quarantined), " AND reason = ?1)")
    };
}

/// Moves on to a new installation and writes the unaccepted changes of these cases anew.
pub(crate) fn cases(
    db: &Connection,
    fresh: InstallId,
    cases: &BTreeSet<CaseId>,
    book: Option<&Rulebook>,
    now: UnixMs,
) -> Result<(), StoreError> {
    identity::remember_tag(db)?;
    cases_with(db, fresh, cases, &BTreeMap::new(), book, now)
}

fn cases_with(
    db: &Connection,
    fresh: InstallId,
    cases: &BTreeSet<CaseId>,
    facts: &BTreeMap<CaseId, Facts>,
    book: Option<&Rulebook>,
    now: UnixMs,
) -> Result<(), StoreError> {
    Store::set_meta(db, "install", fresh.as_bytes())?;
    db.run("DELETE FROM again", params![])?; // numbers of the abandoned chain
    db.run("UPDATE case_row SET own_seq = 0 WHERE own_seq > 0", params![])?;
    db.run("UPDATE sheet_row SET own_seq = 0 WHERE own_seq > 0", params![])?;
    db.run("UPDATE stub SET own_seq = 0 WHERE own_seq > 0", params![])?;
    for case in cases {
        match rewrite(db, case, fresh, facts.get(case)) {
            // A damaged row of one case must not stop the others. It is shown when it is read.
            Ok(()) | Err(StoreError::Damaged(_) | StoreError::Write(_)) => {}
            Err(error) => return Err(error),
        }
        if let Some(book) = book {
            project::rewrite_row_or_skip(db, case, book, now)?;
        }
    }
    Ok(())
}

/// Rebases like [`cases`], for every case with an unaccepted change. An open batch is given up, and its changes go into the new
/// installation's chain.
pub(crate) fn everything(db: &Connection, fresh: InstallId, book: Option<&Rulebook>, now: UnixMs) -> Result<(), StoreError> {
    everything_with(db, fresh, &BTreeMap::new(), book, now)
}

/// Rebases like [`everything`], after a salvage: `facts` holds the parcels' facts for cases whose changes that had them are lost.
pub(crate) fn everything_with(
    db: &Connection,
    fresh: InstallId,
    facts: &BTreeMap<CaseId, Facts>,
    book: Option<&Rulebook>,
    now: UnixMs,
) -> Result<(), StoreError> {
    db.run("UPDATE batch SET body = NULL WHERE body IS NOT NULL", params![])?;
    rest::put_back(db)?;
    // Records under the former tags may belong to a clone, which will send them.
    identity::forget_tags(db)?;
    let sql = concat!("SELECT DISTINCT case_id FROM outbox WHERE ", to_rewrite!());
    let all = db.all("outbox", sql, params![RefusalCode::SeqTaken.word()], |row| row.get(0))?;
    cases_with(db, fresh, &all.into_iter().collect(), facts, book, now)
}

fn rewrite(db: &Connection, case: &CaseId, fresh: InstallId, left: Option<&Facts>) -> Result<(), StoreError> {
    let doc = sheet_row::doc(db, case)?;
    let Head { mut position, mut changes, mut bytes } = accepted(db, case, &fresh)?;
    let sql = concat!("SELECT id, bytes FROM outbox WHERE case_id = ?2 AND (", to_rewrite!(), ") ORDER BY id");
    let rows: Vec<(i64, Vec<u8>)> =
        db.all("outbox", sql, params![RefusalCode::SeqTaken.word(), case], |row| Ok((row.get(0)?, row.get(1)?)))?;
    let mut renamed = BTreeMap::new();
    for (id, old) in rows {
        let Ok(old) = Change::read_stored(case, &old) else {
            let sql = "UPDATE outbox SET state = ?2, reason = ?3 WHERE id = ?1";
            db.run(sql, params![id, OutboxState::Quarantined, RefusalCode::Damaged.word()])?;
            continue;
        };
        let (mut facts, mut sheet) = (None, None);
        if doc.kind == DocKind::Sheet {
            sheet = sheet_row::facts(db, case)?.filter(|_| position.seq == 0);
        } else if position.seq == 0 && old.entries().iter().all(|entry| entry.facts.is_none()) {
            let known = crate::record::known_facts(db, case)?.or_else(|| left.cloned());
            facts = Some(known.ok_or(StoreError::Damaged("outbox"))?);
        }
        // The server may have the original. The reference shows that the rewritten change is no new act.
        let original = old.entries().iter().find_map(|entry| entry.rewrites).unwrap_or(old.hash());
        let mut rewrites = Some(original);
        let entries: Vec<NewEntry> = old
            .entries()
            .iter()
            .map(|entry| NewEntry {
                author: entry.author.clone(),
                pack_version: entry.pack_version,
                time: entry.time,
                action: entry.action,
                facts: entry.facts.clone().or_else(|| facts.take()),
                sheet: entry.sheet.clone().or_else(|| sheet.take()),
                release: None,
                rewrites: rewrites.take(),
                body: repoint(&entry.body, &renamed),
            })
            .collect();
        let change = Change::write(doc, &fresh, &position, &entries)?;
        for (from, to) in old.entries().iter().zip(change.entries()) {
            renamed.insert(from.key.clone(), to.key.clone());
        }
        position.advance(&change, true);
        changes += 1;
        bytes += change.bytes().len();
        db.run(
            "UPDATE outbox SET state = ?2, tries = 0, reason = NULL, hash = ?3, install = ?4, seq = ?5, max_op = ?6, bytes = ?7
             WHERE id = ?1",
            params![id, OutboxState::Unsent, change.hash(), fresh, change.seq(), change.max_op(), change.bytes()],
        )?;
    }
    project::set_head(db, case, &Head { position, changes, bytes })
}

/// Makes a reference to a rewritten entry follow it.
fn repoint(body: &Body, renamed: &BTreeMap<EntryKey, EntryKey>) -> Body {
    let mut body = body.clone();
    for key in body.references_mut() {
        if let Some(anew) = renamed.get(key) {
            key.clone_from(anew);
        }
    }
    body
}

/// The head after the accepted changes. A case with only a stub continues from the stub.
fn accepted(db: &Connection, case: &CaseId, fresh: &InstallId) -> Result<Head, StoreError> {
    let mut head = project::read_head(db, case, fresh, Of::Accepted)?;
    if head.changes == 0 {
        head.position = project::stub(db, case)?.unwrap_or_default();
        head.position.seq = 0;
    }
    Ok(head)
}
