//! Hostile batches of version 3 from an enrolled device: each gets its typed error, and nothing that was recorded is lost.

use doorstep_client::DeviceSigner;
use doorstep_document::{Change, Position, pack};
use doorstep_domain::{BatchHash, CaseId, Digest, DocKind, DocRef, InstallId};
use doorstep_protocol::{
    Ack, Batch, BatchClock, Brought, CLOCK_HEADER, Envelope, ErrorBody, Header, Leaf, PushCase, RestLink, Sending, Signed,
    SyncRequest, SyncResponse, decode, encode, open, seal,
    signing::{doc_digest, sending_message},
};
use doorstep_tests::{Device, World, first_entry, raw};

/// Sends a request as it is; the verdicts, or the code of the refusal.
async fn send(world: &World, device: &Device, request: &SyncRequest) -> Result<Ack, String> {
    let body = seal(&encode(request).unwrap()).unwrap();
    let answer = raw(world.addr(), "POST", "/v1/sync", &[("authorization", &device.bearer())], &body).await;
    if answer.status != 200 {
        return Err(decode::<ErrorBody>(&answer.body).unwrap().code.to_string());
    }
    let signed: Signed = decode(&open(&answer.body, 1 << 22).unwrap()).unwrap();
    let response: SyncResponse = decode(&signed.body).unwrap();
    Ok(decode(&response.ack.unwrap().body).unwrap())
}

/// A signature of 64 bytes in DER, as phones give it.
fn in_der(raw: &[u8]) -> Vec<u8> {
    let number = |bytes: &[u8]| {
        let bytes: Vec<u8> = bytes.iter().copied().skip_while(|byte| *byte == 0).collect();
        let lead = bytes.first().is_none_or(|first| first & 0x80 != 0);
        let bytes = [vec![0; usize::from(lead)], bytes].concat();
        [vec![2, bytes.len() as u8], bytes].concat()
    };
    let both = [number(&raw[..32]), number(&raw[32..])].concat();
    [vec![0x30, both.len() as u8], both].concat()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hostile_batch_is_refused_by_its_name_and_the_honest_one_still_arrives() {
    let mut world = World::new().await;
    let phone = world.device("phone", "c1").await;
    phone.sync().await.unwrap();
    phone.fail(2, "DF-NOBODY").unwrap();
    let request = phone.request();
    let batch = request.batch.clone().unwrap();
    let with = |batch: Batch| SyncRequest { batch: Some(batch), ..request.clone() };
    let signed = |change: &dyn Fn(&mut Batch)| {
        let mut batch = batch.clone();
        change(&mut batch);
        batch.sig = phone.signer().sign(&batch.message()).unwrap();
        with(batch)
    };
    let header = |change: &dyn Fn(&mut Header)| {
        signed(&|batch| {
            let mut header: Header = decode(&batch.header).unwrap();
            change(&mut header);
            batch.header = encode(&header).unwrap();
        })
    };
    let rest = |rest: Vec<Leaf>| {
        signed(&|batch| {
            let sending: Sending = decode(&batch.sending).unwrap();
            batch.sending = encode(&Sending { rest: rest.clone(), ..sending }).unwrap();
        })
    };
    let brought = Brought { links: vec![RestLink::Docs(0, u32::MAX)], after: Digest::new([7; 32]) };
    let of_another = phone.signer().sign(&sending_message(&BatchHash::new([9; 32]), &batch.sending)).unwrap();
    let clock = BatchClock { wall_ms: 0, mono_ms: 0, boot: [1; 4] };
    let envelope = Envelope { body: vec![], clock, sig: vec![7; 64] };
    let corpus: Vec<(&str, SyncRequest, &str)> = vec![
        ("a header that is cut off", signed(&|batch| batch.header.truncate(20)), "malformed"),
        ("a header of nothing", signed(&|batch| batch.header.clear()), "malformed"),
        ("a sending that is cut off", signed(&|batch| batch.sending.truncate(10)), "malformed"),
        (
            "an array of 2^64 in the sending",
            signed(&|batch| batch.sending = vec![0xa1, 4, 0x9b, 255, 255, 255, 255, 255, 255, 255, 255]),
            "malformed",
        ),
        ("a number near the end of numbers", header(&|header| header.batch = u64::MAX), "malformed"),
        ("number 0", header(&|header| header.batch = 0), "malformed"),
        ("another installation's header", header(&|header| header.install = InstallId::new([0x77; 16])), "malformed"),
        ("another person's name", header(&|header| header.user = "c2".into()), "malformed"),
        ("making up for no number", header(&|header| header.again = vec![u64::MAX]), "malformed"),
        ("two batches in one request", SyncRequest { push: Some(envelope), ..with(batch.clone()) }, "malformed"),
        ("more left behind than a sending may name", rest(vec![Leaf(Digest::new([7; 32])); 65]), "malformed"),
        (
            "more brought of that than a sending may name",
            with(Batch { brings: vec![brought.clone(); 65], ..batch.clone() }),
            "malformed",
        ),
        ("more documents than a batch may have", signed(&|batch| batch.docs = vec![batch.docs[0].clone(); 5_001]), "too_large"),
        ("the signature for another batch's sending", with(Batch { sig: of_another, ..batch.clone() }), "signature"),
        ("no signature", with(Batch { sig: vec![], ..batch.clone() }), "signature"),
        (
            "a sending that was changed after it was signed",
            {
                let sending: Sending = decode(&batch.sending).unwrap();
                with(Batch { sending: encode(&Sending { heard_ms: Some(1), ..sending }).unwrap(), ..batch.clone() })
            },
            "signature",
        ),
        (
            "a digest that was changed after it was signed",
            {
                let mut batch = batch.clone();
                batch.docs[0].digest = Digest::new([7; 32]);
                with(batch)
            },
            "signature",
        ),
    ];
    for (what, request, code) in &corpus {
        assert_eq!(send(&world, &phone, request).await.unwrap_err(), *code, "{what}");
    }
    // A false claim of a sending about itself is no reason to refuse its changes. The form of its signature is none either.
    let of_nothing = with(Batch { brings: vec![brought], ..batch.clone() });
    assert!(send(&world, &phone, &of_nothing).await.unwrap().cases[0].fault.is_none(), "documents that it does not have");
    let raw_sig = batch.sig.clone();
    assert_eq!(raw_sig.len(), 64);
    for sig in [in_der(&raw_sig), raw_sig] {
        let ack = send(&world, &phone, &with(Batch { sig, ..batch.clone() })).await.unwrap();
        assert!(ack.replayed && ack.cases[0].fault.is_none() && ack.cases[0].quarantined.is_empty(), "{ack:?}");
    }
    phone.sync().await.unwrap();
    phone.agrees_with(&world, 2);
    assert!(world.admin().quarantine(false).unwrap().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_document_that_is_not_what_was_signed_is_its_own_fault_and_the_next_one_is_taken() {
    let mut world = World::new().await;
    let phone = world.device("phone", "c1").await;
    phone.sync().await.unwrap();
    let own = phone.client.identity().unwrap().unwrap().install;
    let pushed = |n: u32| {
        let change = Change::write(&phone.id(n), &own, &Position::default(), &[first_entry(n, "c1")]).unwrap();
        (PushCase { case: phone.id(n), pack: pack::elide(&[change.bytes()]).unwrap() }, change.hash())
    };
    let of_another = |kind: DocKind, doc: CaseId| doc_digest(DocRef::new(kind, doc), &[pushed(2).1]);
    let corpus = [
        ("the digest of another document", None, of_another(DocKind::Case, phone.id(6)), "digest"),
        ("the digest of other changes", None, doc_digest(&phone.id(2), &[]), "digest"),
        ("a kind that nobody knows", Some(7), of_another(DocKind::Sheet, phone.id(2)), "kind"),
        ("a kind under a case's digest", Some(u32::MAX), of_another(DocKind::Case, phone.id(2)), "kind"),
        ("a sheet under a case's digest", Some(1), of_another(DocKind::Case, phone.id(2)), "digest"),
        ("a case under another kind's digest", None, of_another(DocKind::Sheet, phone.id(2)), "digest"),
    ];
    for (nth, (what, kind, digest, word)) in (1_u8..).zip(corpus) {
        let mut request = phone.request();
        // A chain of its own for each: what is refused must not depend on numbers.
        (request.install, request.chain, request.batch) = (InstallId::new([nth; 16]), None, None);
        let mut batch = phone.batch_of(&request, vec![pushed(2).0, pushed(4).0]);
        (batch.docs[0].kind, batch.docs[0].digest) = (kind, digest);
        batch.sig = phone.signer().sign(&batch.message()).unwrap();
        let ack = send(&world, &phone, &SyncRequest { batch: Some(batch), ..request }).await.unwrap();
        let [bad, good] = ack.cases.as_slice() else { panic!("{what}: {ack:?}") };
        assert!(bad.fault.as_ref().is_some_and(|fault| fault.contains(word)) && bad.rows.is_empty(), "{what}: {bad:?}");
        assert!(good.fault.is_none() && good.quarantined.is_empty() && good.rows.len() == 1, "{what}: {good:?}");
    }
    assert!(world.on_server(&phone.id(2)).1.is_empty(), "nothing of it was taken");
    phone.fail(2, "DF-NOBODY").unwrap();
    phone.sync().await.unwrap();
    phone.agrees_with(&world, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_clock_that_can_not_be_read_is_no_clock_and_the_request_is_answered() {
    let mut world = World::new().await;
    let phone = world.device("phone", "c1").await;
    phone.sync().await.unwrap();
    let body = seal(&encode(&phone.request()).unwrap()).unwrap();
    let long = "a".repeat(4_000);
    for clock in
        ["", "-", "zz-1", "01010101-", "01010101--1", "0101010101-1", "01010101-99999999999999999999", "01010101-1-1", &long]
    {
        let headers = [("authorization", phone.bearer()), (CLOCK_HEADER, clock.to_owned())];
        let headers: Vec<(&str, &str)> = headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
        assert_eq!(raw(world.addr(), "POST", "/v1/sync", &headers, &body).await.status, 200, "{clock:?}");
    }
    phone.fail(2, "DF-NOBODY").unwrap();
    world.hands.advance(30);
    // The failure was recorded half an hour before this request and does not come with it. So it is passed over.
    let headers = [("authorization", phone.bearer()), (CLOCK_HEADER, "zz-1".to_owned())];
    let headers: Vec<(&str, &str)> = headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
    assert_eq!(raw(world.addr(), "POST", "/v1/sync", &headers, &body).await.status, 200);
    world.hands.advance(60);
    phone.sync().await.unwrap();
    phone.agrees_with(&world, 2);
    let receipt = world.on_server(&phone.id(2)).1[0].standing.receipt().unwrap();
    assert!(receipt.acted.passed_over && receipt.review, "{receipt:?}");
}
