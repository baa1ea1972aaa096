//! What the store promises, without any network.
#![allow(missing_docs, reason = "tests are named for what they show")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    reason = "tests fail loudly and read golden files"
)]

mod common;

use std::{collections::BTreeSet, fs};

use common::*;
use doorstep_document::{Change, Position, pack};
use doorstep_domain::*;
use doorstep_protocol::*;
use doorstep_store::{Filter, OpenError, Store, StoreError};
use doorstep_sync::Applied;
use tempfile::TempDir;

fn enrolled() -> (TempDir, Store) {
    let folder = tempfile::tempdir().unwrap();
    let mut store = Store::open(folder.path()).unwrap();
    store.enrol(&enrolment(author()), NOW).unwrap();
    (folder, store)
}

fn ready() -> (TempDir, Store) {
    let folder = tempfile::tempdir().unwrap();
    let store = ready_in(folder.path());
    (folder, store)
}

/// A first change of a case by another installation.
fn foreign(n: u32, install: u8) -> Change {
    let facts = Facts::unlisted("QH".parse().unwrap(), waybill(n));
    let entry = entry(Some(facts), attempt("别处"));
    Change::write(&case(n), &InstallId::new([install; 16]), &Position::default(), &[entry]).unwrap()
}

#[test]
fn a_store_of_a_newer_version_is_refused_and_left_as_it_is() {
    let (folder, store) = ready();
    drop(store);
    database(folder.path()).pragma_update(None, "user_version", 999).unwrap();
    assert!(matches!(Store::open(folder.path()), Err(OpenError::TooNew { found: 999, .. })));
}

#[test]
fn a_damaged_file_is_refused_and_left_as_it_is() {
    let (folder, mut store) = ready();
    record(&mut store, 1, "x").unwrap();
    drop(store);
    let file = folder.path().join("doorstep.db");
    let mut damaged = fs::read(&file).unwrap();
    damaged[..16].fill(0x5a);
    fs::write(&file, &damaged).unwrap();
    assert!(matches!(Store::open(folder.path()), Err(OpenError::Corrupt)));
    assert_eq!(fs::read(&file).unwrap(), damaged);
}

#[test]
fn recording_wants_an_enrolment_and_a_rule_pack() {
    let folder = tempfile::tempdir().unwrap();
    let mut store = Store::open(folder.path()).unwrap();
    assert!(matches!(record(&mut store, 1, "x"), Err(StoreError::NoPack | StoreError::NotEnrolled)));
    let (_folder, mut store) = enrolled();
    assert!(matches!(record(&mut store, 1, "x"), Err(StoreError::NoPack)));
}

#[test]
fn a_batch_keeps_its_number_and_content_until_its_answer_comes() {
    let (folder, mut store) = ready();
    record(&mut store, 1, "一").unwrap();
    let first = push_of(&mut store, 1 << 20);
    record(&mut store, 2, "二").unwrap();
    drop(store);
    let mut store = Store::open(folder.path()).unwrap(); // as after a kill
    let again = push_of(&mut store, 1 << 20);
    assert_eq!((first.batch, &first.cases), (again.batch, &again.cases));
    let applied = store.apply(&response(Some(ack(&again, &ok())), vec![]), clocks(), NOW, FRESH).unwrap();
    assert!(applied.more_to_send);
    let next = push_of(&mut store, 1 << 20);
    assert_eq!((next.batch, next.cases.len()), (2, 1));
    // The answer to a settled batch comes late: nothing changes.
    store.apply(&response(Some(ack(&first, &Verdict::Quarantined("x".into()))), vec![]), clocks(), NOW, FRESH).unwrap();
    assert_eq!(store.status().unwrap().quarantined, 0);
}

#[test]
fn a_batch_that_was_too_large_is_sent_smaller_under_its_number() {
    let (_folder, mut store) = ready();
    for n in 0..10 {
        record(&mut store, n, "x").unwrap();
    }
    let large = push_of(&mut store, 1 << 20);
    let small = push_of(&mut store, 1_000);
    assert_eq!((large.batch, small.batch), (1, 1));
    assert!(!small.cases.is_empty() && small.cases.len() < large.cases.len());
    let one = push_of(&mut store, 1);
    assert_eq!(one.cases.len(), 1, "one change always fits");
    assert_eq!(store.status().unwrap().unsent.len(), 10, "nothing is lost on the way");
}

#[test]
fn what_a_sending_named_is_shown_by_the_batches_that_bring_it_however_many_sendings_there_were() {
    for (max_bytes, many) in [(1_000, true), (1 << 20, false)] {
        let (_folder, mut store) = ready();
        let mut known = BTreeSet::new();
        let prepared = |store: &mut Store, known: &mut BTreeSet<Digest>| {
            let batch = store.prepare(max_bytes, false, clocks(), "test").unwrap().batch?;
            let sending: Sending = decode(&batch.sending).unwrap();
            assert!(sending.rest.len() <= MAX_REST);
            known.extend(sending.rest.iter().map(|Leaf(chain)| *chain));
            Some(batch)
        };
        // Without network, a sending begins after each record.
        let mut next = None;
        for n in 0..150 {
            record(&mut store, n % 20, "x").unwrap();
            next = prepared(&mut store, &mut known);
        }
        let (mut batches, mut named) = (0, 0);
        while let Some(batch) = next {
            let changes: Vec<Vec<ChangeHash>> = batch
                .docs
                .iter()
                .map(|doc| pack::restore(&doc.pack).unwrap().into_iter().map(|(hash, _)| hash).collect())
                .collect();
            let docs: Vec<BroughtDoc<'_>> = batch
                .docs
                .iter()
                .zip(&changes)
                .map(|(doc, changes)| BroughtDoc { doc: doc.document().unwrap(), digest: &doc.digest, changes })
                .collect();
            for brought in &batch.brings {
                let (chain, changes) = brought.chain(&docs).unwrap();
                assert!(known.contains(&chain), "batch {batches}");
                known.insert(brought.after);
                named += changes.len();
            }
            store.apply(&response(Some(ack(&sent(&batch), &ok())), vec![]), clocks(), NOW, FRESH).unwrap();
            next = prepared(&mut store, &mut known);
            batches += 1;
        }
        assert_eq!(named, 149, "all but the first, which the first sending brought");
        assert!(batches > 10 || !many);
    }
}

#[test]
fn a_row_that_gets_the_number_of_one_that_was_sent_is_in_no_chain_that_was_named() {
    let (_folder, mut store) = ready();
    let prepare = |store: &mut Store| {
        let batch = store.prepare(600, false, clocks(), "test").unwrap().batch.unwrap();
        let Sending { rest, .. } = decode(&batch.sending).unwrap();
        (batch, rest)
    };
    record(&mut store, 0, "x").unwrap();
    prepare(&mut store);
    [1, 2, 1].into_iter().for_each(|n| drop(record(&mut store, n, "x").unwrap()));
    let (first, named) = prepare(&mut store);
    store.apply(&response(Some(ack(&sent(&first), &ok())), vec![]), clocks(), NOW, FRESH).unwrap();
    let (second, rest) = prepare(&mut store);
    assert_eq!((second.docs.len(), second.docs[0].doc, rest.len()), (1, case(1), 1), "its two changes are one link");
    store.apply(&response(Some(ack(&sent(&second), &ok())), vec![]), clocks(), NOW, FRESH).unwrap();
    record(&mut store, 3, "x").unwrap();
    let (third, none) = prepare(&mut store);
    assert_eq!((third.docs.len(), none), (2, vec![]));
    assert_eq!(third.brings, [Brought { links: vec![RestLink::Docs(0, 1)], after: signing::NOTHING_LEFT }]);
    assert_eq!(named.len(), 1);
}

#[test]
fn a_pack_that_the_server_could_not_rebuild_is_offered_once_more_then_held_and_shown() {
    let (_folder, mut store) = ready();
    record(&mut store, 1, "x").unwrap();
    for round in 0..2 {
        let push = push_of(&mut store, 1 << 20);
        let faulty = AckCase { case: Some(CaseRef(case(1))), rows: vec![], quarantined: vec![], fault: Some("hash".into()) };
        let answer = answer(&push, vec![faulty]);
        let applied = store.apply(&response(Some(answer), vec![]), clocks(), NOW, FRESH).unwrap();
        assert_eq!(applied, Applied::default(), "no endless loop in round {round}");
    }
    assert!(store.prepare(1 << 20, false, clocks(), "test").unwrap().batch.is_none());
    assert_eq!((store.status().unwrap().quarantined, store.status().unwrap().unsent.len()), (1, 0));
    assert_eq!(store.case(&waybill(1), NOW).unwrap().unwrap().case.quarantined.len(), 1);
}

#[test]
fn a_newer_servers_code_of_a_refusal_and_its_scope_are_kept_as_they_came() {
    let (folder, mut store) = ready();
    record(&mut store, 1, "x").unwrap();
    let push = push_of(&mut store, 1 << 20);
    let page = FeedPage { scope: "region/04".into(), ..page(7, vec![feed_of(2, &[foreign(2, 8).bytes()])]) };
    let mut answer = response(Some(ack(&push, &Verdict::Quarantined("quota:日".into()))), vec![page]);
    answer.scopes = vec!["courier/c1".into(), "region/04".into()];
    store.apply(&answer, clocks(), NOW, FRESH).unwrap();
    drop(store);
    let mut store = Store::open(folder.path()).unwrap();
    assert_eq!(store.status().unwrap().refused[0].reason, RefusalCode::Unknown("quota:日".into()));
    let view = store.case(&waybill(1), NOW).unwrap().unwrap();
    assert_eq!(view.case.quarantined[0].standing, Standing::Quarantined { reason: "quota:日".into() });
    assert_eq!(store.case(&waybill(2), NOW).unwrap().unwrap().case.timeline.len(), 1, "its cases are here");
    let pull = store.prepare(1 << 20, false, clocks(), "test").unwrap().pull;
    assert_eq!(pull, [Pull { scope: Scope::Unknown("region/04".into()), cursor: 7 }], "asked for again as it was named");
}

#[test]
fn a_page_that_nobody_signed_moves_no_cursor_forward() {
    let (_folder, mut store) = ready();
    let mut cursor_after = |to: u64, cases: Vec<FeedCase>| {
        store.apply(&response(None, vec![page(to, cases)]), clocks(), NOW, FRESH).unwrap();
        store.cursors().unwrap()[0].cursor
    };
    assert_eq!(cursor_after(1_000_000, vec![]), 0, "a page of nothing comes without a signature");
    let feed = || vec![feed_of(2, &[foreign(2, 8).bytes()])];
    assert_eq!(cursor_after(7, feed()), 7, "one that brings changes does not");
    assert_eq!(cursor_after(i64::MAX as u64, vec![]), 7);
    assert_eq!(cursor_after(7, vec![]), 7);
    assert_eq!(cursor_after(3, vec![]), 3, "back it may: the changes come again");
}

#[test]
fn an_answer_without_verdicts_leaves_everything_in_the_outbox() {
    let (_folder, mut store) = ready();
    record(&mut store, 1, "x").unwrap();
    let push = push_of(&mut store, 1 << 20);
    let empty = answer(&push, vec![]);
    store.apply(&response(Some(empty), vec![]), clocks(), NOW, FRESH).unwrap();
    assert_eq!(store.status().unwrap().unsent.len(), 1);
}

#[test]
fn a_pack_damaged_on_its_way_is_asked_for_again_and_costs_neither_the_verdicts_nor_its_neighbours() {
    let (_folder, mut store) = ready();
    record(&mut store, 1, "x").unwrap();
    let push = push_of(&mut store, 1 << 20);
    let mut broken = feed_of(2, &[foreign(2, 7).bytes()]);
    *broken.pack.last_mut().unwrap() ^= 1;
    let good = feed_of(3, &[foreign(3, 7).bytes()]);
    let answer = response(Some(ack(&push, &ok())), vec![page(9, vec![good, broken])]);
    let applied = store.apply(&answer, clocks(), NOW, FRESH).unwrap();
    assert_eq!(applied, Applied::default(), "the next sync asks again, not this one for ever");
    assert!(store.status().unwrap().unsent.is_empty() && store.case(&waybill(3), NOW).unwrap().is_some());
    assert!(store.prepare(1 << 20, false, clocks(), "test").unwrap().pull.is_empty(), "the cursor has not moved");
    store.apply(&response(None, vec![page(9, vec![feed_of(2, &[foreign(2, 7).bytes()])])]), clocks(), NOW, FRESH).unwrap();
    assert!(store.case(&waybill(2), NOW).unwrap().is_some());
}

#[test]
fn a_damaged_row_is_put_aside_and_keeps_nothing_else_from_being_sent_or_listed() {
    let (folder, mut store) = ready();
    record(&mut store, 1, "x").unwrap();
    record(&mut store, 2, "y").unwrap();
    let damage = "UPDATE outbox SET bytes = CAST(substr(bytes, 1, 80) || x'00' || substr(bytes, 82) AS BLOB) WHERE id = 1";
    database(folder.path()).execute(damage, []).unwrap();
    let push = push_of(&mut store, 1 << 20);
    assert_eq!(push.cases.len(), 1);
    store.apply(&response(Some(ack(&push, &ok())), vec![]), clocks(), NOW, FRESH).unwrap();
    assert_eq!((store.status().unwrap().quarantined, store.status().unwrap().unsent.len()), (1, 0));
    assert_eq!(store.cases(&Filter::default(), NOW.plus(200_000_000)).unwrap().len(), 2);
    // News of the damaged case from elsewhere stop nothing either.
    let feed = vec![page(9, vec![feed_of(1, &[foreign(1, 7).bytes()]), feed_of(3, &[foreign(3, 7).bytes()])])];
    store.apply(&response(None, feed), clocks(), NOW, FRESH).unwrap();
    assert!(store.case(&waybill(3), NOW).unwrap().is_some());
    assert_eq!(store.prepare(1 << 20, false, clocks(), "test").unwrap().pull[0].cursor, 9);
}

#[test]
fn an_answer_with_another_number_of_verdicts_settles_nothing() {
    let (_folder, mut store) = ready();
    record(&mut store, 1, "x").unwrap();
    record(&mut store, 1, "y").unwrap();
    let push = push_of(&mut store, 1 << 20);
    let mut answer = ack(&push, &ok());
    answer.cases[0].rows.pop();
    store.apply(&response(Some(answer), vec![]), clocks(), NOW, FRESH).unwrap();
    assert_eq!(store.status().unwrap().unsent.len(), 2);
}

#[test]
fn a_note_without_words_that_comes_from_elsewhere_is_kept_as_it_is() {
    let (_dir, mut store) = ready();
    let empty = ["", " ", "\u{200b}", "\u{202e}\u{3164}"];
    let mut position = Position::default();
    let mut chunks = vec![];
    for (i, words) in empty.into_iter().enumerate() {
        let facts = (i == 0).then(|| Facts::unlisted("QH".parse().unwrap(), waybill(2)));
        let note = entry(facts, Body::Note { words: Personal::plain(words).unwrap() });
        let change = Change::write(&case(2), &InstallId::new([7; 16]), &position, &[note]).unwrap();
        position.advance(&change, true);
        chunks.push(change.bytes().to_vec());
    }
    let slices: Vec<&[u8]> = chunks.iter().map(Vec::as_slice).collect();
    store.apply(&response(None, vec![page(9, vec![feed_of(2, &slices)])]), clocks(), NOW, FRESH).unwrap();
    assert_eq!(store.case(&waybill(2), NOW).unwrap().unwrap().case.timeline.len(), empty.len());
}

#[test]
fn a_store_belongs_to_one_person() {
    let (_folder, mut store) = ready();
    let other = Author { user: "c2".parse().unwrap(), ..author() };
    let error = store.enrol(&enrolment(other), NOW).unwrap_err();
    assert!(matches!(error, StoreError::OtherPerson));
}

#[test]
fn a_change_in_a_feed_that_cannot_be_taken_is_parked_and_blocks_neither_others_nor_the_cursor() {
    let (folder, mut store) = ready();
    let (first, clash) = (foreign(2, 7), foreign(2, 7));
    let other = {
        let entry = entry(first.entries()[0].facts.clone(), attempt("克隆"));
        Change::write(&case(2), &InstallId::new([7; 16]), &Position::default(), &[entry]).unwrap()
    };
    assert_eq!(first, clash, "the same content is the same change");
    let feed = feed_of(2, &[first.bytes(), other.bytes()]);
    let elsewhere = feed_of(3, &[foreign(3, 8).bytes()]);
    store.apply(&response(None, vec![page(9, vec![feed, elsewhere])]), clocks(), NOW, FRESH).unwrap();
    assert_eq!(store.case_ids().unwrap().len(), 2);
    assert_eq!(store.prepare(1 << 20, false, clocks(), "test").unwrap().pull, [Pull { scope: "courier/c1".into(), cursor: 9 }]);
    let parked: String =
        database(folder.path()).query_row("SELECT parked FROM change WHERE parked IS NOT NULL", [], |r| r.get(0)).unwrap();
    assert_eq!(parked, "seq_taken");
    // After a lost cursor the page comes again. It changes nothing.
    let again = feed_of(2, &[first.bytes()]);
    store.apply(&response(None, vec![page(9, vec![again])]), clocks(), NOW, FRESH).unwrap();
    assert_eq!(store.case(&waybill(2), NOW).unwrap().unwrap().case.timeline.len(), 1);
}

#[test]
fn a_change_that_does_not_read_and_a_kind_that_is_not_known_do_not_stop_a_page_whose_receipts_are_signed() {
    let (folder, mut store) = ready();
    let receipt = Receipt::of(NOW, Some(NOW));
    let (good, unreadable) = (foreign(2, 7), foreign(3, 7)); // of another case, so it does not read in this one
    let signed = [(good.hash(), receipt), (unreadable.hash(), receipt)];
    let case_2 = FeedCase {
        case: case(2),
        pack: pack::elide_bare(&[good.bytes(), unreadable.bytes()]).unwrap(),
        receipts: pack_receipts(&[(receipt, 5_000), (receipt, 5_000)], Spoken::Version3),
        leaf: Some(Leaf(signing::receipts_leaf(&case(2), &signed))),
        kind: None,
    };
    let sheet =
        FeedCase { case: case(4), pack: vec![9], receipts: vec![], leaf: Some(Leaf(Digest::new([4; 32]))), kind: Some(7) };
    store.apply(&response(None, vec![page(9, vec![case_2, sheet])]), clocks(), NOW, FRESH).unwrap();
    assert_eq!(store.prepare(1 << 20, false, clocks(), "test").unwrap().pull[0].cursor, 9, "the page is not asked for again");
    assert_eq!(store.case(&waybill(2), NOW).unwrap().unwrap().case.timeline[0].standing, Standing::Accepted(receipt));
    let db = database(folder.path());
    let parked: (String, Option<i64>, i64) = db
        .query_row("SELECT parked, acted_at, received_at FROM change WHERE parked IS NOT NULL", [], |row| {
            Ok((row.get(0)?, row.get(1)?, row.get(2)?))
        })
        .unwrap();
    assert_eq!(parked, ("other_case".to_owned(), None, NOW.0), "nobody knows when an act was that can not be read");
    let scopes: i64 = db.query_row("SELECT count(*) FROM case_scope", [], |row| row.get(0)).unwrap();
    assert_eq!(scopes, 1, "of the other kind nothing is written");
}

#[test]
fn receipts_that_the_leaf_does_not_have_are_asked_for_again_and_write_nothing() {
    let (folder, mut store) = ready();
    let change = foreign(2, 7);
    let leaf = Some(Leaf(signing::receipts_leaf(&case(2), &[(change.hash(), Receipt::of(NOW.plus(-1), None))])));
    let damaged = FeedCase { leaf, ..feed_of(2, &[change.bytes()]) };
    store.apply(&response(None, vec![page(9, vec![damaged])]), clocks(), NOW, FRESH).unwrap();
    assert!(store.prepare(1 << 20, false, clocks(), "test").unwrap().pull.is_empty(), "the cursor has not moved");
    let written = "SELECT (SELECT count(*) FROM change) + (SELECT count(*) FROM case_scope)";
    assert_eq!(database(folder.path()).query_row(written, [], |row| row.get::<_, i64>(0)).unwrap(), 0);
}

#[test]
fn feeds_wait_for_the_first_rule_pack() {
    let (_folder, mut store) = enrolled();
    let feed = vec![page(9, vec![feed_of(2, &[foreign(2, 7).bytes()])])];
    let told = Answer { refs: vec![RefVersion { kind: RefKind::Pack, version: 1 }], ..response(None, feed.clone()) };
    let applied = store.apply(&told, clocks(), NOW, FRESH).unwrap();
    assert!(applied.more_to_pull && store.prepare(1 << 20, false, clocks(), "test").unwrap().pull.is_empty());
    // A server that has none for this app is not asked for ever.
    assert!(!store.apply(&response(None, feed), clocks(), NOW, FRESH).unwrap().more_to_pull);
}

#[test]
fn another_history_makes_reference_rows_stale_and_keeps_them_in_use() {
    let (folder, mut store) = ready();
    store.apply(&response(None, vec![]), clocks(), NOW, FRESH).unwrap();
    let stale = store.prepare(1 << 20, false, clocks(), "test").unwrap().refs;
    assert!(stale.iter().all(|kind| kind.version == 0), "versions of another log say nothing: {stale:?}");
    drop(store);
    let mut store = Store::open(folder.path()).unwrap(); // offline, as after a kill
    record(&mut store, 1, "x").unwrap();
}

#[test]
fn rows_that_have_passed_their_own_end_are_erased_without_a_sync_and_all_rows_are_asked_for_again() {
    let (folder, mut store) = ready();
    let ends = |n: u32, expires_ms| ParcelRow { details: Some(DetailsRow { expires_ms, ..DetailsRow::default() }), ..parcel(n) };
    // 1 ends before now, 2 now, 3 later, 4 never, 5 before now with an open case.
    let of = |n: u32| Some(NOW.0 + [0, -1, 0, 1, 0, -1][n as usize]).filter(|_| n != 4);
    let parcels = (1..=5).map(|n| ends(n, of(n))).collect();
    store.take_refs(RefKind::Parcels, &Reference { version: 7, parcels, ..Reference::default() }, NOW).unwrap();
    record(&mut store, 5, "x").unwrap();
    assert!(!store.end_rows(UnixMs(NOW.0 - 2)).unwrap());
    assert_eq!((store.parcels().unwrap().len(), store.ref_version(RefKind::Parcels).unwrap()), (5, 7), "nothing was due");
    assert!(store.end_rows(NOW).unwrap());
    let left: Vec<String> = store.parcels().unwrap().iter().map(|parcel| parcel.waybill.to_string()).collect();
    assert_eq!(left, [3, 4, 5].map(|n| waybill(n).to_string()));
    assert_eq!(store.ref_version(RefKind::Parcels).unwrap(), 0);
    let count: i64 = database(folder.path()).query_row("SELECT count(*) FROM parcel", [], |row| row.get(0)).unwrap();
    assert_eq!(count, 3, "the rows are gone, and not only hidden");
    // Head office still has 1, because another device has opened a case.
    let again = Reference { version: 8, parcels: vec![parcel(1)], ..Reference::default() };
    store.take_refs(RefKind::Parcels, &again, NOW).unwrap();
    assert_eq!((store.parcels().unwrap().len(), store.end_rows(NOW).unwrap()), (1, false));
}

#[test]
fn a_damaged_row_is_an_error_and_never_a_wrong_answer() {
    let (folder, mut store) = ready();
    record(&mut store, 1, "x").unwrap();
    database(folder.path())
        .execute("UPDATE outbox SET bytes = CAST(substr(bytes, 1, 80) || x'00' || substr(bytes, 82) AS BLOB)", [])
        .unwrap();
    assert!(matches!(store.case(&waybill(1), NOW), Err(StoreError::Damaged("change"))));
}

#[test]
fn the_list_is_by_deadline_and_filters() {
    let (_folder, mut store) = ready();
    for n in 1..=5 {
        record(&mut store, n, "x").unwrap();
        record(&mut store, n, "又一次").unwrap();
    }
    let rows = store.cases(&Filter { waybill: Some("0003".into()), ..Filter::default() }, NOW).unwrap();
    assert_eq!(rows.iter().map(|r| (r.waybill.as_str(), r.attempts, r.unsent)).collect::<Vec<_>>(), [("QH000000000003", 2, 2)]);
    assert_eq!(store.cases(&Filter { limit: 2, ..Filter::default() }, NOW).unwrap().len(), 2);
    // Page by page it is the same list, though the deadlines are equal.
    let whole: Vec<String> = store.cases(&Filter::default(), NOW).unwrap().into_iter().map(|row| row.waybill).collect();
    let mut filter = Filter { limit: 2, ..Filter::default() };
    let mut paged = Vec::new();
    loop {
        let page = store.cases(&filter, NOW).unwrap();
        let Some(last) = page.last() else { break };
        filter.after = Some(last.place());
        paged.extend(page.into_iter().map(|row| row.waybill));
    }
    assert_eq!(paged, whole);
    assert!(store.cases(&Filter { state: Some("closed".into()), closed: true, ..Filter::default() }, NOW).unwrap().is_empty());
}

#[test]
fn a_list_is_right_after_midnight_and_days_later_though_no_change_of_any_case_can_be_read() {
    let (folder, mut store) = ready();
    record(&mut store, 1, "敲门无人").unwrap();
    let listed = |store: &mut Store, now| {
        let row = store.cases(&Filter::default(), now).unwrap().remove(0);
        (row.due_at, row.missed.clone(), row.state.clone())
    };
    let midnight = UnixMs(1_772_467_200_000);
    assert_eq!(listed(&mut store, NOW), (Some(midnight.plus(-1)), vec![], "registered".into()));
    database(folder.path()).execute("DELETE FROM change", []).unwrap();
    assert_eq!(listed(&mut store, midnight.plus(-1)).1, Vec::<String>::new());
    assert_eq!(listed(&mut store, midnight), (None, vec!["SLA-03".to_owned()], "registered".into()));
    assert_eq!(listed(&mut store, midnight.plus(30 * 86_400_000)).1, ["SLA-03"]);
}

#[test]
fn a_photo_saved_twice_is_one_whole_file() {
    let (folder, store) = ready();
    let id = PhotoId::new([0xab; 32]);
    let saved = store.save_photo(id, "jpg", b"bytes", false).unwrap();
    assert_eq!(store.save_photo(id, "jpg", b"bytes", false).unwrap(), saved);
    // A file cut short by a crash of the disk is written again.
    fs::write(folder.path().join("photos").join(&saved.name), b"by").unwrap();
    store.save_photo(id, "jpg", b"bytes", false).unwrap();
    assert_eq!(fs::read(folder.path().join("photos").join(&saved.name)).unwrap(), b"bytes");
    assert_eq!(fs::read_dir(folder.path().join("photos/ab")).unwrap().count(), 1, "no partial file stays");
}

#[test]
fn a_full_case_takes_no_new_entries_and_still_takes_late_merges() {
    let (_folder, mut store) = ready();
    let long = "长".repeat(2_700); // 8,100 bytes, just under the cap of one personal value
    let refused = (0..200).find_map(|_| record(&mut store, 1, &long).err());
    assert!(matches!(refused, Some(StoreError::CaseFull)), "{refused:?}");
    let late = feed_of(1, &[foreign(1, 7).bytes()]);
    let before = store.case(&waybill(1), NOW).unwrap().unwrap().case.timeline.len();
    store.apply(&response(None, vec![page(9, vec![late])]), clocks(), NOW, FRESH).unwrap();
    assert_eq!(store.case(&waybill(1), NOW).unwrap().unwrap().case.timeline.len(), before + 1);
    record(&mut store, 2, "别的件").unwrap();
}

#[test]
fn what_only_waits_is_offered_with_the_next_sync_and_then_now_and_then() {
    let (_folder, mut store) = ready();
    record(&mut store, 1, "x").unwrap();
    let first = push_of(&mut store, 1 << 20);
    store.apply(&response(Some(ack(&first, &Verdict::Pend)), vec![]), clocks(), NOW, FRESH).unwrap();
    assert!(store.status().unwrap().unsent[0].pending);
    let mut offered = 0;
    for _ in 0..30 {
        if let Some(batch) = store.prepare(1 << 20, false, clocks(), "test").unwrap().batch {
            let push = sent(&batch);
            store.apply(&response(Some(ack(&push, &Verdict::Pend)), vec![]), clocks(), NOW, FRESH).unwrap();
            offered += 1;
        }
    }
    assert_eq!(offered, 2, "of thirty syncs");
    // Something new takes it along at once.
    record(&mut store, 2, "y").unwrap();
    assert_eq!(push_of(&mut store, 1 << 20).cases.len(), 2);
}

#[test]
fn a_demand_for_a_new_installation_that_answers_an_older_end_of_the_chain_is_another_process_and_no_clone() {
    let (_folder, mut store) = ready();
    record(&mut store, 1, "x").unwrap();
    let push = push_of(&mut store, 1 << 20);
    store.apply(&response(Some(ack(&push, &ok())), vec![]), clocks(), NOW, FRESH).unwrap();
    let install = store.identity().unwrap().unwrap().install;
    let end = store.prepare(1 << 20, false, clocks(), "test").unwrap().chain;
    let demanded = |asked| Answer { demand: Some(Demand::NewInstall), asked, ..response(None, vec![]) };
    let older = Some(Link { batch: 7, hash: BatchHash::NONE });
    store.apply(&demanded(older), clocks(), NOW, FRESH).unwrap();
    assert_eq!(store.identity().unwrap().unwrap().install, install);
    store.apply(&demanded(end), clocks(), NOW, FRESH).unwrap();
    assert_eq!(store.identity().unwrap().unwrap().install, FRESH);
}
