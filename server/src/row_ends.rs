//! Ends rows of the parcel list some days after their parcel, and their personal values with them (domain 14.3).
//!
//! A row ends some days after its case ended and the list last named it, some days after the list last named it if nothing is
//! recorded of the parcel, and at its own end at the latest. A row whose case is open stays. The days are the pack's (`[rows]`).

use doorstep_domain::{CaseId, UnixMs};
use doorstep_rules::RowRules;

use crate::{
    error::ApiError,
    import,
    store::{
        case_log, docs, parcel_scopes,
        parcels::{self, Due},
        tx::Tx,
    },
};

const DAY_MS: i64 = 86_400_000;
/// The days for which scopes remember the waybills of rows that they have lost.
const REMEMBERED_DAYS: i64 = 28;
/// The number of rows that a transaction looks at.
const BATCH: u32 = 500;

/// Ends rows that are due after a waybill. Returns the last waybill of the batch, if there may be more.
pub(crate) fn end_due(tx: &Tx<'_>, rules: RowRules, after: &str, now: UnixMs) -> Result<Option<String>, ApiError> {
    let days = i64::from(rules.after_case_days.min(rules.unheard_days));
    let due = parcels::maybe_due(tx, after, now, now.plus(-days * DAY_MS), BATCH)?;
    for row in &due {
        if is_over(tx, rules, row, now)? {
            import::end(tx, &row.waybill, now)?;
        }
    }
    let last = due.last().filter(|_| due.len() >= BATCH as usize);
    Ok(last.map(|row| row.waybill.to_string()))
}

fn is_over(tx: &Tx<'_>, rules: RowRules, row: &Due, now: UnixMs) -> Result<bool, ApiError> {
    let case = CaseId::of(&row.network, &row.waybill);
    let doc = docs::read(tx, &case)?;
    let is_recorded = doc.n > 0;
    if is_recorded && !doc.closed {
        return Ok(false);
    }
    if row.expires_at.is_some_and(|end| end <= now) {
        return Ok(true);
    }
    if !is_recorded {
        return Ok(row.written_at.plus(i64::from(rules.unheard_days) * DAY_MS) <= now);
    }
    let last = case_log::received_at(tx, &case, doc.n)?.unwrap_or(row.written_at);
    Ok(last.max(row.written_at).plus(i64::from(rules.after_case_days) * DAY_MS) <= now)
}

/// Forgets the waybills that scopes lost long ago.
pub(crate) fn forget_lost(tx: &Tx<'_>, now: UnixMs) -> Result<(), ApiError> {
    Ok(parcel_scopes::forget(tx, now, now.plus(-REMEMBERED_DAYS * DAY_MS))?)
}

#[cfg(test)]
mod tests {
    use doorstep_domain::{Fen, Parcel, Personal, Waybill};
    use doorstep_protocol::Scope;

    use super::*;
    use crate::{open::open, row_scopes, store::people};

    fn parcel(n: u32, expires_at: Option<UnixMs>) -> Parcel {
        let plain = |text| Personal::plain(text).unwrap();
        Parcel {
            waybill: Waybill::parse(&format!("QH{n:012}")).unwrap(),
            network: "QH".parse().unwrap(),
            origin_outlet: "HZ-01".parse().unwrap(),
            delivering_outlet: "HZ-01".parse().unwrap(),
            courier: None,
            recipient_name: plain("Wu Ming"),
            recipient_phone: Some(plain("13800000000")),
            virtual_number: None,
            recipient_address: plain("Lane 4"),
            cod: Fen(0),
            theoretical_arrival: None,
            hub: None,
            entered_at: None,
            children: vec![],
            details: doorstep_domain::Details { expires_at, ..Default::default() },
        }
    }

    /// The numbers of the parcels that the outlet still has.
    fn left(tx: &Tx<'_>) -> Vec<u32> {
        let rows = parcels::of_scope(tx, &Scope::Outlet("HZ-01".into()), 0).unwrap();
        rows.iter().map(|row| row.waybill.trim_start_matches("QH").parse().unwrap()).collect()
    }

    #[test]
    fn a_row_ends_after_its_parcel_and_never_while_its_case_is_open() {
        let folder = tempfile::tempdir().unwrap();
        let day = |days: i64| UnixMs(days * DAY_MS);
        open(folder.path())
            .unwrap()
            .write(|tx| {
                people::write_outlet(tx, &"HZ-01".parse().unwrap(), ("", ""), "")?;
                // 1: unheard. 2: unheard, with an end of its own. 3: open, and beyond its own end. 4: closed. 5: closed and listed again.
                for (n, expires) in [(1, None), (2, Some(day(3))), (3, Some(day(3))), (4, None), (5, None)] {
                    let parcel = parcel(n, expires);
                    parcels::write(tx, &parcel, day(0))?;
                    if n > 2 {
                        let doc = docs::Doc { n: 1, waybill: parcel.waybill.to_string(), closed: n > 3, ..docs::Doc::default() };
                        docs::write(tx, &parcel.case_id(), &doc)?;
                    }
                    row_scopes::settle(tx, parcel.waybill.as_str(), true)?;
                }
                let at = |days: i64| {
                    assert_eq!(end_due(tx, RowRules::default(), "", day(days)).unwrap(), None);
                    left(tx)
                };
                assert_eq!(at(2), [1, 2, 3, 4, 5]);
                assert_eq!(at(14), [1, 3, 4, 5]);
                parcels::write(tx, &parcel(5, None), day(14))?;
                assert_eq!(at(16), [1, 3, 5]);
                assert_eq!(at(30), [3]);
                let erased = parcels::get(tx, "QH000000000001")?.unwrap();
                assert_eq!((erased.recipient_name.text(), erased.recipient_phone), (Some(""), None));
                // Listed again it is there again.
                assert!(parcels::write(tx, &parcel(1, None), day(31))?);
                row_scopes::settle(tx, "QH000000000001", true)?;
                assert_eq!(left(tx), [1, 3]);
                let sooner = RowRules { unheard_days: 2, ..RowRules::default() };
                assert_eq!(end_due(tx, sooner, "", day(33))?, None);
                assert_eq!(left(tx), [3], "as the pack says");
                Ok::<_, ApiError>(())
            })
            .unwrap();
    }

    #[test]
    fn a_scope_remembers_what_it_lost_for_some_weeks_and_then_what_it_forgot() {
        let folder = tempfile::tempdir().unwrap();
        let scope = Scope::Outlet("HZ-01".into());
        open(folder.path())
            .unwrap()
            .write(|tx| {
                people::write_outlet(tx, &"HZ-01".parse().unwrap(), ("", ""), "")?;
                parcels::write(tx, &parcel(1, None), UnixMs(0))?;
                row_scopes::settle(tx, "QH000000000001", true)?;
                import::end(tx, &Waybill::parse("QH000000000001").unwrap(), UnixMs(1))?;
                let lost = parcel_scopes::head(tx, &scope)?.n;
                forget_lost(tx, UnixMs(2))?;
                forget_lost(tx, UnixMs(2 + 27 * DAY_MS))?;
                assert_eq!(parcel_scopes::lost(tx, &scope, 0)?, ["QH000000000001"]);
                assert_eq!(parcel_scopes::head(tx, &scope)?.forgotten, 0);
                forget_lost(tx, UnixMs(2 + 28 * DAY_MS))?;
                assert!(parcel_scopes::lost(tx, &scope, 0)?.is_empty());
                let head = parcel_scopes::head(tx, &scope)?;
                assert_eq!((head.n, head.forgotten), (lost, lost), "its version does not go back");
                Ok::<_, ApiError>(())
            })
            .unwrap();
    }
}
