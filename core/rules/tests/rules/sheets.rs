//! The fold of a sheet: its entries in the order of their acts, whatever order they came in.

use doorstep_domain::*;
use doorstep_rules::Sheet;
use proptest::{prelude::*, sample::Index};

use crate::story::*;

fn facts() -> SheetFacts {
    SheetFacts { network: "QH".parse().unwrap(), outlet: "0412".parse().unwrap(), day: "2026-03-02".parse().unwrap() }
}

/// An entry of an installation's `seq`th change, at a minute of the day; received so many minutes later, if it was.
fn entry(install: u8, seq: u64, minute: i64, received: Option<i64>, body: Body) -> Recorded {
    let when = at(0, 8, 0, 0).plus(minute * 60_000);
    let standing = match received {
        Some(later) if later % 7 == 6 => Standing::Quarantined { reason: "rights:P-99".into() },
        Some(later) => Standing::Accepted(Receipt::of(when.plus(later * 60_000), Some(when))),
        None => Standing::OnThisDevice,
    };
    let tag = Tag::of(&InstallId::new([install; 16]));
    let mut change = [install; 32];
    change[..8].copy_from_slice(&seq.to_be_bytes());
    let entry = Entry {
        key: EntryKey { kind: body.kind().into(), tag, seq, index: None },
        author: Author { user: format!("s{install}").parse().unwrap(), role: Role::Outlet, outlet: "0412".parse().unwrap() },
        pack_version: 1,
        time: TimeEvidence { wall: when, zone_quarters: 32, mono_ms: seq, boot: BootId([install; 4]), anchor: None },
        action: None,
        facts: None,
        sheet: (seq == 1).then(facts),
        release: None,
        rewrites: None,
        body,
    };
    Recorded { change: ChangeHash::new(change), standing, entry }
}

fn opened() -> Body {
    Body::SheetDay(SheetDay { words: None })
}

fn said(n: u64) -> Body {
    Body::SheetNote(SheetNote { words: Personal::plain(&format!("第{n}条")).unwrap() })
}

#[test]
fn two_tablets_open_a_day_and_the_earlier_act_counts() {
    let late = entry(1, 1, 30, Some(0), opened());
    let early = entry(2, 1, 20, Some(60), opened());
    let sheet = Sheet::fold([late.clone(), entry(1, 2, 31, None, said(1)), early.clone(), late.clone()]).unwrap();
    assert_eq!(sheet.opened(), Some(&early), "whatever reached head office first");
    assert_eq!((sheet.timeline.len(), sheet.notes().count(), sheet.facts), (3, 1, facts()));
    assert_eq!(Sheet::fold([entry(1, 2, 31, None, said(1))]), None, "nothing says of which sheet it is");
    assert_eq!(Sheet::fold([entry(1, 1, 31, None, said(1))]).unwrap().opened(), None);
}

proptest! {
    #[test]
    fn a_sheet_folds_the_same_in_any_order_and_however_often_each_entry_comes(
        written in proptest::collection::vec((0..3u8, 0..600i64, proptest::option::of(0..90i64), any::<bool>()), 1..12),
        order in proptest::collection::vec(any::<Index>(), 0..40),
    ) {
        let mut seq = [0; 3];
        let entries: Vec<Recorded> = written
            .iter()
            .map(|(install, minute, received, opens)| {
                let seq = &mut seq[usize::from(*install)];
                *seq += 1;
                entry(*install, *seq, *minute, *received, if *opens { opened() } else { said(*seq) })
            })
            .collect();
        let sheet = Sheet::fold(entries.iter().cloned()).unwrap();
        let mut arrivals: Vec<Recorded> = order.iter().map(|at| at.get(&entries).clone()).collect();
        arrivals.extend(entries.iter().rev().cloned());
        prop_assert_eq!(Sheet::fold(arrivals).unwrap(), sheet.clone());
        prop_assert_eq!(sheet.timeline.len() + sheet.quarantined.len(), entries.len(), "nothing is lost");
        prop_assert!(sheet.timeline.is_sorted_by_key(Recorded::acted_at));
    }
}
