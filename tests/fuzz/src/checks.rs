//! What must hold of whatever the core lets through.

use std::{fmt::Display, str::FromStr, sync::LazyLock};

use doorstep_document::{Admission, Change, History, NewEntry, Position, merge, pack};
use doorstep_domain::{Body, CaseId, ChangeHash, Clocks, Entry, Receipt, Reckoning, Recorded, Standing, UnixMs};
use doorstep_rules::{Case, FIRST_PACK, Pack, judge};

/// The first pack, and one west of Greenwich whose clocks all end with the day.
static PACKS: LazyLock<[Pack; 2]> = LazyLock::new(|| {
    let first = Pack::parse(FIRST_PACK).expect("the first pack");
    let mut west = first.clone();
    west.utc_offset_minutes = -720;
    west.clocks.iter_mut().for_each(|clock| clock.due = doorstep_rules::Due::EndOfDay);
    [first, west]
});

/// A case as one replica takes it, in the order given: what is let through reads again, is admitted once, folds and is judged
/// the same in any order, merges to the same heads and entries, and travels.
pub fn check_case(case: &CaseId, chunks: &[(ChangeHash, Vec<u8>)], sent: &Clocks, received: UnixMs) {
    let (mut history, mut position, mut taken) = (History::default(), Position::default(), Vec::new());
    for (hash, chunk) in chunks {
        let Ok(change) = Change::read(case, chunk) else { continue };
        assert_eq!((change.hash(), change.bytes()), (*hash, chunk.as_slice()));
        check_change(case, &change);
        if history.admit(&change) == Admission::New {
            assert_eq!(history.admit(&change), Admission::Known);
            position.advance(&change, false);
            taken.push(change);
        }
    }
    check_judgement(&taken, sent, received);
    let bytes: Vec<&[u8]> = taken.iter().map(Change::bytes).collect();
    let mut keys: Vec<String> = taken.iter().flat_map(Change::entries).map(|entry| entry.key.to_string()).collect();
    keys.sort();
    let merged = merge(bytes.iter().copied()).expect("automerge merges what was admitted");
    assert_eq!((merged.heads, merged.keys), (position.heads, keys), "the log and automerge agree");
    let packed = pack::elide(&bytes).expect("what was read can travel");
    let restored = pack::restore(&packed).expect("what travels arrives");
    assert!(restored.iter().map(|(_, bytes)| bytes.as_slice()).eq(bytes));
}

fn check_change(case: &CaseId, change: &Change) {
    assert_eq!(Change::read_stored(case, change.bytes()).as_ref(), Ok(change));
    for entry in change.entries() {
        check_text(&entry.key);
        serde_json::to_vec(entry).expect("an entry is shown");
    }
    // A clone's unsent changes and released ones are written anew from their entries.
    if change.entries().iter().any(|entry| matches!(entry.body, Body::Unknown { .. })) {
        return;
    }
    let at = Position { heads: change.deps().to_vec(), max_op: change.start_op() - 1, seq: change.seq() - 1 };
    let anew: Vec<NewEntry> = change.entries().iter().cloned().map(new_entry).collect();
    let written = Change::write(case, &change.install(), &at, &anew).expect("what was read can be written");
    assert_eq!(written.entries(), change.entries());
}

fn new_entry(entry: Entry) -> NewEntry {
    let Entry { key: _, author, pack_version, time, action, facts, release, body } = entry;
    NewEntry { author, pack_version, time, action, facts, release, body }
}

fn check_judgement(taken: &[Change], sent: &Clocks, received: UnixMs) {
    let stands = |i: usize, entry: &Entry| {
        let acted = Reckoning::of(&entry.time, sent, received, |_| i % 5 == 1);
        match i % 5 {
            0 => Standing::OnThisDevice,
            4 => Standing::Quarantined { reason: "field".into() },
            n => Standing::Accepted(Receipt { received_at: received, acted, review: n == 2 }),
        }
    };
    let mut recorded = Vec::new();
    for (i, change) in taken.iter().enumerate() {
        for entry in change.entries() {
            recorded.push(Recorded { change: change.hash(), standing: stands(i, entry), entry: entry.clone() });
        }
    }
    let folded = Case::fold(recorded.clone());
    assert_eq!(folded, Case::fold(recorded.into_iter().rev()), "a case folds the same in any order");
    let Some(folded) = folded else { return };
    serde_json::to_vec(&folded).expect("a case is shown");
    for pack in &*PACKS {
        for now in [received, UnixMs(0), UnixMs(i64::MIN), UnixMs(i64::MAX)] {
            let judged = judge(&folded, pack, now);
            assert!(judged.next_due().is_none_or(|due| now <= due));
            assert!(judged.missed().len() <= pack.clocks.len());
        }
    }
}

/// A value of one spelling: its text reads back to it.
pub fn check_text<T: FromStr + Display + PartialEq>(value: &T) {
    assert!(value.to_string().parse().is_ok_and(|again: T| again == *value), "{value} does not read back");
}
