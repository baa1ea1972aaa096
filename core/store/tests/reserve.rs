//! A full disk: what is recorded is sent on the reserve, feeds and lists wait, and everything goes on once there is room.
#![allow(missing_docs, reason = "tests are named for what they show")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    reason = "tests fail loudly"
)]

mod common;

use std::path::Path;

use common::*;
use doorstep_document::{Change, Position};
use doorstep_domain::*;
use doorstep_protocol::*;
use doorstep_store::{Filter, Store, StoreError};
use tempfile::TempDir;

const SIZE: u64 = 4 << 20;

fn length(folder: &Path) -> Option<u64> {
    std::fs::metadata(folder.join("doorstep.reserve")).ok().map(|file| file.len())
}

/// A first change of a case by another installation.
fn foreign(n: u32) -> Change {
    let facts = Facts::unlisted("QH".parse().unwrap(), waybill(n));
    Change::write(&case(n), &InstallId::new([7; 16]), &Position::default(), &[entry(Some(facts), attempt("别处"))]).unwrap()
}

fn lists(version: u64, n: u32) -> Reference {
    Reference { version, parcels: (0..n).map(parcel).collect(), ..Reference::default() }
}

/// Words that can not be compressed much.
fn words(n: u32) -> String {
    let mut state = n.wrapping_mul(2_654_435_761);
    let next = |_| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        char::from_u32(0x4e00 + (state >> 16) % 0x5000).unwrap()
    };
    (0..600).map(next).collect()
}

/// A store on a disk that records have filled, and how many records it holds.
fn filled() -> (TempDir, Store, u32) {
    let folder = tempfile::tempdir().unwrap();
    let mut store = ready_in(folder.path());
    store.take_refs(RefKind::Parcels, &lists(1, 3), NOW).unwrap();
    for n in 0..100 {
        record(&mut store, n, &words(n)).unwrap();
    }
    store.fill_disk(true).unwrap();
    let full = (100..300).find(|n| record(&mut store, *n, &words(*n)).is_err()).unwrap();
    assert!(matches!(record(&mut store, full, &words(full)), Err(StoreError::DiskFull)));
    assert_eq!(store.status().unwrap().unsent.len(), full as usize);
    (folder, store, full)
}

#[test]
fn the_reserve_lies_whole_beside_a_store_with_room_and_other_accounts_can_not_read_it() {
    let folder = tempfile::tempdir().unwrap();
    drop(Store::open(folder.path()).unwrap());
    assert_eq!(length(folder.path()), Some(SIZE));
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt;
        let file = std::fs::metadata(folder.path().join("doorstep.reserve")).unwrap();
        assert_eq!(file.mode() & 0o777, 0o600);
        assert!(file.blocks() * 512 >= SIZE, "its room is really taken");
    }
    // A copy of the folder may be a hole of this length.
    std::fs::File::create(folder.path().join("doorstep.reserve")).unwrap().set_len(SIZE).unwrap();
    drop(Store::open(folder.path()).unwrap());
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt;
        assert!(std::fs::metadata(folder.path().join("doorstep.reserve")).unwrap().blocks() * 512 >= SIZE);
    }
    // One that was cut short, by a crash or by hand, is made whole again.
    for bytes in [0, 1, SIZE as usize - 1] {
        std::fs::write(folder.path().join("doorstep.reserve"), vec![0; bytes]).unwrap();
        let store = Store::open(folder.path()).unwrap();
        assert_eq!((length(folder.path()), store.status().unwrap().waits_for_room), (Some(SIZE), false));
    }
}

#[test]
fn on_a_full_disk_everything_can_be_read_and_listed() {
    let (_folder, mut store, count) = filled();
    let days_later = NOW.plus(5 * 86_400_000);
    for now in [NOW, days_later] {
        let rows = store.cases(&Filter { closed: true, limit: 1_000, ..Filter::default() }, now).unwrap();
        assert_eq!(rows.len(), count as usize);
        assert!(rows.is_sorted_by_key(doorstep_store::CaseRow::place), "there is no room for places, and the list is in order");
        assert!(store.case(&waybill(0), now).unwrap().is_some());
        assert!(store.open_messages(now).unwrap().is_empty());
    }
    assert_eq!(store.parcels().unwrap().len(), 3);
    assert!(store.identity().unwrap().is_some() && store.photo_here(&PhotoId::new([1; 32]), NOW).unwrap().is_none());
    assert!(!store.status().unwrap().waits_for_room, "nobody has synced yet");
}

#[test]
fn the_reserve_lets_records_be_sent_and_verdicts_be_kept_while_feeds_and_lists_wait() {
    let (folder, mut store, count) = filled();
    assert!(matches!(store.prepare(1 << 20, false, clocks(), "test"), Err(StoreError::DiskFull)));
    assert!(store.give_reserve() && !store.give_reserve(), "once");
    assert_eq!((length(folder.path()), store.status().unwrap().waits_for_room), (Some(0), true));
    let mut batches = 0;
    while !store.status().unwrap().unsent.is_empty() {
        let push = push_of(&mut store, 1 << 20);
        let page = page(9, vec![feed_of(900, &[foreign(900).bytes()])]);
        let mut answer = response(Some(ack(&push, &ok())), vec![FeedPage { more: true, ..page }]);
        answer.refs = vec![RefVersion { kind: RefKind::Parcels, version: 2 }];
        let applied = store.apply(&answer, clocks(), NOW, FRESH).unwrap();
        assert!(!applied.more_to_pull && applied.stale.is_empty(), "{applied:?}");
        store.tidy().unwrap();
        batches += 1;
    }
    assert!(batches > 1, "a batch on the reserve is small: {batches}");
    let kept = store.case(&waybill(0), NOW).unwrap().unwrap();
    assert!(matches!(kept.case.timeline[0].standing, Standing::Accepted(_)), "the verdict is kept");
    assert!(store.case(&waybill(900), NOW).unwrap().is_none(), "the feed waits");
    assert_eq!(store.prepare(1 << 20, false, clocks(), "test").unwrap().pull, vec![], "no cursor moved");
    store.take_refs(RefKind::Parcels, &lists(2, 9), NOW).unwrap();
    assert_eq!(store.parcels().unwrap().len(), 3, "lists wait");
    assert_ne!(store.ref_version(RefKind::Parcels).unwrap(), 2, "and are asked for again");
    assert!(store.take_reserve(), "there is no room yet");

    store.fill_disk(false).unwrap();
    assert!(!store.take_reserve());
    assert_eq!((length(folder.path()), store.status().unwrap().waits_for_room), (Some(SIZE), false));
    let page = page(9, vec![feed_of(900, &[foreign(900).bytes()])]);
    store.apply(&response(None, vec![page]), clocks(), NOW, FRESH).unwrap();
    store.take_refs(RefKind::Parcels, &lists(2, 9), NOW).unwrap();
    assert!(store.case(&waybill(900), NOW).unwrap().is_some());
    assert_eq!(store.parcels().unwrap().len(), 9);
    record(&mut store, count, "有空间了").unwrap();
}

#[test]
fn a_record_does_not_take_the_room_that_sending_needs() {
    let (folder, mut store, count) = filled();
    assert!(store.give_reserve());
    for n in [count, 0, 400] {
        assert!(matches!(record(&mut store, n, "短"), Err(StoreError::DiskFull)), "{n}");
    }
    assert_eq!(store.status().unwrap().unsent.len(), count as usize);
    drop(store);
    // The next opening finds room: the test's disk was full only for the process before.
    let mut store = Store::open(folder.path()).unwrap();
    assert!(!store.status().unwrap().waits_for_room);
    record(&mut store, count, "短").unwrap();
}
