//! What a case with very many reasons costs.

use doorstep_domain::*;

use super::*;
use crate::{FIRST_PACK, Flag, Judgement, judge, proof::LOOKS};

const MORNING: UnixMs = UnixMs(1_772_413_200_000);

fn failed(n: u64, sub: Option<&str>) -> Recorded {
    let mut change = [0; 32];
    change[..8].copy_from_slice(&n.to_be_bytes());
    let attempt = Attempt { sub: sub.map(|sub| sub.parse().unwrap()), ..Attempt::of("DF-PHONE".parse().unwrap()) };
    let when = MORNING.plus(n as i64);
    let key =
        EntryKey { kind: Kind::Attempt.as_str().to_owned(), tag: Tag::of(&InstallId::new([1; 16])), seq: n + 1, index: None };
    Recorded {
        change: ChangeHash::new(change),
        standing: Standing::Accepted(Receipt::of(when, Some(when))),
        entry: Entry {
            key,
            author: Author { user: "c1".parse().unwrap(), role: Role::Courier, outlet: "0412".parse().unwrap() },
            pack_version: 1,
            time: TimeEvidence { wall: when, zone_quarters: 32, mono_ms: n, boot: BootId([0; 4]), anchor: None },
            action: None,
            facts: Some(Facts::unlisted("QH".parse().unwrap(), Waybill::parse("QH310000000017").unwrap())),
            release: None,
            sheet: None,
            rewrites: None,
            body: Body::Attempt(attempt),
        },
    }
}

/// How many comparisons of an act with a proof a judgement of so many failures makes, each with a sub-reason of its own.
fn looks(failures: u64) -> (usize, Judgement) {
    let case = Case::fold((0..failures).map(|n| failed(n, Some(&format!("s{n}"))))).unwrap();
    LOOKS.set(0);
    let judged = judge(&case, &Rulebook::only(Pack::parse(FIRST_PACK).unwrap()), MORNING.plus(86_400_000));
    (LOOKS.get(), judged)
}

#[test]
fn thousands_of_sub_reasons_are_compared_with_the_evidence_as_often_as_a_bounded_number_is() {
    let (few, _) = looks(1_250);
    let (many, judged) = looks(5_000);
    assert!(few > 0 && many <= few * 4 + few / 10, "four times as many failures: {few} comparisons, then {many}");
    assert!(judged.flags.contains(&Flag::TooMany), "the case says that not all was looked at");
    let at_most = u64::try_from(MOST_REASONS).unwrap();
    for (failures, is_capped) in [(at_most, false), (at_most + 1, true)] {
        assert_eq!(looks(failures).1.flags.contains(&Flag::TooMany), is_capped, "{failures}");
    }
}
