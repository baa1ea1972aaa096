//! The facts of a parcel: head office's list with its history, the copies in devices' entries, and which copies stand in the
//! case.

use doorstep_domain::{Facts, FactsCheck, Parcel, Receipt, UnixMs};
use doorstep_rules::{Row, in_force};

use crate::{
    error::ApiError,
    store::{listing, parcels, references, tx::Tx},
};

/// The facts in the list's current row; `None` if the parcel is on no list.
pub(crate) fn of_now(tx: &Tx<'_>, waybill: &str) -> Result<Option<Facts>, ApiError> {
    let Some(parcel) = parcels::get(tx, waybill)? else { return Ok(None) };
    Ok(Some(Facts::of(&parcel, references::version(tx, "parcels")?)))
}

/// Adds the current facts of a parcel to the history of the list, if they have changed. True if they have.
pub(crate) fn note(tx: &Tx<'_>, waybill: &str, now: UnixMs) -> Result<bool, ApiError> {
    let Some(facts) = of_now(tx, waybill)? else { return Ok(false) };
    let rows = listing::rows(tx, waybill)?;
    let last = rows.last();
    if last.is_some_and(|last| last.facts.says_the_same(&facts)) {
        return Ok(false);
    }
    // After a clock was set back, a row must not be older than the one before it.
    let since = last.and_then(|last| last.since).map_or(now, |last| last.max(now));
    // Devices get the facts as the next version.
    listing::insert(tx, rows.len() + 1, since, &Facts { reference: facts.reference + 1, ..facts })?;
    Ok(true)
}

/// Adds a lost row to the history of the list, by an act's first receipt. The log before the restore had found the act's copy
/// equal to the row, which was in force when the act can have happened. Like every row it only marks.
pub(crate) fn recall(tx: &Tx<'_>, facts: &[&Facts], receipt: &Receipt, trusted_ms: i64) -> Result<(), ApiError> {
    let (Some(since), until) = receipt.acted.proven(receipt.received_at, trusted_ms) else { return Ok(()) };
    let is_a_rows = |copy: &&&Facts| copy.origin_outlet.is_some() && copy.delivering_outlet.is_some();
    let Some(first) = facts.first() else { return Ok(()) };
    let parcel = parcels::get(tx, first.waybill.as_str())?;
    let is = |row: &Row, copy: &Facts| is_copy(row, copy, parcel.as_ref());
    for copy in facts.iter().filter(|_| receipt.facts == FactsCheck::Equal).filter(is_a_rows) {
        let waybill = copy.waybill.as_str();
        let rows = listing::rows(tx, waybill)?;
        let touched = rows.get(in_force(&rows, Some(since), until)).unwrap_or_default();
        if touched.iter().any(|row| is(row, copy)) {
            continue;
        }
        // The row goes after the newest one that may have been in force. If the act's time within its gap is unproven, the row
        // begins at the end of the gap: earlier acts keep being judged by the rows before it, and this act by both.
        let n = rows.partition_point(|row| row.since.is_none_or(|at| at <= until)) + 1;
        let before = n.checked_sub(2).and_then(|place| rows.get(place)).and_then(|row| row.since);
        let proven = receipt.acted.proves(receipt.received_at, trusted_ms);
        let since = if proven { before.map_or(since, |before| since.max(before)) } else { until };
        if rows.get(n - 1).is_some_and(|next| is(next, copy)) {
            // The row was imported again before the act came again. It is now known to hold since an earlier time.
            listing::set_since(tx, waybill, n, since)?;
            continue;
        }
        listing::move_up(tx, waybill, n)?;
        listing::insert(tx, n, since, copy)?;
    }
    Ok(())
}

/// Starts the history of a list that had none: its rows are in force since ever.
pub(crate) fn begin(tx: &Tx<'_>) -> Result<(), ApiError> {
    let waybills = parcels::waybills(tx)?;
    waybills.iter().try_for_each(|waybill| note(tx, waybill.as_str(), UnixMs(0)).map(|_| ()))
}

/// Whether facts are a copy of a row. An earlier device, or a row from before an update, has marks by the earlier reading of the
/// parcel's numbers.
fn is_copy(row: &Row, copy: &Facts, parcel: Option<&Parcel>) -> bool {
    row.facts.says_the_same(copy) || parcel.is_some_and(|parcel| row.facts.says_the_same_of(copy, parcel))
}

/// Compares the facts in a change's entries with the rows that can have been in force at its acts. `trusted_ms`: the longest gap
/// within which a time counts as proven. Returns one result for all entries, the worst.
pub(crate) fn check(tx: &Tx<'_>, facts: &[&Facts], receipt: &Receipt, trusted_ms: i64) -> Result<FactsCheck, ApiError> {
    let Some(first) = facts.first() else { return Ok(FactsCheck::Unchecked) };
    let rows = listing::rows(tx, first.waybill.as_str())?;
    let (from, until) = receipt.acted.proven(receipt.received_at, trusted_ms);
    let touched = rows.get(in_force(&rows, from, until)).unwrap_or_default();
    let parcel = match facts.iter().all(|copy| copy.claims_nothing() || rows.iter().any(|row| row.facts.says_the_same(copy))) {
        true => None,
        false => parcels::get(tx, first.waybill.as_str())?,
    };
    let of_one = |copy: &&Facts| {
        let is_in = |rows: &[Row]| rows.iter().any(|row| is_copy(row, copy, parcel.as_ref()));
        match () {
            () if copy.claims_nothing() => (1, FactsCheck::NoRow),
            () if is_in(touched) => (0, FactsCheck::Equal),
            () if is_in(&rows) => (2, FactsCheck::Outdated),
            () => (3, FactsCheck::Altered),
        }
    };
    Ok(facts.iter().map(of_one).max_by_key(|(rank, _)| *rank).map_or(FactsCheck::Unchecked, |(_, check)| check))
}
