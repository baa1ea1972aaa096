//! A long upload: what is kept between two requests never stands for what has changed since.
#![allow(missing_docs, reason = "tests are named for what they show")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests fail loudly")]

mod common;

use common::*;
use doorstep_protocol::Verdict;
use doorstep_store::{Filter, Store};

fn accepted(folder: &std::path::Path) -> i64 {
    database(folder).query_row("SELECT count(*) FROM change WHERE parked IS NULL", [], |row| row.get(0)).unwrap()
}

#[test]
fn what_is_recorded_between_two_batches_here_and_by_another_process_is_sent_too_and_in_order() {
    let folder = tempfile::tempdir().unwrap();
    let mut store = ready_in(folder.path());
    let mut other = Store::open(folder.path()).unwrap();
    (0..60).for_each(|n| drop(record(&mut store, n % 20, "x").unwrap()));
    let (mut batches, mut recorded) = (0, 60);
    while let Some(batch) = store.prepare(4_000, false, clocks(), "test").unwrap().batch {
        batches += 1;
        match batches {
            2 => drop(record(&mut store, 3, "here").unwrap()),
            3 => drop(record(&mut other, 50, "there").unwrap()),
            _ => {}
        }
        recorded += i64::from(matches!(batches, 2 | 3));
        let answer = response(Some(ack(&sent(&batch), &if batches == 4 { Verdict::Pend } else { ok() })), vec![]);
        store.apply(&answer, clocks(), NOW, FRESH).unwrap();
        if batches == 5 {
            drop(record(&mut store, 51, "after a verdict").unwrap());
            recorded += 1;
        }
    }
    assert!(batches > 5, "{batches} batches");
    assert_eq!((accepted(folder.path()), store.status().unwrap().unsent.len()), (recorded, 0));
    assert_eq!(store.cases(&Filter { limit: 100, ..Filter::default() }, NOW).unwrap().len(), 22);
}

#[test]
fn a_row_that_was_damaged_after_its_batch_was_made_is_not_taken_for_what_was_sent() {
    // A byte of the checksum and one of the content.
    for at in [6, 80] {
        let folder = tempfile::tempdir().unwrap();
        let mut store = ready_in(folder.path());
        record(&mut store, 1, "x").unwrap();
        record(&mut store, 2, "y").unwrap();
        let push = push_of(&mut store, 1 << 20);
        let damage = format!(
            "UPDATE outbox SET bytes = CAST(substr(bytes, 1, {at}) || x'00' || substr(bytes, {}) AS BLOB) WHERE id = 1",
            at + 2
        );
        database(folder.path()).execute(&damage, []).unwrap();
        store.apply(&response(Some(ack(&push, &ok())), vec![]), clocks(), NOW, FRESH).unwrap();
        assert_eq!((accepted(folder.path()), store.status().unwrap().unsent.len()), (1, 1));
        assert!(store.prepare(1 << 20, false, clocks(), "test").unwrap().batch.is_none());
        assert_eq!(store.status().unwrap().quarantined, 1);
    }
}
