//! What head office's list said of a parcel and from when, what devices copied of it, and what of that stands in the case.

use doorstep_domain::{Facts, FactsCheck, Receipt, UnixMs};
use doorstep_rules::{Row, in_force};

use crate::{
    error::ApiError,
    store::{listing, parcels, references, tx::Tx},
};

/// What the row of now says of a parcel; `None`: it is on no list.
pub(crate) fn of_now(tx: &Tx<'_>, waybill: &str) -> Result<Option<Facts>, ApiError> {
    let Some(parcel) = parcels::get(tx, waybill)? else { return Ok(None) };
    Ok(Some(Facts::of(&parcel, references::version(tx, "parcels")?)))
}

/// Notes what the list says of a parcel since now, if that is something else than before. True if it is.
pub(crate) fn note(tx: &Tx<'_>, waybill: &str, now: UnixMs) -> Result<bool, ApiError> {
    let Some(facts) = of_now(tx, waybill)? else { return Ok(false) };
    let rows = listing::rows(tx, waybill)?;
    let last = rows.last();
    if last.is_some_and(|last| last.facts.says_the_same(&facts)) {
        return Ok(false);
    }
    // A clock that was set back makes no row older than the one before it.
    let since = last.and_then(|last| last.since).map_or(now, |last| last.max(now));
    // Devices get them as the next version.
    listing::insert(tx, rows.len() + 1, since, &Facts { reference: facts.reference + 1, ..facts })?;
    Ok(true)
}

/// Takes a row into the history of the list that the history has lost, by an act's first receipt: the log that was put back from a copy
/// had said that the act's copy was the row's. It was in force from when the act can have happened. Marks only, as in every row.
pub(crate) fn recall(tx: &Tx<'_>, facts: &[&Facts], receipt: &Receipt, trusted_ms: i64) -> Result<(), ApiError> {
    let (Some(since), until) = receipt.acted.proven(receipt.received_at, trusted_ms) else { return Ok(()) };
    let is_a_rows = |copy: &&&Facts| copy.origin_outlet.is_some() && copy.delivering_outlet.is_some();
    for copy in facts.iter().filter(|_| receipt.facts == FactsCheck::Equal).filter(is_a_rows) {
        let waybill = copy.waybill.as_str();
        let rows = listing::rows(tx, waybill)?;
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
            listing::set_since(tx, waybill, n, since)?;
            continue;
        }
        listing::move_up(tx, waybill, n)?;
        listing::insert(tx, n, since, copy)?;
    }
    Ok(())
}

/// Notes what the list of a server says that kept no history of it: in force since ever.
pub(crate) fn begin(tx: &Tx<'_>) -> Result<(), ApiError> {
    let waybills = parcels::waybills(tx)?;
    waybills.iter().try_for_each(|waybill| note(tx, waybill.as_str(), UnixMs(0)).map(|_| ()))
}

/// Compares what the entries of a change say of the parcel with the rows that can have been in force when they happened, as far as
/// their time is proven within a gap of `trusted_ms`. One word for all: the worst.
pub(crate) fn check(tx: &Tx<'_>, facts: &[&Facts], receipt: &Receipt, trusted_ms: i64) -> Result<FactsCheck, ApiError> {
    let Some(first) = facts.first() else { return Ok(FactsCheck::Unchecked) };
    let rows = listing::rows(tx, first.waybill.as_str())?;
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
