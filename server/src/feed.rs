//! Scopes and feeds. The server alone decides who reads a case: from reference rows, from whether the origin outlet has
//! been notified, and, for a waybill that no row knows, from who recorded it first. Writing to a case grants nothing.

use std::collections::BTreeMap;

use doorstep_document::pack;
use doorstep_domain::{CaseId, Receipt, UnixMs};
use doorstep_protocol::{FeedCase, FeedPage, Pull, pack_receipts};
use rusqlite::{Connection, OptionalExtension, params};

use crate::{enrol::Device, error::ApiError};

/// Most feed rows looked at for one page.
const PAGE_ROWS: i64 = 2_000;

/// Writes feed rows for new changes `from..=to` of a case; a scope that is new to the case gets it from its start.
pub(crate) fn publish(db: &Connection, case: &CaseId, from: u64, to: u64) -> Result<(), ApiError> {
    let scopes = scopes_of(db, case)?;
    // A scope that has lost the case forgets having had it: if it gets it back (tomorrow's list), it is fed from the start,
    // because what came in between is not in its feed.
    let mut had = db.prepare_cached("SELECT scope FROM doc_scope WHERE case_id = ?1")?;
    let had = had.query_map(params![case.as_bytes()], |row| row.get::<_, String>(0))?.collect::<Result<Vec<_>, _>>()?;
    for lost in had.iter().filter(|scope| !scopes.contains(scope)) {
        db.prepare_cached("DELETE FROM doc_scope WHERE case_id = ?1 AND scope = ?2")?.execute(params![case.as_bytes(), lost])?;
    }
    for scope in scopes {
        let is_new = db
            .prepare_cached("INSERT OR IGNORE INTO doc_scope (case_id, scope) VALUES (?1, ?2)")?
            .execute(params![case.as_bytes(), scope])?
            == 1;
        let from = if is_new { 1 } else { from };
        if from > to {
            continue;
        }
        let seq: u64 = db
            .prepare_cached(
                "INSERT INTO scope (scope, head) VALUES (?1, 1) ON CONFLICT (scope) DO UPDATE SET head = head + 1 RETURNING head",
            )?
            .query_row([&scope], |row| row.get(0))?;
        db.prepare_cached("INSERT INTO feed (scope, seq, case_id, from_n, to_n) VALUES (?1, ?2, ?3, ?4, ?5)")?
            .execute(params![scope, seq, case.as_bytes(), from, to])?;
    }
    Ok(())
}

/// Gives a case to scopes that it is new to, after its parcel row has changed.
pub(crate) fn republish(db: &Connection, case: &CaseId) -> Result<(), ApiError> {
    let n: u64 =
        db.prepare_cached("SELECT n FROM doc WHERE case_id = ?1")?.query_row(params![case.as_bytes()], |row| row.get(0))?;
    publish(db, case, n + 1, n)
}

fn scopes_of(db: &Connection, case: &CaseId) -> Result<Vec<String>, ApiError> {
    let (waybill, notified, notice_to, first): (String, bool, Option<String>, String) = db
        .prepare_cached("SELECT waybill, notified, notice_to, first_person FROM doc WHERE case_id = ?1")?
        .query_row(params![case.as_bytes()], |row| Ok((row.get(0)?, row.get::<_, i64>(1)? == 1, row.get(2)?, row.get(3)?)))?;
    let parcel: Option<(String, String, Option<String>)> = db
        .prepare_cached("SELECT delivering_outlet, origin_outlet, courier FROM parcel WHERE waybill = ?1")?
        .query_row([&waybill], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))
        .optional()?;
    let mut scopes = Vec::with_capacity(3);
    match parcel {
        Some((delivering, origin, courier)) => {
            scopes.push(format!("outlet/{delivering}"));
            scopes.extend(courier.map(|courier| format!("courier/{courier}")));
            if notified && origin != delivering {
                scopes.push(format!("outlet/{origin}"));
            }
        }
        None => {
            let (role, outlet): (String, String) = db
                .prepare_cached("SELECT role, outlet FROM person WHERE id = ?1")?
                .query_row([&first], |row| Ok((row.get(0)?, row.get(1)?)))?;
            if role == "courier" {
                scopes.push(format!("courier/{first}"));
            }
            if let Some(to) = notice_to.filter(|to| *to != outlet) {
                scopes.push(format!("outlet/{to}"));
            }
            scopes.push(format!("outlet/{outlet}"));
        }
    }
    Ok(scopes)
}

/// One page of a scope after the device's cursor, of about `want` bytes of changes.
pub(crate) fn page(
    db: &Connection,
    device: &Device,
    scope: &str,
    pull: &[Pull],
    same_history: bool,
    want: usize,
) -> Result<FeedPage, ApiError> {
    let cursor = pull.iter().find(|p| p.scope == scope && same_history).map_or(0, |p| p.cursor);
    let head: u64 = db
        .prepare_cached("SELECT head FROM scope WHERE scope = ?1")?
        .query_row([scope], |row| row.get(0))
        .optional()?
        .unwrap_or(0);
    let mut to = cursor.min(head);
    let mut query =
        db.prepare_cached("SELECT seq, case_id, from_n, to_n FROM feed WHERE scope = ?1 AND seq > ?2 ORDER BY seq LIMIT ?3")?;
    let mut rows = query.query(params![scope, to, PAGE_ROWS])?;
    // Rows after the cursor are coalesced by case.
    let mut ranges: BTreeMap<CaseId, (u64, u64)> = BTreeMap::new();
    let mut bytes = 0;
    while let Some(row) = rows.next()? {
        let case: Vec<u8> = row.get(1)?;
        let case = CaseId::try_from(case.as_slice()).map_err(|_| ApiError::Internal("feed row"))?;
        let (from, upto): (u64, u64) = (row.get(2)?, row.get(3)?);
        let size: usize = db
            .prepare_cached(
                "SELECT coalesce(sum(length(bytes)), 0) FROM change WHERE case_id = ?1 AND n BETWEEN ?2 AND ?3 AND device <> ?4",
            )?
            .query_row(params![case.as_bytes(), from, upto, device.id.as_bytes()], |row| row.get(0))?;
        if bytes > 0 && bytes + size > want {
            break;
        }
        bytes += size;
        to = row.get(0)?;
        let range = ranges.entry(case).or_insert((from, upto));
        *range = (range.0.min(from), range.1.max(upto));
    }
    let mut cases = Vec::with_capacity(ranges.len());
    for (case, (from, upto)) in ranges {
        cases.extend(feed_case(db, device, &case, from, upto)?);
    }
    Ok(FeedPage { scope: scope.to_owned(), to, more: to < head, cases })
}

/// The changes of a range that the asking device did not push itself. It has its own with their verdicts; sending their
/// hashes again, as the design first said, would cost 32 incompressible bytes for each change of a fresh upload.
fn feed_case(db: &Connection, device: &Device, case: &CaseId, from: u64, to: u64) -> Result<Option<FeedCase>, ApiError> {
    let mut query = db.prepare_cached(
        "SELECT bytes, received_at, acted_at, mono_ms FROM change
         WHERE case_id = ?1 AND n BETWEEN ?2 AND ?3 AND device <> ?4 ORDER BY n",
    )?;
    let rows = query.query_map(params![case.as_bytes(), from, to, device.id.as_bytes()], |row| {
        let receipt = Receipt { received_at: UnixMs(row.get(1)?), acted_at: row.get::<_, Option<i64>>(2)?.map(UnixMs) };
        Ok((row.get::<_, Vec<u8>>(0)?, (receipt, row.get::<_, u64>(3)?)))
    })?;
    let (chunks, receipts): (Vec<_>, Vec<_>) = rows.collect::<Result<Vec<_>, _>>()?.into_iter().unzip();
    if chunks.is_empty() {
        return Ok(None);
    }
    let slices: Vec<&[u8]> = chunks.iter().map(Vec::as_slice).collect();
    let pack = pack::elide(&slices).ok_or(ApiError::Internal("change row"))?;
    Ok(Some(FeedCase { case: *case, pack, receipts: pack_receipts(&receipts) }))
}
