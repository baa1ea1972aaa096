//! Scopes and feeds. The server alone decides who reads a case: from reference rows, from whether the origin outlet has
//! been notified, and, for a waybill that no row knows, from who recorded it first. Writing to a case grants nothing.

use std::collections::{BTreeMap, BTreeSet};

use doorstep_document::pack;
use doorstep_domain::{CaseId, ChangeHash, InstallId, Receipt};
use doorstep_protocol::{
    CaseRef, FeedCase, FeedPage, KIND_CASE, Leaf, Pull, Scope, Spoken, pack_receipts, signing::receipts_leaf,
};
use rusqlite::{OptionalExtension, params};

use crate::{
    error::ApiError,
    ingest::Doc,
    receipt::{RECEIPT, receipt_of},
    store::tx::Tx,
};

/// Most feed rows looked at for one page.
const PAGE_ROWS: i64 = 2_000;

/// Writes feed rows for new changes `from..=to` of a case. A scope that is new to the case gets it from its start; one that the
/// case has left is told so.
pub(crate) fn publish(db: &Tx<'_>, case: &CaseId, from: u64, to: u64) -> Result<(), ApiError> {
    let scopes = scopes_of(db, case)?;
    let mut had = db.prepare_cached("SELECT scope, has FROM doc_scope WHERE case_id = ?1")?;
    let had = had.query_map(params![case.as_bytes()], |row| Ok((row.get::<_, String>(0)?.into(), row.get::<_, bool>(1)?)))?;
    let had: BTreeMap<Scope, bool> = had.collect::<Result<_, _>>()?;
    for (left, _) in had.iter().filter(|(scope, has)| **has && !scopes.contains(scope)) {
        db.prepare_cached("UPDATE doc_scope SET has = 0 WHERE case_id = ?1 AND scope = ?2")?
            .execute(params![case.as_bytes(), left.to_string()])?;
        append(db, left, case, (0, 0), false)?;
    }
    for scope in scopes {
        let has = had.get(&scope).copied();
        if has != Some(true) {
            db.prepare_cached(
                "INSERT INTO doc_scope (case_id, scope, has) VALUES (?1, ?2, 1) ON CONFLICT DO UPDATE SET has = 1",
            )?
            .execute(params![case.as_bytes(), scope.to_string()])?;
        }
        let from = if has == Some(true) { from } else { 1 };
        if from <= to {
            append(db, &scope, case, (from, to), has == Some(false))?;
        }
    }
    Ok(())
}

/// One row more in a scope's feed. `whole`: the case had left the scope and comes back, so its devices have dropped what they
/// had recorded themselves.
fn append(db: &Tx<'_>, scope: &Scope, case: &CaseId, (from, to): (u64, u64), whole: bool) -> Result<(), ApiError> {
    let scope = scope.to_string();
    let seq: u64 = db
        .prepare_cached(
            "INSERT INTO scope (scope, head) VALUES (?1, 1) ON CONFLICT (scope) DO UPDATE SET head = head + 1 RETURNING head",
        )?
        .query_row([&scope], |row| row.get(0))?;
    db.prepare_cached("INSERT INTO feed (scope, seq, case_id, from_n, to_n, whole) VALUES (?1, ?2, ?3, ?4, ?5, ?6)")?
        .execute(params![scope, seq, case.as_bytes(), from, to, whole])?;
    Ok(())
}

/// Gives a case to scopes that it is new to, after its parcel row has changed.
pub(crate) fn republish(db: &Tx<'_>, case: &CaseId) -> Result<(), ApiError> {
    let n: u64 =
        db.prepare_cached("SELECT n FROM doc WHERE case_id = ?1")?.query_row(params![case.as_bytes()], |row| row.get(0))?;
    publish(db, case, n + 1, n)
}

fn scopes_of(db: &Tx<'_>, case: &CaseId) -> Result<Vec<Scope>, ApiError> {
    let Doc { waybill, notified, notice_to, first_person, closed, offered_to, courier, .. } = Doc::read(db, case)?;
    let parcel: Option<(String, String, Option<String>, Option<String>)> = db
        .prepare_cached("SELECT delivering_outlet, origin_outlet, courier, hub FROM parcel WHERE waybill = ?1")?
        .query_row([&waybill], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?)))
        .optional()?;
    let mut scopes = Vec::with_capacity(4);
    // What has ended leaves the courier's phone (domain 10.2: the customer's data only while the parcel is open).
    let mut couriers: Vec<String> = Vec::new();
    match parcel {
        Some((delivering, origin, listed, hub)) => {
            scopes.push(Scope::Outlet(delivering.clone()));
            if notified && origin != delivering {
                scopes.push(Scope::Outlet(origin));
            }
            scopes.extend(hub.map(Scope::Hub));
            couriers.extend(courier.or(listed));
            couriers.extend(offered_to);
        }
        None => {
            let (role, outlet): (String, String) = db
                .prepare_cached("SELECT role, outlet FROM person WHERE id = ?1")?
                .query_row([&first_person], |row| Ok((row.get(0)?, row.get(1)?)))?;
            if let Some(to) = notice_to.filter(|to| *to != outlet) {
                scopes.push(Scope::Outlet(to));
            }
            scopes.push(Scope::Outlet(outlet));
            if role == "courier" {
                couriers.push(first_person);
            }
        }
    }
    if !closed {
        scopes.extend(couriers.into_iter().map(Scope::Courier));
    }
    scopes.sort_unstable();
    scopes.dedup();
    Ok(scopes)
}

/// Who asks for a page.
pub(crate) struct Reader<'a> {
    /// Its cursors.
    pub pull: &'a [Pull],
    /// Whether they are this log's.
    pub same_history: bool,
    /// The installation whose own changes are left out: it has them. `None` after a fork: then nothing is.
    pub own: Option<InstallId>,
    /// The version that it speaks.
    pub spoken: Spoken,
}

/// A range of a case's changes in a page.
struct Range {
    from: u64,
    to: u64,
    whole: bool,
}

/// One page of a scope after the reader's cursor, of about `want` bytes of changes, as the reader's version has it.
pub(crate) fn page(db: &Tx<'_>, reader: &Reader<'_>, scope: &Scope, want: usize) -> Result<FeedPage, ApiError> {
    let text = scope.to_string();
    let head: u64 = db
        .prepare_cached("SELECT head FROM scope WHERE scope = ?1")?
        .query_row([&text], |row| row.get(0))
        .optional()?
        .unwrap_or(0);
    // A cursor beyond the head counts rows that are not in this log. Which of those before it are other rows nobody can tell,
    // so the scope is read from its start.
    let named = reader.pull.iter().find(|pull| pull.scope == *scope && reader.same_history).map(|pull| pull.cursor);
    let known = named.filter(|cursor| *cursor <= head);
    let starts_again = named != known;
    let mut to = known.unwrap_or(0);
    // To who names no cursor everything is sent: it has lost what it had, or never had it.
    let own = reader.own.filter(|_| known.is_some());
    let mut query = db.prepare_cached(
        "SELECT seq, case_id, from_n, to_n, whole FROM feed WHERE scope = ?1 AND seq > ?2 ORDER BY seq LIMIT ?3",
    )?;
    let mut rows = query.query(params![text, to, PAGE_ROWS])?;
    // Rows after the cursor are coalesced by case; the last word on whether a case is in the scope counts.
    let mut ranges: BTreeMap<CaseId, Range> = BTreeMap::new();
    let mut out: BTreeSet<CaseId> = BTreeSet::new();
    let mut bytes = 0;
    while let Some(row) = rows.next()? {
        let case: Vec<u8> = row.get(1)?;
        let case = CaseId::try_from(case.as_slice()).map_err(|_| ApiError::Internal("feed row"))?;
        let range = Range { from: row.get(2)?, to: row.get(3)?, whole: row.get(4)? };
        if range.from == 0 {
            ranges.remove(&case);
            out.insert(case);
            to = row.get(0)?;
            continue;
        }
        let left_out = own.filter(|_| !range.whole);
        let size: usize = db
            .prepare_cached(
                "SELECT coalesce(sum(length(bytes)), 0) FROM change
                 WHERE case_id = ?1 AND n BETWEEN ?2 AND ?3 AND (?4 IS NULL OR install <> ?4)",
            )?
            .query_row(
                params![case.as_bytes(), range.from, range.to, left_out.as_ref().map(|own| own.as_bytes().as_slice())],
                |row| row.get(0),
            )?;
        if bytes > 0 && bytes + size > want {
            break;
        }
        bytes += size;
        to = row.get(0)?;
        out.remove(&case);
        ranges
            .entry(case)
            .and_modify(|had| {
                *had = Range { from: had.from.min(range.from), to: had.to.max(range.to), whole: had.whole || range.whole }
            })
            .or_insert(range);
    }
    let mut cases = Vec::with_capacity(ranges.len());
    for (case, range) in ranges {
        cases.extend(feed_case(db, own.filter(|_| !range.whole), &case, &range, reader.spoken)?);
    }
    // A device takes no page that promises more and does not move its cursor forward: it asks for the rest with its next sync.
    let more = to < head && !starts_again;
    Ok(FeedPage { scope: scope.clone(), to, more, cases, out: out.into_iter().map(CaseRef).collect() })
}

/// The changes of a range that the asking installation did not write itself. It has its own with their verdicts; sending their
/// hashes again, as the design first said, would cost 32 incompressible bytes for each change of a fresh upload.
fn feed_case(
    db: &Tx<'_>,
    own: Option<InstallId>,
    case: &CaseId,
    range: &Range,
    spoken: Spoken,
) -> Result<Option<FeedCase>, ApiError> {
    let mut query = db.prepare_cached(&format!(
        "SELECT bytes, {RECEIPT}, mono_ms, hash FROM change
         WHERE case_id = ?1 AND n BETWEEN ?2 AND ?3 AND (?4 IS NULL OR install <> ?4) ORDER BY n"
    ))?;
    let own = own.as_ref().map(|own| own.as_bytes().as_slice());
    let rows = query.query_map(params![case.as_bytes(), range.from, range.to, own], |row| {
        Ok((row.get::<_, Vec<u8>>(0)?, row.get::<_, Vec<u8>>(9)?, (receipt_of(row, 1)?, row.get::<_, u64>(8)?)))
    })?;
    let rows = rows.collect::<Result<Vec<_>, _>>()?;
    if rows.is_empty() {
        return Ok(None);
    }
    let slices: Vec<&[u8]> = rows.iter().map(|(chunk, ..)| chunk.as_slice()).collect();
    let receipts: Vec<_> = rows.iter().map(|(.., receipt)| *receipt).collect();
    let damaged = || ApiError::Internal("change row");
    let receipt_rows = pack_receipts(&receipts, spoken);
    if spoken == Spoken::Version2 {
        let pack = pack::elide(&slices).ok_or_else(damaged)?;
        return Ok(Some(FeedCase { case: *case, pack, receipts: receipt_rows, leaf: None, kind: None }));
    }
    let hash = |bytes: &[u8]| ChangeHash::try_from(bytes).map_err(|_| damaged());
    let signed: Vec<(ChangeHash, Receipt)> =
        rows.iter().map(|(_, bytes, (receipt, _))| Ok((hash(bytes)?, *receipt))).collect::<Result<_, ApiError>>()?;
    let pack = pack::elide_bare(&slices).ok_or_else(damaged)?;
    let leaf = Some(Leaf(receipts_leaf(KIND_CASE, case, &signed)));
    Ok(Some(FeedCase { case: *case, pack, receipts: receipt_rows, leaf, kind: None }))
}
