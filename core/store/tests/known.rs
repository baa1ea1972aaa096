//! Recording on cases that were read for it: what is told of them is what reading them again would tell.
#![allow(missing_docs, reason = "tests are named for what they show")]
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests fail loudly")]

mod common;

use common::*;
use doorstep_document::pack;
use doorstep_domain::*;
use doorstep_protocol::*;
use doorstep_store::{Action, ActionCase, CaseRow, CaseView, Enrolment, Filter, KnownCases, Session, Store, Written};
use tempfile::TempDir;

fn ready() -> (TempDir, Store) {
    let folder = tempfile::tempdir().unwrap();
    let mut store = Store::open(folder.path()).unwrap();
    let token = Token { secret: "00".into(), expires_ms: NOW.0 + 3_600_000 };
    let session = Session { server: "http://127.0.0.1:1".into(), server_key: vec![4; 65], token };
    let (device, install) = (DeviceId::new([9; 16]), InstallId::new([9; 16]));
    store.enrol(&Enrolment { device, install, author: author(), name: "李明".into(), session }, NOW).unwrap();
    store.take_refs(RefKind::Pack, &rules(doorstep_rules::FIRST_PACK), NOW).unwrap();
    (folder, store)
}

/// An attempt in each of some cases, so many seconds after the start.
fn action(numbers: &[u32], second: u64) -> Action {
    let cases: Vec<ActionCase> =
        numbers.iter().map(|n| ActionCase { waybill: waybill(*n), bodies: vec![attempt("敲门无人")], photos: vec![] }).collect();
    let now = NOW.plus(second as i64 * 1_000);
    let time = TimeEvidence { wall: now, mono_ms: 5_000 + second * 1_000, ..time() };
    Action {
        id: ActionId::new([second as u8; 16]),
        recording: recording(numbers[0], &cases[0].bodies),
        time,
        now,
        cases,
        step: None,
    }
}

fn known(store: &mut Store, numbers: &[u32]) -> KnownCases {
    let mut known = KnownCases::default();
    numbers.iter().for_each(|n| store.know(&waybill(*n), &mut known).unwrap());
    known
}

/// Records on known cases, and holds what is told of them against reading them.
fn told_right(store: &mut Store, action: &Action, known: KnownCases) -> (Vec<Written>, Vec<CaseView>) {
    let (written, views) = store.record_on(action, known).unwrap();
    let read = action.cases.iter().map(|target| store.case(&target.waybill, action.now).unwrap().unwrap());
    assert_eq!(views, read.collect::<Vec<_>>());
    (written, views)
}

/// The row of a case as it is listed, and as it is once all rows were judged anew.
fn rows(store: &mut Store, n: u32, now: UnixMs) -> (CaseRow, CaseRow) {
    let mut row = || {
        let filter = Filter { closed: true, waybill: Some(waybill(n).to_string()), ..Filter::default() };
        store.cases(&filter, now).unwrap().remove(0)
    };
    let listed = row();
    store.take_refs(RefKind::Pack, &Reference { version: 2, ..rules(doorstep_rules::FIRST_PACK) }, now).unwrap();
    let filter = Filter { closed: true, waybill: Some(waybill(n).to_string()), ..Filter::default() };
    (listed, store.cases(&filter, now).unwrap().remove(0))
}

#[test]
fn what_is_told_of_a_case_that_was_just_recorded_on_is_what_reading_it_tells() {
    let (_folder, mut store) = ready();
    for second in 0..4 {
        let known = known(&mut store, &[1, 2]);
        assert_eq!(known.case(&waybill(1)).map_or(0, |case| case.timeline.len()), second);
        let (written, views) = told_right(&mut store, &action(&[1, 2], second as u64), known);
        assert_eq!(written.iter().map(|it| it.case).collect::<Vec<_>>(), [case(1), case(2)]);
        assert!(views.iter().all(|view| view.case.timeline.len() == second + 1));
    }
    let (listed, anew) = rows(&mut store, 1, NOW.plus(5_000));
    assert_eq!(listed, anew);
}

#[test]
fn a_case_that_is_recorded_on_twice_in_one_action_is_told_with_both() {
    let (_folder, mut store) = ready();
    for second in 0..2 {
        let known = known(&mut store, &[1]);
        let (written, views) = told_right(&mut store, &action(&[1, 1], second), known);
        assert_eq!((written.len(), views.len()), (2, 2));
    }
}

#[test]
fn what_another_process_or_another_call_wrote_since_a_case_was_read_is_told_too() {
    let (folder, mut store) = ready();
    let mut other = Store::open(folder.path()).unwrap();
    store.record(&action(&[1], 0)).unwrap();
    let before = known(&mut store, &[1]);
    other.record(&action(&[1], 1)).unwrap();
    let (_, views) = told_right(&mut store, &action(&[1], 2), before);
    assert_eq!(views[0].case.timeline.len(), 3, "the other process's is there");
    let before = known(&mut store, &[1]);
    store.record(&action(&[1], 3)).unwrap();
    let (_, views) = told_right(&mut store, &action(&[1], 4), before);
    assert_eq!(views[0].case.timeline.len(), 5, "so is what was recorded without it");
}

#[test]
fn a_clock_that_went_back_changes_only_the_order() {
    let (_folder, mut store) = ready();
    for second in [5, 3, 3, 9] {
        let known = known(&mut store, &[1]);
        told_right(&mut store, &action(&[1], second), known);
    }
}

#[test]
fn a_case_of_which_everything_was_refused_goes_on_with_what_was_refused_in_view_and_in_its_row() {
    let (_folder, mut store) = ready();
    store.record(&action(&[1], 0)).unwrap();
    let push = push_of(&mut store, 1 << 20);
    let cases = push.cases.iter().map(|pushed| {
        let n = pack::restore(&pushed.pack).unwrap().len();
        let refused = vec![(Verdict::Quarantined("rights:attempt".into()), 5_000); n];
        let (rows, quarantined) = pack_verdicts(NOW, &refused, Spoken::Version3);
        AckCase { case: Some(CaseRef(pushed.case)), rows, quarantined, fault: None }
    });
    let ack = Ack {
        batch: push.batch,
        replayed: false,
        received_ms: NOW.0,
        cases: cases.collect(),
        install: push.install,
        hash: push.hash,
    };
    store.apply(&response(Some(ack), vec![]), clocks(), NOW, FRESH).unwrap();
    assert_eq!(store.status().unwrap().quarantined, 1);
    let before = known(&mut store, &[1]);
    let (_, views) = told_right(&mut store, &action(&[1], 60), before);
    assert_eq!((views[0].case.timeline.len(), views[0].case.quarantined.len()), (1, 1));
    let (listed, anew) = rows(&mut store, 1, NOW.plus(61_000));
    assert_eq!(listed, anew);
}
