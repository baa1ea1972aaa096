//! A body as it comes over the network: one zstd frame with a message of CBOR in it. What decodes, encodes and decodes to the
//! same message, and nothing in it makes its reader panic.
#![no_main]

use doorstep_domain::{CaseId, ChangeHash, DeviceId, UnixMs};
use doorstep_fuzz::{fenced, prepare};
use doorstep_protocol::{
    Ack, Batch, Brought, EnrolRequest, EnrolResponse, Envelope, ErrorBody, FeedPage, Header, NonceResponse, Proofs, Push, Pushed,
    Refs, Sending, SessionRequest, SessionResponse, Signed, Spoken, SyncRequest, SyncResponse, Vouched, decode, encode, open,
    pack_receipts, seal, unpack_receipts, unpack_verdicts,
};
use libfuzzer_sys::{fuzz_mutator, fuzz_target, fuzzer_mutate};

/// Small, so that a bomb is over soon.
const LIMIT: usize = 256 * 1024;

fuzz_target!(init: prepare(), |data: &[u8]| {
    fenced(|| {
        let Ok(body) = open(data, LIMIT) else { return };
        assert!(body.len() <= LIMIT);
        message::<SyncRequest>(&body);
        message::<Envelope>(&body);
        message::<Push>(&body);
        message::<Header>(&body);
        message::<Sending>(&body);
        message::<Brought>(&body);
        message::<Vouched>(&body);
        if let Some(proofs) = message::<Proofs>(&body) {
            proofs.own();
            // Nothing that the fuzzer makes is signed.
            assert!(proofs.proofs.iter().all(|proof| proof.verify(&CaseId::new([1; 16])).is_none()));
        }
        message::<Batch>(&body).iter().for_each(check_batch);
        message::<Signed>(&body).iter().for_each(check_signed);
        message::<EnrolRequest>(&body);
        message::<EnrolResponse>(&body);
        message::<SessionRequest>(&body);
        message::<SessionResponse>(&body);
        message::<NonceResponse>(&body);
        message::<Refs>(&body);
        message::<ErrorBody>(&body);
        if let Some(page) = message::<FeedPage>(&body) {
            check_page(&page);
        }
        if let Some(ack) = message::<Ack>(&body) {
            check_ack(&ack);
        }
        if let Some(answer) = message::<SyncResponse>(&body) {
            for part in &answer.feed {
                message::<FeedPage>(&part.body).iter().for_each(check_page);
            }
            answer.ack.iter().filter_map(|part| message::<Ack>(&part.body)).for_each(|ack| check_ack(&ack));
            // A signature that was not made with the server's key is not believed.
            let _ = answer.verify(&DeviceId::new([1; 16]), &[4; 65]);
        }
    });
});

fn message<T>(body: &[u8]) -> Option<T>
where
    T: minicbor::Encode<()> + for<'b> minicbor::Decode<'b, ()> + PartialEq + std::fmt::Debug,
{
    let message: T = decode(body).ok()?;
    let again = encode(&message).expect("what was decoded encodes");
    assert_eq!(decode::<T>(&again).expect("what was encoded decodes"), message);
    assert_eq!(open(&seal(&again).expect("it seals"), again.len()).expect("and opens"), again);
    Some(message)
}

fn check_batch(batch: &Batch) {
    message::<Header>(&batch.header);
    message::<Sending>(&batch.sending).iter().for_each(|sending| {
        sending.clocks();
    });
    let resent = Batch { sending: vec![], sig: vec![], ..batch.clone() };
    assert_eq!(resent.hash(), batch.hash(), "a sending is part of no batch's hash");
}

/// An answer of version 3: without the server's key nothing in it is believed, for any request.
fn check_signed(signed: &Signed) {
    let Ok(response) = decode::<SyncResponse>(&signed.body) else { return };
    let ack = response.ack.as_ref().and_then(|part| decode::<Ack>(&part.body).ok());
    let cases = ack.map_or(0, |ack| ack.cases.len());
    let pushed = |cases: usize, changes: u8| -> Vec<Pushed> {
        let changes = |n: usize| (0..changes).map(|i| (ChangeHash::new([i; 32]), u64::from(i) << n.min(40))).collect();
        (0..cases).map(|n| Pushed { doc: (&doorstep_fuzz::case()).into(), changes: changes(n) }).collect()
    };
    for pushed in [vec![], pushed(cases, 0), pushed(cases, 3), pushed(cases + 1, 1)] {
        if let Ok(answer) = SyncResponse::verify_signed(signed, &DeviceId::new([1; 16]), &[4; 65], &pushed) {
            let is_idle = answer.ack.is_none() && answer.feed.iter().all(|page| page.cases.is_empty() && page.out.is_empty());
            assert!(is_idle && answer.witness.is_none() && answer.wipe.is_none(), "nobody signs by chance");
        }
    }
}

fn monos(rows: usize) -> Vec<u64> {
    (0..rows as u64 + 1).map(|n| n.wrapping_mul(0x9e37_79b9_7f4a_7c15)).collect()
}

fn check_page(page: &FeedPage) {
    for case in &page.cases {
        let monos = monos(case.receipts.len());
        let monos = monos.get(1..).unwrap_or_default();
        let receipts = unpack_receipts(&case.receipts, monos).expect("a receipt for each change");
        let rows: Vec<_> = receipts.into_iter().zip(monos.iter().copied()).collect();
        assert_eq!(pack_receipts(&rows, Spoken::Version3).len(), rows.len());
    }
}

fn check_ack(ack: &Ack) {
    for case in &ack.cases {
        let monos = monos(case.rows.len());
        let verdicts = unpack_verdicts(UnixMs(ack.received_ms), &case.rows, &case.quarantined, &monos);
        assert_eq!(verdicts.len(), monos.len(), "a verdict for each change that was sent");
    }
}

// Changes the message inside the frame three times of four: a frame with a byte changed seldom opens.
fuzz_mutator!(|data: &mut [u8], size: usize, max_size: usize, seed: u32| {
    if seed % 4 == 0 {
        return fuzzer_mutate(data, size, max_size);
    }
    let mut body = data.get(..size).and_then(|frame| open(frame, LIMIT).ok()).unwrap_or_default();
    let len = body.len();
    body.resize(len + 256, 0);
    let len = fuzzer_mutate(&mut body, len, len + 256);
    match seal(body.get(..len).unwrap_or_default()) {
        Ok(frame) if frame.len() <= max_size => {
            data.iter_mut().zip(&frame).for_each(|(to, from)| *to = *from);
            frame.len()
        }
        _ => fuzzer_mutate(data, size, max_size),
    }
});
