//! Who has a parcel: the newest by receipt of the list, a takeover and an assignment. Scopes, rows, rights and handovers follow it.
//!
//! A list moves a parcel if it names another courier, or another delivering outlet, than the list before
//! ([`parcels::end_handover`]). Of accepted entries a takeover moves it, and an assignment that is not marked for review.

use doorstep_document::Change;
use doorstep_domain::{Assign, Author, Body, Receipt, Role, UserId};
use doorstep_rules::Concerned;

use crate::store::{
    docs::Doc,
    parcels, people,
    tx::{StoreError, Tx},
};

/// Whether an assignment may move the parcel: its author works for the delivering outlet or follows up for head office, and it names
/// a courier of that outlet who has not left. Another one is taken as an entry for head office to review, because a phone that was
/// offline may not know better; it must not give anybody the right to read.
pub(crate) fn may_move(tx: &Tx<'_>, author: &Author, assign: &Assign, parcel: &Concerned) -> Result<bool, StoreError> {
    let Some(delivering) = &parcel.delivering else { return Ok(false) };
    let assigns = match author.role {
        Role::Outlet | Role::OutletManager => author.outlet == *delivering,
        Role::HqCs => true,
        _ => false,
    };
    Ok(assigns && people::is_courier_of(tx, &assign.to, delivering)?)
}

/// Moves a parcel by the entries of an accepted change, unless something that was received later has moved it. That happens if head
/// office releases a change, and if a log that lost changes gets them again: both keep their first receipts.
pub(crate) fn follow(tx: &Tx<'_>, doc: &mut Doc, change: &Change, receipt: &Receipt) -> Result<(), StoreError> {
    for entry in change.entries() {
        let to: &UserId = match &entry.body {
            Body::Takeover(_) => &entry.author.user,
            Body::Assign(assign) if !receipt.review => &assign.to,
            _ => continue,
        };
        // What was done while they had it stays as good as before, also after it has moved on.
        parcels::assign(tx, &doc.waybill, to)?;
        let moved_at = doc.courier_at.max(parcels::courier_at(tx, &doc.waybill)?);
        if moved_at.is_some_and(|at| at > receipt.received_at) {
            continue;
        }
        (doc.courier, doc.courier_at) = (Some(to.to_string()), Some(receipt.received_at));
        (doc.offered_to, doc.offer) = (None, None);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use doorstep_document::{NewEntry, Position};
    use doorstep_domain::{
        BootId, CaseId, Facts, FactsCheck, Fen, InstallId, Parcel, Personal, Reckoning, Takeover, TimeEvidence, UnixMs, Waybill,
    };

    use super::*;
    use crate::{open::open, store::docs};

    const WAYBILL: &str = "QH310000000017";

    fn parcel(courier: Option<&str>, delivering: &str) -> Parcel {
        let plain = |text| Personal::plain(text).unwrap();
        Parcel {
            waybill: Waybill::parse(WAYBILL).unwrap(),
            network: "QH".parse().unwrap(),
            origin_outlet: "0571".parse().unwrap(),
            delivering_outlet: delivering.parse().unwrap(),
            courier: courier.map(|courier| courier.parse().unwrap()),
            recipient_name: plain("Wu Ming"),
            recipient_phone: None,
            virtual_number: None,
            recipient_address: plain("Lane 4"),
            cod: Fen(0),
            theoretical_arrival: None,
            hub: None,
            entered_at: None,
            children: vec![],
            details: doorstep_domain::Details::default(),
        }
    }

    fn case() -> CaseId {
        parcel(None, "0412").case_id()
    }

    fn directory(tx: &Tx<'_>) -> Result<(), StoreError> {
        for outlet in ["0412", "0571"] {
            people::write_outlet(tx, &outlet.parse().unwrap(), ("", ""), "")?;
        }
        for (id, role, outlet) in [
            ("c1", Role::Courier, "0412"),
            ("c2", Role::Courier, "0412"),
            ("y1", Role::Courier, "0571"),
            ("s1", Role::Outlet, "0412"),
        ] {
            people::write(tx, &id.parse().unwrap(), "", role, outlet)?;
        }
        Ok(())
    }

    fn author(role: Role, user: &str, outlet: &str) -> Author {
        Author { user: user.parse().unwrap(), role, outlet: outlet.parse().unwrap() }
    }

    fn to(user: &str) -> Assign {
        Assign { to: user.parse().unwrap(), planned_at: None, replaces: None, words: None }
    }

    /// A change with one entry, received at a time.
    fn received(tx: &Tx<'_>, by: Author, body: Body, (at, review): (i64, bool)) -> Result<(), StoreError> {
        let mut doc = docs::read(tx, &case())?;
        let time = TimeEvidence { wall: UnixMs(at), zone_quarters: 0, mono_ms: 0, boot: BootId([0; 4]), anchor: None };
        let facts = Facts::unlisted("QH".parse().unwrap(), Waybill::parse(WAYBILL).unwrap());
        let entry = NewEntry { facts: Some(facts), ..NewEntry::of(by, 1, time, body) };
        let change = Change::write(&case(), &InstallId::new([9; 16]), &Position::default(), &[entry]).unwrap();
        let receipt = Receipt::new(UnixMs(at), Reckoning::default(), review, FactsCheck::Unchecked);
        doc.add(&change, "s1", review, None);
        follow(tx, &mut doc, &change, &receipt)?;
        docs::write(tx, &case(), &doc)
    }

    fn listed(tx: &Tx<'_>, courier: Option<&str>, delivering: &str, at: i64) -> Result<(), StoreError> {
        let parcel = parcel(courier, delivering);
        parcels::end_handover(tx, &parcel)?;
        parcels::write(tx, &parcel, UnixMs(at)).map(drop)
    }

    fn has(tx: &Tx<'_>) -> Option<String> {
        let listed = parcels::named(tx, WAYBILL).unwrap().unwrap().courier.map(|courier| courier.to_string());
        docs::read(tx, &case()).unwrap().courier.or(listed)
    }

    fn with_store(work: impl FnOnce(&Tx<'_>) -> Result<(), StoreError>) {
        let folder = tempfile::tempdir().unwrap();
        open(folder.path())
            .unwrap()
            .write(|tx| {
                directory(tx)?;
                work(tx)
            })
            .unwrap();
    }

    #[test]
    fn the_newest_by_receipt_of_list_takeover_and_assignment_has_the_parcel() {
        with_store(|tx| {
            let staff = || author(Role::Outlet, "s1", "0412");
            let takeover = || Body::Takeover(Takeover { handover: "handover/abcdefgh-1".parse().unwrap() });
            listed(tx, Some("c1"), "0412", 10)?;
            received(tx, staff(), Body::Assign(to("c2")), (20, false))?;
            assert_eq!(has(tx).as_deref(), Some("c2"));
            listed(tx, Some("c1"), "0412", 30)?;
            assert_eq!(has(tx).as_deref(), Some("c2"), "a list that repeats itself moves nothing");
            received(tx, author(Role::Courier, "c1", "0412"), takeover(), (40, false))?;
            assert_eq!(has(tx).as_deref(), Some("c1"));
            received(tx, staff(), Body::Assign(to("c2")), (35, false))?;
            assert_eq!(has(tx).as_deref(), Some("c1"), "it was received before the takeover, and is written now");
            listed(tx, Some("c2"), "0412", 50)?;
            assert_eq!(has(tx).as_deref(), Some("c2"), "a list that names another courier");
            received(tx, staff(), Body::Assign(to("c1")), (45, false))?;
            assert_eq!(has(tx).as_deref(), Some("c2"), "it was received before the list");
            received(tx, staff(), Body::Assign(to("c1")), (60, false))?;
            assert_eq!(has(tx).as_deref(), Some("c1"));
            listed(tx, None, "0571", 70)?;
            assert_eq!(has(tx), None, "another outlet delivers it now");
            let ever: Vec<String> = parcels::assigned(tx, WAYBILL)?.iter().map(ToString::to_string).collect();
            assert_eq!(ever, ["c1", "c2"], "whoever had it may still send what they did");
            Ok(())
        });
    }

    #[test]
    fn an_assignment_that_head_office_is_to_review_moves_nothing() {
        with_store(|tx| {
            listed(tx, Some("c1"), "0412", 10)?;
            received(tx, author(Role::Outlet, "s1", "0412"), Body::Assign(to("c2")), (20, true))?;
            assert_eq!(has(tx).as_deref(), Some("c1"));
            assert!(parcels::assigned(tx, WAYBILL)?.is_empty(), "and gives nobody a right");
            Ok(())
        });
    }

    #[test]
    fn only_the_delivering_outlet_and_head_office_assign_and_only_to_its_couriers_who_have_not_left() {
        with_store(|tx| {
            let parcel = |outlet: Option<&str>| Concerned {
                delivering: outlet.map(|outlet| outlet.parse().unwrap()),
                ..Concerned::default()
            };
            let may = |by: Author, who: &str, outlet| may_move(tx, &by, &to(who), &parcel(outlet)).unwrap();
            let here = Some("0412");
            for role in Role::ALL {
                let assigns = matches!(role, Role::Outlet | Role::OutletManager | Role::HqCs);
                assert_eq!(may(author(*role, "s1", "0412"), "c2", here), assigns, "{role}");
                assert_eq!(may(author(*role, "o1", "0571"), "c2", here), *role == Role::HqCs, "{role} of another outlet");
            }
            let staff = || author(Role::Outlet, "s1", "0412");
            for who in ["s1", "y1", "nobody"] {
                assert!(!may(staff(), who, here), "{who}");
            }
            assert!(!may(staff(), "c2", None), "in no list");
            people::leave(tx, "c2", UnixMs(1))?;
            assert!(!may(staff(), "c2", here), "has left");
            people::write(tx, &"c1".parse().unwrap(), "", Role::Courier, "0571")?;
            assert!(!may(staff(), "c1", here), "has moved to another outlet");
            Ok(())
        });
    }
}
