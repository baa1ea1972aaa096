//! What must hold of whatever the core lets through.

use std::{fmt::Display, str::FromStr, sync::LazyLock};

use doorstep_document::{Admission, Change, History, NewEntry, Position, merge, pack};
use doorstep_domain::{
    Arrival, Body, ChangeHash, Clocks, DocKind, DocRef, Entry, FactsCheck, Leans, Receipt, Reckoning, Recorded, Standing, UnixMs,
};
use doorstep_rules::{Case, Due, FIRST_PACK, Pack, Phase, Published, Rulebook, Sheet, explain, judge};

/// The first pack alone, and with a second version west of Greenwich whose clocks all end with the day.
static BOOKS: LazyLock<[Rulebook; 2]> = LazyLock::new(|| {
    let first = Pack::parse(FIRST_PACK).expect("the first pack");
    let mut west = Pack { version: 2, utc_offset_minutes: -720, ..first.clone() };
    west.clocks.iter_mut().for_each(|clock| clock.due = Due::EndOfDay);
    let versions = [(UnixMs(i64::MIN), first.clone()), (UnixMs(1_772_413_230_000), west)];
    let versions = versions.into_iter().map(|(valid_from, pack)| Published { valid_from, pack }).collect();
    [Rulebook::only(first), Rulebook::of(versions).expect("two versions")]
});

/// A document as one replica takes it, in the order given: what is let through reads again, is admitted once, folds and is judged
/// the same in any order, merges to the same heads and entries, and travels.
pub fn check_case(doc: impl Into<DocRef>, chunks: &[(ChangeHash, Vec<u8>)], sent: &Clocks, received: UnixMs) {
    let doc = doc.into();
    let (mut history, mut position, mut taken) = (History::default(), Position::default(), Vec::new());
    for (hash, chunk) in chunks {
        let Ok(change) = Change::read(doc, chunk) else { continue };
        assert_eq!((change.hash(), change.bytes()), (*hash, chunk.as_slice()));
        check_change(doc, &change);
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

fn check_change(doc: DocRef, change: &Change) {
    assert_eq!(Change::read_stored(&doc.id, change.bytes()).as_ref(), Ok(change));
    let other = if doc.kind == DocKind::Case { DocKind::Sheet } else { DocKind::Case };
    assert!(Change::read(DocRef::new(other, doc.id), change.bytes()).is_err(), "a change is of one kind of document");
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
    let written = Change::write(doc, &change.install(), &at, &anew).expect("what was read can be written");
    assert_eq!(written.entries(), change.entries());
}

fn new_entry(entry: Entry) -> NewEntry {
    let Entry { key: _, author, pack_version, time, action, facts, sheet, release, rewrites, body } = entry;
    NewEntry { author, pack_version, time, action, facts, sheet, release, rewrites, body }
}

fn check_judgement(taken: &[Change], sent: &Clocks, received: UnixMs) {
    let recorded = recorded(taken, sent, received);
    let sheet = Sheet::fold(recorded.clone());
    assert_eq!(sheet, Sheet::fold(recorded.clone().into_iter().rev()), "a sheet folds the same in any order");
    let folded = Case::fold(recorded.clone());
    assert_eq!(folded, Case::fold(recorded.into_iter().rev()), "a case folds the same in any order");
    let Some(folded) = folded else { return };
    serde_json::to_vec(&folded).expect("a case is shown");
    BOOKS.iter().for_each(|book| check_verdict(&folded, book, received));
}

/// What a pack that passed its check says of the case of some changes.
pub fn check_pack(pack: Pack, taken: &[Change]) {
    let received = UnixMs(1_772_413_260_000);
    let sent = Clocks { wall: received, mono_ms: 1 << 36, boot: doorstep_domain::BootId([1; 4]) };
    let Some(case) = Case::fold(recorded(taken, &sent, received)) else { return };
    check_verdict(&case, &Rulebook::only(pack), received);
}

fn recorded(taken: &[Change], sent: &Clocks, received: UnixMs) -> Vec<Recorded> {
    let stands = |i: usize, entry: &Entry| {
        let leans = if i % 5 == 1 { Leans::OnAContact } else { Leans::OnNothing };
        let arrival = Arrival {
            clocks: *sent,
            received,
            from: UnixMs(1_772_000_000_000),
            until: received,
            contact: None,
            steady: i % 3 > 0,
        };
        let acted = Reckoning::of(&entry.time, &arrival, leans);
        let check = match i % 7 {
            3 => FactsCheck::Altered,
            5 => FactsCheck::Outdated,
            6 => FactsCheck::NoRow,
            _ => FactsCheck::Equal,
        };
        match i % 5 {
            0 => Standing::OnThisDevice,
            4 => Standing::Quarantined { reason: "field".into() },
            n => Standing::Accepted(Receipt::new(received, acted, n == 2, check)),
        }
    };
    let mut recorded = Vec::new();
    for (i, change) in taken.iter().enumerate() {
        for entry in change.entries() {
            recorded.push(Recorded { change: change.hash(), standing: stands(i, entry), entry: entry.clone() });
        }
    }
    recorded
}

fn check_verdict(case: &Case, book: &Rulebook, received: UnixMs) {
    for now in [received, UnixMs(0), UnixMs(i64::MIN), UnixMs(i64::MAX)] {
        let judged = judge(case, book, now);
        assert!(judged.next_due().is_none_or(|due| now <= due));
        assert!(judged.missed().len() <= book.versions().map(|published| published.pack.clocks.len()).sum());
    }
    let phases = Phase::ahead(case, book, received);
    let told = explain(case, book, &phases.judgement);
    serde_json::to_vec(&(&phases.judgement, told)).expect("a judgement is shown");
    assert!(phases.later.iter().all(|(turn, _)| turn.from_ms > received.0), "time goes on");
}

/// A value of one spelling: its text reads back to it.
pub fn check_text<T: FromStr + Display + PartialEq>(value: &T) {
    assert!(value.to_string().parse().is_ok_and(|again: T| again == *value), "{value} does not read back");
}
