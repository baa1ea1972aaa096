//! First receipts: the server's earlier signed receipts of changes that its log has lost and that are sent again.

use std::collections::{BTreeMap, BTreeSet};

use doorstep_document::pack;
use doorstep_domain::{CaseId, InstallId};
use doorstep_protocol::{FirstAnswer, FirstDoc, FirstReceipt, MAX_FIRST_ANSWERS, Vouched, decode};
use doorstep_sql::receipt_columns;
use rusqlite::Connection;

use crate::{
    StoreError,
    project::Outgoing,
    row::{Statements, params},
    sheet_row,
};

/// An own batch: the installation of its chain, and its number.
type Of = (InstallId, i64);

/// The answers that the next batch shows for its changes. Changes whose first receipt came with a feed or under version 2 have
/// none, nor have changes beyond the limit of a batch. These get the receipt of their new arrival.
pub(crate) fn shown(db: &Connection, open: &[Outgoing]) -> Result<Vec<FirstAnswer>, StoreError> {
    let mut docs: BTreeMap<Of, BTreeSet<CaseId>> = BTreeMap::new();
    // Only a restored server leaves such rows.
    if !db.exists("SELECT 1 FROM first_receipt", params![])? {
        return Ok(Vec::new());
    }
    const FIND: &str =
        "SELECT pusher, batch FROM first_receipt WHERE case_id = ?1 AND hash = ?2 AND pusher IS NOT NULL AND batch IS NOT NULL";
    for change in open {
        let Some(hash) = pack::hash_of(&change.bytes) else { continue };
        let of = db.maybe("first_receipt", FIND, params![change.case, hash], |row| Ok((row.get(0)?, row.get(1)?)))?;
        if let Some(of) = of {
            docs.entry(of).or_default().insert(change.case);
        }
    }
    let mut answers = Vec::new();
    for (of, cases) in docs {
        if answers.len() < MAX_FIRST_ANSWERS {
            answers.extend(answer(db, of, &cases)?);
        }
    }
    Ok(answers)
}

/// The answer to an own batch, with the documents whose leaf can be computed again from the store.
fn answer(db: &Connection, of: Of, cases: &BTreeSet<CaseId>) -> Result<Option<FirstAnswer>, StoreError> {
    let sql = "SELECT ack, sig FROM batch WHERE install = ?1 AND number = ?2 AND ack IS NOT NULL";
    let kept: Option<(Vec<u8>, Vec<u8>)> = db.maybe("batch", sql, params![of.0, of.1], |row| Ok((row.get(0)?, row.get(1)?)))?;
    let Some((vouched, sig)) = kept.and_then(|(ack, sig)| Some((decode::<Vouched>(&ack).ok()?, sig))) else { return Ok(None) };
    let mut docs = Vec::new();
    for case in cases {
        let mut doc =
            FirstDoc { doc: *case, leaf: 0, receipts: receipts(db, of, case)?, kind: sheet_row::doc(db, case)?.kind.named() };
        let digest = doc.digest();
        let place = vouched.leaves.iter().position(|leaf| Some(leaf.0) == digest).and_then(|at| u32::try_from(at).ok());
        if let Some(place) = place {
            doc.leaf = place;
            docs.push(doc);
        }
    }
    let Vouched { history, counter, leaves, .. } = vouched;
    Ok((!docs.is_empty()).then_some(FirstAnswer { history, counter, leaves, sig, docs }))
}

/// The first receipts of a case's changes in a batch, in the batch's order. They are found by batch and not by author, because a
/// batch may hold changes of an earlier installation.
fn receipts(db: &Connection, of: Of, case: &CaseId) -> Result<Vec<FirstReceipt>, StoreError> {
    let sql = concat!(
        "SELECT hash, ",
        receipt_columns!(),
        ", n FROM first_receipt WHERE case_id = ?1 AND pusher = ?2 AND batch = ?3
         UNION ALL
         SELECT hash, ",
        receipt_columns!(),
        ", n FROM change WHERE case_id = ?1 AND pusher = ?2 AND batch = ?3
           AND NOT EXISTS (SELECT 1 FROM first_receipt AS first WHERE first.case_id = ?1 AND first.hash = change.hash)
         ORDER BY n"
    );
    db.all("change", sql, params![case, of.0, of.1], |row| Ok(FirstReceipt::of(row.get(0)?, row.receipt(1)?.parts())))
}
