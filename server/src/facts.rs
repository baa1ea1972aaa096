//! What head office's list said of a parcel and from when, what devices copied of it, and what of that stands in the case.

use doorstep_document::{NewEntry, pack};
use doorstep_domain::{Body, CaseId, Facts, FactsCheck, Fen, Listed, Parcel, Personal, Receipt, UnixMs, VirtualNumber, Waybill};
use doorstep_protocol::ParcelRow;
use doorstep_rules::{Row, in_force};
use rusqlite::{OptionalExtension, params};

use crate::{
    error::ApiError,
    headoffice,
    keys::Keys,
    receipt::{RECEIPT, receipt_of},
    store::{parcels, references, tx::Tx},
};

const DAMAGED: ApiError = ApiError::Internal("parcel row");

/// What the row of now says of a parcel; `None`: it is on no list.
pub(crate) fn of_now(db: &Tx<'_>, waybill: &str) -> Result<Option<Facts>, ApiError> {
    let Some(row) = parcels::of_waybill(db, waybill)? else { return Ok(None) };
    let parcel = parcel(&row).ok_or(DAMAGED)?;
    Ok(Some(Facts::of(&parcel, references::version(db, "parcels")?)))
}

fn parcel(row: &ParcelRow) -> Option<Parcel> {
    let number = |bytes: &[u8]| if bytes.is_empty() { Some(None) } else { Personal::from_bytes(bytes).ok().map(Some) };
    let expires_at = row.virtual_until_ms.map(UnixMs);
    Some(Parcel {
        waybill: Waybill::parse(&row.waybill).ok()?,
        network: row.network.parse().ok()?,
        origin_outlet: row.origin_outlet.parse().ok()?,
        delivering_outlet: row.delivering_outlet.parse().ok()?,
        courier: None,
        recipient_name: Personal::from_bytes(&row.recipient_name).ok()?,
        recipient_phone: number(&row.recipient_phone)?,
        virtual_number: number(&row.virtual_phone)?.map(|number| VirtualNumber { number, expires_at }),
        recipient_address: Personal::from_bytes(&row.recipient_address).ok()?,
        cod: Fen(row.cod_fen),
        theoretical_arrival: row.theoretical_arrival_ms.map(UnixMs),
        hub: None,
        entered_at: row.entered_ms.map(UnixMs),
        children: Vec::new(),
    })
}

/// Notes what the list says of a parcel since now, if that is something else than before. True if it is.
pub(crate) fn note(db: &Tx<'_>, waybill: &str, now: UnixMs) -> Result<bool, ApiError> {
    let Some(facts) = of_now(db, waybill)? else { return Ok(false) };
    let rows = rows(db, waybill)?;
    let last = rows.last();
    if last.is_some_and(|last| last.facts.says_the_same(&facts)) {
        return Ok(false);
    }
    // A clock that was set back makes no row older than the one before it.
    let since = last.and_then(|last| last.since).map_or(now, |last| last.max(now));
    // Devices get them as the next version.
    insert(db, rows.len() + 1, since, &Facts { reference: facts.reference + 1, ..facts })?;
    Ok(true)
}

fn insert(db: &Tx<'_>, n: usize, since: UnixMs, facts: &Facts) -> Result<(), ApiError> {
    let outlet = |outlet: &Option<doorstep_domain::OutletCode>| outlet.as_ref().map(ToString::to_string);
    db.prepare_cached(
        "INSERT INTO listing (waybill, n, since_ms, network, origin_outlet, delivering_outlet, cod_fen, mobile, virtual_mobile,
           arrival_ms, entered_ms, reference) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)",
    )?
    .execute(params![
        facts.waybill.as_str(),
        n,
        since.0,
        facts.network.as_str(),
        outlet(&facts.origin_outlet),
        outlet(&facts.delivering_outlet),
        facts.cod.0,
        facts.mobile,
        facts.virtual_mobile,
        facts.arrival.map(|at| at.0),
        facts.entered.map(|at| at.0),
        facts.reference
    ])?;
    Ok(())
}

/// Takes a row into the history of the list that the history has lost, by an act's first receipt: the log that was put back from a copy
/// had said that the act's copy was the row's. It was in force from when the act can have happened. Marks only, as in every row.
pub(crate) fn recall(db: &Tx<'_>, facts: &[&Facts], receipt: &Receipt, trusted_ms: i64) -> Result<(), ApiError> {
    let (Some(since), until) = receipt.acted.proven(receipt.received_at, trusted_ms) else { return Ok(()) };
    let is_a_rows = |copy: &&&Facts| copy.origin_outlet.is_some() && copy.delivering_outlet.is_some();
    for copy in facts.iter().filter(|_| receipt.facts == FactsCheck::Equal).filter(is_a_rows) {
        let (waybill, rows) = (copy.waybill.as_str(), rows(db, copy.waybill.as_str())?);
        let touched = rows.get(in_force(&rows, Some(since), until)).unwrap_or_default();
        if touched.iter().any(|row| row.facts.says_the_same(copy)) {
            continue;
        }
        // After the newest row that may have been in force. Where nothing proves when in its gap the act was, the row is taken to begin at
        // the end of that: earlier acts stay judged by the rows before it, and of this one both are shown.
        let n = rows.partition_point(|row| row.since.is_none_or(|at| at <= until)) + 1;
        let before = n.checked_sub(2).and_then(|place| rows.get(place)).and_then(|row| row.since);
        let proven = receipt.acted.proves(receipt.received_at, trusted_ms);
        let since = if proven { before.map_or(since, |before| since.max(before)) } else { until };
        if rows.get(n - 1).is_some_and(|next| next.facts.says_the_same(copy)) {
            // It was imported again before the act came again. The case is told that it holds since earlier.
            db.prepare_cached("UPDATE listing SET since_ms = ?3 WHERE waybill = ?1 AND n = ?2")?
                .execute(params![waybill, n, since.0])?;
            db.prepare_cached("DELETE FROM listed WHERE n = ?2 AND case_id IN (SELECT case_id FROM doc WHERE waybill = ?1)")?
                .execute(params![waybill, n])?;
            continue;
        }
        // Those after it move up by one: first out of each other's way.
        for sql in [
            "UPDATE listing SET n = -(n + 1) WHERE waybill = ?1 AND n >= ?2",
            "UPDATE listing SET n = -n WHERE waybill = ?1 AND n < -?2",
            "UPDATE listed SET n = -(n + 1) WHERE n >= ?2 AND case_id IN (SELECT case_id FROM doc WHERE waybill = ?1)",
            "UPDATE listed SET n = -n WHERE n < -?2 AND case_id IN (SELECT case_id FROM doc WHERE waybill = ?1)",
        ] {
            db.prepare_cached(sql)?.execute(params![waybill, n])?;
        }
        insert(db, n, since, copy)?;
    }
    Ok(())
}

/// Notes what the list of a server says that kept no history of it: in force since ever.
pub(crate) fn begin(db: &Tx<'_>) -> Result<(), ApiError> {
    let mut query = db.prepare("SELECT waybill FROM parcel")?;
    let waybills = query.query_map([], |row| row.get(0))?.collect::<Result<Vec<String>, _>>()?;
    waybills.iter().try_for_each(|waybill| note(db, waybill, UnixMs(0)).map(|_| ()))
}

/// All that the list ever said of a parcel, the oldest first. The place of a row is its number less one.
fn rows(db: &Tx<'_>, waybill: &str) -> Result<Vec<Row>, ApiError> {
    let mut query = db.prepare_cached(
        "SELECT since_ms, network, origin_outlet, delivering_outlet, cod_fen, mobile, virtual_mobile, arrival_ms, entered_ms, reference
         FROM listing WHERE waybill = ?1 ORDER BY n",
    )?;
    let mut found = query.query([waybill])?;
    let mut rows = Vec::new();
    while let Some(row) = found.next()? {
        let text = |at: usize| row.get::<_, String>(at);
        let time = |at: usize| Ok::<_, rusqlite::Error>(row.get::<_, Option<i64>>(at)?.map(UnixMs));
        let facts = Facts {
            network: text(1)?.parse().map_err(|_| DAMAGED)?,
            waybill: Waybill::parse(waybill).map_err(|_| DAMAGED)?,
            origin_outlet: Some(text(2)?.parse().map_err(|_| DAMAGED)?),
            delivering_outlet: Some(text(3)?.parse().map_err(|_| DAMAGED)?),
            cod: Fen(row.get(4)?),
            mobile: row.get(5)?,
            virtual_mobile: row.get(6)?,
            arrival: time(7)?,
            entered: time(8)?,
            reference: row.get(9)?,
        };
        rows.push(Row { since: time(0)?, facts });
    }
    Ok(rows)
}

/// Compares what the entries of a change say of the parcel with the rows that can have been in force when they happened, as far as
/// their time is proven within a gap of `trusted_ms`. One word for all: the worst.
pub(crate) fn check(db: &Tx<'_>, facts: &[&Facts], receipt: &Receipt, trusted_ms: i64) -> Result<FactsCheck, ApiError> {
    let Some(first) = facts.first() else { return Ok(FactsCheck::Unchecked) };
    let rows = rows(db, first.waybill.as_str())?;
    let (from, until) = receipt.acted.proven(receipt.received_at, trusted_ms);
    let touched = rows.get(in_force(&rows, from, until)).unwrap_or_default();
    let of_one = |copy: &&Facts| {
        let is_in = |rows: &[Row]| rows.iter().any(|row| row.facts.says_the_same(copy));
        match () {
            () if copy.claims_nothing() => (1, FactsCheck::NoRow),
            () if is_in(touched) => (0, FactsCheck::Equal),
            () if is_in(&rows) => (2, FactsCheck::Outdated),
            () => (3, FactsCheck::Altered),
        }
    };
    Ok(facts.iter().map(of_one).max_by_key(|(rank, _)| *rank).map_or(FactsCheck::Unchecked, |(_, check)| check))
}

/// Remembers that a copy in the case is a row's.
pub(crate) fn confirm(db: &Tx<'_>, case: &CaseId) -> Result<(), ApiError> {
    db.prepare_cached("UPDATE doc SET confirmed = 1 WHERE case_id = ?1 AND confirmed = 0")?.execute([case.as_bytes()])?;
    Ok(())
}

/// Most rows that one change says: as many as it has entries.
const MOST_ROWS: usize = 16;

/// Writes into a case what the list said since its earliest act, as far as the case does not have it: where no copy in it is the
/// row's, or the row has changed since. Also into a full case: nobody is judged without it.
pub(crate) fn list(db: &Tx<'_>, case: &CaseId, now: UnixMs) -> Result<(), ApiError> {
    let row = db
        .prepare_cached("SELECT waybill, confirmed, n FROM doc WHERE case_id = ?1")?
        .query_row([case.as_bytes()], |row| Ok((row.get::<_, String>(0)?, row.get::<_, bool>(1)?, row.get::<_, u64>(2)?)))
        .optional()?;
    let Some((waybill, confirmed, n)) = row else { return Ok(()) };
    let rows = rows(db, &waybill)?;
    if rows.is_empty() || (rows.len() == 1 && confirmed) {
        return Ok(());
    }
    let wanted = in_force(&rows, earliest(db, case)?, UnixMs(i64::MAX));
    if wanted.clone().count() == 1 && confirmed {
        return Ok(());
    }
    let mut has = db.prepare_cached("SELECT 1 FROM listed WHERE case_id = ?1 AND n = ?2")?;
    let mut missing = Vec::new();
    for place in wanted {
        if !has.exists(params![case.as_bytes(), place + 1])? {
            missing.extend(rows.get(place).map(|row| (place + 1, row)));
        }
    }
    if missing.is_empty() {
        return Ok(());
    }
    if n as usize + missing.len().div_ceil(MOST_ROWS) > pack::MAX_CHANGES {
        // It was full long ago, and the list has changed a thousand times since: nobody could fetch it any more.
        crate::say!("doorstep-server: case {case} takes no row of the list any more");
        return Ok(());
    }
    let keys = Keys::read(db)?;
    let version = db
        .prepare_cached("SELECT coalesce(max(iif(valid_from_ms <= ?1, version, NULL)), min(version)) FROM pack")?
        .query_row([now.0], |row| row.get(0))?;
    for missing in missing.chunks(MOST_ROWS) {
        let entry = |row: &Row| {
            let body = Body::Listed(Listed { since: row.since.unwrap_or_default() });
            Ok(NewEntry { facts: Some(row.facts.clone()), ..headoffice::entry(headoffice::server()?, version, now, body) })
        };
        let entries = missing.iter().map(|(_, row)| entry(row)).collect::<Result<Vec<_>, ApiError>>()?;
        let device = keys.device;
        headoffice::append_even_if_full(db, &keys, case, &entries, Receipt::of(now, Some(now)), (&device, now))?;
        for (n, _) in missing {
            db.prepare_cached("INSERT INTO listed (case_id, n) VALUES (?1, ?2)")?.execute(params![case.as_bytes(), n])?;
        }
    }
    Ok(())
}

/// The earliest moment at which an act of the case can have happened, whatever its device's clock says, because whether that proves
/// anything depends on the version of the rules; `None`: anything is possible.
fn earliest(db: &Tx<'_>, case: &CaseId) -> Result<Option<UnixMs>, ApiError> {
    let mut query = db.prepare_cached(&format!("SELECT {RECEIPT} FROM change WHERE case_id = ?1"))?;
    let mut rows = query.query([case.as_bytes()])?;
    let mut earliest = UnixMs(i64::MAX);
    while let Some(row) = rows.next()? {
        let receipt = receipt_of(row, 0)?;
        let Some(from) = receipt.acted.gap(receipt.received_at).0 else { return Ok(None) };
        earliest = earliest.min(from);
    }
    Ok(Some(earliest))
}
