//! The server's log was put back from a copy: nothing that this device wrote is lost, and each change gets the receipt that it had
//! first.
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

use common::*;
use doorstep_document::pack;
use doorstep_domain::*;
use doorstep_protocol::{signing::receipts_leaf, *};
use doorstep_store::Store;
use tempfile::TempDir;

fn ready() -> (TempDir, Store) {
    let folder = tempfile::tempdir().unwrap();
    let store = ready_in(folder.path());
    (folder, store)
}

fn take(store: &mut Store, answer: &Answer) {
    store.apply(answer, clocks(), NOW, FRESH).unwrap();
}

fn receipt() -> Receipt {
    Receipt::of(NOW, Some(NOW))
}

/// Sends what is unsent; each change gets this verdict, and the answer is as a server signs it.
fn push(store: &mut Store, verdict: &Verdict) -> Sent {
    let sent = push_of(store, 1 << 20);
    let (mut cases, mut leaves) = (vec![], vec![Leaf(Digest::new([1; 32]))]);
    for pushed in &sent.cases {
        let changes = pack::restore(&pushed.pack).unwrap();
        let (rows, quarantined) = pack_verdicts(NOW, &vec![(verdict.clone(), 5_000); changes.len()], Spoken::Version3);
        let signed: Vec<_> = changes.iter().map(|(hash, _)| (*hash, receipt())).collect();
        leaves.push(Leaf(receipts_leaf(&pushed.case, &signed)));
        cases.push(AckCase { case: Some(CaseRef(pushed.case)), rows, quarantined, fault: None });
    }
    let ack = answer(&sent, cases);
    let vouched = Vouched { history: HistoryId::new([5; 16]), counter: 1, leaves, ack: encode(&ack).unwrap() };
    let signed = Signed { body: encode(&vouched).unwrap(), sig: vec![7; 64] };
    take(store, &Answer { ack: Some((ack, signed)), ..response(None, vec![page(1, vec![])]) });
    sent
}

/// An answer of the log that was put back, which has nothing of this device's.
fn of_another_history(feed: Vec<FeedPage>) -> Answer {
    Answer { history: HistoryId::new([6; 16]), ..response(None, feed) }
}

fn changes_in(sent: &Sent) -> usize {
    sent.cases.iter().map(|pushed| pack::restore(&pushed.pack).unwrap().len()).sum()
}

/// A store whose second installation has sent a case with changes of the first one, because a refusal elsewhere came between.
fn moved_on() -> (TempDir, Store) {
    let (folder, mut store) = ready();
    record(&mut store, 2, "不许").unwrap();
    let refused = push_of(&mut store, 1 << 20);
    record(&mut store, 1, "一").unwrap();
    record(&mut store, 1, "二").unwrap();
    let refusal = Verdict::Quarantined("rights:P-99".into());
    take(&mut store, &response(Some(ack(&refused, &refusal)), vec![]));
    record(&mut store, 1, "三").unwrap();
    let sent = push(&mut store, &Verdict::Ok(receipt()));
    assert_eq!((sent.install, sent.batch, changes_in(&sent)), (FRESH, 1, 3));
    (folder, store)
}

#[test]
fn a_case_that_leaves_before_everything_was_read_is_kept_until_its_changes_are_known_to_be_there_or_unsent() {
    let (_folder, mut store) = ready();
    record(&mut store, 1, "x").unwrap();
    push(&mut store, &Verdict::Ok(receipt()));
    let first = FeedPage { more: true, out: vec![CaseRef(case(1))], ..page(3, vec![]) };
    take(&mut store, &of_another_history(vec![first]));
    assert!(store.case(&waybill(1), NOW).unwrap().is_some(), "the log may lack it, and this is the only copy");
    take(&mut store, &of_another_history(vec![page(5, vec![])]));
    assert_eq!(store.status().unwrap().unsent.len(), 1, "it is sent again");
    let again = push(&mut store, &Verdict::Dup(receipt()));
    assert_eq!(changes_in(&again), 1);
    assert!(store.case(&waybill(1), NOW).unwrap().is_none(), "then it leaves");
}

#[test]
fn what_a_later_installation_sent_of_an_earlier_one_shows_its_first_receipts() {
    let (_folder, mut store) = moved_on();
    take(&mut store, &of_another_history(vec![page(5, vec![])]));
    let batch = store.prepare(1 << 20, false, clocks(), "test").unwrap().batch.unwrap();
    assert_eq!(changes_in(&sent(&batch)), 3, "all is sent again");
    let shown: Vec<_> = batch.first.iter().flat_map(FirstAnswer::vouched).collect();
    assert_eq!(shown.len(), 3, "with what was said of each, in the order of the batch that both installations are in");
    assert!(shown.iter().all(|(doc, _, said)| *doc == case(1) && *said == receipt()));
}

#[test]
fn a_batch_that_the_server_asks_for_again_is_sent_again_with_what_an_earlier_installation_wrote() {
    let (_folder, mut store) = moved_on();
    take(&mut store, &Answer { resend: vec![1], ..response(None, vec![]) });
    assert_eq!(changes_in(&push_of(&mut store, 1 << 20)), 3);
}

#[test]
fn a_device_that_is_given_no_pages_sends_nothing_again_until_it_has_read_its_scopes() {
    let (_folder, mut store) = ready();
    record(&mut store, 1, "x").unwrap();
    push(&mut store, &Verdict::Ok(receipt()));
    // The server answers so to a device whose version has ended: such a device may only push.
    take(&mut store, &of_another_history(vec![]));
    assert!(store.status().unwrap().unsent.is_empty());
    take(&mut store, &of_another_history(vec![page(5, vec![])]));
    assert_eq!(store.status().unwrap().unsent.len(), 1);
}
