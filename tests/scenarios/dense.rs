//! Dense packs travel between those that say that they read them; all others get packs of format 2, and nothing is lost on the way
//! from one to the other.

use doorstep_client::DeviceSigner;
use doorstep_document::pack::{self, dense};
use doorstep_domain::DocId;
use doorstep_protocol::{
    Ack, FeedPage, PACK_FORMAT, PROTO_HEADER, PROTO_VERSION, Pull, Signed, SyncRequest, SyncResponse, decode, encode, open, seal,
};
use doorstep_store::{Store, densely};
use doorstep_tests::{Device, World, raw};

/// Sends a request as it is; the answer, not verified.
async fn send(world: &World, device: &Device, request: &SyncRequest) -> SyncResponse {
    let body = seal(&encode(request).unwrap()).unwrap();
    let headers = [("authorization", device.bearer()), (PROTO_HEADER, PROTO_VERSION.to_owned())];
    let headers: Vec<(&str, &str)> = headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let answer = raw(world.addr(), "POST", "/v1/sync", &headers, &body).await;
    assert_eq!(answer.status, 200);
    let signed: Signed = decode(&open(&answer.body, 1 << 22).unwrap()).unwrap();
    decode(&signed.body).unwrap()
}

fn pages(answer: &SyncResponse) -> Vec<FeedPage> {
    answer.feed.iter().map(|page| decode(&page.body).unwrap()).collect()
}

fn ack(answer: &SyncResponse) -> Ack {
    decode(&answer.ack.as_ref().unwrap().body).unwrap()
}

/// The request that the device's client would send next.
fn next(device: &Device) -> (SyncRequest, SyncRequest) {
    let plain = device.request();
    let terms = Store::open(&device.folder).unwrap().dense_terms().unwrap();
    (densely(plain.clone(), &terms), plain)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_batch_travels_densely_and_is_kept_as_any_other() {
    let mut world = World::new().await;
    let phone = world.device("phone", "c1").await;
    for n in [2, 4, 6] {
        phone.fail(n, "DF-NOBODY").unwrap();
        phone.note(n, "门口").unwrap();
    }
    let (request, plain) = next(&phone);
    assert_eq!(request.packs, Some(PACK_FORMAT));
    let (batch, bare) = (request.batch.clone().unwrap(), plain.batch.unwrap());
    assert!(
        batch.docs.iter().all(|doc| doc.pack == [dense::FORMAT] && doc.doc == DocId::new([0; 16])),
        "all are in the dense pack"
    );
    assert_eq!((batch.hash(), batch.message()), (bare.hash(), bare.message()), "nothing that is signed differs");
    let answer = send(&world, &phone, &request).await;
    assert_eq!(answer.packs, Some(PACK_FORMAT));
    assert!(ack(&answer).cases.iter().all(|case| case.fault.is_none() && case.rows.iter().all(|row| row.code == 0)));
    // The client knows nothing of that answer and sends the batch again: it is the same batch.
    phone.sync().await.unwrap();
    assert!(phone.client.status().unwrap().unsent.is_empty());
    for n in [2, 4, 6] {
        phone.agrees_with(&world, n);
    }
    // The log holds it in format 2, and the audit reads it.
    assert!(world.admin().verify_log(None).unwrap().faults.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_are_dense_for_a_device_that_asks_and_else_of_format_2() {
    let mut world = World::new().await;
    let (phone, tablet) = (world.device("phone", "c1").await, world.device("tablet", "s1").await);
    for n in [2, 4, 6] {
        phone.fail(n, "DF-NOBODY").unwrap();
    }
    phone.sync().await.unwrap();
    let (asking, plain) = next(&tablet);
    let (new, old) = (send(&world, &tablet, &asking).await, send(&world, &tablet, &plain).await);
    assert_eq!((old.packs, &old.dense), (None, &None), "an older device gets what it always got");
    let rebuilt = dense::unpack(&new.dense.clone().unwrap(), 1 << 20).unwrap();
    let cases = |answer: &SyncResponse| pages(answer).into_iter().flat_map(|page| page.cases).collect::<Vec<_>>();
    let (new, old) = (cases(&new), cases(&old));
    assert_eq!((rebuilt.len(), new.len()), (3, old.len()));
    for ((new, old), rebuilt) in new.iter().zip(&old).zip(&rebuilt) {
        assert_eq!((new.case, new.pack.as_slice()), (DocId::new([0; 16]), [dense::FORMAT].as_slice()));
        assert_eq!((rebuilt.doc, &rebuilt.changes), (old.case, &pack::restore(&old.pack).unwrap()));
        assert_eq!((&new.leaf, &new.receipts), (&old.leaf, &old.receipts), "what is signed of a document is the same");
    }
    tablet.sync().await.unwrap();
    for n in [2, 4, 6] {
        assert_eq!(tablet.case(n), phone.case(n));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_was_put_back_to_an_older_build_gets_the_changes_in_format_2() {
    let mut world = World::new().await;
    let phone = world.device("phone", "c1").await;
    phone.fail(8, "DF-NOBODY").unwrap();
    phone.fail(10, "DF-NOBODY").unwrap();
    // To an older server the dense pack is a key that it does not know.
    let (request, _) = next(&phone);
    let answer = send(&world, &phone, &SyncRequest { dense: None, packs: None, ..request }).await;
    assert_eq!((answer.packs, ack(&answer).cases.len()), (None, 2));
    assert!(ack(&answer).cases.iter().all(|case| case.fault.is_some()), "each document has a fault, and the batch its place");
    // The client hears of the faults with the batch that it repeats. With its next sync the changes go as format 2 has them.
    phone.sync().await.unwrap();
    let (again, _) = next(&phone);
    assert!(again.dense.is_none() && again.batch.is_some_and(|batch| batch.docs.iter().all(|doc| doc.pack[0] == 2)));
    phone.sync().await.unwrap();
    assert!(phone.client.status().unwrap().unsent.is_empty(), "and are taken");
    phone.agrees_with(&world, 8);
    phone.agrees_with(&world, 10);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_document_that_was_not_taken_leaves_the_dense_pack_and_the_others_stay() {
    let mut world = World::new().await;
    let phone = world.device("phone", "c1").await;
    phone.fail(8, "DF-NOBODY").unwrap();
    phone.fail(10, "DF-NOBODY").unwrap();
    let (request, _) = next(&phone);
    // One digest says other changes: a fault of that document alone. The device signs what it sends.
    let mut batch = request.batch.clone().unwrap();
    batch.docs[0].digest = doorstep_domain::Digest::new([9; 32]);
    batch.sig = phone.signer().sign(&batch.message()).unwrap();
    let faults: Vec<bool> = ack(&send(&world, &phone, &SyncRequest { batch: Some(batch), ..request.clone() }).await)
        .cases
        .iter()
        .map(|case| case.fault.is_some())
        .collect();
    assert_eq!(faults, [true, false]);
    // A pack that does not rebuild at all is a fault of each of its documents and of no other.
    let mut request = request;
    request.dense = Some(vec![dense::FORMAT, 0xff]);
    let mut batch = request.batch.clone().unwrap();
    batch.docs[1].digest = doorstep_domain::Digest::new([8; 32]);
    batch.sig = phone.signer().sign(&batch.message()).unwrap();
    let answer = send(&world, &phone, &SyncRequest { batch: Some(batch), ..request }).await;
    assert!(ack(&answer).cases.iter().all(|case| case.fault.is_some()));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fresh_device_gets_its_first_page_once() {
    let mut world = World::new().await;
    let phone = world.device("phone", "c1").await;
    phone.fail(8, "DF-NOBODY").unwrap();
    phone.sync().await.unwrap();
    let tablet = world.device("tablet", "s1").await;
    assert!(tablet.case(8).is_some());
    // Without rules it wants no page, and gets none.
    let want = SyncRequest { want_bytes: 0, pull: vec![], batch: None, ..tablet.request() };
    assert!(send(&world, &tablet, &want).await.feed.is_empty());
    let want = SyncRequest { want_bytes: 1, pull: Vec::<Pull>::new(), batch: None, ..tablet.request() };
    assert!(!send(&world, &tablet, &want).await.feed.is_empty());
}
