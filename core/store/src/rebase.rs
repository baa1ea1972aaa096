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
use rusqlite::{Connection, params};

use crate::{
    Store, StoreError,
    head::Head,
    identity,
    project::{self, IN_BATCH, Of, QUARANTINED, UNSENT},
    rest, sheet_row,
};

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
    db.execute("DELETE FROM again", [])?; // numbers of the abandoned chain
    db.execute("UPDATE case_row SET own_seq = 0 WHERE own_seq > 0", [])?;
    db.execute("UPDATE sheet_row SET own_seq = 0 WHERE own_seq > 0", [])?;
    db.execute("UPDATE stub SET own_seq = 0 WHERE own_seq > 0", [])?;
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
    db.execute("UPDATE batch SET body = NULL WHERE body IS NOT NULL", [])?;
    rest::put_back(db)?;
    // Records under the former tags may belong to a clone, which will send them.
    identity::forget_tags(db)?;
    let mut query = db.prepare("SELECT DISTINCT case_id FROM outbox WHERE state < 2 OR (state = 2 AND reason = ?1)")?;
    let rows = query.query_map([RefusalCode::SeqTaken.word()], |row| row.get::<_, Vec<u8>>(0))?;
    let mut all = BTreeSet::new();
    for row in rows {
        all.insert(CaseId::try_from(row?.as_slice()).map_err(|_| StoreError::Damaged("outbox"))?);
    }
    cases_with(db, fresh, &all, facts, book, now)
}

fn rewrite(db: &Connection, case: &CaseId, fresh: InstallId, left: Option<&Facts>) -> Result<(), StoreError> {
    let doc = sheet_row::doc(db, case)?;
    let Head { mut position, mut changes, mut bytes } = accepted(db, case, &fresh)?;
    let mut query = db.prepare_cached(
        "SELECT id, bytes FROM outbox WHERE case_id = ?1 AND (state IN (?2, ?3) OR (state = ?4 AND reason = ?5)) ORDER BY id",
    )?;
    let rows = query.query_map(params![case.as_bytes(), UNSENT, IN_BATCH, QUARANTINED, RefusalCode::SeqTaken.word()], |row| {
        Ok((row.get::<_, i64>(0)?, row.get::<_, Vec<u8>>(1)?))
    })?;
    let rows = rows.collect::<Result<Vec<_>, _>>()?;
    let mut renamed = BTreeMap::new();
    for (id, old) in rows {
        let Ok(old) = Change::read_stored(case, &old) else {
            db.prepare_cached("UPDATE outbox SET state = ?2, reason = ?3 WHERE id = ?1")?.execute(params![
                id,
                QUARANTINED,
                RefusalCode::Damaged.word()
            ])?;
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
        db.prepare_cached(
            "UPDATE outbox SET state = ?2, tries = 0, reason = NULL, hash = ?3, install = ?4, seq = ?5, max_op = ?6, bytes = ?7
             WHERE id = ?1",
        )?
        .execute(params![
            id,
            UNSENT,
            change.hash().as_bytes(),
            fresh.as_bytes(),
            change.seq(),
            change.max_op(),
            change.bytes()
        ])?;
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
